"""The flow: wire → frame → ring → window → verdict → alarm → disk and screen.

Three loops, each a plain `run(stop)` for one thread: `links` scans, `infer` scores and judges, `store` writes.
Facts come out as `latest()` (sampled) and through `listen` (every event); orders go in by `submit`.
At the end they stop in the order of the flow, so that what was read is also judged and written.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from math import nan
from typing import assert_never

from pumpwatch_gui.acquire.links.scanner import Binding, Scanner, Traffic
from pumpwatch_gui.domain.alarms.alarm import Priority, Stimulus
from pumpwatch_gui.domain.commands import (
    Acknowledge,
    Command,
    Feedback,
    ModelCommand,
    Promote,
    Rebaseline,
    Record,
    RollBack,
    SetAdaptive,
    SetLimits,
    SetSensitivity,
    StartShadow,
    StopShadow,
)
from pumpwatch_gui.domain.detection import ScoreResult
from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.domain.events import (
    AlarmChanged,
    CommandDone,
    Event,
    FeedbackGiven,
    LinkChanged,
    Note,
    RunStateChanged,
    StoreTrouble,
)
from pumpwatch_gui.domain.journal import journal_row
from pumpwatch_gui.domain.links.view import LinkView
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.station import EngineStats, RunState, StationView
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.trace import Trace
from pumpwatch_gui.engine.live_pump import LivePump
from pumpwatch_gui.engine.model_lifecycle import MODEL_WORDS, Models, ShadowView
from pumpwatch_gui.engine.recorder import Recorder
from pumpwatch_gui.engine.stats import LatencyMeter, RateMeter
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.infer.bundles.registry import ModelRegistry
from pumpwatch_gui.infer.live.ring import RingBuffer
from pumpwatch_gui.infer.live.scorer import Scorer
from pumpwatch_gui.judge.alarms.desk import AlarmDesk
from pumpwatch_gui.judge.sources.limits import AlarmSignal
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.store.query.history import History

log = logging.getLogger("pumpwatch.engine")

TICK_S = 0.1
"""The infer loop's beat: the newest window of every pump is scored in one batch, ten times a second at most."""
LINK_VIEWS_S = 0.25
STATS_S = 0.5


