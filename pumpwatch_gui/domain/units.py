"""The units that values are shown in: which there are to choose from, and how one is converted into another.

Only what is shown changes: whatever is measured, stored, judged or exported keeps the unit of its tag.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import isfinite, nan
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.pump.quantities import QUANTITIES

Amount = TypeVar("Amount", float, NDArray[np.float64], NDArray[np.float32])

CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "pressure": ("bar", "kPa", "psi"),
        "temperature": ("degC", "degF"),
        "flow": ("L/min", "m3/h", "gpm"),
        "vibration": ("mm/s", "in/s"),
    }
)
"""What may be chosen, by kind of quantity. `gpm` is the gallon of the United States."""

_SIZES = {
    "pressure": {"bar": 1.0, "mbar": 1e-3, "Pa": 1e-5, "kPa": 1e-2, "MPa": 10.0, "psi": 0.45359237 * 9.80665 / 64.516},
    "temperature": {"degC": 1.0, "degF": 5 / 9},
    "flow": {"L/min": 1.0, "L/s": 60.0, "L/h": 1 / 60, "m3/h": 1000 / 60, "m3/min": 1000.0, "gpm": 3.785411784},
    "vibration": {"mm/s": 1.0, "in/s": 25.4},
}
"""How much one of a unit is in the first of its kind: exact by definition (pound and inch of 1959, US gallon)."""
_ZEROS = {"degF": -160 / 9}
"""What 0 of a unit is in the first of its kind, where that is not 0 as well."""
_KINDS = {unit: kind for kind, sizes in _SIZES.items() for unit in sizes}
_RISES = frozenset(row.tag for row in QUANTITIES if row.unit == "K")
"""Quantities in K that are a difference of temperatures: a sensor in K measures from absolute zero."""
_RISE_UNITS = {"degF": "Δ°F"}
_PARTS = ("/min", "/s", "/h", " deviation")
"""What follows the unit of a tag in that of its rate or deviation."""
_SPELT = {"°C": "degC", "°F": "degF", "m³/h": "m3/h", "m³/min": "m3/min", "l/min": "L/min"}
_KEPT_DIGITS, _OWN_DIGITS, _ENOUGH_DIGITS = 9, 6, 4


@dataclass(frozen=True, slots=True)
class UnitChoice:
    """The unit that each kind of quantity is shown in, one of `CHOICES`; "": the one that its tag has.

    Raises ValueError (`pressure: …`) for any other unit.
    """

    pressure: str = ""
    temperature: str = ""
    flow: str = ""
    vibration: str = ""

    def __post_init__(self) -> None:
        """Check that each is one of those that may be chosen."""
        for kind, unit in asdict(self).items():
            if unit and unit not in CHOICES[kind]:
                raise ValueError(f"{kind}: must be one of {', '.join(CHOICES[kind])}, not {unit!r}")

    def of(self, kind: str) -> str:
        """The unit of a kind of quantity, "" for that of the tag."""
        unit: str = getattr(self, kind)
        return unit

    def over(self, other: "UnitChoice") -> "UnitChoice":
        """What is chosen here, and where nothing is the other choice."""
        return UnitChoice(**{kind: self.of(kind) or other.of(kind) for kind in CHOICES})


@dataclass(frozen=True, slots=True)
class Conversion:
    """From the unit of a tag into the `unit` that is shown: by `scale`, then `offset`.

    Amounts are numbers or arrays of any shape; a NaN stays one.
    """

    unit: str
    scale: float = 1.0
    offset: float = 0.0

    def shown(self, amount: Amount) -> Amount:
        """An amount as it is shown."""
        return amount * self.scale + self.offset

    def own(self, amount: float) -> float:
        """The amount in the tag's own unit that is shown as this."""
        return (amount - self.offset) / self.scale

    @property
    def widths(self) -> "Conversion":
        """That of differences of two amounts: by scale alone."""
        return replace(self, offset=0.0)

    def typed(self, amount: float) -> float:
        """The amount in the tag's own unit that a person has typed: as short as it may be to read the same again."""
        own = self.own(amount)
        for digits in range(1, _OWN_DIGITS + 1):
            short = float(f"{own:.{digits}g}")
            shown = self.shown(short)
            if amount == float(f"{shown:.{_OWN_DIGITS}g}") == tidy(shown):
                return short
        return own


def conversion(unit: str, choice: UnitChoice, tag: str = "") -> Conversion:
    """How amounts in a unit (of a tag, or of its rate or deviation) are shown. What has no choice stays as it is."""
    unit = plain_unit(unit)
    if tag in _RISES and unit == "K":
        return _between("degC", choice.temperature, unit, _RISE_UNITS.get(choice.temperature, "K"), is_width=True)
    if unit in _KINDS:
        wanted = choice.of(_KINDS[unit]) or unit
        return _between(unit, wanted, unit, wanted)
    for part in _PARTS:
        own = plain_unit(unit.removesuffix(part))
        if own != unit and own in _KINDS:
            wanted = choice.of(_KINDS[own]) or own
            return _between(own, wanted, unit, _text(wanted) + part, is_width=True)
    return Conversion(unit)


def plain_unit(unit: str) -> str:
    """A unit as files have it (`°F` → `degF`); one that is not known stays as it is."""
    return _SPELT.get(unit, unit)


def _text(unit: str) -> str:
    """As the unit of a rate or deviation has it."""
    return next((text for text, plain in _SPELT.items() if plain == unit), unit)


def _between(own: str, wanted: str, name: str, new_name: str, *, is_width: bool = False) -> Conversion:
    if not wanted or own == wanted:
        return Conversion(name)
    sizes = _SIZES[_KINDS[own]]
    scale = sizes[own] / sizes[wanted]
    offset = (_ZEROS.get(own, 0.0) - _ZEROS.get(wanted, 0.0)) / sizes[wanted]
    return Conversion(new_name, scale, 0.0 if is_width else offset)


def converted(amount: float, unit: str, into: str, tag: str = "") -> float:
    """An amount of an alarm in another unit that it may be shown in; NaN where the two are of different kinds."""
    if unit == into:
        return amount
    ways = (conversion(unit, UnitChoice(**{kind: one}), tag) for kind, offered in CHOICES.items() for one in offered)
    return next((by.shown(amount) for by in ways if by.unit == into), nan)


def tidy(amount: float) -> float:
    """A converted amount without the dust of the conversion: 100.00000000000001 psi was typed as 100.

    What has no more than nine digits is given back as those; anything else was a number in another unit, of which four
    are enough.
    """
    if not isfinite(amount):
        return amount
    room = 1e-11 * max(abs(amount), 1e-2)
    for digits in range(1, _KEPT_DIGITS + 1):
        short = float(f"{amount:.{digits}g}")
        if abs(short - amount) <= room:
            return short + 0.0
    return float(f"{amount:.{_ENOUGH_DIGITS}g}")
