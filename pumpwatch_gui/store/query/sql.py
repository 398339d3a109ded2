"""SQL over all of the history, read-only: `sensor_readings` has rows and archive, other tables are as they are."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

import apsw
import numpy as np

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.store.archive.rows import BAD, SCORE, STATUS, UNCERTAIN, Rows, plain
from pumpwatch_gui.store.ids import EPOCH_MS, NUMBER_BITS, ONE_MS, make_id
from pumpwatch_gui.store.layout import OLD_STATUS, RESERVED
from pumpwatch_gui.store.query.past import Stretch, days_between, rows_between
from pumpwatch_gui.store.schema import columns, folded, from_apsw, open_for_reading, quoted, run

_LAST: Final = (OLD_STATUS, "uncertain_mask", "bad_mask", "anomaly_score", "pump_id")
_LOW = (apsw.SQLITE_INDEX_CONSTRAINT_GE, apsw.SQLITE_INDEX_CONSTRAINT_GT, apsw.SQLITE_INDEX_CONSTRAINT_EQ)
_HIGH = (apsw.SQLITE_INDEX_CONSTRAINT_LE, apsw.SQLITE_INDEX_CONSTRAINT_LT, apsw.SQLITE_INDEX_CONSTRAINT_EQ)
_FIRST_ID, _LAST_ID = -(1 << 62), 1 << 62
Bound = tuple[str, int]
"""A column and how it is bound (an operator of SQLite)."""


def query(database: Path, sql: str) -> Iterator[Sequence[Any]]:
    """The names of the columns, then the rows of one statement. Raises InputError for SQL that cannot be run.

    `sensor_readings` (id, timestamp, the sensors, machine_status, uncertain_mask, bad_mask, anomaly_score, pump_id) is
    found quickly by `id`, `timestamp` and `pump_id`. Raises StoreError when the file cannot be read.
    """
    try:
        connection = apsw.Connection(":memory:", flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI)
        run(connection, "ATTACH ? AS history", (f"{database.resolve().as_uri()}?mode=ro",))
        source = open_for_reading(database)
        source.set_busy_timeout(2_000)
        connection.create_module("readings", cast(Any, _Module(source)), use_bestindex_object=True)
        run(connection, "CREATE VIRTUAL TABLE sensor_readings USING readings")
        run(connection, "PRAGMA query_only = 1")
    except apsw.Error as error:
        raise from_apsw(error, database) from error
    try:
        cursor = connection.execute(sql)
        yield [name for name, _ in cursor.get_description()]
        yield from cursor
    except apsw.ExecutionCompleteError:
        return  # without a row there are no columns
    except (apsw.SQLError, apsw.ReadOnlyError) as error:
        raise InputError(
            f"the statement cannot be run: {error}", "one SELECT over the tables of the history"
        ) from error
    except apsw.Error as error:
        raise from_apsw(error, database) from error
    finally:
        connection.close()
        source.close()


class _Module:
    """The virtual table's kind."""

    def __init__(self, source: apsw.Connection) -> None:
        self._source = source

    def Connect(self, *_: Any) -> tuple[str, "_Readings"]:
        """What SQLite calls for a table."""
        table = _Readings(self._source)
        return f"CREATE TABLE readings ({', '.join(map(quoted, table.names))})", table

    Create = Connect


class _Readings:
    """The table: SQLite asks how it would be searched, and then for cursors."""

    def __init__(self, source: apsw.Connection) -> None:
        self.source = source
        self.sensors = [name for name in columns(source, "sensor_readings") if folded(name) not in RESERVED]
        self.names = ["id", "timestamp", *self.sensors, *_LAST]

    def BestIndexObject(self, index: Any) -> bool:
        """Have the bounds of id, timestamp and pump_id handed over; SQLite checks every row again."""
        bounds: list[Bound] = []
        for i in range(index.nConstraint):
            name, operator = self.names[index.get_aConstraint_iColumn(i)], index.get_aConstraint_op(i)
            if index.get_aConstraint_usable(i) and name in ("id", "timestamp", "pump_id") and operator in _LOW + _HIGH:
                bounds.append((name, operator))
                index.set_aConstraintUsage_argvIndex(i, len(bounds))
        index.idxStr = ",".join(f"{name}:{operator}" for name, operator in bounds)
        index.estimatedCost = 1e9 / 10 ** len(bounds)
        return True

    def Open(self) -> "_Cursor":
        """A cursor."""
        return _Cursor(self)

    def Disconnect(self) -> None:
        """Nothing is held."""

    Destroy = Disconnect


