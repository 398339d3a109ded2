"""Limits on the past: which alarms they would have raised, by the judge that judges live."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.alarm import Stimulus
from pumpwatch_gui.domain.pump.profile import Limits, PumpProfile, Sensor
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import GOOD_CODE, Quality, Reason
from pumpwatch_gui.judge.sources.conditions import START_UP_NS
from pumpwatch_gui.judge.sources.limits import LimitJudge

ROWS_BEFORE = 17
"""Rows from which the judge knows the pace of the frames."""
_ROWS_BETWEEN_LOOKS = 50_000


@dataclass(frozen=True, slots=True)
class PastEpisode:
    """One alarm of a limit: its level (`high`) and when it was active, Unix ns; one that goes on ends with the past."""

    level: str
    start_ns: int
    end_ns: int

    @property
    def is_high(self) -> bool:
        """Whether it is of an upper limit."""
        return self.level.startswith("high")


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """One quantity of a pump: rising times (m,) Unix ns, values (m,) with NaN where BAD, run states (m)."""

    time_ns: NDArray[np.int64]
    values: NDArray[np.float64]
    states: Sequence[RunState]


def replay(
    sensor: Sensor, limits: Limits, past: Past, *, progress: Callable[[float], None] = lambda part: None
) -> tuple[PastEpisode, ...]:
    """The alarms that `limits` would have raised, in the order in which they ended.

    Rows on which nothing can happen are passed over: of a month of values few are near a limit. `progress` gets the
    part done, 0 to 1; what it raises ends the work.
    """
    judge = LimitJudge(PumpProfile("past", (replace(sensor, limits=limits),)))
    since: dict[str, int] = {}
    found: list[PastEpisode] = []
    matters = _over(past, limits) | state_rows(past.time_ns, past.states)
    for row in rows_to_judge(matters, lambda: judge.is_quiet, progress):
        at_ns = int(past.time_ns[row])
        for signal in judge.judge(_frame(row, at_ns, float(past.values[row])), past.states[row]):
            level = signal.source.rpartition(".")[2]
            if signal.stimulus is Stimulus.RAISED:
                since[level] = at_ns
            elif signal.stimulus is Stimulus.RETURNED and level in since:
                found.append(PastEpisode(level, since.pop(level), at_ns))
    found += [PastEpisode(level, start_ns, int(past.time_ns[-1])) for level, start_ns in since.items()]
    return tuple(found)


def rows_to_judge(
    matters: NDArray[np.bool_], is_quiet: Callable[[], bool], progress: Callable[[float], None]
) -> Iterator[int]:
    """The rows that a judge has to see, of those that matter (m,): from before each, until no delay runs any longer."""
    wanted = np.flatnonzero(matters)
    row, size = 0, matters.size
    looked = 0
    while row < size:
        after = int(np.searchsorted(wanted, row))
        if after == wanted.size:
            return
        row = max(row, int(wanted[after]) - ROWS_BEFORE)
        last = int(wanted[after])
        while row < size and (row <= last or not is_quiet()):
            if row - looked >= _ROWS_BETWEEN_LOOKS:
                looked = row
                progress(row / size)
            yield row
            row += 1


def state_rows(time_ns: NDArray[np.int64], states: Sequence[RunState]) -> NDArray[np.bool_]:
    """Whether a row (m,) is the first of all, the first in another run state, or the first after a start-up."""
    matters = np.zeros(time_ns.size, dtype=np.bool_)
    codes = {state: i for i, state in enumerate(RunState)}
    changes = np.flatnonzero(np.diff(np.array([codes[state] for state in states], dtype=np.int8))) + 1
    matters[:1] = True
    matters[changes] = True
    started = np.searchsorted(time_ns, time_ns[changes] + START_UP_NS)
    matters[started[started < matters.size]] = True
    return matters


def _over(past: Past, limits: Limits) -> NDArray[np.bool_]:
    """Whether a row (m,) is over a limit."""
    with np.errstate(invalid="ignore"):
        over = np.zeros(past.values.size, dtype=np.bool_)
        for limit in (limits.high, limits.high_high):
            over |= past.values > limit if limit is not None else False
        for limit in (limits.low, limits.low_low):
            over |= past.values < limit if limit is not None else False
    return over


def _frame(row: int, at_ns: int, value: float) -> Frame:
    is_bad = value != value
    quality = np.array([Quality.BAD if is_bad else GOOD_CODE], dtype=np.uint8)
    reason = np.array([Reason.NOT_A_NUMBER if is_bad else 0], dtype=np.uint8)
    return Frame("past", row, at_ns, at_ns, np.array([value]), quality, reason)
