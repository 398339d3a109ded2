"""A long recording taken in lanes: stretches of it side by side, each after hours of what came before it.

A stream of pumps forgets: after some hours two that began apart are the same to the last bit, and go on alike. Whether
they are is looked at where each lane takes over from the one before; where they are not, that stretch is taken again
by the stream that has seen everything, up to where both look the same. So the outcome is that of one stream over all of
it, whatever the recording is.

What a model is commissioned by need not be that exact: there lanes are `NEAR`. They begin later and take over once they
differ by less than any limit can show, and one that follows a pause after which everything is forgotten begins there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np

from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.pump.running import RunRule, states_of
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.infer.detectors.combined import CombinedDetector
from pumpwatch_gui.infer.detectors.conditioned import ConditionedStream
from pumpwatch_gui.infer.detectors.detector import Floats
from pumpwatch_gui.infer.detectors.memory import Marks
from pumpwatch_gui.infer.detectors.step import feed_rows
from pumpwatch_gui.infer.evaluation.recorded_frames import RecordedRows

LANES = 64
LONGEST_S = 43_200.0
"""What a lane gives at most: with all of them a month at once, so that memory does not grow with the recording."""
ROWS_AHEAD = 100
"""Rows of each lane that are read at once."""
ROWS_BETWEEN_LOOKS = 300
"""Rows of a lane after which its outlook is kept, for a stream that comes from before to be compared with it."""

Progress = Callable[[float], None]
Pause = Callable[[], None]
"""Called every few milliseconds of the work: it may wait, and what it raises ends the work."""


class Likeness(NamedTuple):
    """How alike lanes are where one takes over: after how many memories a lane does, and to what part of a spread.

    A part of 0 is to the last bit.
    """

    forgets_after: float
    part: float


EXACT = Likeness(48.0, 0.0)
"""37 memories until two streams differ by a bit, the rest for that bit."""
NEAR = Likeness(14.0, 0.02)
"""After 14 memories a millionth of what they differed by is left."""


@dataclass(slots=True, eq=False)
class Lane:
    """A stream at row `at` of the recording. What comes of rows from `first` on is kept, up to before `end`.

    `outlooks` has the outlook of the stream just before some rows, `first` among them. `asked` and `errors` are for
    who takes the rows. `follows` is the stream that was seen to lead to the first row. A lane that takes the rows of
    another again, `instead`, ends where both look the same. `is_fresh`: it begins after a pause that forgets all.
    """

    stream: ConditionedStream
    at: int
    first: int
    end: int
    likeness: Likeness
    outlooks: dict[int, tuple[object, ...] | None] = field(default_factory=dict)
    asked: int = -1
    errors: Floats | None = None
    follows: ConditionedStream | None = None
    instead: "Lane | None" = None
    is_fresh: bool = False

    def look(self) -> None:
        """Keep the outlook where one is due; end where it is that of the lane which this one is there instead of."""
        if not self.first <= self.at < self.end or (self.at - self.first) % ROWS_BETWEEN_LOOKS:
            return
        now = self.outlooks[self.at] = self._outlook()
        if self.instead is not None and now is not None and now == self.instead.outlooks.get(self.at):
            self.end = self.at

    def leads_to(self, after: "Lane") -> bool:
        """Whether the rows of the lane after this one are those that would come of its stream."""
        if after.follows is self.stream:
            return True
        if after.is_fresh:
            return self.stream.is_forgotten_by_a_pause
        outlook = self._outlook()
        return outlook is not None and outlook == after.outlooks[after.first]

    def _outlook(self) -> tuple[object, ...] | None:
        return self.stream.outlook(self.likeness.part)


class Taker(Protocol):
    """Who takes what comes of the rows."""

    def begin(self, start: int, end: int) -> None:
        """Rows from `start` on, up to before `end`, follow."""

    def forget(self, row: int) -> None:
        """What was taken of this row does not count: it is taken again."""

    def take(self, lanes: Sequence[Lane]) -> None:
        """Take the present row of each of these lanes."""

    def finish(self) -> None:
        """All rows of some lanes were taken: they may be taken again after this."""


class Lanes:
    """Feeds a recording to streams of one model. `progress` is called with the part done, 0 to 1.

    What it or `pause` raises ends the work.
    """

    def __init__(
        self, detector: CombinedDetector, profile: PumpProfile, rule: RunRule | None, rows: RecordedRows, *,
        progress: Progress = lambda part: None, pause: Pause = lambda: None, lanes: int = LANES,
        likeness: Likeness = EXACT,
    ) -> None:  # fmt: skip
        self._detector, self._tags, self._rule, self._rows = detector, profile.tags, rule, rows
        self._progress, self._pause, self._most_lanes, self._likeness = progress, pause, lanes, likeness
        self._warm_ns = round(likeness.forgets_after * detector.conditioning.memory_s * 1e9)
        self.lanes = 0
        """Into how many the last piece was cut."""
        self.repeated = 0
        """Rows that had to be taken again because a lane did not take over from the one before."""

    def pieces(self, taker: Taker) -> Iterator[tuple[int, int]]:
        """Give all rows to `taker`, piece by piece; yields from where to before where each piece was, once it is."""
        stream, start, mono_ns = self._detector.stream(), 0, self._rows.mono_ns
        while start < mono_ns.size:
            end = int(np.searchsorted(mono_ns, mono_ns[start] + round(self._most_lanes * LONGEST_S * 1e9)))
            taker.begin(start, end)
            lanes = self._cut(stream, start, end)
            self.lanes = len(lanes)
            self._run(lanes, taker)
            while again := _not_joined(lanes):
                self._run(again, taker)
                self.repeated += sum(_joined(lane) for lane in again)
            yield start, end
            stream, start = lanes[-1].stream, end

    def _cut(self, stream: ConditionedStream, start: int, end: int) -> list[Lane]:
        """The first lane goes on with `stream`; the others begin so early that they will have forgotten that."""
        pauses = self._pauses(start, end)
        lanes = list[Lane]()
        for first, last in pairwise([start, *pauses, end]):
            own = stream if first == start else self._detector.stream()
            lanes.append(Lane(own, first, first, last, self._likeness, is_fresh=first > start))
            lanes += self._parts(lanes[-1])
        return lanes

    def _pauses(self, start: int, end: int) -> list[int]:
        """The rows that follow a pause after which nothing is known any more, where lanes need not be exact."""
        if not self._likeness.part:
            return []
        conditioning = self._detector.conditioning
        longest_ns = round(max(conditioning.keep_s, conditioning.gap_s) * 1e9)
        pauses = np.flatnonzero(np.diff(self._rows.mono_ns[start:end]) > longest_ns) + start + 1
        return [int(row) for row in pauses]

    def _parts(self, whole: Lane) -> list[Lane]:
        """Cut a lane into several where that is worth it: those after the first, which ends where they begin."""
        mono_ns, start, end = self._rows.mono_ns, whole.first, whole.end
        warm = end - int(np.searchsorted(mono_ns, max(mono_ns[end - 1] - self._warm_ns, mono_ns[start])))
        # A lane that gives less than it takes to begin costs more than it saves.
        count = max(1, min(self._most_lanes, (end - start - warm) // max(warm, 1)))
        each = max(end - start - warm, 0) // count
        firsts = [start + warm + k * each for k in range(1, count)]
        whole.end = firsts[0] if firsts else end
        lanes = []
        for first, last in pairwise([*firsts, end] if firsts else []):
            begin = int(np.searchsorted(mono_ns, mono_ns[first] - self._warm_ns))
            lanes.append(Lane(self._detector.stream(), begin, first, last, self._likeness))
        return lanes

    def _run(self, lanes: list[Lane], taker: Taker) -> None:
        """Move all lanes on, a row of each at a time, to their ends."""
        while lanes := [lane for lane in lanes if lane.at < lane.end]:
            self._progress(min(lane.at for lane in lanes) / self._rows.mono_ns.size)
            for row in self._ahead(lanes):
                self._pause()
                for lane in lanes:
                    lane.look()
                    if lane.instead is not None and lane.at < lane.end:
                        taker.forget(lane.at)
                feed_rows([lane.stream for lane in lanes], *row)
                taker.take([lane for lane in lanes if lane.first <= lane.at < lane.end])
                for lane in lanes:
                    lane.at += 1
        taker.finish()

    def _ahead(self, lanes: Sequence[Lane]) -> Iterator[tuple[list[int], Floats, Marks, list[RunState]]]:
        """The next rows of the lanes, up to where the first of them ends, as `feed_rows` takes them."""
        count, width = min(ROWS_AHEAD, min(lane.end - lane.at for lane in lanes)), len(lanes)
        rows = np.array([lane.at for lane in lanes]) + np.arange(count)[:, np.newaxis]
        values = self._rows.values(rows.ravel())
        states = states_of(values, self._tags, self._rule)
        each = values.reshape(count, width, -1)
        for i, at_ns in enumerate(self._rows.mono_ns[rows].tolist()):
            yield at_ns, each[i], np.isfinite(each[i]), states[i * width : (i + 1) * width]


def _not_joined(lanes: Sequence[Lane]) -> list[Lane]:
    """Lanes that take again what another stream leads to; all of them at once, for most soon look as before."""
    return [
        Lane(before.stream, lane.first, lane.first, lane.end, lane.likeness, follows=before.stream, instead=lane)
        for before, lane in pairwise(lanes)
        if not before.leads_to(lane)
    ]


def _joined(again: Lane) -> int:
    """Put what was taken again in its place; how many rows that were."""
    lane = again.instead
    assert lane is not None
    lane.follows, lane.outlooks = again.follows, lane.outlooks | again.outlooks
    if again.end == lane.end:
        lane.stream = again.stream
    return again.end - again.first
