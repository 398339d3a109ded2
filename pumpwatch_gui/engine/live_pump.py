"""What the engine keeps of one pump while it runs."""

import time
from collections import Counter
from collections.abc import Iterable
from math import nan

from pumpwatch_gui.domain.alarms.alarm import AlarmSignal
from pumpwatch_gui.domain.detection import Detection, LearningView, NotScored, ScoreResult, ShadowView
from pumpwatch_gui.domain.feedback import EpisodeFeedback, FeedbackVerdict
from pumpwatch_gui.domain.likelihood import Evidence, likelihood_of, shift_of
from pumpwatch_gui.domain.links.view import LinkState, LinkView
from pumpwatch_gui.domain.pump.counters import PumpCounters
from pumpwatch_gui.domain.pump.derived import DerivedQuantities
from pumpwatch_gui.domain.pump.running import run_rule, state_of
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.station import PumpView, RunState, stale_after_s
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.trace import FRAMES, TraceRing
from pumpwatch_gui.judge.alarms.desk import AlarmDesk
from pumpwatch_gui.judge.health import Health
from pumpwatch_gui.judge.sources.anomaly import AnomalyJudge
from pumpwatch_gui.judge.sources.limits import LimitJudge
from pumpwatch_gui.judge.sources.link import LinkJudge
from pumpwatch_gui.judge.sources.no_value import NoValueJudge

FAULT_SOURCE = "judging"
"""The alarm source that says that the judging of the pump itself fails."""


