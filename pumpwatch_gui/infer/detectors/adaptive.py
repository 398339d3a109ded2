"""A threshold that follows the running within bounds, a little at a time, and reports every change. Off by default."""

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from pumpwatch_gui.domain.detection import Detection

LOWEST, HIGHEST = 0.85, 1.30
"""How far the limit may move from the one the model was made with."""
STEP = 0.02
EVERY_S = 3600.0
QUANTILE = 99.0
TOO_NEAR, TOO_FAR = 0.85, 0.55
"""Where the 99th percentile of calm scores should lie, in units of the limit."""
_LONGEST_STEP_NS = 30 * 10**9


@dataclass(frozen=True, slots=True)
class Change:
    """The limit moved from `before` to `after` times what it was made as; `why` in words."""

    before: float
    after: float
    why: str


class Adaptive:
    """Follows the scores of one pump. A score above the limit teaches nothing: a fault must not move the limit."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = min(max(factor, LOWEST), HIGHEST)
        self._calm: deque[float] = deque(maxlen=36_000)
        self._watched_ns = 0
        self._last_ns: int | None = None

    def judged(self, detection: Detection) -> Detection:
        """The detection against the limit as it is now."""
        if self.factor == 1.0:
            return detection
        score = detection.score / self.factor
        threshold = detection.threshold * self.factor
        return replace(detection, score=score, threshold=threshold, is_anomaly=score > 1.0)

    def learn(self, detection: Detection) -> Change | None:
        """Take in a detection that `judged` gave; at most once an hour of scored time the limit moves one step."""
        step_ns = 0 if self._last_ns is None else detection.mono_ns - self._last_ns
        self._last_ns = detection.mono_ns
        self._watched_ns += min(max(step_ns, 0), _LONGEST_STEP_NS)
        if detection.score <= 1.0:
            self._calm.append(detection.score)
        if self._watched_ns < EVERY_S * 1e9 or not self._calm:
            return None
        self._watched_ns = 0
        level = float(np.percentile(self._calm, QUANTILE))
        self._calm.clear()
        return self._move(level)

    def _move(self, level: float) -> Change | None:
        wanted = self.factor + STEP if level > TOO_NEAR else self.factor - STEP if level < TOO_FAR else self.factor
        after = round(min(max(wanted, LOWEST), HIGHEST), 4)
        if after == self.factor:
            return None
        before, self.factor = self.factor, after
        return Change(before, after, f"the 99th percentile of an hour's calm scores was {level:.2f}")
