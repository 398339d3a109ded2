"""Limits, persistence, masks."""

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.alarms.alarm import AlarmState, Stimulus, next_state
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.pump.running import run_rule, state_of
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.judge.alarms.desk import AlarmDesk
from pumpwatch_gui.judge.sources.limits import LimitJudge

Make = Callable[..., Frame]


def found(
    judge: LimitJudge,
    make: Make,
    series: Iterable[tuple[float, float | None]],
    state: RunState = RunState.RUNNING,
) -> list[tuple[float, str, Stimulus]]:
    out: list[tuple[float, str, Stimulus]] = []
    for at_s, value in series:
        out += [(at_s, f.source, f.stimulus) for f in judge.judge(make([1480.0, value], at_s=at_s), state)]
    return out


def test_an_alarm_rises_once_after_its_delay_and_not_per_sample(
    two_sensor_profile: PumpProfile, make_frame: Make
) -> None:
    series = [(t / 10, 85.0) for t in range(600)]
    assert found(LimitJudge(two_sensor_profile), make_frame, series) == [(1.0, "temperature_c.high", Stimulus.RAISED)]


def test_a_spike_shorter_than_the_delay_says_nothing(two_sensor_profile: PumpProfile, make_frame: Make) -> None:
    series = [(t / 10, 95.0 if t % 8 else 50.0) for t in range(600)]
    assert found(LimitJudge(two_sensor_profile), make_frame, series) == []


def test_it_returns_only_when_back_by_the_deadband(two_sensor_profile: PumpProfile, make_frame: Make) -> None:
    judge = LimitJudge(two_sensor_profile)
    assert len(found(judge, make_frame, [(0, 81), (1, 81)])) == 1
    assert found(judge, make_frame, [(2, 79), (3, 79), (9, 78.5)]) == []
    assert found(judge, make_frame, [(10, 77.9), (11, 77.9)]) == [(11, "temperature_c.high", Stimulus.RETURNED)]


def test_a_bad_value_freezes_the_alarm(two_sensor_profile: PumpProfile, make_frame: Make) -> None:
    judge = LimitJudge(two_sensor_profile)
    found(judge, make_frame, [(0, 85), (1, 85)])
    assert found(judge, make_frame, [(t, None) for t in range(2, 60)]) == []
    assert found(judge, make_frame, [(60, 50), (61, 50)]) == [(61, "temperature_c.high", Stimulus.RETURNED)]


def test_low_limits_are_masked_while_the_pump_stands_and_starts(
    two_sensor_profile: PumpProfile, make_frame: Make
) -> None:
    judge = LimitJudge(two_sensor_profile)
    assert found(judge, make_frame, [(t, 5) for t in range(60)], RunState.STANDBY) == []
    assert found(judge, make_frame, [(t, 5) for t in range(60, 89)]) == []
    raised = found(judge, make_frame, [(t, 5) for t in range(89, 120)])
    assert {source for _, source, _ in raised} == {"temperature_c.low", "temperature_c.low_low"}


def test_high_limits_count_while_the_pump_stands(two_sensor_profile: PumpProfile, make_frame: Make) -> None:
    raised = found(LimitJudge(two_sensor_profile), make_frame, [(0, 95), (1, 95)], RunState.STANDBY)
    assert [source for _, source, _ in raised] == ["temperature_c.high", "temperature_c.high_high"]


@given(st.lists(st.sampled_from([Stimulus.RAISED, Stimulus.RETURNED, Stimulus.ACKNOWLEDGED]), max_size=50))
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


def test_the_desk_tells_each_change_once_and_sorts_worst_first(
    two_sensor_profile: PumpProfile, make_frame: Make
) -> None:
    desk, judge = AlarmDesk(), LimitJudge(two_sensor_profile)
    for t in (0.0, 1.0):
        for finding in judge.judge(make_frame([1480, 95], at_s=t), RunState.RUNNING):
            assert desk.apply("P-101", finding, 1) is not None
            assert desk.apply("P-101", finding, 2) is None
    assert [a.alarm_id for a in desk.alarms] == ["P-101/temperature_c.high_high", "P-101/temperature_c.high"]
    change = desk.acknowledge("P-101/temperature_c.high", by="me", time_ns=3)
    assert change is not None
    assert (change.alarm.state, change.alarm.by) == (AlarmState.ACKNOWLEDGED, "me")
    assert desk.acknowledge("P-101/temperature_c.high", by="me", time_ns=3) is None
    assert desk.acknowledge("nothing", by="me", time_ns=3) is None


@pytest.mark.parametrize(("rpm", "state"), [(1480, RunState.RUNNING), (0, RunState.STANDBY), (None, RunState.NO_DATA)])
def test_speed_tells_the_run_state(
    two_sensor_profile: PumpProfile, make_frame: Make, rpm: float | None, state: RunState
) -> None:
    assert state_of(make_frame([rpm, 50]), two_sensor_profile.tags, run_rule(two_sensor_profile)) is state
