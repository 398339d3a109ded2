"""The back-test counts what an operator would have met, with feedback, and shows what led to an episode."""

from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from pumpwatch_gui.commissioning.models.backtest import BackTest, back_test, residual_trend
from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.feedback import EpisodeFeedback, FeedbackVerdict
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.infer.bundles.bundle import load_bundle
from pumpwatch_gui.infer.detectors.adaptive import EVERY_S, HIGHEST, LOWEST, Adaptive
from pumpwatch_gui.infer.live.scorer import Scorer
from tests.infer.infer_builders import FEW, frame_of, steady


def faulty() -> Recording:
    """50 minutes with two shifts of the second sensor, at 1000 s and 2200 s."""
    recording = steady(3000, seed=12)
    values = recording.values.copy()
    values[1000:1080, 1] += 6.0
    values[2200:2280, 1] += 6.0
    return Recording(recording.path, recording.time_s.copy(), values)


def judged(bundle: Path, *feedback: EpisodeFeedback) -> BackTest:
    return back_test(load_bundle(bundle, FEW), FEW, [faulty()], feedback=feedback)


def test_episodes_are_found_with_the_sensor_that_led_and_make_a_figure_a_week(chart_bundle: Path) -> None:
    found = judged(chart_bundle)
    onset = faulty().time_s[0]
    near = [
        e
        for e in found.episodes
        if 1000 <= e.start_ns / 1e9 - onset <= 1040 or 2200 <= e.start_ns / 1e9 - onset <= 2240
    ]
    assert len(near) == 2
    assert {e.leading[0][0] for e in near} == {"heat"}
    assert found.scored_h == pytest.approx(50 / 60, abs=0.05)
    assert found.now.false_a_week == pytest.approx(len(found.episodes) * 168 / found.scored_h, rel=1e-6)
    assert 3 < found.in_alarm < 20


def test_feedback_turns_episodes_into_known_faults_and_takes_them_out_of_the_false_ones(chart_bundle: Path) -> None:
    bare = judged(chart_bundle)
    first, second = bare.episodes[0], bare.episodes[-1]
    found = judged(
        chart_bundle,
        EpisodeFeedback("P", first.start_ns, first.end_ns, FeedbackVerdict.TRUE),
        EpisodeFeedback("P", second.start_ns, second.end_ns, FeedbackVerdict.UNKNOWN),
    )
    assert (found.now.caught, found.now.known) == (1, 1)
    assert found.now.false_a_week < bare.now.false_a_week
    assert found.in_alarm < bare.in_alarm
    assert found.episodes[0].feedback is not None
    again = judged(chart_bundle, EpisodeFeedback("P", first.start_ns, first.end_ns, FeedbackVerdict.FALSE))
    assert again.now.known == 0
    assert again.now.false_a_week == bare.now.false_a_week


def test_the_table_tells_fewer_alarms_the_wider_the_limit(chart_bundle: Path) -> None:
    table = judged(chart_bundle).table
    assert [row.threshold_factor for row in table] == sorted(row.threshold_factor for row in table)
    alarmed = [row.in_alarm for row in table]
    assert alarmed == sorted(alarmed, reverse=True)


def test_the_row_of_the_table_is_what_a_model_of_that_threshold_factor_does(chart_bundle: Path, tmp_path: Path) -> None:
    from pumpwatch_gui.infer.bundles.threshold_factor import with_threshold_factor

    row = next(row for row in judged(chart_bundle).table if row.threshold_factor == 1.5)
    with_threshold_factor(chart_bundle, tmp_path / "m", 1.5)
    assert back_test(load_bundle(tmp_path / "m", FEW), FEW, [faulty()]).now == row


def test_the_residuals_about_an_onset_show_the_sensor_leaving(chart_bundle: Path) -> None:
    around_ns = int((faulty().time_s[0] + 1000) * 1e9)
    bundle = load_bundle(chart_bundle, FEW)
    trend = residual_trend(bundle, FEW, [faulty()], around_ns=around_ns, before_s=300, after_s=60)
    assert trend.tags == FEW.tags
    assert trend.residuals.shape == trend.values.shape == (361, 3)
    before, after = trend.residuals[:300], trend.residuals[330:]
    assert np.abs(after[:, 1]).min() > np.abs(before[:, 1]).max()
    assert np.nanmax(trend.score[330:]) > 1.0


def test_an_adaptive_limit_moves_one_small_step_an_hour_within_bounds_and_says_why(chart_bundle: Path) -> None:
    scorer, adaptive = Scorer(), Adaptive()
    scorer.assign("P-1", FEW, load_bundle(chart_bundle, FEW))
    noise = np.random.default_rng(4)
    detection = None
    for second in range(120):
        scorer.feed(frame_of(noise.normal(100, 1, 3), second=second), RunState.RUNNING)
        (score_result,) = scorer.score_due()
        detection = score_result if isinstance(score_result, Detection) else detection
    assert detection is not None

    clock = count(detection.mono_ns + 10 * 10**9, 10 * 10**9)

    def hours(score: float, many: int) -> list[float]:
        found = [replace(detection, score=score, mono_ns=next(clock)) for _ in range(many * round(EVERY_S / 10))]
        return [change.after for one in found if (change := adaptive.learn(one)) is not None]

    assert adaptive.learn(detection) is None
    assert hours(0.95, 3) == [1.02, 1.04, 1.06]
    assert adaptive.judged(detection).score == pytest.approx(detection.score / 1.06)
    assert hours(0.7, 3) == []
    assert hours(5.0, 5) == []  # a fault teaches nothing
    assert hours(0.95, 30)[-1] == HIGHEST
    assert hours(0.1, 60)[-1] == LOWEST
