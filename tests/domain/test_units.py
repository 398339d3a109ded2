"""The units that values are shown in: what is typed comes back as it was typed, what is not touched stays."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.alarms.rules import Comparison, Measure, RuleTerm
from pumpwatch_gui.domain.pump.derived import with_derived
from pumpwatch_gui.domain.pump.profile import Limits, PumpProfile, Sensor
from pumpwatch_gui.domain.shown_units import ShownUnits
from pumpwatch_gui.domain.units import CHOICES, UnitChoice, conversion, tidy
from pumpwatch_gui.domain.values.trace import Trace
from pumpwatch_gui.domain.wording import editable_number, typed_number

US = UnitChoice("psi", "degF", "gpm", "in/s")
PRESSURE = Sensor("p_bar", "Pressure", "bar", (-1.0, 25.0), 0.01, (1.0, 6.0), Limits(low=1.0, high=6.0, deadband=0.1))
BEARING = Sensor("bearing_temperature_c", "Bearing", "degC", (0.0, 150.0), 0.1, (40.0, 70.0), Limits(high=78.0))
AMBIENT = Sensor("ambient_temperature_c", "Ambient", "degC", (-40.0, 80.0), 0.1)
UNITS = [(kind, own, shown) for kind, units in CHOICES.items() for own in units for shown in units]
typed_numbers = st.integers(-99_999, 99_999).flatmap(
    lambda whole: st.integers(0, 4).map(lambda places: float(f"{whole / 10**places:.{places}f}"))
)


def units(**chosen: str) -> ShownUnits:
    return ShownUnits(UnitChoice(**chosen))


@pytest.mark.parametrize(
    ("own", "shown", "value", "reads"),
    [
        ("bar", "psi", 6.8947572931683609, 100.0), ("psi", "bar", 14.503773773020923, 1.0), ("bar", "kPa", 1.2, 120.0),
        ("degC", "degF", 100.0, 212.0), ("degF", "degC", -40.0, -40.0), ("L/min", "m3/h", 1000.0, 60.0),
        ("L/min", "gpm", 3.785411784, 1.0), ("m3/h", "L/min", 60.0, 1000.0), ("mm/s", "in/s", 25.4, 1.0),
    ],
)  # fmt: skip
def test_amounts_are_converted_by_the_defined_factors(own: str, shown: str, value: float, reads: float) -> None:
    kind = next(kind for kind, offered in CHOICES.items() if shown in offered)
    by = conversion(own, UnitChoice(**{kind: shown}))
    assert by.unit == shown
    assert by.shown(value) == pytest.approx(reads, rel=1e-12)


@given(st.sampled_from(UNITS), typed_numbers)
def test_what_is_typed_reads_the_same_once_it_was_converted_and_back(
    units_of: tuple[str, str, str], typed: float
) -> None:
    kind, own, shown = units_of
    by = conversion(own, UnitChoice(**{kind: shown}))
    for way in (by, by.widths):
        assert tidy(way.shown(way.own(typed))) == typed
        assert tidy(way.shown(way.typed(typed))) == typed


@given(st.sampled_from(UNITS), st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_order_is_kept_and_a_difference_is_that_of_the_converted_values(
    units_of: tuple[str, str, str], a: float, b: float
) -> None:
    kind, own, shown = units_of
    by = conversion(own, UnitChoice(**{kind: shown}))
    assert by.shown(a) - by.shown(b) == pytest.approx(by.widths.shown(a - b), abs=1e-6)
    assert abs(a - b) < 1e-9 or (by.shown(a) <= by.shown(b)) == (a <= b)  # nearer ones may round to one number


@given(st.integers(15_001, 362_000).map(lambda n: n / 1000), st.integers(0, 9999).map(lambda n: n / 1000))
def test_typed_limits_are_kept_and_the_others_go_back_untouched(high: float, deadband: float) -> None:
    shown_units = units(pressure="psi")
    before = shown_units.limits(PRESSURE.limits, PRESSURE)
    own = shown_units.own_limits(replace(before, high=high, deadband=deadband), PRESSURE)
    assert own.low == PRESSURE.limits.low  # to the last bit
    after = shown_units.limits(own, replace(PRESSURE, limits=own))
    assert (after.high, after.deadband) == (high, deadband)
    assert typed_number(editable_number(high)) == high


def test_100_psi_reads_100_again() -> None:
    shown_units = units(pressure="psi")
    own = shown_units.own_limits(replace(shown_units.limits(PRESSURE.limits, PRESSURE), high=100.0), PRESSURE)
    assert own.high == 6.89476  # six digits that read as 100 psi
    assert editable_number(shown_units.limits(own, PRESSURE).high or 0.0) == "100"


def test_limits_that_were_filled_in_go_back_untouched_as_well() -> None:
    shown_units, own = units(pressure="psi"), Limits(high=6.25, deadband=0.3)
    filled = shown_units.limits(own, PRESSURE)
    assert shown_units.own_limits(filled, PRESSURE, own) == own
    assert shown_units.own_limits(replace(filled, high=91.0), PRESSURE, own).high == pytest.approx(6.27423)


def test_limits_that_were_not_changed_are_the_same_object_values() -> None:
    shown_units = ShownUnits(US)
    for sensor in (PRESSURE, BEARING):
        assert shown_units.own_limits(shown_units.limits(sensor.limits, sensor), sensor) == sensor.limits


def test_a_rise_a_rate_and_a_deviation_go_by_scale_alone() -> None:
    assert conversion("K", US, "bearing_rise_k").shown(40.0) == pytest.approx(72.0)
    assert conversion("K", US, "bearing_rise_k").unit == "Δ°F"
    for unit, shown in (("°C/min", "°F/min"), ("°C deviation", "°F deviation"), ("bar/min", "psi/min")):
        by = conversion(unit, US)
        assert (by.unit, by.shown(0.0)) == (shown, 0.0)
    assert conversion("°C/min", US).shown(1.0) == pytest.approx(1.8)


def test_a_sensor_that_measures_kelvin_and_units_without_a_choice_stay() -> None:
    for unit in ("K", "rpm", "", "%", "A", "kWh/m3", "m/s", "g"):
        assert conversion(unit, US, "winding_temperature").unit == unit
        assert conversion(unit, US, "winding_temperature").shown(3.5) == 3.5


def test_decimals_stay_sensible() -> None:
    shown_units = ShownUnits(US)
    assert shown_units.sensor(PRESSURE).decimals == 1  # of 0.01 bar
    assert shown_units.sensor(BEARING).decimals == 1
    assert shown_units.sensor(Sensor("f", "F", "L/min", (0.0, 3000.0), 1.0)).decimals == 1
    assert shown_units.sensor(Sensor("v", "V", "mm/s", (0.0, 50.0), 0.01)).decimals == 3
    assert units(pressure="kPa").sensor(PRESSURE).decimals == 0


def test_a_trace_and_a_profile_are_converted_column_by_column() -> None:
    profile = with_derived(PumpProfile("x", (PRESSURE, BEARING, AMBIENT)))
    shown = ShownUnits(US).profile(profile)
    assert [s.unit for s in shown.quantities][:3] == ["psi", "degF", "degF"]
    assert shown.quantities[shown.index("bearing_rise_k")].unit == "Δ°F"
    assert shown.quantity_tags == profile.quantity_tags
    width = len(profile.quantities)
    values = np.full((2, width), 10.0, dtype=np.float32)
    values[1] = np.nan
    made = ShownUnits(US).trace(
        Trace(np.arange(2.0), values, np.zeros((2, width), np.uint8), np.zeros(2, np.float32)), profile
    )
    assert made.values[0, :3] == pytest.approx([145.0377, 50.0, 50.0])
    assert made.values[0, profile.index("bearing_rise_k")] == pytest.approx(18.0)
    assert np.isnan(made.values[1]).all()


def test_an_alarm_and_the_limit_of_its_sensor_read_the_same() -> None:
    shown_units = ShownUnits(US)
    alarm = Alarm("P/p_bar.high", "P", "p_bar", Priority.HIGH, "High", AlarmState.UNACKNOWLEDGED, 6.2, 6.0, "bar", 1, 1)
    shown = shown_units.alarm(alarm)
    assert shown.value == pytest.approx(89.92, abs=0.01)
    assert (shown.unit, shown.limit) == ("psi", shown_units.sensor(PRESSURE).limits.high)
    assert shown_units.alarm(alarm) is shown


@pytest.mark.parametrize("measure", [Measure.VALUE, Measure.RATE, Measure.DEVIATION])
def test_a_term_goes_there_and_back(measure: Measure) -> None:
    point = 60.0 if measure is Measure.DEVIATION else None
    term = RuleTerm("t", Comparison.OUTSIDE, 3.3, 7.7, 0.3, measure, from_value=point)
    shown_units = ShownUnits(US)
    shown = shown_units.term(term, BEARING)
    assert shown.value == pytest.approx(3.3 * 1.8 + (32.0 if measure is Measure.VALUE else 0.0))
    assert shown.from_value == (None if point is None else 140.0)
    assert shown_units.own_term(shown, BEARING, term) == term
    typed = replace(shown, value=4.0, to=200.0)
    assert shown_units.term(shown_units.own_term(typed, BEARING, term), BEARING) == typed


def test_a_user_chooses_over_the_site_and_nothing_else_may_be_chosen() -> None:
    site = UnitChoice(pressure="psi", flow="m3/h")
    assert UnitChoice(pressure="kPa").over(site) == UnitChoice(pressure="kPa", flow="m3/h")
    with pytest.raises(ValueError, match="pressure: must be one of bar, kPa, psi"):
        UnitChoice(pressure="torr")


def test_without_a_choice_every_object_stays() -> None:
    profile = PumpProfile("x", (PRESSURE,))
    plain = ShownUnits()
    assert plain.profile(profile) is profile
    assert plain.sensor(PRESSURE) is PRESSURE
