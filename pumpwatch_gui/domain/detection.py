"""What a detector finds in one window of a pump."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.episodes import Episode
from pumpwatch_gui.domain.values.arrays import freeze_arrays


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """One scored window. `score` is in limit units: above 1.0 means over the threshold.

    `shares` (n,) is each sensor's part of the error, summing to 1 (0 for a sensor that was masked).
    `sensor_states` holds NORMAL, ANOMALY or MISSING per sensor, `sensor_anomaly_counts` (n,) int64 how many
    anomalous windows each sensor has led since start (both after the original system).
    `is_anomaly` says that this window scores above 1; whether that is an alarm is for `AlarmRule`.
    `time_ns` and `seq` are those of the newest frame in the window.
    """

    pump_id: str
    seq: int
    time_ns: int
    mono_ns: int
    kind: str
    score: float
    reconstruction_loss: float
    threshold: float
    is_anomaly: bool
    shares: NDArray[np.float64]
    sensor_states: tuple[str, ...]
    sensor_anomaly_counts: NDArray[np.int64]
    model_version: str

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        freeze_arrays(self, "shares", "sensor_anomaly_counts")


@dataclass(frozen=True, slots=True)
class NotScored:
    """Why a pump has no score just now (`window 12 of 30`, `pump stopped`, `flow_rate_l_min is BAD`, `no model`).

    Not `has_model`: nothing will score the pump until it is given a model.
    """

    pump_id: str
    time_ns: int
    why: str
    has_model: bool = True


ScoreResult = Detection | NotScored


@dataclass(frozen=True, slots=True)
class ShadowView:
    """What the shadow model of a pump has found so far. Times of `episodes` are monotonic nanoseconds."""

    version: str
    score_result: ScoreResult | None
    scored: int
    in_alarm: int
    episodes: tuple[Episode, ...]
