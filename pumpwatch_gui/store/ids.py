"""The one key: `((milliseconds since 2020-01-01T00:00Z) << 12) | pump_number`.

It is the natural key, the time order and the rowid at once, stays below 2^53 until 2089, and being made of time it
cannot collide with rows written before a database was lost. Pump number 0 is the station itself.
"""

from collections.abc import Callable

EPOCH_MS = 1_577_836_800_000
"""2020-01-01T00:00Z in Unix milliseconds."""
NUMBER_BITS = 12
LAST_NUMBER = (1 << NUMBER_BITS) - 1
ONE_MS = 1 << NUMBER_BITS
STEP_BACK_MS = 1_000
"""A time up to this much behind the newest id is put right after it; further back it is a clock set back, and kept."""


def make_id(time_ns: int, number: int = 0) -> int:
    """The id of a moment (Unix UTC nanoseconds, rounded down to a millisecond) of pump `number` (0 to 4095)."""
    return ((time_ns // 1_000_000 - EPOCH_MS) << NUMBER_BITS) | number


def time_ms(key: int) -> int:
    """Unix milliseconds of an id."""
    return (key >> NUMBER_BITS) + EPOCH_MS


def time_ns(key: int) -> int:
    """Unix nanoseconds of an id, at the start of its millisecond."""
    return time_ms(key) * 1_000_000


def number_of(key: int) -> int:
    """The pump number in an id."""
    return key & LAST_NUMBER


class IdMaker:
    """Gives every row of a pump an id of its own, whatever the clock does.

    While the clock of a pump does not fall, its ids rise: equal milliseconds go one further. A fall of less than a
    second is treated alike. After a longer one the true time is kept, at the first millisecond that is free: `taken`
    looks into the table. `newest` is the newest id in the table (of any pump), 0 when it is empty.
    """

    def __init__(self, taken: Callable[[int], bool], *, newest: int = 0) -> None:
        self._taken = taken
        self._floor_ms = newest >> NUMBER_BITS
        self._newest: dict[int, int] = {}
        self._last: dict[int, tuple[int, int]] = {}
        self._issued: set[int] = set()

    def make(self, time_ns: int, number: int = 0) -> int:
        """A new id for a row of pump `number` at `time_ns` (Unix UTC)."""
        key = make_id(time_ns, number)
        newest = self.newest(number)
        clock, last = self._last.get(number, (newest, newest))
        if clock - key < STEP_BACK_MS << NUMBER_BITS:
            clock = max(clock, key)
            key = max(key, last + ONE_MS)
        else:
            clock = key
        while key <= newest and (key in self._issued or self._taken(key)):
            key += ONE_MS
        self._last[number] = clock, key
        self._newest[number] = max(key, newest)
        self._issued.add(key)
        return key

    def newest(self, number: int) -> int:
        """The highest id given to pump `number`, or what the table had before."""
        return self._newest.get(number, (self._floor_ms << NUMBER_BITS) | number)

    def committed(self) -> None:
        """Forget what was issued: the table knows it now."""
        self._issued.clear()
