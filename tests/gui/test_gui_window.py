"""The window: top bar, navigation, keys, what it remembers, accessible names."""

import gc
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QTextBrowser,
    QWidget,
)
from pytestqt.qtbot import QtBot

from pumpwatch_gui.domain.alarms.alarm import AlarmState
from pumpwatch_gui.domain.commands import Acknowledge
from pumpwatch_gui.domain.display import LastGood
from pumpwatch_gui.domain.events import Note
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.look.theme import THEMES, Appearance
from pumpwatch_gui.gui.look.widgets import Painted
from pumpwatch_gui.gui.overview.page import OverviewPage, attention_rows
from pumpwatch_gui.gui.pump.page import PumpPage
from pumpwatch_gui.gui.shell.entries import DIALOGS, PAGES
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.shell.snapshots import PagePictures
from pumpwatch_gui.gui.shell.top_bar import worst_unacknowledged
from pumpwatch_gui.gui.tables.columns import Columns
from tests.gui.conftest import OpenWindow
from tests.gui.fake_scenes import SCENES, SECOND, Scene
from tests.gui.fake_station import FakeStation, at_once
from tests.gui.parts import page_of

KEYS = [entry.key for entry in PAGES]
CONTROLS = (QAbstractButton, QComboBox, QLineEdit, QAbstractSpinBox, QPlainTextEdit, QTextBrowser, Painted)


