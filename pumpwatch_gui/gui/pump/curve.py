"""The pump curve with the live duty point, its trail, the best-efficiency point and the regions around it."""

from functools import partial
from math import isfinite

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy
from typing_extensions import override

from pumpwatch_gui.domain.display import LastGood, ShownValue, Trust, read_sensor
from pumpwatch_gui.domain.ports import Series
from pumpwatch_gui.domain.pump.curve import PumpCurve, fitted_curve, maker_curve
from pumpwatch_gui.domain.station import PumpView, StationView
from pumpwatch_gui.domain.units import Conversion, conversion
from pumpwatch_gui.domain.values.trace import Trace
from pumpwatch_gui.domain.wording import number, unit_text
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.theme import STRONG, color
from pumpwatch_gui.gui.look.widgets import Painted
from pumpwatch_gui.gui.shell.page import PageContext

DUTY_TAGS = (("flow_at_rated_speed_l_min", "head_at_rated_speed_m"), ("flow_rate_l_min", "head_m"))
"""Flow and head of the duty point: at the rated speed where the speed is known, else as they are."""
FITTED_S = 7 * 86_400
"""So much history is fitted where the profile has no curve."""
POINTS = 4000
TRAIL_S = 600.0
LEFT_PX, FOOT_PX, HEAD_PX = 48, 34, 52


