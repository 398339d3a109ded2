"""Pumps that are not the plant's: other sizes, speeds, drives, duties, sensors, thermal masses and sample periods.

The plant (`plant.py`) is one kind of pump in a tenth of a second; these are many kinds in their own sample period, so
that days of them are made in a second. Algebra as in `physics.py`: affinity laws, a quadratic pump curve on a system
curve, slip, lags of first order. Each kind is drawn from its seed alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.values.arrays import read_only

Array = NDArray[np.float64]

BAR_PER_M = 0.0979
DAY_S = 86_400.0
VIBRATIONS = ("vibration_drive_mm_s", "vibration_free_mm_s", "vibration_axial_mm_s")
WARM = ("bearing_drive_c", "bearing_free_c", "winding_c", "casing_c", "oil_c")
_BASIC = ("flow_l_min", "discharge_bar", "current_a", "vibration_drive_mm_s", "bearing_drive_c")
_USUAL = (*_BASIC, "suction_bar", "speed_rpm", "power_kw", "casing_c", "hall_c")
_MANY = (
    *_USUAL, "vibration_free_mm_s", "vibration_axial_mm_s", "bearing_free_c", "winding_c", "oil_c", "head_m",
    "torque_nm", "level_m", "current_l2_a", "current_l3_a",
)  # fmt: skip


class Duty(Enum):
    """What moves the operating point of a healthy pump."""

    STEADY = "steady"
    VALVE = "valve moves"
    DEMAND = "demand steps"
    DAILY = "the day's demand"


@dataclass(frozen=True, slots=True)
class PumpKind:
    """A kind of pump. `power_kw`, `rpm`, `flow_l_min` and `head_m` are rated; `drive`: its speed follows the demand.

    `static` is the part of the head that does not depend on the flow, `noise` multiplies the noise of every instrument,
    `thermal_s` is the time constant of bearings, `season_c` the mean temperature of the hall.
    """

    name: str
    power_kw: float
    rpm: float
    flow_l_min: float
    head_m: float
    duty: Duty
    sensors: tuple[str, ...]
    period_s: float
    drive: bool = False
    noise: float = 1.0
    thermal_s: float = 1800.0
    static: float = 0.4
    season_c: float = 22.0


KNOWN = (
    PumpKind("1 kW circulator", 1.1, 2900, 90, 15, Duty.VALVE, _BASIC, 10.0, noise=1.5, thermal_s=700),
    PumpKind("30 kW drive", 30, 1450, 1500, 55, Duty.DEMAND, _USUAL, 5.0, drive=True, thermal_s=2700),
    PumpKind("160 kW transfer", 160, 2950, 7200, 92, Duty.STEADY, _USUAL, 5.0, thermal_s=5400, static=0.7),
    PumpKind("11 kW booster, slow", 11, 2900, 600, 60, Duty.DAILY, _BASIC, 60.0, drive=True),
)
"""The kinds that the recipe may be tried and tuned on."""
KEPT_BACK = (
    PumpKind("2 kW condensate", 2.2, 2900, 150, 35, Duty.VALVE, _BASIC, 5.0, noise=2.0, thermal_s=900, season_c=31),
    PumpKind("200 kW cooling water", 200, 1450, 21_000, 32, Duty.VALVE, _MANY, 5.0, thermal_s=9000, static=0.3),
    PumpKind("75 kW drive, pipeline", 75, 1485, 4200, 70, Duty.DEMAND, _MANY, 10.0, drive=True, static=0.15),
    PumpKind("18 kW well pump", 18.5, 2870, 700, 95, Duty.STEADY, (*_BASIC[:4], "level_m"), 30.0, static=0.85),
    PumpKind("5 kW sewage", 5.5, 1450, 900, 14, Duty.DAILY, _USUAL, 10.0, noise=2.5, thermal_s=1500, season_c=14),
    PumpKind(
        "45 kW boiler feed", 45, 2960, 700, 210, Duty.DEMAND, _USUAL, 5.0, thermal_s=3600, static=0.8, season_c=34
    ),
    PumpKind("110 kW irrigation", 110, 1480, 12_000, 36, Duty.DAILY, _USUAL, 60.0, thermal_s=7200, season_c=27),
    PumpKind(
        "7 kW district heating", 7.5, 2900, 800, 28, Duty.DAILY, _MANY, 30.0, drive=True, static=0.05, season_c=18
    ),
    PumpKind("30 kW, a value in five minutes", 30, 1470, 2200, 50, Duty.VALVE, _USUAL, 300.0, thermal_s=3000),
)
"""The kinds that are for judging only: nothing may be tuned on them."""

FAULTS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "suction blockage": {"suction_loss": 1.0},
        "throttled discharge": {"throttle": 1.6},
        "worn rings": {"wear": 0.45},
        "gas in the liquid": {"gas": 0.22},
        "bearing wear": {"heat": 0.7, "rough": 1.6},
        "imbalance": {"rough": 2.2},
        "motor drag": {"drag": 0.4, "heat": 0.2},
        "leak after the flow meter": {"leak": 0.45},
    }
)
"""What each fault changes at severity 1 (in parts of what is rated; it is proportional to the severity)."""
SEVERE, MODERATE = 1.0, 0.6


@dataclass(frozen=True, slots=True)
class Spell:
    """A fault from `start_s` on for `duration_s`, developed after `ramp_s`."""

    fault: str
    start_s: float
    duration_s: float
    severity: float
    ramp_s: float = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A stretch of a pump: `time_s` (m,) since its start, `values` (m, n) as its instruments show them.

    `truth` (m, n) is what they would show without noise,
    `noise` (n,) is the standard deviation of each instrument. The arrays are made read-only.
    """

    time_s: Array
    values: Array
    truth: Array
    noise: Array

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for array in (self.time_s, self.values, self.truth, self.noise):
            read_only(array)


