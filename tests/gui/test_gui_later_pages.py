"""Pages that are not on show at the start are loaded off the window's thread and built one after the other."""

import threading
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from pumpwatch_gui.gui.shell.entries import PAGES, PageEntry
from pumpwatch_gui.gui.shell.later_pages import LaterPages
from tests.gui.conftest import OpenWindow
from tests.gui.fake_station import FakeStation


def test_every_page_is_built_in_time_and_then_it_is_said(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(source=FakeStation(3, scenes={}, history_s=5))
    with qtbot.waitSignal(window.later.built, timeout=20_000):
        window.start()
    assert set(window._pages) == {entry.key for entry in PAGES}


def test_a_page_is_loaded_before_it_is_built_and_one_opened_meanwhile_is_not_built_again(qtbot: QtBot) -> None:
    missing, done, owner = list(PAGES[:3]), list[str](), QObject()

    def ask(function: Callable[[], Any], on_result: Callable[[Any], None], on_error: object = None) -> None:
        found: list[Any] = []
        worker = threading.Thread(target=lambda: found.append(function()))
        worker.start()
        worker.join()
        done.append(f"load {missing[0].key}")
        if missing[0].key == PAGES[1].key:
            missing.pop(0)  # a person has opened it
        on_result(found[0])

    def build(key: str) -> None:
        done.append(f"build {key}")
        missing.pop(0)

    def first() -> PageEntry | None:
        return missing[0] if missing else None

    later = LaterPages(ask, first, build, owner)  # type: ignore[arg-type]
    with qtbot.waitSignal(later.built, timeout=10_000):
        later.start()
    assert done == ["load overview", "build overview", "load alarms", "load pump", "build pump"]
