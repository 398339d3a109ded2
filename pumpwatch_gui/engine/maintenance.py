"""The maintenance events of a station: made from alarm episodes, changed by order, taken up again after a restart.

All work is done on the order loop: files and the database are read here, which must delay no alarm.
"""

import logging
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import assert_never

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.alarms.guidance import guidance_for
from pumpwatch_gui.domain.commands import (
    AssignMaintenance,
    CreateMaintenance,
    MaintenanceCommand,
    MaintenanceEdit,
    NoteMaintenance,
    Order,
    ReopenMaintenance,
    ResolveMaintenance,
)
from pumpwatch_gui.domain.errors import InputError, PumpWatchError
from pumpwatch_gui.domain.events import AlarmChanged, Event, MaintenanceChanged, Note, SiteChanged
from pumpwatch_gui.domain.maintenance.changes import changed, created, failure_words
from pumpwatch_gui.domain.maintenance.costs import CostTable, anomalous_pumps, assess, event_of, made_worse
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent, by_risk
from pumpwatch_gui.domain.ports import Historian
from pumpwatch_gui.domain.wording import date, money
from pumpwatch_gui.engine.annunciator import Annunciator
from pumpwatch_gui.engine.bus import EventBus
from pumpwatch_gui.engine.configuration import Configuration
from pumpwatch_gui.settings.cost_file import read_costs
from pumpwatch_gui.settings.guidance_file import read_guidance

log = logging.getLogger("pumpwatch.engine")

AGAIN_S = 2.0
"""A history that cannot be read is tried again after so long."""
RESOLVED_KEPT = 500
"""So many resolved events stay in memory; all are in the database."""
MOST_WAITING = 20_000

_Change = tuple[MaintenanceEvent, str, str, str]
"""An event as it is now, what was done to it, by whom ("" for an alarm) and the note."""