class LivePump:
    """One pump's newest frame, score, health and judges.

    `seen` is called by the links thread, all `judge_…` and `update` by the judge thread; what others read are single
    attributes. `frames` are kept in memory for the trends.
    """

    def __init__(
        self,
        settings: PumpSettings,
        open_sources: frozenset[str] = frozenset(),
        rule_tags: frozenset[str] = frozenset(),
        frames: int = FRAMES,
    ) -> None:
        self.settings, self._rule_tags, self._frames = settings, rule_tags, frames
        self.frame: Frame | None = None
        self.run_state = RunState.NO_DATA
        self.score_result: ScoreResult | None = None
        self.detection: Detection | None = None
        self.health = nan
        self.derived = DerivedQuantities(settings.profile)
        self.counters = PumpCounters(settings.profile.nameplate.preferred_region)
        self.trace = TraceRing(len(settings.profile.quantities), frames)
        self.since_ns = time.time_ns()
        """When it came to this run (Unix UTC): what it counted before is on the disk."""
        self.frames_by_quality: Counter[str] = Counter()
        self.anomalous_windows = 0
        self.alarms_raised = 0
        self.feedback_shift = 0.0
        """What the feedback on its episodes adds to the log-odds of a fault."""
        self._feedback: dict[int, FeedbackVerdict] = {}
        self.restart_judges(open_sources)

    @property
    def pump_id(self) -> str:
        """The id of the pump."""
        return self.settings.pump_id

    @property
    def sources(self) -> frozenset[str]:
        """Every source that can raise an alarm of this pump."""
        judges = self._limits.sources | self._links.sources | self._no_value.sources
        return judges | {AnomalyJudge.source, FAULT_SOURCE}

    @property
    def machine_status(self) -> str:
        """The original's word for the newest score."""
        return "ANOMALY" if isinstance(self.score_result, Detection) and self.score_result.is_anomaly else "NORMAL"

    @property
    def score(self) -> float:
        """The newest score, NaN while the pump is not scored."""
        return self.score_result.score if isinstance(self.score_result, Detection) else nan

    def seen(self, frame: Frame) -> Frame | None:
        """Take in a frame and return it with its derived quantities: from here on `latest()` shows it.

        None for one of the sensors that it had before a change of the site.
        """
        derived, trace = self.derived, self.trace
        if frame.values.size != derived.size or trace.width != len(derived.profile.quantities):
            return None
        whole = derived.whole(frame, self.counters)
        self.frame = whole
        trace.append(whole, self.score)
        self.frames_by_quality[frame.worst.word] += 1
        return whole

    def judge_frame(self, frame: Frame) -> tuple[RunState, Iterable[AlarmSignal]]:
        """The run state at this frame and what the limits found."""
        self.run_state = state_of(frame, self.settings.profile.tags, self._rule)
        self.health = self._health.update(frame, score=self.score, running=self.run_state is RunState.RUNNING)
        online = [state is LinkState.ONLINE for state in self._link_states.values()]
        no_value = self._no_value.judge(frame, any_online=any(online), all_online=bool(online) and all(online))
        return self.run_state, self._limits.judge(frame, self.run_state) + no_value

    def judge_score(self, score_result: ScoreResult) -> AlarmSignal | None:
        """What the newest score found."""
        self.score_result = score_result
        if isinstance(score_result, NotScored):
            return None if score_result.has_model else self._anomaly.retire()
        self.detection = score_result
        self.anomalous_windows += score_result.is_anomaly
        self._evidence.update(score_result.mono_ns, score_result.score)
        self._weigh()
        return self._anomaly.judge(score_result)

    def take_feedback(self, feedback: EpisodeFeedback) -> None:
        """Take in what a person says of one of its episodes; the newest on an episode counts."""
        self._feedback[feedback.start_ns] = feedback.verdict
        self.feedback_shift = shift_of(self._feedback.values())
        self._weigh()

    def _weigh(self) -> None:
        self.likelihood = likelihood_of(self._evidence.probability(self.feedback_shift))

    def judge_link(self, view: LinkView, mono_ns: int, *, is_explained: bool) -> AlarmSignal | None:
        """What the state of one of its links found: one alarm a link, never one a tag.

        `is_explained`: the loss of the connection that it shares with others is an alarm of its own.
        """
        self._link_states[view.link_id] = view.state
        return self._links.judge(view, mono_ns, is_explained=is_explained)

    def restart_judges(self, open_sources: frozenset[str]) -> None:
        """Begin judging afresh, with the alarms that are active now (after a fault; their delays start again)."""
        profile = self.settings.profile
        self._rule = run_rule(profile)
        self._health = Health(profile)
        self._limits = LimitJudge(profile)
        self._limits.adopt(open_sources)
        self._anomaly = AnomalyJudge(profile, active=AnomalyJudge.source in open_sources)
        self._evidence = Evidence()
        self._weigh()
        self._links = self._link_judge(open_sources)
        self._no_value = self._no_value_judge(open_sources)

    def update(self, settings: PumpSettings, desk: AlarmDesk, rule_tags: frozenset[str]) -> frozenset[str]:
        """Judge by other settings from now on; returns the active alarm sources that no longer exist here.

        A new name, id, model or link leaves trace, counters, score and delays as they are. Other limits restart only
        the limits' delays. Other sensors (another profile) begin afresh.
        """
        old, self.settings = self.settings, settings
        old_tags, self._rule_tags = self._rule_tags, rule_tags
        active = desk.active_sources(settings.pump_id)
        if old.profile != settings.profile:
            self.derived = DerivedQuantities(settings.profile)
            self.counters.preferred_region = settings.profile.nameplate.preferred_region
        if old.profile.quantity_tags != settings.profile.quantity_tags:
            self.frame = None
            self.trace = TraceRing(len(settings.profile.quantities), self._frames)
        if old.profile.tags != settings.profile.tags:
            self.score_result = self.detection = None
            self.restart_judges(active)
            return active - self.sources
        if old.profile != settings.profile:
            self._rule, self._health = run_rule(settings.profile), Health(settings.profile)
            self._limits.use_profile(settings.profile, active)
            self._anomaly.use_profile(settings.profile)
        if (old.profile, old.model, old_tags) != (settings.profile, settings.model, rule_tags):
            self._no_value = self._no_value_judge(active)
        if old.links != settings.links or old.pump_id != settings.pump_id:
            self._links = self._link_judge(active)
        return active - self.sources

    def view(
        self, links: tuple[LinkView, ...], desk: AlarmDesk, shadow: ShadowView | None, learning: LearningView | None
    ) -> PumpView:
        """The pump as others see it now."""
        pump_id = self.settings.pump_id
        frame = self.frame
        if frame is not None and frame.values.size != len(self.settings.profile.quantities):
            frame = None  # a scan of the sensors before a change of the site was under way
        period_s = min(link.period_s for link in self.settings.links)
        return PumpView(
            pump_id=pump_id,
            name=self.settings.name,
            profile=self.settings.profile,
            run_state=self.run_state,
            frame=frame,
            score_result=self.score_result,
            detection=self.detection,
            health=self.health,
            links=links,
            alarms=desk.of_pump(pump_id),
            first_out=desk.first_out(pump_id),
            stale_after_s=stale_after_s(period_s),
            shadow=shadow,
            learning=learning,
            is_at_new_level=self._anomaly.is_at_new_level,
            likelihood=self.likelihood,
        )

    def _link_judge(self, active: frozenset[str]) -> LinkJudge:
        ids = (f"{self.settings.pump_id}/{n}" for n in range(1, len(self.settings.links) + 1))
        self._link_states: dict[str, LinkState] = {}
        return LinkJudge(ids, active=active)

    def _no_value_judge(self, active: frozenset[str]) -> NoValueJudge:
        has_model = self.settings.model != "none"
        return NoValueJudge(self.settings.profile, has_model=has_model, active=active, rule_tags=self._rule_tags)
