"""One network, three ways of computing it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.infer.bundles.bundle import load_bundle, profile_of
from pumpwatch_gui.infer.bundles.manifest import read_manifest
from pumpwatch_gui.infer.network.autoencoder import MODEL_FILE, MOST_AT_ONCE, TOLERANCE, Autoencoder
from pumpwatch_gui.infer.network.numpy_forward import WEIGHTS_FILE, Weights, reconstruct
from tests.infer.infer_builders import random_weights

pytest.importorskip("onnx")


def network_in(folder: Path, weights: Weights, window: int) -> Autoencoder:
    from pumpwatch_gui.infer.network.onnx_graph import build

    (folder / WEIGHTS_FILE).write_bytes(weights.to_bytes())
    (folder / MODEL_FILE).write_bytes(build(weights, window=window))
    return Autoencoder(folder / MODEL_FILE, weights, window=window)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    sensors=st.integers(1, 12),
    units=st.integers(1, 32),
    window=st.integers(1, 40),
    batch=st.integers(1, 9),
)
def test_the_runtime_and_numpy_agree_whatever_the_size(
    tmp_path_factory: pytest.TempPathFactory, seed: int, sensors: int, units: int, window: int, batch: int
) -> None:
    weights = random_weights(seed, sensors=sensors, units=units)
    network = network_in(tmp_path_factory.mktemp("net"), weights, window)
    windows = np.random.default_rng(seed).normal(0, 1, (batch, window, sensors)).astype(np.float32)
    got = network.reconstruct(windows)
    assert network.runtime.startswith("onnxruntime")
    assert np.abs(got - reconstruct(weights, windows)).max() <= TOLERANCE
    assert np.abs(got[:1] - network.reconstruct(windows[:1])).max() <= TOLERANCE


def test_a_large_batch_is_the_same_window_by_window(tmp_path: Path) -> None:
    network = network_in(tmp_path, random_weights(5, sensors=3, units=8), 10)
    windows = np.random.default_rng(5).normal(0, 1, (2 * MOST_AT_ONCE + 3, 10, 3)).astype(np.float32)
    each = np.concatenate([network.reconstruct(windows[i : i + 1]) for i in range(len(windows))])
    assert np.abs(network.reconstruct(windows) - each).max() <= TOLERANCE


def test_weights_survive_the_round_trip_and_a_wrong_length_is_refused() -> None:
    weights = random_weights(3, sensors=4, units=5)
    again = Weights.from_bytes(weights.to_bytes(), sensors=4, units=5)
    assert all(np.array_equal(getattr(weights, name), getattr(again, name)) for name in Weights.__slots__)
    with pytest.raises(ValueError, match="belong"):
        Weights.from_bytes(weights.to_bytes()[:-4], sensors=4, units=5)


def test_numpy_takes_over_when_the_runtime_cannot_load_the_model(tmp_path: Path) -> None:
    weights = random_weights(4, sensors=2, units=3)
    network = Autoencoder(tmp_path / "gone.onnx", weights, window=5)
    windows = np.ones((2, 5, 2), dtype=np.float32)
    assert np.array_equal(network.reconstruct(windows), reconstruct(weights, windows))
    assert network.runtime.startswith("numpy")


def test_the_shipped_model_answers_as_tensorflow_did() -> None:
    folder = shipped("models") / "centrifugal"
    manifest = read_manifest(folder)
    bundle = load_bundle(folder, profile_of(manifest))
    assert bundle.manifest.parity is not None
    window, answer = bundle.manifest.parity
    network = bundle.detector.network  # type: ignore[attr-defined]
    assert np.abs(network.reconstruct(window) - answer).max() <= TOLERANCE
    assert np.abs(reconstruct(network.weights, window) - answer).max() <= TOLERANCE


def test_the_runtime_keeps_no_record_of_the_program_and_sends_none(tmp_path: Path) -> None:
    """Its telemetry begins with a device id and a queue on the disk, in the cache of the user."""
    network_in(tmp_path, random_weights(2, sensors=3, units=4), 10)
    program = (
        "from pumpwatch_gui.infer.network.runtime import onnx_runtime\n"
        "onnx_runtime().InferenceSession('model.onnx', providers=['CPUExecutionProvider'])"
    )
    home = tmp_path / "home"
    home.mkdir()
    environment = {"HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True)
    assert list(home.iterdir()) == []
