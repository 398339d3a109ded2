"""The whole life of an alarm after ISA-18.2: latched, shelved, suppressed by design, out of service."""

from dataclasses import dataclass, replace
from math import nan

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmSignal, AlarmState, Priority, Stimulus, next_state
from pumpwatch_gui.domain.journal import alarm_from_json, alarm_to_json, journal_row
from pumpwatch_gui.judge.alarms.desk import AlarmDesk
from pumpwatch_gui.store.audit import audit_row

A, B, C, D = AlarmState.NORMAL, AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED, AlarmState.RETURNED
E, F = AlarmState.LATCHED_UNACKNOWLEDGED, AlarmState.LATCHED
G, H, OUT = AlarmState.SHELVED, AlarmState.SUPPRESSED, AlarmState.OUT_OF_SERVICE
SECOND, HOUR_NS = 10**9, 3600 * 10**9


def signal(source: str, stimulus: Stimulus = Stimulus.RAISED, *, latching: bool = False) -> AlarmSignal:
    return AlarmSignal(source, "", Priority.HIGH, f"{source} is up", 1.0, nan, "", stimulus, latching)


def desk_with(*sources: str, mono_ns: int = 1) -> AlarmDesk:
    desk = AlarmDesk(time_ns=0, mono_ns=mono_ns)
    for source in sources:
        desk.apply("P", signal(source), 1)
    return desk


def shelve(desk: AlarmDesk, source: str, seconds: float = 3600.0, *, one_shot: bool = False) -> None:
    change = desk.shelve(
        f"P/{source}", by="asha", reason="seal exchange", seconds=seconds, one_shot=one_shot, time_ns=2, mono_ns=2
    )
    assert change is not None
    assert change.alarm.state is G


@pytest.mark.parametrize(
    ("before", "stimulus", "holds", "latching", "after"),
    [
        (B, Stimulus.RETURNED, False, True, E),
        (C, Stimulus.RETURNED, False, True, F),
        (E, Stimulus.ACKNOWLEDGED, False, True, F),
        (E, Stimulus.RAISED, False, True, B),
        (F, Stimulus.RESET, False, True, A),
        (F, Stimulus.RAISED, False, True, C),
        *((state, Stimulus.SHELVED, False, False, G) for state in (A, B, C, D, E, F)),
        *((state, Stimulus.TAKEN_OUT, False, False, OUT) for state in (A, B, C, D, E, F, G, H)),
        *((state, Stimulus.SUPPRESSED, False, False, H) for state in (A, C)),
        *((state, Stimulus.SUPPRESSED, False, False, state) for state in (B, D, E, F)),
        (G, Stimulus.UNSHELVED, True, False, C),
        (G, Stimulus.UNSHELVED, False, False, A),
        (G, Stimulus.SHELF_ENDED, True, False, B),
        (G, Stimulus.SHELF_ENDED, False, False, A),
        (H, Stimulus.RELEASED, True, False, B),
        (H, Stimulus.RELEASED, False, False, A),
        (OUT, Stimulus.PUT_BACK, True, False, B),
        (OUT, Stimulus.PUT_BACK, False, False, A),
        (G, Stimulus.ACKNOWLEDGED, True, False, G),
        (OUT, Stimulus.SHELF_ENDED, True, False, OUT),
        (B, Stimulus.RESET, False, True, B),
        (D, Stimulus.RESET, False, False, D),
    ],
)
def test_each_transition_leads_where_the_standard_says(
    before: AlarmState, stimulus: Stimulus, holds: bool, latching: bool, after: AlarmState
) -> None:
    assert next_state(before, stimulus, holds=holds, is_latching=latching) is after


def test_a_latched_alarm_stays_until_it_is_acknowledged_and_reset() -> None:
    desk = AlarmDesk(time_ns=0, mono_ns=1)
    desk.apply("P", signal("dry", latching=True), 1)
    desk.apply("P", signal("dry", Stimulus.RETURNED, latching=True), 2)
    assert [a.state for a in desk.alarms] == [E]
    assert desk.reset("P/dry", by="asha", time_ns=3) is None
    desk.acknowledge("P/dry", by="asha", time_ns=4)
    assert [a.state for a in desk.alarms] == [F]
    change = desk.reset("P/dry", by="asha", time_ns=5)
    assert change is not None
    assert (change.alarm.state, change.act, change.by) == (A, "reset", "asha")
    assert desk.alarms == ()


