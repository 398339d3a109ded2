"""Commands and orders: what people ask of the engine, as values.

A command says what shall happen; an `Order` adds who asked, when, and an id under which the outcome (`OrderDone`)
comes back. To add a command: a frozen dataclass here, in the union `Command` and in `COMMANDS`; mypy then names the
`match` statements that must handle it.
"""

import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from pumpwatch_gui.domain.events import OrderDone
from pumpwatch_gui.domain.feedback import EpisodeFeedback
from pumpwatch_gui.domain.maintenance.event import EventSeverity, EventType
from pumpwatch_gui.domain.site_changes import SiteChange
from pumpwatch_gui.domain.sync import RowKey


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Acknowledge one alarm."""

    alarm_id: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ResetAlarm:
    """End a latched alarm that was acknowledged and whose condition is gone."""

    alarm_id: str


@dataclass(frozen=True, slots=True)
class ShelveAlarm:
    """Hide an alarm for a time (at most 8 h); `one_shot`: at most until it returns to normal."""

    alarm_id: str
    seconds: float
    reason: str
    one_shot: bool = False


@dataclass(frozen=True, slots=True)
class UnshelveAlarm:
    """Take an alarm from the shelf by hand."""

    alarm_id: str


@dataclass(frozen=True, slots=True)
class TakeOutOfService:
    """Hide an alarm until it is returned to service, as for maintenance."""

    alarm_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReturnToService:
    """Announce an alarm again that was out of service."""

    alarm_id: str


@dataclass(frozen=True, slots=True)
class ChangeSite:
    """Change the site: all of `changes` or none, in their order; persisted, then applied to what differs."""

    changes: tuple[SiteChange, ...]


@dataclass(frozen=True, slots=True)
class ReloadSite:
    """Read the site file again, after it was edited outside the program, and apply what differs."""


@dataclass(frozen=True, slots=True)
class Record:
    """Write a line to the journal (a model trained, a note of the operator)."""

    text: str
    pump_id: str = ""


@dataclass(frozen=True, slots=True)
class Annotate:
    """Write a note on a past time to the journal, of a pump or ("") of the station; trends show it there."""

    text: str
    about_ns: int
    pump_id: str = ""


@dataclass(frozen=True, slots=True)
class Rebaseline:
    """Take a pump's present running as its new normal."""

    pump_id: str


@dataclass(frozen=True, slots=True)
class ConfirmLevel:
    """Take the new level of an anomaly alarm as normal; the model stays as it is."""

    pump_id: str


@dataclass(frozen=True, slots=True)
class StartShadow:
    """Score a stored model next to a pump's active one; it raises no alarm."""

    pump_id: str
    version: str


@dataclass(frozen=True, slots=True)
class StopShadow:
    """End the shadow of a pump."""

    pump_id: str


@dataclass(frozen=True, slots=True)
class Promote:
    """Make a stored model the active one of a pump."""

    pump_id: str
    version: str


@dataclass(frozen=True, slots=True)
class RollBack:
    """Return to the model that was active before the last promotion."""

    pump_id: str


@dataclass(frozen=True, slots=True)
class SetThresholdFactor:
    """Copy a pump's active model with another threshold factor (a higher one alarms less) and promote the copy."""

    pump_id: str
    factor: float


@dataclass(frozen=True, slots=True)
class SetAdaptive:
    """Let a pump's threshold follow its running within bounds, or no longer."""

    pump_id: str
    on: bool


@dataclass(frozen=True, slots=True)
class GiveFeedback:
    """Say whether an episode was right; `by` and `given_ns` of the feedback are filled in from the order."""

    feedback: EpisodeFeedback


@dataclass(frozen=True, slots=True)
class SetCounters:
    """Set counters of a pump, as when it is exchanged: `values` by the tag of each, in its unit (hours, starts)."""

    pump_id: str
    values: Mapping[str, float]
    note: str = ""


