"""How a pump was judged: its episodes, what people said of them, what was done to its model."""

from dataclasses import replace
from math import isnan, nan

import numpy as np
import pytest

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.alarms.occurrences import AlarmMove
from pumpwatch_gui.domain.events import OrderDone
from pumpwatch_gui.domain.feedback import EpisodeFeedback, FeedbackVerdict
from pumpwatch_gui.domain.journal import JournalRow, journal_row
from pumpwatch_gui.domain.judgement import (
    JudgedEpisode,
    Judgement,
    ModelChange,
    episodes_of,
    marks_of,
    step_of,
)
from pumpwatch_gui.domain.likelihood import Likelihood

S, DAY_S = 10**9, 86_400


def alarm(at_s: int, text: str = "Anomaly: vibration up 2.1 ×", source: str = "anomaly") -> Alarm:
    at_ns = at_s * S
    return Alarm(f"P-1/{source}", "P-1", "vibration_mm_s", Priority.LOW, text, AlarmState.UNACKNOWLEDGED, 1.2, 1.0, "",
                 at_ns, at_ns)  # fmt: skip


def moves(*at: tuple[int, int]) -> list[AlarmMove]:
    """Alarms from the one second to the other."""
    found = []
    for start_s, end_s in at:
        raised = alarm(start_s)
        found += [AlarmMove(start_s * S, raised), AlarmMove(end_s * S, replace(raised, state=AlarmState.NORMAL))]
    return found


def feedback(start_s: int, end_s: int, verdict: FeedbackVerdict, given_s: int = 1000) -> EpisodeFeedback:
    return EpisodeFeedback("P-1", start_s * S, end_s * S, verdict, given_ns=given_s * S)


def order(at_s: int, command: str, *, ok: bool = True) -> JournalRow:
    return journal_row(OrderDone(at_s * S, "", command, ok, "done", "Asha", "P-1"), at_s)


def judged(scored_s: int, episodes: tuple[JudgedEpisode, ...] = (), step_s: int = 60) -> Judgement:
    time_s = np.arange(0.0, scored_s + 1, step_s)
    return Judgement("P-1", 0, scored_s * S, time_s, np.full(time_s.size, 0.4), episodes, ())


def test_an_episode_has_the_newest_feedback_that_overlaps_it_and_another_alarm_is_none() -> None:
    other = AlarmMove(120 * S, alarm(120, source="flow.low"))
    said = [
        feedback(90, 150, FeedbackVerdict.FALSE, 500),
        feedback(95, 110, FeedbackVerdict.TRUE, 900),
        feedback(300, 310, FeedbackVerdict.UNKNOWN),
    ]
    found = episodes_of([*moves((100, 160), (200, 230)), other], (), said, end_ns=1000 * S)
    assert [(e.start_ns // S, e.end_ns // S, e.verdict) for e in found] == [
        (100, 160, FeedbackVerdict.TRUE), (200, 230, None),
    ]  # fmt: skip


def test_an_alarm_that_is_on_goes_on_to_the_end_though_it_was_raised_before_the_first_line() -> None:
    (found,) = episodes_of([], [alarm(5), alarm(6, source="flow.low")], (), end_ns=100 * S)
    assert (found.start_ns, found.end_ns, found.is_open) == (5 * S, 100 * S, True)


def test_changes_are_named_by_what_was_ordered_and_one_that_was_refused_is_none() -> None:
    rows = [
        order(1, "learn"), order(2, "promote"), order(3, "re-baseline"), order(4, "set threshold factor"),
        order(5, "start shadow"), order(6, "judge anomaly"), order(7, "roll back", ok=False), order(8, "acknowledge"),
    ]  # fmt: skip
    assert [mark.change for mark in marks_of(rows, [])] == [
        ModelChange.LEARNT, ModelChange.MODEL, ModelChange.NORMAL, ModelChange.LIMIT, ModelChange.SHADOW,
        ModelChange.OTHER,
    ]  # fmt: skip


def test_an_alarm_that_gets_another_text_in_one_episode_has_become_a_new_level() -> None:
    raised = alarm(100)
    seen = replace(raised, state=AlarmState.ACKNOWLEDGED)
    level = replace(raised, text="New level for 15 min", state=AlarmState.UNACKNOWLEDGED)
    after = alarm(2000, text="Anomaly: flow down 8 %")
    at = [(100, raised), (130, seen), (1000, level), (2000, after)]
    found = marks_of([], [AlarmMove(at_s * S, one) for at_s, one in at])
    assert [(mark.time_ns // S, mark.change) for mark in found] == [(1000, ModelChange.NEW_LEVEL)]


def test_a_rate_is_of_the_time_that_was_scored_and_none_of_too_little() -> None:
    episodes = tuple(JudgedEpisode(at_s * S, (at_s + 60) * S, "") for at_s in (-50, 100, 5000))
    found = judged(7 * DAY_S // 2, episodes)
    assert found.scored_s == 7 * DAY_S / 2
    assert found.a_week == pytest.approx(4.0)  # the one from before the span is not counted
    assert isnan(judged(3600, episodes).a_week)


def test_a_stretch_without_score_or_without_readings_is_no_scored_time() -> None:
    time_s = np.concatenate([np.arange(0.0, 600, 10), np.arange(5000.0, 5600, 10)])
    score = np.where(time_s < 300, nan, 0.4)
    found = Judgement("P-1", 0, 6000 * S, time_s, score, (), ())
    assert found.scored_s == pytest.approx(300 + 590)


def test_episodes_are_counted_by_likelihood_with_what_people_said() -> None:
    def one(at_s: int, step: Likelihood | None, verdict: FeedbackVerdict | None) -> JudgedEpisode:
        said = feedback(at_s, at_s + 1, verdict) if verdict is not None else None
        return JudgedEpisode(at_s * S, (at_s + 1) * S, "", step=step, feedback=said)

    very, true, false = Likelihood.VERY_LIKELY, FeedbackVerdict.TRUE, FeedbackVerdict.FALSE
    episodes = (
        one(1, very, true), one(2, very, true), one(3, very, false), one(4, very, None),
        one(5, Likelihood.LIKELY, false),
        one(6, None, FeedbackVerdict.UNKNOWN),
    )  # fmt: skip
    first, second, last = judged(DAY_S, episodes).counts
    assert (first.step, first.episodes, first.true, first.false, first.unjudged) == (very, 4, 2, 1, 1)
    assert first.right == pytest.approx(2 / 3)
    assert (second.step, second.right) == (Likelihood.LIKELY, 0.0)
    assert (last.step, last.unknown) == (None, 1)
    assert isnan(last.right)


def test_the_step_of_an_episode_is_the_highest_its_scores_came_to_and_feedback_given_before_moves_it() -> None:
    time_s = np.arange(900.0, 1100.0)
    score = np.where(time_s < 1000, 0.4, 1.0)
    peak, step = step_of(time_s, score, (), start_ns=1000 * S)
    assert (peak, step) == (1.0, Likelihood.LIKELY)
    before = [feedback(i, i, FeedbackVerdict.FALSE, 500) for i in range(20)]
    assert step_of(time_s, score, before, start_ns=1000 * S)[1] is Likelihood.POSSIBLE
    after = [feedback(i, i, FeedbackVerdict.FALSE, 1500) for i in range(20)]
    assert step_of(time_s, score, after, start_ns=1000 * S)[1] is Likelihood.LIKELY


def test_an_episode_whose_scores_are_gone_has_no_step() -> None:
    peak, step = step_of(np.arange(5.0), np.full(5, nan), (), start_ns=0)
    assert isnan(peak)
    assert step is None
