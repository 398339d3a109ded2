"""A list of painted rows: alarms, events, pumps that need attention. Keyboard: arrows and Enter."""

from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.cut_text import NOTHING_KEPT, cut
from pumpwatch_gui.gui.look.theme import MEDIUM, Appearance, color
from pumpwatch_gui.gui.tables.painted_list import PaintedList


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a mark or a `left` word, the text, a dim word at the `right`, and `details`, a line each, below.

    `border` draws the priority's border (blinking is the caller's: it hands in the phase). `pump_id` is the
    pump that it is about. `kept` is what of a text on one line is never cut, from and to.
    """

    key: str
    text: str
    details: tuple[str, ...] = ()
    left: str = ""
    right: str = ""
    priority: Priority | None = None
    hollow: bool = False
    border: paint.Emphasis | None = None
    pump_id: str = ""
    kept: tuple[int, int] = NOTHING_KEPT

    @property
    def spoken(self) -> str:
        """The row for assistive technology."""
        rank = f"priority {int(self.priority)}" if self.priority else ""
        return ", ".join(w for w in (rank, self.left, self.text, *self.details, self.right) if w)


class RowList(PaintedList):
    """Paints rows and scrolls. `activated` carries the key of a row: Enter, and a click unless the list `selects`.

    A list that `selects` has a chosen row, or none: a click or an arrow key chooses, and nothing else does.
    """

    activated = Signal(str)

    def __init__(
        self,
        appearance: Appearance,
        name: str,
        *,
        empty: str,
        lines: int = 1,
        live_right: bool = False,
        selects: bool = False,
    ) -> None:
        super().__init__(appearance, name)
        self.rows: tuple[Row, ...] = ()
        self.least_rows = 2
        self._empty, self._lines, self._live_right, self._selects = empty, lines, live_right, selects
        self._chosen = ""
        self._top = 0
        self.describe(empty)

    @property
    def current(self) -> Row | None:
        """The row that is chosen; of a list that does not select, the one that has the keyboard."""
        row = self.rows[self._at] if self._at < len(self.rows) else None
        return None if row is None or (self._selects and row.key != self._chosen) else row

    def show_rows(self, rows: tuple[Row, ...]) -> None:
        """Show these. Keyboard, choice and what is scrolled to stay on their keys; with its row a choice ends."""
        if rows == self.rows:
            return
        at, top = self._key_of(self._at), self._key_of(self._top) if self._top else ""
        many = len(rows) != len(self.rows)
        self.rows = rows
        places = {row.key: i for i, row in enumerate(rows)}
        self._at = places.get(at, max(min(self._at, len(rows) - 1), 0))
        self._top = places.get(top, self._top)
        self._chosen = self._chosen if self._chosen in places else ""
        self._scroll_to(self._top)
        self.speak()
        if many:
            self.updateGeometry()
        self.update()

    def _key_of(self, i: int) -> str:
        return self.rows[i].key if i < len(self.rows) else ""

    @override
    def move_to(self, at: int) -> None:
        """Give the keyboard to a row and show it; a list that selects chooses it."""
        if 0 <= at < len(self.rows):
            self._chosen = self.rows[at].key if self._selects else ""
            self._scroll_to(min(max(self._top, at - self._shown() + 1), at))
        super().move_to(at)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The first arrow chooses the row that has the keyboard, the next ones go on from there."""
        if self._selects and self.current is None and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.move_to(self._at)
        else:
            super().keyPressEvent(event)

    def _scroll_to(self, top: int) -> None:
        top = max(min(top, len(self.rows) - self._shown()), 0)
        if top != self._top:
            self._top = top
            self.update()

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the row under the pointer; a list that does not select activates it."""
        if self._selects:
            at = self.cell_at(event.position())
            if at is not None:
                self.move_to(at)
        else:
            super().mousePressEvent(event)

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll by a row."""
        self._scroll_to(self._top + (1 if event.angleDelta().y() < 0 else -1))

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another height, other rows that fit."""
        self._scroll_to(self._top)

    def _row_px(self) -> int:
        return self.appearance.px(14 + 18 * self._lines)

    def _count_px(self) -> int:
        return self.appearance.px(24)

    @override
    def sizeHint(self) -> QSize:
        """All rows, or one line for the empty words."""
        return QSize(self.appearance.px(220), max(len(self.rows), 1) * self._row_px())

    @override
    def minimumSizeHint(self) -> QSize:
        """Its least rows, and the line that counts the others, which are reached by scrolling."""
        count = self._count_px() if len(self.rows) > self.least_rows else 0
        least = min(max(len(self.rows), 1), self.least_rows) * self._row_px()
        return QSize(self.appearance.px(160), least + count)

    def _shown(self) -> int:
        """How many rows are shown above the count of those that do not fit."""
        if len(self.rows) * self._row_px() <= self.height():
            return len(self.rows)
        return min(max((self.height() - self._count_px()) // self._row_px(), 1), len(self.rows))

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """The rows that fit; the last line counts those above and below them."""
        painter = QPainter(self)
        if not self.rows:
            top = QRectF(0, 0, self.width(), self.appearance.px(24))
            paint.text(painter, self.appearance, top, self._empty, self.appearance.theme.dim, size=12)
        shown = self._shown()
        for i in range(self._top, self._top + shown):
            self._paint_row(painter, self.cell_rect(i), self.rows[i], i)
        rest = QRectF(0, shown * self._row_px(), self.width(), self._count_px())
        if shown < len(self.rows) and rest.bottom() <= self.height():
            below = len(self.rows) - shown - self._top
            counts = ((f"▲ {self._top} above", self._top), (f"▼ {below} more", below))
            words = "   ".join(text for text, count in counts if count)
            paint.text(painter, self.appearance, rest, words, self.appearance.theme.text, size=12)
        painter.end()

    def _paint_row(self, painter: QPainter, box: QRectF, row: Row, i: int) -> None:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        if self._selects and row.key == self._chosen:
            painter.fillRect(box, color(theme.raised))
            painter.fillRect(QRectF(box.left(), box.top(), px(3), box.height() - 1), color(theme.strong))
        if i == self._at and self.hasFocus():
            painter.setPen(QPen(color(theme.focus), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(box.adjusted(-0.5, 0.5, -0.5, -1.5))
        painter.setPen(QPen(color(theme.line), 1))
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        inner = box.adjusted(0, 0, -px(8 if row.priority else 0), 0)
        if row.priority is not None:
            mark = QRectF(inner.left() + px(8), box.top() + px(7), px(17), px(17))
            paint.priority_mark(painter, appearance, mark, row.priority, hollow=row.hollow)
            if row.border:
                paint.alarm_border(painter, appearance, box.adjusted(0, 1, 0, -1), row.priority, row.border)
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
        self._paint_words(painter, QRectF(inner.left(), top.top(), inner.width(), box.bottom() - top.top()), row)

    def _paint_words(self, painter: QPainter, context: QRectF, row: Row) -> None:
        appearance, theme, height = self.appearance, self.appearance.theme, self.appearance.px(18)
        lines = _wrapped(appearance, row.text, context.width(), self._lines - len(row.details))
        if len(lines) == 1:
            lines = [cut(appearance.metrics(), row.text, context.width(), row.kept)]
        for i, line in enumerate((*lines, *row.details)):
            rect = QRectF(context.left(), context.top() + i * height, context.width(), height)
            if i < len(lines):
                paint.text(painter, appearance, rect, line, theme.strong if row.details else theme.text)
            else:  # under the word at the right there is room too
                paint.text(
                    painter, appearance, rect.adjusted(0, 0, self.width() - rect.right(), 0), line, theme.text, size=12
                )

    @override
    def cell_count(self) -> int:
        """Every row, those too that do not fit."""
        return len(self.rows)

    @override
    def cell_rect(self, i: int) -> QRectF:
        """Row under row; one that is scrolled out of sight has no place."""
        height, place = self._row_px(), i - self._top
        return QRectF(0, place * height, self.width(), height) if 0 <= place < self._shown() else QRectF()

    @override
    def speak(self) -> None:
        if self._at >= len(self.rows):
            self.describe(self._empty)
            return
        chosen = ", chosen" if self._selects and self.current else ""
        self.describe(f"{self.rows[self._at].spoken}{chosen} ({self._at + 1} of {len(self.rows)})")

    @override
    def cell_words(self, i: int) -> str:
        return self.rows[i].spoken

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
