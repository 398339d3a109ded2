"""Maintenance events: what an alarm is worth, what orders make of an event, in which order they are listed."""

from dataclasses import replace
from math import inf, isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.commands import (
    AssignMaintenance,
    CreateMaintenance,
    MaintenanceEdit,
    NoteMaintenance,
    Order,
    ReopenMaintenance,
    ResolveMaintenance,
)
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.maintenance.changes import changed, created
from pumpwatch_gui.domain.maintenance.costs import CostRow, CostTable, anomalous_pumps, assess, event_of, made_worse
from pumpwatch_gui.domain.maintenance.event import EventSeverity, EventType, MaintenanceEvent, by_risk
from pumpwatch_gui.domain.wording import money

NOW_NS = 1_700_000_000_000_000_000
TABLE = CostTable(
    (
        CostRow("bearing_temperature_c.high*", 45_000.0, critical_above=85.0),
        CostRow("oil_pressure_bar.low*", 38_000.0, critical_below=2.0),
        CostRow("anomaly.*", 30_000.0, from_priority=Priority.LOW),
        CostRow("anomaly.vibration_mm_s", 12_000.0, from_priority=Priority.LOW),
    ),
    {EventSeverity.CRITICAL: 1.5, EventSeverity.HIGH: 1.0, EventSeverity.MEDIUM: 0.6, EventSeverity.LOW: 0.3},
)


def alarm(
    source: str, tag: str, priority: Priority = Priority.HIGH, *, value: float = 88.1, pump: str = "P-101"
) -> Alarm:
    return Alarm(
        f"{pump}/{source}", pump, tag, priority, f"{source} came", AlarmState.UNACKNOWLEDGED, value, 85.0, "degC",
        NOW_NS, NOW_NS,
    )  # fmt: skip


HOT = alarm("bearing_temperature_c.high_high", "bearing_temperature_c")
ANOMALY = alarm("anomaly", "suction_pressure_bar", Priority.LOW, value=2.3)


def test_a_bearing_over_85_degrees_with_an_anomaly_is_critical_and_costs_67_500() -> None:
    found = assess(HOT, anomalous_pumps((HOT, ANOMALY)), TABLE)
    assert found is not None
    assert (found.kind, found.severity) == (EventType.ANOMALY_DETECTED, EventSeverity.CRITICAL)
    assert found.cost_basis == "45,000 × 1.5 (critical)"
    event = event_of(HOT, found, recommendation="Start the standby pump.", currency="INR")
    assert money(event.estimated_cost, event.currency) == "67,500 INR"
    assert event.event_id == f"P-101/bearing_temperature_c.high_high@{NOW_NS}"


@pytest.mark.parametrize(
    ("what", "active", "severity", "cost"),
    [
        (HOT, (HOT,), EventSeverity.HIGH, 45_000.0),
        (HOT, (HOT, replace(ANOMALY, pump_id="P-102")), EventSeverity.HIGH, 45_000.0),
        (HOT, (HOT, replace(ANOMALY, state=AlarmState.RETURNED)), EventSeverity.HIGH, 45_000.0),
        (replace(HOT, value=85.0), (ANOMALY,), EventSeverity.HIGH, 45_000.0),
        (replace(HOT, priority=Priority.MEDIUM, value=80.0), (ANOMALY,), EventSeverity.MEDIUM, 27_000.0),
        (
            alarm("oil_pressure_bar.low_low", "oil_pressure_bar", value=1.2),
            (ANOMALY,),
            EventSeverity.CRITICAL,
            57_000.0,
        ),
        (ANOMALY, (ANOMALY,), EventSeverity.LOW, 9_000.0),
        (replace(ANOMALY, tag="vibration_mm_s"), (ANOMALY,), EventSeverity.LOW, 3_600.0),
    ],
)
def test_severity_is_of_the_priority_and_cost_of_the_most_exact_row(
    what: Alarm, active: tuple[Alarm, ...], severity: EventSeverity, cost: float
) -> None:
    found = assess(what, anomalous_pumps(active), TABLE)
    assert found is not None
    assert found.severity is severity
    assert found.estimated_cost == pytest.approx(cost)


