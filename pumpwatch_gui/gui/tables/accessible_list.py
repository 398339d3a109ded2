"""What a screen reader finds of a painted list: a list, and in it an item a cell, though no widget is there."""

from functools import partial

from PySide6.QtCore import QObject, QRect
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QAccessibleWidget
from typing_extensions import override

from pumpwatch_gui.gui.tables.painted_list import PaintedList


class _CellInterface(QAccessibleInterface):
    """One cell; not valid while the list has fewer."""

    def __init__(self, of: "_ListInterface", at: int) -> None:
        super().__init__()
        self._of, self._at = of, at

    @override
    def isValid(self) -> bool:
        return self._at < self._of.childCount()

    @override
    def object(self) -> QObject | None:  # type: ignore[override]
        return None

    @override
    def parent(self) -> QAccessibleInterface:
        return self._of

    @override
    def role(self) -> QAccessible.Role:
        return QAccessible.Role.ListItem

    @override
    def childCount(self) -> int:
        return 0

    @override
    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override]
        return None

    @override
    def childAt(self, x: int, y: int) -> QAccessibleInterface | None:  # type: ignore[override]
        return None

    @override
    def indexOfChild(self, arg__1: QAccessibleInterface) -> int:
        return -1

    @override
    def text(self, t: QAccessible.Text) -> str:
        return self._of.shown.cell_words(self._at) if t is QAccessible.Text.Name and self.isValid() else ""

    @override
    def setText(self, t: QAccessible.Text, text: str) -> None:
        """It says what is painted."""

    @override
    def rect(self) -> QRect:
        shown = self._of.shown
        own = shown.cell_rect(self._at).toAlignedRect() if self.isValid() else QRect()
        return QRect(shown.mapToGlobal(own.topLeft()), own.size())

    @override
    def state(self) -> QAccessible.State:
        made, shown = QAccessible.State(), self._of.shown
        made.focusable = made.selectable = True
        is_current = self._at == shown.cell_current
        made.focused = is_current and shown.hasFocus()
        made.selected = is_current
        made.offscreen = self.rect().isEmpty()
        made.invisible = not shown.isVisible()
        return made


class _ListInterface(QAccessibleWidget):
    """The list itself: its name and description are those of the widget."""

    def __init__(self, shown: PaintedList) -> None:
        super().__init__(shown, QAccessible.Role.List, "")
        self.shown = shown
        self._cells: list[_CellInterface] = []
        shown.destroyed.connect(partial(_forget, self._cells))

    @override
    def childCount(self) -> int:
        return self.shown.cell_count()

    @override
    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override]
        if not 0 <= index < self.childCount():
            return None
        while len(self._cells) <= index:
            made = _CellInterface(self, len(self._cells))
            QAccessible.registerAccessibleInterface(made)
            self._cells.append(made)
        return self._cells[index]

    @override
    def indexOfChild(self, child: QAccessibleInterface) -> int:
        return next((i for i, cell in enumerate(self._cells) if cell is child), -1)

    @override
    def childAt(self, x: int, y: int) -> QAccessibleInterface | None:  # type: ignore[override]
        at = self.shown.cell_at(self.shown.mapFromGlobal(QRect(x, y, 1, 1).topLeft()).toPointF())
        return None if at is None else self.child(at)


def _forget(cells: list[_CellInterface], *_: object) -> None:
    """Qt keeps those of a list that is gone until they are taken out."""
    for cell in cells:
        QAccessible.deleteAccessibleInterface(QAccessible.uniqueId(cell))
    cells.clear()


_made: dict[int, _ListInterface] = {}


def _interface(_name: str, of: QObject) -> QAccessibleInterface | None:
    if not isinstance(of, PaintedList):
        return None
    key = id(of)
    _made[key] = _ListInterface(of)  # Qt keeps what is made, not the Python that it is made of
    of.destroyed.connect(lambda: _made.pop(key, None))
    return _made[key]


def offer_lists() -> None:
    """Have Qt ask here for what a screen reader is shown of painted lists; once for a program."""
    QAccessible.installFactory(_interface)
