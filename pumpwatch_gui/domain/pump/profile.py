"""What a pump is made of: its sensors, their limits and the nameplate."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from math import isfinite

from pumpwatch_gui.domain.pump.curve import CurvePoints

STANDARD_TAGS = (
    "motor_rpm",
    "bearing_temperature_c",
    "oil_pressure_bar",
    "vibration_mm_s",
    "flow_rate_l_min",
    "suction_pressure_bar",
    "discharge_pressure_bar",
    "motor_current_a",
    "casing_temperature_c",
    "ambient_temperature_c",
)
"""The ten tags of the original system, in its order; its JSON keys differ from them only by case."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Alarm limits of one sensor in its unit; `None` means not watched.

    `deadband` is in the sensor's unit. `latching`: an alarm outlasts its return to normal, until it is reset.
    Raises ValueError unless low_low < low < high < high_high.
    """

    low_low: float | None = None
    low: float | None = None
    high: float | None = None
    high_high: float | None = None
    deadband: float = 0.0
    on_delay_s: float = 5.0
    off_delay_s: float = 5.0
    latching: bool = False

    def __post_init__(self) -> None:
        """Check order and signs."""
        if any(not isfinite(x) for x in self.given):
            raise ValueError("a limit must be a finite number")
        if any(a >= b for a, b in pairwise(self.given)):
            raise ValueError("limits must rise: low_low < low < high < high_high")
        if min(self.deadband, self.on_delay_s, self.off_delay_s) < 0:
            raise ValueError("deadband and delays must not be negative")

    @property
    def given(self) -> tuple[float, ...]:
        """Those that are set, from low to high."""
        return tuple(x for x in (self.low_low, self.low, self.high, self.high_high) if x is not None)


@dataclass(frozen=True, slots=True)
class Sensor:
    """One measured point. `span` bounds what the instrument can report: outside it a value is BAD.

    `normal` is the usual running band (for the screen only); `resolution` sets the decimals shown. `states`: what each
    whole value from 0 on reads as, for a value that is a state and no amount. `is_counter`: it only ever rises.
    """

    tag: str
    label: str
    unit: str
    span: tuple[float, float]
    resolution: float = 0.1
    normal: tuple[float, float] | None = None
    limits: Limits = field(default_factory=Limits)
    states: tuple[str, ...] = ()
    is_counter: bool = False

    def __post_init__(self) -> None:
        """Check that the span rises and the resolution is positive."""
        if not self.tag.isidentifier():
            raise ValueError(f"tag {self.tag!r} must be letters, digits and underscores")
        if not self.span[0] < self.span[1]:
            raise ValueError("span must rise")
        if not self.resolution > 0:
            raise ValueError("resolution must be positive")
        if self.normal is not None and not self.span[0] <= self.normal[0] < self.normal[1] <= self.span[1]:
            raise ValueError("normal must rise and lie within span")

    @property
    def decimals(self) -> int:
        """Decimals that `resolution` asks for, 0 to 6."""
        return _decimals(self.resolution)


@cache
def _decimals(resolution: float) -> int:
    return len(f"{resolution:.6f}".rstrip("0").split(".")[1])


PHASES = (1, 3)
VIBRATION_CATEGORIES = ("I", "II")
"""ISO 10816-7: I for critical or hazardous service, II for general use."""


@dataclass(frozen=True, slots=True)
class Nameplate:
    """The plate on the motor and the pump. `None` where it is not known: what needs it is then not derived.

    `best_efficiency_flow_l_min` and `npshr_m` are at the rated speed, `baseline_efficiency_percent` is that of pump and
    motor together when they were new. Regions are parts of the best-efficiency flow (API 610: 0.7 to 1.2 preferred).
    `vibration_category` is that of ISO 10816-7, `I` or `II`. `vapour_pressure_bar` and `atmospheric_pressure_bar` are
    absolute; `suction_is_gauge` is whether the suction sensor reads 0 in the open air.
    """

    rated_power_kw: float | None = None
    voltage_v: float | None = None
    power_factor: float | None = None
    phases: int = 3
    rated_speed_rpm: float | None = None
    rated_flow_l_min: float | None = None
    rated_head_m: float | None = None
    rated_current_a: float | None = None
    suction_is_gauge: bool | None = None
    density_kg_m3: float = 998.0
    best_efficiency_flow_l_min: float | None = None
    baseline_efficiency_percent: float | None = None
    preferred_region: tuple[float, float] = (0.7, 1.2)
    allowable_region: tuple[float, float] | None = None
    npshr_m: float | None = None
    vapour_pressure_bar: float | None = None
    atmospheric_pressure_bar: float = 1.01325
    vibration_category: str | None = None

    def __post_init__(self) -> None:
        """Check what must be one of few, and that each region rises. Raises ValueError."""
        if self.phases not in PHASES:
            raise ValueError(f"phases must be 1 or 3, not {self.phases}")
        if self.vibration_category not in (None, *VIBRATION_CATEGORIES):
            raise ValueError(f"vibration_category must be I or II, not {self.vibration_category}")
        if any(region and not is_region(region) for region in (self.preferred_region, self.allowable_region)):
            raise ValueError("a region must rise, from 0 on")


def is_region(region: tuple[float, float]) -> bool:
    """Whether it can be a region of flow, in parts of the best one."""
    return 0 <= region[0] < region[1]


@dataclass(frozen=True, slots=True)
class PumpProfile:
    """A pump type: 1 to 64 sensors in a fixed order, with tags that are unique whatever their case.

    `derived` are the quantities computed from them (`pump.derived.with_derived`), with limits of their own. They have
    no place on a wire, in a model or in a row of the database: `tags` are those of the sensors alone, `quantities` all.
    `curve` is that of the maker.
    """

    name: str
    sensors: tuple[Sensor, ...]
    label: str = ""
    nameplate: Nameplate = field(default_factory=Nameplate)
    derived: tuple[Sensor, ...] = ()
    curve: CurvePoints | None = None
    tags: tuple[str, ...] = field(init=False, repr=False, compare=False)
    quantities: tuple[Sensor, ...] = field(init=False, repr=False, compare=False)
    quantity_tags: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Keep the tags in order; check the count and their uniqueness."""
        object.__setattr__(self, "tags", tuple(s.tag for s in self.sensors))
        object.__setattr__(self, "quantities", self.sensors + self.derived)
        object.__setattr__(self, "quantity_tags", tuple(s.tag for s in self.quantities))
        if not 1 <= len(self.sensors) <= 64:
            raise ValueError("a profile has 1 to 64 sensors")
        if pair := equal_tags(self.quantity_tags):
            raise ValueError(equal_tags_text(self.quantity_tags[pair[0]], self.quantity_tags[pair[1]]))

    def index(self, tag: str) -> int:
        """Position of `tag` among the quantities, the sensors first; raises ValueError when there is none."""
        return self.quantity_tags.index(tag)


def equal_tags(tags: Sequence[str]) -> tuple[int, int] | None:
    """The positions of the first two tags that are the same but for their case; None when there are none.

    `Flow` and `flow` are one: the columns of a database and of a CSV file do not know case.
    """
    seen: dict[str, int] = {}
    for i, tag in enumerate(tags):
        first = seen.setdefault(tag.casefold(), i)
        if first != i:
            return first, i
    return None


def equal_tags_text(first: str, second: str) -> str:
    """What is wrong with two such tags."""
    return f"two sensors share the tag {first}" if first == second else f"tags {first} and {second} differ only by case"
