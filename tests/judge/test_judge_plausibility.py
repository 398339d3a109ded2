"""The plausibility doctor finds what a wrong map makes of a sound pump, and leaves sound pumps alone."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.acquire.simulator.plant import Plant
from pumpwatch_gui.domain.pump.plausibility import PlausibilityFinding
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS, PumpProfile
from pumpwatch_gui.judge.plausibility.checks import examine
from pumpwatch_gui.settings.profile_file import load_profile

PROFILE = load_profile("centrifugal")
ORIGINAL = dict(zip(STANDARD_TAGS, (1480, 72.5, 4.2, 2.8, 145.3, 1.8, 6.5, 28.4, 58.2, 25.1), strict=True))
SOUND: Mapping[str, float] = {**ORIGINAL, "flow_rate_l_min": 1453.0}


def kinds(found: tuple[PlausibilityFinding, ...]) -> set[str]:
    return {f.kind for f in found}


def only(found: tuple[PlausibilityFinding, ...], kind: str) -> PlausibilityFinding:
    [finding] = [f for f in found if f.kind == kind]
    assert finding.what
    assert finding.cause
    assert finding.advice
    return finding


def series(count: int, change: Callable[[int, dict[str, float]], dict[str, float]]) -> list[dict[str, float]]:
    """Sound readings whose every sensor moves a little, changed."""
    moving = ({t: v * (1 + 0.001 * ((7 * i + k) % 5)) for k, (t, v) in enumerate(SOUND.items())} for i in range(count))
    return [change(i, r) for i, r in enumerate(moving)]


def test_the_original_systems_sample_reading_is_found_out() -> None:
    found = examine(PROFILE, [ORIGINAL])
    energy = only(found, "energy")
    assert "1.14 kW of hydraulic power from 16.7 kW of electricity is 6.8% efficiency" in energy.what
    assert energy.cause.startswith("flow: a scale × 10 missing in the register map (that would make 68%)")
    assert "1453" in only(found, "unit").advice


def test_the_same_reading_with_ten_times_the_flow_is_sound() -> None:
    assert examine(PROFILE, [SOUND]) == ()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_simulated_pumps_are_sound_running_starting_and_standing(seed: int) -> None:
    plant = Plant(3, seed=seed, cold=True, cycles=True, moves=True)
    values = plant.run(18_000).values  # half an hour
    for pump in range(3):
        for start in range(0, 18_000, 3_000):
            rows = values[start : start + 3_000 : 100, pump]
            readings = [dict(zip(STANDARD_TAGS, map(float, row), strict=True)) for row in rows]
            assert examine(PROFILE, readings) == ()


@pytest.mark.parametrize(
    ("tag", "factor", "offset", "words"),
    [("flow_rate_l_min", 60 / 1000, 0, "m³/h"), ("flow_rate_l_min", 1 / 60, 0, "L/s"),
     ("flow_rate_l_min", 1 / 3.785412, 0, "US gallons"), ("flow_rate_l_min", 100, 0, "÷ 100"),
     ("discharge_pressure_bar", 100, 0, "kPa"), ("discharge_pressure_bar", 14.5038, 0, "psi"),
     ("discharge_pressure_bar", 10.215, 0, "metres of water"), ("discharge_pressure_bar", 0.1, 0, "MPa"),
     ("bearing_temperature_c", 1, 273.15, "kelvin"), ("bearing_temperature_c", 1.8, 32, "Fahrenheit"),
     ("bearing_temperature_c", 100, 27315, "0.01 K"), ("casing_temperature_c", 1, 273.15, "kelvin"),
     ("ambient_temperature_c", 1.8, 32, "Fahrenheit"), ("motor_current_a", 1000, 0, "mA"),
     ("motor_current_a", 10, 0, "÷ 10"), ("motor_rpm", 1 / 30, 0, "Hz of a four-pole motor"),
     ("motor_rpm", 1 / 60, 0, "revolutions a second"), ("motor_rpm", 10, 0, "÷ 10"),
     ("vibration_mm_s", 1 / 25.4, 0, "inches a second"), ("oil_pressure_bar", 14.5038, 0, "psi")],
)  # fmt: skip
def test_a_value_in_another_unit_is_told_with_the_unit_and_with_what_it_would_read(
    tag: str, factor: float, offset: float, words: str
) -> None:
    found = examine(PROFILE, [{**SOUND, tag: SOUND[tag] * factor + offset}])
    finding = next(f for f in found if f.kind == "unit" and f.tags == (tag,))
    assert words in finding.cause
    assert f"{SOUND[tag]:.4g}" in finding.advice


def test_a_value_outside_the_span_that_no_unit_explains_is_certain() -> None:
    finding = only(examine(PROFILE, [{**SOUND, "oil_pressure_bar": -3.7e9}]), "span")
    assert finding.is_certain
    assert "word order" in finding.cause


def test_exchanged_pressures_are_certain() -> None:
    reading = {**SOUND, "suction_pressure_bar": 6.5, "discharge_pressure_bar": 1.8}
    finding = only(examine(PROFILE, [reading]), "pressures")
    assert finding.is_certain
    assert "exchanged" in finding.cause
    same = {**SOUND, "suction_pressure_bar": 6.5}
    assert "same register" in only(examine(PROFILE, [same]), "pressures").cause


def test_a_head_far_from_the_nameplate_is_told_with_its_figure() -> None:
    finding = only(examine(PROFILE, [{**SOUND, "discharge_pressure_bar": 12.0}]), "head")
    assert "104 m, and 48 m on the nameplate" in finding.what


def test_an_efficiency_above_any_machine_is_certain() -> None:
    finding = only(examine(PROFILE, [{**SOUND, "motor_current_a": 18.0}]), "energy")
    assert finding.is_certain
    assert "107.4% efficiency" in finding.what


def test_a_pump_that_stands_is_not_judged_by_its_flow() -> None:
    standing = {**SOUND, "motor_rpm": 0.0, "motor_current_a": 0.0, "flow_rate_l_min": 0.0, "vibration_mm_s": 0.0,
                "suction_pressure_bar": 1.8, "discharge_pressure_bar": 1.8, "oil_pressure_bar": 0.0}  # fmt: skip
    assert examine(PROFILE, [standing]) == ()


def test_a_standing_open_pump_tells_gauge_from_absolute() -> None:
    standing = {"motor_rpm": 0.0, "motor_current_a": 0.0, "suction_pressure_bar": 1.01, "discharge_pressure_bar": 1.02}
    assert "absolute pressure" in only(examine(PROFILE, [standing]), "suction").cause
    gauge = {**standing, "suction_pressure_bar": 0.01, "discharge_pressure_bar": 0.0}
    assert examine(PROFILE, [gauge]) == ()
    absolute = replace(PROFILE, nameplate=replace(PROFILE.nameplate, suction_is_gauge=False))
    assert "gauge pressure" in only(examine(absolute, [gauge]), "suction").cause
    assert examine(absolute, [standing]) == ()


def test_what_no_pressure_can_be_is_certain() -> None:
    assert only(examine(PROFILE, [{**SOUND, "suction_pressure_bar": -1.5}]), "suction").is_certain
    absolute = replace(PROFILE, nameplate=replace(PROFILE.nameplate, suction_is_gauge=False))
    below = {**SOUND, "suction_pressure_bar": -0.2}
    assert only(examine(absolute, [below]), "suction").is_certain
    assert "suction" not in kinds(examine(PROFILE, [below]))


def at_speed(n: float, *, flow: float, head: float) -> dict[str, float]:
    """The sound pump at a part of its speed, with flow ~ n^flow and head ~ n^head."""
    rise = (SOUND["discharge_pressure_bar"] - SOUND["suction_pressure_bar"]) * n**head
    return {**SOUND, "motor_rpm": SOUND["motor_rpm"] * n, "flow_rate_l_min": SOUND["flow_rate_l_min"] * n**flow,
            "discharge_pressure_bar": SOUND["suction_pressure_bar"] + rise,
            "motor_current_a": SOUND["motor_current_a"] * n**2}  # fmt: skip


@given(st.floats(0.7, 0.9), st.floats(0.8, 1.5), st.floats(1.0, 2.0))
def test_two_speeds_that_follow_the_affinity_laws_or_a_static_head_are_sound(
    n: float, flow: float, head: float
) -> None:
    found = examine(PROFILE, [dict(SOUND), at_speed(n, flow=flow, head=head)])
    assert "affinity" not in kinds(found)


@pytest.mark.parametrize(("flow", "head", "words"), [(0.0, 2.0, "flow"), (1.0, 4.0, "head"), (-1.0, 2.0, "flow")])
def test_two_speeds_that_do_not_follow_the_laws_are_told_with_both_figures(
    flow: float, head: float, words: str
) -> None:
    finding = only(examine(PROFILE, [dict(SOUND), at_speed(0.85, flow=flow, head=head)]), "affinity")
    assert words in finding.what
    assert "+18% of speed" in finding.what


def test_a_sensor_that_stands_still_while_the_others_move_is_told() -> None:
    found = examine(PROFILE, series(30, lambda i, r: {**r, "flow_rate_l_min": 1450.0}))
    assert only(found, "constant").tags == ("flow_rate_l_min",)
    assert examine(PROFILE, series(30, lambda i, r: {**r, "ambient_temperature_c": 25.0})) == ()
    assert examine(PROFILE, series(10, lambda i, r: {**r, "flow_rate_l_min": 1450.0})) == ()
    assert examine(PROFILE, [dict(SOUND)] * 30) == ()


def test_two_tags_on_one_register_are_told() -> None:
    found = examine(PROFILE, series(8, lambda i, r: {**r, "casing_temperature_c": r["bearing_temperature_c"]}))
    assert only(found, "twins").tags == ("bearing_temperature_c", "casing_temperature_c")


def test_a_sensor_without_a_signal_is_told_while_the_pump_works() -> None:
    assert only(examine(PROFILE, [{**SOUND, "vibration_mm_s": 0.0}]), "silent").tags == ("vibration_mm_s",)


def test_exchanged_temperatures_are_told() -> None:
    reading = {**SOUND, "bearing_temperature_c": 25.1, "ambient_temperature_c": 38.0}
    assert "temperatures" in kinds(examine(PROFILE, [reading]))


def test_the_certain_comes_before_the_doubtful() -> None:
    found = examine(PROFILE, [{**ORIGINAL, "oil_pressure_bar": 900.0, "vibration_mm_s": 0.0}])
    assert [f.is_certain for f in found] == sorted((f.is_certain for f in found), reverse=True)
    assert len(found) >= 3


@given(
    st.lists(
        st.dictionaries(st.sampled_from(STANDARD_TAGS), st.floats(allow_nan=True, allow_infinity=True)), max_size=8
    )
)
def test_no_readings_whatever_make_the_doctor_fail(readings: list[dict[str, float]]) -> None:
    for finding in examine(PROFILE, readings):
        assert finding.what
        assert finding.cause
        assert finding.advice


@given(st.sets(st.sampled_from(STANDARD_TAGS)))
def test_what_is_missing_leaves_its_checks_out(missing: set[str]) -> None:
    assert examine(PROFILE, [{t: v for t, v in SOUND.items() if t not in missing}]) == ()


def test_without_a_nameplate_only_what_needs_none_is_judged() -> None:
    bare = PumpProfile("bare", tuple(replace(s, normal=None) for s in PROFILE.sensors))
    assert examine(bare, [ORIGINAL]) == ()
    exchanged = {**ORIGINAL, "suction_pressure_bar": 6.5, "discharge_pressure_bar": 1.8}
    assert kinds(examine(bare, [exchanged])) == {"pressures"}


def test_a_measured_electrical_power_and_differential_pressure_are_used_where_there_are_some() -> None:
    circulator = load_profile("circulator")
    reading = {"flow_rate_l_min": 100.0, "differential_pressure_bar": 0.5, "power_w": 40.0, "motor_rpm": 2800.0}
    assert "208" in only(examine(circulator, [reading]), "energy").what
    assert examine(circulator, [{**reading, "power_w": 180.0}]) == ()
