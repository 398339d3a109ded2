"""What a model is commissioned on: recordings of normal running, checked for length, as frames with their run state."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.frame import Frame
from pumpwatch_gui.domain.profile import PumpProfile
from pumpwatch_gui.domain.recording import Recording
from pumpwatch_gui.domain.running import run_rule, state_of
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.infer.frames import frames_of
from pumpwatch_gui.infer.window import Pace

WARN_BELOW_S = 45 * 60.0
REFUSE_BELOW_S = 25 * 60.0


@dataclass(frozen=True, slots=True)
class Commissioning:
    """Recordings of normal running of one or more pumps of a profile; each recording is a pump of its own."""

    profile: PumpProfile
    recordings: tuple[Recording, ...]

    def runs(self) -> Iterator[Iterator[tuple[Frame, RunState]]]:
        """For each recording its frames in order, each with the run state told from it."""
        rule = run_rule(self.profile)
        for number, recording in enumerate(self.recordings):
            frames = frames_of(recording, self.profile, pump_id=f"recording {number + 1}")
            yield ((frame, state_of(frame, self.profile.tags, rule)) for frame in frames)

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
