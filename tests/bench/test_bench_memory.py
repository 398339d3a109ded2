"""The memory benchmark: a growth with the scatter it is to be read against."""

import numpy as np
import pytest

from pumpwatch_gui.bench.figure import NotMeasuredError
from pumpwatch_gui.bench.memory import figures, watched_mb


def test_the_growth_is_the_slope_over_the_samples() -> None:
    scatter = np.random.default_rng(1).normal(0.0, 0.01, 100)
    samples = [(float(i), 200.0 + 0.01 * i + float(scatter[i])) for i in range(100)]
    at_the_end, an_hour, a_reading = figures(samples, readings_s=200)
    assert at_the_end.value == pytest.approx(201, abs=0.1)
    assert an_hour.value == pytest.approx(36, rel=0.05)
    assert a_reading.value == pytest.approx(50, rel=0.05)
    assert "a day" in a_reading.reference


def test_the_memory_of_a_running_station_is_sampled_and_too_few_samples_are_refused() -> None:
    samples = watched_mb(1, 0.1, warm_s=3, seconds=1.5)
    assert all(megabytes > 5 for _, megabytes in samples)
    with pytest.raises(NotMeasuredError, match="samples of the memory"):
        list(figures(samples[:2], readings_s=10))
