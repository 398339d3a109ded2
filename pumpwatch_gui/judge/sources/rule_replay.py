"""A rule on the past of one pump: which alarms it would have raised, by what judges it live."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.alarm import Stimulus
from pumpwatch_gui.domain.alarms.delays import OnOffDelay
from pumpwatch_gui.domain.alarms.rate_window import RateWindow
from pumpwatch_gui.domain.alarms.rule_sheet import RuleSheet, SisterTag
from pumpwatch_gui.domain.alarms.rules import CustomRule
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.pace import GAP_PERIODS, LEAST_GAP_S
from pumpwatch_gui.judge.sources.conditions import Conditions, RunMask
from pumpwatch_gui.judge.sources.limit_replay import rows_to_judge, state_rows

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Progress = Callable[[float], None]
LONGEST_STEP_S = 60.0
"""Of a longer pause between two rows it is not known what happened in it."""


@dataclass(frozen=True, slots=True, eq=False)
class PumpPast:
    """The past of a pump: rising times (m,) Unix ns, its quantities (m, n) with NaN where BAD, run states (m)."""

    time_ns: Times
    values: Floats
    states: Sequence[RunState]


@dataclass(frozen=True, slots=True, eq=False)
class SisterPast:
    """One tag of another pump: rising times (k,) Unix ns and values (k,), NaN where BAD."""

    time_ns: Times
    values: Floats


@dataclass(frozen=True, slots=True)
class RuleEpisode:
    """One alarm of a rule: when it was active, Unix ns; one that goes on ends with the past."""

    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class JudgedRule:
    """What a rule would have done on one pump, in hours: those judged, and those of them in which its terms held."""

    episodes: tuple[RuleEpisode, ...]
    judged_h: float
    held_h: float


def replay_rule(
    rule: CustomRule,
    profile: PumpProfile,
    past: PumpPast,
    sisters: Mapping[SisterTag, SisterPast],
    *,
    progress: Progress = lambda part: None,
) -> JudgedRule:
    """The alarms that a rule would have raised. `progress` gets the part done, 0 to 1; what it raises ends the work.

    Rows on which nothing can happen are passed over. The parts of a rate lie on the wall clock, live on the monotonic
    one: an alarm of a rate may come a twentieth of its span earlier or later than it did.
    """
    sheet, size = RuleSheet((rule,), profile), past.time_ns.size
    masked = _masked(past) if rule.only_running else np.zeros(size, dtype=np.bool_)
    others = [_at(sisters[key], past.time_ns) for key in sheet.sisters]
    rates = [
        _rates(key.over_s, past.time_ns, past.values[:, profile.index(key.tag)], masked, i, len(sheet.rates), progress)
        for i, key in enumerate(sheet.rates)
    ]
    rows = sheet.rows(past.values, _columns(others, size), _columns(rates, size))
    over, clear, known = rows.over[:, 0], rows.clear[:, 0], rows.known[:, 0]
    conditions = Conditions()
    delay = OnOffDelay(int(rule.on_delay_s * 1e9), int(rule.off_delay_s * 1e9))
    conditions.use((delay,), np.array([rule.only_running]))
    found, since_ns = list[RuleEpisode](), 0
    matters = over | state_rows(past.time_ns, past.states)
    for row in rows_to_judge(matters, lambda: conditions.is_quiet, progress):
        at, at_ns = slice(row, row + 1), int(past.time_ns[row])
        for _, stimulus in conditions.step(at_ns, past.states[row], over[at], clear[at], known[at]):
            if stimulus is Stimulus.RAISED:
                since_ns = at_ns
            elif stimulus is Stimulus.RETURNED:
                found.append(RuleEpisode(since_ns, at_ns))
    if delay.active:
        found.append(RuleEpisode(since_ns, int(past.time_ns[-1])))
    step_s = np.minimum(np.diff(past.time_ns, append=past.time_ns[-1:]) / 1e9, LONGEST_STEP_S)
    judged = known & ~masked
    hours = (float(step_s[judged].sum()) / 3600, float(step_s[judged & over].sum()) / 3600)
    return JudgedRule(tuple(found), *hours)


def _columns(columns: Sequence[Floats], size: int) -> Floats:
    return np.column_stack(columns) if columns else np.empty((size, 0))


def _masked(past: PumpPast) -> NDArray[np.bool_]:
    """Where a rule that is only for a running pump is not judged: it is stopped, may be, or starts up."""
    mask = RunMask()
    steps = zip(past.time_ns.tolist(), past.states, strict=True)
    return np.array([mask.step(at_ns, state) for at_ns, state in steps], dtype=np.bool_)


def _at(sister: SisterPast, time_ns: Times) -> Floats:
    """The newest value of another pump at these times (m,), NaN where it is too old, as live."""
    if not sister.time_ns.size:
        return np.full(time_ns.size, np.nan)
    place = np.searchsorted(sister.time_ns, time_ns, side="right") - 1
    pace_s = float(np.median(np.diff(sister.time_ns))) / 1e9 if sister.time_ns.size > 1 else 0.0
    is_old = (place < 0) | (time_ns - sister.time_ns[place] > max(LEAST_GAP_S, GAP_PERIODS * pace_s) * 1e9)
    return np.where(is_old, np.nan, sister.values[place])


def _rates(
    over_s: float, time_ns: Times, values: Floats, masked: NDArray[np.bool_], at: int, count: int, progress: Progress
) -> Floats:
    """The rate at each row (m,), NaN where the value is."""
    window, rates = RateWindow(over_s), np.empty(values.size)
    for row, (at_ns, value, is_masked) in enumerate(
        zip(time_ns.tolist(), values.tolist(), masked.tolist(), strict=True)
    ):
        rates[row] = window.step(at_ns, value)
        if is_masked:
            window.clear()
        if row % 50_000 == 0:
            progress((at + row / values.size) / (count + 1))
    return np.where(np.isnan(values), np.nan, rates)
