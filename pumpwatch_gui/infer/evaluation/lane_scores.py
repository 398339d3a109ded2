"""A long recording scored in lanes: the scores of the live path, bit for bit, in a fraction of the time."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from math import nan
from typing import NamedTuple

import numpy as np
from typing_extensions import override

from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.pump.running import RunRule
from pumpwatch_gui.infer.detectors.combined import CombinedDetector
from pumpwatch_gui.infer.detectors.detector import Floats, Windows
from pumpwatch_gui.infer.detectors.joint import scores_of
from pumpwatch_gui.infer.detectors.memory import Memory
from pumpwatch_gui.infer.evaluation.lanes import EXACT, LANES, Lane, Lanes, Likeness, Pause, Progress, Taker
from pumpwatch_gui.infer.evaluation.recorded_frames import RecordedRows

AT_ONCE = 64
"""Windows of one network call: more no longer fit the cache, fewer are a handover between threads each."""
BATCHES_AHEAD = 3
"""Batches that are fed while the network computes."""


class ModelFailedError(Exception):
    """The network failed on a batch: of which row it was cannot be said here."""


class Scores(NamedTuple):
    """What came of rows from `start` on: scores (m,), NaN where not scored, and shares (m, n)."""

    start: int
    score: Floats
    shares: Floats


class LaneScorer:
    """Scores a recording by one model. `pieces` gives the scores of all rows, piece by piece, in their order.

    `progress` is called with the part done, 0 to 1; what it or `pause` raises ends the work.
    """

    def __init__(
        self, detector: CombinedDetector, profile: PumpProfile, rule: RunRule | None, rows: RecordedRows, *,
        progress: Progress = lambda part: None, pause: Pause = lambda: None, lanes: int = LANES,
        likeness: Likeness = EXACT,
    ) -> None:  # fmt: skip
        self._detector = detector
        self._run = Lanes(detector, profile, rule, rows, progress=progress, pause=pause, lanes=lanes, likeness=likeness)

    @property
    def lanes(self) -> int:
        """Into how many the last piece was cut."""
        return self._run.lanes

    @property
    def repeated(self) -> int:
        """Rows that had to be scored again because a lane did not take over from the one before."""
        return self._run.repeated

    def pieces(self) -> Iterator[Scores]:
        """Raises ModelFailedError."""
        with ThreadPoolExecutor(1, thread_name_prefix="network") as pool:
            taker = _ScoreTaker(self._detector, pool)
            for _ in self._run.pieces(taker):
                yield taker.scores


class _Batch:
    """Rows of lanes that are to be scored at once: where their scores go, and what they are made of."""

    def __init__(self) -> None:
        self.lanes: list[Lane] = []
        self.places: list[int] = []
        self.is_new: list[bool] = []  # whether the window has another row than the one before it of the lane
        self.windows: list[Windows] = []
        self.memories: list[Memory] = []
        self.errors: Future[Floats] | None = None

    def add(self, lanes: Sequence[Lane], *, start: int, is_asked: bool) -> None:
        """Add the present rows of the lanes that have a window; `is_asked`: the network is asked about it."""
        ready = list[Lane]()
        for lane in lanes:
            window = lane.stream.window()
            if isinstance(window, str):
                continue
            ready.append(lane)
            self.lanes.append(lane)
            self.places.append(lane.at - start)
            if not is_asked:
                continue
            is_new = lane.asked != lane.stream.window_number
            lane.asked = lane.stream.window_number
            self.is_new.append(is_new)
            if is_new:
                self.windows.append(window.copy())
        if ready:
            self.memories.append(Memory.joined([lane.stream.memory for lane in ready]))

    def own_errors(self) -> Floats:
        """The network's errors (b, n) of each row, nothing where it was not asked; waits for them."""
        if not self.is_new:
            return np.zeros((0, 0))
        try:
            found = iter(self.errors.result() if self.errors is not None else ())
        except Exception as error:
            raise ModelFailedError from error
        errors = []
        for lane, is_new in zip(self.lanes, self.is_new, strict=True):
            if is_new:
                lane.errors = next(found)
            assert lane.errors is not None
            errors.append(lane.errors)
        return np.stack(errors)


class _ScoreTaker(Taker):
    """Scores rows, many at once, while the next ones are fed."""

    def __init__(self, detector: CombinedDetector, pool: ThreadPoolExecutor) -> None:
        self._detector, self._pool = detector, pool
        self.begin(0, 0)

    @override
    def begin(self, start: int, end: int) -> None:
        n = len(self._detector.profile.sensors)
        self.scores = Scores(start, np.full(end - start, nan), np.zeros((end - start, n)))
        self._waiting, self._batch = deque[_Batch](), _Batch()

    @override
    def forget(self, row: int) -> None:
        place = row - self.scores.start
        self.scores.score[place], self.scores.shares[place] = nan, 0.0

    @override
    def take(self, lanes: Sequence[Lane]) -> None:
        self._batch.add(lanes, start=self.scores.start, is_asked=self._detector.network is not None)
        if len(self._batch.lanes) >= AT_ONCE:
            self._ask()
        if len(self._waiting) > BATCHES_AHEAD:
            self._score(self._waiting.popleft())

    @override
    def finish(self) -> None:
        if self._batch.lanes:
            self._ask()
        while self._waiting:
            self._score(self._waiting.popleft())

    def _ask(self) -> None:
        """Have the network begin with the batch."""
        batch, self._batch = self._batch, _Batch()
        if batch.windows:
            batch.errors = self._pool.submit(self._detector.errors, np.stack(batch.windows))
        self._waiting.append(batch)

    def _score(self, batch: _Batch) -> None:
        score, shares = scores_of(self._detector, Memory.joined(batch.memories), batch.own_errors())
        given = np.isfinite(score + np.add.reduce(shares, axis=1))  # else the model gave no number
        self.scores.score[batch.places] = np.where(given, score, nan)
        self.scores.shares[batch.places] = shares
