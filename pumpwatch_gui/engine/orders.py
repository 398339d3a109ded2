"""The order loop: executes what people ask for, one order at a time, apart from judging and inference.

Files are written here, so that a slow disk delays neither an alarm nor the screen, and an alarm can be acknowledged
while the judging is stuck.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import assert_never

from pumpwatch_gui.domain.commands import (
    Acknowledge,
    AlarmCommand,
    Annotate,
    AssignMaintenance,
    CancelImport,
    ChangeSite,
    ConfirmLevel,
    CreateMaintenance,
    GiveFeedback,
    ImportCommand,
    ImportReadings,
    MaintenanceCommand,
    NoteMaintenance,
    Order,
    OrderId,
    Promote,
    Rebaseline,
    Record,
    ReloadSite,
    ReopenMaintenance,
    ResetAlarm,
    ResolveMaintenance,
    ReturnToService,
    RollBack,
    SetAdaptive,
    SetCounters,
    SetThresholdFactor,
    ShelveAlarm,
    StartShadow,
    StopShadow,
    SyncCommand,
    TakeOutOfService,
    UnshelveAlarm,
)
from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.domain.events import Annotated, FeedbackGiven, Note, OrderDone
from pumpwatch_gui.domain.wording import stamp
from pumpwatch_gui.engine.annunciator import Annunciator
from pumpwatch_gui.engine.bus import EventBus
from pumpwatch_gui.engine.configuration import Configuration, SiteUpdate
from pumpwatch_gui.files.acts import acts_noted
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.judge.sources.anomaly import AnomalyJudge

crash_log = logging.getLogger("pumpwatch.crash")

TICK_S = 0.05
LOOK_EVERY_S = 5.0
"""How often the site file is compared with what was read, and the home looked through for what was done to it."""


class Orders:
    """Takes orders from any thread and executes them on its own. Every order ends in one `OrderDone`.

    `apply` is handed a changed site and must call the outcome back once it is in force; `to_models` takes model
    commands, `to_imports` those of imports; `carry_out` and `maintain` say in words what they have done.
    """

    def __init__(  # noqa: PLR0913 - who executes what, each by its name
        self,
        configuration: Configuration,
        home: Home,
        annunciator: Annunciator,
        bus: EventBus,
        *,
        apply: Callable[[SiteUpdate, Callable[[], None]], None],
        to_models: Callable[[Order], None],
        to_imports: Callable[[Order, ImportCommand], None],
        carry_out: Callable[[SetCounters | SyncCommand], str],
        maintain: Callable[[Order, MaintenanceCommand], str],
    ) -> None:
        self._configuration, self._annunciator, self._bus = configuration, annunciator, bus
        self._apply, self._to_models, self._carry_out = apply, to_models, carry_out
        self._maintain, self._to_imports = maintain, to_imports
        self._home, self._recorded = home, set[Path]()
        self._inbox: deque[Order] = deque()
        self._looked_s = -LOOK_EVERY_S
        self.is_site_edited = False
        """Whether the site file was changed outside the program, as of the last look; any thread."""

    def submit(self, order: Order) -> OrderId:
        """Queue an order; never blocks."""
        self._inbox.append(order)
        return order.id

    def run(self, ended: Callable[[], bool], alive: Callable[[], None]) -> None:
        """Execute orders until `ended`, then those that are left."""
        pause = threading.Event()
        while True:
            is_last = ended()
            while self._inbox:
                self._guarded(self._inbox.popleft())
                alive()
            if time.monotonic() - self._looked_s > LOOK_EVERY_S:
                self._looked_s = time.monotonic()
                self._look_at_file()
                self._record_acts()
            alive()
            if is_last:
                self._forget_acts()
                return
            pause.wait(TICK_S)

    def done(self, order: Order, ok: bool, text: str, *, in_journal: bool = True) -> None:
        """Publish the outcome of an order."""
        self._bus.publish(order.outcome(ok, text), in_journal=in_journal)

    def models_done(self, order: Order, ok: bool, text: str) -> None:
        """Publish the outcome of an order to the models. Who answers a new level has seen it: it is acknowledged."""
        if ok and isinstance(order.command, ConfirmLevel | Rebaseline):
            self._annunciator.acknowledge(order.pump_id, AnomalyJudge.source, by=order.actor)
        self.done(order, ok, text)

    def _guarded(self, order: Order) -> None:
        try:
            self._execute(order)
        except PumpWatchError as error:
            self.done(order, False, f"{error.message} ({error.advice})" if error.advice else error.message)
        except Exception as error:  # noqa: BLE001 - per order: a bug in one must not end the loop
            crash_log.critical("the order %s failed", order.name, exc_info=True)
            self.done(order, False, f"it failed by a fault of the program ({error}); the crash log says more")

    def _execute(self, order: Order) -> None:
        match order.command:
            case (
                Acknowledge() | ResetAlarm() | ShelveAlarm() | UnshelveAlarm() | TakeOutOfService() | ReturnToService()
            ):
                self._to_alarm(order, order.command)
            case ChangeSite(changes):
                self._look_at_file()
                self._change(order, self._configuration.change(changes))
            case ReloadSite():
                self._change(order, self._configuration.reload())
            case Record(text):
                self.done(order, True, text)
            case Annotate(text, about_ns, pump_id):
                self._bus.publish(Annotated(order.time_ns, about_ns, text, order.actor, pump_id))
                self.done(order, True, text, in_journal=False)
            case GiveFeedback(feedback):
                given = replace(feedback, by=order.actor)
                self._bus.publish(FeedbackGiven(order.time_ns, given))
                self.done(order, True, f"feedback {given.verdict.value}", in_journal=False)
            case ConfirmLevel() | Rebaseline() | StartShadow() | StopShadow() | Promote() | RollBack():
                self._to_models(order)
            case command if isinstance(command, SetCounters | SyncCommand):
                self.done(order, True, self._carry_out(command))
            case (
                CreateMaintenance() | AssignMaintenance() | NoteMaintenance() | ResolveMaintenance()
                | ReopenMaintenance()
            ) as command:  # fmt: skip
                # The change of the event is what the journal and the audit log keep.
                self.done(order, True, self._maintain(order, command), in_journal=False)
            case SetThresholdFactor() | SetAdaptive():
                self._to_models(order)
            case (ImportReadings() | CancelImport()) as command:
                self._to_imports(order, command)
            case _:
                assert_never(order.command)

    def _to_alarm(self, order: Order, command: AlarmCommand) -> None:
        try:
            changed = self._annunciator.act(command, by=order.actor)
        except ValueError as error:
            self.done(order, False, f"{command.alarm_id}: {error}")
            return
        if changed:
            # The change of the alarm is what the journal and the audit log keep.
            self.done(order, True, f"{order.name}: {command.alarm_id}", in_journal=False)
        else:
            self.done(order, False, f"{command.alarm_id}: nothing to {order.name}")

    def _change(self, order: Order, update: SiteUpdate) -> None:
        self.is_site_edited = False
        text = update.text[:1].upper() + update.text[1:]
        self._apply(update, lambda: self.done(order, True, text))

    def _record_acts(self) -> None:
        """Have what was done to the home from outside in the journal and in the audit log."""
        self._forget_acts()
        for path, act in acts_noted(self._home):
            text = f"{act.text} ({stamp(act.time_ns)})"
            # Of now: the lines of the audit log follow one another in time.
            self._bus.publish(OrderDone(time.time_ns(), "", act.command, act.ok, text, act.actor))
            self._recorded.add(path)

    def _forget_acts(self) -> None:
        """Delete the notes of what was published a look ago: it is on the disk by now, or waits for it."""
        for path in self._recorded:
            with suppress(OSError):
                path.unlink()
        self._recorded.clear()

    def _look_at_file(self) -> None:
        if self._configuration.is_edited_outside != self.is_site_edited:
            self.is_site_edited = not self.is_site_edited
            if self.is_site_edited:
                text = f"{self._configuration.path.name} was changed outside this program; reload it in the settings"
                self._bus.publish(Note(time.time_ns(), text, "WARNING"))
