"""Everything that is stored, rows and archive, piece by piece: for an export. No snapshot is held for long."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import apsw
import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.pump.derived import DerivedQuantities
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.pump.quantities import Counter
from pumpwatch_gui.domain.values.quality import Quality
from pumpwatch_gui.domain.values.readings import NOT_RECORDED, ORIGINAL_TABLES, SCORE_TAG, Readings
from pumpwatch_gui.store.archive.rows import BAD, SCORE, STATUS, UNCERTAIN, Rows, plain
from pumpwatch_gui.store.ids import EPOCH_MS, LAST_NUMBER, NUMBER_BITS, make_id
from pumpwatch_gui.store.layout import pump_number, reading_columns, series_of
from pumpwatch_gui.store.query.derived import read_counters
from pumpwatch_gui.store.query.past import Stretch, days_between, rows_between
from pumpwatch_gui.store.schema import quoted

Connect = Callable[[], AbstractContextManager[apsw.Connection]]
Table = list[tuple[object, ...]]
PIECE_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class PumpSpan:
    """A pump, from `start_ns` up to `end_ns` (Unix UTC)."""

    pump_id: str
    start_ns: int
    end_ns: int


# -------------------------------------------------------------------- readings


def readings_in_pieces(
    snapshot: Connect, span: PumpSpan, tags: Sequence[str], profile: PumpProfile
) -> Iterator[Readings]:
    """See `Historian.readings_of`."""
    with snapshot() as connection:
        number, known = pump_number(connection, span.pump_id), reading_columns(connection)
        if number is None:
            return
        layouts = _layouts(connection, number)
        whole = Stretch.of(number, max(span.start_ns, 0), span.end_ns)
        days = days_between(connection, whole)
    derived = DerivedQuantities(profile)
    computed = set(derived.instant_tags) | {c.tag for c in derived.counters}
    own = [tag for tag in tags if tag not in computed and tag != SCORE_TAG and series_of(tag) in known]
    leaves = [tag for tag in derived.leaf_tags if series_of(tag) in known] if computed & set(tags) else []
    stored = tuple(dict.fromkeys([*own, *leaves]))
    counters = [counter for counter in derived.counters if counter.tag in tags]
    for day in days:
        for rows in _day_in_pieces(snapshot, whole.within(day), [series_of(tag) for tag in stored]):
            piece = Piece.of(rows, number, stored, layouts)
            counted: dict[str, NDArray[np.float64]] = {}
            if counters:
                with snapshot() as connection:
                    counted = _counted(connection, number, counters, piece)
            yield columns_of(piece, tags, derived, counted)


def _day_in_pieces(snapshot: Connect, stretch: Stretch, names: Sequence[str]) -> Iterator[Rows]:
    """The readings of a stretch within a day, rows and archive, some at a time."""
    with snapshot() as connection:
        rows = rows_between(connection, stretch, (*names, SCORE, UNCERTAIN, BAD, STATUS)).readings
    for first in range(0, rows.ms.size, PIECE_ROWS):
        yield rows.take(slice(first, first + PIECE_ROWS))


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Readings as arrays: ids, scores (m,), values (m, n) and qualities of the stored tags."""

    ids: NDArray[np.int64]
    score: NDArray[np.float64]
    tags: tuple[str, ...]
    values: NDArray[np.float64]
    quality: NDArray[np.uint8]

    @classmethod
    def of(cls, rows: Rows, number: int, tags: tuple[str, ...], layouts: list[tuple[int, tuple[str, ...]]]) -> "Piece":
        """Of rows of a pump; `layouts`: from which id on which tags the bits of a mask mean."""
        ids = (rows.ms << NUMBER_BITS) | number
        uncertain, bad = (mask.astype(np.int64).view(np.uint64) for mask in (rows.uncertain, rows.bad))
        columns = [rows.column(series_of(tag)) for tag in tags]
        values = np.column_stack(columns) if columns else np.empty((ids.size, 0))
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
        return cls(ids, rows.score, tags, values, quality)