def run(kind: PumpKind, *, hours: float, seed: int, spells: tuple[Spell, ...] = ()) -> Run:
    """So many hours of a pump from a cold start. The same seed gives the same pump, noise and moves with any spells."""
    time_s: Array = np.arange(round(hours * 3600 / kind.period_s), dtype=np.float64) * kind.period_s
    built = np.random.default_rng([seed, 0]).uniform(0.97, 1.03, 8)
    moves = np.random.default_rng([seed, 1])
    effects = _effects(time_s, spells)
    speed, valve = _duty(kind, time_s, moves)
    state = _state(kind, time_s, speed, valve, effects, built, moves)
    truth = np.column_stack([state[tag] for tag in kind.sensors])
    noise = np.array([_noise(kind, tag, float(np.median(state[tag]))) for tag in kind.sensors])
    white = np.random.default_rng([seed, 2]).standard_normal(truth.shape)
    step = 10.0 ** np.floor(np.log10(noise))
    values = np.round((truth + noise * white) / step) * step
    return Run(time_s, values, truth, noise)


def _effects(time_s: Array, spells: tuple[Spell, ...]) -> Mapping[str, Array]:
    names = {name for fault in FAULTS.values() for name in fault}
    effects = {name: np.zeros(time_s.size) for name in names}
    for spell in spells:
        rise = np.clip((time_s - spell.start_s) / spell.ramp_s, 0, 1)
        fall = np.clip((time_s - spell.start_s - spell.duration_s) / spell.ramp_s, 0, 1)
        for name, size in FAULTS[spell.fault].items():
            effects[name] += size * spell.severity * np.minimum(rise, 1 - fall)
    return effects


