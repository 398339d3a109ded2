"""A model that fails costs the pumps it fails for, is reported once, and never stops the others."""

from collections.abc import Sequence
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
from typing_extensions import override

from pumpwatch_gui.domain.detection import Detection, NotScored, ScoreResult
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.infer.bundles.bundle import load_bundle
from pumpwatch_gui.infer.detectors.combined import CombinedDetector
from pumpwatch_gui.infer.detectors.detector import Floats, Moment, Windows, WindowScore
from pumpwatch_gui.infer.live.scorer import Scorer
from pumpwatch_gui.infer.network.autoencoder import MODEL_FILE, Autoencoder
from pumpwatch_gui.infer.network.numpy_forward import WEIGHTS_FILE, Weights
from tests.infer.infer_builders import FEW, ScriptedDetector, ScriptedStream, bundle_of, frame_of, random_weights

ON = RunState.RUNNING
NAN = float("nan")


class Failing(ScriptedDetector):
    """Fails where its attributes say."""

    def __init__(self, *, errors: bool = False, warm: bool = False, made: bool = False) -> None:
        self.fails_errors, self.fails_warm, self.fails_stream = errors, warm, made
        self.calls: list[int] = []

    @override
    def stream(self) -> ScriptedStream:
        if self.fails_stream:
            raise RuntimeError("no memory for a stream")
        return FailingStream()

    @override
    def errors(self, windows: Windows) -> Floats:
        self.calls.append(len(windows))
        if self.fails_errors:
            raise RuntimeError("the graph is broken\nin node 7")
        return super().errors(windows)

    @override
    def score(self, streams: Sequence[Moment], errors: Floats) -> list[WindowScore]:
        return [stream.score(own) for stream, own in zip(streams, errors, strict=True)]

    @override
    def warm_up(self) -> None:
        if self.fails_warm:
            raise RuntimeError("cold")


class FailingStream(ScriptedStream):
    """Fails by the value of the second sensor: 1 at `feed`, 2 at `window`, 3 at `score`."""

    @override
    def feed(self, frame: Frame, run_state: RunState) -> None:
        super().feed(frame, run_state)
        if frame.values[1] == 1:
            raise RuntimeError("feed")

    @override
    def window(self) -> Windows | str:
        if self._values.size > 1 and self._values[1] == 2:
            raise RuntimeError("window")
        return super().window()

    @override
    def score(self, errors: Floats) -> WindowScore:
        if self._values[1] == 3:
            raise RuntimeError("score")
        return super().score(errors)


class Station:
    """A scorer with two pumps on the failing model and one on a sound one."""

    def __init__(self, detector: ScriptedDetector) -> None:
        self.faults: list[tuple[str, str]] = []
        self.calls: list[tuple[str, ...] | None] = []
        self.scorer = Scorer(on_call=self.calls.append, on_fault=lambda p, e: self.faults.append((p, str(e))))
        self.failing = bundle_of(detector, version="bad")
        for pump_id in ("A", "B"):
            self.scorer.assign(pump_id, FEW, self.failing)
        self.scorer.assign("C", FEW, bundle_of(ScriptedDetector(), version="good"))
        self.second = 0

    def results(self, *, a: float = 0.0, score: float = 0.5) -> dict[str, ScoreResult]:
        """What a second gives; `a` is where pump A fails."""
        self.second += 1
        for pump_id in ("A", "B", "C"):
            values = (score, a if pump_id == "A" else 0.0, 0.0)
            self.scorer.feed(frame_of(values, second=self.second, pump_id=pump_id), ON)
        return {result.pump_id: result for result in self.scorer.score_due()}


def why(result: ScoreResult) -> str:
    return result.why if isinstance(result, NotScored) else "scored"


@pytest.mark.parametrize("where", ["feed", "window", "score"])
def test_a_fault_of_one_pump_costs_only_that_pump_and_is_reported_once(where: str) -> None:
    station = Station(Failing())
    at = {"feed": 1.0, "window": 2.0, "score": 3.0}[where]
    for _ in range(2):
        found = station.results(a=at)
        assert {p: why(r) for p, r in found.items()} == {
            "A": f"the model failed: {where}",
            "B": "scored",
            "C": "scored",
        }
    assert station.faults == [("A", where)]
    assert why(station.results()["A"]) == "scored"
    station.results(a=at)
    assert station.faults == [("A", where)] * 2, "another episode is reported again"


