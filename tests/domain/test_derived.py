from collections.abc import Mapping
from dataclasses import replace
from math import nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.pump.counters import CounterTotals, PumpCounters
from pumpwatch_gui.domain.pump.derived import DerivedQuantities, missing, with_derived
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS, Nameplate, PumpProfile, Sensor
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.settings.profile_file import load_profile

PROFILE = load_profile("centrifugal")
SAMPLE = np.array([1480.0, 64.8, 4.2, 2.3, 145.3, 1.8, 6.5, 28.4, 58.0, 24.6])
"""The sample reading of the original system, with its flow of 145.3 L/min."""
SOUND = np.where(np.arange(10) == 4, 1453.0, SAMPLE)
"""The same with the flow of a sound pump."""
LEAVES: Mapping[str, tuple[str, ...]] = {
    "differential_pressure_bar": ("discharge_pressure_bar", "suction_pressure_bar"),
    "head_m": ("discharge_pressure_bar", "suction_pressure_bar"),
    "hydraulic_power_kw": ("flow_rate_l_min", "discharge_pressure_bar", "suction_pressure_bar"),
    "electrical_power_kw": ("motor_current_a",),
    "npsh_margin_m": ("suction_pressure_bar",),
    "bearing_rise_k": ("bearing_temperature_c", "ambient_temperature_c"),
    "motor_load_percent": ("motor_current_a",),
    "vibration_zone": ("vibration_mm_s", "motor_rpm"),
    "efficiency_percent": (
        "flow_rate_l_min", "discharge_pressure_bar", "suction_pressure_bar", "motor_current_a", "motor_rpm",
    ),
    "flow_ratio_percent": ("flow_rate_l_min", "motor_rpm"),
    "run_hours": ("motor_rpm",),
    "zone_cd_hours": ("vibration_mm_s", "motor_rpm"),
}  # fmt: skip
"""The sensors behind some of the quantities, worked out by hand."""


def of(values: np.ndarray, profile: PumpProfile = PROFILE) -> dict[str, float]:
    """The quantities of an instant by tag."""
    derived = DerivedQuantities(profile)
    return dict(zip(derived.instant_tags, derived.evaluate(values[np.newaxis])[0].tolist(), strict=True))


def plated(**keys: object) -> PumpProfile:
    """The profile with another nameplate."""
    return with_derived(replace(PROFILE, derived=(), nameplate=replace(PROFILE.nameplate, **keys)))  # type: ignore[arg-type]


def frame(values: np.ndarray, quality: np.ndarray, reason: np.ndarray) -> Frame:
    return Frame("P", 1, 10**9, 10**9, np.where(quality == Quality.BAD, nan, values), quality, reason)


def test_the_original_sample_reading_comes_out_as_worked_by_hand() -> None:
    found = of(SAMPLE)
    assert found["differential_pressure_bar"] == pytest.approx(4.7)
    assert found["hydraulic_power_kw"] == pytest.approx(1.14, abs=0.005)
    assert found["electrical_power_kw"] == pytest.approx(16.7, abs=0.05)
    assert found["efficiency_percent"] == pytest.approx(6.8, abs=0.05)
    assert of(SOUND)["efficiency_percent"] == pytest.approx(70, abs=3)
    assert found["head_m"] == pytest.approx(4.7e5 / (998 * 9.80665))
    assert found["specific_energy_kwh_m3"] == pytest.approx(16.725 / (145.3 * 0.06), rel=1e-4)
    assert found["bearing_rise_k"] == pytest.approx(40.2)
    assert found["motor_load_percent"] == pytest.approx(100 * 28.4 / 28)


def test_npsh_is_another_with_a_gauge_and_with_an_absolute_sensor() -> None:
    gauge = plated(suction_is_gauge=True, vapour_pressure_bar=0.18)
    absolute = plated(suction_is_gauge=False, vapour_pressure_bar=0.18)
    assert of(SAMPLE, gauge)["npsh_available_m"] == pytest.approx(26.9, abs=0.05)
    assert of(SAMPLE, absolute)["npsh_available_m"] == pytest.approx(16.55, abs=0.05)
    assert of(SAMPLE, absolute)["npsh_margin_m"] == pytest.approx(16.55 - 3.5, abs=0.05)


