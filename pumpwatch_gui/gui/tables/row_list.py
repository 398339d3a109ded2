"""A short list of painted rows: alarms, events, pumps that need attention. Keyboard: arrows and Enter."""

from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.theme import MEDIUM, Appearance, color
from pumpwatch_gui.gui.tables.painted_list import PaintedList


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a mark or a `left` word, the text (two lines at most), a dim word at the `right`.

    `border` draws the priority's border (blinking is the caller's: it hands in rows with and without). `pump_id` is the
    pump that it is about.
    """

    key: str
    text: str
    left: str = ""
    right: str = ""
    priority: Priority | None = None
    hollow: bool = False
    border: bool = False
    pump_id: str = ""

    @property
    def spoken(self) -> str:
        """The row for assistive technology."""
        rank = f"priority {int(self.priority)}" if self.priority else ""
        return ", ".join(w for w in (rank, self.left, self.text, self.right) if w)


class RowList(PaintedList):
    """Paints rows; `activated` carries the key of a row."""

    activated = Signal(str)

    def __init__(
        self, appearance: Appearance, name: str, *, empty: str, lines: int = 1, live_right: bool = False
    ) -> None:
        super().__init__(appearance, name)
        self.rows: tuple[Row, ...] = ()
        self._empty, self._lines, self._live_right = empty, lines, live_right
        self.describe(empty)

    @property
    def current(self) -> Row | None:
        """The row that has the keyboard."""
        return self.rows[self._at] if self._at < len(self.rows) else None

    def show_rows(self, rows: tuple[Row, ...]) -> None:
        """Show these; the keyboard stays on the same key."""
        if rows == self.rows:
            return
        key = self.current.key if self.current else ""
        many = len(rows) != len(self.rows)
        self.rows = rows
        self._at = next((i for i, row in enumerate(rows) if row.key == key), 0)
        self.speak()
        if many:
            self.updateGeometry()
        self.update()

    def _row_px(self) -> int:
        return self.appearance.px(14 + 18 * self._lines)

    @override
    def sizeHint(self) -> QSize:
        """All rows, or one line for the empty words."""
        return QSize(self.appearance.px(220), max(len(self.rows), 1) * self._row_px())

    @override
    def minimumSizeHint(self) -> QSize:
        """Two rows: below that the list is cut and says how many more there are."""
        return QSize(self.appearance.px(160), min(max(len(self.rows), 1), 2) * self._row_px())

    def _shown(self) -> int:
        """How many rows are shown: one gives way to the count of those that do not fit."""
        fitting = max(1, self.height() // self._row_px())
        return len(self.rows) if len(self.rows) <= fitting else max(fitting - 1, 1)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """The rows that fit; the last line counts those that do not."""
        painter = QPainter(self)
        if not self.rows:
            top = QRectF(0, 0, self.width(), self.appearance.px(24))
            paint.text(painter, self.appearance, top, self._empty, self.appearance.theme.dim, size=12)
        shown = self._shown()
        for i in range(shown):
            self._paint_row(painter, self.cell_rect(i), self.rows[i], i == self._at)
        rest = QRectF(0, shown * self._row_px(), self.width(), self._row_px())
        if shown < len(self.rows) and rest.bottom() <= self.height():
            words = f"and {len(self.rows) - shown} more"
            paint.text(painter, self.appearance, rest, words, self.appearance.theme.dim, size=12)
        painter.end()

    def _paint_row(self, painter: QPainter, box: QRectF, row: Row, current: bool) -> None:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        if current and self.hasFocus():
            painter.setPen(QPen(color(theme.focus), 1))
            painter.setBrush(color(theme.raised))
            painter.drawRect(box.adjusted(-0.5, 0.5, -0.5, -1.5))
        painter.setPen(QPen(color(theme.line), 1))
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        inner = box.adjusted(0, 0, -px(8 if row.priority else 0), 0)
        if row.priority is not None:
            mark = QRectF(inner.left() + px(8), box.top() + px(7), px(17), px(17))
            paint.priority_mark(painter, appearance, mark, row.priority, hollow=row.hollow)
            if row.border:
                paint.alarm_border(painter, appearance, box.adjusted(0, 1, 0, -1), row.priority)
            inner.setLeft(inner.left() + px(34))
        top = QRectF(inner.left(), box.top() + px(7), inner.width(), px(18))
        if row.left:
            used = paint.text(painter, appearance, top, row.left, theme.dim, size=12)
            inner.setLeft(inner.left() + max(used, px(58)) + px(8))
        if row.right:
            token = theme.live if self._live_right else theme.dim
            weight = MEDIUM if self._live_right else paint.REGULAR
            size = 13 if self._live_right else 12
            used = paint.text(painter, appearance, top, row.right, token, size=size, weight=weight, align=paint.RIGHT)
            inner.setRight(inner.right() - used - px(8))
        self._paint_words(painter, QRectF(inner.left(), top.top(), inner.width(), box.bottom() - top.top()), row.text)

    def _paint_words(self, painter: QPainter, context: QRectF, words: str) -> None:
        appearance, height = self.appearance, self.appearance.px(18)
        lines = _wrapped(appearance, words, context.width(), self._lines)
        for i, line in enumerate(lines):
            rect = QRectF(context.left(), context.top() + i * height, context.width(), height)
            paint.text(painter, appearance, rect, line, appearance.theme.text)

    @override
    def cell_count(self) -> int:
        """Every row, those too that do not fit."""
        return len(self.rows)

    @override
    def cell_rect(self, i: int) -> QRectF:
        """Row under row; one that does not fit has no place."""
        height = self._row_px()
        return QRectF(0, i * height, self.width(), height) if i < self._shown() else QRectF()

    @override
    def speak(self) -> None:
        current = self.current
        self.describe(f"{current.spoken} ({self._at + 1} of {len(self.rows)})" if current else self._empty)

    @override
    def activate(self, i: int) -> None:
        self.activated.emit(self.rows[i].key)


def _wrapped(appearance: Appearance, words: str, width: float, lines: int) -> list[str]:
    """Words in at most so many lines; the last one is cut when painted."""
    rest = words.split()
    made: list[str] = []
    while rest and len(made) < lines - 1:
        count = len(rest)
        while count > 1 and appearance.width(" ".join(rest[:count])) > width:
            count -= 1
        made.append(" ".join(rest[:count]))
        rest = rest[count:]
    return [*made, " ".join(rest)] if rest else made
