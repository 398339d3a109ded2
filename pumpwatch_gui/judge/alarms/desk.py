"""The alarm desk: every alarm of the station and its state."""

import threading
import time
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmSignal, AlarmState, Stimulus, by_rank, next_state
from pumpwatch_gui.domain.events import AlarmChanged

_ACTS = {
    Stimulus.ACKNOWLEDGED: "acknowledge",
    Stimulus.RESET: "reset",
    Stimulus.SHELVED: "shelve",
    Stimulus.UNSHELVED: "unshelve",
    Stimulus.TAKEN_OUT: "take out of service",
    Stimulus.PUT_BACK: "return to service",
}
"""What people do, as the audit log calls it."""
MAX_SHELF_S = 8 * 3600.0
SPREAD_NS = 2 * 10**9
"""The least time between two alarms that come back from the shelf by time: a shift must be able to read them."""


class AlarmDesk:
    """Holds the alarms that are not NORMAL. Any thread.

    Time on the shelf runs on the monotonic clock; over a restart it is what was left of it by the wall clock.
    """

    def __init__(self, open_alarms: Iterable[Alarm] = (), *, time_ns: int | None = None, mono_ns: int = 0) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Alarm] = {}
        self._ranked: list[Alarm] = []
        self._ended: dict[str, Alarm] = {}  # as they were when they ended: an episode may go on
        self._shelf_ends_ns: dict[str, int] = {}
        self._next_return_ns = 0
        self._announced: Counter[str] = Counter()  # how many alarms of a pump are
        self._first: dict[str, str] = {}
        self._views: tuple[tuple[Alarm, ...], tuple[Alarm, ...], dict[str, tuple[Alarm, ...]]] | None = None
        self.take_up(open_alarms, time_ns=time_ns, mono_ns=mono_ns)

    # ---------------------------------------------------------------- what there is

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """Every alarm that is announced: by priority, the unacknowledged first, the newest first."""
        return self._seen()[0]

    @property
    def hidden(self) -> tuple[Alarm, ...]:
        """Every alarm that is shelved, suppressed by design or out of service, in the same order."""
        return self._seen()[1]

    def of_pump(self, pump_id: str) -> tuple[Alarm, ...]:
        """The announced alarms of one pump."""
        return self._seen()[2].get(pump_id, ())

    def first_out(self, pump_id: str) -> str:
        """The alarm that came first of an episode of a pump (while any is announced), "" where it is over or alone."""
        announced = self.of_pump(pump_id)
        first = self._first.get(pump_id, "") if len(announced) > 1 else ""
        return first if any(alarm.alarm_id == first for alarm in announced) else ""

    def active_sources(self, pump_id: str) -> frozenset[str]:
        """The sources (`tag.high`) of one pump whose condition holds."""
        with self._lock:
            return frozenset(a.source for a in self._open.values() if a.pump_id == pump_id and a.holds)

    def _seen(self) -> tuple[tuple[Alarm, ...], tuple[Alarm, ...], dict[str, tuple[Alarm, ...]]]:
        """Announced, hidden, and the announced by pump; made once after a change, however many came in between."""
        views = self._views
        if views is None:
            with self._lock:
                announced = tuple(a for a in self._ranked if not a.state.is_hidden)
                by_pump: dict[str, list[Alarm]] = {}
                for alarm in announced:
                    by_pump.setdefault(alarm.pump_id, []).append(alarm)
                hidden = tuple(a for a in self._ranked if a.state.is_hidden)
                views = self._views = announced, hidden, {key: tuple(alarms) for key, alarms in by_pump.items()}
        return views

    # ---------------------------------------------------------------- what was found

    def apply(self, pump_id: str, signal: AlarmSignal, time_ns: int) -> AlarmChanged | None:
        """Move the alarm that a signal speaks of; None when its state and text stay as they are."""
        alarm_id = f"{pump_id}/{signal.source}"
        with self._lock:
            old = self._open.get(alarm_id)
            if old is not None and old.state.is_hidden:
                return self._apply_hidden(old, signal, time_ns)
            before = old.state if old else AlarmState.NORMAL
            if signal.stimulus is Stimulus.SUPPRESSED:
                # What is not there need not be hidden.
                if old is None or next_state(old.state, signal.stimulus) is old.state:
                    return None
                return self._hide(old, signal.stimulus, "", "the pump is stopped", time_ns)
            after = next_state(before, signal.stimulus, is_latching=signal.is_latching)
            is_new_level = signal.stimulus is Stimulus.NEW_LEVEL and before.is_active
            if after is before and not is_new_level:
                return None
            if signal.stimulus is Stimulus.RAISED and before is not AlarmState.LATCHED:
                old = None
            elif signal.stimulus is Stimulus.RESUMED:
                old = old or self._ended.get(alarm_id)
            alarm = Alarm(
                alarm_id=alarm_id,
                pump_id=pump_id,
                tag=signal.tag,
                priority=signal.priority,
                text=old.text if old and not is_new_level else signal.text,
                state=after,
                value=signal.value,
                limit=signal.limit,
                unit=signal.unit,
                raised_ns=old.raised_ns if old else time_ns,
                changed_ns=time_ns,
                by=old.by if old else "",
                is_latching=signal.is_latching,
            )
            return self._put(alarm)

    def _apply_hidden(self, old: Alarm, signal: AlarmSignal, time_ns: int) -> AlarmChanged | None:
        """Keep what became of the condition of an alarm that is hidden; announce it only when it leaves."""
        after = next_state(old.state, signal.stimulus, holds=old.holds_hidden, is_one_shot=old.is_one_shot)
        if after is not old.state:
            return self._put(_announced(old, after, time_ns))
        if signal.stimulus in (Stimulus.RAISED, Stimulus.RESUMED, Stimulus.RETURNED):
            holds = signal.stimulus is not Stimulus.RETURNED
            self._put(
                replace(old, holds_hidden=holds, value=signal.value, limit=signal.limit, priority=signal.priority)
            )
        return None

    def take_up(self, alarms: Iterable[Alarm], *, time_ns: int | None = None, mono_ns: int = 0) -> tuple[Alarm, ...]:
        """Take up alarms of the run before; those taken. One that this run has moved stays as it is."""
        now_ns, mono_ns = time.time_ns() if time_ns is None else time_ns, mono_ns or time.monotonic_ns()
        with self._lock:
            taken = tuple(
                a
                for a in alarms
                if a.state is not AlarmState.NORMAL and a.alarm_id not in self._open and a.alarm_id not in self._ended
            )
            for alarm in sorted(taken, key=lambda a: a.raised_ns):
                self._put(alarm)
                if alarm.state is AlarmState.SHELVED and alarm.until_ns:
                    # A clock that was set back must not leave an alarm on the shelf for ever.
                    left_ns = min(max(0, alarm.until_ns - now_ns), round(MAX_SHELF_S * 1e9))
                    self._shelf_ends_ns[alarm.alarm_id] = mono_ns + left_ns
        return taken

    def end_shelves(self, mono_ns: int, time_ns: int) -> AlarmChanged | None:
        """Let the next alarm whose time is over leave the shelf, if any; those that are announced 2 s apart."""
        with self._lock:
            due = [i for i, end_ns in self._shelf_ends_ns.items() if end_ns <= mono_ns]
            for alarm_id in sorted(due, key=lambda i: self._shelf_ends_ns[i]):
                old = self._open[alarm_id]
                if old.holds_hidden and mono_ns < self._next_return_ns:
                    continue
                if old.holds_hidden:
                    self._next_return_ns = mono_ns + SPREAD_NS
                after = next_state(old.state, Stimulus.SHELF_ENDED, holds=old.holds_hidden)
                return self._put(_announced(old, after, time_ns))
        return None

    # ---------------------------------------------------------------- what people do

    def acknowledge(self, alarm_id: str, *, by: str, time_ns: int, note: str = "") -> AlarmChanged | None:
        """Acknowledge an alarm; None when there is nothing to acknowledge."""
        with self._lock:
            return self._act(alarm_id, Stimulus.ACKNOWLEDGED, by, time_ns, note)

    def reset(self, alarm_id: str, *, by: str, time_ns: int) -> AlarmChanged | None:
        """End a latched alarm that was acknowledged and whose condition is gone; None when there is none."""
        with self._lock:
            return self._act(alarm_id, Stimulus.RESET, by, time_ns)

    def shelve(
        self, alarm_id: str, *, by: str, reason: str, seconds: float, one_shot: bool, time_ns: int, mono_ns: int
    ) -> AlarmChanged | None:
        """Hide an alarm for a time (at most 8 h); `one_shot`: or until it returns to normal, whichever is first.

        None when it is not announced. Raises ValueError without a reason, or for a time that is too long.
        """
        if not reason.strip():
            raise ValueError("a reason is needed")
        if not 0 < seconds <= MAX_SHELF_S:
            raise ValueError(f"the time must be above 0 and at most {MAX_SHELF_S / 3600:.0f} h")
        with self._lock:
            old = self._open.get(alarm_id)
            if old is None or old.state.is_hidden:
                return None
            length_ns = round(seconds * 1e9)
            self._shelf_ends_ns[alarm_id] = mono_ns + length_ns
            hidden = replace(old, until_ns=time_ns + length_ns, is_one_shot=one_shot)
            return self._hide(hidden, Stimulus.SHELVED, by, reason, time_ns)

    def unshelve(self, alarm_id: str, *, by: str, time_ns: int) -> AlarmChanged | None:
        """Take an alarm from the shelf by hand: acknowledged if its condition holds."""
        with self._lock:
            return self._act(alarm_id, Stimulus.UNSHELVED, by, time_ns)

    def take_out_of_service(self, alarm_id: str, *, by: str, reason: str, time_ns: int) -> AlarmChanged | None:
        """Hide an alarm until it is put back, as for maintenance. Raises ValueError without a reason."""
        if not reason.strip():
            raise ValueError("a reason is needed")
        with self._lock:
            old = self._open.get(alarm_id)
            if old is None or old.state is AlarmState.OUT_OF_SERVICE:
                return None
            return self._hide(replace(old, until_ns=0, is_one_shot=False), Stimulus.TAKEN_OUT, by, reason, time_ns)

    def return_to_service(self, alarm_id: str, *, by: str, time_ns: int) -> AlarmChanged | None:
        """Announce an alarm again that was out of service; unacknowledged if its condition holds."""
        with self._lock:
            return self._act(alarm_id, Stimulus.PUT_BACK, by, time_ns)

    def _act(self, alarm_id: str, stimulus: Stimulus, by: str, time_ns: int, note: str = "") -> AlarmChanged | None:
        """What a person did to one alarm; with the lock held. None when it does not apply."""
        old = self._open.get(alarm_id)
        if old is None:
            return None
        after = next_state(old.state, stimulus, holds=old.holds_hidden)
        if after is old.state:
            return None
        moved = (
            _announced(old, after, time_ns) if old.state.is_hidden else replace(old, state=after, changed_ns=time_ns)
        )
        if stimulus is Stimulus.ACKNOWLEDGED or after is AlarmState.ACKNOWLEDGED:
            moved = replace(moved, by=by)
        return self._put(moved, act=_ACTS[stimulus], by=by, note=note)

    def _hide(self, old: Alarm, stimulus: Stimulus, by: str, reason: str, time_ns: int) -> AlarmChanged:
        hidden = replace(
            old,
            state=next_state(old.state, stimulus),
            changed_ns=time_ns,
            holds_hidden=old.holds,
            hidden_by=by,
            reason=reason,
        )
        return self._put(hidden, act=_ACTS.get(stimulus, ""), by=by, note=reason)

    # ---------------------------------------------------------------- what is gone

    def retire(self, pump_id: str, sources: Collection[str], time_ns: int) -> tuple[AlarmChanged, ...]:
        """Return the active alarms whose limit, model or link no longer exists (removed or changed by an admin)."""
        return self._retire(time_ns, [f"{pump_id}/{source}" for source in sources])

    def retire_unknown(self, known: Mapping[str, Collection[str]], time_ns: int) -> tuple[AlarmChanged, ...]:
        """Return the alarms that nothing will judge again; for use at the start, after the site was read.

        `known` are the sources by pump that are judged from now on. What a person has not acknowledged stays for that.
        """
        with self._lock:
            gone = [a.alarm_id for a in self._ranked if a.source not in known.get(a.pump_id, ())]
        return self._retire(time_ns, gone)

    def rename(self, pump_id: str, new_id: str, time_ns: int) -> tuple[AlarmChanged, ...]:
        """Keep the alarms of a pump under another id: each ends under the old one and goes on under the new."""
        changes: list[AlarmChanged] = []
        with self._lock:
            for old in sorted((a for a in self._ranked if a.pump_id == pump_id), key=lambda a: a.raised_ns):
                gone = replace(old, state=AlarmState.NORMAL, changed_ns=time_ns)
                here = replace(old, alarm_id=f"{new_id}/{old.source}", pump_id=new_id, changed_ns=time_ns)
                shelf_ends_ns = self._shelf_ends_ns.get(old.alarm_id)
                changes += [replace(self._put(alarm), is_renamed=True) for alarm in (gone, here)]
                if shelf_ends_ns is not None:
                    self._shelf_ends_ns[here.alarm_id] = shelf_ends_ns
            ended = [a for a in self._ended.values() if a.pump_id == pump_id]
            self._ended |= {f"{new_id}/{a.source}": a for a in ended}
        return tuple(changes)

    def _retire(self, time_ns: int, alarm_ids: Iterable[str]) -> tuple[AlarmChanged, ...]:
        with self._lock:
            gone = [a for i in alarm_ids if (a := self._open.get(i)) is not None and (a.holds or a.state.is_hidden)]
            return tuple(
                self._put(
                    replace(
                        a,
                        text=f"{a.text}, no longer watched",
                        state=AlarmState.NORMAL if a.state.is_hidden else next_state(a.state, Stimulus.RETURNED),
                        changed_ns=time_ns,
                    )
                )
                for a in gone
            )

    def _put(self, alarm: Alarm, *, act: str = "", by: str = "", note: str = "") -> AlarmChanged:
        """Take the alarm's new state over; with the lock held."""
        old = self._open.get(alarm.alarm_id)
        if old is not None:
            del self._ranked[bisect_left(self._ranked, by_rank(old), key=by_rank)]
        if alarm.state is AlarmState.NORMAL:
            self._open.pop(alarm.alarm_id, None)
            self._ended[alarm.alarm_id] = alarm
        else:
            self._open[alarm.alarm_id] = alarm
            insort(self._ranked, alarm, key=by_rank)
        is_announced = alarm.state is not AlarmState.NORMAL and not alarm.state.is_hidden
        self._announced[alarm.pump_id] += is_announced - (old is not None and not old.state.is_hidden)
        if is_announced:
            self._first.setdefault(alarm.pump_id, alarm.alarm_id)
        elif not self._announced[alarm.pump_id]:
            self._first.pop(alarm.pump_id, None)
        if alarm.state is not AlarmState.SHELVED:
            self._shelf_ends_ns.pop(alarm.alarm_id, None)
        self._views = None
        return AlarmChanged(alarm.changed_ns, alarm, act=act, by=by, note=note)


def _announced(old: Alarm, after: AlarmState, time_ns: int) -> Alarm:
    """A hidden alarm as it is announced again. Nothing is left of who acknowledged it before."""
    shown = replace(old, holds_hidden=False, hidden_by="", reason="", until_ns=0, is_one_shot=False)
    return replace(shown, state=after, changed_ns=time_ns, by="")
