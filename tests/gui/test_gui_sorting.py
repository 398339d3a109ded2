"""Every table sorts by its titles, copies whole rows, and offers in a menu what can be done to a row."""

import csv
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtPrintSupport import QPrinter
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication, QMenu, QMessageBox, QTableView
from pytestqt.qtbot import QtBot

from pumpwatch_gui.domain.commands import Acknowledge
from pumpwatch_gui.domain.events import Note
from pumpwatch_gui.gui.alarms.page import AlarmsPage
from pumpwatch_gui.gui.devices.page import DevicesPage
from pumpwatch_gui.gui.events.page import EventsPage
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.pump.page import PumpPage
from pumpwatch_gui.gui.settings.limits_dialog import LimitsDialog
from pumpwatch_gui.gui.shell.entries import DIALOGS
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView
from pumpwatch_gui.gui.tables.text_order import number_order, text_order
from tests.gui.conftest import OpenWindow
from tests.gui.fake_history import FakeHistorian
from tests.gui.fake_scenes import SCENES, Scene
from tests.gui.fake_station import FakeStation
from tests.gui.parts import dialog_of, page_of

Row = tuple[str, str]
COLUMNS = (Column[Row]("Id", lambda r: r[0]), Column[Row]("Number", lambda r: r[1], right=True))
GIVEN: list[Row] = [("P-9", "1,200.0"), ("P-10", "–"), ("P-1", "30.5"), ("P-2", "30.5")]
TITLE = {"Id": 0, "Number": 1}


@pytest.fixture
def model(qapp: QApplication) -> RowsModel[Row]:
    """Four rows, watched over by Qt's tester."""
    made = RowsModel[Row](COLUMNS, key=lambda r: r[0])
    QAbstractItemModelTester(made, QAbstractItemModelTester.FailureReportingMode.Warning, made)
    made.show_rows(GIVEN)
    return made


def ids(model: RowsModel[Row]) -> list[str]:
    """In the order of the screen."""
    return [row[0] for row in model.rows]


def click(view: QTableView, column: int) -> None:
    """On a title."""
    header = view.horizontalHeader()
    place = QPoint(header.sectionViewportPosition(column) + header.sectionSize(column) // 2, header.height() // 2)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)


def acts(menu: QMenu) -> dict[str, bool]:
    """The words of a menu, and whether they can be chosen."""
    return {action.text(): action.isEnabled() for action in menu.actions() if not action.isSeparator()}


def choose(menu: QMenu, words: str) -> None:
    """Choose an act of a menu."""
    next(action for action in menu.actions() if action.text() == words).trigger()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.5 mm/s", 1234.5), ("-20 to 150", -20.0), ("2.1 / 4.8", 2.1), ("0:41", 41.0), ("1:02:03", 3723.0),
        ("none yet", None), ("", None), ("1.5e-3", 0.0015),
    ],
)  # fmt: skip
def test_a_number_is_sorted_by_its_value(text: str, value: float | None) -> None:
    assert number_order(text) == value


def test_ids_are_sorted_as_people_count() -> None:
    texts = ["p-9/10", "P-9/2", "P-10/1", "valve"]
    assert sorted(texts, key=lambda t: text_order(t) or ()) == ["P-9/2", "p-9/10", "P-10/1", "valve"]
    assert text_order("–") is None


def test_a_click_sorts_a_second_turns_round_and_a_third_gives_the_first_order_back(
    qtbot: QtBot, model: RowsModel[Row]
) -> None:
    view = TableView(Appearance(), model, "Test")
    qtbot.addWidget(view)
    view.show()
    qtbot.waitUntil(lambda: not view.columns.is_due)
    assert model.rows == GIVEN
    for column, orders in (
        (TITLE["Id"], (["P-1", "P-2", "P-9", "P-10"], ["P-10", "P-9", "P-2", "P-1"])),
        (TITLE["Number"], (["P-1", "P-2", "P-9", "P-10"], ["P-9", "P-1", "P-2", "P-10"])),
    ):
        for order in orders:
            click(view, column)
            assert ids(model) == order
        click(view, column)
        assert model.rows == GIVEN


