"""When a pump was out of service and how often it failed, and what follows for availability, MTBF and MTTR."""

from dataclasses import replace
from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.maintenance.event import EventSeverity, EventType, MaintenanceEvent
from pumpwatch_gui.domain.maintenance.outages import Outages, outages_of
from pumpwatch_gui.domain.ports import Series
from pumpwatch_gui.domain.reports.figures import PumpFigures, pump_figures, station_figures
from tests.domain.test_reports import PROFILE, TAGS

HOUR_NS = 3600 * 10**9
DAY_H = 24


def event(at_h: float, *, down_h: float = nan, failed: bool | None = True, pump_id: str = "P-1") -> MaintenanceEvent:
    """An event that was resolved two days after it came; out of service from its time on."""
    at_ns = round(at_h * HOUR_NS)
    return MaintenanceEvent(
        f"{pump_id}/x@{at_ns}", pump_id, at_ns, EventType.LIMIT_EXCEEDED, EventSeverity.HIGH, "trip", nan, "INR",
        resolved_ns=at_ns + 48 * HOUR_NS, is_failure=failed, down_from_ns=at_ns, down_s=down_h * 3600,
    )  # fmt: skip


def figures(outages: Outages, *, watched_h: int = DAY_H, hours: float = DAY_H) -> PumpFigures:
    """The figures of a pump that ran all the time it was watched, a reading a minute from 0 h on."""
    time_s = np.arange(0, watched_h * 3600, 60.0)
    mean = np.column_stack([np.full(time_s.size, 1480.0 if tag == "motor_rpm" else nan) for tag in TAGS])
    series = Series(time_s, mean, mean, mean, np.full(time_s.size, nan))
    return pump_figures("P-1", "One", PROFILE, series, hours=hours, starts=1, outages=outages)


def day(*events: MaintenanceEvent) -> Outages:
    """The outages of P-1 on the first day."""
    return outages_of(events, "P-1", 0, DAY_H * HOUR_NS)


def test_down_time_is_cut_to_the_period_and_what_overlaps_counts_once() -> None:
    found = day(event(-2, down_h=3), event(5, down_h=2), event(6, down_h=4), event(23, down_h=5))
    assert found.spans == ((0, HOUR_NS), (5 * HOUR_NS, 10 * HOUR_NS), (23 * HOUR_NS, 24 * HOUR_NS))
    assert found.down_h == 7
    assert found.failures == 3, "the first began the day before"
    assert found.repairs_h == (2, 4, 5)


def test_availability_is_up_by_up_and_down_and_planned_work_is_down_but_no_failure() -> None:
    found = figures(day(event(3, down_h=6, failed=False)))
    assert found.availability == pytest.approx(75.0)
    assert found.outages.failures == 0
    assert isnan(found.mtbf_h)


def test_time_without_readings_counts_only_where_the_pump_is_known_to_have_been_down() -> None:
    found = figures(day(event(10, down_h=6)), watched_h=12)
    assert found.up_h == pytest.approx(10.0, abs=0.05)
    assert found.availability == pytest.approx(100 * 10 / 16, abs=0.2)


def test_where_nothing_was_watched_or_something_was_not_said_availability_is_not_known() -> None:
    assert isnan(figures(day(event(3, down_h=6)), watched_h=0).availability)
    assert isnan(figures(day(event(3, failed=None))).availability)
    assert isnan(figures(day(event(3))).availability), "how long the failure lasted is not known"
    assert figures(day(replace(event(3), resolved_ns=0, is_failure=None))).availability == 100.0, "it is open"
    assert figures(day(event(3, failed=None, pump_id="P-2"))).availability == 100.0


def test_the_mean_times_need_three_failures() -> None:
    two = figures(day(event(3, down_h=1), event(6, down_h=2)))
    assert isnan(two.mtbf_h)
    assert isnan(two.mttr_h)
    three = figures(day(event(3, down_h=1), event(6, down_h=2), event(12, down_h=3)))
    assert three.mtbf_h == pytest.approx(8.0, abs=0.02)
    assert three.mttr_h == pytest.approx(2.0)
    station = station_figures((three, two))
    assert station.failures == 5
    assert station.mttr_h == pytest.approx(9 / 5)
    assert station.availability == pytest.approx(100 * (18 + 21) / 48, abs=0.1)


@given(st.lists(st.tuples(st.floats(-30, 30), st.floats(0, 20)), max_size=8), st.integers(0, DAY_H))
def test_availability_is_a_share_whatever_was_said(said: list[tuple[float, float]], watched_h: int) -> None:
    outages = day(*(event(at_h, down_h=down_h) for at_h, down_h in said))
    assert all(a < b for a, b in outages.spans)
    assert all(one[1] < other[0] for one, other in zip(outages.spans, outages.spans[1:], strict=False))
    found = figures(outages, watched_h=watched_h)
    assert isnan(found.availability) == (watched_h == 0)
    assert not found.availability < 0
    assert not found.availability > 100
    assert outages.down_h <= DAY_H
