import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.pump.counters import HOUR_NS, CounterTotals, Instant, PumpCounters, shown_totals
from pumpwatch_gui.domain.pump.quantities import COUNTERS
from pumpwatch_gui.domain.station import RunState

SECOND = 10**9
RUN, STAND, NONE = RunState.RUNNING, RunState.STANDBY, RunState.NO_DATA


def counted(*states: RunState, base: CounterTotals | None = None, was_running: bool | None = True) -> PumpCounters:
    """Counters after frames of those states, a second apart."""
    counters = PumpCounters((0.7, 1.2))
    counters.take_up(base or CounterTotals(), was_running=was_running)
    for i, state in enumerate(states, 1):
        counters.step(i * SECOND, Instant(state, 0.0, 1.0))
    return counters


def totals(counters: PumpCounters) -> CounterTotals:
    found = counters.totals
    assert found is not None
    return found


def test_a_pump_that_runs_for_ten_intervals_has_run_for_ten_seconds() -> None:
    assert totals(counted(*[RUN] * 11)) == CounterTotals(run_s=10.0)


def test_a_start_is_a_pump_that_stood_and_runs_and_a_lost_link_is_none() -> None:
    assert totals(counted(RUN, STAND, RUN, NONE, RUN, STAND, NONE, RUN)).starts == 2


def test_a_gap_counts_as_nothing() -> None:
    counters = counted(*[RUN] * 11)
    counters.step(5000 * SECOND, Instant(RUN, 0.0, 1.0))
    counters.step(5001 * SECOND, Instant(RUN, 0.0, 1.0))
    assert totals(counters).run_s == 11.0


def test_time_in_zone_c_and_off_the_preferred_flow_counts_only_while_it_is_so() -> None:
    counters = PumpCounters((0.7, 1.2))
    counters.take_up(CounterTotals(), was_running=True)
    for i, (zone, ratio) in enumerate([(1.0, 1.0), (2.0, 1.0), (3.0, 0.6), (0.0, 1.3), (float("nan"),) * 2, (0, 1)]):
        counters.step((i + 1) * SECOND, Instant(RUN, zone, ratio))
    assert totals(counters) == CounterTotals(5.0, 0, 2.0, 2.0)


@given(st.lists(st.sampled_from([RUN, STAND, NONE]), max_size=60), st.integers(0, 60))
def test_counts_of_two_runs_add_up_to_those_of_one_but_for_the_interval_between(
    states: list[RunState], cut: int
) -> None:
    whole = totals(counted(*states, was_running=None))
    first = counted(*states[:cut], was_running=None)
    known = [state for state in states[:cut] if state is not NONE]
    second = PumpCounters((0.7, 1.2))
    for i, state in enumerate(states[cut:], 1):  # the totals of before may be read only later
        second.step(i * SECOND, Instant(state, 0.0, 1.0))
    assert second.totals is None
    second.take_up(totals(first), was_running=known[-1] is RUN if known else None)
    again = totals(second)
    assert again.starts == whole.starts
    assert whole.run_s - again.run_s in (0.0, 1.0)


def test_starts_per_hour_forget_what_is_an_hour_old_and_know_those_of_the_run_before() -> None:
    counters = PumpCounters((0.7, 1.2))
    counters.take_up(CounterTotals(starts=9), was_running=False, starts_ns=[-HOUR_NS + 5 * SECOND, -SECOND])
    counters.step(SECOND, Instant(RUN))
    assert counters.starts_per_hour(SECOND) == 3
    assert counters.starts_per_hour(6 * SECOND) == 2
    assert counters.starts_per_hour(2 * HOUR_NS) == 0
    assert totals(counters).starts == 10


def test_a_person_can_set_some_totals_and_counting_goes_on_from_there() -> None:
    counters = counted(*[RUN] * 11, base=CounterTotals(3600.0, 5))
    before, after = counters.set_totals({"run_s": 0.0, "starts": 0.0})
    assert (before.run_s, before.starts, after) == (3610.0, 5, CounterTotals())
    counters.step(12 * SECOND, Instant(RUN))
    assert totals(counters).run_s == 1.0
    with pytest.raises(ValueError, match="0 or more"):
        counters.set_totals({"run_s": -1.0})


def test_counters_that_are_not_read_yet_cannot_be_set_and_show_nothing() -> None:
    counters = PumpCounters((0.7, 1.2))
    with pytest.raises(ValueError, match="not read yet"):
        counters.set_totals({"run_s": 0.0})
    assert all(value != value for value in shown_totals(COUNTERS, counters.totals, 0))


def test_a_row_is_due_at_first_after_a_start_each_minute_of_running_and_each_hour() -> None:
    counters = counted(STAND, was_running=False)

    def due(at_s: int) -> bool:
        return counters.due_row("P", time_ns=at_s * SECOND, mono_ns=at_s * SECOND) is not None

    assert due(1)
    assert not due(100)  # it is stopped
    counters.step(101 * SECOND, Instant(RUN))
    assert due(101)
    counters.step(102 * SECOND, Instant(RUN))
    assert not due(102)
    assert due(161)
    assert not due(162)
    counters.step(163 * SECOND, Instant(STAND))
    assert due(161 + 3600)
