"""What a detector finds in one window of a pump, and how far a pump has come that learns itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.episodes import Episode
from pumpwatch_gui.domain.pump.profile import Sensor
from pumpwatch_gui.domain.values.arrays import freeze_arrays, read_only
from pumpwatch_gui.domain.wording import running_time

LEAST_SHARE = 0.15
"""A sensor with less of the error does not lead."""
NO_LEVELS: NDArray[np.float64] = read_only(np.zeros(0))


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """One scored window. `score` is in limit units: above 1.0 means over the threshold.

    `shares` (n,) is each sensor's part of the error, summing to 1 (0 for a sensor that was masked).
    `sensor_states` holds NORMAL, ANOMALY or MISSING per sensor, `sensor_anomaly_counts` (n,) int64 how many
    anomalous windows each sensor has led since start (both after the original system).
    `is_anomaly` says that this window scores above 1; whether that is an alarm is for `AlarmRule`.
    `time_ns` and `seq` are those of the newest frame in the window. `usual` and `present` (n,) are the ordinary level
    of each sensor and, in the direction in which it deviates, the further of its newest value and its mean of the last
    seconds; in its unit, NaN where there is none; empty for a kind that knows none.
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
    usual: NDArray[np.float64] = field(default_factory=lambda: NO_LEVELS)
    present: NDArray[np.float64] = field(default_factory=lambda: NO_LEVELS)

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        freeze_arrays(self, "shares", "sensor_anomaly_counts", "usual", "present")

    def leading(self, sensors: Sequence[Sensor]) -> str:
        """The sensors that lead, with direction and size: `vibration up 2.6 ×, discharge pressure down 8 %`."""
        first = [int(i) for i in np.argsort(-self.shares, kind="stable")[:2]]
        first = [i for i in first if self.shares[i] >= LEAST_SHARE] or first[:1]
        return ", ".join(
            f"{sensors[i].label.lower()}{self._move(i) or f' {100 * self.shares[i]:.0f} %'}" for i in first
        )

    def _move(self, i: int) -> str:
        """How far a sensor has gone, "" where that is not known or too little to say."""
        if i >= self.usual.size:
            return ""
        was, now = float(self.usual[i]), float(self.present[i])
        if not (isfinite(was) and isfinite(now)) or now == was:
            return ""
        way = "up" if now > was else "down"
        if abs(was) < 1e-9 or was * now < 0:
            return f" {way} to {now:.3g}"
        if now / was >= 2.0:
            return f" {way} {now / was:.1f} ×"
        return f" {way} {100 * abs(now / was - 1.0):.2g} %"


@dataclass(frozen=True, slots=True)
class DetectionRow:
    """A detection as it was stored. The mappings are keyed by tag; `shares` sum to 1."""

    id: int
    time_ns: int
    is_anomaly: bool
    score: float
    reconstruction_loss: float
    threshold: float
    sensor_states: dict[str, str]
    sensor_anomaly_counts: dict[str, int]
    shares: dict[str, float]
    kind: str
    model_version: str


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


class LearningPhase(Enum):
    """How far a pump has come that learns itself."""

    LEARNING = "learning"
    PROVISIONAL = "provisional"
    ARMED = "armed"


@dataclass(frozen=True, slots=True)
class LearningStep:
    """What happened to the learning of a pump, and when (Unix UTC)."""

    time_ns: int
    text: str


@dataclass(frozen=True, slots=True)
class LearningView:
    """How far a pump has come: `counted_s` of running have counted (whole minutes), `goal_s` make it armed for good.

    `obstacle` says what keeps the running of now from counting or the pump from being armed, "" for nothing; `steps`
    are the last things that happened, the newest last. Not `is_in_force`: a model promoted by hand judges the pump.
    """

    phase: LearningPhase
    counted_s: float
    goal_s: float
    obstacle: str = ""
    steps: tuple[LearningStep, ...] = ()
    is_in_force: bool = True

    @property
    def words(self) -> str:
        """For people: `learning, 1 h 12 m of 3 h: pump stopped`."""
        counted = running_time(self.counted_s)
        of = f" of {running_time(self.goal_s)}" if self.counted_s < self.goal_s else ""
        if self.phase is LearningPhase.ARMED:
            return f"armed by its own running, {counted}"
        provisional = self.phase is LearningPhase.PROVISIONAL
        text = f"judged provisionally, learning goes on, {counted}{of}" if provisional else f"learning, {counted}{of}"
        return f"{text}: {self.obstacle}" if self.obstacle else text
