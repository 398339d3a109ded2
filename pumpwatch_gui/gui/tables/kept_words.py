"""A column of a table whose cells are cut, but not at the words that distinguish two rows."""

from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTableView
from typing_extensions import override

from pumpwatch_gui.gui.look.cut_text import cut
from pumpwatch_gui.gui.tables.rows_model import RowsModel


class KeptWords(QStyledItemDelegate):
    """Cuts the texts of the columns that say what is `kept` of theirs, where Qt would cut the end."""

    def __init__(self, view: QTableView, model: RowsModel[Any]) -> None:
        super().__init__(view)
        self._view, self._model = view, model
        for place, column in enumerate(model.columns):
            if column.kept is not None:
                view.setItemDelegateForColumn(place, self)

    @override
    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """What fits into the cell; the whole text while a column is measured, which is without a cell."""
        super().initStyleOption(option, index)
        kept = self._model.columns[index.column()].kept
        if kept is None or option.rect.isEmpty():
            return
        style = self._view.style()
        room = style.subElementRect(QStyle.SubElement.SE_ItemViewItemText, option, self._view).width()
        margin = style.pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin) + 1
        row = self._model.rows[index.row()]
        option.text = cut(QFontMetricsF(option.font), option.text, room - 2 * margin, kept(row))
