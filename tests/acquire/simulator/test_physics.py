"""The simulated pumps keep the laws of real ones, and stay the same for the same seed."""

from dataclasses import fields

import numpy as np
import pytest
from numpy.typing import NDArray

from pumpwatch_gui.acquire.simulator import FaultSpec, Plant
from pumpwatch_gui.acquire.simulator.physics import RATED_SPEED_RPM, Builds, Scene, flow_at
from pumpwatch_gui.acquire.simulator.plant import DT_S
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS
from pumpwatch_gui.settings.profile_file import load_profile

Values = NDArray[np.float64]
N, TB, PO, V, Q, PS, PD, AMP, TC, TA = range(10)
MINUTE = round(60 / DT_S)


def still_scene(shape: tuple[int, ...], **faults: Values) -> Scene:
    quiet = dict.fromkeys(
        ("grid", "turbulence", "unsteady", "suction_level", "static_head", "vibration", "suction_surge"),
        np.zeros(shape),
    )
    return Scene(np.ones(shape), np.ones(shape, dtype=bool), np.zeros(shape), quiet, faults)


def plain_builds() -> Builds:
    return Builds(*(np.ones(1) for _ in fields(Builds)))


def test_head_goes_with_speed_squared_and_flow_with_speed_along_a_similar_duty() -> None:
    """Affinity: without static head to lift, a pump on a pure resistance keeps Q/n and H/n² constant."""
    speeds = np.linspace(0.6, 1.1, 6)[:, np.newaxis]
    no_lift = still_scene(speeds.shape, source_drop_bar=np.full(speeds.shape, -22.0 * 0.0978704))
    flow = flow_at(speeds, no_lift, plain_builds(), cavitation=0.0, breakdown=0.0)
    assert np.allclose(flow.q / speeds, flow.q[-1] / speeds[-1], rtol=1e-3)
    assert np.allclose(flow.head_m / speeds**2, flow.head_m[-1] / speeds[-1] ** 2, rtol=1e-3)
    assert np.allclose(flow.shaft_kw / speeds**3, flow.shaft_kw[-1] / speeds[-1] ** 3, rtol=1e-3)


def test_a_slow_pump_cannot_lift_the_static_head_and_delivers_nothing() -> None:
    slow = np.array([[0.5]])
    flow = flow_at(slow, still_scene(slow.shape), plain_builds(), cavitation=0.0, breakdown=0.0)
    assert flow.q == 0
    assert flow.discharge_bar > flow.suction_bar


def test_hydraulic_power_is_60_to_75_percent_of_electrical_power() -> None:
    values = Plant(10, seed=4).run(10 * MINUTE).values
    hydraulic_kw = values[..., Q] * (values[..., PD] - values[..., PS]) / 600
    electrical_kw = np.sqrt(3) * 0.4 * values[..., AMP] * 0.85
    efficiency = (hydraulic_kw / electrical_kw).mean(axis=0)
    assert ((efficiency > 0.60) & (efficiency < 0.75)).all()


def test_the_readings_agree_with_the_nameplate_of_the_profile() -> None:
    plate = load_profile("centrifugal", base_dir=None).nameplate
    mean = Plant(10, seed=4, moves=False).run(10 * MINUTE).values.mean(axis=(0, 1))
    head_m = (mean[PD] - mean[PS]) * 1e5 / (plate.density_kg_m3 * 9.80665)
    assert mean[N] == pytest.approx(plate.rated_speed_rpm, rel=0.002)
    assert mean[Q] == pytest.approx(plate.rated_flow_l_min, rel=0.05)
    assert head_m == pytest.approx(plate.rated_head_m, rel=0.05)
    assert mean[AMP] == pytest.approx(plate.rated_current_a, rel=0.08)


def test_discharge_is_above_suction_while_running_and_equals_it_at_standstill() -> None:
    readings = Plant(1, seed=2, cold=True).run(2 * MINUTE)
    values = readings.values[:, 0]
    running = values[:, N] > 1400
    standing = values[:, N] == 0
    assert (values[running, PD] - values[running, PS] > 4).all()
    assert abs((values[standing, PD] - values[standing, PS]).mean()) < 0.02
    assert (values[standing][:, [N, PO, V, Q, AMP]] == 0).all()


