"""The performance of the alarm system over a span, after EEMUA 191 and ISA-18.2."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, nan

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.alarm import Alarm, Priority
from pumpwatch_gui.domain.alarms.occurrences import Occurrence

PERIOD_NS = 600 * 10**9
FLOOD_FROM, FLOOD_UNTIL = 10, 5
"""A flood starts in a period of 10 min with 10 alarms and ends with the first that has fewer than 5 (EEMUA 191)."""
CHATTERS_FROM = 3
"""Alarms of one source within a minute (ISA-18.2)."""
MINUTE_S = 60.0
"""What lasts no longer is fleeting: practice, the standards name no time."""
STALE_S = 86_400.0
TOP = 10
ENOUGH = 5
"""Advice needs so many occurrences: fewer say nothing about the next one."""
ADVISED_SHARE = 0.9
"""The share of its fleeting alarms that a longer delay must have removed to be advised."""


@dataclass(frozen=True, slots=True)
class DelayAdvice:
    """A delay that would have helped: `longer_s` more of it would have removed `removes` of the `of` alarms.

    It removes fleeting alarms (`is_on_delay`) or those that come back within a minute of their return (off-delay).
    The journal has no values between a raise and its return, so that no deadband can be advised.
    """

    is_on_delay: bool
    longer_s: int
    removes: int
    of: int


@dataclass(frozen=True, slots=True)
class Actor:
    """One alarm with how often it came: `share` of all alarms, `fleeting` of its own, `most` within a minute.

    `lasted_s` is the median of how long it lasted, NaN where it never returned. `alarm` is as it was when last raised.
    """

    alarm: Alarm
    count: int
    share: float
    fleeting: int
    most: int
    lasted_s: float
    advice: DelayAdvice | None

    @property
    def is_chattering(self) -> bool:
        """Whether it chattered at least once."""
        return self.most >= CHATTERS_FROM


@dataclass(frozen=True, slots=True)
class AlarmPerformance:
    """The figures of the span from `start_ns` up to `end_ns` (Unix UTC).

    An alarm counts in the span in which it was raised. `periods` are the alarms in each 10 min from the start on, the
    last of which may be shorter. `actors` are all alarms that came, the most frequent first. `stale` alarms were active
    for more than 24 h at the end of the span or when they ended in it. Times to acknowledge (s) are those of the alarms
    raised in the span, NaN without any; `unacknowledged` are those not acknowledged.
    """

    start_ns: int
    end_ns: int
    periods: tuple[int, ...]
    actors: tuple[Actor, ...]
    by_priority: Mapping[Priority, int]
    stale: tuple[Alarm, ...]
    acknowledge_median_s: float
    acknowledge_p90_s: float
    unacknowledged: int

    @property
    def count(self) -> int:
        """How many alarms were raised."""
        return sum(self.periods)

    @property
    def hours(self) -> float:
        """The length of the span."""
        return (self.end_ns - self.start_ns) / 3.6e12

    @property
    def per_hour(self) -> float:
        """Alarms an hour."""
        return self.count / self.hours

    @property
    def per_period(self) -> float:
        """Alarms in 10 min, on average."""
        return self.per_hour / 6

    @property
    def peak(self) -> int:
        """The most alarms in one period."""
        return max(self.periods)

    @property
    def flood_share(self) -> float:
        """The share of the periods that were in flood."""
        return sum(in_flood(self.periods)) / len(self.periods)

    @property
    def top(self) -> tuple[Actor, ...]:
        """The ten most frequent alarms."""
        return self.actors[:TOP]

    @property
    def top_share(self) -> float:
        """The share of all alarms that the top ten have; 0 without any."""
        return sum(actor.share for actor in self.top)

    @property
    def chattering(self) -> int:
        """How many alarms chattered."""
        return sum(actor.is_chattering for actor in self.actors)

    @property
    def fleeting(self) -> int:
        """How many times an alarm was fleeting."""
        return sum(actor.fleeting for actor in self.actors)

    def share_of(self, priority: Priority) -> float:
        """The share of the alarms of a priority, 0 without any."""
        return self.by_priority[priority] / self.count if self.count else 0.0


def in_flood(periods: Iterable[int]) -> list[bool]:
    """Whether each period of 10 min, given by its number of alarms, is part of a flood."""
    flooded, marks = False, []
    for count in periods:
        flooded = count >= (FLOOD_UNTIL if flooded else FLOOD_FROM)
        marks.append(flooded)
    return marks


def performance(found: Sequence[Occurrence], *, start_ns: int, end_ns: int) -> AlarmPerformance:
    """The figures of a span, from all occurrences that reach into it. Raises ValueError for a span without length."""
    if end_ns <= start_ns:
        raise ValueError("the span must end after its start")
    raised = [o for o in found if start_ns <= o.raised_ns < end_ns]
    places = np.array([(o.raised_ns - start_ns) // PERIOD_NS for o in raised], dtype=np.int64)
    periods = np.bincount(places, minlength=ceil((end_ns - start_ns) / PERIOD_NS))
    by_alarm: dict[str, list[Occurrence]] = {}
    for one in raised:
        by_alarm.setdefault(one.alarm.alarm_id, []).append(one)
    actors = (_actor(own, len(raised)) for own in by_alarm.values())
    waits = np.array([o.waited_s for o in raised if o.waited_s is not None], dtype=np.float64)
    median_s, p90_s = np.quantile(waits, (0.5, 0.9)) if waits.size else (nan, nan)
    return AlarmPerformance(
        start_ns=start_ns,
        end_ns=end_ns,
        periods=tuple(periods.tolist()),
        actors=tuple(sorted(actors, key=lambda a: (-a.count, a.alarm.priority, a.alarm.alarm_id))),
        by_priority={p: sum(o.alarm.priority is p for o in raised) for p in Priority},
        stale=_stale(found, start_ns, end_ns),
        acknowledge_median_s=float(median_s),
        acknowledge_p90_s=float(p90_s),
        unacknowledged=sum(o.acknowledged_ns is None for o in raised),
    )


def _stale(found: Sequence[Occurrence], start_ns: int, end_ns: int) -> tuple[Alarm, ...]:
    """The alarms, each once, that were active for too long in the span."""
    stale: dict[str, Alarm] = {}
    for one in found:
        last_ns = end_ns if one.ended_ns is None else min(one.ended_ns, end_ns)
        if last_ns >= start_ns and last_ns - one.raised_ns > STALE_S * 1e9:
            stale[one.alarm.alarm_id] = one.alarm
    return tuple(stale.values())


def _actor(own: Sequence[Occurrence], count: int) -> Actor:
    """One alarm from its occurrences, by the time of the raise."""
    lasted = np.array([o.lasted_s for o in own if o.lasted_s is not None], dtype=np.float64)
    raised_ns = np.array([o.raised_ns for o in own], dtype=np.int64)
    within = np.searchsorted(raised_ns, raised_ns + round(MINUTE_S * 1e9), side="right") - np.arange(len(own))
    return Actor(
        alarm=own[-1].alarm,
        count=len(own),
        share=len(own) / count,
        fleeting=int((lasted <= MINUTE_S).sum()),
        most=int(within.max()),
        lasted_s=float(np.median(lasted)) if lasted.size else nan,
        advice=_advice(own),
    )


def _advice(own: Sequence[Occurrence]) -> DelayAdvice | None:
    """The delay that would have removed more alarms, where either would have; only for a limit, which has delays."""
    if not own[-1].alarm.source.endswith((".low", ".low_low", ".high", ".high_high")):
        return None
    lasted = np.array([o.lasted_s for o in own if o.lasted_s is not None], dtype=np.float64)
    pauses = np.array(
        [
            (after.raised_ns - one.ended_ns) / 1e9
            for one, after in pairwise(own)
            if one.ended_ns is not None and one.is_returned
        ],
        dtype=np.float64,
    )
    either = [a for a in (_delay(lasted, is_on_delay=True), _delay(pauses, is_on_delay=False)) if a is not None]
    return max(either, key=lambda a: a.removes, default=None)


def _delay(times_s: NDArray[np.float64], *, is_on_delay: bool) -> DelayAdvice | None:
    """The least whole seconds that would have outlasted nine tenths of the short times; None where they are few.

    What the journal calls short has already outlasted the present delay, so this comes on top of it.
    """
    short = times_s[times_s <= MINUTE_S]
    if short.size < ENOUGH:
        return None
    longer_s = max(ceil(float(np.quantile(short, ADVISED_SHARE, method="inverted_cdf"))), 1)
    return DelayAdvice(is_on_delay, longer_s, int((short <= longer_s).sum()), short.size)
