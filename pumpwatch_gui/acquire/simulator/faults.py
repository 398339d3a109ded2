"""Faults that can be injected: what each changes in the pump's physics, when, and how hard.

The directions of the ten sensors are not written here: they come out of the physics. `Fault.symptoms` names what is
expected (`+ ++ - --`, `~` unsteady, brackets for late or weak) and the tests hold the physics to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from math import inf, isfinite
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS

PARAMETERS = (
    "suction_fouling",  # suction-line resistance grows by this factor
    "source_drop_bar",  # pressure lost in the suction vessel
    "suction_surge_bar",  # unsteadiness of the suction pressure, standard deviation
    "npshr_m",  # extra net positive suction head required
    "gas_fraction",  # of volume, in the liquid pumped
    "prime_lost",  # part of the casing that is no longer filled, 0 to 1
    "throttling",  # natural logarithm of the growth of the discharge resistance
    "ring_wear",  # 0 new to 1 worn out
    "bearing_drag_kw",
    "bearing_heat",  # bearing temperature rise grows by this factor
    "bearing_roughness_mm_s",
    "unbalance_mm_s",
    "misalignment_mm_s",
    "oil_loss",  # part of the oil pressure that is gone
    "seal_leak_l_min",
    "motor_drag_kw",
    "supply_drop",  # part of the supply voltage that is gone
)
"""The physical parameters a fault can move; 0 is a healthy pump."""


class SensorEffect(Enum):
    """What a sensor fault makes of the reading."""

    STUCK = "stuck"
    DROPOUT = "dropout"
    DRIFT = "drift"


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault. `effects`: parameter → change at severity 1 (it is proportional to the severity).

    A sensor fault has no effects but a `sensor`, the tag it hits unless another is named, and a `sensor_effect`.
    `ramp_s` is how long it takes to develop after the onset. `symptoms` maps tags to their expected direction.
    """

    name: str
    label: str
    ramp_s: float
    effects: Mapping[str, float]
    symptoms: Mapping[str, str]
    sensor: str = ""
    sensor_effect: SensorEffect | None = None


def _fault(name: str, label: str, ramp_s: float, symptoms: str, **effects: float) -> Fault:
    signs = dict(zip(STANDARD_TAGS, symptoms.split(), strict=True))
    return Fault(name, label, ramp_s, MappingProxyType(effects), MappingProxyType(signs))


def _sensor_fault(label: str, ramp_s: float, sensor: str, effect: SensorEffect) -> Fault:
    name = f"sensor_{effect.value}"
    return Fault(name, label, ramp_s, MappingProxyType({}), MappingProxyType({}), sensor, effect)


_TABLE = (
    # expected directions of                           n   Tb  Po  V  Q   Ps   Pd   I   Tc  Ta
    _fault("cavitation", "Cavitation", 15.0,          "0  (+)  0 ++~ -~   -   -~  -~  (+)  0",
           npshr_m=20.0, suction_fouling=6.0, suction_surge_bar=0.03),
    _fault("suction_blockage", "Suction blockage", 20.0, "0/+ 0 0 (+) -  --    -   -  (+)  0",
           suction_fouling=22.0),
    _fault("dry_run", "Dry run", 10.0,                "+  (+)  0  +~ --  0/-~ --  --  ++   0",
           prime_lost=1.5, source_drop_bar=0.35, suction_surge_bar=0.05),
    _fault("closed_discharge", "Closed discharge", 10.0, "0/+ 0 0  + --   +    +   -  ++   0",
           throttling=9.0),
    _fault("gas_ingress", "Gas ingress", 15.0,        "0   0   0  +~ -~   ~   -~  -~   0   0",
           gas_fraction=0.12, suction_surge_bar=0.10),
    _fault("impeller_wear", "Impeller wear", 40.0,    "0   0   0 (+)  -  (+)   -  0/- (+)  0",
           ring_wear=1.0),
    _fault("bearing_wear", "Bearing wear", 20.0,      "0  ++   0  +   0   0    0  (+)  0   0",
           bearing_heat=0.8, bearing_roughness_mm_s=4.5, bearing_drag_kw=0.35),
    _fault("oil_pressure_loss", "Oil pressure loss", 20.0, "0 + -- (+) 0  0    0   0   0   0",
           oil_loss=0.9),
    _fault("seal_leak", "Mechanical-seal leak", 20.0, "0  (+)  0 (+) (-)  0   (-)  0  (+)  0",
           seal_leak_l_min=90.0, bearing_heat=0.03),
    _fault("misalignment", "Misalignment", 10.0,      "0   +   0  +   0   0    0  (+)  0   0",
           misalignment_mm_s=4.5, bearing_heat=0.3, bearing_drag_kw=0.25),
    _fault("imbalance", "Imbalance", 10.0,            "0  (+)  0  +   0   0    0   0   0   0",
           unbalance_mm_s=6.5, bearing_heat=0.08),
    _fault("motor_overload", "Motor overload", 15.0,  "-   0   0 (+) 0/-  0   0/- ++   0   0",
           motor_drag_kw=6.0, supply_drop=0.1),
    _sensor_fault("Sensor stuck", 0.0, "flow_rate_l_min", SensorEffect.STUCK),
    _sensor_fault("Sensor drop-out", 0.0, "vibration_mm_s", SensorEffect.DROPOUT),
    _sensor_fault("Sensor drift", 120.0, "bearing_temperature_c", SensorEffect.DRIFT),
)  # fmt: skip

