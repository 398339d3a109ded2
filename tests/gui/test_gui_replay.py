"""The window of a replay: its bar turns every page to a past second, and nothing on it can be taken for now."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from pumpwatch_gui.commissioning.backups.reviewing import open_review
from pumpwatch_gui.domain.alarms.alarm import AlarmState
from pumpwatch_gui.domain.replay import ReplayState
from pumpwatch_gui.domain.wording import local_time
from pumpwatch_gui.gui.alarms.page import AlarmsPage
from pumpwatch_gui.gui.events.page import EventsPage
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.overview.page import OverviewPage
from pumpwatch_gui.gui.pump.page import PumpPage
from pumpwatch_gui.gui.review.bar import ReplayBar
from pumpwatch_gui.gui.review.incident_dialog import IncidentDialog
from pumpwatch_gui.gui.shell.app import dispose
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.shell.threads import EngineHost
from pumpwatch_gui.gui.trends.page import TrendsPage
from pumpwatch_gui.gui.trends.pens import Pen
from tests.flow.running import home_at
from tests.gui.parts import dialog_of, page_of
from tests.stations.test_replay import SECOND, at, home

__all__ = ["home"]


@pytest.fixture
def window(qtbot: QtBot, home: Path, tmp_path: Path) -> Iterator[MainWindow]:
    review = open_review(home, tmp_path)
    host = EngineHost(review.station)
    window = MainWindow(review.station, home_at(tmp_path / "scratch"), review.site_file, ask=host.ask,
                        appearance=Appearance("dark"))  # fmt: skip
    host.happened.connect(window.on_event)
    host.start()
    window.resize(1280, 720)
    window.show()
    window.start()
    qtbot.wait_until(lambda: not state(window).is_reading, timeout=20_000)
    yield window
    window.close()
    host.stop()
    dispose(window)


def state(window: MainWindow) -> ReplayState:
    found = window.context.station.latest().replay
    assert found is not None
    return found


def bar_of(window: MainWindow) -> ReplayBar:
    assert window.replay_bar is not None
    return window.replay_bar


def turn(window: MainWindow, qtbot: QtBot, time_ns: int) -> None:
    bar_of(window).turn_to(time_ns)
    qtbot.wait_until(lambda: shown_ns(window) == time_ns and not state(window).is_reading, timeout=20_000)
    window.refresh()


def shown_ns(window: MainWindow) -> int:
    return window.context.station.latest().time_ns


def test_the_time_on_show_is_large_and_says_that_it_is_past(window: MainWindow, qtbot: QtBot) -> None:
    turn(window, qtbot, at(70))
    bar = bar_of(window)
    assert bar.time.words == local_time(at(70), "%Y-%m-%d %H:%M:%S")
    assert bar.time.accessibleDescription() == f"Replay of {bar.time.words}, paused"
    assert bar.appearance.width(bar.time.words, 23) < bar.time.width() - 20, "it is not cut"
    assert window.top_bar.review.isVisible()
    theme = window.appearance.theme
    assert theme.live == theme.text
    window.appearance.toggle_day()
    assert window.appearance.theme.live == window.appearance.theme.text
    assert window.footer.height() > 0
    assert window.footer.geometry().bottom() <= window.height()


@pytest.mark.parametrize("scale", [100, 150])
def test_the_bar_makes_no_window_wider_than_it_was(window: MainWindow, scale: int) -> None:
    bar = bar_of(window)
    window.appearance.set_scale(scale)
    window.resize(1280, 720)
    assert window.width() == 1280
    assert bar.width() == 1280
    assert bar.play_button.isVisible()
    assert bar.file.geometry().right() <= bar.width()
    assert bar.length.isVisible() is (scale == 100)
    assert bar.appearance.width("2026-11-27 19:10:20", 23) < bar.time.width() - 20


def test_every_page_follows_the_bar(window: MainWindow, qtbot: QtBot) -> None:
    turn(window, qtbot, at(70))
    window.open_page("overview")
    (tile,) = page_of(window, OverviewPage).tiles.states
    assert tile.presence.live
    assert tile.readings[0].text
    assert "Bearing temperature high" in tile.line
    window.open_page("pump")
    page = page_of(window, PumpPage)
    assert [row.key for row in page.alarms.rows] == ["P-101/bearing_temperature_c.high"]
    assert not page.ack.isEnabled()
    assert not page.ack_all.isEnabled()
    turn(window, qtbot, at(160))
    assert page.alarms.rows == ()
    window.open_page("alarms")
    assert not page_of(window, AlarmsPage).acknowledge_button.isVisible()
    turn(window, qtbot, at(350))
    window.open_page("overview")
    (gap,) = page_of(window, OverviewPage).tiles.states
    assert not gap.presence.live
    assert {reading.text for reading in gap.readings} == {"?"}


def test_the_journal_ends_at_the_time_on_show(window: MainWindow, qtbot: QtBot) -> None:
    window.open_page("events")
    journal = page_of(window, EventsPage).journal.journal
    qtbot.wait_until(lambda: len(journal.rows) == 8, timeout=10_000)
    turn(window, qtbot, at(90))
    qtbot.wait_until(lambda: [row.time_ns for row in journal.rows] == [at(s) for s in (90, 61, 60)], timeout=10_000)
    window.open_page("pump")
    events = page_of(window, PumpPage).events
    qtbot.wait_until(lambda: len(events.rows) == 3, timeout=10_000)


def test_the_journal_in_a_window_of_its_own_ends_there_too(window: MainWindow, qtbot: QtBot) -> None:
    other = window.detach("events")
    assert other is not None
    assert isinstance(other.page, EventsPage)
    journal = other.page.journal.journal
    qtbot.wait_until(lambda: len(journal.rows) == 8, timeout=10_000)
    turn(window, qtbot, at(90))
    qtbot.wait_until(lambda: [row.time_ns for row in journal.rows] == [at(s) for s in (90, 61, 60)], timeout=10_000)


def test_keys_step_leap_and_play(window: MainWindow, qtbot: QtBot) -> None:
    turn(window, qtbot, at(70))
    keys = {action.text(): action for action in window.actions()}
    for words, second in (("A second forward", 71), ("A second back", 70), ("To the next alarm", 500),
                          ("To the previous alarm", 60), ("To the next event", 61),
                          ("To the beginning of the history", 0)):  # fmt: skip
        keys[words].trigger()
        qtbot.wait_until(lambda s=second: shown_ns(window) == at(s) and not state(window).is_reading, timeout=20_000)  # type: ignore[misc]
        window.refresh()
    bar = bar_of(window)
    bar.speed.setCurrentText("60×")
    keys["Play or rest the replay"].trigger()
    qtbot.wait_until(lambda: shown_ns(window) > at(30), timeout=20_000)
    assert state(window).speed == 60
    window.refresh()
    assert bar.play_button.text() == "Rest"
    keys["Play slower"].trigger()
    assert state(window).speed == 30
    keys["Play or rest the replay"].trigger()
    assert state(window).speed == 0


def test_a_drag_on_the_time_bar_scrubs(window: MainWindow, qtbot: QtBot) -> None:
    turn(window, qtbot, at(10))
    track = bar_of(window).track
    start, end = (QPointF(track.x_of(at(s) / 1e9), 18).toPoint() for s in (100, 250))
    QTest.mousePress(track, Qt.MouseButton.LeftButton, pos=start)
    qtbot.wait_until(lambda: abs(shown_ns(window) - at(100)) < 2 * SECOND, timeout=20_000)
    QTest.mouseMove(track, end)
    qtbot.wait_until(lambda: abs(shown_ns(window) - at(250)) < 2 * SECOND, timeout=20_000)
    QTest.mouseRelease(track, Qt.MouseButton.LeftButton, pos=end)
    window.refresh()
    track.set_length(60.0)
    assert track.view.length_s == pytest.approx(60.0)
    assert track.view.start_s <= shown_ns(window) / 1e9 <= track.view.end_s


def test_a_time_that_is_typed_is_gone_to_or_refused(window: MainWindow, qtbot: QtBot) -> None:
    bar = bar_of(window)
    bar.field.setText(local_time(at(200), "%Y-%m-%d %H:%M:%S"))
    QTest.keyClick(bar.field, Qt.Key.Key_Return)
    qtbot.wait_until(lambda: shown_ns(window) == at(200), timeout=20_000)
    bar.field.setText("yesterday")
    QTest.keyClick(bar.field, Qt.Key.Key_Return)
    window.refresh()
    assert "is not a time" in bar.time.note
    assert "is not a time" in bar.time.toolTip()


def test_a_point_of_the_trends_or_a_row_turns_the_replay(window: MainWindow, qtbot: QtBot) -> None:
    window.open_page("trends")
    page = page_of(window, TrendsPage)
    page.set_pens([Pen("P-101", "vibration_mm_s")])
    assert page.plot.now_s == state(window).end_ns / 1e9
    turn(window, qtbot, at(300))
    assert page.plot.replay_s == at(300) / 1e9
    assert page.plot.now_s == state(window).end_ns / 1e9, "the trends go on beyond the time on show"
    qtbot.wait_until(lambda: end_of(page, "vibration_mm_s") >= at(499) / 1e9, timeout=20_000)
    page.plot.set_cursors(at(222) / 1e9, None)
    QTest.keyClick(page.plot, Qt.Key.Key_R)
    qtbot.wait_until(lambda: shown_ns(window) == at(222), timeout=20_000)
    texts = [action.text() for action in page._menus.menu_at(at(222) / 1e9).actions()]
    assert texts[1:] == ["Replay from here", "Save an incident file of this view…"]
    window.open_page("alarms")
    page_of(window, AlarmsPage).tabs["Journal"].click()
    panel = page_of(window, AlarmsPage).journal
    qtbot.wait_until(lambda: len(panel.journal.rows) > 0, timeout=10_000)
    panel.journal_view.selectRow(len(panel.journal.rows) - 1)
    row = panel.journal.rows[-1]
    (to_it,) = [act for act in panel.journal_view.row_menu().actions() if act.text() == "Turn the replay to it"]
    to_it.trigger()
    qtbot.wait_until(lambda: shown_ns(window) == row.time_ns and not state(window).is_reading, timeout=20_000)
    assert "P-101/bearing_temperature_c.high" in [a.alarm_id for a in window.context.station.latest().alarms]
    window.open_page("trends")
    QTest.keyClick(page.plot, Qt.Key.Key_N)
    qtbot.wait_until(lambda: "a review takes no notes" in page.bar.said.text(), timeout=10_000)


def end_of(page: TrendsPage, tag: str) -> float:
    """The time of the newest value that is drawn."""
    points = page.plot.points.get(("P-101", tag, 0.0))
    return float(points.time_s[np.isfinite(points.mean)].max(initial=0.0)) if points is not None else 0.0


def test_an_alarm_of_the_replay_is_saved_as_an_incident_file(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    turn(window, qtbot, at(70))
    window.open_page("alarms")
    view = page_of(window, AlarmsPage).alarm_view
    qtbot.wait_until(lambda: view.model().rowCount() == 1)
    view.selectRow(0)
    (save,) = [action for action in view.row_menu().actions() if action.text() == "Save an incident file…"]
    save.trigger()
    dialog = dialog_of(window, IncidentDialog)
    assert dialog.chosen == ("P-101",)
    dialog.path.setText(str(tmp_path / "alarm"))
    dialog.run()
    qtbot.wait_until(lambda: not dialog.is_running, timeout=20_000)
    assert "verified" in dialog.said.text()
    found = open_review(tmp_path / "alarm.pwincident", tmp_path).station
    assert [pump.pump_id for pump in found.site().pumps] == ["P-101"]
    dialog.run()
    qtbot.wait_until(lambda: not dialog.is_running, timeout=20_000)
    assert "is there already" in dialog.said.text()
    dialog.start.setText("soon")
    dialog.run()
    assert "is not a time" in dialog.said.text()
    dialog.close()


def test_an_alarm_that_was_not_acknowledged_then_sounds_nothing(window: MainWindow, qtbot: QtBot) -> None:
    turn(window, qtbot, at(70))
    view = window.context.station.latest()
    assert [alarm.state for alarm in view.alarms] == [AlarmState.UNACKNOWLEDGED]
    assert not window.context.sound.is_sounding
    assert not window.top_bar.ack.isEnabled()
