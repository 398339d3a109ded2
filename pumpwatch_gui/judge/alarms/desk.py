"""The alarm desk: every alarm of the station and its state."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Stimulus, next_state
from pumpwatch_gui.domain.events import AlarmChanged
from pumpwatch_gui.judge.sources.limits import AlarmSignal


class AlarmDesk:
    """Holds the alarms that are not NORMAL. Used by one thread; `alarms` may be read by any."""

    def __init__(self, open_alarms: Iterable[Alarm] = ()) -> None:
        self._open = {a.alarm_id: a for a in open_alarms if a.state is not AlarmState.NORMAL}
        self.alarms: tuple[Alarm, ...] = ()
        self._sort()

    def apply(self, pump_id: str, finding: AlarmSignal, time_ns: int) -> AlarmChanged | None:
        """Move the alarm that a finding speaks of; None when its state stays as it is."""
        alarm_id = f"{pump_id}/{finding.source}"
        old = self._open.get(alarm_id)
        before = old.state if old else AlarmState.NORMAL
        after = next_state(before, finding.stimulus)
        if after is before:
            return None
        raised = finding.stimulus is Stimulus.RAISED
        alarm = Alarm(
            alarm_id=alarm_id,
            pump_id=pump_id,
            tag=finding.tag,
            priority=finding.priority,
            text=finding.text if raised or old is None else old.text,
            state=after,
            value=finding.value,
            limit=finding.limit,
            unit=finding.unit,
            raised_ns=time_ns if raised or old is None else old.raised_ns,
            changed_ns=time_ns,
            by="" if raised or old is None else old.by,
        )
        return self._put(alarm)

    def acknowledge(self, alarm_id: str, *, by: str, time_ns: int) -> AlarmChanged | None:
        """Acknowledge an alarm; None when there is nothing to acknowledge."""
        old = self._open.get(alarm_id)
        if old is None:
            return None
        after = next_state(old.state, Stimulus.ACKNOWLEDGED)
        if after is old.state:
            return None
        return self._put(replace(old, state=after, changed_ns=time_ns, by=by))

    def active_sources(self, pump_id: str) -> frozenset[str]:
        """The sources (`tag.high`) of one pump whose condition holds."""
        prefix = pump_id + "/"
        return frozenset(
            a.alarm_id.removeprefix(prefix) for a in self._open.values() if a.pump_id == pump_id and a.state.is_active
        )

    def retire(self, pump_id: str, sources: frozenset[str], time_ns: int) -> Iterator[AlarmChanged]:
        """Return alarms whose limit or link no longer exists (removed or changed by an admin)."""
        for source in sources:
            old = self._open[f"{pump_id}/{source}"]
            yield self._put(replace(old, state=next_state(old.state, Stimulus.RETURNED), changed_ns=time_ns))

    def rename(self, pump_id: str, new_id: str, time_ns: int) -> Iterator[AlarmChanged]:
        """Keep the alarms of a pump under another id: each ends under the old one and goes on under the new."""
        for old in [a for a in self._open.values() if a.pump_id == pump_id]:
            source = old.alarm_id.removeprefix(pump_id)
            yield self._put(replace(old, state=AlarmState.NORMAL, changed_ns=time_ns))
            yield self._put(replace(old, alarm_id=new_id + source, pump_id=new_id, changed_ns=time_ns))

    def _put(self, alarm: Alarm) -> AlarmChanged:
        if alarm.state is AlarmState.NORMAL:
            self._open.pop(alarm.alarm_id, None)
        else:
            self._open[alarm.alarm_id] = alarm
        self._sort()
        return AlarmChanged(alarm.changed_ns, alarm)

    def _sort(self) -> None:
        unacknowledged_first = {AlarmState.UNACKNOWLEDGED: 0, AlarmState.RETURNED: 2}
        self.alarms = tuple(
            sorted(self._open.values(), key=lambda a: (a.priority, unacknowledged_first.get(a.state, 1), -a.raised_ns))
        )
