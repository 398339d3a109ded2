"""What a model is commissioned on: recordings of normal running, checked for length, as frames with their run state."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.pump.running import RunRule, run_rule, state_of
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.arrays import freeze_arrays
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.pace import Pace
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.infer.detectors.flat_line import FlatLine, flat_limits
from pumpwatch_gui.infer.evaluation.recorded_frames import frames_of
from pumpwatch_gui.infer.training.statistics import BLOCK_S

WARN_BELOW_S = 45 * 60.0
REFUSE_BELOW_S = 25 * 60.0
LEAST_BLOCK_S = 60.0
ROWS_OF_BLOCK = 20
ROWS_BETWEEN_PAUSES = 40
Pause = Callable[[], None]
"""Called every few milliseconds of the work: it may wait, and what it raises ends the work."""
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

    def overview(self) -> "Overview":
        """One pass over everything."""
        flat = FlatLine(len(self.profile.sensors))
        longest = np.zeros(len(self.profile.sensors))
        blocks: list[NDArray[np.float64]] = []
        intervals: list[float] = []
        whole_s = max(BLOCK_S, ROWS_OF_BLOCK * self.period_s)
        for run in self.runs():
            pace, block, block_s = Pace(), list[NDArray[np.float64]](), 0.0
            flat.reset()
            for frame, state in run:
                interval = pace.step(frame.mono_ns)
                if state is not RunState.RUNNING or np.isinf(interval):
                    flat.reset()
                if state is not RunState.RUNNING:
                    continue
                step_s = interval if np.isfinite(interval) else 0.0
                intervals.append(step_s)
                longest = np.maximum(longest, flat.step(step_s, frame.values))
                block.append(frame.values)
                block_s += step_s
                if block_s >= whole_s:
                    blocks.append(np.stack(block))
                    block, block_s = [], 0.0
            if block_s >= LEAST_BLOCK_S:
                blocks.append(np.stack(block))
        rows = np.concatenate(blocks) if blocks else np.zeros((0, longest.size))
        return Overview(
            rows=len(rows),
            period_s=float(np.median([s for s in intervals if s > 0] or [1.0])),
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
        total = 0.0
        for run in self.runs():
            pace = Pace()
            for frame, state in run:
                interval = pace.step(frame.mono_ns)
                if state is RunState.RUNNING and np.isfinite(interval):
                    total += interval
        return total

    def running_rows(self) -> NDArray[np.float64]:
        """The values (m, n) of every frame while running, NaN where BAD."""
        rows = [frame.values for run in self.runs() for frame, state in run if state is RunState.RUNNING]
        return np.array(rows).reshape(len(rows), len(self.profile.sensors))


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
