"""Alarm rules that an engineer has written: up to eight terms, joined by AND or OR. Values, never a script."""

import re
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from math import inf, isfinite
from typing import NamedTuple

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.alarms.guidance import Guidance

MAX_TERMS = 8
MAX_TEXT = 120
"""Characters of the name of a rule: it is one line of the alarm list."""
MAX_WORDS = 500
"""Characters of each part of the guidance."""
MIN_OVER_S, MAX_OVER_S = 10.0, 86_400.0
"""The span of time of a rate of change: from ten seconds to a day."""
USUAL_OVER_S = 300.0
MAX_DELAY_S = 86_400.0
RULE_PREFIX = "rule."
_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")


class Measure(Enum):
    """What a term looks at."""

    VALUE = "value"
    RATE = "rate"  # change a minute over a span of time
    DEVIATION = "deviation"  # from a sister pump, another tag or a set point


class Comparison(Enum):
    """When a term holds."""

    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="
    OUTSIDE = "outside"

    @property
    def is_inclusive(self) -> bool:
        """Whether the value itself counts."""
        return self in (Comparison.AT_LEAST, Comparison.AT_MOST)


class Edges(NamedTuple):
    """A term holds below `low` or above `high`; one of them may be infinite."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RuleTerm:
    """One comparison of a tag (a sensor or a derived quantity) in its unit.

    RATE: its change in unit per minute over the last `over_s` seconds. DEVIATION: its difference (signed) from exactly
    one of the same tag of `from_pump`, the tag `from_tag` of the same pump, and the set point `from_value`. OUTSIDE
    takes the band from `value` to `to`. It is over when the value is back by more than `deadband`. Raises ValueError
    (`field: what is wrong`).
    """

    tag: str
    comparison: Comparison
    value: float
    to: float | None = None
    deadband: float = 0.0
    measure: Measure = Measure.VALUE
    over_s: float = USUAL_OVER_S
    from_pump: str = ""
    from_tag: str = ""
    from_value: float | None = None

    def __post_init__(self) -> None:
        """Check what one term can get wrong alone."""
        if not self.tag:
            raise ValueError("tag: choose one")
        numbers = {"value": self.value, "to": self.to, "deadband": self.deadband, "from_value": self.from_value}
        for name, number in numbers.items():
            if number is not None and not isfinite(number):
                raise ValueError(f"{name}: must be a finite number")
        if self.deadband < 0:
            raise ValueError("deadband: must not be negative")
        self._check_band()
        if not MIN_OVER_S <= self.over_s <= MAX_OVER_S:
            raise ValueError(f"over_s: must be {MIN_OVER_S:g} to {MAX_OVER_S:g} seconds")
        if self.measure is not Measure.RATE and self.over_s != USUAL_OVER_S:
            raise ValueError("over_s: only a rate is over a span of time")
        self._check_reference()

    def _check_band(self) -> None:
        if self.comparison is not Comparison.OUTSIDE:
            if self.to is not None:
                raise ValueError("to: only a comparison `outside` has a band")
            return
        if self.to is None or self.to <= self.value:
            raise ValueError("to: the band must rise, from `value` up to `to`")
        if 2 * self.deadband >= self.to - self.value:
            raise ValueError("deadband: is wider than its band leaves room for; the alarm could never return")

    def _check_reference(self) -> None:
        given = (self.from_pump != "") + (self.from_tag != "") + (self.from_value is not None)
        if self.measure is Measure.DEVIATION and given != 1:
            raise ValueError("from_pump: a deviation needs one of from_pump, from_tag and from_value")
        if self.measure is not Measure.DEVIATION and given:
            raise ValueError("from_pump: only a deviation is from something")
        if self.from_tag == self.tag:
            raise ValueError("from_tag: a tag never deviates from itself")

    @property
    def edges(self) -> Edges:
        """Where it begins to hold."""
        match self.comparison:
            case Comparison.ABOVE | Comparison.AT_LEAST:
                return Edges(-inf, self.value)
            case Comparison.BELOW | Comparison.AT_MOST:
                return Edges(self.value, inf)
            case Comparison.OUTSIDE:
                return Edges(self.value, inf if self.to is None else self.to)

    def holds(self, measured: float) -> bool:
        """Whether it holds for what was measured; a NaN never does."""
        low, high = self.edges
        return measured < low or measured > high or (self.comparison.is_inclusive and measured == self.value)

    @property
    def subject(self) -> tuple[object, ...]:
        """What is measured: two terms with the same subject look at the same number."""
        over_s = self.over_s if self.measure is Measure.RATE else 0.0
        return self.measure, self.tag, over_s, self.from_pump, self.from_tag, self.from_value


@dataclass(frozen=True, slots=True)
class CustomRule:
    """One alarm of an engineer's own. Its source is `rule.ID` on every pump that it is for.

    It is for `pump`, else for every pump whose profile the site file calls `profile`, else for all pumps. `needs_all`:
    its terms are joined by AND, else by OR. `only_running`: not judged while a pump is stopped or starts up, and
    suppressed by design meanwhile. Raises ValueError (`field: what is wrong`; of a term `term[1].field: …`).
    """

    rule_id: str
    text: str
    terms: tuple[RuleTerm, ...]
    pump: str = ""
    profile: str = ""
    needs_all: bool = True
    on_delay_s: float = 5.0
    off_delay_s: float = 5.0
    priority: Priority = Priority.MEDIUM
    only_running: bool = False
    is_latching: bool = False
    is_enabled: bool = True
    cause: str = ""
    consequence: str = ""
    action: tuple[str, ...] = ()
    respond_min: float = 15.0

    def __post_init__(self) -> None:
        """Check the whole of it, terms that contradict each other among them."""
        if not _ID.fullmatch(self.rule_id):
            raise ValueError("id: must be 1 to 40 letters, digits, - and _")
        if self.pump and self.profile:
            raise ValueError("profile: a rule is for one pump or for a profile, not for both")
        if not 1 <= len(self.terms) <= MAX_TERMS:
            raise ValueError(f"term: a rule has 1 to {MAX_TERMS} terms, not {len(self.terms)}")
        for name in ("on_delay_s", "off_delay_s"):
            if not 0 <= getattr(self, name) <= MAX_DELAY_S:
                raise ValueError(f"{name}: must be 0 to {MAX_DELAY_S:g} seconds")
        if not (isfinite(self.respond_min) and self.respond_min > 0):
            raise ValueError("respond_min: must be above 0 (minutes)")
        self._check_words()
        for i, term in enumerate(self.terms):
            if self.pump and term.from_pump == self.pump:
                raise ValueError(f"term[{i}].from_pump: a pump never deviates from itself")
        if found := contradiction(self.terms, needs_all=self.needs_all):
            raise ValueError(f"term: {found}")

    def _check_words(self) -> None:
        if not self.text.strip():
            raise ValueError("text: must not be empty")
        words = [("text", self.text, MAX_TEXT), ("cause", self.cause, MAX_WORDS)]
        words += [("consequence", self.consequence, MAX_WORDS), *(("action", a, MAX_WORDS) for a in self.action)]
        for name, text, longest in words:
            if len(text) > longest:
                raise ValueError(f"{name}: is longer than {longest} characters")
            if not text.isprintable():
                raise ValueError(f"{name}: must be one line without control characters")

    @property
    def source(self) -> str:
        """Its alarm source."""
        return RULE_PREFIX + self.rule_id

    @property
    def pump_ids(self) -> frozenset[str]:
        """The pumps that it names."""
        return frozenset({self.pump, *(term.from_pump for term in self.terms)} - {""})

    @property
    def guidance(self) -> Guidance | None:
        """Its row for the operator; None while the engineer has written nothing."""
        if not (self.cause or self.consequence or self.action):
            return None
        return Guidance(self.source, self.cause, self.consequence, self.action, self.respond_min)

    def is_for(self, pump_id: str, profile_name: str) -> bool:
        """Whether it is for a pump; one that it compares others with is left out."""
        if any(term.from_pump == pump_id for term in self.terms):
            return False
        return self.pump == pump_id if self.pump else self.profile in ("", profile_name)


@dataclass(frozen=True, slots=True)
class UnjudgedRule:
    """A rule that is not judged on a pump (or one that is not there) now, and why, such as a value that is BAD."""

    rule_id: str
    pump_id: str
    why: str

    @property
    def source(self) -> str:
        """The alarm source of the rule."""
        return RULE_PREFIX + self.rule_id


def is_rule(source: str) -> bool:
    """Whether an alarm source is that of a rule."""
    return source.startswith(RULE_PREFIX)


def contradiction(terms: tuple[RuleTerm, ...], *, needs_all: bool) -> str:
    """Why terms that look at the same number can never hold (AND) or always hold (OR); "" where they do not."""
    groups: dict[tuple[object, ...], list[RuleTerm]] = {}
    for term in terms:
        groups.setdefault(term.subject, []).append(term)
    for own in groups.values():
        points = _points(own)
        numbers = ", ".join(f"{t.comparison.value} {t.value:g}" for t in own)
        if needs_all and not any(all(t.holds(x) for t in own) for x in points):
            return f"{own[0].tag} {numbers} can never hold together"
        if not needs_all and all(any(t.holds(x) for t in own) for x in points):
            return f"{own[0].tag} {numbers}: one of them always holds"
    return ""


def _points(terms: list[RuleTerm]) -> list[float]:
    """One number of each stretch on which every term stays as it is: the edges, between them and beyond them."""
    edges = sorted({edge for term in terms for edge in term.edges if isfinite(edge)})
    between = [low + (high - low) / 2 for low, high in pairwise(edges)]
    room = 1.0 + max(map(abs, edges))
    return [edges[0] - room, *edges, *between, edges[-1] + room]


def free_rule_id(text: str, taken: frozenset[str]) -> str:
    """An id made of the words of a rule's name that no other rule has, whatever its case."""
    words = "-".join(re.findall(r"[a-z0-9]+", text.casefold()))[:30].strip("-") or "rule"
    used = {one.casefold() for one in taken}
    return next(name for n in range(1, len(used) + 2) if (name := words if n == 1 else f"{words}-{n}") not in used)
