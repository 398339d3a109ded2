"""How often a level would have been an alarm: the operator's meaning of a threshold."""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.episodes import MERGE_S, ON_AFTER_S

Floats = NDArray[np.float64]

DAY_S = 86_400.0
ALARMS_A_DAY = 1.0
_BISECTIONS = 30


class Track(NamedTuple):
    """A stretch of scores (m,) of one pump, with their times (m,) in seconds."""

    time_s: Floats
    score: Floats

    @property
    def lasting(self) -> Floats:
        """The level the score has held for the on-delay at each instant (m,): what an alarm sees."""
        first = np.searchsorted(self.time_s, self.time_s - ON_AFTER_S - 1e-6)
        rows = int((np.arange(self.time_s.size) - first).max(initial=0)) + 1
        padded = np.concatenate((np.full(rows - 1, -inf), self.score))
        return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, rows).min(axis=1))

    @property
    def duration_s(self) -> float:
        """From the first to the last, holes counted as nothing."""
        steps = np.diff(self.time_s)
        return float(steps[steps <= MERGE_S].sum())


def alarms_at(level: float, tracks: Sequence[Track]) -> int:
    """How many alarms a threshold at `level` would have raised; those less than 30 s apart are one."""
    return sum(_alarms(level, track.time_s, track.lasting) for track in tracks)


def level_for_alarm_rate(tracks: Sequence[Track], *, a_day: float = ALARMS_A_DAY) -> float:
    """The lowest level at which the tracks raise at most `a_day` alarms a day in all (none in less than a day)."""
    allowed = int(sum(track.duration_s for track in tracks) / DAY_S * a_day)
    lasting = [(track.time_s, track.lasting) for track in tracks if track.score.size]
    low, high = 0.0, max((float(held.max()) for _, held in lasting), default=0.0)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if sum(_alarms(middle, time_s, held) for time_s, held in lasting) > allowed:
            low = middle
        else:
            high = middle
    return max(high, 0.0)


def _alarms(level: float, time_s: Floats, lasting: Floats) -> int:
    on = time_s[lasting > level]
    return int(on.size > 0) + int((np.diff(on) > MERGE_S).sum())
