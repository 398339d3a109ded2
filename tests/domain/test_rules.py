"""Rules of an engineer: what a rule may say, what it never may, and how it is compared with values."""

from dataclasses import replace
from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.alarms.rate_window import BUCKETS, RateWindow
from pumpwatch_gui.domain.alarms.rule_places import (
    beyond_span,
    condition_words,
    pumps_of,
    rule_cautions,
    rule_tags,
    unjudgeable,
)
from pumpwatch_gui.domain.alarms.rule_sheet import RuleSheet
from pumpwatch_gui.domain.alarms.rules import (
    MAX_TERMS,
    Comparison,
    CustomRule,
    Measure,
    RuleTerm,
    contradiction,
    free_rule_id,
)
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.site import PumpSettings, Site

ABOVE, BELOW = Comparison.ABOVE, Comparison.BELOW
PROFILE = PumpProfile(
    "two",
    (
        Sensor("hot", "Heat", "degC", (0.0, 200.0)),
        Sensor("cool", "Cold", "degC", (0.0, 200.0)),
        Sensor("press", "Pressure", "bar", (0.0, 10.0)),
    ),
)


def rule(*terms: RuleTerm, **more: object) -> CustomRule:
    return CustomRule("r", "A rule", terms, **more)  # type: ignore[arg-type]


def site(*rules: CustomRule, ids: tuple[str, ...] = ("A", "B")) -> Site:
    link = ModbusTcpConfig("10.0.0.1")
    return Site(pumps=tuple(PumpSettings(i, i, PROFILE, "two", "none", (link,)) for i in ids), rules=rules)


