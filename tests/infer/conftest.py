"""A bundle that every test may load (none may change it)."""

from pathlib import Path

import pytest

from tests.infer.infer_builders import FEW, steady, written


@pytest.fixture(scope="session")
def chart_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of kind `chart`, commissioned on 40 minutes of steady running."""
    from pumpwatch_gui.infer.training.train import train

    folder = tmp_path_factory.mktemp("models")
    path = written(steady(2700), folder / "steady.csv")
    train(FEW, [path], folder / "few", kind="chart")
    return folder / "few"
