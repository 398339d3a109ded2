"""A fault in a commissioning span is found, left out and named; what is the pump's way is not."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from pumpwatch_gui.infer.detectors.combined import CombinedDetector
from pumpwatch_gui.infer.training.combined_trainer import LEFT_OUT
from pumpwatch_gui.infer.training.train import train_on
from tests.infer.infer_builders import FEW, steady

HOURS = 2


def trained(folder: Path, faults: list[tuple[int, int]], *, keep_all: bool = False) -> tuple[float, str, list[str]]:
    """The limit learnt from two hours in which `heat` was 8 off from one second to another, what was left out and said.

    The limit is that of the whole chart for a deviation of `heat` alone.
    """
    recording = steady(HOURS * 3600)
    values, said = recording.values.copy(), list[str]()
    for start, end in faults:
        values[start:end, 1] += 8.0
    bundle = train_on(
        FEW, [replace(recording, values=values)], folder / "model", kind="chart", keep_all=keep_all,
        progress=lambda text: said.append(str(text)),
    )  # fmt: skip
    assert isinstance(bundle.detector, CombinedDetector)
    chart, conditioning = bundle.detector.chart, bundle.detector.conditioning
    limit = bundle.detector.limits.chart * bundle.detector.limits.limit / float(np.abs(np.diag(chart.whitening))[1])
    return limit * float(conditioning.spread[1]), str(bundle.manifest.trained.get(LEFT_OUT, "")), said


def test_a_clean_span_loses_nothing(tmp_path: Path) -> None:
    assert trained(tmp_path, [])[1] == ""


def test_a_fault_of_a_quarter_of_an_hour_is_left_out_named_and_does_not_widen_the_limit(tmp_path: Path) -> None:
    clean, _, _ = trained(tmp_path / "clean", [])
    limit, left_out, said = trained(tmp_path / "faulty", [(1800, 2700)])
    assert "(heat)" in left_out
    assert any(line.startswith("warning: left out of the model") and "(heat)" in line for line in said)
    assert limit < 1.3 * clean


def test_it_can_be_kept_by_hand(tmp_path: Path) -> None:
    clean, _, _ = trained(tmp_path / "clean", [])
    limit, left_out, _ = trained(tmp_path / "faulty", [(1800, 2700)], keep_all=True)
    assert left_out == ""
    assert limit > 1.5 * clean


def test_what_comes_back_again_and_again_is_the_way_of_the_pump(tmp_path: Path) -> None:
    assert trained(tmp_path, [(start, start + 200) for start in (600, 2200, 3800, 5400)])[1] == ""
