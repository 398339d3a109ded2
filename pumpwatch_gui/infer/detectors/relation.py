"""What belongs to the operating point: speed and flow of a pump drive its pressures, power, current and vibration.

A valve that is moved moves them all, a worn ring moves them apart. Each sensor is freed from what the driving
quantities explain of it, so that its limit need not cover every move of the operating point.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf
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


class AtPoints:
    """What the relations of b pumps make of a row of each, with the `distances` (b, n) of their limits, in their units.

    One row where all share a model. `Relation.point`, `expected` and `slack` over all pumps, without a product of
    matrices, so that each is judged as if alone, bit for bit.
    """

    def __init__(self, relations: Sequence[Relation | None], distances: Floats) -> None:
        each = [_none(distances.shape[1]) if one is None else one for one in relations]
        self._count = count = max(len(one.drivers) for one in each)
        self._distances = distances
        self._drivers = np.array([[*one.drivers, *[0] * (count - len(one.drivers))] for one in each], dtype=np.intp)
        self._reaches = np.stack([one.reach for one in each])
        # A driver that a pump has not got is always at the middle of an endless range.
        self._has = np.array([[i < len(one.drivers) for i in range(count)] for one in each])
        self._have_all = bool(self._has.all())
        self._level, self._reach = (
            np.where(self._has, np.take_along_axis(np.stack(all_of), self._drivers, 1), other)
            for all_of, other in (([one.level for one in each], 0.0), ([one.reach for one in each], 1.0))
        )
        self._low, self._high = (
            np.array([[*ends.tolist(), *[end] * (count - ends.size)] for ends in all_ends])
            for all_ends, end in (([one.low for one in each], -inf), ([one.high for one in each], inf))
        )
        effects = np.zeros((len(each), distances.shape[1], count + count * (count + 1) // 2))
        for i, one in enumerate(each):
            effects[i][:, columns(len(one.drivers), count)] = one.effect
        self._effects = np.ascontiguousarray(np.moveaxis(effects, 2, 0))
        pumps = np.arange(len(each))
        drivers_own = [self._effects[_columns(i, count)][:, pumps, self._drivers[:, i]] for i in range(count)]
        self._before = [own if own.any() else None for own in drivers_own]

    def step(self, values: Floats, last: Floats) -> tuple[Floats, Floats, Floats]:
        """The offset (b, n) of each sensor from its level, how many times its limit is wider (b, n), and the points.

        Of values (b, n), NaN for none. A driver without a value is where it was in the `last` points (b, k).
        """
        at = (self._driving(values) - self._level) / self._reach
        if not self._have_all:
            at = np.where(self._has, at, 0.0)
        unknown = np.isnan(at)
        is_known = not np.count_nonzero(unknown)
        for i, effects in enumerate(self._before):
            if effects is not None:
                before = at[:, :i] if is_known else np.where(unknown[:, :i], last[:, :i], at[:, :i])
                at[:, i] -= np.add.reduce(effects * self._terms(before)) / self._reach[:, i]
        points = at if is_known else np.where(unknown, last, at)
        offset: Floats = np.add.reduce(self._effects * self._terms(points)[:, :, np.newaxis])
        outside = (points < self._low) | (points > self._high) | unknown
        wider = np.ones_like(values)
        if np.count_nonzero(outside):
            rows = np.flatnonzero(outside.any(axis=1))
            wider[rows] = self._wider(points[rows], unknown[rows], rows if len(self._drivers) > 1 else [0] * rows.size)
        return offset, wider, points

    @property
    def drivers(self) -> int:
        """The most driving quantities of a pump (k)."""
        return self._count

    def _driving(self, values: Floats) -> Floats:
        if len(self._drivers) == 1:
            return values[:, self._drivers[0]]
        return values[np.arange(len(values))[:, np.newaxis], self._drivers]

    def _terms(self, points: Floats) -> Floats:
        """The terms (t, b) of points (b, k), as `Relation.terms`."""
        first, second = _pairs(points.shape[1])
        held = np.minimum(np.maximum(points, self._low[:, : points.shape[1]]), self._high[:, : points.shape[1]])
        one, other = held.take(first, axis=1), held.take(second, axis=1)
        products = one * points.take(second, axis=1) + points.take(first, axis=1) * other - one * other
        return np.concatenate((points, products), axis=1).T

    def _wider(self, points: Floats, unknown: NDArray[np.bool_], own: Sequence[int] | NDArray[np.intp]) -> Floats:
        """How many times the limits (b, n) are wider at points (b, k), which are `unknown` or outside; by their own."""
        low, high, reaches = self._low[own], self._high[own], self._reaches[own]
        beyond = np.maximum(np.maximum(low - points, points - high), 0.0)
        off = np.where(unknown, UNKNOWN, beyond * beyond / np.maximum(beyond + (high - low) / 2, 1e-12))
        slack, rows = reaches * off.max(axis=1, keepdims=True), np.arange(len(points))
        for i in range(self._count):
            driver, has = self._drivers[own, i], self._has[own, i]
            worst = reaches[rows, driver] * off[:, :i].max(axis=1, initial=0.0)
            slack[rows, driver] = np.where(has, worst, slack[rows, driver])
        wider: Floats = np.hypot(1.0, slack / self._distances[own])
        return wider


def _none(sensors: int) -> Relation:
    """In which nothing drives."""
    none = np.zeros(0)
    return Relation((), np.zeros(sensors), np.ones(sensors), none, none, np.zeros((sensors, 0)))


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