def test_a_model_that_fails_three_times_in_a_row_is_out_of_use_until_it_is_assigned_again() -> None:
    station = Station(Failing())
    for _ in range(3):
        assert why(station.results(a=3.0)["A"]) == "the model failed: score"
    for _ in range(5):
        assert why(station.results()["A"]).startswith("the model failed 3 times in a row and is out of use")
    assert station.faults == [("A", "score")]
    station.scorer.assign("A", FEW, station.failing)
    assert why(station.results()["A"]) == "scored"


def test_two_failures_with_a_score_between_are_not_in_a_row() -> None:
    station = Station(Failing())
    for _ in range(5):
        station.results(a=3.0)
        station.results(a=3.0)
        assert why(station.results()["A"]) == "scored"


def test_a_network_that_raises_costs_the_pumps_of_its_model_and_not_the_others() -> None:
    detector = Failing(errors=True)
    station = Station(detector)
    found = station.results()
    assert {p: why(r) for p, r in found.items()} == {
        "A": "the model failed: the graph is broken",
        "B": "the model failed: the graph is broken",
        "C": "scored",
    }
    assert [pump_id for pump_id, _ in station.faults] == ["A", "B"]
    assert detector.calls == [2, 1, 1]
    for _ in range(5):
        assert why(station.results()["C"]) == "scored"
    assert detector.calls == [2, 1, 1] * 3, "out of use, it is not called any more"


@pytest.mark.parametrize("detector", [Failing(warm=True), Failing(made=True)])
def test_a_model_that_cannot_be_warmed_up_or_begun_stops_nothing(detector: Failing) -> None:
    station = Station(detector)
    assert why(station.results()["C"]) == "scored"


def test_a_score_that_is_no_number_is_no_detection_and_is_reported_once() -> None:
    class NoNumber(ScriptedStream):
        @override
        def score(self, errors: Floats) -> WindowScore:
            no = np.zeros(3, dtype=np.bool_)
            score = {0.5: 0.5, 1.0: NAN, 2.0: float("inf")}[float(self._values[0])]
            return WindowScore(score, score, 1.0, np.full(3, 1 / 3), no, no)

    class Detector(ScriptedDetector):
        @override
        def stream(self) -> ScriptedStream:
            return NoNumber()

    station = Station(Detector())
    for score in (1.0, 2.0, 1.0, 1.0, 1.0):
        assert why(station.results(score=score)["A"]) == "the model gave no number"
    assert station.faults == [("A", "the model gave no number"), ("B", "the model gave no number")]
    assert isinstance(station.results()["A"], Detection)


def test_the_versions_called_are_announced_before_a_call_and_none_after_it_also_when_it_fails() -> None:
    station = Station(Failing(errors=True))
    station.calls.clear()
    station.results()
    warm_up, whole, alone = [("bad",), None, ("good",), None], [("bad",), None], [("bad",), None] * 2
    assert sorted(map(str, station.calls[:4])) == sorted(map(str, warm_up))
    assert station.calls[4:] == [*whole, *alone, ("good",), None]


def test_an_excluded_model_is_not_called_and_says_so_also_where_it_is_assigned_later() -> None:
    detector = Failing()
    station = Station(detector)
    station.results()
    station.scorer.exclude("bad")
    calls = len(detector.calls)
    assert why(station.results()["A"]) == "model bad is out of use: a call of it never returned"
    station.scorer.assign("A", FEW, station.failing)
    assert why(station.results()["A"]).startswith("model bad is out of use")
    assert why(station.results()["C"]) == "scored"
    assert len(detector.calls) == calls
    assert station.faults == []


def test_what_a_call_gave_during_which_its_model_was_excluded_is_not_used() -> None:
    class Late(ScriptedDetector):
        @override
        def errors(self, windows: Windows) -> Floats:
            scorer.exclude("late", "it was late")
            return super().errors(windows)

    scorer = Scorer()
    scorer.assign("A", FEW, bundle_of(Late(), version="late"))
    scorer.feed(frame_of((0.5, 0, 0), second=1, pump_id="A"), ON)
    (result,) = scorer.score_due()
    assert why(result) == "model late is out of use: it was late"


@pytest.mark.parametrize(("score", "states"), [(1.0, {"NORMAL"}), (1.01, {"ANOMALY", "NORMAL"})])
def test_a_window_is_anomalous_above_the_threshold_and_not_at_it(score: float, states: set[str]) -> None:
    found = Station(Failing()).results(score=score)["C"]
    assert isinstance(found, Detection)
    assert found.is_anomaly == (score > 1.0)
    assert set(found.sensor_states) == states
    assert found.sensor_anomaly_counts.sum() == (score > 1.0)


