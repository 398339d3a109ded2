"""When there is a flood, and its alarms by pump."""

from dataclasses import replace
from math import nan

from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.alarms.flood import AlarmsByPump, FloodWatch

S = 10**9
B, C = AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED


def alarm(name: str, raised_s: float = 0.0, *, pump_id: str = "P-1", priority: Priority = Priority.LOW,
          state: AlarmState = B) -> Alarm:  # fmt: skip
    """An alarm raised at that time."""
    at_ns = round(raised_s * S)
    return Alarm(f"{pump_id}/{name}", pump_id, name, priority, name, state, nan, nan, "", at_ns, at_ns)


def test_a_flood_starts_with_ten_in_ten_minutes_and_ends_below_five() -> None:
    watch, there = FloodWatch(), [alarm(f"a{i}", i) for i in range(9)]
    watch.see(there, 10 * S)
    assert (watch.count, watch.is_flood) == (9, False)
    watch.see([*there, alarm("b", 11)], 12 * S)
    assert (watch.count, watch.is_flood) == (10, True)
    watch.see([], 604 * S)
    assert (watch.count, watch.is_flood) == (5, True), "what is gone or acknowledged has come all the same"
    watch.see([], 605 * S)
    assert (watch.count, watch.is_flood) == (4, False)
    watch.see([alarm(f"a{i}", 606) for i in range(5)], 607 * S)
    assert not watch.is_flood


def test_an_alarm_that_is_gone_between_two_looks_counts_and_each_once() -> None:
    watch = FloodWatch()
    for one in (alarm("a", 1), alarm("a", 2), alarm("a", 2), alarm("b", 2, state=C)):
        watch.note(one)
    watch.see([alarm("a", 2)], 3 * S)
    assert watch.count == 2


def test_pumps_come_in_the_order_of_their_first_alarm_with_the_worst_and_the_first_out() -> None:
    groups = AlarmsByPump()
    there = [
        alarm("x", 5, pump_id="P-2"),
        alarm("y", 3, pump_id="P-3", state=C),
        alarm("z", 6, pump_id="P-3", priority=Priority.HIGH),
    ]
    groups.see(there, first_out={"P-3": "P-3/z"})
    second, first = groups.groups[1], groups.groups[0]
    assert (first.pump_id, first.count, first.unacknowledged, first.worst) == ("P-3", 2, 1, Priority.HIGH)
    assert first.first.source == "z", "the desk knows better than the clock"
    assert (second.pump_id, second.first.source) == ("P-2", "x")


def test_nothing_moves_and_a_pump_whose_alarms_are_gone_stays() -> None:
    groups = AlarmsByPump()
    groups.see([alarm("x", 5, pump_id="P-2"), alarm("y", 6, pump_id="P-3")])
    groups.see([alarm("y", 6, pump_id="P-3"), alarm("w", 1, pump_id="P-1", priority=Priority.HIGH)])
    assert [(g.pump_id, g.count, g.worst) for g in groups.groups] == [
        ("P-2", 0, None), ("P-3", 1, Priority.LOW), ("P-1", 1, Priority.HIGH),
    ]  # fmt: skip
    groups.see([alarm("new", 9, pump_id="P-2")])
    assert groups.groups[0].first.source == "new", "another episode has another first"
    groups.clear()
    assert groups.groups == ()


def test_an_open_pump_shows_what_was_there_and_counts_what_came_since() -> None:
    groups = AlarmsByPump()
    x, y, z = alarm("x", 1), alarm("y", 2), alarm("z", 3)
    groups.see([x, y])
    assert list(groups.groups[0].alarms) == []
    groups.toggle("P-1")
    groups.see([y, z], [replace(x, state=AlarmState.SHELVED)])
    opened = groups.groups[0]
    assert [(a.source, a.state) for a in opened.alarms] == [("x", AlarmState.SHELVED), ("y", B)]
    assert (opened.unseen, opened.count) == (1, 2)
    groups.see([z])
    assert [a.state for a in groups.groups[0].alarms] == [AlarmState.NORMAL, AlarmState.NORMAL]
    groups.toggle("P-1")
    assert [a.source for a in groups.groups[0].alarms] == ["x", "y", "z"], "opened again: the new ones below"
    groups.toggle("P-1")
    assert not groups.groups[0].is_open
    groups.toggle("P-9")
    assert len(groups.groups) == 1


some = st.lists(
    st.builds(
        lambda name, pump, at, state: alarm(name, at, pump_id=f"P-{pump}", state=state),
        st.sampled_from("abc"), st.integers(1, 4), st.integers(0, 9), st.sampled_from([B, C]),
    ),
    max_size=8,
    unique_by=lambda a: a.alarm_id,
)  # fmt: skip


@given(st.lists(st.tuples(some, st.none() | st.integers(1, 4)), max_size=20))
def test_rows_only_ever_move_by_what_the_reader_does(steps: list[tuple[list[Alarm], int | None]]) -> None:
    groups = AlarmsByPump()
    rows: list[tuple[str, str]] = []
    for alarms, toggled in steps:
        groups.see(alarms)
        now = [(g.pump_id, i) for g in groups.groups for i in ("", *(a.alarm_id for a in g.alarms))]
        assert now[: len(rows)] == rows, "new ones only at the end"
        assert sum(g.count for g in groups.groups) == len(alarms)
        assert sum(g.unacknowledged for g in groups.groups) == sum(a.state is B for a in alarms)
        for group in groups.groups:
            shown = {a.alarm_id for a in group.alarms}
            missing = [a for a in alarms if a.pump_id == group.pump_id and a.alarm_id not in shown]
            assert group.unseen == len(missing)
        if toggled is not None:
            groups.toggle(f"P-{toggled}")
        rows = [(g.pump_id, i) for g in groups.groups for i in ("", *(a.alarm_id for a in g.alarms))]
