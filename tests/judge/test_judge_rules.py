"""Rules of an engineer, judged live: what comes, what is frozen and says so, what is suppressed, what is kept."""

from collections.abc import Sequence
from dataclasses import replace
from math import nan

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpwatch_gui.domain.alarms.alarm import AlarmSignal, AlarmState, Priority, Stimulus
from pumpwatch_gui.domain.alarms.rule_sheet import SisterTag
from pumpwatch_gui.domain.alarms.rules import Comparison, CustomRule, Measure, RuleTerm
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.site import PumpSettings, Site
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.judge.alarms.desk import AlarmDesk
from pumpwatch_gui.judge.sources.no_value import NoValueJudge
from pumpwatch_gui.judge.sources.rule_replay import PumpPast, RuleEpisode, SisterPast, replay_rule
from pumpwatch_gui.judge.sources.rules import StationRules

RUNNING, STANDBY = RunState.RUNNING, RunState.STANDBY
PROFILE = PumpProfile("two", (Sensor("hot", "Heat", "degC", (0.0, 200.0)), Sensor("low", "Pressure", "bar", (0, 9))))
HOT, LOW = RuleTerm("hot", Comparison.ABOVE, 80.0, deadband=2.0), RuleTerm("low", Comparison.BELOW, 1.0)
BOTH = CustomRule("both", "Hot and low", (HOT, LOW), on_delay_s=0.0, off_delay_s=0.0)


def site_of(*rules: CustomRule, ids: Sequence[str] = ("A", "B"), profile: PumpProfile = PROFILE) -> Site:
    link = ModbusTcpConfig("10.0.0.1")
    return Site(pumps=tuple(PumpSettings(i, i, profile, "two", "none", (link,)) for i in ids), rules=rules)


def station(*rules: CustomRule, **more: Sequence[str]) -> StationRules:
    made = StationRules()
    made.use_site(site_of(*rules, **more), {}, {})  # type: ignore[arg-type]
    return made


def frame(at_s: float, *values: float, pump_id: str = "A", reason: Reason = Reason.SENSOR_FAILURE) -> Frame:
    bad = np.isnan(values)
    return Frame(
        pump_id, 0, round(at_s * 1e9), round(at_s * 1e9), np.array(values),
        np.where(bad, Quality.BAD, 0).astype(np.uint8), np.where(bad, reason, 0).astype(np.uint8),
    )  # fmt: skip


def stimuli(found: Sequence[AlarmSignal]) -> list[Stimulus]:
    return [signal.stimulus for signal in found]


def test_a_rule_comes_after_its_delay_with_what_it_is_about() -> None:
    judge = station(replace(BOTH, on_delay_s=3.0, priority=Priority.HIGH, is_latching=True))
    found = [judge.judge(frame(float(t), 90.0, 0.5), RUNNING) for t in range(1, 8)]
    assert [len(one) for one in found] == [0, 0, 0, 1, 0, 0, 0]
    signal = found[3][0]
    assert signal == AlarmSignal(
        "rule.both", "hot", Priority.HIGH, "Hot and low", 90.0, 80.0, "degC", Stimulus.RAISED, is_latching=True
    )


def test_it_returns_by_its_deadband_after_its_off_delay() -> None:
    judge = station(replace(BOTH, off_delay_s=2.0))
    assert stimuli(judge.judge(frame(1, 90.0, 0.5), RUNNING)) == [Stimulus.RAISED]
    assert judge.judge(frame(2, 79.0, 0.5), RUNNING) == []
    assert judge.judge(frame(9, 79.0, 0.5), RUNNING) == []
    found = [stimuli(judge.judge(frame(float(t), 70.0, 0.5), RUNNING)) for t in range(10, 14)]
    assert found == [[], [], [Stimulus.RETURNED], []]