def test_without_the_gauge_flag_there_is_no_npsh_and_the_flag_is_named() -> None:
    profile = plated(suction_is_gauge=None)
    assert "npsh_available_m" not in profile.quantity_tags
    wanted = {one.tag: one.plate for one in missing(profile)}
    assert wanted["npsh_available_m"] == ("suction_is_gauge",)
    assert wanted["npsh_margin_m"] == ("suction_is_gauge",)


def test_a_pump_on_one_phase_takes_its_power_without_the_root_of_three() -> None:
    assert of(SAMPLE, plated(phases=1, voltage_v=230.0))["electrical_power_kw"] == pytest.approx(
        230 * 28.4 * 0.85 / 1e3
    )


def test_what_is_normalised_follows_the_affinity_laws() -> None:
    full, share = of(SOUND), 0.8
    slow = SOUND.copy()
    slow[0] *= share
    slow[4] *= share
    slow[6] = slow[5] + 4.7 * share**2
    slow[7] *= share**3
    found = of(slow)
    for tag in ("flow_at_rated_speed_l_min", "head_at_rated_speed_m", "power_at_rated_speed_kw", "flow_ratio_percent"):
        assert found[tag] == pytest.approx(full[tag])
    assert full["flow_ratio_percent"] == pytest.approx(100 * 1453 / 1450)


@pytest.mark.parametrize(
    ("category", "power_kw", "vibration", "zone"),
    [("II", 15, 3.2, "A"), ("II", 15, 3.21, "B"), ("II", 200, 5.2, "C"), ("II", 15, 8.6, "D"),
     ("II", 201, 5.2, "B"), ("II", 201, 9.6, "D"), ("I", 15, 2.6, "B"), ("I", 15, 6.7, "D"),
     ("I", 250, 5.1, "C"), ("I", 250, 3.5, "A")],
)  # fmt: skip
def test_the_vibration_zone_is_that_of_the_standard(
    category: str, power_kw: float, vibration: float, zone: str
) -> None:
    values = SOUND.copy()
    values[3] = vibration
    profile = plated(vibration_category=category, rated_power_kw=power_kw)
    assert "ABCD"[int(of(values, profile)["vibration_zone"])] == zone


def test_a_measured_power_goes_before_one_that_is_computed() -> None:
    sensors = (*PROFILE.sensors, Sensor("power_w", "Power", "W", (0.0, 1e5)))
    profile = with_derived(PumpProfile("measured", sensors, nameplate=PROFILE.nameplate))
    assert of(np.append(SOUND, 15_000.0), profile)["electrical_power_kw"] == pytest.approx(15.0)


def test_a_quantity_that_is_measured_is_not_computed() -> None:
    sensors = (*PROFILE.sensors, Sensor("Head_m", "Head", "m", (0.0, 100.0)))
    profile = with_derived(PumpProfile("measured", sensors, nameplate=PROFILE.nameplate))
    assert "head_m" not in [sensor.tag for sensor in profile.derived]
    assert of(np.append(SOUND, 50.0), profile)["head_at_rated_speed_m"] == pytest.approx(50.0)


@given(key=st.sampled_from([
    "voltage_v", "power_factor", "rated_speed_rpm", "rated_current_a", "best_efficiency_flow_l_min", "npshr_m",
    "baseline_efficiency_percent", "vapour_pressure_bar", "vibration_category", "suction_is_gauge", "rated_power_kw",
]))  # fmt: skip
def test_a_missing_value_of_the_plate_leaves_out_what_needs_it_and_is_named(key: str) -> None:
    profile = plated(**{key: None})
    gone = set(PROFILE.quantity_tags) - set(profile.quantity_tags)
    wanted = missing(profile)
    assert gone == {one.tag for one in wanted}
    assert all(one.plate == (key,) and not one.tags for one in wanted)
    assert gone
    assert not np.isnan(list(of(SOUND, profile).values())).any()


def test_nothing_is_wanted_of_a_whole_profile_and_a_bare_one_still_gives_what_it_can() -> None:
    assert missing(PROFILE) == ()
    bare = with_derived(replace(PROFILE, derived=(), nameplate=Nameplate()))
    assert {"differential_pressure_bar", "head_m", "hydraulic_power_kw", "bearing_rise_k", "run_hours"} <= set(
        bare.quantity_tags
    )
    assert "efficiency_percent" not in bare.quantity_tags


