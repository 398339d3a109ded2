"""How a pump learns itself: which of its rows count, how far it has come, and when a fit is due."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.episodes import ScoreAlarm
from pumpwatch_gui.domain.detection import Detection, LearningPhase, LearningStep, LearningView
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.pump.running import run_rule
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.pace import Pace
from pumpwatch_gui.domain.values.quality import Quality
from pumpwatch_gui.domain.wording import number
from pumpwatch_gui.infer.evaluation.lanes import Pause
from pumpwatch_gui.infer.learning.fitting import USUAL_PERIOD_S, learn
from pumpwatch_gui.infer.learning.material import Block, Material

Floats = NDArray[np.float64]

HOUR_S = 3600.0
FIRST_S, SHOWN_S = HOUR_S, 3 * HOUR_S
REFITS_S = (3 * HOUR_S, 8 * HOUR_S, 24 * HOUR_S)
AGAIN_S = HOUR_S / 2
REGION_S = HOUR_S
BLOCK_S = 600.0
START_S = 300.0
AFTER_TROUBLE_S = 60.0
LEAST_STEP_S = 0.5
MOST_FAR = 0.05
SAME_PACE = 1.25
"""A pump whose reads come so much slower or faster is read in another period; less is a line that is busy at times."""
HOUR_BLOCKS = 6
MOST_STEPS = 12
MOST_FITTED = 6 * HOUR_BLOCKS


def threshold_factor_at(running_s: float) -> float:
    """The threshold factor of a fit: what has been seen for an hour only will wander further than in a day."""
    return 1.6 if running_s < REFITS_S[0] else 1.4 if running_s < REFITS_S[1] else 1.25


class _Row(NamedTuple):
    mono_ns: int
    time_ns: int
    step_s: float
    values: Floats


def caution_at(running_s: float) -> float:
    """How much of an engineer's first guess widens the limits: all of it until a day of moves has been seen."""
    return 1.0 if running_s < REFITS_S[2] else 0.7


@dataclass(frozen=True, slots=True)
class Fit:
    """A fit that is due: on which blocks, at how much running, and why. `slow` is that of the learner."""

    blocks: tuple[Block, ...]
    running_s: float
    why: str
    slow: float = 1.0

    @property
    def usual_s(self) -> float:
        """The running of a pump that is read often which would have as many rows."""
        return self.running_s / self.slow