def test_every_state_of_the_desk_applies_to_it_as_to_a_limit() -> None:
    desk, judge = AlarmDesk(), station(replace(BOTH, is_latching=True))
    (signal,) = judge.judge(frame(1, 90.0, 0.5), RUNNING)
    desk.apply("A", signal, 1)
    assert desk.acknowledge("A/rule.both", by="x", time_ns=2) is not None
    (signal,) = judge.judge(frame(2, 50.0, 0.5), RUNNING)
    desk.apply("A", signal, 3)
    assert [a.state for a in desk.alarms] == [AlarmState.LATCHED]
    assert desk.shelve("A/rule.both", by="x", reason="y", seconds=60, one_shot=False, time_ns=4, mono_ns=4) is not None
    assert desk.unshelve("A/rule.both", by="x", time_ns=5) is not None
    assert desk.alarms == ()


def test_a_bad_value_freezes_a_rule_and_says_so() -> None:
    judge = station(BOTH)
    judge.judge(frame(1, 90.0, 0.5), RUNNING)
    assert judge.judge(frame(2, 20.0, nan), RUNNING) == []
    assert [(u.rule_id, u.pump_id, u.why) for u in judge.unjudged] == [
        ("both", "A", "Pressure is BAD: sensor reports not available")
    ]
    assert stimuli(judge.judge(frame(3, 20.0, 5.0), RUNNING)) == [Stimulus.RETURNED]
    assert not judge.unjudged
    assert judge.judge(frame(4, nan, 0.5, reason=Reason.TIMEOUT), RUNNING) == []
    assert "no answer in time" in judge.unjudged[0].why


def test_an_or_still_comes_by_the_term_that_holds_and_never_returns_unknown() -> None:
    judge = station(replace(BOTH, needs_all=False))
    assert stimuli(judge.judge(frame(1, 90.0, nan), RUNNING)) == [Stimulus.RAISED]
    assert judge.unjudged == ()
    assert judge.judge(frame(2, 20.0, nan), RUNNING) == []
    assert stimuli(judge.judge(frame(3, 20.0, 5.0), RUNNING)) == [Stimulus.RETURNED]


def test_a_stopped_pump_suppresses_the_rule_that_says_so_and_no_other() -> None:
    judge = station(replace(BOTH, only_running=True), replace(BOTH, rule_id="always"))
    judge.judge(frame(1, 90.0, 0.5), RUNNING)
    found = judge.judge(frame(2, 90.0, 0.5), STANDBY)
    assert [(s.source, s.stimulus) for s in found] == [("rule.both", Stimulus.SUPPRESSED)]
    assert judge.judge(frame(3, nan, nan), STANDBY) == []
    assert [u.rule_id for u in judge.unjudged] == ["always"], "a masked rule is not judged by design"
    assert judge.judge(frame(4, 90.0, 0.5), RUNNING) == [], "the pump starts up"
    found = [s for t in range(5, 40) for s in judge.judge(frame(float(t), 90.0, 0.5), RUNNING)]
    assert [(s.source, s.stimulus) for s in found] == [("rule.both", Stimulus.RELEASED)]


def test_a_deviation_from_a_sister_is_frozen_while_her_values_are_old() -> None:
    term = RuleTerm("hot", Comparison.ABOVE, 10.0, measure=Measure.DEVIATION, from_pump="B")
    judge = station(CustomRule("dev", "Hotter than B", (term,), on_delay_s=0.0, off_delay_s=0.0))
    assert judge.sources("B") == frozenset(), "a pump is not compared with itself"
    assert judge.judge(frame(1, 90.0, 1.0), RUNNING) == []
    assert judge.unjudged[0].why == "B gives no good value of hot"
    judge.judge(frame(1.5, 70.0, 1.0, pump_id="B"), RUNNING)
    (signal,) = judge.judge(frame(2, 90.0, 1.0), RUNNING)
    assert (signal.value, signal.limit, signal.unit, signal.tag) == (20.0, 10.0, "°C deviation", "hot")
    assert judge.judge(frame(9, 20.0, 1.0), RUNNING) == [], "her value is seven seconds old"
    judge.judge(frame(9.5, nan, 1.0, pump_id="B"), RUNNING)
    assert judge.judge(frame(10, 20.0, 1.0), RUNNING) == []
    judge.judge(frame(10.5, 70.0, 1.0, pump_id="B"), RUNNING)
    assert stimuli(judge.judge(frame(11, 20.0, 1.0), RUNNING)) == [Stimulus.RETURNED]


