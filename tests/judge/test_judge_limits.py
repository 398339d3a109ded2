"""Limits, persistence, masks."""

from collections.abc import Callable, Iterable

import pytest

from pumpwatch_gui.domain.alarms.alarm import Stimulus
from pumpwatch_gui.domain.pump.profile import Limits, PumpProfile, Sensor
from pumpwatch_gui.domain.pump.running import run_rule, state_of
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.judge.sources.limits import LimitJudge

Make = Callable[..., Frame]
STANDBY, NO_DATA = RunState.STANDBY, RunState.NO_DATA


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


@pytest.mark.parametrize("value", [80.0, 20.0, 50.0])
def test_at_the_limit_is_not_over_it(two_sensor_profile: PumpProfile, make_frame: Make, value: float) -> None:
    assert found(LimitJudge(two_sensor_profile), make_frame, [(t, value) for t in range(100)]) == []


def test_exactly_back_by_the_deadband_is_not_yet_clear(two_sensor_profile: PumpProfile, make_frame: Make) -> None:
    judge = LimitJudge(two_sensor_profile)
    found(judge, make_frame, [(0, 81), (1, 81)])
    assert found(judge, make_frame, [(t, 78.0) for t in range(2, 60)]) == []


def delayed(on_s: float, off_s: float) -> PumpProfile:
    limits = Limits(high=78, on_delay_s=on_s, off_delay_s=off_s)
    speed = Sensor("motor_rpm", "Speed", "rpm", (0, 3000), 1)
    return PumpProfile("two", (speed, Sensor("temperature_c", "Temperature", "degC", (-50, 200), 0.1, None, limits)))


def test_one_sample_over_before_a_bad_value_and_one_an_hour_after_it_raise_nothing(make_frame: Make) -> None:
    series: list[tuple[float, float | None]] = [(0, 80), (1, None), *((t, 60) for t in range(2, 3602)), (3602, 80)]
    assert found(LimitJudge(delayed(5, 5)), make_frame, series) == []
    lasting: list[tuple[float, float | None]] = [(0, 80), *((t, None) for t in range(1, 3602)), (3602, 80)]
    assert found(LimitJudge(delayed(5, 5)), make_frame, lasting) == []


def test_one_sample_over_before_a_gap_and_one_after_it_raise_nothing(make_frame: Make) -> None:
    assert found(LimitJudge(delayed(5, 5)), make_frame, [(0, 80), (3600, 80)]) == []
    judge = LimitJudge(delayed(5, 5))
    assert found(judge, make_frame, [(0, 60), (1, 60), (2, 80), *((t, 80) for t in range(3600, 3605))]) == []
    assert found(judge, make_frame, [(3605, 80)]) == [(3605, "temperature_c.high", Stimulus.RAISED)]


@pytest.mark.parametrize(("lost", "raised_s"), [(1, 5), (2, 5), (3, 9)])
def test_a_delay_runs_on_over_two_lost_scans_and_restarts_after_more(
    make_frame: Make, lost: int, raised_s: int
) -> None:
    before: list[tuple[float, float | None]] = [(t, 60) for t in range(-9, 0)]
    series = before + [(t, None if 1 <= t <= lost else 80) for t in range(20)]
    raised = found(LimitJudge(delayed(5, 5)), make_frame, series)
    assert raised == [(raised_s, "temperature_c.high", Stimulus.RAISED)]


@pytest.mark.parametrize(("lost", "returned_s"), [(2, 25), (10, 36)])
def test_an_off_delay_restarts_after_a_bad_stretch_too(make_frame: Make, lost: int, returned_s: int) -> None:
    judge = LimitJudge(delayed(5, 5))
    found(judge, make_frame, [(t, 80) for t in range(20)])
    series = [(t, None if 21 <= t < 21 + lost else 60.0) for t in range(20, 60)]
    assert found(judge, make_frame, series) == [(returned_s, "temperature_c.high", Stimulus.RETURNED)]


@pytest.mark.parametrize("period_s", [0.1, 1.0, 20.0])
def test_a_condition_that_holds_is_raised_at_any_pace(make_frame: Make, period_s: float) -> None:
    raised = found(LimitJudge(delayed(5, 5)), make_frame, [(t * period_s, 80) for t in range(100)])
    assert len(raised) == 1
    assert 5 <= raised[0][0] <= 5 + 2 * period_s


def test_other_limits_keep_the_start_up_mask_and_the_active_alarms(
    two_sensor_profile: PumpProfile, make_frame: Make
) -> None:
    judge = LimitJudge(two_sensor_profile)
    found(judge, make_frame, [(0, 85)], STANDBY)
    assert found(judge, make_frame, [(1, 85), (2, 85)]) == [(1, "temperature_c.high", Stimulus.RAISED)]
    judge.use_profile(two_sensor_profile, {"temperature_c.high"})
    assert judge.sources == {f"temperature_c.{level}" for level in ("low_low", "low", "high", "high_high")}
    returned = found(judge, make_frame, [(t, 15) for t in range(3, 31)])
    assert returned == [(4, "temperature_c.high", Stimulus.RETURNED)]
    assert found(judge, make_frame, [(t, 15) for t in range(31, 35)]) == [(32, "temperature_c.low", Stimulus.RAISED)]


