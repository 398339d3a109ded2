"""Training a bundle. The only place that knows TensorFlow; the program itself never imports it."""

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from typing_extensions import override

from pumpwatch_gui.domain.errors import InputError, PumpWatchError
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.data_quality import Severity
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.domain.values.recording_format import FormatChoices
from pumpwatch_gui.files.recordings.reading import AS_FOUND, read_recording
from pumpwatch_gui.infer.bundles.bundle import CARD_FILE, Bundle, load_bundle
from pumpwatch_gui.infer.bundles.card import card
from pumpwatch_gui.infer.bundles.writing import check_place, write_bundle
from pumpwatch_gui.infer.detectors.detector import Windows
from pumpwatch_gui.infer.evaluation.data_quality import quality_report
from pumpwatch_gui.infer.network.autoencoder import MODEL_FILE, TOLERANCE, Autoencoder
from pumpwatch_gui.infer.network.numpy_forward import WEIGHTS_FILE, Weights, reconstruct
from pumpwatch_gui.infer.network.onnx_graph import build
from pumpwatch_gui.infer.training.combined_trainer import LEFT_OUT
from pumpwatch_gui.infer.training.normal_running import THRESHOLD_FACTOR, Commissioning, check_length
from pumpwatch_gui.infer.training.trainer import Trainer
from pumpwatch_gui.infer.training.trainers import TRAINERS, needs_tensorflow

__all__ = ["Epoch", "needs_tensorflow", "train", "train_on"]

UNITS = 64
WINDOW = 30
MOST_WINDOWS = 20_000
"""More are thinned evenly: neighbouring windows differ by one row only."""
LEAST_STEPS = 600
MOST_EPOCHS = 60
BATCH = 64


class Epoch(NamedTuple):
    """One round of learning is done: its number from 1, of how many, and the mean error in it."""

    number: int
    of: int
    loss: float

    @override
    def __str__(self) -> str:
        return f"epoch {self.number} of {self.of}: loss {self.loss:.5f}"


Progress = Callable[[str | Epoch], None]


def train(  # noqa: PLR0913 - the options of the command, each by its name
    profile: PumpProfile,
    recordings: Sequence[Path],
    out: Path,
    *,
    kind: str = "combined",
    allow_short: bool = False,
    keep_all: bool = False,
    threshold_factor: float = THRESHOLD_FACTOR,
    choices: FormatChoices = AS_FOUND,
    progress: Progress = lambda text: None,
) -> Bundle:
    """Train a detector of `kind` on CSV files of normal running (each a pump of its own) and write it to `out`.

    Raises InputError for a file that cannot be read, and what `train_on` raises.
    """
    _check_kind(kind)
    check_place(out)
    read = [read_recording(path, profile, choices) for path in recordings]
    return train_on(profile, read, out, kind=kind, allow_short=allow_short, keep_all=keep_all,
                    threshold_factor=threshold_factor, progress=progress)  # fmt: skip


def train_on(  # noqa: PLR0913 - likewise
    profile: PumpProfile,
    recordings: Sequence[Recording],
    out: Path,
    *,
    kind: str = "combined",
    allow_short: bool = False,
    keep_all: bool = False,
    threshold_factor: float = THRESHOLD_FACTOR,
    epochs: int | None = None,
    progress: Progress = lambda text: None,
) -> Bundle:
    """Train a detector of `kind` on recordings of normal running (each a pump of its own) and write it to `out`.

    The threshold is computed with the runtime that ships; `threshold_factor` widens it (a higher one alarms less), but
    for the plain kind. What looks like a fault is left out unless `keep_all`. `progress` gets a line now and then; what
    it raises ends the training. Raises InputError for too short or unusable recordings or an `out` that holds other
    files, PumpWatchError when the exported network does not agree with TensorFlow within 1e-5.
    """
    _check_kind(kind)
    check_place(out)
    commissioning = Commissioning(profile, tuple(recordings), threshold_factor, leaves_out=not keep_all)
    for recording in commissioning.recordings:
        for note in recording.remarks():
            progress(f"{recording.path.name}: {note}")
    running_s = commissioning.running_s()
    if warning := check_length(running_s, allow_short=allow_short):
        progress("warning: " + warning)
    _look_over(commissioning, forced=allow_short, progress=progress)
    trainer = TRAINERS[kind](commissioning, WINDOW)
    content: dict[str, Any] = {"name": out.name, "kind": kind, "window": WINDOW}
    trained = {"recordings": [r.path.name for r in commissioning.recordings], "running_h": round(running_s / 3600, 3)}
    trained["sensitivity"] = threshold_factor  # as manifests have called it since their first version
    if trainer.wants_network:
        files = _with_network(trainer, content, trained, epochs=epochs, progress=progress)
    else:
        content["detector"], figures = trainer.finish(None)
        content |= {"units": 0, "parity": {}}
        trained, files = trained | figures, {}
    if left_out := trained.get(LEFT_OUT):
        progress(f"warning: left out of the model because it looks like a fault (--keep-all keeps it): {left_out}")
    content["trained"] = trained
    files[CARD_FILE] = card(profile, content).encode()
    write_bundle(out, profile=profile, content=content, files=files)
    return load_bundle(out, profile)


