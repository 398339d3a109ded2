"""What a wrong register or scale makes of drives, meters and vibration sensors is found; a sound one is left alone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.pump.profile import Nameplate, PumpProfile, Sensor
from pumpwatch_gui.judge.plausibility.checks import examine

PLATE = Nameplate(rated_power_kw=15.0, rated_speed_rpm=1480.0, rated_flow_l_min=1450.0, rated_current_a=28.0)
PROFILE = PumpProfile(
    "p",
    (
        Sensor("motor_rpm", "Speed", "rpm", (0, 4000)), Sensor("frequency_hz", "Frequency", "Hz", (0, 100)),
        Sensor("motor_current_a", "Current", "A", (0, 100)), Sensor("power_w", "Power", "W", (0, 100_000)),
        Sensor("vibration_mm_s", "Vibration", "mm/s", (0, 100)), Sensor("flow_rate_l_min", "Flow", "L/min", (0, 5000)),
    ),
    nameplate=PLATE,
)  # fmt: skip
SOUND = {"motor_rpm": 1478.0, "frequency_hz": 50.0, "motor_current_a": 25.0, "power_w": 12_000.0,
         "vibration_mm_s": 2.3, "flow_rate_l_min": 1400.0}  # fmt: skip


def kinds(**changed: float) -> set[str]:
    return {f.kind for f in examine(PROFILE, [{**SOUND, **changed}])}


def test_a_sound_pump_on_a_drive_is_left_alone() -> None:
    assert kinds() == set()


@given(st.integers(1, 8), st.floats(10.0, 60.0), st.floats(0.0, 0.1))
def test_every_number_of_poles_and_usual_slip_is_sound(pairs: int, frequency: float, slip: float) -> None:
    speed = 60 * frequency / pairs * (1 - slip)
    assert "rotation" not in kinds(motor_rpm=speed, frequency_hz=frequency)


@pytest.mark.parametrize(("speed", "frequency"), [(1478.0, 5.0), (1478.0, 33.0), (1650.0, 50.0), (3600.0, 50.0)])
def test_speed_and_frequency_that_do_not_belong_together_are_found(speed: float, frequency: float) -> None:
    assert "rotation" in kinds(motor_rpm=speed, frequency_hz=frequency)


@pytest.mark.parametrize(
    ("changed", "kind"),
    [({"power_w": 120_000.0}, "overload"), ({"vibration_mm_s": 23.0}, "vibration"),
     ({"motor_rpm": 0.0, "motor_current_a": 0.0, "frequency_hz": 0.0}, "stopped")],
)  # fmt: skip
def test_a_wrong_scale_or_register_is_found(changed: dict[str, float], kind: str) -> None:
    assert kind in kinds(**changed)


def test_a_stopped_pump_whose_flow_is_almost_nothing_is_left_alone() -> None:
    stopped = {"motor_rpm": 0.0, "motor_current_a": 0.0, "frequency_hz": 0.0, "flow_rate_l_min": 12.0, "power_w": 0.0}
    assert kinds(**stopped, vibration_mm_s=0.0) == set()


def test_without_a_nameplate_nothing_is_held_against_it() -> None:
    bare = replace(PROFILE, nameplate=Nameplate())
    assert {f.kind for f in examine(bare, [{**SOUND, "power_w": 90_000.0, "motor_rpm": 0.0}])} <= {"silent"}
