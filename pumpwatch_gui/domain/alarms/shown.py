"""What may be shown of an alarm's numbers: the value now, the one it was raised at and the worst since, its limits."""

from dataclasses import replace
from functools import cached_property
from math import isfinite, nan

from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.alarms.rules import is_rule
from pumpwatch_gui.domain.display import LastGood, is_stale, live_score, presence, read_sensor
from pumpwatch_gui.domain.station import PumpView, StationView
from pumpwatch_gui.domain.units import converted
from pumpwatch_gui.domain.values.quality import BAD_CODE
from pumpwatch_gui.domain.wording import UNKNOWN, alarm_number, clock, duration

_LEVELS = ("low_low", "low", "high", "high_high")


class WorstValues:
    """The worst value of each alarm since it was raised, as far as the screen has seen it.

    Fed with every view, in the units of the tags; asked for alarms in any unit.
    """

    def __init__(self) -> None:
        self._worst: dict[str, tuple[int, float, str]] = {}
        self._seen: dict[str, tuple[object, object, object]] = {}

    def see(self, view: StationView) -> None:
        """Take note of the values of this view; a pump of which nothing is new costs nothing."""
        announced: set[str] | None = None
        for pump in view.pumps:
            now = pump.frame, pump.detection, pump.alarms
            if all(a is b for a, b in zip(now, self._seen.get(pump.pump_id, (None, None, None)), strict=True)):
                continue
            self._seen[pump.pump_id] = now
            self._worst |= {alarm.alarm_id: self._with(alarm, pump) for alarm in pump.alarms}
            announced = announced or {alarm.alarm_id for alarm in view.alarms}
        if announced is not None and len(self._worst) > len(announced):
            self._worst = {i: worst for i, worst in self._worst.items() if i in announced}

    def forget(self) -> None:
        """Begin afresh: what is seen next is not later than what was seen before."""
        self._worst.clear()
        self._seen.clear()

    def of(self, alarm: Alarm) -> float:
        """The worst value, in the alarm's unit; NaN where the alarm has no value."""
        raised_ns, worst, unit = self._worst.get(alarm.alarm_id, (0, nan, ""))
        return converted(worst, unit, alarm.unit, alarm.tag) if raised_ns == alarm.raised_ns else alarm.value

    def _with(self, alarm: Alarm, pump: PumpView) -> tuple[int, float, str]:
        worst, now = self.of(alarm), _measured(alarm, pump)
        if isfinite(now) and isfinite(worst):
            worst = min(worst, now) if _is_below(alarm) else max(worst, now)
        return alarm.raised_ns, worst, alarm.unit


