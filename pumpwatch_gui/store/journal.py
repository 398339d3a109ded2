"""Events as rows of the journal, of the open alarms and of the audit log."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from math import isfinite, nan
from typing import Any, assert_never

import apsw

from pumpwatch_gui.domain.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.events import (
    AlarmChanged,
    CommandDone,
    Event,
    FeedbackGiven,
    LinkChanged,
    Note,
    RunStateChanged,
    StoreTrouble,
)


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One line of the journal. `time_ns` is Unix UTC; `kind` is alarm, link, run, store, command or note.

    `severity` is an alarm's priority (HIGH, MEDIUM, LOW, DIAGNOSTIC), else INFO, WARNING or ERROR.
    `by` is "" where nobody acted.
    `detail` holds what the event carried beyond that; a number that does not exist is None.
    """

    id: int
    time_ns: int
    kind: str
    pump_id: str
    severity: str
    text: str
    by: str
    detail: dict[str, Any] = field(default_factory=dict)


def acknowledged_by(event: Event, before: AlarmState | None) -> str:
    """Who acknowledged with this event, "" when nobody did. `before` is the state the alarm had until now.

    A later return to normal still carries the name of who acknowledged; it is not a second acknowledgement.
    """
    if not isinstance(event, AlarmChanged):
        return ""
    state = event.alarm.state
    acted = state is AlarmState.ACKNOWLEDGED or (state is AlarmState.NORMAL and before is AlarmState.RETURNED)
    return event.alarm.by if acted else ""


def journal_row(event: Event, key: int, *, acknowledged: str = "") -> JournalRow:
    """The line an event leaves in the journal under id `key`; `acknowledged` from `acknowledged_by`."""
    match event:
        case AlarmChanged(time_ns, alarm):
            detail = alarm_to_json(alarm)
            text = f"{alarm.text} ({alarm.state.value})"
            return JournalRow(key, time_ns, "alarm", alarm.pump_id, alarm.priority.name, text, acknowledged, detail)
        case LinkChanged(time_ns, link_id, pump_id, state, text):
            severity = "INFO" if state.value in ("online", "connecting") else "WARNING"
            line = f"Link {link_id} {state.value}" + (f": {text}" if text else "")
            return JournalRow(
                key, time_ns, "link", pump_id, severity, line, "", {"link_id": link_id, "state": state.value}
            )
        case RunStateChanged(time_ns, pump_id, running):
            word = "started" if running else "stopped"
            return JournalRow(key, time_ns, "run", pump_id, "INFO", f"Pump {word}", "", {"running": running})
        case StoreTrouble(time_ns, started, text):
            severity = "ERROR" if started else "INFO"
            return JournalRow(key, time_ns, "store", "", severity, text, "", {"started": started})
        case CommandDone(time_ns, command, ok, text, by, pump_id):
            severity = "INFO" if ok else "WARNING"
            return JournalRow(key, time_ns, "command", pump_id, severity, text, by, {"command": command, "ok": ok})
        case Note(time_ns, text, severity, pump_id):
            return JournalRow(key, time_ns, "note", pump_id, severity, text, "", {})
        case FeedbackGiven(time_ns, said):
            line = f"Episode judged {said.verdict.value}" + (f": {said.note}" if said.note else "")
            detail = {"start_ns": said.start_ns, "end_ns": said.end_ns, "verdict": said.verdict.value}
            return JournalRow(key, time_ns, "command", said.pump_id, "INFO", line, said.by, detail)
        case _:
            assert_never(event)


def alarm_to_json(alarm: Alarm) -> dict[str, Any]:
    """An alarm as JSON values; NaN becomes None."""
    plain = asdict(alarm) | {"state": alarm.state.value, "priority": alarm.priority.name}
    return {k: None if isinstance(v, float) and not isfinite(v) else v for k, v in plain.items()}


def alarm_from_json(plain: dict[str, Any]) -> Alarm:
    """The alarm that `alarm_to_json` wrote."""
    number = {k: nan if plain[k] is None else float(plain[k]) for k in ("value", "limit")}
    return Alarm(**(plain | number | {"state": AlarmState(plain["state"]), "priority": Priority[plain["priority"]]}))


@dataclass(frozen=True, slots=True)
class AuditRow:
    """What somebody ordered and what came of it."""

    id: int
    time_ns: int
    action: str
    pump_id: str
    by: str
    ok: bool
    text: str


def audit_row(event: Event, key: int, *, acknowledged: str = "") -> AuditRow | None:
    """The audit line of an event; None when no person acted."""
    match event:
        case CommandDone(time_ns, command, ok, text, by, pump_id):
            return AuditRow(key, time_ns, command, pump_id, by, ok, text)
        case FeedbackGiven(time_ns, said):
            text = f"{said.verdict.value}, {said.start_ns} to {said.end_ns}: {said.note}"
            return AuditRow(key, time_ns, "feedback", said.pump_id, said.by, True, text)
        case AlarmChanged(time_ns, alarm) if acknowledged:
            return AuditRow(key, time_ns, "acknowledge", alarm.pump_id, acknowledged, True, alarm.alarm_id)
        case _:
            return None


def append_audit(connection: apsw.Connection, rows: list[AuditRow]) -> None:
    """Add rows, each chained to the one before by its hash; inside a transaction."""
    before = connection.execute("SELECT hash FROM audit_log ORDER BY id DESC LIMIT 1").get or b""
    for row in rows:
        before = chained(before, row)
        values = (row.id, row.time_ns, row.action, row.pump_id, row.by, int(row.ok), row.text, before)
        connection.execute("INSERT INTO audit_log VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)


def chained(before: bytes, row: AuditRow) -> bytes:
    """SHA-256 of the hash before and of the row's values as JSON."""
    values = [row.id, row.time_ns, row.action, row.pump_id, row.by, row.ok, row.text]
    return hashlib.sha256(before + json.dumps(values, ensure_ascii=True).encode()).digest()
