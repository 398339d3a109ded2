"""Limit alarms of one pump: LL, L, H and HH of each sensor, with deadband and delays."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pumpwatch_gui.domain.alarms.alarm import AlarmSignal, Priority, Stimulus
from pumpwatch_gui.domain.alarms.delays import OnOffDelay
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality

START_UP_NS = 30 * 10**9
"""Low limits stay masked this long after a start: pressure and flow need time to build up (practice)."""

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


class LimitJudge:
    """Watches every limit of one pump's profile. Feed it each frame in order; it is cheap when all is well."""

    def __init__(self, profile: PumpProfile) -> None:
        self._points: list[_Point] = []
        self._watches: list[OnOffDelay] = []
        index, sign, deadband = [], [], []
        for i, sensor in enumerate(profile.sensors):
            for level, direction, priority, words in _LEVELS:
                limit = getattr(sensor.limits, level)
                if limit is None:
                    continue
                self._points.append(_Point(sensor, level, words, priority, limit))
                own = sensor.limits
                self._watches.append(OnOffDelay(int(own.on_delay_s * 1e9), int(own.off_delay_s * 1e9)))
                index.append(i)
                sign.append(direction)
                deadband.append(own.deadband)
        self._index = np.array(index, dtype=np.intp)
        self._sign = np.array(sign)
        self._limit = np.array([p.limit for p in self._points])
        self._deadband = np.array(deadband)
        self._quiet = True
        self._running_since_ns: int | None = None

    def adopt(self, sources: frozenset[str]) -> None:
        """Take over alarms that are already active (after a restart or a change of other limits)."""
        for point, watch in zip(self._points, self._watches, strict=True):
            watch.active = f"{point.sensor.tag}.{point.level}" in sources
        self._quiet = not any(w.active for w in self._watches)

    def judge(self, frame: Frame, state: RunState) -> Iterator[AlarmSignal]:
        """The limits that were raised or returned to normal at this frame.

        A BAD value leaves its alarms as they are. Low limits are masked while the pump stands or starts up.
        """
        if not self._points:
            return
        masked = self._low_masked(frame.mono_ns, state)
        excess = self._sign * (frame.values[self._index] - self._limit)
        over = excess > 0
        if masked:
            over &= self._sign > 0
        if self._quiet and not over.any():
            return
        clear = excess < -self._deadband
        if masked:
            clear |= self._sign < 0
        usable = frame.quality[self._index] != Quality.BAD
        for i in np.flatnonzero(usable):
            stimulus = self._watches[i].update(frame.mono_ns, over=bool(over[i]), clear=bool(clear[i]))
            if stimulus is not None:
                yield self._finding(self._points[i], float(frame.values[self._index[i]]), stimulus)
        self._quiet = not (over.any() or any(w.active for w in self._watches))

    def _low_masked(self, mono_ns: int, state: RunState) -> bool:
        if state is not RunState.RUNNING:
            self._running_since_ns = None
            return True
        if self._running_since_ns is None:
            self._running_since_ns = mono_ns
        return mono_ns - self._running_since_ns < START_UP_NS

    @staticmethod
    def _finding(point: _Point, value: float, stimulus: Stimulus) -> AlarmSignal:
        sensor = point.sensor
        return AlarmSignal(
            source=f"{sensor.tag}.{point.level}",
            tag=sensor.tag,
            priority=point.priority,
            text=f"{sensor.label} {point.words}",
            value=value,
            limit=point.limit,
            unit=sensor.unit,
            stimulus=stimulus,
        )
