"""Pages in windows of their own: live, with the alarms above them, remembered, closed with the program."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, QRect, QSettings, Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from pumpwatch_gui.domain.commands import Acknowledge
from pumpwatch_gui.domain.units import UnitChoice
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.pump.page import PumpPage
from pumpwatch_gui.gui.review.incident_dialog import IncidentDialog
from pumpwatch_gui.gui.settings.limits_dialog import LimitsDialog
from pumpwatch_gui.gui.shell.detached import MOST, SETTLED_MS, DetachedWindow, Placed, placed_of
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.shell.nav_bar import NavButton
from pumpwatch_gui.gui.trends.page import TrendsPage
from tests.gui.conftest import OpenWindow
from tests.gui.fake_scenes import Scene
from tests.gui.fake_station import FakeStation
from tests.gui.parts import page_of
from tests.gui.test_gui_full_screen import ByHand, set_kiosk
from tests.gui.test_gui_palette import palette

HOT = {0: Scene("hot")}
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # the offscreen platform, of any menu


def detached(window: MainWindow, key: str = "pump") -> DetachedWindow:
    """A page in a window of its own, laid out and filled."""
    made = window.detach(key)
    assert made is not None
    QApplication.processEvents()
    window.refresh()
    return made


def act(window: MainWindow, words: str) -> QAction:
    return next(action for action in window.findChildren(QAction) if action.text() == words)


def all_detached() -> list[DetachedWindow]:
    """Those on the screen, by their pages."""
    found = [w for w in QApplication.topLevelWidgets() if isinstance(w, DetachedWindow) and w.isVisible()]
    return sorted(found, key=lambda window: window.entry.key)


def test_it_is_opened_by_key_by_menu_and_by_the_palette(open_window: OpenWindow) -> None:
    window = open_window(3)
    window.open_page("trends")
    act(window, "Open this page in its own window").trigger()
    assert [one.entry.key for one in all_detached()] == ["trends"]
    button = next(b for b in window.nav_bar.findChildren(NavButton) if b.text() == "Events")
    button.customContextMenuRequested.emit(QPoint(5, 5))
    menu = next(m for m in button.findChildren(QMenu) if m.isVisible())
    next(a for a in menu.actions() if a.text() == "Open in its own window").trigger()
    menu.close()
    assert [one.entry.key for one in all_detached()] == ["events", "trends"]
    words = {place.words for place in palette(window).places}
    assert {"Open this page in its own window", "Pump in its own window", "Alarms in its own window"} <= words


def test_every_window_names_the_worst_unacknowledged_alarm_and_acknowledges_it(open_window: OpenWindow) -> None:
    station = FakeStation(3, scenes=HOT, history_s=5)
    window = open_window(source=station)
    other = detached(window, "events")
    assert other.top_bar.banner.alarm == window.top_bar.banner.alarm
    assert other.top_bar.banner.alarm is not None
    assert "high-high" in other.top_bar.banner.accessibleName()
    other.top_bar.ack.click()
    assert station.commands == [Acknowledge(other.top_bar.banner.alarm.alarm_id)]


def test_its_page_is_live_and_keeps_its_own_pump(open_window: OpenWindow) -> None:
    station = FakeStation(3, history_s=5)
    window = open_window(source=station)
    window.open_page("pump", "P-102")
    other = detached(window)
    page = other.page
    assert isinstance(page, PumpPage)
    window.open_page("pump", "P-103")
    assert (page.pump_id, window.context.pump_id) == ("P-102", "P-103")
    assert "P-102" in other.windowTitle()
    before = page.trends._trace
    station.step(station.now_s + 3.0)
    window.refresh()
    assert page.trends._trace is not before
    window.use_units(UnitChoice(pressure="psi"))
    assert "psi" in {lane.unit for lane in page.trends.lanes}


def test_what_it_leads_to_opens_in_the_main_window_and_dialogs_above_it(open_window: OpenWindow) -> None:
    window = open_window(3)
    window.open_page("pump", "P-102")
    other = detached(window)
    window.open_page("overview", "P-101")
    other.context.open_trend("P-102", "vibration_mm_s")
    assert window.current == "trends"
    other.context.open_trend("P-102", "vibration_mm_s", (1_000.0, 1_600.0))
    view = page_of(window, TrendsPage).plot.view
    assert (view.start_s, view.end_s) == (1_000.0, 1_600.0)
    other.context.save_incident(["P-103"], (10**9, 2 * 10**9))
    QApplication.processEvents()
    file = next(one for one in other.findChildren(IncidentDialog) if one.isVisible())
    assert file.chosen == ("P-103",)
    file.close()
    other.context.open_dialog("limits")
    QApplication.processEvents()
    dialog = next(one for one in other.findChildren(LimitsDialog) if one.isVisible())
    assert "P-102" in dialog.windowTitle()
    dialog.close()
    other.context.open_page("pump", "P-103")
    assert other.context.pump_id == "P-103"
    assert window.current == "trends"


def test_the_layout_is_remembered_and_all_close_with_the_program(open_window: OpenWindow) -> None:
    window = open_window(3)
    window.open_page("pump", "P-103")
    first, second = detached(window), detached(window, "alarms")
    first.setGeometry(0, 50, 800, 500)  # within the screen of the offscreen platform
    second.setGeometry(0, 20, 800, 520)
    QApplication.processEvents()
    window.close()
    assert all_detached() == []
    again = open_window(3)
    again.start()
    restored = all_detached()
    assert [one.entry.key for one in restored] == ["alarms", "pump"]
    assert restored[1].context.pump_id == "P-103"
    assert (restored[1].geometry().y(), restored[1].height()) == (50, 500)


def test_the_place_on_a_monitor_that_is_gone_is_kept_until_it_is_moved(open_window: OpenWindow, tmp_path: Path) -> None:
    window = open_window(3)
    kept = replace(detached(window, "alarms").placed, screen="the wall")
    window.close()
    settings = QSettings(str(Home(tmp_path).settings), QSettings.Format.IniFormat)
    settings.setValue("window/detached", json.dumps([asdict(kept)]))
    settings.sync()
    again = open_window(3)
    again.start()
    shown = all_detached()[0]
    QTest.qWait(SETTLED_MS + 100)  # what a person does comes later
    screen = QGuiApplication.primaryScreen().geometry()
    assert screen.intersects(shown.frameGeometry())
    assert shown.placed == kept
    shown.move(shown.pos() + QPoint(30, 10))
    QApplication.processEvents()
    assert shown.placed.screen == shown.screen().name() != "the wall"


ON_SCREENS = """
import sys
from pathlib import Path
from PySide6.QtTest import QTest
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.shell.app import application
from pumpwatch_gui.gui.shell.detached import SETTLED_MS
from pumpwatch_gui.gui.shell.main_window import MainWindow
from tests.gui.fake_station import FakeStation, at_once

