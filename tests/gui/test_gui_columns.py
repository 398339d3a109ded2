"""Columns are as wide as what they show, share what is left, and stay as a person has left them."""

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication, QTableView
from pytestqt.qtbot import QtBot

from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.alarms.page import AlarmsPage
from pumpwatch_gui.gui.events.page import EventsPage
from pumpwatch_gui.gui.look.theme import SCALES, Appearance
from pumpwatch_gui.gui.shell.entries import DIALOGS
from pumpwatch_gui.gui.tables.columns import FAIR_TEXT
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView
from tests.gui.conftest import OpenWindow
from tests.gui.fake_scenes import SCENES
from tests.gui.parts import page_of
from tests.gui.test_gui_room import cut_cells

Row = tuple[str, str, str, str]
WORDS = "Bearing temperature high-high of the second train"
COLUMNS = (
    Column[Row]("Id", lambda r: r[0]),
    Column[Row]("Words", lambda r: r[1], elided=True),
    Column[Row]("Number", lambda r: r[2], right=True),
    Column[Row]("More", lambda r: r[3], right=True, spare=True),
)


@pytest.fixture
def model() -> RowsModel[Row]:
    """One row."""
    made = RowsModel[Row](COLUMNS, key=lambda r: r[0])
    made.show_rows([("P-101", WORDS, "1.0", "2")])
    return made


def shown(appearance: Appearance, model: RowsModel[Row], qtbot: QtBot, width: int) -> TableView:
    """The table, so wide."""
    view = TableView(appearance, model, "Test")
    qtbot.addWidget(view)
    view.resize(width, 300)
    view.show()
    qtbot.waitUntil(lambda: not view.columns.is_due)
    return view


def widths(view: QTableView) -> list[int]:
    """Of every column; 0 for a hidden one."""
    return [view.columnWidth(i) for i in range(view.model().columnCount())]


@pytest.mark.parametrize("width", [250, 400, 700, 1500])
@pytest.mark.parametrize("scale", SCALES)
def test_no_number_is_cut_at_any_width_and_scale(
    qapp: QApplication, qtbot: QtBot, model: RowsModel[Row], width: int, scale: int
) -> None:
    appearance = Appearance(scale=scale)
    appearance.apply()
    view = shown(appearance, model, qtbot, width)
    model.append([("LONG-STATION-P-1000/12", 3 * WORDS, "1,234,567.89 mm/s", "-20 to 15,000 L/min")])
    qtbot.waitUntil(lambda: not view.columns.is_due)
    assert cut_cells(view) == []
    whole, heading = sum(widths(view)), view.horizontalHeader().sectionSizeHint(1)
    assert whole >= view.viewport().width()
    assert whole == view.viewport().width() or widths(view)[1] <= max(appearance.px(FAIR_TEXT), heading)
    Appearance().apply()


def test_a_column_grows_with_its_number_and_does_not_jump_back(
    qapp: QApplication, qtbot: QtBot, model: RowsModel[Row]
) -> None:
    view = shown(Appearance(), model, qtbot, 700)
    before = widths(view)
    for number in ("123,456,789.0", "1.0"):
        model.show_rows([("P-101", WORDS, number, "2")])
        qtbot.waitUntil(lambda: widths(view)[2] > before[2])
    assert sum(widths(view)) == sum(before)


def test_what_can_be_spared_is_hidden_before_words_are_hard_to_read(
    qapp: QApplication, qtbot: QtBot, model: RowsModel[Row]
) -> None:
    view = shown(Appearance(), model, qtbot, 280)
    qtbot.waitUntil(lambda: view.isColumnHidden(3))
    view.resize(700, 300)
    qtbot.waitUntil(lambda: not view.isColumnHidden(3))


def test_a_dragged_column_stays_so_wide_but_never_cuts_a_number(
    qapp: QApplication, qtbot: QtBot, model: RowsModel[Row]
) -> None:
    appearance = Appearance()
    view = shown(appearance, model, qtbot, 700)
    need = widths(view)[2]
    for wanted, given in ((300, 300), (need - 10, need)):
        view.setColumnWidth(2, wanted)
        qtbot.waitUntil(lambda given=given: widths(view)[2] == given)  # type: ignore[misc]
    view.setColumnWidth(2, 300)
    view.horizontalHeader().moveSection(2, 0)
    again = shown(appearance, model, qtbot, 700)
    qtbot.waitUntil(lambda: widths(again)[2] == 300)
    assert again.horizontalHeader().visualIndex(2) == 0
    again.horizontalHeader().sectionHandleDoubleClicked.emit(2)
    qtbot.waitUntil(lambda: widths(again)[2] == need)


def test_a_file_with_another_arrangement_is_no_trouble(qapp: QApplication, qtbot: QtBot, model: RowsModel[Row]) -> None:
    for kept in ("", "no JSON", "[]", '{"widths": {"Gone": 9, "Id": "x"}, "order": ["Id"]}', '{"widths": 1}'):
        appearance = Appearance()
        appearance.tables["Test"] = kept
        assert cut_cells(shown(appearance, model, qtbot, 500)) == []


def test_the_window_remembers_the_columns_of_its_tables(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    first = open_window()
    first.open_page("events")
    page_of(first, EventsPage).journal.journal_view.setColumnWidth(1, 333)
    first.close()
    kept = QSettings(str(Home(tmp_path).settings), QSettings.Format.IniFormat).value("tables/Journal")
    assert "333" in str(kept)
    second = open_window()
    second.open_page("events")
    qtbot.waitUntil(lambda: page_of(second, EventsPage).journal.journal_view.columnWidth(1) == 333)


def test_every_table_has_a_name_of_its_own(open_window: OpenWindow) -> None:
    window = open_window(scenes=SCENES)
    names = [t.accessibleName() for key in window.pages for t in window.page(key).findChildren(TableView)]
    for entry in DIALOGS:
        window.open_dialog(entry.key, "P-101")
    assert len(names) >= 12
    assert len(set(names)) == len(names)


def test_marks_of_tables_grow_with_the_text(open_window: OpenWindow) -> None:
    window = open_window(scenes=SCENES)
    view = page_of(window, AlarmsPage).alarm_view
    before = view.iconSize().width()
    window.appearance.set_scale(150)
    assert view.iconSize().width() == before * 3 // 2
    window.appearance.set_scale(100)
