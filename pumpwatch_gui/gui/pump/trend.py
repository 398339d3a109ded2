"""Stacked live trends on one time axis, painted by hand.

Every lane has a fixed engineering scale; gaps stay gaps; a paused picture says so. Painting costs some milliseconds for
ten sensors because only as many points are drawn as there are pixels (`curves`).
"""

from math import isfinite

from PySide6.QtCore import QLineF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy
from typing_extensions import override

from pumpwatch_gui.domain.display import ABSENT
from pumpwatch_gui.domain.station import PumpView, StationView
from pumpwatch_gui.domain.values.trace import Trace
from pumpwatch_gui.domain.wording import UNKNOWN, clock, local_time, unit_text
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.theme import STRONG, color
from pumpwatch_gui.gui.look.widgets import Painted
from pumpwatch_gui.gui.pump.lane_curve import LaneCurve
from pumpwatch_gui.gui.pump.lanes import (
    Lane,
    TimeWindow,
    derived_columns,
    lane_rects,
    score_lane,
    sensor_lane,
    spoken,
    value_at,
)
from pumpwatch_gui.gui.pump.still_lanes import GUTTER_PX, HEAD_PX, lane_head, still_lanes
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.shell.past import PastTraces

AXIS_PX, TITLE_PX = 22, 26


