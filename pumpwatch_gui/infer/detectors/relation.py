"""What belongs to the operating point: speed and flow of a pump drive its pressures, power, current and vibration.

A valve that is moved moves them all, a worn ring moves them apart. Each sensor is freed from what the driving
quantities explain of it, so that its limit need not cover every move of the operating point.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.values.arrays import freeze_arrays
from pumpwatch_gui.infer.detectors.scaler import floats

Floats = NDArray[np.float64]

UNKNOWN = 1.0
"""How far outside a driving quantity counts that has no value, in its `reach`."""


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """What the sensors (n,) of a pump should show at an operating point.

    `drivers` (k,) are the indices of the driving quantities, the one that drives the others first; each is taken as its
    distance from `level` (n,) in units of its `reach` (n,), freed from what the drivers before it explain. They were
    seen between `low` and `high` (k,). `effect` (n, k + k (k + 1) / 2) is how far the drivers and their products move
    each sensor, in its unit; 0 for a sensor that is taken as it is.
    """

    drivers: tuple[int, ...]
    level: Floats
    reach: Floats
    low: Floats
    high: Floats
    effect: Floats

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        freeze_arrays(self, "level", "reach", "low", "high", "effect")

    def point(self, values: Floats) -> Floats:
        """The operating point (…, k) of rows of values (…, n), NaN where a driver has no value."""
        drivers = list(self.drivers)
        at: Floats = (values[..., drivers] - self.level[drivers]) / self.reach[drivers]
        for i, driver in enumerate(drivers[1:], 1):
            explained = self.terms(at[..., :i]) @ self.effect[driver, _columns(i, len(drivers))]
            at[..., i] -= explained / self.reach[driver]
        return at

    def expected(self, point: Floats) -> Floats:
        """How far each sensor (…, n) should be from its level at an operating point (…, k), in its unit."""
        expected: Floats = self.terms(point) @ self.effect.T
        return expected

    def freed(self, rows: Floats) -> Floats:
        """Rows (m, n) without what their operating points make of them; as they are where a driver has no value."""
        freed: Floats = rows - np.nan_to_num(self.expected(self.point(rows)))
        return freed

    def slack(self, point: Floats, unknown: NDArray[np.bool_]) -> Floats:
        """How far each sensor (n,) may be off only because the point (k,) is outside what was seen, in its unit.

        Grows with the square of the distance where the drivers have moved, else with the distance. A driver that is
        `unknown` (k,) counts as `UNKNOWN` outside; what drives a driver is before it.
        """
        beyond = np.maximum(np.maximum(self.low - point, point - self.high), 0.0)
        half = (self.high - self.low) / 2
        off = np.where(unknown, UNKNOWN, beyond * beyond / np.maximum(beyond + half, 1e-12))
        slack: Floats = self.reach * off.max()
        for i, driver in enumerate(self.drivers):
            slack[driver] = self.reach[driver] * off[:i].max(initial=0.0)
        return slack

    def terms(self, point: Floats) -> Floats:
        """The drivers and their products (…, k + k (k + 1) / 2); beyond what was seen these go on as tangents."""
        count = point.shape[-1]
        first, second = _pairs(count)
        held = np.minimum(np.maximum(point, self.low[:count]), self.high[:count])
        one, other = held[..., first], held[..., second]
        products = one * point[..., second] + point[..., first] * other - one * other
        terms: Floats = np.concatenate((point, products), axis=-1)
        return terms

    def to_json(self) -> dict[str, Any]:
        """As stored in a manifest."""
        arrays = {name: getattr(self, name).tolist() for name in ("level", "reach", "low", "high", "effect")}
        return {"drivers": list(self.drivers)} | arrays

    @classmethod
    def from_json(cls, content: Mapping[str, Any], *, sensors: int) -> "Relation":
        """The inverse of `to_json`; raises KeyError, TypeError or ValueError when it does not fit."""
        drivers = tuple(int(i) for i in content["drivers"])
        count = len(drivers)
        if not all(0 <= i < sensors for i in drivers) or len(content["effect"]) != sensors:
            raise ValueError(f"the relation is not made for {sensors} sensors")
        reach = floats(content["reach"], sensors)
        if not (reach > 0).all():
            raise ValueError("reach must be above 0")
        return cls(
            drivers, floats(content["level"], sensors), reach, floats(content["low"], count),
            floats(content["high"], count),
            np.stack([floats(row, count + count * (count + 1) // 2) for row in content["effect"]]),
        )  # fmt: skip


class AtPoint:
    """What a relation makes of the rows of one pump. A driver without a value is taken as it was last.

    After `step`: `offset` (n,) is how far each sensor should be from its level, in its unit, and `wider` (n,) how many
    times its limit is wider; 0 and 1 without a relation. `Relation.point` and `expected` for one row, in bare numbers:
    with one or two drivers that takes a tenth of the time, and each row asks.
    """

    def __init__(self, relation: Relation | None, distances: Floats) -> None:
        self._relation, self._distances = relation, distances
        self._zeros, self._ones = np.zeros(distances.size), np.ones(distances.size)
        self.offset, self.wider = self._zeros, self._ones
        if relation is None:
            return
        drivers = list(relation.drivers)
        self._scales = [(d, float(relation.level[d]), float(relation.reach[d])) for d in drivers]
        self._bounds = list(zip(relation.low.tolist(), relation.high.tolist(), strict=True))
        self._effect = relation.effect if relation.effect.any() else None
        before = [relation.effect[d, _columns(i, len(drivers))].tolist() for i, d in enumerate(drivers)]
        self._before = [own if any(own) else [] for own in before]
        self._point = [0.0] * len(drivers)

    @property
    def outlook(self) -> tuple[float, ...]:
        """Two with the same one go on alike."""
        return () if self._relation is None else tuple(self._point)

    def step(self, values: Floats) -> None:
        """Take the next row (n,)."""
        if self._relation is None:
            return
        point, unknown = list[float](), list[bool]()
        is_inside = True
        for i, (driver, level, reach) in enumerate(self._scales):
            at = (float(values[driver]) - level) / reach
            if self._before[i]:
                at -= sum(e * t for e, t in zip(self._before[i], self._terms(point), strict=True)) / reach
            unknown.append(isnan(at))
            point.append(self._point[i] if unknown[-1] else at)
            low, high = self._bounds[i]
            is_inside = is_inside and low <= at <= high
        self._point = point
        self.offset = self._zeros if self._effect is None else self._effect @ np.array(self._terms(point))
        slack = None if is_inside else self._relation.slack(np.array(point), np.array(unknown))
        self.wider = self._ones if slack is None else np.hypot(1.0, slack / self._distances)

    def _terms(self, point: list[float]) -> list[float]:
        held = [min(max(x, low), high) for x, (low, high) in zip(point, self._bounds, strict=False)]
        first, second = _pairs(len(point))
        products = [
            held[i] * point[j] + point[i] * held[j] - held[i] * held[j] for i, j in zip(first, second, strict=True)
        ]
        return point + products


@lru_cache(maxsize=8)
def _pairs(count: int) -> tuple[list[int], list[int]]:
    """The two drivers of each product."""
    pairs = [(i, j) for i in range(count) for j in range(i, count)]
    return [i for i, _ in pairs], [j for _, j in pairs]


def involved(term: int, count: int) -> tuple[int, ...]:
    """The drivers, of `count`, that make up a term."""
    first, second = _pairs(count)
    return (term,) if term < count else (first[term - count], second[term - count])


@lru_cache(maxsize=8)
def _columns(first: int, count: int) -> list[int]:
    return columns(first, count)


def columns(first: int, count: int) -> list[int]:
    """Where the terms of the first so many drivers are among those of all `count`."""
    every = range(count + count * (count + 1) // 2)
    return [term for term in every if max(involved(term, count)) < first]
