"""Lanes of the trends: one for each unit, with one scale for all pens in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from PySide6.QtCore import QRectF

from pumpwatch_gui.gui.look.time_view import TimeView, nice_ticks
from pumpwatch_gui.gui.trends.pens import PenFacts
from pumpwatch_gui.gui.trends.points import Points

HEAD_PX, FOOT_PX = 17, 4


@dataclass(frozen=True, slots=True)
class UnitLane:
    """The visible pens of one unit, their common scale and where they are drawn."""

    unit: str
    pens: tuple[PenFacts, ...]
    scale: tuple[float, float]
    rect: QRectF

    def y(self, value: float) -> float:
        """Where a value lies; outside the rectangle where it is off the scale."""
        low, high = self.scale
        return self.rect.bottom() - (value - low) / (high - low) * self.rect.height()

    def ticks(self, row_px: float) -> list[float]:
        """Round values to label, as many as there is room for; the ends of the scale where there is none between."""
        if states := self.pens[0].sensor.states:
            every = max(ceil(len(states) * row_px / self.rect.height()), 1)
            return [float(i) for i in range(0, len(states), every)]
        most = max(int(self.rect.height() / row_px / 1.6), 1)
        found = nice_ticks(*self.scale, most=most)
        return found if len(found) > 1 else list(self.scale)

    @property
    def decimals(self) -> int:
        """Decimals that tell two ticks apart."""
        width = self.scale[1] - self.scale[0]
        return 0 if width >= 20 else 1 if width >= 2 else 2 if width >= 0.2 else 4


def lanes_of(
    facts: Sequence[PenFacts], points: Mapping[tuple[str, str, float], Points], view: TimeView, area: QRectF,
    *, head: float, is_fitted: bool,
) -> tuple[UnitLane, ...]:  # fmt: skip
    """The lanes of all visible pens in an area, in the order of their first pens."""
    groups: dict[tuple[str, tuple[str, ...]], list[PenFacts]] = {}
    for one in facts:
        if one.pen.is_visible:
            groups.setdefault(one.lane, []).append(one)
    if not groups:
        return ()
    height, lanes = area.height() / len(groups), []
    for i, ((unit, states), pens) in enumerate(groups.items()):
        top = area.top() + i * height
        rect = QRectF(area.left(), top + head, area.width(), max(height - head - FOOT_PX, 8.0))
        scale = _fitted(pens, points, view) if is_fitted and not states else None
        lanes.append(UnitLane(unit, tuple(pens), scale or _engineering(pens), rect))
    return tuple(lanes)


def _engineering(pens: Sequence[PenFacts]) -> tuple[float, float]:
    """The scale that has the scales of all: fixed, whatever the values are."""
    return min(p.scale[0] for p in pens), max(p.scale[1] for p in pens)


def _fitted(
    pens: Sequence[PenFacts], points: Mapping[tuple[str, str, float], Points], view: TimeView
) -> tuple[float, float] | None:
    """A scale that has every value in view with some room; None where there is none."""
    seen = [points[p.pen.key].between(view.start_s, view.end_s) for p in pens if p.pen.key in points]
    values = np.concatenate([np.concatenate([s.low, s.high]) for s in seen]) if seen else np.empty(0)
    values = values[np.isfinite(values)]
    if not values.size:
        return None
    low, high = float(values.min()), float(values.max())
    room = max((high - low) * 0.08, max(p.sensor.resolution for p in pens))
    ticks = nice_ticks(low - room, high + room, 10)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else room  # in steps, or a live scale would never stand still
    return floor((low - room) / step) * step, ceil((high + room) / step) * step
