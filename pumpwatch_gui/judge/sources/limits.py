"""Limit alarms of one pump: LL, L, H and HH of each sensor and derived quantity, with deadband and delays."""

from collections.abc import Collection
from dataclasses import dataclass
from math import nan

import numpy as np

from pumpwatch_gui.domain.alarms.alarm import AlarmSignal, Priority, Stimulus
from pumpwatch_gui.domain.alarms.delays import OnOffDelay
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.judge.sources.conditions import Conditions

_LEVELS = (
    ("low_low", -1.0, Priority.HIGH, "low-low"),
    ("low", -1.0, Priority.MEDIUM, "low"),
    ("high", 1.0, Priority.MEDIUM, "high"),
    ("high_high", 1.0, Priority.HIGH, "high-high"),
)


@dataclass(frozen=True, slots=True)
class _Point:
    sensor: Sensor
    level: str
    words: str
    priority: Priority
    limit: float

    @property
    def source(self) -> str:
        return f"{self.sensor.tag}.{self.level}"


class LimitJudge:
    """Judges every limit of one pump's profile. Feed it each frame in order; it is cheap when all is well.

    What cannot be judged, is masked (low limits of a stopped pump) or comes after a gap: see `Conditions`.
    """

    def __init__(self, profile: PumpProfile) -> None:
        self._conditions = Conditions()
        self.use_profile(profile)

    def use_profile(self, profile: PumpProfile, active: Collection[str] = ()) -> None:
        """Judge by other limits from now on, with the alarms that are `active`; the delays count again."""
        self._points: list[_Point] = []
        delays: list[OnOffDelay] = []
        index, sign, deadband = [], [], []
        for i, sensor in enumerate(profile.quantities):
            for level, direction, priority, words in _LEVELS:
                limit = getattr(sensor.limits, level)
                if limit is None:
                    continue
                self._points.append(_Point(sensor, level, words, priority, limit))
                own = sensor.limits
                delays.append(OnOffDelay(int(own.on_delay_s * 1e9), int(own.off_delay_s * 1e9)))
                index.append(i)
                sign.append(direction)
                deadband.append(own.deadband)
        self._index = np.array(index, dtype=np.intp)
        self._sign = np.array(sign)
        self._limit = np.array([p.limit for p in self._points])
        self._deadband = np.array(deadband)
        self._conditions.use(delays, self._sign < 0, self._places(active))

    @property
    def is_quiet(self) -> bool:
        """Whether no alarm is active and no delay runs: then a frame with nothing over a limit changes nothing."""
        return self._conditions.is_quiet

    @property
    def sources(self) -> frozenset[str]:
        """The alarm sources it can raise (`tag.high`)."""
        return frozenset(point.source for point in self._points)

    def adopt(self, sources: Collection[str]) -> None:
        """Take over alarms that are already active (after a restart)."""
        self._conditions.adopt(self._places(sources))

    def judge(self, frame: Frame, state: RunState) -> list[AlarmSignal]:
        """The limits that were raised or returned to normal at this frame."""
        values = frame.values[self._index]  # a BAD value is NaN, and neither over nor clear
        excess = self._sign * (values - self._limit)
        found = self._conditions.step(frame.mono_ns, state, excess > 0, excess < -self._deadband, values == values)
        return [
            _signal(self._points[i], nan if stimulus is Stimulus.SUPPRESSED else float(values[i]), stimulus)
            for i, stimulus in found
        ]

    def _places(self, sources: Collection[str]) -> frozenset[int]:
        return frozenset(i for i, point in enumerate(self._points) if point.source in sources)


def _signal(point: _Point, value: float, stimulus: Stimulus) -> AlarmSignal:
    sensor = point.sensor
    return AlarmSignal(
        source=point.source,
        tag=sensor.tag,
        priority=point.priority,
        text=f"{sensor.label} {point.words}",
        value=value,
        limit=point.limit,
        unit=sensor.unit,
        stimulus=stimulus,
        is_latching=sensor.limits.latching,
    )
