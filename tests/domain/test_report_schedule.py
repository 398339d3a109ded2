"""Of which periods scheduled reports are due, at any time."""

from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.reports.period import ReportKind, parse_period
from pumpwatch_gui.domain.reports.schedule import SCHEDULED, SETTLED, ReportSchedule

NOW = datetime(2026, 10, 14, 6, 1)
EVERY = ReportSchedule(SCHEDULED)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1))


def names(schedule: ReportSchedule, now: datetime) -> dict[ReportKind, str]:
    return {period.kind: period.typed for period in schedule.ended(now)}


def test_the_newest_period_that_has_ended_and_settled_is_due() -> None:
    assert names(EVERY, NOW) == {
        ReportKind.SHIFT: "2026-10-13 14:00 to 22:00",  # the night shift ended a minute ago
        ReportKind.DAILY: "2026-10-13",
        ReportKind.WEEKLY: "2026 week 41",
        ReportKind.MONTHLY: "2026-09",
    }
    assert names(EVERY, NOW + timedelta(minutes=1))[ReportKind.SHIFT] == "2026-10-13 22:00 to 06:00"
    assert names(ReportSchedule(), NOW) == {}


@given(MOMENTS, st.sets(st.times().map(lambda at: at.replace(second=0, microsecond=0)), min_size=1, max_size=5))
def test_what_is_due_has_ended_is_typed_as_it_is_read_and_the_next_has_not_ended(
    now: datetime, shifts: set[time]
) -> None:
    schedule = ReportSchedule(SCHEDULED, shifts=tuple(shifts))
    for period in schedule.ended(now):
        assert period.end <= now - SETTLED
        assert period.start < period.end
        if period.end - period.start < timedelta(days=1) or period.kind is not ReportKind.SHIFT:
            again = parse_period(period.kind, period.typed)
            assert (again.start, again.end) == (period.start, period.end)
        # A step of a period later this one is no longer the newest, so that none is passed over.
        (later,) = ReportSchedule((period.kind,), shifts=tuple(shifts)).ended(period.end + SETTLED)
        assert (later.start, later.end) == (period.start, period.end)


@pytest.mark.parametrize("shifts", [(), (time(6), time(6))])
def test_shifts_that_are_none_or_equal_are_refused(shifts: tuple[time, ...]) -> None:
    with pytest.raises(ValueError, match="different times"):
        ReportSchedule(shifts=shifts)
