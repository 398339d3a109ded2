"""The annunciator: the one way from a signal to the alarm desk, the journal and the screen, for every thread."""

import time
from collections.abc import Collection, Iterable, Mapping
from math import nan
from typing import assert_never

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmSignal, Priority, Stimulus
from pumpwatch_gui.domain.commands import (
    Acknowledge,
    AlarmCommand,
    ResetAlarm,
    ReturnToService,
    ShelveAlarm,
    TakeOutOfService,
    UnshelveAlarm,
)
from pumpwatch_gui.domain.events import AlarmChanged, Note
from pumpwatch_gui.domain.station import LOOP_WORDS
from pumpwatch_gui.engine.bus import EventBus
from pumpwatch_gui.engine.supervisor import LoopTrouble
from pumpwatch_gui.judge.alarms.desk import AlarmDesk

STATION = "station"
"""The pump id of alarms that are about the program and not about a pump."""


class Annunciator:
    """Applies signals to the alarm desk and publishes what changed."""

    def __init__(self, desk: AlarmDesk, bus: EventBus) -> None:
        self.desk, self._bus = desk, bus

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """Every alarm that is not NORMAL, worst first."""
        return self.desk.alarms

    def announce_loop(self, trouble: LoopTrouble) -> None:
        """Announce that a loop of the engine has stopped, or that it runs again; with a line of the journal."""
        word = LOOP_WORDS[trouble.name].name
        text = f"{word} works again" if trouble.is_over else f"{word} stopped: {trouble.text}"
        self.announce(f"loop.{trouble.name}", text, is_over=trouble.is_over)
        line = f"{text} after: {trouble.text}" if trouble.is_over else text
        self._bus.publish(Note(time.time_ns(), line, "INFO" if trouble.is_over else "ERROR"))

    def apply(self, pump_id: str, signal: AlarmSignal, time_ns: int | None = None) -> bool:
        """Apply a signal; whether an alarm changed its state."""
        change = self.desk.apply(pump_id, signal, time.time_ns() if time_ns is None else time_ns)
        return self._publish([change] if change is not None else [])

    def announce(
        self, source: str, text: str, *, is_over: bool, pump_id: str = STATION, priority: Priority = Priority.HIGH
    ) -> bool:
        """Raise or return an alarm about the program itself."""
        stimulus = Stimulus.RETURNED if is_over else Stimulus.RAISED
        return self.apply(pump_id, AlarmSignal(source, "", priority, text, nan, nan, "", stimulus))

    def act(self, command: AlarmCommand, *, by: str) -> bool:
        """Do to an alarm what a person ordered; False when it does not apply. Raises ValueError in words."""
        desk, time_ns = self.desk, time.time_ns()
        match command:
            case Acknowledge(alarm_id, note):
                change = desk.acknowledge(alarm_id, by=by, time_ns=time_ns, note=note)
            case ResetAlarm(alarm_id):
                change = desk.reset(alarm_id, by=by, time_ns=time_ns)
            case ShelveAlarm(alarm_id, seconds, reason, one_shot):
                change = desk.shelve(
                    alarm_id, by=by, reason=reason, seconds=seconds, one_shot=one_shot,
                    time_ns=time_ns, mono_ns=time.monotonic_ns(),
                )  # fmt: skip
            case UnshelveAlarm(alarm_id):
                change = desk.unshelve(alarm_id, by=by, time_ns=time_ns)
            case TakeOutOfService(alarm_id, reason):
                change = desk.take_out_of_service(alarm_id, by=by, reason=reason, time_ns=time_ns)
            case ReturnToService(alarm_id):
                change = desk.return_to_service(alarm_id, by=by, time_ns=time_ns)
            case _:
                assert_never(command)
        return self._publish([change] if change is not None else [])

    def acknowledge(self, pump_id: str, source: str, *, by: str) -> None:
        """Acknowledge the alarm of a source where it is not yet."""
        own = (alarm for alarm in self.desk.alarms if (alarm.pump_id, alarm.source) == (pump_id, source))
        if any(alarm.state.is_unacknowledged for alarm in own):
            self.act(Acknowledge(f"{pump_id}/{source}"), by=by)

    def end_shelves(self, mono_ns: int) -> None:
        """Let the next alarm whose time on the shelf is over come back."""
        change = self.desk.end_shelves(mono_ns, time.time_ns())
        self._publish([change] if change is not None else [])

    def retire(self, pump_id: str, sources: frozenset[str]) -> None:
        """Return alarms whose limit, link or pump is no longer in the site."""
        self._publish(self.desk.retire(pump_id, sources, time.time_ns()))

    def retire_unknown(self, known: Mapping[str, Collection[str]]) -> None:
        """Return the alarms of pumps, limits and links that were removed while the program was off."""
        self._publish(self.desk.retire_unknown(known, time.time_ns()))

    def take_up(self, alarms: Iterable[Alarm], known: Mapping[str, Collection[str]]) -> frozenset[str]:
        """Take up alarms of the run before that came late; the pumps of `known` whose active sources are now more.

        Those that nothing will judge again are returned at once.
        """
        taken = self.desk.take_up(alarms)
        active = [a for a in taken if a.holds]
        judged = {a.alarm_id: a.pump_id for a in active if a.source in known.get(a.pump_id, ())}
        for alarm in active:
            if alarm.alarm_id not in judged:
                self.retire(alarm.pump_id, frozenset({alarm.source}))
        return frozenset(judged.values())

    def rename(self, pump_id: str, new_id: str) -> None:
        """Keep the alarms of a pump under another id."""
        self._publish(self.desk.rename(pump_id, new_id, time.time_ns()))

    def _publish(self, changes: Iterable[AlarmChanged]) -> bool:
        changed = False
        for change in changes:
            self._bus.publish(change)
            changed = True
        return changed
