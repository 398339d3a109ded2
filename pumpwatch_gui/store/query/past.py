"""A pump's past from all that there is of it: rows, chunks, minutes and hours, each reading once.

All of it is read in one transaction of the caller, so that what is archived meanwhile is seen in one place only.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import apsw
import numpy as np

from pumpwatch_gui.store.archive.chunks import DAY, DAY_MS, PIECE, Chunk, chunks_between, read_chunks
from pumpwatch_gui.store.archive.codec import Floats, Integers
from pumpwatch_gui.store.archive.moving import MARKED, Moved, cells_of, floats, marked, ms_of, rows_of
from pumpwatch_gui.store.archive.rollup import (
    HOUR_S,
    MINUTE_S,
    PERIOD_DAYS,
    Rollup,
    combined,
    read_rollups,
    rolled,
    single,
)
from pumpwatch_gui.store.archive.rows import BAD, SCORE, STATUS, UNCERTAIN, Rows, merged, with_scores
from pumpwatch_gui.store.ids import LAST_NUMBER, NUMBER_BITS, make_id
from pumpwatch_gui.store.layout import reading_columns
from pumpwatch_gui.store.reading_rows import SCORES_APART, TABLES
from pumpwatch_gui.store.schema import quoted

RAW_ROWS: Final = 200_000
"""Up to so many readings are read as they are, whatever time they are from."""
RAW_DAYS: Final = 2
MOST_RAW_ROWS: Final = 2_000_000
"""So are those of a stretch that is no longer, up to so many."""
MINUTE_DAYS: Final = 45
"""Minutes are read of no longer stretch, hours of a longer one."""
_NONE = np.empty(0, np.int64)
_IDS = f"id >= ? AND id < ? AND (id & {LAST_NUMBER}) = ?"
_WHERE = f"WHERE {_IDS} ORDER BY id LIMIT ?"
_STEP = (", min({0})", ", avg({0})", ", max({0})", ", count({0})", ", count(*) - count({0})")


@dataclass(frozen=True, slots=True)
class Stretch:
    """One pump's rows from the id `start` up to `end`."""

    number: int
    start: int
    end: int

    @classmethod
    def of(cls, number: int, start_ns: int, end_ns: int) -> "Stretch":
        """From one time (Unix UTC) up to another."""
        return cls(number, make_id(start_ns), make_id(end_ns))

    @property
    def start_ms(self) -> int:
        """Milliseconds since 2020."""
        return self.start >> NUMBER_BITS

    @property
    def end_ms(self) -> int:
        """Milliseconds since 2020."""
        return self.end >> NUMBER_BITS

    def within(self, day: int) -> "Stretch":
        """The part of it on a day (since 2020)."""
        first, end = ((day + i) * DAY_MS << NUMBER_BITS for i in range(2))
        return Stretch(self.number, max(self.start, first), min(self.end, end))


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """Readings, or minutes or hours of them: `ms` (k,) are their times in milliseconds since 2020, rising.

    `columns` by series have those times as their index; `score` has times of its own.
    """

    ms: Integers
    columns: Mapping[str, Rollup]
    score: Rollup


