"""What a detector promises, whatever its kind."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.detection import NO_LEVELS
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.arrays import freeze_arrays
from pumpwatch_gui.domain.values.frame import Frame

Floats = NDArray[np.float64]
Windows = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class WindowScore:
    """The score of one window, in limit units: a `score` above 1.0 is an anomaly.

    `loss` is the bare error and `threshold` the error that scores 1.0; `shares` (n,) sum to 1 (all 0 when there is no
    error at all); `high` (n,) marks sensors whose own error is out of the ordinary, `missing` (n,) those left out.
    `usual` and `present` (n,) are as in `Detection`. `parts` are the scores of the detectors a combined score is made
    of, by kind.
    """

    score: float
    loss: float
    threshold: float
    shares: Floats
    high: NDArray[np.bool_]
    missing: NDArray[np.bool_]
    parts: tuple[tuple[str, float], ...] = ()
    usual: Floats = field(default_factory=lambda: NO_LEVELS)
    present: Floats = field(default_factory=lambda: NO_LEVELS)

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        freeze_arrays(self, "shares", "high", "missing", "usual", "present")


class Moment(Protocol):
    """What the score of one row is made of, besides the network's errors: kept while its stream is fed on."""

    def score(self, errors: Floats) -> WindowScore:
        """The score of the row's window, from the network's error of each sensor (n,)."""
        ...


class Stream(Moment, Protocol):
    """A detector's memory of one pump, fed one frame at a time in the order of time."""

    def feed(self, frame: Frame, run_state: RunState) -> None:
        """Take in the next frame."""
        ...

    def window(self) -> Windows | str:
        """The newest window (w, n) as the network wants it, valid until the next `feed`; or why there is none."""
        ...

    @property
    def window_number(self) -> int:
        """Another one whenever the window has another row."""
        ...

    def moment(self) -> "Moment":
        """What `score` needs of the newest row, to be asked later: what is fed meanwhile does not change it."""
        ...

    def take_notes(self) -> tuple[str, ...]:
        """What happened since the last call that belongs into the journal."""
        ...

    def rebaseline(self) -> None:
        """Take the present running as the new normal, where the kind knows such a thing."""
        ...

    @property
    def kept(self) -> Floats:
        """The levels from before an alarm that are kept (n,), NaN for none; another array whenever they change.

        A kind that knows no levels keeps none (an empty array).
        """
        return NO_LEVELS

    def resume(self, kept: Floats) -> None:
        """Go on in the alarm for which these levels were kept."""
        return

    def take_level(self) -> tuple[NDArray[np.bool_], Floats, Floats]:
        """Take the present level of what deviates as normal: which sensors (n,), what was normal (n,) and what is."""
        return np.zeros(0, dtype=np.bool_), NO_LEVELS, NO_LEVELS


class Detector(Protocol):
    """A trained detector, shared by all pumps of its bundle. It holds no memory of any pump."""

    kind: ClassVar[str]

    def stream(self) -> Stream:
        """A fresh memory for one pump."""
        ...

    @property
    def sort(self) -> Hashable:
        """Any detector of one sort feeds and scores the streams of all of them, each by its own model."""
        return id(self)

    def feed(self, streams: Sequence[Stream], frames: Sequence[Frame], run_states: Sequence[RunState]) -> None:
        """Take in the next frame of each stream (each stream once): as its own `feed`, all at once."""
        for stream, frame, run_state in zip(streams, frames, run_states, strict=True):
            stream.feed(frame, run_state)

    def errors(self, windows: Windows) -> Floats:
        """Mean absolute reconstruction error of each sensor (b, n) for a batch of windows (b, w, n), in one call."""
        ...

    def score(self, streams: Sequence[Moment], errors: Floats) -> list[WindowScore]:
        """The score of each stream's newest window from the errors (b, n): as its own `score`, all at once.

        A stream that was fed on meanwhile is given by its `moment`.
        """
        ...

    def warm_up(self) -> None:
        """Do now what would make the first call slow."""
        ...


def shares_of(errors: Floats) -> Floats:
    """Each sensor's part of the whole error, summing to 1; all 0 where there is no error."""
    total = float(errors.sum())
    return errors / total if total > 0 else np.zeros_like(errors)