def test_a_start_draws_inrush_and_a_cold_pump_warms_for_half_an_hour() -> None:
    values = Plant(1, seed=2, cold=True).run(90 * MINUTE).values[:, 0]
    assert values[: 2 * MINUTE, AMP].max() > 3 * 28
    assert values[: 2 * MINUTE, AMP].max() < 250
    assert values[0, TB] == pytest.approx(values[0, TA], abs=1)
    assert values[5 * MINUTE, TB] < values[30 * MINUTE, TB] < values[-1, TB]
    assert values[-1, TB] - values[-1, TA] == pytest.approx(44, abs=3)
    assert values[MINUTE, PO] > values[-1, PO]  # cold oil is thick


def test_a_healthy_pump_stays_inside_its_limits_and_normal_bands_for_a_day() -> None:
    plant = Plant(4, seed=7)
    low, high = np.full(10, np.inf), np.full(10, -np.inf)
    for readings in plant.stream(24 * 60 * MINUTE):
        low = np.minimum(low, readings.values.min(axis=(0, 1)))
        high = np.maximum(high, readings.values.max(axis=(0, 1)))
    for i, sensor in enumerate(load_profile("centrifugal", base_dir=None).sensors):
        limits = sensor.limits
        assert sensor.normal is not None
        assert sensor.normal[0] < low[i], sensor.tag
        assert high[i] < sensor.normal[1], sensor.tag
        floors = [x for x in (limits.low_low, limits.low) if x is not None]
        ceilings = [x for x in (limits.high, limits.high_high) if x is not None]
        assert all(low[i] - limits.deadband > x for x in floors), sensor.tag
        assert all(high[i] + limits.deadband < x for x in ceilings), sensor.tag


def test_the_same_seed_gives_the_same_readings_however_time_is_cut_up() -> None:
    fault = FaultSpec.parse("P-102=cavitation@5:0.6")
    stuck = FaultSpec.parse("P-101=sensor_stuck@4")
    drop = FaultSpec.parse("P-103=sensor_dropout@2")
    whole = Plant(3, seed=9, faults=(fault, stuck, drop), cold=True, cycles=True)
    parts = Plant(3, seed=9, faults=(fault, stuck, drop), cold=True, cycles=True)
    expected = whole.run(900).values
    got = np.concatenate([parts.run(n).values for n in (1, 7, 300, 592)])
    assert np.array_equal(expected, got, equal_nan=True)


def test_another_seed_gives_other_pumps() -> None:
    assert not np.array_equal(Plant(3, seed=1).values, Plant(3, seed=2).values)


def test_a_pump_is_the_same_whatever_happens_to_its_neighbour() -> None:
    alone = Plant(3, seed=5).run(MINUTE).values
    disturbed = Plant(3, seed=5, faults=(FaultSpec.parse("P-102=dry_run@0:1"),)).run(MINUTE).values
    assert np.array_equal(alone[:, [0, 2]], disturbed[:, [0, 2]])
    assert not np.array_equal(alone[:, 1], disturbed[:, 1])


def test_advance_carries_parts_of_a_step_over() -> None:
    plant = Plant(1, seed=1)
    for _ in range(10):
        plant.advance(0.25)
    assert plant.time_s == pytest.approx(2.5)


def test_pumps_that_cycle_stop_and_start_again() -> None:
    running = np.concatenate([r.running[::100] for r in Plant(2, seed=3, cycles=True).stream(16 * 60 * MINUTE)])
    assert (~running).any(axis=0).all()
    assert running[0].all()


def test_ten_standard_sensors_in_their_order() -> None:
    plant = Plant(2)
    assert plant.tags == STANDARD_TAGS
    assert plant.pump_ids == ("P-101", "P-102")
    assert plant.values.shape == (2, 10)
    assert plant.values[0, N] == pytest.approx(RATED_SPEED_RPM, abs=10)


def test_a_fault_on_a_pump_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="P-109") as caught:
        Plant(3, faults=(FaultSpec.parse("P-109=cavitation@60"),))
    assert "P-101 to P-103" in caught.value.advice
    with pytest.raises(ValueError, match="at least 1"):
        Plant(0)
