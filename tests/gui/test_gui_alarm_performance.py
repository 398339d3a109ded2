"""The Performance tab of the Alarms page."""

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.gui.alarms.figures import highest_of
from pumpwatch_gui.gui.alarms.page import ACTIVE, PERFORMANCE, AlarmsPage
from pumpwatch_gui.gui.settings.limits_dialog import LimitsDialog
from pumpwatch_gui.gui.shell.main_window import MainWindow
from tests.gui.conftest import OpenWindow
from tests.gui.fake_alarms import SECOND, put_past, put_past_alarm
from tests.gui.fake_station import FakeStation
from tests.gui.parts import dialog_of, page_of


def opened(open_window: OpenWindow, *, is_flood: bool = True) -> tuple[MainWindow, AlarmsPage, FakeStation]:
    """A window with a month of alarms at its Performance tab."""
    station = FakeStation(6, scenes={}, history_s=10)
    put_past(station.history, station.latest().time_ns, is_flood=is_flood)
    window = open_window(source=station)
    window.open_page("alarms")
    window.refresh()
    page = page_of(window, AlarmsPage)
    page.tabs[PERFORMANCE].click()
    QApplication.processEvents()
    return window, page, station


def value(page: AlarmsPage, name: str) -> str:
    """A figure on show."""
    return next(f.value for f in page.performance.grid.figures if f.name == name)


def test_the_figures_of_a_shift_a_day_and_a_month_stand_beside_their_benchmarks(open_window: OpenWindow) -> None:
    _, page, _ = opened(open_window)
    assert page.performance.isVisible()
    assert not page.alarm_view.isVisible()
    assert not page.guidance.isVisible()
    counts = []
    for span in ("Shift", "Day", "Month"):
        page.performance.spans[span].click()
        counts.append(int(value(page, "Alarms").replace(",", "")))
    assert counts == sorted(counts)
    assert counts[0] < counts[2]
    page.performance.spans["Shift"].click()
    assert value(page, "In 10 min, peak") not in ("0", "1")
    assert value(page, "Chattering alarms") == "1"
    assert "Time in flood: " in page.performance.grid.accessibleDescription()
    assert "above maximum" in page.performance.grid.accessibleDescription()
    assert "in flood" in page.performance.bars.accessibleDescription()


def test_a_line_of_the_top_ten_opens_its_limits_at_its_sensor(open_window: OpenWindow) -> None:
    window, page, _ = opened(open_window, is_flood=False)
    view = page.performance.top_view
    assert not page.performance.limits.isEnabled()
    view.selectRow(0)
    assert page.performance.top.rows[0].alarm.alarm_id == "P-104/flow_rate_l_min.low"
    assert page.performance.top.rows[0].advice is not None
    assert page.performance.limits.isEnabled()
    QTest.keyClick(view, Qt.Key.Key_Return)
    dialog = dialog_of(window, LimitsDialog)
    assert dialog.pump.currentText() == "P-104"
    assert dialog.table.sensors[dialog.table.currentRow()].tag == "flow_rate_l_min"
    dialog.close()
    assert not window.context.opening.limits_tag


def test_an_alarm_without_a_limit_opens_its_pump(open_window: OpenWindow) -> None:
    window, page, station = opened(open_window, is_flood=False)
    now_ns = station.latest().time_ns
    for i in range(40):
        put_past_alarm(station.history, now_ns - (3000 - 70 * i) * SECOND, 30, pump_id="P-102", kind=4)
    page.performance.ask()
    page.performance.top_view.selectRow(0)
    assert not page.performance.limits.isEnabled()
    page.performance.top_view.activated.emit(page.performance.top.index(0, 0))
    assert (window.current, window.context.pump_id) == ("pump", "P-102")


def test_the_journal_is_read_elsewhere_and_an_answer_for_another_span_is_dropped(open_window: OpenWindow) -> None:
    _, page, _ = opened(open_window)
    waiting: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []
    page.context.ask = lambda function, on_result, on_error=None: waiting.append((function, on_result))
    page.performance.spans["Month"].click()
    page.performance.spans["Shift"].click()
    assert len(waiting) == 2
    before = page.performance.read
    for function, on_result in waiting[:1]:
        on_result(function())
    assert page.performance.read is before
    waiting[1][1](waiting[1][0]())
    assert page.performance.read is not None
    assert len(page.performance.read.found.periods) == 48


def test_a_journal_that_cannot_be_read_is_said_and_what_was_read_stays(
    open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, page, station = opened(open_window)

    def broken(*_: object, **__: object) -> None:
        raise StoreError("the disk is gone", "look at the disk")

    monkeypatch.setattr(station.history, "journal", broken)
    page.performance.ask()
    assert page.performance.status.text() == "The journal cannot be read: the disk is gone – look at the disk"
    assert page.performance.grid.figures


def test_a_young_journal_is_said_and_the_figures_are_read_again_after_a_minute(open_window: OpenWindow) -> None:
    station = FakeStation(3, scenes={}, history_s=10)
    put_past_alarm(station.history, station.latest().time_ns - 1200 * SECOND, 30)
    window = open_window(source=station)
    window.open_page("alarms")
    page = page_of(window, AlarmsPage)
    page.tabs[PERFORMANCE].click()
    assert "the journal is younger than the last 24 h" in page.performance.status.text()
    assert value(page, "Alarms") == "1"
    put_past_alarm(station.history, station.latest().time_ns - 600 * SECOND, 30)
    window.refresh()
    assert value(page, "Alarms") == "1"
    station.offset_ns += 61 * SECOND
    window.refresh()
    assert value(page, "Alarms") == "2"
    page.tabs[ACTIVE].click()
    assert page.alarm_view.isVisible()
    assert page.filter.text.isVisible()


def test_bars_join_periods_by_their_highest() -> None:
    assert highest_of([1, 12, 0, 3, 2], 3) == [(12, True), (3, False), (2, False)]
    assert highest_of([1, 2], 10) == [(1, False), (2, False)]
