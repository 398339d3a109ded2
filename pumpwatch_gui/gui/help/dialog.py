"""Help: one text for each page and dialog of the program, from `resources/help/`."""

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QWidget

from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.gui.look.layout import resize_within_screen, vbox
from pumpwatch_gui.gui.look.marked_text import MarkedText
from pumpwatch_gui.gui.look.theme import Appearance


class HelpDialog(QDialog):
    """Shows `resources/help/TOPIC.md`."""

    def __init__(self, appearance: Appearance, topic: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        resize_within_screen(self, appearance.px(720), appearance.px(620))
        self.browser = MarkedText(appearance, "Help text")
        self.browser.show_text(help_text(topic))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.button(QDialogButtonBox.StandardButton.Close).setAccessibleName("Close help")
        buttons.button(QDialogButtonBox.StandardButton.Close).setAutoDefault(False)
        buttons.rejected.connect(self.reject)
        vbox((self.browser, 1), buttons, parent=self, margin=9)


def help_text(topic: str) -> str:
    """The Markdown of a topic, which is the key of a page or dialog. Raises FileNotFoundError."""
    return (shipped("resources") / "help" / f"{topic}.md").read_text("utf-8")