class Counting(ScriptedDetector):
    """Counts what is asked of it; every sensor errs beyond the ordinary."""

    def __init__(self) -> None:
        self.warmed = self.fed = 0

    @override
    def warm_up(self) -> None:
        self.warmed += 1

    @override
    def stream(self) -> ScriptedStream:
        outer = self

        class Stream(ScriptedStream):
            @override
            def feed(self, frame: Frame, run_state: RunState) -> None:
                outer.fed += 1
                super().feed(frame, run_state)

            @override
            def score(self, errors: Floats) -> WindowScore:
                return replace(super().score(errors), high=np.ones(3, dtype=np.bool_))

        return Stream()


def test_a_model_that_is_excluded_is_neither_warmed_up_nor_fed() -> None:
    scorer, detector = Scorer(), Counting()
    scorer.exclude("v1")
    scorer.assign("A", FEW, bundle_of(detector))
    scorer.feed(frame_of((0.5, 0, 0), second=1, pump_id="A"), ON)
    assert why(scorer.score_due()[0]).startswith("model v1 is out of use")
    assert (detector.warmed, detector.fed) == (0, 0)


def test_a_model_that_no_pump_uses_is_let_go() -> None:
    scorer, old, new = Scorer(), Counting(), Counting()
    scorer.assign("A", FEW, bundle_of(old))
    scorer.assign("A", FEW, None)
    scorer.assign("A", FEW, bundle_of(new))
    scorer.feed(frame_of((0.5, 0, 0), second=1, pump_id="A"), ON)
    (result,) = scorer.score_due()
    assert (old.fed, new.fed) == (0, 1)
    assert isinstance(result, Detection)
    assert result.sensor_states == ("NORMAL",) * 3, "a window below the threshold accuses no sensor"


# ---------------------------------------------------------------- real networks


def combined(chart_bundle: Path, folder: Path, weights: Weights, *, window: int) -> CombinedDetector:
    """The chart of a bundle with a network of 30 rows, asked for windows of `window` rows."""
    from pumpwatch_gui.infer.network.onnx_graph import build

    (folder / MODEL_FILE).write_bytes(build(weights, window=30))
    (folder / WEIGHTS_FILE).write_bytes(weights.to_bytes())
    own = load_bundle(chart_bundle, FEW).detector
    assert isinstance(own, CombinedDetector)
    return CombinedDetector(
        FEW,
        Autoencoder(folder / MODEL_FILE, weights, window=30),
        conditioning=own.conditioning,
        chart=own.chart,
        limits=replace(own.limits, weight=0.5),
        used=own.used,
        period_s=own.period_s,
        window=window,
    )


def results_of(scorer: Scorer, seconds: int) -> list[ScoreResult]:
    noise = np.random.default_rng(5)
    found: list[ScoreResult] = []
    for second in range(seconds):
        for pump_id in ("A", "C"):
            scorer.feed(frame_of(noise.normal(100.0, 1.0, 3), second=second, pump_id=pump_id), ON)
        found += scorer.score_due()
    return found


@pytest.mark.parametrize(
    ("window", "nan", "wanted"),
    [(30, False, "scored"), (29, False, "the model failed"), (30, True, "the model gave no number")],
)
def test_a_network_of_another_window_or_of_no_numbers_is_no_detection_and_leaves_the_others(
    chart_bundle: Path, tmp_path: Path, window: int, nan: bool, wanted: str
) -> None:
    pytest.importorskip("onnx")
    weights = random_weights(1, sensors=3, units=4)
    if nan:
        weights = Weights(*(np.full_like(part, np.nan) for part in astuple(weights)))
    faults: list[str] = []
    scorer = Scorer(on_fault=lambda pump_id, error: faults.append(pump_id))
    detector = combined(chart_bundle, tmp_path, weights, window=window)
    scorer.assign("A", FEW, bundle_of(detector, version="bad"))
    scorer.assign("C", FEW, load_bundle(chart_bundle, FEW))
    found = results_of(scorer, 120)
    assert any(why(r).startswith(wanted) for r in found if r.pump_id == "A")
    assert any(isinstance(r, Detection) for r in found if r.pump_id == "A") == (wanted == "scored")
    assert isinstance(found[-1], Detection)
    assert faults == ([] if wanted == "scored" else ["A"])