def days_between(connection: apsw.Connection, stretch: Stretch) -> range:
    """The days (since 2020) of a stretch on which there can be rows."""
    sql = "SELECT {}(day) FROM archive_chunks WHERE pump_number = ?"
    ends = [connection.execute(sql.format(end), (stretch.number,)).get for end in ("min", "max")]
    for table in TABLES:
        for order in ("", " DESC"):
            key = connection.execute(f"SELECT id >> {NUMBER_BITS} FROM {table} ORDER BY id{order} LIMIT 1").get
            ends.append(None if key is None else int(str(key)) // DAY_MS)
    days = [int(str(day)) for day in ends if day is not None]
    if not days:
        return range(0)
    return range(max(stretch.start_ms // DAY_MS, min(days)), min(stretch.end_ms // DAY_MS, max(days)) + 1)


def rows_between(connection: apsw.Connection, stretch: Stretch, names: Sequence[str]) -> Rows:
    """Every row of a stretch with these series; with UNCERTAIN, BAD or STATUS among them, with all three."""
    wanted = (*names, UNCERTAIN, BAD) if {UNCERTAIN, BAD, STATUS} & set(names) else names
    parts = [rows for _, rows in read_chunks(connection, stretch.number, wanted, stretch.start, stretch.end)]
    parts += _hot_rows(connection, stretch, names, limit=-1)
    return merged([part.between(stretch.start_ms, stretch.end_ms) for part in parts])


def past_between(connection: apsw.Connection, stretch: Stretch, names: Sequence[str]) -> Past:
    """A stretch as readings where they are few or the stretch is short, else as minutes or hours of them."""
    # Of the whole days: what a stored step at an end holds of before or after the stretch is in a chunk of that day.
    days = stretch.start_ms // DAY_MS * DAY_MS, -(-stretch.end_ms // DAY_MS) * DAY_MS
    chunks = chunks_between(connection, stretch.number, *(ms << NUMBER_BITS for ms in days))
    wanted = (*dict.fromkeys(names), SCORE)
    step_s = _step_s(connection, stretch, wanted[0], chunks)
    if not step_s:
        hot = _hot_rows(connection, stretch, wanted, limit=MOST_RAW_ROWS)
        if sum(part.ms.size for part in hot) < MOST_RAW_ROWS:
            return _as_readings(connection, stretch, wanted, hot)
        step_s = MINUTE_S
    found = _as_steps(connection, stretch, wanted, step_s, {chunk.day for chunk in chunks if chunk.level == DAY})
    return _past([name for name in wanted if name != SCORE], found)


def _step_s(connection: apsw.Connection, stretch: Stretch, name: str, chunks: Sequence[Chunk]) -> int:
    """The step for a stretch: 0 for readings as they are. It may begin long before the first reading."""
    rows = sum(chunk.row_count for chunk in chunks)
    sql = "SELECT {}(period) FROM archive_rollups WHERE pump_number = ? AND series = ? AND step_s = ?"
    periods = [connection.execute(sql.format(end), (stretch.number, name, HOUR_S)).get for end in ("min", "max")]
    days = [chunk.day for chunk in chunks]
    days += [(int(str(p)) + i) * PERIOD_DAYS for i, p in enumerate(periods) if p is not None]
    first = max(stretch.start_ms, min(days) * DAY_MS) if days else stretch.start_ms
    last = min(stretch.end_ms, (max(days) + 1) * DAY_MS) if days else stretch.start_ms
    if rows <= RAW_ROWS or (last - first <= RAW_DAYS * DAY_MS and rows <= MOST_RAW_ROWS):
        return 0
    return MINUTE_S if last - first <= MINUTE_DAYS * DAY_MS else HOUR_S


def _as_readings(connection: apsw.Connection, stretch: Stretch, names: Sequence[str], hot: Sequence[Rows]) -> Past:
    """Readings; minutes or hours of the days whose readings were deleted for room."""
    archived = read_chunks(connection, stretch.number, names, stretch.start, stretch.end)
    rows = merged([part.between(stretch.start_ms, stretch.end_ms) for part in (*(r for _, r in archived), *hot)])
    readings = rows.readings
    found = {name: single(readings.ms, readings.column(name)) for name in names if name != SCORE}
    is_scored = ~np.isnan(rows.score)
    every = bool(is_scored.all())
    found[SCORE] = single(*((rows.ms, rows.score) if every else (rows.ms[is_scored], rows.score[is_scored])))
    lost = _stored(connection, stretch, names, 0, {chunk.day for chunk, _ in archived})
    for name, steps in lost.items():
        if any(one.index.size for _, one in steps):
            found[name] = combined([found[name], *(_in_ms(one, step_s) for step_s, one in steps)])
    return _past([name for name in names if name != SCORE], found)


def _as_steps(
    connection: apsw.Connection, stretch: Stretch, names: Sequence[str], step_s: int, raw_days: set[int]
) -> dict[str, Rollup]:
    """Steps by series, their times as index: what is stored, and of the rest what it gives.

    The steps at the two ends that are not wholly inside are made of the readings inside, while there are readings.
    """
    step_ms = step_s * 1000
    parts: dict[str, list[Rollup]] = {name: [] for name in names}
    others: dict[str, list[Rollup]] = {name: [] for name in names}
    for name, stored in _stored(connection, stretch, names, step_s, set()).items():
        for length_s, steps in stored:
            if length_s != step_s:
                others[name].append(_in_ms(steps, length_s))
                continue
            if _is_inside(steps, stretch, step_ms):
                parts[name].append(steps)
                continue
            is_whole = (steps.index * step_ms >= stretch.start_ms) & ((steps.index + 1) * step_ms <= stretch.end_ms)
            parts[name].append(steps.take(is_whole | ~np.isin(steps.index * step_ms // DAY_MS, list(raw_days))))
    first, end = -(-stretch.start_ms // step_ms) * step_ms, stretch.end_ms // step_ms * step_ms
    edges = ((stretch.start_ms, first), (end, stretch.end_ms))
    for a, b in edges if first <= end else ((stretch.start_ms, stretch.end_ms),):
        if a < b:
            edge = Stretch(stretch.number, a << NUMBER_BITS, b << NUMBER_BITS)
            _add_rows(parts, _chunk_rows(connection, edge, names, DAY), step_ms)
    _add_rows(parts, _chunk_rows(connection, stretch, names, PIECE), step_ms)
    for name, steps in _hot_steps(connection, stretch, names, step_ms):
        parts[name].append(steps)
    return {n: combined([_in_ms(combined(parts[n]), step_s), *others[n]]) for n in names}


def _stored(
    connection: apsw.Connection, stretch: Stretch, names: Sequence[str], step_s: int, raw_days: set[int]
) -> dict[str, list[tuple[int, Rollup]]]:
    """By series, length of step and steps that are stored in a stretch.

    Those of the step, and longer ones of the days that have none so short; with step 0, of days not in `raw_days`.
    """
    first, last = stretch.start_ms // DAY_MS, (stretch.end_ms - 1) // DAY_MS
    found: dict[str, list[tuple[int, Rollup]]] = {}
    for name in names:
        done, own = set[int](), list[tuple[int, Rollup]]()
        if step_s != HOUR_S:
            skipped = set() if step_s else raw_days
            done |= skipped
            minutes = read_rollups(connection, stretch.number, name, MINUTE_S, first, last, skipped)
            own += ((MINUTE_S, steps) for _, steps in minutes)
            done |= {day for day, _ in minutes}
        if step_s == HOUR_S or last - first >= len(done):
            periods = first // PERIOD_DAYS, last // PERIOD_DAYS
            for _, steps in read_rollups(connection, stretch.number, name, HOUR_S, *periods, set()):
                own.append(
                    (HOUR_S, steps.take(~np.isin(steps.index // 24, list(done)) if step_s != HOUR_S else slice(None)))
                )
        found[name] = [(s, _overlapping(steps, stretch, s * 1000)) for s, steps in own]
    return found


def _overlapping(steps: Rollup, stretch: Stretch, step_ms: int) -> Rollup:
    """The steps that reach into a stretch."""
    if _is_inside(steps, stretch, step_ms):
        return steps
    return steps.take(((steps.index + 1) * step_ms > stretch.start_ms) & (steps.index * step_ms < stretch.end_ms))


def _is_inside(steps: Rollup, stretch: Stretch, step_ms: int) -> bool:
    """Whether all steps are wholly in a stretch."""
    if not steps.index.size:
        return True
    first, last = int(steps.index[0]), int(steps.index[-1])
    return first * step_ms >= stretch.start_ms and (last + 1) * step_ms <= stretch.end_ms


def _in_ms(steps: Rollup, step_s: int) -> Rollup:
    """With the middle of each step (milliseconds since 2020) as its index."""
    return replace(steps, index=steps.index * (step_s * 1000) + step_s * 500)


def _past(names: Sequence[str], found: Mapping[str, Rollup]) -> Past:
    """With one time axis: all series but the score have every time, without a value where they had none."""
    every = [found[name].index for name in names]
    ms = every[0] if every and all(one is every[0] for one in every) else _union(every)
    return Past(ms, {name: _placed(found[name], ms) for name in names}, found[SCORE])


def _union(every: Sequence[Integers]) -> Integers:
    return np.unique(np.concatenate(every)) if every else _NONE


def _placed(steps: Rollup, ms: Integers) -> Rollup:
    if steps.index.size == ms.size:
        return steps
    at = np.searchsorted(ms, steps.index)

    def placed(column: Floats | Integers, blank: float) -> Any:
        whole = np.full(ms.size, blank, column.dtype)
        whole[at] = column
        return whole

    low, mean, high = (placed(column, np.nan) for column in (steps.low, steps.mean, steps.high))
    return Rollup(ms, low, mean, high, placed(steps.good, 0), placed(steps.bad, 0))


def _add_rows(parts: dict[str, list[Rollup]], rows: Rows, step_ms: int) -> None:
    readings, is_scored = rows.readings, ~np.isnan(rows.score)
    for name, own in parts.items():
        if name == SCORE:
            own.append(rolled(rows.ms[is_scored], rows.score[is_scored], step_ms))
        else:
            own.append(rolled(readings.ms, readings.column(name), step_ms))


def _chunk_rows(connection: apsw.Connection, stretch: Stretch, names: Sequence[str], level: int) -> Rows:
    found = read_chunks(connection, stretch.number, names, stretch.start, stretch.end, level)
    return merged([rows.between(stretch.start_ms, stretch.end_ms) for _, rows in found])


# -------------------------------------------------------------------- rows that are not archived yet


def _hot_rows(connection: apsw.Connection, stretch: Stretch, names: Sequence[str], *, limit: int) -> list[Rows]:
    """The rows of the tables that are no copies, at most `limit` of each stretch between copies (-1: all)."""
    known = reading_columns(connection)
    there = [name for name in names if name in known and name != SCORE]
    found = []
    for bounds in Moved.read(connection).between(stretch.start, stretch.end):
        where = (*bounds, stretch.number, limit)
        found_rows = connection.execute(f"SELECT {cells_of(there)} FROM sensor_readings {_WHERE}", where)
        rows = rows_of(floats(found_rows, 2 + len(there)), there)
        if {UNCERTAIN, BAD, STATUS} & set(names):
            rows = marked(rows, connection.execute(f"{MARKED} AND (id & {LAST_NUMBER}) = ?", where[:-1]).fetchall())
        if SCORE in names:
            apart = floats(connection.execute(f"SELECT id, score FROM {SCORES_APART} {_WHERE}", where), 2)
            rows = with_scores(rows, ms_of(apart), apart[:, 1])
        found.append(rows)
    return found


def _hot_steps(
    connection: apsw.Connection, stretch: Stretch, names: Sequence[str], step_ms: int
) -> Iterable[tuple[str, Rollup]]:
    """The same as steps, made by SQLite: while a database of before is archived there may be very many."""
    known = reading_columns(connection)
    sources = [("sensor_readings", [name for name in names if name in known and name != SCORE])]
    sources += [("anomaly_scores", [SCORE])] if SCORE in names else []
    for bounds in Moved.read(connection).between(stretch.start, stretch.end):
        for table, there in sources:
            cells = [part.format("score" if name == SCORE else quoted(name)) for name in there for part in _STEP]
            sql = f"SELECT (id >> {NUMBER_BITS}) / {step_ms}{''.join(cells)} FROM {table} WHERE {_IDS} GROUP BY 1"
            rows: list[Any] = connection.execute(sql, (*bounds, stretch.number)).fetchall() if there else []
            whole = np.array(rows, np.float64).reshape(len(rows), 1 + len(cells))
            for i, name in enumerate(there):
                low, mean, high, *counts = (whole[:, 1 + len(_STEP) * i + k] for k in range(len(_STEP)))
                index, good, bad = (column.astype(np.int64) for column in (whole[:, 0], *counts))
                yield name, Rollup(index, low, mean, high, good, bad)
