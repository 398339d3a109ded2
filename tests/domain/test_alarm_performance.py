"""The performance of the alarm system: hand-computed examples, and NumPy against a plain slow model."""

from collections.abc import Sequence
from dataclasses import replace
from math import isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.alarms.benchmarks import Standing, advice_tip, advice_words, figures
from pumpwatch_gui.domain.alarms.occurrences import AlarmMove, Occurrence, occurrences
from pumpwatch_gui.domain.alarms.performance import (
    PERIOD_NS,
    AlarmPerformance,
    DelayAdvice,
    in_flood,
    performance,
)

S = 10**9
HOUR = 3600
B, C, D = AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED, AlarmState.RETURNED
E, F, NORMAL, SHELVED = AlarmState.LATCHED_UNACKNOWLEDGED, AlarmState.LATCHED, AlarmState.NORMAL, AlarmState.SHELVED


def alarm(name: str = "flow.low", priority: Priority = Priority.LOW, raised_s: float = 0.0) -> Alarm:
    """An alarm of P-1 raised at that time."""
    at_ns = round(raised_s * S)
    return Alarm(f"P-1/{name}", "P-1", "flow", priority, name, B, nan, nan, "", at_ns, at_ns)


def moves(*steps: tuple[float, AlarmState, float, str], name: str = "flow.low") -> list[AlarmMove]:
    """Moves of one alarm: (second, state, second of the raise, who)."""
    return [
        AlarmMove(round(at * S), replace(alarm(name, raised_s=raised), state=state, changed_ns=round(at * S)), by)
        for at, state, raised, by in steps
    ]


def once(raised_s: float, lasted_s: float | None = None, *, name: str = "flow.low", acked_s: float | None = None,
         priority: Priority = Priority.LOW) -> Occurrence:  # fmt: skip
    """An alarm that came, lasted and was acknowledged after so many seconds (None: never)."""
    ended = None if lasted_s is None else round((raised_s + lasted_s) * S)
    acked = None if acked_s is None else round((raised_s + acked_s) * S)
    return Occurrence(alarm(name, priority, raised_s), round(raised_s * S), ended, ended is not None, acked)


def of_day(found: Sequence[Occurrence], hours: float = 24) -> AlarmPerformance:
    """The performance from 0 on."""
    return performance(found, start_ns=0, end_ns=round(hours * HOUR * S))


# -------------------------------------------------------------------- from the journal


def test_a_raise_a_return_and_an_acknowledgement_are_one_occurrence() -> None:
    (one,) = occurrences(moves((10, B, 10, ""), (25, D, 10, ""), (40, NORMAL, 10, "Asha")))
    assert (one.raised_ns, one.ended_ns, one.is_returned) == (10 * S, 25 * S, True)
    assert one.lasted_s == 15.0
    assert one.waited_s == 30.0


def test_an_episode_that_goes_on_is_the_same_occurrence_and_a_new_raise_another() -> None:
    steps = moves((10, B, 10, ""), (15, D, 10, ""), (20, B, 10, ""), (30, D, 10, ""), (50, B, 50, ""))
    first, second = occurrences(steps)
    assert first.lasted_s == 20.0
    assert (second.raised_ns, second.ended_ns) == (50 * S, None)


def test_a_shelved_alarm_has_not_returned_and_a_reset_is_no_acknowledgement() -> None:
    (one,) = occurrences(moves((10, B, 10, ""), (20, SHELVED, 10, "Asha")))
    assert (one.ended_ns, one.lasted_s, one.waited_s) == (20 * S, None, None)
    (latched,) = occurrences(moves((10, B, 10, ""), (20, E, 10, ""), (30, F, 10, "Asha"), (90, NORMAL, 10, "Ravi")))
    assert (latched.lasted_s, latched.waited_s) == (10.0, 20.0)


def test_what_moved_by_itself_or_from_an_unknown_state_was_not_acknowledged() -> None:
    assert occurrences(moves((10, B, 10, ""), (20, NORMAL, 10, "")))[0].acknowledged_ns is None
    assert occurrences(moves((20, C, 10, "Asha")))[0].acknowledged_ns is None, "it may have been unshelved"


def test_an_open_alarm_that_has_not_moved_is_an_occurrence_once() -> None:
    still, moved = alarm("a.high", raised_s=-90_000), alarm(raised_s=10)
    found = occurrences(moves((10, B, 10, "")), (still, moved, replace(alarm("x.low"), state=D)))
    assert [o.alarm.alarm_id for o in found] == ["P-1/a.high", "P-1/flow.low"]


