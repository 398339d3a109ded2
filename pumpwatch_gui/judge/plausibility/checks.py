"""The plausibility doctor: are the readings of a pump those of a pump? Pure; asked once, at commissioning.

Formulas and figures: hydraulic power Q[L/min]·Δp[bar]/600 and electrical power √3·U·I·cosφ, in kW; affinity laws
Q ~ n, H ~ n², P ~ n³. The bounds are practice: wide enough for every sound centrifugal pump away from its best point.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from math import inf, isfinite, log, nan, sqrt
from statistics import median

from pumpwatch_gui.domain.pump.plausibility import PlausibilityFinding
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.judge.plausibility.case import RATED_BAND, Case, Numbers
from pumpwatch_gui.judge.plausibility.drive_checks import overload, rotation, rough_running, stopped_flow
from pumpwatch_gui.judge.plausibility.unit_mismatches import DECADES, likely_mismatches, mismatches_of

GRAVITY = 9.80665
ATMOSPHERE_BAR = 1.013
LOWEST_EFFICIENCY, HIGHEST_EFFICIENCY = 0.15, 0.90
"""Of pump and motor together; a motor of 90 % on a pump of 90 % gives 0.81, and even the largest stay below 0.90."""
USUAL_EFFICIENCY = (0.35, 0.85)
SPEEDS_DIFFER = 1.08
FLOW_EXPONENT, HEAD_EXPONENT, POWER_EXPONENT = (0.5, 8.0), (-0.3, 2.6), (1.0, 4.5)
"""A static head lowers the head's exponent from 2 towards 0 and raises the flow's above 1."""
CONSTANT_AFTER = 20
SAME_AFTER = 5
SLOW = ("_c",)
"""Endings of tags that may well not change for minutes."""


def examine(profile: PumpProfile, series: Sequence[Numbers]) -> tuple[PlausibilityFinding, ...]:
    """Everything that seems wrong about a short series of readings (or one), the certain before the doubtful.

    Values outside a sensor's span are wanted too: they show the unit. What a check needs and is not there (a sensor, a
    figure of the nameplate) leaves that check out.
    """
    case = Case(profile, tuple(series))
    checks: tuple[Callable[[Case], Iterator[PlausibilityFinding]], ...] = (
        _spans_and_units, _pressures, _suction, _energy, _affinity, _silent_sensors, _constant_sensors, _twins,
        _temperatures, rotation, overload, rough_running, stopped_flow,
    )  # fmt: skip
    found = [finding for check in checks for finding in check(case)]
    return tuple(sorted(found, key=lambda f: not f.is_certain))


def has_run(profile: PumpProfile, series: Sequence[Numbers]) -> bool:
    """Whether any of the readings is that of a pump that works."""
    return bool(Case(profile, tuple(series)).working)


def _spans_and_units(case: Case) -> Iterator[PlausibilityFinding]:
    """A value outside the span, or far from what is usual, that another unit or scale would explain."""
    for sensor in case.profile.sensors:
        number, usual = case.middle(sensor.tag), case.usual(sensor)
        if not isfinite(number):
            continue
        is_outside = not sensor.span[0] <= number <= sensor.span[1]
        if usual is None or usual[0] <= number <= usual[1]:
            slip = None
        else:
            slip = next(likely_mismatches(sensor, number, usual), None)
        if not is_outside and slip is None:
            continue
        what = f"{sensor.label} reads {number:g} {sensor.unit}"
        what += f", outside its span {sensor.span[0]:g} to {sensor.span[1]:g}" if is_outside else ""
        if slip is None:
            cause = "a wrong register, type, word order or scale, or a sensor without a signal"
            yield PlausibilityFinding(
                "span", (sensor.tag,), what, cause, "view the register in all types and orders", True
            )
            continue
        if not is_outside:
            assert usual is not None
            what += f"; {usual[0]:.4g} to {usual[1]:.4g} would be usual"
        cause = slip.words if slip in DECADES else f"the device sends {slip.words}"
        scale = f"scale = {slip.factor:.6g}" + (f" and offset = {slip.offset:.6g}" if slip.offset else "")
        advice = f"with {scale} on top it would read {slip.meant(number):.4g} {sensor.unit}"
        yield PlausibilityFinding("unit", (sensor.tag,), what, cause, advice, is_outside)


def _pressures(case: Case) -> Iterator[PlausibilityFinding]:
    """A pump that works lifts the pressure."""
    tags = ("discharge_pressure_bar", "suction_pressure_bar")
    discharge, suction = (case.middle(t) for t in tags)
    if not isfinite(discharge - suction):
        return
    if discharge <= suction:
        what = f"the discharge pressure {discharge:g} bar is not above the suction pressure {suction:g} bar"
        cause = "the two sensors are exchanged" if discharge < suction else "both tags read the same register"
        yield PlausibilityFinding(
            "pressures", tags, what, cause, "exchange the two addresses, or check both in the browser", True
        )
        return
    rated = case.profile.nameplate.rated_head_m
    if rated is None:
        return
    head = (discharge - suction) * 1e5 / (case.density() * GRAVITY)
    low, high = 0.5 * rated, 1.4 * rated
    if low <= head <= high:
        return
    fit = next((s for s in mismatches_of(tags[0]) if low <= head * s.factor <= high), None)
    what = f"the head is {head:.3g} m, and {rated:g} m on the nameplate"
    cause = (
        "the pump works far from its rated point, or one pressure has another unit"
        if fit is None
        else f"{fit.words} instead of bar"
        if fit not in DECADES
        else fit.words
    )
    yield PlausibilityFinding("head", tags, what, cause, "compare both pressures with the gauges on the pump")


def _suction(case: Case) -> Iterator[PlausibilityFinding]:
    """Gauge or absolute: what cannot be, and what a standing pump shows."""
    tag, is_gauge = "suction_pressure_bar", case.profile.nameplate.suction_is_gauge is not False
    lowest = min(case.all(tag), default=nan)
    advice = "set suction_is_gauge in the nameplate as the sensor's label says; the NPSH depends on it"
    if is_gauge and lowest < -ATMOSPHERE_BAR:
        what = f"the suction pressure reads {lowest:g} bar, below a perfect vacuum of {-ATMOSPHERE_BAR} bar"
        yield PlausibilityFinding(
            "suction", (tag,), what, "a wrong type, offset or word order", "view the raw register", True
        )
    elif not is_gauge and lowest < 0:
        what = f"the suction pressure reads {lowest:g} bar absolute, which cannot be below 0"
        yield PlausibilityFinding("suction", (tag,), what, "the sensor reads gauge pressure", advice, True)
    standing = [r for r in case.series if not case.works(r)]
    suction, discharge = (case.middle(t, standing) for t in (tag, "discharge_pressure_bar"))
    open_bar, other_bar = (ATMOSPHERE_BAR, 0.0) if is_gauge else (0.0, ATMOSPHERE_BAR)
    if abs(suction - open_bar) < 0.05 and abs(discharge - open_bar) < 0.05:
        kind, other = ("gauge", "absolute") if is_gauge else ("absolute", "gauge")
        what = f"the pump is stopped and both pressures read {suction:.2f} bar, though set as {kind}"
        cause = f"an open system is at {other_bar:g} bar {kind}; {suction:.2f} would be {other} pressure"
        yield PlausibilityFinding("suction", (tag,), what, cause, advice)


ENERGY_TAGS = ("flow_rate_l_min", "suction_pressure_bar", "discharge_pressure_bar", "differential_pressure_bar",
               "motor_current_a", "power_w")  # fmt: skip


def _energy(case: Case) -> Iterator[PlausibilityFinding]:
    """Hydraulic power over electrical power is an efficiency."""
    readings = [
        (h, e)
        for r in case.working
        if isfinite(h := r.get("flow_rate_l_min", nan) * case.rise_bar(r) / 600) and (e := case.power_kw(r)) > 0
    ]
    if not readings:
        return
    hydraulic, electrical = (median(column) for column in zip(*readings, strict=True))
    efficiency = hydraulic / electrical
    if LOWEST_EFFICIENCY <= efficiency <= HIGHEST_EFFICIENCY or hydraulic < 0:  # the latter shows in the pressures
        return
    tags = tuple(t for t in ENERGY_TAGS if t in case.profile.tags)
    what = (
        f"{hydraulic:.3g} kW of hydraulic power from {electrical:.3g} kW of electricity is {efficiency:.1%} efficiency"
    )
    is_certain = efficiency > HIGHEST_EFFICIENCY
    if fits := list(_explanations(case, efficiency)):
        cause = "; or ".join(fits[:3])
        yield PlausibilityFinding(
            "energy", tags, what, cause, "compare flow, pressures and current with the local displays", is_certain
        )
        return
    cause = "flow, pressure or current has a wrong scale, or voltage and power factor are not this motor's"
    if not is_certain:
        cause = "the pump works against a closed valve, or " + cause
    yield PlausibilityFinding("energy", tags, what, cause, "check nameplate and scales", is_certain)


def _explanations(case: Case, efficiency: float) -> Iterator[str]:
    """Slips of one quantity that would make the efficiency a usual one, those that also fit the nameplate first."""
    plate = case.profile.nameplate
    quantities = (
        ("flow", "flow_rate_l_min", 1, plate.rated_flow_l_min),
        ("both pressures", "discharge_pressure_bar", 1, None),
        ("current", "motor_current_a", -1, plate.rated_current_a),
    )
    fits: list[tuple[bool, bool, str]] = []
    for name, tag, power, rated in quantities:
        number = case.middle(tag)
        for slip in mismatches_of(tag):
            if not isfinite(number) or not _within(efficiency * slip.factor**power, USUAL_EFFICIENCY):
                continue
            if rated and not _within(slip.meant(number) / rated, RATED_BAND):
                continue
            words = slip.words if slip in DECADES else f"in {slip.words}"
            result = efficiency * slip.factor**power
            fits.append((not rated, slip in DECADES, f"{name}: {words} (that would make {result:.0%})"))
    yield from (words for _, _, words in sorted(fits, key=lambda f: f[:2]))


def _within(value: float, band: tuple[float, float]) -> bool:
    return band[0] <= value <= band[1]


def _affinity(case: Case) -> Iterator[PlausibilityFinding]:
    """Between two speeds flow, head and power must change as the affinity laws let them."""
    working = [r for r in case.working if r.get("motor_rpm", nan) > 0]
    if not working:
        return
    speeds = sorted(r["motor_rpm"] for r in working)
    if speeds[-1] < SPEEDS_DIFFER * speeds[0]:
        return
    cut = sqrt(speeds[0] * speeds[-1])
    slow = [r for r in working if r["motor_rpm"] < cut]
    fast = [r for r in working if r["motor_rpm"] >= cut]
    n = case.middle("motor_rpm", fast) / case.middle("motor_rpm", slow)
    if n < SPEEDS_DIFFER:
        return
    quantities: tuple[tuple[str, str, Callable[[Numbers], float], tuple[float, float], str], ...] = (
        ("flow", "flow_rate_l_min", lambda r: r.get("flow_rate_l_min", nan), FLOW_EXPONENT, "Q ~ n"),
        ("head", "discharge_pressure_bar", case.rise_bar, HEAD_EXPONENT, "H ~ n²"),
        ("power", "power_w", lambda r: r.get("power_w", nan), POWER_EXPONENT, "P ~ n³"),
    )
    for name, tag, of, bounds, law in quantities:
        low, high = (_median_of([of(r) for r in group]) for group in (slow, fast))
        if not (0 < low < inf and 0 < high < inf):
            continue
        exponent = (log(high) - log(low)) / log(n)
        if _within(exponent, bounds):
            continue
        what = f"at {n - 1:+.0%} of speed the {name} changes by {high / low - 1:+.0%} (as n^{exponent:.1f}; {law})"
        cause = f"speed or {name} comes from another pump, is a commanded value, or a valve moved meanwhile"
        yield PlausibilityFinding(
            "affinity", ("motor_rpm", tag), what, cause, "change the speed alone and see which of them follows"
        )


def _median_of(values: Sequence[float]) -> float:
    finite = [v for v in values if isfinite(v)]
    return median(finite) if finite else nan


def _silent_sensors(case: Case) -> Iterator[PlausibilityFinding]:
    """A pump that works makes speed, current, flow and vibration."""
    for sensor in case.profile.sensors:
        is_made = sensor.tag in ("motor_rpm", "motor_current_a", "flow_rate_l_min", "vibration_mm_s")
        if is_made and case.middle(sensor.tag) == 0.0:
            what = f"{sensor.label} reads 0 while the pump works"
            cause = "an unconnected sensor, a register that is not used, or a wrong address"
            yield PlausibilityFinding(
                "silent", (sensor.tag,), what, cause, "view the neighbours of the register in the browser"
            )


def _constant_sensors(case: Case) -> Iterator[PlausibilityFinding]:
    """What keeps its last digit while the rest moves."""
    moving = {s.tag for s in case.profile.sensors if len(set(case.all(s.tag))) > 1}
    for sensor in case.profile.sensors:
        values = case.all(sensor.tag)
        is_slow = sensor.tag.endswith(SLOW)
        if not mismatches_of(sensor.tag) or is_slow or len(values) < CONSTANT_AFTER or len(moving) < 2 or 0.0 in values:
            continue
        if sensor.tag not in moving and case.working:
            what = f"{sensor.label} stayed at {values[0]:g} {sensor.unit} over {len(values)} readings, the others moved"
            cause = "a setpoint or limit instead of the measured value, a frozen sensor, or a coarse scale"
            yield PlausibilityFinding(
                "constant", (sensor.tag,), what, cause, "compare with the local display; try the next registers"
            )


def _twins(case: Case) -> Iterator[PlausibilityFinding]:
    """Two sensors that agree to the last digit while they move are one register."""
    for a, b in combinations(case.profile.sensors, 2):
        pairs = [(r.get(a.tag, nan), r.get(b.tag, nan)) for r in case.series]
        pairs = [p for p in pairs if isfinite(p[0] + p[1])]
        is_moving = len({p[0] for p in pairs}) >= min(SAME_AFTER, 3)
        if a.unit == b.unit and len(pairs) >= SAME_AFTER and is_moving and all(x == y for x, y in pairs):
            what = f"{a.label} and {b.label} agree to the last digit in {len(pairs)} readings"
            yield PlausibilityFinding(
                "twins", (a.tag, b.tag), what, "both tags read the same register", "check the two addresses"
            )


def _temperatures(case: Case) -> Iterator[PlausibilityFinding]:
    """Friction warms: bearing and casing of a pump that works are not colder than the hall."""
    ambient = case.middle("ambient_temperature_c")
    bearing = case.middle("bearing_temperature_c")
    if bearing < ambient - 2.0:
        tags = ("bearing_temperature_c", "ambient_temperature_c")
        what = f"the bearing ({bearing:g} °C) is colder than the hall ({ambient:g} °C) while the pump works"
        yield PlausibilityFinding(
            "temperatures", tags, what, "the two are exchanged, or one has another unit", "warm one by hand"
        )
