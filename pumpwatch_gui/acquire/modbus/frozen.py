"""Whether a device that responds still measures: analogue values that stay equal to the bit do not come from a process.

How long is too long depends on the device: coarse registers of a slow process rest for minutes. So its own habit
counts, where it has shown one; else a time in which live measurements never rest all at once.
"""

from collections.abc import Hashable, Mapping, Sequence

from pumpwatch_gui.acquire.modbus.learnt.learning import Learning
from pumpwatch_gui.acquire.modbus.learnt.plan import HEARTBEAT, Block, Key
from pumpwatch_gui.domain.links.config import ModbusConfig
from pumpwatch_gui.domain.links.decode import PointValue
from pumpwatch_gui.domain.values.quality import Quality, Reason

MIN_CHANGES = 10
"""Changes after which a device has a habit."""
HABITS = 20
"""How many times longer than it ever rested before."""
SHORTEST_S, LONGEST_S = 60.0, 3600.0
FROM_START_S = 120.0
"""Ten analogue values of a running pump do not rest all at once so long."""
MIN_SCANS = 20
HEARTBEAT_SCANS, HEARTBEAT_S = 10, 10.0
MIN_ANALOGUE = 3
"""One or two values may be setpoints, and may rest for days."""


class FrozenWatch:
    """Watches the registers of one link's analogue points, scan by scan. `still_s`: since when they are equal, s."""

    def __init__(self) -> None:
        self.still_s = 0.0
        self._last: Hashable = None
        self._since_s = 0.0
        self._scans = 0
        self._changes = 0
        self._longest_s = 0.0

    def is_frozen(self, registers: Sequence[int], now_s: float) -> bool:
        """Take in the analogue registers of a scan, at a monotonic time."""
        seen = tuple(registers)
        if seen != self._last:
            if self._last is not None:
                self._changes += 1
                # The longest rest fades, so that one pump's night does not blind the watch for good.
                self._longest_s = max(0.98 * self._longest_s, now_s - self._since_s)
            self._last, self._since_s, self._scans = seen, now_s, 0
        self._scans += 1
        self.still_s = now_s - self._since_s
        # A pump that stands still has many zeros; its other values may rest too.
        measured = [r for r in seen if r]
        if len(seen) < MIN_ANALOGUE or 2 * len(measured) < len(seen):
            return False
        return self._scans > MIN_SCANS and self.still_s >= self._limit_s()

    def _limit_s(self) -> float:
        if self._changes < MIN_CHANGES:
            return FROM_START_S if self._changes == 0 else LONGEST_S
        return min(LONGEST_S, max(SHORTEST_S, HABITS * self._longest_s))


class Stillness:
    """The rule for one link: by scans, by its heartbeat register, or by its own habit (see `ModbusConfig`).

    `words` say what has not changed and for how long, "" while nothing is wrong.
    """

    def __init__(self, config: ModbusConfig) -> None:
        self.words = ""
        self._config = config
        self._watch = FrozenWatch()
        self._raw: object = None
        self._same = 0
        self._since_s = 0.0
        self._places: dict[Key, tuple[int, ...]] = {}

    def judged(
        self, readings: dict[str, PointValue], answered: Mapping[Key, Sequence[int]], learning: Learning, now_s: float
    ) -> dict[str, PointValue]:
        """The readings without the heartbeat, UNCERTAIN when the device has frozen.

        With a heartbeat register that one alone counts: when the device's program has stopped, registers that other
        hardware writes may still change.
        """
        heartbeat = readings.pop(HEARTBEAT, None)
        after = self._config.frozen_after
        self.words = ""
        if after < 0:
            return readings
        if heartbeat is not None or after:
            is_frozen = self._is_equal(heartbeat, answered, after, now_s)
        else:
            is_frozen = self._is_still(answered, learning, now_s)
        if not is_frozen:
            return readings
        what = "the heartbeat register has not" if heartbeat else "not one measured value has"
        since_s = self._since_s if heartbeat or after else now_s - self._watch.still_s
        self.words = f"{Reason.FROZEN.text}: {what} changed for {now_s - since_s:.0f} s"
        return {
            tag: r if r.quality is Quality.BAD else PointValue(r.value, Quality.UNCERTAIN, Reason.FROZEN)
            for tag, r in readings.items()
        }

    def _is_equal(
        self, heartbeat: PointValue | None, answered: Mapping[Key, Sequence[int]], after: int, now_s: float
    ) -> bool:
        seen: object = tuple(map(tuple, answered.values()))
        if heartbeat is not None:
            seen = heartbeat.value if heartbeat.quality is Quality.GOOD else None
        if seen is None or seen != self._raw:
            self._raw, self._same, self._since_s = seen, 0, now_s
            return False
        self._same += 1
        return self._same >= (after or HEARTBEAT_SCANS) and (after > 0 or now_s - self._since_s >= HEARTBEAT_S)

    def _is_still(self, answered: Mapping[Key, Sequence[int]], learning: Learning, now_s: float) -> bool:
        analogue: list[int] = []
        for block in learning.blocks:
            registers = answered.get(block.key)
            if registers is None:
                return False
            places = self._places.get(block.key)
            if places is None:
                places = self._places[block.key] = _analogue(block)
            analogue += [registers[at] for at in places]
        return self._watch.is_frozen(analogue, now_s)


def _analogue(block: Block) -> tuple[int, ...]:
    """Where in a block the registers of numbers are; switches may rest for months."""
    numbers = [
        p for p in block.points if not block.is_bits and p.type not in ("bool", "bit", "bits") and p.tag != HEARTBEAT
    ]
    places = {p.address - block.address + i for p in numbers for i in range(p.size)}
    return tuple(sorted(places))
