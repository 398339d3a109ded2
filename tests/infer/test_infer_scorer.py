"""The scorer: newest window of each pump, one call for all, and what it says of those it cannot score."""

from pathlib import Path

import numpy as np
import pytest

from pumpwatch_gui.domain.detection import Detection, NotScored
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame, bad_frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.infer.bundles.bundle import Bundle, load_bundle
from pumpwatch_gui.infer.bundles.writing import write_bundle
from pumpwatch_gui.infer.live.scorer import Scorer
from pumpwatch_gui.infer.network.autoencoder import MODEL_FILE
from pumpwatch_gui.infer.network.numpy_forward import WEIGHTS_FILE
from tests.infer.infer_builders import FEW, frame_of, parity_of, random_weights

pytest.importorskip("onnx")
ON = RunState.RUNNING
WINDOW = 6


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A plain bundle for three sensors, six samples a window, whose network knows nothing."""
    from pumpwatch_gui.infer.network.onnx_graph import build

    weights = random_weights(7, sensors=3, units=4)
    detector = {"scaler": {"low": [0, 0, 0], "high": [200, 200, 200]}, "threshold": 0.5, "sensor_limits": [1e3] * 3}
    content = {
        "name": "p",
        "kind": "lstm",
        "window": WINDOW,
        "units": 4,
        "detector": detector,
        "trained": {},
        "parity": parity_of(weights, window=WINDOW),
    }
    files = {WEIGHTS_FILE: weights.to_bytes(), MODEL_FILE: build(weights, window=WINDOW)}
    folder = tmp_path_factory.mktemp("plain") / "p"
    write_bundle(folder, profile=FEW, content=content, files=files)
    return load_bundle(folder, FEW)


def scorer_of(plain: Bundle, *pumps: str) -> Scorer:
    scorer = Scorer()
    for pump in pumps:
        scorer.assign(pump, FEW, plain)
    return scorer


def feed(scorer: Scorer, seconds: range, *, pump: str = "P-1", values: object = (100, 100, 100)) -> None:
    for second in seconds:
        scorer.feed(frame_of(values, second=second, pump_id=pump, seq=second), ON)


def why(scorer: Scorer) -> str:
    (score_result,) = scorer.score_due()
    assert isinstance(score_result, NotScored)
    return score_result.why


def test_all_due_pumps_are_scored_in_one_call_each_on_its_own_window(plain: Bundle) -> None:
    scorer = scorer_of(plain, "P-1", "P-2", "P-3")
    for i, pump in enumerate(("P-1", "P-2", "P-3")):
        feed(scorer, range(WINDOW), pump=pump, values=(100, 100, 100 + 300 * i))
    together = scorer.score_due()
    assert [v.pump_id for v in together] == ["P-1", "P-2", "P-3"]
    for i, score_result in enumerate(together):
        alone = scorer_of(plain, "P-1")
        feed(alone, range(WINDOW), values=(100, 100, 100 + 300 * i))
        (single,) = alone.score_due()
        assert isinstance(single, Detection)
        assert isinstance(score_result, Detection)
        assert score_result.score == pytest.approx(single.score, abs=1e-5)
    assert scorer.count == 3
    assert scorer.latency.percentiles().p99 > 0


def test_a_detection_carries_shares_states_and_running_counts(plain: Bundle) -> None:
    scorer = scorer_of(plain, "P-1")
    feed(scorer, range(WINDOW), values=(100, 5000, 100))
    feed(scorer, range(WINDOW, WINDOW + 1), values=(100, 5000, 100))
    (score_result,) = scorer.score_due()
    assert isinstance(score_result, Detection)
    assert score_result.is_anomaly
    assert (score_result.seq, score_result.time_ns) == (WINDOW, WINDOW * 10**9)
    assert score_result.score == pytest.approx(score_result.reconstruction_loss / score_result.threshold)
    assert score_result.shares.sum() == pytest.approx(1.0)
    assert score_result.sensor_states == ("NORMAL", "ANOMALY", "NORMAL")
    assert score_result.sensor_anomaly_counts.tolist() == [0, 1, 0]
    feed(scorer, range(WINDOW + 1, WINDOW + 2), values=(100, 5000, 100))
    (score_result,) = scorer.score_due()
    assert isinstance(score_result, Detection)
    assert score_result.sensor_anomaly_counts.tolist() == [0, 2, 0]
    assert score_result.model_version == plain.version


def test_a_pump_that_sent_nothing_new_has_no_result(plain: Bundle) -> None:
    scorer = scorer_of(plain, "P-1")
    feed(scorer, range(WINDOW))
    assert len(scorer.score_due()) == 1
    assert scorer.score_due() == []


def test_windows_that_were_overtaken_are_counted(plain: Bundle) -> None:
    scorer = scorer_of(plain, "P-1")
    feed(scorer, range(WINDOW + 4))
    (score_result,) = scorer.score_due()
    assert isinstance(score_result, Detection)
    assert score_result.seq == WINDOW + 3
    assert scorer.skipped == 4
    feed(scorer, range(WINDOW + 4, WINDOW + 5))
    scorer.score_due()
    assert scorer.skipped == 4


def test_the_reason_is_said_when_there_is_no_score(plain: Bundle) -> None:
    scorer = scorer_of(plain, "P-1")
    feed(scorer, range(3))
    assert why(scorer) == "window 3 of 6"
    scorer.feed(frame_of((100, np.nan, 100), second=3), ON)
    assert why(scorer) == "heat is not GOOD"
    scorer.feed(frame_of((100, 100, 100), second=4), RunState.STANDBY)
    assert why(scorer) == "pump stopped"
    lost = bad_frame("P-1", seq=5, time_ns=5 * 10**9, mono_ns=5 * 10**9, size=3, reason=Reason.NO_COMMUNICATION)
    scorer.feed(lost, RunState.NO_DATA)
    assert why(scorer) == "no data"
    scorer.assign("P-1", FEW, None)
    scorer.feed(frame_of((100, 100, 100), second=6), ON)
    assert why(scorer) == "no model"


@pytest.mark.parametrize("hole", ["gap", "stop", "bad", "uncertain"])
def test_a_gap_a_stop_and_a_bad_sample_restart_the_window_and_never_become_a_zero(plain: Bundle, hole: str) -> None:
    scorer = scorer_of(plain, "P-1")
    feed(scorer, range(WINDOW + 2))
    second = WINDOW + 2
    frame = frame_of((100, 100, 100), second=second)
    if hole == "gap":
        second += 4
        frame = frame_of((100, 100, 100), second=second)
    elif hole == "bad":
        frame = frame_of((100, np.nan, 100), second=second)
    elif hole == "uncertain":
        quality = np.array([Quality.GOOD, Quality.UNCERTAIN, Quality.GOOD], dtype=np.uint8)
        frame = Frame("P-1", 0, frame.time_ns, frame.mono_ns, frame.values.copy(), quality, frame.reason.copy())
    scorer.feed(frame, RunState.STANDBY if hole == "stop" else ON)
    assert isinstance(scorer.score_due()[0], NotScored)
    feed(scorer, range(second + 1, second + 3))
    assert why(scorer) == f"window {3 if hole == 'gap' else 2} of 6"
    feed(scorer, range(second + 3, second + 3 + WINDOW))
    assert isinstance(scorer.score_due()[0], Detection)


def test_frames_of_a_pump_that_was_not_assigned_are_passed_over(plain: Bundle) -> None:
    scorer = scorer_of(plain, "P-1")
    feed(scorer, range(WINDOW), pump="P-9")
    assert scorer.score_due() == []


def test_a_new_model_starts_from_an_empty_memory(plain: Bundle, chart_bundle: Path) -> None:
    scorer = scorer_of(plain, "P-1")
    feed(scorer, range(WINDOW))
    scorer.score_due()
    scorer.assign("P-1", FEW, load_bundle(chart_bundle, FEW))
    feed(scorer, range(WINDOW, WINDOW + 5))
    assert why(scorer).startswith("settling")
    assert scorer.rebaseline("P-1")
    scorer.assign("P-1", FEW, None)
    assert not scorer.rebaseline("P-1")


def test_two_models_on_one_station_are_kept_apart(plain: Bundle, chart_bundle: Path) -> None:
    scorer = scorer_of(plain, "P-1")
    scorer.assign("P-2", FEW, load_bundle(chart_bundle, FEW))
    noise = np.random.default_rng(3)
    for second in range(120):
        for pump in ("P-1", "P-2"):
            scorer.feed(frame_of(noise.normal(100, 1, 3), second=second, pump_id=pump), ON)
    score_results = {v.pump_id: v for v in scorer.score_due()}
    kinds = {p: v.kind for p, v in score_results.items() if isinstance(v, Detection)}
    assert kinds == {"P-1": "lstm", "P-2": "chart"}
