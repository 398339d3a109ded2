"""What a model is commissioned on: recordings of normal running, checked for length, as frames with their run state."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.pump.running import RunRule, run_rule, state_of, states_of
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.arrays import freeze_arrays
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.pace import Pace
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.infer.detectors.flat_line import flat_limits, longest_flat_runs
from pumpwatch_gui.infer.evaluation.lanes import Pause
from pumpwatch_gui.infer.evaluation.recorded_frames import RecordedRows, frames_of
from pumpwatch_gui.infer.training.statistics import BLOCK_S

WARN_BELOW_S = 45 * 60.0
REFUSE_BELOW_S = 25 * 60.0
LEAST_BLOCK_S = 60.0
ROWS_OF_BLOCK = 20
ROWS_BETWEEN_PAUSES = 40
THRESHOLD_FACTOR = 1.25
"""The threshold factor of a model when none is chosen."""


@dataclass(frozen=True, slots=True, eq=False)
class Overview:
    """The running part of all recordings at a glance.

    `rows` counts samples `period_s` apart; `used` (n,) marks sensors that had a value, `flat_s` (n,) is the run of one
    value that is a fault; `blocks` are the rows (m, n) in stretches of about ten minutes.
    """

    rows: int
    period_s: float
    used: NDArray[np.bool_]
    flat_s: NDArray[np.float64]
    blocks: tuple[NDArray[np.float64], ...]

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        freeze_arrays(self, "used", "flat_s")


class Seen:
    """The rows of one recording in which the pump runs, and which of all rows those are (`running`).

    `values` (m, n), NaN where BAD, the seconds `steps_s` (m,) since the row before (0 after a gap), and which (m,)
    begin a run, after a gap or another state.
    """

    def __init__(
        self, values: NDArray[np.float64], running: NDArray[np.bool_], intervals_s: NDArray[np.float64]
    ) -> None:
        self.running = running
        self.values, own_s = values[running], intervals_s[running]
        self.steps_s = np.where(np.isfinite(own_s), own_s, 0.0)
        follows = np.concatenate(([False], running[:-1]))[running]
        self.begins = ~follows | np.isinf(own_s)

    def blocks(self, whole_s: float) -> list[NDArray[np.float64]]:
        """The rows in blocks of at least so many seconds, what is left at the end where it is worth it."""
        ran_s, blocks, first = np.cumsum(self.steps_s), list[NDArray[np.float64]](), 0
        while first < ran_s.size:
            since_s = ran_s[first - 1] if first else 0.0
            end = int(np.searchsorted(ran_s, since_s + whole_s)) + 1
            if end > ran_s.size and ran_s[-1] - since_s < LEAST_BLOCK_S:
                break
            blocks.append(self.values[first:end])
            first = end
        return blocks


@dataclass(frozen=True, slots=True)
class Commissioning:
    """Recordings of normal running of one or more pumps of a profile; each recording is a pump of its own.

    `threshold_factor` widens the limit: a higher one alarms less. `leaves_out`: what looks like a fault in them is left
    out. Raises ValueError outside 0.5 to 5.
    """

    profile: PumpProfile
    recordings: tuple[Recording, ...]
    threshold_factor: float = THRESHOLD_FACTOR
    pause: Pause = lambda: None
    leaves_out: bool = True

    def __post_init__(self) -> None:
        """Check the threshold factor."""
        if not 0.5 <= self.threshold_factor <= 5.0:
            raise ValueError("threshold factor: must be 0.5 to 5")

    def runs(self) -> Iterator[Iterator[tuple[Frame, RunState]]]:
        """For each recording its frames in order, each with its run state."""
        rule = run_rule(self.profile)
        for number, recording in enumerate(self.recordings):
            frames = frames_of(recording, self.profile, pump_id=f"recording {number + 1}")
            yield self._run(frames, rule)

    def _run(self, frames: Iterator[Frame], rule: RunRule | None) -> Iterator[tuple[Frame, RunState]]:
        for row, frame in enumerate(frames):
            if row % ROWS_BETWEEN_PAUSES == 0:
                self.pause()
            yield frame, state_of(frame, self.profile.tags, rule)

    def seen(self) -> Iterator[Seen]:
        """The rows of each recording, all at once."""
        rule = run_rule(self.profile)
        for recording in self.recordings:
            self.pause()
            rows = RecordedRows([recording], self.profile)
            values = rows.values(np.arange(recording.time_s.size))
            states = states_of(values, self.profile.tags, rule)
            running = np.array([state is RunState.RUNNING for state in states], dtype=np.bool_)
            pace = Pace()
            intervals_s = np.array([pace.step(mono_ns) for mono_ns in rows.mono_ns.tolist()])
            yield Seen(values, running, intervals_s)

    def overview(self) -> Overview:
        """One pass over everything."""
        longest = np.zeros(len(self.profile.sensors))
        blocks: list[NDArray[np.float64]] = []
        steps: list[NDArray[np.float64]] = []
        whole_s = max(BLOCK_S, ROWS_OF_BLOCK * self.period_s)
        for seen in self.seen():
            longest = np.maximum(longest, longest_flat_runs(seen.values, seen.steps_s, begins=seen.begins))
            steps.append(seen.steps_s)
            blocks += seen.blocks(whole_s)
        rows = np.concatenate(blocks) if blocks else np.zeros((0, longest.size))
        every = np.concatenate(steps) if steps else np.zeros(0)
        return Overview(
            rows=len(rows),
            period_s=float(np.median(every[every > 0])) if (every > 0).any() else 1.0,
            used=np.asarray(np.isfinite(rows).any(axis=0)),
            flat_s=flat_limits(longest, changed=_changed(rows)),
            blocks=tuple(blocks),
        )

    @property
    def period_s(self) -> float:
        """The usual time between two rows, 1 s where there are none."""
        steps = [np.diff(recording.time_s) for recording in self.recordings]
        every = np.concatenate(steps) if steps else np.zeros(0)
        return float(np.median(every)) if every.size else 1.0

    def running_s(self) -> float:
        """Seconds of running without gaps, summed over the recordings."""
        return float(sum(seen.steps_s.sum() for seen in self.seen()))

    def running_rows(self) -> NDArray[np.float64]:
        """The values (m, n) of every frame while running, NaN where BAD."""
        rows = [np.zeros((0, len(self.profile.sensors)))]
        return np.concatenate(rows + [seen.values for seen in self.seen()])


def check_length(running_s: float, *, allow_short: bool) -> str:
    """A warning about too little running, or nothing. Raises InputError below 25 min unless `allow_short`."""
    minutes = running_s / 60
    if running_s >= WARN_BELOW_S:
        return ""
    text = f"only {minutes:.0f} min of normal running: thresholds from less than 45 min are rough"
    if running_s >= REFUSE_BELOW_S or (allow_short and running_s > 0):
        return text
    raise InputError(
        f"only {minutes:.1f} min of normal running, 25 min are needed",
        "record longer" if running_s == 0 else "record longer, or force it with --allow-short",
    )


def mute_sensors(profile: PumpProfile, rows: NDArray[np.float64]) -> Sequence[str]:
    """The tags that never had a value."""
    return [tag for tag, column in zip(profile.tags, rows.T, strict=True) if not np.isfinite(column).any()]


def _changed(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which sensors ever showed two values."""
    with np.errstate(invalid="ignore"):
        return np.array([np.unique(column[np.isfinite(column)]).size > 1 for column in rows.T], dtype=np.bool_)
