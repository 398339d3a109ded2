"""What drives, meters and vibration sensors show about their registers: a neighbour, or a wrong scale. Pure."""

from collections.abc import Iterator
from math import isfinite, nan

from pumpwatch_gui.domain.pump.plausibility import PlausibilityFinding
from pumpwatch_gui.judge.plausibility.case import Case

POLE_PAIRS = range(1, 9)
LARGEST_SLIP = 0.12
"""Of an asynchronous motor at its rated load (IEC 60034: small ones 10 %); below it a little more at low frequency."""
SPEED_ROUNDING = 0.02
HIGHEST_LOAD = 1.2
"""Of the rated power; above it a motor does not run for long."""
HIGHEST_VIBRATION_MM_S = 20.0
"""RMS velocity; ISO 10816-7 has pumps far below it in their worst zone (7.1 to 11)."""
STOPPED_FLOW = 0.05
"""Part of the rated flow that a meter may read of a stopped pump."""


def rotation(case: Case) -> Iterator[PlausibilityFinding]:
    """A motor turns a little slower than the frequency of its drive over its pole pairs."""
    pairs = [(r.get("motor_rpm", nan), r.get("frequency_hz", nan)) for r in case.working]
    pairs = [(abs(n), f) for n, f in pairs if isfinite(n + f) and n and f > 1.0]
    if not pairs or any(_turns_so(n, f) for n, f in pairs):
        return
    speed, frequency = pairs[-1]
    what = f"{speed:g} rpm do not belong to {frequency:g} Hz with any number of poles"
    cause = "speed or frequency has a wrong scale, or one of them is the commanded value"
    advice = "compare both with the display of the drive; try the next registers"
    yield PlausibilityFinding("rotation", ("motor_rpm", "frequency_hz"), what, cause, advice)


def _turns_so(speed: float, frequency: float) -> bool:
    return any(1 - LARGEST_SLIP <= speed * pairs / (60 * frequency) <= 1 + SPEED_ROUNDING for pairs in POLE_PAIRS)


def overload(case: Case) -> Iterator[PlausibilityFinding]:
    """No motor takes much more than its rated power for long."""
    rated, power = case.profile.nameplate.rated_power_kw, case.middle("power_w") / 1000
    if rated and power > HIGHEST_LOAD * rated:
        what = f"{power:.3g} kW of electrical power, and {rated:g} kW on the nameplate"
        cause = "the power has a wrong scale, or is that of several motors"
        yield PlausibilityFinding("overload", ("power_w",), what, cause, "compare with the display of drive or meter")


def rough_running(case: Case) -> Iterator[PlausibilityFinding]:
    """A velocity that no pump survives is a wrong scale, or another quantity."""
    for sensor in case.profile.sensors:
        value = case.middle(sensor.tag)
        if sensor.unit == "mm/s" and value > HIGHEST_VIBRATION_MM_S:
            what = f"{sensor.label} reads {value:.3g} mm/s"
            cause = "a wrong scale, or a peak, an acceleration or a displacement instead of the RMS velocity"
            yield PlausibilityFinding("vibration", (sensor.tag,), what, cause, "compare with a hand-held meter")


def stopped_flow(case: Case) -> Iterator[PlausibilityFinding]:
    """What stands moves nothing."""
    plate, tag = case.profile.nameplate, "flow_rate_l_min"
    if not plate.rated_flow_l_min or not (plate.rated_current_a or plate.rated_speed_rpm):
        return
    standing = [r for r in case.series if isfinite(r.get("motor_current_a", r.get("motor_rpm", nan)))]
    standing = [r for r in standing if not case.works({**r, tag: nan})]
    flow = case.middle(tag, standing)
    if isfinite(flow) and abs(flow) > STOPPED_FLOW * plate.rated_flow_l_min:
        what = f"the flow reads {flow:.4g} L/min while the pump is stopped"
        cause = "the offset of the flow meter, another pump on the same pipe, or a register beside the right one"
        yield PlausibilityFinding("stopped", (tag,), what, cause, "close the valve and see whether it goes to 0")
