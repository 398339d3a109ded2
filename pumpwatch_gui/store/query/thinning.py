"""A long stretch of one column as few points, without hiding a spike or bridging a gap."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.store.archive.rollup import Rollup, grouped
from pumpwatch_gui.store.ids import EPOCH_MS

Floats = NDArray[np.float64]
GAP = 3.0
"""Two readings further apart than this many usual distances have a gap between them. A bucket is at least as wide, or
the grid itself would tear holes into an unbroken trend."""
SAME_S = 1e-3
"""Times are stored to the millisecond."""


@dataclass(frozen=True, slots=True, eq=False)
class Thinned:
    """Points in time order: `time_s` (m,) Unix seconds; `low`, `mean`, `high` (m,), NaN where there is a gap."""

    time_s: Floats
    low: Floats
    mean: Floats
    high: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Equal buckets from the first reading to the last; `ms` (m,) are their times (milliseconds since 2020, rising)."""

    ms: NDArray[np.int64]
    first_ms: int
    length_ms: int
    buckets: int
    _of_ms: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        """Compute the buckets of its own times once: they are those of every sensor."""
        object.__setattr__(self, "_of_ms", self._computed(self.ms, 1))

    @property
    def time_s(self) -> Floats:
        """The middle of each bucket (Unix seconds)."""
        return (self.first_ms + EPOCH_MS + (np.arange(self.buckets) + 0.5) * self.length_ms / self.buckets) / 1e3

    def bucket_of(self, ms: NDArray[np.int64], finer: int = 1) -> NDArray[np.int64]:
        """The buckets of these times, of so many times as many."""
        return self._of_ms if finer == 1 and ms is self.ms else self._computed(ms, finer)

    def _computed(self, ms: NDArray[np.int64], finer: int) -> NDArray[np.int64]:
        return (ms - self.first_ms) * (self.buckets * finer) // self.length_ms


def grid_of(ms: NDArray[np.int64], points: int) -> Grid | None:
    """The grid of readings at these times (milliseconds since 2020, rising); None when they can come as they are.

    Raises ValueError unless `points` is positive.
    """
    if points < 1:
        raise ValueError("points must be positive")
    if ms.size <= points:
        return None
    usual_ms = float(np.median(np.diff(ms[: points + 1])))
    first_ms, length_ms = int(ms[0]), int(ms[-1]) + 1 - int(ms[0])
    return Grid(ms, first_ms, length_ms, max(1, min(points, int(length_ms / (GAP * usual_ms)))))


def thinned(readings: Rollup, grid: Grid | None) -> Thinned:
    """Readings (or steps), whose index is their time in milliseconds since 2020, in the buckets of a grid.

    Without a grid they come as they are, with NaN in each gap.
    """
    if grid is None:
        return _as_they_are(readings)
    found = grouped(replace(readings, index=grid.bucket_of(readings.index)))
    values = np.full((3, grid.buckets), np.nan)
    values[:, found.index] = found.low, found.mean, found.high
    return Thinned(grid.time_s, *values)


def _as_they_are(readings: Rollup) -> Thinned:
    found, values = with_gaps(
        (readings.index + EPOCH_MS) / 1e3, np.stack([readings.low, readings.mean, readings.high], axis=1)
    )
    return Thinned(found, *values.T)


def with_gaps(time_s: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Times (m,) and values (m, k) with a point of NaN in each gap."""
    steps = np.diff(time_s)
    if not steps.size:
        return time_s, values
    gaps = np.flatnonzero(steps > GAP * np.median(steps))
    between_s = time_s[gaps] + steps[gaps] / 2
    return np.insert(time_s, gaps + 1, between_s), np.insert(values, gaps + 1, np.nan, axis=0)


def highest_between(time_s: Floats, points: Thinned) -> Floats:
    """The highest of other points from the time before up to each time (m,), NaN where there is none."""
    found = np.full(time_s.size, np.nan)
    if time_s.size:
        at = np.searchsorted(time_s, points.time_s - SAME_S)
        inside = at < time_s.size
        np.fmax.at(found, at[inside], points.high[inside])
    return found
