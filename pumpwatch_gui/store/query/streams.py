"""Everything that is stored, piece by piece: for an export. No piece is large, no snapshot is held for long."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import apsw
import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.pump.derived import DerivedQuantities
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.quality import Quality
from pumpwatch_gui.domain.values.readings import NOT_RECORDED, ORIGINAL_TABLES, SCORE_TAG, Readings
from pumpwatch_gui.store.ids import EPOCH_MS, LAST_NUMBER, make_id, time_ms
from pumpwatch_gui.store.layout import column, pump_number, reading_columns
from pumpwatch_gui.store.query.derived import read_counters
from pumpwatch_gui.store.schema import quoted

Connect = Callable[[], AbstractContextManager[apsw.Connection]]
Rows = list[tuple[object, ...]]
PIECE_ROWS = 10_000
PIECE_NS = 6 * 3600 * 10**9
"""The rows of all pumps lie in one table by time: a pump that stands still for a year must not be one long question."""


@dataclass(frozen=True, slots=True)
class PumpSpan:
    """A pump, from `start_ns` up to `end_ns` (Unix UTC)."""

    pump_id: str
    start_ns: int
    end_ns: int


# -------------------------------------------------------------------- readings


def readings_in_pieces(
    connect: Connect, span: PumpSpan, tags: Sequence[str], profile: PumpProfile
) -> Iterator[Readings]:
    """See `Historian.readings_of`."""
    with connect() as connection:
        number, known = pump_number(connection, span.pump_id), reading_columns(connection)
        layouts = _layouts(connection, number)
        first, last = _within(connection, span.start_ns, span.end_ns)
    if number is None:
        return
    derived = DerivedQuantities(profile)
    computed = set(derived.instant_tags) | {c.tag for c in derived.counters}
    own = [tag for tag in tags if tag not in computed and tag != SCORE_TAG and column(tag).lower() in known]
    leaves = [tag for tag in derived.leaf_tags if column(tag).lower() in known] if computed & set(tags) else []
    stored = tuple(dict.fromkeys([*own, *leaves]))
    cells = ", ".join(["r.id", "r.uncertain_mask", "r.bad_mask", *(f"r.{quoted(column(tag))}" for tag in stored)])
    score, join = ("s.score", " LEFT JOIN anomaly_scores AS s ON s.id = r.id") if SCORE_TAG in tags else ("NULL", "")
    sql = (
        f"SELECT {score}, {cells} FROM sensor_readings AS r{join} "
        "WHERE r.id > ? AND r.id < ? AND (r.id & 4095) = ? ORDER BY r.id LIMIT ?"
    )
    for start, end in _stretches(first, last):
        after = start - 1
        while True:
            with connect() as connection:
                rows: list[Any] = connection.execute(sql, (after, end, number, PIECE_ROWS)).fetchall()
                if not rows:
                    break
                piece = _Piece.of(rows, stored, layouts)
                counted = _counted(connection, number, derived, tags, piece)
            yield _readings(piece, tags, derived, counted)
            after = rows[-1][1]
            if len(rows) < PIECE_ROWS:
                break


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """Rows as arrays: ids, scores (m,), values (m, n) and qualities of the stored tags."""

    ids: NDArray[np.int64]
    score: NDArray[np.float64]
    tags: tuple[str, ...]
    values: NDArray[np.float64]
    quality: NDArray[np.uint8]

    @classmethod
    def of(cls, rows: list[Any], tags: tuple[str, ...], layouts: list[tuple[int, tuple[str, ...]]]) -> "_Piece":
        ids = np.array([row[1] for row in rows], dtype=np.int64)
        score = np.array([row[0] for row in rows], dtype=np.float64)
        masks = np.array([row[2:4] for row in rows], dtype=object)
        uncertain, bad = (np.array(masks[:, i], dtype=np.int64).view(np.uint64) for i in (0, 1))
        values = np.array([row[4:] for row in rows], dtype=np.float64).reshape(len(rows), len(tags))
        quality = np.full(values.shape, NOT_RECORDED)
        quality[np.isfinite(values)] = Quality.GOOD
        starts = [from_id for from_id, _ in layouts]
        places = np.searchsorted(starts, ids, side="right") - 1
        for place in np.unique(places[places >= 0]).tolist():
            order, here = layouts[place][1], np.flatnonzero(places == place)
            for i, tag in enumerate(tags):
                if tag in order:
                    bit = np.uint64(order.index(tag))
                    one = np.uint64(1)
                    is_bad, is_doubtful = ((mask[here] >> bit) & one == one for mask in (bad, uncertain))
                    quality[here[is_bad], i] = Quality.BAD
                    quality[here[is_doubtful & ~is_bad], i] = Quality.UNCERTAIN
        return cls(ids, score, tags, values, quality)


def _readings(
    piece: _Piece, tags: Sequence[str], derived: DerivedQuantities, counted: dict[str, NDArray[np.float64]]
) -> Readings:
    """The columns that were asked for."""
    shape = len(piece.ids), len(tags)
    values, quality = np.full(shape, np.nan), np.full(shape, NOT_RECORDED)
    found = _evaluated(piece, derived) if set(tags) & set(derived.instant_tags) else None
    for i, tag in enumerate(tags):
        if tag in counted:
            values[:, i] = counted[tag]
            quality[:, i] = np.where(np.isfinite(counted[tag]), Quality.GOOD, NOT_RECORDED)
        elif tag == SCORE_TAG:
            values[:, i] = piece.score
            quality[:, i] = np.where(np.isfinite(piece.score), Quality.GOOD, NOT_RECORDED)
        elif found is not None and tag in derived.instant_tags:
            values[:, i] = found[:, derived.instant_tags.index(tag)]
            behind = [piece.tags.index(leaf) for leaf in derived.behind([tag]) if leaf in piece.tags]
            worst = piece.quality[:, behind].max(axis=1) if behind else quality[:, i]
            # NOT_RECORDED is the highest: without one of its inputs there was no such quantity.
            quality[:, i] = np.where(np.isnan(values[:, i]) & (worst != NOT_RECORDED), Quality.BAD, worst)
        elif tag in piece.tags:
            at = piece.tags.index(tag)
            values[:, i], quality[:, i] = piece.values[:, at], piece.quality[:, at]
    return Readings((piece.ids >> 12) + EPOCH_MS, values, quality)


def _evaluated(piece: _Piece, derived: DerivedQuantities) -> NDArray[np.float64]:
    inputs = np.full((len(piece.ids), derived.size), np.nan)
    for i, tag in enumerate(derived.profile.tags):
        if tag in piece.tags:
            inputs[:, i] = piece.values[:, piece.tags.index(tag)]
    return derived.evaluate(inputs)


def _counted(
    connection: apsw.Connection, number: int, derived: DerivedQuantities, tags: Sequence[str], piece: _Piece
) -> dict[str, NDArray[np.float64]]:
    wanted = [counter for counter in derived.counters if counter.tag in tags]
    time_s = ((piece.ids >> 12) + EPOCH_MS) / 1e3
    found = read_counters(connection, number, wanted, time_s) if wanted else []
    return {counter.tag: values for counter, values in zip(wanted, found, strict=True)}


def _layouts(connection: apsw.Connection, number: int | None) -> list[tuple[int, tuple[str, ...]]]:
    """From which id on which tags the bits of a mask mean, oldest first."""
    sql = "SELECT from_id, tags FROM layouts WHERE pump_number = ? ORDER BY from_id"
    rows: list[Any] = connection.execute(sql, (number,)).fetchall()
    return [(int(from_id), tuple(json.loads(text))) for from_id, text in rows]


def _within(connection: apsw.Connection, start_ns: int, end_ns: int) -> tuple[int, int]:
    """The ids of a span, no farther than the table goes."""
    ends = (connection.execute(f"SELECT {which}(id) FROM sensor_readings").get for which in ("min", "max"))
    low, high = (0 if key is None else int(str(key)) for key in ends)
    return max(make_id(max(start_ns, 0)), low), min(make_id(end_ns), high + 1)


def _stretches(first: int, last: int) -> Iterator[tuple[int, int]]:
    """A span of ids in pieces of time."""
    step = PIECE_NS // 1_000_000 << 12
    for start in range(first, last, step):
        yield start, min(start + step, last)


# -------------------------------------------------------------------- the original's tables


def rows_in_pieces(connect: Connect, table: str, pump_ids: Sequence[str], start_ns: int, end_ns: int) -> Iterator[Rows]:
    """See `Historian.table_rows`."""
    names = ORIGINAL_TABLES[table]
    with connect() as connection:
        numbers = {pump_number(connection, pump_id): pump_id for pump_id in pump_ids}
        stretch = _within(connection, start_ns, end_ns)
    if table == "maintenance_events":
        yield from _maintenance_rows(connect, pump_ids, start_ns, end_ns)
        return
    own = ", ".join(map(quoted, names[2:-2] if table == "sensor_readings" else names[1:-1]))
    tail = ", machine_status" if table == "sensor_readings" else ""
    sql = f"SELECT id, {own}{tail} FROM {table} WHERE id > ? AND id < ? ORDER BY id LIMIT ?"
    for start, end in _stretches(*stretch):
        after = start - 1
        while True:
            with connect() as connection:
                rows: list[Any] = connection.execute(sql, (after, end, PIECE_ROWS)).fetchall()
            found = [_row(table, row, numbers[row[0] & LAST_NUMBER]) for row in rows if row[0] & LAST_NUMBER in numbers]
            if found:
                yield found
            if len(rows) < PIECE_ROWS:
                break
            after = rows[-1][0]


def _row(table: str, row: tuple[Any, ...], pump_id: str) -> tuple[object, ...]:
    if table == "sensor_readings":
        return (row[0], time_ms(row[0]), *row[1:], pump_id)
    key, reading, is_anomaly, *rest = row
    return (key, reading, bool(is_anomaly), *rest, pump_id)


def _maintenance_rows(connect: Connect, pump_ids: Sequence[str], start_ns: int, end_ns: int) -> Iterator[Rows]:
    """There are few of them: a row an event, not one a reading."""
    sql = (
        "SELECT id, event_type, severity, sensor_name, estimated_cost, resolved, time_ns, pump_id "
        f"FROM maintenance_events WHERE time_ns >= ? AND time_ns < ? AND pump_id IN ({', '.join('?' * len(pump_ids))}) "
        "ORDER BY time_ns, id"
    )
    with connect() as connection:
        rows: list[Any] = connection.execute(sql, (start_ns, end_ns, *pump_ids)).fetchall()
    if rows:
        yield [(*row[:5], bool(row[5]), row[6] // 1_000_000, row[7]) for row in rows]
