"""The profile file: every mistake with its path."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pumpwatch_gui.commissioning.pumps.profiles import profile_names
from pumpwatch_gui.domain.errors import InputError, Problem
from pumpwatch_gui.domain.pump.profile import Sensor
from pumpwatch_gui.judge.sources.limits import LimitJudge
from pumpwatch_gui.settings.profile_file import load_profile, parse_profile

FLOW = {"tag": "Flow", "span": [0.0, 1.0]}
HEAT = {"tag": "heat", "span": [0.0, 1.0]}
LEVELS = ("low_low", "low", "high", "high_high")


def mistakes(*sensors: object) -> dict[str, str]:
    problems: list[Problem] = []
    assert parse_profile({"name": "p", "sensor": list(sensors)}, problems) is None
    return {p.path: f"{p.message} {p.advice}" for p in problems}


def test_tags_that_differ_only_by_case_are_named_both_with_their_paths() -> None:
    found = mistakes(FLOW, HEAT, FLOW | {"tag": "flow"})
    assert found == {"sensor[2].tag": "tags Flow and flow differ only by case (sensor[0].tag) rename one of them"}


def test_it_is_named_also_when_another_sensor_cannot_be_read() -> None:
    found = mistakes({"tag": "x"}, FLOW, FLOW)
    assert set(found) == {"sensor[0].span", "sensor[2].tag"}
    assert "two sensors share the tag Flow (sensor[1].tag)" in found["sensor[2].tag"]


def test_a_file_of_such_a_profile_is_refused_with_its_name(tmp_path: Path) -> None:
    sensors = "".join(f'[[sensor]]\ntag = "{tag}"\nspan = [0.0, 1.0]\n' for tag in ("Flow", "flow"))
    (tmp_path / "p.toml").write_text('name = "p"\n' + sensors)
    with pytest.raises(InputError, match=r"p\.toml: sensor\[1\]\.tag: tags Flow and flow") as caught:
        load_profile("./p.toml", base_dir=tmp_path)
    assert caught.value.advice


def with_plate(plate: object, **others: object) -> dict[str, str]:
    """The mistakes of a profile with every standard sensor and that nameplate."""
    problems: list[Problem] = []
    sensors = [{"tag": sensor.tag, "span": list(sensor.span)} for sensor in load_profile("centrifugal").sensors]
    parse_profile({"name": "p", "sensor": sensors, "nameplate": plate, **others}, problems)
    return {p.path: f"{p.message} {p.advice}".strip() for p in problems}


def test_every_mistake_of_a_nameplate_is_named_at_once() -> None:
    plate = {"voltage_v": -400, "phases": 2, "vibration_category": "III", "preferred_region": [1.2, 0.7],
             "npshr_m": "3,5", "suction_is_gauge": "yes", "rated_speed_rmp": 1480}  # fmt: skip
    found = with_plate(plate)
    assert found["nameplate.voltage_v"] == "must be above 0"
    assert found["nameplate.phases"] == "must be 1 or 3, not 2"
    assert found["nameplate.vibration_category"].startswith('must be "I" or "II", not \'III\'')
    assert found["nameplate.preferred_region"].startswith("must rise")
    assert found["nameplate.npshr_m"] == "must be a number, not '3,5'"
    assert found["nameplate.suction_is_gauge"] == "must be true or false, not 'yes'"
    assert "rated_speed_rpm" in found["nameplate.rated_speed_rmp"]
    assert len(found) == len(plate)


def test_a_profile_gives_derived_quantities_limits_of_their_own() -> None:
    problems: list[Problem] = []
    sensors = [{"tag": sensor.tag, "span": list(sensor.span)} for sensor in load_profile("centrifugal").sensors]
    derived = {"head_m": {"limits": {"low": 30.0}}}
    profile = parse_profile({"name": "p", "sensor": sensors, "derived": derived}, problems)
    assert not problems
    assert profile is not None
    assert profile.quantities[profile.index("head_m")].limits.low == 30.0


def test_limits_of_a_quantity_that_wants_a_value_of_the_plate_are_refused_with_its_name() -> None:
    limits = {"limits": {"low": 1.0}}
    found = with_plate({}, derived={"npsh_margin_m": limits, "head_m": {"limits": {"low": "x"}}, "haed_m": limits})
    assert found["derived.npsh_margin_m"] == (
        "NPSH margin cannot be computed add npshr_m and suction_is_gauge and vapour_pressure_bar to the nameplate"
    )
    assert found["derived.head_m.limits.low"] == "must be a number, not 'x'"
    assert "head_m" in found["derived.haed_m"]


def test_every_mistake_of_a_curve_is_named_and_a_good_one_is_taken() -> None:
    assert load_profile("centrifugal").curve is not None
    found = with_plate({}, curve={"flow_l_min": [0, "1,5", 3], "heads_m": [1, 2, 3]})
    assert found["curve.flow_l_min"].startswith("must be a list of numbers")
    assert "curve.head_m" in found
    assert "head_m" in found["curve.heads_m"]
    assert with_plate({}, curve={"flow_l_min": [0, 2, 1], "head_m": [3, 2, 1]}) == {"curve": "flow_l_min must rise"}


@pytest.mark.parametrize("name", profile_names())
def test_at_most_eight_limits_are_on_by_default_and_every_other_is_available(name: str) -> None:
    profile = load_profile(name)
    on = {f"{s.tag}.{level}" for s in profile.quantities for level in LEVELS if getattr(s.limits, level) is not None}
    assert len(on) <= 8
    assert LimitJudge(profile).sources == on

    def with_all(sensor: Sensor) -> Sensor:
        low, high = sensor.span
        levels = dict(zip(LEVELS, np.linspace(low, high, 6)[1:5].tolist(), strict=True))
        return replace(sensor, limits=replace(sensor.limits, **levels))

    whole = replace(
        profile, sensors=tuple(map(with_all, profile.sensors)), derived=tuple(map(with_all, profile.derived))
    )
    assert LimitJudge(whole).sources == {f"{tag}.{level}" for tag in profile.quantity_tags for level in LEVELS}


def test_the_limits_that_a_centrifugal_pump_has_on_are_those_of_the_alarm_list() -> None:
    profile = load_profile("centrifugal")
    on = {f"{s.tag}.{level}" for s in profile.sensors for level in LEVELS if getattr(s.limits, level) is not None}
    assert on == {
        "vibration_mm_s.high", "vibration_mm_s.high_high", "bearing_temperature_c.high",
        "bearing_temperature_c.high_high", "oil_pressure_bar.low_low", "suction_pressure_bar.low",
        "flow_rate_l_min.low_low", "motor_current_a.high",
    }  # fmt: skip
