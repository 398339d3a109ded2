"""What turns the deviations of a control chart and a network into one score in limit units."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from pumpwatch_gui.domain.values.arrays import freeze_arrays
from pumpwatch_gui.infer.detectors.chart import NORM, Chart
from pumpwatch_gui.infer.detectors.detector import Floats
from pumpwatch_gui.infer.detectors.scaler import floats

NETWORK_CAP = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class ScoreLimits:
    """What turns deviations into a score. All above 0.

    `chart` and `network` are the 99th percentiles of each detector alone, `limit` the weighted mean of both (in those
    units) that scores 1.0, `weight` the part of the network in it, 0 to 1. `usual_error` (n,) is the network's ordinary
    error of each sensor, `flat_s` (n,) the flat run that scores 1.0 (infinite: never).
    """

    chart: float
    network: float
    limit: float
    weight: float
    usual_error: Floats
    flat_s: Floats

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        freeze_arrays(self, "usual_error", "flat_s")

    def mean(self, chart: Floats | float, network: Floats | float) -> Any:
        """Both in units of their 99th percentiles as one."""
        return weighted(chart, network, self.weight)

    def alone(self, chart: Chart) -> Floats:
        """The residual of each sensor (n,), in spreads, that scores 1.0 where all others are 0."""
        own = np.maximum(np.abs(np.diag(chart.whitening)), 1e-9)
        alone: Floats = self.chart * self.limit * own.size ** (1 / NORM) / own
        return alone

    def to_json(self) -> dict[str, Any]:
        """As stored in a manifest (an endless flat run is stored as 0)."""
        return {
            "chart": self.chart,
            "network": self.network,
            "limit": self.limit,
            "weight": self.weight,
            "usual_error": self.usual_error.tolist(),
            "flat_s": np.where(np.isfinite(self.flat_s), self.flat_s, 0.0).tolist(),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any], *, sensors: int) -> "ScoreLimits":
        """The inverse of `to_json`; raises KeyError, TypeError or ValueError when it does not fit."""
        single = float(content["chart"]), float(content["network"]), float(content["limit"])
        usual, flat = floats(content["usual_error"], sensors), floats(content["flat_s"], sensors)
        weight = float(content["weight"])
        if min(*single, float(usual.min())) <= 0:
            raise ValueError("limits must be above 0")
        if not 0 <= weight <= 1:
            raise ValueError("weight must be 0 to 1")
        return cls(*single, weight, usual, np.where(flat > 0, flat, inf))


def weighted(chart: Floats | float, network: Floats | float, weight: Floats | float) -> Any:
    """Both in units of their 99th percentiles as one. The network alone, however far out, cannot raise an alarm.

    A network errs wildly on what it has rarely seen, healthy or not; the chart has to find it odd as well.
    """
    return (1.0 - weight) * chart + weight * np.minimum(network, NETWORK_CAP)
