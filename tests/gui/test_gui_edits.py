"""Nothing is changed, pressed or lost by accident: Enter, the wheel, Escape, Undo, Quit."""

from dataclasses import replace
from functools import partial

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QSpinBox,
    QWidget,
)
from typing_extensions import override

from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.gui.settings.limits_dialog import LimitsDialog
from pumpwatch_gui.gui.settings.settings_dialog import SettingsDialog
from pumpwatch_gui.gui.shell.entries import DIALOGS
from tests.gui.conftest import OpenWindow
from tests.gui.fake_scenes import Scene
from tests.gui.fake_station import FakeStation
from tests.gui.parts import dialog_of, is_closed

KEYS = [entry.key for entry in DIALOGS]


def turn_wheel(target: QWidget) -> None:
    middle = QPointF(target.rect().center())
    event = QWheelEvent(
        middle, QPointF(target.mapToGlobal(middle.toPoint())), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(target, event)


def question_of(parent: QWidget) -> QMessageBox:
    QApplication.processEvents()
    return next(box for box in reversed(parent.findChildren(QMessageBox)) if box.isVisible())


def answer(box: QMessageBox, words: str) -> None:
    next(b for b in box.buttons() if b.text().replace("&", "") == words).click()
    QApplication.processEvents()


@pytest.mark.parametrize("key", KEYS)
def test_enter_in_a_field_presses_no_button_but_the_default_one(open_window: OpenWindow, key: str) -> None:
    dialog = dialog_of(open_window(3, scenes={}), QDialog, key, "P-102")
    buttons = dialog.findChildren(QPushButton)
    assert [b.accessibleName() or b.text() for b in buttons if b.autoDefault() and not b.isDefault()] == []
    assert len([b for b in buttons if b.isDefault()]) <= 1
    pressed: list[str] = []
    for each in buttons:
        if not each.isDefault():
            each.pressed.connect(partial(pressed.append, each.accessibleName()))
        else:
            each.setEnabled(False)
    for field in dialog.findChildren(QLineEdit):
        if field.isVisible() and field.isEnabled():
            QTest.keyClick(field, Qt.Key.Key_Return)
    assert pressed == []


def test_enter_presses_the_button_that_has_the_keyboard(open_window: OpenWindow) -> None:
    dialog = dialog_of(open_window(3, scenes={}), SettingsDialog, "settings", "P-102")
    add = next(b for b in dialog.findChildren(QPushButton) if b.accessibleName() == "Add a pump")
    add.setFocus()
    QTest.keyClick(add, Qt.Key.Key_Return)
    assert dialog.list.count() == 4


@pytest.mark.parametrize("key", KEYS)
def test_the_wheel_over_a_field_without_the_keyboard_changes_nothing(open_window: OpenWindow, key: str) -> None:
    dialog = dialog_of(open_window(3, scenes={}), QDialog, key, "P-102")
    fields = [w for w in dialog.findChildren(QWidget) if isinstance(w, (QComboBox, QAbstractSpinBox))]
    for field in fields:
        before = field.currentText() if isinstance(field, QComboBox) else field.text()
        field.clearFocus()
        turn_wheel(field)
        assert (field.currentText() if isinstance(field, QComboBox) else field.text()) == before
        assert field.focusPolicy() != Qt.FocusPolicy.WheelFocus


def test_the_wheel_turns_the_field_that_has_the_keyboard(open_window: OpenWindow) -> None:
    window = open_window(3, scenes={})
    dialog = dialog_of(window, SettingsDialog, "settings", "P-102")
    dialog.activateWindow()
    dialog.station.setValue(7)
    dialog.station.setFocus()
    turn_wheel(dialog.station)
    assert isinstance(dialog.station, QSpinBox)
    assert dialog.station.value() == 6


def test_escape_asks_before_it_drops_edits(open_window: OpenWindow) -> None:
    station = FakeStation(3, scenes={}, history_s=5)
    dialog = dialog_of(open_window(source=station), LimitsDialog, "limits", "P-102")
    cell = dialog.table.item(1, dialog.table.first + 2)
    assert cell is not None
    cell.setText("77")
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    box = question_of(dialog)
    answer(box, "Go on editing")
    assert not is_closed(dialog)
    assert cell.text() == "77"
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    answer(question_of(dialog), "Discard")
    assert is_closed(dialog)
    assert station.commands == []


@pytest.mark.parametrize("key", ["limits", "settings", "add-pump"])
def test_escape_closes_a_dialog_without_edits_at_once(open_window: OpenWindow, key: str) -> None:
    dialog = dialog_of(open_window(3, scenes={}), QDialog, key, "P-102")
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    QApplication.processEvents()
    assert is_closed(dialog)


def test_another_pump_is_not_shown_while_limits_are_edited(open_window: OpenWindow) -> None:
    dialog = dialog_of(open_window(3, scenes={}), LimitsDialog, "limits", "P-102")
    cell = dialog.table.item(1, dialog.table.first + 2)
    assert cell is not None
    cell.setText("77")
    dialog.pump.setCurrentIndex(2)
    assert dialog.pump.currentText() == "P-102"
    assert "save or undo" in dialog.trouble.text()
    dialog.undo.click()
    dialog.pump.setCurrentIndex(2)
    assert dialog.windowTitle().startswith("Limits of P-103")


def test_limits_are_undone_and_redone_step_by_step(open_window: OpenWindow) -> None:
    dialog = dialog_of(open_window(3, scenes={}), LimitsDialog, "limits", "P-102")
    first = dialog.table.texts()
    for text in ("76", "77"):
        cell = dialog.table.item(1, dialog.table.first + 2)
        assert cell is not None
        cell.setText(text)
    last = dialog.table.texts()
    dialog.undo.click()
    dialog.undo.click()
    assert dialog.table.texts() == first
    assert not dialog.undo.isEnabled()
    dialog.redo.click()
    dialog.redo.click()
    assert dialog.table.texts() == last


def test_changed_limits_are_named_with_what_they_were_until_they_are_undone(open_window: OpenWindow) -> None:
    dialog = dialog_of(open_window(3, scenes={}), LimitsDialog, "limits", "P-102")
    assert not dialog.reason.isVisible()
    dialog.table.set_limit(1, "high", 76.0)
    dialog.table.set_limit(0, "low", 1400.0)
    assert dialog.changed.text() == "Changed: Motor speed low none → 1400, Bearing temperature high 78 → 76"
    cell = dialog.table.item(1, dialog.table.first + 2)
    assert cell is not None
    assert cell.toolTip() == "was 78"
    assert cell.font().bold() or cell.font().weight() > 500
    dialog.undo.click()
    dialog.undo.click()
    assert dialog.changed.text() == ""
    assert cell.toolTip() == ""


def test_a_removed_pump_and_a_changed_name_come_back_with_undo(open_window: OpenWindow) -> None:
    station = FakeStation(3, scenes={}, history_s=5)
    dialog = dialog_of(open_window(source=station), SettingsDialog, "settings", "P-102")
    assert not dialog.undo.isEnabled()
    dialog.pump_name.setText("Another name")
    assert dialog.undo.isEnabled()
    dialog.remove_pump()
    assert dialog.list.count() == 2
    dialog.undo.click()
    assert dialog.list.count() == 3
    assert dialog.pump_name.text() == "Another name"
    dialog.undo.click()
    assert dialog.pump_name.text() == "Boiler feed B"
    assert not dialog.undo.isEnabled()
    dialog.redo.click()
    assert dialog.pump_name.text() == "Another name"
    dialog.redo.click()
    assert dialog.list.count() == 2
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    answer(question_of(dialog), "Discard")
    assert station.commands == []


class OwnStation(FakeStation):
    """A station that is watched by this program itself."""

    @override
    def latest(self) -> StationView:
        """Without a collector."""
        view = super().latest()
        loops = tuple(loop for loop in view.stats.loops if loop.name != "collector")
        return replace(view, stats=replace(view.stats, loops=loops))


def test_quitting_asks_while_this_window_watches_over_unacknowledged_alarms(open_window: OpenWindow) -> None:
    window = open_window(source=OwnStation(2, scenes={0: Scene("hot")}, history_s=5))
    window.quit()
    box = question_of(window)
    assert "2 alarms are not acknowledged" in box.text()
    assert window.appearance.theme.background in box.styleSheet()
    answer(box, "Go on watching")
    assert window.isVisible()
    window.quit()
    answer(question_of(window), "Quit")
    assert not window.isVisible()


def test_quitting_asks_nothing_without_alarms_or_with_a_collector(open_window: OpenWindow) -> None:
    for station in (OwnStation(2, scenes={}, history_s=5), FakeStation(2, scenes={0: Scene("hot")}, history_s=5)):
        window = open_window(source=station)
        window.quit()
        assert not window.isVisible()
