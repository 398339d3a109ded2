"""The control chart: how far a row of residuals is from ordinary, taking into account what usually moves together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.values.arrays import freeze_arrays
from pumpwatch_gui.infer.detectors.scaler import floats

Floats = NDArray[np.float64]

NORM = 8
"""Fusion of the sensors: near their maximum, so that one sensor far out is not thinned by many quiet ones."""

TAIL = 99.7
LEAST_SENSOR_LIMIT = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """Charts residuals (n,) after `whitening` (n, n), which takes out what commissioning saw moving together.

    The whitened residuals still belong to one sensor each (ZCA whitening), so the chart explains itself.
    """

    whitening: Floats

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        freeze_arrays(self, "whitening")

    def deviations(self, residuals: Floats) -> Floats:
        """How far each sensor is out (…, n), about 1 ordinarily."""
        deviations: Floats = np.abs(residuals @ self.whitening)
        return deviations

    def to_json(self) -> dict[str, Any]:
        """As stored in a manifest."""
        return {"unmixing": self.whitening.tolist()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any], *, sensors: int) -> "Chart":
        """The inverse of `to_json`; raises KeyError, TypeError or ValueError when it does not fit."""
        if len(content["unmixing"]) != sensors:
            raise ValueError(f"the chart is not made for {sensors} sensors")
        return cls(np.stack([floats(row, sensors) for row in content["unmixing"]]))


def power_mean(deviations: Floats) -> Floats:
    """One figure from the deviations of all sensors (…, n): their power mean of order `NORM`."""
    # Not np.mean: for a few sensors it takes three times as long, and each row asks.
    mean: Floats = np.add.reduce(deviations**NORM, axis=-1) / deviations.shape[-1]
    return mean ** (1.0 / NORM)


def contributions(deviations: Floats) -> Floats:
    """Each sensor's part of `power_mean` (…, n), summing to 1; all 0 where there is no deviation."""
    worst = deviations.max(axis=-1, keepdims=True)
    parts = (deviations / np.where(worst > 0, worst, 1.0)) ** 2
    shares: Floats = parts / np.maximum(parts.sum(axis=-1, keepdims=True), 1e-12)
    return shares


def whitening(residuals: Floats, *, independent: float) -> Floats:
    """ZCA whitening (n, n) from residuals (m, n), shrunk towards none at all when few rows are `independent`."""
    sensors = residuals.shape[1]
    clipped = np.clip(residuals, -5.0, 5.0)
    clipped = clipped - clipped.mean(axis=0)
    size = np.sqrt(np.mean(clipped**2, axis=0))
    moves = size > 0
    unit = np.where(moves, clipped / np.where(moves, size, 1.0), 0.0)
    correlation = unit.T @ unit / max(len(unit), 1)
    np.fill_diagonal(correlation, 1.0)
    trust = independent / (independent + sensors)
    values, vectors = np.linalg.eigh(trust * correlation + (1.0 - trust) * np.eye(sensors))
    result: Floats = vectors @ np.diag(np.maximum(values, 1e-3) ** -0.5) @ vectors.T
    return result


def sensor_limits(deviations: Floats) -> Floats:
    """What each sensor's deviation is divided by (n,), from deviations (m, n) of commissioning.

    The root of its own 99.7th percentile over the median of all: calms sensors with heavy tails, with a floor.
    """
    high = np.percentile(deviations, TAIL, axis=0)
    middle = float(np.median(high[high > 0])) if (high > 0).any() else 1.0
    result: Floats = np.maximum(np.sqrt(high / middle), LEAST_SENSOR_LIMIT)
    return result
