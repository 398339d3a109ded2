"""How numbers, ages, units and alarms read on the screen."""

import re
from datetime import datetime
from math import isfinite, nan

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.domain.pump.profile import Sensor

UNKNOWN = "?"
_HOURS = re.compile(r"(\d{1,6})(?:[.,](\d{1,3})|:([0-5]\d))?", re.ASCII)
_WHOLE_AMOUNT = re.compile(r"\d+|\d{1,3}(?:[, ]\d{2,3})*[, ]\d{3}", re.ASCII)
_UNITS = {"degC": "°C", "degF": "°F", "m3/h": "m³/h", "mm2/s": "mm²/s", "kg/m3": "kg/m³", "percent": "%",
          "kWh/m3": "kWh/m³", "Wh/m3": "Wh/m³"}  # fmt: skip


def unit_text(unit: str) -> str:
    """The unit as people write it (`degC` → `°C`)."""
    return _UNITS.get(unit, unit)


def number(value: float, decimals: int) -> str:
    """A number with fixed decimals and thousands apart; `?` when there is none, never `-0`."""
    if not isfinite(value):
        return UNKNOWN
    text = f"{value:,.{decimals}f}"
    return text.lstrip("-") if not text.strip("-0.,") else text


def money(amount: float, currency: str) -> str:
    """An amount in whole units with its currency (`67,500 INR`); `?` when it is not known."""
    return f"{number(amount, 0)} {currency}".rstrip() if isfinite(amount) else UNKNOWN


def typed_money(text: str) -> float:
    """The amount in whole units that a person has typed (`67500`, `67,500`, `1,00,000`), NaN for a blank text.

    Raises ValueError for anything else: `67,5` and `1.234` would be read in two ways.
    """
    kept = text.strip().replace("\u00a0", " ").replace("\u202f", " ")
    if not kept:
        return nan
    if not _WHOLE_AMOUNT.fullmatch(kept):
        raise ValueError(f"{text.strip()!r} is not an amount in whole units: write it as 67500")
    return float(kept.replace(",", "").replace(" ", ""))


def typed_hours(text: str) -> float:
    """The duration in hours that a person has typed (`5.5`, `5,5` or `5:30`) in seconds, NaN for a blank text.

    Raises ValueError for anything else.
    """
    kept = text.strip()
    if not kept:
        return nan
    if (found := _HOURS.fullmatch(kept)) is None:
        raise ValueError(f"{kept!r} is not a number of hours: write it as 5.5 or 5:30")
    whole, part, minutes = found.groups()
    return 3600.0 * float(f"{whole}.{part or 0}") + 60.0 * int(minutes or 0)


def typed_date(text: str) -> int:
    """The end of the local day that a person has typed (`2026-12-31`) as Unix nanoseconds, 0 for a blank text.

    Raises ValueError for anything else.
    """
    kept = text.strip()
    if not kept:
        return 0
    try:
        day = datetime.strptime(kept, "%Y-%m-%d")
        return int(day.replace(hour=23, minute=59, second=59).timestamp()) * 10**9
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{kept!r} is not a date: write it as 2026-12-31") from None


def date(time_ns: int) -> str:
    """Local date of a UTC stamp, "" for 0."""
    return f"{datetime.fromtimestamp(time_ns / 1e9):%Y-%m-%d}" if time_ns else ""


def date_words(time_ns: int, *, is_short: bool = False) -> str:
    """Local day of a UTC stamp: `Thursday, 15 January 2026`, or `Thu 15 Jan 2026`."""
    moment = datetime.fromtimestamp(time_ns / 1e9)
    return f"{moment:%a} {moment.day} {moment:%b %Y}" if is_short else f"{moment:%A}, {moment.day} {moment:%B %Y}"


def editable_number(value: float) -> str:
    """A number in a field to be edited: what `typed_number` gives back unchanged."""
    text = f"{value:.12g}"
    return text if float(text) == value else repr(value)


