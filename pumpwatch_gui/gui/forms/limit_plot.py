"""The past of one quantity with its limits as lines that can be dragged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy
from typing_extensions import override

from pumpwatch_gui.domain.ports import Series
from pumpwatch_gui.domain.pump.profile import Limits, Sensor
from pumpwatch_gui.domain.wording import editable_number, limit_number, local_time, unit_text
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.curves import path, thinned
from pumpwatch_gui.gui.look.theme import STRONG, Appearance, color
from pumpwatch_gui.gui.look.widgets import Painted

LEVELS = {"low_low": "LL", "low": "L", "high": "H", "high_high": "HH"}
GRIP_PX = 6


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of alarm, in Unix seconds: one that the proposed limits would have added, or would have spared."""

    start_s: float
    end_s: float
    is_gained: bool


class LimitPlot(Painted):
    """Lowest and highest values over time, the limits as lines. `dragged` has the field of `Limits` and its new value.

    What a mouse does here the cells of the table do as well.
    """

    dragged = Signal(str, float)

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance, "Past and limits")
        self._sensor: Sensor | None = None
        self._limits: Mapping[str, float] = {}
        self._series: Series | None = None
        self._span_s = (0.0, 1.0)
        self._marks: tuple[Mark, ...] = ()
        self._words = ""
        self._names: Mapping[str, str] = LEVELS
        self._held = ""
        self._scale = (0.0, 1.0)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def name_lines(self, names: Mapping[str, str]) -> None:
        """Call the lines otherwise than by their level: a name by field of `Limits`."""
        self._names = names

    @override
    def sizeHint(self) -> QSize:
        """Wide and low."""
        return QSize(self.appearance.px(600), self.appearance.px(170))

    def show_past(self, sensor: Sensor | None, span_s: tuple[float, float], series: Series | None, words: str) -> None:
        """Show the past of a quantity in a span (Unix s); `words` stand there while there is none."""
        self._sensor, self._span_s, self._series, self._words, self._marks = sensor, span_s, series, words, ()
        self._fit()

    def show_limits(self, limits: Limits) -> None:
        """Show these as lines."""
        values = {level: getattr(limits, level) for level in LEVELS}
        self._limits = {level: value for level, value in values.items() if value is not None}
        if not self._held:
            self._fit()
        self.update()

    def show_marks(self, marks: Sequence[Mark]) -> None:
        """Show stretches of alarm on the axis."""
        self._marks = tuple(marks)
        self.update()

    def _fit(self) -> None:
        """Take a scale that has all values and limits, or the span of the quantity where there are none."""
        known = list(self._limits.values())
        if self._series is not None:
            both = np.concatenate([self._series.low, self._series.high])
            both = both[np.isfinite(both)]
            known += [float(both.min()), float(both.max())] if both.size else []
        if not known and self._sensor is not None:
            known = list(self._sensor.span)
        low, high = (min(known), max(known)) if known else (0.0, 1.0)
        room = max((high - low) * 0.1, abs(high) * 0.01, 1e-6)
        self._scale = low - room, high + room
        lines = ", ".join(f"{self._names[level]} {editable_number(value)}" for level, value in self._limits.items())
        self.describe(f"{self._sensor.label if self._sensor else ''} {lines}. {self._words}".strip())
        self.update()

    # ---------------------------------------------------------------- places

    @property
    def _area(self) -> QRectF:
        px = self.appearance.px
        return QRectF(self.rect()).adjusted(px(8), px(22), -px(76), -px(20))

    def _y(self, value: float) -> float:
        low, high = self._scale
        return self._area.bottom() - (value - low) / (high - low) * self._area.height()

    def _x(self, at_s: float) -> float:
        start, end = self._span_s
        return self._area.left() + (at_s - start) / max(end - start, 1e-9) * self._area.width()

    def line_at(self, point: QPointF) -> str:
        """The limit whose line is under a point, "" for none."""
        near = {level: abs(self._y(value) - point.y()) for level, value in self._limits.items()}
        level = min(near, key=lambda own: near[own], default="")
        return level if level and near[level] <= self.appearance.px(GRIP_PX) else ""

    # ---------------------------------------------------------------- mouse

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of a line."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._held = self.line_at(event.position())

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag it; say by the pointer where one can be taken."""
        sensor = self._sensor
        if not self._held or sensor is None:
            over = bool(self.line_at(event.position()))
            self.setCursor(Qt.CursorShape.SizeVerCursor if over else Qt.CursorShape.ArrowCursor)
            return
        (low, high), area = self._scale, self._area
        value = low + (area.bottom() - event.position().y()) / area.height() * (high - low)
        step = max(sensor.resolution, (high - low) / 1000)
        whole = round(value / sensor.resolution) * sensor.resolution if sensor.resolution >= step else value
        value = min(max(float(f"{whole:.4g}"), sensor.span[0]), sensor.span[1])
        if value != self._limits[self._held]:
            self.dragged.emit(self._held, value)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        if self._held:
            self._held = ""
            self._fit()

    # ---------------------------------------------------------------- painting

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        painter = QPainter(self)
        area = self._area
        painter.setPen(QPen(color(theme.line), 1))
        painter.drawLine(QLineF(area.bottomLeft(), area.bottomRight()))
        foot = QRectF(area.left(), area.bottom() + px(3), area.width(), px(16))
        form = "%Y-%m-%d %H:%M"
        for at_s, align in zip(self._span_s, (paint.LEFT, paint.RIGHT), strict=True):
            paint.text(painter, appearance, foot, local_time(round(at_s * 1e9), form), theme.dim, size=11, align=align)
        if self._series is None or self._words:
            paint.text(painter, appearance, area, self._words, theme.dim, align=paint.CENTRE)
        if self._series is not None:
            self._paint_past(painter, self._series)
        self._paint_lines(painter)
        for mark in self._marks:
            left, right = self._x(mark.start_s), self._x(mark.end_s)
            bar = QRectF(left, area.bottom() - px(5), max(right - left, px(3)), px(5))
            painter.setPen(QPen(color(theme.strong), 1))
            painter.setBrush(color(theme.strong) if mark.is_gained else Qt.BrushStyle.NoBrush)
            painter.drawRect(bar)
        painter.end()

    def _paint_past(self, painter: QPainter, series: Series) -> None:
        x = np.array(series.time_s)
        start, end = self._span_s
        area = self._area
        across = area.left() + (x - start) / max(end - start, 1e-9) * area.width()
        low, high = self._scale
        painter.setPen(QPen(color(self.appearance.theme.text), 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for column in (series.low[:, 0], series.high[:, 0]):
            y = area.bottom() - (column - low) / (high - low) * area.height()
            painter.drawPath(path(*thinned(across, y, area.width())))

    def _paint_lines(self, painter: QPainter) -> None:
        appearance, theme, px, area, sensor = (
            self.appearance, self.appearance.theme, self.appearance.px, self._area, self._sensor,
        )  # fmt: skip
        heights = apart([self._y(value) for value in self._limits.values()], px(15))
        for (level, value), height in zip(self._limits.items(), heights, strict=True):
            y = self._y(value)
            painter.setPen(
                QPen(color(theme.strong), 1.5 if level in ("low_low", "high_high") else 1, Qt.PenStyle.DashLine)
            )
            painter.drawLine(QLineF(area.left(), y, area.right(), y))
            shown = limit_number(value, sensor) if sensor is not None else editable_number(value)
            words = f"{self._names[level]} {shown}"
            place = QRectF(area.right() + px(6), height - px(8), px(70), px(16))
            paint.text(painter, appearance, place, words, theme.strong, size=12, weight=STRONG)
        if sensor is not None:
            head = QRectF(area.left(), area.top() - px(20), area.width(), px(16))
            paint.text(painter, appearance, head, f"{sensor.label}, {unit_text(sensor.unit)}", theme.dim, size=12)


def apart(heights: Sequence[float], least: float) -> list[float]:
    """Heights moved from one another until no two are nearer than `least`, in their order."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    moved = list(heights)
    for before, i in pairwise(order):
        moved[i] = max(moved[i], moved[before] + least)
    if order:  # half of the way back, so that both of a pair have moved
        shift = (sum(moved) - sum(heights)) / len(order)
        moved = [height - shift for height in moved]
    return moved