class TrendStack(Painted):
    """All sensors of one pump and its anomaly score. `window_changed`: length or pause changed.

    Keys: Space pauses, + and - zoom, [ and ] go back and forth, Left and Right move the cursor, End is live again,
    Escape removes the cursor and makes all lanes equal.
    """

    window_changed = Signal()

    def __init__(self, context: PageContext) -> None:
        super().__init__(context.appearance, "Live trends")
        self.context = context
        self.window_now = TimeWindow()
        self.cursor_s: float | None = None
        self.lanes: tuple[Lane, ...] = ()
        self.large: int | None = None
        self.trended: tuple[str, ...] = ()
        self._pump: PumpView | None = None
        self._trace: Trace | None = None
        self._traces, self._now_s = PastTraces(context), 0.0
        self._traces.came.connect(self._past_came)
        self._curves: list[LaneCurve] = []
        self._still: QPixmap | None = None
        """What stays where it is while time passes: lines, labels and limits of the lanes."""
        self._moved_at: tuple[int, float] | None = None
        self._texts: tuple[str, ...] = ()
        self._drag: tuple[float, TimeWindow] | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @override
    def sizeHint(self) -> QSize:
        """As large as there is room."""
        return QSize(600, 500)

    # ---------------------------------------------------------------- values

    def show_values(self, pump: PumpView, view: StationView, texts: tuple[str, ...]) -> None:
        """Show a pump now; `texts` are the values of its lanes as they may be shown. Repaints only what moved.

        Numbers change with each frame, curves when time has passed by a pixel.
        """
        is_other = self._pump is None or self._pump.pump_id != pump.pump_id
        if self._pump is None or is_other or self._pump.profile is not pump.profile:
            if is_other:
                self._trace, self.cursor_s, self.large = None, None, None
                self.window_now = TimeWindow(self.window_now.length_s)
            self._make_lanes(pump)
            if not is_other:
                self._read()  # in other units, or with a quantity more
        before, self._texts, self._pump = self._texts, texts, pump
        if is_other:
            self._speak()
        self._now_s = now_s = view.time_ns / 1e9
        moved_at = int(now_s / self.window_now.per_pixel_s(self._plot_area().width())), self.window_now.length_s
        if not self.window_now.paused and moved_at != self._moved_at:
            self._moved_at = moved_at
            self.window_now = self.window_now.at(now_s)
            self._read()
        for i, (lane, rect) in enumerate(zip(self.lanes, self._lane_rects(), strict=True)):
            if texts[i : i + 1] != before[i : i + 1]:
                self.update(self._number_box(lane, rect).adjusted(0, 0, 0, -1).toAlignedRect())

    def trend(self, tags: tuple[str, ...]) -> None:
        """Give derived quantities a lane each, below those of the sensors; a pump without one has no lane of it."""
        self.trended, self.large = tags, None
        if self._pump is not None:
            self._make_lanes(self._pump)
            self._renew()

    def _make_lanes(self, pump: PumpView) -> None:
        columns = [*range(len(pump.profile.sensors)), *derived_columns(pump, self.trended)]
        self.lanes = (*(sensor_lane(i, pump.profile.quantities[i]) for i in columns), score_lane())
        self._moved_at = self._still = None

    def _past_came(self, pump_id: str) -> None:
        if self._pump is not None and self._pump.pump_id == pump_id:
            self._read()

    def _read(self) -> None:
        """Take what is known of the window: live from memory, what is missing there from the history."""
        if self._pump is None:
            return
        window = self.window_now
        try:
            start_s = window.start_s - 2 * self._pump.stale_after_s
            self._trace = self._traces.trace(self._pump.pump_id, start_s, window.end_s)
        except KeyError:
            self._trace = None  # taken out of the site between two samples
        self._renew()

    def _renew(self) -> None:
        self._curves = []
        self.update()

    def _lay_out(self) -> None:
        self._still = None
        self._renew()

    # ---------------------------------------------------------------- the window on time

    def set_length(self, length_s: float) -> None:
        """Show so many seconds (10 to 3,600)."""
        self._set_window(self.window_now.zoomed(length_s / self.window_now.length_s))

    def set_paused(self, paused: bool) -> None:
        """Stop the picture, or go on live."""
        self._set_window(TimeWindow(self.window_now.length_s, self.window_now.end_s, paused))

    def _set_window(self, window: TimeWindow) -> None:
        """Turn to another stretch of time, which never ends in the future."""
        self.window_now, self._moved_at = window.at_most(self._now_s or window.end_s), None
        self._read()
        self._renew()
        self._speak()
        self.window_changed.emit()

    def enlarge(self, index: int | None) -> None:
        """Give one lane most of the height; again, or None, makes all equal."""
        self.large = None if index == self.large else index
        self._lay_out()
        self._speak()

    @override
    def focusInEvent(self, event: QFocusEvent) -> None:
        """Say what the curves are at now: not each time they move."""
        super().focusInEvent(event)
        self._speak()

    def _speak(self) -> None:
        pump_id = self._pump.pump_id if self._pump else "no pump"
        self.describe(spoken(pump_id, self.window_now, self.lanes, self._texts, self.large))

    # ---------------------------------------------------------------- painting

    def _plot_area(self) -> QRectF:
        px = self.appearance.px
        return QRectF(0, px(TITLE_PX), self.width() - px(GUTTER_PX), self.height() - px(TITLE_PX + AXIS_PX))

    def _x(self, time_s: float, area: QRectF) -> float:
        return area.right() - (self.window_now.end_s - time_s) * area.width() / self.window_now.length_s

    def _lane_rects(self) -> list[QRectF]:
        return lane_rects(len(self.lanes), self._plot_area(), large=self.large, head=self.appearance.px(HEAD_PX))

    def _number_box(self, lane: Lane, rect: QRectF) -> QRectF:
        """The room of its number."""
        label_px = self.appearance.width(lane.label, 12) + self.appearance.px(8)
        return lane_head(self.appearance, rect).adjusted(label_px, 0, 0, 0)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Title, time axis, lanes, cursor; of these what the event touches."""
        painter, region = QPainter(self), event.region()
        area, rects = self._plot_area(), self._lane_rects()
        if not self._curves and self._trace is not None:
            longest_s = self._pump.stale_after_s if self._pump else 3.0
            self._curves = [
                LaneCurve.of(self._trace, lane, rect, self.window_now, longest_s=longest_s)
                for lane, rect in zip(self.lanes, rects, strict=True)
            ]
        if self._still is None:
            self._still = still_lanes(self.appearance, self.lanes, rects, self.size(), self.devicePixelRatioF())
        painter.drawPixmap(0, 0, self._still)
        if region.boundingRect().top() < area.top():
            self._paint_title(painter)
        if region.boundingRect().bottom() >= area.bottom():  # it moves with the curves
            self._paint_axis(painter, area, rects)
        for i, (lane, rect) in enumerate(zip(self.lanes, rects, strict=True)):
            self._paint_number(painter, lane, rect, i)
            if i < len(self._curves) and region.intersects(rect.toAlignedRect()):
                self._curves[i].paint(painter, self.appearance, lane, rect)
        self._paint_cursor(painter, area)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(color(self.appearance.theme.focus), 1, Qt.PenStyle.DotLine))
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    def _paint_title(self, painter: QPainter) -> None:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        line = QRectF(px(4), 0, self.width() - px(8), px(TITLE_PX - 4))
        title = "Live trends" if self._pump is None or self._pump.links else "Trends"  # of a history under review
        used = paint.text(painter, appearance, line, title, theme.strong, size=14, weight=STRONG)
        if self.window_now.paused:
            words = f"PAUSED, shown up to {clock(int(self.window_now.end_s * 1e9))} · Space: live again"
            width = appearance.width(words, 12, STRONG) + px(16)
            box = QRectF(line.left() + used + px(14), line.top() + px(1), width, line.height() - px(2))
            painter.setPen(QPen(color(theme.warning), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(box)
            paint.text(painter, appearance, box, words, theme.warning, size=12, weight=STRONG, align=paint.CENTRE)
        if self.cursor_s is not None:
            words = f"cursor {clock(int(self.cursor_s * 1e9))}"
            paint.text(painter, appearance, line, words, theme.text, size=12, align=paint.RIGHT)

    def _paint_axis(self, painter: QPainter, area: QRectF, rects: list[QRectF]) -> None:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        most = int(area.width() // px(74))
        seconds = self.window_now.step_s(most) < 60  # or neighbours would read the same
        for tick in self.window_now.ticks(most):
            x = round(self._x(tick, area)) + 0.5
            painter.setPen(QPen(color(theme.raised), 1))
            painter.drawLines([QLineF(x, rect.top(), x, rect.bottom()) for rect in rects])
            words = local_time(round(tick * 1e9), "%H:%M:%S" if seconds else "%H:%M")
            half = appearance.width(words, 11) / 2
            left = min(max(x - half, 0.0), self.width() - 2 * half)
            context = QRectF(left, area.bottom() + px(3), 2 * half + 1, px(AXIS_PX - 4))
            paint.text(painter, appearance, context, words, theme.dim, size=11)

    def _paint_number(self, painter: QPainter, lane: Lane, rect: QRectF, i: int) -> None:
        theme = self.appearance.theme
        value, believed = self._lane_value(lane, i)
        unit = unit_text(lane.unit) if believed else ""
        token, box = theme.live if believed and self.cursor_s is None else theme.text, self._number_box(lane, rect)
        paint.text(painter, self.appearance, box, f"{value} {unit}".rstrip(), token, size=12, weight=STRONG)

    def _lane_value(self, lane: Lane, i: int) -> tuple[str, bool]:
        """The words next to a lane's label, and whether they are a live number or one measured at the cursor."""
        if self._trace is not None and self.cursor_s is not None:
            within = self._pump.stale_after_s if self._pump else 3.0
            value = value_at(self._trace, lane, self.cursor_s, within_s=within)
            return lane.text_of(value), isfinite(value)
        if i < len(self._texts):
            return self._texts[i], not any(mark in self._texts[i] for mark in (UNKNOWN, ABSENT))
        return "", False

    def _paint_cursor(self, painter: QPainter, area: QRectF) -> None:
        if self.cursor_s is None or not self.window_now.start_s <= self.cursor_s <= self.window_now.end_s:
            return
        x = round(self._x(self.cursor_s, area)) + 0.5
        painter.setPen(QPen(color(self.appearance.theme.strong), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QLineF(x, area.top(), x, area.bottom()))

    # ---------------------------------------------------------------- mouse and keys

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The cursor follows; with the button held, the picture is paused and follows."""
        area = self._plot_area()
        if self._drag is not None:
            start, window = self._drag
            share = (start - event.position().x()) / area.width()
            if abs(share) > 0.005:
                self._set_window(window.shifted(share))
            return
        inside = area.left() <= event.position().x() <= area.right()
        self._set_cursor(self._time_at(event.position().x()) if inside else None)

    def _time_at(self, x: float) -> float:
        area = self._plot_area()
        return self.window_now.end_s - (area.right() - x) * self.window_now.length_s / area.width()

    def _set_cursor(self, time_s: float | None) -> None:
        if time_s != self.cursor_s:
            self.cursor_s = time_s
            self.update()

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Hold the picture."""
        self._drag = (event.position().x(), self.window_now)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag = None

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Enlarge the lane under the pointer."""
        rects = lane_rects(len(self.lanes), self._plot_area(), large=self.large, head=self.appearance.px(HEAD_PX))
        for i, rect in enumerate(rects):
            if rect.top() - self.appearance.px(HEAD_PX) <= event.position().y() <= rect.bottom():
                self.enlarge(i)

    @override
    def leaveEvent(self, event: object) -> None:
        self._set_cursor(None)

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom in time; while paused, around the pointer."""
        factor = 0.8 if event.angleDelta().y() > 0 else 1.25
        self._set_window(self.window_now.zoomed(factor, self._time_at(event.position().x())))

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, window = Qt.Key(event.key()), self.window_now
        step = window.length_s / 60
        match key:
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                self._set_window(window.zoomed(0.8, self.cursor_s))
            case Qt.Key.Key_Minus:
                self._set_window(window.zoomed(1.25, self.cursor_s))
            case Qt.Key.Key_BracketLeft:
                self._set_window(window.shifted(-0.25))
            case Qt.Key.Key_BracketRight:
                self._set_window(window.shifted(0.25))
            case Qt.Key.Key_End:
                self.set_paused(False)
            case Qt.Key.Key_Left | Qt.Key.Key_Right:
                at = self.cursor_s if self.cursor_s is not None else window.end_s
                at += step if key is Qt.Key.Key_Right else -step
                self._set_cursor(min(max(at, window.start_s), window.end_s))
            case Qt.Key.Key_Escape:
                self._set_cursor(None)
                self.enlarge(None)
            case _:
                super().keyPressEvent(event)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._lay_out()

    @override
    def _appearance_changed(self) -> None:
        self._lay_out()
        super()._appearance_changed()
