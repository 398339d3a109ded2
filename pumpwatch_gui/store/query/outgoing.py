"""What the outbox names, as rows for a server: each a mapping by the server's columns, times as ISO 8601 in UTC."""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import numpy as np

from pumpwatch_gui.domain.sync import SyncStream
from pumpwatch_gui.store.archive.chunks import DAY_MS
from pumpwatch_gui.store.archive.rollup import MINUTE_S, Rollup, combined, read_rollups, rolled
from pumpwatch_gui.store.archive.rows import BAD, STATUS, UNCERTAIN, plain
from pumpwatch_gui.store.ids import EPOCH_MS, LAST_NUMBER, NUMBER_BITS, make_id, time_ms
from pumpwatch_gui.store.layout import noted_series, reading_columns
from pumpwatch_gui.store.maintenance import COLUMNS
from pumpwatch_gui.store.outbox import BUCKET_BITS, DAY_IDS, HOUR_IDS, LAST_ID
from pumpwatch_gui.store.query.past import Stretch, rows_between
from pumpwatch_gui.store.schema import columns, snapshot

ServerRow = dict[str, object]
Made = Callable[[dict[str, Any], Mapping[int, str]], ServerRow]
MINUTE_IDS = MINUTE_S * 1000 << NUMBER_BITS
PIECE_ROWS = 2_000
SETTLED_MS = 3_000
"""A minute is sent so long after its end: what comes for it later sends it again."""
_FAILURE = ("is_failure", "down_from", "down_s")
DIGITS = 7
"""Of the values of a minute: what a REAL of the server keeps."""


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """Rows of one stream that wait: ids from `lo` to `hi`, both in it; about `row_count` of them, 0: not known."""

    entry_id: int
    lo: int
    hi: int
    row_count: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many rows wait, when the oldest that is due was noted (Unix UTC ms, 0: none), how many are in quarantine."""

    rows: int
    oldest_ms: int
    quarantined: int


class Outgoing:
    """The reader's side of the outbox in the database at `path`. Raises StoreError when that cannot be read.

    It is opened for each look: the writer may put another file in its place.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.is_for_newest = True
        """Whether the server is of the newest schema. One of before takes of the journal the lines of alarms alone, and
        of an event not whether the pump had failed."""

    def pending(self, stream: SyncStream, *, now_ms: int, limit: int) -> list[OutboxEntry]:
        """The oldest entries of a stream that are due."""
        sql = (
            "SELECT entry_id, lo, hi, row_count FROM outbox WHERE stream = ? AND (row_count = 0 OR hi < ?) "
            "ORDER BY noted_ms, entry_id LIMIT ?"
        )
        with snapshot(self._path) as connection:
            rows: list[Any] = connection.execute(sql, (stream.value, _due_before(stream, now_ms), limit)).fetchall()
        return [OutboxEntry(*row) for row in rows]

    def waiting(self, now_ms: int) -> Waiting:
        """How much is left to send."""
        oldest: list[int] = []
        due = _due_before(SyncStream.ROLLUPS, now_ms)
        minutes = (
            f"SELECT count(DISTINCT hi / {MINUTE_IDS}) * (SELECT count(*) FROM pumps) "
            "FROM outbox WHERE stream = 'rollups' AND hi < ?"
        )
        others = "SELECT coalesce(sum(row_count), 0) FROM outbox WHERE stream <> 'rollups'"
        with snapshot(self._path) as connection:
            count = int(str(connection.execute(others).get)) + int(str(connection.execute(minutes, (due,)).get))
            for stream in SyncStream:
                sql = "SELECT hi, noted_ms FROM outbox WHERE stream = ? AND hi < ? ORDER BY noted_ms LIMIT 1"
                found: list[Any] = connection.execute(sql, (stream.value, _due_before(stream, now_ms))).fetchall()
                for hi, noted_ms in found:
                    is_minute = stream is SyncStream.ROLLUPS
                    oldest.append(max(noted_ms, _end_of_minute_ms(hi) + SETTLED_MS) if is_minute else noted_ms)
            quarantined = int(str(connection.execute("SELECT count(*) FROM sync_quarantine").get))
        return Waiting(count, min(oldest, default=0), quarantined)

    def pumps(self) -> list[ServerRow]:
        """Every pump that the history knows."""
        sql = "SELECT pump_id, pump_number, name, profile FROM pumps ORDER BY pump_number"
        with snapshot(self._path) as connection:
            rows: list[Any] = connection.execute(sql).fetchall()
        return [
            {"pump_id": pump_id, "pump_number": number, "name": name, "profile": json.loads(profile)}
            for pump_id, number, name, profile in rows
        ]

    def rows(self, stream: SyncStream, lo: int, hi: int) -> Iterator[list[ServerRow]]:
        """The rows of a stream with ids from `lo` to `hi`, some at a time. No snapshot is held between two pieces.

        While a piece is dealt with the next one is read, on a thread of its own.
        """
        return _read_ahead(self._pieces(stream, lo, hi))

    def _pieces(self, stream: SyncStream, lo: int, hi: int) -> Iterator[list[ServerRow]]:
        match stream:
            case SyncStream.READINGS:
                return self._readings(lo, hi)
            case SyncStream.ROLLUPS:
                return self._rollups(lo, hi)
            case SyncStream.DETECTIONS:
                return self._table("anomaly_detections", "", lo, hi, _detection)
            case SyncStream.ALARMS:
                if self.is_for_newest:
                    return self._table("journal", "", lo, hi, _line)
                return self._table("journal", "AND kind = 'alarm'", lo, hi, _alarm)
            case SyncStream.AUDIT:
                return self._table("audit_log", "", lo, hi, _audit)
            case SyncStream.EVENTS:
                made = _event if self.is_for_newest else _event_without_failure
                return self._table("maintenance_events", "", lo, hi, made)

    def _table(self, table: str, condition: str, lo: int, hi: int, made: Made) -> Iterator[list[ServerRow]]:
        while True:
            sql = f"SELECT * FROM {table} WHERE id >= ? AND id <= ? {condition} ORDER BY id LIMIT {PIECE_ROWS}"
            with snapshot(self._path) as connection:
                pumps = _pump_ids(connection)
                rows: list[Any] = connection.execute(sql, (lo, hi)).fetchall()
                names = columns(connection, table)
            if rows:
                yield [made(dict(zip(names, row, strict=True)), pumps) for row in rows]
            if len(rows) < PIECE_ROWS:
                return
            lo = rows[-1][names.index("id")] + 1

    def _stretches(self, lo: int, hi: int, step: int) -> Iterator[tuple[str, list[str], Stretch]]:
        """Pump, series and stretch of at most `step` ids, on its own borders; time after time, in each every pump."""
        with snapshot(self._path) as connection:
            known, noted, pumps = reading_columns(connection), noted_series(connection), _pump_ids(connection)
        own = [(number, pumps[number], [n for n in noted.get(number, ()) if n in known]) for number in sorted(pumps)]
        start, last = lo >> NUMBER_BITS << NUMBER_BITS, (hi >> NUMBER_BITS) + 1 << NUMBER_BITS  # whole milliseconds
        while start < last:
            end = min((start // step + 1) * step, last)
            for number, pump_id, names in own:
                yield pump_id, names, Stretch(number, start, end)
            start = end

    def _readings(self, lo: int, hi: int) -> Iterator[list[ServerRow]]:
        for pump_id, names, stretch in self._stretches(lo, hi, HOUR_IDS):
            with snapshot(self._path) as connection:
                rows = rows_between(connection, stretch, (*names, UNCERTAIN, BAD, STATUS)).readings
            if not rows.ms.size:
                continue
            ids = ((rows.ms << NUMBER_BITS) | stretch.number).tolist()
            whole = [plain(rows.column(name)) for name in names]
            masks = [rows.column(name).astype(np.int64).tolist() for name in (UNCERTAIN, BAD)]
            every = zip(ids, rows.states, *masks, *whole, strict=True)
            keys = ("machine_status", "uncertain_mask", "bad_mask", *names)
            yield [
                {"id": key, "pump_id": pump_id, "timestamp": iso(time_ms(key)), **dict(zip(keys, rest, strict=True))}
                for key, *rest in every
            ]

    def _rollups(self, lo: int, hi: int) -> Iterator[list[ServerRow]]:
        """The minutes that the ids touch, whole."""
        first, end = lo // MINUTE_IDS * MINUTE_IDS, (hi // MINUTE_IDS + 1) * MINUTE_IDS
        # Of a long span day by day: a day is a chunk of the archive, to be read once.
        step = HOUR_IDS if end - first <= 2 * HOUR_IDS else DAY_IDS
        for pump_id, names, stretch in self._stretches(first, end - 1, step):
            minutes: dict[int, dict[str, list[object]]] = {}
            with snapshot(self._path) as connection:
                rows = rows_between(connection, stretch, names).readings
                for name in names:
                    own = rolled(rows.ms, rows.column(name), MINUTE_S * 1000)
                    if not rows.ms.size:  # its readings were deleted for room: what was made of them before is left
                        own = _stored_minutes(connection, stretch, name)
                    for index, *parts in zip(*(part.tolist() for part in own.parts()), strict=True):
                        minutes.setdefault(index, {})[name] = [_rounded(value) for value in parts]
            if minutes:
                yield [
                    {"pump_id": pump_id, "timestamp": iso(index * MINUTE_S * 1000 + EPOCH_MS), "tags": tags}
                    for index, tags in minutes.items()
                ]


def _read_ahead(pieces: Iterator[list[ServerRow]]) -> Iterator[list[ServerRow]]:
    with ThreadPoolExecutor(1, "pumpwatch-outgoing") as pool:  # its end waits for what is being read
        coming = pool.submit(next, pieces, None)
        while (piece := coming.result()) is not None:
            coming = pool.submit(next, pieces, None)
            yield piece


def ranges_of(stream: SyncStream, entries: Iterable[OutboxEntry]) -> list[tuple[int, int]]:
    """The ids of entries as ranges that have none twice, both ends in them, the lowest first."""
    # Those of a minute touch, or its row would be twice in one request, which PostgreSQL refuses. Scan after scan makes
    # one range, for each costs a question a pump; what else lies in a gap was sent before, and the server has it.
    step = MINUTE_IDS if stream is SyncStream.ROLLUPS else 1 << NUMBER_BITS
    gap = 0 if stream is SyncStream.EVENTS else 1 << BUCKET_BITS
    found: list[tuple[int, int]] = []
    for lo, hi in sorted((e.lo // step * step, (e.hi // step + 1) * step - 1) for e in entries):
        if found and lo <= found[-1][1] + 1 + gap:
            found[-1] = found[-1][0], max(hi, found[-1][1])
        else:
            found.append((lo, hi))
    return found


def iso(unix_ms: int) -> str:
    """A time (Unix UTC, milliseconds) as ISO 8601."""
    return datetime.fromtimestamp(unix_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _due_before(stream: SyncStream, now_ms: int) -> int:
    """Below which id rows of a stream are due: minutes are sent whole."""
    if stream is not SyncStream.ROLLUPS:
        return LAST_ID
    return make_id((now_ms - SETTLED_MS) * 1_000_000) // MINUTE_IDS * MINUTE_IDS


def _end_of_minute_ms(key: int) -> int:
    return time_ms((key // MINUTE_IDS + 1) * MINUTE_IDS)


def _pump_ids(connection: apsw.Connection) -> Mapping[int, str]:
    rows: list[Any] = connection.execute("SELECT pump_number, pump_id FROM pumps").fetchall()
    return {int(number): str(pump_id) for number, pump_id in rows}


def _stored_minutes(connection: apsw.Connection, stretch: Stretch, name: str) -> Rollup:
    days = stretch.start_ms // DAY_MS, (stretch.end_ms - 1) // DAY_MS
    found = combined([r for _, r in read_rollups(connection, stretch.number, name, MINUTE_S, *days, ())])
    step_ms = MINUTE_S * 1000
    return found.take((found.index * step_ms >= stretch.start_ms) & (found.index * step_ms < stretch.end_ms))


def _rounded(value: float) -> float | None:
    if isinstance(value, int):
        return value
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def _finite(row: Mapping[str, Any], names: Sequence[str]) -> ServerRow:
    """Some columns as they are; a number that JSON does not have is None."""
    return {n: None if isinstance(row[n], float) and not math.isfinite(row[n]) else row[n] for n in names}


def _detection(row: dict[str, Any], pumps: Mapping[int, str]) -> ServerRow:
    key = int(row["id"])
    plain_ones = ("id", "reading_id", "reconstruction_loss", "threshold", "score", "kind", "model_version")
    per_sensor = {n: json.loads(row[n]) for n in ("sensor_states", "sensor_anomaly_counts", "sensor_shares")}
    about = {"pump_id": pumps.get(key & LAST_NUMBER, ""), "timestamp": iso(time_ms(key))}
    return {**_finite(row, plain_ones), **about, "is_anomaly": bool(row["is_anomaly"]), **per_sensor}


def _alarm(row: dict[str, Any], pumps: Mapping[int, str]) -> ServerRow:
    about = {"timestamp": iso(row["time_ns"] // 1_000_000), "detail": json.loads(row["detail"])}
    return {**_finite(row, ("id", "pump_id", "severity", "text", "by")), **about}


def _line(row: dict[str, Any], pumps: Mapping[int, str]) -> ServerRow:
    return {**_alarm(row, pumps), "kind": row["kind"], "time_ns": row["time_ns"]}


def _audit(row: dict[str, Any], pumps: Mapping[int, str]) -> ServerRow:
    about = {"time_ns": row["time_ns"], "timestamp": iso(row["time_ns"] // 1_000_000), "ok": bool(row["ok"])}
    return {**_finite(row, ("id", "action", "pump_id", "by", "text")), **about, "hash": row["hash"].hex()}


def _event(row: dict[str, Any], pumps: Mapping[int, str]) -> ServerRow:
    times = {"time_ns": "timestamp", "resolved_at_ns": "resolved_at", "due_ns": "due", "down_from_ns": "down_from"}
    marks = {name: None if row[name] is None else bool(row[name]) for name in ("resolved", "is_failure")}
    same = [name for name in COLUMNS if name not in {*times, *marks, "notes"}]
    moments: ServerRow = {to: iso(row[name] // 1_000_000) if row[name] else None for name, to in times.items()}
    notes = json.loads(row["notes"]) if row["notes"] else []
    return {**_finite(row, same), **moments, **marks, "notes": notes}


def _event_without_failure(row: dict[str, Any], pumps: Mapping[int, str]) -> ServerRow:
    return {name: value for name, value in _event(row, pumps).items() if name not in _FAILURE}
