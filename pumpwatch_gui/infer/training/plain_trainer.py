"""The original system's training: scaler from the range seen, threshold from the training errors themselves."""

from typing import Any

import numpy as np
from typing_extensions import override

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.infer.detectors.detector import Floats, Windows
from pumpwatch_gui.infer.detectors.plain import PlainDetector
from pumpwatch_gui.infer.detectors.scaler import MinMax
from pumpwatch_gui.infer.network.autoencoder import Autoencoder
from pumpwatch_gui.infer.training.normal_running import Commissioning, mute_sensors
from pumpwatch_gui.infer.training.trainer import Trainer, errors_of, seen_by

QUANTILE = 99.0


class PlainTrainer(Trainer):
    """Kind `lstm`. Raises InputError when a sensor has no value at all: this kind needs every one."""

    def __init__(self, commissioning: Commissioning, window: int) -> None:
        rows = commissioning.running_rows()
        if mute := mute_sensors(commissioning.profile, rows):
            raise InputError(
                f"{', '.join(mute)}: no value while the pump ran",
                "the plain recipe needs every sensor of the profile: use another kind, or a profile without them",
            )
        self._commissioning = commissioning
        self._scaler = _scaler(rows)
        self._window = window
        self._windows: Windows | None = None

    @property
    @override
    def wants_network(self) -> bool:
        return True

    @override
    def windows(self) -> Windows:
        if self._windows is None:
            sensors = len(self._commissioning.profile.sensors)
            blank = Autoencoder.blank(window=self._window, sensors=sensors)
            self._windows = seen_by(self._detector(blank, 1.0, np.ones(sensors)), self._commissioning)
        return self._windows

    @override
    def finish(self, network: Autoencoder | None) -> tuple[dict[str, Any], dict[str, Any]]:
        assert network is not None
        errors = errors_of(network, self.windows())
        threshold = float(np.percentile(errors.mean(axis=1), QUANTILE))
        limits = np.percentile(errors, QUANTILE, axis=0)
        detector = self._detector(network, threshold, np.maximum(limits, 1e-9))
        return detector.to_manifest(), {"threshold": f"99th percentile of all training errors, {threshold:.5f}"}

    def _detector(self, network: Autoencoder, threshold: float, limits: Floats) -> PlainDetector:
        profile = self._commissioning.profile
        return PlainDetector(profile, network, scaler=self._scaler, threshold=threshold, sensor_limits=limits)


def _scaler(rows: Floats) -> MinMax:
    low, high = np.nanmin(rows, axis=0), np.nanmax(rows, axis=0)
    return MinMax(low, np.where(high > low, high, low + 1.0))
