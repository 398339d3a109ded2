"""From rows to chunks: readings and scores of some minutes go into the archive in one transaction.

The rows stay where they are for a while; what has been moved is noted in the same transaction, and no reader takes
those rows any more. Deleting them later, some at a time, changes nothing that is read.
"""

import json
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import Any, Final

import apsw
import numpy as np

from pumpwatch_gui.store.archive.chunks import PIECE, Encoded, encoded_chunk, insert_chunks
from pumpwatch_gui.store.archive.codec import Floats, Integers
from pumpwatch_gui.store.archive.rows import SCORE, Rows, blank_rows, with_scores
from pumpwatch_gui.store.ids import LAST_NUMBER, NUMBER_BITS
from pumpwatch_gui.store.layout import NORMAL, RESERVED, noted_series, series_of
from pumpwatch_gui.store.reading_rows import SCORES_APART, STATUS, TABLES
from pumpwatch_gui.store.schema import columns, folded, quoted, run, transaction

KEY: Final = "archive"
PIECE_MS: Final = 30 * 60_000
"""What becomes one chunk, until the day is over and all of it becomes one."""
ROWS_AT_ONCE: Final = 4_000
MARKS_STEPS: Final = 12
"""Of a piece: rows are looked through for marks in so many steps."""
DELETED_AT_ONCE: Final = 5_000
"""Of each table, in one transaction."""
MOST_ROWS: Final = 250_000
"""Of one chunk and all pumps: what is read waits in memory, about 100 bytes a row."""
MARKED: Final = (
    f"SELECT id, {STATUS}, uncertain_mask, bad_mask FROM sensor_readings WHERE id >= ? AND id < ? "
    f"AND ({STATUS} NOT IN ('', '{NORMAL}') OR uncertain_mask <> 0 OR bad_mask <> 0)"
)
"""Id, status and masks of the readings from an id up to another that have some."""
_KEEP_SCORES = (
    "UPDATE anomaly_windows SET score = (SELECT s.score FROM scores_apart AS s WHERE s.id = anomaly_windows.id) "
    "WHERE id >= ? AND id < ? AND score IS NULL"
)
"""Windows of before version 7 have theirs in the other table only."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What `meta` notes of the archive: id ranges (from, up to) whose rows are copies, and the newest id moved."""

    ranges: tuple[tuple[int, int], ...] = ()
    newest: int = 0

    @classmethod
    def read(cls, connection: apsw.Connection) -> "Moved":
        """As it is noted; nothing where that cannot be read, for then the same rows are moved and read once again."""
        noted = connection.execute("SELECT value FROM meta WHERE key = ?", (KEY,)).get
        try:
            plain = json.loads(str(noted or "{}"))
            return cls(tuple((int(a), int(b)) for a, b in plain.get("moved", ())), int(plain.get("newest", 0)))
        except (ValueError, TypeError, AttributeError):
            return cls()

    def note(self, connection: apsw.Connection) -> None:
        """Write it down; inside a transaction."""
        text = json.dumps({"moved": self.ranges, "newest": self.newest})
        run(connection, "INSERT OR REPLACE INTO meta VALUES (?, ?)", (KEY, text))

    def with_range(self, start: int, end: int) -> "Moved":
        """With one range more."""
        return Moved(tuple(sorted((*self.ranges, (start, end)))), max(self.newest, end - 1))

    def between(self, start: int, end: int) -> list[tuple[int, int]]:
        """The parts from `start` up to `end` whose rows are no copies."""
        found = []
        for first, last in self.ranges:
            if first > start:
                found.append((start, min(first, end)))
            start = max(start, last)
        return [(a, b) for a, b in (*found, (start, end)) if a < b]


