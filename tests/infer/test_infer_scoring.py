"""Recordings through the live path: the columns, the alarm, and that no row knows what comes after it."""

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pumpwatch_gui.domain.detection import Detection, NotScored, ScoreResult
from pumpwatch_gui.domain.errors import BundleError, InputError
from pumpwatch_gui.domain.pump.running import state_of
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.infer.evaluation.recorded_frames import chained
from pumpwatch_gui.infer.evaluation.scoring import open_model, score_recordings, score_rows
from pumpwatch_gui.infer.live.scorer import Scorer
from tests.infer.infer_builders import FEW, steady, written


def with_fault(values: NDArray[np.float64]) -> None:
    values[600:700, 1] += 6.0


def far_off(values: NDArray[np.float64]) -> None:
    values[:, 1] += 50.0


def test_score_writes_a_row_for_every_row_with_shares_and_an_alarm_only_during_the_fault(
    chart_bundle: Path, tmp_path: Path
) -> None:
    path = written(steady(900, seed=4), tmp_path / "f.csv", change=with_fault)
    assert score_recordings(chart_bundle, [path], tmp_path / "out.csv").rows == 900
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert list(rows[0]) == ["timestamp", "score", "threshold", "alarm", "share_flow", "share_heat", "share_hum"]
    assert rows[0]["timestamp"] == "2023-11-14T22:13:20Z"
    assert rows[0]["score"] == ""
    alarm = np.array([int(r["alarm"]) for r in rows])
    assert alarm[620:700].all()
    assert not alarm[:600].any()
    assert not alarm[760:].any()
    assert float(rows[650]["share_heat"]) > 0.5
    assert sum(float(rows[650][f"share_{tag}"]) for tag in FEW.tags) == pytest.approx(1.0, abs=1e-5)


def test_no_row_depends_on_a_later_row(chart_bundle: Path) -> None:
    profile, bundle, rule = open_model(chart_bundle)
    whole = steady(500, seed=8)
    part = Recording(whole.path, whole.time_s[:400].copy(), whole.values[:400].copy())
    scores = [[row.score for row in score_rows(bundle, profile, rule, [r])] for r in (whole, part)]
    assert scores[0][:400] == pytest.approx(scores[1], nan_ok=True)


def test_several_recordings_are_one_pump_s_and_nothing_is_carried_over_a_long_pause(
    chart_bundle: Path, tmp_path: Path
) -> None:
    early = written(steady(400, seed=1), tmp_path / "a.csv", change=far_off)
    late = written(steady(400, seed=2, start=1.6e9), tmp_path / "b.csv")
    assert score_recordings(chart_bundle, [early, late], tmp_path / "out.csv").rows == 800
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert rows[400]["score"] == ""
    assert sum(int(r["alarm"]) for r in rows) == 0


def test_what_is_no_model_or_no_recording_is_refused(chart_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"no manifest\.json"):
        score_recordings(tmp_path, [], tmp_path / "out.csv")
    other = tmp_path / "o.csv"
    other.write_text("timestamp,depth\n1,2\n")
    with pytest.raises(InputError, match="none of the sensors"):
        score_recordings(chart_bundle, [other], tmp_path / "out.csv")
    with pytest.raises(InputError, match="cannot write"):
        score_recordings(chart_bundle, [written(steady(10), tmp_path / "s.csv")], tmp_path)


def test_rows_scored_in_pieces_are_those_scored_one_by_one(chart_bundle: Path) -> None:
    profile, bundle, rule = open_model(chart_bundle)
    steadily = steady(600, seed=4)
    values = steadily.values.copy()
    values[400:450, 1] += 6.0
    values[500, 2] = np.nan
    recording = Recording(steadily.path, steadily.time_s.copy(), values)
    frames = list(chained([recording], profile, pump_id="P"))
    fed, pieces = Scorer(), Scorer()
    one_by_one, at_once, whole = list[ScoreResult](), list[ScoreResult](), Scorer()
    for scorer in (fed, pieces, whole):
        scorer.assign("P", profile, bundle)
    for frame in frames:
        fed.feed(frame, state_of(frame, profile.tags, rule))
        one_by_one += fed.score_due()
    for start in range(0, len(frames), 50):
        at_once += pieces.score_each((f, state_of(f, profile.tags, rule)) for f in frames[start : start + 50])
    assert len(at_once) == len(one_by_one) == 600
    streamed = list(whole.score_all(((f, state_of(f, profile.tags, rule)) for f in frames), at_once=64))
    assert [frame for frame, _ in streamed] == frames
    overlapped = [result for _, result in streamed]
    for one, other in zip([*one_by_one, *one_by_one], [*at_once, *overlapped], strict=True):
        assert type(one) is type(other)
        if isinstance(one, Detection) and isinstance(other, Detection):
            assert (one.score, one.time_ns, one.sensor_states) == (other.score, other.time_ns, other.sensor_states)
            assert one.shares.tolist() == other.shares.tolist()
            assert one.sensor_anomaly_counts.tolist() == other.sensor_anomaly_counts.tolist()
        elif isinstance(one, NotScored) and isinstance(other, NotScored):
            assert one.why == other.why
    assert fed.count == pieces.count == whole.count > 400
