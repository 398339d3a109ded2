"""The curve of one lane of the live trends: the good part, the doubtful part, and where both leave the scale."""

from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen

from pumpwatch_gui.domain.values.trace import Trace
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.curves import OffScale, off_scale, path, thinned
from pumpwatch_gui.gui.look.theme import Appearance, color
from pumpwatch_gui.gui.pump.lanes import Lane, TimeWindow, column_of, uncertain_part

LEAST_STEP_PX = 3.0


@dataclass(frozen=True, slots=True)
class LaneCurve:
    """What is drawn of a lane, in widget pixels; the doubtful part is dim and dashed."""

    good: QPainterPath = field(default_factory=QPainterPath)
    doubtful: QPainterPath = field(default_factory=QPainterPath)
    out: tuple[OffScale, ...] = ()

    @classmethod
    def of(cls, trace: Trace | None, lane: Lane, rect: QRectF, window: TimeWindow, *, longest_s: float) -> "LaneCurve":
        """The part of a trace that lies in a window, in `rect`; a longer step than that is a gap."""
        if trace is None or trace.time_s.size < 2 or lane.column >= trace.values.shape[1]:
            return cls()
        first = int(np.searchsorted(trace.time_s, window.start_s))
        last = int(np.searchsorted(trace.time_s, window.end_s, side="right"))
        part = slice(first, last)
        per_s = rect.width() / window.length_s
        x = rect.right() - (window.end_s - trace.time_s[part]) * per_s
        values = column_of(trace, lane)[part]
        y = rect.bottom() - (values - lane.scale[0]) / (lane.scale[1] - lane.scale[0]) * rect.height()
        step = max(longest_s * per_s, LEAST_STEP_PX)
        doubtful, out = uncertain_part(trace, lane), off_scale(x, values, lane.scale, longest_step=step)
        if doubtful is None:
            return cls(path(*thinned(x, y, rect.width()), longest_step=step), out=out)
        good, unsure = np.where(doubtful[part], np.nan, y), np.where(doubtful[part], y, np.nan)
        return cls(
            path(*thinned(x, good, rect.width()), longest_step=step),
            path(*thinned(x, unsure, rect.width()), longest_step=step),
            out,
        )

    def paint(self, painter: QPainter, appearance: Appearance, lane: Lane, rect: QRectF) -> None:
        """Paint it inside its lane; where it leaves the scale, the rail says so and how far."""
        theme = appearance.theme
        painter.save()
        painter.setClipRect(rect.adjusted(-1, -1, 1, 1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(color(theme.live), 1))
        painter.drawPath(self.good)
        if not self.doubtful.isEmpty():
            painter.setPen(QPen(color(theme.dim), 1, Qt.PenStyle.DotLine))
            painter.drawPath(self.doubtful)
        painter.restore()
        paint.off_scale(painter, appearance, rect, self.out, lane.decimals)
