"""The release of an alarm: over once the pump has left the deviation that raised it, whatever else is still off."""

import numpy as np

from pumpwatch_gui.infer.detectors.release import Release

S = 10**9


def released_at(sensors: list[tuple[float, float]], *, until_s: int = 400, end_s: int = 200) -> list[int]:
    """The seconds at which an alarm from 0 to the end is released; each sensor's deviation before and after `end_s`."""
    release = Release(len(sensors))
    before, after = np.array(sensors).T
    found = []
    for second in range(until_s):
        deviation = before if second < end_s else after
        score = float(np.abs(deviation).max()) / 2
        if release.step(second * S, 1.0, score, deviation.copy, deviation):
            found.append(second)
    return found


def test_it_is_released_15_s_after_what_raised_it_is_over_although_another_sensor_is_still_off() -> None:
    assert released_at([(10.0, 0.2), (4.0, 4.0)])[:1] == [214]


def test_a_deviation_that_stands_is_not_released() -> None:
    assert released_at([(10.0, 10.0), (4.0, 0.0)]) == []


def test_half_of_a_deviation_is_still_the_same_trouble() -> None:
    assert released_at([(10.0, 5.0), (0.0, 0.0)]) == []


def test_nothing_is_released_in_the_first_minute_of_an_alarm() -> None:
    assert released_at([(10.0, 0.2), (4.0, 4.0)], end_s=30, until_s=64) == []
    assert released_at([(10.0, 0.2), (4.0, 4.0)], end_s=30)[:1] != []


def test_a_plateau_in_the_noise_releases_nothing() -> None:
    assert released_at([(2.5, 0.0), (0.0, 2.5)]) == []
