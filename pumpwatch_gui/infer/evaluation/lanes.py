"""A long recording scored in lanes: stretches of it side by side, each after hours of what came before it.

A stream of pumps forgets: after some hours two that began apart are the same to the last bit, and go on alike. Whether
they are is looked at where each lane takes over from the one before; where they are not, that stretch is scored again
by the stream that has seen everything. So the outcome is that of one stream over all of it, whatever the recording is.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count as count_up
from itertools import pairwise
from math import nan
from typing import NamedTuple

import numpy as np

from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.pump.running import RunRule, states_of
from pumpwatch_gui.infer.detectors.combined import CombinedDetector
from pumpwatch_gui.infer.detectors.conditioned import ConditionedStream, feed_rows
from pumpwatch_gui.infer.detectors.detector import Floats, Windows
from pumpwatch_gui.infer.detectors.joint import scores_of
from pumpwatch_gui.infer.detectors.memory import Memory
from pumpwatch_gui.infer.evaluation.recorded_frames import RecordedRows

LANES = 64
AT_ONCE = 64
"""Windows of one network call: more no longer fit the cache, fewer are a handover between threads each."""
LONGEST_S = 43_200.0
"""What a lane gives at most: with all of them a month at once, so that memory does not grow with the recording."""
FORGETS_AFTER = 48.0
"""Memories after which two streams are the same: 37 until they differ by a bit, the rest for that bit."""
BATCHES_AHEAD = 3
"""Batches that are fed while the network computes."""
ROWS_BETWEEN_PROGRESS = 100


Progress = Callable[[float], None]


class ModelFailedError(Exception):
    """The network failed on a batch: of which row it was cannot be said here."""


class Scores(NamedTuple):
    """What came of rows from `start` on: scores (m,), NaN where not scored, and shares (m, n)."""

    start: int
    score: Floats
    shares: Floats


@dataclass(slots=True, eq=False)
class _Lane:
    """A stream at row `at` of the recording. What comes of rows from `first` on is kept, up to before `end`.

    `joint` is the outlook of the stream just before `first`, `asked` the number of the window whose `errors` are known.
    """

    stream: ConditionedStream
    at: int
    first: int
    end: int
    joint: tuple[object, ...] | None = None
    asked: int = -1
    errors: Floats | None = None


class _Batch:
    """Rows of lanes that are to be scored at once: where their scores go, and what they are made of."""

    def __init__(self) -> None:
        self.lanes: list[_Lane] = []
        self.places: list[int] = []
        self.is_new: list[bool] = []  # whether the window has another row than the one before it of the lane
        self.windows: list[Windows] = []
        self.memories: list[Memory] = []
        self.errors: Future[Floats] | None = None

    def add(self, lanes: Sequence[_Lane], *, start: int) -> None:
        """Add the present rows of the lanes that are past their first row and have a window."""
        ready = list[_Lane]()
        for lane in lanes:
            window = lane.stream.window()
            if lane.at < lane.first or isinstance(window, str):
                continue
            ready.append(lane)
            is_new = lane.asked != lane.stream.window_number
            lane.asked = lane.stream.window_number
            self.lanes.append(lane)
            self.places.append(lane.at - start)
            self.is_new.append(is_new)
            if is_new:
                self.windows.append(window.copy())
        if ready:
            self.memories.append(Memory.joined([lane.stream.memory for lane in ready]))

    def own_errors(self) -> Floats:
        """The network's errors (b, n) of each row; waits for them."""
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