@dataclass(frozen=True, slots=True)
class CreateMaintenance:
    """Create a maintenance event by hand: planned work or an inspection. NaN for a cost that is not known.

    `due_ns` is Unix UTC, 0 for none.
    """

    pump_id: str
    kind: EventType
    severity: EventSeverity
    title: str
    estimated_cost: float = math.nan
    assigned_to: str = ""
    due_ns: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class AssignMaintenance:
    """Say who does the work of an event ("" for not assigned) and by when (Unix UTC, 0: no date)."""

    event_id: str
    assigned_to: str
    due_ns: int = 0


@dataclass(frozen=True, slots=True)
class NoteMaintenance:
    """Write a note to a maintenance event, open or resolved."""

    event_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ResolveMaintenance:
    """Close a maintenance event with what was found and what it really cost (NaN: not known).

    `is_failure`: the pump could not do its duty, or a trip stopped it; None where that is not said. It was out of
    service from `down_from_ns` on (Unix UTC, 0: since the event) for `down_s` seconds; NaN: not known.
    """

    event_id: str
    finding: str
    actual_cost: float = math.nan
    is_failure: bool | None = None
    down_from_ns: int = 0
    down_s: float = math.nan


@dataclass(frozen=True, slots=True)
class ReopenMaintenance:
    """Open a resolved maintenance event again, for a reason; what it was resolved with stays in its notes."""

    event_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class PauseSync:
    """Send nothing to the server until `ResumeSync` or the next start; what is to be sent waits."""


@dataclass(frozen=True, slots=True)
class ResumeSync:
    """Send to the server again."""


@dataclass(frozen=True, slots=True)
class ResendSpan:
    """Send everything from one time up to another (Unix UTC) once more; what is there already stays as it is."""

    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class ResendRefused:
    """Send rows that the server refused once more, as they are now; one that it refuses again is quarantined again."""

    rows: tuple[RowKey, ...]


@dataclass(frozen=True, slots=True)
class DiscardRefused:
    """Take rows that the server refused out of the quarantine; in the history of the station they stay."""

    rows: tuple[RowKey, ...]


@dataclass(frozen=True, slots=True)
class ImportReadings:
    """Take readings of another system over as history of a pump.

    `staged` is a file in the home's folder of imports, as `commissioning.import_recording` makes it: times and values
    of `tags`. `source` names the recording they are of. What is of minutes with history is left out.
    """

    pump_id: str
    source: str
    staged: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CancelImport:
    """End the import under way; the days that are written stay."""


SyncCommand = PauseSync | ResumeSync | ResendSpan | ResendRefused | DiscardRefused
ImportCommand = ImportReadings | CancelImport
ModelCommand = (
    Rebaseline | ConfirmLevel | StartShadow | StopShadow | Promote | RollBack | SetThresholdFactor | SetAdaptive
)
AlarmCommand = Acknowledge | ResetAlarm | ShelveAlarm | UnshelveAlarm | TakeOutOfService | ReturnToService
MaintenanceEdit = AssignMaintenance | NoteMaintenance | ResolveMaintenance | ReopenMaintenance
MaintenanceCommand = CreateMaintenance | MaintenanceEdit
Command = (
    AlarmCommand
    | ChangeSite
    | ReloadSite
    | Record
    | Annotate
    | ModelCommand
    | GiveFeedback
    | SetCounters
    | MaintenanceCommand
    | SyncCommand
    | ImportCommand
)


class Role(Enum):
    """Who may give a command at least (the original system's roles)."""

    OPERATOR = "operator"
    ENGINEER = "engineer"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class CommandKind:
    """What a command is called in the journal and in the audit log, and who may give it at least."""

    name: str
    role: Role


