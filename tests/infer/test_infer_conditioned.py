"""The conditioned detectors on frames: gaps, stops, missing sensors, flat lines, drifts, and no memory of the clock."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpwatch_gui.domain.pump.profile import Nameplate, PumpProfile, Sensor
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality
from pumpwatch_gui.infer.bundles.bundle import load_bundle
from pumpwatch_gui.infer.detectors.conditioned import ConditionedStream
from pumpwatch_gui.infer.detectors.conditioner import Conditioner, Conditioning
from pumpwatch_gui.infer.detectors.detector import WindowScore
from tests.infer.infer_builders import FEW, frame_of, steady

ON = RunState.RUNNING


class Pump:
    """A stream with steady noise about 100 on it, at 1 Hz."""

    def __init__(self, bundle: Path, profile: PumpProfile = FEW, seed: int = 5) -> None:
        self.stream = load_bundle(bundle, profile).detector.stream()
        assert isinstance(self.stream, ConditionedStream)
        self.noise = np.random.default_rng(seed)
        self.second = 0.0

    def run(self, seconds: int, *, add: Any = 0.0, state: RunState = ON, step: float = 1.0) -> list[float]:
        """Scores over the seconds, NaN where not scored."""
        scores = []
        for _ in range(seconds):
            self.second += step
            self.stream.feed(frame_of(self.noise.normal(100.0, 1.0, 3) + add, second=self.second), state)
            scores.append(self.outcome().score if not self.why() else np.nan)
        return scores

    def why(self) -> str:
        window = self.stream.window()
        return window if isinstance(window, str) else ""

    def outcome(self) -> WindowScore:
        return self.stream.score(np.zeros(3))


def calm(scores: list[float]) -> bool:
    """Hardly ever above the limit, and scored at all."""
    seen = np.array(scores)[np.isfinite(scores)]
    return bool(seen.size and np.mean(seen > 1.0) < 0.03)


@pytest.fixture
def pump(chart_bundle: Path) -> Pump:
    return Pump(chart_bundle)


def test_a_healthy_pump_stays_under_the_limit_and_a_shift_is_told_with_its_sensor(pump: Pump) -> None:
    assert calm(pump.run(1200))
    assert np.nanmax(pump.run(30, add=[0, 4, 0])) > 1.0
    shares = pump.outcome().shares
    assert np.argmax(shares) == 1
    assert shares.sum() == pytest.approx(1.0)


def test_another_pump_of_the_type_with_other_levels_needs_no_other_model(pump: Pump) -> None:
    assert calm(pump.run(900, add=[25, -30, 7]))


def test_the_first_minutes_settle_and_say_so(pump: Pump) -> None:
    pump.run(10)
    assert pump.why() == "settling, 10 of 60 s"
    pump.run(55)
    assert pump.why().startswith("window ")
    pump.run(40)
    assert pump.why() == ""


def test_a_start_is_given_longer_and_a_stop_says_so(pump: Pump) -> None:
    pump.run(200)
    pump.run(5, state=RunState.STANDBY)
    assert pump.why() == "pump stopped"
    pump.run(100)
    assert pump.why() == "settling, 100 of 300 s"
    pump.run(300)
    assert pump.why() == ""


def test_a_model_of_another_period_is_not_armed_by_more_than_twice_and_says_so(chart_bundle: Path) -> None:
    assert calm(Pump(chart_bundle).run(4500, step=0.2))
    assert np.isfinite(Pump(chart_bundle).run(300, step=1.9)[-60:]).all()
    slow = Pump(chart_bundle)
    scores = slow.run(400, step=5.0)
    assert np.isnan(scores[20:]).all()
    assert slow.why() == "the model is made for values every 1 s, they come every 5 s: learn or train it again"
    slow.run(60)  # read as fast as the model wants it
    assert not slow.why().startswith("the model")


def test_a_gap_restarts_the_window_but_keeps_what_was_normal(pump: Pump) -> None:
    pump.run(600)
    pump.second += 120
    pump.run(3, add=[0, 9, 0])
    assert pump.why() in ("window 1 of 30", "settling")
    pump.run(60, add=[0, 9, 0])
    assert pump.outcome().score > 1.0  # the fault that began in the gap is still one


def test_a_long_gap_starts_afresh(pump: Pump) -> None:
    pump.run(600)
    pump.second += 3600
    pump.run(200, add=[0, 9, 0])
    assert pump.outcome().score < 1.0


def test_a_missing_sensor_is_bridged_then_left_out_and_said(pump: Pump) -> None:
    pump.run(300)
    pump.run(3, add=[np.nan, 0, 0])
    assert not pump.outcome().missing.any()
    scores = pump.run(60, add=[np.nan, 0, 0])
    outcome = pump.outcome()
    assert outcome.missing.tolist() == [True, False, False]
    assert outcome.shares[0] == 0
    assert calm(scores)
    assert np.nanmax(pump.run(40, add=[np.nan, 0, 6])) > 1.0


def test_values_that_are_uncertain_are_never_scored_as_if_good(pump: Pump) -> None:
    pump.run(300)
    for _ in range(20):
        pump.second += 1
        good = frame_of(pump.noise.normal(100, 1, 3) + np.array([0, 50, 0]), second=pump.second)
        quality = np.array([Quality.GOOD, Quality.UNCERTAIN, Quality.GOOD], dtype=np.uint8)
        pump.stream.feed(Frame("P-1", 0, good.time_ns, good.mono_ns, good.values.copy(), quality, quality.copy()), ON)
        assert pump.outcome().score < 1.3
    assert pump.outcome().missing.tolist() == [False, True, False]


def test_frames_without_any_value_are_not_scored(pump: Pump) -> None:
    pump.run(300)
    pump.run(1, add=[np.nan] * 3)
    assert pump.why() == "no data"


def test_a_flat_line_is_an_anomaly_of_its_sensor(pump: Pump) -> None:
    pump.run(300)
    for _ in range(100):
        pump.second += 1
        pump.stream.feed(frame_of([*pump.noise.normal(100, 1, 2), 100.25], second=pump.second), ON)
    outcome = pump.outcome()
    assert outcome.score > 1.0
    assert outcome.shares.tolist() == [0, 0, 1]
    assert outcome.high.tolist() == [False, False, True]


def test_a_deviation_that_alarms_never_becomes_the_new_normal_by_itself(pump: Pump) -> None:
    pump.run(400)
    assert np.nanmin(pump.run(3600, add=[0, 6, 0])[60:]) > 1.0
    assert calm(pump.run(300)[60:])


def test_a_single_value_on_the_other_side_does_not_turn_the_direction_of_a_deviation(pump: Pump) -> None:
    """A pump that cavitates: every fourth value lies below the ordinary level, and one of them is the newest."""
    pump.run(600)
    for _ in range(15):
        pump.run(3, add=[0, 12, 0])
        pump.run(1, add=[0, -3, 0])
    found = pump.outcome()
    assert found.score > 1.0
    assert found.usual[1] == pytest.approx(100, abs=1)
    assert found.present[1] == pytest.approx(108, abs=2.5)
    pump.run(3, add=[0, np.nan, 0])
    assert pump.outcome().present[1] == pytest.approx(108, abs=2.5)


def test_rebaseline_takes_the_present_as_normal_at_once(pump: Pump) -> None:
    pump.run(400)
    pump.run(120, add=[0, 6, 0])
    assert pump.outcome().score > 1.0
    pump.stream.rebaseline()
    assert calm(pump.run(200, add=[0, 6, 0]))


def test_a_slow_drift_is_no_anomaly(pump: Pump) -> None:
    pump.run(300)
    scores = [pump.run(1, add=[0, second / 3600, 0])[0] for second in range(3600)]
    assert calm(scores)


def test_a_faster_link_changes_neither_window_nor_verdict(chart_bundle: Path) -> None:
    pump = Pump(chart_bundle)
    assert calm(pump.run(6000, step=0.1))
    pump.run(300, add=[0, 4, 0], step=0.1)
    assert pump.outcome().score > 1.0


def test_a_link_nearly_twice_as_slow_makes_no_more_of_the_same_noise(chart_bundle: Path) -> None:
    usual, slow = (np.array(Pump(chart_bundle).run(4000, step=step)) for step in (1.0, 1.9))
    for percent in (50, 99):
        assert np.nanpercentile(slow, percent) == pytest.approx(np.nanpercentile(usual, percent), rel=0.1)


def test_a_step_of_the_wall_clock_is_not_noticed(chart_bundle: Path) -> None:
    stream = load_bundle(chart_bundle, FEW).detector.stream()
    noise = np.random.default_rng(1)
    for second in range(200):
        frame = frame_of(noise.normal(100, 1, 3), second=second)
        stream.feed(frame, ON)
    assert not isinstance(stream.window(), str)  # windows go by the monotonic clock alone


def test_a_change_of_speed_is_no_fault() -> None:
    speed = PumpProfile("s", (Sensor("motor_rpm", "n", "rpm", (0, 4000)),), nameplate=Nameplate(rated_speed_rpm=1480))
    from pumpwatch_gui.infer.detectors.chart import Chart
    from pumpwatch_gui.infer.detectors.combined import ChartDetector
    from pumpwatch_gui.infer.detectors.score_limits import ScoreLimits

    detector = ChartDetector(
        speed,
        None,
        conditioning=Conditioning(np.ones(1), np.full(1, 0.3)),
        chart=Chart(np.eye(1)),
        limits=ScoreLimits(3.0, 1.0, 1.25, 0.0, np.ones(1), np.full(1, np.inf)),
        used=np.ones(1, dtype=np.bool_),
        period_s=1.0,
        window=5,
    )
    stream = detector.stream()
    noise = np.random.default_rng(2)
    whys = []
    for second in range(400):
        target = 1480.0 if second < 200 else max(1480.0 - 100 * (second - 200), 900.0)
        stream.feed(frame_of([target + noise.normal()], second=second), ON)
        window = stream.window()
        whys.append(window if isinstance(window, str) else "")
        if not whys[-1]:
            assert stream.score(np.zeros(1)).score < 5 if second < 205 else True
    assert "the speed is changing" in whys
    assert any(why.startswith("settling") for why in whys[250:])


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.floats(0.05, 2000),
            st.lists(st.one_of(st.just(np.nan), st.floats(-1e9, 1e9)), min_size=2, max_size=2),
        ),
        max_size=80,
    )
)
def test_whatever_comes_residuals_are_finite_and_0_where_a_sensor_does_not_count(
    steps: list[tuple[float, list[float]]],
) -> None:
    conditioner = Conditioner.fresh(Conditioning(np.ones(2), np.full(2, 0.5), settle_s=3.0))
    memory = conditioner.memory
    for interval, values in steps:
        residuals = conditioner.step([interval], np.array([values]))
        assert np.isfinite(residuals).all()
        assert np.abs(residuals).max() <= 25.0 / 0.5 + 1e-9
        assert (residuals[~memory.scored] == 0).all()
        assert not (memory.scored & memory.missing).any()


def test_the_verdict_does_not_depend_on_when_the_recording_was_made(chart_bundle: Path) -> None:
    def scores(start: float) -> list[float]:
        stream = load_bundle(chart_bundle, FEW).detector.stream()
        found = []
        for i, values in enumerate(steady(300, seed=9).values):
            stream.feed(frame_of(values, second=start + i), ON)
            if not isinstance(stream.window(), str):
                found.append(stream.score(np.zeros(3)).score)
        return found

    assert scores(0.0) == pytest.approx(scores(7_000.0))
