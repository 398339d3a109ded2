"""Texts that belong together begin at the same pixel."""

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QListWidget, QTableWidget, QTableWidgetItem, QWidget
from pytestqt.qtbot import QtBot

from pumpwatch_gui.gui.look.theme import SCALES, THEMES, Appearance

LOOKS = [(theme, scale) for theme in THEMES for scale in SCALES]


def _dressed(qtbot: QtBot, part: QWidget, theme: str, scale: int) -> None:
    qtbot.addWidget(part)
    appearance = Appearance(theme, scale)
    appearance.apply()
    appearance.dress(part)
    part.resize(400, 200)
    part.show()


def _begins_at(image: QImage, rect: QRect) -> int:
    """The first column of a rectangle in which something is written."""
    ground = image.pixelColor(rect.right() - 2, rect.center().y()).lightness()
    rows = range(rect.top() + rect.height() // 4, rect.bottom() - rect.height() // 4)
    written = (
        x
        for x in range(rect.left() + 5, rect.right() - 2)
        if any(abs(image.pixelColor(x, y).lightness() - ground) > 50 for y in rows)
    )
    return next(written)


@pytest.mark.parametrize(("theme", "scale"), LOOKS)
def test_a_title_begins_above_the_text_of_its_cells(qtbot: QtBot, theme: str, scale: int) -> None:
    table = QTableWidget(1, 1)
    table.setColumnWidth(0, 300)
    item, heading = QTableWidgetItem("HHH"), QTableWidgetItem("HHH")
    heading.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    table.setHorizontalHeaderItem(0, heading)
    table.setItem(0, 0, item)
    table.verticalHeader().hide()
    _dressed(qtbot, table, theme, scale)
    header = table.horizontalHeader().viewport()
    title = _begins_at(header.grab().toImage(), QRect(0, 0, 300, header.height()))
    text = _begins_at(table.viewport().grab().toImage(), table.visualItemRect(item))
    assert abs(title - text) <= 1  # the smaller type of a title has a smaller space before its first letter


@pytest.mark.parametrize(("theme", "scale"), LOOKS)
def test_the_text_of_a_selected_row_is_where_that_of_the_others_is(qtbot: QtBot, theme: str, scale: int) -> None:
    rows = QListWidget()
    rows.addItems(["HHH", "HHH"])
    rows.setCurrentRow(0)
    _dressed(qtbot, rows, theme, scale)
    image = rows.viewport().grab().toImage()
    chosen, other = (_begins_at(image, rows.visualItemRect(rows.item(i))) for i in range(2))
    assert abs(chosen - other) <= 1  # a brighter letter begins with a fainter edge