@pytest.mark.parametrize(
    "what",
    [
        alarm("link.1", ""),
        alarm("store", "", pump="station"),
        alarm("judging", ""),
        alarm("bearing_temperature_c.no_value", "bearing_temperature_c"),
        alarm("bearing_temperature_c.high", "bearing_temperature_c", Priority.LOW),
    ],
)
def test_links_the_program_and_alarms_of_low_priority_make_no_event(what: Alarm) -> None:
    assert assess(what, anomalous_pumps((what,)), TABLE) is None


def test_a_rule_of_an_engineer_makes_an_event_by_its_own_row() -> None:
    found = assess(alarm("rule.heat-and-hum", "hum"), anomalous_pumps(()), TABLE)
    assert found is not None
    assert found.kind is EventType.LIMIT_EXCEEDED
    table = replace(TABLE, rows=(*TABLE.rows, CostRow("rule.heat-and-hum", 500.0)))
    priced = assess(alarm("rule.heat-and-hum", "hum"), anomalous_pumps(()), table)
    assert priced is not None
    assert priced.estimated_cost == 500.0 * TABLE.factors[priced.severity]


def test_an_alarm_that_no_row_fits_has_a_severity_and_an_unknown_cost() -> None:
    found = assess(alarm("hum.high", "hum"), anomalous_pumps(()), TABLE)
    assert found is not None
    assert found.severity is EventSeverity.HIGH
    assert isnan(found.estimated_cost)
    assert money(found.estimated_cost, "INR") == "?"


def test_an_event_gets_worse_when_the_anomaly_comes_later_and_never_better() -> None:
    alone, both = assess(HOT, anomalous_pumps((HOT,)), TABLE), assess(HOT, anomalous_pumps((HOT, ANOMALY)), TABLE)
    assert alone is not None
    assert both is not None
    event = event_of(HOT, alone, recommendation="", currency="INR")
    worse = made_worse(event, both)
    assert worse is not None
    assert (worse.severity, worse.estimated_cost, worse.row_version) == (EventSeverity.CRITICAL, 67_500.0, 2)
    assert made_worse(worse, alone) is None
    assert made_worse(worse, both) is None
    assert made_worse(replace(event, resolved_ns=1), both) is None


# ---------------------------------------------------------------- orders

PLANNED = CreateMaintenance(
    "P-101", EventType.PLANNED_WORK, EventSeverity.MEDIUM, " Exchange the seal ", 1200.0, "ravi"
)


def planned() -> MaintenanceEvent:
    return created(Order(PLANNED, "asha", NOW_NS), PLANNED, currency="EUR")


def ordered(
    event: MaintenanceEvent, command: MaintenanceEdit, *, by: str = "asha", at_ns: int = NOW_NS
) -> MaintenanceEvent:
    return changed(event, Order(command, by, at_ns), command)


def test_a_person_creates_planned_work() -> None:
    event = planned()
    assert (event.title, event.assigned_to, event.created_by, event.currency) == (
        "Exchange the seal",
        "ravi",
        "asha",
        "EUR",
    )
    assert event.event_id.startswith("P-101/order@")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (replace(PLANNED, title="  "), "not described"),
        (replace(PLANNED, title="x" * 5000), "too long"),
        (replace(PLANNED, estimated_cost=-1.0), "estimated cost must be from 0"),
        (replace(PLANNED, estimated_cost=float("inf")), "estimated cost must be from 0"),
        (replace(PLANNED, due_ns=-5), "due date"),
        (replace(PLANNED, kind=EventType.ANOMALY_DETECTED), "made by alarms only"),
    ],
)
def test_what_cannot_be_created_is_said(command: CreateMaintenance, words: str) -> None:
    with pytest.raises(InputError, match=words):
        created(Order(command, "asha"), command, currency="EUR")


