"""The one rule by which scores become an alarm, live and in every replay, and the episodes it makes."""

from dataclasses import dataclass, replace
from math import isnan

from pumpwatch_gui.domain.alarms.alarm import Stimulus
from pumpwatch_gui.domain.alarms.delays import OnOffDelay
from pumpwatch_gui.domain.values.pace import Pace


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """When scores in limit units raise an alarm, when it returns, and which alarms are one episode.

    Raised after `on_delay_s` above `threshold`, returned after `off_delay_s` below `clear_below`, or after `quiet_s`
    without a score above the threshold; raised again within `merge_s` of its last instant it is the same episode. While
    a pump is not scored its alarm stays as it is: nothing says that the trouble is over. A delay restarts after a gap
    in the scores (more than 3 of their usual intervals, at least 1 s: `Pace`).
    An alarm that has held for `new_level_after_s` of scored time is a new level: a person has to confirm it or to
    re-baseline the pump, and only `new_level_quiet_s` without a score above the threshold end the alarm.
    Raises ValueError when the clear level is above the threshold or a time is negative.
    """

    threshold: float = 1.0
    clear_below: float = 0.6
    on_delay_s: float = 5.0
    off_delay_s: float = 5.0
    quiet_s: float = 20.0
    merge_s: float = 30.0
    new_level_after_s: float = 900.0
    new_level_quiet_s: float = 600.0

    def __post_init__(self) -> None:
        """Check the levels and the signs."""
        if not self.clear_below <= self.threshold:
            raise ValueError("the clear level must not be above the threshold")
        delays = self.on_delay_s, self.off_delay_s, self.quiet_s, self.merge_s
        if min(*delays, self.new_level_after_s, self.new_level_quiet_s) < 0:
            raise ValueError("delays must not be negative")

    def scaled(self, level: float) -> "AlarmRule":
        """The same rule for scores of which `level` is 1.0 in limit units."""
        return replace(self, threshold=self.threshold * level, clear_below=self.clear_below * level)


ANOMALY_RULE = AlarmRule()
"""Of the anomaly alarm, after the test-bed protocols: a deep hysteresis holds an alarm through a fault that comes and
goes (missed rows of a streamed pump 37 to 20 %), and 20 s without a score over the threshold end what only hovers below
it (a third of the false alarm rate that the hysteresis alone would have)."""


class ScoreAlarm:
    """The alarm of one stream of scores. Feed it every score in the order of time."""

    def __init__(self, rule: AlarmRule = ANOMALY_RULE, *, active: bool = False) -> None:
        self._rule = rule
        self._delay = OnOffDelay(round(rule.on_delay_s * 1e9), round(rule.off_delay_s * 1e9), active)
        self._pace = Pace()
        self._active_ns: int | None = None  # the last scored instant in alarm
        self._quiet_ns: int | None = None  # since when no score was above the threshold
        self._held_s = 0.0  # for how long the episode has been in alarm

    @property
    def active(self) -> bool:
        """Whether the alarm is on."""
        return self._delay.active

    @property
    def is_at_new_level(self) -> bool:
        """Whether it has held for so long that a person has to confirm the level or to re-baseline the pump."""
        return self.active and self._held_s >= self._rule.new_level_after_s

    @property
    def outlook(self) -> tuple[object, ...] | None:
        """Two alarms with the same one go on alike; None while an episode or a delay is not over."""
        last_ns = self._pace.last_ns
        if self.active or self._delay.is_running or (self._active_ns is not None and self._is_same_episode(last_ns)):
            return None
        return self._pace.outlook

    def update(self, mono_ns: int, score: float) -> Stimulus | None:
        """What this score changed, None when nothing; NaN is no score.

        RAISED, RESUMED (the same episode goes on), NEW_LEVEL (once, when the episode has become one) or RETURNED.
        """
        if isnan(score):
            return None
        if score <= self._rule.threshold and not (self.active or self._delay.is_running):
            self._pace.step(mono_ns)  # nothing else comes of it, and nearly every score is such a one
            return None
        gap_s = self._pace.gap_s  # before the step: an interval must not make its own pace
        step_s = self._pace.step(mono_ns)
        if step_s > gap_s:
            self._delay.restart()
            self._quiet_ns, step_s = None, 0.0
        rule, was_new_level = self._rule, self.is_at_new_level
        if self.active:
            self._held_s += step_s
        stimulus = self._delay.update(mono_ns, over=score > rule.threshold, clear=score < rule.clear_below)
        if self._is_quiet(mono_ns, score):
            self._delay.restart()
            self._delay.active, stimulus = False, Stimulus.RETURNED
        if stimulus is Stimulus.RAISED and self._is_same_episode(mono_ns):
            stimulus = Stimulus.RESUMED
        if stimulus is Stimulus.RAISED:
            self._held_s = 0.0
        if self.active:
            self._active_ns = mono_ns
        return Stimulus.NEW_LEVEL if stimulus is None and self.is_at_new_level and not was_new_level else stimulus

    def _is_quiet(self, mono_ns: int, score: float) -> bool:
        """Whether an alarm that is on has had no score above the threshold for long enough."""
        if score > self._rule.threshold:
            self._quiet_ns = None
            return False
        if self._quiet_ns is None:
            self._quiet_ns = mono_ns
        quiet_s = self._rule.new_level_quiet_s if self.is_at_new_level else self._rule.quiet_s
        return self.active and mono_ns - self._quiet_ns >= round(quiet_s * 1e9)

    def _is_same_episode(self, mono_ns: int) -> bool:
        return self._active_ns is not None and mono_ns - self._active_ns <= self._rule.merge_s * 1e9


@dataclass(frozen=True, slots=True)
class Episode:
    """From the instant an alarm was raised to the last one in alarm (monotonic ns); `peak` is the highest score."""

    start_ns: int
    end_ns: int
    peak: float


class Episodes:
    """A score alarm that remembers its episodes."""

    def __init__(self, rule: AlarmRule = ANOMALY_RULE) -> None:
        self._alarm = ScoreAlarm(rule)
        self._closed: list[Episode] = []
        self._last: Episode | None = None

    def update(self, mono_ns: int, score: float) -> bool:
        """Take the next score (NaN: none); whether the alarm is on after it."""
        stimulus = self._alarm.update(mono_ns, score)
        if stimulus is Stimulus.RAISED:
            if self._last is not None:
                self._closed.append(self._last)
            self._last = Episode(mono_ns, mono_ns, score)
        elif self._alarm.active and self._last is not None and not isnan(score):
            self._last = Episode(self._last.start_ns, mono_ns, max(self._last.peak, score))
        return self._alarm.active

    @property
    def all(self) -> tuple[Episode, ...]:
        """Every episode so far, the newest last; it may still go on."""
        return (*self._closed, *((self._last,) if self._last else ()))
