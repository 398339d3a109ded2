"""The part of the plausibility check that needs the raw registers: words or bytes in another order. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from pumpwatch_gui.domain.links.decode import EVERYTHING, decoder
from pumpwatch_gui.domain.links.register_map import ORDERS, PARTS, Point
from pumpwatch_gui.domain.pump.plausibility import PlausibilityFinding
from pumpwatch_gui.domain.pump.profile import Sensor


def engineering(point: Point, registers: Sequence[int]) -> float:
    """The value of a point's own registers, whatever the span says; NaN when it is not available or no number.

    This is what `judge.plausibility.examine` needs: a value outside the span gives away the unit.
    """
    return decoder(point, EVERYTHING, 0)(registers).value


def swapped(point: Point, sensor: Sensor, series: Sequence[Sequence[int]]) -> PlausibilityFinding | None:
    """Whether a point makes no sense in its own order and does in another, over every one of `series`.

    `series` holds the point's own registers, reading by reading. Sense is the sensor's usual band, without one its
    span; a float next to zero makes none.
    """
    if point.table in ("coil", "discrete") or point.type in PARTS or point.scaled_by or not series:
        return None
    if any(_makes_sense(point, sensor, registers, point.order) for registers in series):
        return None
    for order in ORDERS:
        if order != point.order and all(_makes_sense(point, sensor, registers, order) for registers in series):
            own, other = (_value(point, series[-1], o) for o in (point.order, order))
            what = (
                f"{sensor.label} reads {own:.4g} {sensor.unit} in the order {point.order}, and {other:.4g} in {order}"
            )
            cause = f"the device sends {_swap(point, order)}"
            return PlausibilityFinding(
                "order", (sensor.tag,), what, cause, f'set order = "{order}" at {point.documented}', True
            )
    return None


def _swap(point: Point, order: str) -> str:
    if point.size == 1:
        return "the low byte of a register first"
    return {
        "CDAB": "the low word first",
        "BADC": "the low byte of each register first",
        "DCBA": "the low word and the low byte first",
        "ABCD": "the high word and the high byte first",
    }[order]


def _makes_sense(point: Point, sensor: Sensor, registers: Sequence[int], order: str) -> bool:
    low, high = sensor.normal or sensor.span
    slack = 0.25 * (high - low) if sensor.normal else 0.0
    value = _value(point, registers, order)
    is_dust = point.type.startswith("float") and 0 < abs(value) < sensor.resolution / 100
    return low - slack <= value <= high + slack and not is_dust


def _value(point: Point, registers: Sequence[int], order: str) -> float:
    return engineering(replace(point, order=order), registers)
