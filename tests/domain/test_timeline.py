"""The timeline: what the journal, the alarms of now and the maintenance events come to in lanes."""

from dataclasses import replace
from itertools import pairwise
from math import nan

from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.events import AlarmChanged, Event, Note, OrderDone, RunStateChanged, watch_begins, watch_ends
from pumpwatch_gui.domain.journal import JournalRow, journal_row
from pumpwatch_gui.domain.maintenance.event import EventSeverity, EventType, MaintenanceEvent
from pumpwatch_gui.domain.timeline import TimelineLane, TimelineMark, timeline

S = 10**9


def alarm(at_s: int, state: AlarmState = AlarmState.UNACKNOWLEDGED, source: str = "flow.low") -> Alarm:
    tag = "" if source == "anomaly" else source.split(".")[0]
    return Alarm(f"P-1/{source}", "P-1", tag, Priority.MEDIUM, "Flow low", state, nan, nan, "", at_s * S, at_s * S)


def rows(*events: Event) -> list[JournalRow]:
    return [journal_row(event, i) for i, event in enumerate(events)]


def marks(
    journal: list[JournalRow], *, alarms: tuple[Alarm, ...] = (), events: tuple[MaintenanceEvent, ...] = (),
    running: dict[str, bool] | None = None,
) -> dict[TimelineLane, list[TimelineMark]]:  # fmt: skip
    found: dict[TimelineLane, list[TimelineMark]] = {lane: [] for lane in TimelineLane}
    for mark in timeline(
        journal, open_alarms=alarms, events=events, running=running or {}, start_ns=100 * S, end_ns=200 * S
    ):
        found[mark.lane].append(mark)
    return found


def spans(found: list[TimelineMark]) -> list[tuple[int, int, bool]]:
    return [(m.start_ns // S, m.end_ns // S, m.is_open) for m in found]


def test_an_alarm_is_a_stretch_from_its_raise_to_its_return_and_an_anomaly_has_a_lane_of_its_own() -> None:
    up, gone = alarm(110), replace(alarm(110), state=AlarmState.RETURNED)
    odd = alarm(150, source="anomaly")
    found = marks(
        rows(AlarmChanged(110 * S, up), AlarmChanged(130 * S, gone), AlarmChanged(150 * S, odd)), alarms=(odd,)
    )
    assert spans(found[TimelineLane.ALARMS]) == [(110, 130, False)]
    assert spans(found[TimelineLane.ANOMALIES]) == [(150, 200, True)]


def test_what_began_before_the_span_begins_at_its_start_and_what_ended_before_it_is_not_there() -> None:
    old, older = alarm(50), alarm(10)
    journal = rows(
        AlarmChanged(10 * S, older), AlarmChanged(20 * S, replace(older, state=AlarmState.RETURNED)),
        AlarmChanged(50 * S, old), AlarmChanged(120 * S, replace(old, state=AlarmState.RETURNED)),
    )  # fmt: skip
    assert spans(marks(journal)[TimelineLane.ALARMS]) == [(100, 120, False)]


def test_a_pump_ran_before_its_first_stop_and_runs_on_after_its_last_start() -> None:
    journal = rows(RunStateChanged(120 * S, "P-1", False), RunStateChanged(160 * S, "P-1", True))
    found = marks(journal, running={"P-1": True, "P-2": True, "P-3": False})[TimelineLane.RUNNING]
    assert [(m.pump_id, *spans([m])[0]) for m in found] == [
        ("P-1", 100, 120, False), ("P-2", 100, 200, True), ("P-1", 160, 200, True),
    ]  # fmt: skip


def test_maintenance_goes_on_until_it_is_resolved_and_orders_that_changed_something_are_instants() -> None:
    work = MaintenanceEvent("E1", "P-1", 120 * S, EventType.INSPECTION, EventSeverity.LOW, "look", nan, "INR")
    done = replace(work, event_id="E2", resolved_ns=140 * S, severity=EventSeverity.CRITICAL)
    journal = rows(
        OrderDone(130 * S, "1", "change site", True, "P-1: limits changed", "asha", "P-1"),
        OrderDone(131 * S, "2", "acknowledge", True, "acknowledged", "asha", "P-1"),
        OrderDone(132 * S, "3", "change site", False, "refused", "asha", "P-1"),
    )
    found = marks(journal, events=(work, done))
    assert spans(found[TimelineLane.MAINTENANCE]) == [(120, 200, True), (120, 140, False)]
    assert [m.priority for m in found[TimelineLane.MAINTENANCE]] == [Priority.LOW, Priority.HIGH]
    assert [(m.text, *spans([m])[0]) for m in found[TimelineLane.CHANGES]] == [
        ("P-1: limits changed (asha)", 130, 130, False)
    ]


def test_a_pump_is_drawn_only_while_the_program_watched() -> None:
    journal = rows(
        watch_begins(120 * S, "North", 2),
        RunStateChanged(130 * S, "P-1", False),
        watch_ends(140 * S, "North"),
        watch_begins(160 * S, "North", 2),
        RunStateChanged(170 * S, "P-1", True),
    )
    found = marks(journal, running={"P-1": True, "P-2": True})[TimelineLane.RUNNING]
    assert [(m.pump_id, *spans([m])[0]) for m in found] == [
        ("P-1", 120, 130, False), ("P-2", 120, 140, False), ("P-2", 160, 200, True), ("P-1", 170, 200, True),
    ]  # fmt: skip


def test_a_program_that_was_killed_watched_up_to_its_last_line() -> None:
    journal = rows(
        watch_begins(110 * S, "North", 2),
        Note(130 * S, "a line"),
        watch_begins(160 * S, "North", 2),
    )
    found = marks(journal, running={"P-1": True})[TimelineLane.RUNNING]
    assert spans(found) == [(110, 130, False), (160, 200, True)]


@given(st.lists(st.tuples(st.integers(60, 240), st.booleans()), max_size=12), st.booleans())
def test_running_stretches_never_overlap_and_are_as_long_as_a_second_by_second_count(
    switches: list[tuple[int, bool]], at_end: bool
) -> None:
    ordered = sorted({at: on for at, on in switches if 100 <= at < 200}.items())
    on_now = ordered[-1][1] if ordered else at_end
    found = marks(rows(*(RunStateChanged(at * S, "P-1", on) for at, on in ordered)), running={"P-1": on_now})
    state = not ordered[0][1] if ordered else on_now
    seconds = 0
    for second in range(100, 200):
        state = dict(ordered).get(second, state)
        seconds += state
    stretches = spans(found[TimelineLane.RUNNING])
    assert sum(end - start for start, end, _ in stretches) == seconds
    assert all(a[1] <= b[0] for a, b in pairwise(stretches))