def _duty(kind: PumpKind, time_s: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Speed in parts of the rated one and the relative change of the resistance, each (m,), with its travel."""
    steps = _steps(time_s, rng)
    daily = np.sin(2 * np.pi * (time_s / DAY_S - 0.3)) + 0.3 * np.sin(4 * np.pi * time_s / DAY_S)
    move = {
        Duty.STEADY: 0.01 * steps, Duty.VALVE: 0.07 * steps, Duty.DEMAND: 0.10 * steps,
        Duty.DAILY: 0.06 * daily + 0.02 * steps,
    }[kind.duty]  # fmt: skip
    move = _lag(move, kind.period_s, 15.0)
    if kind.drive:
        return 0.9 + 0.5 * move, 0.1 * move
    return np.ones(time_s.size), -2.0 * move


def _steps(time_s: Array, rng: np.random.Generator) -> Array:
    """A move every 20 to 90 minutes, within ± 1."""
    ends = np.cumsum(rng.uniform(1200, 5400, size=round(time_s[-1] / 1200) + 2))
    return np.clip(rng.normal(0, 0.5, size=ends.size), -1, 1)[np.searchsorted(ends, time_s)]


def _state(
    kind: PumpKind, time_s: Array, speed: Array, valve: Array, effects: Mapping[str, Array], built: Array,
    rng: np.random.Generator,
) -> dict[str, Array]:  # fmt: skip
    """Every quantity that a sensor may show, by tag, each (m,)."""
    period_s, fine = kind.period_s, rng.standard_normal((6, time_s.size))
    level = 2.5 + 0.3 * _wander(fine[0], period_s, 3000.0)
    gas = effects["gas"] * (1 + 0.3 * fine[1])
    strength = built[0] * (1 - gas) * (1 - 0.4 * effects["wear"])
    suction_loss = (0.8 + 5.0 * effects["suction_loss"]) / kind.head_m
    friction = (1 - kind.static) * (1 + valve + 0.01 * _wander(fine[2], period_s, 20.0)) * np.exp(effects["throttle"])
    friction = friction / (1 + effects["leak"]) ** 2
    n = speed * (1 - 0.01 * effects["drag"])
    static = kind.static * (0.81 if kind.drive else 1.0)
    q = np.sqrt(np.maximum(1.25 * strength * n**2 - static, 1e-3) / (0.25 * strength + friction + suction_loss))
    head = kind.head_m * strength * (1.25 * n**2 - 0.25 * q**2)
    suction = BAR_PER_M * (level - kind.head_m * suction_loss * q**2)
    power = kind.power_kw * 0.85 * built[1] * ((0.4 * n**3 + 0.6 * q * n**2) * (1 - 0.7 * gas) + effects["drag"] * n)
    current = 1.75 * kind.power_kw * np.hypot(power / kind.power_kw, 0.45)
    hall = kind.season_c + 3.0 * np.sin(2 * np.pi * (time_s / DAY_S - 0.25)) + 0.5 * _wander(fine[3], period_s, 2400.0)
    calm = (2.0 + 0.004 * kind.power_kw) * built[2] * n**2 * (1 + 1.5 * (1 - q / np.maximum(n, 0.1)) ** 2)
    breath = 1 + 0.04 * kind.noise * _wander(fine[4], period_s, 3.0)
    shake = calm * np.sqrt(1 + effects["rough"] ** 2 + (8 * gas) ** 2 + (0.9 * effects["suction_loss"]) ** 2) * breath
    friction_heat = 38 * built[3] * n**1.5 * (1 + effects["heat"])

    def warm(rise: Array, slowness: float) -> Array:
        return _lag(hall + rise, period_s, slowness * kind.thermal_s, start=float(hall[0]))

    return {
        "flow_l_min": kind.flow_l_min * q, "discharge_bar": suction + BAR_PER_M * head, "suction_bar": suction,
        "head_m": head, "speed_rpm": kind.rpm * n * (1 + 0.004 * (1 - power / kind.power_kw)), "power_kw": power,
        "current_a": current, "current_l2_a": 1.01 * current, "current_l3_a": 0.99 * current,
        "torque_nm": 9550 * power / (kind.rpm * n), "level_m": level, "hall_c": hall,
        "vibration_drive_mm_s": shake, "vibration_free_mm_s": 0.8 * shake, "vibration_axial_mm_s": 0.5 * shake,
        "bearing_drive_c": warm(friction_heat, 0.5), "bearing_free_c": warm(0.9 * friction_heat, 0.5),
        "winding_c": warm(55 * (current / current[0]) ** 2, 1.0), "casing_c": warm(14 * power / kind.power_kw, 0.7),
        "oil_c": warm(0.6 * friction_heat, 0.8),
    }  # fmt: skip


def _noise(kind: PumpKind, tag: str, level: float) -> float:
    """The standard deviation of an instrument about an ordinary level."""
    part = 0.02 if tag in VIBRATIONS else 0.0005 if tag == "speed_rpm" else 0.0015 if tag in WARM else 0.004
    return max(kind.noise * part * abs(level), 0.006 if tag == "suction_bar" else 1e-3)


def _wander(white: Array, period_s: float, tau_s: float) -> Array:
    """White noise (m,) of variance 1 with a memory."""
    keep = np.exp(-period_s / tau_s)
    return _follow(white * np.sqrt(1 - keep**2), float(keep), float(white[0]))


def _lag(target: Array, period_s: float, tau_s: float, *, start: float | None = None) -> Array:
    """`target` (m,) followed with a lag of first order."""
    keep = float(np.exp(-period_s / tau_s))
    return _follow((1 - keep) * target, keep, float(target[0]) if start is None else start)


def _follow(pushed: Array, keep: float, state: float) -> Array:
    out = np.empty(pushed.size)
    for i, push in enumerate(pushed.tolist()):
        state = keep * state + push
        out[i] = state
    return out
