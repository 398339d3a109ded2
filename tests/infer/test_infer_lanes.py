"""A recording scored in lanes: the scores of the one stream over all of it, to the last bit, whatever happens in it."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from typing_extensions import override

from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.infer.detectors.combined import CombinedDetector
from pumpwatch_gui.infer.detectors.conditioned import ConditionedStream
from pumpwatch_gui.infer.detectors.detector import Floats, Windows
from pumpwatch_gui.infer.evaluation.lane_scores import LaneScorer
from pumpwatch_gui.infer.evaluation.lanes import EXACT, ROWS_BETWEEN_LOOKS
from pumpwatch_gui.infer.evaluation.recorded_frames import RecordedRows, chained
from pumpwatch_gui.infer.evaluation.scoring import RowScore, bare, row_scores, score_rows
from tests.infer.infer_builders import FEW, bundle_of, steady
from tests.infer.test_infer_together import Absolute, model

HEALTHY = 12_000


def eventful(seconds: int = HEALTHY) -> list[Recording]:
    """Two recordings of one pump with holes, missing and absurd values, a short fault and a lasting one."""
    whole = steady(seconds, seed=8)
    values = whole.values.copy()
    values[2_000:2_200, 1] += 8.0
    values[3_000:3_050, 2] = np.nan
    values[4_000, 0] = 1e7
    values[5_000:5_400, 0] = values[5_000, 0]
    values[7_900:9_500, 2] += 6.0
    kept = np.ones(seconds, dtype=np.bool_)
    kept[6_000:6_100] = kept[6_500:6_503] = False
    time_s, values = whole.time_s[kept], values[kept]
    half = time_s.size // 2
    later = time_s[half:] + 2_000.0
    return [Recording(Path("a"), time_s[:half], values[:half]), Recording(Path("b"), later, values[half:])]


def detector_of(seed: int, network: Absolute | None) -> CombinedDetector:
    detector = model(seed, 3, network).detector
    assert isinstance(detector, CombinedDetector)
    detector.profile = FEW
    return detector


@cache
def by_one_stream(detector: CombinedDetector) -> list[RowScore]:
    return list(bare(score_rows(bundle_of(detector), FEW, None, eventful())))


CHART, COMBINED, RELATED = detector_of(2, None), detector_of(2, Absolute()), detector_of(1, None)


@pytest.mark.parametrize(("lanes", "forgets_after"), [(1, 48.0), (9, 48.0), (40, 1.0)])
@pytest.mark.parametrize("detector", [CHART, COMBINED, RELATED], ids=["chart", "combined", "related"])
def test_lanes_give_the_scores_of_one_stream(lanes: int, forgets_after: float, detector: CombinedDetector) -> None:
    recordings, one = eventful(), by_one_stream(detector)
    rows = RecordedRows(recordings, FEW)
    scorer = LaneScorer(detector, FEW, None, rows, lanes=lanes, likeness=EXACT._replace(forgets_after=forgets_after))
    pieces = list(scorer.pieces())
    scores, shares = (np.concatenate([part[i] for part in pieces]) for i in (1, 2))
    assert np.array([row.score for row in one]).tobytes() == scores.tobytes()
    assert np.isfinite(scores).sum() > 0.8 * HEALTHY
    for row, own in zip(one, shares, strict=True):
        assert not row.shares.size or row.shares.tobytes() == own.tobytes()
    assert scorer.repeated > 0 or forgets_after == 48.0, "lanes that began too late are noticed"


def test_lanes_of_healthy_running_take_over_from_one_another() -> None:
    detector, recording = detector_of(2, None), steady(HEALTHY, seed=8)
    scorer = LaneScorer(detector, FEW, None, RecordedRows([recording], FEW))
    scores = np.concatenate([part.score for part in scorer.pieces()])
    assert np.isfinite(scores).sum() > 0.9 * HEALTHY
    assert scorer.lanes == 3
    assert scorer.repeated == 0


class LateLook(ConditionedStream):
    """Says how it will go on only from 400 s after it was first asked, as if a rounding kept it apart."""

    first_asked_ns: int | None = None

    @override
    def outlook(self, part: float = 0.0) -> tuple[object, ...] | None:
        now_ns = self._last_ns or 0
        self.first_asked_ns = now_ns if self.first_asked_ns is None else self.first_asked_ns
        return super().outlook(part) if now_ns - self.first_asked_ns > 400 * 10**9 else None


def test_a_stretch_is_scored_again_only_up_to_where_both_streams_look_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    detector, recording = detector_of(2, None), steady(HEALTHY, seed=8)
    rows = RecordedRows([recording], FEW)
    whole = np.concatenate([part.score for part in LaneScorer(detector, FEW, None, rows, lanes=1).pieces()])
    monkeypatch.setattr(detector, "stream", lambda: LateLook(detector))
    scorer = LaneScorer(detector, FEW, None, rows, lanes=8)
    scores = np.concatenate([part.score for part in scorer.pieces()])
    assert scores.tobytes() == whole.tobytes()
    assert scorer.lanes > 2
    assert scorer.repeated == 2 * ROWS_BETWEEN_LOOKS * (scorer.lanes - 1)


def test_the_rows_of_lanes_are_the_frames_of_the_live_path() -> None:
    recordings = eventful()
    rows, frames = RecordedRows(recordings, FEW), list(chained(recordings, FEW, pump_id="P"))
    assert rows.time_ns.tolist() == [frame.time_ns for frame in frames]
    assert rows.mono_ns.tolist() == [frame.mono_ns for frame in frames]
    values = rows.values(np.arange(len(frames)))
    assert values.tobytes() == np.stack([frame.values for frame in frames]).tobytes()


class Failing(Absolute):
    """Fails on what is far out."""

    @override
    def errors(self, windows: Windows) -> Floats:
        if np.abs(windows).max() > 1.9:
            raise ValueError("far out")
        return super().errors(windows)


def test_a_network_that_fails_costs_no_more_rows_than_in_the_live_path() -> None:
    bundle = bundle_of(detector_of(1, Failing()))
    recordings = eventful(5_500)
    one = [row.score for row in score_rows(bundle, FEW, None, recordings)]
    assert (
        np.array(one).tobytes() == np.array([row.score for row in row_scores(bundle, FEW, None, recordings)]).tobytes()
    )
    assert np.isfinite(one).any()


def test_what_progress_raises_ends_the_work() -> None:
    class EndedError(Exception):
        pass

    parts = list[float]()

    def progress(part: float) -> None:
        parts.append(part)
        if part > 0.1:
            raise EndedError

    with pytest.raises(EndedError):
        list(row_scores(bundle_of(detector_of(2, None)), FEW, None, eventful(), progress=progress))
    assert 0.1 < parts[-1] < 0.2
