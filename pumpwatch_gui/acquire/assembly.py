"""One frame of a pump out of the newest scans of its links."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pumpwatch_gui.acquire.decode import Reading
from pumpwatch_gui.acquire.driver import LinkSpec, Readings
from pumpwatch_gui.domain.frame import Frame
from pumpwatch_gui.domain.quality import Quality, Reason

OLD_PERIODS = 2
LOST_PERIODS = 5
CLOCK_STEP_NS = 50_000_000


class WallClock:
    """Wall time that runs with the monotonic clock, taken anew when the two part by more than 50 ms."""

    def __init__(self, wall: Callable[[], int] = time.time_ns, mono: Callable[[], int] = time.monotonic_ns) -> None:
        self._wall, self._mono = wall, mono
        self._offset_ns = wall() - mono()
        self.steps = 0

    def at(self, mono_ns: int) -> int:
        """Unix UTC nanoseconds at a monotonic instant of the last moments."""
        now_offset = self._wall() - self._mono()
        if abs(now_offset - self._offset_ns) > CLOCK_STEP_NS:
            self._offset_ns = now_offset
            self.steps += 1
        return mono_ns + self._offset_ns


@dataclass(slots=True)
class _Part:
    spec: LinkSpec
    mono_ns: int
    readings: Readings
    failure: Reason


class Assembly:
    """The parts of one pump. The first link is the primary one: its beats make the frames."""

    def __init__(self, specs: tuple[LinkSpec, ...], clock: WallClock) -> None:
        self._profile = specs[0].profile
        self._pump_id = specs[0].pump_id
        self._parts = {s.link_id: _Part(s, 0, {}, Reason.WAITING_FOR_INITIAL_DATA) for s in specs}
        self._primary = specs[0].link_id
        self._clock = clock
        self._seq = 0
        # What a failed link would have brought: its tags stay its own, others stay "not connected".
        self._known: dict[str, set[str]] = {s.link_id: set() for s in specs}

    def scanned(self, link_id: str, readings: Readings, mono_ns: int) -> Frame | None:
        """Take in a good scan; a frame when it was the primary link's."""
        part = self._parts[link_id]
        part.mono_ns, part.readings, part.failure = mono_ns, readings, Reason.NONE
        self._known[link_id].update(readings)
        return self._frame(mono_ns) if link_id == self._primary else None

    def failed(self, link_id: str, reason: Reason, mono_ns: int) -> Frame | None:
        """Take in a failed scan; a frame when it was the primary link's."""
        part = self._parts[link_id]
        part.mono_ns, part.failure = mono_ns, reason
        return self._frame(mono_ns) if link_id == self._primary else None

    def _frame(self, mono_ns: int) -> Frame:
        size = len(self._profile.sensors)
        values = np.full(size, np.nan)
        quality = np.full(size, Quality.BAD, dtype=np.uint8)
        reason = np.full(size, Reason.NOT_CONNECTED, dtype=np.uint8)
        only = len(self._parts) == 1
        for part in self._parts.values():
            if part.failure is not Reason.NONE:
                known = self._known[part.spec.link_id]
                for i, tag in enumerate(self._profile.tags):
                    if tag in known or (only and not known):
                        reason[i] = part.failure
                continue
            aged = self._age_reason(part, mono_ns)
            for i, tag in enumerate(self._profile.tags):
                reading = part.readings.get(tag)
                if reading is not None:
                    values[i], quality[i], reason[i] = _aged(reading, aged)
        self._seq += 1
        return Frame(self._pump_id, self._seq, self._clock.at(mono_ns), mono_ns, values, quality, reason)

    @staticmethod
    def _age_reason(part: _Part, mono_ns: int) -> Reason:
        periods = (mono_ns - part.mono_ns) / 1e9 / part.spec.config.period_s
        if periods > LOST_PERIODS:
            return Reason.NO_COMMUNICATION
        return Reason.LAST_USABLE_VALUE if periods > OLD_PERIODS else Reason.NONE


def _aged(reading: Reading, aged: Reason) -> tuple[float, Quality, Reason]:
    if aged is Reason.NO_COMMUNICATION:
        return float("nan"), Quality.BAD, aged
    if aged is Reason.LAST_USABLE_VALUE and reading.quality is Quality.GOOD:
        return reading.value, Quality.UNCERTAIN, aged
    return reading.value, reading.quality, reading.reason
