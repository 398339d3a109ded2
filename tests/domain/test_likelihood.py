"""How likely a fault is: the steps, what a level must keep up to count, and what feedback moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.feedback import FeedbackVerdict
from pumpwatch_gui.domain.likelihood import Evidence, Likelihood, likelihood_of, shift_of

SECOND = 10**9
TRUE, FALSE, UNKNOWN = FeedbackVerdict.TRUE, FeedbackVerdict.FALSE, FeedbackVerdict.UNKNOWN


def evidence(*scores: float, step_s: float = 1.0) -> Evidence:
    found = Evidence()
    for i, score in enumerate(scores):
        found.update(round(i * step_s * SECOND), score)
    return found


@pytest.mark.parametrize(
    ("probability", "step"),
    [
        (0.0, Likelihood.NONE),
        (0.19, Likelihood.NONE),
        (0.2, Likelihood.POSSIBLE),
        (0.6, Likelihood.LIKELY),
        (0.85, Likelihood.VERY_LIKELY),
        (1.0, Likelihood.VERY_LIKELY),
    ],
)
def test_the_steps_of_a_probability(probability: float, step: Likelihood) -> None:
    assert likelihood_of(probability) is step


def test_nothing_is_likely_before_the_first_score() -> None:
    assert Evidence().probability() == 0.0


def test_one_wild_window_is_no_likely_fault_and_a_level_that_is_kept_is() -> None:
    wild = evidence(*[0.3] * 60, 50.0)
    assert likelihood_of(wild.probability()) is Likelihood.NONE
    kept = evidence(*[0.3] * 60, *[3.0] * 120)
    assert likelihood_of(kept.probability()) is Likelihood.VERY_LIKELY


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50), st.floats(0.01, 10))
def test_higher_scores_never_make_a_fault_less_likely(scores: list[float], more: float) -> None:
    assert evidence(*[s + more for s in scores]).probability() >= evidence(*scores).probability()


def test_the_level_follows_time_and_not_the_number_of_scores() -> None:
    slow, fast = evidence(0.3, 3.0, step_s=60.0), evidence(0.3, *[3.0] * 600, step_s=0.1)
    assert slow.probability() == pytest.approx(fast.probability(), abs=0.02)


def test_feedback_moves_the_next_likelihood_and_cannot_silence_a_pump() -> None:
    assert shift_of([]) == shift_of([UNKNOWN]) == shift_of([TRUE, FALSE]) == 0.0
    assert shift_of([FALSE] * 3) < shift_of([FALSE]) < 0.0 < shift_of([TRUE])
    grave = evidence(*[6.0] * 100)
    assert likelihood_of(grave.probability(shift_of([FALSE] * 1000))) is not Likelihood.NONE
