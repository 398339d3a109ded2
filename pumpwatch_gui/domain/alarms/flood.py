"""A flood of alarms: when there is one (EEMUA 191), and its alarms by pump, in an order that does not change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.alarms.performance import FLOOD_FROM, FLOOD_UNTIL, PERIOD_NS


class FloodWatch:
    """Counts the alarms raised in the last 10 minutes: a flood starts with 10 and ends with fewer than 5."""

    def __init__(self) -> None:
        self._raised: set[tuple[str, int]] = set()
        self._seen: tuple[Alarm, ...] = ()
        self.is_flood = False

    @property
    def count(self) -> int:
        """How many there were when it looked last."""
        return len(self._raised)

    def note(self, alarm: Alarm) -> None:
        """Take note of an alarm, so that it counts though it may be gone when the others are looked at."""
        if alarm.state is AlarmState.UNACKNOWLEDGED:
            self._raised.add((alarm.alarm_id, alarm.raised_ns))

    def see(self, alarms: Iterable[Alarm], now_ns: int) -> None:
        """Look at the announced alarms at a time (Unix UTC); the tuple that was looked at last holds nothing new."""
        alarms = tuple(alarms)  # of a tuple that is the tuple itself
        if alarms is not self._seen:
            self._seen = alarms
            self._raised |= {(a.alarm_id, a.raised_ns) for a in alarms}
        self._raised = {key for key in self._raised if now_ns - key[1] < PERIOD_NS}
        self.is_flood = len(self._raised) >= (FLOOD_UNTIL if self.is_flood else FLOOD_FROM)


@dataclass(frozen=True, slots=True)
class PumpGroup:
    """The alarms of one pump: how many are announced and wait, the worst priority, the one that came first.

    `worst` is None once all are gone. `alarms` are those to show below it, none while it is closed; one that has gone
    is NORMAL there, one that was hidden is as it is. `unseen` of the announced ones are not among them.
    """

    pump_id: str
    count: int
    unacknowledged: int
    worst: Priority | None
    first: Alarm
    is_open: bool
    alarms: tuple[Alarm, ...]
    unseen: int


class AlarmsByPump:
    """Groups alarms by pump so that nothing moves under the reader.

    Pumps keep their place, later ones come at the end, and one without alarms stays. An open group shows the alarms
    that were there when it was opened; what has come since is counted until it is opened again.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget the order and what is open: the reader has left."""
        self._first: dict[str, Alarm] = {}
        self._opened: dict[str, tuple[str, ...]] = {}
        self._now: dict[str, Alarm] = {}
        self._gone: dict[str, Alarm] = {}

    def see(
        self, alarms: Iterable[Alarm], hidden: Iterable[Alarm] = (), first_out: Mapping[str, str] | None = None
    ) -> None:
        """Take the alarms as they are now, with those hidden since; `first_out` is the id of the first one of a pump.

        Without one it is the oldest. It stays the first until the pump has had no alarm.
        """
        before = self._now
        self._now = {a.alarm_id: a for a in sorted(alarms, key=lambda a: (a.raised_ns, a.alarm_id))}
        gone = {i: replace(a, state=AlarmState.NORMAL) for i, a in before.items() if i not in self._now}
        kept = {i: replace(a, state=AlarmState.NORMAL) for i, a in self._gone.items()}
        opened = {i for ids in self._opened.values() for i in ids}
        self._gone = {i: a for i, a in (kept | gone | {a.alarm_id: a for a in hidden}).items() if i in opened}
        had = {a.pump_id for a in before.values()}
        for alarm in self._now.values():
            if alarm.pump_id not in had:
                had.add(alarm.pump_id)
                self._first[alarm.pump_id] = self._now.get((first_out or {}).get(alarm.pump_id, ""), alarm)

    def toggle(self, pump_id: str) -> None:
        """Open the group of a pump, show what has come since, or where there is nothing new close it."""
        there = tuple(a.alarm_id for a in self._now.values() if a.pump_id == pump_id)
        if pump_id in self._opened and set(there) <= set(self._opened[pump_id]):
            del self._opened[pump_id]
        elif pump_id in self._first:
            kept = self._opened.get(pump_id, ())
            self._opened[pump_id] = (*kept, *(i for i in there if i not in kept))

    def close(self, pump_id: str) -> None:
        """Close the group of a pump."""
        self._opened.pop(pump_id, None)

    @property
    def groups(self) -> tuple[PumpGroup, ...]:
        """Every pump that has had an alarm, in the order of its first one."""
        return tuple(self._group(pump_id) for pump_id in self._first)

    def _group(self, pump_id: str) -> PumpGroup:
        own = [a for a in self._now.values() if a.pump_id == pump_id]
        opened = self._opened.get(pump_id, ())
        return PumpGroup(
            pump_id=pump_id,
            count=len(own),
            unacknowledged=sum(a.state.is_unacknowledged for a in own),
            worst=min((a.priority for a in own), default=None),
            first=self._first[pump_id],
            is_open=pump_id in self._opened,
            alarms=tuple(self._now.get(i) or self._gone[i] for i in opened),
            unseen=sum(a.alarm_id not in opened for a in own),
        )
