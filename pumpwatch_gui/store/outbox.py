"""What is to be sent to a server: ranges of ids, noted in the transaction that writes the rows they name.

The outbox is what is left to send: an entry is deleted once its rows are on the server. While nothing is to be sent
nothing is noted.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import apsw

from pumpwatch_gui.domain.sync import RowKey, SyncStream
from pumpwatch_gui.store.archive.chunks import DAY_MS
from pumpwatch_gui.store.ids import NUMBER_BITS, make_id
from pumpwatch_gui.store.quarantined import id_of_row
from pumpwatch_gui.store.schema import Row, run, transaction

BUCKET_BITS = NUMBER_BITS + 16
"""Ids of about a minute make one range, so that a clock that was set back does not name all that lies between."""
DAY_NS = 86_400 * 10**9
LAST_ID = (1 << 62) - 1
OLD_MS = 3_600_000
"""Entries of before are made one for each hour of ids and stream: a server that is gone for months costs no room."""
HOUR_IDS = 3_600_000 << NUMBER_BITS
DAY_IDS = DAY_MS << NUMBER_BITS
_OLD = f"FROM outbox WHERE noted_ms < ? AND row_count > 0 GROUP BY stream, lo / {HOUR_IDS} HAVING count(*) > 1"
_NOTE = "INSERT INTO outbox (stream, lo, hi, row_count, noted_ms) VALUES (?, ?, ?, ?, ?)"
_NOTE_EVENTS_OF = (
    "INSERT INTO outbox (stream, lo, hi, row_count, noted_ms) SELECT ?, id, id, 1, ? FROM maintenance_events WHERE"
)
_OLDEST = (
    "id FROM sensor_readings ORDER BY id LIMIT 1",
    "min(id) FROM anomaly_windows",
    "min(id) FROM journal",
    f"min(day) * {DAY_IDS} FROM archive_chunks WHERE series = '@time'",
    f"min(period) * {DAY_IDS} FROM archive_rollups WHERE step_s = 60",
)
_OF_DAY = (
    "SELECT 1 FROM sensor_readings WHERE id BETWEEN :lo AND :hi LIMIT 1",
    "SELECT 1 FROM anomaly_windows WHERE id BETWEEN :lo AND :hi LIMIT 1",
    "SELECT 1 FROM journal WHERE id BETWEEN :lo AND :hi LIMIT 1",
    "SELECT 1 FROM archive_chunks WHERE series = '@time' AND day = :day LIMIT 1",
    "SELECT 1 FROM archive_rollups WHERE step_s = 60 AND period = :day LIMIT 1",
)
_QUARANTINE = "INSERT OR REPLACE INTO sync_quarantine VALUES (?, ?, ?, ?, ?)"
_OF_ROW = "WHERE stream = ? AND row_key = ?"
GONE = "it cannot be sent again, for the history of this station no longer has it; before: "


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that the server does not take: which, why, and as it was sent (JSON)."""

    stream: SyncStream
    row_key: str
    reason: str
    content: str


class Notes:
    """The rows of one transaction that are to be sent."""

    def __init__(self, streams: frozenset[SyncStream]) -> None:
        self.streams = streams
        self._ranges: dict[tuple[SyncStream, int], list[int]] = {}
        self._event_ids: list[str] = []

    def add(self, stream: SyncStream, key: int) -> None:
        """Note a row by its id."""
        if stream not in self.streams:
            return
        found = self._ranges.get((stream, key >> BUCKET_BITS))
        if found is None:
            self._ranges[stream, key >> BUCKET_BITS] = [key, key, 1]
        else:
            found[0], found[1], found[2] = min(found[0], key), max(found[1], key), found[2] + 1

    def add_event(self, event_id: str) -> None:
        """Note a maintenance event."""
        if SyncStream.EVENTS in self.streams:
            self._event_ids.append(event_id)

    def write(self, connection: apsw.Connection) -> None:
        """Write what was noted; inside the transaction of the rows, after them."""
        now_ms = time.time_ns() // 1_000_000
        rows: list[Row] = [(stream.value, *bounds, now_ms) for (stream, _), bounds in self._ranges.items()]
        if rows:
            connection.executemany(_NOTE, rows)
        for event_id in dict.fromkeys(self._event_ids):
            # One that changes keeps the id it has: that of the change is not the row's.
            run(connection, f"{_NOTE_EVENTS_OF} event_id = ?", (SyncStream.EVENTS.value, now_ms, event_id))


