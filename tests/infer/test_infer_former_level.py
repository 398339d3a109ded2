"""A level that was left for another is remembered: to come back to it is no fault, whatever was taken for normal."""

from math import inf

import numpy as np
import pytest

from pumpwatch_gui.domain.alarms.episodes import ScoreAlarm
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.infer.detectors.chart import Chart
from pumpwatch_gui.infer.detectors.combined import ChartDetector
from pumpwatch_gui.infer.detectors.conditioned import ConditionedStream
from pumpwatch_gui.infer.detectors.conditioner import Conditioning
from pumpwatch_gui.infer.detectors.score_limits import ScoreLimits
from tests.infer.infer_builders import FEW, frame_of

WARM_S, LONG_S = 900, 1200


class Pump:
    """A stream of three sensors about 100, one of which is moved, with its alarm."""

    def __init__(self, *, limit: float) -> None:
        one = np.ones(3)
        limits = ScoreLimits(1.0, 1.0, limit, 0.0, one, inf * one)
        self.stream: ConditionedStream = ChartDetector(
            FEW, None, conditioning=Conditioning(one, 0.5 * one), chart=Chart(np.eye(3)), limits=limits,
            used=one > 0, period_s=1.0, window=1,
        ).stream()  # fmt: skip
        self.noise, self.at_s, self.alarm = np.random.default_rng(1), 0, ScoreAlarm()

    def run(self, seconds: int, *, off: float = 0.0) -> int:
        """So many seconds with the first sensor `off` its level; for how many of them the alarm was on."""
        alarms = 0
        for _ in range(seconds):
            values = 100.0 + self.noise.normal(0, 0.3, 3) + np.array([off, 0.0, 0.0])
            self.stream.feed(frame_of(values, second=self.at_s), RunState.RUNNING)
            if not isinstance(self.stream.window(), str):
                self.alarm.update(self.at_s * 10**9, self.stream.score(np.zeros(3)).score)
            self.at_s, alarms = self.at_s + 1, alarms + self.alarm.active
        return alarms

    @property
    def base(self) -> float:
        """The baseline of the first sensor."""
        return float(self.stream.memory.base[0, 0])


def test_a_level_below_the_limit_that_was_taken_for_normal_is_given_up_on_the_way_back() -> None:
    pump = Pump(limit=7.0)
    pump.run(WARM_S)
    assert pump.run(LONG_S, off=3.0) == 0
    assert pump.base == pytest.approx(103.0, abs=0.5)
    assert pump.run(90) == 0
    assert pump.base == pytest.approx(100.0, abs=0.5)
    assert pump.stream.take_notes() == ()


def test_an_alarm_about_a_level_that_was_taken_too_early_ends_with_the_repair() -> None:
    pump = Pump(limit=5.2)
    pump.run(WARM_S)
    pump.run(LONG_S, off=2.6)  # hovers below the limit and is taken for normal
    assert pump.base == pytest.approx(102.6, abs=0.5)
    assert pump.run(120, off=8.0) > 60
    pump.run(90)
    assert not pump.alarm.active
    assert pump.base == pytest.approx(100.0, abs=0.5)
    assert any("On the level from before again: flow" in note for note in pump.stream.take_notes())


def test_a_level_that_was_left_long_ago_is_forgotten() -> None:
    pump = Pump(limit=7.0)
    pump.run(WARM_S)
    pump.run(LONG_S + 36 * 200, off=3.0)
    pump.run(120)
    assert pump.base == pytest.approx(103.0, abs=0.5)
