"""What rows of many pumps are judged by and how, whatever their models: arrays over all of them."""

from collections.abc import Sequence
from functools import lru_cache
from math import nan
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pumpwatch_gui.infer.detectors.chart import NORM, contributions, power_mean
from pumpwatch_gui.infer.detectors.detector import Floats, WindowScore
from pumpwatch_gui.infer.detectors.memory import Memory
from pumpwatch_gui.infer.detectors.relation import AtPoints
from pumpwatch_gui.infer.detectors.score_limits import NETWORK_CAP, weighted

if TYPE_CHECKING:
    from pumpwatch_gui.infer.detectors.combined import CombinedDetector

SPEED = "motor_rpm"
MOST_FLAT = 2.0
INVOLVED = 0.8
"""A sensor that is so far towards its own limit has a part in an alarm: its level from before is kept."""


class Remembered(Protocol):
    """A row of a pump: what is known of it, and the detector that judges it."""

    @property
    def memory(self) -> Memory:
        """Of one pump."""
        ...

    @property
    def detector(self) -> "CombinedDetector":
        """Its model."""
        ...


class Models:
    """What b pumps are judged by, as arrays (b, n) and (b,). One row where they all share a model."""

    def __init__(self, each: "Sequence[CombinedDetector]") -> None:
        limits = [one.limits for one in each]
        self.conditionings = tuple(one.conditioning for one in each)
        self.used = np.stack([one.used for one in each])
        self.whitening = np.stack([one.chart.whitening for one in each])
        self.own = np.stack([np.diag(one.chart.whitening) for one in each])
        self.chart, self.network, self.limit, self.weight = np.array(
            [(own.chart, own.network, own.limit, own.weight) for own in limits]
        ).T
        self.usual_error = np.stack([own.usual_error for own in limits])
        self.flat_s = np.stack([own.flat_s for own in limits])
        self.level = self.chart * self.limit
        self.own_level = self.level * self.used.shape[1] ** (1 / NORM)
        self.involved = INVOLVED * self.level * self.used.shape[1] ** (1 / NORM)
        relations = [one.relation for one in each]
        distances = np.stack([one.alarm_distances for one in each])
        self.points = AtPoints(relations, distances) if any(one is not None for one in relations) else None
        tags = [one.profile.tags for one in each]
        self.speed = np.array([own.index(SPEED) if SPEED in own else -1 for own in tags])


@lru_cache(maxsize=32)
def _models(each: "tuple[CombinedDetector, ...]") -> Models:
    return Models(each)


def models_of(remembered: Sequence[Remembered]) -> Models:
    """What they are judged by."""
    each = tuple(one.detector for one in remembered)
    first = each[0]
    return _models((first,) if all(one is first for one in each) else each)


def score_together(moments: Sequence[Remembered], errors: Floats) -> list[WindowScore]:
    """The score of each newest row, from the network's errors (b, n); all have a network or none."""
    models, m = models_of(moments), Memory.joined([moment.memory for moment in moments])
    has_network = moments[0].detector.network is not None
    score, chart, network, shares = _scored(models, m, errors if has_network else None)
    flat = np.minimum(m.flat_s / models.flat_s, MOST_FLAT) * m.scored
    high = (m.deviations > models.own_level[:, np.newaxis]) | (flat > 1.0)
    usual = np.where(m.scored, m.base + m.offset, nan)
    # The smoothed residual knows the direction; a single value of a pump that cavitates may lie on the other side.
    way = np.where(m.smooth < 0, -1.0, 1.0)
    present = way * np.maximum(way * m.newest, way * m.short) + m.offset
    limit = np.broadcast_to(models.limit, score.shape)
    columns = (one.tolist() for one in (score, score * limit, limit, chart, network))
    return [
        WindowScore(
            score=whole,
            loss=loss,
            threshold=threshold,
            shares=shares[i],
            high=high[i],
            missing=m.missing[i],
            parts=(("chart", by_chart), ("lstm", by_network)),
            usual=usual[i],
            present=present[i],
        )
        for i, (whole, loss, threshold, by_chart, by_network) in enumerate(zip(*columns, strict=True))
    ]


def scores_of(detector: "CombinedDetector", memory: Memory, errors: Floats) -> tuple[Floats, Floats]:
    """As `score_together`, of memories of one model: no more than the scores (b,) and the shares (b, n)."""
    score, _, _, shares = _scored(_models((detector,)), memory, errors if detector.network is not None else None)
    return score, shares


def _scored(models: Models, m: Memory, errors: Floats | None) -> tuple[Floats, Floats, Floats, Floats]:
    """As `_judge`, with a flat line as an anomaly of its own."""
    own_errors = None if errors is None else np.where(m.scored, errors, 0.0)
    score, chart, network, shares = _judge(models, m.deviations, own_errors)
    flat = np.minimum(m.flat_s / models.flat_s, MOST_FLAT) * m.scored
    for i in np.flatnonzero(flat.max(axis=1) > np.maximum(1.0, score)).tolist():
        frozen = np.where(flat[i] > 1.0, flat[i], 0.0)
        score[i], shares[i] = flat[i].max(), frozen / frozen.sum()
    return score, chart, network, shares


def _judge(models: Models, deviations: Floats, errors: Floats | None) -> tuple[Floats, Floats, Floats, Floats]:
    """Of rows (b, n): score (b,), what chart and network contribute, all in limit units, and shares (b, n)."""
    chart: Floats = power_mean(deviations) / models.chart
    if errors is None:
        network = np.zeros_like(chart)
        score: Floats = weighted(chart, network, models.weight) / models.limit
        return score, chart / models.limit, network, contributions(deviations)
    unusual = errors / models.usual_error
    network = power_mean(unusual) / models.network
    score = weighted(chart, network, models.weight) / models.limit
    ours, its = (1.0 - models.weight) * chart, models.weight * np.minimum(network, NETWORK_CAP)
    ours = (ours / np.maximum(ours + its, 1e-12))[:, np.newaxis]
    both: Floats = ours * contributions(deviations) + (1.0 - ours) * contributions(unusual)
    return score, chart / models.limit, network / models.limit, both
