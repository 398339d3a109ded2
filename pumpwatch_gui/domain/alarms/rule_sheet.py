"""The terms of several rules on one pump as columns, so that one row of values or a whole past is compared at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.rules import CustomRule, Measure, RuleTerm
from pumpwatch_gui.domain.pump.profile import PumpProfile

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class SisterTag(NamedTuple):
    """A tag of another pump that a rule compares with."""

    pump_id: str
    tag: str


class RateKey(NamedTuple):
    """A rate of change that a rule looks at. Rules that are judged only while the pump runs have rates of their own."""

    tag: str
    over_s: float
    only_running: bool


@dataclass(frozen=True, slots=True, eq=False)
class RuleRows:
    """What was found of R rules with T terms in m rows of values.

    `measured` (m, T) is what each term looks at, NaN where it is not known; `excess` (m, T) by how much it holds.
    `over`, `clear`, `known` (m, R): whether a rule holds, is clear of holding by its deadbands, and can be judged.
    """

    measured: Floats
    excess: Floats
    over: Bools
    clear: Bools
    known: Bools


class RuleSheet:
    """Compares values with the terms of `rules`, each of which can be judged on a pump of this profile.

    An OR holds with any of its terms, whatever the others are; in every other case a rule of which one term is not
    known is not judged: a BAD value neither raises an alarm nor ends one.
    """

    def __init__(self, rules: Sequence[CustomRule], profile: PumpProfile) -> None:
        self.rules = tuple(rules)
        self.terms: tuple[RuleTerm, ...] = tuple(term for rule in rules for term in rule.terms)
        of_term = [rule for rule in rules for _ in rule.terms]
        self.sisters = tuple(dict.fromkeys(SisterTag(t.from_pump, t.tag) for t in self.terms if t.from_pump))
        keys = [
            RateKey(t.tag, t.over_s, r.only_running)
            for t, r in zip(self.terms, of_term, strict=True)
            if t.measure is Measure.RATE
        ]
        self.rates = tuple(dict.fromkeys(keys))
        self.first_term = np.cumsum([0, *(len(rule.terms) for rule in rules)])
        """Where the terms of each rule begin (R + 1)."""
        width = len(profile.quantity_tags)
        zero, base, other = width + len(self.sisters) + len(self.rates), list[int](), list[int]()
        for term, rule in zip(self.terms, of_term, strict=True):
            place, against = profile.index(term.tag), zero
            if term.measure is Measure.RATE:
                key = RateKey(term.tag, term.over_s, rule.only_running)
                place = width + len(self.sisters) + self.rates.index(key)
            elif term.from_pump:
                against = width + self.sisters.index(SisterTag(term.from_pump, term.tag))
            elif term.from_tag:
                against = profile.index(term.from_tag)
            base.append(place)
            other.append(against)
        self._base, self._other = np.array(base, dtype=np.intp), np.array(other, dtype=np.intp)
        self._set_point = np.array([t.from_value or 0.0 for t in self.terms])
        self._low = np.array([t.edges.low for t in self.terms])
        self._high = np.array([t.edges.high for t in self.terms])
        self._deadband = np.array([t.deadband for t in self.terms])
        self._inclusive = np.array([t.comparison.is_inclusive for t in self.terms], dtype=np.bool_)
        self._sizes = sizes = np.diff(self.first_term)
        joined = np.array([rule.needs_all for rule in rules], dtype=np.bool_)
        self._to_hold, self._to_clear = np.where(joined, sizes, 1), np.where(joined, 1, sizes)

    def rows(self, values: Floats, sisters: Floats, rates: Floats) -> RuleRows:
        """Compare m rows: values of the pump (m, n), of `sisters` (m, s) and rates a minute of `rates` (m, r)."""
        zero = np.zeros((len(values), 1))
        known = np.concatenate([values, sisters, rates, zero], axis=1)
        measured = known[:, self._base] - known[:, self._other] - self._set_point
        excess = np.maximum(measured - self._high, self._low - measured)
        equal = self._inclusive & (excess == 0)
        over = (excess > 0) | equal
        away = self._deadband + excess
        clear = (away < 0) | ((away == 0) & ~self._inclusive)
        is_known = self._count(~np.isnan(measured)) == self._sizes
        holds = self._count(over) >= self._to_hold
        is_clear = (self._count(clear) >= self._to_clear) & is_known
        return RuleRows(measured, excess, holds, is_clear, is_known | holds)

    def leading(self, rule: int, excess: Floats) -> int:
        """Of the terms of a rule the one that speaks for it: the first that holds, else the first."""
        first, last = int(self.first_term[rule]), int(self.first_term[rule + 1])
        holding = np.flatnonzero(excess[first:last] >= 0)
        return first + (int(holding[0]) if holding.size else 0)

    def _count(self, of_terms: Bools) -> NDArray[np.intp]:
        """How many terms of each rule it is so for (m, R)."""
        return np.add.reduceat(of_terms.astype(np.intp), self.first_term[:-1], axis=1)