def test_a_rate_comes_in_its_own_unit_and_not_from_the_start_of_the_pump() -> None:
    term = RuleTerm("hot", Comparison.ABOVE, 5.0, measure=Measure.RATE, over_s=60.0)
    judge = station(CustomRule("rate", "Heats up", (term,), on_delay_s=0.0, only_running=True))
    found = [s for t in range(60) for s in judge.judge(frame(float(t), 20.0 + t, 1.0), RUNNING)]
    (signal,) = found
    assert signal.unit == "°C/min"
    assert abs(signal.value - 60.0) < 1e-6
    assert signal.limit == 5.0
    judge = station(CustomRule("rate", "Heats up", (term,), on_delay_s=0.0, only_running=True))
    for t in range(60):
        judge.judge(frame(float(t), 20.0, 1.0), STANDBY)
    heating = [s for t in range(60, 91) for s in judge.judge(frame(float(t), 20.0 + 3 * (t - 60), 1.0), RUNNING)]
    settled = [s for t in range(91, 400) for s in judge.judge(frame(float(t), 110.0, 1.0), RUNNING)]
    assert (heating, settled) == ([], [])


def test_a_tag_that_goes_away_leaves_the_rule_and_its_alarm() -> None:
    judge = station(BOTH)
    judge.judge(frame(1, 90.0, 0.5), RUNNING)
    without = PumpProfile("two", PROFILE.sensors[:1])
    judge.use_site(site_of(BOTH, profile=without), {"A": {"rule.both"}}, {})
    assert [u.why for u in judge.unjudged] == ["A has no tag low", "B has no tag low"]
    assert judge.sources("A") == {"rule.both"}, "so the alarm is not retired"
    assert judge.judge(frame(2, 90.0), RUNNING) == []
    judge.use_site(site_of(BOTH), {"A": {"rule.both"}}, {})
    assert judge.unjudged == ()
    assert stimuli(judge.judge(frame(3, 20.0, 5.0), RUNNING))[0] is Stimulus.RETURNED


def test_an_alarm_suppressed_while_the_pump_was_stopped_comes_back_when_its_rule_says_so_no_more() -> None:
    masked = replace(BOTH, only_running=True)
    desk, judge = AlarmDesk(), station(masked)

    def see(at_s: float, state: RunState) -> None:
        for signal in judge.judge(frame(at_s, 90.0, 0.5), state):
            desk.apply("A", signal, round(at_s * 1e9))

    see(1, RUNNING)
    desk.acknowledge("A/rule.both", by="x", time_ns=1)
    see(2, STANDBY)
    assert [a.state for a in desk.hidden] == [AlarmState.SUPPRESSED]
    judge.use_site(site_of(replace(masked, only_running=False)), {"A": desk.active_sources("A")}, {})
    see(3, STANDBY)
    assert [a.state for a in desk.alarms] == [AlarmState.UNACKNOWLEDGED]


def test_a_change_of_one_rule_keeps_the_rates_of_the_others() -> None:
    term = RuleTerm("hot", Comparison.ABOVE, 5.0, measure=Measure.RATE, over_s=60.0)
    rate = CustomRule("rate", "Heats up", (term,), on_delay_s=0.0)
    judge = station(rate)
    for t in range(50):
        judge.judge(frame(float(t), 20.0, 1.0), RUNNING)
    judge.use_site(site_of(rate, BOTH), {}, {})
    judge.judge(frame(50.0, 20.0, 1.0), RUNNING)
    assert judge.unjudged == ()
    judge.use_site(site_of(rate, BOTH, ids=("X", "B")), {}, {"A": "X"})
    judge.judge(frame(51.0, 20.0, 1.0, pump_id="X"), RUNNING)
    assert judge.unjudged == ()


