"""Events: what happened, delivered every one. Sampled values are not events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.feedback import EpisodeFeedback
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent


@dataclass(frozen=True, slots=True)
class AlarmChanged:
    """An alarm moved to the state it carries. `is_renamed`: only the id of its pump is another one.

    `act` is what a person did to it (acknowledge, shelve, …), `by` who, `note` what they said; "" where it moved by
    itself.
    """

    time_ns: int
    alarm: Alarm
    is_renamed: bool = False
    act: str = ""
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """A link moved from one state to another; `text` says why in plain words.

    `with_line`: it went or came back together with the others of its connection, which a ConnectionChanged reports.
    """

    time_ns: int
    link_id: str
    pump_id: str
    state: LinkState
    text: str
    with_line: bool = False


@dataclass(frozen=True, slots=True)
class ConnectionChanged:
    """A connection that several links share (a gateway, a serial line) was lost as a whole, or is back.

    `text` says why in plain words; `pump_ids` are the pumps behind it.
    """

    time_ns: int
    connection: str
    pump_ids: tuple[str, ...]
    is_lost: bool
    text: str


@dataclass(frozen=True, slots=True)
class RunStateChanged:
    """A pump started or stopped."""

    time_ns: int
    pump_id: str
    running: bool


@dataclass(frozen=True, slots=True)
class StoreTrouble:
    """The store cannot keep up or cannot write (`started`), or can again (not `started`)."""

    time_ns: int
    started: bool
    text: str


@dataclass(frozen=True, slots=True)
class OrderDone:
    """The outcome of an order: `text` says what was done, or why not. Every order has exactly one.

    `order_id` is that of the order, "" for what the program itself did; `command` is the name in `COMMANDS`.
    """

    time_ns: int
    order_id: str
    command: str
    ok: bool
    text: str
    actor: str = ""
    pump_id: str = ""


class NoteKind(Enum):
    """What a note is about, where something is read from it."""

    OTHER = "other"
    WATCH_BEGINS = "watch begins"
    WATCH_ENDS = "watch ends"


@dataclass(frozen=True, slots=True)
class Note:
    """A line for the journal that belongs to none of the others (program started, unclean exit, clock step)."""

    time_ns: int
    text: str
    severity: str = "INFO"
    pump_id: str = ""
    kind: NoteKind = NoteKind.OTHER


@dataclass(frozen=True, slots=True)
class Annotated:
    """A person wrote a note, at `time_ns`, on what was at `about_ns` (both Unix UTC)."""

    time_ns: int
    about_ns: int
    text: str
    by: str
    pump_id: str = ""


def watch_begins(time_ns: int, name: str, pumps: int) -> Note:
    """The note of a station whose pumps are watched from now on."""
    return Note(time_ns, f"Station {name} started with {pumps} pumps", kind=NoteKind.WATCH_BEGINS)


def watch_ends(time_ns: int, name: str) -> Note:
    """The note of one that is watched no longer; one that was killed has none."""
    return Note(time_ns, f"Station {name} stopped", kind=NoteKind.WATCH_ENDS)


@dataclass(frozen=True, slots=True)
class FeedbackGiven:
    """A person said whether an episode was right."""

    time_ns: int
    feedback: EpisodeFeedback


@dataclass(frozen=True, slots=True)
class MaintenanceChanged:
    """A maintenance event is there or was changed; it carries the whole of it as it is now.

    `act` is what was done to it (created, assigned, …), `by` who, "" for the program itself; `note` what they said.
    """

    time_ns: int
    event: MaintenanceEvent
    act: str
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class SiteChanged:
    """The site is another one from now on (`Station.site()`): limits, pumps, names or links were changed.

    `renamed` maps old pump ids to new ones.
    """

    time_ns: int
    text: str
    renamed: Mapping[str, str] = field(default_factory=dict)


Event = (
    AlarmChanged
    | LinkChanged
    | ConnectionChanged
    | RunStateChanged
    | StoreTrouble
    | OrderDone
    | Note
    | Annotated
    | FeedbackGiven
    | MaintenanceChanged
    | SiteChanged
)
