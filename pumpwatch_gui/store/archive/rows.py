"""The readings of one pump over a stretch of time as columns, and those columns as bytes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.store.archive.codec import (
    BrokenChunkError,
    Floats,
    Integers,
    decode_integers,
    decode_runs,
    decode_values,
    encode_integers,
    encode_runs,
    encode_values,
)
from pumpwatch_gui.store.layout import NORMAL
from pumpwatch_gui.store.reading_rows import SCORE_COLUMN, SCORE_STEPS

TIME, STATUS, UNCERTAIN, BAD, SCORE = "@time", "@status", "@uncertain", "@bad", SCORE_COLUMN
"""The series of a pump that are no sensors. No tag begins so."""
SCORE_RESOLUTION: Final = 1 / SCORE_STEPS
"""1 is the threshold of the alarm. No page shows more decimals, and a detection keeps its score itself. Two decimals
more are kept where that is all a score has."""
Column = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows in order of time: `ms` (m,) milliseconds since 2020, each once.

    `values` by series (m,), NaN where there is none; `score` (m,) NaN where there is none; `uncertain` and `bad` (m,)
    the quality masks; `status` (m,) the status unless it is normal, None where there is a score and no reading; without
    the whole array every row is a reading in normal state.
    """

    ms: Integers
    values: Mapping[str, Floats]
    score: Floats
    uncertain: Integers
    bad: Integers
    status: NDArray[np.object_] | None = None

    @property
    def readings(self) -> "Rows":
        """Without the rows that have a score and no reading."""
        return self if self.status is None else self.take(are_readings(self.status))

    @property
    def states(self) -> list[str]:
        """The machine status of each reading in words."""
        return [NORMAL] * self.ms.size if self.status is None else [text or NORMAL for text in self.status.tolist()]

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "Rows":
        """Some of the rows."""
        values = {name: column[rows] for name, column in self.values.items()}
        status = None if self.status is None else self.status[rows]
        return Rows(self.ms[rows], values, self.score[rows], self.uncertain[rows], self.bad[rows], status)

    def between(self, first_ms: int, end_ms: int) -> "Rows":
        """The rows from `first_ms` up to `end_ms`."""
        first, end = np.searchsorted(self.ms, (first_ms, end_ms)).tolist()
        return self if (first, end) == (0, self.ms.size) else self.take(slice(first, end))

    def column(self, name: str) -> Column:
        """The column of a series, as `blank_column` where there is none."""
        own: dict[str, Column | None] = {
            TIME: self.ms, SCORE: self.score, UNCERTAIN: self.uncertain, BAD: self.bad, STATUS: self.status,
        }  # fmt: skip
        column = own[name] if name in own else self.values.get(name)
        return blank_column(name, self.ms.size) if column is None else column


def plain(column: Column) -> list[float | None]:
    """A column as SQL and JSON have it: None where there is no value."""
    return [None if value != value else value for value in column.tolist()]


class TimeOrder:
    """Rows of several sources, the first source first, as rows in order of time, each time once."""

    def __init__(self, ms: Integers) -> None:
        self._order: NDArray[np.intp] | None = None
        self.ms = ms
        if ms.size > 1 and not (np.diff(ms) > 0).all():
            self._order = np.argsort(ms, kind="stable")
            self._first = np.concatenate(([0], np.flatnonzero(np.diff(ms[self._order])) + 1))
            self.ms = ms[self._order[self._first]]

    def arranged(self, column: Column, is_there: NDArray[np.bool_]) -> Column:
        """A column of those rows; of rows with one time, what the first has in which it is there."""
        if self._order is None:
            return column
        places = np.where(is_there[self._order], np.arange(column.size), column.size)
        found = np.minimum.reduceat(places, self._first)
        return column[self._order[np.where(found < column.size, found, self._first)]]


def are_readings(status: Column) -> NDArray[np.bool_]:
    """Where a status is one of a reading (m,)."""
    return cast(NDArray[np.bool_], np.not_equal(status, cast(Any, None)).astype(np.bool_))


def blank_rows(ms: Integers) -> Rows:
    """Readings in order that hold nothing."""
    zeros = np.zeros(ms.size, np.int64)
    return Rows(ms, {}, np.full(ms.size, np.nan), zeros, zeros)


