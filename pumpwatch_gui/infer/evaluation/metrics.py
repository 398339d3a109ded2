"""How good alarms are against labels: row by row, and as the operator meets them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.episodes import ANOMALY_RULE
from pumpwatch_gui.domain.values.arrays import freeze_arrays

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_LONGEST_STEP_S = 5.0  # a hole in the recording is no time anybody watched


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One stretch: times (m,) in seconds, the label of each row (m,) and the alarm at each row (m,)."""

    name: str
    time_s: Floats
    label: Flags
    alarm: Flags

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        freeze_arrays(self, "time_s", "label", "alarm")

    def after(self, row: int) -> "Judged":
        """The rows from `row` on."""
        return Judged(self.name, self.time_s[row:], self.label[row:], self.alarm[row:])


@dataclass(frozen=True, slots=True)
class Marks:
    """The figures of a protocol.

    `f1`, `far` (false alarm rate, % of normal rows) and `mar` (missed alarm rate, % of anomalous rows) count rows.
    `detected` of `events` began with the alarm off and were then alarmed, after `delay_median_s` and `delay_p90_s`.
    `false_alarms` overlap no event, in `normal_h` hours; `in_alarm` is the % of normal time spent in alarm.
    """

    f1: float
    far: float
    mar: float
    events: int
    detected: int
    delay_median_s: float
    delay_p90_s: float
    false_alarms: int
    normal_h: float
    in_alarm: float


def marks(stretches: Sequence[Judged]) -> Marks:
    """All figures over all stretches together."""
    label = np.concatenate([s.label for s in stretches])
    alarm = np.concatenate([s.alarm for s in stretches])
    hit, false, missed = (int((a & b).sum()) for a, b in ((label, alarm), (~label, alarm), (label, ~alarm)))
    delays = [delay for s in stretches for delay in _delays(s)]
    found = [delay for delay in delays if np.isfinite(delay)]
    normal_s = sum(float(_steps(s)[~s.label].sum()) for s in stretches)
    alarmed_s = sum(float(_steps(s)[~s.label & s.alarm].sum()) for s in stretches)
    return Marks(
        f1=hit / (hit + (false + missed) / 2) if hit + false + missed else nan,
        far=_percent(false, int((~label).sum())),
        mar=_percent(missed, int(label.sum())),
        events=len(delays),
        detected=len(found),
        delay_median_s=float(np.median(found)) if found else nan,
        delay_p90_s=float(np.quantile(found, 0.9)) if found else nan,
        false_alarms=sum(_false_alarms(s) for s in stretches),
        normal_h=normal_s / 3600,
        in_alarm=_percent(alarmed_s, normal_s),
    )


def runs(flags: Flags) -> list[tuple[int, int]]:
    """Half-open stretches [start, stop) in which the flags hold."""
    edges = np.diff(np.concatenate(([0], flags.astype(np.int8), [0])))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


def alarms(time_s: Floats, alarm: Flags) -> list[tuple[int, int]]:
    """The alarms as episodes: runs no further apart than the rule merges are one."""
    merged: list[tuple[int, int]] = []
    for start, stop in runs(alarm):
        if merged and time_s[start] - time_s[merged[-1][1] - 1] <= ANOMALY_RULE.merge_s:
            merged[-1] = (merged[-1][0], stop)
        else:
            merged.append((start, stop))
    return merged


def _delays(stretch: Judged) -> Iterator[float]:
    """For each event the seconds until it was detected; infinite when it never was, or the alarm was on already."""
    for start, stop in runs(stretch.label):
        on = np.flatnonzero(stretch.alarm[start:stop])
        already = start > 0 and stretch.alarm[start - 1]
        yield float("inf") if already or not on.size else float(stretch.time_s[start + on[0]] - stretch.time_s[start])


def _false_alarms(stretch: Judged) -> int:
    return sum(not stretch.label[a:b].any() for a, b in alarms(stretch.time_s, stretch.alarm))


def _steps(stretch: Judged) -> Floats:
    return np.minimum(np.diff(stretch.time_s, append=stretch.time_s[-1] + 1.0), _LONGEST_STEP_S)


def _percent(part: float, whole: float) -> float:
    return 100.0 * part / whole if whole else nan