def test_a_shelved_alarm_is_out_of_sight_and_its_condition_is_kept() -> None:
    desk = desk_with("a", "b")
    shelve(desk, "a")
    assert [a.source for a in desk.alarms] == ["b"]
    assert [(a.source, a.hidden_by, a.reason, a.until_ns) for a in desk.hidden] == [
        ("a", "asha", "seal exchange", 2 + HOUR_NS)
    ]
    assert desk.active_sources("P") == {"a", "b"}
    assert desk.apply("P", signal("a", Stimulus.RETURNED), 3) is None
    assert desk.active_sources("P") == {"b"}
    assert desk.of_pump("P") == desk.alarms


@pytest.mark.parametrize(("gone", "state"), [(False, B), (True, A)])
def test_an_alarm_comes_back_unacknowledged_when_its_time_on_the_shelf_is_over(gone: bool, state: AlarmState) -> None:
    desk = desk_with("a")
    desk.acknowledge("P/a", by="ravi", time_ns=2)
    shelve(desk, "a")
    if gone:
        desk.apply("P", signal("a", Stimulus.RETURNED), 3)
    assert desk.end_shelves(HOUR_NS, 4) is None
    change = desk.end_shelves(HOUR_NS + 2, 5)
    assert change is not None
    assert (change.alarm.state, change.alarm.by, change.alarm.reason) == (state, "", "")
    assert desk.hidden == ()


def test_an_alarm_that_is_unshelved_by_hand_comes_back_acknowledged() -> None:
    desk = desk_with("a")
    shelve(desk, "a")
    change = desk.unshelve("P/a", by="ravi", time_ns=9)
    assert change is not None
    assert (change.alarm.state, change.alarm.by, change.act) == (C, "ravi", "unshelve")
    assert desk.end_shelves(2 * HOUR_NS, 10) is None


def test_a_one_shot_shelf_ends_with_the_return_to_normal() -> None:
    desk = desk_with("a")
    shelve(desk, "a", one_shot=True)
    change = desk.apply("P", signal("a", Stimulus.RETURNED), 3)
    assert change is not None
    assert change.alarm.state is A
    change = desk.apply("P", signal("a"), 4)
    assert change is not None
    assert change.alarm.state is B


def test_alarms_that_come_back_by_time_are_two_seconds_apart() -> None:
    desk = desk_with(*"abcd")
    for source in "abcd":
        shelve(desk, source)
    back: list[int] = []
    for tenth in range(100):
        mono_ns = HOUR_NS + 2 + tenth * SECOND // 10
        if desk.end_shelves(mono_ns, 9) is not None:
            back.append(tenth)
    assert back == [0, 20, 40, 60]


@pytest.mark.parametrize(("seconds", "reason"), [(0.0, "x"), (8 * 3600.0 + 1, "x"), (60.0, "  ")])
def test_a_shelf_needs_a_reason_and_at_most_eight_hours(seconds: float, reason: str) -> None:
    desk = desk_with("a")
    with pytest.raises(ValueError, match=r"reason|time"):
        desk.shelve("P/a", by="asha", reason=reason, seconds=seconds, one_shot=False, time_ns=2, mono_ns=2)
    assert [a.state for a in desk.alarms] == [B]


