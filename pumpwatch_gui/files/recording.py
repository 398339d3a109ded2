"""Recordings: samples of one pump in a CSV file, read whole, with notes of what was wrong in them."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from math import isfinite, nan
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.files.atomic import atomic_text

TIME_COLUMNS = ("timestamp", "datetime")
_ROWS_AT_ONCE = 50_000
_NO_NUMBER = frozenset(("", "nan", "null", "none", "na", "n/a"))


def read_recording(path: Path, profile: PumpProfile) -> Recording:
    """Read a CSV: a header row, one time column (`timestamp` or `datetime`), `,` or `;`, further columns ignored.

    Times are ISO 8601 (UTC unless they carry an offset) or seconds. Column names match the tags whatever their case,
    spaces and dashes (`Motor_RPM`, `Volume Flow`). Rows whose time is unreadable, repeated or earlier than one before
    are dropped; cells that hold no finite number become NaN; both are counted in `notes`.
    Raises InputError, with file, line and advice, when the file cannot be read, is empty, or has no time column or
    none of the profile's tags.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(file, path, profile)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", "give the path of a CSV file that can be read") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: this is no CSV text ({error})", "save it as CSV in UTF-8") from None


def write_recording(recording: Recording, path: Path, profile: PumpProfile) -> None:
    """Write a recording of `profile` as a CSV that `read_recording` gives back, without the columns it never had.

    Raises InputError when the file cannot be written.
    """
    kept = [i for i, tag in enumerate(profile.tags) if tag not in recording.missing]
    try:
        with atomic_text(path) as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([TIME_COLUMNS[0], *(profile.tags[i] for i in kept)])
            for time_s, values in zip(recording.time_s.tolist(), recording.values[:, kept].tolist(), strict=True):
                writer.writerow([f"{time_s:.6f}", *("" if value != value else repr(value) for value in values)])
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}", "choose another folder") from error


def _read(file: Iterable[str], path: Path, profile: PumpProfile) -> Recording:
    lines = iter(file)
    first = next(lines, "")
    if not first.strip():
        raise InputError(f"{path}, line 1: the file is empty", "a recording has a header row and samples below it")
    separator = ";" if first.count(";") > first.count(",") else ","
    header = [_plain(name) for name in next(csv.reader([first], delimiter=separator))]
    columns = _CsvColumns(header, path, profile)
    parts = [columns.take(rows) for rows in _chunks(csv.reader(lines, delimiter=separator))]
    if not parts:
        raise InputError(f"{path}, line 2: there is no sample", "a recording has samples below its header row")
    return columns.recording(np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]))


def _plain(name: str) -> str:
    """A column name or tag reduced to what counts: lower case, all else than letters and digits one underscore."""
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")


def _chunks(rows: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    """Bounded lists of rows, so that a long recording is never held as text."""
    while chunk := list(islice(rows, _ROWS_AT_ONCE)):
        if kept := [row for row in chunk if row]:  # an empty line is no sample
            yield kept


class _CsvColumns:
    """Where the header puts the time and each tag, and what went wrong in the cells so far."""

    def __init__(self, header: Sequence[str], path: Path, profile: PumpProfile) -> None:
        self._path = path
        self._width = len(header)
        self._counts: Counter[str] = Counter()
        names = {name: i for i, name in reversed(list(enumerate(header)))}  # the first of two wins
        self._time = next((names[name] for name in TIME_COLUMNS if name in names), -1)
        if self._time < 0:
            raise InputError(f"{path}, line 1: there is no time column", "name one column timestamp or datetime")
        self._tags = tuple((tag, names.get(_plain(tag), -1)) for tag in profile.tags)
        self._missing = tuple(tag for tag, column in self._tags if column < 0)
        if len(self._missing) == len(self._tags):
            raise InputError(
                f"{path}, line 1: none of the sensors of profile {profile.name} is a column of this file",
                "name the columns after the tags: " + ", ".join(profile.tags),
            )
        self._double = sorted({tag for tag, column in self._tags if column >= 0 and header.count(_plain(tag)) > 1})

    def take(self, rows: list[list[str]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Times (m,) and values (m, n) of some rows, NaN where unreadable."""
        if any(len(row) < self._width for row in rows):
            self._counts["short rows, their missing cells taken as empty"] += sum(len(r) < self._width for r in rows)
            rows = [row + [""] * (self._width - len(row)) for row in rows]
        columns = list(zip(*rows, strict=False))
        values = np.full((len(rows), len(self._tags)), nan)
        for i, (tag, column) in enumerate(self._tags):
            if column >= 0:
                values[:, i] = self._numbers(columns[column], tag)
        return _times(columns[self._time]), values

    def _numbers(self, cells: Sequence[str], tag: str) -> NDArray[np.float64]:
        try:
            numbers = np.array(list(map(float, cells)))
        except ValueError:
            numbers = np.array(list(map(_number, cells)))
        odd = ~np.isfinite(numbers)
        if odd.any():
            unread = sum(cells[i].strip().lower() not in _NO_NUMBER for i in np.flatnonzero(odd).tolist())
            self._counts[f"cells of {tag} hold no number"] += unread
            self._counts[f"cells of {tag} are empty"] += int(odd.sum()) - unread
            numbers[odd] = nan
        return numbers

    def recording(self, time_s: NDArray[np.float64], values: NDArray[np.float64]) -> Recording:
        """All samples whose time is sound, and the notes."""
        readable = np.isfinite(time_s)
        latest = np.maximum.accumulate(np.where(readable, time_s, -np.inf))
        before = np.concatenate(([-np.inf], latest[:-1]))
        keep = readable & (time_s > before)
        self._counts["rows dropped: their time is unreadable"] += int((~readable).sum())
        self._counts["rows dropped: they repeat the time before"] += int((readable & (time_s == before)).sum())
        self._counts["rows dropped: their time runs backward"] += int((readable & (time_s < before)).sum())
        if not keep.any():
            raise InputError(
                f"{self._path}, line 2: no row has a readable time", "write ISO 8601 or seconds in the time column"
            )
        notes = [f"{count} {what}" for what, count in self._counts.items() if count]
        notes += [f"no column for {tag}" for tag in self._missing]
        notes += [f"two columns are named {tag}: the first is read" for tag in self._double]
        return Recording(self._path, time_s[keep], values[keep], self._missing, tuple(notes))


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return nan


def _times(cells: Sequence[str]) -> NDArray[np.float64]:
    """Unix seconds, NaN where a cell is no time."""
    try:
        times = np.array(list(map(float, cells)))
    except ValueError:
        times = np.array([_time(cell.strip()) for cell in cells])
    return np.where(np.isfinite(times), times, nan)


def _time(cell: str) -> float:
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        number = _number(cell)
        return number if isfinite(number) else nan
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, ValueError):
        return nan
