"""A small trend of one sensor: its last minutes on its fixed scale, with its limits."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen

from pumpwatch_gui.domain.display import engineering_scale
from pumpwatch_gui.domain.pump.profile import Sensor
from pumpwatch_gui.domain.values.trace import Trace
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.curves import OffScale, off_scale, path, thinned
from pumpwatch_gui.gui.look.theme import Appearance, color

WINDOW_S = 600.0


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The sensor, where it lies, its curve in widget pixels, where that is off the scale, the heights of its limits."""

    sensor: Sensor
    rect: QRectF
    curve: QPainterPath
    out: tuple[OffScale, ...]
    limits: tuple[float, ...]

    @classmethod
    def of(
        cls, trace: Trace | None, index: int, rect: QRectF, sensor: Sensor, *, longest_s: float, now_s: float
    ) -> "Sparkline":
        """Sensor `index` of a trace in `rect`, `now_s` (Unix) at its right edge; a longer step than that is a gap."""
        low, high = engineering_scale(sensor)
        limits = tuple(
            round(rect.bottom() - (x - low) / (high - low) * rect.height()) + 0.5
            for x in sensor.limits.given
            if low < x < high
        )
        if trace is None or index >= trace.values.shape[1] or trace.time_s.size < 2:
            return cls(sensor, rect, QPainterPath(), (), limits)
        per_s = rect.width() / WINDOW_S
        x = rect.right() - (now_s - trace.time_s) * per_s
        values, step = trace.values[:, index].astype(np.float64), max(longest_s * per_s, 4.0)
        y = rect.bottom() - (values - low) / (high - low) * rect.height()
        out = off_scale(x, values, (low, high), longest_step=step)
        return cls(sensor, rect, path(*thinned(x, y, rect.width()), longest_step=step), out, limits)

    def paint(self, painter: QPainter, appearance: Appearance, token: str) -> None:
        """Paint it, the curve in the colour of `token`."""
        painter.setPen(QPen(color(appearance.theme.line), 1, Qt.PenStyle.DashLine))
        for y in self.limits:
            painter.drawLine(QLineF(self.rect.left(), y, self.rect.right(), y))
        painter.save()
        painter.setClipRect(self.rect.adjusted(-1, -1, 1, 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(color(token), 1))
        painter.drawPath(self.curve)
        painter.restore()
        paint.off_scale(painter, appearance, self.rect, self.out, self.sensor.decimals)
