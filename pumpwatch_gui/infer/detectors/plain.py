"""The original system's recipe as a detector: MinMax, LSTM autoencoder, mean absolute error, 99th percentile."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from typing_extensions import override

from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.pace import Pace
from pumpwatch_gui.domain.values.quality import Quality
from pumpwatch_gui.infer.detectors.detector import Detector, Floats, Moment, Stream, Windows, WindowScore, shares_of
from pumpwatch_gui.infer.detectors.scaler import MinMax, floats
from pumpwatch_gui.infer.live.window import Window
from pumpwatch_gui.infer.network.autoencoder import Autoencoder


class PlainDetector(Detector):
    """Kind `lstm`: the window as it is, scaled. Any sensor that is not GOOD empties the window: nothing is invented."""

    kind: ClassVar[str] = "lstm"

    def __init__(
        self, profile: PumpProfile, network: Autoencoder, *, scaler: MinMax, threshold: float, sensor_limits: Floats
    ) -> None:
        if not threshold > 0:
            raise ValueError("the threshold must be above 0")
        self.profile = profile
        self.network = network
        self.scaler = scaler
        self.threshold = threshold
        self.sensor_limits = sensor_limits

    @classmethod
    def from_manifest(
        cls, profile: PumpProfile, network: Autoencoder | None, parameters: Mapping[str, Any]
    ) -> "PlainDetector":
        """From the `detector` table of a manifest; raises KeyError, TypeError or ValueError when it does not fit."""
        if network is None:
            raise ValueError("this kind needs a network")
        sensors = len(profile.sensors)
        return cls(
            profile,
            network,
            scaler=MinMax.from_json(parameters["scaler"], sensors=sensors),
            threshold=float(parameters["threshold"]),
            sensor_limits=floats(parameters["sensor_limits"], sensors),
        )

    def to_manifest(self) -> dict[str, Any]:
        """The `detector` table of a manifest."""
        return {
            "scaler": self.scaler.to_json(),
            "threshold": self.threshold,
            "sensor_limits": self.sensor_limits.tolist(),
        }

    @override
    def stream(self) -> "PlainStream":
        return PlainStream(self)

    @override
    def errors(self, windows: Windows) -> Floats:
        return self.network.errors(windows)

    @override
    def score(self, streams: Sequence[Moment], errors: Floats) -> list[WindowScore]:
        return [stream.score(own) for stream, own in zip(streams, errors, strict=True)]

    @override
    def warm_up(self) -> None:
        self.network.warm_up()


class PlainStream(Stream):
    """The window of one pump. A gap, a stop or a value that is not GOOD restarts it."""

    def __init__(self, detector: PlainDetector) -> None:
        self._detector = detector
        self._window = Window(detector.network.window, detector.network.sensors)
        self._pace = Pace()
        self._why = ""

    @override
    def feed(self, frame: Frame, run_state: RunState) -> None:
        interval = self._pace.step(frame.mono_ns)
        self._why = self._obstacle(frame, run_state)
        if self._why or interval == float("inf"):
            self._window.restart()
        if not self._why:
            self._window.add(self._detector.scaler(frame.values))

    def _obstacle(self, frame: Frame, run_state: RunState) -> str:
        odd = np.flatnonzero(frame.quality != Quality.GOOD)
        if run_state is RunState.STANDBY:
            return "pump stopped"
        if odd.size == frame.values.size:
            return "no data"
        if odd.size:
            tags = [self._detector.profile.tags[i] for i in odd[:2]]
            return f"{' and '.join(tags)}{' and more' * (odd.size > 2)} {'are' if odd.size > 1 else 'is'} not GOOD"
        return "" if run_state is RunState.RUNNING else "no data"

    @override
    def window(self) -> Windows | str:
        if self._why:
            return self._why
        return self._window.whole()

    @property
    @override
    def window_number(self) -> int:
        return self._window.number

    @override
    def score(self, errors: Floats) -> WindowScore:
        threshold, loss = self._detector.threshold, float(errors.mean())
        return WindowScore(
            score=loss / threshold,
            loss=loss,
            threshold=threshold,
            shares=shares_of(errors),
            high=errors > self._detector.sensor_limits,
            missing=np.zeros(errors.size, dtype=np.bool_),
        )

    @override
    def moment(self) -> "PlainStream":
        return self  # the errors of a window are all that its score is made of

    @override
    def take_notes(self) -> tuple[str, ...]:
        return ()

    @override
    def rebaseline(self) -> None:
        """Nothing to do: this kind has no baseline."""
