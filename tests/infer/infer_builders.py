"""Builders shared by the tests of inference: small profiles, running frames, a network without training."""

from collections.abc import Callable, Sequence
from copy import copy
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.infer.bundles.bundle import Bundle
from pumpwatch_gui.infer.bundles.manifest import Manifest
from pumpwatch_gui.infer.detectors.detector import Detector, Floats, Moment, Stream, Windows, WindowScore
from pumpwatch_gui.infer.network.numpy_forward import Weights, reconstruct

FEW = PumpProfile("few", tuple(Sensor(tag, tag, "u", (-1e4, 1e4), 0.01) for tag in ("flow", "heat", "hum")))


def random_weights(seed: int, *, sensors: int, units: int) -> Weights:
    generator = np.random.default_rng(seed)
    return Weights(*(generator.normal(0, 0.3, shape).astype(np.float32) for shape in Weights.shapes(sensors, units)))


def parity_of(weights: Weights, *, window: int) -> dict[str, Any]:
    """What a manifest holds to prove the network by."""
    sensors = weights.output.shape[1]
    given = np.random.default_rng(3).normal(0, 1, (1, window, sensors)).astype(np.float32)
    return {"window": given[0].tolist(), "reconstruction": reconstruct(weights, given)[0].tolist()}


def steady(seconds: int, *, seed: int = 1, sensors: int = 3, start: float = 1.7e9) -> Recording:
    """Normal running at 1 Hz: independent noise of deviation 1 about 100."""
    values = np.random.default_rng(seed).normal(100.0, 1.0, (seconds, sensors))
    return Recording(Path("steady.csv"), start + np.arange(float(seconds)), values)


def frame_of(values: Any, *, second: float, pump_id: str = "P-1", seq: int = 0) -> Frame:
    """A frame of the values; NaN is BAD."""
    array = np.array(values, dtype=np.float64)
    bad = np.isnan(array)
    return Frame(
        pump_id,
        seq,
        round(second * 1e9),
        round(second * 1e9),
        array,
        np.where(bad, Quality.BAD, Quality.GOOD).astype(np.uint8),
        np.where(bad, Reason.SENSOR_FAILURE, Reason.NONE).astype(np.uint8),
    )


def written(recording: Recording, path: Path, *, change: Callable[[NDArray[np.float64]], None] | None = None) -> Path:
    """The recording of profile FEW as CSV."""
    values = recording.values.copy()
    if change is not None:
        change(values)
    rows = np.column_stack((recording.time_s, values))
    text = "\n".join(",".join("" if np.isnan(x) else repr(float(x)) for x in row) for row in rows)
    path.write_text("timestamp,flow,heat,hum\n" + text + "\n", "utf-8")
    return path


class ScriptedDetector(Detector):
    """A detector whose score is the value of the first sensor, and which does not score while that is BAD."""

    kind: ClassVar[str] = "scripted"

    @override
    def stream(self) -> "ScriptedStream":
        return ScriptedStream()

    @override
    def errors(self, windows: Windows) -> Floats:
        return windows[:, -1].astype(np.float64)

    @override
    def score(self, streams: Sequence[Moment], errors: Floats) -> list[WindowScore]:
        return [stream.score(own) for stream, own in zip(streams, errors, strict=True)]

    @override
    def warm_up(self) -> None:
        """Nothing is slow here."""


class ScriptedStream(Stream):
    """The newest values of one pump."""

    def __init__(self) -> None:
        self._values = np.full(1, np.nan)
        self._fed = 0

    @override
    def feed(self, frame: Frame, run_state: RunState) -> None:
        self._values = frame.values
        self._fed += 1

    @override
    def window(self) -> Windows | str:
        return "no data" if np.isnan(self._values[0]) else self._values.astype(np.float32)[np.newaxis]

    @property
    @override
    def window_number(self) -> int:
        return self._fed

    @override
    def score(self, errors: Floats) -> WindowScore:
        no = np.zeros(errors.size, dtype=np.bool_)
        score = float(self._values[0])  # not from the window: that is float32
        return WindowScore(score, score, 1.0, np.full(errors.size, 1 / errors.size), no, no)

    @override
    def moment(self) -> "ScriptedStream":
        moment = copy(self)
        moment._values = self._values.copy()
        return moment

    @override
    def take_notes(self) -> tuple[str, ...]:
        return ()

    @override
    def rebaseline(self) -> None:
        """There is no baseline."""


def bundle_of(detector: Detector, *, version: str = "v1", profile: PumpProfile = FEW) -> Bundle:
    """A bundle in memory around a detector."""
    manifest = Manifest(
        name="model",
        kind=detector.kind,
        version=version,
        profile=profile.name,
        sensors=profile.sensors,
        rule=None,
        window=1,
        units=0,
        detector={},
        trained={},
        parity=None,
    )
    return Bundle(manifest, Path("model"), detector)
