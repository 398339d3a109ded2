"""Which alarms a filter lets through, and how one is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.alarms.filtering import AlarmFilter, filter_of_text
from tests.gui.fake_scenes import Scene
from tests.gui.fake_station import FakeStation

FILTERS = st.builds(
    AlarmFilter, st.text(), st.text(), st.sampled_from([None, Priority.HIGH, Priority.MEDIUM, Priority.LOW]),
    st.booleans(),
)  # fmt: skip


def alarms() -> tuple[Alarm, ...]:
    """Those of a hot and of a lost pump."""
    return FakeStation(2, scenes={0: Scene("hot"), 1: Scene("lost")}, history_s=60).latest().alarms


@given(FILTERS)
def test_a_filter_that_was_kept_is_the_same(chosen: AlarmFilter) -> None:
    assert filter_of_text(chosen.as_text()) == chosen


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"words": "", "pump_id": "", "priority": 4, "is_unacknowledged": 0}']
)
def test_what_is_no_filter_is_none(text: str) -> None:
    assert filter_of_text(text) is None


def test_no_filter_lets_everything_through() -> None:
    assert all(AlarmFilter().lets_through(alarm) for alarm in alarms())
    assert AlarmFilter().kinds == ""


def test_a_filter_lets_through_what_is_as_urgent_as_it_says_or_more() -> None:
    for alarm in alarms():
        for least in (Priority.HIGH, Priority.MEDIUM, Priority.LOW):
            assert AlarmFilter(priority=least).lets_through(alarm) is (alarm.priority <= least)


def test_words_are_looked_for_in_pump_text_person_and_reason_without_regard_to_case() -> None:
    hot = next(alarm for alarm in alarms() if alarm.pump_id == "P-101")
    assert AlarmFilter(" p-101 ").lets_through(hot)
    assert AlarmFilter(hot.text.upper()).lets_through(hot)
    assert not AlarmFilter("no such words").lets_through(hot)


def test_only_what_waits_for_an_acknowledgement_is_let_through_if_that_is_asked() -> None:
    chosen = AlarmFilter(priority=Priority.MEDIUM, is_unacknowledged=True)
    assert chosen.kinds == "medium and above, unacknowledged"
    for alarm in alarms():
        waits = alarm.state in (AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED)
        assert AlarmFilter(is_unacknowledged=True).lets_through(alarm) is waits
