"""The chunks of the archive in their table: a chunk is the columns of one pump over one stretch of time."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

import apsw
import numpy as np

from pumpwatch_gui.store.archive.codec import BrokenChunkError, Integers
from pumpwatch_gui.store.archive.rows import STATUS, TIME, Column, Rows, decode_column, decode_rows, encode_rows
from pumpwatch_gui.store.ids import LAST_NUMBER, NUMBER_BITS, ONE_MS
from pumpwatch_gui.store.schema import run

log = logging.getLogger("pumpwatch.store")

DAY_MS: Final = 86_400_000
PIECE, DAY = 0, 1
"""Levels of a chunk."""
_ABOUT = "SELECT day, level, first_id, last_id, row_count FROM archive_chunks"
_INSERT = (
    "INSERT INTO archive_chunks (pump_number, series, day, level, first_id, last_id, row_count, content) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


class Chunk(NamedTuple):
    """A chunk of a pump: its day since 2020, its level, the ids of its first and last row, and how many it has."""

    day: int
    level: int
    first_id: int
    last_id: int
    row_count: int


Encoded = tuple[int, Chunk, Mapping[str, bytes]]
"""Pump number, chunk and its contents by series."""


def encoded_chunk(number: int, level: int, rows: Rows, resolutions: Mapping[str, float]) -> Encoded:
    """Rows of one day as a chunk."""
    first, last = ((int(ms) << NUMBER_BITS) | number for ms in (rows.ms[0], rows.ms[-1]))
    chunk = Chunk(int(rows.ms[0]) // DAY_MS, level, first, last, rows.ms.size)
    return number, chunk, dict(encode_rows(rows, resolutions))


def insert_chunks(connection: apsw.Connection, chunks: Iterable[Encoded]) -> None:
    """Put chunks into their table; inside a transaction."""
    rows = [
        (number, series, *chunk, content) for number, chunk, contents in chunks for series, content in contents.items()
    ]
    connection.executemany(_INSERT, rows)


def delete_chunk(connection: apsw.Connection, number: int, chunk: Chunk) -> None:
    """Delete every column of a chunk; inside a transaction."""
    sql = (
        "DELETE FROM archive_chunks WHERE pump_number = ? "
        "AND day = ? AND level = ? AND first_id = ? AND last_id = ? AND row_count = ?"
    )
    run(connection, sql, (number, *chunk))


def chunks_between(connection: apsw.Connection, number: int, start_id: int, end_id: int) -> list[Chunk]:
    """The chunks of a pump with rows from `start_id` up to `end_id`, by day, whole days first. Cheap."""
    where, values = _overlapping(number, start_id, end_id)
    rows: list[Any] = connection.execute(f"{_ABOUT} WHERE series = '{TIME}' AND {where}", values).fetchall()
    return sorted((Chunk(*row) for row in rows), key=lambda c: (c.day, -c.level, c.first_id))


def read_chunks(
    connection: apsw.Connection, number: int, series: Sequence[str], start_id: int, end_id: int,
    level: int | None = None,
) -> list[tuple[Chunk, Rows]]:  # fmt: skip
    """Those chunks (of one level) with their rows, all of each, of these series.

    A column that is damaged is logged and left out, a chunk whose times are damaged too.
    """
    where, values = _overlapping(number, start_id, end_id)
    wanted = dict.fromkeys((TIME, STATUS, *series))
    sql = (
        "SELECT day, level, first_id, last_id, row_count, series, content FROM archive_chunks "
        f"WHERE series IN ({', '.join('?' * len(wanted))}) AND {where}"
        + ("" if level is None else f" AND level = {level}")
    )
    contents: defaultdict[Chunk, dict[str, bytes]] = defaultdict(dict)
    rows: list[Any] = connection.execute(sql, (*wanted, *values)).fetchall()
    for *about, name, content in rows:
        contents[Chunk(*about)][name] = content
    ordered = sorted(contents, key=lambda c: (c.day, -c.level, c.first_id))
    return [(chunk, own) for chunk in ordered if (own := _decoded(number, chunk, contents[chunk])) is not None]


def read_column(connection: apsw.Connection, number: int, chunk: Chunk, name: str) -> Column | None:
    """One column of a chunk; None when it has none. Raises BrokenChunkError."""
    sql = (
        "SELECT content FROM archive_chunks WHERE pump_number = ? AND series = ? "
        "AND day = ? AND level = ? AND first_id = ? AND last_id = ? AND row_count = ?"
    )
    content: Any = connection.execute(sql, (number, name, *chunk)).get
    return None if content is None else decode_column(name, content, chunk.row_count)


def series_of_day(connection: apsw.Connection, number: int, day: int) -> list[str]:
    """The series that the chunks of a day have."""
    sql = "SELECT DISTINCT series FROM archive_chunks WHERE pump_number = ? AND day = ? ORDER BY series"
    return [str(name) for (name,) in connection.execute(sql, (number, day)).fetchall()]


class ArchivedTimes:
    """Whether an id is one of the archive. While a clock that was set back goes on, the same chunk is asked for."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, Chunk], Integers] = {}

    def has(self, connection: apsw.Connection, key: int) -> bool:
        """Whether a chunk has the row `key`. Damaged ones have none."""
        number = key & LAST_NUMBER
        for chunk in chunks_between(connection, number, key, key + ONE_MS):
            if (number, chunk) not in self._known:
                if len(self._known) >= LAST_NUMBER:
                    self._known.clear()
                self._known[number, chunk] = self._times(connection, number, chunk)
            times = self._known[number, chunk]
            at = int(np.searchsorted(times, key >> NUMBER_BITS))
            if at < times.size and times[at] == key >> NUMBER_BITS:
                return True
        return False

    def _times(self, connection: apsw.Connection, number: int, chunk: Chunk) -> Integers:
        try:
            return cast(Integers, read_column(connection, number, chunk, TIME))
        except BrokenChunkError:
            return np.empty(0, np.int64)


def _overlapping(number: int, start_id: int, end_id: int) -> tuple[str, tuple[int, ...]]:
    days = tuple((key >> NUMBER_BITS) // DAY_MS for key in (start_id, end_id))
    return "pump_number = ? AND day BETWEEN ? AND ? AND first_id < ? AND last_id >= ?", (
        number, *days, end_id, start_id,
    )  # fmt: skip


def _decoded(number: int, chunk: Chunk, contents: Mapping[str, bytes]) -> Rows | None:
    """The rows of a chunk; without the columns that are damaged, None when its times are."""
    try:
        return decode_rows(contents)
    except BrokenChunkError as error:
        log.warning("a chunk of pump number %d is damaged (%s): %s", number, chunk, error.message)
    sound: dict[str, bytes] = {}
    for name in (TIME, *(n for n in contents if n != TIME)):
        try:
            decode_rows({**sound, name: contents.get(name, b"")})
        except BrokenChunkError:
            if name == TIME:
                return None
        else:
            sound[name] = contents[name]
    return decode_rows(sound)