def test_a_clock_that_was_set_back_gives_no_length() -> None:
    (one,) = occurrences(moves((10, B, 10, ""), (4, C, 10, "Asha"), (5, NORMAL, 10, "")))
    assert (one.lasted_s, one.waited_s) == (None, None)
    assert isnan(of_day([one]).acknowledge_median_s)


# -------------------------------------------------------------------- hand-computed


def test_rates_and_peak_of_a_shift() -> None:
    found = of_day([once(600 * i, 100) for i in range(24)] + [once(600 * 3 + 1 + i, 100) for i in range(4)], 8)
    assert (found.count, found.peak, len(found.periods)) == (28, 5, 48)
    assert found.per_hour == 3.5
    assert found.per_period == pytest.approx(28 / 48)


def test_an_alarm_counts_from_the_start_up_to_the_end() -> None:
    assert of_day([once(-1), once(0), once(HOUR - 0.001), once(HOUR)], 1).count == 2


def test_a_flood_starts_with_ten_and_ends_below_five() -> None:
    assert in_flood([9, 10, 5, 7, 4, 9, 12]) == [False, True, True, True, False, False, True]
    found = of_day([once(600 + i, name=f"s{i}.high") for i in range(10)], 2)
    assert found.flood_share == pytest.approx(1 / 12)


def test_three_within_a_minute_chatter_and_what_lasts_a_minute_is_fleeting() -> None:
    found = of_day([once(0, 5), once(30, 5), once(60, 60), once(200, 60.5), once(500, 5, name="a.high")])
    worst, other = found.actors
    assert (worst.count, worst.most, worst.is_chattering, worst.fleeting) == (4, 3, True, 3)
    assert (other.count, other.most, other.is_chattering, other.fleeting) == (1, 1, False, 1)
    assert (found.chattering, found.fleeting) == (1, 4)
    assert worst.lasted_s == 32.5
    assert of_day([once(0), once(30), once(60.001)]).chattering == 0


def test_stale_is_what_was_active_for_more_than_a_day() -> None:
    day = 24 * HOUR
    found = [
        once(-1, None, name="still.high"),
        once(0, None, name="just_a_day.high"),
        once(-day, day + 10, name="ended_in_it.high"),
        once(-3 * day, 2 * day, name="ended_before.high"),
        once(-2 * day, day / 2, name="short.high"),
    ]
    assert {a.source for a in of_day(found).stale} == {"still.high", "ended_in_it.high"}


def test_times_to_acknowledge_are_median_and_ninetieth_percentile() -> None:
    found = of_day([once(100 * i, acked_s=10 * (i + 1)) for i in range(11)] + [once(5000)])
    assert (found.acknowledge_median_s, found.acknowledge_p90_s, found.unacknowledged) == (60.0, 100.0, 1)


def test_the_top_ten_and_the_priorities_are_shares_of_all() -> None:
    found = of_day([once(100 * i, name=f"s{i % 12}.high", priority=Priority(1 + (i % 12 == 0))) for i in range(25)])
    assert found.actors[0].alarm.source == "s0.high"
    assert (found.actors[0].count, found.actors[0].share) == (3, 0.12)
    assert len(found.top) == 10
    assert found.top_share == pytest.approx(21 / 25)
    assert found.share_of(Priority.MEDIUM) == 0.12


def test_a_span_without_alarms_has_figures_and_one_without_length_is_refused() -> None:
    found = of_day([])
    assert (found.count, found.peak, found.top_share, found.flood_share) == (0, 0, 0.0, 0.0)
    assert found.share_of(Priority.HIGH) == 0.0
    assert {f.standing for f in figures(found)} <= {Standing.TARGET, Standing.NONE}
    with pytest.raises(ValueError, match="end after its start"):
        performance([], start_ns=5, end_ns=5)


# -------------------------------------------------------------------- advice


def test_the_on_delay_that_outlasts_nine_tenths_of_the_fleeting_alarms_is_advised() -> None:
    lengths = (3, 4, 5, 6, 7, 8, 9, 10, 11.4, 55, 300)
    (actor,) = of_day([once(1000 * i, length) for i, length in enumerate(lengths)]).actors
    assert actor.advice == DelayAdvice(True, 12, 9, 10)
    assert advice_words(actor) == "On-delay +12 s: 9 of 10 fleeting gone"
    assert "come that much later" in advice_tip(actor)


def test_an_off_delay_is_advised_where_alarms_come_back_at_once() -> None:
    (actor,) = of_day([once(110 * i, 100) for i in range(8)]).actors
    assert actor.advice == DelayAdvice(False, 10, 7, 7)
    assert advice_words(actor) == "Off-delay +10 s: 7 of 7 repeats gone"


