"""Occurrences: each time that an alarm was raised, how long it lasted, when it was acknowledged; from the journal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState


@dataclass(frozen=True, slots=True)
class AlarmMove:
    """An alarm as it was from `time_ns` on (Unix UTC); `by` is who moved it, "" where it moved by itself."""

    time_ns: int
    alarm: Alarm
    by: str = ""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that an alarm was raised; an episode that goes on after a pause is the same one. Times in Unix UTC ns.

    `ended_ns` is when it returned to normal or was hidden (`is_returned`: the former), None while it goes on.
    `acknowledged_ns` is when a person acknowledged it first, None where it was not or it is not known.
    """

    alarm: Alarm
    raised_ns: int
    ended_ns: int | None = None
    is_returned: bool = False
    acknowledged_ns: int | None = None

    @property
    def lasted_s(self) -> float | None:
        """From the raise to the return to normal; None where it has not returned, or the clock was set back."""
        if self.ended_ns is None or not self.is_returned or self.ended_ns < self.raised_ns:
            return None
        return (self.ended_ns - self.raised_ns) / 1e9

    @property
    def waited_s(self) -> float | None:
        """From the raise to the first acknowledgement; None as for `lasted_s`."""
        if self.acknowledged_ns is None or self.acknowledged_ns < self.raised_ns:
            return None
        return (self.acknowledged_ns - self.raised_ns) / 1e9


def occurrences(moves: Iterable[AlarmMove], open_alarms: Sequence[Alarm] = ()) -> list[Occurrence]:
    """What the moves of alarms, in the order of time, come to; by the time of the raise.

    `open_alarms` are those announced now: one of them that has not moved was raised before the first move.
    """
    found: dict[tuple[str, int], Occurrence] = {}
    before: dict[str, AlarmState] = {}
    for move in moves:
        alarm = move.alarm
        key = alarm.alarm_id, alarm.raised_ns
        known = found.get(key) or Occurrence(alarm, alarm.raised_ns)
        found[key] = _moved(known, move, before.get(alarm.alarm_id))
        before[alarm.alarm_id] = alarm.state
    for alarm in open_alarms:
        if alarm.state.is_active:
            found.setdefault((alarm.alarm_id, alarm.raised_ns), Occurrence(alarm, alarm.raised_ns))
    return sorted(found.values(), key=lambda o: (o.raised_ns, o.alarm.alarm_id))


def _moved(known: Occurrence, move: AlarmMove, before: AlarmState | None) -> Occurrence:
    """The occurrence after a move from the state `before` (None: not known)."""
    state, time_ns = move.alarm.state, move.time_ns
    if state.is_active:
        known = replace(known, ended_ns=None, is_returned=False)
    elif known.ended_ns is None:
        known = replace(known, ended_ns=time_ns, is_returned=not state.is_hidden)
    is_acknowledged = (
        before is not None
        and before.is_unacknowledged
        and state in (AlarmState.ACKNOWLEDGED, AlarmState.LATCHED, AlarmState.NORMAL)
    )
    if is_acknowledged and move.by and known.acknowledged_ns is None:
        return replace(known, acknowledged_ns=time_ns)
    return known