class MaintenanceKeeper:
    """The live list. `see` and `events` on any thread, `turn` and `execute` on the order loop.

    Nothing is made before the history was read: an episode that has its event already must not get a second one.
    """

    def __init__(
        self,
        history: Historian,
        bus: EventBus,
        configuration: Configuration,
        annunciator: Annunciator,
    ) -> None:
        self._history, self._bus = history, bus
        self._configuration, self._annunciator = configuration, annunciator
        self._folder = configuration.path.parent
        self._inbox: deque[AlarmChanged | SiteChanged] = deque(maxlen=MOST_WAITING)
        self._by_id: dict[str, MaintenanceEvent] | None = None
        self._due_s = 0.0
        self._warned = ""
        self.events: tuple[MaintenanceEvent, ...] = ()
        """Every open event and the newest resolved ones, by risk."""

    # ---------------------------------------------------------------- any thread

    def see(self, event: Event) -> None:
        """Take note of what may make an event or change its pump; never blocks."""
        match event:
            case AlarmChanged(alarm=alarm, is_renamed=False) if alarm.state.is_active:
                self._inbox.append(event)
            case SiteChanged(renamed=renamed) if renamed:
                self._inbox.append(event)
            case _:
                return

    # ---------------------------------------------------------------- the order loop

    def turn(self) -> None:
        """Take up what was before, once it can be read, and what has come since the last turn."""
        if self._by_id is None and not self._recall():
            return
        alarms: list[Alarm] = []
        while self._inbox:
            match self._inbox.popleft():
                case SiteChanged(renamed=renamed):
                    alarms = [_renamed(alarm, renamed) for alarm in alarms]
                    self._rename(renamed)
                case AlarmChanged(alarm=alarm):
                    alarms.append(alarm)
        self._judge(alarms)

    def execute(self, order: Order, command: MaintenanceCommand) -> str:
        """Do what was ordered; what that was, in words. Raises InputError, with nothing changed."""
        self.turn()
        known = self._by_id
        if known is None:
            raise InputError("the maintenance list cannot be read from the database yet", "try again when it is back")
        if isinstance(command, CreateMaintenance):
            site = self._configuration.site
            if site.pump(command.pump_id) is None:
                raise InputError(f"there is no pump {command.pump_id}", "choose one of the site")
            event = created(order, command, currency=site.currency)
            self._keep((event, "created", order.actor, command.note.strip()))
            return f"created {event.title}, {money(event.estimated_cost, event.currency)}"
        before = known.get(command.event_id)
        if before is None:
            raise InputError(f"there is no maintenance event {command.event_id}", "choose one of the list")
        event = changed(before, order, command)
        act, note = _said(event, command)
        self._keep((event, act, order.actor, note))
        return f"{act}: {event.title}"

    # ---------------------------------------------------------------- inside

    def _recall(self) -> bool:
        if time.monotonic() < self._due_s:
            return False
        try:
            found = self._history.maintenance(resolved=RESOLVED_KEPT)
        except PumpWatchError as error:
            self._due_s = time.monotonic() + AGAIN_S
            log.info("the maintenance events cannot be read yet: %s", error)
            return False
        self._by_id = {event.event_id: event for event in found}
        self.events = by_risk(found)
        # Killed between an alarm and its event, or started on an older database: what is active has its event now.
        self._judge([alarm for alarm in self._annunciator.alarms if alarm.state.is_active])
        return True

    def _judge(self, alarms: Sequence[Alarm]) -> None:
        """Make the events of these alarms, and those of their pumps worse where what is active now says so."""
        if not alarms:
            return
        assert self._by_id is not None
        table, active = self._table(), self._annunciator.alarms
        currency = self._configuration.site.currency
        guidance = cache(lambda: read_guidance(self._folder)[0])  # once for all of these, if at all
        # By what an alarm is called now: its pump may have been renamed since its event was made.
        episodes = {(e.pump_id, e.source, e.time_ns): e for e in self._by_id.values()}
        pumps, anomalous = {alarm.pump_id for alarm in alarms}, anomalous_pumps((*active, *alarms))
        others = [a for a in active if a.pump_id in pumps and a.state.is_active]
        changes: list[_Change] = []
        for alarm in (*alarms, *others):
            found, key = assess(alarm, anomalous, table), (alarm.pump_id, alarm.source, alarm.raised_ns)
            if found is None:
                continue
            if (event := episodes.get(key)) is None:
                own = guidance_for(alarm.source, guidance())
                advice = "\n".join(own.action) if own is not None else ""
                after, act = event_of(alarm, found, recommendation=advice, currency=currency), "created from an alarm"
            elif (worse := made_worse(event, found)) is not None:
                after, act = worse, f"is now {worse.severity.name.lower()}"
            else:
                continue
            episodes[key] = after
            changes.append((after, act, "", ""))
        self._keep(*changes)

    def _table(self) -> CostTable:
        table, problems = read_costs(self._folder)
        words = "; ".join(map(str, problems))
        if words and words != self._warned:
            self._bus.publish(Note(time.time_ns(), f"The cost table has mistakes: {words}", "WARNING"))
        self._warned = words
        return table

    def _keep(self, *changes: _Change) -> None:
        """Take changed events into the list, then report each."""
        assert self._by_id is not None
        self._by_id |= {event.event_id: event for event, *_ in changes}
        self._show()
        for event, act, by, note in changes:
            self._bus.publish(MaintenanceChanged(time.time_ns(), event, act, by, note))

    def _show(self) -> None:
        assert self._by_id is not None
        ordered = by_risk(self._by_id.values())
        count = sum(not event.is_resolved for event in ordered)
        self.events = ordered[: count + RESOLVED_KEPT]
        for event in ordered[count + RESOLVED_KEPT :]:
            del self._by_id[event.event_id]

    def _rename(self, renamed: Mapping[str, str]) -> None:
        """Follow pumps to their new ids, as the database does."""
        known = self._by_id or {}
        self._by_id = {i: replace(e, pump_id=renamed.get(e.pump_id, e.pump_id)) for i, e in known.items()}
        self._show()


def _renamed(alarm: Alarm, renamed: Mapping[str, str]) -> Alarm:
    pump_id = renamed.get(alarm.pump_id, alarm.pump_id)
    return replace(alarm, pump_id=pump_id, alarm_id=f"{pump_id}/{alarm.source}")


def _said(event: MaintenanceEvent, command: MaintenanceEdit) -> tuple[str, str]:
    """What was done, and what the journal also keeps of it."""
    match command:
        case AssignMaintenance():
            due = f", due {date(event.due_ns)}" if event.due_ns else ""
            return "assigned", f"{event.assigned_to or 'no one'}{due}"
        case NoteMaintenance():
            return "note", event.notes[-1].text
        case ResolveMaintenance():
            said = f", {words}" if (words := failure_words(event)) else ""
            return "resolved", f"{event.finding}, {money(event.actual_cost, event.currency)}{said}"
        case ReopenMaintenance():
            return "reopened", event.notes[-1].text
        case _:
            assert_never(command)
