"""Inference: the product's own worker path, the bare runtime, numpy, keras, and the machine's limit."""

import importlib.util
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np

from pumpwatch_gui.bench.figure import Figure, NotMeasuredError
from pumpwatch_gui.bench.sgemm import flops_of_one_thread
from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.pump.running import run_rule, state_of
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.infer.bundles.bundle import load_bundle
from pumpwatch_gui.infer.detectors.detector import Detector, Floats, Moment, Windows, WindowScore
from pumpwatch_gui.infer.live.scorer import Scorer
from pumpwatch_gui.infer.network.runtime import onnx_runtime
from pumpwatch_gui.settings.profile_file import load_profile

MFLOP_A_WINDOW = 2.19
"""What the 30 × 10, 64/64 autoencoder needs. Computed step by step it is 3.14, but the decoder's input is the same at
each of its 30 steps, so that its part of the gates is needed once."""
ROUNDS = 3
"""Limit and runtime are measured in turn so often, and the best of each counts: both swing with the machine."""
SETTLED_S = 300
"""Simulated seconds after which every pump has a whole window."""
BATCHES = {1: "≤ 120 µs a window", 50: "", 256: "≥ 55 % of the limit wanted"}


def run(_data: Path | None) -> Iterator[Figure]:
    """Measure everything."""
    for pumps, bound in ((1, "≤ 1"), (50, "≤ 6")):
        yield from _figures(work(pumps), pumps, bound)
    yield from _bare()
    if importlib.util.find_spec("keras") is not None:
        yield from _keras()


@dataclass
class Work:
    """What the worker did in each tick, in seconds: all of it, and its parts."""

    whole_s: list[float] = field(default_factory=list)
    feed_s: list[float] = field(default_factory=list)
    network_s: list[float] = field(default_factory=list)
    judge_s: list[float] = field(default_factory=list)

    def median_us(self, part: str, pumps: int) -> float:
        """The median of a part, µs a pump."""
        return float(np.median(getattr(self, part))) / pumps * 1e6


class _Clocked:
    """A detector that notes how long its parts take."""

    def __init__(self, detector: Detector, work: Work) -> None:
        self._detector, self._work = detector, work
        self.kind = detector.kind
        self.stream, self.warm_up = detector.stream, detector.warm_up
        self.sort, self.feed = detector.sort, detector.feed

    def errors(self, windows: Windows) -> Floats:
        """As the detector's, timed."""
        started = time.perf_counter()
        errors = self._detector.errors(windows)
        self._work.network_s.append(time.perf_counter() - started)
        return errors

    def score(self, streams: Sequence[Moment], errors: Floats) -> list[WindowScore]:
        """As the detector's, timed."""
        started = time.perf_counter()
        scores = self._detector.score(streams, errors)
        self._work.judge_s.append(time.perf_counter() - started)
        return scores


def work(pumps: int, *, seconds: int = 600) -> Work:
    """The worker's ticks on so many pumps at 1 Hz for so many simulated seconds, once all are scored.

    Raises NotMeasuredError when a tick did not score every pump.
    """
    profile = load_profile("centrifugal")
    bundle = load_bundle(shipped("models") / "centrifugal", profile)
    done, scorer, generator = Work(), Scorer(), np.random.default_rng(1)
    clocked = replace(bundle, detector=cast(Detector, _Clocked(bundle.detector, done)))
    rule = run_rule(profile)
    for i in range(pumps):
        scorer.assign(f"P-{i}", profile, clocked)
    middle = np.array([sum(s.normal or s.span) / 2 for s in profile.sensors])
    zero = np.zeros(middle.size, dtype=np.uint8)
    for second in range(SETTLED_S + seconds):
        ns, values = second * 10**9, middle * generator.normal(1.0, 0.002, (pumps, middle.size))
        frames = [Frame(f"P-{i}", second, ns, ns, own, zero, zero) for i, own in enumerate(values)]
        if second == SETTLED_S:
            done.network_s.clear()
            done.judge_s.clear()
        started = time.perf_counter()
        scorer.feed_all((frame, state_of(frame, profile.tags, rule)) for frame in frames)
        fed = time.perf_counter()
        results = scorer.score_due()
        ended = time.perf_counter()
        if second >= SETTLED_S:
            scored = sum(isinstance(result, Detection) for result in results)
            if scored < pumps:
                raise NotMeasuredError(f"{scored} of {pumps} pumps were scored")
            done.whole_s.append(ended - started)
            done.feed_s.append(fed - started)
    return done


def _figures(done: Work, pumps: int, bound: str) -> Iterator[Figure]:
    p50, p99 = (float(np.percentile(done.whole_s, q)) * 1e3 for q in (50, 99))
    whole_us, feed_us, network_us, judge_us = (
        done.median_us(part, pumps) for part in ("whole_s", "feed_s", "network_s", "judge_s")
    )
    what = f"worker, {pumps} pump{'s' * (pumps > 1)}"
    yield Figure(f"{what}: fed and scored, p50", p50, "ms")
    yield Figure(f"{what}: fed and scored, p99", p99, "ms", f"{bound} ms")
    yield Figure(f"{what}: feed (conditioner), a pump", feed_us, "µs", f"{100 * feed_us / whole_us:.0f} % of it")
    yield Figure(f"{what}: network, a pump", network_us, "µs", f"{100 * network_us / whole_us:.0f} % of it")
    yield Figure(f"{what}: score of the errors, a pump", judge_us, "µs", f"{100 * judge_us / whole_us:.0f} % of it")


def _times(call: Callable[[], object], count: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    call()
    out = np.empty(count)
    for i in range(count):
        started = time.perf_counter()
        call()
        out[i] = time.perf_counter() - started
    return out


def _bare() -> Iterator[Figure]:
    """The runtime alone against the limit of one thread."""
    onnxruntime = onnx_runtime()
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
    own_ms = float(np.median(work(1).whole_s)) * 1e3
    yield Figure("keras predict, one window, p50", predict_ms, "ms", f"{predict_ms / own_ms:.0f} × the worker's time")
