"""What people's orders make of a maintenance event. Pure: each gives the changed event or raises InputError."""

from dataclasses import replace
from math import isfinite, isnan, nan
from typing import assert_never

from pumpwatch_gui.domain.commands import (
    AssignMaintenance,
    CreateMaintenance,
    MaintenanceEdit,
    NoteMaintenance,
    Order,
    ReopenMaintenance,
    ResolveMaintenance,
)
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent, MaintenanceNote
from pumpwatch_gui.domain.wording import money

LONGEST_TEXT = 4_000
HIGHEST_COST = 1e12


def created(order: Order, command: CreateMaintenance, *, currency: str) -> MaintenanceEvent:
    """The event that a person creates. Raises InputError for a kind that only alarms make, a bad text or cost."""
    if not command.kind.is_manual:
        raise InputError(f"{command.kind.value} is made by alarms only", "choose planned work or inspection")
    event = MaintenanceEvent(
        event_id=f"{command.pump_id}/order@{order.id}",
        pump_id=command.pump_id,
        time_ns=order.time_ns,
        kind=command.kind,
        severity=command.severity,
        title=_text(command.title, "the work is not described", "say in a line what is to be done"),
        estimated_cost=_cost(command.estimated_cost, "estimated cost"),
        currency=currency,
        cost_basis="" if isnan(command.estimated_cost) else f"estimated by {order.actor}",
        created_by=order.actor,
        assigned_to=_short(command.assigned_to),
        due_ns=_due(command.due_ns),
    )
    return _with_note(event, order, command.note) if command.note.strip() else event


def changed(event: MaintenanceEvent, order: Order, command: MaintenanceEdit) -> MaintenanceEvent:
    """The event after an order. Raises InputError where the order does not fit the state or is incomplete."""
    match command:
        case AssignMaintenance(_, assigned_to, due_ns):
            _need_open(event, "assigned")
            after = replace(event, assigned_to=_short(assigned_to), due_ns=_due(due_ns))
            if after == event:
                raise InputError("nothing changed: it has this person and this due date already")
        case NoteMaintenance(_, text):
            after = _with_note(event, order, text)
        case ResolveMaintenance(_, finding, actual_cost):
            _need_open(event, "resolved")
            after = replace(
                event,
                resolved_ns=order.time_ns,
                resolved_by=order.actor,
                finding=_text(finding, "what was found is missing", "say in a line what was found and done"),
                actual_cost=_cost(actual_cost, "real cost"),
            )
        case ReopenMaintenance(_, reason):
            if not event.is_resolved:
                raise InputError(f"{event.title} is open already")
            why = _text(reason, "a reason is missing", "say why the work is not done")
            cost = "" if isnan(event.actual_cost) else f", {money(event.actual_cost, event.currency)}"
            note = f"Reopened: {why} (was resolved by {event.resolved_by}: {event.finding}{cost})"
            after = _with_note(event, order, note)
            after = replace(after, resolved_ns=0, resolved_by="", finding="", actual_cost=nan)
        case _:
            assert_never(command)
    return replace(after, row_version=event.row_version + 1)


def _need_open(event: MaintenanceEvent, what: str) -> None:
    if event.is_resolved:
        raise InputError(f"{event.title} cannot be {what}: it is resolved", "reopen it first")


def _with_note(event: MaintenanceEvent, order: Order, text: str) -> MaintenanceEvent:
    note = MaintenanceNote(order.time_ns, order.actor, _text(text, "the note is empty", "write what is to be kept"))
    return replace(event, notes=(*event.notes, note))


def _text(text: str, missing: str, advice: str) -> str:
    kept = text.strip()
    if not kept:
        raise InputError(missing, advice)
    if len(kept) > LONGEST_TEXT:
        raise InputError(f"a text of {len(kept):,} characters is too long", f"at most {LONGEST_TEXT:,} are kept")
    return kept


def _short(name: str) -> str:
    kept = " ".join(name.split())
    if len(kept) > 200:
        raise InputError(f"a name of {len(kept)} characters is too long", "at most 200 are kept")
    return kept


def _due(due_ns: int) -> int:
    if not 0 <= due_ns < 2**62:
        raise InputError("the due date is out of range", "choose a date after 1970")
    return due_ns


def _cost(cost: float, what: str) -> float:
    """A cost; NaN is one that is not known."""
    if isnan(cost):
        return cost
    if not isfinite(cost) or not 0 <= cost <= HIGHEST_COST:
        raise InputError(f"the {what} must be from 0 to {HIGHEST_COST:,.0f}", "give it in the currency of the site")
    return cost
