"""What may be shown of a value and of a pump, decided apart from painting: an old or bad number never looks alive."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from math import ceil, floor, isfinite, log10, nan

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.detection import Detection, LearningPhase
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.station import PumpView, RunState, StationView
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.domain.wording import UNKNOWN, duration, number, unit_text

ABSENT = "–"
"""Shown instead of a value that a stopped pump does not have."""
SCORE_SCALE = (0.0, 3.0)
"""The scale of an anomaly score, in units of its limit, wherever it is drawn."""


class Trust(Enum):
    """How a value may be shown. NONE: there is no such value now, and nothing is wrong about that."""

    LIVE = "live"
    UNCERTAIN = "uncertain"
    STALE = "stale"
    BAD = "bad"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ShownValue:
    """One sensor as it may be shown: `text` is the number, `?` where none may be believed, `–` where there is none.

    `value` is NaN unless LIVE or UNCERTAIN, so that no pointer is at an old number. `age_s` is the time since
    the value was last good in whole seconds, 0 while LIVE, NaN when it never was. `reason` says why it is not LIVE.
    """

    sensor: Sensor
    trust: Trust
    text: str
    value: float
    age_s: float
    reason: str

    @property
    def hatched(self) -> bool:
        """Whether it must be shown hatched, with `?` and its age."""
        return self.trust not in (Trust.LIVE, Trust.NONE)

    @property
    def shown(self) -> str:
        """The number as painted: `?` after an uncertain one, `?` alone for a bad or old one."""
        return f"{self.text} {UNKNOWN}" if self.trust is Trust.UNCERTAIN else self.text

    @property
    def with_unit(self) -> str:
        """The number with its unit; `?` alone where none may be believed."""
        return self.text if self.text in (UNKNOWN, ABSENT) else f"{self.shown} {unit_text(self.sensor.unit)}".rstrip()

    @property
    def age_text(self) -> str:
        """How old it is; "" while live."""
        if self.trust in (Trust.LIVE, Trust.NONE):
            return ""
        if self.reason == Reason.NOT_STORED.text:
            return "not stored"
        return "no value yet" if np.isnan(self.age_s) else duration(self.age_s)


@dataclass(frozen=True, slots=True)
class Presence:
    """What may be shown of a pump as a whole: whether it is `live`, and if not, why and for how long in words.

    `run_state` is NO_DATA and `health` (whole, 0-100) NaN unless it is live: neither may outlast the values that it was
    found from.
    """

    live: bool
    text: str = ""
    run_state: RunState = RunState.NO_DATA
    health: float = nan


class LastGood:
    """When each value was last good, on the monotonic clock. Fed with every view the screen samples."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._good: dict[str, NDArray[np.int64]] = {}

    def see(self, view: StationView) -> None:
        """Take note of the frames that are new."""
        for pump in view.pumps:
            frame = pump.frame
            if frame is None or self._seen.get(pump.pump_id) == frame.mono_ns:
                continue
            self._seen[pump.pump_id] = frame.mono_ns
            known = self._good.get(pump.pump_id)
            if known is None or known.size != frame.values.size:
                known = self._good[pump.pump_id] = np.zeros(frame.values.size, dtype=np.int64)
            known[frame.quality == Quality.GOOD] = frame.mono_ns

    def forget(self) -> None:
        """Begin afresh: what is seen next is not later than what was seen before."""
        self._seen.clear()
        self._good.clear()

    def age_s(self, pump_id: str, index: int, now_ns: int) -> float:
        """Seconds since the value was last good; NaN when it never was."""
        known = self._good.get(pump_id)
        if known is None or index >= known.size or known[index] == 0:
            return nan
        return max(0.0, (now_ns - int(known[index])) / 1e9)

    def newest_ns(self, pump_id: str) -> int:
        """When any value of a pump was last good, on the monotonic clock; 0 when none ever was."""
        known = self._good.get(pump_id)
        return int(known.max()) if known is not None and known.size else 0

    def newest_s(self, now_ns: int) -> float:
        """Seconds since any value of any pump was good; NaN when none ever was."""
        newest = max((int(known.max()) for known in self._good.values() if known.size), default=0)
        return max(0.0, (now_ns - newest) / 1e9) if newest else nan


