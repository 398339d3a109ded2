"""The audit log: what people ordered and what came of it, each row chained to the one before by its hash."""

import hashlib
import json
from dataclasses import dataclass

import apsw

from pumpwatch_gui.domain.events import AlarmChanged, Annotated, Event, FeedbackGiven, MaintenanceChanged, OrderDone

START_KEY = "audit_start"
"""The key in `meta` of the hash from which the first row of the audit log follows."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """What a person ordered and what came of it."""

    id: int
    time_ns: int
    action: str
    pump_id: str
    by: str
    ok: bool
    text: str


def audit_row(event: Event, key: int) -> AuditRow | None:
    """The audit line of an event; None when no person acted."""
    match event:
        case OrderDone(time_ns, _, command, ok, text, by, pump_id):
            return AuditRow(key, time_ns, command, pump_id, by, ok, text)
        case FeedbackGiven(time_ns, said):
            text = f"{said.verdict.value}, {said.start_ns} to {said.end_ns}: {said.note}"
            return AuditRow(key, time_ns, "feedback", said.pump_id, said.by, True, text)
        case Annotated(time_ns, about_ns, text, by, pump_id):
            return AuditRow(key, time_ns, "annotate", pump_id, by, True, f"{about_ns}: {text}")
        case AlarmChanged(time_ns, alarm, act=act, by=by, note=note) if act:
            text = f"{alarm.alarm_id}: {note}" if note else alarm.alarm_id
            return AuditRow(key, time_ns, act, alarm.pump_id, by, True, text)
        case MaintenanceChanged(time_ns, work, act=act, by=by, note=note) if by:
            text = f"{work.event_id}: {note}" if note else work.event_id
            return AuditRow(key, time_ns, f"maintenance {act}", work.pump_id, by, True, text)
        case _:
            return None


def append_audit(connection: apsw.Connection, rows: list[AuditRow]) -> None:
    """Add rows, each chained to the one before by its hash; inside a transaction."""
    head = audit_head(connection)
    before = chain_start(connection) if head is None else head[1]
    for row in rows:
        before = chained(before, row)
        values = (row.id, row.time_ns, row.action, row.pump_id, row.by, int(row.ok), row.text, before)
        connection.execute("INSERT INTO audit_log VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)


def audit_head(connection: apsw.Connection) -> tuple[int, bytes] | None:
    """Id and hash of the newest row, None without one. Raises CorruptError when it cannot be what was written."""
    for key, digest in connection.execute("SELECT id, hash FROM audit_log ORDER BY id DESC LIMIT 1").fetchall():
        if not (isinstance(key, int) and isinstance(digest, bytes)):
            raise apsw.CorruptError("the newest row of the audit log is damaged")
        return key, digest
    return None


def chain_start(connection: apsw.Connection) -> bytes:
    """What the first row of the audit log follows from: nothing, or where an earlier database of the home ended."""
    noted = connection.execute("SELECT value FROM meta WHERE key = ?", (START_KEY,)).get
    return b"" if noted is None else bytes.fromhex(str(noted))


def chained(before: bytes, row: AuditRow) -> bytes:
    """SHA-256 of the hash before and of the row's values as JSON."""
    values = [row.id, row.time_ns, row.action, row.pump_id, row.by, row.ok, row.text]
    return hashlib.sha256(before + json.dumps(values, ensure_ascii=True).encode()).digest()
