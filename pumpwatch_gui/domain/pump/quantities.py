"""The quantities that are computed from sensors and the nameplate: one table, a row each way to compute one.

Figures and formulas: textbook hydraulics (ISO 9906 names), ISO 10816-7:2009 for vibration, API 610 for regions. Every
function takes the nameplate, then its inputs in the units of their tags: as arrays of one shape, or as numbers, with
the same result to the last bit. Where something is divided by 0 there is no result, which is BAD.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.pump.profile import Nameplate

Floats = NDArray[np.float64]

GRAVITY_M_S2 = 9.80665
ZONES = ("A", "B", "C", "D")
"""ISO 10816-7: as new, unrestricted, limited time, damage."""
ZONE_BOUNDARIES_MM_S = {
    ("I", False): (2.5, 4.0, 6.6),
    ("I", True): (3.5, 5.0, 7.6),
    ("II", False): (3.2, 5.1, 8.5),
    ("II", True): (4.2, 6.1, 9.5),
}
"""ISO 10816-7:2009, RMS velocity at the bearing housing: by category, and whether the pump has more than 200 kW."""
LARGE_KW = 200.0

Function = Callable[..., Floats]
Span = Callable[[Nameplate], tuple[float, float]]
Band = Callable[[Nameplate], tuple[float, float] | None]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One way to compute a quantity. Of several rows with one tag the first counts whose inputs and plate are there.

    `inputs` are tags of sensors or of quantities above it, `plate` the nameplate keys that it needs, `source` where the
    rule is from. `only_running`: it does not exist while the pump is stopped. `span` and `normal` are for scale and
    band on the screen: a value outside is shown as such, and is not BAD.
    """

    tag: str
    label: str
    unit: str
    inputs: tuple[str, ...]
    function: Function
    plate: tuple[str, ...] = ()
    only_running: bool = False
    resolution: float = 0.1
    span: Span = lambda p: (0.0, 100.0)
    normal: Band = lambda p: None
    states: tuple[str, ...] = ()
    source: str = ""


def metres_per_bar(plate: Nameplate) -> float:
    """The height of the liquid that a pressure of 1 bar carries."""
    return 1e5 / (plate.density_kg_m3 * GRAVITY_M_S2)


def zone_boundaries(plate: Nameplate) -> tuple[float, float, float]:
    """A-B, B-C and C-D in mm/s RMS; needs `vibration_category` and `rated_power_kw` (KeyError, TypeError without)."""
    power_kw: Any = plate.rated_power_kw
    return ZONE_BOUNDARIES_MM_S[str(plate.vibration_category), power_kw > LARGE_KW]


def _zone(plate: Nameplate, vibration: Floats) -> Floats:
    """0 to 3 for A to D; a value on a boundary is in the better zone."""
    low, middle, high = zone_boundaries(plate)
    return 0.0 * vibration + (vibration > low) + (vibration > middle) + (vibration > high)


def _power_of_current(p: Any, current: Floats) -> Floats:
    phases = sqrt(3.0) if p.phases == 3 else 1.0
    power: Floats = phases * p.voltage_v * current * p.power_factor / 1e3
    return power


def _npsh_available(p: Any, suction: Floats) -> Floats:
    absolute = suction + (p.atmospheric_pressure_bar if p.suction_is_gauge else 0.0)
    height: Floats = (absolute - p.vapour_pressure_bar) * metres_per_bar(p)
    return height


def _power(base: Floats, times: int) -> Floats:
    """By products: a power of a number may differ in the last bit from that of an array of it."""
    return base * base if times == 2 else base * base * base


def _percent(share: float | Floats) -> Any:
    return 100.0 * share


def _around(rated: float | None, otherwise: float, times: float = 2.0) -> tuple[float, float]:
    return 0.0, (rated or otherwise / times) * times


def _power_span(p: Nameplate) -> tuple[float, float]:
    return _around(p.rated_power_kw, 1000.0)


HYDRAULICS = "hydraulics; velocity head and the height between the two gauges are left out"
AFFINITY = "affinity laws, to the rated speed"