def press(window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    target = window.focusWidget() or window
    QTest.keyClick(target, key, modifier)
    QApplication.processEvents()
    window.refresh()


def test_every_page_and_command_has_a_key_of_its_own(open_window: OpenWindow) -> None:
    window = open_window()
    keys = [s.toString() for action in window.findChildren(QAction) for s in action.shortcuts()]
    assert len(keys) == len(set(keys))
    assert all(entry.shortcut in keys for entry in PAGES if entry.in_nav)
    assert all(entry.shortcut in keys for entry in DIALOGS if entry.in_nav)


@pytest.mark.parametrize("key", KEYS)
def test_every_control_has_an_accessible_name(open_window: OpenWindow, key: str) -> None:
    window = open_window(12, scenes=SCENES, size=(1920, 1080))
    window.open_page(key)
    inside = ("qt_", "ScrollLeftButton", "ScrollRightButton")
    nameless = [
        f"{type(widget).__name__} {widget.objectName()}"
        for widget in window.findChildren(QWidget)
        if isinstance(widget, CONTROLS)
        and not widget.accessibleName()
        and not (isinstance(widget, QAbstractButton) and widget.text())
        and not widget.objectName().startswith(inside)
        and not isinstance(widget.parent(), (QComboBox, QAbstractSpinBox, QAbstractItemView))
    ]
    assert nameless == []


@pytest.mark.parametrize("key", KEYS)
def test_every_page_paints_at_every_size_theme_and_scale(open_window: OpenWindow, key: str) -> None:
    window = open_window(12, scenes=SCENES)
    window.open_page(key)
    for scale in (150, 100):
        window.appearance.set_scale(scale)
        for size in ((1024, 640), (1280, 720), (1920, 1080)):
            window.resize(*size)
            assert not window.grab().isNull()
    for theme in THEMES:
        window.appearance.set_theme(theme)
        assert not window.grab().isNull()


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(("size", "scale"), [((1024, 640), 125), ((1280, 720), 150), ((1920, 1080), 150)])
def test_nothing_is_pushed_out_of_the_window(
    open_window: OpenWindow, key: str, size: tuple[int, int], scale: int
) -> None:
    window = open_window(12, scenes=SCENES, size=size)
    window.appearance.set_scale(scale)
    window.open_page(key, "P-103")
    QApplication.processEvents()
    window.refresh()
    QApplication.processEvents()
    frame = window.page(key).parentWidget()  # it scrolls
    assert frame is not None
    for widget in (window.top_bar, window.top_bar.menu, window.nav_bar, window.footer, frame):
        inside = window.rect().contains(widget.rect().translated(widget.mapTo(window, QPoint(0, 0))))
        assert inside, f"{type(widget).__name__} at {widget.mapTo(window, QPoint(0, 0))} {widget.size()}"


def test_the_banner_shows_the_worst_unacknowledged_alarm(open_window: OpenWindow) -> None:
    scenes = {0: Scene("anomaly", AlarmState.ACKNOWLEDGED), 1: Scene("hot"), 2: Scene("lost")}
    window = open_window(3, scenes=scenes)
    alarm = worst_unacknowledged(window.context.station.latest())
    assert alarm is not None
    assert alarm.pump_id == "P-102"
    assert "P-102" in window.top_bar.banner.accessibleName()
    assert "priority 1" in window.top_bar.banner.accessibleName()


def test_f10_acknowledges_exactly_what_the_banner_shows(open_window: OpenWindow) -> None:
    station = FakeStation(3, scenes={1: Scene("hot")}, history_s=5)
    window = open_window(source=station)
    press(window, Qt.Key.Key_F10)
    (order,) = station.orders
    assert order.command == Acknowledge("P-102/bearing_temperature_c.high_high")
    assert order.actor


def test_nothing_can_be_acknowledged_when_nothing_is_open(open_window: OpenWindow) -> None:
    station = FakeStation(2, scenes={}, history_s=5)
    window = open_window(source=station)
    assert not window.top_bar.ack.isEnabled()
    press(window, Qt.Key.Key_F10)
    assert station.orders == []


def test_the_age_of_the_values_turns_into_a_warning_when_they_are_old(open_window: OpenWindow) -> None:
    station = FakeStation(3, scenes={}, history_s=5)
    window = open_window(source=station)
    was_old = window.top_bar.plant.old
    station.offset_ns = 12 * SECOND
    window.refresh()
    assert (was_old, window.top_bar.plant.old) == (False, True)
    assert "OLD 0:12" in window.top_bar.plant.accessibleDescription()


def test_the_age_of_the_values_does_not_count_frames_that_are_all_bad(open_window: OpenWindow) -> None:
    station = FakeStation(2, scenes={0: Scene("lost"), 1: Scene("lost")}, history_s=5)
    window = open_window(source=station)
    station.step(1.0)
    window.refresh()
    assert window.top_bar.plant.old
    assert "no values yet" in window.top_bar.plant.accessibleDescription()


def test_the_arrow_keys_walk_over_the_tiles_and_enter_opens_the_pump(open_window: OpenWindow) -> None:
    window = open_window(12, scenes={})
    tiles = page_of(window, OverviewPage).tiles
    tiles.setFocus()
    press(window, Qt.Key.Key_Right)
    assert tiles.focused is not None
    assert tiles.focused.pump_id == "P-102"
    press(window, Qt.Key.Key_Down)
    assert tiles.focused.pump_id == f"P-{102 + tiles.grid.columns}"
    assert "P-" in tiles.accessibleName()
    assert "Vibration" in tiles.accessibleDescription()
    press(window, Qt.Key.Key_Return)
    assert window.current == "pump"
    assert page_of(window, PumpPage).pump_id == tiles.focused.pump_id


def test_a_press_on_a_tile_opens_its_pump(open_window: OpenWindow) -> None:
    window = open_window(6, scenes={})
    tiles = page_of(window, OverviewPage).tiles
    QTest.mouseClick(tiles, Qt.MouseButton.LeftButton, pos=tiles.grid.rect(4).center().toPoint() + QPoint(1, 1))
    assert (window.current, page_of(window, PumpPage).pump_id) == ("pump", "P-105")


def test_stale_and_lost_tiles_show_no_number(open_window: OpenWindow) -> None:
    station = FakeStation(12, scenes={9: Scene("lost"), 10: Scene("stale")}, history_s=60)
    window = open_window(source=station)
    for state in page_of(window, OverviewPage).tiles.states[9:11]:
        assert not state.presence.live
        assert all(reading.hatched and reading.text == "?" for reading in state.readings)
        assert state.run_state.value == "NO DATA"
        assert state.health != state.health


def test_when_the_engine_stops_no_number_anywhere_stays_alive(open_window: OpenWindow) -> None:
    station = FakeStation(3, scenes={}, history_s=30)
    window = open_window(source=station)
    window.open_page("pump")
    station.offset_ns = 30 * SECOND
    window.refresh()
    page = page_of(window, PumpPage)
    assert all(row.reading.hatched and row.reading.text == "?" for row in page.sensors.rows)
    assert all("?" in text for text in page.trends._texts)
    window.open_page("overview")
    assert all(r.text == "?" for state in page_of(window, OverviewPage).tiles.states for r in state.readings)


def test_tiles_stay_in_plant_order_whatever_is_wrong(open_window: OpenWindow) -> None:
    window = open_window(12, scenes=SCENES, size=(1920, 1080))
    assert [s.pump_id for s in page_of(window, OverviewPage).tiles.states] == [f"P-{101 + i}" for i in range(12)]
    attention = [row.key for row in page_of(window, OverviewPage).attention.rows]
    assert attention[0] == "P-103"
    assert "P-110" in attention


def test_pumps_that_have_lost_only_the_connection_they_share_are_one_row() -> None:
    station = FakeStation(4, scenes={1: Scene("hot"), 2: Scene("lost"), 3: Scene("lost")}, history_s=5)
    view, lost = station.latest(), "10.0.4.5:502"
    alarm = replace(view.pumps[2].alarms[0], alarm_id=f"/connection.{lost}", pump_id="")
    behind = [replace(p, alarms=(), links=(replace(p.links[0], connection=lost),)) for p in view.pumps[2:]]
    view = replace(view, pumps=(*view.pumps[:2], *behind), alarms=(*view.pumps[1].alarms, alarm))
    hot, folded = attention_rows(view, LastGood())
    assert hot.key == "P-102"
    assert (folded.key, folded.text, folded.priority) == ("P-103", f"2 pumps behind {lost}", alarm.priority)
    assert folded.border is not None


def test_an_acknowledged_alarm_stops_blinking(open_window: OpenWindow) -> None:
    quiet = open_window(1, scenes={0: Scene("hot", AlarmState.ACKNOWLEDGED)})
    assert not page_of(quiet, OverviewPage).tiles.states[0].blinks
    loud = open_window(1, scenes={0: Scene("hot")})
    assert page_of(loud, OverviewPage).tiles.states[0].blinks


def test_space_pauses_the_trends_and_end_makes_them_live(open_window: OpenWindow) -> None:
    station = FakeStation(2, scenes={}, history_s=30)
    window = open_window(source=station)
    window.open_page("pump")
    page = page_of(window, PumpPage)
    page.trends.setFocus()
    press(window, Qt.Key.Key_Space)
    end_s = page.trends.window_now.end_s
    station.step(5.0)
    window.refresh()
    assert page.trends.window_now.paused
    assert page.trends.window_now.end_s == end_s
    assert page.pause.isChecked()
    press(window, Qt.Key.Key_End)
    assert page.trends.window_now.end_s > end_s
    assert not page.pause.isChecked()


def test_the_cursor_shows_the_values_of_its_time_next_to_the_lanes(open_window: OpenWindow) -> None:
    station = FakeStation(1, scenes={}, history_s=300)
    window = open_window(source=station)
    window.open_page("pump")
    trends = page_of(window, PumpPage).trends
    trends.setFocus()
    for _ in range(6):
        press(window, Qt.Key.Key_Left)
    assert trends.cursor_s == pytest.approx(trends.window_now.end_s - 60, abs=1)
    sample = station.trace("P-101").values[-61, 3]
    assert trends._lane_value(trends.lanes[3], 3) == (f"{sample:.2f}", True)


def test_page_keys_walk_over_the_pumps_and_around(open_window: OpenWindow) -> None:
    window = open_window(3, scenes={})
    window.open_page("pump", "P-103")
    page = page_of(window, PumpPage)
    press(window, Qt.Key.Key_PageDown)
    assert page.pump_id == "P-101"
    press(window, Qt.Key.Key_PageUp)
    assert page.pump_id == "P-103"
    press(window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert page.pump_id == "P-102"


def test_events_reach_the_pages_whether_on_show_or_not(open_window: OpenWindow) -> None:
    window = open_window(2, scenes={}, size=(1920, 1080))
    window.open_page("pump", "P-101")
    window.open_page("overview")
    window.on_event(Note(1_700_000_000 * SECOND, "a filter was changed", pump_id="P-101"))
    assert "a filter was changed" in page_of(window, OverviewPage).events.rows[0].text
    assert "a filter was changed" in page_of(window, PumpPage).events.rows[0].text


def test_theme_scale_page_and_size_are_remembered(open_window: OpenWindow, tmp_path: Path) -> None:
    window = open_window()
    press(window, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    window.appearance.step_scale(2)
    window.resize(1300, 777)
    window.open_page("pump")
    window.close()
    again = open_window(size=(1300, 777))
    assert (again.appearance.theme.name, again.appearance.scale, again.current) == ("light", 125, "pump")


@pytest.mark.parametrize("simulated", [False, True])
def test_every_page_of_a_simulated_plant_says_that_it_is_one(
    qapp: QApplication, tmp_path: Path, simulated: bool
) -> None:
    station, home = FakeStation(3, history_s=5), Home(tmp_path)
    window = MainWindow(station, home, home.site_file, ask=at_once, appearance=Appearance(), simulated=simulated)
    window.resize(1280, 720)
    window.show()
    for key in window.pages:
        window.open_page(key)
        QApplication.processEvents()
        assert window.top_bar.simulated.isVisible() is simulated
    window.close()
    window.deleteLater()


@pytest.mark.qt_log_ignore("does not support propagateSizeHints")  # said by the offscreen platform of every dialog
def test_help_opens_on_the_page_of_the_page(open_window: OpenWindow) -> None:
    window = open_window()
    window.open_page("pump")
    window.open_dialog("help")
    browser = window.findChild(QTextBrowser)
    assert browser is not None
    assert browser.toPlainText().startswith("Pump")
    assert browser.accessibleName()


def test_the_side_list_gives_way_in_a_narrow_window(open_window: OpenWindow) -> None:
    window = open_window(size=(1280, 720))
    assert not page_of(window, OverviewPage)._side.isVisible()
    window.resize(1920, 1080)
    QApplication.processEvents()
    assert page_of(window, OverviewPage)._side.isVisible()


def test_every_page_is_pictured_once_what_it_reads_has_come(
    open_window: OpenWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    window = open_window(3, scenes=SCENES)
    looks: list[str] = []
    ended: list[bool] = []
    due: list[bool] = []

    def is_idle() -> bool:
        due.append(any(columns.is_due for columns in window.findChildren(Columns)))
        looks.append(window.current)
        return looks.count(window.current) > 3

    pictures = PagePictures(
        window, tmp_path / "new" / "pictures", suffix="-dark", is_idle=is_idle, done=lambda: ended.append(True)
    )
    pictures.start()
    qtbot.waitUntil(lambda: bool(ended), timeout=60_000)
    assert pictures.trouble is None
    assert [path.name for path in pictures.paths] == [f"{key}-dark.png" for key in window.pages]
    assert all(path.stat().st_size > 10_000 for path in pictures.paths)
    assert {key: looks.count(key) for key in window.pages} == dict.fromkeys(window.pages, 4)
    assert not any(due), "a table was pictured before its columns were fitted"


def test_a_picture_that_cannot_be_written_ends_it_and_says_why(
    open_window: OpenWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "taken").write_text("a file")
    ended: list[bool] = []
    pictures = PagePictures(
        open_window(), tmp_path / "taken", suffix="", is_idle=lambda: True, done=lambda: ended.append(True)
    )
    pictures.start()
    qtbot.waitUntil(lambda: bool(ended), timeout=10_000)
    assert pictures.trouble is not None
    assert pictures.trouble.message == f"no picture can be written to {tmp_path / 'taken'}: File exists"
    assert pictures.paths == []


def test_pumps_may_come_and_go(open_window: OpenWindow) -> None:
    station = FakeStation(3, scenes={}, history_s=5)
    window = open_window(source=station)
    window.open_page("pump", "P-103")
    station.change(replace(station.site(), pumps=station.site().pumps[:1]))
    window.refresh()
    assert page_of(window, PumpPage).pump_id == "P-101"
    window.open_page("overview")
    assert [s.pump_id for s in page_of(window, OverviewPage).tiles.states] == ["P-101"]
    station.change(replace(station.site(), pumps=()))
    window.refresh()
    assert not window.grab().isNull()


def test_a_closed_window_leaves_no_widget(qapp: QApplication, tmp_path: Path) -> None:
    before = len(QApplication.topLevelWidgets())
    for _ in range(2):
        window = MainWindow(FakeStation(3, history_s=5), Home(tmp_path), tmp_path / "site.toml", ask=at_once)
        window.show()
        for key in window.pages:
            window.open_page(key)
        window.close()
        window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        del window
        gc.collect()
    assert len(QApplication.topLevelWidgets()) <= before


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal")
def test_calls_that_return_nothing_do_not_wear_none_out(qapp: QApplication) -> None:
    label = QLabel()
    before = sys.getrefcount(None)
    for i in range(1000):
        label.setText(str(i))
    assert sys.getrefcount(None) >= before - 50
    label.deleteLater()
