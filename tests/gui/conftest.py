"""One window on a station double, taken down so that nothing is left of it."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.shell.main_window import MainWindow
from tests.gui.gui_station import Scene, StationDouble, at_once

OpenWindow = Callable[..., MainWindow]


@pytest.fixture
def open_window(qapp: QApplication, tmp_path: Path) -> Iterator[OpenWindow]:
    """Opens windows: `open_window(pumps=3, scenes=…, size=(1280, 720), source=…)`."""
    opened: list[MainWindow] = []

    def open_one(
        pumps: int = 3,
        *,
        scenes: dict[int, Scene] | None = None,
        size: tuple[int, int] = (1280, 720),
        source: StationDouble | None = None,
    ) -> MainWindow:
        source = source or StationDouble(pumps, scenes={} if scenes is None else scenes, history_s=60)
        home = Home(tmp_path)
        window = MainWindow(source, home, home.site_file, ask=at_once)
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
