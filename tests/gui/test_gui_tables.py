"""Every table keeps the rules of Qt's item models, alone and on its page.

A tester warns of each rule that is broken, and pytest-qt fails the test for it.
"""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocumentFragment
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QAbstractItemView, QApplication, QDialog

from pumpwatch_gui.domain.events import Note
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.shell.entries import DIALOGS
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView
from tests.gui.conftest import OpenWindow
from tests.gui.fake_scenes import Scene
from tests.gui.fake_station import FakeStation
from tests.gui.parts import dialog_of

WARN = QAbstractItemModelTester.FailureReportingMode.Warning


def test_rows_that_come_change_and_go_keep_the_rules_of_item_models(qapp: QApplication) -> None:
    model: RowsModel[int] = RowsModel([Column("Name", str), Column("Again", str, right=True, tip=str)], key=int)
    tester = QAbstractItemModelTester(model, WARN)
    model.show_rows([1, 2, 3])
    model.show_rows([1, 5, 3])
    model.prepend([7, 8])
    model.append([9])
    model.append([])
    model.keep_last(4)
    assert model.rows == [1, 5, 3, 9]
    model.show_rows([])
    model.prepend([1])
    assert model.rows == [1]
    assert tester.model() is model


def test_text_from_outside_is_no_markup_in_a_tip(qapp: QApplication) -> None:
    model: RowsModel[str] = RowsModel([Column("Name", str, tip=str)], key=str)
    words = ["<b>pump</b> & co\nsecond line", "3 < 5", "5 > 3 & 2"]
    model.show_rows(words)
    tips = [model.data(model.index(row, 0), Qt.ItemDataRole.ToolTipRole) for row in range(3)]
    assert tips[2] == words[2]
    shown = [QTextDocumentFragment.fromHtml(tip).toPlainText() for tip in tips[:2]]
    assert shown == words[:2]


def test_every_table_of_every_page_and_dialog_keeps_the_rules_of_item_models(open_window: OpenWindow) -> None:
    station = FakeStation(4, scenes={1: Scene("hot"), 2: Scene("lost")}, history_s=60)
    window = open_window(source=station)
    dialogs = [dialog_of(window, QDialog, entry.key, "P-101") for entry in DIALOGS]
    for key in window.pages:
        window.page(key)
    views = [view for part in (window, *dialogs) for view in part.findChildren(QAbstractItemView)]
    testers = [QAbstractItemModelTester(model, WARN) for model in {view.model() for view in views} if model is not None]
    tables = [model for model in (tester.model() for tester in testers) if isinstance(model, RowsModel)]
    for second, key in enumerate(2 * window.pages, 1):
        station.scenes[3] = Scene("hot" if second % 2 else "lost")
        station.step(float(second))
        station.publish(Note(station.latest().time_ns, f"note {second}"))
        window.open_page(key, f"P-10{1 + second % 4}")
        window.refresh()
        QApplication.processEvents()
    assert len(tables) >= 10
    assert len([table for table in tables if table.rows]) >= 4


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 400), unique=True), st.lists(st.integers(0, 400), unique=True), st.integers(0, 400))
def test_many_rows_are_exchanged_at_once_and_a_selected_one_stays(
    qapp: QApplication, first: list[int], second: list[int], chosen: int
) -> None:
    model = RowsModel[int]([Column("Number", str)], key=lambda row: row)
    view = TableView(Appearance(), model, "Numbers")
    model.show_rows(first)
    view.choose(chosen)
    model.show_rows(second)
    assert model.rows == second
    expected = chosen if chosen in first and chosen in second else None
    assert model.row_at(view.chosen) == expected
