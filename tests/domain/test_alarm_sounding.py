"""Which alarm sound starts when."""

from math import nan

from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.alarms.sounding import LEAST_S, REPEAT_S, Sounding

HIGH, MEDIUM, LOW, DIAGNOSTIC = Priority
B, C, D = AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED, AlarmState.RETURNED


def alarm(name: str = "a", priority: Priority = LOW, state: AlarmState = B, raised: int = 1) -> Alarm:
    """An alarm of P-1."""
    return Alarm(f"P-1/{name}", "P-1", name, priority, name, state, nan, nan, "", raised, raised)


def starts(sounding: Sounding, alarms: list[Alarm], times: range) -> list[int]:
    """The seconds at which a sound starts."""
    return [t for t in times if sounding.due(alarms, float(t)) is not None]


def test_a_sound_repeats_the_faster_the_more_urgent_until_it_is_acknowledged() -> None:
    for priority, second in ((HIGH, [0, 3, 6, 9]), (MEDIUM, [0, 8]), (LOW, [0])):
        assert starts(Sounding(), [alarm(priority=priority)], range(10)) == second
    assert starts(Sounding(), [alarm(priority=DIAGNOSTIC)], range(100)) == []
    assert starts(Sounding(), [alarm(state=C)], range(100)) == []


def test_an_alarm_that_returned_sounds_until_it_is_acknowledged() -> None:
    assert starts(Sounding(), [alarm(state=D)], range(30)) == [0, 20]


def test_the_most_urgent_one_sounds_and_a_new_alarm_sounds_at_once() -> None:
    sounding = Sounding()
    assert sounding.due([alarm()], 0.0) is LOW
    assert sounding.due([alarm()], 5.0) is None
    assert sounding.due([alarm(), alarm("b")], 5.5) is LOW
    assert sounding.due([alarm(), alarm("b"), alarm("c", HIGH)], 6.0) is None, "half a second after another"
    assert sounding.due([alarm(), alarm("b"), alarm("c", HIGH)], 6.5) is HIGH
    assert sounding.audible is HIGH


def test_silence_quiets_what_is_there_and_a_new_alarm_sounds_again() -> None:
    sounding, there = Sounding(), [alarm(priority=HIGH)]
    assert sounding.due(there, 0.0) is HIGH
    sounding.silence()
    assert (sounding.is_silenced, sounding.audible) == (True, None)
    assert starts(sounding, there, range(1, 50)) == []
    assert sounding.due([*there, alarm("b")], 60.0) is LOW, "only the new one sounds"
    assert (sounding.is_silenced, sounding.audible) == (False, LOW)
    assert sounding.due([], 61.0) is None
    assert (sounding.is_silenced, sounding.audible) == (False, None)


def test_a_silenced_alarm_sounds_again_when_it_is_more_urgent_or_announced_again() -> None:
    sounding = Sounding()
    sounding.due([alarm(priority=MEDIUM)], 0.0)
    sounding.silence()
    assert sounding.due([alarm(priority=LOW)], 100.0) is None
    assert sounding.due([alarm(priority=HIGH)], 101.0) is HIGH
    sounding.silence()
    assert sounding.due([alarm(priority=HIGH, state=C)], 102.0) is None
    assert sounding.due([alarm(priority=HIGH)], 103.5) is HIGH, "at a new level: unacknowledged again"
    sounding.silence()
    assert sounding.due([alarm(priority=HIGH, raised=2)], 105.0) is HIGH


one_alarm = st.builds(
    alarm, st.sampled_from("abcd"), st.sampled_from(Priority), st.sampled_from([B, C, D]), st.integers(1, 2)
)
some = st.lists(one_alarm, max_size=5, unique_by=lambda a: a.alarm_id)


@given(st.lists(st.tuples(some, st.booleans(), st.sampled_from([0.05, 0.5, 1.0, 4.0, 30.0])), max_size=40))
def test_whatever_happens_silence_holds_and_nothing_unheard_is_quiet(
    steps: list[tuple[list[Alarm], bool, float]],
) -> None:
    sounding, now_s, last_s = Sounding(), 0.0, -100.0
    silenced: dict[tuple[str, int], Priority] = {}
    for alarms, is_silenced, step_s in steps:
        now_s += step_s
        waiting = {(a.alarm_id, a.raised_ns): a.priority for a in alarms if a.state is not C and a.priority < 4}
        silenced = {k: p for k, p in silenced.items() if k in waiting}
        loud = [p for k, p in waiting.items() if k not in silenced or p < silenced[k]]
        due = sounding.due(alarms, now_s)
        assert sounding.audible == min(loud, default=None)
        if due is not None:
            assert due == min(loud)
            assert now_s - last_s >= LEAST_S
            last_s = now_s
        elif loud:
            assert now_s - last_s < REPEAT_S[min(loud)], "an alarm that is not silenced is never quiet for longer"
        if is_silenced:
            sounding.silence()
            silenced = dict(waiting)
            assert sounding.audible is None
            assert sounding.is_silenced == bool(waiting)
