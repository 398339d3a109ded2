"""Rows that a server refused for good: reading them, and finding them again in the history."""

import json
from datetime import datetime
from typing import Any

import apsw

from pumpwatch_gui.domain.sync import QuarantinedRow, SyncStream
from pumpwatch_gui.store.archive.chunks import DAY_MS
from pumpwatch_gui.store.ids import NUMBER_BITS, make_id, number_of

_DAY_IDS = DAY_MS << NUMBER_BITS
_MINUTE_IDS = 60_000 << NUMBER_BITS
_ARCHIVED = "SELECT 1 FROM archive_chunks WHERE series = '@time' AND day = :day AND pump_number = :number"
_THERE = {
    SyncStream.ALARMS: "SELECT 1 FROM journal WHERE id = :id",
    SyncStream.EVENTS: "SELECT 1 FROM maintenance_events WHERE id = :id",
    SyncStream.AUDIT: "SELECT 1 FROM audit_log WHERE id = :id",
    SyncStream.DETECTIONS: "SELECT 1 FROM anomaly_windows WHERE id = :id",
    SyncStream.READINGS: f"SELECT 1 FROM sensor_readings WHERE id = :id UNION ALL {_ARCHIVED}",
    SyncStream.ROLLUPS: (
        "SELECT 1 FROM sensor_readings WHERE id >= :id AND id < :end AND id & 4095 = :number "
        f"UNION ALL {_ARCHIVED} UNION ALL "
        "SELECT 1 FROM archive_rollups WHERE step_s = 60 AND period = :day AND pump_number = :number"
    ),
}
"""Whether the history has a row. Of what is archived whole days go at once, never a reading of one."""


def read_quarantined(connection: apsw.Connection, limit: int) -> list[QuarantinedRow]:
    """The newest first, at most `limit`; none in a database from before there was a quarantine."""
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'sync_quarantine'").get is None:
        return []
    known = {stream.value: stream for stream in SyncStream}
    sql = (
        "SELECT stream, row_key, time_ns, reason, content FROM sync_quarantine "
        "ORDER BY time_ns DESC, stream, row_key LIMIT ?"
    )
    rows: list[Any] = connection.execute(sql, (limit,)).fetchall()
    return [QuarantinedRow(known[stream], *rest) for stream, *rest in rows if stream in known]


def id_of_row(connection: apsw.Connection, stream: SyncStream, content: str) -> int | None:
    """The id that names a row of this content (JSON) in the outbox; None when the history no longer has the row."""
    try:
        key = _id_in(connection, stream, json.loads(content))
    except (KeyError, TypeError, ValueError):
        return None
    if key is None:
        return None
    where = {"id": key, "end": key + _MINUTE_IDS, "day": key // _DAY_IDS, "number": number_of(key)}
    return None if connection.execute(f"{_THERE[stream]} LIMIT 1", where).get is None else key


def _id_in(connection: apsw.Connection, stream: SyncStream, row: dict[str, Any]) -> int | None:
    match stream:
        case SyncStream.EVENTS:  # one that has changed keeps its id, but after a rename of its pump
            found = connection.execute("SELECT id FROM maintenance_events WHERE event_id = ?", (row["event_id"],)).get
            return None if found is None else int(str(found))
        case SyncStream.ROLLUPS:
            number = connection.execute("SELECT pump_number FROM pumps WHERE pump_id = ?", (row["pump_id"],)).get
            at_ns = round(datetime.fromisoformat(row["timestamp"]).timestamp()) * 10**9
            return None if number is None else make_id(at_ns, int(str(number)))
        case _:
            return int(row["id"])
