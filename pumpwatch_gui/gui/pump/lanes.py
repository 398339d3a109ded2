"""The arithmetic of stacked trends: which part of time is shown, where lanes lie, which samples a pixel shows."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF

from pumpwatch_gui.domain.display import SCORE_SCALE, engineering_scale, value_text
from pumpwatch_gui.domain.pump.profile import Sensor
from pumpwatch_gui.domain.station import PumpView
from pumpwatch_gui.domain.values.quality import Quality
from pumpwatch_gui.domain.values.trace import Trace
from pumpwatch_gui.domain.wording import duration, limit_number, number

SHORTEST_S, LONGEST_S = 10.0, 3600.0
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """The stretch of time on screen: `length_s` up to `end_s` (Unix seconds). Live while `paused` is False."""

    length_s: float = 600.0
    end_s: float = 0.0
    paused: bool = False

    @property
    def start_s(self) -> float:
        """Its left edge."""
        return self.end_s - self.length_s

    def per_pixel_s(self, width: float) -> float:
        """Seconds that a pixel of a picture so wide shows; 0.05 to 1 s, as a picture is to move each second."""
        return min(max(self.length_s / max(width, 1.0), 0.05), 1.0)

    def at(self, now_s: float) -> "TimeWindow":
        """The same window moved on to now; a paused one stays."""
        return self if self.paused else replace(self, end_s=now_s)

    def zoomed(self, factor: float, around_s: float | None = None) -> "TimeWindow":
        """Longer (factor above 1) or shorter, between 10 s and 1 h. Around a time only while paused."""
        length = min(max(self.length_s * factor, SHORTEST_S), LONGEST_S)
        if around_s is None or not self.paused:
            return replace(self, length_s=length)
        share = (self.end_s - around_s) / self.length_s
        return replace(self, length_s=length, end_s=around_s + share * length)

    def shifted(self, share: float) -> "TimeWindow":
        """Paused, and moved by a share of its length (negative: back in time)."""
        return replace(self, end_s=self.end_s + share * self.length_s, paused=True)

    def at_most(self, latest_s: float) -> "TimeWindow":
        """The same window, moved back where it would end after `latest_s`."""
        return replace(self, end_s=min(self.end_s, latest_s))

    def step_s(self, most: int) -> int:
        """The round step between at most so many ticks."""
        return next((s for s in _STEPS_S if self.length_s / s <= max(most, 1)), _STEPS_S[-1])

    def ticks(self, most: int) -> list[float]:
        """Round times inside it, at most so many."""
        step = self.step_s(most)
        first = int(self.start_s // step + 1) * step
        return [float(t) for t in range(first, int(self.end_s) + 1, step)]


@dataclass(frozen=True, slots=True)
class Lane:
    """One trend: a column of the trace (-1: the anomaly score), its label, unit, fixed scale and limits."""

    column: int
    label: str
    unit: str
    decimals: int
    scale: tuple[float, float]
    limits: tuple[tuple[str, float], ...]
    sensor: Sensor | None = None

    def text_of(self, value: float) -> str:
        """A value of the lane in words."""
        return value_text(value, self.sensor) if self.sensor else number(value, self.decimals)

    @property
    def end_decimals(self) -> int:
        """Decimals for the ends of the scale: none where both are whole."""
        return 0 if all(x == int(x) for x in self.scale) else min(self.decimals, 1)

    def height_of(self, value: float, rect: QRectF) -> float:
        """Where a value lies in `rect`; outside it where it is off the scale."""
        return rect.bottom() - (value - self.scale[0]) / (self.scale[1] - self.scale[0]) * rect.height()


def sensor_lane(column: int, sensor: Sensor) -> Lane:
    """The lane of a sensor."""
    given = sensor.limits
    named = (("LL", given.low_low), ("L", given.low), ("H", given.high), ("HH", given.high_high))
    limits = tuple((f"{word} {limit_number(x, sensor)}", x) for word, x in named if x is not None)
    return Lane(column, sensor.label, sensor.unit, sensor.decimals, engineering_scale(sensor), limits, sensor)


def derived_columns(pump: PumpView, tags: tuple[str, ...]) -> list[int]:
    """The places of those of the tags that a pump derives, in the order of the profile."""
    first = len(pump.profile.sensors)
    return [i for i, sensor in enumerate(pump.profile.derived, first) if sensor.tag in tags]


def score_lane() -> Lane:
    """The lane of the anomaly score, in units of its limit."""
    return Lane(-1, "Anomaly score", "", 2, SCORE_SCALE, (("limit 1", 1.0),))


def lane_rects(count: int, area: QRectF, *, large: int | None, head: float, foot: float = 3.0) -> list[QRectF]:
    """The plotting areas of lanes under one another; lane `large` is four times as high, `head` is for words."""
    shares = [4.0 if i == large else 1.0 for i in range(count)]
    top, rects = area.top(), []
    for share in shares:
        height = area.height() * share / sum(shares)
        rects.append(QRectF(area.left(), top + head, area.width(), max(height - head - foot, 4.0)))
        top += height
    return rects


def column_of(trace: Trace, lane: Lane) -> NDArray[np.float64]:
    """The values of a lane, NaN where there is none."""
    values = trace.score if lane.column < 0 else trace.values[:, lane.column]
    return values.astype(np.float64)


def uncertain_part(trace: Trace, lane: Lane) -> NDArray[np.bool_] | None:
    """Where the lane's values are UNCERTAIN; None where none is."""
    if lane.column < 0:
        return None
    doubtful = trace.quality[:, lane.column] == Quality.UNCERTAIN
    return doubtful if doubtful.any() else None


def value_at(trace: Trace, lane: Lane, time_s: float, *, within_s: float) -> float:
    """The value of the sample nearest to a time; NaN when none is within `within_s`."""
    if not trace.time_s.size:
        return float("nan")
    after = int(np.searchsorted(trace.time_s, time_s))
    near = min(
        (i for i in (after - 1, after) if 0 <= i < trace.time_s.size), key=lambda i: abs(trace.time_s[i] - time_s)
    )
    if abs(trace.time_s[near] - time_s) > within_s:
        return float("nan")
    values = trace.score if lane.column < 0 else trace.values[:, lane.column]
    return float(values[near])


def apart(heights: list[float], least: float, top: float, bottom: float) -> list[float]:
    """Heights of labels moved apart so that none touches the next, kept between `top` and `bottom`."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    placed = list(heights)
    for before, i in pairwise(order):
        placed[i] = max(placed[i], placed[before] + least)
    if order and placed[order[-1]] > bottom:
        placed[order[-1]] = bottom
        for after, i in pairwise(reversed(order)):
            placed[i] = min(placed[i], placed[after] - least)
    return [max(x, top) for x in placed]


def spoken(pump_id: str, window: TimeWindow, lanes: tuple[Lane, ...], texts: tuple[str, ...], large: int | None) -> str:
    """Trends for assistive technology: whose, how long, whether live, and what each lane is at; `texts` by lane."""
    head = [pump_id, f"last {duration(window.length_s)}", "paused" if window.paused else "live"]
    if large is not None:
        head.append(f"{lanes[large].label} large")
    values = (f"{lane.label} {text}" for lane, text in zip(lanes, texts, strict=False))
    return f"{', '.join(head)}: {', '.join(values)}"
