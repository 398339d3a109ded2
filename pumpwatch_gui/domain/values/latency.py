"""How long the last calls took."""

import numpy as np

from pumpwatch_gui.domain.station import Percentiles


class Latency:
    """Durations of the last `capacity` calls. One thread adds, any may read."""

    def __init__(self, capacity: int = 1000) -> None:
        self._ms = np.full(capacity, np.nan)
        self._count = 0

    def add(self, duration_s: float) -> None:
        """Note one call."""
        self._ms[self._count % self._ms.size] = duration_s * 1e3
        self._count += 1

    def percentiles(self) -> Percentiles:
        """p50, p95 and p99 in milliseconds, NaN before the first call."""
        held = self._ms[: min(self._count, self._ms.size)]
        if not held.size:
            return Percentiles()
        p50, p95, p99 = np.percentile(held, (50, 95, 99)).tolist()
        return Percentiles(p50, p95, p99)