class ShownAlarm:
    """An alarm with its numbers in words; "" where it has none.

    The words are made when they are asked for, and kept: of thousands of alarms few are on the screen. Two are equal
    when they say the same. `pump` is that of the alarm in the view, None where it is of the station.
    """

    def __init__(
        self, alarm: Alarm, view: StationView, pump: PumpView | None, last_good: LastGood, worst: WorstValues
    ) -> None:
        self.alarm = alarm
        self._view, self._pump, self._last_good, self._worst = view, pump, last_good, worst

    @property
    def _has_value(self) -> bool:
        return isfinite(self.alarm.value)

    @cached_property
    def now(self) -> str:
        """The value now: live, or `?`; "" for a rate or a deviation, as the tag itself is another number."""
        if not self._has_value:
            return ""
        return UNKNOWN if self._pump is None else _now(self.alarm, self._pump, self._view, self._last_good)

    @property
    def now_number(self) -> float | None:
        """The number of `now`, for sorting thousands by it; None where none may be believed."""
        pump = self._pump
        if pump is None or not self._has_value or is_stale(pump, self._view.mono_ns):
            return None
        value = _measured(self.alarm, pump)
        return value if isfinite(value) else None

    @cached_property
    def raised(self) -> str:
        """The value at which it was raised, and when: `88.1 °C at 12:04:36`."""
        return f"{self.raised_value} at {clock(self.alarm.raised_ns)}" if self._has_value else ""

    @cached_property
    def raised_value(self) -> str:
        """The value at which it was raised: `88.1 °C`."""
        return alarm_number(self.alarm.value, self.alarm, self._decimals)

    @cached_property
    def raised_and_limit(self) -> str:
        """The value at which it was raised, when, and the limit, with one unit: `88.1 at 12:04:36 · limit 85 °C`."""
        if not self.limit:
            return self.raised
        bare = alarm_number(self.alarm.value, replace(self.alarm, unit=""), self._decimals)
        return f"{bare} at {clock(self.alarm.raised_ns)} · limit {self.limit}"

    @cached_property
    def numbers(self) -> str:
        """Value now, the one at which it was raised, limit: `now 88.3 °C · 88.1 at 12:04:36 · limit 85 °C`."""
        return " · ".join(words for words in (self.now and f"now {self.now}", self.raised_and_limit) if words)

    @property
    def _decimals(self) -> int | None:
        """Of its tag, as its value now has them; None where the tag itself is another number."""
        pump = self._pump
        if pump is None or not _is_comparable(self.alarm, pump):
            return None
        return pump.profile.quantities[pump.profile.index(self.alarm.tag)].decimals

    @cached_property
    def worst(self) -> str:
        """The worst value since, where that is another than the one at which it was raised."""
        farthest = self._worst.of(self.alarm)
        is_farther = self._has_value and farthest != self.alarm.value
        return alarm_number(farthest, self.alarm, self._decimals) if is_farther else ""

    @cached_property
    def limit(self) -> str:
        """The limit at which it was raised and, where that was changed since, the present one."""
        return _limits(self.alarm, self._pump) if self._has_value else ""

    @cached_property
    def lasts(self) -> str:
        """The time since it was raised."""
        return duration((self._view.time_ns - self.alarm.raised_ns) / 1e9)

    @cached_property
    def first_out(self) -> str:
        """`first out of 3` for the alarm that came first of those of its pump."""
        pump = self._pump
        is_first = pump is not None and pump.first_out == self.alarm.alarm_id
        return f"first out of {len(pump.alarms)}" if pump is not None and is_first else ""

    @cached_property
    def unjudged(self) -> str:
        """Why its rule is not judged now, so that it stays as it is."""
        alarm, unjudged = self.alarm, self._view.unjudged_rules
        own = (one.why for one in unjudged if one.pump_id == alarm.pump_id and one.source == alarm.source)
        return next(own, "")

    @property
    def _words(self) -> tuple[str, ...]:
        return self.now, self.raised, self.worst, self.limit, self.lasts, self.first_out, self.unjudged

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, ShownAlarm) and self.alarm == other.alarm and self._words == other._words

    __hash__ = None  # type: ignore[assignment]


def _is_below(alarm: Alarm) -> bool:
    """Whether lower is worse; the value of a rule says itself on which side of its limit it is."""
    return alarm.value < alarm.limit if is_rule(alarm.source) else alarm.source.endswith((".low", ".low_low"))


def _is_comparable(alarm: Alarm, pump: PumpView) -> bool:
    """Whether the tag itself is what the alarm is about, and not its rate or its deviation from another."""
    tags = pump.profile.quantity_tags
    return alarm.tag in tags and pump.profile.quantities[tags.index(alarm.tag)].unit == alarm.unit


def _is_anomaly(alarm: Alarm) -> bool:
    return alarm.source == "anomaly"


def _measured(alarm: Alarm, pump: PumpView) -> float:
    """The newest value of what the alarm is about; NaN where it is bad."""
    if _is_anomaly(alarm):
        return pump.detection.score if pump.detection is not None else nan
    frame = pump.frame
    if frame is None or not _is_comparable(alarm, pump):
        return nan
    index = pump.profile.index(alarm.tag)
    is_bad = index >= frame.values.size or frame.quality[index] == BAD_CODE
    return nan if is_bad else float(frame.values[index])


def _now(alarm: Alarm, pump: PumpView, view: StationView, last_good: LastGood) -> str:
    if _is_anomaly(alarm):
        score = live_score(pump, presence(pump, view.mono_ns, last_good))
        return alarm_number(score, alarm) or UNKNOWN
    if alarm.tag not in pump.profile.quantity_tags:
        return UNKNOWN
    if not _is_comparable(alarm, pump):
        return ""
    return read_sensor(pump, pump.profile.index(alarm.tag), view.mono_ns, last_good).with_unit


def _limits(alarm: Alarm, pump: PumpView | None) -> str:
    then, level = alarm_number(alarm.limit, alarm), alarm.source.rpartition(".")[2]
    if (
        pump is None
        or level not in _LEVELS
        or alarm.source != f"{alarm.tag}.{level}"
        or not _is_comparable(alarm, pump)
    ):
        return then
    present: float | None = getattr(pump.profile.quantities[pump.profile.index(alarm.tag)].limits, level)
    if present == alarm.limit:
        return then
    return f"{then}, now {'none' if present is None else alarm_number(present, replace(alarm, limit=present))}"
