"""The counters of one pump: run hours, starts, time in zone C and D, time outside the preferred flow."""

import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan

from pumpwatch_gui.domain.pump.quantities import Counter
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.pace import Pace

HOUR_NS = 3600 * 10**9
KEEP_EVERY_NS = 60 * 10**9
"""A row a minute while a total moves: what came after the last is counted again from the readings."""
KEEP_AT_LEAST_NS = HOUR_NS
ZONE_C = 2.0


@dataclass(frozen=True, slots=True)
class CounterTotals:
    """What has added up in the life of a pump: seconds and a number of starts. Raises ValueError for a negative one."""

    run_s: float = 0.0
    starts: int = 0
    zone_cd_s: float = 0.0
    off_region_s: float = 0.0

    def __post_init__(self) -> None:
        """Check the signs."""
        if not all(isfinite(x) and x >= 0 for x in (self.run_s, self.starts, self.zone_cd_s, self.off_region_s)):
            raise ValueError("a counter must be 0 or more")

    def __add__(self, other: "CounterTotals") -> "CounterTotals":
        """Both together."""
        return CounterTotals(
            self.run_s + other.run_s,
            self.starts + other.starts,
            self.zone_cd_s + other.zone_cd_s,
            self.off_region_s + other.off_region_s,
        )


@dataclass(frozen=True, slots=True)
class CounterRow:
    """The totals of a pump at an instant (Unix UTC), as they are kept. `is_set`: a person has set them."""

    pump_id: str
    time_ns: int
    totals: CounterTotals
    is_set: bool = False


@dataclass(frozen=True, slots=True)
class Instant:
    """What the counters need of a frame: the run state, the vibration zone (0 to 3) and Q / Q_BEP (1 = best).

    NaN where one is not known.
    """

    state: RunState
    zone: float = nan
    flow_ratio: float = nan


class PumpCounters:
    """Counts from frame to frame. One thread steps, any thread takes up, sets and reads.

    An interval counts by what held at its beginning; a gap of the frames (`Pace`) counts as nothing. What the run
    before had counted may be taken up at any time: it adds to what was counted meanwhile. `totals` is None before.
    """

    def __init__(self, preferred_region: tuple[float, float]) -> None:
        self.preferred_region = preferred_region
        self._base: CounterTotals | None = None
        self._since = CounterTotals()
        self._pace = Pace()
        self._last: Instant | None = None
        self._was_running: bool | None = None
        self._began_running: bool | None = None
        self._starts_ns: deque[int] = deque()
        self._kept: tuple[int, CounterTotals] | None = None
        self._lock = threading.Lock()

    @property
    def totals(self) -> CounterTotals | None:
        """The present totals; None while what the run before had counted is not known."""
        with self._lock:
            return None if self._base is None else self._base + self._since

    @property
    def was_running(self) -> bool | None:
        """Whether the pump ran when that was last known; None while it never was."""
        return self._was_running

    @property
    def starts_ns(self) -> tuple[int, ...]:
        """The monotonic times of its starts of the last 60 min, oldest first."""
        with self._lock:
            return tuple(self._starts_ns)

    def starts_per_hour(self, mono_ns: int) -> int:
        """Starts of the last 60 min."""
        with self._lock:
            return sum(mono_ns - at_ns < HOUR_NS for at_ns in self._starts_ns)

    def step(self, mono_ns: int, now: Instant) -> None:
        """Count up to a frame of the monotonic time `mono_ns`."""
        interval_s, last = self._pace.step(mono_ns), self._last
        self._last = now
        with self._lock:
            if last is not None and last.state is RunState.RUNNING and isfinite(interval_s):
                low, high = self.preferred_region
                since = self._since
                self._since = CounterTotals(
                    since.run_s + interval_s,
                    since.starts,
                    since.zone_cd_s + interval_s * (last.zone >= ZONE_C),
                    since.off_region_s + interval_s * (last.flow_ratio < low or last.flow_ratio > high),
                )
            if now.state is RunState.NO_DATA:
                return
            is_running = now.state is RunState.RUNNING
            if is_running and self._was_running is False:
                self._since = replace(self._since, starts=self._since.starts + 1)
                self._starts_ns.append(mono_ns)
                while mono_ns - self._starts_ns[0] >= HOUR_NS:
                    self._starts_ns.popleft()
            self._was_running = is_running
            if self._began_running is None:
                self._began_running = is_running

    def due_row(self, pump_id: str, *, time_ns: int, mono_ns: int, is_last: bool = False) -> CounterRow | None:
        """The row to be kept now, None while none is due: at once after a start, each minute while a total moves.

        `is_last`: the run ends, and whatever has moved is due.
        """
        totals = self.totals
        if totals is None:
            return None
        if self._kept is not None:
            kept_ns, kept = self._kept
            age_ns = mono_ns - kept_ns
            has_moved = totals != kept
            is_due = totals.starts != kept.starts or (has_moved and (is_last or age_ns >= KEEP_EVERY_NS))
            if not is_due and (is_last or age_ns < KEEP_AT_LEAST_NS):
                return None
        self._kept = mono_ns, totals
        return CounterRow(pump_id, time_ns, totals)

    def take_up(self, base: CounterTotals, *, was_running: bool | None, starts_ns: Iterable[int] = ()) -> None:
        """Go on from what the run before had counted, and from the monotonic times of its starts of the last hour.

        `was_running`: the last that was known of the pump then. A second call does nothing.
        """
        with self._lock:
            if self._base is not None:
                return
            self._base = base
            self._starts_ns.extendleft(sorted(starts_ns, reverse=True))
            if self._was_running is None:
                self._was_running = was_running
            elif was_running is False and self._began_running:  # it was started while the program was off
                self._since = replace(self._since, starts=self._since.starts + 1)

    def set_totals(self, totals: Mapping[str, float]) -> tuple[CounterTotals, CounterTotals]:
        """Set the totals of those fields (seconds, starts); returns all totals before and after.

        Raises ValueError for a negative one, and before what the run before had counted is known.
        """
        with self._lock:
            if self._base is None:
                raise ValueError("what was counted before is not read yet")
            before = self._base + self._since
            after = replace(before, **{k: int(v) if k == "starts" else v for k, v in totals.items()})  # type: ignore[arg-type]
            self._base, self._since = after, CounterTotals()
            self._kept = None
            return before, after


def shown_totals(counters: Sequence[Counter], totals: CounterTotals | None, starts_per_hour: int) -> list[float]:
    """The value of each counter, in its unit; NaN where the totals are not known."""
    if totals is None:
        return [nan] * len(counters)
    return [getattr(totals, c.total) / c.per_unit if c.total else float(starts_per_hour) for c in counters]