def merged(parts: Sequence[Rows]) -> Rows:
    """All rows of all parts in order of time. What is there more than once is taken from the first part that has it."""
    parts = [part for part in parts if part.ms.size] or list(parts[:1])
    if len(parts) == 1:
        return parts[0]

    def whole(name: str) -> Column:
        return np.concatenate([part.column(name) for part in parts])

    if not parts:
        return blank_rows(np.empty(0, np.int64))
    order = TimeOrder(whole(TIME))
    status = whole(STATUS) if any(part.status is not None for part in parts) else None
    every = np.ones(sum(part.ms.size for part in parts), np.bool_)
    is_reading = every if status is None else are_readings(status)
    names = dict.fromkeys(name for part in parts for name in part.values)
    floats = {name: (column := whole(name), ~np.isnan(column)) for name in (*names, SCORE)}
    arranged = {name: order.arranged(*both) for name, both in floats.items()}
    uncertain, bad = (order.arranged(whole(name), is_reading) for name in (UNCERTAIN, BAD))
    status = None if status is None else order.arranged(status, is_reading)
    return Rows(order.ms, {name: arranged[name] for name in names}, arranged[SCORE], uncertain, bad, status)


def with_scores(rows: Rows, ms: Integers, score: Floats) -> Rows:
    """Readings with some scores more (times rising); a score without a reading gets a row without one."""
    if not ms.size:
        return rows
    at = np.searchsorted(rows.ms, ms)
    is_stray = ms != rows.ms[np.minimum(at, rows.ms.size - 1)] if rows.ms.size else np.ones(ms.size, np.bool_)
    if is_stray.any():
        strays = blank_rows(ms[is_stray])
        rows = merged((rows, replace(strays, status=np.full(strays.ms.size, None))))
        at = np.searchsorted(rows.ms, ms)
    found = rows.score.copy()
    found[at] = score
    return replace(rows, score=found)


def blank_column(name: str, count: int) -> Column:
    """The column of a series that has none: no value, no mask, normal readings."""
    if name in (UNCERTAIN, BAD):
        return np.zeros(count, np.int64)
    return np.full(count, "", object) if name == STATUS else np.full(count, np.nan)


def encode_column(name: str, column: Column, resolution: float | None) -> bytes | None:
    """A column of a series as bytes; None for one that is as `blank_column`."""
    if name == TIME:
        return encode_integers(column)
    if name in (UNCERTAIN, BAD):
        return encode_integers(column) if column.any() else None
    if name == STATUS:
        return None if (column == "").all() else encode_runs(_runs(column), column.size)
    if np.isnan(column).all():
        return None
    return encode_values(column, SCORE_RESOLUTION if name == SCORE else resolution)


def decode_column(name: str, content: bytes, count: int | None = None) -> Column:
    """What was encoded. Raises BrokenChunkError, also when it has not `count` rows."""
    if name in (TIME, UNCERTAIN, BAD):
        column: Column = decode_integers(content)
    elif name == STATUS:
        column = _texts(decode_runs(content), count or 0)
    else:
        column = decode_values(content)
    if count is not None and column.size != count:
        raise BrokenChunkError(f"{name} has {column.size} rows and its times are {count}")
    return column


def encode_rows(rows: Rows, resolutions: Mapping[str, float]) -> Iterator[tuple[str, bytes]]:
    """Series and content; what is the same in every row of a pump in order takes none."""
    for name in (TIME, *rows.values, SCORE, UNCERTAIN, BAD, *([] if rows.status is None else [STATUS])):
        content = encode_column(name, rows.column(name), resolutions.get(name))
        if content is not None:
            yield name, content


def decode_rows(contents: Mapping[str, bytes]) -> Rows:
    """What was encoded, of those series that are there. Raises BrokenChunkError."""
    if TIME not in contents:
        raise BrokenChunkError("the times are missing")
    blank = blank_rows(decode_column(TIME, contents[TIME]))
    found = {name: decode_column(name, content, blank.ms.size) for name, content in contents.items() if name != TIME}
    values = {name: column for name, column in found.items() if not name.startswith("@")}
    uncertain, bad = (found.get(name, blank.bad) for name in (UNCERTAIN, BAD))
    return Rows(blank.ms, values, found.get(SCORE, blank.score), uncertain, bad, found.get(STATUS))


def _runs(status: NDArray[np.object_]) -> list[tuple[int, str | None]]:
    starts = [0, *(np.flatnonzero(status[1:] != status[:-1]) + 1).tolist()] if status.size else []
    return [(at, status[at]) for at in starts]


def _texts(runs: Sequence[tuple[int, str | None]], count: int) -> NDArray[np.object_]:
    status = np.full(count, "", object)
    for (first, text), (end, _) in zip(runs, [*runs[1:], (count, None)], strict=True):
        status[first:end] = text
    return status
