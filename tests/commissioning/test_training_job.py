"""Training in a child process: progress, the end, a failure in words, and a cancel that leaves nothing behind."""

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from pumpwatch_gui.commissioning.models.training_job import JobPhase, TrainingJob
from tests.infer.infer_builders import steady, written

pytestmark = pytest.mark.train
PROFILE = """
name = "few"
[[sensor]]
tag = "flow"
unit = "u"
span = [-10000.0, 10000.0]
[[sensor]]
tag = "heat"
unit = "u"
span = [-10000.0, 10000.0]
[[sensor]]
tag = "hum"
unit = "u"
span = [-10000.0, 10000.0]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "few.toml").write_text(PROFILE)
    written(steady(1800), tmp_path / "a.csv")
    return tmp_path


def test_a_training_reports_its_loss_and_ends_with_a_bundle(folder: Path) -> None:
    job = TrainingJob("./few.toml", [folder / "a.csv"], folder / "out", base_dir=folder)
    view = job.wait(100)
    assert view.phase is JobPhase.DONE, view.error
    assert view.version
    assert (folder / "out" / "manifest.json").exists()
    assert len(view.loss) >= 20
    assert view.loss[-1] < view.loss[0]
    assert any("less than 45 min" in line for line in view.lines)


def test_a_training_that_cannot_be_says_why(folder: Path) -> None:
    written(steady(300), folder / "short.csv")
    view = TrainingJob("./few.toml", [folder / "short.csv"], folder / "out", base_dir=folder).wait(60)
    assert view.phase is JobPhase.FAILED
    assert "25 min are needed" in view.error
    assert "--allow-short" in view.error
    assert not (folder / "out").exists()


def test_a_cancelled_training_ends_at_once_and_leaves_nothing(folder: Path, wait_until: Callable[..., None]) -> None:
    job = TrainingJob("./few.toml", [folder / "a.csv"], folder / "out", base_dir=folder)
    wait_until(lambda: job.poll().loss or job.poll().phase is not JobPhase.RUNNING, within_s=60)
    child = psutil.Process(job._process.pid)
    assert child.nice() >= 10
    job.cancel()
    assert job.wait(20).phase is JobPhase.CANCELLED
    assert not (folder / "out").exists()