def test_no_advice_without_enough_history_or_for_what_has_no_limit() -> None:
    assert of_day([once(1000 * i, 5) for i in range(4)]).actors[0].advice is None
    anomaly = of_day([once(1000 * i, 5, name="anomaly") for i in range(20)]).actors[0]
    assert (anomaly.advice, advice_words(anomaly), advice_tip(anomaly)) == (None, "", "")


# -------------------------------------------------------------------- in words


@pytest.mark.parametrize(
    ("hours", "known"), [(0.2, ()), (1.0, ("Alarms an hour",)), (8.0, ("Alarms an hour", "Alarms a day"))]
)
def test_a_rate_is_not_made_of_a_span_shorter_than_what_it_is_of(hours: float, known: tuple[str, ...]) -> None:
    rates = {f.name: f for f in figures(of_day([once(10)], hours)) if f.name in ("Alarms an hour", "Alarms a day")}
    assert {name for name, figure in rates.items() if figure.value != "not yet"} == set(known)
    assert all((figure.standing is Standing.NONE) == (name not in known) for name, figure in rates.items())


def test_each_figure_stands_beside_its_benchmark() -> None:
    found = of_day([once(i * 400, 30, acked_s=70) for i in range(200)])
    shown = {f.name: (f.value, f.standing) for f in figures(found)}
    assert shown["Alarms a day"] == ("200", Standing.TOLERABLE)
    assert shown["In 10 min, average"] == ("1.39", Standing.TOLERABLE)
    assert shown["In 10 min, peak"] == ("2", Standing.TARGET)
    assert shown["Fleeting alarms"] == ("200", Standing.ABOVE)
    assert shown["Low / medium / high"] == ("100 / 0 / 0 %", Standing.TARGET)
    assert shown["Share of the top 10"] == ("100 % of 1", Standing.NONE), "ten of one alarm cannot be 5 %"
    assert shown["Acknowledged, median"] == ("1:10", Standing.NONE)


# -------------------------------------------------------------------- a plain slow model


times = st.integers(-200_000, 90_000)
one_occurrence = st.builds(
    lambda raised, lasted, name, acked, priority: once(
        raised / 2, None if lasted is None else lasted / 2, name=name, acked_s=acked, priority=priority
    ),
    times,
    st.none() | st.integers(0, 300) | st.integers(0, 400_000),
    st.sampled_from(["a.high", "b.low", "anomaly", "link.1"]),
    st.none() | st.integers(0, 5000),
    st.sampled_from(Priority),
)


@given(st.lists(one_occurrence, max_size=60), st.integers(1, 30))
def test_the_figures_are_those_of_a_plain_slow_model(given_: list[Occurrence], periods: int) -> None:
    found = sorted(given_, key=lambda o: o.raised_ns)
    end_ns = periods * PERIOD_NS
    got = performance(found, start_ns=0, end_ns=end_ns)
    inside = [o for o in found if 0 <= o.raised_ns < end_ns]
    counts = [0] * periods
    for o in inside:
        counts[o.raised_ns // PERIOD_NS] += 1
    assert list(got.periods) == counts
    assert got.count == len(inside)
    for actor in got.actors:
        own = [o for o in inside if o.alarm.alarm_id == actor.alarm.alarm_id]
        assert actor.count == len(own)
        assert actor.fleeting == sum(o.lasted_s is not None and o.lasted_s <= 60 for o in own)
        assert actor.most == max(sum(0 <= b.raised_ns - a.raised_ns <= 60 * S for b in own[i:])
                                 for i, a in enumerate(own))  # fmt: skip
        if actor.advice is not None and actor.advice.is_on_delay:
            short = [o.lasted_s for o in own if o.lasted_s is not None and o.lasted_s <= 60]
            removed = [sum(t <= delay for t in short) for delay in range(1, 61)]
            least = next(i + 1 for i, n in enumerate(removed) if n >= 0.9 * len(short))
            assert actor.advice == DelayAdvice(True, least, removed[least - 1], len(short))
    assert sum(a.count for a in got.actors) == len(inside)
    stale = {
        o.alarm.alarm_id
        for o in found
        for last in [end_ns if o.ended_ns is None else min(o.ended_ns, end_ns)]
        if last >= 0 and last - o.raised_ns > 86_400 * S
    }
    assert {a.alarm_id for a in got.stale} == stale
    assert all(f.value for f in figures(got))
