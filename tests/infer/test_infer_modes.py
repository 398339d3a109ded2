"""Operating modes: found where a pump ran at separate levels, named with their time, nowhere else."""

from pathlib import Path

import numpy as np
import pytest

from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.infer.evaluation.data_quality import quality_report
from pumpwatch_gui.infer.training.modes import levels, modes_of
from pumpwatch_gui.settings.profile_file import load_profile

PROFILE = load_profile("centrifugal")
DAY = np.random.default_rng(3)


def running_at(*speeds: tuple[float, int]) -> np.ndarray:
    """Rows of a second each: every sensor in the middle of its span, the speed as given (rpm, seconds)."""
    speed = np.concatenate([rpm + DAY.normal(0, 2.0, seconds) for rpm, seconds in speeds])
    rows = np.tile([sum(s.span) / 2 for s in PROFILE.sensors], (speed.size, 1))
    rows[:, PROFILE.index("motor_rpm")] = speed
    return rows


def made_of(rows: np.ndarray) -> Recording:
    return Recording(Path("modes.csv"), 1.7e9 + np.arange(float(len(rows))), rows)


def test_two_speeds_are_two_modes_with_their_times() -> None:
    rows = running_at((1450.0, 7200), (1150.0, 600), (1450.0, 3000))
    found = modes_of(PROFILE, rows, running_s=float(len(rows)))
    assert found is not None
    low, high = found.modes
    assert 1140 < low.low < low.high < 1160
    assert 1440 < high.low < high.high < 1460
    assert low.share == pytest.approx(600 / 10_800, abs=0.001)
    assert found.words.startswith("motor speed ")
    assert "(0 h 10 m)" in found.uncovered
    assert "(2 h 50 m)" in found.words
    assert "2 h 50 m" not in found.uncovered


def test_a_mode_that_was_seen_too_shortly_is_a_warning_of_the_report() -> None:
    recording = made_of(running_at((1450.0, 7200), (1150.0, 600)))
    texts = [f"{f.severity.value} {f.tag} {f.text}" for f in quality_report(recording, PROFILE).findings]
    assert any(text.startswith("note motor_rpm operating modes: motor speed 1,14") for text in texts), texts
    assert any(text.startswith("warning motor_rpm seen too shortly to be learnt: 1,14") for text in texts), texts


@pytest.mark.parametrize(
    "values",
    [DAY.normal(50, 1, 5000), DAY.uniform(0, 100, 5000), np.linspace(0, 100, 5000), np.full(100, 3.0)],
    ids=["noise", "wide", "ramp", "constant"],
)
def test_what_is_not_separate_is_one_level(values: np.ndarray) -> None:
    (level,) = levels(values)
    assert level.share > 0.97