def is_stale(pump: PumpView, now_ns: int) -> bool:
    """Whether the newest frame of a pump is too old to be shown as it is."""
    return pump.frame is None or (now_ns - pump.frame.mono_ns) / 1e9 > pump.stale_after_s


def read_sensor(pump: PumpView, index: int, now_ns: int, last_good: LastGood) -> ShownValue:
    """What may be shown of quantity `index` of a pump (the sensors first) at `now_ns` (monotonic)."""
    sensor = pump.profile.quantities[index]
    frame = pump.frame
    age_s = last_good.age_s(pump.pump_id, index, now_ns)
    whole_s = age_s if np.isnan(age_s) else float(int(age_s))
    if frame is None or index >= frame.values.size:
        return ShownValue(sensor, Trust.BAD, UNKNOWN, nan, whole_s, Reason.WAITING_FOR_INITIAL_DATA.text)
    if is_stale(pump, now_ns):
        return ShownValue(sensor, Trust.STALE, UNKNOWN, nan, whole_s, Reason.LAST_USABLE_VALUE.text)
    quality, reason = Quality(int(frame.quality[index])), Reason(int(frame.reason[index]))
    return fresh_value(sensor, float(frame.values[index]), quality, reason, age_s=whole_s)


def fresh_value(sensor: Sensor, value: float, quality: Quality, reason: Reason, *, age_s: float = nan) -> ShownValue:
    """What may be shown of a value that was read just now; `age_s` since it was last good."""
    if reason is Reason.NOT_RUNNING:
        return ShownValue(sensor, Trust.NONE, ABSENT, nan, age_s, reason.text)
    if quality is Quality.BAD:
        return ShownValue(sensor, Trust.BAD, UNKNOWN, nan, age_s, reason.text)
    text = value_text(value, sensor)
    if quality is Quality.UNCERTAIN:
        return ShownValue(sensor, Trust.UNCERTAIN, text, value, age_s, reason.text)
    return ShownValue(sensor, Trust.LIVE, text, value, 0.0, "")


def value_text(value: float, sensor: Sensor) -> str:
    """A value in words: its state where it is one, else the number with the decimals of its sensor."""
    if not sensor.states or not isfinite(value):
        return number(value, sensor.decimals)
    return sensor.states[min(max(round(value), 0), len(sensor.states) - 1)]


def fresh_values(profile: PumpProfile, frame: Frame) -> tuple[ShownValue, ...]:
    """What may be shown of a frame that was read just now, in the order of the profile."""
    columns = zip(profile.sensors, frame.values.tolist(), frame.quality.tolist(), frame.reason.tolist(), strict=True)
    return tuple(fresh_value(sensor, value, Quality(q), Reason(r)) for sensor, value, q, r in columns)


def live_score(pump: PumpView, seen: Presence) -> float:
    """The anomaly score that may be shown (1.0 = at the threshold); NaN unless the pump is live and scored."""
    result = pump.score_result
    return result.score if seen.live and isinstance(result, Detection) else nan


def learning_words(pump: PumpView) -> str:
    """How far a pump has come that nothing judges yet because it learns; "" for any other."""
    view = pump.learning
    return view.words if view is not None and view.is_in_force and view.phase is LearningPhase.LEARNING else ""


def is_provisional(pump: PumpView) -> bool:
    """Whether a pump is judged by an hour or two of its own running, with wide limits."""
    view = pump.learning
    return view is not None and view.is_in_force and view.phase is LearningPhase.PROVISIONAL


def total_of(pumps: Sequence[PumpView], tag: str, now_ns: int, last_good: LastGood) -> tuple[float, str, int] | None:
    """The sum of one sensor over all pumps where it is live, its unit and how many; None without or of two units."""
    live = [
        reading
        for pump in pumps
        if tag in pump.profile.tags
        if (reading := read_sensor(pump, pump.profile.index(tag), now_ns, last_good)).trust is Trust.LIVE
    ]
    units = {reading.sensor.unit for reading in live}
    return (sum(reading.value for reading in live), units.pop(), len(live)) if len(units) == 1 else None


