"""The table by which an alarm gets a severity and an estimated cost, and the event that an alarm's episode makes."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from math import isfinite, nan

from pumpwatch_gui.domain.alarms.alarm import Alarm, Priority
from pumpwatch_gui.domain.alarms.rules import is_rule
from pumpwatch_gui.domain.maintenance.event import EventSeverity, EventType, MaintenanceEvent
from pumpwatch_gui.domain.wording import number

ANOMALY = "anomaly"
"""The alarm source of the detectors."""
_LEVELS = ("low_low", "low", "high", "high_high")
_OF_PRIORITY = {
    Priority.HIGH: EventSeverity.HIGH,
    Priority.MEDIUM: EventSeverity.MEDIUM,
    Priority.LOW: EventSeverity.LOW,
    Priority.DIAGNOSTIC: EventSeverity.LOW,
}


@dataclass(frozen=True, slots=True)
class CostRow:
    """What trouble of an alarm source costs, in the currency of the site; `*` in `alarm` matches any text.

    Beyond a critical value, in the unit of the sensor, an anomaly of the same pump makes it CRITICAL. `from_priority`
    is the least priority of an alarm that makes an event, None: that of the table. `is_own`: of the site's own file.
    """

    alarm: str
    estimated_cost: float
    critical_above: float | None = None
    critical_below: float | None = None
    from_priority: Priority | None = None
    is_own: bool = False

    def is_critical(self, value: float) -> bool:
        """Whether a value is beyond a critical one."""
        above = self.critical_above is not None and value > self.critical_above
        return above or (self.critical_below is not None and value < self.critical_below)


@dataclass(frozen=True, slots=True)
class CostTable:
    """The rows, those of the site first, the factor of each severity, and the least priority that makes an event."""

    rows: tuple[CostRow, ...]
    factors: Mapping[EventSeverity, float]
    from_priority: Priority = Priority.MEDIUM

    def row_for(self, alarm: Alarm) -> CostRow | None:
        """The most exact row for an alarm, the first of equals; None where none fits."""
        name = cost_name(alarm)
        fitting = [row for row in self.rows if fnmatchcase(name, row.alarm)]
        return max(fitting, key=lambda row: ("*" not in row.alarm, len(row.alarm)), default=None)


@dataclass(frozen=True, slots=True)
class Assessment:
    """What an alarm is worth as a maintenance event."""

    kind: EventType
    severity: EventSeverity
    estimated_cost: float
    cost_basis: str


def cost_name(alarm: Alarm) -> str:
    """What the patterns of the table are compared with: the alarm source, an anomaly with its sensor."""
    return f"{ANOMALY}.{alarm.tag}" if alarm.source == ANOMALY else alarm.source


def is_of_pump(alarm: Alarm) -> bool:
    """Whether an alarm is about the machine: a limit of a sensor, an anomaly, a rule of an engineer.

    Links and the program are not.
    """
    if alarm.source == ANOMALY or is_rule(alarm.source):
        return True
    return bool(alarm.tag) and alarm.source in {f"{alarm.tag}.{level}" for level in _LEVELS}


def anomalous_pumps(alarms: Iterable[Alarm]) -> frozenset[str]:
    """The pumps of which an anomaly holds."""
    return frozenset(alarm.pump_id for alarm in alarms if alarm.source == ANOMALY and alarm.holds)


def assess(alarm: Alarm, anomalous: Collection[str], table: CostTable) -> Assessment | None:
    """The severity and cost of an alarm while there is an anomaly of those pumps; None for one that makes no event."""
    if not is_of_pump(alarm):
        return None
    row = table.row_for(alarm)
    least = table.from_priority if row is None or row.from_priority is None else row.from_priority
    if alarm.priority > least:
        return None
    is_critical = row is not None and alarm.pump_id in anomalous and row.is_critical(alarm.value)
    severity = EventSeverity.CRITICAL if is_critical else _OF_PRIORITY[alarm.priority]
    is_anomaly = alarm.source == ANOMALY or is_critical
    kind = EventType.ANOMALY_DETECTED if is_anomaly else EventType.LIMIT_EXCEEDED
    if row is None:
        return Assessment(kind, severity, nan, "no row of the cost table fits")
    factor = table.factors[severity]
    basis = f"{number(row.estimated_cost, 0)} × {factor:g} ({severity.name.lower()})"
    return Assessment(kind, severity, row.estimated_cost * factor, basis)


def event_of(alarm: Alarm, found: Assessment, *, recommendation: str, currency: str) -> MaintenanceEvent:
    """The event of an alarm's episode; its identity is the episode's."""
    return MaintenanceEvent(
        event_id=f"{alarm.alarm_id}@{alarm.raised_ns}",
        pump_id=alarm.pump_id,
        time_ns=alarm.raised_ns,
        kind=found.kind,
        severity=found.severity,
        title=alarm.text,
        estimated_cost=found.estimated_cost,
        currency=currency,
        source=alarm.source,
        tag=alarm.tag,
        value=alarm.value if isfinite(alarm.value) else nan,
        unit=alarm.unit,
        cost_basis=found.cost_basis,
        recommendation=recommendation,
    )


def made_worse(event: MaintenanceEvent, found: Assessment) -> MaintenanceEvent | None:
    """The event with a worse severity that was found since, and its cost; None where it is none. It never falls."""
    if event.is_resolved or found.severity.value >= event.severity.value:
        return None
    return replace(
        event,
        kind=found.kind,
        severity=found.severity,
        estimated_cost=found.estimated_cost,
        cost_basis=found.cost_basis,
        row_version=event.row_version + 1,
    )
