"""How a line of the journal reads in a list."""

from dataclasses import replace
from math import nan

import pytest

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.events import AlarmChanged
from pumpwatch_gui.domain.journal import journal_row, line_words
from pumpwatch_gui.domain.wording import counted

HOT = Alarm(
    "P-1/t.high", "P-1", "t.high", Priority.HIGH, "Bearing temperature high", AlarmState.UNACKNOWLEDGED,
    79.5, 78.0, "degC", 1, 1,
)  # fmt: skip


@pytest.mark.parametrize(
    ("alarm", "words"),
    [
        (HOT, "Bearing temperature high · 79.5 °C, limit 78 °C"),
        (replace(HOT, value=nan, limit=nan, text="Link lost"), "Link lost"),
        (replace(HOT, limit=nan), "Bearing temperature high · 79.5 °C"),
        (replace(HOT, state=AlarmState.ACKNOWLEDGED), "Bearing temperature high (acknowledged)"),
        (replace(HOT, state=AlarmState.RETURNED), "Bearing temperature high (returned, unacknowledged)"),
    ],
)
def test_an_alarm_that_comes_has_its_value_and_limit_in_a_list(alarm: Alarm, words: str) -> None:
    assert line_words(journal_row(AlarmChanged(1, alarm), 1)) == words


def test_one_thing_is_not_many() -> None:
    assert [counted(n, "event") for n in (0, 1, 3204)] == ["0 events", "1 event", "3,204 events"]
