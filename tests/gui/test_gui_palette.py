"""Ctrl+K finds every page, pump, tag and command by a few letters and does it, by keys alone."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog
from pytestqt.qtbot import QtBot

from pumpwatch_gui.domain.commands import Acknowledge
from pumpwatch_gui.gui.alarms.page import AlarmsPage
from pumpwatch_gui.gui.help.shortcuts import ShortcutsDialog
from pumpwatch_gui.gui.palette.dialog import PaletteDialog
from pumpwatch_gui.gui.palette.matching import best, penalty
from pumpwatch_gui.gui.pump.page import PumpPage
from pumpwatch_gui.gui.shell.entries import DIALOGS, PAGES
from pumpwatch_gui.gui.shell.main_window import MainWindow
from tests.gui.conftest import OpenWindow
from tests.gui.fake_scenes import Scene
from tests.gui.fake_station import FakeStation
from tests.gui.parts import dialog_of, page_of


def palette(window: MainWindow, typed: str = "") -> PaletteDialog:
    """The palette, with something typed."""
    dialog = dialog_of(window, PaletteDialog, "palette")
    QTest.keyClicks(dialog.typed, typed)
    return dialog


def enter(dialog: PaletteDialog) -> None:
    """Press Enter in the field; what is chosen is done once the palette is closed."""
    QTest.keyClick(dialog.typed, Qt.Key.Key_Return)
    QApplication.processEvents()


@pytest.mark.parametrize(
    ("typed", "near", "far"),
    [
        ("vib", "P-103 Vibration", "P-103 Survivability"),
        ("over", "Overview", "Cover"),
        ("brgtmp", "Bearing temperature", "Bars"),
        ("p-103 vib", "P-103 Vibration", "P-1030 Vivid bulb"),
        ("DAY", "Day or night", "Monday"),
    ],
)
def test_the_nearer_text_comes_first(typed: str, near: str, far: str) -> None:
    assert best(typed, [far, near], str, most=5)[0] == near


def test_what_has_not_the_letters_in_their_order_does_not_match() -> None:
    assert penalty("tmpb", "Bearing temperature") is None
    assert penalty("vib pump", "Vibration") is None
    assert best("", ["b", "a"], str, most=1) == ["b"]


def test_it_offers_every_page_dialog_pump_and_tag(open_window: OpenWindow) -> None:
    window = open_window(3)
    words = {(p.kind, p.words) for p in palette(window).places}
    assert words >= {("page", entry.title) for entry in PAGES if entry.in_nav}
    assert words >= {("command", entry.title) for entry in DIALOGS}
    site = window.context.station.site()
    assert words >= {("pump", f"{p.pump_id} {p.name}") for p in site.pumps}
    assert words >= {("tag", f"{p.pump_id} {s.label}") for p in site.pumps for s in p.profile.sensors}


def test_before_a_letter_it_lists_what_is_not_of_a_pump(open_window: OpenWindow) -> None:
    dialog = palette(open_window(3))
    assert {p.kind for p in dialog.found.rows} - {"this page"} == {"page", "command"}
    assert dialog.view.chosen.row() == 0
    assert dialog.found.rows[0].kind == "page"


def test_a_page_is_opened_by_its_name(open_window: OpenWindow) -> None:
    window = open_window(3)
    dialog = palette(window, "even")
    assert dialog.found.rows[0].words == "Events"
    enter(dialog)
    assert window.current == "events"


def test_a_tag_opens_the_page_of_its_pump_with_its_trend_large(open_window: OpenWindow) -> None:
    window = open_window(3)
    enter(palette(window, "p-103 vibr"))
    page = page_of(window, PumpPage)
    tags = [s.tag for s in window.context.station.site().pumps[2].profile.sensors]
    assert (window.current, page.pump_id, page.trends.large) == ("pump", "P-103", tags.index("vibration_mm_s"))
    enter(palette(window, "p-103 vibr"))
    assert page.trends.large == tags.index("vibration_mm_s")


def test_a_derived_quantity_is_found_and_gets_a_trend_in_place_of_the_curve(open_window: OpenWindow) -> None:
    window = open_window(3)
    window.open_page("pump", "P-103")
    page = page_of(window, PumpPage)
    page.show_curve.click()
    enter(palette(window, "p-103 npsh margin"))
    assert page.trends.large is not None
    assert page.trends.lanes[page.trends.large].label == "NPSH margin"
    assert page.trends.isVisible()


def test_arrows_choose_another_line_and_the_field_keeps_the_keyboard(open_window: OpenWindow) -> None:
    window = open_window(3)
    dialog = palette(window, "p-10")
    QTest.keyClick(dialog.typed, Qt.Key.Key_Down)
    QTest.keyClick(dialog.typed, Qt.Key.Key_Down)
    assert dialog.found.rows[dialog.view.chosen.row()].words.startswith("P-103")
    assert "3 of" in dialog.typed.accessibleDescription()
    QTest.keyClick(dialog.typed, Qt.Key.Key_PageUp)
    assert dialog.view.chosen.row() == 0
    enter(dialog)
    assert (window.current, window.context.pump_id) == ("pump", "P-101")


def test_a_theme_and_another_dialog_are_commands_too(open_window: OpenWindow) -> None:
    window = open_window(3)
    enter(palette(window, "high contrast"))
    assert window.appearance.theme.name == "high-contrast"
    window.appearance.set_theme("dark")
    enter(palette(window, "keys"))
    assert dialog_of(window, ShortcutsDialog).isVisible()


def test_it_acknowledges_the_selected_alarm_and_only_while_one_is(open_window: OpenWindow) -> None:
    station = FakeStation(3, scenes={1: Scene("hot")}, history_s=60)
    window = open_window(source=station)
    window.open_page("alarms")
    dialog = palette(window, "acknowledge selected")
    assert "Acknowledge the selected alarm" not in [p.words for p in dialog.found.rows]
    dialog.reject()
    page = page_of(window, AlarmsPage)
    page.alarm_view.selectRow(0)
    alarm_id = page.alarms.rows[0].alarm.alarm_id
    dialog = palette(window, "acknowledge selected")
    assert dialog.found.rows[0].kind == "this page"
    enter(dialog)
    assert station.commands[-1] == Acknowledge(alarm_id)


def test_enter_does_nothing_where_nothing_is_found(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(3)
    before = window.current
    dialog = palette(window, "zzzqqq")
    assert dialog.view.nothing == "Nothing is called so"
    enter(dialog)
    assert dialog.isVisible()
    QTest.keyClick(dialog.typed, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not any(d.isVisible() for d in window.findChildren(QDialog)))
    assert window.current == before
