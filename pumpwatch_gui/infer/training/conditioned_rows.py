"""What the live path makes of the rows of a recording, before anything is judged: what a chart is commissioned by."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from pumpwatch_gui.domain.pump.running import run_rule
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.infer.detectors.combined import CombinedDetector
from pumpwatch_gui.infer.detectors.detector import Floats, Windows
from pumpwatch_gui.infer.detectors.memory import Marks, Memory
from pumpwatch_gui.infer.detectors.step import as_window_rows
from pumpwatch_gui.infer.evaluation.lanes import NEAR, Lane, Lanes, Pause, Taker
from pumpwatch_gui.infer.evaluation.recorded_frames import RecordedRows


@dataclass(frozen=True, slots=True, eq=False)
class ConditionedRows:
    """The rows (m,) of a recording: times in seconds, residuals (m, n) in spreads and which of them count (m, n).

    `held` (m,) is how many rows the window holds, 0 where the pump cannot be scored; `added` (m,) marks the rows that
    came into it. `window` is how many rows a whole one has.
    """

    time_s: Floats
    residuals: Floats
    scored: Marks
    held: NDArray[np.intp]
    added: Marks
    window: int

    def windows(self, rows: NDArray[np.intp]) -> Windows:
        """The windows (b, w, n) of rows (b,) at which it is whole, float32."""
        places = np.flatnonzero(self.added)
        newest = np.searchsorted(places, rows, side="right")[:, np.newaxis]
        own = places[newest - self.window + np.arange(self.window)]
        return as_window_rows(self.residuals[own]).astype(np.float32)


def conditioned_rows(detector: CombinedDetector, recording: Recording, *, pause: Pause) -> ConditionedRows:
    """Feed a recording to a detector that scores nothing (its limit is endless), in lanes that are near enough."""
    profile = detector.profile
    taker = _RowTaker(recording, detector.window, len(profile.sensors))
    rows = RecordedRows([recording], profile)
    for _ in Lanes(detector, profile, run_rule(profile), rows, pause=pause, likeness=NEAR).pieces(taker):
        pass
    return taker.rows


class _RowTaker(Taker):
    def __init__(self, recording: Recording, window: int, sensors: int) -> None:
        shape = recording.time_s.size, sensors
        self.rows = ConditionedRows(
            recording.time_s, np.zeros(shape), np.zeros(shape, dtype=np.bool_), np.zeros(shape[0], dtype=np.intp),
            np.zeros(shape[0], dtype=np.bool_), window,
        )  # fmt: skip

    @override
    def begin(self, start: int, end: int) -> None:
        pass

    @override
    def forget(self, row: int) -> None:
        self.rows.held[row], self.rows.added[row] = 0, False

    @override
    def take(self, lanes: Sequence[Lane]) -> None:
        ready = [lane for lane in lanes if lane.stream.rows_in_window]
        if not ready:
            return
        memory, places = Memory.joined([lane.stream.memory for lane in ready]), [lane.at for lane in ready]
        self.rows.residuals[places], self.rows.scored[places] = memory.residuals, memory.scored
        self.rows.held[places] = [lane.stream.rows_in_window for lane in ready]
        self.rows.added[places] = [lane.stream.is_row_in_window for lane in ready]

    @override
    def finish(self) -> None:
        pass
