"""Bands between the rows of a table, above the first row of each group: the days of a journal."""

from typing import Any

from PySide6.QtCore import QLineF, QModelIndex, QPersistentModelIndex, QRect, QRectF
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QTableView
from typing_extensions import override

from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.theme import STRONG, Appearance, color
from pumpwatch_gui.gui.tables.rows_model import RowsModel

BAND_PX, INSET_PX = 28, 10


class Dividers(QStyledItemDelegate):
    """Makes room above the first row of each group and writes there what the group is called.

    The rows stay rows: selection, copies and keys know nothing of the bands. Call `paint_bands` after the rows are
    painted, and `place` once rows have a usual height.
    """

    def __init__(self, appearance: Appearance, view: QTableView, model: RowsModel[Any]) -> None:
        super().__init__(view)
        self._appearance, self._view, self._model = appearance, view, model
        self.firsts: dict[int, str] = {}
        view.setItemDelegate(self)
        for changed in (model.modelReset, model.rowsInserted, model.rowsRemoved, model.rowsMoved, model.layoutChanged):
            changed.connect(lambda *_: self.place())
        # Qt has sorted by then; where that moves no row, the model says nothing.
        view.horizontalHeader().sortIndicatorChanged.connect(lambda *_: self.place())

    @property
    def _band(self) -> int:
        return round(self._appearance.px(BAND_PX))

    def place(self) -> None:
        """Find the first row of each group and give it its height, all others the usual one."""
        header, before = self._view.verticalHeader(), ""
        usual, self.firsts = header.defaultSectionSize(), {}
        for row, words in enumerate(self._model.groups()):
            if words != before:
                self.firsts[row] = before = words
            height = usual + self._band if row in self.firsts else usual
            if header.sectionSize(row) != height:
                header.resizeSection(row, height)

    @override
    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """A cell; below the band where there is one."""
        if index.row() in self.firsts:
            rect: QRect = option.rect
            option.rect = rect.adjusted(0, self._band, 0, 0)
        super().paint(painter, option, index)

    @override
    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """In the column that is divided, what the band does not say."""
        super().initStyleOption(option, index)
        if index.column() == self._model.divided:
            option.text = self._model.painted(index.column())(self._model.rows[index.row()])

    def paint_bands(self, painter: QPainter) -> None:
        """Paint the bands that are in sight."""
        theme, px, viewport = self._appearance.theme, self._appearance.px, self._view.viewport()
        for row, words in self.firsts.items():
            top = self._view.rowViewportPosition(row)
            if not -self._band < top < viewport.height():
                continue
            band = QRectF(0, top, viewport.width(), self._band)
            painter.fillRect(band, color(theme.raised))
            painter.setPen(QPen(color(theme.line), 1))
            painter.drawLine(QLineF(band.left(), band.bottom() - 0.5, band.right(), band.bottom() - 0.5))
            inner = band.adjusted(px(INSET_PX), 0, -px(INSET_PX), 0)
            paint.text(painter, self._appearance, inner, words, theme.strong, weight=STRONG)
