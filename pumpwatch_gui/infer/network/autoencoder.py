"""The autoencoder at run time: ONNX Runtime on one thread, numpy where the runtime cannot be had."""

import logging
import threading
from pathlib import Path
from typing import Any

import numpy as np

from pumpwatch_gui.infer.detectors.detector import Floats, Windows
from pumpwatch_gui.infer.network.numpy_forward import Weights, reconstruct
from pumpwatch_gui.infer.network.runtime import onnx_runtime

log = logging.getLogger("pumpwatch.infer")

MODEL_FILE = "model.onnx"
MOST_AT_ONCE = 64
"""Beyond this the work no longer fits the cache: 256 windows at once take a quarter longer than four times 64."""
TOLERANCE = 1e-5
"""How far any two ways of computing the network may differ."""
PROOF_S = 10.0


class Autoencoder:
    """A trained network of windows (w, n). The runtime is loaded at the first call or by `warm_up`."""

    def __init__(self, model: Path, weights: Weights, *, window: int) -> None:
        self.window = window
        self.sensors = weights.output.shape[1]
        self.weights = weights
        self.runtime = ""
        self._model = model
        self._session: Any = None

    @classmethod
    def blank(cls, *, window: int, sensors: int) -> "Autoencoder":
        """A network that has learnt nothing (all weights 0), to see the windows before there is another."""
        weights = Weights(*(np.zeros(shape, dtype=np.float32) for shape in Weights.shapes(sensors, 1)))
        blank = cls(Path(), weights, window=window)
        blank.runtime = "none"
        return blank

    def prove(self, window: Windows, expected: Windows) -> None:
        """Raise ValueError unless what serves here reconstructs `window` (1, w, n) as `expected`, in 10 s at most.

        A graph that never comes to its end is broken off, which an ordinary call has no means for.
        """
        if not self.runtime:
            self._start()
        answer = reconstruct(self.weights, window) if self._session is None else self._run_limited(window)
        if answer.shape != expected.shape or not (np.abs(answer - expected) <= TOLERANCE).all():
            raise ValueError("its network does not compute what it was trained to")

    def _run_limited(self, window: Windows) -> Windows:
        onnxruntime = onnx_runtime()
        options = onnxruntime.RunOptions()
        options.log_severity_level = 4
        timer = threading.Timer(PROOF_S, lambda: setattr(options, "terminate", True))
        timer.daemon = True
        timer.start()
        try:
            answer: Windows = self._session.run(None, {"window": window}, options)[0]
        except _refusals(onnxruntime) as error:
            raise ValueError(f"its network cannot be computed: {str(error).splitlines()[0]}") from None
        finally:
            timer.cancel()
        return answer

    def warm_up(self) -> None:
        """Load the runtime and run it once."""
        if not self.runtime:
            self._start()
            self.reconstruct(np.zeros((1, self.window, self.sensors), dtype=np.float32))

    def reconstruct(self, windows: Windows) -> Windows:
        """The reconstruction (b, w, n) of windows (b, w, n), float32."""
        if not self.runtime:
            self._start()
        if self._session is None:
            return reconstruct(self.weights, windows)
        if len(windows) <= MOST_AT_ONCE:
            result: Windows = self._session.run(None, {"window": windows})[0]
            return result
        whole = np.empty_like(windows)
        for start in range(0, len(windows), MOST_AT_ONCE):
            part = slice(start, start + MOST_AT_ONCE)
            whole[part] = self._session.run(None, {"window": windows[part]})[0]
        return whole

    def errors(self, windows: Windows) -> Floats:
        """Mean absolute error of each sensor over the window (b, n)."""
        difference = self.reconstruct(windows)
        np.subtract(difference, windows, out=difference)
        np.abs(difference, out=difference)
        errors: Floats = difference.mean(axis=1, dtype=np.float64)
        return errors

    def _start(self) -> None:
        try:
            onnxruntime = onnx_runtime()
        except (ImportError, OSError) as error:
            self._fall_back(error)
            return
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = options.enable_mem_pattern = False  # 4 MB, for nothing on so small a network
        try:
            self._session = onnxruntime.InferenceSession(str(self._model), options, providers=["CPUExecutionProvider"])
        except _refusals(onnxruntime) as error:
            self._fall_back(error)
            return
        self.runtime = f"onnxruntime {onnxruntime.__version__}"

    def _fall_back(self, error: Exception) -> None:
        log.warning("ONNX Runtime cannot be used, numpy computes the model instead: %s", error)
        self.runtime = f"numpy {np.__version__}"


def _refusals(onnxruntime: Any) -> tuple[type[Exception], ...]:
    """What the runtime raises when it cannot load a model: its own exceptions share no base class."""
    state = onnxruntime.capi.onnxruntime_pybind11_state
    own = (getattr(state, name) for name in dir(state))
    return (RuntimeError, OSError, *(e for e in own if isinstance(e, type) and issubclass(e, Exception)))
