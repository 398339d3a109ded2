"""The palette on the screen: a field, and below it what it has found."""

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QDialog, QLineEdit, QWidget
from typing_extensions import override

from pumpwatch_gui.gui.look.layout import resize_within_screen, vbox
from pumpwatch_gui.gui.palette.matching import best
from pumpwatch_gui.gui.palette.places import SHOWN_UNASKED, Place, places_of
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

MOST = 60
"""Entries shown; more letters find the others."""

_STEPS = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -10, Qt.Key.Key_PageDown: 10}
_ENTERS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class PaletteDialog(QDialog):
    """Type a few letters, Enter does the first; arrows choose another. The field keeps the keyboard."""

    def __init__(self, context: PageContext, _pump_id: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        resize_within_screen(self, context.appearance.px(640), context.appearance.px(460))
        self.places = places_of(parent, context) if parent is not None else ()
        self.found: RowsModel[Place] = RowsModel(_columns(), key=lambda p: (p.kind, p.words))
        self.typed = QLineEdit()
        self.typed.setPlaceholderText("Page, pump, tag or command")
        self.typed.setAccessibleName("Find a page, pump, tag or command")
        self.typed.textChanged.connect(self._find)
        self.typed.installEventFilter(self)
        self.view = TableView(context.appearance, self.found, "Found", nothing="Nothing is called so")
        self.view.horizontalHeader().hide()
        self.view.setSortingEnabled(False)
        self.view.activated.connect(lambda _: self.go())
        vbox(self.typed, (self.view, 1), parent=self, margin=12)
        self.typed.setFocus()
        self._find("")

    def go(self) -> None:
        """Close, then do what is chosen; nothing when nothing is found."""
        place = self.found.row_at(self.view.chosen)
        if place is not None:
            self.accept()
            QTimer.singleShot(0, place.go)  # once the window has the keyboard again

    def _find(self, typed: str) -> None:
        if typed.strip():
            found = best(typed, self.places, lambda p: f"{p.words} {p.kind} {p.keys}", most=MOST)
        else:
            found = [place for place in self.places if place.kind in SHOWN_UNASKED]
        self.found.show_rows(found)
        self.view.selectRow(0)
        self.view.scrollToTop()
        self._say()

    def _say(self) -> None:
        at = self.view.chosen.row()
        place = self.found.row_at(self.view.chosen)
        words = f"{place.words}, {place.kind}, {at + 1} of {len(self.found.rows)}" if place else "nothing found"
        self.typed.setAccessibleDescription(words)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows and page keys move the choice, Enter does it; the rest is typed."""
        if watched is self.typed and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if (step := _STEPS.get(Qt.Key(event.key()))) is not None and self.found.rows:
                at = max(0, min(self.view.currentIndex().row() + step, len(self.found.rows) - 1))
                self.view.selectRow(at)
                self.view.scrollTo(self.view.currentIndex(), QAbstractItemView.ScrollHint.EnsureVisible)
                self._say()
                return True
            if event.key() in _ENTERS:
                self.go()
                return True
        return super().eventFilter(watched, event)


def _columns() -> list[Column[Place]]:
    return [
        Column("What", lambda p: p.words, elided=True),
        Column("Kind", lambda p: p.kind),
        Column("Key", lambda p: p.keys),
    ]
