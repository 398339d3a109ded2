"""The alarm rule and its delays by themselves, and the count of alarms that a threshold is set by."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpwatch_gui.domain.alarms.alarm import Stimulus
from pumpwatch_gui.domain.alarms.delays import OnOffDelay
from pumpwatch_gui.domain.alarms.episodes import ANOMALY_RULE, AlarmRule, Episodes, ScoreAlarm
from pumpwatch_gui.infer.training.alarm_rate import Track, alarms_at

S = 10**9


@given(st.lists(st.sampled_from(["over", "between", "clear"]), max_size=200))
def test_delays_alternate_and_nothing_moves_before_its_delay(steps: list[str]) -> None:
    delay = OnOffDelay(3, 2)
    last, held = None, 0
    for t, step in enumerate(steps):
        wanted = step == "over" if not delay.active else step != "clear"
        held = held + 1 if wanted != delay.active else 0
        moved = delay.update(t, over=step == "over", clear=step == "clear")
        if moved is not None:
            assert moved is not last
            assert held > (3 if moved is Stimulus.RAISED else 2)
            last, held = moved, 0


def test_a_restarted_delay_counts_from_its_next_sample_and_leaves_the_alarm() -> None:
    delay = OnOffDelay(3, 3)
    assert delay.update(0, over=True, clear=False) is None
    assert delay.is_running
    delay.restart()
    assert [delay.update(t, over=True, clear=False) for t in (3, 5, 6)] == [None, None, Stimulus.RAISED]
    assert delay.update(7, over=False, clear=True) is None
    delay.restart()
    assert delay.active
    assert [delay.update(t, over=False, clear=True) for t in (20, 23)] == [None, Stimulus.RETURNED]


@pytest.mark.parametrize("wrong", [{"clear_below": 1.1}, {"on_delay_s": -1.0}, {"merge_s": -1.0}])
def test_a_rule_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must not be"):
        AlarmRule(**wrong)


def test_episodes_run_from_the_raise_to_the_last_instant_in_alarm_with_their_peak() -> None:
    episodes = Episodes(AlarmRule(on_delay_s=0, off_delay_s=0))
    for second in range(200):
        over = 10 <= second < 20 or 45 <= second < 50 or 120 <= second < 130
        assert episodes.update(second * S, 1.5 if second == 15 else 1.1 * over) == over
    assert [(e.start_ns // S, e.end_ns // S, e.peak) for e in episodes.all] == [(10, 49, 1.5), (120, 129, 1.1)]


def test_a_raise_exactly_at_the_merging_time_is_the_same_episode() -> None:
    for late_ns, stimulus in ((0, Stimulus.RESUMED), (1, Stimulus.RAISED)):
        alarm = ScoreAlarm(AlarmRule(on_delay_s=0, off_delay_s=0))
        found = [alarm.update(second * S, 0.0 if second else 2.0) for second in range(30)]
        assert found[:2] == [Stimulus.RAISED, Stimulus.RETURNED]
        assert alarm.update(30 * S + late_ns, 2.0) is stimulus


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from([0.5, 1.0, 1.0, 1.0, 3.5, 40.0]), st.sampled_from([0.2, 0.94, 1.0, 1.4, 3.0])),
        min_size=1,
        max_size=150,
    ),
    level=st.sampled_from([0.0, 0.9, 1.0, 1.25]),
)
def test_the_count_that_sets_a_threshold_is_that_of_the_rule(rows: list[tuple[float, float]], level: float) -> None:
    time_s = np.cumsum([step for step, _ in rows])
    score = np.array([score for _, score in rows])
    track = Track(time_s, score)
    episodes = Episodes(ANOMALY_RULE.scaled(level))
    for time_ns, one in zip(track.time_ns.tolist(), score.tolist(), strict=True):
        episodes.update(time_ns, one)
    assert alarms_at(level, [track, Track(np.zeros(0), np.zeros(0))]) == len(episodes.all)
