"""The stretch of time on the axis: moved and zoomed, never into the future; its ticks in local time."""

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil, floor, log10

from pumpwatch_gui.domain.wording import local_time

SHORTEST_S, LONGEST_S = 10.0, 5 * 366 * 86_400.0
LENGTHS = (("1 h", 3_600.0), ("8 h", 28_800.0), ("1 d", 86_400.0), ("7 d", 604_800.0), ("30 d", 2_592_000.0),
           ("1 y", 31_536_000.0))  # fmt: skip
DAY_S = 86_400
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, DAY_S, 2 * DAY_S,
            7 * DAY_S)  # fmt: skip
_MONTHS = (1, 2, 3, 6, 12, 24)
_MONDAY_S = 4 * DAY_S
"""The first Monday after the beginning of Unix time."""


@dataclass(frozen=True, slots=True)
class TimeView:
    """From `start_s` to `end_s` (Unix seconds). While `is_live` the end is now."""

    start_s: float
    end_s: float
    is_live: bool = False

    @staticmethod
    def last(length_s: float, now_s: float) -> "TimeView":
        """The last so many seconds, live."""
        return TimeView(now_s - length_s, now_s, is_live=True)

    @property
    def length_s(self) -> float:
        """Its length."""
        return self.end_s - self.start_s

    def at(self, now_s: float) -> "TimeView":
        """The same view moved on to now; one that is not live stays."""
        return TimeView(now_s - self.length_s, now_s, is_live=True) if self.is_live else self

    def shifted(self, share: float, now_s: float) -> "TimeView":
        """Moved by a share of its length (negative: back). One that comes to now is live."""
        return self.ending(self.end_s + share * self.length_s, now_s)

    def ending(self, end_s: float, now_s: float) -> "TimeView":
        """The same length up to `end_s`; there is nothing after now, and what ends there is live."""
        if end_s >= now_s:
            return TimeView.last(self.length_s, now_s)
        return TimeView(end_s - self.length_s, end_s)

    def zoomed(self, factor: float, now_s: float, around_s: float | None = None) -> "TimeView":
        """Longer (factor above 1) or shorter, around a time; while live the end stays now."""
        length = min(max(self.length_s * factor, SHORTEST_S), LONGEST_S)
        if self.is_live or around_s is None:
            return replace(self, start_s=self.end_s - length)
        share = (self.end_s - around_s) / self.length_s
        return TimeView(0.0, length).ending(around_s + share * length, now_s)

    def ticks(self, most: int) -> list[float]:
        """Round local times inside it, at most about so many: full hours, midnights, Mondays, first days of months."""
        most = max(most, 1)
        step = next((s for s in _STEPS_S if self.length_s / s <= most), 0)
        return self._by_clock(step) if step else self._by_month(most)

    def step_s(self, most: int) -> float:
        """The distance of those ticks; a month where they are months apart."""
        return next((s for s in _STEPS_S if self.length_s / s <= max(most, 1)), 30 * DAY_S)

    def tick_words(self, at_s: float, most: int) -> tuple[str, str]:
        """The time of one of those ticks, and its day (its year where they are days apart), to be written once."""
        step, at_ns = self.step_s(most), round(at_s * 1e9)
        form = "%H:%M:%S" if step < 60 else "%H:%M" if step < DAY_S else "%d %b"
        day = local_time(at_ns, "%Y-%m-%d" if step < DAY_S else "%Y")
        return local_time(at_ns, form), day.partition(" ")[0]  # without the offset in the hour that comes twice

    def _by_clock(self, step: int) -> list[float]:
        """Times whose local clock is a multiple of the step, also over a change of the clocks."""
        phase = _MONDAY_S if step == 7 * DAY_S else 0
        start = self.start_s + utc_offset_s(self.start_s) - phase
        at = _utc_s(ceil(start / step) * step + phase, near_s=self.start_s)
        found: list[float] = []
        while at <= self.end_s:
            if at >= self.start_s:
                found.append(at)
            after = at + step
            nearest = floor((after + utc_offset_s(after) - phase) / step + 0.5) * step + phase
            aligned = _utc_s(nearest, near_s=after)
            at = aligned if aligned > at else after
        return found

    def _by_month(self, most: int) -> list[float]:
        step = next((m for m in _MONTHS if self.length_s / (m * 28 * DAY_S) <= most), _MONTHS[-1])
        first = datetime.fromtimestamp(self.start_s)
        month = first.year * 12 + first.month - 1
        month += -month % step
        found = []
        while (at := datetime(month // 12, month % 12 + 1, 1).timestamp()) <= self.end_s:
            if at >= self.start_s:
                found.append(at)
            month += step
        return found


def utc_offset_s(at_s: float) -> float:
    """Local time minus UTC at an instant (Unix seconds)."""
    return float(time.localtime(at_s).tm_gmtoff)


def _utc_s(local_s: float, *, near_s: float) -> float:
    """The instant at which clocks here show a time, given as seconds since 1970 there, by the offset of then."""
    return float(local_s - utc_offset_s(local_s - utc_offset_s(near_s)))


def zone_words(start_s: float, end_s: float) -> str:
    """The zone of local times: `CET, UTC+01:00`; both where the clocks are changed meanwhile."""
    return " → ".join(dict.fromkeys((_zone(start_s), _zone(end_s))))


def _zone(at_s: float) -> str:
    moment = datetime.fromtimestamp(at_s).astimezone()
    offset = moment.utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / 60)
    name, sign = moment.tzname() or "", "-" if minutes < 0 else "+"
    words = f"UTC{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    if name == "UTC":
        return "UTC"
    return f"{name}, {words}" if name.isalpha() else words


def nice_ticks(low: float, high: float, most: int) -> list[float]:
    """Round values between the ends of a scale, at most so many."""
    if not high > low or most < 1:
        return []
    rough = (high - low) / most
    power = 10.0 ** floor(log10(rough))
    step = next((m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= rough * (1 - 1e-9)), 10 * power)
    first = ceil(low / step - 1e-9)
    return [i * step for i in range(first, floor(high / step + 1e-9) + 1)]
