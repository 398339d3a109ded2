"""Windows: the last rows of one pump without a hole in them, and the rule that says what a hole is."""

from collections import deque

import numpy as np
from numpy.typing import ArrayLike, NDArray

GAP_PERIODS = 3.0
LEAST_GAP_S = 1.0
_INTERVALS = 15


class Pace:
    """Finds gaps from the time stamps alone: an interval above 3 sample periods, the period being the usual interval.

    Below 1 s nothing is a gap (a busy collector jitters).
    """

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=_INTERVALS)
        self._last_ns: int | None = None

    @property
    def period_s(self) -> float:
        """The usual interval so far in seconds, NaN before there is one."""
        return sorted(self._recent)[len(self._recent) // 2] if self._recent else float("nan")

    def step(self, mono_ns: int) -> float:
        """Take the stamp of the next sample; seconds since the one before, infinite when that is a gap.

        The first sample has nothing before it, which is a gap too; so is a stamp that does not rise.
        """
        last_ns, self._last_ns = self._last_ns, mono_ns
        if last_ns is None or mono_ns <= last_ns:
            return float("inf")
        interval = (mono_ns - last_ns) / 1e9
        is_gap = bool(self._recent) and interval > max(LEAST_GAP_S, GAP_PERIODS * self.period_s)
        self._recent.append(interval)
        return float("inf") if is_gap else interval


class Window:
    """The newest `length` rows of `sensors` values, contiguous in memory; a restart empties it."""

    def __init__(self, length: int, sensors: int) -> None:
        self.length = length
        self._rows = np.zeros((2 * length, sensors), dtype=np.float32)  # each row twice: any window is one slice
        self._count = 0

    def restart(self) -> None:
        """Forget every row: what follows has no past."""
        self._count = 0

    def add(self, row: ArrayLike) -> None:
        """Append a row (n,)."""
        i = self._count % self.length
        self._rows[i] = self._rows[i + self.length] = row
        self._count += 1

    @property
    def filled(self) -> int:
        """Rows held, at most `length`."""
        return min(self._count, self.length)

    @property
    def is_full(self) -> bool:
        """Whether there are `length` rows without a hole."""
        return self._count >= self.length

    def view(self) -> NDArray[np.float32]:
        """The rows (length, n), oldest first; valid until the next `add`. Raises ValueError unless full."""
        if not self.is_full:
            raise ValueError(f"window {self._count} of {self.length}")
        i = self._count % self.length
        return self._rows[i : i + self.length]
