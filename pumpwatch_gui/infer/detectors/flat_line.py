"""Flat lines: a sensor whose value does not change for far longer than it ever did in healthy running."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_FLAT_S = 60.0
FLAT_TIMES = 4.0


def flat_runs(runs_s: Floats, last: Floats, interval_s: Floats | float, values: Floats) -> tuple[Floats, Floats]:
    """The runs (…, n) after the next values and the last value of each sensor, new arrays, from those before."""
    gone = np.isnan(values)
    runs = np.where(values == last, runs_s + interval_s, 0.0)
    if np.count_nonzero(gone):
        return np.where(gone, runs_s, runs), np.where(gone, last, values)
    return runs, values


def longest_flat_runs(values: Floats, steps_s: Floats, *, begins: NDArray[np.bool_]) -> Floats:
    """The longest run (n,) of one value that `flat_runs` would count in rows (m, n), each so long (m,) after the last.

    At rows that are marked in `begins` (m,) it counts from nothing.
    """
    run = np.cumsum(begins)
    longest = np.zeros(values.shape[1])
    for i, column in enumerate(values.T):
        there = np.flatnonzero(~np.isnan(column))
        own, own_run, steps = column[there], run[there], steps_s[there]
        goes_on = (own[1:] == own[:-1]) & (own_run[1:] == own_run[:-1])
        counted = np.cumsum(np.where(goes_on, steps[1:], 0.0))
        before = np.maximum.accumulate(np.where(goes_on, 0.0, counted))
        longest[i] = np.max(counted - before, initial=0.0)
    return longest


def flat_limits(longest_s: Floats, *, changed: NDArray[np.bool_]) -> Floats:
    """The run that is a fault (n,), from the longest seen in commissioning; infinite for a sensor that never moved.

    Four times the longest run, and never below a minute.
    """
    return np.where(changed, np.maximum(LEAST_FLAT_S, FLAT_TIMES * longest_s), np.inf)
