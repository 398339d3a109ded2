"""The window can fill the screen; a kiosk always does, and cannot be left by hand. The look is that of the user."""

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QAction, QCloseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from typing_extensions import override

from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.shell.main_window import MainWindow
from tests.gui.conftest import OpenWindow
from tests.gui.test_gui_palette import palette


def commands(window: MainWindow) -> set[str]:
    """The words of all of them."""
    return {action.text() for action in window.findChildren(QAction)}


def set_kiosk(folder: Path, words: str = "true") -> None:
    """Write the setting as a person does."""
    Home(folder).prepare()
    Home(folder).settings.write_text(f"[window]\nkiosk={words}\n", "utf-8")


class ByHand(QCloseEvent):
    """As the window system closes a window."""

    @override
    def spontaneous(self) -> bool:
        return True


def test_f11_fills_the_screen_and_escape_leaves_it(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(3)
    toggle = next(action for action in window.findChildren(QAction) if action.text() == "Full screen")
    toggle.trigger()
    qtbot.waitUntil(window.isFullScreen)
    QTest.keyClick(window, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not window.isFullScreen())
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert window.isVisible()


@pytest.mark.parametrize("words", ["true", "1", "Yes"])
def test_a_kiosk_fills_the_screen_whatever_is_pressed(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path, words: str
) -> None:
    set_kiosk(tmp_path, words)
    window = open_window(3)
    assert window.isFullScreen()
    for key in (Qt.Key.Key_Escape, Qt.Key.Key_F11):
        QTest.keyClick(window, key)
    for leave in (window.showNormal, window.showMinimized):
        leave()
        qtbot.waitUntil(window.isFullScreen)
    assert commands(window).isdisjoint({"Full screen", "Quit"})
    assert {"Full screen", "Quit"}.isdisjoint(place.words for place in palette(window).places)


def test_a_kiosk_is_not_closed_by_hand_but_by_the_program(open_window: OpenWindow, tmp_path: Path) -> None:
    set_kiosk(tmp_path)
    window = open_window(3)
    event = ByHand()
    window.closeEvent(event)
    assert not event.isAccepted()
    assert window.isVisible()
    window.close()
    assert not window.isVisible()
    kept = QSettings(str(Home(tmp_path).settings), QSettings.Format.IniFormat)
    assert str(kept.value("window/kiosk")) == "true"


@pytest.mark.parametrize("words", ["false", "", "0"])
def test_without_the_setting_it_is_a_window_as_any_other(open_window: OpenWindow, tmp_path: Path, words: str) -> None:
    set_kiosk(tmp_path, words)
    window = open_window(3)
    assert not window.isFullScreen()
    assert commands(window) >= {"Full screen", "Quit"}


def test_theme_and_size_of_text_are_those_of_the_user(open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "asha")
    first = open_window(3)
    first.appearance.set_theme("light")
    first.appearance.set_scale(125)
    first.close()
    monkeypatch.setenv("LOGNAME", "ravi")
    second = open_window(3)
    assert (second.appearance.theme.name, second.appearance.scale) == ("light", 125)  # as the last one has left it
    second.appearance.set_theme("dark")
    second.appearance.set_scale(100)
    second.close()
    monkeypatch.setenv("LOGNAME", "asha")
    third = open_window(3)
    assert (third.appearance.theme.name, third.appearance.scale) == ("light", 125)
    third.appearance.set_scale(100)
    QApplication.processEvents()


def test_every_size_of_text_is_a_command(open_window: OpenWindow) -> None:
    window = open_window(3)
    chosen = next(action for action in window.findChildren(QAction) if action.text() == "Text at 140 %")
    chosen.trigger()
    assert window.appearance.scale == 140
    window.appearance.set_scale(100)
