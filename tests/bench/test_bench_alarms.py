"""The benchmark of the alarm desk: what it says is measured, and what it takes for right."""

import numpy as np
import pytest

from pumpwatch_gui.acquire.simulator.faults import FAULTS
from pumpwatch_gui.bench.alarms import is_expected, limit_alarms
from pumpwatch_gui.settings.profile_file import load_profile


def test_limits_are_judged_on_sensors_and_on_what_is_derived_of_them() -> None:
    profile = load_profile("centrifugal")
    middle = {s.tag: sum(s.normal) / 2 for s in profile.sensors if s.normal is not None}
    values = np.tile([middle[tag] for tag in profile.tags], (600, 1))
    assert limit_alarms(profile, values) == []
    values[300:400, profile.tags.index("vibration_mm_s")] = 6.0
    ((tag, episode),) = limit_alarms(profile, values)
    assert (tag, episode.level) == ("vibration_mm_s", "high")
    assert 300 <= episode.start_ns / 1e9 <= 320
    assert 400 <= episode.end_ns / 1e9 <= 420


@pytest.mark.parametrize(
    ("fault", "tag", "level", "right"),
    [
        ("cavitation", "vibration_mm_s", "high", True),
        ("cavitation", "suction_pressure_bar", "low", True),
        ("cavitation", "vibration_mm_s", "low", False),
        ("imbalance", "motor_current_a", "high", False),
        ("sensor_drift", "bearing_temperature_c", "high", True),
        ("sensor_drift", "vibration_mm_s", "high", False),
    ],
)
def test_a_first_alarm_is_right_on_the_side_to_which_the_fault_moves_that_sensor(
    fault: str, tag: str, level: str, right: bool
) -> None:
    assert is_expected(FAULTS[fault], tag, level) is right
