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
        self.run_s, self._last = flat_runs(self.run_s, self._last, interval_s, values)
        return self.run_s


def flat_runs(runs_s: Floats, last: Floats, interval_s: Floats | float, values: Floats) -> tuple[Floats, Floats]:
    """The runs (…, n) after the next values and the last value of each sensor, new arrays, from those before."""
    gone = np.isnan(values)
    runs = np.where(values == last, runs_s + interval_s, 0.0)
    if np.count_nonzero(gone):
        return np.where(gone, runs_s, runs), np.where(gone, last, values)
    return runs, values


def flat_limits(longest_s: Floats, *, changed: NDArray[np.bool_]) -> Floats:
    """The run that is a fault (n,), from the longest seen in commissioning; infinite for a sensor that never moved.

    Four times the longest run, and never below a minute.
    """
    return np.where(changed, np.maximum(LEAST_FLAT_S, FLAT_TIMES * longest_s), np.inf)
