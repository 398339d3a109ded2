"""One maintenance event, and the order of a list of them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from math import isfinite, nan


class EventType(Enum):
    """What a maintenance event came from; the names are those of the original system's column `event_type`."""

    ANOMALY_DETECTED = "anomaly detected"
    LIMIT_EXCEEDED = "limit exceeded"
    PLANNED_WORK = "planned work"
    INSPECTION = "inspection"

    @property
    def is_manual(self) -> bool:
        """Whether a person creates it, not an alarm."""
        return self in (EventType.PLANNED_WORK, EventType.INSPECTION)


class EventSeverity(Enum):
    """How bad it is if nothing is done, the worst first."""

    CRITICAL = 1
    HIGH = 2
    MEDIUM = 3
    LOW = 4


@dataclass(frozen=True, slots=True)
class MaintenanceNote:
    """What a person wrote to an event, and when (Unix UTC)."""

    time_ns: int
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class MaintenanceEvent:
    """One piece of maintenance work. Times are Unix UTC, 0 for none; costs are in `currency`, NaN where not known.

    `event_id` never changes: of an event from an alarm it is `PUMP/source@raised_ns`, so an episode has one event
    however often the program is started; `pump_id` follows when the pump gets another id. `source`, `tag`, `value` and
    `unit` are those of the alarm, "" and NaN for work that a person planned; `created_by` is "" for an alarm's.
    `cost_basis` says how the estimate was made; `recommendation` has a line a step. `row_version` rises with every
    change. Of a resolved one `is_failure` says whether the pump had failed (None: not said); it was out of service from
    `down_from_ns` on for `down_s` seconds (0 and NaN: not, or not known).
    """

    event_id: str
    pump_id: str
    time_ns: int
    kind: EventType
    severity: EventSeverity
    title: str
    estimated_cost: float
    currency: str
    source: str = ""
    tag: str = ""
    value: float = nan
    unit: str = ""
    cost_basis: str = ""
    recommendation: str = ""
    created_by: str = ""
    assigned_to: str = ""
    due_ns: int = 0
    notes: tuple[MaintenanceNote, ...] = ()
    resolved_ns: int = 0
    resolved_by: str = ""
    finding: str = ""
    actual_cost: float = nan
    row_version: int = 1
    is_failure: bool | None = None
    down_from_ns: int = 0
    down_s: float = nan

    @property
    def is_resolved(self) -> bool:
        """Whether the work is done."""
        return self.resolved_ns > 0

    def is_open_at(self, time_ns: int) -> bool:
        """Whether it was there at a time (Unix UTC) and was resolved only later, or not yet."""
        return self.time_ns < time_ns and (not self.is_resolved or self.resolved_ns >= time_ns)

    def reopened(self) -> "MaintenanceEvent":
        """As it was before it was resolved."""
        return replace(
            self,
            resolved_ns=0,
            resolved_by="",
            finding="",
            actual_cost=nan,
            is_failure=None,
            down_from_ns=0,
            down_s=nan,
        )

    def is_overdue(self, time_ns: int) -> bool:
        """Whether it is open after the end of the day on which it was due."""
        return not self.is_resolved and 0 < self.due_ns < time_ns


def open_at(events: Iterable[MaintenanceEvent], time_ns: int) -> tuple[MaintenanceEvent, ...]:
    """The events that were open at a time (Unix UTC), as they were then."""
    return tuple(replace(event, resolved_ns=0) for event in events if event.is_open_at(time_ns))


def open_between(events: Iterable[MaintenanceEvent], start_ns: int, end_ns: int) -> tuple[MaintenanceEvent, ...]:
    """The events that were open at some time of a span (Unix UTC), as they are now."""
    return tuple(e for e in events if e.time_ns < end_ns and (not e.resolved_ns or e.resolved_ns >= start_ns))


def as_of(events: Iterable[MaintenanceEvent], time_ns: int) -> tuple[MaintenanceEvent, ...]:
    """The events that were there at a time (Unix UTC), by risk, without what was noted and found only later.

    To whom an event was assigned, and until when, is as it is now: what it was before is not kept.
    """
    return by_risk(_as_of(event, time_ns) for event in events if event.time_ns <= time_ns)


def _as_of(event: MaintenanceEvent, time_ns: int) -> MaintenanceEvent:
    event = replace(event, notes=tuple(note for note in event.notes if note.time_ns <= time_ns))
    if event.resolved_ns <= time_ns:
        return event
    return event.reopened()


def by_risk(events: Iterable[MaintenanceEvent]) -> tuple[MaintenanceEvent, ...]:
    """The open ones first: the worst severity, the highest cost, the oldest; then the resolved, the newest first."""
    return tuple(sorted(events, key=_risk))


def _risk(event: MaintenanceEvent) -> tuple[bool, int, float, int, str]:
    if event.is_resolved:
        return True, -event.resolved_ns, 0.0, 0, event.event_id
    cost = event.estimated_cost if isfinite(event.estimated_cost) else 0.0
    return False, event.severity.value, -cost, event.time_ns, event.event_id