class Outbox:
    """The writer's side of the outbox. `begin` and `settle` are for the writer thread, the rest for any."""

    def __init__(self, streams: frozenset[SyncStream] = frozenset()) -> None:
        self.streams = streams
        self._lock = threading.Lock()
        self._sent: list[int] = []
        self._refused: list[RefusedRow] = []
        self._spans: list[tuple[int, int]] = []
        self._again: list[RowKey] = []
        self._discarded: list[RowKey] = []
        self._joined_s = time.monotonic()

    def begin(self) -> Notes | None:
        """Where a transaction notes its rows; None while nothing is to be sent."""
        return Notes(self.streams) if self.streams else None

    def sent(self, entry_ids: Iterable[int], refused: Sequence[RefusedRow] = ()) -> None:
        """Have these entries deleted, and the rows of them that were refused quarantined, in one transaction."""
        with self._lock:
            self._sent += entry_ids
            self._refused += refused

    def resend(self, start_ns: int, end_ns: int) -> None:
        """Have everything from one time (Unix UTC) up to another sent again."""
        with self._lock:
            self._spans.append((start_ns, end_ns))

    def resend_refused(self, rows: Iterable[RowKey]) -> None:
        """Have quarantined rows sent once more, as they are by now; one that the history has no longer stays there."""
        with self._lock:
            self._again += rows

    def discard(self, rows: Iterable[RowKey]) -> None:
        """Have rows taken out of the quarantine."""
        with self._lock:
            self._discarded += rows

    def note_renamed(self, connection: apsw.Connection, pump_ids: Iterable[str]) -> None:
        """Note the maintenance events of pumps that have another id now; inside a transaction."""
        if SyncStream.EVENTS in self.streams:
            for pump_id in pump_ids:
                now_ms = time.time_ns() // 1_000_000
                run(connection, f"{_NOTE_EVENTS_OF} pump_id = ?", (SyncStream.EVENTS.value, now_ms, pump_id))

    def settle(self, connection: apsw.Connection) -> None:
        """Write what was asked for since the last time. Raises what is in DISK_FAULTS: then it is tried again."""
        if self.streams and time.monotonic() - self._joined_s > OLD_MS / 1000:
            self._joined_s = time.monotonic()
            join_old(connection, time.time_ns() // 1_000_000)
        with self._lock:
            sent, refused, spans = list(self._sent), list(self._refused), list(self._spans)
            again, discarded = list(self._again), list(self._discarded)
        if not (sent or refused or spans or again or discarded):
            return
        with transaction(connection):
            now_ns = time.time_ns()
            rows = [(r.stream.value, r.row_key, now_ns, r.reason, r.content) for r in refused]
            connection.executemany(_QUARANTINE, rows)
            connection.executemany("DELETE FROM outbox WHERE entry_id = ?", [(entry,) for entry in sent])
            for start_ns, end_ns in spans:
                self._note_span(connection, start_ns, end_ns)
            for stream, row_key in again:
                _note_refused(connection, stream, row_key, now_ns // 1_000_000)
            for stream, row_key in discarded:
                run(connection, f"DELETE FROM sync_quarantine {_OF_ROW}", (stream.value, row_key))
        with self._lock:
            del self._sent[: len(sent)], self._refused[: len(refused)], self._spans[: len(spans)]
            del self._again[: len(again)], self._discarded[: len(discarded)]

    def _note_span(self, connection: apsw.Connection, start_ns: int, end_ns: int) -> None:
        """A range a day that has rows: what was sent of a long span before a stop is not sent again."""
        now_ms = time.time_ns() // 1_000_000
        start, end = make_id(max(start_ns, 0)), make_id(min(end_ns, time.time_ns() + DAY_NS))
        first = min(_first_id(connection, what) for what in _OLDEST)
        streams = self.streams - {SyncStream.EVENTS}
        for day in range(max(start, first) // DAY_IDS, end // DAY_IDS + 1):
            lo, hi = max(start, day * DAY_IDS), min(end, (day + 1) * DAY_IDS) - 1
            where = {"lo": lo, "hi": hi, "day": day}
            if lo <= hi and any(connection.execute(sql, where).get for sql in _OF_DAY):
                connection.executemany(_NOTE, [(stream.value, lo, hi, 0, now_ms) for stream in streams])
        if SyncStream.EVENTS in self.streams:
            span = (SyncStream.EVENTS.value, now_ms, start_ns, end_ns)
            run(connection, f"{_NOTE_EVENTS_OF} time_ns >= ? AND time_ns < ?", span)


def _first_id(connection: apsw.Connection, what: str) -> int:
    found = connection.execute(f"SELECT {what}").get
    return LAST_ID if found is None else int(str(found))


def _note_refused(connection: apsw.Connection, stream: SyncStream, row_key: str, now_ms: int) -> None:
    """Move a row from the quarantine into the outbox, where the history still has it."""
    which = (stream.value, row_key)
    content = connection.execute(f"SELECT content FROM sync_quarantine {_OF_ROW}", which).get
    if content is None:
        return
    key = id_of_row(connection, stream, str(content))
    if key is None:
        sql = f"UPDATE sync_quarantine SET reason = ? || reason {_OF_ROW} AND substr(reason, 1, ?) <> ?"
        run(connection, sql, (GONE, *which, len(GONE), GONE))
        return
    run(connection, _NOTE, (stream.value, key, key, 1, now_ms))
    run(connection, f"DELETE FROM sync_quarantine {_OF_ROW}", which)


def join_old(connection: apsw.Connection, now_ms: int) -> None:
    """Make one entry of those of an hour that have waited for long. What is being sent of them now is sent twice."""
    before_ms = now_ms - OLD_MS
    with transaction(connection):
        last = connection.execute("SELECT coalesce(max(entry_id), 0) FROM outbox").get
        sql = f"SELECT stream, min(lo), max(hi), sum(row_count), min(noted_ms) {_OLD}"
        run(connection, f"INSERT INTO outbox (stream, lo, hi, row_count, noted_ms) {sql}", (before_ms,))
        run(
            connection,
            "DELETE FROM outbox WHERE entry_id <= ? AND noted_ms < ? AND row_count > 0 AND EXISTS (SELECT 1 "
            "FROM outbox AS whole WHERE whole.entry_id > ? AND whole.stream = outbox.stream AND outbox.lo >= whole.lo "
            "AND outbox.hi <= whole.hi)",
            (int(str(last)), before_ms, int(str(last))),
        )