QUANTITIES: tuple[Quantity, ...] = (
    Quantity(
        "differential_pressure_bar", "Differential pressure", "bar",
        ("discharge_pressure_bar", "suction_pressure_bar"), lambda p, out, into: out - into,
        resolution=0.01, span=lambda p: (-1.0, _around(p.rated_head_m, 1000.0)[1] / metres_per_bar(p)),
        source=HYDRAULICS,
    ),
    Quantity(
        "head_m", "Head", "m", ("differential_pressure_bar",), lambda p, rise: rise * metres_per_bar(p),
        span=lambda p: _around(p.rated_head_m, 1000.0), source=f"{HYDRAULICS}; H = Δp / (ρ g)",
    ),
    Quantity(
        "hydraulic_power_kw", "Hydraulic power", "kW", ("flow_rate_l_min", "differential_pressure_bar"),
        lambda p, flow, rise: flow * rise / 600.0, resolution=0.01, span=_power_span, source="P = Q Δp",
    ),
    Quantity(
        "electrical_power_kw", "Electrical power", "kW", ("power_w",), lambda p, watts: watts / 1e3,
        resolution=0.01, span=_power_span, source="measured",
    ),
    Quantity(
        "electrical_power_kw", "Electrical power", "kW", ("motor_current_a",), _power_of_current,
        plate=("voltage_v", "power_factor"), resolution=0.01, span=_power_span,
        source="P = √3 U I cosφ, with one power factor at any load: too high at part load",
    ),
    Quantity(
        "efficiency_percent", "Overall efficiency", "%", ("hydraulic_power_kw", "electrical_power_kw"),
        lambda p, hydraulic, electrical: _percent(hydraulic / electrical), only_running=True,
        source="pump, motor and drive together",
    ),
    Quantity(
        "relative_efficiency_percent", "Efficiency, of when new", "%", ("efficiency_percent",),
        lambda p, now: _percent(now / p.baseline_efficiency_percent), plate=("baseline_efficiency_percent",),
        only_running=True, span=lambda p: (0.0, 150.0), source="to the nameplate's baseline, at any flow",
    ),
    Quantity(
        "specific_energy_kwh_m3", "Specific energy", "kWh/m3", ("electrical_power_kw", "flow_rate_l_min"),
        lambda p, power, flow: power / (flow * 0.06), only_running=True, resolution=0.001,
        span=lambda p: (0.0, 10.0), source="energy a volume pumped",
    ),
    Quantity(
        "flow_at_rated_speed_l_min", "Flow at rated speed", "L/min", ("flow_rate_l_min", "motor_rpm"),
        lambda p, flow, speed: flow * (p.rated_speed_rpm / speed), plate=("rated_speed_rpm",), only_running=True,
        resolution=1.0, span=lambda p: _around(p.rated_flow_l_min, 10_000.0), source=f"{AFFINITY}: Q / n",
    ),
    Quantity(
        "head_at_rated_speed_m", "Head at rated speed", "m", ("head_m", "motor_rpm"),
        lambda p, head, speed: head * _power(p.rated_speed_rpm / speed, 2), plate=("rated_speed_rpm",),
        only_running=True, span=lambda p: _around(p.rated_head_m, 1000.0), source=f"{AFFINITY}: H / n²",
    ),
    Quantity(
        "power_at_rated_speed_kw", "Power at rated speed", "kW", ("electrical_power_kw", "motor_rpm"),
        lambda p, power, speed: power * _power(p.rated_speed_rpm / speed, 3), plate=("rated_speed_rpm",),
        only_running=True, resolution=0.01, span=_power_span, source=f"{AFFINITY}: P / n³",
    ),
    Quantity(
        "flow_ratio_percent", "Flow, of best efficiency", "%", ("flow_at_rated_speed_l_min",),
        lambda p, flow: _percent(flow / p.best_efficiency_flow_l_min), plate=("best_efficiency_flow_l_min",),
        only_running=True, span=lambda p: (0.0, 200.0), normal=lambda p: _region(p),
        source="Q / Q_BEP at the rated speed; band: preferred region (API 610: 70 to 120 %)",
    ),
    Quantity(
        "flow_ratio_percent", "Flow, of best efficiency", "%", ("flow_rate_l_min",),
        lambda p, flow: _percent(flow / p.best_efficiency_flow_l_min), plate=("best_efficiency_flow_l_min",),
        only_running=True, span=lambda p: (0.0, 200.0), normal=lambda p: _region(p),
        source="Q / Q_BEP of a pump of one speed; band: preferred region (API 610: 70 to 120 %)",
    ),
    Quantity(
        "npsh_available_m", "NPSH available", "m", ("suction_pressure_bar",), _npsh_available,
        plate=("suction_is_gauge", "vapour_pressure_bar"), span=lambda p: (0.0, 50.0),
        source="(p absolute − p vapour) / (ρ g), an estimate: without velocity head and the height of the gauge",
    ),
    Quantity(
        "npsh_margin_m", "NPSH margin", "m", ("npsh_available_m",), lambda p, there: there - p.npshr_m,
        plate=("npshr_m",), span=lambda p: (-10.0, 50.0), normal=lambda p: (1.5, 50.0),
        source="over the required one at rated flow; band: 1.5 m and more (practice, water)",
    ),
    Quantity(
        "bearing_rise_k", "Bearing rise over ambient", "K", ("bearing_temperature_c", "ambient_temperature_c"),
        lambda p, bearing, ambient: bearing - ambient, span=lambda p: (-20.0, 100.0),
        source="API 610: at most 40 K with ring or splash oil",
    ),
    Quantity(
        "casing_rise_k", "Casing rise over ambient", "K", ("casing_temperature_c", "ambient_temperature_c"),
        lambda p, casing, ambient: casing - ambient, span=lambda p: (-20.0, 150.0),
        source="a closed valve heats the casing",
    ),
    Quantity(
        "motor_load_percent", "Motor load, I/In", "%", ("motor_current_a",),
        lambda p, current: _percent(current / p.rated_current_a), plate=("rated_current_a",),
        span=lambda p: (0.0, 150.0), source="current to rated current; below half load mostly magnetising current",
    ),
    Quantity(
        "vibration_zone", "Vibration zone", "", ("vibration_mm_s",), _zone,
        plate=("vibration_category", "rated_power_kw"), only_running=True, resolution=1.0, span=lambda p: (0.0, 3.0),
        normal=lambda p: (0.0, 1.0), states=ZONES, source="ISO 10816-7:2009",
    ),
)  # fmt: skip
"""Every quantity of an instant. A row may use those above it."""


