"""What the plausibility doctor is asked about: readings, and what is known about the pump. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan, sqrt
from statistics import median

from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor

Numbers = Mapping[str, float]
"""One reading by tag, in the tags' units as decoded, before the span was checked; absent or NaN: none."""

WORKING = 0.3
"""Below this part of the rated current (or speed) the pump is stopped, or runs idle: nothing is judged by it."""
RATED_BAND = (0.4, 1.5)
"""Flow, head and current over their rated values, of a pump that works."""


@dataclass(frozen=True, slots=True)
class Case:
    """The readings and what is known about the pump."""

    profile: PumpProfile
    series: tuple[Numbers, ...]

    def all(self, tag: str) -> list[float]:
        """Every number of a sensor."""
        return [v for r in self.series if isfinite(v := r.get(tag, nan))]

    def middle(self, tag: str, among: Sequence[Numbers] | None = None) -> float:
        """The median over the readings in which the pump works; NaN when there is none."""
        values = [v for r in (self.working if among is None else among) if isfinite(v := r.get(tag, nan))]
        return median(values) if values else nan

    @property
    def working(self) -> tuple[Numbers, ...]:
        """The readings in which the pump works."""
        return tuple(r for r in self.series if self.works(r))

    def works(self, reading: Numbers) -> bool:
        """Whether anything says that the pump runs: current, speed, or without both, flow."""
        plate = self.profile.nameplate
        signs = [("motor_current_a", plate.rated_current_a), ("motor_rpm", plate.rated_speed_rpm),
                 ("flow_rate_l_min", plate.rated_flow_l_min)]  # fmt: skip
        known = [(reading[t], rated) for t, rated in signs if isfinite(reading.get(t, nan))]
        return any(value > (WORKING * rated if rated else 0.0) for value, rated in known)

    def density(self) -> float:
        """kg/m³."""
        return self.profile.nameplate.density_kg_m3

    def rise_bar(self, reading: Numbers) -> float:
        """Differential pressure in bar, measured or of both sides."""
        rise = reading.get("differential_pressure_bar", nan)
        if isfinite(rise):
            return rise
        return reading.get("discharge_pressure_bar", nan) - reading.get("suction_pressure_bar", nan)

    def power_kw(self, reading: Numbers) -> float:
        """Electrical power in kW, measured or of the current."""
        power = reading.get("power_w", nan) / 1000
        plate = self.profile.nameplate
        if isfinite(power) or plate.voltage_v is None or plate.power_factor is None:
            return power
        phases = sqrt(3) if plate.phases == 3 else 1.0
        return phases * plate.voltage_v * reading.get("motor_current_a", nan) * plate.power_factor / 1000

    def usual(self, sensor: Sensor) -> tuple[float, float] | None:
        """What the sensor reads on a pump that works: around its rated value, else its normal band widened by half."""
        plate = self.profile.nameplate
        rated = {"flow_rate_l_min": plate.rated_flow_l_min, "motor_current_a": plate.rated_current_a,
                 "motor_rpm": plate.rated_speed_rpm}.get(sensor.tag)  # fmt: skip
        if rated:
            return RATED_BAND[0] * rated, RATED_BAND[1] * rated
        if sensor.normal is None:
            return None
        low, high = sensor.normal
        slack = max((high - low) / 2, 0.25 * max(abs(low), abs(high)))
        return low - slack, high + slack
