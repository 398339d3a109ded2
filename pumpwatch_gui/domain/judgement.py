"""How the model of one pump has judged it over a span: scores, episodes, what people said of them, changes of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import nan

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.alarms.occurrences import AlarmMove, Occurrence, occurrences
from pumpwatch_gui.domain.commands import (
    COMMANDS,
    ConfirmLevel,
    Promote,
    Rebaseline,
    RollBack,
    SetAdaptive,
    SetThresholdFactor,
    StartShadow,
    StopShadow,
)
from pumpwatch_gui.domain.feedback import EpisodeFeedback, FeedbackVerdict
from pumpwatch_gui.domain.journal import JournalRow
from pumpwatch_gui.domain.likelihood import FEEDBACK_COUNTS_NS, Evidence, Likelihood, likelihood_of, shift_of
from pumpwatch_gui.domain.values.arrays import freeze_arrays

LEARN, JUDGE = "learn", "judge anomaly"
"""What the program itself does to a model, as the journal calls it: it takes over what was learnt; it says a thing."""
ANOMALY = "anomaly"
"""The source of the alarm that scores raise."""
DAY_S, WEEK_S = 86_400.0, 604_800.0
LEAST_SCORED_S = 0.75 * DAY_S
"""Of less scored time no rate is said: one alarm in an hour would be 168 a week."""
LONGEST_STEP = 3.0
"""A point counts as scored time back to the point before, unless that is more than so many usual steps away."""


class ModelChange(Enum):
    """What was done to the judging of a pump; the value is what it is called."""

    LEARNT = "limits learnt"
    MODEL = "another model"
    NORMAL = "new normal"
    LIMIT = "another threshold"
    SHADOW = "shadow"
    NEW_LEVEL = "new level"
    OTHER = "note of the model"


_OF_COMMAND = {
    LEARN: ModelChange.LEARNT,
    JUDGE: ModelChange.OTHER,
    **{
        COMMANDS[command].name: change
        for change, commands in {
            ModelChange.MODEL: (Promote, RollBack),
            ModelChange.NORMAL: (Rebaseline, ConfirmLevel),
            ModelChange.LIMIT: (SetThresholdFactor, SetAdaptive),
            ModelChange.SHADOW: (StartShadow, StopShadow),
        }.items()
        for command in commands
    },
}


@dataclass(frozen=True, slots=True)
class ModelMark:
    """One change of the judging: when (Unix UTC), what, in words, by whom ("": by itself)."""

    time_ns: int
    change: ModelChange
    text: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class JudgedEpisode:
    """One anomaly alarm (Unix UTC ns); `is_open`: it goes on at its end.

    `peak` is the highest score in it, NaN where no score is stored. `step` is the highest likelihood of a fault that
    its scores came to, None where they were not read. `feedback` is the newest on it, None where there is none.
    """

    start_ns: int
    end_ns: int
    text: str
    tag: str = ""
    is_open: bool = False
    peak: float = nan
    step: Likelihood | None = None
    feedback: EpisodeFeedback | None = None

    @property
    def verdict(self) -> FeedbackVerdict | None:
        """What people said of it, None without feedback."""
        return self.feedback.verdict if self.feedback is not None else None


@dataclass(frozen=True, slots=True)
class StepCount:
    """How many episodes came to a step of likelihood (None: not known), and what people said of them."""

    step: Likelihood | None
    episodes: int
    true: int
    false: int
    unknown: int

    @property
    def unjudged(self) -> int:
        """Episodes without feedback."""
        return self.episodes - self.true - self.false - self.unknown

    @property
    def right(self) -> float:
        """The share of those called true or false that were true, NaN without any."""
        known = self.true + self.false
        return self.true / known if known else nan


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """The judging of a pump from `start_ns` up to `end_ns` (Unix UTC).

    `time_s`, `score` (m,): Unix seconds and the highest score up to each, in limit units, NaN where it was not scored.
    `episodes` are those that reach into the span, oldest first; `marks` the changes in it, oldest first.
    """

    pump_id: str
    start_ns: int
    end_ns: int
    time_s: NDArray[np.float64]
    score: NDArray[np.float64]
    episodes: tuple[JudgedEpisode, ...]
    marks: tuple[ModelMark, ...]

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        freeze_arrays(self, "time_s", "score")

    @property
    def scored_s(self) -> float:
        """For how long the pump was scored, s."""
        steps = np.diff(self.time_s)
        if not steps.size:
            return 0.0
        is_near = steps <= LONGEST_STEP * float(np.median(steps))
        return float(steps[is_near & np.isfinite(self.score[1:])].sum())

    @property
    def raised(self) -> tuple[JudgedEpisode, ...]:
        """The episodes that began in the span: those that are counted."""
        return tuple(e for e in self.episodes if e.start_ns >= self.start_ns)

    @property
    def a_week(self) -> float:
        """Alarms a week of scored time; NaN where less than 18 h were scored."""
        scored_s = self.scored_s
        return len(self.raised) * WEEK_S / scored_s if scored_s >= LEAST_SCORED_S else nan

    @property
    def counts(self) -> tuple[StepCount, ...]:
        """The episodes that began in the span by step of likelihood, the highest first, those without any left out."""
        steps: list[Likelihood | None] = [*reversed(Likelihood), None]
        return tuple(count for step in steps if (count := self._count(step)).episodes)

    def _count(self, step: Likelihood | None) -> StepCount:
        said = [e.verdict for e in self.raised if e.step is step]
        kinds = FeedbackVerdict.TRUE, FeedbackVerdict.FALSE, FeedbackVerdict.UNKNOWN
        return StepCount(step, len(said), *(said.count(kind) for kind in kinds))


def episodes_of(
    moves: Iterable[AlarmMove], open_alarms: Iterable[Alarm], feedback: Sequence[EpisodeFeedback], *, end_ns: int
) -> tuple[JudgedEpisode, ...]:
    """The anomaly alarms of one pump, oldest first, with what people said of them; peak and step are not known yet.

    `moves` are those of the pump, oldest first, `open_alarms` its alarms of now. What has not ended goes on up to
    `end_ns`.
    """
    own = [move for move in moves if move.alarm.source == ANOMALY]
    found = occurrences(own, [alarm for alarm in open_alarms if alarm.source == ANOMALY])
    return tuple(_episode(once, feedback, end_ns) for once in found)


def _episode(once: Occurrence, feedback: Sequence[EpisodeFeedback], end_ns: int) -> JudgedEpisode:
    ended_ns = max(once.ended_ns if once.ended_ns is not None else end_ns, once.raised_ns)
    on_it = [f for f in feedback if f.start_ns <= ended_ns and f.end_ns >= once.raised_ns]
    said = max(on_it, key=lambda f: f.given_ns, default=None)
    alarm = once.alarm
    return JudgedEpisode(once.raised_ns, ended_ns, alarm.text, alarm.tag, is_open=once.ended_ns is None, feedback=said)


def marks_of(rows: Iterable[JournalRow], moves: Iterable[AlarmMove]) -> tuple[ModelMark, ...]:
    """What was done to the judging of a pump, oldest first, from its journal and the moves of its alarms."""
    found = [
        ModelMark(row.time_ns, change, row.text, row.by)
        for row in rows
        if (change := _OF_COMMAND.get(str(row.detail.get("command")))) is not None and row.detail.get("ok", True)
    ]
    said: dict[int, str] = {}
    for move in moves:
        alarm = move.alarm
        if alarm.source == ANOMALY and alarm.state.is_active:
            # Within one episode an alarm gets another text only when it has become a new level.
            if alarm.text != said.setdefault(alarm.raised_ns, alarm.text):
                found.append(ModelMark(move.time_ns, ModelChange.NEW_LEVEL, alarm.text))
            said[alarm.raised_ns] = alarm.text
    return tuple(sorted(found, key=lambda mark: mark.time_ns))


def step_of(
    time_s: NDArray[np.float64], score: NDArray[np.float64], feedback: Iterable[EpisodeFeedback], *, start_ns: int
) -> tuple[float, Likelihood | None]:
    """The highest score of an episode, and the highest likelihood that its scores came to as it was shown then.

    `time_s`, `score` (m,) are those of the episode and of the minute before it; `feedback` on earlier episodes counts
    as far as it was given before `start_ns` (Unix UTC). NaN and None without scores.
    """
    shift = shift_of(f.verdict for f in feedback if start_ns - FEEDBACK_COUNTS_NS <= f.given_ns < start_ns)
    evidence, best, peak = Evidence(), 0.0, nan
    for at_s, x in zip(time_s.tolist(), score.tolist(), strict=True):
        if x == x:
            evidence.update(round(at_s * 1e9), x)
            if at_s * 1e9 >= start_ns - 10**9:
                best = max(best, evidence.probability(shift))
                peak = x if peak != peak else max(peak, x)
    return peak, likelihood_of(best) if peak == peak else None


Known = Mapping[int, tuple[float, Likelihood | None]]
"""What `step_of` gave for episodes that have ended, by their start."""