def test_an_event_is_resolved_and_reopened_and_nothing_of_it_is_lost() -> None:
    event = planned()
    done = ordered(event, ResolveMaintenance(event.event_id, "seal worn, exchanged", 1350.0), by="ravi")
    assert (done.is_resolved, done.resolved_by, done.finding, done.actual_cost) == (
        True,
        "ravi",
        "seal worn, exchanged",
        1350.0,
    )
    with pytest.raises(InputError, match="it is resolved"):
        ordered(done, AssignMaintenance(event.event_id, "x"))
    with pytest.raises(InputError, match="it is resolved"):
        ordered(done, ResolveMaintenance(event.event_id, "again"))
    again = ordered(done, ReopenMaintenance(event.event_id, "leaks again"))
    assert not again.is_resolved
    assert again.notes[-1].text == ("Reopened: leaks again (was resolved by ravi: seal worn, exchanged, 1,350 EUR)")
    with pytest.raises(InputError, match="open already"):
        ordered(again, ReopenMaintenance(event.event_id, "x"))
    assert again.row_version == 3


@pytest.mark.parametrize(
    "command",
    [
        NoteMaintenance("x", " "),
        ResolveMaintenance("x", ""),
        ResolveMaintenance("x", "found", -1.0),
        ResolveMaintenance("x", "found", down_s=-1.0),
        ResolveMaintenance("x", "found", down_s=inf),
        ResolveMaintenance("x", "found", is_failure=True, down_from_ns=NOW_NS, down_s=1e6),
        AssignMaintenance("x", "ravi"),
    ],
)
def test_an_incomplete_or_empty_order_changes_nothing(command: MaintenanceEdit) -> None:
    with pytest.raises(InputError):
        ordered(planned(), command)


WORDS = st.text(st.characters(codec="utf-8"), max_size=8)
EDITS = st.one_of(
    st.builds(AssignMaintenance, st.just("e"), WORDS, st.sampled_from([0, NOW_NS])),
    st.builds(NoteMaintenance, st.just("e"), WORDS),
    st.builds(ResolveMaintenance, st.just("e"), WORDS, st.sampled_from([nan, 0.0, 5.0, -1.0])),
    st.builds(ReopenMaintenance, st.just("e"), WORDS),
)


@given(st.lists(EDITS, max_size=20))
def test_any_row_of_orders_does_what_a_plain_model_does(edits: list[MaintenanceEdit]) -> None:
    event = planned()
    model = {"resolved": False, "who": ("ravi", 0), "notes": 0, "version": 1}
    for i, edit in enumerate(edits):
        fits, change = False, dict[str, object]()
        match edit:
            case AssignMaintenance(_, who, due_ns):
                new = (" ".join(who.split()), due_ns)
                fits = not model["resolved"] and new != model["who"]
                change = {"who": new}
            case NoteMaintenance(_, text):
                fits, change = bool(text.strip()), {"notes": event.notes.__len__() + 1}
            case ResolveMaintenance(_, finding, cost):
                fits = not model["resolved"] and bool(finding.strip()) and not cost < 0
                change = {"resolved": True}
            case ReopenMaintenance(_, reason):
                fits = bool(model["resolved"]) and bool(reason.strip())
                change = {"resolved": False, "notes": event.notes.__len__() + 1}
        if fits:
            event = ordered(event, edit, at_ns=NOW_NS + i)
            model |= change | {"version": event.row_version}
        else:
            with pytest.raises(InputError):
                ordered(event, edit)
        assert event.row_version == model["version"]
        assert event.is_resolved == model["resolved"]
        assert (event.assigned_to, event.due_ns) == model["who"]
        assert len(event.notes) == model["notes"]
        assert (event.event_id, event.title, event.estimated_cost) == (event.event_id, "Exchange the seal", 1200.0)


def test_the_list_goes_by_risk_open_first_then_severity_cost_and_age() -> None:
    one = planned()
    wanted = [
        replace(one, event_id="a", severity=EventSeverity.CRITICAL, estimated_cost=10.0),
        replace(one, event_id="b", severity=EventSeverity.HIGH, estimated_cost=90.0),
        replace(one, event_id="c", severity=EventSeverity.HIGH, estimated_cost=50.0, time_ns=1),
        replace(one, event_id="d", severity=EventSeverity.HIGH, estimated_cost=50.0, time_ns=2),
        replace(one, event_id="e", severity=EventSeverity.HIGH, estimated_cost=nan),
        replace(one, event_id="f", resolved_ns=9, severity=EventSeverity.LOW),
        replace(one, event_id="g", resolved_ns=8, severity=EventSeverity.CRITICAL),
    ]
    assert [event.event_id for event in by_risk(reversed(wanted))] == list("abcdefg")
