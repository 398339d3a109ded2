"""A flood: the notice, and the active alarms by pump."""

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState
from pumpwatch_gui.domain.commands import Acknowledge
from pumpwatch_gui.domain.events import AlarmChanged
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.gui.alarms.page import ACTIVE, BY_PUMP, AlarmsPage
from pumpwatch_gui.gui.shell.main_window import MainWindow
from tests.gui.conftest import OpenWindow
from tests.gui.fake_alarms import SECOND, past_alarm
from tests.gui.fake_station import FakeStation
from tests.gui.parts import page_of


class FloodedStation(FakeStation):
    """A fake station with alarms of the test's own, and a clock that it moves."""

    def __init__(self, pumps: int = 6) -> None:
        super().__init__(pumps, scenes={}, history_s=10)
        self.later_s = 0.0
        self.flood: dict[str, Alarm] = {}

    def raise_alarm(self, pump: int, kind: int, ago_s: float = 1.0) -> str:
        """Announce an alarm of `P-10x`; its id."""
        at_ns = super().latest().time_ns + round((self.later_s - ago_s) * SECOND)
        one = past_alarm(at_ns, pump_id=f"P-{100 + pump}", kind=kind)
        self.flood[one.alarm_id] = one
        self.publish(AlarmChanged(at_ns, one))
        return one.alarm_id

    @override
    def latest(self) -> StationView:
        """With those alarms."""
        view, alarms = super().latest(), tuple(sorted(self.flood.values(), key=lambda a: (a.priority, -a.raised_ns)))
        pumps = tuple(replace(p, alarms=tuple(a for a in alarms if a.pump_id == p.pump_id)) for p in view.pumps)
        return replace(view, alarms=alarms, pumps=pumps, time_ns=view.time_ns + round(self.later_s * SECOND))