class Learner:
    """One pump's learning. Feed it every frame, and every detection once the pump is judged.

    A row counts when the pump runs and has settled, no value is beyond a limit of the site and no alarm of its own is
    on; a value that is not GOOD is left out. The minute before any such trouble does not count either. Rows closer than
    half a second are thinned.
    """

    def __init__(self, profile: PumpProfile, material: Material) -> None:
        self.material = material
        self._profile = profile
        self._rule = run_rule(profile)
        self._point = profile.index(self._rule.tag) if self._rule is not None else -1
        self._low, self._high = _limits(profile)
        self._rows: deque[_Row] = deque()
        self._rows_s = 0.0
        self._pace, self._alarm = Pace(), ScoreAlarm()
        self._slow = 1.0
        self._last_ns: int | None = None
        self._ready_ns: int | None = None
        self._was_stopped = False
        self._obstacle = ""
        self._time_ns = 0
        self._view = LearningView(LearningPhase.LEARNING, 0.0, SHOWN_S)
        self.under_way: Fit | None = None

    @property
    def counted_s(self) -> float:
        """Seconds of running that have counted so far."""
        return self.material.progress.counted_s + self._rows_s

    @property
    def slow(self) -> float:
        """How many times longer everything takes for a pump that is read less than every half minute."""
        period_s = self._pace.period_s
        now = period_s / USUAL_PERIOD_S if period_s > 1.1 * USUAL_PERIOD_S else 1.0
        if not 1 / SAME_PACE < now / self._slow < SAME_PACE:
            self._slow = round(now, 1)
        return self._slow

    def view(self, *, is_in_force: bool = True) -> LearningView:
        """How far it has come, the same object while nothing has changed. Any thread."""
        progress = self.material.progress
        phase = LearningPhase.LEARNING
        if progress.version:
            phase = LearningPhase.PROVISIONAL if progress.fitted_s < SHOWN_S else LearningPhase.ARMED
        obstacle = self._obstacle or (f"not calm: {progress.not_calm}" if progress.not_calm else "")
        minutes = int(self.counted_s / 60)
        view = LearningView(phase, 60.0 * minutes, SHOWN_S * self.slow, obstacle, progress.steps, is_in_force)
        if view != self._view:
            self._view = view
        return self._view

    def feed(self, frame: Frame, state: RunState) -> None:
        """Take in the next frame. Raises OSError when a block cannot be written."""
        if self._last_ns is not None and 0 <= frame.mono_ns - self._last_ns < LEAST_STEP_S * 1e9:
            return
        interval_s = self._pace.step(frame.mono_ns)
        self._last_ns, self._time_ns = frame.mono_ns, frame.time_ns
        self._obstacle = self._trouble(frame, state)
        if self._obstacle:
            return
        values = np.where(frame.quality == int(Quality.GOOD), frame.values, np.nan)
        step_s = interval_s if np.isfinite(interval_s) else 0.0
        self._rows.append(_Row(frame.mono_ns, frame.time_ns, step_s, values))
        self._rows_s += step_s
        if self._rows_s >= (BLOCK_S + AFTER_TROUBLE_S) * self.slow:
            self._keep(BLOCK_S * self.slow)

    def judged(self, detection: Detection) -> None:
        """Take in what a model found: while its alarm is on nothing counts."""
        self._alarm.update(detection.mono_ns, detection.score)

    def due(self) -> Fit | None:
        """The fit that is due now, None when there is none or one is under way."""
        progress, blocks = self.material.progress, self.material.blocks
        if self.under_way is not None or not blocks:
            return None
        if progress.counted_s >= max(progress.due_s, FIRST_S * self.slow):
            return Fit(tuple(blocks), progress.counted_s, "", self.slow)
        outside = [b for b in blocks if not self._is_known(b.point)] if progress.version else []
        if sum(b.running_s for b in outside) >= REGION_S * self.slow:
            sensor = self._profile.sensors[self._point]
            low, high = (number(f(b.point for b in outside), sensor.decimals) for f in (min, max))
            return Fit(
                tuple(blocks), progress.counted_s, f"new operating region, {low} to {high} {sensor.unit}", self.slow
            )
        if progress.version and (joined := self._learnable(blocks) - set(progress.tags)):
            labels = ", ".join(s.label.lower() for s in self._profile.sensors if s.tag in joined)
            return Fit(tuple(blocks), progress.counted_s, f"values of {labels} have come", self.slow)
        return None

    def fitted(self, fit: Fit, version: str, not_calm: str, *, text: str) -> None:
        """Note what came of a fit: the `version` learnt, or what speaks against it; `text` says it for people.

        Raises OSError.
        """
        progress = self.material.progress
        later = [s * fit.slow for s in REFITS_S if s > fit.usual_s]
        due_s = later[0] if later else np.inf
        if not version:
            again_s = fit.running_s + AGAIN_S * fit.slow
            due_s = min(again_s, due_s) if fit.usual_s < SHOWN_S else fit.running_s + 2 * HOUR_S * fit.slow
        points = [b.point for b in fit.blocks]
        progress = replace(progress, due_s=min(due_s, 1e12), not_calm=not_calm)
        if version or fit.why:
            tags = self._learnable(fit.blocks)
            seen = tuple(tag for tag in self._profile.tags if tag in tags)
            progress = replace(progress, low=min(points), high=max(points), tags=seen)
        if version:
            progress = replace(progress, version=version, fitted_s=fit.usual_s)
        step = LearningStep(self._time_ns, text)
        if not progress.steps or progress.steps[-1].text != text:
            progress = replace(progress, steps=(*progress.steps, step)[-MOST_STEPS:])
        self.material.progress = progress
        self.under_way = None
        self.material.save()

    def begin_anew(self) -> None:
        """Forget what was learnt."""
        self.material.clear()
        self._rows.clear()
        self._rows_s, self._alarm, self.under_way = 0.0, ScoreAlarm(), None

    def close(self) -> None:
        """Keep what is left. Raises OSError."""
        if self._rows_s >= AFTER_TROUBLE_S * self.slow:
            self._keep(self._rows_s)

    def _trouble(self, frame: Frame, state: RunState) -> str:
        """Why this row does not count, "" where it does."""
        if state is not RunState.RUNNING:
            self._was_stopped |= state is RunState.STANDBY
            self._cut(frame.mono_ns, START_S if self._was_stopped else AFTER_TROUBLE_S)
            return "pump stopped" if state is RunState.STANDBY else "no data"
        good = frame.quality == int(Quality.GOOD)
        with np.errstate(invalid="ignore"):
            beyond = good & ((frame.values < self._low) | (frame.values > self._high))
        if beyond.any():
            self._cut(frame.mono_ns, AFTER_TROUBLE_S)
            return f"{self._profile.sensors[int(np.argmax(beyond))].label.lower()} beyond its limit"
        if self._alarm.active:
            self._cut(frame.mono_ns, AFTER_TROUBLE_S)
            return "an alarm is on"
        if self._ready_ns is None:
            self._ready_ns = frame.mono_ns + round(AFTER_TROUBLE_S * 1e9)
        if frame.mono_ns < self._ready_ns:
            return "the pump settles"
        self._was_stopped = False
        return ""

    def _cut(self, mono_ns: int, wait_s: float) -> None:
        """Trouble: the minute before it does not count, nor what follows until the pump has settled."""
        self._ready_ns = mono_ns + round(wait_s * 1e9)
        if not self._rows:
            return
        least_s = AFTER_TROUBLE_S * self.slow
        newest_ns = self._rows[-1].mono_ns
        while self._rows and newest_ns - self._rows[-1].mono_ns < least_s * 1e9:
            self._rows_s -= self._rows.pop().step_s
        if self._rows_s >= least_s:
            self._keep(self._rows_s)
        self._rows.clear()
        self._rows_s = 0.0

    def _keep(self, most_s: float) -> None:
        """Write the oldest `most_s` seconds of rows as a block, where it is still worth it."""
        rows, kept_s = list[_Row](), 0.0
        while self._rows and kept_s < most_s:
            rows.append(self._rows.popleft())
            kept_s += rows[-1].step_s
        self._rows_s -= kept_s
        values = np.stack([row.values for row in rows])
        point = _middle(values[:, self._point]) if self._point >= 0 else 0.0
        progress = self.material.progress
        is_enough = progress.counted_s >= REFITS_S[-1] * self.slow and progress.version != ""
        if is_enough and self._is_known(point) and set(progress.tags).issuperset(self.material.tags_in(values)):
            return  # a day of it is enough
        # By the monotonic clock: the other one may be set while the block is gathered.
        since_s = np.array([(row.mono_ns - rows[0].mono_ns) / 1e9 for row in rows])
        self.material.add(rows[0].time_ns / 1e9 + since_s, values, running_s=kept_s, point=point)

    def _learnable(self, blocks: Sequence[Block]) -> set[str]:
        """The sensors that had values for long enough to be learnt."""
        least_s = REGION_S * self.slow - BLOCK_S
        return {t for t in self._profile.tags if sum(b.running_s for b in blocks if t in b.tags) >= least_s}

    def _is_known(self, point: float) -> bool:
        progress = self.material.progress
        reach = MOST_FAR * max(abs(progress.low), abs(progress.high))
        return progress.low - reach <= point <= progress.high + reach


