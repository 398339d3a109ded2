"""How maintenance events read in the tables and in the detail below them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from pumpwatch_gui.domain.maintenance.changes import failure_words
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent
from pumpwatch_gui.domain.wording import date, duration, minute, money, number, three_digits, unit_text
from pumpwatch_gui.gui.tables.rows_model import Column


@dataclass(frozen=True, slots=True)
class ShownWork:
    """An event with what depends on the time of now: its age, and its due date with whether that has passed."""

    event: MaintenanceEvent
    age: str
    due: str


def shown_work(event: MaintenanceEvent, now_ns: int) -> ShownWork:
    """An event as it reads at `now_ns` (Unix UTC)."""
    late = " · overdue" if event.is_overdue(now_ns) else ""
    return ShownWork(event, duration((now_ns - event.time_ns) / 1e9), date(event.due_ns) + late)


def open_columns() -> list[Column[ShownWork]]:
    """Of the work that is to be done."""
    return [
        Column("Severity", lambda s: s.event.severity.name.lower(), sort=lambda s: s.event.severity.value),
        Column("Pump", lambda s: s.event.pump_id),
        Column("Work", lambda s: s.event.title, elided=True),
        Column("From", lambda s: s.event.kind.value, spare=True),
        Column("Estimate", _estimate, right=True, tip=lambda s: s.event.cost_basis, sort=_cost),
        Column("Age", lambda s: s.age, right=True, sort=lambda s: -s.event.time_ns),
        Column("Assigned to", lambda s: s.event.assigned_to, elided=True),
        Column("Due", lambda s: s.due, sort=lambda s: s.event.due_ns or None),
    ]


def resolved_columns() -> list[Column[ShownWork]]:
    """Of the work that was done."""
    return [
        Column("Resolved", lambda s: minute(s.event.resolved_ns), sort=lambda s: s.event.resolved_ns),
        Column("Severity", lambda s: s.event.severity.name.lower(), sort=lambda s: s.event.severity.value),
        Column("Pump", lambda s: s.event.pump_id),
        Column("Work", lambda s: s.event.title, elided=True),
        Column("Found", lambda s: s.event.finding, elided=True),
        Column("Failed", lambda s: {True: "yes", False: "no", None: ""}[s.event.is_failure]),
        Column("Down, h", _down, right=True, sort=lambda s: s.event.down_s if isfinite(s.event.down_s) else None),
        Column("Estimate", _estimate, right=True, sort=_cost, spare=True),
        Column("Real cost", lambda s: _amount(s.event.actual_cost, s.event.currency), right=True, sort=_actual),
        Column("By", lambda s: s.event.resolved_by, elided=True),
    ]


def _amount(amount: float, currency: str) -> str:
    return money(amount, currency) if isfinite(amount) else ""


def _estimate(shown: ShownWork) -> str:
    return _amount(shown.event.estimated_cost, shown.event.currency)


def _down(shown: ShownWork) -> str:
    return number(shown.event.down_s / 3600, 1) if isfinite(shown.event.down_s) else ""


def _cost(shown: ShownWork) -> float | None:
    return shown.event.estimated_cost if isfinite(shown.event.estimated_cost) else None


def _actual(shown: ShownWork) -> float | None:
    return shown.event.actual_cost if isfinite(shown.event.actual_cost) else None


Paragraphs = tuple[tuple[str, Sequence[str]], ...]


def details(event: MaintenanceEvent, label_of_tag: str, decimals: int | None = None) -> Paragraphs:
    """Heading and paragraphs of each column of the detail; `decimals` are those of its tag in the event's unit."""
    steps = tuple(f"{n}. {step}" for n, step in enumerate(event.recommendation.splitlines(), 1))
    return (
        ("Event", tuple(_about(event, label_of_tag, decimals))),
        ("What to do", steps or ("No guidance: see the notes",)),
        ("Work", tuple(_work(event))),
        ("Notes", notes_of(event) or ("None yet",)),
    )


def _about(event: MaintenanceEvent, label_of_tag: str, decimals: int | None) -> list[str]:
    lines = [f"{event.kind.value.capitalize()}, {minute(event.time_ns)}"]
    if label_of_tag and isfinite(event.value) and event.source != "anomaly":
        if decimals is None:
            decimals = three_digits(event.value)
        lines.append(f"{label_of_tag} {number(event.value, decimals)} {unit_text(event.unit)}".rstrip())
    elif label_of_tag:
        lines.append(f"Leading sensor: {label_of_tag.lower()}")
    if event.created_by:
        lines.append(f"Created by {event.created_by}")
    cost = money(event.estimated_cost, event.currency) if isfinite(event.estimated_cost) else "not known"
    lines.append(f"Estimate {cost}" + (f" = {event.cost_basis}" if " × " in event.cost_basis else ""))
    return lines


def _work(event: MaintenanceEvent) -> list[str]:
    lines = [f"Assigned to {event.assigned_to}" if event.assigned_to else "Not assigned"]
    lines.append(f"Due {date(event.due_ns)}" if event.due_ns else "No due date")
    if event.is_resolved:
        cost = money(event.actual_cost, event.currency) if isfinite(event.actual_cost) else "not known"
        said = [words[:1].upper() + words[1:]] if (words := failure_words(event)) else []
        resolved = f"Resolved by {event.resolved_by}, {minute(event.resolved_ns)}"
        lines += [resolved, *said, f"Real cost {cost}", event.finding]
    return lines


def notes_of(event: MaintenanceEvent) -> tuple[str, ...]:
    """The notes, the newest first."""
    return tuple(f"{minute(note.time_ns)} {note.by}: {note.text}" for note in reversed(event.notes))