def test_the_shelf_survives_a_restart_with_the_time_that_is_left() -> None:
    desk = desk_with("a")
    shelve(desk, "a")
    kept = [alarm_from_json(alarm_to_json(a)) for a in desk.hidden]
    assert tuple(kept) == desk.hidden
    again = AlarmDesk(kept, time_ns=2 + HOUR_NS // 2, mono_ns=77)
    assert again.end_shelves(77 + HOUR_NS // 2 - 1, 0) is None
    change = again.end_shelves(77 + HOUR_NS // 2, 0)
    assert change is not None
    assert change.alarm.state is B


@pytest.mark.parametrize("step_ns", [-400 * 24 * HOUR_NS, 400 * 24 * HOUR_NS])
def test_a_wall_clock_that_is_wrong_after_a_restart_keeps_no_alarm_on_the_shelf_for_ever(step_ns: int) -> None:
    desk = desk_with("a")
    shelve(desk, "a")
    again = AlarmDesk(desk.hidden, time_ns=2 + step_ns, mono_ns=77)
    assert again.end_shelves(77 + 8 * HOUR_NS, 0) is not None


def test_an_acknowledged_alarm_is_suppressed_by_design_and_comes_back_if_it_still_holds() -> None:
    desk = desk_with("low")
    desk.acknowledge("P/low", by="asha", time_ns=2)
    desk.apply("P", signal("low", Stimulus.SUPPRESSED), 3)
    assert [(a.state, a.reason, a.value) for a in desk.hidden] == [(H, "the pump is stopped", 1.0)]
    change = desk.apply("P", signal("low", Stimulus.RELEASED), 4)
    assert change is not None
    assert change.alarm.state is B


def test_logic_never_hides_an_alarm_that_nobody_has_acknowledged() -> None:
    desk = desk_with("low")
    assert desk.apply("P", signal("low", Stimulus.SUPPRESSED), 3) is None
    assert [a.state for a in desk.alarms] == [B]


def test_what_is_out_of_service_stays_so_until_it_is_put_back() -> None:
    desk = desk_with("a")
    shelve(desk, "a")
    change = desk.take_out_of_service("P/a", by="meera", reason="sensor exchanged", time_ns=3)
    assert change is not None
    assert (change.alarm.state, change.alarm.until_ns, change.act) == (OUT, 0, "take out of service")
    assert desk.end_shelves(9 * HOUR_NS, 4) is None
    desk.apply("P", signal("a", Stimulus.RETURNED), 5)
    change = desk.return_to_service("P/a", by="meera", time_ns=6)
    assert change is not None
    assert change.alarm.state is A


def test_a_hidden_alarm_whose_limit_is_removed_ends() -> None:
    desk = desk_with("a")
    shelve(desk, "a")
    (change,) = desk.retire("P", {"a"}, 3)
    assert change.alarm.state is A
    assert desk.hidden == ()
    assert desk.end_shelves(2 * HOUR_NS, 4) is None


def test_a_renamed_pump_keeps_what_is_on_its_shelf() -> None:
    desk = desk_with("a")
    shelve(desk, "a")
    desk.rename("P", "Q", 3)
    assert [a.alarm_id for a in desk.hidden] == ["Q/a"]
    change = desk.end_shelves(2 * HOUR_NS, 4)
    assert change is not None
    assert change.alarm.alarm_id == "Q/a"


def test_journal_and_audit_log_say_who_shelved_why_and_for_how_long() -> None:
    desk = desk_with("a")
    change = desk.shelve("P/a", by="asha", reason="seal exchange", seconds=5400.0, one_shot=False, time_ns=2, mono_ns=2)
    assert change is not None
    row, audit = journal_row(change, 1), audit_row(change, 1)
    assert (row.by, row.text) == ("asha", "a is up (shelved for 1 h 30 min): seal exchange")
    assert audit is not None
    assert (audit.action, audit.by, audit.text) == ("shelve", "asha", "P/a: seal exchange")


@dataclass
class Model:
    """One alarm, plainly: the condition, whether it was acknowledged, and what hides it."""

    state: AlarmState = A
    holds: bool = False
    shelf_ns: int = 0


class LifeOfAlarms(RuleBasedStateMachine):
    """Random lives of three alarms on one desk, against a plain account of each."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = AlarmDesk(time_ns=0, mono_ns=1)
        self.models = {source: Model() for source in ("a", "b", "dry")}
        self.now_ns = 10 * SECOND

    sources = st.sampled_from(["a", "b", "dry"])

    def note(self, source: str, stimulus: Stimulus) -> None:
        m = self.models[source]
        m.state = next_state(m.state, stimulus, holds=m.holds, is_latching=source == "dry")
        if stimulus in (Stimulus.RAISED, Stimulus.RETURNED):
            m.holds = stimulus is Stimulus.RAISED

    @rule(source=sources, stimulus=st.sampled_from([Stimulus.RAISED, Stimulus.RETURNED, Stimulus.SUPPRESSED,
                                                    Stimulus.RELEASED]))  # fmt: skip
    def judge(self, source: str, stimulus: Stimulus) -> None:
        m = self.models[source]
        if (stimulus is Stimulus.RAISED and m.holds) or (stimulus is Stimulus.RETURNED and not m.holds):
            return  # a judge says so once
        if stimulus is Stimulus.SUPPRESSED and m.state is A:
            return
        self.desk.apply("P", signal(source, stimulus, latching=source == "dry"), self.now_ns)
        self.note(source, stimulus)

    @rule(source=sources)
    def acknowledge(self, source: str) -> None:
        before = self.models[source].state
        change = self.desk.acknowledge(f"P/{source}", by="asha", time_ns=self.now_ns)
        self.note(source, Stimulus.ACKNOWLEDGED)
        assert (change is not None) == (self.models[source].state is not before)

    @rule(source=sources)
    def reset(self, source: str) -> None:
        self.desk.reset(f"P/{source}", by="asha", time_ns=self.now_ns)
        self.note(source, Stimulus.RESET)

    @rule(source=sources, minutes=st.integers(1, 480))
    def shelve(self, source: str, minutes: int) -> None:
        m = self.models[source]
        change = self.desk.shelve(
            f"P/{source}", by="asha", reason="x", seconds=60.0 * minutes, one_shot=False,
            time_ns=self.now_ns, mono_ns=self.now_ns,
        )  # fmt: skip
        assert (change is not None) == (m.state is not A and not m.state.is_hidden)
        if change is not None:
            self.note(source, Stimulus.SHELVED)
            m.shelf_ns = self.now_ns + 60 * minutes * SECOND

    @rule(source=sources)
    def unshelve(self, source: str) -> None:
        self.desk.unshelve(f"P/{source}", by="asha", time_ns=self.now_ns)
        self.note(source, Stimulus.UNSHELVED)

    @rule(source=sources, out=st.booleans())
    def service(self, source: str, out: bool) -> None:
        m = self.models[source]
        if out and m.state is not A:
            self.desk.take_out_of_service(f"P/{source}", by="meera", reason="x", time_ns=self.now_ns)
            self.note(source, Stimulus.TAKEN_OUT)
        elif not out:
            self.desk.return_to_service(f"P/{source}", by="meera", time_ns=self.now_ns)
            self.note(source, Stimulus.PUT_BACK)

    @rule(minutes=st.integers(1, 300))
    def wait(self, minutes: int) -> None:
        self.now_ns += 60 * minutes * SECOND
        for _ in range(4):
            self.now_ns += 3 * SECOND
            self.desk.end_shelves(self.now_ns, self.now_ns)
        for source, m in self.models.items():
            if m.state is G and m.shelf_ns <= self.now_ns - 3 * SECOND:
                self.note(source, Stimulus.SHELF_ENDED)

    @rule()
    def restart(self) -> None:
        kept: list[Alarm] = [replace(a) for a in (*self.desk.alarms, *self.desk.hidden)]
        self.desk = AlarmDesk(kept, time_ns=self.now_ns, mono_ns=self.now_ns)

    @invariant()
    def the_desk_has_what_the_account_says(self) -> None:
        shown = {a.source: a for a in (*self.desk.alarms, *self.desk.hidden)}
        for source, m in self.models.items():
            alarm = shown.get(source)
            assert (alarm.state if alarm else A) is m.state, source
            if alarm is not None:
                assert alarm.holds == m.holds, source
        assert all(a.state.is_hidden for a in self.desk.hidden)
        assert not any(a.state.is_hidden for a in self.desk.alarms)


TestLifeOfAlarms = LifeOfAlarms.TestCase
TestLifeOfAlarms.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
"""10,000 steps."""
