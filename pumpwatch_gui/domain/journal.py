"""The journal: what each event reads as, for people and for the files it is kept in."""

from dataclasses import asdict, dataclass, field
from math import isfinite, nan
from typing import Any, assert_never

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.events import (
    AlarmChanged,
    Annotated,
    ConnectionChanged,
    Event,
    FeedbackGiven,
    LinkChanged,
    MaintenanceChanged,
    Note,
    NoteKind,
    OrderDone,
    RunStateChanged,
    SiteChanged,
    StoreTrouble,
)
from pumpwatch_gui.domain.wording import alarm_number, duration, minute, money

NOTE, NOTE_KIND, ABOUT = "note", "note_kind", "about_ns"
"""In the `detail` of their lines: what a person said, what a note is about, and of which time (Unix UTC) it is."""
ANNOTATION = "annotation"
KINDS = ("alarm", "link", "run", "store", "command", "note", ANNOTATION, "maintenance")


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One line of the journal. `time_ns` is Unix UTC; `kind` is one of `KINDS`.

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


def journal_row(event: Event, key: int) -> JournalRow:
    """The line an event leaves in the journal under id `key`."""
    match event:
        case AlarmChanged(time_ns, alarm, by=by, note=note):
            detail = alarm_to_json(alarm) | ({NOTE: note} if note else {})
            text = f"{alarm.text} ({_state_words(alarm)})" + (f": {note}" if note else "")
            return JournalRow(key, time_ns, "alarm", alarm.pump_id, alarm.priority.name, text, by, detail)
        case LinkChanged(time_ns, link_id, pump_id, state, text):
            severity = "INFO" if state.value in ("online", "connecting") else "WARNING"
            line = f"Link {link_id} {state.value}" + (f": {text}" if text else "")
            return JournalRow(
                key, time_ns, "link", pump_id, severity, line, "", {"link_id": link_id, "state": state.value}
            )
        case ConnectionChanged(time_ns, connection, pump_ids, is_lost, text):
            line = f"Connection {connection} " + (f"lost: {text}" if is_lost else "is back")
            line += f"; behind it {', '.join(pump_ids)}"
            detail = {"connection": connection, "pump_ids": list(pump_ids), "lost": is_lost}
            severity = "WARNING" if is_lost else "INFO"
            return JournalRow(key, time_ns, "link", "", severity, line, "", detail)
        case RunStateChanged(time_ns, pump_id, running):
            word = "started" if running else "stopped"
            return JournalRow(key, time_ns, "run", pump_id, "INFO", f"Pump {word}", "", {"running": running})
        case StoreTrouble(time_ns, started, text):
            severity = "ERROR" if started else "INFO"
            return JournalRow(key, time_ns, "store", "", severity, text, "", {"started": started})
        case OrderDone(time_ns, _, command, ok, text, by, pump_id):
            severity = "INFO" if ok else "WARNING"
            return JournalRow(key, time_ns, "command", pump_id, severity, text, by, {"command": command, "ok": ok})
        case Note(time_ns, text, severity, pump_id, kind):
            detail = {} if kind is NoteKind.OTHER else {NOTE_KIND: kind.value}
            return JournalRow(key, time_ns, "note", pump_id, severity, text, "", detail)
        case Annotated(time_ns, about_ns, text, by, pump_id):
            detail = {NOTE: text, ABOUT: about_ns}
            return JournalRow(key, time_ns, ANNOTATION, pump_id, "INFO", f"On {minute(about_ns)}: {text}", by, detail)
        case FeedbackGiven(time_ns, said):
            line = f"Episode judged {said.verdict.value}" + (f": {said.note}" if said.note else "")
            detail = {"start_ns": said.start_ns, "end_ns": said.end_ns, "verdict": said.verdict.value}
            detail |= {NOTE: said.note} if said.note else {}
            return JournalRow(key, time_ns, "command", said.pump_id, "INFO", line, said.by, detail)
        case MaintenanceChanged(time_ns, work, act, by, note):
            cost = money(work.estimated_cost, work.currency)
            line = f"Maintenance {act}: {work.title} ({work.severity.name.lower()}, {cost})" + (
                f": {note}" if note else ""
            )
            detail = {"event_id": work.event_id, "act": act, "severity": work.severity.name}
            return JournalRow(key, time_ns, "maintenance", work.pump_id, "INFO", line, by, detail)
        case SiteChanged(time_ns, text):
            return JournalRow(key, time_ns, "note", "", "INFO", text, "", {})
        case _:
            assert_never(event)


def _state_words(alarm: Alarm) -> str:
    """The state, and for how long where it ends by time."""
    if alarm.state is not AlarmState.SHELVED or not alarm.until_ns:
        return alarm.state.value
    return f"shelved for {duration((alarm.until_ns - alarm.changed_ns) / 1e9)}"


def alarm_to_json(alarm: Alarm) -> dict[str, Any]:
    """An alarm as JSON values; NaN becomes None."""
    plain = asdict(alarm) | {"state": alarm.state.value, "priority": alarm.priority.name}
    return {k: None if isinstance(v, float) and not isfinite(v) else v for k, v in plain.items()}


def alarm_of(row: JournalRow) -> Alarm | None:
    """The alarm of a line; None where it is of another version of the program."""
    try:
        return alarm_from_json({key: value for key, value in row.detail.items() if key != NOTE})
    except (KeyError, TypeError, ValueError):
        return None


def line_words(row: JournalRow) -> str:
    """The line as lists show it.

    An alarm that comes has its value and limit there, and not that it is unacknowledged, which goes without saying.
    """
    text = row.text.removesuffix(f" ({AlarmState.UNACKNOWLEDGED.value})")
    alarm = alarm_of(row) if row.kind == "alarm" and text != row.text else None
    numbers = (("", alarm.value), ("limit ", alarm.limit)) if alarm is not None else ()
    words = [f"{name}{alarm_number(value, alarm)}" for name, value in numbers if alarm is not None and isfinite(value)]
    return f"{text} · {', '.join(words)}" if words else text


def alarm_from_json(plain: dict[str, Any]) -> Alarm:
    """The alarm that `alarm_to_json` wrote."""
    number = {k: nan if plain[k] is None else float(plain[k]) for k in ("value", "limit")}
    return Alarm(**(plain | number | {"state": AlarmState(plain["state"]), "priority": Priority[plain["priority"]]}))