HOT = RuleTerm("hot", ABOVE, 80.0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RuleTerm("", ABOVE, 1.0), "tag: choose"),
        (lambda: RuleTerm("hot", ABOVE, nan), "value: must be a finite"),
        (lambda: RuleTerm("hot", ABOVE, 1.0, deadband=-1.0), "deadband: must not"),
        (lambda: RuleTerm("hot", Comparison.OUTSIDE, 3.0, 1.0), "to: the band must rise"),
        (lambda: RuleTerm("hot", Comparison.OUTSIDE, 3.0), "to: the band must rise"),
        (lambda: RuleTerm("hot", Comparison.OUTSIDE, 3.0, 5.0, deadband=1.0), "deadband: is wider than its band"),
        (lambda: RuleTerm("hot", ABOVE, 3.0, 5.0), "to: only a comparison"),
        (lambda: RuleTerm("hot", ABOVE, 3.0, measure=Measure.RATE, over_s=5.0), "over_s: must be 10"),
        (lambda: RuleTerm("hot", ABOVE, 3.0, over_s=60.0), "over_s: only a rate"),
        (lambda: RuleTerm("hot", ABOVE, 3.0, measure=Measure.DEVIATION), "from_pump: a deviation needs one"),
        (
            lambda: RuleTerm("hot", ABOVE, 3.0, measure=Measure.DEVIATION, from_tag="cool", from_pump="B"),
            "from_pump: a deviation needs one",
        ),
        (lambda: RuleTerm("hot", ABOVE, 3.0, from_value=2.0), "from_pump: only a deviation"),
        (lambda: RuleTerm("hot", ABOVE, 3.0, measure=Measure.DEVIATION, from_tag="hot"), "from_tag: a tag never"),
        (lambda: rule(), "term: a rule has 1 to 8"),
        (lambda: rule(*[HOT] * (MAX_TERMS + 1)), "term: a rule has 1 to 8 terms, not 9"),
        (lambda: rule(HOT, pump="A", profile="two"), "profile: a rule is for one pump or"),
        (lambda: rule(HOT, on_delay_s=-1.0), "on_delay_s: must be 0 to"),
        (lambda: rule(HOT, off_delay_s=nan), "off_delay_s: must be 0 to"),
        (lambda: rule(HOT, respond_min=0.0), "respond_min: must be above 0"),
        (lambda: CustomRule("a b", "x", (HOT,)), "id: must be 1 to 40"),
        (lambda: CustomRule("r", "  ", (HOT,)), "text: must not be empty"),
        (lambda: CustomRule("r", "two\nlines", (HOT,)), "text: must be one line"),
        (lambda: CustomRule("r", "x" * 121, (HOT,)), "text: is longer than 120"),
        (lambda: rule(HOT, cause="bell\x07"), "cause: must be one line"),
        (
            lambda: rule(RuleTerm("hot", ABOVE, 1.0, measure=Measure.DEVIATION, from_pump="A"), pump="A"),
            r"term\[0\].from_pump: a pump never",
        ),
    ],
)
def test_a_rule_that_cannot_be_says_where_and_why(make: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()  # type: ignore[operator]


def test_markup_in_the_words_of_a_rule_is_just_text() -> None:
    made = rule(HOT, cause="<b>bold</b> & co")
    assert made.guidance is not None
    assert made.guidance.cause == "<b>bold</b> & co"
    assert rule(HOT).guidance is None


@pytest.mark.parametrize(
    ("terms", "needs_all", "is_contradiction"),
    [
        ((HOT, RuleTerm("hot", BELOW, 70.0)), True, True),
        ((HOT, RuleTerm("hot", BELOW, 80.0)), True, True),
        ((RuleTerm("hot", Comparison.AT_LEAST, 80.0), RuleTerm("hot", Comparison.AT_MOST, 80.0)), True, False),
        ((HOT, RuleTerm("hot", BELOW, 90.0)), True, False),
        ((HOT, RuleTerm("cool", BELOW, 70.0)), True, False),
        ((HOT, RuleTerm("hot", BELOW, 1.0, measure=Measure.RATE)), True, False),
        ((RuleTerm("hot", Comparison.OUTSIDE, 10.0, 90.0), RuleTerm("hot", BELOW, 20.0)), True, False),
        ((RuleTerm("hot", Comparison.OUTSIDE, 10.0, 90.0), RuleTerm("hot", Comparison.AT_LEAST, 10.0),
          RuleTerm("hot", BELOW, 90.0)), True, True),
        ((HOT, RuleTerm("hot", BELOW, 90.0)), False, True),
        ((HOT, RuleTerm("hot", Comparison.AT_MOST, 80.0)), False, True),
        ((HOT, RuleTerm("hot", BELOW, 80.0)), False, False),
        ((HOT, RuleTerm("hot", BELOW, 70.0)), False, False),
    ],
)  # fmt: skip
def test_terms_that_contradict_each_other_are_found(
    terms: tuple[RuleTerm, ...], needs_all: bool, is_contradiction: bool
) -> None:
    assert bool(contradiction(terms, needs_all=needs_all)) is is_contradiction
    if is_contradiction:
        with pytest.raises(ValueError, match="can never hold together" if needs_all else "always holds"):
            rule(*terms, needs_all=needs_all)


NUMBERS = st.floats(-5, 5).map(lambda x: round(x, 1))
TERMS = st.builds(RuleTerm, st.just("hot"), st.sampled_from([c for c in Comparison if c.value != "outside"]), NUMBERS)


@given(st.lists(TERMS, min_size=1, max_size=4), st.booleans(), st.lists(NUMBERS, max_size=30))
def test_what_is_no_contradiction_can_be_both(terms: list[RuleTerm], needs_all: bool, values: list[float]) -> None:
    held = [(all if needs_all else any)(t.holds(x) for t in terms) for x in values]
    if contradiction(tuple(terms), needs_all=needs_all):
        assert len(set(held)) <= 1
        assert not held or held[0] is not needs_all


def test_an_id_is_made_of_the_name_and_is_free() -> None:
    assert free_rule_id("Bearing hot & shaky!", frozenset()) == "bearing-hot-shaky"
    assert free_rule_id("Hot", frozenset({"HOT", "hot-2"})) == "hot-3"
    assert free_rule_id("<>&", frozenset()) == "rule"
    assert CustomRule(free_rule_id("é" * 200 + "a" * 60, frozenset()), "x", (HOT,)).rule_id == "a" * 30


# -------------------------------------------------------------------- places


def test_a_rule_is_for_one_pump_for_those_of_a_profile_or_for_all() -> None:
    place = site()
    assert [p.pump_id for p in pumps_of(rule(HOT), place)] == ["A", "B"]
    assert [p.pump_id for p in pumps_of(rule(HOT, pump="B"), place)] == ["B"]
    assert pumps_of(rule(HOT, profile="other"), place) == ()
    sister = RuleTerm("hot", ABOVE, 1.0, measure=Measure.DEVIATION, from_pump="A")
    assert [p.pump_id for p in pumps_of(rule(sister), place)] == ["B"]


def test_a_rule_that_cannot_be_judged_says_why() -> None:
    deviation = RuleTerm("hot", ABOVE, 1.0, measure=Measure.DEVIATION, from_tag="press")
    rules = (
        CustomRule("a", "x", (RuleTerm("gone", ABOVE, 1.0),), pump="A"),
        CustomRule("b", "x", (HOT,), pump="C"),
        CustomRule("c", "x", (HOT,), profile="none"),
        CustomRule("d", "x", (replace(deviation, from_tag="", from_pump="Z"),), pump="A"),
        CustomRule("e", "x", (deviation,), pump="A"),
        CustomRule("f", "x", (HOT,), pump="Q", is_enabled=False),
        CustomRule("g", "x", (replace(deviation, from_tag="cool"),)),
    )
    assert [(u.rule_id, u.pump_id, u.why) for u in unjudgeable(site(*rules))] == [
        ("a", "A", "A has no tag gone"),
        ("b", "C", "there is no pump C"),
        ("c", "", "no pump has the profile none"),
        ("d", "A", "there is no pump Z"),
        ("e", "A", "Heat in °C cannot be compared with Pressure in bar"),
    ]
    assert len(list(rule_cautions(site(*rules)))) == 5
    assert rule_tags(site(*rules), site().pumps[1]) == {"hot", "cool"}


@pytest.mark.parametrize(
    ("term", "words"),
    [
        (RuleTerm("hot", ABOVE, 200.0), "can never hold"),
        (RuleTerm("hot", Comparison.AT_LEAST, 200.0), ""),
        (RuleTerm("hot", BELOW, -1.0), "can never hold"),
        (RuleTerm("hot", ABOVE, 5.0, deadband=6.0), "could never return"),
        (RuleTerm("hot", BELOW, 195.0, deadband=6.0), "could never return"),
        (RuleTerm("hot", ABOVE, 500.0, measure=Measure.RATE), ""),
        (RuleTerm("hot", ABOVE, 90.0, deadband=1.0), ""),
    ],
)
def test_a_value_beyond_what_the_sensor_reads_is_a_caution(term: RuleTerm, words: str) -> None:
    found = beyond_span(rule(term), PROFILE)
    assert (words in found) if words else found == ""
    assert [words in p.message for p in rule_cautions(site(rule(term), ids=("A", "B")))] == ([True] if words else [])


def test_a_rule_reads_as_a_sentence() -> None:
    made = rule(
        RuleTerm("hot", Comparison.AT_LEAST, 75.0),
        RuleTerm("hot", ABOVE, 0.5, measure=Measure.RATE),
        RuleTerm("press", Comparison.OUTSIDE, -0.3, 0.3, measure=Measure.DEVIATION, from_pump="B"),
    )
    assert condition_words(made, PROFILE) == (
        "Heat ≥ 75 °C and rate of Heat over 5:00 > 0.5 °C/min and deviation of Pressure from B outside -0.3 to 0.3 bar"
    )
    assert condition_words(rule(RuleTerm("x", ABOVE, 1.0)), None) == "x > 1"


# -------------------------------------------------------------------- the sheet


def rows(rules: list[CustomRule], values: list[list[float]], sisters: list[list[float]] | None = None) -> object:
    own = np.array(values)
    sheet = RuleSheet(rules, PROFILE)
    return sheet.rows(own, np.array(sisters or [[]] * len(own)), np.zeros((len(own), len(sheet.rates))))


def test_and_or_and_what_is_not_known() -> None:
    both, either = rule(HOT, RuleTerm("cool", BELOW, 10.0)), rule(HOT, RuleTerm("cool", BELOW, 10.0), needs_all=False)
    found = rows([both, either], [[90.0, 5.0, 0], [90.0, 50.0, 0], [70.0, 50.0, 0], [90.0, nan, 0], [70.0, nan, 0]])
    assert found.over.tolist() == [[True, True], [False, True], [False, False], [False, True], [False, False]]  # type: ignore[attr-defined]
    assert found.clear.tolist() == [[False, False], [True, False], [True, True], [False, False], [False, False]]  # type: ignore[attr-defined]
    assert found.known.tolist() == [[True, True], [True, True], [True, True], [False, True], [False, False]]  # type: ignore[attr-defined]


@given(st.sampled_from(list(Comparison)), st.floats(-50, 50), st.floats(0, 10), st.floats(1, 20), st.floats(-100, 100))
def test_a_term_is_never_over_and_clear_at_once_and_the_sheet_agrees_with_the_term(
    comparison: Comparison, value: float, deadband: float, width: float, measured: float
) -> None:
    to = value + width + 2 * deadband if comparison is Comparison.OUTSIDE else None
    term = RuleTerm("hot", comparison, value, to, deadband)
    found = rows([rule(term)], [[measured, 0.0, 0.0]])
    over, clear = bool(found.over[0, 0]), bool(found.clear[0, 0])  # type: ignore[attr-defined]
    assert over is term.holds(measured)
    assert not (over and clear)
    if deadband == 0:
        assert over is not clear


def test_deviations_are_from_a_tag_a_set_point_or_a_sister() -> None:
    term = RuleTerm("hot", ABOVE, 4.0, measure=Measure.DEVIATION, from_tag="cool")
    rules = [
        rule(term),
        rule(replace(term, from_tag="", from_value=60.0)),
        rule(replace(term, from_tag="", from_pump="B")),
    ]
    found = rows(rules, [[65.0, 62.0, 0.0]], [[70.0]])
    assert found.measured.tolist() == [[3.0, 5.0, -5.0]]  # type: ignore[attr-defined]
    assert found.over.tolist() == [[False, True, False]]  # type: ignore[attr-defined]


# -------------------------------------------------------------------- rate


def ramp(window: RateWindow, values: np.ndarray, period_s: float = 1.0) -> list[float]:
    return [window.step(round((1000 + i * period_s) * 1e9), float(x)) for i, x in enumerate(values)]


@given(st.floats(-20, 20), st.integers(0, 2**31), st.floats(0.1, 3.0))
def test_a_rate_is_found_below_noise_and_wrong_values(per_minute: float, seed: int, period_s: float) -> None:
    random = np.random.default_rng(seed)
    size = round(400 / period_s)
    values = 50 + per_minute / 60 * period_s * np.arange(size) + random.normal(0, 0.2, size)
    values[-round(30 / period_s)] += 500.0  # one wrong value
    found = ramp(RateWindow(300.0), values, period_s)[-1]
    assert abs(found - per_minute) < 0.35


def test_there_is_no_rate_before_most_of_the_span_and_none_after_a_gap() -> None:
    window = RateWindow(100.0)
    found = ramp(window, np.arange(200.0))
    first = next(i for i, x in enumerate(found) if not isnan(x))
    assert 70 <= first <= 80
    assert found[-1] == pytest.approx(60.0)
    assert isnan(window.step(5000 * 10**9, 1.0))


def test_a_rate_of_slow_samples_needs_enough_of_them() -> None:
    assert isnan(ramp(RateWindow(60.0), np.arange(20.0), 30.0)[-1])
    assert ramp(RateWindow(60.0), np.arange(20.0), 10.0)[-1] == pytest.approx(6.0)


def test_a_rate_keeps_no_more_than_its_parts() -> None:
    window = RateWindow(86_400.0)
    ramp(window, np.zeros(3000), 60.0)
    assert len(window._closed) <= BUCKETS + 1