COMMANDS: Mapping[type[Command], CommandKind] = MappingProxyType(
    {
        Acknowledge: CommandKind("acknowledge", Role.OPERATOR),
        ResetAlarm: CommandKind("reset", Role.OPERATOR),
        ShelveAlarm: CommandKind("shelve", Role.OPERATOR),
        UnshelveAlarm: CommandKind("unshelve", Role.OPERATOR),
        TakeOutOfService: CommandKind("take out of service", Role.ENGINEER),
        ReturnToService: CommandKind("return to service", Role.ENGINEER),
        ChangeSite: CommandKind("change site", Role.ADMIN),
        ReloadSite: CommandKind("reload site", Role.ADMIN),
        Record: CommandKind("record", Role.OPERATOR),
        Annotate: CommandKind("annotate", Role.OPERATOR),
        Rebaseline: CommandKind("re-baseline", Role.ENGINEER),
        ConfirmLevel: CommandKind("confirm new level", Role.ENGINEER),
        StartShadow: CommandKind("start shadow", Role.ENGINEER),
        StopShadow: CommandKind("stop shadow", Role.ENGINEER),
        Promote: CommandKind("promote", Role.ENGINEER),
        RollBack: CommandKind("roll back", Role.ENGINEER),
        SetThresholdFactor: CommandKind("set threshold factor", Role.ENGINEER),
        SetAdaptive: CommandKind("adaptive threshold", Role.ENGINEER),
        GiveFeedback: CommandKind("feedback", Role.OPERATOR),
        SetCounters: CommandKind("set counters", Role.ADMIN),
        CreateMaintenance: CommandKind("create maintenance", Role.ENGINEER),
        AssignMaintenance: CommandKind("assign maintenance", Role.ENGINEER),
        NoteMaintenance: CommandKind("note maintenance", Role.OPERATOR),
        ResolveMaintenance: CommandKind("resolve maintenance", Role.ENGINEER),
        ReopenMaintenance: CommandKind("reopen maintenance", Role.ENGINEER),
        PauseSync: CommandKind("pause sync", Role.ENGINEER),
        ResumeSync: CommandKind("resume sync", Role.ENGINEER),
        ResendSpan: CommandKind("send again", Role.ENGINEER),
        ResendRefused: CommandKind("send refused rows again", Role.ENGINEER),
        DiscardRefused: CommandKind("discard refused rows", Role.ENGINEER),
        ImportReadings: CommandKind("import", Role.ENGINEER),
        CancelImport: CommandKind("cancel import", Role.ENGINEER),
    }
)
"""Every command there is. The roles are declared here once; they are enforced where accounts exist."""

OrderId = str


@dataclass(frozen=True, slots=True)
class Order:
    """A command with who gave it (`actor`), when (Unix UTC) and the id that its `OrderDone` carries."""

    command: Command
    actor: str
    time_ns: int = field(default_factory=time.time_ns)
    id: OrderId = field(default_factory=lambda: os.urandom(16).hex())

    @property
    def name(self) -> str:
        """What the command is called in the journal."""
        return COMMANDS[type(self.command)].name

    @property
    def pump_id(self) -> str:
        """The pump that the command is about, "" for the station."""
        match self.command:
            case command if isinstance(command, AlarmCommand):
                return command.alarm_id.partition("/")[0]
            case command if isinstance(command, MaintenanceEdit):
                return command.event_id.partition("/")[0]
            case GiveFeedback(feedback):
                return feedback.pump_id
            case ChangeSite(changes):
                ids = {change.pump_id for change in changes}
                return ids.pop() if len(ids) == 1 else ""
            case command if isinstance(command, ReloadSite | SyncCommand | CancelImport):
                return ""
            case command:
                return command.pump_id

    def outcome(self, ok: bool, text: str, *, time_ns: int | None = None) -> OrderDone:
        """What came of it at a time (Unix UTC; None: now)."""
        at_ns = time.time_ns() if time_ns is None else time_ns
        return OrderDone(at_ns, self.id, self.name, ok, text, self.actor, self.pump_id)
