"""The pace of samples, found from their time stamps alone, and what counts as a gap in it."""

from collections import deque

GAP_PERIODS = 3.0
LEAST_GAP_S = 1.0
_INTERVALS = 15


class Pace:
    """Finds gaps: an interval above 3 sample periods, the period being the usual interval (median of the last 15).

    Below 1 s nothing is a gap (a busy collector jitters). The configured scan period is not asked: a device that
    answers at half of it is slow, not full of gaps.
    """

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=_INTERVALS)
        self._last_ns: int | None = None

    @property
    def last_ns(self) -> int:
        """The stamp of the last sample, 0 before the first."""
        return self._last_ns or 0

    @property
    def outlook(self) -> tuple[object, ...]:
        """Two paces with the same one find the same from here on."""
        return self._last_ns, *self._recent

    @property
    def period_s(self) -> float:
        """The usual interval so far in seconds, NaN before there is one."""
        return sorted(self._recent)[len(self._recent) // 2] if self._recent else float("nan")

    def is_above(self, period_s: float) -> bool:
        """Whether the usual interval is above that."""
        # The greatest first: each row of a pump asks, and sorting takes twice as long.
        return bool(self._recent) and max(self._recent) > period_s and self.period_s > period_s

    @property
    def gap_s(self) -> float:
        """Seconds without a sample above which there is a gap; before there is a pace, the least of them."""
        return max(LEAST_GAP_S, GAP_PERIODS * self.period_s) if self._recent else LEAST_GAP_S

    def step(self, mono_ns: int) -> float:
        """Take the stamp of the next sample; seconds since the one before, infinite when that is a gap.

        The first sample has nothing before it, which is a gap too; so is a stamp that does not rise. The second
        sample sets the pace: its interval is never a gap here.
        """
        last_ns, self._last_ns = self._last_ns, mono_ns
        if last_ns is None or mono_ns <= last_ns:
            return float("inf")
        interval = (mono_ns - last_ns) / 1e9
        is_gap = interval > LEAST_GAP_S and bool(self._recent) and interval > self.gap_s
        self._recent.append(interval)
        return float("inf") if is_gap else interval
