"""How many alarms a threshold would have raised in healthy running, and the lowest that raises few enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.episodes import ANOMALY_RULE, AlarmRule, Episodes
from pumpwatch_gui.domain.values.arrays import freeze_arrays
from pumpwatch_gui.domain.values.pace import Pace

Floats = NDArray[np.float64]

DAY_S = 86_400.0
ALARMS_A_DAY = 1.0
_BISECTIONS = 30


@dataclass(frozen=True, eq=False)
class Track:
    """A stretch of scores (m,) of one pump, with their rising times (m,) in seconds."""

    time_s: Floats
    score: Floats

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        freeze_arrays(self, "time_s", "score")

    @cached_property
    def time_ns(self) -> NDArray[np.int64]:
        """The times (m,) in nanoseconds."""
        return np.rint(self.time_s * 1e9).astype(np.int64)

    @cached_property
    def follows_gap(self) -> NDArray[np.bool_]:
        """At which scores (m,) a delay restarts."""
        pace, gaps = Pace(), []
        for time_ns in self.time_ns.tolist():
            gap_s = pace.gap_s
            gaps.append(pace.step(time_ns) > gap_s)
        return np.array(gaps, dtype=np.bool_)

    @property
    def duration_s(self) -> float:
        """From the first to the last, holes counted as nothing."""
        steps = np.diff(self.time_s)
        return float(steps[steps <= ANOMALY_RULE.merge_s].sum())


def alarms_at(level: float, tracks: Sequence[Track]) -> int:
    """How many episodes the alarm rule makes of the tracks where `level` scores 1.0."""
    rule = ANOMALY_RULE.scaled(level)
    return sum(_episodes(track, rule) for track in tracks if track.score.size)


def level_for_alarm_rate(tracks: Sequence[Track], *, a_day: float = ALARMS_A_DAY) -> float:
    """The lowest level at which the tracks raise at most `a_day` alarms a day in all (none in less than a day)."""
    allowed = int(sum(track.duration_s for track in tracks) / DAY_S * a_day)
    low, high = 0.0, max((float(track.score.max()) for track in tracks if track.score.size), default=0.0)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if alarms_at(middle, tracks) > allowed:
            low = middle
        else:
            high = middle
    return max(high, 0.0)


def _episodes(track: Track, rule: AlarmRule) -> int:
    """What `Episodes` counts, for a whole track at once: a threshold is searched by many passes."""
    raised = _held(track, track.score > rule.threshold, rule.on_delay_s)
    returned = _held(track, track.score < rule.clear_below, rule.off_delay_s)
    returned |= _held(track, track.score <= rule.threshold, rule.quiet_s)
    moved = np.where(raised | returned, np.arange(track.score.size), -1)
    last = np.maximum.accumulate(moved)
    in_alarm = np.flatnonzero((last >= 0) & raised[last])
    if in_alarm.size and _may_be_new_level(track, in_alarm, rule):  # it ends by another delay: rare, so row by row
        episodes = Episodes(rule)
        for time_ns, score in zip(track.time_ns.tolist(), track.score.tolist(), strict=True):
            episodes.update(time_ns, score)
        return len(episodes.all)
    apart = (np.diff(in_alarm) > 1) & (np.diff(track.time_ns[in_alarm]) > rule.merge_s * 1e9)
    return int(in_alarm.size > 0) + int(apart.sum())


def _may_be_new_level(track: Track, in_alarm: NDArray[np.int64], rule: AlarmRule) -> bool:
    """Whether an episode may last so long that it becomes a new level, from the rows (k,) in alarm."""
    times_ns = track.time_ns[in_alarm]
    parts = np.split(times_ns, np.flatnonzero(np.diff(times_ns) > rule.merge_s * 1e9) + 1)
    return max(int(part[-1] - part[0]) for part in parts) >= rule.new_level_after_s * 1e9


def _held(track: Track, condition: NDArray[np.bool_], delay_s: float) -> NDArray[np.bool_]:
    """Where a condition (m,) has held for its delay, counted from its first sample after a gap."""
    before = np.concatenate(([False], condition[:-1]))
    begins = condition & (~before | track.follows_gap)
    since = np.maximum.accumulate(np.where(begins, np.arange(condition.size), 0))
    held: NDArray[np.bool_] = condition & (track.time_ns - track.time_ns[since] >= round(delay_s * 1e9))
    return held
