"""The time column of a recording: how its cells are written, and Unix seconds of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.values.recording_format import DATE_ORDERS, TIME_UNITS, FormatChoices
from pumpwatch_gui.files.recordings.cells.numbers import plain_number
from pumpwatch_gui.files.recordings.cells.stamps import read_shape, read_stamps, shapes_of
from pumpwatch_gui.files.recordings.cells.zones import check_zone, to_utc

Floats = NDArray[np.float64]

EARLIEST_S, LATEST_S = 946_684_800.0, 4_102_444_800.0
"""2000 and 2100: a time outside is one that was misread."""
_EXCEL_EPOCH_S = -2_209_161_600.0  # 1899-12-30, the day 0 of spreadsheets since 1900-03-01
_UNIT_WORDS = {"s": "Unix seconds", "ms": "Unix milliseconds", "us": "Unix microseconds", "ns": "Unix nanoseconds"}
_COMPACT = (8, 12, 14)
_DAY_S = 86_400.0


class TimeReader:
    """Reads the time cells of one recording, a piece at a time; made from the first of them. `finish` gives them all.

    Raises InputError for numbers that are no time from 2000 to 2100 in any unit.
    """

    def __init__(self, sample: Sequence[str], choices: FormatChoices, path: Path) -> None:
        self._path = path
        self._choices = choices
        self._zone = choices.timezone or "UTC"
        check_zone(self._zone)
        self._unit = self._find_unit(sample)
        self._prefers = ""
        self._orders = () if self._unit else self._find_orders(sample)
        self._parts: dict[str, list[Floats]] = {order: [] for order in self._orders or ("",)}
        self._offsets: list[Floats] = []
        self.words = ""
        self.zone_words = ""

    def take(self, cells: Sequence[str]) -> NDArray[np.bool_]:
        """Read some cells; which of them (m,) are times."""
        if self._unit:
            seconds = _in_seconds(_numeric(cells), self._unit)
            self._parts[""].append(seconds)
            return np.isfinite(seconds)
        stamps = read_stamps(cells, self._orders)
        self._offsets.append(stamps.offset_s)
        for order, seconds in stamps.seconds.items():
            self._parts[order].append(seconds)
        readable: NDArray[np.bool_] = np.any([np.isfinite(seconds) for seconds in stamps.seconds.values()], axis=0)
        return readable

    def finish(self) -> Floats:
        """Unix seconds (m,) of all cells taken, NaN where one is no time.

        Raises InputError when day and month cannot be told apart, local times not be placed, or a time is outside 2000
        to 2100.
        """
        if self._unit:
            time_s = np.concatenate(self._parts.pop(""))
            self.words = _UNIT_WORDS.get(self._unit, "serial days of a spreadsheet")
            if self._unit == "days":
                time_s = self._placed(time_s, np.full(time_s.size, np.nan))
            return self._in_range(time_s)
        offset_s = np.concatenate(self._offsets)
        self._offsets.clear()
        order, seconds = self._chosen({order: np.concatenate(parts) for order, parts in self._parts.items()})
        self.words = DATE_ORDERS[order]
        return self._in_range(self._placed(seconds, offset_s))

    # ---------------------------------------------------------------- numbers

    def _find_unit(self, sample: Sequence[str]) -> str:
        """The unit of numeric times, "" for texts."""
        cells = [cell for cell in sample if cell.strip()]
        numbers = [value for cell in cells if (value := plain_number(cell)) == value]
        if 2 * len(numbers) <= len(cells) or (not self._choices.time_unit and _are_compact(cells)):
            return ""
        if self._choices.time_unit:
            return self._choices.time_unit
        some = np.array(numbers)
        fitting = {unit: int(_is_in_range(_in_seconds(some, unit)).sum()) for unit in TIME_UNITS}
        unit = max(fitting, key=lambda unit: fitting[unit])
        if fitting[unit]:
            return unit
        raise InputError(
            f"{self._path}: times such as {cells[0].strip()} are outside 2000 to 2100 in every unit",
            "write dates, Unix seconds, milliseconds, microseconds or nanoseconds, or serial days of a spreadsheet",
        )

    # ---------------------------------------------------------------- texts

    def _find_orders(self, sample: Sequence[str]) -> tuple[str, ...]:
        """The orders of day, month and year that the texts may be in."""
        cells = [cell for cell in sample if cell.strip()] or [""]
        shapes = [shape for text in shapes_of(cells)[1] if (shape := read_shape(text))]
        if self._choices.date_order:
            return (self._choices.date_order,)
        if shapes and all(shape.prefers for shape in shapes):
            self._prefers = shapes[0].prefers
        return max((shape.orders for shape in shapes), key=len, default=("ymd",))

    def _chosen(self, candidates: dict[str, Floats]) -> tuple[str, Floats]:
        """The order in which the dates are meant: what every cell allows, else what makes time go on evenly."""
        read = {order: np.isfinite(seconds) for order, seconds in candidates.items()}
        anywhere = np.any(list(read.values()), axis=0)
        whole = [order for order in candidates if read[order].sum() == anywhere.sum()]
        if not whole:
            raise InputError(
                f"{self._path}: some dates can only be day-month-year, others only month-day-year",
                "split the file, or set --date-order: then the others are dropped",
            )
        first = candidates[whole[0]]
        if len(whole) == 1 or all(np.array_equal(first, candidates[o], equal_nan=True) for o in whole):
            return whole[0], first
        if self._prefers in whole:
            return self._prefers, candidates[self._prefers]
        even = [order for order in whole if _goes_on(candidates[order])]
        if len(even) != 1:
            raise InputError(
                f"{self._path}: day and month cannot be told apart in the dates",
                "set --date-order dmy, mdy or ymd",
            )
        return even[0], candidates[even[0]]

    # ---------------------------------------------------------------- both

    def _placed(self, seconds: Floats, offset_s: Floats) -> Floats:
        """From times as written to UTC."""
        bare = np.isnan(offset_s) & np.isfinite(seconds)
        if not bare.any():
            return seconds - offset_s
        if (np.isfinite(offset_s) & np.isfinite(seconds)).any():
            raise InputError(
                f"{self._path}: some times carry an offset from UTC and others do not", "export all of them alike"
            )
        self.zone_words = self._zone if self._choices.timezone else "UTC, as none is set"
        rows = np.flatnonzero(bare)
        wall = seconds[rows]
        backward = wall.size > 1 and float(np.median(np.diff(wall))) < 0
        placed = to_utc(wall[::-1] if backward else wall, self._zone, path=self._path)
        seconds[rows] = placed[::-1] if backward else placed
        return seconds

    def _in_range(self, time_s: Floats) -> Floats:
        outside = np.isfinite(time_s) & ~_is_in_range(time_s)
        if outside.any():
            at = float(time_s[np.flatnonzero(outside)[0]])
            year = np.datetime64(int(np.clip(at, -6e10, 2.5e11)), "s").item().year
            raise InputError(
                f"{self._path}: {int(outside.sum())} times are outside 2000 to 2100, the first in the year {year}",
                "remove those rows, or set the unit of the times: --time-unit s, ms, us, ns or days",
            )
        return time_s


def _in_seconds(numbers: Floats, unit: str) -> Floats:
    """Seconds since 1970; those of serial days are of the wall clock."""
    with np.errstate(over="ignore"):  # what is no time may be any number
        seconds = numbers * TIME_UNITS[unit]
        return np.round(seconds + _EXCEL_EPOCH_S, 3) if unit == "days" else seconds  # ten decimals of a day are 9 µs


def _is_in_range(time_s: Floats) -> NDArray[np.bool_]:
    in_range: NDArray[np.bool_] = (time_s >= EARLIEST_S) & (time_s < LATEST_S)
    return in_range


def _numeric(cells: Sequence[str]) -> Floats:
    try:
        return np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        return np.fromiter(map(plain_number, cells), np.float64, len(cells))


def _are_compact(cells: Sequence[str]) -> bool:
    """Whether cells of digits alone are dates such as 20251025120000 and no numbers."""
    return all(
        len(cell.strip()) in _COMPACT and cell.strip().isdigit() and cell.strip()[:2] in ("19", "20") for cell in cells
    )


def _goes_on(seconds: Floats) -> bool:
    """Whether the times run on through every midnight at their usual step: in the wrong order a date leaps there."""
    there = seconds[np.isfinite(seconds)]
    steps, days = np.diff(there), np.diff(np.floor(there / _DAY_S))
    if not (days != 0).any():
        return False
    usual_s = float(np.median(steps[steps != 0]))
    through = steps[days != 0] * np.sign(usual_s)
    return bool((through > 0).all() and (through <= max(10 * abs(usual_s), 60.0)).all())
