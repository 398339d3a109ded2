"""What the scorer keeps of a pump, and what it passes from one of its steps to the next."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from pumpwatch_gui.domain.detection import NO_LEVELS, NotScored, ScoreResult
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.infer.bundles.bundle import Bundle
from pumpwatch_gui.infer.detectors.detector import Detector, Floats, Moment, Stream, Windows, WindowScore


class ScoredPump:
    """What the scorer keeps of one pump."""

    def __init__(self, profile: PumpProfile, bundle: Bundle | None, detector: Detector | None, kept: Floats) -> None:
        self.profile = profile
        self.bundle = bundle
        self._kept = kept  # of an alarm that was on before there was a stream
        self.detector = detector
        self.stream: Stream | None = None  # made at the first frame, inside the guard
        self.led = np.zeros(len(profile.sensors), dtype=np.int64)
        self.frame: Frame | None = None  # the newest that was not yet scored
        self.errors: Floats | None = None  # of the newest window that the network was asked about
        self.asked = -1  # its number
        self.waiting = 0
        self.failure: Exception | None = None  # since the last call of `score_due`
        self.failures = 0  # since the last score
        self.is_reported = False

    @property
    def kept(self) -> Floats:
        """The levels from before an alarm (n,), also while there is no stream yet."""
        return self.stream.kept if self.stream is not None else self._kept

    def forget_kept(self) -> None:
        """Keep no levels for a stream to come."""
        self._kept = NO_LEVELS

    def resume(self, kept: Floats) -> None:
        """Go on, by a stream to come, in the alarm for which these levels were kept."""
        self._kept, self.stream = kept, None

    def ready_stream(self, sensors: int) -> Stream | None:
        """The stream for the next frame, None where there is no model."""
        if self.detector is None:
            return None
        if self.stream is None:
            self.stream, self.asked = self.detector.stream(), -1
            if self._kept.size == sensors and np.isfinite(self._kept).any():
                self.stream.resume(self._kept)
        self.waiting += self.frame is not None and not isinstance(self.stream.window(), str)
        return self.stream


class Fed(NamedTuple):
    """The next frame of a pump, and the stream that is to take it in."""

    pump: ScoredPump
    detector: Detector
    stream: Stream
    frame: Frame
    run_state: RunState


class Due(NamedTuple):
    """A pump whose window is to be scored."""

    pump: ScoredPump
    stream: Moment
    frame: Frame
    window: Windows
    is_new: bool
    """Whether it is another window than the one before: else the network's errors are known."""

    @property
    def version(self) -> str:
        """Of the model."""
        assert self.pump.bundle is not None
        return self.pump.bundle.version

    def not_scored(self, why: str) -> NotScored:
        """The result where there is no score."""
        return NotScored(self.frame.pump_id, self.frame.time_ns, why)


Asked = tuple[Due, Floats]
"""A window with the network's error of each sensor (n,)."""


class Piece(NamedTuple):
    """Rows of a recording that were fed: a result for each, but for those in `due`, which are still to be scored."""

    frames: list[Frame]
    results: list[ScoreResult | None]
    due: list[Due]
    version: str


def firsts(
    frames: Sequence[tuple[Frame, RunState]],
) -> tuple[Iterable[tuple[Frame, RunState]], list[tuple[Frame, RunState]]]:
    """The first frame of each pump, and the rest."""
    first: dict[str, tuple[Frame, RunState]] = {}
    rest = [one for one in frames if first.setdefault(one[0].pump_id, one) is not one]
    return first.values(), rest


def sensor_states(outcome: WindowScore) -> tuple[str, ...]:
    """The original's word for each sensor: in an anomalous window the leading one and all that err are ANOMALY."""
    states = ["NORMAL"] * outcome.missing.size
    if outcome.score > 1.0:
        for i in (int(np.argmax(outcome.shares)), *np.flatnonzero(outcome.high).tolist()):
            states[i] = "ANOMALY"
    if np.count_nonzero(outcome.missing):
        for i in np.flatnonzero(outcome.missing).tolist():
            states[i] = "MISSING"
    return tuple(states)
