"""The time bar of a replay: the stretch of history on it, what happened when, and the instant on show."""

from math import ceil

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QSizePolicy
from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.replay import JournalIndex, ReplayState
from pumpwatch_gui.domain.wording import local_time, stamp
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.theme import Appearance, color
from pumpwatch_gui.gui.look.time_view import DAY_S, SHORTEST_S, TimeView
from pumpwatch_gui.gui.look.widgets import Painted

HEIGHT, TICK_PX, MARK_PX, EDGE_PX = 40, 96, 12, 10
ZOOM = 0.7
STEPS_S = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_PageUp: -60, Qt.Key.Key_PageDown: 60}
PAN_AT = 0.92
"""Of its width: from there on the stretch on the bar goes with a replay that plays."""


class TimeTrack(Painted):
    """Click or drag turns to a time: `asked` carries it (Unix UTC ns). The wheel and + and - zoom, the arrows step."""

    asked = Signal(object)

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance, "Time bar of the replay")
        self.state = ReplayState(0, 1)
        self.time_ns = 0
        self.view = TimeView(0.0, SHORTEST_S)
        self.length_s: float | None = None
        """Of the stretch on the bar, None for all of the history."""
        self._index: JournalIndex | None = None
        self._held_s: float | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @override
    def sizeHint(self) -> QSize:
        """Marks, line and times."""
        return QSize(300, self.appearance.px(HEIGHT))

    # ---------------------------------------------------------------- what is shown

    def show_replay(self, state: ReplayState, time_ns: int, index: JournalIndex | None) -> None:
        """Show where the replay is."""
        if (state, time_ns, index) != (self.state, self.time_ns, self._index):
            self.state, self.time_ns, self._index = state, time_ns, index
            self._place()
            self.describe(f"{stamp(time_ns)} of {stamp(state.start_ns)} to {stamp(state.end_ns)}")
            self.update()

    def set_length(self, length_s: float | None) -> None:
        """Have so long a stretch on the bar, around the instant on show; None for all of the history."""
        self.length_s = length_s
        self.view = TimeView(0.0, 0.0)
        self._place()
        self.update()

    def _place(self) -> None:
        """Keep the instant on show inside the stretch, and the stretch inside the history."""
        first, last, now = (at / 1e9 for at in (self.state.start_ns, self.state.end_ns, self.time_ns))
        whole_s = max(last - first, SHORTEST_S)
        length_s = whole_s if self.length_s is None else min(max(self.length_s, SHORTEST_S), whole_s)
        start_s = self.view.start_s
        is_inside = start_s <= now <= start_s + PAN_AT * length_s or start_s + length_s >= last > start_s
        if not (is_inside and start_s <= now and abs(self.view.length_s - length_s) < 1e-6):
            start_s = now - length_s / 2
        start_s = max(min(start_s, first + whole_s - length_s), first)
        self.view = TimeView(start_s, start_s + length_s)

    # ---------------------------------------------------------------- places

    @property
    def _line(self) -> QRectF:
        px = self.appearance.px
        return QRectF(px(EDGE_PX), px(MARK_PX + 3), max(self.width() - 2 * px(EDGE_PX), 1), px(7))

    def x_of(self, time_s: float) -> float:
        """Where a time (Unix seconds) is."""
        return self._line.left() + (time_s - self.view.start_s) / self.view.length_s * self._line.width()

    def time_at(self, x: float) -> float:
        """The time at a place, within the history."""
        at_s = self.view.start_s + (x - self._line.left()) / self._line.width() * self.view.length_s
        return min(max(at_s, self.state.start_ns / 1e9), self.state.end_ns / 1e9)

    # ---------------------------------------------------------------- painting

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """What is past of the stretch is filled; alarms above, times below."""
        theme, px = self.appearance.theme, self.appearance.px
        painter, line = QPainter(self), self._line
        painter.fillRect(line, color(theme.field))
        now_s = self.time_ns / 1e9 if self._held_s is None else self._held_s
        x = min(max(self.x_of(now_s), line.left()), line.right())
        painter.fillRect(QRectF(line.left(), line.top(), x - line.left(), line.height()), color(theme.band))
        painter.setPen(QPen(color(theme.edge), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(line)
        self._times(painter, line)
        self._marks(painter, line)
        handle = QPolygonF([QPointF(x, line.bottom() + px(1)), QPointF(x - px(5), line.bottom() + px(7)),
                            QPointF(x + px(5), line.bottom() + px(7))])  # fmt: skip
        painter.setPen(QPen(color(theme.strong), 2))
        painter.drawLine(QLineF(x, px(1), x, line.bottom() + px(4)))
        painter.setBrush(color(theme.strong))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawPolygon(handle)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(color(theme.focus), 1, Qt.PenStyle.DotLine))
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    def _times(self, painter: QPainter, line: QRectF) -> None:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        most = max(int(line.width() / px(TICK_PX)), 1)
        form = "%Y-%m-%d" if self.view.step_s(most) >= DAY_S else "%H:%M:%S" if self.view.step_s(most) < 60 else "%H:%M"
        free = -1.0
        for at in self.view.ticks(most):
            x = self.x_of(at)
            painter.setPen(QPen(color(theme.edge), 1))
            painter.drawLine(QLineF(x, line.bottom(), x, line.bottom() + px(4)))
            is_day = form != "%Y-%m-%d" and local_time(round(at * 1e9), "%H:%M:%S") == "00:00:00"
            words = local_time(round(at * 1e9), "%m-%d" if is_day else form)
            width = appearance.width(words, 11) + px(4)
            left = min(max(x - width / 2, 0.0), self.width() - width)
            if left > free:
                free = left + width
                place = QRectF(left, line.bottom() + px(6), width, self.height() - line.bottom() - px(6))
                paint.text(painter, appearance, place, words, theme.dim, size=11, align=paint.CENTRE)

    def _marks(self, painter: QPainter, line: QRectF) -> None:
        """Where alarms came, the most urgent of a place; where anything else happened, a line."""
        index = self._index
        if index is None:
            return
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        first, end = np.searchsorted(index.time_ns, [round(at * 1e9) for at in (self.view.start_s, self.view.end_s)])
        xs = np.rint(self.x_of(0.0) + index.time_ns[first:end] / 1e9 * (line.width() / self.view.length_s))
        priority = index.priority[first:end]
        painter.setPen(QPen(color(theme.dim), 1))
        for x in np.unique(xs[priority == 0]).tolist():
            painter.drawLine(QLineF(x + 0.5, line.top() + px(2), x + 0.5, line.bottom() - px(1)))
        worst: dict[int, int] = {}
        for x, rank in zip(xs[priority > 0].tolist(), priority[priority > 0].tolist(), strict=True):
            place = ceil(x / px(MARK_PX))
            worst[place] = min(rank, worst.get(place, rank))
        for place, rank in worst.items():
            box = QRectF((place - 1) * px(MARK_PX), px(1), px(MARK_PX), px(MARK_PX))
            paint.priority_mark(painter, appearance, box, Priority(rank))

    # ---------------------------------------------------------------- mouse and keys

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Turn to the time under the pointer."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._hold(event.position().x())

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say which time is under the pointer; with the button held, turn to it."""
        x = event.position().x()
        self.setToolTip(stamp(round(self.time_at(x) * 1e9)))
        if self._held_s is not None:
            self._hold(x)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._held_s = None
        self.update()

    def _hold(self, x: float) -> None:
        self._held_s = self.time_at(x)
        self.asked.emit(round(self._held_s * 1e9))
        self.update()

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the pointer."""
        self._zoom(ZOOM ** (event.angleDelta().y() / 120), self.time_at(event.position().x()))
        event.accept()

    def _zoom(self, factor: float, around_s: float) -> None:
        whole_s = max((self.state.end_ns - self.state.start_ns) / 1e9, SHORTEST_S)
        length_s = min(max(self.view.length_s * factor, 60.0), whole_s)
        share = (around_s - self.view.start_s) / self.view.length_s
        start_s = min(max(around_s - share * length_s, self.state.start_ns / 1e9),
                      self.state.start_ns / 1e9 + whole_s - length_s)  # fmt: skip
        self.length_s = None if length_s >= whole_s else length_s
        self.view = TimeView(start_s, start_s + length_s)
        self.update()

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The arrows step a second, the page keys a minute; Home and End lead to the ends."""
        key = Qt.Key(event.key())
        if key in STEPS_S and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self.asked.emit(self.time_ns + STEPS_S[key] * 10**9)
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self.asked.emit(self.state.start_ns if key is Qt.Key.Key_Home else self.state.end_ns)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self._zoom(1 / ZOOM if key is Qt.Key.Key_Minus else ZOOM, self.time_ns / 1e9)
        else:
            super().keyPressEvent(event)
