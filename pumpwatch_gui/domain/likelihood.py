"""How likely a fault of a pump is, from its scores, in the four steps that people distinguish best.

A single score jumps about; what counts is the level that it keeps. The probability is a logistic function of it, fitted
on simulated pumps of several kinds (`pumpwatch bench detection` prints how far it is right). The feedback of people on
the episodes of a pump moves it for that pump.
"""

from collections.abc import Iterable
from enum import Enum
from math import exp, log

from pumpwatch_gui.domain.feedback import FeedbackVerdict

SLOPE, OFFSET = 4.5, 1.6
"""Log-odds of a fault: SLOPE · ln(level) + OFFSET, with levels in limit units."""
SETTLING_S = 20.0
"""The level follows the scores with this time constant."""
LEAST_SCORE, MOST_SCORE = 0.05, 20.0
"""Scores count within these: one wild window must not outweigh a minute of others."""
MOST_SHIFT = log(9.0)
"""Feedback moves the log-odds by no more than this, so that it cannot silence a pump."""
FEEDBACK_COUNTS_NS = 365 * 86_400 * 10**9
"""For so long the feedback on an episode counts for the likelihood of a fault in the next."""


class Likelihood(Enum):
    """How likely a fault is. The value: from which probability on."""

    NONE = 0.0
    POSSIBLE = 0.2
    LIKELY = 0.6
    VERY_LIKELY = 0.85

    @property
    def words(self) -> str:
        """For people."""
        return _WORDS[self]

    @property
    def step(self) -> int:
        """0 to 3."""
        return list(Likelihood).index(self)


_WORDS = {
    Likelihood.NONE: "no sign of a fault",
    Likelihood.POSSIBLE: "fault possible",
    Likelihood.LIKELY: "fault likely",
    Likelihood.VERY_LIKELY: "fault very likely",
}


def likelihood_of(probability: float) -> Likelihood:
    """The step of a probability."""
    return max((step for step in Likelihood if step.value <= probability), key=lambda step: step.value)


def shift_of(feedback: Iterable[FeedbackVerdict]) -> float:
    """What feedback on the episodes of a pump adds to the log-odds of a fault in its next one; 0 without any.

    As if each pump had begun with one episode that was right and one that was not.
    """
    given = list(feedback)
    true, false = given.count(FeedbackVerdict.TRUE), given.count(FeedbackVerdict.FALSE)
    return min(MOST_SHIFT, max(-MOST_SHIFT, log((true + 1.0) / (false + 1.0))))


class Evidence:
    """The level that the scores of one pump keep. Feed it every score in the order of time."""

    def __init__(self) -> None:
        self._level: float | None = None
        self._mono_ns = 0

    def update(self, mono_ns: int, score: float) -> None:
        """Take the next score, in limit units; its time is monotonic."""
        now = log(min(MOST_SCORE, max(LEAST_SCORE, score)))
        weight = 1.0 - exp(-(mono_ns - self._mono_ns) / 1e9 / SETTLING_S)
        self._level = now if self._level is None else self._level + weight * (now - self._level)
        self._mono_ns = mono_ns

    def probability(self, shift: float = 0.0) -> float:
        """The probability of a fault, 0 before the first score; `shift` in log-odds."""
        if self._level is None:
            return 0.0
        return 1.0 / (1.0 + exp(-(SLOPE * self._level + OFFSET + shift)))
