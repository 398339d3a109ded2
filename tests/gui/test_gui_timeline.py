"""The timeline of the Maintenance page: what the journal says, in lanes, chosen by mouse and keys."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pumpwatch_gui.domain.events import OrderDone, RunStateChanged
from pumpwatch_gui.domain.timeline import TimelineLane, TimelineMark
from pumpwatch_gui.gui.look.time_view import TimeView
from pumpwatch_gui.gui.maintenance.page import TIMELINE, MaintenancePage
from pumpwatch_gui.gui.maintenance.timeline_panel import TimelinePanel
from pumpwatch_gui.gui.shell.main_window import MainWindow
from tests.gui.conftest import OpenWindow
from tests.gui.fake_alarms import put_past_alarm
from tests.gui.fake_scenes import Scene
from tests.gui.fake_station import FakeStation
from tests.gui.parts import page_of

HOUR_NS = 3600 * 10**9


def opened(open_window: OpenWindow) -> tuple[MainWindow, TimelinePanel, FakeStation]:
    """A day with an alarm, a stop of four hours and a changed limit, and a pump in alarm now."""
    station = FakeStation(3, scenes={2: Scene("hot")}, history_s=60)
    now_ns = station.latest().time_ns
    put_past_alarm(station.history, now_ns - 5 * HOUR_NS, 3600.0, pump_id="P-101", kind=1)
    station.history.put_event(RunStateChanged(now_ns - 8 * HOUR_NS, "P-102", False))
    station.history.put_event(RunStateChanged(now_ns - 4 * HOUR_NS, "P-102", True))
    station.history.put_event(
        OrderDone(now_ns - 3 * HOUR_NS, "1", "change site", True, "P-101: limits changed", "Asha", "P-101")
    )
    window = open_window(source=station, size=(1280, 720))
    window.open_page("maintenance")
    page = page_of(window, MaintenancePage)
    page.tabs[TIMELINE].click()
    window.refresh()
    return window, page.timeline, station


def of(panel: TimelinePanel, lane: TimelineLane) -> list[TimelineMark]:
    return [mark for mark in panel.timeline.marks if mark.lane is lane]


def test_a_day_is_shown_in_lanes(open_window: OpenWindow) -> None:
    _, panel, _ = opened(open_window)
    hours = [round((m.end_ns - m.start_ns) / HOUR_NS, 1) for m in of(panel, TimelineLane.ALARMS) if not m.is_open]
    assert hours == [1.0]
    assert {m.pump_id for m in of(panel, TimelineLane.ALARMS) if m.is_open} == {"P-103"}
    assert [(m.pump_id, m.is_open) for m in of(panel, TimelineLane.RUNNING) if m.pump_id == "P-102"] == [
        ("P-102", False), ("P-102", True),
    ]  # fmt: skip
    assert [m.text for m in of(panel, TimelineLane.CHANGES)] == ["P-101: limits changed (Asha)"]
    assert "Changes: 1" in panel.timeline.accessibleDescription()


def test_the_filter_lets_one_pump_through(open_window: OpenWindow) -> None:
    window, panel, _ = opened(open_window)
    page_of(window, MaintenancePage).pump.setCurrentText("P-102")
    assert {mark.pump_id for mark in panel.timeline.marks} == {"P-102"}


def test_keys_go_from_mark_to_mark_and_enter_opens_the_pump(open_window: OpenWindow) -> None:
    window, panel, _ = opened(open_window)
    view = panel.timeline
    (past,) = (m for m in of(panel, TimelineLane.ALARMS) if not m.is_open)
    view.select(past)
    assert panel.said.text().startswith("P-101  Vibration high, ")
    assert panel.said.text().endswith(", 1 h 00 min")
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert view.selected is not None
    assert view.selected.pump_id == "P-103"
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert window.current == "pump"
    assert window.context.pump_id == "P-103"


def test_a_click_chooses_the_mark_that_is_there(open_window: OpenWindow) -> None:
    _, panel, _ = opened(open_window)
    view = panel.timeline
    view.grab()  # places the marks
    (change,) = of(panel, TimelineLane.CHANGES)
    place = next(p.rect for p in view._placed if p.mark == change)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=place.center().toPoint())
    assert view.selected == change


def view_of(panel: TimelinePanel) -> TimeView:
    return panel.timeline.view


def test_the_time_is_moved_and_never_into_the_future(open_window: OpenWindow) -> None:
    _, panel, station = opened(open_window)
    now_s = station.latest().time_ns / 1e9
    panel.bar.lengths["8 h"].click()
    assert view_of(panel).is_live
    panel.bar.back.click()
    assert not view_of(panel).is_live
    assert view_of(panel).end_s < now_s
    for _ in range(4):
        panel.bar.forward.click()
    assert view_of(panel).is_live
    assert not panel.bar.forward.isEnabled()
    QTest.keyClick(panel.timeline, Qt.Key.Key_Minus)
    assert view_of(panel).length_s > 8 * 3600
    assert view_of(panel).end_s <= now_s + 1


def test_trend_opens_the_same_time(open_window: OpenWindow) -> None:
    window, panel, _ = opened(open_window)
    (change,) = of(panel, TimelineLane.CHANGES)
    panel.timeline.select(change)
    panel.trend_button.click()
    assert window.current == "trends"
