"""What the conditioned detectors keep of pumps from row to row: arrays over all pumps, so that all take one step."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

_FLOATS, _MARKS = 25, 4


class Memory:
    """Each field is (b, n): b pumps of n sensors; a figure of the whole pump is in each of its n places.

    The fields are views of two arrays, so that memories are joined and taken apart by two copies. They are written in
    place, never replaced.
    """

    newest: Floats
    """The newest value in its unit, NaN before the first."""
    base: Floats
    """The slow baseline in its unit."""
    level: Floats
    trend: Floats
    short: Floats
    """Averages of unequal memory, in its unit."""
    smooth: Floats
    """The smoothed residual, in scales."""
    age_s: Floats
    """Seconds with a value."""
    base_age_s: Floats
    """Seconds that the baseline has followed."""
    calm_s: Floats
    """Seconds for which it has not drifted."""
    frozen_s: Floats
    """Seconds for which the baseline has been frozen."""
    absent_s: Floats
    """Seconds without a value, infinite before the first."""
    kept: Floats
    """The baseline to go on with after an alarm, NaN for none."""
    waited_s: Floats
    """Of the pump: seconds since it began to settle."""
    least_s: Floats
    """Of the pump: the least time of settling."""
    again_s: Floats
    """Seconds for which it has been settling on another level."""
    smooth_age_s: Floats
    """Of the pump: seconds since the smoothing began."""
    residuals: Floats
    """The residual in spreads, 0 where the sensor does not count."""
    deviations: Floats
    """How far the sensor is out, 0 where it does not count."""
    flat_value: Floats
    """The value that the flat-line watch saw last."""
    flat_s: Floats
    """Seconds for which it has shown exactly that."""
    offset: Floats
    """What the operating point makes of the sensor, in its unit: all averages are without it."""
    quiet_s: Floats
    """Of the pump: seconds without an alarm, all that is kept being judged."""
    point: Floats
    """Of the pump: the operating point, in its first places."""
    former: Floats
    """The baseline that was left for another level by time or release, NaN for none."""
    former_s: Floats
    """Seconds since then."""
    settled: Marks
    again: Marks
    """Was settled once and settles on another level."""
    scored: Marks
    """Counts just now."""
    missing: Marks

    def __init__(self, pumps: int, sensors: int) -> None:
        self._bind(np.zeros((_FLOATS, pumps, sensors)), np.zeros((_MARKS, pumps, sensors), dtype=np.bool_))

    def _bind(self, floats: Floats, marks: Marks, whole: "Memory | None" = None, place: int = 0) -> None:
        self.floats, self.marks = floats, marks
        self._whole, self._place = whole, place
        (
            self.newest, self.base, self.level, self.trend, self.short, self.smooth, self.age_s, self.base_age_s,
            self.calm_s, self.frozen_s, self.absent_s, self.kept, self.waited_s, self.least_s, self.again_s,
            self.smooth_age_s, self.residuals, self.deviations, self.flat_value, self.flat_s, self.offset,
            self.quiet_s, self.point, self.former, self.former_s,
        ) = floats  # fmt: skip
        self.tracks: Floats = floats[2:5]  # level, trend and short
        self.settled, self.again, self.scored, self.missing = marks

    @classmethod
    def _of(cls, floats: Floats, marks: Marks, whole: "Memory | None" = None, place: int = 0) -> "Memory":
        memory = cls.__new__(cls)
        memory._bind(floats, marks, whole, place)
        return memory

    @classmethod
    def joined(cls, memories: Sequence["Memory"]) -> "Memory":
        """A copy of several as one."""
        whole = _whole_of(memories)
        if whole is not None:
            return whole.rows([memory._place for memory in memories])
        floats = np.concatenate([memory.floats for memory in memories], axis=1)
        return cls._of(floats, np.concatenate([memory.marks for memory in memories], axis=1))

    @staticmethod
    def are_shared(memories: Sequence["Memory"]) -> bool:
        """Whether they are places of one memory."""
        return _whole_of(memories) is not None

    def shared(self) -> list["Memory"]:
        """Each pump's own memory, its place in this one: they are joined and written back by one copy."""
        floats, marks = self.floats, self.marks
        return [self._of(floats[:, i : i + 1], marks[:, i : i + 1], self, i) for i in range(floats.shape[1])]

    def rows(self, which: Sequence[int]) -> "Memory":
        """A copy of some pumps."""
        return self._of(self.floats.take(which, axis=1), self.marks.take(which, axis=1))

    def write_back(self, memories: Sequence["Memory"]) -> None:
        """Give each of these, of one pump each, its row."""
        whole = _whole_of(memories)
        if whole is not None:
            places = [memory._place for memory in memories]
            whole.floats[:, places], whole.marks[:, places] = self.floats, self.marks
            return
        for i, memory in enumerate(memories):
            memory.floats[:, 0], memory.marks[:, 0] = self.floats[:, i], self.marks[:, i]


def _whole_of(memories: Sequence[Memory]) -> Memory | None:
    """The memory of which they all are places, None where there is none."""
    whole = memories[0]._whole
    return whole if whole is not None and all(memory._whole is whole for memory in memories) else None
