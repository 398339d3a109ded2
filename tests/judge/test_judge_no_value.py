"""A watched sensor without a value is an alarm after a minute, and never because of its link."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.alarms.alarm import Priority, Stimulus
from pumpwatch_gui.domain.pump.derived import DerivedQuantities, with_derived
from pumpwatch_gui.domain.pump.profile import Limits, PumpProfile, Sensor
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.judge.sources.no_value import NoValueJudge
from pumpwatch_gui.settings.profile_file import load_profile

S = 10**9
PROFILE = PumpProfile(
    "two",
    (Sensor("flow", "Flow", "l/min", (0, 100), limits=Limits(low=1.0)), Sensor("speed", "Speed", "rpm", (0, 100))),
)
OWN = (Reason.SENSOR_FAILURE, Reason.OUT_OF_RANGE, Reason.DEVICE_FAILURE, Reason.NOT_A_NUMBER)
OF_THE_LINK = (Reason.NO_COMMUNICATION, Reason.TIMEOUT)


def frame(at_s: float, flow: Reason, speed: Reason = Reason.NONE) -> Frame:
    bad = np.array([flow, speed]) != Reason.NONE
    values, quality = np.where(bad, np.nan, 5.0), np.where(bad, Quality.BAD, Quality.GOOD).astype(np.uint8)
    ns = int(at_s * S)
    return Frame("P", 1, ns, ns, values, quality, np.array([flow, speed], dtype=np.uint8))


def judged(
    judge: NoValueJudge, frames: Iterable[Frame], *, any_online: bool = True, all_online: bool = True
) -> list[tuple[float, str, Stimulus]]:
    return [
        (f.mono_ns / S, s.source, s.stimulus)
        for f in frames
        for s in judge.judge(f, any_online=any_online, all_online=all_online)
    ]


def test_a_watched_sensor_at_its_sentinel_for_a_minute_is_one_alarm_until_it_gives_a_value() -> None:
    judge = NoValueJudge(PROFILE, has_model=False)
    bad = [frame(t, Reason.SENSOR_FAILURE) for t in range(10, 1000)]
    assert judged(judge, bad) == [(70.0, "flow.no_value", Stimulus.RAISED)]
    assert judged(judge, [frame(1000, Reason.NONE)]) == [(1000.0, "flow.no_value", Stimulus.RETURNED)]


def test_its_text_names_sensor_and_reason_and_its_urgency_whether_it_has_limits() -> None:
    judge = NoValueJudge(PROFILE, has_model=True)
    signals = [
        s
        for t in range(100)
        for s in judge.judge(frame(t, Reason.OUT_OF_RANGE, Reason.OUT_OF_RANGE), any_online=True, all_online=True)
    ]
    assert [(s.tag, s.text, s.priority) for s in signals] == [
        ("flow", "Flow: no value, outside the sensor's span", Priority.MEDIUM),
        ("speed", "Speed: no value, outside the sensor's span", Priority.LOW),
    ]


def test_a_sensor_that_nothing_watches_or_nothing_brings_is_none() -> None:
    judge = NoValueJudge(PROFILE, has_model=False)
    assert judge.sources == {"flow.no_value"}
    assert judged(judge, [frame(t, Reason.NONE, Reason.SENSOR_FAILURE) for t in range(200)]) == []
    assert judged(judge, [frame(t, Reason.NOT_CONNECTED) for t in range(200, 400)]) == []


def test_it_says_nothing_of_the_loss_of_a_link_and_is_left_as_it_is_by_it() -> None:
    judge = NoValueJudge(PROFILE, has_model=False)
    lost = [frame(t, Reason.NO_COMMUNICATION) for t in range(200)]
    assert judged(judge, lost, any_online=False, all_online=False) == []
    assert len(judged(judge, [frame(t, Reason.SENSOR_FAILURE) for t in range(200, 300)])) == 1
    later = [frame(t, Reason.NO_COMMUNICATION) for t in range(300, 500)]
    assert judged(judge, later, any_online=False, all_online=False) == []
    assert judged(judge, [frame(500, Reason.NONE)]) == [(500.0, "flow.no_value", Stimulus.RETURNED)]


def test_a_minute_is_not_counted_across_a_gap() -> None:
    judge = NoValueJudge(PROFILE, has_model=False)
    judged(judge, [frame(t, Reason.SENSOR_FAILURE) for t in range(10)])
    assert judged(judge, [frame(1000.0 + t, Reason.SENSOR_FAILURE) for t in range(59)]) == []


def test_an_alarm_that_was_active_before_a_restart_is_not_raised_again() -> None:
    judge = NoValueJudge(PROFILE, has_model=False, active={"flow.no_value"})
    assert judged(judge, [frame(t, Reason.SENSOR_FAILURE) for t in range(200)]) == []
    assert judged(judge, [frame(200, Reason.NONE)]) == [(200.0, "flow.no_value", Stimulus.RETURNED)]


@given(st.lists(st.tuples(st.sampled_from([Reason.NONE, *OWN, *OF_THE_LINK]), st.booleans()), max_size=300))
def test_whatever_comes_it_is_raised_only_while_its_link_responds_and_once_an_episode(
    steps: list[tuple[Reason, bool]],
) -> None:
    judge, is_active = NoValueJudge(PROFILE, has_model=False), False
    for t, (reason, online) in enumerate(steps):
        for signal in judge.judge(frame(2.0 * t, reason), any_online=online, all_online=online):
            assert (signal.stimulus is Stimulus.RAISED) is not is_active
            is_active = signal.stimulus is Stimulus.RAISED
            if is_active:
                assert online
                assert all(r is not Reason.NONE and ok for r, ok in steps[max(0, t - 29) : t + 1])
            else:
                assert reason is Reason.NONE


def test_a_derived_quantity_with_limits_has_the_sensors_behind_it_watched_and_no_alarm_of_its_own() -> None:
    plain = replace(load_profile("centrifugal"), derived=())
    bare = replace(plain, sensors=tuple(replace(sensor, limits=Limits()) for sensor in plain.sensors))
    profile = with_derived(bare, {"head_m": Limits(low=30.0)})
    judge = NoValueJudge(profile, has_model=False)
    assert judge.sources == {"suction_pressure_bar.no_value", "discharge_pressure_bar.no_value"}
    values = np.array([1480.0, 65, 4.2, 2.3, 1450, 1.8, np.nan, 28.4, 58, 24])
    quality = np.where(np.isnan(values), Quality.BAD, Quality.GOOD).astype(np.uint8)
    reason = np.where(np.isnan(values), Reason.SENSOR_FAILURE, Reason.NONE).astype(np.uint8)
    derived, found = DerivedQuantities(profile), []
    for second in range(70):
        own = Frame("P", second, second * 10**9, second * 10**9, values, quality, reason)
        found += judge.judge(derived.whole(own), any_online=True, all_online=True)
    assert [signal.source for signal in found] == ["discharge_pressure_bar.no_value"]
