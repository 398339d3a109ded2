"""Nothing dies in silence: what has stopped is said above every page, in every theme, at every size."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication

from pumpwatch_gui.domain.station import LOOP_WORDS, StationView
from pumpwatch_gui.gui.events.page import EventsPage
from pumpwatch_gui.gui.look.theme import THEMES
from pumpwatch_gui.gui.shell.entries import PAGES
from pumpwatch_gui.gui.shell.footer import stats_words
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.shell.stopped_bar import stopped_words
from tests.gui.conftest import OpenWindow
from tests.gui.fake_scenes import SCENES, SECOND, Scene
from tests.gui.fake_station import LOOPS, FakeStation
from tests.gui.parts import page_of

SAID = {
    "collector": "COLLECTOR STOPPED 0:12 – it has ended or does not answer: values are old, nothing is judged",
    "links": "POLLING STOPPED 0:12 – no values are being read",
    "infer": "ANOMALY DETECTION STOPPED 0:12 – anomalies are not being found",
    "judge": "JUDGING STOPPED 0:12 – alarms are not being judged",
    "store": "HISTORY STOPPED 0:12 – nothing is being stored",
    "orders": "ORDERS STOPPED 0:12 – nothing can be acknowledged or changed",
    "gateway": "GATEWAY STOPPED 0:12 – other programs can neither ask nor post values",
    "imports": "IMPORTS STOPPED 0:12 – readings of other systems are not being taken over",
    "reports": "REPORTS STOPPED 0:12 – scheduled reports are not being made",
    "record": "CSV RECORDING STOPPED 0:12 – the file is not being written",
    "sync": "SYNC STOPPED 0:12 – nothing is being sent to the server",
    "watchdog": "SUPERVISION STOPPED 0:12 – a part that stops is not noticed",
}


def said(view: StationView) -> list[str]:
    return [f"{head} – {rest}" for head, rest in stopped_words(view)]


@pytest.mark.parametrize("loop", LOOPS)
def test_each_loop_that_has_stopped_is_named_with_its_time_and_what_is_not_done(
    open_window: OpenWindow, loop: str
) -> None:
    station = FakeStation(3, scenes={}, history_s=5)
    window = open_window(source=station)
    bar = window.top_bar.stopped
    was_visible = bar.isVisible()
    station.stopped[loop] = 12.4
    window.refresh()
    assert (was_visible, bar.isVisible()) == (False, True)
    assert said(station.latest()) == [SAID[loop]]
    assert bar.accessibleDescription() == SAID[loop].replace(" – ", ": ")
    del station.stopped[loop]
    window.refresh()
    assert not bar.isVisible()


def test_every_loop_of_the_engine_has_its_words() -> None:
    assert set(SAID) == set(LOOPS) == set(LOOP_WORDS)
    station = FakeStation(1, scenes={}, history_s=1)
    station.stopped = dict.fromkeys(LOOPS, 5.0)
    assert stopped_words(station.latest())[0][0] == "COLLECTOR STOPPED 0:05"


def red_of(window: MainWindow) -> bool:
    """Whether the top left corner of the window is filled with the colour of the highest priority."""
    picture = window.grab().toImage()
    return picture.pixelColor(3, 3) == QColor(window.appearance.theme.priority[0])


@pytest.mark.parametrize("theme", list(THEMES))
@pytest.mark.parametrize(("size", "scale"), [((1280, 720), 100), ((1280, 720), 150), ((1920, 1080), 125)])
def test_the_red_bar_is_above_everything_on_every_page(
    open_window: OpenWindow, theme: str, size: tuple[int, int], scale: int
) -> None:
    station = FakeStation(12, scenes=SCENES, history_s=30)
    station.stopped = dict.fromkeys(LOOPS, 75.0)
    window = open_window(source=station, size=size)
    window.appearance.set_theme(theme)
    window.appearance.set_scale(scale)
    for entry in PAGES:
        window.open_page(entry.key)
        QApplication.processEvents()
        bar = window.top_bar.stopped
        assert bar.mapTo(window, QPoint(0, 0)) == QPoint(0, 0)
        assert bar.width() == window.width()
        assert red_of(window)
        for widget in (window.top_bar, window.nav_bar, window.footer):
            assert window.rect().contains(widget.rect().translated(widget.mapTo(window, QPoint(0, 0))))


def test_a_page_that_cannot_be_shown_is_announced_and_the_others_go_on(
    open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    window = open_window(2, scenes={})
    monkeypatch.setattr(EventsPage, "refresh", _broken)
    window.open_page("events")
    window.refresh()
    assert window.top_bar.stopped.isVisible()
    assert "SCREEN STOPPED" in window.top_bar.stopped.words[0][0]
    assert [r.levelname for r in caplog.records if r.name == "pumpwatch.crash"] == ["CRITICAL"]
    window.open_page("overview")
    assert not window.top_bar.stopped.isVisible()
    assert page_of(window, EventsPage) is not None
    caplog.clear()


def _broken(page: EventsPage, view: StationView) -> None:
    raise RuntimeError("broken")


def test_a_station_that_gives_no_view_any_more_is_announced(
    open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    station = FakeStation(2, scenes={}, history_s=5)
    window = open_window(source=station)
    latest: Callable[[], StationView] = station.latest
    monkeypatch.setattr(station, "latest", lambda: 1 / 0)
    window.refresh()
    assert window.top_bar.stopped.isVisible()
    monkeypatch.setattr(station, "latest", latest)
    window.refresh()
    assert not window.top_bar.stopped.isVisible()
    caplog.clear()


# -------------------------------------------------------------------- the commit in the footer


def commit_words(station: FakeStation) -> tuple[str, bool]:
    return next((words, trouble) for words, trouble in stats_words(station.latest()) if "committed" in words)


def test_a_commit_that_is_too_old_is_a_warning() -> None:
    station = FakeStation(3, scenes={}, history_s=5)
    assert not commit_words(station)[1]
    station.stats = replace(station.stats, last_commit_ns=station.start_ns - 61 * SECOND)
    assert commit_words(station) == ("last committed 1:01 ago", True)


def test_a_slow_pump_is_no_reason_to_warn() -> None:
    station = FakeStation(1, scenes={}, history_s=5)
    ago = station.start_ns - 61 * SECOND
    station.stats = replace(station.stats, last_commit_ns=ago, frames_per_s=1 / 30)
    assert not commit_words(station)[1]
    station.stats = replace(station.stats, frames_per_s=0.0)
    assert not commit_words(station)[1]


def test_frames_that_come_and_are_never_committed_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    station = FakeStation(1, scenes={0: Scene("hot")}, history_s=5)
    view = station.latest()
    never = replace(view, stats=replace(view.stats, last_commit_ns=0, frames=600, frames_per_s=1.0))
    assert ("nothing committed yet", True) in stats_words(never)
    begun = replace(view, stats=replace(never.stats, frames=2))
    assert ("nothing committed yet", False) in stats_words(begun)