def next_range(connection: apsw.Connection, moved: Moved, before: int) -> tuple[int, int] | None:
    """The oldest rows below the id `before` that are not moved, as a range of ids within one piece."""
    for start, end in moved.between(0, before):
        first = [k for t in TABLES if (k := _first(connection, t, start, end)) is not None]
        if first:
            piece = ((min(first) >> NUMBER_BITS) // PIECE_MS + 1) * PIECE_MS << NUMBER_BITS
            return min(first), min(piece, end)
    return None


def last_id(connection: apsw.Connection, table: str) -> int | None:
    """The highest id of a table; None when it is empty."""
    found = connection.execute(f"SELECT max(id) FROM {table}").get
    return None if found is None else int(str(found))


def move(connection: apsw.Connection, bounds: tuple[int, int]) -> Iterator[None]:
    """Put the rows of a range into the archive, a little at each step. Only the last step writes.

    To be begun again when a row of the range is written meanwhile.
    """
    bounds = yield from _cut(connection, bounds)
    resolutions = resolutions_of(connection)
    rows: dict[int, Rows] = {}
    for names, condition in _groups(connection):
        table = yield from _read_readings(connection, bounds, names, condition)
        for number, own in _by_pump(table):
            rows[number] = rows_of(own, names)
            yield
    yield from _read_marks(connection, bounds, rows)
    apart = yield from _read(connection, f"SELECT id, score FROM {SCORES_APART} WHERE id >= ? AND id < ?", bounds, 2)
    for number, own in _by_pump(apart):
        rows[number] = with_scores(rows.get(number, blank_rows(np.empty(0, np.int64))), ms_of(own), own[:, 1])
        yield
    encoded: list[Encoded] = []
    for number, whole in rows.items():
        encoded.append(encoded_chunk(number, PIECE, whole, resolutions.get(number, {})))
        yield
    with transaction(connection):
        insert_chunks(connection, encoded)
        run(connection, _KEEP_SCORES, bounds)
        Moved.read(connection).with_range(*bounds).note(connection)


def _cut(connection: apsw.Connection, bounds: tuple[int, int]) -> Generator[None, None, tuple[int, int]]:
    """The range, or the beginning of it that has no more than MOST_ROWS of a table."""
    start, end = bounds
    for table in TABLES:
        sql = f"SELECT id FROM {table} WHERE id >= ? AND id < ? ORDER BY id LIMIT 1 OFFSET ?"
        key = connection.execute(sql, (start, end, MOST_ROWS)).get
        end = end if key is None else int(str(key))
        yield
    return start, end


def delete_some(connection: apsw.Connection, bounds: tuple[int, int]) -> bool:
    """Delete some rows of a range that was moved; with the last ones, forget the range. Whether some are left."""
    with transaction(connection):
        for table in TABLES:
            sql = f"SELECT id FROM {table} WHERE id >= ? AND id < ? ORDER BY id LIMIT 1 OFFSET ?"
            end = connection.execute(sql, (*bounds, DELETED_AT_ONCE)).get
            upto = bounds[1] if end is None else int(str(end))
            run(connection, f"DELETE FROM {table} WHERE id >= ? AND id < ?", (bounds[0], upto))
            if end is not None:
                return True
        moved = Moved.read(connection)
        Moved(tuple(r for r in moved.ranges if r != bounds), moved.newest).note(connection)
    return False


def resolutions_of(connection: apsw.Connection) -> dict[int, dict[str, float]]:
    """Pump number → series → the resolution of its sensor, as the profiles of now have it."""
    found: dict[int, dict[str, float]] = {}
    rows: list[Any] = connection.execute("SELECT pump_number, profile FROM pumps").fetchall()
    for number, profile in rows:
        try:
            sensors = json.loads(profile).get("sensors", ())
            found[number] = {series_of(s["tag"]): float(s["resolution"]) for s in sensors}
        except (ValueError, TypeError, KeyError, AttributeError):
            found[number] = {}  # of a damaged database: its values are kept as they are
    return found


def _groups(connection: apsw.Connection) -> Iterator[tuple[list[str], str]]:
    """Series and the condition for the pumps that have or had them; a pump without any noted has all.

    Those with all of them, which mostly are all there are, are read without a condition: to look at each id takes time.
    """
    there = [name for c in columns(connection, "sensor_readings") if (name := folded(c)) not in RESERVED]
    noted = noted_series(connection)
    numbers: dict[tuple[str, ...], list[int]] = {}
    for number, names in noted.items():
        shared = tuple(name for name in names if name in there)
        if len(shared) < len(there):
            numbers.setdefault(shared, []).append(number)
    for shared, own in numbers.items():
        yield list(shared), f"(id & {LAST_NUMBER}) IN ({', '.join(map(str, own))})"
    apart = [number for own in numbers.values() for number in own]
    yield there, f"(id & {LAST_NUMBER}) NOT IN ({', '.join(map(str, apart))})" if apart else "TRUE"


def _read_readings(
    connection: apsw.Connection, bounds: tuple[int, int], names: Sequence[str], condition: str
) -> Generator[None, None, Floats]:
    sql = f"SELECT {cells_of(names)} FROM sensor_readings WHERE id >= ? AND id < ? AND {condition}"
    return (yield from _read(connection, sql, bounds, 2 + len(names)))


def _read(connection: apsw.Connection, sql: str, bounds: tuple[int, int], width: int) -> Generator[None, None, Floats]:
    """Rows of numbers (m, width) by rising id, ROWS_AT_ONCE at a step."""
    parts, (start, end) = [], bounds
    while True:
        found = connection.execute(f"{sql} ORDER BY id LIMIT {ROWS_AT_ONCE}", (start, end))
        part = floats(found, width)
        parts.append(part)
        if len(part) < ROWS_AT_ONCE:
            return np.concatenate(parts)
        start = int(part[-1, 0]) + 1
        yield


def _read_marks(connection: apsw.Connection, bounds: tuple[int, int], rows: dict[int, Rows]) -> Iterator[None]:
    """The masks and the status of those readings that have some, into `rows`."""
    found: dict[int, list[Any]] = {}
    ends = np.linspace(*bounds, MARKS_STEPS + 1).astype(np.int64).tolist()
    ends[0], ends[-1] = bounds  # they may be more than a float holds
    for start, end in pairwise(ends):
        for row in list[Any](connection.execute(f"{MARKED} ORDER BY id", (start, end)).fetchall()):
            found.setdefault(row[0] & LAST_NUMBER, []).append(row)
        yield
    for number, own in found.items():
        rows[number] = marked(rows[number], own)


def marked(rows: Rows, marks: Sequence[Any]) -> Rows:
    """Rows with the marks of some of them, as MARKED gives them."""
    if not marks:
        return rows
    at = np.searchsorted(rows.ms, [row[0] >> NUMBER_BITS for row in marks])
    status, uncertain, bad = np.full(rows.ms.size, "", object), rows.uncertain.copy(), rows.bad.copy()
    status[at] = ["" if row[1] == NORMAL else row[1] for row in marks]
    uncertain[at], bad[at] = [row[2] for row in marks], [row[3] for row in marks]
    return replace(rows, uncertain=uncertain, bad=bad, status=status)


def _by_pump(table: Floats) -> Iterator[tuple[int, Floats]]:
    """Pump number and its rows, of rows by rising id."""
    numbers = table[:, 0].astype(np.int64) & LAST_NUMBER
    order = np.argsort(numbers, kind="stable")
    for part in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
        if part.size:
            yield int(numbers[part[0]]), table[part]


def cells_of(names: Sequence[str]) -> str:
    """The columns of a SELECT from `sensor_readings` for `rows_of`."""
    return ", ".join(["id", *map(quoted, names), quoted(SCORE)])


def floats(rows: Iterable[Any], width: int) -> Floats:
    """Rows of numbers as an array (m, width), NaN where there is none or an infinite one."""
    table = np.fromiter(chain.from_iterable(rows), np.float64).reshape(-1, width)
    table[np.isinf(table)] = np.nan
    return table


def rows_of(table: Floats, names: Sequence[str]) -> Rows:
    """Readings with these series and their scores, of what `cells_of` selects from one pump."""
    values = {name: table[:, 1 + i].copy() for i, name in enumerate(names)}
    return replace(blank_rows(ms_of(table)), values=values, score=table[:, -1].copy())


def ms_of(table: Floats) -> Integers:
    """The times of rows whose first column is their id, in milliseconds since 2020."""
    return table[:, 0].astype(np.int64) >> NUMBER_BITS


def _first(connection: apsw.Connection, table: str, start: int, end: int) -> int | None:
    found = connection.execute(f"SELECT id FROM {table} WHERE id >= ? AND id < ? ORDER BY id LIMIT 1", (start, end)).get
    return None if found is None else int(str(found))
