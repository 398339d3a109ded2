"""The keyboard, mouse and focus of every list and grid that is painted by hand."""

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy
from typing_extensions import override

from pumpwatch_gui.gui.look.theme import Appearance, color
from pumpwatch_gui.gui.look.widgets import Painted
from pumpwatch_gui.gui.shell.page import TREND_KEY


class PaintedList(Painted):
    """Cells of which one has the keyboard. Arrows, Home and End move it, Enter or a click activates.

    `TREND_KEY` asks for the trend of the current one (`trend_asked`).

    A subclass says how many cells there are and where, what one says, and what activating one does.
    """

    trend_asked = Signal(int)
    activating_keys: tuple[Qt.Key, ...] = (Qt.Key.Key_Return, Qt.Key.Key_Enter)

    def __init__(self, appearance: Appearance, name: str) -> None:
        super().__init__(appearance, name)
        self._at = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def cell_count(self) -> int:
        """How many cells there are."""
        raise NotImplementedError

    def cell_rect(self, i: int) -> QRectF:
        """The place of a cell."""
        raise NotImplementedError

    def cell_words(self, i: int) -> str:
        """What a cell says, for assistive technology."""
        raise NotImplementedError

    @property
    def cell_current(self) -> int:
        """The cell that has the keyboard when the widget has it."""
        return self._at

    def cell_columns(self) -> int:
        """How many cells are next to one another."""
        return 1

    def cell_above(self) -> int:
        """The cell that the arrow up leads to; one that is not there for none."""
        return self._at - self.cell_columns()

    def cell_below(self) -> int:
        """The cell that the arrow down leads to."""
        return self._at + self.cell_columns()

    def cell_at(self, point: QPointF) -> int | None:
        """The cell at a point of the widget."""
        return next((i for i in range(self.cell_count()) if self.cell_rect(i).contains(point)), None)

    def speak(self) -> None:
        """Say to assistive technology what the current cell shows."""
        raise NotImplementedError

    def activate(self, i: int) -> None:
        """A cell was chosen."""
        raise NotImplementedError

    def move_to(self, at: int) -> None:
        """Give the keyboard to a cell; one outside leaves it where it is."""
        if 0 <= at < self.cell_count():
            self._at = at
            self.speak()
            self.update()

    def paint_focus(self, painter: QPainter, margin: float) -> None:
        """Outline the current cell while the widget has the keyboard."""
        if self.hasFocus() and self._at < self.cell_count():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(color(self.appearance.theme.focus), 1, Qt.PenStyle.DotLine))
            painter.drawRect(self.cell_rect(self._at).adjusted(margin, margin, -margin, -margin))

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """See the class."""
        columns, key = self.cell_columns(), Qt.Key(event.key())
        steps = {Qt.Key.Key_Up: self.cell_above() - self._at, Qt.Key.Key_Down: self.cell_below() - self._at}
        if columns > 1:
            steps |= {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        ends = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: self.cell_count() - 1}
        if key in steps:
            self.move_to(self._at + steps[key])
        elif key in ends:
            self.move_to(ends[key])
        elif key in self.activating_keys and self._at < self.cell_count():
            self.activate(self._at)
        elif key is TREND_KEY and not event.modifiers() and self._at < self.cell_count():
            self.trend_asked.emit(self._at)
        else:
            super().keyPressEvent(event)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Move to the cell under the pointer and activate it."""
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        at = self.cell_at(event.position())
        if at is not None:
            self.move_to(at)
            self.activate(at)

    @override
    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show and say where the keyboard is."""
        self.speak()
        self.update()

    @override
    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show that it is elsewhere."""
        self.update()
