"""Limits on the past: rows that are passed over change nothing."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpwatch_gui.domain.alarms.alarm import Stimulus
from pumpwatch_gui.domain.pump.profile import Limits, PumpProfile, Sensor
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.judge.sources.limit_replay import Past, PastEpisode, _frame, replay
from pumpwatch_gui.judge.sources.limits import LimitJudge

SENSOR = Sensor("temperature_c", "Temperature", "degC", (0.0, 200.0), 0.1)


def by_every_row(limits: Limits, past: Past) -> list[PastEpisode]:
    """What the live judge says when it sees each row."""
    judge = LimitJudge(PumpProfile("past", (Sensor(*_of(SENSOR), limits=limits),)))
    since, found = dict[str, int](), list[PastEpisode]()
    for row, (at_ns, value, state) in enumerate(zip(past.time_ns, past.values, past.states, strict=True)):
        for signal in judge.judge(_frame(row, int(at_ns), float(value)), state):
            level = signal.source.rpartition(".")[2]
            if signal.stimulus is Stimulus.RAISED:
                since[level] = int(at_ns)
            elif signal.stimulus is Stimulus.RETURNED:
                found.append(PastEpisode(level, since.pop(level), int(at_ns)))
    return found + [PastEpisode(level, at, int(past.time_ns[-1])) for level, at in since.items()]


def _of(sensor: Sensor) -> tuple[str, str, str, tuple[float, float], float]:
    return sensor.tag, sensor.label, sensor.unit, sensor.span, sensor.resolution


@st.composite
def pasts(draw: st.DrawFn) -> Past:
    """Stretches of one value, one state and one pace, with holes between them."""
    times, values, states, now = [], [], [], 0.0
    for _ in range(draw(st.integers(1, 12))):
        length = draw(st.integers(1, 60))
        value = draw(st.sampled_from([20.0, 29.5, 31.0, 50.0, 69.0, 71.0, 90.0, float("nan")]))
        state = draw(st.sampled_from([*[RunState.RUNNING] * 4, RunState.STANDBY, RunState.NO_DATA]))
        period = draw(st.sampled_from([0.1, 1.0, 1.0, 7.0]))
        for _ in range(length):
            now += period
            times.append(round(now * 1e9))
        values += [value] * length
        states += [state] * length
        now += draw(st.sampled_from([0.0, 0.0, 2.0, 500.0]))
    return Past(np.array(times, dtype=np.int64), np.array(values), states)


LIMITS = st.builds(
    Limits,
    low_low=st.sampled_from([None, 25.0]),
    low=st.sampled_from([None, 30.0]),
    high=st.sampled_from([None, 70.0]),
    high_high=st.sampled_from([None, 80.0]),
    deadband=st.sampled_from([0.0, 2.0]),
    on_delay_s=st.sampled_from([0.0, 1.0, 20.0]),
    off_delay_s=st.sampled_from([0.0, 5.0]),
)


@settings(max_examples=400)
@given(LIMITS, pasts())
def test_the_past_has_the_alarms_that_the_live_judge_would_have_raised(limits: Limits, past: Past) -> None:
    assert list(replay(SENSOR, limits, past)) == by_every_row(limits, past)


def test_a_month_of_calm_values_is_passed_over() -> None:
    seen = list[float]()
    size = 30 * 86_400
    values = np.full(size, 50.0)
    values[1_000_000:1_000_060] = 75.0
    past = Past(np.arange(size, dtype=np.int64) * 10**9, values, [RunState.RUNNING] * size)
    found = replay(SENSOR, Limits(high=70.0, on_delay_s=10.0), past, progress=seen.append)
    assert found == (PastEpisode("high", 1_000_010 * 10**9, 1_000_065 * 10**9),)
    assert len(seen) <= 2