class Engine:
    """The running station. Build it, give each of `loops()` a thread, sample `latest()`.

    Raises StoreError when the database in `home` is of a newer version or cannot be opened.
    """

    def __init__(self, site: Site, home: Home, *, record: Recorder | None = None) -> None:
        self.site = site
        self.home = home
        self._record = record
        self._inbox: deque[Command | Site | LinkChanged | StoreTrouble] = deque()
        self._listeners: list[Callable[[Event], None]] = []
        self._latency = LatencyMeter()
        self._rate = RateMeter()
        self._links_ended = threading.Event()
        self._judged = threading.Event()
        self._store = Store(home.database, station=site.station, pumps=_rows(site), on_trouble=self._on_trouble)
        self.history = History(home.database)
        self._desk = AlarmDesk(self.history.open_alarms())
        self._pumps = {p.pump_id: LivePump(p, self._desk.active_sources(p.pump_id)) for p in site.pumps}
        self._ring = RingBuffer()
        self._scorer = Scorer()
        self.registry = ModelRegistry(home.models)
        self._models = Models(self.registry, self._scorer, warn=self._warn, audit=self._audit)
        for pump in site.pumps:
            self._models.assign(pump, site.folder)
        self._scanner = Scanner(_bindings(site), on_frame=self._on_frame, on_event=self._on_link)
        self._link_views: tuple[float, dict[str, tuple[LinkView, ...]]] = (0.0, {})
        self._stats: tuple[float, EngineStats] = (0.0, EngineStats())

    # ---------------------------------------------------------------- for everybody outside

    def loops(self) -> Mapping[str, Callable[[threading.Event], None]]:
        """The loops by name; start each in its own thread with one common `stop`, and join them all."""
        loops = {"links": self._run_links, "infer": self._run_infer, "store": self._run_store}
        if self._record is not None:
            loops["record"] = self._run_record
        return loops

    def latest(self) -> StationView:
        """The station now. Cheap; any thread."""
        by_pump = self._links_by_pump()
        pumps = tuple(p.view(by_pump.get(i, ()), self._desk) for i, p in tuple(self._pumps.items()))
        models = {b.name for b in tuple(self._models.bundles.values())}
        return StationView(
            name=self.site.name,
            time_ns=time.time_ns(),
            mono_ns=time.monotonic_ns(),
            pumps=pumps,
            alarms=self._desk.alarms,
            stats=self._stats_now(),
            model=", ".join(sorted(models)),
        )

    def trace(self, pump_id: str, since_s: float = 0.0) -> Trace:
        """The recent frames of a pump younger than `since_s` (Unix seconds). Raises KeyError."""
        return self._pumps[pump_id].trace.copy(since_s)

    def shadow(self, pump_id: str) -> ShadowView | None:
        """What the shadow model of a pump has found since it began, None when there is none. Any thread."""
        return self._models.shadow(pump_id)

    def submit(self, command: Command) -> None:
        """Hand in an order; its outcome comes as an event within about 0.1 s. Any thread."""
        self._inbox.append(command)

    def apply(self, site: Site) -> None:
        """Go over to a changed site, live: what did not change goes on undisturbed. Any thread."""
        self._inbox.append(site)

    def listen(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Have every event delivered to `callback`, on the engine's threads. Returns what ends it."""
        self._listeners = [*self._listeners, callback]

        def end() -> None:
            self._listeners = [c for c in self._listeners if c is not callback]

        return end

    def traffic(self, link_id: str) -> Traffic:
        """Watch the traffic of a link until its `close`. Any thread."""
        return self._scanner.watch_traffic(link_id)

    def read_block(self, link_id: str, table: str, address: int, count: int) -> "Future[Sequence[int]]":
        """Read any block of a running link between two beats; see `Scanner.read_block`. Any thread."""
        return self._scanner.read_block(link_id, table, address, count)

    def identify(self, link_id: str) -> "Future[Mapping[str, str]]":
        """What the device of a running link says about itself; see `Scanner.identify`. Any thread."""
        return self._scanner.identify(link_id)

    def counters(self, pump_id: str) -> LivePump:
        """The running counters of one pump, for the summary of a run. Raises KeyError."""
        return self._pumps[pump_id]

    # ---------------------------------------------------------------- the links thread

    def _run_links(self, stop: threading.Event) -> None:
        try:
            self._scanner.run(stop)
        finally:
            self._links_ended.set()

    def _on_frame(self, frame: Frame) -> None:
        pump = self._pumps.get(frame.pump_id)
        if pump is None:
            return  # taken out of the site while this scan was under way
        pump.seen(frame)
        self._rate.count += 1
        self._latency.add_ns(time.monotonic_ns() - frame.mono_ns)
        self._store.offer_frame(frame, pump.machine_status)
        self._ring.put(frame)
        if self._record is not None:
            self._record.offer(frame, pump.settings.profile.tags)

    def _on_link(self, event: LinkChanged) -> None:
        self._emit(event)

    # ---------------------------------------------------------------- the infer thread

    def _run_infer(self, stop: threading.Event) -> None:
        self._emit(Note(time.time_ns(), f"Station {self.site.name} started with {len(self._pumps)} pumps"))
        try:
            while not (stop.wait(TICK_S) and self._links_ended.wait(TICK_S)):
                self._tick()
            self._tick()
            self._emit(Note(time.time_ns(), f"Station {self.site.name} stopped"))
        finally:
            self._judged.set()

    def _tick(self) -> None:
        while self._inbox:
            self._execute(self._inbox.popleft())
        for frame in self._ring.drain():
            self._judge_frame(frame)
        for score_result in self._models.score_results():
            self._judge_score(score_result)
        mono_ns = time.monotonic_ns()
        for pump_id, views in self._links_by_pump().items():
            pump = self._pumps.get(pump_id)
            for view in views if pump else ():
                self._find(pump_id, pump.judge_link(view, mono_ns) if pump else None)

    def _judge_frame(self, frame: Frame) -> None:
        pump = self._pumps.get(frame.pump_id)
        if pump is None:
            return
        before = pump.run_state
        state, findings = pump.judge_frame(frame)
        if state is not before and RunState.NO_DATA not in (state, before):
            self._emit(RunStateChanged(frame.time_ns, frame.pump_id, state is RunState.RUNNING))
        for finding in findings:
            self._find(frame.pump_id, finding, frame.time_ns)
        self._models.feed(frame, state)

    def _judge_score(self, score_result: ScoreResult) -> None:
        pump = self._pumps.get(score_result.pump_id)
        if pump is None:
            return
        self._find(score_result.pump_id, pump.judge_score(score_result), score_result.time_ns)
        if pump.detection is score_result:
            self._store.offer_detection(pump.detection)

    def _find(self, pump_id: str, finding: AlarmSignal | None, time_ns: int | None = None) -> None:
        if finding is None:
            return
        change = self._desk.apply(pump_id, finding, time_ns or time.time_ns())
        if change is not None:
            if finding.stimulus is Stimulus.RAISED and pump_id in self._pumps:
                self._pumps[pump_id].alarms_raised += 1
            self._emit(change)

    def _execute(self, order: Command | Site | LinkChanged | StoreTrouble) -> None:
        now = time.time_ns()
        match order:
            case Acknowledge(alarm_id, by):
                change: AlarmChanged | None = self._desk.acknowledge(alarm_id, by=by, time_ns=now)
                if change is None:
                    self._emit(CommandDone(now, "acknowledge", False, f"{alarm_id}: nothing to acknowledge", by))
                else:
                    self._emit(change)
            case SetLimits():
                self._set_limits(order, now)
            case Feedback(feedback):
                self._emit(FeedbackGiven(now, feedback))
            case (
                Rebaseline() | StartShadow() | StopShadow() | Promote() | RollBack() | SetSensitivity() | SetAdaptive()
            ):
                self._change_model(order, now)
            case Record(text, by, pump_id):
                self._emit(CommandDone(now, "record", True, text, by, pump_id))
            case Site():
                self._apply_site(order)
            case StoreTrouble(time_ns, started, text):
                stimulus = Stimulus.RAISED if started else Stimulus.RETURNED
                self._find("station", AlarmSignal("store", "", Priority.HIGH, text, nan, nan, "", stimulus), time_ns)
            case LinkChanged():
                self._emit(order)
            case _:
                assert_never(order)

    def _set_limits(self, order: SetLimits, now: int) -> None:
        try:
            pump = self._pumps[order.pump_id]
            gone = pump.set_limits(order.tag, order.limits, self._desk)
        except (KeyError, ValueError) as error:
            self._emit(CommandDone(now, "set limits", False, f"{order.tag}: {error}", order.by, order.pump_id))
            return
        for change in self._desk.retire(order.pump_id, gone, now):
            self._emit(change)
        limits = order.limits
        text = f"{order.tag} limits set to LL {limits.low_low} L {limits.low} H {limits.high} HH {limits.high_high}"
        self._emit(CommandDone(now, "set limits", True, text.replace("None", "–"), order.by, order.pump_id))

    def _apply_site(self, site: Site) -> None:
        old = {p.pump_id: p for p in self.site.pumps}
        self.site = site
        pumps: dict[str, LivePump] = {}
        self._store.set_pumps(_rows(site))
        for settings in site.pumps:
            kept = self._pumps.get(settings.pump_id)
            if kept is None or old.get(settings.pump_id) != settings:
                kept = LivePump(settings, self._desk.active_sources(settings.pump_id))
                self._models.assign(settings, site.folder)
            pumps[settings.pump_id] = kept
        now = time.time_ns()
        for pump_id in self._pumps.keys() - pumps.keys():
            self._models.forget(self._pumps[pump_id].settings)
            for change in self._desk.retire(pump_id, self._desk.active_sources(pump_id), now):
                self._emit(change)
        self._pumps = pumps
        self._scanner.rebind(_bindings(site))
        self._emit(Note(now, f"Site settings taken over: {len(pumps)} pumps"))

    def _change_model(self, order: ModelCommand, now: int) -> None:
        name = MODEL_WORDS[type(order)]
        pump = self._pumps.get(order.pump_id)
        try:
            if pump is None:
                raise PumpWatchError(f"there is no pump {order.pump_id}", "choose one of the site")
            text = self._models.execute(order, pump.settings, self.site.folder)
        except PumpWatchError as error:
            self._emit(CommandDone(now, name, False, error.message, order.by, order.pump_id))
            return
        self._emit(CommandDone(now, name, True, text, order.by, order.pump_id))

    def _warn(self, pump_id: str, text: str) -> None:
        self._emit(Note(time.time_ns(), text, "WARNING", pump_id))

    def _audit(self, pump_id: str, command: str, text: str) -> None:
        self._emit(CommandDone(time.time_ns(), command, True, text, "PumpWatch", pump_id))

    # ---------------------------------------------------------------- the store and record threads

    def _run_store(self, stop: threading.Event) -> None:
        self._store.run(self._judged)

    def _run_record(self, stop: threading.Event) -> None:
        if self._record is not None:
            self._record.run(self._links_ended)

    def _on_trouble(self, trouble: StoreTrouble) -> None:
        self._inbox.append(trouble)
        self._emit(trouble)

    # ---------------------------------------------------------------- shared

    def _emit(self, event: Event) -> None:
        row = journal_row(event, 0)
        level = logging.WARNING if row.severity in ("WARNING", "ERROR") else logging.INFO
        log.log(level, "%s%s", f"{row.pump_id}: " if row.pump_id else "", row.text, extra={"event": event})
        self._store.offer_event(event)
        for callback in self._listeners:
            callback(event)

    def _links_by_pump(self) -> dict[str, tuple[LinkView, ...]]:
        taken, views = self._link_views
        now = time.monotonic()
        if now - taken >= LINK_VIEWS_S:
            views = {}
            for view in self._scanner.views():
                views[view.pump_id] = (*views.get(view.pump_id, ()), view)
            self._link_views = (now, views)
        return views

    def _stats_now(self) -> EngineStats:
        taken, stats = self._stats
        now = time.monotonic()
        if now - taken < STATS_S:
            return stats
        store, links = self._store.view(), [v for views in self._links_by_pump().values() for v in views]
        stats = EngineStats(
            frames=self._rate.count,
            frames_per_s=self._rate.per_second(),
            missed_scans=sum(v.missed_scans for v in links),
            ring_depth=self._ring.depth,
            ring_capacity=self._ring.capacity,
            ring_high_water=self._ring.high_water,
            ring_dropped=self._ring.dropped,
            inference=self._scorer.latency.percentiles(),
            inference_count=self._scorer.count,
            inference_skipped=self._scorer.skipped,
            commit=store.commit_ms,
            last_commit_ns=store.last_commit_ns,
            readings_committed=store.committed,
            readings_lost=store.lost,
            store_depth=store.depth,
            database_bytes=store.database_bytes,
            store_error=store.error,
            sensor_to_latest=self._latency.percentiles(),
        )
        self._stats = (now, stats)
        return stats


def _rows(site: Site) -> list[PumpRow]:
    return [PumpRow(p.pump_id, p.name, p.profile) for p in site.pumps]


def _bindings(site: Site) -> list[Binding]:
    return [Binding(p.pump_id, p.profile, p.links, site.folder) for p in site.pumps]
