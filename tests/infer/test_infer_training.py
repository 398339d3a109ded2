"""Training: what is refused or warned of, odd sensors, and (with TensorFlow) whole bundles."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.values.data_quality import Severity
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.files.recordings.reading import read_recording
from pumpwatch_gui.infer.bundles.bundle import load_bundle
from pumpwatch_gui.infer.detectors.combined import CombinedDetector
from pumpwatch_gui.infer.evaluation.data_quality import quality_report
from pumpwatch_gui.infer.evaluation.scoring import open_model, score_rows
from pumpwatch_gui.infer.network.autoencoder import TOLERANCE
from pumpwatch_gui.infer.training.train import train, train_on
from tests.infer.infer_builders import FEW, steady, written

Change = Callable[[np.ndarray], None]


def made(
    folder: Path, *, seconds: int = 2800, change: Change | None = None, **options: object
) -> tuple[Path, list[str]]:
    """Train kind `chart` on a steady recording with a change; the bundle's folder and what was told."""
    told: list[str] = []
    path = written(steady(seconds), folder / "r.csv", change=change)
    train(FEW, [path], folder / "m", **({"kind": "chart", "progress": lambda x: told.append(str(x))} | options))  # type: ignore[arg-type]
    return folder / "m", told


def test_five_minutes_are_refused_and_forced_with_a_warning(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"only 5\.0 min") as caught:
        made(tmp_path, seconds=300)
    assert "--allow-short" in caught.value.advice
    folder, told = made(tmp_path, seconds=300, allow_short=True)
    assert load_bundle(folder, FEW)
    assert any(line.startswith("warning: only 5 min") for line in told)


def test_half_an_hour_is_warned_of_and_an_hour_is_not(tmp_path: Path) -> None:
    assert any("warning" in line for line in made(tmp_path, seconds=1900)[1])
    assert not any("warning" in line for line in made(tmp_path, seconds=3700)[1])


@pytest.mark.parametrize(("seconds", "share"), [(400, 50), (1500, 40), (3700, 20)])
def test_of_a_short_recording_more_is_held_back_for_the_limits(tmp_path: Path, seconds: int, share: int) -> None:
    folder, _ = made(tmp_path, seconds=seconds, allow_short=True)
    trained = load_bundle(folder, FEW).manifest.trained
    assert str(trained["threshold"]).endswith(f"of the last {share} % of each recording")


def test_a_recording_of_another_profile_and_an_unknown_kind_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "o.csv"
    other.write_text("timestamp,depth\n1,2\n")
    with pytest.raises(InputError, match="none of the sensors"):
        train(FEW, [other], tmp_path / "m", kind="chart")
    with pytest.raises(InputError, match="kind 'oracle' is not known"):
        train(FEW, [other], tmp_path / "m", kind="oracle")
    assert not (tmp_path / "m").exists()


def test_a_pump_that_never_ran_is_refused(tmp_path: Path) -> None:
    def nothing(values: np.ndarray) -> None:
        values[:] = np.nan

    with pytest.raises(InputError, match="no cell of any sensor holds a number"):
        made(tmp_path, change=nothing, allow_short=True)


def test_a_constant_sensor_neither_divides_by_zero_nor_raises_alarms(tmp_path: Path) -> None:
    def constant(values: np.ndarray) -> None:
        values[:, 2] = 7.0

    profile, bundle, rule = open_model(made(tmp_path, change=constant)[0])
    fresh = read_recording(written(steady(900, seed=6), tmp_path / "n.csv", change=constant), profile)
    rows = list(score_rows(bundle, profile, rule, [fresh]))
    assert not any(row.alarm for row in rows)


def test_a_sensor_absent_in_commissioning_is_left_out_for_good_and_said(tmp_path: Path) -> None:
    def absent(values: np.ndarray) -> None:
        values[:, 0] = np.nan

    profile, bundle, rule = open_model(made(tmp_path, change=absent)[0])
    fresh = read_recording(written(steady(300, seed=6), tmp_path / "n.csv"), profile)
    score_result = list(score_rows(bundle, profile, rule, [fresh]))[-1].score_result
    assert score_result.sensor_states == ("MISSING", "NORMAL", "NORMAL")  # type: ignore[union-attr]


def test_a_tenth_of_the_values_missing_still_makes_a_calm_model(tmp_path: Path) -> None:
    def holes(values: np.ndarray) -> None:
        values[np.random.default_rng(1).random(values.shape) < 0.1] = np.nan

    profile, bundle, rule = open_model(made(tmp_path, change=holes)[0])
    fresh = read_recording(written(steady(1200, seed=6), tmp_path / "n.csv", change=holes), profile)
    rows = list(score_rows(bundle, profile, rule, [fresh]))
    assert sum(row.alarm for row in rows) < 12


def test_the_report_tells_of_gaps_flat_lines_spans_modes_and_length(tmp_path: Path) -> None:
    def odd(values: np.ndarray) -> None:
        values[:700, 0] = 3.0
        values[900, 1] = 1e6
        values[1000:, 2] += 500
        values[1200:1400, 1] = np.nan

    recording = steady(2000)
    path = written(recording, tmp_path / "r.csv", change=odd)
    report = quality_report(read_recording(path, FEW), FEW)
    text = " | ".join(f"{f.severity.value} {f.tag} {f.text}" for f in report.findings)
    assert report.is_usable
    assert "warning  33 min of running" in text
    assert "note flow stood still for 12 min" in text
    assert "warning heat 10 % of the values are missing" in text
    assert "warning heat 1 values outside the span" in text
    assert "note hum 2 separate operating levels" in text


