"""What people's orders make of a maintenance event. Pure: each gives the changed event or raises InputError."""

from dataclasses import replace
from math import isfinite, isnan
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
from pumpwatch_gui.domain.wording import minute, money, number

LONGEST_TEXT = 4_000
HIGHEST_COST = 1e12
LONGEST_DOWN_S = 87_600 * 3600.0


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
        case ResolveMaintenance():
            _need_open(event, "resolved")
            after = _resolved(event, order, command)
        case ReopenMaintenance(_, reason):
            if not event.is_resolved:
                raise InputError(f"{event.title} is open already")
            why = _text(reason, "a reason is missing", "say why the work is not done")
            cost = "" if isnan(event.actual_cost) else f", {money(event.actual_cost, event.currency)}"
            said = f", {words}" if (words := failure_words(event)) else ""
            note = f"Reopened: {why} (was resolved by {event.resolved_by}: {event.finding}{cost}{said})"
            after = _with_note(event, order, note).reopened()
        case _:
            assert_never(command)
    return replace(after, row_version=event.row_version + 1)


def failure_words(event: MaintenanceEvent) -> str:
    """Whether it was a failure and how long the pump was out of service; "" where nothing was said of it."""
    said = {True: "failure", False: "no failure", None: ""}[event.is_failure]
    down = "" if isnan(event.down_s) else f"out of service for {number(event.down_s / 3600, 1)} h"
    return ", ".join(part for part in (said, down) if part)


def _resolved(event: MaintenanceEvent, order: Order, command: ResolveMaintenance) -> MaintenanceEvent:
    down_s = command.down_s
    if not isnan(down_s) and not 0 <= down_s <= LONGEST_DOWN_S:
        raise InputError("the time out of service must be from 0 to 87,600 h", "give it in hours")
    from_ns = 0 if isnan(down_s) or not down_s else command.down_from_ns or event.time_ns
    if from_ns and from_ns + round(down_s * 1e9) > order.time_ns:
        until = minute(from_ns + round(down_s * 1e9))
        raise InputError(
            f"out of service until {until}, which is in the future", "resolve it once the pump is in service again"
        )
    return replace(
        event,
        resolved_ns=order.time_ns,
        resolved_by=order.actor,
        finding=_text(command.finding, "what was found is missing", "say in a line what was found and done"),
        actual_cost=_cost(command.actual_cost, "real cost"),
        is_failure=command.is_failure,
        down_from_ns=from_ns,
        down_s=down_s,
    )


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
