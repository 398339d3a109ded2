"""One frame of a pump out of the newest scans of its links."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.acquire.driver import LinkSpec, Readings
from pumpwatch_gui.domain.links.decode import PointValue, bad
from pumpwatch_gui.domain.values.arrays import read_only
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.domain.values.trace import CLOCK_STEP_NS

OLD_PERIODS = 2
LOST_PERIODS = 5
OLD_SCAN_S = 1.0
"""No scan that took less brings old values: a busy machine jitters."""
_BAD, _UNBOUND = Quality.BAD, Reason.NOT_CONNECTED
STEADY_NS = 5_000_000
"""Reading both clocks takes longer only when another thread ran in between: then they cannot be compared."""


class WallClock:
    """Wall time that runs with the monotonic clock, taken again when the two part by more than 50 ms, either way.

    So times of frames never run backwards or jump by the small corrections that a time server makes. `on_step` hears
    of each step, by how many nanoseconds the clock was set forward (below zero: back).
    """

    def __init__(
        self,
        wall: Callable[[], int] = time.time_ns,
        mono: Callable[[], int] = time.monotonic_ns,
        *,
        on_step: Callable[[int], None] = lambda step_ns: None,
    ) -> None:
        self._wall, self._mono, self._on_step = wall, mono, on_step
        self._offset_ns = wall() - mono()

    def at(self, mono_ns: int) -> int:
        """Unix UTC nanoseconds at a monotonic instant of the last moments."""
        # Between the two readings the interpreter may switch to another thread, for 5 ms or more.
        before = self._mono()
        offset_ns = self._wall() - before
        parted_ns = offset_ns - self._offset_ns
        if abs(parted_ns) > CLOCK_STEP_NS and self._mono() - before < STEADY_NS:
            self._offset_ns = offset_ns
            self._on_step(parted_ns)
        return mono_ns + self._offset_ns


@dataclass(slots=True)
class _Part:
    """The last scan of one link. `failure` is NONE after a good one; `tags` are those the link binds."""

    spec: LinkSpec
    tags: frozenset[str]
    mono_ns: int
    readings: Readings
    failure: Reason


class Assembly:
    """The parts of one pump. The fastest link (of equals the first) is the primary one: its scans make the frames.

    So every link's values are stored at the link's own rate, and the frames keep one pace, which the windows of models
    count on: two links that each made frames would give two rows where a model learned one.

    `bound` gives each link's tags in the order of the links. A tag that two links bind takes the better quality, the
    earlier link's when both are equal. `before` is the assembly that this one takes over from.
    """

    def __init__(
        self, bound: Mapping[LinkSpec, frozenset[str]], clock: WallClock, before: "Assembly | None" = None
    ) -> None:
        specs = tuple(bound)
        self._places = {tag: i for i, tag in enumerate(specs[0].profile.tags)}
        self._pump_id = specs[0].pump_id
        self._parts = {s.link_id: _Part(s, tags, 0, {}, Reason.WAITING_FOR_INITIAL_DATA) for s, tags in bound.items()}
        self._primary = min(specs, key=lambda s: s.config.period_s).link_id
        self._last_ns = 0
        self._clock = clock
        self._quality, self._reason = _Codes(), _Codes()
        self._seq: int = before._seq if before is not None else 0
        if before is not None:
            kept = {p.spec.shape(): p for p in before._parts.values()}
            self._parts = {i: kept.get(p.spec.shape(), p) for i, p in self._parts.items()}

    def scanned(self, link_id: str, readings: Readings, ended_ns: int, *, took_ns: int = 0) -> Frame | None:
        """Take in a good scan; a frame when it was the primary link's.

        Its stamp is the middle of the scan: no value is further from it than half of the scan. A scan that took longer
        than two periods, and than a second, brings old values.
        """
        part = self._parts[link_id]
        is_old = took_ns / 1e9 > max(OLD_PERIODS * part.spec.config.period_s, OLD_SCAN_S)
        part.mono_ns, part.failure = ended_ns - took_ns // 2, Reason.NONE
        part.readings = {tag: _aged(reading) for tag, reading in readings.items()} if is_old else readings
        return self._frame(part.mono_ns) if link_id == self._primary else None

    def failed(self, link_id: str, reason: Reason, mono_ns: int) -> Frame | None:
        """Take in a failed scan; a frame when it was the primary link's."""
        part = self._parts[link_id]
        part.mono_ns, part.failure = mono_ns, reason
        return self._frame(mono_ns) if link_id == self._primary else None

    def _frame(self, mono_ns: int) -> Frame:
        # The loss of a line may have made a frame while the scan was under way.
        mono_ns = self._last_ns = max(mono_ns, self._last_ns + 1)
        places, size = self._places, len(self._places)
        values, quality, reason = [nan] * size, [_BAD] * size, [_UNBOUND] * size
        for part in self._parts.values():
            for tag, (value, how_good, why) in _now(part, mono_ns).items():
                i = places[tag]
                if reason[i] is _UNBOUND or how_good < quality[i]:
                    values[i], quality[i], reason[i] = value, how_good, why
        self._seq += 1
        return Frame(
            self._pump_id,
            self._seq,
            self._clock.at(mono_ns),
            mono_ns,
            read_only(np.fromiter(values, np.float64, size)),
            self._quality.array(quality),
            self._reason.array(reason),
        )


class _Codes:
    """Qualities or reasons as an array. Frames share it while nothing changes, which is most of the time."""

    def __init__(self) -> None:
        self._codes: Sequence[int] = ()
        self._array: NDArray[np.uint8] = read_only(np.zeros(0, np.uint8))

    def array(self, codes: Sequence[int]) -> NDArray[np.uint8]:
        """These codes, read-only."""
        if codes != self._codes:
            self._codes, self._array = codes, read_only(np.array(codes, np.uint8))
        return self._array


def _now(part: _Part, mono_ns: int) -> Readings:
    """The newest scan of a link with its quality of now: it ages."""
    failure = part.failure
    periods = (mono_ns - part.mono_ns) / 1e9 / part.spec.config.period_s
    if failure is Reason.NONE and periods > LOST_PERIODS:
        failure = Reason.NO_COMMUNICATION
    if failure is not Reason.NONE:
        return dict.fromkeys(part.tags, bad(failure))
    if periods <= OLD_PERIODS:
        return part.readings
    return {tag: _aged(reading) for tag, reading in part.readings.items()}


def _aged(reading: PointValue) -> PointValue:
    if reading.quality is not Quality.GOOD:
        return reading
    return PointValue(reading.value, Quality.UNCERTAIN, Reason.LAST_USABLE_VALUE)