def test_a_row_does_not_move_because_its_value_changes_and_new_ones_come_in_at_their_place(
    qtbot: QtBot, model: RowsModel[Row]
) -> None:
    model.sort(TITLE["Number"])
    model.show_rows([("P-9", "1.0"), ("P-10", "7"), ("P-1", "99"), ("P-2", "30.5"), ("P-5", "500")])
    assert ids(model) == ["P-1", "P-2", "P-5", "P-9", "P-10"]
    model.sort(TITLE["Number"])
    assert ids(model) == ["P-9", "P-10", "P-2", "P-1", "P-5"]


def test_rows_that_come_and_go_keep_their_order_and_the_choice(qtbot: QtBot, model: RowsModel[Row]) -> None:
    view = TableView(Appearance(), model, "Test")
    qtbot.addWidget(view)
    view.choose("P-2")
    model.sort(TITLE["Id"], Qt.SortOrder.DescendingOrder)
    model.prepend([("P-12", "1")])
    model.append([("P-3", "1")])
    assert ids(model) == ["P-12", "P-10", "P-9", "P-3", "P-2", "P-1"]
    assert model.row_at(view.chosen) == ("P-2", "30.5")
    model.keep_last(3)
    assert ids(model) == ["P-3", "P-2", "P-1"]
    assert model.row_at(view.chosen) == ("P-2", "30.5")
    model.sort(-1)
    assert ids(model) == ["P-1", "P-2", "P-3"]
    assert not model.is_sorted


def test_alarms_stay_in_the_order_of_their_priority_until_a_title_is_clicked(open_window: OpenWindow) -> None:
    window = open_window(12, scenes=SCENES)
    window.open_page("alarms")
    page = page_of(window, AlarmsPage)
    priorities = [s.alarm.priority for s in page.alarms.rows]
    assert priorities == sorted(priorities)
    click(page.alarm_view, 2)
    pumps = [s.alarm.pump_id for s in page.alarms.rows]
    assert pumps == sorted(pumps)
    window.refresh()
    assert [s.alarm.pump_id for s in page.alarms.rows] == pumps