def presence(pump: PumpView, now_ns: int, last_good: LastGood) -> Presence:
    """What may be shown of a pump as a whole; if it is not live, the words for it (`link lost 0:24`)."""
    frame = pump.frame
    if frame is not None and not is_stale(pump, now_ns) and bool((frame.quality != Quality.BAD).any()):
        return Presence(True, "", pump.run_state, float(round(pump.health)) if isfinite(pump.health) else nan)
    if not pump.links:
        return Presence(False, _without_links(pump, now_ns, last_good))
    worst = [link for link in pump.links if link.state is not LinkState.ONLINE]
    newest = last_good.newest_ns(pump.pump_id)
    since = newest or min(link.since_mono_ns for link in pump.links)
    for_s = duration((now_ns - since) / 1e9)
    if not worst and frame is not None:
        return Presence(False, f"no new values {for_s}" if is_stale(pump, now_ns) else f"no usable value {for_s}")
    if not worst:
        return Presence(False, f"waiting {for_s}")
    if not newest and all(link.state is LinkState.CONNECTING for link in worst):
        return Presence(False, f"connecting {for_s}")
    if all(link.state is LinkState.STALE for link in worst):
        return Presence(False, f"values stale {for_s}")
    return Presence(False, f"link lost {for_s}")


def _without_links(pump: PumpView, now_ns: int, last_good: LastGood) -> str:
    """Of a history, in which no link is kept, or of a site that was not finished."""
    if pump.frame is None:
        return "no link set up"
    if bool((pump.frame.reason == Reason.NOT_STORED).all()):
        return "no reading stored"
    newest = last_good.newest_ns(pump.pump_id)
    for_s = f" {duration((now_ns - newest) / 1e9)}" if newest else ""
    return f"no new values{for_s}" if is_stale(pump, now_ns) else f"no usable value{for_s}"


@lru_cache(maxsize=4096)
def engineering_scale(sensor: Sensor) -> tuple[float, float]:
    """The fixed scale of a sensor's indicator and trends, in its unit: its normal band and limits with room around.

    Never from the live values: scaled to itself, noise looks like an alarm. For the same reason the scale is never
    narrower than `LEAST_SHARE` of its own top. A value outside (of a pump at rest) must be shown as off
    the scale, never at its edge.
    """
    points = [x for x in (*_limits(sensor), *(sensor.normal or ())) if x is not None]
    if not points:
        return sensor.span
    width = max(max(points) - min(points), LEAST_SHARE * max(abs(x) for x in points), sensor.resolution)
    room = (width - (max(points) - min(points))) / 2
    step = _nice_step(width / 8)
    low = floor((min(points) - room - 0.35 * width) / step) * step
    high = ceil((max(points) + room + 0.2 * width) / step) * step
    low, high = max(low, sensor.span[0]), min(high, sensor.span[1])
    return (low, high) if low < high else sensor.span


def _limits(sensor: Sensor) -> tuple[float | None, ...]:
    limits = sensor.limits
    return limits.low_low, limits.low, limits.high, limits.high_high


def _nice_step(value: float) -> float:
    power = 10.0 ** floor(log10(value))
    return next(s * power for s in (1.0, 2.0, 5.0, 10.0) if s * power >= value * (1 - 1e-9))


LEAST_SHARE = 0.15
KEY_TAGS = (
    "vibration_mm_s",
    "bearing_temperature_c",
    "flow_rate_l_min",
    "discharge_pressure_bar",
    "suction_pressure_bar",
    "motor_current_a",
)
"""What an operator looks at first on a centrifugal pump."""


def key_sensors(tags: tuple[str, ...], watched: frozenset[str], count: int) -> tuple[int, ...]:
    """The sensors a tile has room for, always the same ones: the well-known, then those with limits, then the rest."""
    order = [tags.index(tag) for tag in KEY_TAGS if tag in tags]
    order += [i for i, tag in enumerate(tags) if tag in watched and i not in order]
    order += [i for i in range(len(tags)) if i not in order]
    return tuple(order[:count])


def watched_tags(pump: PumpView) -> frozenset[str]:
    """The tags that have a limit."""
    return frozenset(s.tag for s in pump.profile.sensors if any(x is not None for x in _limits(s)))
