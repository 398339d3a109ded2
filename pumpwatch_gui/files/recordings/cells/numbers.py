"""Numbers in cells: decimal and thousands marks, texts that mean no value, units behind the number."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite, nan

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.files.recordings.cells.units import UnitMatch, compare_units

NO_VALUE = frozenset(
    (
        *("", "-", "--", "---", "–", "?", "nan", "null", "none", "na", "n/a", "#na", "#n/a", "#nv", "#wert!", "#ref!"),
        *(
            "#value!",
            "#div/0!",
            "#num!",
            "bad",
            "bad input",
            "bad value",
            "error",
            "err",
            "fault",
            "offline",
            "missing",
        ),
        *("no data", "nodata", "no value", "not connected", "comm fail", "i/o timeout", "timeout", "out of service"),
    )
)
_SPACES = "'’ \u00a0\u202f\u2009"
_CELL = re.compile(
    # A space is of the number where three digits follow; a unit may begin with a digit in `1/min` only.
    rf"^([-+−]?)(\d(?:[\d.,]|[{_SPACES}](?=\d{{3}}(?!\d)))*|[.,]\d+)((?:[eE][-+−]?\d+)?)[{_SPACES}]*(\D.*|1/.*)?$",
    re.DOTALL,
)
_GROUPS = {mark: re.compile(rf"^\d{{1,3}}(?:{re.escape(mark)}\d{{3}})+$") for mark in ".,"}
_SPACED = re.compile(rf"^\d{{1,3}}(?:([{_SPACES}])\d{{3}})(?:\1\d{{3}})*$")
_SWAP = str.maketrans(".,", ",.")


@dataclass
class Tally:
    """What the cells of one column held that was no number: counts, and the first such cell."""

    empty: int = 0
    unread: int = 0
    example: str = ""


def find_decimal(cells: Iterable[tuple[str, tuple[float, float]]], *, where: str) -> str:
    """The decimal mark of some cells, each with the span of its sensor, from those that can be read in one way only.

    `12,5`, `0,512` and `1.234,5` settle a comma, `12.5` and `1,234.5` a point. Where there is none of these, a mark
    before three digits is a decimal mark or not by which of the two numbers is within the span. Raises InputError
    naming a cell when both marks are settled, or none.
    """
    settled = dict.fromkeys(".,", "")  # mark → the first cell that proves it
    likely = dict.fromkeys(".,", "")
    doubt = ""
    for cell, span in cells:
        match = _CELL.match(cell.strip()) if "," in cell or "." in cell else None
        if match is None:
            continue
        if mark := _settled(match[2]):
            settled[mark] = settled[mark] or cell.strip()
        elif not (settled["."] or settled[","]):
            mark = _likely(match[2], span)
            likely[mark or "."] = likely[mark or "."] or (cell.strip() if mark else "")
            doubt = doubt or ("" if mark else cell.strip())
    if settled["."] and settled[","]:
        raise InputError(
            f"{where}: {settled[',']!r} has a decimal comma and {settled['.']!r} a decimal point",
            "save it with one decimal mark, or set it: --decimal comma or --decimal point",
        )
    found = settled if settled["."] or settled[","] else likely
    if bool(found["."]) == bool(found[","]):
        if doubt or found["."]:
            raise InputError(
                f"{where}: {doubt or found[',']!r} has a decimal mark or a thousands mark",
                "set the decimal mark: --decimal comma or --decimal point",
            )
        return "."
    return "," if found[","] else "."


def _likely(body: str, span: tuple[float, float]) -> str:
    """The decimal mark of a number such as 1.480, where only one of its two readings is within the span; else ""."""
    mark, other = (".", ",") if "." in body else (",", ".")
    low, high = sorted(map(abs, span))  # the sign is not in the body
    low = 0.0 if span[0] <= 0.0 <= span[1] else low
    with_mark, without = (low <= float(body.replace(mark, by)) <= high for by in (".", ""))
    return "" if with_mark == without else mark if with_mark else other


def _settled(body: str) -> str:
    """The decimal mark that the digits of a number prove, "" for none."""
    points, commas = body.count("."), body.count(",")
    if points and commas:
        return "," if body.rfind(",") > body.rfind(".") else "."
    if points > 1 or commas > 1:
        return "," if points else "."
    mark = "." if points else ","
    if _GROUPS[mark].match(body) and not body.startswith("0"):
        return ""
    return mark if not body.endswith(mark) else ""


class NumberReader:
    """Reads the cells of one column: finite numbers, NaN for all else; `tally` says what else there was.

    A unit behind a number must be that of the sensor. Digits in groups of three are read where the mark between them
    cannot be the decimal mark.
    """

    def __init__(self, decimal: str, unit: str) -> None:
        self.tally = Tally()
        self.foreign_unit = ""
        self._decimal = decimal
        self._group = "," if decimal == "." else "."
        self._unit = unit

    def read(self, cells: Sequence[str]) -> NDArray[np.float64]:
        """The numbers (m,) of some cells."""
        marked = cells if self._decimal == "." else _swapped(cells)
        try:
            numbers = _floats(marked)
        except ValueError:
            try:  # holes are common, and the way cell by cell is ten times slower
                numbers = _floats([cell or "nan" for cell in marked])
            except ValueError:
                numbers = np.fromiter(map(self._one, cells), np.float64, len(cells))
        odd = ~np.isfinite(numbers)
        if odd.any():
            self._count(cells, odd)
            numbers[odd] = nan
        return numbers

    def _count(self, cells: Sequence[str], odd: NDArray[np.bool_]) -> None:
        for i in np.flatnonzero(odd).tolist():
            if cells[i].strip().lower() in NO_VALUE:
                self.tally.empty += 1
            else:
                self.tally.unread += 1
                self.tally.example = self.tally.example or cells[i].strip()

    def _one(self, cell: str) -> float:
        if not cell:
            return nan
        match = _CELL.match(cell.strip())
        if match is None:
            return nan
        sign, body, exponent, unit = match.groups()
        if unit and not self._fits(unit):
            return nan
        plain = self._ungrouped(body)
        if plain is None:
            return nan
        value = float(plain + exponent.replace("−", "-"))
        return -value if sign in ("-", "−") else value

    def _fits(self, unit: str) -> bool:
        found = compare_units(unit, self._unit)
        if found is UnitMatch.OTHER:
            self.foreign_unit = self.foreign_unit or unit.strip()
        return found is UnitMatch.SAME

    def _ungrouped(self, body: str) -> str | None:
        """The digits with a decimal point and without groups, None where they can be read in no way."""
        whole, mark, rest = body.partition(self._decimal)
        if self._decimal in rest or self._group in rest or any(space in rest for space in _SPACES):
            return None
        if self._group in whole:
            if not _GROUPS[self._group].match(whole):
                return None
            whole = whole.replace(self._group, "")
        elif not whole.isdigit() and whole:
            if not _SPACED.match(whole):
                return None
            whole = "".join(filter(str.isdigit, whole))
        return whole + ("." + rest if mark else "")


def _floats(cells: Sequence[str]) -> NDArray[np.float64]:
    return np.fromiter(map(float, cells), np.float64, len(cells))


def _swapped(cells: Sequence[str]) -> Sequence[str]:
    """Point for comma and comma for point, in one go: a cell with a point is then no number for `float`."""
    swapped = "\n".join(cells).translate(_SWAP).split("\n")
    return swapped if len(swapped) == len(cells) else [cell.translate(_SWAP) for cell in cells]


def plain_number(cell: str) -> float:
    """The number in a cell that has a point or a comma as decimal mark and no groups, NaN for none."""
    try:
        value = float(cell.strip().replace(",", "."))
    except ValueError:
        return nan
    return value if isfinite(value) else nan