QUALITIES = st.lists(st.sampled_from(list(Quality)), min_size=10, max_size=10)
REASONS = st.lists(st.sampled_from([r for r in Reason if r]), min_size=10, max_size=10)


@given(QUALITIES, REASONS, st.floats(0.5, 2.0))
def test_a_derived_value_has_the_worst_quality_of_what_is_behind_it(
    qualities: list[Quality], reasons: list[Reason], share: float
) -> None:
    quality = np.array(qualities, dtype=np.uint8)
    reason = np.where(quality == Quality.GOOD, 0, np.array(reasons, dtype=np.uint8)).astype(np.uint8)
    counters = PumpCounters((0.7, 1.2))
    counters.take_up(CounterTotals(), was_running=True)
    sensors = frame(SOUND * share, quality, reason)
    whole = DerivedQuantities(PROFILE).whole(sensors, counters)
    assert whole.values[:10].tobytes() == sensors.values.tobytes()
    assert (whole.mono_ns, whole.time_ns) == (sensors.mono_ns, sensors.time_ns)  # the age of the oldest input
    for tag, leaves in LEAVES.items():
        at, behind = PROFILE.index(tag), [STANDARD_TAGS.index(leaf) for leaf in leaves]
        worst = max(qualities[i] for i in behind)
        assert whole.quality[at] == worst, tag
        assert np.isnan(whole.values[at]) == (worst is Quality.BAD)
        if worst is not Quality.GOOD:
            assert whole.reason[at] in {int(reason[i]) for i in behind if qualities[i] is worst}


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=10, max_size=10))
def test_no_numbers_break_the_law_that_a_bad_value_is_none_and_another_is_finite(numbers: list[float]) -> None:
    quality = np.zeros(10, dtype=np.uint8)
    whole = DerivedQuantities(PROFILE).whole(frame(np.array(numbers), quality, quality), PumpCounters((0.7, 1.2)))
    assert ((whole.quality == Quality.BAD) == np.isnan(whole.values)).all()
    assert whole.quality[PROFILE.index("run_hours")] == Quality.BAD  # nothing is known of before yet


def test_a_standing_pump_has_no_efficiency_and_says_why() -> None:
    standing = np.array([0.0, 30, 0, 0, 0, 1.95, 1.95, 0, 30, 24])
    none = np.zeros(10, dtype=np.uint8)
    whole = DerivedQuantities(PROFILE).whole(frame(standing, none, none))
    for tag in ("efficiency_percent", "specific_energy_kwh_m3", "flow_ratio_percent", "vibration_zone"):
        assert whole.quality[PROFILE.index(tag)] == Quality.BAD
        assert whole.reason[PROFILE.index(tag)] == Reason.NOT_RUNNING
    assert whole.values[PROFILE.index("head_m")] == 0.0
    assert whole.worst_of(10) is Quality.GOOD


def test_many_readings_at_once_give_what_each_gives_alone() -> None:
    rng = np.random.default_rng(5)
    rows = SOUND * rng.uniform(0, 1.5, (50, 10))
    derived = DerivedQuantities(PROFILE)
    alone = np.concatenate([derived.evaluate(row[np.newaxis]) for row in rows])
    np.testing.assert_allclose(derived.evaluate(rows), alone)


@given(st.lists(st.floats(-1e6, 1e6) | st.sampled_from([0.0, -0.0, 1480.0, 5.1, nan]), min_size=10, max_size=10))
def test_a_frame_gives_what_its_reading_gives_to_the_last_bit(numbers: list[float]) -> None:
    """Live and of the past: a trend must not change where the one goes over into the other."""
    values = np.array(numbers)
    bad = np.where(np.isnan(values), Quality.BAD, Quality.GOOD).astype(np.uint8)
    derived = DerivedQuantities(PROFILE)
    live = derived.whole(frame(values, bad, bad)).values[10 : 10 + len(derived.instant_tags)]
    past = derived.evaluate(values[np.newaxis])[0]
    np.testing.assert_array_equal(live, past, strict=True)


def test_a_frame_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="10 sensors"):
        DerivedQuantities(PROFILE).whole(frame(np.ones(9), np.zeros(9, np.uint8), np.zeros(9, np.uint8)))


def test_three_phases_are_the_root_of_three_of_one() -> None:
    three, one = of(SOUND), of(SOUND, plated(phases=1))
    assert three["electrical_power_kw"] == pytest.approx(sqrt(3) * one["electrical_power_kw"])
