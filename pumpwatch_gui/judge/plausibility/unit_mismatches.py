"""A value that makes no sense as it is, and does in another unit or at another scale. Pure.

A profile's tag ends with its unit; only the units below are known.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pumpwatch_gui.domain.pump.profile import Sensor

HEAD_BAR_PER_M = 0.0979
"""998 kg/m3 × 9.80665 m/s2: what a metre of water weighs, in bar."""


@dataclass(frozen=True, slots=True)
class UnitMismatch:
    """What the number may have been meant as: value in the tag's unit = number × `factor` + `offset`."""

    words: str
    factor: float
    offset: float = 0.0

    def meant(self, number: float) -> float:
        """The value in the tag's unit."""
        return number * self.factor + self.offset


DECADES = tuple(
    UnitMismatch(f"a scale {'×' if f > 1 else '÷'} {max(f, 1 / f):g} missing in the register map", f)
    for f in (0.1, 10.0, 0.01, 100.0, 0.001, 1000.0)
)

SLIPS = {
    "_l_min": (
        UnitMismatch("m³/h", 1000 / 60),
        UnitMismatch("L/s", 60.0),
        UnitMismatch("US gallons a minute", 3.785412),
        UnitMismatch("L/h", 1 / 60),
        UnitMismatch("m³/s", 60_000.0),
    ),
    "_bar": (
        UnitMismatch("kPa", 0.01),
        UnitMismatch("psi", 0.0689476),
        UnitMismatch("metres of water", HEAD_BAR_PER_M),
        UnitMismatch("MPa", 10.0),
        UnitMismatch("mbar", 0.001),
        UnitMismatch("Pa", 1e-5),
    ),
    "_c": (
        UnitMismatch("kelvin", 1.0, -273.15),
        UnitMismatch("degrees Fahrenheit", 5 / 9, -160 / 9),
        UnitMismatch("0.1 K", 0.1, -273.15),
        UnitMismatch("0.01 K", 0.01, -273.15),
    ),
    "_a": (UnitMismatch("mA", 0.001),),
    "_rpm": (
        UnitMismatch("revolutions a second, or Hz of a two-pole motor", 60.0),
        UnitMismatch("Hz of a four-pole motor", 30.0),
    ),
    "_mm_s": (UnitMismatch("m/s", 1000.0), UnitMismatch("inches a second", 25.4), UnitMismatch("µm/s", 0.001)),
}
"""Ending of a tag → the units that it is mistaken for."""


def mismatches_of(tag: str) -> tuple[UnitMismatch, ...]:
    """Every slip that a tag's unit can suffer, units before mere scales; none for an unknown unit."""
    for ending, slips in SLIPS.items():
        if tag.endswith(ending):
            return (*slips, *DECADES)
    return ()


def likely_mismatches(sensor: Sensor, number: float, usual: tuple[float, float]) -> Iterator[UnitMismatch]:
    """The slips by which `number` would lie in the `usual` band, the nearest to its middle first.

    Among equals a unit comes before a scale.
    """
    low, high = usual
    middle, half = (low + high) / 2, (high - low) / 2
    fitting = [s for s in mismatches_of(sensor.tag) if low <= s.meant(number) <= high]
    yield from sorted(fitting, key=lambda s: (round(abs(s.meant(number) - middle) / half), s in DECADES))
