"""What moves a healthy pump about: grid, turbulence, levels, the weather, the operator's valve, starts and stops.

Everything is drawn from the seed in the order of time, so that a stretch comes out the same however it is cut up.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import chain, repeat

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TIME_CONSTANTS_S = {
    "grid": 60.0,
    "turbulence": 2.0,
    "unsteady": 0.8,
    "suction_level": 1800.0,
    "static_head": 2400.0,
    "vibration": 3.0,
    "weather": 2400.0,
    "suction_surge": 0.5,
    "dropout": 4.0,
}
"""Correlation times of the coloured noises; each has variance 1 and is independent for every pump."""

_DAY_S = 86_400.0


def decay(dt_s: float, tau_s: float) -> float:
    """What is left of a first-order lag after `dt_s`."""
    return float(np.exp(-dt_s / tau_s))


class ColouredNoise:
    """Ornstein-Uhlenbeck processes of unit variance, exact in discrete time: one per name and pump."""

    def __init__(self, pumps: int, *, dt_s: float, rng: np.random.Generator) -> None:
        self._keep = np.array([[decay(dt_s, tau)] for tau in TIME_CONSTANTS_S.values()])
        self._gain = np.sqrt(1.0 - self._keep**2)
        self._state = rng.standard_normal((len(TIME_CONSTANTS_S), pumps))

    def run(self, white: Array) -> dict[str, Array]:
        """Colour `white` (m, processes, pumps); gives each process by name (m, pumps)."""
        out = white * self._gain
        state = self._state
        keep = self._keep
        for row in out:
            row += keep * state
            state = row
        self._state = state.copy()
        return {name: out[:, i] for i, name in enumerate(TIME_CONSTANTS_S)}


class Steps:
    """A piecewise constant signal made of (duration in seconds, value) pairs, drawn as time goes by."""

    def __init__(self, pieces: Iterator[tuple[float, float]]) -> None:
        self._pieces = pieces
        self._ends: list[float] = []
        self._values: list[float] = []

    def at(self, time_s: Array) -> Array:
        """The value at each time (m,), not decreasing."""
        while not self._ends or self._ends[-1] <= time_s[-1]:
            duration, value = next(self._pieces)
            self._ends.append((self._ends[-1] if self._ends else 0.0) + duration)
            self._values.append(value)
        first = bisect_right(self._ends, float(time_s[0]))
        if self._ends[first] > time_s[-1]:
            return np.full(time_s.size, self._values[first])
        return np.asarray(self._values)[np.searchsorted(self._ends, time_s, side="right")]


def valve_moves(rng: np.random.Generator, *, spread: float = 0.06) -> Iterator[tuple[float, float]]:
    """The operator's moves of the discharge valve: every 20 to 90 min, to a relative resistance within ± 2 spreads."""
    while True:
        yield rng.uniform(1200.0, 5400.0), float(np.clip(rng.normal(0.0, spread), -2 * spread, 2 * spread))


def duty_cycle(rng: np.random.Generator, *, cycles: bool, delay_s: float) -> Iterator[tuple[float, float]]:
    """1 while the pump is wanted, 0 while not: off for `delay_s`, then on for ever or, with `cycles`, for hours."""
    start: list[tuple[float, float]] = [(delay_s, 0.0)] if delay_s > 0 else []
    rest = _runs(rng) if cycles else repeat((float("inf"), 1.0))
    return chain(start, rest)


def _runs(rng: np.random.Generator) -> Iterator[tuple[float, float]]:
    while True:
        yield rng.uniform(4 * 3600.0, 12 * 3600.0), 1.0
        yield rng.uniform(15 * 60.0, 75 * 60.0), 0.0


def ambient(time_s: Array, weather: Array, *, start_of_day_s: float) -> Array:
    """Temperature of the hall, degC (m, pumps): a day's swing of ± 2.5 K, coldest at 3 h, and the weather's ± 0.5 K."""
    swing = 24.0 + 2.5 * np.sin(2 * np.pi * (time_s + start_of_day_s - 9 * 3600.0) / _DAY_S)
    return np.asarray(swing[:, np.newaxis] + 0.5 * weather)


def follow(state: Array, target: Array, keep: Array | float) -> tuple[Array, Array]:
    """First-order lag: `state` (…,) follows `target` (m, …), keeping the part `keep` each step; (track, last state)."""
    kept = np.broadcast_to(keep, target.shape)
    out = target * (1.0 - kept)
    for row, part in zip(out, kept, strict=True):
        row += part * state
        state = row
    return out, state.copy()


def ramp(
    state: Array, wanted: NDArray[np.bool_], step: Callable[[Array, NDArray[np.bool_]], Array]
) -> tuple[Array, Array]:
    """Run `step` over `wanted` (m, pumps) from `state` (pumps,); rows that would not change are filled at once."""
    out = np.empty(wanted.shape)
    if (wanted == wanted[0]).all() and np.array_equal(step(state, wanted[0]), state):
        out[:] = state
        return out, state
    for i, want in enumerate(wanted):
        state = step(state, want)
        out[i] = state
    return out, state
