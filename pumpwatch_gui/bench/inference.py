"""Inference: the product's own worker path, the bare runtime, numpy, keras, and the machine's limit."""

import importlib.util
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from pumpwatch_gui.bench.figure import Figure
from pumpwatch_gui.bench.sgemm import flops_of_one_thread
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.infer.bundles.bundle import load_bundle
from pumpwatch_gui.infer.live.scorer import Scorer
from pumpwatch_gui.settings.profile_file import load_profile

MFLOP_A_WINDOW = 2.19
"""What the 30 × 10, 64/64 autoencoder needs. Computed step by step it is 3.14, but the decoder's input is the same at
each of its 30 steps, so that its part of the gates is needed once."""
ROUNDS = 3
"""Limit and runtime are measured in turn so often, and the best of each counts: both swing with the machine."""


BATCHES = {1: "≤ 120 µs a window", 50: "", 256: "≥ 55 % of the limit wanted"}


def run(_data: Path | None) -> Iterator[Figure]:
    """Measure everything."""
    for pumps, bound in ((1, "≤ 1"), (50, "≤ 6")):
        times = _worker(pumps)
        yield Figure(f"worker, {pumps} pump(s) due, p50", float(np.percentile(times, 50)) * 1e3, "ms")
        yield Figure(f"worker, {pumps} pump(s) due, p99", float(np.percentile(times, 99)) * 1e3, "ms", f"{bound} ms")
    yield from _bare()
    if importlib.util.find_spec("keras") is not None:
        yield from _keras()


def _times(call: Callable[[], object], count: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    call()
    out = np.empty(count)
    for i in range(count):
        started = time.perf_counter()
        call()
        out[i] = time.perf_counter() - started
    return out


def _worker(pumps: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    profile = load_profile("centrifugal")
    bundle = load_bundle(shipped("models") / "centrifugal", profile)
    scorer, generator = Scorer(), np.random.default_rng(1)
    for i in range(pumps):
        scorer.assign(f"P-{i}", profile, bundle)
    middle = np.array([sum(s.normal or s.span) / 2 for s in profile.sensors])
    out = []
    for beat in range(900):
        for i in range(pumps):
            values = middle * generator.normal(1.0, 0.002, middle.size)
            zero = np.zeros(middle.size, dtype=np.uint8)
            ns = beat * 10**9
            scorer.feed(Frame(f"P-{i}", beat, ns, ns, values, zero, zero.copy()), RunState.RUNNING)
        started = time.perf_counter()
        scorer.score_due()
        if beat >= 300:
            out.append(time.perf_counter() - started)
    return np.array(out)


def _bare() -> Iterator[Figure]:
    """The runtime alone against the limit of one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = shipped("models") / "centrifugal" / "model.onnx"
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name, shape = session.get_inputs()[0].name, session.get_inputs()[0].shape
    limit_us, each_us = float("inf"), dict.fromkeys(BATCHES, float("inf"))
    for _ in range(ROUNDS):
        limit_us = min(limit_us, MFLOP_A_WINDOW * 1e6 / flops_of_one_thread() * 1e6)
        for batch in BATCHES:
            windows = np.random.default_rng(1).random((batch, *shape[1:]), dtype=np.float32)
            times_s = _times(partial(session.run, None, {name: windows}), 200)
            each_us[batch] = min(each_us[batch], float(np.median(times_s)) / batch * 1e6)
    yield Figure("BLAS limit, one window", limit_us, "µs", f"sgemm on one thread, best of {ROUNDS}; 2.19 of 3.14 MFLOP")
    for batch, note in BATCHES.items():
        share = f"{100 * limit_us / each_us[batch]:.0f} % of the limit; {note}"
        yield Figure(f"bare ONNX Runtime, batch {batch}, a window, p50", each_us[batch], "µs", share)


def _keras() -> Iterator[Figure]:
    import keras

    layers = [
        keras.layers.Input((30, 10)),
        keras.layers.LSTM(64),
        keras.layers.RepeatVector(30),
        keras.layers.LSTM(64, return_sequences=True),
        keras.layers.TimeDistributed(keras.layers.Dense(10)),
    ]
    model = keras.Sequential(layers)
    window = np.zeros((1, 30, 10), dtype=np.float32)
    predict_ms = float(np.median(_times(lambda: model.predict(window, verbose=0), 20))) * 1e3
    own_ms = float(np.median(_worker(1))) * 1e3
    yield Figure("keras predict, one window, p50", predict_ms, "ms", f"{predict_ms / own_ms:.0f} × the worker's time")
