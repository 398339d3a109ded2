"""Flat lines: a sensor whose value does not change for far longer than it ever did in healthy running."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_FLAT_S = 60.0
FLAT_TIMES = 4.0


class FlatLine:
    """How long each of n sensors has shown exactly the same value, in seconds."""

    def __init__(self, sensors: int) -> None:
        self._last = np.full(sensors, np.nan)
        self.run_s = np.zeros(sensors)

    def reset(self) -> None:
        """Count from nothing."""
        self._last[:] = np.nan
        self.run_s[:] = 0.0

    def step(self, interval_s: float, values: Floats) -> Floats:
        """Take the next row (n,), NaN for none (which neither counts nor breaks); the runs (n,)."""
        same = values == self._last
        other = np.isfinite(values) & ~same
        self.run_s[same] += interval_s
        self.run_s[other] = 0.0
        self._last[other] = values[other]
        return self.run_s


def flat_limits(longest_s: Floats, *, changed: NDArray[np.bool_]) -> Floats:
    """The run that is a fault (n,), from the longest seen in commissioning; infinite for a sensor that never moved.

    Four times the longest run, and never below a minute.
    """
    return np.where(changed, np.maximum(LEAST_FLAT_S, FLAT_TIMES * longest_s), np.inf)
