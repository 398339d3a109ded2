"""The list of active alarms while it is read: against a plain model, over random changes of the desk."""

from dataclasses import replace
from math import nan

from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.alarms.held import HeldAlarms

IDS = tuple(f"P-101/tag{i}.high" for i in range(6))
STEPS = st.lists(
    st.tuples(st.lists(st.sampled_from(IDS), unique=True), st.sets(st.sampled_from(IDS)), st.booleans()), max_size=12
)


def alarm(alarm_id: str, state: AlarmState = AlarmState.UNACKNOWLEDGED) -> Alarm:
    tag = alarm_id.removeprefix("P-101/").removesuffix(".high")
    return Alarm(alarm_id, "P-101", tag, Priority.LOW, f"{tag} high", state, nan, nan, "", 1, 1)


@given(STEPS)
def test_no_row_moves_or_goes_while_the_list_is_read_and_none_is_lost(
    steps: list[tuple[list[str], set[str], bool]],
) -> None:
    held = HeldAlarms()
    gone = set[str]()
    for announced, hidden, is_read in steps:
        before = [a.alarm_id for a in held.rows]
        gone = (gone | (set(before) - set(announced) - hidden)) if is_read else set()
        now = [alarm(i) for i in announced]
        away = [alarm(i, AlarmState.SHELVED) for i in sorted(hidden - set(announced))]
        held.see(now, away, is_read=is_read)
        rows, new = [a.alarm_id for a in held.rows], [a.alarm_id for a in held.new]
        if is_read:
            assert rows == before
            assert new == [i for i in announced if i not in before or i in gone]
        else:
            assert (rows, new) == (announced, [])
        assert set(announced) <= set(rows) | set(new), "every announced alarm is on the list or counted as new"
        for row in held.rows:
            if row.alarm_id in gone:
                assert row.state is AlarmState.NORMAL, "what comes again is another alarm"
            elif row.alarm_id in announced:
                assert row.state is AlarmState.UNACKNOWLEDGED
            else:
                assert row.alarm_id in hidden
                assert row.state is AlarmState.SHELVED


def test_what_is_taken_is_what_is_there_now() -> None:
    held = HeldAlarms()
    first, second = alarm(IDS[0]), alarm(IDS[1])
    held.see([first], [], is_read=False)
    held.see([second], [], is_read=True)
    assert held.rows == (replace(first, state=AlarmState.NORMAL),)
    assert held.new == (second,)
    held.take()
    assert held.rows == (second,)
    assert not held.new
