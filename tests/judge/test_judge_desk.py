"""The alarm desk: states, order, who acknowledged, what is retired, and several threads at once."""

import random
import threading
from math import nan

from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmSignal, AlarmState, Priority, Stimulus, next_state
from pumpwatch_gui.judge.alarms.desk import AlarmDesk

ORDINARY = (Stimulus.RAISED, Stimulus.RETURNED, Stimulus.ACKNOWLEDGED)


def signal(source: str, stimulus: Stimulus = Stimulus.RAISED, priority: Priority = Priority.HIGH) -> AlarmSignal:
    return AlarmSignal(source, "", priority, f"{source} is up", nan, nan, "", stimulus)


def raised(*alarms: tuple[str, str]) -> AlarmDesk:
    desk = AlarmDesk()
    for time_ns, (pump_id, source) in enumerate(alarms, start=1):
        desk.apply(pump_id, signal(source), time_ns)
    return desk


@given(st.lists(st.sampled_from(ORDINARY), max_size=50))
def test_an_alarm_that_was_raised_needs_both_return_and_acknowledge(stimuli: list[Stimulus]) -> None:
    state = AlarmState.NORMAL
    since: list[Stimulus] = []
    for stimulus in stimuli:
        before, state = state, next_state(state, stimulus)
        if stimulus is Stimulus.RAISED and before is not AlarmState.ACKNOWLEDGED:
            since = []
        since.append(stimulus)
        if before is not AlarmState.NORMAL and state is AlarmState.NORMAL:
            assert {Stimulus.RETURNED, Stimulus.ACKNOWLEDGED} <= set(since)


def test_each_change_is_reported_once() -> None:
    desk = AlarmDesk()
    assert desk.apply("P", signal("a"), 1) is not None
    assert desk.apply("P", signal("a"), 2) is None
    change = desk.acknowledge("P/a", by="asha", time_ns=3)
    assert change is not None
    assert (change.alarm.state, change.alarm.by) == (AlarmState.ACKNOWLEDGED, "asha")
    assert desk.acknowledge("P/a", by="ravi", time_ns=4) is None
    assert desk.acknowledge("P/nothing", by="ravi", time_ns=4) is None


def test_a_new_alarm_names_nobody_who_acknowledged_the_last() -> None:
    desk = raised(("P", "a"))
    desk.acknowledge("P/a", by="asha", time_ns=2)
    change = desk.apply("P", signal("a", Stimulus.RETURNED), 3)
    assert change is not None
    assert (change.alarm.state, change.alarm.by) == (AlarmState.NORMAL, "asha")
    change = desk.apply("P", signal("a"), 4)
    assert change is not None
    assert (change.alarm.state, change.alarm.by, change.alarm.raised_ns) == (AlarmState.UNACKNOWLEDGED, "", 4)


def test_an_alarm_keeps_its_words_and_the_time_it_was_raised_until_it_is_raised_again() -> None:
    desk = raised(("P", "a"))
    later = AlarmSignal("a", "", Priority.HIGH, "other words", nan, nan, "", Stimulus.RETURNED)
    change = desk.apply("P", later, 5)
    assert change is not None
    assert (change.alarm.text, change.alarm.raised_ns, change.alarm.changed_ns) == ("a is up", 1, 5)


def test_an_alarm_raised_again_before_it_was_acknowledged_has_its_new_words_and_time() -> None:
    desk = raised(("P", "a"))
    desk.apply("P", signal("a", Stimulus.RETURNED), 5)
    change = desk.apply("P", AlarmSignal("a", "", Priority.HIGH, "other words", nan, nan, "", Stimulus.RAISED), 9)
    assert change is not None
    assert (change.alarm.text, change.alarm.raised_ns, change.alarm.by) == ("other words", 9, "")


stimuli = st.tuples(st.sampled_from(["a", "b", "c", "d"]), st.sampled_from(Priority), st.sampled_from(Stimulus))


@given(st.lists(stimuli, max_size=60))
def test_alarms_are_by_priority_the_unacknowledged_and_the_newest_first(
    moves: list[tuple[str, Priority, Stimulus]],
) -> None:
    desk = AlarmDesk()
    rank = {AlarmState.UNACKNOWLEDGED: 0, AlarmState.ACKNOWLEDGED: 1, AlarmState.RETURNED: 2}
    for time_ns, (source, priority, stimulus) in enumerate(moves):
        if stimulus is Stimulus.ACKNOWLEDGED:
            desk.acknowledge(f"P/{source}", by="asha", time_ns=time_ns)
        else:
            desk.apply("P", signal(source, stimulus, priority), time_ns)
        order = [(a.priority, rank[a.state], -a.raised_ns) for a in desk.alarms]
        assert order == sorted(order)
        assert len({a.alarm_id for a in desk.alarms}) == len(desk.alarms)
    again = AlarmDesk(reversed(desk.alarms))
    assert again.alarms == desk.alarms


