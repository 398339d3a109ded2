"""Builders shared by the tests of inference: small profiles, running frames, a network without training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.infer.network.numpy_forward import Weights

FEW = PumpProfile("few", tuple(Sensor(tag, tag, "u", (-1e4, 1e4), 0.01) for tag in ("flow", "heat", "hum")))


def random_weights(seed: int, *, sensors: int, units: int) -> Weights:
    generator = np.random.default_rng(seed)
    return Weights(*(generator.normal(0, 0.3, shape).astype(np.float32) for shape in Weights.shapes(sensors, units)))


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


def written(recording: Recording, path: Path, *, change: Callable[[np.ndarray], None] | None = None) -> Path:
    """The recording of profile FEW as CSV."""
    values = recording.values.copy()
    if change is not None:
        change(values)
    rows = np.column_stack((recording.time_s, values))
    text = "\n".join(",".join("" if np.isnan(x) else repr(float(x)) for x in row) for row in rows)
    path.write_text("timestamp,flow,heat,hum\n" + text + "\n", "utf-8")
    return path
