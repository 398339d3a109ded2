"""Health index 0-100 of a running pump: how far its worst sensor and its anomaly score are from trouble."""

import math

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.frame import Frame

TIME_CONSTANT_S = 20.0


def _ramps(profile: PumpProfile) -> tuple[NDArray[np.float64], ...]:
    """Per side and sensor: where the index starts to fall (edge of the normal band) and where it reaches 0 (HH, LL)."""
    start = np.full((2, len(profile.quantities)), np.nan)
    end = np.full_like(start, np.nan)
    for i, s in enumerate(profile.sensors):
        if s.normal is None:
            continue
        for side, worst, milder in ((0, s.limits.low_low, s.limits.low), (1, s.limits.high_high, s.limits.high)):
            stop = worst if worst is not None else milder
            if stop is not None:
                start[side, i], end[side, i] = s.normal[side], stop
    return start, end


class Health:
    """100 = every sensor in its normal band and the anomaly score well below its limit; 0 = a worst limit reached.

    The index is the minimum of two parts: each sensor's way from the edge of its normal band (100) to its worst limit
    (0), and the anomaly score's way from 0.6 (100) through 1.0 (75) to 2.2 (0). It is smoothed over 20 s.
    """

    def __init__(self, profile: PumpProfile) -> None:
        self._start, self._end = _ramps(profile)
        self._value = math.nan
        self._last_ns = 0

    def update(self, frame: Frame, *, score: float, running: bool) -> float:
        """The index after this frame; NaN while the pump is stopped, has no data, or gives nothing to judge by."""
        if not running:
            self._value = math.nan
            return self._value
        now = self._instant(frame, score)
        if math.isnan(self._value) or math.isnan(now):
            self._value = now
        else:
            elapsed_s = max(0.0, (frame.mono_ns - self._last_ns) / 1e9)
            self._value += (now - self._value) * (1 - math.exp(-elapsed_s / TIME_CONSTANT_S))
        self._last_ns = frame.mono_ns
        return self._value

    def _instant(self, frame: Frame, score: float) -> float:
        way = (frame.values - self._start) / (self._end - self._start)
        known = way[np.isfinite(way)]
        parts = [1.0 - float(known.max(initial=0.0))] if known.size else []
        if not math.isnan(score):
            parts.append(1.0 - max(0.0, (score - 0.6) / 1.6))
        return 100.0 * min(1.0, max(0.0, min(parts))) if parts else math.nan
