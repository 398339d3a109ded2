"""The rate of change of one tag over a span of time, robust against noise and single wrong values."""

from collections import deque
from functools import lru_cache
from math import isfinite, nan

import numpy as np
from numpy.typing import NDArray

BUCKETS = 20
"""The span is cut into so many parts, each with the mean of its values: memory does not grow with the span."""
LEAST_BUCKETS = 5
LEAST_SPAN = 0.7
"""The part of the span that values must cover before there is a rate."""


class RateWindow:
    """The slope of a tag over its last `over_s` seconds: `per_minute`, NaN while too little is known.

    It is the median of the slopes between all pairs of parts of the span (Theil-Sen): 29 % of the parts may be wrong
    by any amount before it is. Renewed when a part is full, every twentieth of the span.
    """

    def __init__(self, over_s: float) -> None:
        self._over_s, self._width_ns = over_s, max(int(over_s * 1e9) // BUCKETS, 1)
        self.clear()

    def clear(self) -> None:
        """Forget everything, as when the pump stops."""
        self.per_minute = nan
        self._closed: deque[tuple[float, float]] = deque(maxlen=BUCKETS + 1)
        self._place = -1
        self._count, self._time_s, self._sum = 0, 0.0, 0.0

    def step(self, mono_ns: int, value: float) -> float:
        """Take the next value (NaN: there is none) and return the rate as it is then."""
        place = mono_ns // self._width_ns
        if place != self._place:
            self._close(mono_ns / 1e9)
            self._place = place
        if isfinite(value):
            self._count += 1
            self._time_s += mono_ns / 1e9
            self._sum += value
        return self.per_minute

    def _close(self, now_s: float) -> None:
        if self._count:
            self._closed.append((self._time_s / self._count, self._sum / self._count))
            self._count, self._time_s, self._sum = 0, 0.0, 0.0
        while self._closed and now_s - self._closed[0][0] > self._over_s:
            self._closed.popleft()
        self.per_minute = self._slope() * 60.0

    def _slope(self) -> float:
        size = len(self._closed)
        if size < LEAST_BUCKETS or self._closed[-1][0] - self._closed[0][0] < LEAST_SPAN * self._over_s:
            return nan
        points = np.array(self._closed)
        first, second = _pairs(size)
        rise, run = (points[second, i] - points[first, i] for i in (1, 0))
        slopes = np.sort(rise / run)  # its middle: `np.median` takes four times as long
        return float(slopes[(slopes.size - 1) // 2] + slopes[slopes.size // 2]) / 2


@lru_cache(maxsize=BUCKETS + 2)
def _pairs(size: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The places of all pairs of so many points, the first before the second."""
    return np.triu_indices(size, 1)
