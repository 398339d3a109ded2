"""One rule for scores: the live alarm, the scored recording and the back-test are the same, instant for instant."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpwatch_gui.commissioning.models.backtest import back_test
from pumpwatch_gui.domain.alarms.alarm import AlarmState, Priority, Stimulus
from pumpwatch_gui.domain.alarms.episodes import ANOMALY_RULE
from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.pump.running import run_rule, state_of
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.infer.evaluation.recorded_frames import frames_of
from pumpwatch_gui.infer.evaluation.scoring import score_rows
from pumpwatch_gui.infer.live.scorer import Scorer
from pumpwatch_gui.judge.alarms.desk import AlarmDesk
from pumpwatch_gui.judge.sources.anomaly import AnomalyJudge
from tests.infer.infer_builders import FEW, ScriptedDetector, bundle_of

S = 10**9
ONE = PumpProfile("one", (Sensor("score", "Score", "", (-1.0, 100.0), 0.01),))
BUNDLE = bundle_of(ScriptedDetector(), profile=ONE)
NAN = float("nan")


def recording_of(steps_s: list[float], scores: list[float]) -> Recording:
    """A recording whose only sensor is what the model will say of each row."""
    time_s = 1.7e9 + np.cumsum(np.array(steps_s))
    return Recording(Path("scores.csv"), time_s, np.array(scores, dtype=np.float64).reshape(-1, 1))


class Live:
    """A recording through scorer, judge and desk, as the station does it."""

    def __init__(self, recording: Recording) -> None:
        self.signals: list[tuple[int, Stimulus]] = []
        self.active: list[bool] = []
        self.desk = AlarmDesk()
        scorer, judge = Scorer(), AnomalyJudge(ONE)
        scorer.assign("P", ONE, BUNDLE)
        for frame in frames_of(recording, ONE, pump_id="P"):
            scorer.feed(frame, state_of(frame, ONE.tags, run_rule(ONE)))
            for result in scorer.score_due():
                signal = judge.judge(result) if isinstance(result, Detection) else None
                if signal is not None:
                    assert self.desk.apply("P", signal, result.time_ns) is not None
                    self.signals.append((result.time_ns, signal.stimulus))
            self.active.append(any(alarm.state.is_active for alarm in self.desk.alarms))


stretches = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.8, 0.95, 1.05, 2.0, NAN]),  # clear, clear, between, over, over, not scored
        st.integers(1, 12),
        st.sampled_from([0.25, 1.0, 1.0, 1.0, 4.0]),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=200, deadline=None)
@given(stretches=stretches, gap_s=st.sampled_from([2.0, 29.0, 31.0, 3600.0]))
def test_the_same_scores_make_the_same_alarms_live_scored_and_back_tested(
    stretches: list[tuple[float, int, float]], gap_s: float
) -> None:
    scores = [score for score, rows, _ in stretches for _ in range(rows)]
    steps = [gap_s if i == 0 else step for _, rows, step in stretches for i in range(rows)]
    recording = recording_of(steps, scores)
    live = Live(recording)
    assert live.active == [row.alarm for row in score_rows(BUNDLE, ONE, run_rule(ONE), [recording])]
    found = back_test(BUNDLE, ONE, [recording])
    assert [at for at, stimulus in live.signals if stimulus is Stimulus.RAISED] == [e.start_ns for e in found.episodes]
    times = np.rint(recording.time_s * 1e6).astype(np.int64) * 1000
    in_alarm = times[np.array(live.active) & np.isfinite(recording.values[:, 0])].tolist()
    starts = [*(e.start_ns for e in found.episodes), 2**62]
    for episode, after in zip(found.episodes, starts[1:], strict=True):
        own = [t for t in in_alarm if episode.start_ns <= t < after]
        assert (own[0], own[-1]) == (episode.start_ns, episode.end_ns)
    assert found.now.episodes == len(found.episodes)


def signals(scores: list[float], *, steps_s: list[float] | None = None) -> list[tuple[int, Stimulus]]:
    recording = recording_of(steps_s or [1.0] * len(scores), scores)
    start_ns = round(recording.time_s[0] * 1e6) * 1000
    return [((at - start_ns) // S, stimulus) for at, stimulus in Live(recording).signals]


def test_it_is_raised_after_5_s_above_1_and_returns_after_5_s_below_06() -> None:
    assert signals([1.2] * 7 + [0.95] * 10 + [0.59] * 7) == [(5, Stimulus.RAISED), (22, Stimulus.RETURNED)]


def test_it_returns_after_20_s_without_a_score_above_1_also_between_the_two_levels() -> None:
    assert signals([1.2] * 7 + [0.95] * 19 + [1.1] + [0.95] * 30) == [(5, Stimulus.RAISED), (47, Stimulus.RETURNED)]


@pytest.mark.parametrize("score", [1.0, 0.95])
def test_at_the_threshold_is_not_above_it(score: float) -> None:
    assert signals([score] * 60) == []


@pytest.mark.parametrize("score", [0.6, 0.95, 1.0])
def test_it_stays_at_its_clear_level_and_above_it_while_a_score_is_over_the_threshold_now_and_then(
    score: float,
) -> None:
    assert signals([1.2] * 7 + ([score] * 15 + [1.1]) * 20) == [(5, Stimulus.RAISED)]


def test_a_single_score_below_the_clear_level_ends_nothing() -> None:
    assert signals([1.2] * 7 + [0.1, 0.95, 1.1] * 50) == [(5, Stimulus.RAISED)]


def test_raised_again_within_30_s_it_is_the_same_episode_and_after_that_another() -> None:
    near = signals([1.2] * 6 + [0.5] * 29 + [1.2] * 6)
    assert near == [(5, Stimulus.RAISED), (11, Stimulus.RETURNED), (40, Stimulus.RESUMED)]
    far = signals([1.2] * 6 + [0.5] * 30 + [1.2] * 6)
    assert far == [(5, Stimulus.RAISED), (11, Stimulus.RETURNED), (41, Stimulus.RAISED)]


def test_one_score_over_before_a_gap_and_one_after_it_raise_nothing() -> None:
    assert signals([0.5] * 5 + [1.2, 1.2], steps_s=[1.0] * 6 + [3600.0]) == []
    assert signals([1.2, 1.2], steps_s=[1.0, 3600.0]) == []
    assert signals([0.5] * 5 + [1.2] + [NAN] * 3600 + [1.2]) == []


def test_an_alarm_stays_while_the_pump_is_not_scored_and_returns_only_by_scores() -> None:
    assert signals([1.2] * 6 + [NAN] * 1000) == [(5, Stimulus.RAISED)]
    gone = signals([1.2] * 6 + [NAN] * 1000 + [0.5] * 8)
    assert gone == [(5, Stimulus.RAISED), (1011, Stimulus.RETURNED)]


def test_an_acknowledged_episode_that_flickers_stays_acknowledged_by_the_same_person() -> None:
    desk, judge = AlarmDesk(), AnomalyJudge(ONE)
    states: list[AlarmState] = []
    for second, score in enumerate([1.2] * 6 + [0.5] * 8 + [1.2] * 6 + [0.5] * 60 + [1.2] * 6):
        detection = detection_of(score, second)
        signal = judge.judge(detection)
        change = None if signal is None else desk.apply("P", signal, detection.time_ns)
        if change is not None:
            states.append(change.alarm.state)
        if second == 6:
            assert desk.acknowledge("P/anomaly", by="asha", time_ns=detection.time_ns) is not None
        if second == 19:
            (alarm,) = desk.alarms
            assert (alarm.by, alarm.raised_ns) == ("asha", 5 * S)
    unacknowledged, acknowledged, normal = AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED, AlarmState.NORMAL
    assert states == [unacknowledged, normal, acknowledged, normal, unacknowledged]
    assert desk.alarms[0].by == ""


def detection_of(score: float, second: int) -> Detection:
    return Detection(
        pump_id="P",
        seq=second,
        time_ns=second * S,
        mono_ns=second * S,
        kind="scripted",
        score=score,
        reconstruction_loss=score,
        threshold=1.0,
        is_anomaly=score > 1.0,
        shares=np.ones(1),
        sensor_states=("NORMAL",),
        sensor_anomaly_counts=np.zeros(1, dtype=np.int64),
        model_version="v1",
    )


def test_the_signal_names_the_leading_sensor_and_carries_score_and_threshold() -> None:
    judge = AnomalyJudge(ONE)
    found = [judge.judge(detection_of(1.5, second)) for second in range(6)]
    assert found[:5] == [None] * 5
    signal = found[5]
    assert signal is not None
    assert (signal.source, signal.tag, signal.text) == ("anomaly", "score", "Anomaly: score 100 %")
    assert (signal.value, signal.limit) == (1.5, ANOMALY_RULE.threshold)
    assert judge.active


def test_the_two_greatest_contributions_are_named_the_greatest_first() -> None:
    judge = AnomalyJudge(FEW)
    shares = np.array([0.1, 0.6, 0.3])
    found = [judge.judge(replace(detection_of(1.5, second), shares=shares)) for second in range(6)]
    signal = found[5]
    assert signal is not None
    assert (signal.tag, signal.text) == ("heat", "Anomaly: heat 60 %, hum 30 %")


def test_an_alarm_that_was_active_before_a_restart_returns_by_scores() -> None:
    judge = AnomalyJudge(ONE, active=True)
    found = [judge.judge(detection_of(0.2, second)) for second in range(7)]
    assert [signal.stimulus for signal in found if signal] == [Stimulus.RETURNED]


def test_a_model_taken_away_ends_its_alarm_and_says_so_once() -> None:
    quiet, raised = AnomalyJudge(ONE), AnomalyJudge(ONE, active=True)
    assert quiet.retire() is None
    signal = raised.retire()
    assert signal is not None
    assert (signal.stimulus, signal.text) == (Stimulus.RETURNED, "Anomaly: no model judges this pump any more")
    assert raised.retire() is None


def test_an_anomaly_alarm_names_the_two_leading_sensors_with_their_shares_and_the_first_ones_tag() -> None:
    profile = PumpProfile("three", tuple(Sensor(t, f"Sensor {t.upper()}", "", (0.0, 1.0)) for t in ("a", "b", "c")))
    judge = AnomalyJudge(profile)
    shares, counts = np.array([0.3, 0.124, 0.576]), np.zeros(3, dtype=np.int64)
    found = [
        judge.judge(Detection("P", t, 0, t * S, "lstm", 2.5, 0.1, 0.2, True, shares, ("NORMAL",) * 3, counts, "v1"))
        for t in range(6)
    ]
    assert found[:5] == [None] * 5
    signal = found[5]
    assert signal is not None
    assert (signal.source, signal.tag, signal.text) == ("anomaly", "c", "Anomaly: sensor c 58 %, sensor a 30 %")
    assert (signal.priority, signal.value, signal.limit) == (Priority.LOW, 2.5, 1.0)
    assert judge.active is True
    assert AnomalyJudge(profile).active is False
    assert AnomalyJudge(profile, active=True).active is True
