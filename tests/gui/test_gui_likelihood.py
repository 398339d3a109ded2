"""How likely a fault is, as the Pump page shows it."""

from dataclasses import replace

import pytest

from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.likelihood import Likelihood
from pumpwatch_gui.domain.station import PumpView
from pumpwatch_gui.gui.pump.cards import why_words
from tests.gui.fake_station import FakeStation


def scored_pump(score: float, likelihood: Likelihood) -> PumpView:
    pump = next(p for p in FakeStation(3).latest().pumps if isinstance(p.score_result, Detection))
    assert isinstance(pump.score_result, Detection)
    found = replace(pump.score_result, score=score, is_anomaly=score > 1.0)
    return replace(pump, score_result=found, detection=found, likelihood=likelihood, is_at_new_level=False)


@pytest.mark.parametrize(
    ("score", "likelihood", "headline"),
    [
        (0.3, Likelihood.NONE, "Normal running"),
        (1.3, Likelihood.NONE, "Not normal"),
        (0.8, Likelihood.POSSIBLE, "Fault possible"),
        (1.3, Likelihood.LIKELY, "Fault likely"),
        (3.0, Likelihood.VERY_LIKELY, "Fault very likely"),
    ],
)
def test_the_headline_says_how_likely_a_fault_is(score: float, likelihood: Likelihood, headline: str) -> None:
    words, body = why_words(scored_pump(score, likelihood), seen=True)
    assert words == headline
    assert (f"{score:.2f} times the limit" in body) == (headline != "Normal running")
    assert ("not which part fails" in body) == (headline != "Normal running")


def test_nothing_is_said_of_a_pump_that_is_not_seen() -> None:
    assert why_words(scored_pump(3.0, Likelihood.VERY_LIKELY), seen=False)[0] == "Not scored"