def test_a_bad_value_freezes_the_alarm(two_sensor_profile: PumpProfile, make_frame: Make) -> None:
    judge = LimitJudge(two_sensor_profile)
    found(judge, make_frame, [(0, 85), (1, 85)])
    assert found(judge, make_frame, [(t, None) for t in range(2, 60)]) == []
    assert found(judge, make_frame, [(60, 50), (61, 50)]) == [(61, "temperature_c.high", Stimulus.RETURNED)]


def test_low_limits_are_masked_while_the_pump_stands_and_starts(
    two_sensor_profile: PumpProfile, make_frame: Make
) -> None:
    judge = LimitJudge(two_sensor_profile)
    assert found(judge, make_frame, [(t, 5) for t in range(60)], STANDBY) == []
    assert found(judge, make_frame, [(t, 5) for t in range(60, 91)]) == []
    raised = found(judge, make_frame, [(91, 5)])
    assert {source for _, source, _ in raised} == {"temperature_c.low", "temperature_c.low_low"}


def test_a_link_that_returns_is_no_start_of_the_pump(two_sensor_profile: PumpProfile, make_frame: Make) -> None:
    judge = LimitJudge(two_sensor_profile)
    assert found(judge, make_frame, [(t, 50) for t in range(10)]) == []
    assert found(judge, make_frame, [(t, None) for t in range(10, 20)], NO_DATA) == []
    raised = found(judge, make_frame, [(t, 15) for t in range(20, 23)])
    assert raised == [(21, "temperature_c.low", Stimulus.RAISED)]


def test_a_pump_that_stood_before_the_link_was_lost_is_starting_when_it_runs(
    two_sensor_profile: PumpProfile, make_frame: Make
) -> None:
    judge = LimitJudge(two_sensor_profile)
    found(judge, make_frame, [(0, 50)], STANDBY)
    found(judge, make_frame, [(t, None) for t in range(1, 10)], NO_DATA)
    assert found(judge, make_frame, [(t, 15) for t in range(10, 41)]) == []
    assert found(judge, make_frame, [(41, 15)]) == [(41, "temperature_c.low", Stimulus.RAISED)]


@pytest.mark.parametrize("state", [RunState.STANDBY, RunState.NO_DATA])
def test_a_low_alarm_is_neither_ended_nor_raised_while_it_is_masked(
    two_sensor_profile: PumpProfile, make_frame: Make, state: RunState
) -> None:
    judge = LimitJudge(two_sensor_profile)
    assert found(judge, make_frame, [(0, 15), (1, 15)]) == [(1, "temperature_c.low", Stimulus.RAISED)]
    low, by_design = "temperature_c.low", state is RunState.STANDBY
    masked = found(judge, make_frame, [(t, 50) for t in range(2, 100)], state)
    assert masked == [(2, low, Stimulus.SUPPRESSED)] * by_design
    again = found(judge, make_frame, [(t, 15) for t in range(100, 140)])
    assert again == [(130, low, Stimulus.RELEASED)] * by_design
    returned = found(judge, make_frame, [(t, 50) for t in range(140, 145)])
    assert returned == [(141, low, Stimulus.RETURNED)]


def test_a_low_alarm_of_a_stopped_pump_is_judged_again_after_its_start(
    two_sensor_profile: PumpProfile, make_frame: Make
) -> None:
    judge = LimitJudge(two_sensor_profile)
    found(judge, make_frame, [(0, 15), (1, 15)])
    found(judge, make_frame, [(2, 50)], STANDBY)
    returned = found(judge, make_frame, [(t, 50) for t in range(3, 60)])
    low = "temperature_c.low"
    assert returned == [(34, low, Stimulus.RETURNED), (34, low, Stimulus.RELEASED)]


def test_high_limits_count_while_the_pump_stands(two_sensor_profile: PumpProfile, make_frame: Make) -> None:
    raised = found(LimitJudge(two_sensor_profile), make_frame, [(0, 95), (1, 95)], STANDBY)
    assert [source for _, source, _ in raised] == ["temperature_c.high", "temperature_c.high_high"]


@pytest.mark.parametrize(("rpm", "state"), [(1480, RunState.RUNNING), (0, RunState.STANDBY), (None, RunState.NO_DATA)])
def test_speed_tells_the_run_state(
    two_sensor_profile: PumpProfile, make_frame: Make, rpm: float | None, state: RunState
) -> None:
    assert state_of(make_frame([rpm, 50]), two_sensor_profile.tags, run_rule(two_sensor_profile)) is state