def _look_over(commissioning: Commissioning, *, forced: bool, progress: Progress) -> None:
    """Report what is wrong with each recording; raises InputError for one that is no normal running, unless forced."""
    for recording in commissioning.recordings:
        for finding in quality_report(recording, commissioning.profile).findings:
            text = f"{recording.path.name}: {finding.tag + ': ' if finding.tag else ''}{finding.text}"
            if finding.severity is Severity.REFUSAL and finding.tag and not forced:
                raise InputError(text, "choose a healthy span, or force it with --allow-short")
            if finding.severity is not Severity.NOTE and (finding.tag or finding.severity is Severity.WARNING):
                progress(f"warning: {text}")


def _check_kind(kind: str) -> None:
    if kind not in TRAINERS:
        raise InputError(f"detector kind {kind!r} is not known", f"there are: {', '.join(TRAINERS)}")


def _with_network(
    trainer: Trainer, content: dict[str, Any], trained: dict[str, Any], *, epochs: int | None, progress: Progress
) -> dict[str, bytes]:
    """Fit the recipe's network, fill in `content` and `trained`; the network's files."""
    windows = trainer.windows()
    if not len(windows):
        raise InputError("no window of normal running without a hole", "record all sensors while the pump runs")
    progress(f"{trained['running_h']:.2f} h of running, {len(windows)} windows of {WINDOW}")
    fitted = fit(thinned(windows, MOST_WINDOWS), epochs=epochs, progress=progress)
    with tempfile.TemporaryDirectory() as folder:
        network = exported(fitted, Path(folder), windows=windows)
        content["detector"], figures = trainer.finish(network)
        files = {name: (Path(folder) / name).read_bytes() for name in (MODEL_FILE, WEIGHTS_FILE)}
    trained |= {"windows": len(windows), "loss": [round(x, 6) for x in fitted.loss], **figures}
    parity = windows[len(windows) // 2]
    answer = fitted.predict(parity[np.newaxis])[0]
    content |= {"units": UNITS, "parity": {"window": parity.tolist(), "reconstruction": answer.tolist()}}
    return files


class Fitted(NamedTuple):
    """A network as TensorFlow left it."""

    weights: Weights
    loss: list[float]
    predict: Callable[[Windows], Windows]


def fit(windows: Windows, *, epochs: int | None, progress: Progress, seed: int = 1) -> Fitted:
    """Train the original's network on windows (b, w, n): LSTM 64 → repeat → LSTM 64 → dense n, mean absolute error.

    Without `epochs` there are 20, more when the windows are so few that 20 would be under 600 steps.
    """
    keras = _keras(seed)
    length, sensors = windows.shape[1:]
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((length, sensors)),
            layers.LSTM(UNITS),
            layers.RepeatVector(length),
            layers.LSTM(UNITS, return_sequences=True),
            layers.TimeDistributed(layers.Dense(sensors)),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(2e-3), loss="mae")
    steps = -(-len(windows) // BATCH)
    rounds = epochs or min(MOST_EPOCHS, max(20, -(-LEAST_STEPS // steps)))

    def report(epoch: int, logs: Any) -> None:
        progress(Epoch(epoch + 1, rounds, float(logs["loss"])))

    callbacks = [
        keras.callbacks.LambdaCallback(on_epoch_end=report),
        keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=2, min_delta=1e-4),
    ]
    history = model.fit(windows, windows, epochs=rounds, batch_size=BATCH, verbose=0, callbacks=callbacks)
    arrays = [np.asarray(array, dtype=np.float32) for array in model.get_weights()]

    def predict(x: Windows) -> Windows:
        return np.asarray(model(x, training=False), dtype=np.float32)

    return Fitted(_from_keras(arrays), [float(x) for x in history.history["loss"]], predict)


def exported(fitted: Fitted, folder: Path, *, windows: Windows) -> Autoencoder:
    """Write the network to `folder` and load it as the program does; raises PumpWatchError unless all three agree."""
    (folder / WEIGHTS_FILE).write_bytes(fitted.weights.to_bytes())
    (folder / MODEL_FILE).write_bytes(build(fitted.weights, window=windows.shape[1]))
    network = Autoencoder(folder / MODEL_FILE, fitted.weights, window=windows.shape[1])
    some = np.ascontiguousarray(thinned(windows, 64))
    truth = fitted.predict(some)
    for name, other in (("the runtime", network.reconstruct(some)), ("numpy", reconstruct(fitted.weights, some))):
        apart = float(np.abs(other - truth).max())
        if not apart <= TOLERANCE:
            raise PumpWatchError(f"{name} is {apart:.1e} away from TensorFlow", "report this: the model is not written")
    return network


def thinned(windows: Windows, most: int) -> Windows:
    """At most `most` of the windows, evenly chosen."""
    if len(windows) <= most:
        return windows
    return windows[np.linspace(0, len(windows) - 1, most).round().astype(np.intp)]


def _keras(seed: int) -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # the same bits on the same machine
    from tensorflow import keras

    keras.utils.set_random_seed(seed)
    return keras


def _from_keras(arrays: Sequence[Windows]) -> Weights:
    """From Keras' order (kernel, recurrent, bias of both layers, gates i f c o; dense) to ONNX' (gates i o f c)."""
    cells = [_reordered(*arrays[i : i + 3]) for i in (0, 3)]
    return Weights(*cells[0], *cells[1], arrays[6], arrays[7])


def _reordered(kernel: Windows, recurrent: Windows, bias: Windows) -> tuple[Windows, Windows, Windows]:
    def gates(array: Windows) -> Windows:
        i, f, c, o = np.split(array, 4, axis=-1)
        return np.ascontiguousarray(np.concatenate((i, o, f, c), axis=-1).T)

    return gates(kernel), gates(recurrent), np.concatenate((gates(bias), np.zeros_like(bias)))