def test_a_report_refuses_what_training_would_refuse(tmp_path: Path) -> None:
    report = quality_report(read_recording(written(steady(300), tmp_path / "r.csv"), FEW), FEW)
    assert not report.is_usable
    assert report.findings[0].severity is Severity.REFUSAL


@pytest.mark.train
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["combined", "lstm"])
def test_a_trained_bundle_answers_as_tensorflow_does_and_tells_a_fault(tmp_path: Path, kind: str) -> None:
    path = written(steady(1800), tmp_path / "r.csv")
    told: list[object] = []
    bundle = train_on(FEW, [read_recording(path, FEW)], tmp_path / "m", kind=kind, epochs=2, progress=told.append)
    assert any(str(line).startswith("epoch 2 of 2") for line in told)
    assert bundle.manifest.parity is not None
    window, answer = bundle.manifest.parity
    network = bundle.detector.network  # type: ignore[attr-defined]
    assert np.abs(network.reconstruct(window) - answer).max() <= TOLERANCE

    def fault(values: np.ndarray) -> None:
        values[400:, 1] += 12.0

    recording = read_recording(written(steady(600, seed=2), tmp_path / "f.csv", change=fault), FEW)
    profile, bundle, rule = open_model(tmp_path / "m")
    rows = list(score_rows(bundle, profile, rule, [recording]))
    assert any(row.alarm for row in rows[400:])
    assert np.argmax(rows[450].score_result.shares) == 1  # type: ignore[union-attr]


@pytest.mark.train
def test_cancelling_a_training_leaves_no_bundle(tmp_path: Path) -> None:

    class CancelError(Exception):
        pass

    def cancel(text: object) -> None:
        if str(text).startswith("epoch"):
            raise CancelError

    with pytest.raises(CancelError):
        made(tmp_path, kind=CombinedDetector.kind, progress=cancel)
    assert not (tmp_path / "m").exists()


def test_the_threshold_factor_widens_the_limit_in_proportion(tmp_path: Path) -> None:
    limits = []
    for factor in (1.0, 1.5):
        folder, _ = made(tmp_path, threshold_factor=factor)
        limits.append(load_bundle(folder, FEW).manifest.detector["limits"]["limit"])
    assert limits[1] == pytest.approx(1.5 * limits[0])
    with pytest.raises(ValueError, match="threshold factor"):
        made(tmp_path, threshold_factor=9.0)


def test_a_pump_in_alarm_all_the_time_is_no_normal_running_and_is_refused(tmp_path: Path) -> None:
    from dataclasses import replace

    from pumpwatch_gui.domain.pump.profile import Limits

    hot = replace(FEW, sensors=(FEW.sensors[0], replace(FEW.sensors[1], limits=Limits(high=90.0)), FEW.sensors[2]))
    path = written(steady(2800), tmp_path / "faulty.csv")
    with pytest.raises(InputError, match=r"heat: beyond its alarm limits for 100 %") as caught:
        train(hot, [path], tmp_path / "m", kind="chart")
    assert "healthy span" in caught.value.advice
    assert not (tmp_path / "m").exists()
    assert not quality_report(read_recording(path, hot), hot).is_usable


def test_a_recording_without_one_good_value_is_refused(tmp_path: Path) -> None:
    def spoil(values: np.ndarray) -> None:
        values[:] = np.nan

    with pytest.raises(InputError):
        made(tmp_path, change=spoil)
    assert not (tmp_path / "m").exists()


def test_a_sensor_missing_for_hours_is_warned_of_and_the_model_is_calm_about_the_rest(tmp_path: Path) -> None:
    def gone(values: np.ndarray) -> None:
        values[1000:6000, 2] = np.nan

    folder, told = made(tmp_path, seconds=9000, change=gone)
    assert any("hum: 56 % of the values are missing" in line for line in told)
    rows = list(score_rows(load_bundle(folder, FEW), FEW, None, [steady(900, seed=6)]))
    assert sum(row.alarm for row in rows) < 10


@pytest.mark.parametrize(("step_s", "said"), [(-600, "rows dropped: they have the time of another"), (900, "1 gaps")])
def test_a_step_of_the_clock_is_told_and_does_not_spoil_the_model(tmp_path: Path, step_s: int, said: str) -> None:
    recording = steady(3600)
    times = recording.time_s.copy()
    times[1800:] += step_s - (1 if step_s < 0 else 0)
    path = written(Recording(recording.path, times, recording.values.copy()), tmp_path / "r.csv")
    told: list[str] = []
    bundle = train(FEW, [path], tmp_path / "m", kind="chart", progress=lambda x: told.append(str(x)))
    report = quality_report(read_recording(path, FEW), FEW)
    assert any(said in finding.text for finding in report.findings)
    rows = list(score_rows(bundle, FEW, None, [steady(900, seed=6)]))
    assert sum(row.alarm for row in rows) < 10