def _region(plate: Nameplate) -> tuple[float, float]:
    low, high = plate.preferred_region
    return _percent(low), _percent(high)


@dataclass(frozen=True, slots=True)
class Counter:
    """A total that grows while something holds; `needs` are the quantities (besides the run state) that tell it.

    Shown as `total / per_unit`. `total` names the field of `CounterTotals`, "" for one that is found of another.
    """

    tag: str
    label: str
    unit: str
    total: str
    needs: tuple[str, ...] = ()
    per_unit: float = 1.0
    resolution: float = 1.0
    span: tuple[float, float] = (0.0, 1e6)
    source: str = ""


COUNTERS: tuple[Counter, ...] = (
    Counter("run_hours", "Run hours", "h", "run_s", per_unit=3600.0, resolution=0.1, source="time running"),
    Counter("starts", "Starts", "", "starts", source="stopped, then running"),
    Counter("starts_per_hour", "Starts per hour", "1/h", "", span=(0.0, 60.0), source="starts of the last 60 min"),
    Counter("zone_cd_hours", "Time in zone C and D", "h", "zone_cd_s", ("vibration_zone",), 3600.0, 0.01,
            source="running, ISO 10816-7 zone C or D"),
    Counter("off_region_hours", "Time outside preferred flow", "h", "off_region_s", ("flow_ratio_percent",), 3600.0,
            0.01, source="running, Q / Q_BEP outside the preferred region"),
)  # fmt: skip
"""Every counter."""