FAULTS: Mapping[str, Fault] = MappingProxyType({fault.name: fault for fault in _TABLE})
"""Every fault there is, by name. Severities: mild 0.3, moderate 0.6, severe 1.0."""

DEFAULT_SEVERITY = 0.6
_ADVICE = "write PUMP=FAULT@SECONDS, for example P-103=cavitation@60 or P-101=sensor_stuck.motor_current_a@60+300:0.7"


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """One fault to inject: at `onset_s` simulated seconds after the start, for `duration_s`, of `severity` 0 to 1.

    `tag` is the sensor a sensor fault hits, "" otherwise. `ramp_s` overrides how long the fault takes to develop
    (and to go away). Raises InputError for a fault, sensor, severity or time that cannot be.
    """

    pump_id: str
    fault: str
    onset_s: float = 0.0
    severity: float = DEFAULT_SEVERITY
    tag: str = ""
    duration_s: float = inf
    ramp_s: float | None = None

    def __post_init__(self) -> None:
        """Check every field and fill in the default sensor."""
        if self.fault not in FAULTS:
            raise InputError(f"no such fault: {self.fault!r}", _did_you_mean(self.fault, FAULTS))
        kind = FAULTS[self.fault]
        if self.tag and not kind.sensor:
            raise InputError(f"{self.fault} is a fault of the pump, not of a sensor", f"leave out .{self.tag}")
        if self.tag and self.tag not in STANDARD_TAGS:
            raise InputError(f"no such sensor: {self.tag!r}", _did_you_mean(self.tag, STANDARD_TAGS))
        if not 0 < self.severity <= 1:
            raise InputError(
                f"severity {self.severity:g} is not above 0 and at most 1", "mild 0.3, moderate 0.6, severe 1"
            )
        if not (self.onset_s >= 0 and isfinite(self.onset_s) and self.duration_s > 0):
            raise InputError(f"{self.fault}: the onset must be 0 s or later, the duration above 0 s", _ADVICE)
        if self.ramp_s is not None and not (self.ramp_s >= 0 and isfinite(self.ramp_s)):
            raise InputError(f"{self.fault}: the time to develop must be 0 s or more", _ADVICE)
        object.__setattr__(self, "tag", self.tag or kind.sensor)

    @classmethod
    def parse(cls, text: str) -> "FaultSpec":
        """`PUMP=FAULT[.SENSOR]@ONSET[+DURATION][:SEVERITY[:RAMP]]`, times in seconds; raises InputError."""
        pump_id, equals, rest = text.strip().partition("=")
        what, at, when = rest.partition("@")
        if not (pump_id.strip() and equals and what and at):
            raise InputError(f"cannot read the fault {text!r}", _ADVICE)
        fault, _, tag = what.strip().partition(".")
        times, *more = when.split(":")
        onset, plus, duration = times.partition("+")
        if len(more) > 2:
            raise InputError(f"too many colons in {text!r}", _ADVICE)
        return cls(
            pump_id.strip(),
            fault,
            _number(onset, text),
            _number(more[0], text) if more else DEFAULT_SEVERITY,
            tag,
            _number(duration, text) if plus else inf,
            _number(more[1], text) if len(more) > 1 else None,
        )

    @property
    def name(self) -> str:
        """The fault as written in ground truth: `cavitation`, `sensor_stuck.flow_rate_l_min`."""
        return f"{self.fault}.{self.tag}" if self.tag else self.fault

    def level(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far it has developed, 0 to `severity`, at each simulated time (m,)."""
        ramp = max(FAULTS[self.fault].ramp_s if self.ramp_s is None else self.ramp_s, 1e-6)
        rise = np.clip((time_s - self.onset_s) / ramp, 0.0, 1.0)
        fall = np.clip((time_s - self.onset_s - self.duration_s) / ramp, 0.0, 1.0)
        return self.severity * np.minimum(rise, 1.0 - fall)


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """What the faults of a plant make of a stretch of time."""

    parameters: Mapping[str, NDArray[np.float64]]  # each (m, pumps), those that are not 0 throughout
    level: NDArray[np.float64]  # (m, pumps) the strongest fault of each pump


def parameters_at(time_s: NDArray[np.float64], specs: Sequence[FaultSpec], pump_ids: Sequence[str]) -> Shares:
    """The physical parameters of every pump at each time (m,); parameters that stay 0 are left out."""
    level = np.zeros((time_s.size, len(pump_ids)))
    moved: dict[str, NDArray[np.float64]] = {}
    for spec in specs:
        own = spec.level(time_s)
        if not own.any():
            continue
        pump = pump_ids.index(spec.pump_id)
        level[:, pump] = np.maximum(level[:, pump], own)
        for name, gain in FAULTS[spec.fault].effects.items():
            moved.setdefault(name, np.zeros_like(level))[:, pump] += gain * own
    return Shares(moved, level)


def _number(text: str, whole: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{text!r} is not a number in the fault {whole!r}", _ADVICE) from None


def _did_you_mean(word: str, names: Mapping[str, object] | Sequence[str]) -> str:
    close = get_close_matches(word, list(names), n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else "there are: " + ", ".join(names)
