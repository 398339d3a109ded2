"""The alarms of a disk that fills up come in time, once, and go when the disk lasts longer again."""

from dataclasses import replace
from math import nan

import pytest

from pumpwatch_gui.domain.alarms.alarm import AlarmState, Priority
from pumpwatch_gui.domain.events import AlarmChanged, Event
from pumpwatch_gui.engine.annunciator import Annunciator
from pumpwatch_gui.engine.bus import EventBus
from pumpwatch_gui.engine.disk_forecast import DiskForecast
from pumpwatch_gui.judge.alarms.desk import AlarmDesk
from pumpwatch_gui.store.hot.counters import StoreCounters
from pumpwatch_gui.store.hot.growth import Growth
from pumpwatch_gui.store.hot.intake import Intake
from pumpwatch_gui.store.hot.writer import StoreView


def view(days: float) -> StoreView:
    plain = StoreCounters().view(Intake(1, lambda: None), "")
    return replace(plain, free_bytes=10**9, growth=Growth(100.0, 10**9 / days))


@pytest.fixture
def forecast() -> tuple[DiskForecast, list[Event]]:
    events: list[Event] = []
    return DiskForecast(Annunciator(AlarmDesk(), EventBus(events.append))), events


def changes(events: list[Event]) -> list[tuple[str, Priority, bool]]:
    return [(e.alarm.alarm_id, e.alarm.priority, e.alarm.state is AlarmState.UNACKNOWLEDGED)
            for e in events if isinstance(e, AlarmChanged)]  # fmt: skip


def test_a_warning_a_month_before_and_an_alarm_a_week_before(forecast: tuple[DiskForecast, list[Event]]) -> None:
    disk, events = forecast
    for days in (nan, 400, 31, 29, 28, 8, 6.9, 7.5, 6):
        disk.look(view(days))
    assert changes(events) == [
        ("station/disk.warning", Priority.LOW, True),
        ("station/disk.full_soon", Priority.HIGH, True),
    ]
    (first, _) = (e for e in events if isinstance(e, AlarmChanged))
    assert "will be full on 20" in first.alarm.text
    assert "1.0 GB are free, 0.03 GB a day" in first.alarm.text
    disk.look(view(9))
    disk.look(view(37))
    assert [change[::2] for change in changes(events)[2:]] == [
        ("station/disk.full_soon", False), ("station/disk.warning", False)
    ]  # fmt: skip


def test_a_budget_is_announced_two_months_before_with_what_will_go(
    forecast: tuple[DiskForecast, list[Event]],
) -> None:
    disk, events = forecast
    for left_days in (70, 50, 40, 80):
        used = 10**11 - left_days * 10**8
        plain = replace(view(1_000), growth=Growth(5.0, 10.0**8), free_bytes=10**13)
        disk.look(replace(plain, budget_bytes=10**11, used_bytes=used, oldest_ns=1_735_689_600 * 10**9))
    (first, _) = (e for e in events if isinstance(e, AlarmChanged))
    assert changes(events) == [
        ("station/history.budget", Priority.LOW, True),
        ("station/history.budget", Priority.LOW, False),
    ]
    assert "reach its 100 GB on 20" in first.alarm.text
    assert "those from 2025-01-01 on first" in first.alarm.text
    disk.look(replace(view(1_000), budget_bytes=0, used_bytes=10**12))
    assert len(changes(events)) == 2
