"""The alarm desk: every alarm of the station and its state."""

import threading
from bisect import insort
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmSignal, AlarmState, Stimulus, next_state
from pumpwatch_gui.domain.events import AlarmChanged

_UNSEEN_FIRST = {AlarmState.UNACKNOWLEDGED: 0, AlarmState.ACKNOWLEDGED: 1, AlarmState.RETURNED: 2}


class AlarmDesk:
    """Holds the alarms that are not NORMAL. Any thread; `alarms` is replaced whole, so it is read without a lock."""

    def __init__(self, open_alarms: Iterable[Alarm] = ()) -> None:
        self._lock = threading.Lock()
        self._open = {a.alarm_id: a for a in open_alarms if a.state is not AlarmState.NORMAL}
        self._ended: dict[str, Alarm] = {}  # as they were when they ended: an episode may go on
        self.alarms: tuple[Alarm, ...] = tuple(sorted(self._open.values(), key=_rank))
        """Every alarm that is not NORMAL: by priority, the unacknowledged first, the newest first."""

    def apply(self, pump_id: str, signal: AlarmSignal, time_ns: int) -> AlarmChanged | None:
        """Move the alarm that a signal speaks of; None when its state and text stay as they are."""
        alarm_id = f"{pump_id}/{signal.source}"
        with self._lock:
            old = self._open.get(alarm_id)
            before = old.state if old else AlarmState.NORMAL
            after = next_state(before, signal.stimulus)
            stands = signal.stimulus is Stimulus.STANDS and before.is_active
            if after is before and not stands:
                return None
            if signal.stimulus is Stimulus.RAISED:
                old = None
            elif signal.stimulus is Stimulus.RESUMED:
                old = old or self._ended.get(alarm_id)
            alarm = Alarm(
                alarm_id=alarm_id,
                pump_id=pump_id,
                tag=signal.tag,
                priority=signal.priority,
                text=old.text if old and not stands else signal.text,
                state=after,
                value=signal.value,
                limit=signal.limit,
                unit=signal.unit,
                raised_ns=old.raised_ns if old else time_ns,
                changed_ns=time_ns,
                by=old.by if old else "",
            )
            return self._put(alarm)

    def take_up(self, alarms: Iterable[Alarm]) -> tuple[Alarm, ...]:
        """Take up alarms of the run before that came late; those taken. One that this run has moved stays as it is."""
        with self._lock:
            taken = tuple(
                a
                for a in alarms
                if a.state is not AlarmState.NORMAL and a.alarm_id not in self._open and a.alarm_id not in self._ended
            )
            self._open |= {a.alarm_id: a for a in taken}
            self.alarms = tuple(sorted(self._open.values(), key=_rank))
        return taken

    def acknowledge(self, alarm_id: str, *, by: str, time_ns: int) -> AlarmChanged | None:
        """Acknowledge an alarm; None when there is nothing to acknowledge."""
        with self._lock:
            old = self._open.get(alarm_id)
            if old is None:
                return None
            after = next_state(old.state, Stimulus.ACKNOWLEDGED)
            if after is old.state:
                return None
            return self._put(replace(old, state=after, changed_ns=time_ns, by=by))

    def active_sources(self, pump_id: str) -> frozenset[str]:
        """The sources (`tag.high`) of one pump whose condition holds."""
        return frozenset(_source(a) for a in self.alarms if a.pump_id == pump_id and a.state.is_active)

    def retire(self, pump_id: str, sources: Collection[str], time_ns: int) -> tuple[AlarmChanged, ...]:
        """Return the active alarms whose limit, model or link no longer exists (removed or changed by an admin)."""
        return self._retire(time_ns, [f"{pump_id}/{source}" for source in sources])

    def retire_unknown(self, known: Mapping[str, Collection[str]], time_ns: int) -> tuple[AlarmChanged, ...]:
        """Return the active alarms that nothing will judge again; for use at the start, after the site was read.

        `known` are the sources by pump that are judged from now on. What a person has not acknowledged stays for that.
        """
        return self._retire(time_ns, [a.alarm_id for a in self.alarms if _source(a) not in known.get(a.pump_id, ())])

    def rename(self, pump_id: str, new_id: str, time_ns: int) -> tuple[AlarmChanged, ...]:
        """Keep the alarms of a pump under another id: each ends under the old one and goes on under the new."""
        changes: list[AlarmChanged] = []
        with self._lock:
            for old in [a for a in self.alarms if a.pump_id == pump_id]:
                gone = replace(old, state=AlarmState.NORMAL, changed_ns=time_ns)
                here = replace(old, alarm_id=f"{new_id}/{_source(old)}", pump_id=new_id, changed_ns=time_ns)
                changes += [replace(self._put(alarm), is_renamed=True) for alarm in (gone, here)]
            ended = [a for a in self._ended.values() if a.pump_id == pump_id]
            self._ended |= {f"{new_id}/{_source(a)}": a for a in ended}
        return tuple(changes)

    def _retire(self, time_ns: int, alarm_ids: Iterable[str]) -> tuple[AlarmChanged, ...]:
        with self._lock:
            active = [a for i in alarm_ids if (a := self._open.get(i)) is not None and a.state.is_active]
            return tuple(
                self._put(
                    replace(
                        a,
                        text=f"{a.text}, no longer watched",
                        state=next_state(a.state, Stimulus.RETURNED),
                        changed_ns=time_ns,
                    )
                )
                for a in active
            )

    def _put(self, alarm: Alarm) -> AlarmChanged:
        """Take the alarm's new state over; with the lock held."""
        alarms = [a for a in self.alarms if a.alarm_id != alarm.alarm_id]
        if alarm.state is AlarmState.NORMAL:
            self._open.pop(alarm.alarm_id, None)
            self._ended[alarm.alarm_id] = alarm
        else:
            self._open[alarm.alarm_id] = alarm
            insort(alarms, alarm, key=_rank)
        self.alarms = tuple(alarms)
        return AlarmChanged(alarm.changed_ns, alarm)


def _source(alarm: Alarm) -> str:
    return alarm.alarm_id.removeprefix(alarm.pump_id + "/")


def _rank(alarm: Alarm) -> tuple[int, int, int]:
    return alarm.priority, _UNSEEN_FIRST[alarm.state], -alarm.raised_ns