def typed_number(text: str) -> float:
    """The number that a person has typed, with a decimal point or a decimal comma.

    Raises ValueError (`'12,345.6' is not a number`) for anything else, such as digits in groups: `1,234` would be read
    as 1.234 by one reader and as 1234 by the other.
    """
    plain = text.strip()
    if plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    try:
        value = float(plain)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise ValueError(f"{text!r} is not a number")
    return value


def running_time(seconds: float) -> str:
    """Hours of running: `0 h 12 m`, `3 h`."""
    hours, minutes = divmod(int(seconds / 60), 60)
    return f"{hours} h {minutes:02d} m" if minutes or not hours else f"{hours} h"


def limit_number(value: float, sensor: Sensor) -> str:
    """A limit with no more decimals than it needs (`85`, `5.1`)."""
    text = number(value, sensor.decimals)
    return text.rstrip("0").rstrip(".") if "." in text else text


def age(seconds: float) -> str:
    """An age: `0.2 s` below ten seconds, then `0:24`, `1 h 05 min`, `3 d 4 h`."""
    return f"{max(seconds, 0.0):.1f} s" if seconds < 10 else duration(seconds)


def duration(seconds: float) -> str:
    """A length of time from a second up: `0:24`, `1 h 05 min`, `3 d 4 h`; `?` when it is not known."""
    if not isfinite(seconds):
        return UNKNOWN
    whole = max(int(seconds), 0)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def local_time(time_ns: int, form: str) -> str:
    """Local time of a UTC stamp in a form of `strftime`.

    In the hour that comes twice, when the clocks are set back, with its offset from UTC (`02:30:00 +02:00`): two
    instants never read the same.
    """
    moment = datetime.fromtimestamp(time_ns / 1e9).astimezone()
    wall = moment.replace(tzinfo=None)
    once = wall.replace(fold=0).astimezone().utcoffset() == wall.replace(fold=1).astimezone().utcoffset()
    if once:
        return moment.strftime(form)
    offset = moment.strftime("%z")
    return f"{moment.strftime(form)} {offset[:3]}:{offset[3:5]}"


def clock(time_ns: int) -> str:
    """Local time of day of a UTC stamp."""
    return local_time(time_ns, "%H:%M:%S")


def stamp(time_ns: int) -> str:
    """Local date and time of a UTC stamp, to the second."""
    return local_time(time_ns, "%Y-%m-%d  %H:%M:%S")


def minute(time_ns: int) -> str:
    """Local date and time of a UTC stamp, to the minute."""
    return local_time(time_ns, "%Y-%m-%d %H:%M")


def counted(count: int, noun: str) -> str:
    """A number of things: `1 event`, `3,204 events`."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def three_digits(value: float) -> int:
    """The decimals with which a value has about three digits."""
    return 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2


def alarm_number(value: float, alarm: Alarm, decimals: int | None = None) -> str:
    """The value or limit of an alarm with its unit; "" where it has none.

    `decimals` are those of its tag; None where it is of no tag, then there are three digits.
    """
    if not isfinite(value):
        return ""
    if decimals is None:
        decimals = three_digits(value)
    text = number(value, decimals)
    if value == alarm.limit and "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{text} {unit_text(alarm.unit)}".rstrip()


def full_date(days_left: float, now_ns: int) -> str:
    """The local date on which a disk will be full that lasts so many days from `now_ns` (Unix UTC) on."""
    if days_left > 27_000:
        return "after 2100"
    return f"{datetime.fromtimestamp(now_ns / 1e9 + days_left * 86_400):%Y-%m-%d}"


def spreadsheet_text(text: str) -> str:
    """A text for a cell that a spreadsheet opens: one that it would take for a formula gets a quote in front."""
    return f"'{text}" if text[:1] in tuple("=+-@\t\r") else text


def error_text(error: Exception) -> str:
    """What went wrong and what to do, on one line."""
    if isinstance(error, PumpWatchError):
        return f"{error.message} – {error.advice}" if error.advice else error.message
    return str(error) or type(error).__name__
