"""The figures of the alarm system with their benchmarks (EEMUA 191, ISA-18.2), in words."""

from dataclasses import dataclass
from enum import Enum
from math import isfinite

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.alarms.performance import TOP, Actor, AlarmPerformance
from pumpwatch_gui.domain.wording import duration, number

MANY_ALARMS = 200
"""The ten of fewer alarms have more than 5 % of all even where each comes equally often."""
SHIFT_H, HOUR_H = 8.0, 1.0
"""Spans (h) below which a rate a day, and one an hour, would be made of a few minutes and mean nothing."""
MANY_TIMES = 20
"""One of fewer alarms is more than 5 % of them."""


class Standing(Enum):
    """How a figure compares with its benchmark."""

    NONE = ""
    TARGET = "within target"
    TOLERABLE = "above target"
    ABOVE = "above maximum"


@dataclass(frozen=True, slots=True)
class PerformanceFigure:
    """One figure: its name, what it is, the benchmark it is held against and how they compare."""

    name: str
    value: str
    benchmark: str
    standing: Standing = Standing.NONE


def figures(found: AlarmPerformance) -> tuple[PerformanceFigure, ...]:
    """Every figure of a span, in the order in which people read them."""
    flood = 100 * found.flood_share
    return (
        PerformanceFigure("Alarms", f"{found.count:,}", ""),
        _rate("Alarms a day", found, 24, SHIFT_H, "about 150, at most 300", (150, 300)),
        _rate("Alarms an hour", found, 1, HOUR_H, "about 6, at most 12", (6.25, 12.5)),
        PerformanceFigure(
            "In 10 min, average", number(found.per_period, 2), "about 1, at most 2", _upto(found.per_period, 1, 2)
        ),
        PerformanceFigure("In 10 min, peak", f"{found.peak}", "below 10", _upto(found.peak, 9, 9)),
        PerformanceFigure("Time in flood", f"{number(flood, 1)} %", "below 1 %", _below(flood, 1)),
        _top(found),
        PerformanceFigure("Chattering alarms", f"{found.chattering}", "none", _upto(found.chattering, 0, 0)),
        PerformanceFigure("Fleeting alarms", f"{found.fleeting}", "none", _upto(found.fleeting, 0, 0)),
        PerformanceFigure("Stale, over 24 h", f"{len(found.stale)}", "below 5", _below(len(found.stale), 5)),
        _priorities(found),
        PerformanceFigure("Acknowledged, median", _wait(found.acknowledge_median_s), ""),
        PerformanceFigure("Acknowledged, 90 %", _wait(found.acknowledge_p90_s), ""),
        PerformanceFigure("Not acknowledged", f"{found.unacknowledged:,}", ""),
    )


def advice_words(actor: Actor) -> str:
    """The advice for an alarm in a line; "" without."""
    advice = actor.advice
    if advice is None:
        return ""
    which, what = ("On-delay", "fleeting") if advice.is_on_delay else ("Off-delay", "repeats")
    return f"{which} +{advice.longer_s} s: {advice.removes} of {advice.of} {what} gone"


def advice_tip(actor: Actor) -> str:
    """What a person must know before following it; "" without."""
    advice = actor.advice
    if advice is None:
        return ""
    which, cost = (
        ("on-delay", "Every real alarm would come that much later.")
        if advice.is_on_delay
        else ("off-delay", "Every return to normal would be reported that much later.")
    )
    return (
        f"With {advice.longer_s} s more {which} than it had, {advice.removes} of {advice.of} short ones in this span "
        f"would not have come as alarms of their own. {cost}"
    )


def _rate(
    name: str, found: AlarmPerformance, hours: float, least_h: float, benchmark: str, upto: tuple[float, float]
) -> PerformanceFigure:
    """Alarms in so many hours, once the span is long enough for it."""
    if found.hours < least_h:
        return PerformanceFigure(name, "not yet", f"from {least_h:g} h on; {benchmark}")
    rate = found.per_hour * hours
    return PerformanceFigure(name, number(rate, 0 if hours > 1 else 1), benchmark, _upto(rate, *upto))


def _upto(value: float, target: float, maximum: float) -> Standing:
    return Standing.TARGET if value <= target else Standing.TOLERABLE if value <= maximum else Standing.ABOVE


def _below(value: float, maximum: float) -> Standing:
    return Standing.TARGET if value < maximum else Standing.ABOVE


def _top(found: AlarmPerformance) -> PerformanceFigure:
    share, kinds = 100 * found.top_share, len(found.actors)
    if kinds < MANY_ALARMS:
        value = f"{number(share, 0)} % of {kinds}" if kinds else "none"
        return PerformanceFigure(f"Share of the top {TOP}", value, f"1 to 5 %, of {MANY_ALARMS} or more")
    return PerformanceFigure(f"Share of the top {TOP}", f"{number(share, 0)} %", "1 to 5 %", _upto(share, 5, 5))


def _priorities(found: AlarmPerformance) -> PerformanceFigure:
    high, medium = (100 * found.share_of(p) for p in (Priority.HIGH, Priority.MEDIUM))
    low = 100 - high - medium if found.count else 0.0
    standing = Standing.NONE
    if found.count >= MANY_TIMES:
        standing = Standing.TARGET if high <= 5 and high + medium <= 20 else Standing.TOLERABLE
    value = f"{number(low, 0)} / {number(medium, 0)} / {number(high, 0)} %" if found.count else "none"
    return PerformanceFigure("Low / medium / high", value, "about 80 / 15 / 5 %", standing)


def _wait(seconds: float) -> str:
    return duration(seconds) if isfinite(seconds) else "none yet"
