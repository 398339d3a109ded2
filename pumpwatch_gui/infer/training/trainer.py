"""What a recipe promises: it turns recordings of normal running into a detector, apart from the network itself."""

from typing import Any, Protocol

import numpy as np

from pumpwatch_gui.infer.detectors.detector import Detector, Windows
from pumpwatch_gui.infer.network.autoencoder import Autoencoder
from pumpwatch_gui.infer.training.normal_running import Commissioning


class Trainer(Protocol):
    """One kind's way, in two halves with the fitting of the network between them."""

    @property
    def wants_network(self) -> bool:
        """Whether a network is to be fitted at all."""
        ...

    def windows(self) -> Windows:
        """What the network is to learn to reconstruct (b, w, n), float32."""
        ...

    def finish(self, network: Autoencoder | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """The `detector` table of the manifest, and figures for its `trained` table; None: there is no network."""
        ...


def seen_by(detector: Detector, commissioning: Commissioning) -> Windows:
    """Every window the live path would have scored (b, w, n), float32."""
    windows = []
    for run in commissioning.runs():
        stream = detector.stream()
        for frame, state in run:
            stream.feed(frame, state)
            window = stream.window()
            if not isinstance(window, str):
                windows.append(window.copy())
    return np.stack(windows) if windows else np.zeros((0, 1, len(commissioning.profile.sensors)), dtype=np.float32)


def errors_of(network: Autoencoder, windows: Windows, *, batch: int = 512) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The network's error of each sensor (b, n), by the runtime that ships."""
    return np.concatenate([network.errors(windows[i : i + batch]) for i in range(0, len(windows), batch)])
