"""The judge loop: each frame against its limits, each score against the alarm rule, each link against its delays."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.alarms.rule_places import rule_tags
from pumpwatch_gui.domain.detection import Detection, ScoreResult
from pumpwatch_gui.domain.events import Note, RunStateChanged
from pumpwatch_gui.domain.feedback import EpisodeFeedback
from pumpwatch_gui.domain.links.view import LinkView
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.trace import frames_kept
from pumpwatch_gui.engine.annunciator import STATION, Annunciator
from pumpwatch_gui.engine.bus import Bell, EventBus
from pumpwatch_gui.engine.live_pump import FAULT_SOURCE, LivePump
from pumpwatch_gui.infer.live.ring import RingBuffer
from pumpwatch_gui.judge.sources.link import ConnectionJudge, connection_sources
from pumpwatch_gui.judge.sources.rules import StationRules

crash_log = logging.getLogger("pumpwatch.crash")

TICK_S = 0.1
"""Between two looks at links, shelves and faults."""
REST_S = 0.02
"""Between two ticks when frames come all the time: they are judged together, and the other loops get their turn."""
FAULT_OVER_S = 30.0
"""A pump whose judging failed counts as judged again after so long without another fault."""
RESULTS_KEPT = 10_000


class Links(Protocol):
    """Gives the links of each of these pumps as they are now."""

    def __call__(self, pumps: Iterable[str]) -> Mapping[str, tuple[LinkView, ...]]:
        """Pump id → its links."""


class Judging:
    """Judges what the links and the inference hand in. `run` on one thread; the `offer_…` from any. They ring `bell`.

    A fault in the judging of one pump is announced and never stops that of the others.
    """

    def __init__(self, site: Site, annunciator: Annunciator, bus: EventBus, keep: Callable[[Detection], None]) -> None:
        self._annunciator, self._bus, self._keep = annunciator, bus, keep
        self.rules = StationRules()
        active = self._use_rules(site, {})
        self.pumps: Mapping[str, LivePump] = {
            p.pump_id: LivePump(p, active[p.pump_id], rule_tags(site, p), frames_kept(len(site.pumps)))
            for p in site.pumps
        }
        self._use_site(site)
        self._frames = RingBuffer()
        self._results: deque[ScoreResult] = deque(maxlen=RESULTS_KEPT)
        self._calls: deque[Callable[[], None]] = deque()
        self._faults: dict[str, float] = {}
        self.bell, self._came = Bell(), threading.Event()
        self.bell.subscribe(self._came.set)
        self._next_look_s = 0.0

    def offer_frame(self, frame: Frame) -> None:
        """Queue a frame; never blocks. When the loop is late the oldest frames are dropped and counted."""
        self._frames.put(frame)
        self.bell.ring()

    def offer_results(self, results: Iterable[ScoreResult]) -> None:
        """Queue what the inference has found."""
        before = len(self._results)
        self._results.extend(results)
        if len(self._results) != before:
            self.bell.ring()

    def call(self, function: Callable[[], None]) -> None:
        """Have a change of the site made between two ticks, on the thread of the loop."""
        self._calls.append(function)
        self._came.set()

    @property
    def sources(self) -> dict[str, frozenset[str]]:
        """Pump id (or STATION) → every source that can raise an alarm of it here."""
        pumps = {pump_id: pump.sources | self.rules.sources(pump_id) for pump_id, pump in self.pumps.items()}
        return {STATION: self.station_sources} | pumps

    def take_feedback(self, feedback: Iterable[EpisodeFeedback]) -> None:
        """Take in what people say of episodes. On the thread of the loop."""
        for one in feedback:
            pump = self.pumps.get(one.pump_id)
            if pump is not None:
                pump.take_feedback(one)

    def take_up(self, alarms: Sequence[Alarm]) -> None:
        """Take up alarms of the run before that came late. On the thread of the loop.

        What this run has found meanwhile stands. An alarm that was open and is still so goes on; one whose condition is
        over returns at the next frame, as at a start.
        """
        for pump_id in self._annunciator.take_up(alarms, self.sources):
            active = self._annunciator.desk.active_sources(pump_id)
            if pump_id == STATION:
                self._connections = ConnectionJudge(active)
            else:
                self.pumps[pump_id].restart_judges(active)
                self.rules.adopt(pump_id, active)

    @property
    def dropped(self) -> int:
        """Frames that were never judged because the loop was late."""
        return self._frames.dropped

    def run(self, ended: Callable[[], bool], alive: Callable[[], None], links: Links) -> None:
        """Judge what comes as soon as it comes, and links ten times a second, until `ended`; then what is left."""
        pause = threading.Event()
        while not ended():
            self._came.clear()
            self.tick(links)
            alive()
            pause.wait(REST_S)
            self._came.wait(TICK_S - REST_S)
        self._next_look_s = 0.0
        self.tick(links)

    def tick(self, links: Links) -> None:
        """Judge everything that has come in; the links, shelves and faults when their time has come."""
        while self._calls:
            self._calls.popleft()()
        for frame in self._frames.drain():
            self._guarded(frame.pump_id, partial(self._judge_frame, frame=frame))
        while self._results:
            result = self._results.popleft()
            self._guarded(result.pump_id, partial(self._judge_result, result=result))
        now_s = time.monotonic()
        if now_s >= self._next_look_s:
            self._next_look_s = now_s + TICK_S
            self._look(links(self.pumps))

    def _look(self, links: Mapping[str, tuple[LinkView, ...]]) -> None:
        mono_ns = time.monotonic_ns()
        self._annunciator.end_shelves(mono_ns)
        for signal in self._connections.judge((v for views in links.values() for v in views), mono_ns):
            self._annunciator.apply(STATION, signal)
        for pump_id, views in links.items():
            self._guarded(pump_id, partial(self._judge_links, views=views, mono_ns=mono_ns))
        self._end_faults()

    def apply_site(self, site: Site, renamed: Mapping[str, str]) -> None:
        """Use another site from now on; what did not change goes on undisturbed. On the thread of the loop."""
        kept = {renamed.get(pump_id, pump_id): pump for pump_id, pump in self.pumps.items()}
        pumps: dict[str, LivePump] = {}
        for old, new in renamed.items():
            self._annunciator.rename(old, new)
        active = self._use_rules(site, renamed)
        for settings in site.pumps:
            pump_id, tags = settings.pump_id, rule_tags(site, settings)
            pump = kept.get(pump_id)
            if pump is None:
                pump = LivePump(settings, active[pump_id], tags, frames_kept(len(site.pumps)))
            else:
                gone = pump.update(settings, self._annunciator.desk, tags)
                self._annunciator.retire(pump_id, gone - self.rules.sources(pump_id))
            pumps[pump_id] = pump
        for pump_id in kept.keys() - pumps.keys():
            self._annunciator.retire(pump_id, self._annunciator.desk.active_sources(pump_id))
        self.pumps = pumps
        before = self.station_sources
        self._use_site(site)
        self._annunciator.retire(STATION, before - self.station_sources)

    def _use_rules(self, site: Site, renamed: Mapping[str, str]) -> dict[str, frozenset[str]]:
        """Judge by the rules of a site, and say which of them that cannot; the active sources by pump."""
        active = {pump.pump_id: self._annunciator.desk.active_sources(pump.pump_id) for pump in site.pumps}
        before = self.rules.unjudged
        self.rules.use_site(site, active, renamed)
        for one in self.rules.unjudged:
            if one not in before and (rule := site.rule(one.rule_id)) is not None:
                text = f"The rule {rule.text} cannot be judged: {one.why}"
                self._bus.publish(Note(time.time_ns(), text, "WARNING", one.pump_id))
        return active

    def _use_site(self, site: Site) -> None:
        self.station_sources = connection_sources(link.connection for pump in site.pumps for link in pump.links)
        """The alarm sources that it raises for the station itself."""
        self._connections = ConnectionJudge(self._annunciator.desk.active_sources(STATION))

    # ---------------------------------------------------------------- one pump

    def _judge_frame(self, pump: LivePump, frame: Frame) -> None:
        if frame.values.size != len(pump.settings.profile.quantities):
            return  # of the sensors before a change of the site
        before = pump.run_state
        state, signals = pump.judge_frame(frame)
        if state is not before and RunState.NO_DATA not in (state, before):
            self._bus.publish(RunStateChanged(frame.time_ns, pump.pump_id, state is RunState.RUNNING))
        for signal in (*signals, *self.rules.judge(frame, state)):
            pump.alarms_raised += self._annunciator.apply(pump.pump_id, signal, frame.time_ns) and signal.is_raised

    def _judge_result(self, pump: LivePump, result: ScoreResult) -> None:
        signal = pump.judge_score(result)
        if signal is not None:
            pump.alarms_raised += self._annunciator.apply(pump.pump_id, signal, result.time_ns) and signal.is_raised
        if isinstance(result, Detection):
            self._keep(result)

    def _judge_links(self, pump: LivePump, views: tuple[LinkView, ...], mono_ns: int) -> None:
        for view in views:
            signal = pump.judge_link(view, mono_ns, is_explained=view.link_id in self._connections.lost_links)
            if signal is not None:
                pump.alarms_raised += self._annunciator.apply(pump.pump_id, signal) and signal.is_raised

    # ---------------------------------------------------------------- faults of one pump

    def _guarded(self, pump_id: str, judge: Callable[[LivePump], None]) -> None:
        pump = self.pumps.get(pump_id)
        if pump is None:
            return  # removed from the site while this was under way
        try:
            judge(pump)
        except Exception as error:  # noqa: BLE001 - per pump: one bad pump must not silence the others
            if pump_id not in self._faults:
                crash_log.critical("judging of %s failed", pump_id, exc_info=True)
                text = f"Judging of this pump fails ({type(error).__name__}: {error}); its alarms cannot be relied on"
                self._annunciator.announce(FAULT_SOURCE, text, is_over=False, pump_id=pump_id)
            self._faults[pump_id] = time.monotonic()
            active = self._annunciator.desk.active_sources(pump_id)
            pump.restart_judges(active)
            self.rules.adopt(pump_id, active)

    def _end_faults(self) -> None:
        now = time.monotonic()
        for pump_id, at in list(self._faults.items()):
            if now - at > FAULT_OVER_S:
                del self._faults[pump_id]
                self._annunciator.announce(
                    FAULT_SOURCE, "Judging of this pump works again", is_over=True, pump_id=pump_id
                )
