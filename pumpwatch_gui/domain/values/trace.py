"""Trace: the recent past of one pump, kept in memory for the trends."""

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.values.arrays import freeze_arrays
from pumpwatch_gui.domain.values.frame import Frame


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A copy of the recent frames of one pump, oldest first.

    `time_s` (m,) Unix seconds float64, `values` (m, n) float32 (NaN = BAD), `quality` (m, n) uint8,
    `score` (m,) float32 the anomaly score at that frame (NaN = not scored).
    """

    time_s: NDArray[np.float64]
    values: NDArray[np.float32]
    quality: NDArray[np.uint8]
    score: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        freeze_arrays(self, "time_s", "values", "quality", "score")


CLOCK_STEP_NS = 50_000_000
"""Linux slews the monotonic clock together with the wall clock: the two part by more only when that one is set."""


FRAMES, LEAST_FRAMES, ALL_FRAMES = 3600, 600, 30_000


def frames_kept(pumps: int) -> int:
    """How many frames of each of so many pumps are kept in memory: of many pumps fewer, the disk has the others.

    3,600 of up to 8 pumps, ten minutes of 50 at 1 Hz. With ten sensors and all derived quantities they take 5 MB; more
    with over 50 pumps.
    """
    return max(LEAST_FRAMES, min(FRAMES, ALL_FRAMES // max(pumps, 1)))


class TraceRing:
    """A ring of the last `capacity` frames; one thread appends, any thread copies.

    Its times rise whatever the system clock does: when that is set, the frames that are there are given the times that
    the new clock would have shown, so that a trend goes on without a gap and is labelled by the clock on the wall.
    """

    def __init__(self, sensors: int, capacity: int = FRAMES) -> None:
        self._time = np.zeros(capacity)
        self._values = np.full((capacity, sensors), np.nan, dtype=np.float32)
        self._quality = np.zeros((capacity, sensors), dtype=np.uint8)
        self._score = np.full(capacity, np.nan, dtype=np.float32)
        self._count = 0
        self._offset_ns = 0
        self._lock = threading.Lock()

    @property
    def width(self) -> int:
        """Values of each frame."""
        return self._values.shape[1]

    @property
    def newest_s(self) -> float:
        """The time of the newest frame (Unix seconds), minus infinity without one."""
        with self._lock:
            return float(self._time[(self._count - 1) % self._time.size]) if self._count else -np.inf

    def append(self, frame: Frame, score: float) -> None:
        """Add a frame and the score at that time."""
        with self._lock:
            offset_ns = frame.time_ns - frame.mono_ns
            if abs(offset_ns - self._offset_ns) > CLOCK_STEP_NS:
                self._time += (offset_ns - self._offset_ns) / 1e9 if self._count else 0.0
                self._offset_ns = offset_ns
            i = self._count % self._time.size
            self._time[i] = frame.time_s
            self._values[i] = frame.values
            self._quality[i] = frame.quality
            self._score[i] = score
            self._count += 1

    def extend(self, newer: Trace) -> None:
        """Add the frames of another trace, oldest first."""
        with self._lock:
            size = self._time.size
            newest = slice(max(0, newer.time_s.size - size), None)
            place = np.arange(self._count, self._count + newer.time_s.size)[newest] % size
            self._time[place], self._values[place] = newer.time_s[newest], newer.values[newest]
            self._quality[place], self._score[place] = newer.quality[newest], newer.score[newest]
            self._count += newer.time_s.size

    def copy(self, since_s: float = 0.0) -> Trace:
        """What is younger than `since_s` (Unix seconds), oldest first."""
        with self._lock:
            size = self._time.size
            order = np.arange(max(0, self._count - size), self._count) % size
            order = order[self._time[order] >= since_s]
            return Trace(self._time[order], self._values[order], self._quality[order], self._score[order])