app = application()
home = Home(Path(sys.argv[1]))
window = MainWindow(FakeStation(2, history_s=5), home, home.site_file, ask=at_once)
window.show()
window.start()
shown = window.detach("alarms") if sys.argv[2] == "new" else window.detached[0]
QTest.qWait(SETTLED_MS + 100)
print(shown.screen().name(), shown.width(), shown.height())
window.close()
"""


def started_on(folder: Path, screens: dict[str, QRect], what: str = "") -> str:
    """Where a window of a program of its own is, on these screens: the name of its screen, its width and height."""
    made = [{"name": name, "x": r.x(), "y": r.y(), "width": r.width(), "height": r.height(), "logicalDpi": 96,
             "logicalBaseDpi": 96, "dpr": 1} for name, r in screens.items()]  # fmt: skip
    (folder / "screens.json").write_text(json.dumps({"screens": made}))
    environment = os.environ | {"QT_QPA_PLATFORM": f"offscreen:configfile={folder / 'screens.json'}"}
    command = [sys.executable, "-c", ON_SCREENS, str(folder), what]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_window_comes_on_another_monitor_and_goes_back_there_when_that_is_there_again(tmp_path: Path) -> None:
    Home(tmp_path).prepare()
    desk = {"desk": QRect(0, 0, 1920, 1080)}
    both = desk | {"wall": QRect(1920, 0, 2560, 1440)}
    assert started_on(tmp_path, both, "new") == "wall 1280 800"
    assert started_on(tmp_path, both) == "wall 1280 800"
    assert started_on(tmp_path, desk) == "desk 1280 800"
    assert started_on(tmp_path, desk) == "desk 1280 800"
    assert started_on(tmp_path, both) == "wall 1280 800"


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"page": "pump"}]', "null", '{"a": 1}'])
def test_a_damaged_layout_opens_nothing(text: str) -> None:
    assert placed_of(text) == []


def test_a_page_that_is_no_longer_there_is_passed_over(open_window: OpenWindow, tmp_path: Path) -> None:
    kept = [asdict(Placed(key, "P-999", "", "")) for key in ("nothing", "first-run", "pump")]
    settings = QSettings(str(Home(tmp_path).settings), QSettings.Format.IniFormat)
    settings.setValue("window/detached", json.dumps(kept))
    settings.sync()
    window = open_window(3)
    window.start()
    window.refresh()
    assert [(one.entry.key, one.context.pump_id) for one in all_detached()] == [("pump", "P-101")]


def test_there_are_no_more_than_so_many(open_window: OpenWindow) -> None:
    window = open_window(1)
    for _ in range(MOST):
        assert window.detach("events") is not None
    assert window.detach("events") is None


def test_one_closes_alone_and_the_others_go_on(open_window: OpenWindow) -> None:
    window = open_window(2)
    first, second = detached(window), detached(window, "events")
    first.close()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    window.refresh()
    assert all_detached() == [second]


def test_a_page_that_cannot_be_shown_is_announced_in_its_window_alone(
    open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    window = open_window(2)
    other = detached(window, "events")
    monkeypatch.setattr(other.page, "refresh", lambda view: 1 / 0)
    window.refresh()
    assert "SCREEN STOPPED" in other.top_bar.stopped.words[0][0]
    assert window.top_bar.stopped.words == ()
    caplog.clear()


def test_f11_fills_the_screen_of_the_window_that_has_the_keyboard(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(2)
    other = detached(window, "events")
    other.activateWindow()
    qtbot.waitUntil(other.isActiveWindow)
    act(window, "Full screen").trigger()
    qtbot.waitUntil(other.isFullScreen)
    assert not window.isFullScreen()
    QTest.keyClick(other, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not other.isFullScreen())


def test_in_a_kiosk_those_that_are_remembered_fill_their_screens_and_stay(
    open_window: OpenWindow, tmp_path: Path
) -> None:
    set_kiosk(tmp_path)
    settings = QSettings(str(Home(tmp_path).settings), QSettings.Format.IniFormat)
    settings.setValue("window/detached", json.dumps([asdict(Placed("alarms", "", "", ""))]))
    settings.sync()
    window = open_window(2)
    window.start()
    shown = all_detached()[0]
    assert shown.isFullScreen()
    shown.setWindowState(Qt.WindowState.WindowNoState)
    QApplication.processEvents()
    assert shown.isFullScreen()
    event = ByHand()
    shown.closeEvent(event)
    assert not event.isAccepted()
    assert not [a for a in window.findChildren(QAction) if "own window" in a.text()]
    window.close()
    assert all_detached() == []
