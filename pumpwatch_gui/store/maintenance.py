"""Maintenance events as rows: the original's columns, and what they have beyond those."""

import json
from math import nan
from typing import Any

from pumpwatch_gui.domain.maintenance.event import EventSeverity, EventType, MaintenanceEvent, MaintenanceNote
from pumpwatch_gui.store.schema import Row, Value

COLUMNS = (
    "id", "pump_id", "time_ns", "event_type", "severity", "sensor_name", "sensor_value", "estimated_cost", "currency",
    "resolved", "resolved_at_ns", "resolved_by", "note", "row_version", "event_id", "source", "title", "unit",
    "cost_basis", "recommendation", "assigned_to", "due_ns", "finding", "actual_cost", "notes", "created_by",
    "is_failure", "down_from_ns", "down_s",
)  # fmt: skip
_KEPT = ("id", "pump_id", "event_id", "time_ns", "created_by")
"""Not changed once the row is there: a change that was on its way when a pump was renamed must not undo that."""
_CHANGED = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name not in _KEPT)
WRITE = (
    f"INSERT INTO maintenance_events ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "
    f"ON CONFLICT (event_id) DO UPDATE SET {_CHANGED} WHERE excluded.row_version > maintenance_events.row_version"
)
"""An event whole: as a new row, or over the one it has unless that is a newer one."""


def event_row(event: MaintenanceEvent, key: int) -> Row:
    """The values for `WRITE`; `key` is the id of the row if it is a new one. NaN becomes NULL."""
    notes = [[note.time_ns, note.by, note.text] for note in event.notes]
    return (
        key, event.pump_id, event.time_ns, event.kind.name, event.severity.name, event.tag or None, event.value,
        event.estimated_cost, event.currency, int(event.is_resolved), event.resolved_ns or None,
        event.resolved_by or None, event.notes[-1].text if notes else "", event.row_version, event.event_id,
        event.source, event.title, event.unit, event.cost_basis, event.recommendation, event.assigned_to,
        event.due_ns or None, event.finding, event.actual_cost, json.dumps(notes), event.created_by,
        None if event.is_failure is None else int(event.is_failure), event.down_from_ns or None, event.down_s,
    )  # fmt: skip


def event_of_row(row: dict[str, Any]) -> MaintenanceEvent:
    """The event of a row by column names. Raises KeyError, TypeError, ValueError for one that cannot be an event."""
    written = json.loads(row["notes"]) if row["notes"] else []
    notes = tuple(MaintenanceNote(int(at_ns), str(by), str(text)) for at_ns, by, text in written)
    if not notes and row["note"]:  # of a program that knows the original's columns only
        notes = (MaintenanceNote(row["time_ns"], "", row["note"]),)
    kind = EventType[row["event_type"]]
    return MaintenanceEvent(
        event_id=row["event_id"] or f"{row['pump_id']}/row@{row['id']}",
        pump_id=row["pump_id"],
        time_ns=row["time_ns"],
        kind=kind,
        severity=EventSeverity[row["severity"]],
        title=row["title"] or f"{kind.value}: {row['sensor_name']}".removesuffix(": None"),
        estimated_cost=_number(row["estimated_cost"]),
        currency=row["currency"] or "",
        source=row["source"] or "",
        tag=row["sensor_name"] or "",
        value=_number(row["sensor_value"]),
        unit=row["unit"] or "",
        cost_basis=row["cost_basis"] or "",
        recommendation=row["recommendation"] or "",
        created_by=row["created_by"] or "",
        assigned_to=row["assigned_to"] or "",
        due_ns=row["due_ns"] or 0,
        notes=notes,
        resolved_ns=(row["resolved_at_ns"] or row["time_ns"]) if row["resolved"] else 0,
        resolved_by=row["resolved_by"] or "",
        finding=row["finding"] or "",
        actual_cost=_number(row["actual_cost"]),
        row_version=row["row_version"],
        is_failure=None if row["is_failure"] is None else bool(row["is_failure"]),
        down_from_ns=row["down_from_ns"] or 0,
        down_s=_number(row["down_s"]),
    )


def _number(value: Value) -> float:
    return float(value) if isinstance(value, int | float) else nan
