"""One window on a fake station, taken down so that nothing is left of it."""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QApplication

from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.sound.alarm_sound import AlarmSound
from tests.gui.fake_scenes import Scene
from tests.gui.fake_station import FakeStation, at_once


class OpenWindow(Protocol):
    """Opens a window on a fake station: of so many pumps with their scenes, or on `source`."""

    def __call__(
        self,
        pumps: int = 3,
        *,
        scenes: dict[int, Scene] | None = None,
        size: tuple[int, int] = (1280, 720),
        source: FakeStation | None = None,
        sound: AlarmSound | None = None,
    ) -> MainWindow:
        """The window, shown and refreshed once."""


@pytest.fixture
def open_window(qapp: QApplication, tmp_path: Path) -> Iterator[OpenWindow]:
    """Opens windows and closes them all."""
    opened: list[MainWindow] = []

    def open_one(
        pumps: int = 3,
        *,
        scenes: dict[int, Scene] | None = None,
        size: tuple[int, int] = (1280, 720),
        source: FakeStation | None = None,
        sound: AlarmSound | None = None,
    ) -> MainWindow:
        QCursor.setPos(0, 0)  # an earlier test may have left it on what is a list here
        station = source or FakeStation(pumps, scenes={} if scenes is None else scenes, history_s=60)
        home = Home(tmp_path)
        window = MainWindow(station, home, home.site_file, ask=at_once, sound=sound)
        station.subscribe(window.on_event)
        opened.append(window)
        window.resize(*size)
        window.show()
        QApplication.processEvents()
        window.refresh()
        return window

    yield open_one
    for window in opened:
        window.close()
        window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    opened.clear()
    gc.collect()


@pytest.fixture(autouse=True)
def no_crash(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The window survives a bug of a page and logs it; a test does not, unless it has cleared the log."""
    yield
    crashes = [record for record in caplog.records if record.name == "pumpwatch.crash"]
    assert crashes == []
