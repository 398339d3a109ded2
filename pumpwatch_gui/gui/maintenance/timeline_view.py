"""The timeline as it is painted: lanes of stretches and instants over one time axis."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QToolTip
from typing_extensions import override

from pumpwatch_gui.domain.timeline import TimelineLane, TimelineMark
from pumpwatch_gui.domain.wording import duration, stamp
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.theme import MEDIUM, STRONG, Appearance, color
from pumpwatch_gui.gui.look.time_axis import AXIS_PX, time_axis
from pumpwatch_gui.gui.look.time_picture import TimePicture
from pumpwatch_gui.gui.look.time_view import DAY_S, TimeView

NAMES_PX, ROW_PX, GAP_PX = 104, 18, 6
MOST_STEADY = 4
LEAST_PX = 4
"""The least width of a stretch: what lasted a second must be seen in a month."""


@dataclass(frozen=True, slots=True)
class _Placed:
    mark: TimelineMark
    rect: QRectF


class TimelineView(TimePicture):
    """Shows marks over a stretch of time. `chosen` comes with the mark that a person selects, `opened` by Enter."""

    chosen = Signal(object)
    opened = Signal(object)

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance, "Timeline", TimeView.last(DAY_S, 0.0))
        self.marks: tuple[TimelineMark, ...] = ()
        self._key = ""
        self._placed: list[_Placed] = []
        self._left_out: dict[TimelineLane, int] = {}
        self._lanes: list[tuple[TimelineLane, QRectF]] = []
        self._steady = 0

    @override
    def sizeHint(self) -> QSize:
        return QSize(self.appearance.px(900), self.appearance.px(320))

    # ---------------------------------------------------------------- what is shown

    def show_marks(self, marks: Sequence[TimelineMark], view: TimeView, now_s: float) -> None:
        """Show these over that time; the selection stays with its mark while it is there."""
        self.marks, self.view, self._now_s = tuple(marks), view, now_s
        if self.selected is None:
            self._key = ""
        self._place()
        self._speak()
        self.update()

    @property
    def selected(self) -> TimelineMark | None:
        """The mark that a person has selected."""
        return next((mark for mark in self.marks if mark.key == self._key), None)

    def select(self, mark: TimelineMark | None) -> None:
        """Select a mark, or none."""
        self._key = mark.key if mark is not None else ""
        self._speak()
        self.update()
        self.chosen.emit(mark)

    def _speak(self) -> None:
        shown = Counter(mark.lane for mark in self.marks)
        counts = ", ".join(f"{lane.value}: {shown[lane]}" for lane in TimelineLane)
        chosen = self.selected
        self.describe(f"{words_of(chosen)}. " * (chosen is not None) + counts)

    # ---------------------------------------------------------------- places

    @property
    @override
    def _area(self) -> QRectF:
        px = self.appearance.px
        return QRectF(px(NAMES_PX), 0, max(self.width() - px(NAMES_PX), 1), max(self.height() - px(AXIS_PX), 1))

    def _place(self) -> None:
        """Give each lane its rows: all it needs where there is room, else the fullest lanes give way."""
        px, area = self.appearance.px, self._area
        shown = self._without_steady()
        packed = {lane: self._packed([m for m in shown if m.lane is lane]) for lane in TimelineLane}
        rows = {lane: max(len(own), 2 if lane is TimelineLane.RUNNING else 1) for lane, own in packed.items()}
        room = int((area.height() - len(rows) * px(GAP_PX)) / px(ROW_PX))
        while sum(rows.values()) > max(room, len(rows)):
            fullest = max(rows, key=lambda lane: rows[lane])
            rows[fullest] -= 1
        spare = max(area.height() - (sum(rows.values()) * px(ROW_PX) + len(rows) * px(GAP_PX)), 0.0) / len(rows)
        self._placed, self._lanes, top = [], [], area.top()
        for lane, own in packed.items():
            height = rows[lane] * px(ROW_PX) + px(GAP_PX) + spare
            self._lanes.append((lane, QRectF(area.left(), top, area.width(), height)))
            for row, marks in enumerate(own[: rows[lane]]):
                y = top + px(GAP_PX) / 2 + row * px(ROW_PX)
                self._placed += [_Placed(mark, self._rect(mark, y)) for mark in marks]
            self._left_out[lane] = sum(map(len, own[rows[lane] :]))
            top += height

    def _without_steady(self) -> list[TimelineMark]:
        """The marks without the pumps that ran all the time, where they are too many to be of interest each."""
        steady = {m.key for m in self.marks if m.lane is TimelineLane.RUNNING and self._is_whole(m)}
        self._steady = len(steady) if len(steady) > MOST_STEADY else 0
        return [m for m in self.marks if not self._steady or m.key not in steady]

    def _is_whole(self, mark: TimelineMark) -> bool:
        area = self._area
        return self._x(mark.start_ns / 1e9) <= area.left() + 1 and self._x(mark.end_ns / 1e9) >= area.right() - 1

    def _packed(self, marks: list[TimelineMark]) -> list[list[TimelineMark]]:
        """Marks in rows in which none lies on another, each in the first row that has room."""
        rows: list[list[TimelineMark]] = []
        ends: list[float] = []
        for mark in marks:
            if mark.end_ns / 1e9 < self.view.start_s or mark.start_ns / 1e9 > self.view.end_s:
                continue
            rect = self._rect(mark, 0)
            row = next((i for i, end in enumerate(ends) if end < rect.left()), len(rows))
            if row == len(rows):
                rows.append([])
                ends.append(0.0)
            rows[row].append(mark)
            ends[row] = rect.right()
        return rows

    def _rect(self, mark: TimelineMark, y: float) -> QRectF:
        px, area = self.appearance.px, self._area
        left = max(self._x(mark.start_ns / 1e9), area.left())
        right = min(self._x(mark.end_ns / 1e9), area.right())
        if mark.start_ns == mark.end_ns:
            left, right = left - px(6), left + px(6)
        width = max(right - left, px(LEAST_PX))
        return QRectF(min(left, area.right() - width - 1), y, width, px(ROW_PX) - 2)

    # ---------------------------------------------------------------- painting

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Names at the left, lanes with their marks, the time below."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._place()
        time_axis(painter, self.appearance, self.view, self._area, zone_px=self.appearance.px(NAMES_PX))
        for lane, rect in self._lanes:
            self._paint_name(painter, lane, rect)
        for placed in self._placed:
            self._paint_mark(painter, placed)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(color(self.appearance.theme.focus), 1, Qt.PenStyle.DotLine))
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    def _paint_name(self, painter: QPainter, lane: TimelineLane, rect: QRectF) -> None:
        theme, px = self.appearance.theme, self.appearance.px
        painter.setPen(QPen(color(theme.line), 1))
        painter.drawLine(QLineF(0, rect.bottom(), self.width(), rect.bottom()))
        place = QRectF(px(6), rect.top(), px(NAMES_PX) - px(10), px(ROW_PX) + px(GAP_PX))
        paint.text(painter, self.appearance, place, lane.value, theme.text, size=12, weight=MEDIUM)
        left_out = self._left_out.get(lane, 0)
        words = f"+{left_out} more" if left_out else ""
        if lane is TimelineLane.RUNNING and self._steady:
            words = f"{self._steady} all the time"
        paint.text(painter, self.appearance, place.translated(0, px(ROW_PX)), words, theme.dim, size=11)

    def _paint_mark(self, painter: QPainter, placed: _Placed) -> None:
        theme, px, mark, rect = self.appearance.theme, self.appearance.px, placed.mark, placed.rect
        is_chosen = mark.key == self._key
        fill, line, words = color(theme.band), theme.edge, theme.text
        if mark.priority is not None:
            fill, line = theme.priority_color(mark.priority), theme.mark_line
            words = theme.on_priority[mark.priority - 1]
        painter.setBrush(fill)
        painter.setPen(QPen(color(theme.strong if is_chosen else line), 2.5 if is_chosen else 1))
        if mark.start_ns == mark.end_ns:
            middle, half = rect.center(), px(6)
            painter.drawPolygon(
                QPolygonF([middle + QPointF(x, y) for x, y in ((0, -half), (half, 0), (0, half), (-half, 0))])
            )
            return
        painter.drawRect(rect)
        if rect.width() > px(60):
            said = mark.pump_id if mark.lane is TimelineLane.RUNNING else f"{mark.pump_id} {mark.text}"
            inner = rect.adjusted(px(5), 0, -px(5), 0)
            paint.text(painter, self.appearance, inner, said, words, size=11, weight=STRONG)

    # ---------------------------------------------------------------- pointer and keys

    def mark_at(self, point: QPointF) -> TimelineMark | None:
        """The mark at a point, the one painted last."""
        reach = self.appearance.px(2)
        hit = (p.mark for p in reversed(self._placed) if p.rect.adjusted(-reach, 0, reach, 0).contains(point))
        return next(hit, None)

    @override
    def event(self, event: QEvent) -> bool:
        """The tool tip of a mark says all of it."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            mark = self.mark_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), words_of(mark) if mark is not None else "", self)
            return True
        return super().event(event)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select what is under the pointer, or take hold of the time."""
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        mark = self.mark_at(event.position())
        self.select(mark)
        self._hold(event.position() if mark is None else None)

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open the mark under the pointer."""
        if (mark := self.mark_at(event.position())) is not None:
            self.opened.emit(mark)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Right and Left go from mark to mark in time, Up and Down to the lane above and below."""
        key, at = event.key(), self.selected
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and at is not None:
            self.opened.emit(at)
        elif key == Qt.Key.Key_Escape and at is not None:
            self.select(None)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._step(Qt.Key(key), at)
        else:
            super().keyPressEvent(event)

    def _step(self, key: Qt.Key, at: TimelineMark | None) -> None:
        seen = [placed.mark for placed in self._placed]
        if not seen:
            return
        if at is None or at not in seen:
            self.select(max(seen, key=lambda m: m.start_ns))
            return
        lanes = [lane for lane in TimelineLane if any(m.lane is lane for m in seen)]
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            place = lanes.index(at.lane) + (1 if key == Qt.Key.Key_Down else -1)
            if 0 <= place < len(lanes):
                own = [m for m in seen if m.lane is lanes[place]]
                self.select(min(own, key=lambda m: abs(m.start_ns - at.start_ns)))
            return
        own = sorted((m for m in seen if m.lane is at.lane), key=lambda m: (m.start_ns, m.key))
        place = own.index(at) + (1 if key == Qt.Key.Key_Right else -1)
        if 0 <= place < len(own):
            self.select(own[place])


def words_of(mark: TimelineMark | None) -> str:
    """A mark in words: pump, what it is, from when to when."""
    if mark is None:
        return ""
    whose = f"{mark.pump_id}  {mark.text}".strip()
    if mark.start_ns == mark.end_ns:
        return f"{whose}, {stamp(mark.start_ns)}"
    lasted = duration((mark.end_ns - mark.start_ns) / 1e9)
    until = f"goes on, {lasted} so far" if mark.is_open else f"to {stamp(mark.end_ns)}, {lasted}"
    return f"{whose}, {stamp(mark.start_ns)} {until}"