def test_active_sources_are_those_whose_condition_holds() -> None:
    desk = raised(("P", "a"), ("P", "b"), ("Q", "c"))
    desk.apply("P", signal("b", Stimulus.RETURNED), 9)
    desk.acknowledge("P/a", by="asha", time_ns=9)
    assert desk.active_sources("P") == {"a"}


def test_a_retired_alarm_waits_for_its_acknowledgement_and_then_ends() -> None:
    desk = raised(("P", "a"), ("P", "b"))
    desk.acknowledge("P/b", by="asha", time_ns=5)
    changes = desk.retire("P", {"a", "b", "never raised"}, 9)
    assert {(c.alarm.alarm_id, c.alarm.state) for c in changes} == {
        ("P/a", AlarmState.RETURNED),
        ("P/b", AlarmState.NORMAL),
    }
    assert all(c.alarm.text.endswith(", no longer watched") for c in changes)
    assert desk.retire("P", {"a", "b"}, 10) == ()
    assert desk.acknowledge("P/a", by="asha", time_ns=11) is not None
    assert desk.alarms == ()


def test_open_alarms_of_what_no_longer_exists_are_retired_at_the_start() -> None:
    before = raised(
        ("P", "motor_rpm.high"), ("P", "motor_rpm.low"), ("GONE", "link.1"), ("P", "link.2"), ("P", "link.1")
    )
    desk = AlarmDesk(before.alarms)
    changes = desk.retire_unknown({"P": {"motor_rpm.low", "link.1"}}, 99)
    assert {c.alarm.alarm_id for c in changes} == {"P/motor_rpm.high", "GONE/link.1", "P/link.2"}
    assert {a.alarm_id for a in desk.alarms if a.state.is_active} == {"P/motor_rpm.low", "P/link.1"}
    assert desk.retire_unknown({"P": {"motor_rpm.low", "link.1"}}, 100) == ()
    for alarm in desk.alarms:
        desk.acknowledge(alarm.alarm_id, by="asha", time_ns=101)
    assert {a.alarm_id for a in desk.alarms} == {"P/motor_rpm.low", "P/link.1"}


def test_a_renamed_pump_keeps_its_alarms_and_an_episode_goes_on_under_the_new_id() -> None:
    desk = raised(("P", "anomaly"), ("P", "a"))
    desk.acknowledge("P/anomaly", by="asha", time_ns=5)
    desk.apply("P", signal("anomaly", Stimulus.RETURNED), 6)
    changes = desk.rename("P", "Q", 7)
    assert [(c.alarm.alarm_id, c.alarm.state) for c in changes] == [
        ("P/a", AlarmState.NORMAL),
        ("Q/a", AlarmState.UNACKNOWLEDGED),
    ]
    assert all(c.is_renamed for c in changes)
    change = desk.apply("Q", signal("anomaly", Stimulus.RESUMED), 8)
    assert change is not None
    assert (change.alarm.state, change.alarm.by, change.alarm.raised_ns) == (AlarmState.ACKNOWLEDGED, "asha", 1)


def test_several_threads_lose_no_change() -> None:
    """Every thread's changes are those of its own pump; the last one to see the desk sees all."""
    desk = AlarmDesk()
    kept: dict[str, Alarm | None] = {}

    def work(pump_id: str) -> None:
        rng, last = random.Random(pump_id), dict[str, Alarm]()
        for step in range(600):
            source, stimulus = rng.choice("abc"), rng.choice(ORDINARY)
            if stimulus is Stimulus.ACKNOWLEDGED:
                change = desk.acknowledge(f"{pump_id}/{source}", by=pump_id, time_ns=step)
            else:
                change = desk.apply(pump_id, signal(source, stimulus), step)
            if change is not None:
                last[change.alarm.alarm_id] = change.alarm
        kept.update(last)

    threads = [threading.Thread(target=work, args=(f"P-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    is_open = {a for a in kept.values() if a is not None and a.state is not AlarmState.NORMAL}
    assert {a.alarm_id for a in desk.alarms} == {a.alarm_id for a in is_open}
