"""Delivers rows of a stream: in requests as large as the server takes, and without those that it refuses for good."""

import json
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pumpwatch_gui.domain.sync import SyncStream
from pumpwatch_gui.store.outbox import RefusedRow
from pumpwatch_gui.store.query.outgoing import ServerRow
from pumpwatch_gui.sync.rest import Fault, Rest, RestError

log = logging.getLogger("pumpwatch.sync")

FIRST_ROWS, MOST_ROWS = 500, 2_000
"""Of a request: at first, and where the server is quick; 2,000 raw readings are 840 kB."""
GROW_AFTER, QUICK_S = 4, 1.0
"""So many requests in a row that went well within that time, before the next one is larger."""
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""What the server takes as the name of a sensor's column."""


@dataclass(frozen=True, slots=True)
class Table:
    """Where a stream goes: the table, the columns that say which row is which, and whether newer rows replace older."""

    name: str
    key: tuple[str, ...]
    is_merge: bool = False


_BY_TIME = ("station_id", "pump_id", "timestamp")
_BY_ID = ("station_id", "id")
TABLES: Mapping[SyncStream, Table] = MappingProxyType(
    {
        SyncStream.ALARMS: Table("alarm_journal", _BY_ID),
        SyncStream.EVENTS: Table("maintenance_events", ("station_id", "event_id"), is_merge=True),
        SyncStream.AUDIT: Table("audit_log", _BY_ID),
        SyncStream.DETECTIONS: Table("anomaly_detections", _BY_TIME),
        SyncStream.ROLLUPS: Table("sensor_rollups", _BY_TIME, is_merge=True),
        SyncStream.READINGS: Table("sensor_readings", _BY_TIME),
    }
)


class Sender:
    """For one server, as long as its connection `rest` lasts. `alive` is called before each request."""

    def __init__(self, rest: Rest, alive: Callable[[], None]) -> None:
        self.rest, self._alive = rest, alive
        self.size = FIRST_ROWS
        self._good = 0
        self._unnamed: set[str] = set()

    def send(self, stream: SyncStream, rows: Sequence[ServerRow]) -> list[RefusedRow]:
        """Deliver rows; which of them the server refused for good. Raises RestError for what is to be tried later."""
        refused: list[RefusedRow] = []
        at = 0
        while at < len(rows):
            part, began_s = rows[at : at + self.size], time.monotonic()
            try:
                refused += self._deliver(stream, part)
            except RestError as error:
                if error.fault is not Fault.SMALLER or len(part) == 1:
                    raise
                self.size, self._good = max(1, len(part) // 2), 0
                continue
            at += len(part)
            self._good = self._good + 1 if time.monotonic() - began_s <= QUICK_S else 0
            if self._good >= GROW_AFTER and self.size < MOST_ROWS:
                self.size, self._good = min(MOST_ROWS, 2 * self.size), 0
        return refused

    def _deliver(
        self, stream: SyncStream, rows: Sequence[ServerRow], *, is_month_made: bool = False
    ) -> list[RefusedRow]:
        table = TABLES[stream]
        self._alive()
        try:
            self.rest.post(table.name, self._uniform(stream, rows), key=",".join(table.key), is_merge=table.is_merge)
        except RestError as error:
            match error.fault:
                case Fault.MONTH if not is_month_made:
                    return self._with_months(stream, rows)
                case Fault.COLUMN if stream is SyncStream.READINGS:
                    self._make_columns(rows)  # the server notices a new column a moment later
                    raise
                case Fault.ROW | Fault.MONTH if len(rows) == 1:
                    return [_refused(stream, rows[0], error.message)]
                case Fault.ROW | Fault.MONTH:
                    half = len(rows) // 2
                    return [
                        *self._deliver(stream, rows[:half], is_month_made=is_month_made),
                        *self._deliver(stream, rows[half:], is_month_made=is_month_made),
                    ]
                case _:
                    raise
        return []

    def _with_months(self, stream: SyncStream, rows: Sequence[ServerRow]) -> list[RefusedRow]:
        """Once more, after the months of the rows were made; those of a month that is not to be made are refused."""
        refused: dict[str, str] = {}
        for month in sorted({_month(row) for row in rows}):
            try:
                self.rest.call("ensure_month", {"day": f"{month}-01"})
            except RestError as error:
                if error.fault is not Fault.ROW:
                    raise
                refused[month] = error.message
        good = [row for row in rows if _month(row) not in refused]
        bad = [_refused(stream, row, refused[_month(row)]) for row in rows if _month(row) in refused]
        return [*bad, *(self._deliver(stream, good, is_month_made=True) if good else [])]

    def _make_columns(self, rows: Sequence[ServerRow]) -> None:
        tags = sorted({name for row in rows for name in row if _COLUMN.fullmatch(name)})
        self.rest.call("ensure_sensor_columns", {"tags": tags})

    def _uniform(self, stream: SyncStream, rows: Sequence[ServerRow]) -> Sequence[ServerRow]:
        """With the same keys in every row, as PostgREST wants them; without sensors that no column can be named by."""
        names = dict.fromkeys(name for row in rows for name in row)
        if stream is SyncStream.READINGS:
            unnamed = {name for name in names if not _COLUMN.fullmatch(name)}
            if unnamed - self._unnamed:
                log.warning("raw readings of %s are not sent: no column can be called so", ", ".join(sorted(unnamed)))
                self._unnamed |= unnamed
            names = dict.fromkeys(name for name in names if name not in unnamed)
        if all(row.keys() == names.keys() for row in rows):
            return rows
        return [{name: row.get(name) for name in names} for row in rows]


def _month(row: ServerRow) -> str:
    return str(row["timestamp"])[:7]


def _refused(stream: SyncStream, row: ServerRow, reason: str) -> RefusedRow:
    key = "/".join(str(row[name]) for name in TABLES[stream].key)
    return RefusedRow(stream, key, reason, json.dumps(row))
