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
from pumpwatch_gui.domain.values.pace import Pace
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

    @property
    def source(self) -> str:
        return f"{self.sensor.tag}.{self.level}"


class LimitJudge:
    """Judges every limit of one pump's profile. Feed it each frame in order; it is cheap when all is well.

    What cannot be judged (a BAD value, a masked low limit) leaves its alarm as it is, active or not; a low limit that
    is active when the pump stops is suppressed by design until it was judged again after the start-up. A delay restarts
    when its value was not judged for longer than 3 usual intervals of the frames, at least 1 s (`Pace`): what held
    before a gap and holds after it need not have held in between.
    """

    def __init__(self, profile: PumpProfile) -> None:
        self._pace = Pace()
        self._was_stopped = False
        self._started_ns: int | None = None
        self.use_profile(profile)

    def use_profile(self, profile: PumpProfile, active: Collection[str] = ()) -> None:
        """Judge by other limits from now on, with the alarms that are `active`; the delays count again."""
        self._points: list[_Point] = []
        self._delays: list[OnOffDelay] = []
        index, sign, deadband = [], [], []
        for i, sensor in enumerate(profile.quantities):
            for level, direction, priority, words in _LEVELS:
                limit = getattr(sensor.limits, level)
                if limit is None:
                    continue
                self._points.append(_Point(sensor, level, words, priority, limit))
                own = sensor.limits
                self._delays.append(OnOffDelay(int(own.on_delay_s * 1e9), int(own.off_delay_s * 1e9)))
                index.append(i)
                sign.append(direction)
                deadband.append(own.deadband)
        self._index = np.array(index, dtype=np.intp)
        self._sign = np.array(sign)
        self._limit = np.array([p.limit for p in self._points])
        self._deadband = np.array(deadband)
        self._is_high = self._sign > 0
        self._judged_ns = np.zeros(len(self._points), dtype=np.int64)  # true only while a delay runs
        self.adopt(active)

    @property
    def is_quiet(self) -> bool:
        """Whether no alarm is active and no delay runs: then a frame with nothing over a limit changes nothing."""
        return self._is_quiet

    @property
    def sources(self) -> frozenset[str]:
        """The alarm sources it can raise (`tag.high`)."""
        return frozenset(point.source for point in self._points)

    def adopt(self, sources: Collection[str]) -> None:
        """Take over alarms that are already active (after a restart)."""
        for point, delay in zip(self._points, self._delays, strict=True):
            delay.active = point.source in sources
        self._suppressed = self._active_low()  # of the run before they may be; released once they are judged
        self._was_masked: bool | None = None
        self._is_quiet = self._all_quiet()

    def judge(self, frame: Frame, state: RunState) -> list[AlarmSignal]:
        """The limits that were raised or returned to normal at this frame."""
        signals: list[AlarmSignal] = []
        mono_ns = frame.mono_ns
        is_masked = self._is_low_masked(mono_ns, state)
        excess = self._sign * (frame.values[self._index] - self._limit)
        over = excess > 0  # a BAD value is NaN and never over
        if is_masked:
            over &= self._is_high
        signals += self._suppress(state, is_masked)
        if self._is_quiet and not over.any():
            self._pace.step(mono_ns)
            return signals
        judged = frame.quality[self._index] != Quality.BAD
        if is_masked:
            judged &= self._is_high
        after_gap = mono_ns - self._judged_ns > self._pace.gap_s * 1e9
        self._pace.step(mono_ns)  # after the gap was found: an interval must not make its own pace
        self._judged_ns[judged] = mono_ns
        clear = excess < -self._deadband
        for i in np.flatnonzero(judged):
            delay = self._delays[i]
            if after_gap[i]:
                delay.restart()
            stimulus = delay.update(mono_ns, over=bool(over[i]), clear=bool(clear[i]))
            if stimulus is not None:
                signals.append(_signal(self._points[i], float(frame.values[self._index[i]]), stimulus))
            if i in self._suppressed and (over[i] or not delay.active):
                self._suppressed.discard(i)
                signals.append(_signal(self._points[i], float(frame.values[self._index[i]]), Stimulus.RELEASED))
        self._is_quiet = self._all_quiet()
        return signals

    def _suppress(self, state: RunState, is_masked: bool) -> list[AlarmSignal]:
        """Suppress the low limits that are active when the pump stops. Each is released once it was judged again."""
        if state is RunState.NO_DATA or is_masked is self._was_masked:
            return []
        self._was_masked = is_masked
        if not is_masked:
            return []
        self._suppressed = self._active_low()
        return [_signal(self._points[i], nan, Stimulus.SUPPRESSED) for i in sorted(self._suppressed)]

    def _active_low(self) -> set[int]:
        return {i for i, delay in enumerate(self._delays) if delay.active and not self._is_high[i]}

    def _all_quiet(self) -> bool:
        """Whether nothing is active and no delay runs, so that a frame with nothing over changes nothing."""
        return not any(delay.active or delay.is_running for delay in self._delays)

    def _is_low_masked(self, mono_ns: int, state: RunState) -> bool:
        """While the pump is stopped, may be stopped, or starts up. A link that comes back is no start."""
        if state is RunState.STANDBY:
            self._was_stopped = True
        elif state is RunState.RUNNING and self._was_stopped:
            self._was_stopped, self._started_ns = False, mono_ns
        is_starting = self._started_ns is not None and mono_ns - self._started_ns < START_UP_NS
        return is_starting or state is not RunState.RUNNING


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
