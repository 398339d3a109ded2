"""Small pumps that are not the simulator's, as recordings: quick to make, each healthy in its own way."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.pump.profile import Limits, PumpProfile, Sensor
from pumpwatch_gui.domain.values.recording import Recording

Floats = NDArray[np.float64]
START_S = 1_750_000_000.0


@dataclass(frozen=True, slots=True)
class Kind:
    """A size of pump: ordinary levels by sensor, noise as parts of them, the thermal time constant, the period."""

    levels: Mapping[str, tuple[float, str, float]]
    thermal_s: float
    period_s: float
    moves: float


KINDS = {
    "2 kW, five sensors, every 10 s": Kind(
        {
            "flow": (95.0, "L/min", 0.01),
            "head": (2.1, "bar", 0.008),
            "current": (4.3, "A", 0.006),
            "vibration": (1.1, "mm/s", 0.08),
            "winding": (58.0, "degC", 0.001),
        },
        1500.0,
        10.0,
        0.03,
    ),
    "160 kW, 2,950 rpm, every 5 s": Kind(
        {
            "speed": (2955.0, "rpm", 0.0004),
            "flow": (7200.0, "L/min", 0.004),
            "suction": (0.6, "bar", 0.02),
            "discharge": (11.8, "bar", 0.003),
            "current": (258.0, "A", 0.004),
            "bearing": (71.0, "degC", 0.0008),
            "vibration": (3.9, "mm/s", 0.05),
        },
        5400.0,
        5.0,
        0.05,
    ),
    "a drive of 30 kW with demand steps, every 5 s": Kind(
        {
            "speed": (1380.0, "rpm", 0.001),
            "flow": (1500.0, "L/min", 0.008),
            "discharge": (4.4, "bar", 0.006),
            "power": (21.0, "kW", 0.008),
            "casing": (41.0, "degC", 0.001),
            "vibration": (2.2, "mm/s", 0.06),
        },
        2700.0,
        5.0,
        0.07,
    ),
}


def profile_of(kind: Kind, **limits: Limits) -> PumpProfile:
    """Its profile; `limits` by tag."""
    return PumpProfile(
        "own",
        tuple(
            Sensor(tag, tag.capitalize(), unit, (-5 * level, 5 * level), level * 1e-4, limits=limits.get(tag, Limits()))
            for tag, (level, unit, _) in kind.levels.items()
        ),
    )


def healthy(kind: Kind, *, hours: float, seed: int) -> Recording:
    """Hours of healthy running: noise of its own, warm-up, the day's swing, moves of the operating point."""
    rng = np.random.default_rng(seed)
    count = round(hours * 3600 / kind.period_s)
    time_s: Floats = np.arange(count, dtype=np.float64) * np.float64(kind.period_s)
    duty = _moves(rng, time_s, kind.moves)
    columns = []
    for tag, (level, unit, noise) in kind.levels.items():
        if unit == "degC":
            warm = 1 - 0.5 * np.exp(-(time_s + kind.thermal_s) / kind.thermal_s)
            column = 22.0 + (level - 22.0) * warm + 1.5 * np.sin(2 * np.pi * time_s / 86_400)
        else:
            part = {"head": -0.5, "discharge": -0.5, "suction": -0.3, "current": 0.7, "power": 0.8, "speed": 0.1}
            column = level * (1 + part.get(tag, 1.0) * duty)
        columns.append(column + noise * level * rng.standard_normal(count))
    return Recording(Path("own.csv"), START_S + time_s, np.column_stack(columns))


def _moves(rng: np.random.Generator, time_s: Floats, size: float) -> Floats:
    """Where the operating point is, as a part of its level: a move every 20 to 90 minutes, in half a minute."""
    ends = np.cumsum(rng.uniform(1200, 5400, size=round(time_s[-1] / 1200) + 2))
    steps = np.clip(rng.normal(0, size / 2, size=ends.size), -size, size)
    target = steps[np.searchsorted(ends, time_s)]
    wide = max(1, round(30 / (time_s[1] - time_s[0])))
    padded = np.concatenate((np.full(wide - 1, target[0]), target))
    return np.convolve(padded, np.ones(wide) / wide, mode="valid")