class LaneScorer:
    """Scores a recording by one model. `pieces` gives the scores of all rows, piece by piece, in their order.

    `progress` is called with the part done, 0 to 1; what it raises ends the work.
    """

    def __init__(
        self, detector: CombinedDetector, profile: PumpProfile, rule: RunRule | None, rows: RecordedRows, *,
        progress: Progress = lambda part: None, lanes: int = LANES, forgets_after: float = FORGETS_AFTER,
    ) -> None:  # fmt: skip
        self._detector, self._tags, self._rule, self._rows = detector, profile.tags, rule, rows
        self._progress, self._most_lanes = progress, lanes
        self._warm_ns = round(forgets_after * detector.conditioning.memory_s * 1e9)
        self.lanes = 0
        """Into how many the last piece was cut."""
        self.repeated = 0
        """Rows that had to be scored again because a lane did not take over from the one before."""

    def pieces(self) -> Iterator[Scores]:
        """Raises ModelFailedError."""
        stream, start, mono_ns = self._detector.stream(), 0, self._rows.mono_ns
        with ThreadPoolExecutor(1, thread_name_prefix="network") as pool:
            while start < mono_ns.size:
                end = int(np.searchsorted(mono_ns, mono_ns[start] + round(self._most_lanes * LONGEST_S * 1e9)))
                n = len(self._tags)
                scores = Scores(start, np.full(end - start, nan), np.zeros((end - start, n)))
                lanes = self._cut(stream, start, end)
                self.lanes = len(lanes)
                self._run(lanes, scores, pool)
                for before, lane in pairwise(lanes):
                    outlook = before.stream.outlook()
                    if outlook is None or outlook != lane.joint:
                        self.repeated += lane.end - lane.first
                        again = _Lane(before.stream, lane.first, lane.first, lane.end)
                        self._run([again], scores, pool)
                        lane.stream = again.stream
                yield scores
                stream, start = lanes[-1].stream, end

    def _cut(self, stream: ConditionedStream, start: int, end: int) -> list[_Lane]:
        """The first lane goes on with `stream`; the others begin so early that they will have forgotten that."""
        mono_ns = self._rows.mono_ns
        warm = end - int(np.searchsorted(mono_ns, mono_ns[end - 1] - self._warm_ns))
        # A lane that gives less than it takes to begin costs more than it saves.
        count = max(1, min(self._most_lanes, (end - start - warm) // max(warm, 1)))
        each = max(end - start - warm, 0) // count
        firsts = [start + warm + k * each for k in range(1, count)]
        lanes = [_Lane(stream, start, start, firsts[0] if firsts else end)]
        for first, last in pairwise([*firsts, end]):
            begin = int(np.searchsorted(mono_ns, mono_ns[first] - self._warm_ns))
            lanes.append(_Lane(self._detector.stream(), begin, first, last))
        return lanes

    def _run(self, lanes: list[_Lane], scores: Scores, pool: ThreadPoolExecutor) -> None:
        """Move all lanes on, a row of each at a time, to their ends."""
        waiting, batch = deque[_Batch](), _Batch()
        for step in count_up():
            lanes = [lane for lane in lanes if lane.at < lane.end]
            if step % ROWS_BETWEEN_PROGRESS == 0 and lanes:
                self._progress(min(lane.at for lane in lanes) / self._rows.mono_ns.size)
            if lanes:
                self._feed(lanes)
                batch.add(lanes, start=scores.start)
            if batch.lanes and (len(batch.lanes) >= AT_ONCE or not lanes):
                if batch.windows:
                    batch.errors = pool.submit(self._detector.errors, np.stack(batch.windows))
                waiting.append(batch)
                batch = _Batch()
            while waiting and (len(waiting) > BATCHES_AHEAD or not lanes):
                self._score(waiting.popleft(), scores)
            if not lanes:
                return
            for lane in lanes:
                lane.at += 1

    def _feed(self, lanes: Sequence[_Lane]) -> None:
        for lane in lanes:
            if lane.at == lane.first:
                lane.joint = lane.stream.outlook()
        rows = np.array([lane.at for lane in lanes])
        values = self._rows.values(rows)
        run_states = states_of(values, self._tags, self._rule)
        at_ns = self._rows.mono_ns[rows].tolist()
        feed_rows([lane.stream for lane in lanes], at_ns, values, np.isfinite(values), run_states)

    def _score(self, batch: _Batch, scores: Scores) -> None:
        score, shares = scores_of(self._detector, Memory.joined(batch.memories), batch.own_errors())
        given = np.isfinite(score + np.add.reduce(shares, axis=1))  # else the model gave no number
        scores.score[batch.places], scores.shares[batch.places] = np.where(given, score, nan), shares
