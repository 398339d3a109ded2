"""The base of every dialog that changes the site: one order, and its outcome on the screen."""

from collections.abc import Callable

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QLayout, QPushButton, QWidget
from typing_extensions import override

from pumpwatch_gui.domain.commands import ChangeSite, Command, ReloadSite
from pumpwatch_gui.domain.events import OrderDone
from pumpwatch_gui.domain.site_changes import SiteChange
from pumpwatch_gui.gui.look.layout import Part, hbox, resize_within_screen, scrolled, vbox
from pumpwatch_gui.gui.look.widgets import Question, StatusText, ask_first, button
from pumpwatch_gui.gui.shell.page import PageContext


class SiteDialog(QDialog):
    """Closes when its order was executed; stays open with the reason when it was refused.

    While the site file is another one than the station has read, no order is executed: then there is a Reload button.
    Put the fields into `content`: it is disabled while an order is under way, and so is Save. `trouble` is the line for
    what is wrong.
    """

    def __init__(self, context: PageContext, size: tuple[int, int], parent: QWidget | None) -> None:
        super().__init__(parent)
        self.context = context
        resize_within_screen(self, *map(context.appearance.px, size))
        self.content = QWidget()
        self.trouble = StatusText()
        self.save_button = button("Save", "Save", self.save)
        self.save_button.setDefault(True)
        self.reload_button = button(
            "Reload", "Read the site file again, which was changed outside this program", self.reload
        )
        self._more: tuple[QPushButton, ...] = ()
        self._held: list[QWidget] = []
        self._is_allowed, self._is_saving = True, False

    def lay_out(self, *fields: Part, head: QLayout | None = None, more: tuple[QPushButton, ...] = ()) -> None:
        """The fields under one another; above them `head`; `more` buttons next to Save."""
        self._more = more
        vbox(*fields, parent=self.content, spacing=12)
        foot = hbox(
            None, self.reload_button, *more, self.save_button, button("Cancel", "Close without saving", self.reject)
        )
        # On a low screen the fields scroll, Save stays.
        vbox(head or vbox(), (scrolled(self.content), 1), self.trouble, foot, parent=self, margin=16, spacing=12)
        self._offer_reload()

    def is_edited(self) -> bool:
        """Whether closing would lose what a person has filled in."""
        raise NotImplementedError

    @override
    def reject(self) -> None:
        """Cancel, Escape, the cross of the window: with edits only after a question."""
        if not self.is_edited():
            self._discard()
            return
        question = Question("Discard the changes?", "They are not saved.", yes="Discard", no="Go on editing")
        ask_first(self, question, self._discard)

    def _discard(self) -> None:
        super().reject()

    def save(self) -> None:
        """Order what was filled in."""
        raise NotImplementedError

    def show_site(self) -> None:
        """Fill the fields from the site as it is now, where a dialog shows it."""

    def reload(self) -> None:
        """Order that the site file be read again."""
        self._order(ReloadSite(), self._reloaded)

    def order(self, changes: tuple[SiteChange, ...]) -> None:
        """Order these changes, all or none; nothing to change closes the dialog."""
        if not changes:
            self.accept()
            return
        self._order(ChangeSite(changes), self._done)

    def allow_save(self, allowed: bool) -> None:
        """Whether what is filled in may be saved."""
        self._is_allowed = allowed
        self.save_button.setEnabled(allowed and not self._is_saving)

    def hold(self, on: bool) -> None:
        """Disable everything but Cancel, while an order is under way."""
        self._is_saving = on
        if on:
            self._held = [part for part in (self.content, self.reload_button, *self._more) if part.isEnabled()]
        for part in self._held:
            part.setEnabled(not on)
        self.allow_save(self._is_allowed)

    def _order(self, command: Command, on_done: Callable[[OrderDone], None]) -> None:
        self.hold(True)
        self.context.order(command, on_done)

    def _done(self, outcome: OrderDone) -> None:
        self.hold(False)
        if outcome.ok:
            self.accept()
        else:
            self.trouble.warn(outcome.text)
            self._offer_reload()

    def _reloaded(self, outcome: OrderDone) -> None:
        self.hold(False)
        self._offer_reload()
        if outcome.ok:
            self.show_site()
            self.trouble.say(outcome.text)
        else:
            self.trouble.warn(outcome.text)

    def _offer_reload(self) -> None:
        self.reload_button.setVisible(self.context.station.latest().is_site_edited)


def undo_buttons(dialog: QDialog, step: Callable[[int], None]) -> tuple[QPushButton, QPushButton]:
    """Undo and Redo with their keys; `step` goes back (-1) or forth (1)."""
    undo = button("Undo", "Undo the last change", lambda: step(-1), hint="Ctrl+Z")
    redo = button("Redo", "Redo what was undone", lambda: step(1), hint="Ctrl+Shift+Z, Ctrl+Y")
    for made, keys in ((undo, ("Ctrl+Z",)), (redo, ("Ctrl+Shift+Z", "Ctrl+Y"))):
        made.setEnabled(False)
        for key in keys:
            QShortcut(QKeySequence(key), dialog, made.click)
    return undo, redo
