"""The engine: the flow from the wire to the disk and the screen, put together.

    wire → acquire → Frame → ring buffer → infer → (ScoreResult) → judge → (AlarmChanged) → store → gui
    gui, share → (Order: who, when, command) → engine

Nine loops, each on a thread of its own: `links` scans, `infer` scores, `judge` raises alarms, `orders` executes,
`imports` takes readings of other systems over, `store` writes, `reports` makes what is scheduled, `sync` sends to a
server where the site has one, `watchdog` looks after the others. At the end they stop in the order of the flow: what
was read is also written.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from pumpwatch_gui.acquire.links.link import LinkEvent
from pumpwatch_gui.acquire.links.scanner import Binding, Scanner
from pumpwatch_gui.acquire.modbus.learnt.memory import DeviceMemory
from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.commands import Order, OrderId, SetCounters, SyncCommand
from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.domain.events import (
    ConnectionChanged,
    Event,
    FeedbackGiven,
    LinkChanged,
    Note,
    OrderDone,
    SiteChanged,
    StoreTrouble,
    watch_begins,
    watch_ends,
)
from pumpwatch_gui.domain.likelihood import FEEDBACK_COUNTS_NS
from pumpwatch_gui.domain.ports import Capability, Historian, LinkBrowser, Subscription
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.trace import Trace
from pumpwatch_gui.engine.annunciator import Annunciator
from pumpwatch_gui.engine.bus import EventBus
from pumpwatch_gui.engine.configuration import Configuration, SiteUpdate
from pumpwatch_gui.engine.counter_keeping import CounterKeeper
from pumpwatch_gui.engine.disk_forecast import DiskForecast
from pumpwatch_gui.engine.importing import Importing
from pumpwatch_gui.engine.judging import Judging
from pumpwatch_gui.engine.link_views import LinkViews
from pumpwatch_gui.engine.live_pump import LivePump
from pumpwatch_gui.engine.maintenance import MaintenanceKeeper
from pumpwatch_gui.engine.models.inference import Inference
from pumpwatch_gui.engine.models.model_lifecycle import ModelLifecycle
from pumpwatch_gui.engine.orders import Orders
from pumpwatch_gui.engine.recorder import Recorder
from pumpwatch_gui.engine.reporting import ReportLoop
from pumpwatch_gui.engine.stats import StatsCollector
from pumpwatch_gui.engine.supervisor import LATE_AFTER_S, WATCH_EVERY_S, Heartbeat, Watchdog, supervise
from pumpwatch_gui.engine.syncing import LATE_AFTER_S as SYNC_LATE_AFTER_S
from pumpwatch_gui.engine.syncing import Syncing
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.infer.bundles.registry import ModelRegistry
from pumpwatch_gui.judge.alarms.desk import AlarmDesk
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.store.query.history import History

log = logging.getLogger("pumpwatch.engine")

TICK_S = 0.1
HUNG_AFTER_S = 10.0
"""A call of a model that takes longer does not return: detection goes on without it."""

Loop = Callable[[threading.Event], None]
StoppedLoop = Callable[[threading.Event, Callable[[], None]], None]
"""What takes when to stop, and what to call each turn."""


class Engine:
    """The running station: build it, give each of `loops()` a thread, sample `latest()`. Keeps the Station port.

    `site_file` is where changes of the site are saved (default: the home's); `inlet` takes posts. Whatever state the
    database in `home` is in, the engine can be built and run: an alarm of the station says what is not stored and why.
    """

    def __init__(
        self, site: Site, home: Home, *, site_file: Path | None = None, record: Recorder | None = None
    ) -> None:
        self.home, self._record = home, record
        self._configuration = Configuration(site, site_file or home.site_file)
        self._links_ended, self._scored = threading.Event(), threading.Event()
        self._ordered, self._imported, self._judged = threading.Event(), threading.Event(), threading.Event()
        self._store = Store(
            home.database, station=site.station, pumps=PumpRow.all_of(site), budget_bytes=round(site.history_gb * 1e9),
            on_trouble=self._on_store_trouble, on_open_alarms=self._on_late_alarms,
        )  # fmt: skip
        self._store.set_pumps(PumpRow.all_of(site), site=site)
        self._history = History(home.database)
        self._counters = CounterKeeper(self._history, self._store.offer_counters)
        self._bus = EventBus(self._store.offer_event)
        self._bus.subscribe(self._on_event)
        self._syncing = Syncing(self._configuration, home, self._store, self._bus.publish, look=self.latest)
        self._annunciator = Annunciator(AlarmDesk(self._store.open_alarms), self._bus)
        self._maintenance = MaintenanceKeeper(self._history, self._bus, self._configuration, self._annunciator)
        self._judging = Judging(site, self._annunciator, self._bus, self._store.offer_detection)
        self._inference = Inference(
            site, self._make_models, on_results=self._judging.offer_results,
            on_outcome=lambda order, ok, text: self._orders.models_done(order, ok, text),
        )  # fmt: skip
        self._importing = Importing(home, self._store, lambda *done: self._orders.done(*done), self._bus.publish)
        self._orders = Orders(
            self._configuration, home, self._annunciator, self._bus, apply=self._apply,
            to_models=self._inference.submit, to_imports=self._importing.submit, carry_out=self._carry_out,
            maintain=self._maintenance.execute,
        )  # fmt: skip
        self._scanner = Scanner(
            Binding.all_of(site),
            on_frame=self._on_frame,
            on_event=self._on_link_event,
            memory=DeviceMemory(home.learnt),
        )
        self.inlet = self._scanner.inlet
        self._link_views = LinkViews(self._scanner.views, have_ended=self._links_ended.is_set)
        self._loops = self._make_loops()
        hearts = [Heartbeat(name, SYNC_LATE_AFTER_S if name == "sync" else LATE_AFTER_S) for name in self._loops]
        self._watchdog = Watchdog(hearts, self._annunciator.announce_loop)
        self._stats, self._disk, self._abandoned = StatsCollector(), DiskForecast(self._annunciator), False
        self._annunciator.retire_unknown(self._judging.sources)

    # ---------------------------------------------------------------- the Station port

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Everything."""
        return frozenset(Capability)

    @property
    def history(self) -> Historian:
        """What is on the disk."""
        return self._history

    @property
    def links(self) -> LinkBrowser:
        """Reads of running links."""
        return self._scanner

    def site(self) -> Site:
        """What is judged by now."""
        return self._configuration.site

    def latest(self) -> StationView:
        """The station now. Cheap; any thread."""
        views, desk = self._link_views.by_pump(self._judging.pumps), self._annunciator.desk
        infer = self._inference
        pumps = tuple(
            p.view(views.get(i, ()), desk, infer.shadow(i), infer.learning(i)) for i, p in self._judging.pumps.items()
        )
        return StationView(
            name=self.site().name,
            time_ns=time.time_ns(),
            mono_ns=time.monotonic_ns(),
            pumps=pumps,
            alarms=desk.alarms,
            hidden_alarms=desk.hidden,
            stats=self._stats.now(
                self._store,
                self._inference,
                [v for own in views.values() for v in own],
                [h.health() for h in self._watchdog.heartbeats.values()],
            ),
            model=", ".join(sorted({b.name for b in infer.named_bundles()})),
            is_site_edited=self._orders.is_site_edited,
            maintenance=self._maintenance.events,
            unjudged_rules=self._judging.rules.unjudged,
            sync=self._syncing.view(),
            importing=self._importing.view,
        )

    def trace(self, pump_id: str, since_s: float = 0.0) -> Trace:
        """The recent frames of a pump younger than `since_s` (Unix seconds). Raises KeyError."""
        return self._judging.pumps[pump_id].trace.copy(since_s)

    def subscribe(self, on_event: Callable[[Event], None]) -> Subscription:
        """Have every event delivered to `on_event`, on the engine's threads."""
        return self._bus.subscribe(on_event)

    def watch(self, on_values: Callable[[], None]) -> Subscription:
        """Have `on_values` called at every frame and score, on the engine's threads."""
        return self._judging.bell.subscribe(on_values)

    def submit(self, order: Order) -> OrderId:
        """Hand in an order; its outcome comes as an `OrderDone` with the id returned. Any thread."""
        return self._orders.submit(order)

    # ---------------------------------------------------------------- for whoever hosts it

    def loops(self) -> Mapping[str, Loop]:
        """The loops by name; start each in its own thread with one common `stop`, and join them all."""
        return self._loops

    def add_loop(self, name: str, run: StoppedLoop) -> None:
        """Before `loops()`: supervise one more."""
        self._watchdog.heartbeats[name] = Heartbeat(name)
        self._loops[name] = lambda stop: self._supervised(name, stop, partial(run, stop))

    @property
    def has_abandoned_thread(self) -> bool:
        """Whether a thread is stuck for ever in a call of a model: the process then cannot end by itself."""
        return self._abandoned

    def counters(self, pump_id: str) -> LivePump:
        """The running counters of one pump, for the summary of a run. Raises KeyError."""
        return self._judging.pumps[pump_id]

    # ---------------------------------------------------------------- the loops

    def _make_loops(self) -> dict[str, Loop]:
        reports = ReportLoop(self.home, self._configuration.path, self.site, self._bus.publish)
        loops: dict[str, Loop] = {
            "links": self._run_links,
            "infer": self._run_infer,
            "judge": self._run_judge,
            "orders": partial(self._run_awaited, "orders", self._run_orders, self._ordered),
            "imports": partial(self._run_awaited, "imports", self._importing.run, self._imported),
            "store": self._run_store,
            "reports": partial(self._run_apart, "reports", reports.run),
            "sync": partial(self._run_apart, "sync", self._syncing.run),
            "watchdog": self._run_watchdog,
        }
        if (record := self._record) is not None:
            loops["record"] = lambda stop: self._supervised("record", stop, partial(record.run, self._links_ended))
        return loops

    def _supervised(self, name: str, stop: threading.Event, run: Callable[[Callable[[], None]], None]) -> None:
        heartbeat = self._watchdog.heartbeats[name]
        heartbeat.alive()
        supervise(name, lambda: run(heartbeat.alive), stop=stop, on_death=self._watchdog.died)
        heartbeat.end()

    def _run_links(self, stop: threading.Event) -> None:
        self._bus.publish(watch_begins(time.time_ns(), self.site().name, len(self.site().pumps)))
        try:
            self._supervised("links", stop, lambda alive: self._scanner.run(stop, alive))
        finally:
            self._counters.keep_last(self._judging.pumps)
            self._links_ended.set()

    def _run_infer(self, stop: threading.Event) -> None:
        own = self._inference.generation
        try:
            self._supervised("infer", stop, partial(self._inference.run, self._links_ended.is_set))
        finally:
            if own == self._inference.generation:  # else another thread has taken the work over
                self._scored.set()

    def _run_judge(self, stop: threading.Event) -> None:
        def ended() -> bool:
            before = self._links_ended, self._scored, self._ordered, self._imported
            return all(one.is_set() for one in before)

        try:
            self._supervised("judge", stop, lambda alive: self._judging.run(ended, alive, self._link_views.by_pump))
            self._bus.publish(watch_ends(time.time_ns(), self.site().name))
        finally:
            self._judged.set()

    def _run_orders(self, stop: threading.Event, alive: Callable[[], None]) -> None:
        def turn() -> None:
            alive()
            self._counters.recall(self._judging.pumps)
            self._maintenance.turn()

        self._recall_feedback()
        self._orders.run(stop.is_set, turn)

    def _run_store(self, stop: threading.Event) -> None:
        self._supervised("store", stop, lambda alive: self._store.run(self._judged, alive))
        self._stats.is_final = True

    def _run_apart(self, name: str, run: StoppedLoop, stop: threading.Event) -> None:
        """A loop that no other waits for."""
        self._supervised(name, stop, partial(run, stop))

    def _run_awaited(self, name: str, run: StoppedLoop, ended: threading.Event, stop: threading.Event) -> None:
        """A loop that judging goes on for."""
        try:
            self._supervised(name, stop, partial(run, stop))
        finally:
            ended.set()

    def _run_watchdog(self, stop: threading.Event) -> None:
        def run(alive: Callable[[], None]) -> None:
            while not stop.wait(WATCH_EVERY_S):
                alive()
                self._watchdog.look()
                self._disk.look(self._store.view())
                self._replace_stuck_inference(stop)

        self._supervised("watchdog", stop, run)
        self._see_to_the_end()

    def _see_to_the_end(self) -> None:
        """Each loop waits for the one before it in the flow; one that is stuck must not keep the others from ending."""
        order = {"links": self._links_ended, "infer": self._scored, "orders": self._ordered,
                 "imports": self._imported, "judge": self._judged}  # fmt: skip
        for name, ended in order.items():
            while not ended.wait(TICK_S):
                if self._watchdog.heartbeats[name].age_s > LATE_AFTER_S:
                    self._abandoned = True
                    ended.set()

    def _replace_stuck_inference(self, stop: threading.Event) -> None:
        if not self._inference.is_stuck(HUNG_AFTER_S):
            return
        self._abandoned = True
        versions = self._inference.replace()
        text = f"A call of the model {', '.join(sorted(versions))} never returned; detection goes on without it"
        self._bus.publish(Note(time.time_ns(), text, "ERROR"))
        # A daemon: it must not keep the process if this one gets stuck as well.
        threading.Thread(target=self._run_infer, args=(stop,), name="pumpwatch-infer", daemon=True).start()

    # ---------------------------------------------------------------- what the loops hand on

    def _on_frame(self, frame: Frame) -> None:
        pump = self._judging.pumps.get(frame.pump_id)
        if pump is None:
            return  # taken out of the site while this scan was under way
        whole = pump.seen(frame)
        self._stats.seen(frame)
        self._store.offer_frame(frame, pump.machine_status)
        if whole is not None:
            self._judging.offer_frame(whole)
            self._counters.seen(pump, frame)
        self._inference.ring.put(frame)
        if self._record is not None:
            self._record.offer(frame, pump.settings.profile.tags)

    def _on_link_event(self, event: LinkEvent) -> None:
        """One row of the journal for one cause: that of a connection stands for its links; its end is an alarm's."""
        is_told = isinstance(event, LinkChanged) and event.with_line
        is_end = isinstance(event, ConnectionChanged) and not event.is_lost
        self._bus.publish(event, in_journal=not is_told and not is_end)

    def _on_store_trouble(self, trouble: StoreTrouble) -> None:
        self._annunciator.announce("store", trouble.text, is_over=not trouble.started)
        self._bus.publish(trouble)

    def _on_late_alarms(self, alarms: Sequence[Alarm]) -> None:
        """The database could be read only now: what stood open when the run before ended is taken up, if not over."""
        self._judging.call(lambda: self._judging.take_up(alarms))
        self._recall_feedback()

    def _recall_feedback(self) -> None:
        """Take up the feedback on the episodes of the last year; not while there is no database to read."""
        start_ns = time.time_ns() - FEEDBACK_COUNTS_NS
        try:
            found = [f for p in self.site().pumps for f in self._history.feedback(p.pump_id, start_ns=start_ns)]
        except PumpWatchError as error:
            log.info("no feedback on episodes yet: %s", error)
            return
        self._judging.call(lambda: self._judging.take_feedback(found))

    def _on_event(self, event: Event) -> None:
        self._maintenance.see(event)
        if isinstance(event, FeedbackGiven):
            self._judging.call(lambda: self._judging.take_feedback([event.feedback]))

    def _carry_out(self, command: SetCounters | SyncCommand) -> str:
        if isinstance(command, SetCounters):
            return self._counters.set_totals(self._judging.pumps.get(command.pump_id), command)
        return self._syncing.execute(command)

    def _apply(self, update: SiteUpdate, done: Callable[[], None]) -> None:
        """Have a changed site come into force, between two ticks of the judge loop."""

        def apply() -> None:
            self._store.set_pumps(PumpRow.all_of(update.site), update.renamed, update.site)
            self._store.set_budget(round(update.site.history_gb * 1e9))
            self._judging.apply_site(update.site, update.renamed)
            self._inference.apply_site(update.site, update.renamed)
            self._scanner.rebind(Binding.all_of(update.site), update.renamed)
            self._syncing.site_changed()
            self._bus.publish(SiteChanged(time.time_ns(), update.text, update.renamed), in_journal=False)
            done()

        self._judging.call(apply)

    def _make_models(self, site: Site, excluded: frozenset[str]) -> ModelLifecycle:
        models = ModelLifecycle(ModelRegistry(self.home.models), warn=self._warn, audit=self._audit, excluded=excluded)
        for pump in site.pumps:
            models.assign(pump, site.folder)
        return models

    def _warn(self, pump_id: str, text: str) -> None:
        self._bus.publish(Note(time.time_ns(), text, "WARNING", pump_id))

    def _audit(self, pump_id: str, command: str, text: str) -> None:
        self._bus.publish(OrderDone(time.time_ns(), "", command, True, text, "PumpWatch", pump_id))
