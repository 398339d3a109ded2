"""The list of active alarms as a person reads it: while it is read nothing moves, goes or comes in between."""

from collections.abc import Iterable
from dataclasses import replace

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState


class HeldAlarms:
    """Announced alarms in an order that does not change while it is read.

    `rows` are those to show; one that was hidden is as it is, one that has gone since is NORMAL and stays so: when it
    comes again that is a new alarm, which an act on the old row must not reach. `new` have come since and wait until
    they are taken, the worst first.
    """

    def __init__(self) -> None:
        self.rows: tuple[Alarm, ...] = ()
        self.new: tuple[Alarm, ...] = ()
        self._now: tuple[Alarm, ...] = ()

    def see(self, alarms: Iterable[Alarm], hidden: Iterable[Alarm], *, is_read: bool) -> None:
        """Take the alarms as they are now, in the order of the desk; `is_read`: keep the rows where they are."""
        self._now = tuple(alarms)
        if not is_read:
            self.take()
            return
        now = {a.alarm_id: a for a in self._now}
        kept = {a.alarm_id: a for a in hidden} | now
        self.rows = tuple(
            kept[a.alarm_id]
            if a.alarm_id in kept and a.state is not AlarmState.NORMAL
            else replace(a, state=AlarmState.NORMAL)
            for a in self.rows
        )
        shown = {a.alarm_id for a in self.rows if a.state is not AlarmState.NORMAL}
        self.new = tuple(a for i, a in now.items() if i not in shown)

    def take(self) -> None:
        """Show the alarms as they are: the new ones in their places, without those that have gone."""
        self.rows, self.new = self._now, ()
