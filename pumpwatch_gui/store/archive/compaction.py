"""The pieces of a day as one chunk, and the day's minutes and hours: of one pump, a column at a step."""

from collections.abc import Iterator, Mapping
from typing import Any

import apsw
import numpy as np

from pumpwatch_gui.store.archive.chunks import (
    DAY,
    DAY_MS,
    Chunk,
    chunks_between,
    delete_chunk,
    insert_chunks,
    read_column,
    series_of_day,
)
from pumpwatch_gui.store.archive.rollup import (
    HOUR_S,
    HOURS_A_DAY,
    MINUTE_S,
    PERIOD_DAYS,
    Rollup,
    coarser,
    combined,
    encode_rollup,
    read_rollups,
    rolled,
)
from pumpwatch_gui.store.archive.rows import (
    BAD,
    SCORE,
    SCORE_RESOLUTION,
    STATUS,
    TIME,
    UNCERTAIN,
    Column,
    TimeOrder,
    are_readings,
    blank_column,
    encode_column,
)
from pumpwatch_gui.store.ids import NUMBER_BITS
from pumpwatch_gui.store.schema import run, transaction

_DUE = "SELECT DISTINCT day, pump_number FROM archive_chunks WHERE level = 0 AND series = '@time' AND day < ? LIMIT ?"
PUT_ROLLUP = (
    "INSERT INTO archive_rollups (pump_number, series, step_s, period, content) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (pump_number, series, step_s, period) DO UPDATE SET content = excluded.content"
)


def days_due(connection: apsw.Connection, before: int, most: int) -> list[tuple[int, int]]:
    """Day and pump number of what is in pieces and older than the day `before`, the oldest first."""
    rows: list[Any] = connection.execute(_DUE, (before, most)).fetchall()
    return sorted((day, number) for day, number in rows)


def compact(connection: apsw.Connection, number: int, day: int, resolutions: Mapping[str, float]) -> Iterator[None]:
    """Make one chunk of all of a day's, with its rollups. Only the last step writes; nothing is lost if it is not done.

    Raises BrokenChunkError when a column cannot be read.
    """
    chunks = _chunks(connection, number, day)
    order, columns = TimeOrder(_whole(connection, number, chunks, TIME)), dict[str, bytes]()
    names = series_of_day(connection, number, day)
    is_reading = are_readings(_whole(connection, number, chunks, STATUS))
    readings = order.arranged(is_reading, is_reading)
    rollups: list[tuple[str, int, int, bytes]] = []
    yield
    for name in names:
        whole: Column = _whole(connection, number, chunks, name)
        is_there = is_reading if name in (STATUS, UNCERTAIN, BAD) else ~np.isnan(whole)
        column: Column = order.ms if name == TIME else order.arranged(whole, is_there)
        content = encode_column(name, column, resolutions.get(name))
        if content is not None:
            columns[name] = content
        yield
        if name == SCORE or not name.startswith("@"):
            measured = ~np.isnan(column) if name == SCORE else readings
            minutes = rolled(order.ms[measured], column[measured], MINUTE_S * 1000)
            resolution = SCORE_RESOLUTION if name == SCORE else resolutions.get(name)
            is_whole = any(chunk.level == DAY for chunk in chunks)
            rollups += rollup_rows(connection, number, day, name, minutes, resolution, replacing=is_whole)
            yield
    first, last = ((int(ms) << NUMBER_BITS) | number for ms in (order.ms[0], order.ms[-1]))
    with transaction(connection):
        if _chunks(connection, number, day) != chunks:
            return  # more came meanwhile
        for chunk in chunks:
            delete_chunk(connection, number, chunk)
        insert_chunks(connection, [(number, Chunk(day, DAY, first, last, order.ms.size), columns)])
        for name, step_s, period, content in rollups:
            run(connection, PUT_ROLLUP, (number, name, step_s, period, content))


def rollup_rows(
    connection: apsw.Connection, number: int, day: int, name: str, minutes: Rollup, resolution: float | None,
    *, replacing: bool,
) -> Iterator[tuple[str, int, int, bytes]]:  # fmt: skip
    """A day's minutes and hours as rows of the table. What is there of the day is replaced, or added to."""
    period = day // PERIOD_DAYS
    before = _stored(connection, number, name, MINUTE_S, day)
    if before is not None and not replacing:  # the day's chunk was deleted for room, and rows of that day came since
        minutes = combined((before, minutes))
    hours = coarser(minutes, HOUR_S // MINUTE_S)
    standing = _stored(connection, number, name, HOUR_S, period)
    if standing is not None:
        is_of_day = standing.index // HOURS_A_DAY == day
        if before is None and not replacing:
            hours = combined((hours, standing.take(is_of_day)))
        hours = combined((standing.take(~is_of_day), hours))
    yield name, MINUTE_S, day, encode_rollup(minutes, resolution)
    yield name, HOUR_S, period, encode_rollup(hours, resolution)


def _stored(connection: apsw.Connection, number: int, name: str, step_s: int, period: int) -> Rollup | None:
    found = read_rollups(connection, number, name, step_s, period, period, ())
    return found[0][1] if found else None  # of damaged ones, what can be made of the day is better than nothing


def _chunks(connection: apsw.Connection, number: int, day: int) -> list[Chunk]:
    return chunks_between(connection, number, (day * DAY_MS) << NUMBER_BITS, ((day + 1) * DAY_MS) << NUMBER_BITS)


def _whole(connection: apsw.Connection, number: int, chunks: list[Chunk], name: str) -> Column:
    parts = []
    for chunk in chunks:
        column = read_column(connection, number, chunk, name)
        parts.append(blank_column(name, chunk.row_count) if column is None else column)
    return np.concatenate(parts)
