"""How the program itself is doing: rates and latencies of the last while."""

import time
from collections import deque

import numpy as np

from pumpwatch_gui.domain.station import Percentiles


class LatencyMeter:
    """The last 2,000 durations; one thread adds, any may ask."""

    def __init__(self) -> None:
        self._ms: deque[float] = deque(maxlen=2000)

    def add_ns(self, duration_ns: int) -> None:
        """Add one duration in nanoseconds."""
        self._ms.append(duration_ns / 1e6)

    def percentiles(self) -> Percentiles:
        """p50, p95 and p99 in milliseconds; NaN before the first."""
        sample = list(self._ms)
        return Percentiles(*map(float, np.percentile(sample, (50, 95, 99)))) if sample else Percentiles()


class RateMeter:
    """Counts, and the rate over the last few seconds."""

    def __init__(self) -> None:
        self.count = 0
        self._marks: deque[tuple[float, int]] = deque(maxlen=8)

    def per_second(self) -> float:
        """The mean rate since about five seconds ago; call it about once a second."""
        now = time.monotonic()
        if not self._marks or now - self._marks[-1][0] >= 0.7:
            self._marks.append((now, self.count))
        then, count = self._marks[0]
        return (self.count - count) / (now - then) if now - then > 0.5 else 0.0
