"""The hand-over of a shift: standing and hidden alarms, what was raised, what was changed, and notes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.commands import COMMANDS, Acknowledge, Record, ResetAlarm
from pumpwatch_gui.domain.journal import ANNOTATION, NOTE, JournalRow
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.domain.wording import local_time

_RECORD = COMMANDS[Record].name
PROGRAM = "PumpWatch"
"""Who signs what the program writes itself."""
_HIDDEN = frozenset(state.value for state in AlarmState if state.is_hidden)
_NO_CHANGE = frozenset(COMMANDS[kind].name for kind in (Record, Acknowledge, ResetAlarm))


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its lines; `empty` is said where there are none."""

    heading: str
    lines: tuple[str, ...]
    empty: str


def hand_over(view: StationView, rows: Sequence[JournalRow], *, start_ns: int, end_ns: int) -> tuple[Section, ...]:
    """What the next shift must know: the station as it is now, and the journal `rows` of the shift (Unix UTC).

    Rows outside the shift are passed over; their order does not matter.
    """
    own = sorted((row for row in rows if start_ns <= row.time_ns < end_ns), key=lambda row: (row.time_ns, row.id))
    return (
        Section("Notes", tuple(_noted(own)), "No notes."),
        Section("Standing alarms", tuple(map(_standing, view.alarms)), "No standing alarms."),
        Section("Shelved, suppressed, out of service", tuple(map(_hidden, view.hidden_alarms)), "No alarm is hidden."),
        Section("Open maintenance", tuple(_open(view.maintenance)), "No maintenance event is open."),
        Section("Alarms that came", tuple(_came(own)), "No alarm came."),
        Section("Changes", tuple(_changes(own)), "Nothing was changed."),
        Section("Pumps and links", tuple(_others(own)), "No pump started or stopped, no link was lost."),
    )


def is_change(row: JournalRow) -> bool:
    """Whether a line of the journal is an order that changed something and was executed."""
    return row.kind == "command" and row.detail.get("ok", True) and row.detail.get("command") not in _NO_CHANGE


def as_markdown(sections: Iterable[Section], *, title: str, period: str) -> str:
    """The hand-over as Markdown, for the screen and for paper. Typed text is never markup."""
    text = [f"# {_plain(title)}", "", _plain(period)]
    for section in sections:
        text += ["", f"## {section.heading}", ""]
        text += [f"- {_plain(line)}" for line in section.lines] or [f"*{section.empty}*"]
    return "\n".join(text) + "\n"


def _plain(words: str) -> str:
    """Words in which nothing is markup, on one line."""
    marked = "\\`*_{}[]<>()#+!|~&"
    return "".join(f"\\{letter}" if letter in marked else letter for letter in " ".join(words.split()))


def _at(time_ns: int) -> str:
    return local_time(time_ns, "%H:%M")


def _day(time_ns: int) -> str:
    return local_time(time_ns, "%Y-%m-%d %H:%M")


def _of(pump_id: str) -> str:
    return f"{pump_id} " if pump_id else ""


def _noted(rows: Sequence[JournalRow]) -> Iterable[str]:
    for row in rows:
        is_note = row.kind == "command" and row.detail.get("command") == _RECORD and row.by != PROGRAM
        if is_note or row.kind == ANNOTATION:
            yield f"{_at(row.time_ns)} {_whose(row)}{row.text} ({row.by})"
        elif row.kind == "alarm" and row.by and row.detail.get("state") not in _HIDDEN and NOTE in row.detail:
            said = f"{row.detail.get('text', '')}: {row.detail[NOTE]}"
            yield f"{_at(row.time_ns)} {_of(row.pump_id)}{said} ({row.by})"


def _whose(row: JournalRow) -> str:
    """The pump in front of a text that does not begin with it."""
    return "" if row.text.startswith(row.pump_id) else _of(row.pump_id)


def _standing(alarm: Alarm) -> str:
    return f"{int(alarm.priority)} {_of(alarm.pump_id)}{alarm.text}, {alarm.state.value}, since {_day(alarm.raised_ns)}"


def _hidden(alarm: Alarm) -> str:
    until = f" until {_day(alarm.until_ns)}" if alarm.state is AlarmState.SHELVED and alarm.until_ns else ""
    who = f", by {alarm.hidden_by}" if alarm.hidden_by else ""
    why = f": {alarm.reason}" if alarm.reason else ""
    return f"{_of(alarm.pump_id)}{alarm.text}, {alarm.state.value}{until}{who}{why}"


def _open(events: Sequence[MaintenanceEvent]) -> Iterable[str]:
    for event in events:
        if not event.is_resolved:
            who = f", assigned to {event.assigned_to}" if event.assigned_to else ""
            yield f"{_of(event.pump_id)}{event.title}, {event.severity.name.lower()}{who}"


def _came(rows: Sequence[JournalRow]) -> Iterable[str]:
    """Each alarm once, the most urgent and then the most frequent first."""
    raised: dict[tuple[str, str], list[JournalRow]] = {}
    for row in rows:
        if row.kind == "alarm" and row.detail.get("state") == AlarmState.UNACKNOWLEDGED.value:
            raised.setdefault((row.pump_id, str(row.detail.get("alarm_id"))), []).append(row)
    for own in sorted(raised.values(), key=lambda each: (_rank(each[0]), -len(each), each[0].time_ns)):
        first, last = own[0], own[-1]
        text = first.detail.get("text", first.text)
        when = f"at {_at(first.time_ns)}"
        if len(own) > 1:
            when = f"{len(own)} times, {_at(first.time_ns)} to {_at(last.time_ns)}"
        yield f"{_of(first.pump_id)}{text}, {first.severity.lower()}, {when}"


def _rank(row: JournalRow) -> float:
    return float(Priority[row.severity]) if row.severity in Priority.__members__ else inf


def _changes(rows: Sequence[JournalRow]) -> Iterable[str]:
    for row in rows:
        if is_change(row) or (row.kind == "maintenance" and row.by):
            yield f"{_at(row.time_ns)} {_whose(row)}{row.text}" + (f" ({row.by})" if row.by else "")


def _others(rows: Sequence[JournalRow]) -> Iterable[str]:
    for row in rows:
        if row.kind == "run" or (row.kind == "link" and row.severity == "WARNING"):
            yield f"{_at(row.time_ns)} {_of(row.pump_id)}{row.text}"