def test_a_rule_that_is_off_is_not_judged_and_owns_no_alarm() -> None:
    judge = station(replace(BOTH, is_enabled=False))
    assert judge.sources("A") == frozenset()
    assert judge.judge(frame(1, 90.0, 0.5), RUNNING) == []


def test_a_sensor_that_a_rule_looks_at_is_watched_for_having_a_value() -> None:
    assert NoValueJudge(PROFILE, has_model=False).sources == frozenset()
    assert NoValueJudge(PROFILE, has_model=False, rule_tags={"hot"}).sources == {"hot.no_value"}


# -------------------------------------------------------------------- the past


@st.composite
def pasts(draw: st.DrawFn) -> PumpPast:
    """Stretches of one pair of values, one state and one pace, with holes between them."""
    times, values, states, now = list[int](), list[tuple[float, float]](), list[RunState](), 1000.0
    for _ in range(draw(st.integers(1, 10))):
        length, period = draw(st.integers(1, 60)), draw(st.sampled_from([0.5, 1.0, 1.0, 7.0]))
        pair = (draw(st.sampled_from([50.0, 79.0, 81.0, nan])), draw(st.sampled_from([0.5, 1.5, nan])))
        for _ in range(length):
            now += period
            times.append(round(now * 1e9))
        values += [pair] * length
        states += [draw(st.sampled_from([*[RUNNING] * 4, STANDBY, RunState.NO_DATA]))] * length
        now += draw(st.sampled_from([0.0, 0.0, 2.0, 500.0]))
    return PumpPast(np.array(times, dtype=np.int64), np.array(values), states)


RATE = RuleTerm("hot", Comparison.ABOVE, 2.0, measure=Measure.RATE, over_s=20.0)
RULES = st.builds(
    CustomRule, st.just("r"), st.just("x"), st.sampled_from([(HOT,), (HOT, LOW), (LOW, RATE), (RATE,)]),
    needs_all=st.booleans(), on_delay_s=st.sampled_from([0.0, 3.0]), off_delay_s=st.sampled_from([0.0, 3.0]),
    only_running=st.booleans(),
)  # fmt: skip


@settings(max_examples=200)
@given(RULES, pasts())
def test_the_past_has_the_alarms_that_the_live_judge_would_have_raised(rule: CustomRule, past: PumpPast) -> None:
    judge, found, since = station(rule, ids=("A",)), list[RuleEpisode](), 0
    is_on = False
    for at_ns, pair, state in zip(past.time_ns.tolist(), past.values.tolist(), past.states, strict=True):
        for signal in judge.judge(frame(at_ns / 1e9, *pair), state):
            if signal.stimulus is Stimulus.RAISED:
                since, is_on = at_ns, True
            elif signal.stimulus is Stimulus.RETURNED:
                found.append(RuleEpisode(since, at_ns))
                is_on = False
    if is_on:
        found.append(RuleEpisode(since, int(past.time_ns[-1])))
    assert list(replay_rule(rule, PROFILE, past, {}).episodes) == found


def test_the_past_of_a_sister_is_taken_at_its_newest_and_never_old() -> None:
    term = RuleTerm("hot", Comparison.ABOVE, 10.0, measure=Measure.DEVIATION, from_pump="B")
    rule = CustomRule("dev", "x", (term,), on_delay_s=0.0, off_delay_s=0.0)
    seconds = np.arange(100, dtype=np.int64) * 10**9
    past = PumpPast(seconds, np.column_stack([np.full(100, 50.0), np.ones(100)]), [RUNNING] * 100)
    values = np.where((np.arange(100) >= 20) & (np.arange(100) < 30), 30.0, 50.0)
    sister = SisterPast(seconds[:50] + 5 * 10**8, values[:50])
    judged = replay_rule(rule, PROFILE, past, {SisterTag("B", "hot"): sister})
    assert judged.episodes == (RuleEpisode(21 * 10**9, 31 * 10**9),)
    assert round(judged.judged_h * 3600) == 52, "from her first value until her last one is three seconds old"
    assert round(judged.held_h * 3600) == 10
