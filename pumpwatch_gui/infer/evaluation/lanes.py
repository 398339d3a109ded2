"""A long recording scored in lanes: stretches of it side by side, each after hours of what came before it.

A stream of pumps forgets: after some hours two that began apart are the same to the last bit, and go on alike. Whether
they are is looked at where each lane takes over from the one before; where they are not, that stretch is scored again
by the stream that has seen everything, up to where both look the same. So the outcome is that of one stream over all of
it, whatever the recording is.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from math import nan
from typing import NamedTuple

import numpy as np

from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.pump.running import RunRule, states_of
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.infer.detectors.combined import CombinedDetector
from pumpwatch_gui.infer.detectors.conditioned import ConditionedStream, feed_rows
from pumpwatch_gui.infer.detectors.detector import Floats, Windows
from pumpwatch_gui.infer.detectors.joint import scores_of
from pumpwatch_gui.infer.detectors.memory import Marks, Memory
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
ROWS_AHEAD = 100
"""Rows of each lane that are read at once."""
ROWS_BETWEEN_LOOKS = 300
"""Rows of a lane after which its outlook is kept, for a stream that comes from before to be compared with it."""


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

    `outlooks` has the outlook of the stream just before some rows, `first` among them; `asked` is the number of the
    window whose `errors` are known. `follows` is the stream that was seen to lead to the first row. A lane that scores
    the rows of another again, `instead`, ends where both look the same.
    """

    stream: ConditionedStream
    at: int
    first: int
    end: int
    outlooks: dict[int, tuple[object, ...] | None] = field(default_factory=dict)
    asked: int = -1
    errors: Floats | None = None
    follows: ConditionedStream | None = None
    instead: "_Lane | None" = None

    def look(self) -> None:
        """Keep the outlook where one is due; end where it is that of the lane which this one is there instead of."""
        if not self.first <= self.at < self.end or (self.at - self.first) % ROWS_BETWEEN_LOOKS:
            return
        now = self.outlooks[self.at] = self.stream.outlook()
        if self.instead is not None and now is not None and now == self.instead.outlooks.get(self.at):
            self.end = self.at

    def leads_to(self, after: "_Lane") -> bool:
        """Whether the rows of the lane after this one are those that would come of its stream."""
        if after.follows is self.stream:
            return True
        outlook = self.stream.outlook()
        return outlook is not None and outlook == after.outlooks[after.first]


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
            if not lane.first <= lane.at < lane.end or isinstance(window, str):
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
                while again := _not_joined(lanes):
                    self._run(again, scores, pool)
                    self.repeated += sum(_joined(lane) for lane in again)
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
        while lanes := [lane for lane in lanes if lane.at < lane.end]:
            self._progress(min(lane.at for lane in lanes) / self._rows.mono_ns.size)
            for row in self._ahead(lanes):
                for lane in lanes:
                    lane.look()
                    if lane.instead is not None and lane.at < lane.end:
                        scores.score[lane.at - scores.start], scores.shares[lane.at - scores.start] = nan, 0.0
                feed_rows([lane.stream for lane in lanes], *row)
                batch.add(lanes, start=scores.start)
                if len(batch.lanes) >= AT_ONCE:
                    waiting.append(self._asked(batch, pool))
                    batch = _Batch()
                if len(waiting) > BATCHES_AHEAD:
                    self._score(waiting.popleft(), scores)
                for lane in lanes:
                    lane.at += 1
        if batch.lanes:
            waiting.append(self._asked(batch, pool))
        for batch in waiting:
            self._score(batch, scores)

    def _ahead(self, lanes: Sequence[_Lane]) -> Iterator[tuple[list[int], Floats, Marks, list[RunState]]]:
        """The next rows of the lanes, up to where the first of them ends, as `feed_rows` takes them."""
        count, width = min(ROWS_AHEAD, min(lane.end - lane.at for lane in lanes)), len(lanes)
        rows = np.array([lane.at for lane in lanes]) + np.arange(count)[:, np.newaxis]
        values = self._rows.values(rows.ravel())
        states = states_of(values, self._tags, self._rule)
        each = values.reshape(count, width, -1)
        for i, at_ns in enumerate(self._rows.mono_ns[rows].tolist()):
            yield at_ns, each[i], np.isfinite(each[i]), states[i * width : (i + 1) * width]

    def _asked(self, batch: _Batch, pool: ThreadPoolExecutor) -> _Batch:
        """A batch for which the network is under way."""
        if batch.windows:
            batch.errors = pool.submit(self._detector.errors, np.stack(batch.windows))
        return batch

    def _score(self, batch: _Batch, scores: Scores) -> None:
        score, shares = scores_of(self._detector, Memory.joined(batch.memories), batch.own_errors())
        given = np.isfinite(score + np.add.reduce(shares, axis=1))  # else the model gave no number
        scores.score[batch.places], scores.shares[batch.places] = np.where(given, score, nan), shares


def _not_joined(lanes: Sequence[_Lane]) -> list[_Lane]:
    """Lanes that score again what another stream leads to; all of them at once, for most soon look as before."""
    return [
        _Lane(before.stream, lane.first, lane.first, lane.end, follows=before.stream, instead=lane)
        for before, lane in pairwise(lanes)
        if not before.leads_to(lane)
    ]


def _joined(again: _Lane) -> int:
    """Put what was scored again in its place; how many rows that were."""
    lane = again.instead
    assert lane is not None
    lane.follows, lane.outlooks = again.follows, lane.outlooks | again.outlooks
    if again.end == lane.end:
        lane.stream = again.stream
    return again.end - again.first
