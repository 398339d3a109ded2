"""Date and time texts to seconds, many at once: texts of one shape are read together, digit by digit."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LONGEST = 48
"""Characters; a longer text is no time."""
_MONTHS = (
    "jan janv gen ene",
    "feb fev fév févr",
    "mar mär mrz mrt mars",
    "apr abr avr avri",
    "may mai mei mag maj maio",
    "jun giu juin",
    "jul lug juil",
    "aug ago aoû août",
    "sep set sept",
    "oct okt ott out",
    "nov",
    "dec dez dic déc",
)
_MONTH_NUMBER = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
# A shape: every digit is 0, letters are small.
_TIME = (
    # The same mark twice: else the offset of 10:00-05:00 would be read as seconds.
    r"(?P<h>00?)(?:(?P<colon>[:.h-])(?P<mi>00)(?:(?P=colon)(?P<s>00)(?:[.,:](?P<frac>0{1,9}))?)?)?"
    r"(?:\s*(?P<half>[ap])\.?\s?m\.?)?"
)
_ZONE = r"(?:\s*(?:(?P<utc>z|utc|gmt)|(?P<sign>[+−-])(?P<zh>00):?(?P<zm>00)?))?"
_DATES = (
    r"(?P<y>0000)(?P<mark>[-/.])(?P<mo>00?)(?P=mark)(?P<d>00?)",
    r"(?P<a>00?)(?P<mark>[-/. ])(?P<b>00?)(?P=mark)(?P<y>0000|00)",
    r"(?P<d>00?)[-/. ]\s*(?P<name>[^\W\d_]{3,10})\.?(?:[-/., ]\s*)(?P<y>0000|00)",
    r"(?P<name>[^\W\d_]{3,10})\.?[-/ ](?P<d>00?),?[-/ ](?P<y>0000)",
    r"(?P<y>0000)[-/ ](?P<name>[^\W\d_]{3,10})[-/ ](?P<d>00?)",
)
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so)[a-z]*\.?,?\s+)?"
_SHAPES = (
    *(re.compile(rf"^\s*{_WEEKDAY}{date}(?:[t_,; -]\s*{_TIME}{_ZONE})?\s*$") for date in _DATES),
    re.compile(
        r"^\s*(?P<y>0000)(?P<mo>00)(?P<d>00)(?:[t_ -]?(?P<h>00):?(?P<mi>00)(?::?(?P<s>00)(?:[.,](?P<frac>0{1,9}))?)?"
        rf"{_ZONE})?\s*$"
    ),
    re.compile(rf"^\s*{_WEEKDAY}(?P<name>[a-z]{{3}})\s+(?P<d>00?)\s+{_TIME}\s+(?P<y>0000)\s*$"),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """How texts of one shape are read: where each part is (start, stop), and what is the same in all of them.

    `orders` are those in which the date can be meant, the usual first; a dotted date is day first unless it cannot be.
    """

    parts: tuple[tuple[str, int, int], ...]
    month: int
    half: str
    sign: int
    has_zone: bool
    orders: tuple[str, ...]
    prefers: str

    def part(self, name: str, codes: NDArray[np.uint32], default: int = 0) -> Ints:
        """The numbers (m,) of one part of texts, given as their characters (m, width)."""
        found = next(((start, stop) for own, start, stop in self.parts if own == name), None)
        if found is None:
            return np.full(len(codes), default, dtype=np.int64)
        digits = codes[:, found[0] : found[1]].astype(np.int64) - 48
        return digits @ 10 ** np.arange(found[1] - found[0] - 1, -1, -1, dtype=np.int64)

    def width(self, name: str) -> int:
        """How many digits a part has."""
        return next((stop - start for own, start, stop in self.parts if own == name), 0)


@lru_cache(maxsize=4096)
def read_shape(shape: str) -> Shape | None:
    """How texts of a shape (digits as 0) are read, None for no date and time."""
    low = shape.lower()
    if len(low) != len(shape):  # a character that is longer when small would shift all others
        return None
    for pattern in _SHAPES:
        match = pattern.match(low)
        if match is None:
            continue
        groups = match.groupdict()
        month = _month(groups["name"]) if groups.get("name") else 0
        if groups.get("name") and not month:
            continue
        names = ("y", "mo", "d", "a", "b", "h", "mi", "s", "frac", "zh", "zm")
        parts = tuple((name, *match.span(name)) for name in names if groups.get(name))
        orders: tuple[str, ...] = ("ymd",)
        if groups.get("a"):
            short = len(groups["y"]) == 2
            orders = ("dmy", "mdy", "ymd") if short else ("dmy", "mdy")
        sign = -1 if groups.get("sign") in ("-", "−") else 1
        has_zone = bool(groups.get("utc") or groups.get("zh"))
        prefers = "dmy" if groups.get("mark") == "." and "dmy" in orders and len(groups["y"]) == 4 else ""
        half = groups.get("half") or ""
        return Shape(parts, month, half, sign, has_zone, orders, prefers)
    return None


def _month(name: str) -> int:
    """The number of a month by its name in some European languages, 0 for none."""
    return next((_MONTH_NUMBER[name[:n]] for n in (4, 3) if name[:n] in _MONTH_NUMBER), 0)


@dataclass(slots=True)
class Stamps:
    """Times of some texts: for each order of day and month the seconds (m,) since 1970 as written, NaN for no time.

    `offset_s` (m,) is what each says its zone is ahead of UTC, NaN where it says nothing.
    """

    seconds: dict[str, Floats]
    offset_s: Floats


def shapes_of(cells: Sequence[str]) -> tuple[NDArray[np.uint32], list[str], Ints]:
    """The characters (m, width) of texts, their distinct shapes, and which of them (m,) each text has."""
    texts = np.array(cells, dtype=f"U{LONGEST}")
    codes = texts.view(np.uint32).reshape(len(cells), LONGEST)
    shape = np.where((codes >= 48) & (codes <= 57), np.uint32(48), codes)
    if (shape == shape[0]).all():
        return codes, [str(shape[:1].view(texts.dtype).item())], np.zeros(len(cells), dtype=np.int64)
    unique, inverse = np.unique(shape.view(texts.dtype).ravel(), return_inverse=True)
    return codes, [str(one) for one in unique.tolist()], inverse.astype(np.int64)


def read_stamps(cells: Sequence[str], orders: Sequence[str]) -> Stamps:
    """Read texts in each of the orders; a date that names its parts itself is the same in all of them."""
    codes, shapes, which = shapes_of(cells)
    stamps = Stamps({order: np.full(len(cells), np.nan) for order in orders}, np.full(len(cells), np.nan))
    for number, text in enumerate(shapes):
        shape = read_shape(text)
        if shape is None:
            continue
        rows = slice(None) if len(shapes) == 1 else np.flatnonzero(which == number)
        own = codes[rows]
        day_s = _time_of_day(shape, own)
        for order in orders:
            stamps.seconds[order][rows] = _date(shape, own, order) + day_s
        if shape.has_zone:
            stamps.offset_s[rows] = shape.sign * (shape.part("zh", own) * 3600 + shape.part("zm", own) * 60)
    return stamps


def _time_of_day(shape: Shape, codes: NDArray[np.uint32]) -> Floats:
    hour, minute, second = (shape.part(name, codes) for name in ("h", "mi", "s"))
    right = (minute < 60) & (second <= 60)  # a leap second is the first of the next minute
    if shape.half:
        right &= (hour >= 1) & (hour <= 12)
        hour = hour % 12 + (12 if shape.half == "p" else 0)
    fraction = shape.part("frac", codes) / 10.0 ** shape.width("frac")
    whole = hour * 3600 + minute * 60 + second
    right &= (hour < 24) | (whole == 86_400)
    return np.where(right, whole + fraction, np.nan)


def _date(shape: Shape, codes: NDArray[np.uint32], order: str) -> Floats:
    """Seconds from 1970 to the midnight of each date, NaN where there is no such day."""
    if shape.orders == ("ymd",):
        year, month, day = shape.part("y", codes), shape.part("mo", codes, shape.month), shape.part("d", codes)
    elif order not in shape.orders:
        return np.full(len(codes), np.nan)
    else:
        a, b, last = (shape.part(name, codes) for name in "aby")
        day, month, year = {"dmy": (a, b, last), "mdy": (b, a, last), "ymd": (last, b, a)}[order]
    year = np.where(year < 100, year + 2000, year)
    right = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    first = ((year - 1970) * 12 + np.where(right, month - 1, 0)).astype("datetime64[M]")
    days = first.astype("datetime64[D]").astype(np.int64)
    length = (first + 1).astype("datetime64[D]").astype(np.int64) - days
    return np.where(right & (day <= length), (days + day - 1) * 86_400.0, np.nan)
