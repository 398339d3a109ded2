"""Operating modes: the separate levels at which a pump was running, named by the quantity that sets them."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.wording import number, running_time, unit_text
from pumpwatch_gui.infer.training.operating_point import drivers

Floats = NDArray[np.float64]

LEAST_S = 25 * 60.0
"""A mode that was seen for less is not covered: a limit from it would be rough."""
APART = 6.0
"""Levels lie within so many times the noise of one sample of each other, or they are not looked for."""
BINS = 40
LEAST_SHARE, EMPTY = 0.02, 0.002
"""Of the running: what makes a mode, and what counts as none on the way between two."""


class Mode(NamedTuple):
    """The lowest and highest value of a level, in the unit of its sensor, and its share of the running."""

    low: float
    high: float
    share: float


class Modes(NamedTuple):
    """What sets the modes of a pump, the modes from low to high, and the seconds of running they were found in."""

    sensor: Sensor
    modes: tuple[Mode, ...]
    running_s: float

    @property
    def words(self) -> str:
        """Each with its time."""
        return f"{self.sensor.label.lower()} " + ", ".join(map(self._words_of, self.modes))

    @property
    def uncovered(self) -> str:
        """Those that were seen too shortly, "" for none."""
        return ", ".join(self._words_of(mode) for mode in self.modes if mode.share * self.running_s < LEAST_S)

    def _words_of(self, mode: Mode) -> str:
        low, high = (number(value, self.sensor.decimals) for value in (mode.low, mode.high))
        unit = unit_text(self.sensor.unit)
        return f"{low} to {high} {unit}".rstrip() + f" ({running_time(mode.share * self.running_s)})"


def modes_of(profile: PumpProfile, rows: Floats, *, running_s: float) -> Modes | None:
    """The modes in rows (m, n) of running, by the first quantity that drives the pump and has more than one."""
    for i in drivers(profile, np.asarray(np.isfinite(rows).any(axis=0))):
        values = rows[:, i]
        found = levels(values[np.isfinite(values)])
        if len(found) > 1:
            return Modes(profile.sensors[i], found, running_s)
    return None


def levels(values: Floats) -> tuple[Mode, ...]:
    """The well separated levels of values (m,) without NaN, from low to high; one where they are not separate."""
    low, high = np.percentile(values, (0.5, 99.5)).tolist()
    steps = np.diff(values)
    noise = 1.4826 * float(np.median(np.abs(steps[steps != 0]))) if (steps != 0).any() else 0.0
    if high - low < APART * noise or high <= low:
        return (Mode(low, high, 1.0),)
    counts, edges = np.histogram(values, bins=BINS, range=(low, high))
    filled = np.concatenate(([0], (counts > EMPTY * values.size).astype(int), [0]))
    starts, stops = np.flatnonzero(np.diff(filled) == 1), np.flatnonzero(np.diff(filled) == -1)
    cores = [values[(values >= edges[a]) & (values <= edges[b])] for a, b in zip(starts, stops, strict=True)]
    cores = [core for core in cores if core.size >= LEAST_SHARE * values.size]
    if len(cores) < 2:
        return (Mode(low, high, 1.0),)
    # What lies between two counts for the nearer one: a pump is seldom on its way.
    between = [(float(core.max()) + float(above.min())) / 2 for core, above in pairwise(cores)]
    shares = np.bincount(np.searchsorted(between, values), minlength=len(cores)) / values.size
    return tuple(Mode(float(c.min()), float(c.max()), s) for c, s in zip(cores, shares.tolist(), strict=True))