def columns_of(
    piece: Piece, tags: Sequence[str], derived: DerivedQuantities, counted: dict[str, NDArray[np.float64]]
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
    return Readings((piece.ids >> NUMBER_BITS) + EPOCH_MS, values, quality)


def _evaluated(piece: Piece, derived: DerivedQuantities) -> NDArray[np.float64]:
    inputs = np.full((len(piece.ids), derived.size), np.nan)
    for i, tag in enumerate(derived.profile.tags):
        if tag in piece.tags:
            inputs[:, i] = piece.values[:, piece.tags.index(tag)]
    return derived.evaluate(inputs)


def _counted(
    connection: apsw.Connection, number: int, counters: Sequence[Counter], piece: Piece
) -> dict[str, NDArray[np.float64]]:
    found = read_counters(connection, number, counters, ((piece.ids >> NUMBER_BITS) + EPOCH_MS) / 1e3)
    return {counter.tag: values for counter, values in zip(counters, found, strict=True)}


def _layouts(connection: apsw.Connection, number: int) -> list[tuple[int, tuple[str, ...]]]:
    """From which id on which tags the bits of a mask mean, oldest first."""
    sql = "SELECT from_id, tags FROM layouts WHERE pump_number = ? ORDER BY from_id"
    rows: list[Any] = connection.execute(sql, (number,)).fetchall()
    return [(int(from_id), tuple(json.loads(text))) for from_id, text in rows]


# -------------------------------------------------------------------- the original's tables


def rows_in_pieces(
    snapshot: Connect, table: str, pump_ids: Sequence[str], start_ns: int, end_ns: int
) -> Iterator[Table]:
    """See `Historian.table_rows`."""
    names = ORIGINAL_TABLES[table]
    if table == "maintenance_events":
        yield from _maintenance_rows(snapshot, pump_ids, start_ns, end_ns)
        return
    with snapshot() as connection:
        found = {pump_number(connection, pump_id): pump_id for pump_id in pump_ids}
    numbers = {number: found[number] for number in sorted(n for n in found if n is not None)}
    if table == "sensor_readings":
        yield from _reading_rows(snapshot, names[2:-2], numbers, start_ns, end_ns)
    else:
        yield from _detection_rows(snapshot, names[1:-1], numbers, start_ns, end_ns)


def _reading_rows(
    snapshot: Connect, tags: Sequence[str], pumps: Mapping[int, str], start_ns: int, end_ns: int
) -> Iterator[Table]:
    """Day after day, in each pump after pump: sorted by time alone, a day of fifty pumps would be in memory."""
    names = [series_of(tag) for tag in tags]
    whole = {number: Stretch.of(number, max(start_ns, 0), end_ns) for number in pumps}
    with snapshot() as connection:
        days = [days_between(connection, stretch) for stretch in whole.values()]
    for day in sorted({day for own in days for day in own}):
        for number, pump_id in pumps.items():
            for rows in _day_in_pieces(snapshot, whole[number].within(day), names):
                ids, ms = ((rows.ms << NUMBER_BITS) | number).tolist(), (rows.ms + EPOCH_MS).tolist()
                columns = [plain(rows.column(name)) for name in names]
                yield list(zip(ids, ms, *columns, rows.states, [pump_id] * len(ids), strict=True))


def _detection_rows(
    snapshot: Connect, names: Sequence[str], pumps: Mapping[int, str], start_ns: int, end_ns: int
) -> Iterator[Table]:
    own = ", ".join(map(quoted, names))
    sql = f"SELECT id, {own} FROM anomaly_detections WHERE id > ? AND id < ? ORDER BY id LIMIT ?"
    after, end = make_id(max(start_ns, 0)) - 1, make_id(end_ns)
    while True:
        with snapshot() as connection:
            rows: list[Any] = connection.execute(sql, (after, end, PIECE_ROWS)).fetchall()
        found = [
            (key, reading, bool(is_anomaly), *rest, pumps[key & LAST_NUMBER])
            for key, reading, is_anomaly, *rest in rows
            if key & LAST_NUMBER in pumps
        ]
        if found:
            yield found
        if len(rows) < PIECE_ROWS:
            return
        after = rows[-1][0]


def _maintenance_rows(snapshot: Connect, pump_ids: Sequence[str], start_ns: int, end_ns: int) -> Iterator[Table]:
    """There are few of them: a row an event, not one a reading."""
    sql = (
        "SELECT id, event_type, severity, sensor_name, estimated_cost, resolved, time_ns, pump_id "
        f"FROM maintenance_events WHERE time_ns >= ? AND time_ns < ? AND pump_id IN ({', '.join('?' * len(pump_ids))}) "
        "ORDER BY time_ns, id"
    )
    with snapshot() as connection:
        rows: list[Any] = connection.execute(sql, (start_ns, end_ns, *pump_ids)).fetchall()
    if rows:
        yield [(*row[:5], bool(row[5]), row[6] // 1_000_000, row[7]) for row in rows]