class CurveView(Painted):
    """Head in m over flow in the unit that is shown.

    Without points in the profile a curve is fitted to the history, once a pump, and named so.
    """

    def __init__(self, context: PageContext) -> None:
        super().__init__(context.appearance, "Pump curve")
        self.context = context
        self.curve: PumpCurve | None = None
        self.duty: tuple[ShownValue, ShownValue] | None = None
        self.words = ""
        self._pump: PumpView | None = None
        self._trail = np.empty((0, 2))
        self._fitted: dict[str, PumpCurve | None] = {}
        self._asking: set[str] = set()
        self._shown: tuple[object, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @override
    def sizeHint(self) -> QSize:
        """As large as there is room."""
        return QSize(600, 500)

    def show_pump(self, pump: PumpView, view: StationView, last_good: LastGood) -> None:
        """Show a pump now; the trail is that of the last ten minutes. Repaints when a scan has come."""
        is_fitted = pump.pump_id in self._fitted
        shown = (pump.pump_id, id(pump.profile), pump.frame and pump.frame.mono_ns, view.mono_ns // 10**9, is_fitted)
        if shown == self._shown:
            return
        self._shown = shown
        self._pump = pump
        tags = next((t for t in DUTY_TAGS if all(tag in pump.profile.quantity_tags for tag in t)), None)
        self.curve = self._curve(pump, tags, view)
        if tags is None:
            self.duty, self._trail = None, np.empty((0, 2))
            self.words = "a duty point needs the sensors of flow and of both pressures"
        else:
            columns = [pump.profile.index(tag) for tag in tags]
            flow, head = (read_sensor(pump, i, view.mono_ns, last_good) for i in columns)
            self.duty = flow, head
            trace: Trace = self.context.station.trace(pump.pump_id, view.time_ns / 1e9 - TRAIL_S)
            self._trail = trace.values[:, columns].astype(np.float64) * (self._flow.scale, 1.0)
            self.words = self._duty_words()
        self.describe(f"{self.words}; curve {self.curve.origin if self.curve else 'not known'}")
        self.update()

    def _duty_words(self) -> str:
        assert self.duty is not None
        flow, head = self.duty
        if not (isfinite(flow.value) and isfinite(head.value)):
            return f"no duty point: {flow.reason or head.reason}"
        words = f"{flow.with_unit} at {head.with_unit}"
        best = self._pump.profile.nameplate.best_efficiency_flow_l_min if self._pump else None
        if not best:
            return words
        return f"{words}, {number(100 * flow.value / self._flow.shown(best), 0)} % of best efficiency"

    @property
    def _flow(self) -> Conversion:
        """From L/min, the unit of curve, nameplate and duty tags, into that which is shown."""
        return conversion("L/min", self.context.units.choice)

    # ---------------------------------------------------------------- the curve

    def _curve(self, pump: PumpView, tags: tuple[str, str] | None, view: StationView) -> PumpCurve | None:
        if pump.profile.curve is not None:
            return maker_curve(pump.profile.curve)
        if tags is not None and pump.pump_id not in self._fitted and pump.pump_id not in self._asking:
            self._asking.add(pump.pump_id)
            history, profile, pump_id = self.context.station.history, pump.profile, pump.pump_id
            end_ns = view.time_ns
            self.context.ask(
                lambda: history.read(
                    pump_id, tags, start_ns=end_ns - FITTED_S * 10**9, end_ns=end_ns, points=POINTS, profile=profile
                ),
                partial(self._fit, pump_id),
                partial(self._not_fitted, pump_id),
            )
        return self._fitted.get(pump.pump_id)

    def _fit(self, pump_id: str, series: Series) -> None:
        self._asking.discard(pump_id)
        self._fitted[pump_id] = fitted_curve(series.mean[:, 0], series.mean[:, 1])
        self.update()

    def _not_fitted(self, pump_id: str, error: Exception) -> None:
        """A history that cannot be read has an alarm of its own."""
        self._asking.discard(pump_id)
        self._fitted[pump_id] = None

    # ---------------------------------------------------------------- painting

    def _scale(self) -> tuple[float, float]:
        """The ends of both axes, from curve and nameplate, never from live values."""
        plate = self._pump.profile.nameplate if self._pump else None
        flows = [plate.best_efficiency_flow_l_min or 0.0, plate.rated_flow_l_min or 0.0] if plate else []
        heads = [plate.rated_head_m or 0.0] if plate else []
        if self.curve is not None:
            flows.append(float(self.curve.flow_l_min.max()))
            heads.append(float(self.curve.head_m.max()))
        top_flow, top_head = self._flow.shown(max(flows, default=0.0)), max(heads, default=0.0)
        return _round_up(1.15 * top_flow or 1000.0), _round_up(1.2 * top_head or 100.0)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Words, axes, regions, curve, trail, duty point."""
        px = self.appearance.px
        painter = QPainter(self)
        area = QRectF(px(LEFT_PX), px(HEAD_PX), self.width() - px(LEFT_PX + 12), self.height() - px(HEAD_PX + FOOT_PX))
        ends = self._scale()
        self._paint_words(painter)
        self._paint_regions(painter, area, ends)
        self._paint_axes(painter, area, ends)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.curve is not None:
            line = Qt.PenStyle.DashLine if self.curve.is_fitted else Qt.PenStyle.SolidLine
            painter.setPen(QPen(color(self.appearance.theme.text), 1.5, line))
            points = np.column_stack([self._flow.shown(np.asarray(self.curve.flow_l_min)), self.curve.head_m])
            painter.drawPolyline(_polygon(points, area, ends))
        painter.setPen(QPen(self.appearance.theme.faint(self.appearance.theme.live), 1))
        painter.setClipRect(area)
        for part in _unbroken(self._trail):
            painter.drawPolyline(_polygon(part, area, ends))
        painter.setClipping(False)
        self._paint_duty(painter, area, ends)
        painter.end()

    def _paint_words(self, painter: QPainter) -> None:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        line = QRectF(px(4), 0, self.width() - px(8), px(22))
        speed = self._pump.profile.nameplate.rated_speed_rpm if self._pump else None
        title = f"Pump curve at {number(speed, 0)} rpm" if speed else "Pump curve"
        paint.text(painter, appearance, line, title, theme.strong, size=14, weight=STRONG)
        origin = f"curve {self.curve.origin}" if self.curve else "no curve in the profile, too little spread to fit one"
        paint.text(painter, appearance, line, origin, theme.dim, size=12, align=paint.RIGHT)
        is_live = self.duty is not None and all(v.trust is Trust.LIVE for v in self.duty)
        has_point = self.duty is not None and all(isfinite(v.value) for v in self.duty)
        words = f"Duty point {self.words}" if has_point else self.words[:1].upper() + self.words[1:]
        token = theme.live if is_live else theme.text
        paint.text(painter, appearance, line.translated(0, px(22)), words, token, size=13, weight=STRONG)

    def _paint_regions(self, painter: QPainter, area: QRectF, ends: tuple[float, float]) -> None:
        plate = self._pump.profile.nameplate if self._pump else None
        if plate is None or not plate.best_efficiency_flow_l_min:
            return
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        best = self._flow.shown(plate.best_efficiency_flow_l_min)

        def x(share: float) -> float:
            return area.left() + min(share * best / ends[0], 1.0) * area.width()

        row = QRectF(0, area.top(), 0, px(16))
        if plate.allowable_region is not None:
            low, high = map(x, plate.allowable_region)
            painter.setPen(QPen(color(theme.line), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QLineF(low, area.top(), low, area.bottom()))
            painter.drawLine(QLineF(high, area.top(), high, area.bottom()))
            words = QRectF(low + px(4), area.bottom() - px(18), px(80), row.height())
            paint.text(painter, appearance, words, "allowable", theme.dim, size=11)
        low, high = map(x, plate.preferred_region)
        painter.fillRect(QRectF(low, area.top(), high - low, area.height()), theme.faint(theme.band))
        words = QRectF(low + px(4), area.bottom() - px(18), px(80), row.height())
        paint.text(painter, appearance, words, "preferred", theme.text, size=11)
        painter.setPen(QPen(color(theme.dim), 1, Qt.PenStyle.DashDotLine))
        painter.drawLine(QLineF(x(1.0), area.top(), x(1.0), area.bottom()))
        words = QRectF(x(1.0) + px(4), area.top() + px(2), px(110), row.height())
        paint.text(painter, appearance, words, "best efficiency", theme.text, size=11)

    def _paint_axes(self, painter: QPainter, area: QRectF, ends: tuple[float, float]) -> None:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        painter.setPen(QPen(color(theme.line), 1))
        painter.drawLine(QLineF(area.left(), area.bottom(), area.right(), area.bottom()))
        painter.drawLine(QLineF(area.left(), area.top(), area.left(), area.bottom()))
        for i in range(6):
            share = i / 5
            at = area.left() + share * area.width()
            words = number(share * ends[0], 0) + (f" {unit_text(self._flow.unit)}" if i == 5 else "")
            half = appearance.width(words, 11) / 2
            left = min(at - half, self.width() - 2 * half - 1)
            box = QRectF(left, area.bottom() + px(6), 2 * half + 1, px(16))
            paint.text(painter, appearance, box, words, theme.dim, size=11)
            y = area.bottom() - share * area.height()
            box = QRectF(0, y - px(8), area.left() - px(6), px(16))
            words = number(share * ends[1], 0) + (" m" if i == 5 else "")
            paint.text(painter, appearance, box, words, theme.dim, size=11, align=paint.RIGHT)

    def _paint_duty(self, painter: QPainter, area: QRectF, ends: tuple[float, float]) -> None:
        if self.duty is None or not all(isfinite(v.value) for v in self.duty):
            return
        theme, px = self.appearance.theme, self.appearance.px
        flow, head = (v.value for v in self.duty)
        inside = min(max(flow, 0.0), ends[0]), min(max(head, 0.0), ends[1])
        point = _point(*inside, area, ends)
        is_live = all(v.trust is Trust.LIVE for v in self.duty) and inside == (flow, head)
        painter.setPen(QPen(color(theme.strong), 1.5))
        painter.setBrush(color(theme.live) if is_live else Qt.BrushStyle.NoBrush)  # hollow: uncertain, or off the scale
        painter.drawEllipse(point, px(6), px(6))


def _round_up(value: float) -> float:
    """A little above, so that the fifth of it is a whole number of tens, or of ones for a small one."""
    step = 500.0 if value > 1000 else 50.0 if value > 100 else 5.0
    return float(np.ceil(value / step) * step)


def _point(flow: float, head: float, area: QRectF, ends: tuple[float, float]) -> QPointF:
    return QPointF(area.left() + flow / ends[0] * area.width(), area.bottom() - head / ends[1] * area.height())


def _polygon(points: NDArray[np.float64], area: QRectF, ends: tuple[float, float]) -> QPolygonF:
    return QPolygonF([_point(flow, head, area, ends) for flow, head in points.tolist()])


def _unbroken(points: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The stretches without a gap."""
    good: NDArray[np.bool_] = np.asarray(np.isfinite(points).all(axis=1))
    cuts = np.flatnonzero(np.diff(good)) + 1
    parts = np.split(np.arange(len(points)), cuts)
    return [points[part] for part in parts if part.size > 1 and good[part[0]]]
