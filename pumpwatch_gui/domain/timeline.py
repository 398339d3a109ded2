"""What happened to pumps, in lanes over one time: alarms, anomalies, maintenance, running, changes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from pumpwatch_gui.domain.alarms.alarm import Alarm, Priority
from pumpwatch_gui.domain.alarms.occurrences import AlarmMove, occurrences
from pumpwatch_gui.domain.events import NoteKind
from pumpwatch_gui.domain.handover import is_change
from pumpwatch_gui.domain.journal import NOTE_KIND, JournalRow, alarm_of
from pumpwatch_gui.domain.maintenance.event import EventSeverity, MaintenanceEvent

_ANOMALY = "anomaly"
_OF_SEVERITY = {
    EventSeverity.CRITICAL: Priority.HIGH,
    EventSeverity.HIGH: Priority.HIGH,
    EventSeverity.MEDIUM: Priority.MEDIUM,
    EventSeverity.LOW: Priority.LOW,
}


class TimelineLane(Enum):
    """The lanes, from the top; the value is what a lane is called."""

    ALARMS = "Alarms"
    ANOMALIES = "Anomalies"
    MAINTENANCE = "Maintenance"
    RUNNING = "Running"
    CHANGES = "Changes"


@dataclass(frozen=True, slots=True)
class TimelineMark:
    """A stretch or, where both times are equal, an instant (Unix UTC ns); `is_open`: it goes on at its end.

    `key` is what it is about and does not change; `priority` is that of an alarm, or of the severity of maintenance.
    """

    lane: TimelineLane
    key: str
    pump_id: str
    start_ns: int
    end_ns: int
    text: str
    tag: str = ""
    priority: Priority | None = None
    is_open: bool = False


def timeline(
    rows: Iterable[JournalRow],
    *,
    open_alarms: Sequence[Alarm],
    events: Iterable[MaintenanceEvent],
    running: Mapping[str, bool],
    start_ns: int,
    end_ns: int,
) -> tuple[TimelineMark, ...]:
    """The marks of a span, in the order of lanes and times; what began before it begins at its start.

    `rows` are those of the journal, oldest first; `open_alarms`, `events` and `running` (pumps that run, or do not;
    those of which it is not known are left out) are as they are at the end.
    """
    own = list(rows)
    found = [
        *_alarms(own, open_alarms, end_ns),
        *_maintenance(events, end_ns),
        *_running(own, running, start_ns, end_ns),
        *_changes(own),
    ]
    lanes = list(TimelineLane)
    inside = [
        replace(mark, start_ns=max(mark.start_ns, start_ns))
        for mark in found
        if mark.end_ns >= start_ns and mark.start_ns < end_ns
    ]
    return tuple(sorted(inside, key=lambda m: (lanes.index(m.lane), m.start_ns, m.key)))


def _alarms(rows: Sequence[JournalRow], open_alarms: Sequence[Alarm], end_ns: int) -> Iterable[TimelineMark]:
    found = ((row, alarm_of(row)) for row in rows if row.kind == "alarm")
    moves = [AlarmMove(row.time_ns, alarm, row.by) for row, alarm in found if alarm is not None]
    for once in occurrences(moves, open_alarms):
        alarm, is_open = once.alarm, once.ended_ns is None
        lane = TimelineLane.ANOMALIES if alarm.source == _ANOMALY else TimelineLane.ALARMS
        ended_ns = end_ns if once.ended_ns is None else max(once.ended_ns, once.raised_ns)
        yield TimelineMark(
            lane, f"{alarm.alarm_id}@{once.raised_ns}", alarm.pump_id, once.raised_ns, ended_ns, alarm.text, alarm.tag,
            alarm.priority, is_open,
        )  # fmt: skip


def _maintenance(events: Iterable[MaintenanceEvent], end_ns: int) -> Iterable[TimelineMark]:
    for event in events:
        ended_ns = event.resolved_ns if event.is_resolved else end_ns
        yield TimelineMark(
            TimelineLane.MAINTENANCE, event.event_id, event.pump_id, event.time_ns, max(ended_ns, event.time_ns),
            event.title, event.tag, _OF_SEVERITY[event.severity], not event.is_resolved,
        )  # fmt: skip


def _running(
    rows: Sequence[JournalRow], running: Mapping[str, bool], start_ns: int, end_ns: int
) -> Iterable[TimelineMark]:
    """The stretches in which a pump ran, as far as the program watched it.

    A watch lasts from a start of the program to its end. The journal has changes only: a pump without one in a watch
    did what it did at the end of the watch before or at the beginning of the next; where that is not known there is no
    stretch.
    """
    watches = _watches(rows, start_ns, end_ns)
    moves: dict[str, list[JournalRow]] = {pump_id: [] for pump_id in running}
    for row in rows:
        if row.kind == "run":
            moves.setdefault(row.pump_id, []).append(row)
    for pump_id, own in moves.items():
        inside = [[row for row in own if begin <= row.time_ns < end] for begin, end in watches]
        states = _first_states(inside, running.get(pump_id))
        for (begin, end), turns, is_running in zip(watches, inside, states, strict=True):
            yield from _stretches(pump_id, turns, is_running, begin, end, is_open=end == end_ns and pump_id in running)


def _watches(rows: Sequence[JournalRow], start_ns: int, end_ns: int) -> list[tuple[int, int]]:
    """From when to when the program watched; one that was killed watched up to its last line."""
    begins, ends = NoteKind.WATCH_BEGINS.value, NoteKind.WATCH_ENDS.value
    kinds = [row.detail.get(NOTE_KIND) for row in rows]
    first = next((kind for kind in kinds if kind in (begins, ends)), ends)
    since = start_ns if first == ends else None
    found: list[tuple[int, int]] = []
    before_ns = start_ns
    for row, kind in zip(rows, kinds, strict=True):
        if since is not None and kind in (begins, ends):
            found.append((since, max(since, before_ns if kind == begins else row.time_ns)))
            since = None
        if kind == begins:
            since = row.time_ns
        before_ns = row.time_ns
    return found if since is None else [*found, (since, max(since, end_ns))]


def _first_states(inside: Sequence[Sequence[JournalRow]], now: bool | None) -> list[bool | None]:
    """Whether a pump ran at the beginning of each watch; None where that is not known."""
    first: list[bool | None] = [not turns[0].detail.get("running") if turns else None for turns in inside]
    last: list[bool | None] = [bool(turns[-1].detail.get("running")) if turns else None for turns in inside]
    if inside and not inside[-1]:
        first[-1] = last[-1] = now
    for i in range(1, len(first)):
        if first[i] is None:
            first[i] = last[i] = last[i - 1]
    for i in range(len(first) - 2, -1, -1):
        if first[i] is None:
            first[i] = first[i + 1]
    return first


def _stretches(
    pump_id: str, turns: Sequence[JournalRow], is_running: bool | None, begin_ns: int, end_ns: int, *, is_open: bool
) -> Iterable[TimelineMark]:
    since = begin_ns if is_running else None
    for row in turns:
        if row.detail.get("running"):
            since = row.time_ns if since is None else since
        elif since is not None:
            yield _ran(pump_id, since, row.time_ns, is_open=False)
            since = None
    if since is not None and end_ns > since:
        yield _ran(pump_id, since, end_ns, is_open=is_open)


def _ran(pump_id: str, start_ns: int, end_ns: int, *, is_open: bool) -> TimelineMark:
    key = f"{pump_id}/running@{start_ns}"
    return TimelineMark(TimelineLane.RUNNING, key, pump_id, start_ns, end_ns, "running", is_open=is_open)


def _changes(rows: Sequence[JournalRow]) -> Iterable[TimelineMark]:
    for row in rows:
        if is_change(row):
            text = row.text + (f" ({row.by})" if row.by else "")
            yield TimelineMark(TimelineLane.CHANGES, str(row.id), row.pump_id, row.time_ns, row.time_ns, text)
