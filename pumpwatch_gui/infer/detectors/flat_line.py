"""Flat lines: a sensor whose value does not change for far longer than it ever did in healthy running."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_FLAT_S = 60.0
FLAT_TIMES = 4.0


class FlatLine:
    """How long each of n sensors has shown exactly the same value, in seconds."""

    def __init__(self, sensors: int) -> None:
        self._sensors = sensors
        self.reset()

    def reset(self) -> None:
        """Count from nothing."""
        self._last = np.full(self._sensors, np.nan)
        self.run_s = np.zeros(self._sensors)

    def step(self, interval_s: float, values: Floats) -> Floats:
        """Take the next row (n,), NaN for none (which neither counts nor breaks); the runs (n,), a new array."""
        gone = np.isnan(values)
        runs = np.where(values == self._last, self.run_s + interval_s, 0.0)
        if np.count_nonzero(gone):
            runs, values = np.where(gone, self.run_s, runs), np.where(gone, self._last, values)
        self.run_s, self._last = runs, values
        return runs


def flat_limits(longest_s: Floats, *, changed: NDArray[np.bool_]) -> Floats:
    """The run that is a fault (n,), from the longest seen in commissioning; infinite for a sensor that never moved.

    Four times the longest run, and never below a minute.
    """
    return np.where(changed, np.maximum(LEAST_FLAT_S, FLAT_TIMES * longest_s), np.inf)
