"""The order of the operator's list, at the station, in a replay and in a viewer."""

from dataclasses import replace

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority, by_rank

BASE = Alarm("P-1/a", "P-1", "flow", Priority.MEDIUM, "low", AlarmState.ACKNOWLEDGED, 1.0, 2.0, "", 5, 5)


def test_the_more_urgent_is_first_then_what_waits_for_a_person_then_the_newest() -> None:
    older = replace(BASE, alarm_id="P-1/b", raised_ns=4)
    waiting = replace(BASE, alarm_id="P-1/c", state=AlarmState.UNACKNOWLEDGED, raised_ns=1)
    urgent = replace(BASE, alarm_id="P-1/d", priority=Priority.HIGH, state=AlarmState.SHELVED, raised_ns=1)
    twin = replace(BASE, alarm_id="P-1/0")
    assert sorted([older, BASE, twin, waiting, urgent], key=by_rank) == [urgent, waiting, twin, BASE, older]


def test_every_state_has_its_place() -> None:
    assert len({by_rank(replace(BASE, state=state)) for state in AlarmState}) == len(AlarmState)
