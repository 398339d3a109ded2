"""When what raised an alarm is over although the pump has not come back to its old level: the release of an alarm."""

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.episodes import ScoreAlarm

Floats = NDArray[np.float64]

IN_ALARM_S = 60.0
LATE_S = 20.0
MEMORY_S = 120.0
LEAST_PLATEAU = 3.0
GONE_BELOW = 0.35
GONE_S = 15.0


class Release:
    """Knows the plateau of an alarm and says when the pump has left it.

    The plateau is the mean deviation (n,) of the alarm, each sensor in what its chart takes as ordinary, so that one
    far from its own limit does not speak for those that raised it; 20 s late, so that it does not follow the end it
    waits for. An alarm of a minute whose plateau stands out is over once the present deviation has had less than a
    third of it left for 15 s: what still deviates then is the aftermath (heat that flows off, a level that moved). All
    of this takes `stretch` times as long for a pump that is read slowly.
    """

    def __init__(self, sensors: int, *, stretch: float = 1.0) -> None:
        self._alarm, self._stretch = ScoreAlarm(), stretch
        self._late: deque[tuple[float, Floats]] = deque()
        self._plateau = np.zeros(sensors)
        self._clear()

    @property
    def in_alarm(self) -> bool:
        """Whether the alarm is on."""
        return self._alarm.active

    @property
    def outlook(self) -> tuple[object, ...] | None:
        """Two with the same one go on alike; None while an alarm is not over."""
        return self._alarm.outlook if not self._alarm_s else None

    def _clear(self) -> None:
        self._late.clear()
        self._plateau[:] = 0.0
        self._learnt_s = self._alarm_s = self._gone_s = self._now_s = 0.0

    def step(
        self, mono_ns: int, interval_s: float, score: float, deviation: Callable[[], Floats], residual: Floats
    ) -> bool:
        """Take the next score (1.0 is the limit), deviation and smoothed (n,); whether it ends the alarm.

        The deviation is asked for in an alarm only.
        """
        self._alarm.update(mono_ns, score)
        if not self._alarm.active:
            if self._alarm_s:
                self._clear()
            return False
        self._alarm_s += interval_s
        self._now_s += interval_s
        self._late.append((self._now_s, deviation()))
        late_s = LATE_S * self._stretch
        last_s = self._now_s - interval_s - late_s
        while self._late and self._late[0][0] <= self._now_s - late_s:
            at_s, old = self._late.popleft()
            step_s = max(at_s - last_s, 0.0) or interval_s
            last_s = at_s
            self._learnt_s += step_s
            self._plateau += max(step_s / self._learnt_s, 1.0 - np.exp(-step_s / (MEMORY_S * self._stretch))) * (
                old - self._plateau
            )
        size = float(self._plateau @ self._plateau)
        gone = size > LEAST_PLATEAU**2 and float(residual @ self._plateau) < GONE_BELOW * size
        self._gone_s = self._gone_s + interval_s if gone else 0.0
        if self._alarm_s < IN_ALARM_S * self._stretch or self._gone_s < GONE_S * self._stretch:
            return False
        self._clear()
        self._alarm = ScoreAlarm()
        return True
