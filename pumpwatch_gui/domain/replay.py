"""The replay of a history: where it is, how fast it goes, and what of the journal is needed to turn to any instant."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.values.arrays import freeze_arrays

SPEEDS = (1, 2, 5, 10, 30, 60)
"""Seconds of history a second."""


@dataclass(frozen=True, slots=True)
class ReplayState:
    """A replay now: the ends of its history (Unix UTC ns), how fast it plays (0: paused).

    `turn` rises with every jump to another instant. `is_reading`: another instant was asked for than is shown;
    `error` says why the one that was asked for last cannot be shown, "" when it can.
    """

    start_ns: int
    end_ns: int
    speed: int = 0
    turn: int = 0
    is_reading: bool = False
    error: str = ""


class Leap(Enum):
    """Where a replay can be sent without naming a time."""

    NEXT_ALARM = "next alarm"
    PREVIOUS_ALARM = "previous alarm"
    NEXT_EVENT = "next event"
    PREVIOUS_EVENT = "previous event"
    START = "start"
    END = "end"

    @property
    def is_forward(self) -> bool:
        """Whether it leads to a later time."""
        return self in (Leap.NEXT_ALARM, Leap.NEXT_EVENT, Leap.END)

    @property
    def is_to_alarm(self) -> bool:
        """Whether it leads to where an alarm came."""
        return self in (Leap.NEXT_ALARM, Leap.PREVIOUS_ALARM)


@dataclass(frozen=True, slots=True, eq=False)
class JournalIndex:
    """Every line of the journal in order of time, without its words. All arrays are (m,).

    `time_ns` int64 Unix UTC, rising; `id` int64 that of the line; `alarm` int32 a number of the alarm that it is about,
    -1 for another line; `is_open` bool whether that is not NORMAL from there on; `priority` uint8 the priority of an
    alarm that came there, 0 for any other line.
    """

    time_ns: NDArray[np.int64]
    id: NDArray[np.int64]
    alarm: NDArray[np.int32]
    is_open: NDArray[np.bool_]
    priority: NDArray[np.uint8]

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        freeze_arrays(self, "time_ns", "id", "alarm", "is_open", "priority")

    @staticmethod
    def of(rows: Sequence[tuple[int, int, int, bool, int]]) -> "JournalIndex":
        """Of (time, id, alarm, is open, priority) each."""
        time_ns, key, alarm, is_open, priority = zip(*rows, strict=True) if rows else ((), (), (), (), ())
        return JournalIndex(np.array(time_ns, np.int64), np.array(key, np.int64), np.array(alarm, np.int32),
                            np.array(is_open, np.bool_), np.array(priority, np.uint8))  # fmt: skip

    def open_at(self, time_ns: int) -> list[int]:
        """The ids of the newest lines, up to an instant, of the alarms that were not NORMAL then."""
        many = int(np.searchsorted(self.time_ns, time_ns, side="right"))
        alarm = self.alarm[:many]
        rows = np.flatnonzero(alarm >= 0)
        if not rows.size:
            return []
        newest = np.zeros(int(alarm.max()) + 1, np.int64)
        np.maximum.at(newest, alarm[rows], rows + 1)
        last = newest[newest > 0] - 1
        found: list[int] = self.id[last[self.is_open[last]]].tolist()
        return found

    def leap(self, time_ns: int, leap: Leap) -> int | None:
        """The time of the next or the previous line (or alarm that came) from an instant; None when there is none."""
        times = self.time_ns[self.priority > 0] if leap.is_to_alarm else self.time_ns
        if leap.is_forward:
            at = int(np.searchsorted(times, time_ns, side="right"))
        else:
            at = int(np.searchsorted(times, time_ns)) - 1
        return int(times[at]) if 0 <= at < times.size else None
