"""How long the last calls took."""

import numpy as np

from pumpwatch_gui.domain.station import Percentiles


class Latency:
    """Durations of the last `capacity` calls. One thread adds, any may ask."""

    def __init__(self, capacity: int = 1000) -> None:
        self._ms = np.full(capacity, np.nan)
        self._count = 0

    def add(self, duration_s: float) -> None:
        """Note one call."""
        self._ms[self._count % self._ms.size] = duration_s * 1e3
        self._count += 1  # last: who asks meanwhile must not find a place that was never written

    def percentiles(self) -> Percentiles:
        """p50, p95 and p99 in milliseconds (linear between neighbours), NaN before the first call."""
        held = np.sort(self._ms[: min(self._count, self._ms.size)])
        if not held.size:
            return Percentiles()
        # By hand: np.percentile takes ten times as long, and every link is asked four times a second.
        at = np.array((0.50, 0.95, 0.99)) * (held.size - 1)
        below = at.astype(np.intp)
        above = np.minimum(below + 1, held.size - 1)
        return Percentiles(*(held[below] + (at - below) * (held[above] - held[below])).tolist())