class _Cursor:
    """One search."""

    def __init__(self, table: _Readings) -> None:
        self._table = table
        self._rows: Iterator[tuple[Any, ...]] = iter(())
        self._row: tuple[Any, ...] | None = None

    def Filter(self, _number: int, text: str, values: Sequence[Any]) -> None:
        """Begin a search with these values for its bounds."""
        first, last, pump_id = _FIRST_ID, _LAST_ID, None
        for (name, operator), value in zip((part.split(":") for part in text.split(",") if part), values, strict=True):
            low, high = (value, value) if name == "id" else _ids_of(value) if name == "timestamp" else (None, None)
            if name == "pump_id" and int(operator) == apsw.SQLITE_INDEX_CONSTRAINT_EQ:
                pump_id = value
            if low is not None and int(operator) in _LOW:
                first = max(first, int(low))
            if high is not None and int(operator) in _HIGH:
                last = min(last, int(high))
        self._rows = _search(self._table, first, last + 1, pump_id)
        self.Next()

    def Next(self) -> None:
        """The next row."""
        self._row = next(self._rows, None)

    def Eof(self) -> bool:
        """Whether there is none."""
        return self._row is None

    def Column(self, number: int) -> Any:
        """A value of the row; -1 is its rowid."""
        assert self._row is not None
        return self._row[max(0, number)]

    def Rowid(self) -> int:
        """Its id."""
        assert self._row is not None
        return int(self._row[0])

    def Close(self) -> None:
        """Nothing is held."""


def _ids_of(text: object) -> tuple[int | None, int | None]:
    """The lowest and the highest id that a row with a time from or to this text can have."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None, None  # SQLite compares texts: it will say which rows these are
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    key = make_id(round(at.timestamp() * 1e3) * 10**6)
    return key - (1 << NUMBER_BITS), key + (86_400_000 << NUMBER_BITS)  # "2026-10" is before all of its days


def _search(table: _Readings, first: int, end: int, pump_id: object) -> Iterator[tuple[Any, ...]]:
    """The rows of a range of ids, pump after pump, day after day."""
    source = table.source
    pumps: list[Any] = source.execute("SELECT pump_number, pump_id FROM pumps ORDER BY 1").fetchall()
    series = [folded(name) for name in table.sensors]
    for number, name in pumps:
        if pump_id is not None and name != pump_id:
            continue
        whole = Stretch(number, first, end + ONE_MS)  # stretches are of whole milliseconds
        for day in days_between(source, whole):
            run(source, "BEGIN")
            try:
                rows = rows_between(source, whole.within(day), (*series, SCORE, UNCERTAIN, BAD, STATUS)).readings
            finally:
                run(source, "ROLLBACK")
            yield from _tuples(rows, series, number, name, first, end)


def _tuples(
    rows: Rows, series: Sequence[str], number: int, name: str, first: int, end: int
) -> Iterator[tuple[Any, ...]]:
    ids = ((rows.ms << NUMBER_BITS) | number).tolist()
    times = np.datetime_as_string((rows.ms + EPOCH_MS).astype("datetime64[ms]")).tolist()
    sensors = [plain(rows.column(one)) for one in series]
    last = (rows.states, rows.uncertain.tolist(), rows.bad.tolist(), plain(rows.score), [name] * len(ids))
    for key, time, *rest in zip(ids, times, *sensors, *last, strict=True):
        if first <= key < end:
            yield key, f"{time}+00:00", *rest