def flooded(open_window: OpenWindow) -> tuple[MainWindow, AlarmsPage, FloodedStation]:
    """A window with twelve alarms on four pumps, P-102 first."""
    station = FloodedStation()
    for i in range(12):
        station.raise_alarm(1 + (i + 1) % 4, i // 4, ago_s=60 - i)
    window = open_window(source=station)
    window.open_page("alarms")
    window.refresh()
    return window, page_of(window, AlarmsPage), station


def pump_rows(page: AlarmsPage) -> list[tuple[str, int]]:
    """Pumps and how many alarms each has, in the order of the screen."""
    return [(r.group.pump_id, r.group.count) for r in page.by_pump.rows.rows if r.shown is None]


def test_the_page_is_calm_below_ten_alarms(open_window: OpenWindow) -> None:
    station = FloodedStation()
    for i in range(9):
        station.raise_alarm(1 + i % 3, i // 3)
    window = open_window(source=station)
    window.open_page("alarms")
    page = page_of(window, AlarmsPage)
    assert page.flood.text() == ""
    station.raise_alarm(4, 0)
    window.refresh()
    assert page.flood.text() == "▲ Flood: 10 alarms in 10 min – choose By pump"
    assert page.at == ACTIVE, "it is offered, not forced"


def test_the_offer_shows_the_alarms_by_pump_and_nothing_moves_while_they_come_and_go(open_window: OpenWindow) -> None:
    window, page, station = flooded(open_window)
    page.tabs[BY_PUMP].click()
    assert page.flood.text() == "▲ Flood: 12 alarms in 10 min"
    assert page.by_pump.isVisible()
    order = pump_rows(page)
    assert [pump for pump, _ in order] == ["P-102", "P-103", "P-104", "P-101"]
    assert sum(count for _, count in order) == len(station.flood)
    station.raise_alarm(5, 2)
    for alarm_id in [i for i in station.flood if i.startswith("P-102/")]:
        del station.flood[alarm_id]
    window.refresh()
    assert pump_rows(page) == [("P-102", 0), *order[1:], ("P-105", 1)]


def test_a_pump_opens_into_its_alarms_by_key_and_by_button(open_window: OpenWindow) -> None:
    window, page, station = flooded(open_window)
    page.tabs[BY_PUMP].click()
    view = page.by_pump
    view.selectRow(1)
    QTest.keyClick(view, Qt.Key.Key_Return)
    count = view.rows.rows[1].group.count
    assert [r.shown is not None for r in view.rows.rows[1 : 3 + count]] == [False, *[True] * count, False]
    station.raise_alarm(3, 4)
    window.refresh()
    assert view.rows.data(view.rows.index(1, 2)) == f"{count + 1}, 1 new"
    assert page.open_button.text() == "Show new"
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert page.open_button.text() == "Hide alarms"
    assert view.rows.data(view.rows.index(1, 2)) == f"{count + 1}"
    QTest.keyClick(view, Qt.Key.Key_Left)
    assert all(r.shown is None for r in view.rows.rows)
    page.open_button.click()
    assert view.rows.rows[2].shown is not None
    view.selectRow(2)
    assert page.chosen == view.rows.rows[2].shown.alarm
    assert page.guidance.guidance is not None
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert (window.current, window.context.pump_id) == ("pump", "P-103")


def test_only_alarms_on_the_screen_are_acknowledged(open_window: OpenWindow) -> None:
    window, page, station = flooded(open_window)
    page.tabs[BY_PUMP].click()
    view = page.by_pump
    view.selectRow(1)
    assert not page.acknowledge_button.isEnabled(), "the alarms of a closed pump have not been seen"
    page.acknowledge_selected()
    assert station.commands == []
    page.open_button.click()
    assert page.acknowledge_button.isEnabled()
    below = [r.shown.alarm.alarm_id for r in view.rows.rows if r.shown is not None]
    page.acknowledge_button.click()
    assert station.commands == [Acknowledge(alarm_id) for alarm_id in below]
    for alarm_id in below:
        station.flood[alarm_id] = replace(station.flood[alarm_id], state=AlarmState.ACKNOWLEDGED)
    window.refresh()
    assert not page.acknowledge_button.isEnabled()
    view.setFixedHeight(70)
    for alarm_id in below:
        station.flood[alarm_id] = replace(station.flood[alarm_id], state=AlarmState.UNACKNOWLEDGED)
    QApplication.processEvents()
    window.refresh()
    view.scrollToTop()
    view.selectRow(1)
    view.scrollToTop()
    assert view.to_acknowledge() == ()


def test_when_the_flood_is_over_it_is_said_and_the_reader_leaves_by_hand(open_window: OpenWindow) -> None:
    window, page, station = flooded(open_window)
    page.tabs[BY_PUMP].click()
    station.later_s = 700
    window.refresh()
    assert page.at == BY_PUMP
    assert page.flood.text() == "No flood: 0 alarms in 10 min – go back to Active when you like"
    page.tabs[ACTIVE].click()
    assert page.flood.text() == ""


def test_alarms_that_come_and_go_while_another_page_is_open_make_a_flood_too(open_window: OpenWindow) -> None:
    station = FloodedStation()
    window = open_window(source=station)
    page = page_of(window, AlarmsPage)
    window.open_page("overview")
    for i in range(10):
        del station.flood[station.raise_alarm(1 + i % 5, i // 5)]
    window.open_page("alarms")
    assert page.flood.text() == "▲ Flood: 10 alarms in 10 min – choose By pump"


def test_a_filter_counts_in_the_view_by_pump(open_window: OpenWindow) -> None:
    _, page, _ = flooded(open_window)
    page.tabs[BY_PUMP].click()
    page.filter.pump.setCurrentText("P-104")
    assert [pump for pump, _ in pump_rows(page)] == ["P-104"]
    page.filter.text.setText("no such words")
    assert pump_rows(page) == []
    assert page.by_pump.nothing == "Nothing that the filter lets through"
