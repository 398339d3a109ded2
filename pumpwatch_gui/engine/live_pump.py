"""What the engine keeps of one pump while it runs."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from math import nan

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.alarms.delays import Watch
from pumpwatch_gui.domain.detection import Detection, NotScored, ScoreResult
from pumpwatch_gui.domain.links.view import LinkState, LinkView
from pumpwatch_gui.domain.pump.profile import Limits
from pumpwatch_gui.domain.pump.running import run_rule, state_of
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.station import PumpView, RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.trace import TraceRing
from pumpwatch_gui.judge.alarms.desk import AlarmDesk
from pumpwatch_gui.judge.health import Health
from pumpwatch_gui.judge.sources.anomaly import AnomalyJudge
from pumpwatch_gui.judge.sources.limits import AlarmSignal, LimitJudge

LINK_ON_NS = 3 * 10**9
LINK_OFF_NS = 1 * 10**9


class LivePump:
    """One pump's newest frame, verdict, health and judges.

    `seen` is called by the links thread, all `judge_…` by the infer thread; what others read are single attributes.
    """

    def __init__(self, settings: PumpSettings, open_sources: frozenset[str] = frozenset()) -> None:
        self.settings = settings
        self.frame: Frame | None = None
        self.run_state = RunState.NO_DATA
        self.score_result: ScoreResult | None = None
        self.detection: Detection | None = None
        self.health = nan
        self.trace = TraceRing(len(settings.profile.sensors))
        self.frames_by_quality: Counter[str] = Counter()
        self.anomalous_windows = 0
        self.alarms_raised = 0
        self._rule = run_rule(settings.profile)
        self._health = Health(settings.profile)
        self._limits = LimitJudge(settings.profile)
        self._limits.adopt(open_sources)
        self._anomaly = AnomalyJudge(settings.profile)
        self._anomaly.watch.active = AnomalyJudge.source in open_sources
        self._links = {
            f"{settings.pump_id}/{n}": Watch(LINK_ON_NS, LINK_OFF_NS, active=f"link.{n}" in open_sources)
            for n in range(1, len(settings.links) + 1)
        }

    @property
    def machine_status(self) -> str:
        """The original's word for the newest verdict."""
        return "ANOMALY" if isinstance(self.score_result, Detection) and self.score_result.is_anomaly else "NORMAL"

    @property
    def score(self) -> float:
        """The newest score, NaN while the pump is not scored."""
        return self.score_result.score if isinstance(self.score_result, Detection) else nan

    def seen(self, frame: Frame) -> None:
        """Take in a frame: from here on `latest()` shows it."""
        self.frame = frame
        self.trace.append(frame, self.score)
        self.frames_by_quality[frame.worst.word] += 1

    def judge_frame(self, frame: Frame) -> tuple[RunState, Iterator[AlarmSignal]]:
        """The run state at this frame and what the limits found."""
        self.run_state = state_of(frame, self.settings.profile.tags, self._rule)
        self.health = self._health.update(frame, score=self.score, running=self.run_state is RunState.RUNNING)
        return self.run_state, self._limits.judge(frame, self.run_state)

    def judge_score(self, score_result: ScoreResult) -> AlarmSignal | None:
        """What the newest verdict found."""
        self.score_result = score_result
        if isinstance(score_result, NotScored):
            return None
        self.detection = score_result
        self.anomalous_windows += score_result.is_anomaly
        return self._anomaly.judge(score_result)

    def judge_link(self, view: LinkView, mono_ns: int) -> AlarmSignal | None:
        """What the state of one of its links found: one alarm a link, never one a tag."""
        watch = self._links.get(view.link_id)
        if watch is None:
            return None
        online = view.state is LinkState.ONLINE
        stimulus = watch.update(mono_ns, over=not online, clear=online)
        if stimulus is None:
            return None
        number = view.link_id.rsplit("/", 1)[1]
        text = f"Link lost: {view.last_error or view.endpoint}"
        return AlarmSignal(f"link.{number}", "", Priority.LOW, text, nan, nan, "", stimulus)

    def set_limits(self, tag: str, limits: Limits, desk: AlarmDesk) -> frozenset[str]:
        """Judge by new limits of one sensor from now on; returns the alarm sources whose limit is gone.

        Raises ValueError when the pump has no such tag.
        """
        profile = self.settings.profile
        i = profile.index(tag)
        sensors = (*profile.sensors[:i], replace(profile.sensors[i], limits=limits), *profile.sensors[i + 1 :])
        self.settings = replace(self.settings, profile=replace(profile, sensors=sensors))
        active = desk.active_sources(self.settings.pump_id)
        self._limits = LimitJudge(self.settings.profile)
        self._limits.adopt(active)
        self._health = Health(self.settings.profile)
        levels = ("low_low", "low", "high", "high_high")
        return active & {f"{tag}.{level}" for level in levels if getattr(limits, level) is None}

    def view(self, links: tuple[LinkView, ...], desk: AlarmDesk) -> PumpView:
        """The pump as others see it now."""
        pump_id = self.settings.pump_id
        period_s = self.settings.links[0].period_s
        return PumpView(
            pump_id=pump_id,
            name=self.settings.name,
            profile=self.settings.profile,
            run_state=self.run_state,
            frame=self.frame,
            score_result=self.score_result,
            detection=self.detection,
            health=self.health,
            links=links,
            alarms=tuple(a for a in desk.alarms if a.pump_id == pump_id),
            stale_after_s=max(2.0, 3 * period_s),
        )