class Outcome(NamedTuple):
    """What came of a fit: the bundle (None: not calm), what speaks against it, and the blocks that it was made of."""

    path: Path | None
    not_calm: str
    blocks: Sequence[Block]


def carry_out(
    fit: Fit, material: Material, profile: PumpProfile, out: Path, *, name: str, pause: Pause = lambda: None
) -> Outcome:
    """Fit on everything, and where that was not calm on the newest three hours. Raises InputError, OSError."""
    factor = threshold_factor_at(fit.usual_s)
    tries = [_thinned(fit.blocks)]
    newest = _newest(fit.blocks, SHOWN_S * fit.slow)
    if len(newest) < len(tries[0]):
        tries.append(newest)
    not_calm = ""
    for blocks in tries:
        found = learn(
            profile, material.recordings(blocks), out, name=name, threshold_factor=factor,
            caution=caution_at(fit.usual_s), pause=pause,
        )  # fmt: skip
        if found.path is not None:
            return Outcome(found.path, "", blocks)
        not_calm = not_calm or found.calm.words
    return Outcome(None, not_calm, fit.blocks)


def _thinned(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """At most as many blocks as are worth the time, whole hours of them evenly chosen, the newest among them."""
    if len(blocks) <= MOST_FITTED:
        return tuple(blocks)
    hours = [tuple(blocks[max(end - HOUR_BLOCKS, 0) : end]) for end in range(len(blocks), 0, -HOUR_BLOCKS)][::-1]
    chosen = np.linspace(len(hours) - 1, 0, MOST_FITTED // HOUR_BLOCKS).round().astype(int)
    return tuple(block for i in sorted(set(chosen.tolist())) for block in hours[i])


def _newest(blocks: Sequence[Block], least_s: float) -> tuple[Block, ...]:
    kept, kept_s = list[Block](), 0.0
    for block in reversed(blocks):
        if kept_s >= least_s:
            break
        kept.insert(0, block)
        kept_s += block.running_s
    return tuple(kept)


def _limits(profile: PumpProfile) -> tuple[Floats, Floats]:
    """The inner limits of the site (n,), infinite where there is none."""
    low, high = [], []
    for sensor in profile.sensors:
        limits = sensor.limits
        low.append(max((x for x in (limits.low, limits.low_low) if x is not None), default=-np.inf))
        high.append(min((x for x in (limits.high, limits.high_high) if x is not None), default=np.inf))
    return np.array(low), np.array(high)


def _middle(values: Floats) -> float:
    there = values[np.isfinite(values)]
    return float(np.median(there)) if there.size else 0.0
