"""What every step of adding a pump is."""

from PySide6.QtWidgets import QWidget

from pumpwatch_gui.commissioning.pumps.new_pump import Draft
from pumpwatch_gui.gui.shell.page import PageContext


class Step(QWidget):
    """One step; it fills its part of the draft."""

    title = ""
    advice = ""

    def __init__(self, context: PageContext, draft: Draft) -> None:
        super().__init__()
        self.context, self.draft = context, draft

    @property
    def first(self) -> QWidget:
        """Where the keyboard begins."""
        return self

    def enter(self) -> None:
        """The step is turned to."""

    def leave(self) -> str:
        """Keep what was filled in; what is wrong, in words, keeps the dialog on this step."""
        return ""

    def stop(self) -> None:
        """The step is left, or the dialog closed: nothing goes on in it."""
