"""What may be shown of an alarm's numbers: the value now, the one it was raised at and the worst since, its limits."""

from dataclasses import dataclass, replace
from math import isfinite, nan

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.display import LastGood, live_score, presence, read_sensor
from pumpwatch_gui.domain.station import PumpView, StationView
from pumpwatch_gui.domain.values.quality import Quality
from pumpwatch_gui.domain.wording import UNKNOWN, alarm_number, clock, duration

_LEVELS = ("low_low", "low", "high", "high_high")


class WorstValues:
    """The worst value of each alarm since it was raised, as far as the screen has seen it. Fed with every view."""

    def __init__(self) -> None:
        self._worst: dict[str, tuple[int, float]] = {}

    def see(self, view: StationView) -> None:
        """Take note of the values of this view."""
        pumps = {pump.pump_id: pump for pump in view.pumps}
        self._worst = {alarm.alarm_id: self._with(alarm, pumps.get(alarm.pump_id)) for alarm in view.alarms}

    def of(self, alarm: Alarm) -> float:
        """The worst value, in the alarm's unit; NaN where the alarm has no value."""
        raised_ns, worst = self._worst.get(alarm.alarm_id, (0, nan))
        return worst if raised_ns == alarm.raised_ns else alarm.value

    def _with(self, alarm: Alarm, pump: PumpView | None) -> tuple[int, float]:
        worst, now = self.of(alarm), nan if pump is None else _measured(alarm, pump)
        if isfinite(now) and isfinite(worst):
            worst = min(worst, now) if alarm.source.endswith((".low", ".low_low")) else max(worst, now)
        return alarm.raised_ns, worst


@dataclass(frozen=True, slots=True)
class ShownAlarm:
    """An alarm with its numbers in words; "" where it has none.

    `now` is live or `?`; `raised` (`88.1 °C at 12:04:36`) says of when it is. `limit` is the one it was raised at and,
    where that was changed since, the present one. `lasts` is the time since it was raised. `first_out` (`first out of
    3`) marks the alarm that came first of those of its pump.
    """

    alarm: Alarm
    now: str
    raised: str
    worst: str
    limit: str
    lasts: str
    first_out: str = ""


def shown_alarm(alarm: Alarm, view: StationView, last_good: LastGood, worst: WorstValues) -> ShownAlarm:
    """What may be shown of an alarm in a view of its station."""
    lasts = duration((view.time_ns - alarm.raised_ns) / 1e9)
    pump = next((p for p in view.pumps if p.pump_id == alarm.pump_id), None)
    is_first = pump is not None and pump.first_out == alarm.alarm_id
    first_out = f"first out of {len(pump.alarms)}" if pump is not None and is_first else ""
    if not isfinite(alarm.value):
        return ShownAlarm(alarm, "", "", "", "", lasts, first_out)
    raised = f"{alarm_number(alarm.value, alarm)} at {clock(alarm.raised_ns)}"
    now = _now(alarm, pump, view, last_good) if pump is not None else UNKNOWN
    farthest = worst.of(alarm)
    farther = alarm_number(farthest, alarm) if farthest != alarm.value else ""
    return ShownAlarm(alarm, now, raised, farther, _limits(alarm, pump), lasts, first_out)


def _is_anomaly(alarm: Alarm) -> bool:
    return alarm.source == "anomaly"


def _measured(alarm: Alarm, pump: PumpView) -> float:
    """The newest value of what the alarm is about; NaN where it is bad."""
    if _is_anomaly(alarm):
        return pump.detection.score if pump.detection is not None else nan
    frame = pump.frame
    if frame is None or alarm.tag not in pump.profile.quantity_tags:
        return nan
    index = pump.profile.index(alarm.tag)
    is_bad = index >= frame.values.size or frame.quality[index] == Quality.BAD
    return nan if is_bad else float(frame.values[index])


def _now(alarm: Alarm, pump: PumpView, view: StationView, last_good: LastGood) -> str:
    if _is_anomaly(alarm):
        score = live_score(pump, presence(pump, view.mono_ns, last_good))
        return alarm_number(score, alarm) or UNKNOWN
    if alarm.tag not in pump.profile.quantity_tags:
        return UNKNOWN
    return read_sensor(pump, pump.profile.index(alarm.tag), view.mono_ns, last_good).with_unit


def _limits(alarm: Alarm, pump: PumpView | None) -> str:
    then, level = alarm_number(alarm.limit, alarm), alarm.source.rpartition(".")[2]
    if pump is None or level not in _LEVELS or alarm.tag not in pump.profile.quantity_tags or _is_anomaly(alarm):
        return then
    present: float | None = getattr(pump.profile.quantities[pump.profile.index(alarm.tag)].limits, level)
    if present == alarm.limit:
        return then
    return f"{then}, now {'none' if present is None else alarm_number(present, replace(alarm, limit=present))}"
