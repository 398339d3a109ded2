"""What a station says, in the units that a person has chosen; and what a person types, back in those of the tags.

The one place where values of the screen are converted. Limits, rules and orders are never made of what was converted
alone: a number that was not touched goes back exactly as it came.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from math import floor, log10
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.alarms.rule_places import sensor_of
from pumpwatch_gui.domain.alarms.rules import CustomRule, Measure, RuleTerm
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent
from pumpwatch_gui.domain.pump.profile import Limits, PumpProfile, Sensor
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.station import PumpView, StationView
from pumpwatch_gui.domain.units import Conversion, UnitChoice, conversion, tidy
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.trace import Trace

T = TypeVar("T")
_LEVELS = ("low_low", "low", "high", "high_high")


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Scale and offset (n,) of the values of a profile, the sensors first."""

    scale: NDArray[np.float64]
    offset: NDArray[np.float64]


class _Kept:
    """What was made of an object, as long as it is the same object: pages see by that whether anything has come."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: dict[int, tuple[object, Any]] = {}

    def of(self, source: T, make: Callable[[T], Any]) -> Any:
        found = self._made.get(id(source))
        if found is None or found[0] is not source:
            if len(self._made) >= self._most:
                self._made.clear()
            found = self._made[id(source)] = source, make(source)
        return found[1]


class ShownUnits:
    """Converts by one choice. Without one every object is given back as it is. One thread: that of the screen."""

    def __init__(self, choice: UnitChoice = UnitChoice()) -> None:  # noqa: B008 - frozen
        self.choice = choice
        self.is_own = choice == UnitChoice()
        self._sensors: dict[Sensor, Sensor] = {}
        self._profiles, self._columns, self._lists = (_Kept(256) for _ in range(3))
        self._alarms, self._works = _Kept(8192), _Kept(8192)
        self._frames: dict[str, tuple[Frame, Frame]] = {}
        self._site: tuple[Site, Site] | None = None

    def of(self, sensor: Sensor) -> Conversion:
        """How values of a sensor are shown."""
        return conversion(sensor.unit, self.choice, sensor.tag)

    def amount(self, value: float, unit: str, tag: str = "") -> tuple[float, str]:
        """A value and its unit, as they are shown."""
        by = conversion(unit, self.choice, tag)
        return by.shown(value), by.unit

    # ---------------------------------------------------------------- what is measured by

    def sensor(self, sensor: Sensor) -> Sensor:
        """A sensor with unit, span, band, limits and decimals as they are shown; its tag stays."""
        if self.is_own:
            return sensor
        found = self._sensors.get(sensor)
        if found is None:
            found = self._sensors[sensor] = self._converted(sensor)
        return found

    def _converted(self, sensor: Sensor) -> Sensor:
        by = self.of(sensor)
        if by.unit == sensor.unit:
            return sensor
        low, high = map(by.shown, sensor.span)
        normal = None if sensor.normal is None else (by.shown(sensor.normal[0]), by.shown(sensor.normal[1]))
        step = 10.0 ** floor(log10(sensor.resolution * by.scale) + 0.5)
        return replace(
            sensor, unit=by.unit, span=(low, high), normal=normal, resolution=max(step, 1e-6),
            limits=self._limits(sensor.limits, by),
        )  # fmt: skip

    def profile(self, profile: PumpProfile) -> PumpProfile:
        """A profile with its quantities as they are shown; nameplate and curve stay in their own units."""
        if self.is_own:
            return profile
        made: PumpProfile = self._profiles.of(profile, self._converted_profile)
        return made

    def _converted_profile(self, profile: PumpProfile) -> PumpProfile:
        sensors, derived = (tuple(map(self.sensor, own)) for own in (profile.sensors, profile.derived))
        is_same = (sensors, derived) == (profile.sensors, profile.derived)
        return profile if is_same else replace(profile, sensors=sensors, derived=derived)

    def site(self, site: Site) -> Site:
        """A site with its profiles as they are shown, for what is drawn or written of it; never to be saved."""
        if self.is_own:
            return site
        if self._site is None or self._site[0] is not site:
            pumps = tuple(replace(pump, profile=self.profile(pump.profile)) for pump in site.pumps)
            self._site = site, replace(site, pumps=pumps)
        return self._site[1]

    # ---------------------------------------------------------------- what is measured

    def view(self, view: StationView) -> StationView:
        """A station with every value of its pumps and alarms as it is shown."""
        if self.is_own:
            return view
        return replace(
            view, pumps=tuple(map(self._pump, view.pumps)), alarms=self._lists.of(view.alarms, self._all_shown),
            hidden_alarms=self._lists.of(view.hidden_alarms, self._all_shown),
            maintenance=self._lists.of(view.maintenance, self._all_work),
        )  # fmt: skip

    def _pump(self, pump: PumpView) -> PumpView:
        profile, frame = self.profile(pump.profile), pump.frame
        if frame is not None and profile is not pump.profile:
            known = self._frames.get(pump.pump_id)
            if known is None or known[0] is not frame:
                known = self._frames[pump.pump_id] = frame, self._frame(frame, pump.profile)
            frame = known[1]
        return replace(pump, profile=profile, frame=frame, alarms=self._lists.of(pump.alarms, self._all_shown))

    def _frame(self, frame: Frame, profile: PumpProfile) -> Frame:
        return replace(frame, values=self._values(frame.values, profile))

    def trace(self, trace: Trace, profile: PumpProfile) -> Trace:
        """The recent past of a pump of a profile (in its own units)."""
        if self.is_own:
            return trace
        return replace(trace, values=self._values(trace.values, profile).astype(np.float32))

    def _values(self, values: NDArray[Any], profile: PumpProfile) -> NDArray[np.float64]:
        columns: _Columns = self._columns.of(profile, self._columns_of)
        width = min(values.shape[-1], columns.scale.size)
        made: NDArray[np.float64] = values.astype(np.float64)
        made[..., :width] = made[..., :width] * columns.scale[:width] + columns.offset[:width]
        return made

    def _columns_of(self, profile: PumpProfile) -> _Columns:
        found = [self.of(sensor) for sensor in profile.quantities]
        return _Columns(np.array([by.scale for by in found]), np.array([by.offset for by in found]))

    # ---------------------------------------------------------------- alarms and work

    def alarm(self, alarm: Alarm) -> Alarm:
        """An alarm with its value and its limit as they are shown."""
        made: Alarm = alarm if self.is_own else self._alarms.of(alarm, self._shown_alarm)
        return made

    def _shown_alarm(self, alarm: Alarm) -> Alarm:
        by = conversion(alarm.unit, self.choice, alarm.tag)
        if by.unit == alarm.unit:
            return alarm
        return replace(alarm, value=by.shown(alarm.value), limit=tidy(by.shown(alarm.limit)), unit=by.unit)

    def _all_shown(self, alarms: tuple[Alarm, ...]) -> tuple[Alarm, ...]:
        return tuple(map(self.alarm, alarms))

    def _all_work(self, events: tuple[MaintenanceEvent, ...]) -> tuple[MaintenanceEvent, ...]:
        return tuple(self._works.of(event, self._work) for event in events)

    def _work(self, event: MaintenanceEvent) -> MaintenanceEvent:
        value, unit = self.amount(event.value, event.unit, event.tag)
        return event if unit == event.unit else replace(event, value=value, unit=unit)

    # ---------------------------------------------------------------- limits, there and back

    def limits(self, limits: Limits, sensor: Sensor) -> Limits:
        """Limits of a sensor (which is in its own unit) as they are shown."""
        by = self.of(sensor)
        return limits if by.unit == sensor.unit else self._limits(limits, by)

    def _limits(self, limits: Limits, by: Conversion) -> Limits:
        exact = {name: by.shown(x) for name in _LEVELS if (x := getattr(limits, name)) is not None}
        short = {name: tidy(x) for name, x in exact.items()}
        rises = all(a < b for a, b in pairwise(short[name] for name in _LEVELS if name in short))
        return replace(limits, **(short if rises else exact), deadband=tidy(by.widths.shown(limits.deadband)))

    def own_limits(self, typed: Limits, sensor: Sensor, *known: Limits) -> Limits:
        """Typed limits in the sensor's own unit; a number that was not changed is the one that the sensor has.

        Or the one of the `known` limits, which were filled in. Raises ValueError as `Limits`.
        """
        by = self.of(sensor)
        if by.unit == sensor.unit:
            return typed
        there = [(self._limits(own, by), own) for own in (sensor.limits, *known)]
        back = dict[str, float | None]()
        for name in (*_LEVELS, "deadband"):
            value: float | None = getattr(typed, name)
            same = (getattr(own, name) for shown, own in there if getattr(shown, name) == value)
            way = by.widths if name == "deadband" else by
            back[name] = next(same, None if value is None else way.typed(value))
        return replace(typed, **back)  # type: ignore[arg-type]

    # ---------------------------------------------------------------- rules, there and back

    def term(self, term: RuleTerm, sensor: Sensor | None) -> RuleTerm:
        """A term of a rule on a sensor (in its own unit) as it is shown; a rate or deviation goes by scale alone."""
        by = self.of(sensor) if sensor is not None else Conversion("")
        if sensor is None or by.unit == sensor.unit:
            return term
        level = by if term.measure is Measure.VALUE else by.widths
        return replace(
            term, value=tidy(level.shown(term.value)), to=None if term.to is None else tidy(level.shown(term.to)),
            deadband=tidy(by.widths.shown(term.deadband)),
            from_value=None if term.from_value is None else tidy(by.shown(term.from_value)),
        )  # fmt: skip

    def own_term(self, typed: RuleTerm, sensor: Sensor | None, start: RuleTerm | None = None) -> RuleTerm:
        """A typed term in the sensor's own unit; what is as in `start` goes back as it was there."""
        by = self.of(sensor) if sensor is not None else Conversion("")
        if sensor is None or by.unit == sensor.unit:
            return typed
        is_same = start is not None and (start.tag, start.measure) == (typed.tag, typed.measure)
        before = self.term(start, sensor) if start is not None and is_same else None
        level = by if typed.measure is Measure.VALUE else by.widths
        back = {
            name: _back(getattr(typed, name), getattr(before, name, None), getattr(start, name, None), way)
            for name, way in (("value", level), ("to", level), ("deadband", by.widths), ("from_value", by))
        }
        return replace(typed, **back)  # type: ignore[arg-type]

    def rule(self, rule: CustomRule, profile: PumpProfile | None) -> CustomRule:
        """A rule on pumps of a profile (in its own units) as it is shown."""
        if self.is_own or profile is None:
            return rule
        return replace(rule, terms=tuple(self.term(term, sensor_of(profile, term.tag)) for term in rule.terms))


class ChosenUnits:
    """What this user has chosen, over what the site has; one for all windows of a program."""

    def __init__(self) -> None:
        self.user = UnitChoice()
        self._made_of: tuple[UnitChoice, UnitChoice] | None = None
        self._units = ShownUnits()

    def over(self, site: Site) -> ShownUnits:
        """How values of a site are shown: another object for another choice."""
        if (made_of := (self.user, site.units)) != self._made_of:  # asked for by every trend of every sample
            self._made_of = made_of
            if (choice := self.user.over(site.units)) != self._units.choice:
                self._units = ShownUnits(choice)
        return self._units


def _back(typed: float | None, before: float | None, own: float | None, by: Conversion) -> float | None:
    return None if typed is None else own if typed == before else by.typed(typed)
