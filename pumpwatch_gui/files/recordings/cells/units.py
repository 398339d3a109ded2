"""Units as people write them in headers and cells, compared with those of a profile."""

import re
from enum import Enum

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import Sensor

_SPELLINGS = {
    "rpm": ("rpm", "1/min", "min-1", "min^-1", "u/min", "r/min", "/min", "tr/min", "upm"),
    "Hz": ("hz", "1/s"),
    "degC": ("degc", "c", "°c", "ºc", "℃", "celsius", "grad c", "deg c", "gradc"),
    "degF": ("degf", "f", "°f", "ºf", "℉", "fahrenheit", "deg f"),
    "K": ("k", "kelvin"),
    "bar": ("bar", "bara", "barg", "bar(a)", "bar(g)", "bar a", "bar g", "bar abs"),
    "mbar": ("mbar", "hpa"),
    "Pa": ("pa", "pascal"),
    "kPa": ("kpa",),
    "MPa": ("mpa",),
    "psi": ("psi", "psia", "psig", "lbf/in2"),
    "mm/s": ("mm/s", "mm/sec", "mm s-1", "mm/s rms", "mm/srms"),
    "m/s": ("m/s",),
    "in/s": ("in/s", "ips", "inch/s"),
    "L/min": ("l/min", "lpm", "ltr/min", "liter/min", "litre/min"),
    "L/s": ("l/s", "lps"),
    "L/h": ("l/h", "lph"),
    "m3/h": ("m3/h", "m³/h", "m^3/h", "cbm/h", "m3/hr", "m³/hr"),
    "m3/min": ("m3/min", "m³/min"),
    "m3/s": ("m3/s", "m³/s"),
    "gpm": ("gpm", "gal/min", "usgpm"),
    "A": ("a", "amp", "amps", "ampere"),
    "mA": ("ma",),
    "V": ("v", "volt", "volts"),
    "kV": ("kv",),
    "mV": ("mv",),
    "W": ("w", "watt"),
    "kW": ("kw",),
    "percent": ("%", "percent", "pct"),
    "g": ("g",),
    "m": ("m",),
    "mm": ("mm",),
    "s": ("s", "sec"),
}
_KNOWN = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings}
_BRACKETS = re.compile(r"^(.*?)\s*[\[({<]\s*([^\[\](){}<>]*(?:\([ag]\))?)\s*[\])}>]\s*$", re.DOTALL)


class UnitMatch(Enum):
    """How a unit that was found compares with the profile's."""

    SAME = "same"
    OTHER = "other"  # a known unit, and not that one
    UNKNOWN = "unknown"


def unit_of(text: str) -> str:
    """The unit that a text means, as profiles write it; "" when it is none that is known."""
    plain = " ".join(text.strip().strip("[]{}<>").split()).lower().replace("\u2212", "-")
    return _KNOWN.get(plain, "") or _KNOWN.get(plain.strip("()"), "")


def compare_units(text: str, unit: str) -> UnitMatch:
    """How the unit in `text` compares with `unit` of a sensor."""
    found, wanted = unit_of(text), unit_of(unit)
    if text.strip().strip("[](){}").lower() == unit.lower() or (found and found == wanted):
        return UnitMatch.SAME
    return UnitMatch.OTHER if found and wanted else UnitMatch.UNKNOWN


def unit_notes(text: str, sensor: Sensor, what: str) -> list[str]:
    """What to tell about the unit of a column; raises InputError, beginning with `what`, for one of another sensor."""
    match compare_units(text, sensor.unit) if text else UnitMatch.SAME:
        case UnitMatch.OTHER:
            raise InputError(
                f"{what} is in {text}, the profile has {sensor.tag} in {sensor.unit}",
                f"export it in {sensor.unit}, or use a profile with that unit",
            )
        case UnitMatch.UNKNOWN if sensor.unit:
            return [f"the unit {text} of {sensor.tag} is not known: its values are taken as {sensor.unit}"]
        case _:
            return []


def split_unit(name: str) -> tuple[str, str]:
    """A column's name without the unit in brackets at its end, and that unit ("" for none)."""
    match = _BRACKETS.match(name.strip())
    return (match[1], match[2].strip()) if match and match[1] else (name, "")
