"""The points of one pen: lowest, mean and highest value over time; what a view of them says in numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.ports import Series
from pumpwatch_gui.domain.units import Conversion
from pumpwatch_gui.domain.values.quality import BAD_CODE
from pumpwatch_gui.domain.values.trace import Trace

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
GAP = 3.0
"""Points further apart than this many usual distances have a gap between them."""


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Of one pen, oldest first: `time_s`, `low`, `mean`, `high` (m,), NaN where there is no value to believe.

    `is_bad` (m,) says where there was a reading without such a value. `longest_s`: a longer step is a gap.
    """

    time_s: Floats
    low: Floats
    mean: Floats
    high: Floats
    is_bad: Flags
    longest_s: float

    def between(self, start_s: float, end_s: float) -> "Points":
        """Those in a stretch of time."""
        part = slice(int(np.searchsorted(self.time_s, start_s)), int(np.searchsorted(self.time_s, end_s, "right")))
        return Points(
            self.time_s[part], self.low[part], self.mean[part], self.high[part], self.is_bad[part], self.longest_s
        )  # fmt: skip

    def converted(self, by: Conversion) -> "Points":
        """The same in the unit that is shown."""
        if by.scale == 1.0 and by.offset == 0.0:
            return self
        low, mean, high = by.shown(self.low), by.shown(self.mean), by.shown(self.high)
        return Points(self.time_s, low, mean, high, self.is_bad, self.longest_s)

    def value_at(self, time_s: float, within_s: float) -> float:
        """The mean of the point nearest to a time; NaN where none is within `within_s` or half of a step."""
        if not self.time_s.size:
            return nan
        after = int(np.searchsorted(self.time_s, time_s))
        near = [i for i in (after - 1, after) if 0 <= i < self.time_s.size]
        at = min(near, key=lambda i: abs(self.time_s[i] - time_s))
        return float(self.mean[at]) if abs(self.time_s[at] - time_s) <= max(within_s, self.longest_s / 2) else nan


_NONE = np.empty(0)
NOTHING = Points(_NONE, _NONE, _NONE, _NONE, np.empty(0, dtype=np.bool_), np.inf)


def usual_step_s(time_s: Floats) -> float:
    """The median distance of points, 0 for fewer than two."""
    return float(np.median(np.diff(time_s))) if time_s.size > 1 else 0.0


def of_series(series: Series, column: int, shift_s: float) -> Points:
    """Of one column of a stretch of history (-1: the score), `shift_s` later than it was.

    A point without a value was a reading where its neighbours are at the usual distance and another quantity of the
    pump has a value then; else nothing was read.
    """
    if column < 0:
        low = mean = high = series.score
    else:
        low, mean, high = series.low[:, column], series.mean[:, column], series.high[:, column]
    step_s = usual_step_s(series.time_s)
    others = np.isfinite(series.mean).any(axis=1) if series.mean.shape[1] else np.zeros(series.time_s.size, bool)
    is_bad = np.isnan(mean) & others & (column >= 0)
    return Points(series.time_s + shift_s, low, mean, high, is_bad, GAP * step_s)


def of_trace(trace: Trace, column: int) -> Points:
    """Of one column of what is in memory (-1: the score)."""
    values = (trace.score if column < 0 else trace.values[:, column]).astype(np.float64)
    is_bad = np.zeros(values.size, bool) if column < 0 else trace.quality[:, column] == BAD_CODE
    values = np.where(is_bad, np.nan, values)
    time_s = np.asarray(trace.time_s)
    return Points(time_s, values, values, values, is_bad, GAP * usual_step_s(time_s))


def joined(older: Points, newer: Points) -> Points:
    """Two parts of one pen as one curve: the older up to the first point of the newer."""
    if not newer.time_s.size or not older.time_s.size:
        return newer if newer.time_s.size else older
    return in_a_row([older.between(-np.inf, np.nextafter(newer.time_s[0], -np.inf)), newer])


def in_a_row(parts: Sequence[Points]) -> Points:
    """Parts of one pen, oldest first, as one."""
    if not parts:
        return NOTHING
    return Points(
        np.concatenate([part.time_s for part in parts]),
        np.concatenate([part.low for part in parts]),
        np.concatenate([part.mean for part in parts]),
        np.concatenate([part.high for part in parts]),
        is_bad=np.concatenate([part.is_bad for part in parts]),
        longest_s=max(part.longest_s for part in parts),
    )


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of a pen in a view: NaN where there is no value. `good` is the share of the time that has values.

    Of thinned points `mean` and `std` are of the means that they stand for: a standard deviation is then a lower bound.
    """

    low: float = nan
    mean: float = nan
    high: float = nan
    std: float = nan
    good: float = nan
    is_thinned: bool = False


NO_STATISTICS = Statistics()


def statistics(points: Points, start_s: float, end_s: float) -> Statistics:
    """What the points from `start_s` to `end_s` say, each weighted by its time."""
    part = points.between(start_s, end_s)
    there = np.isfinite(part.mean)
    length_s = end_s - start_s
    if not there.any() or length_s <= 0:
        return Statistics(good=0.0 if length_s > 0 else nan)
    weight = _weights(part)[there]
    mean = float(np.average(part.mean[there], weights=weight))
    std = float(np.sqrt(np.average((part.mean[there] - mean) ** 2, weights=weight)))
    low, high = float(np.nanmin(part.low)), float(np.nanmax(part.high))
    is_thinned = bool((part.low != part.high)[there].any())
    return Statistics(low, mean, high, std, min(float(weight.sum()) / length_s, 1.0), is_thinned)


def _weights(part: Points) -> Floats:
    """The seconds of each point (m,): to the middle of its neighbours, less over a gap."""
    if part.time_s.size < 2:
        return np.ones(part.time_s.size)
    steps = np.diff(part.time_s)
    usual = float(np.median(steps))
    steps = np.where(steps > part.longest_s, usual, steps)
    around: Floats = (np.concatenate([[usual], steps]) + np.concatenate([steps, [usual]])) / 2
    return np.maximum(around, 1e-9)


@dataclass(frozen=True, slots=True)
class BetweenCursors:
    """What two cursors say of a pen: its values at both, and by how much it changes an hour."""

    at_a: float = nan
    at_b: float = nan
    per_hour: float = nan

    @property
    def difference(self) -> float:
        """B less A."""
        return self.at_b - self.at_a


NO_CURSORS = BetweenCursors()


def between_cursors(points: Points, a_s: float | None, b_s: float | None, within_s: float) -> BetweenCursors:
    """The values at two times (None: there is no such cursor)."""
    at_a, at_b = (nan if at is None else points.value_at(at, within_s) for at in (a_s, b_s))
    hours = 0.0 if a_s is None or b_s is None else (b_s - a_s) / 3600
    return BetweenCursors(at_a, at_b, (at_b - at_a) / hours if hours else nan)