def test_copying_takes_all_columns_of_the_selected_rows_with_their_titles(open_window: OpenWindow) -> None:
    window = open_window(3, scenes=SCENES)
    window.open_page("devices")
    page = page_of(window, DevicesPage)
    QApplication.processEvents()
    page.view.choose("P-102/1")
    page.view.horizontalHeader().moveSection(2, 0)
    QTest.keyClick(page.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QApplication.clipboard().text().splitlines()
    assert [len(line.split("\t")) for line in lines] == [15, 15]
    assert lines[0].split("\t")[:3] == ["State", "Link", "Endpoint"]
    assert lines[0].endswith("Last error")
    assert lines[1].split("\t")[1] == "P-102/1"


def test_many_rows_of_a_journal_are_copied_as_they_are_on_the_screen(open_window: OpenWindow) -> None:
    station = FakeStation(3)
    station.history = FakeHistorian()
    for n in range(3):
        station.history.put_event(Note(station.latest().time_ns + n, f"note {n}"))
    window = open_window(source=station)
    window.open_page("events")
    page = page_of(window, EventsPage).journal
    assert len(page.journal.rows) == 3
    page.journal_view.selectAll()
    QTest.keyClick(page.journal_view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QApplication.clipboard().text().splitlines()
    assert len(lines) == len(page.journal.rows) + 1
    choose(page.journal_view.row_menu(), "Copy all rows")
    assert QApplication.clipboard().text().splitlines() == lines


def test_a_table_is_saved_as_csv_whole_or_not_at_all_and_printed(open_window: OpenWindow, tmp_path: Path) -> None:
    window = open_window(3, scenes=SCENES)
    window.open_page("alarms")
    window.refresh()
    view = page_of(window, AlarmsPage).alarm_view
    target = tmp_path / "alarms.csv"
    view.save(target)
    with target.open(newline="", encoding="utf-8") as file:
        titles, *lines = csv.reader(file)
    assert titles[:4] == ["Priority", "Since", "Pump", "Alarm"]
    assert len(lines) == len(page_of(window, AlarmsPage).alarms.rows)
    assert all(line[2].startswith("P-10") for line in lines)

    view.save(tmp_path / "not there" / "alarms.csv")
    (box,) = (b for b in view.findChildren(QMessageBox) if b.isVisible())
    assert "cannot write" in box.text()
    box.close()

    paper = tmp_path / "alarms.pdf"
    printer = QPrinter()
    printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    printer.setOutputFileName(str(paper))
    view.print_on(printer)
    assert paper.read_bytes().startswith(b"%PDF")


def test_a_limit_is_copied_with_its_whole_row(open_window: OpenWindow) -> None:
    window = open_window(3)
    dialog = dialog_of(window, LimitsDialog, "limits", "P-101")
    dialog.table.setCurrentCell(1, 4)
    QTest.keyClick(dialog.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QApplication.clipboard().text().splitlines()
    assert lines[0].startswith("Sensor\tSpan\tNow\tLow-low\tLow\t")
    assert lines[1].startswith("Bearing temperature\t-20 to 150 °C\t")


def test_the_menu_of_an_alarm_opens_its_pump_its_trend_and_acts_as_the_buttons_do(open_window: OpenWindow) -> None:
    station = FakeStation(3, scenes={1: Scene("hot")}, history_s=60)
    window = open_window(source=station)
    window.open_page("alarms")
    page = page_of(window, AlarmsPage)
    assert "Open P-102" not in acts(page.alarm_view.row_menu())
    shown = next(s for s in page.alarms.rows if s.alarm.tag == "bearing_temperature_c")
    page.alarm_view.choose(shown.alarm.alarm_id)
    offered = acts(page.alarm_view.row_menu())
    assert offered | {"Open P-102": True, "Trend of bearing temperature": True, "Acknowledge": True} == offered
    assert offered["Copy"]
    choose(page.alarm_view.row_menu(), "Acknowledge")
    assert station.commands[-1] == Acknowledge(shown.alarm.alarm_id)
    choose(page.alarm_view.row_menu(), "Trend of bearing temperature")
    pump = page_of(window, PumpPage)
    profile = station.site().pumps[1].profile
    assert (window.current, pump.pump_id) == ("pump", "P-102")
    assert pump.trends.large == [sensor.tag for sensor in profile.sensors].index("bearing_temperature_c")


@pytest.mark.qt_log_ignore("This plugin does not support")  # the offscreen platform, of any menu
def test_the_menu_key_shows_the_menu(open_window: OpenWindow) -> None:
    window = open_window(3, scenes=SCENES)
    window.open_page("devices")
    page = page_of(window, DevicesPage)
    pressed = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(0, 0), QPoint(0, 0))
    QApplication.sendEvent(page.view.viewport(), pressed)
    menu = next(menu for menu in page.view.findChildren(QMenu) if menu.isVisible())
    assert "Read device ID" in acts(menu)
    menu.close()


def test_every_table_of_every_page_and_dialog_sorts_and_copies(open_window: OpenWindow) -> None:
    window = open_window(4, scenes=SCENES)
    for entry in DIALOGS:
        window.open_dialog(entry.key, "P-101")
    for key in window.pages:
        window.page(key)
    tables = window.findChildren(TableView)
    assert len(tables) >= 14
    for table in tables:
        rows = table.model().rowCount()
        for column in range(table.model().columnCount()):
            table.sortByColumn(column, Qt.SortOrder.DescendingOrder)
        table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        assert table.model().rowCount() == rows
        assert "Copy all rows" in acts(table.row_menu())
