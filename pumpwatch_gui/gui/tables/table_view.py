"""A table as the pages show it: whole rows, no grid, columns as wide as what they show."""

from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QTableView
from typing_extensions import override

from pumpwatch_gui.gui.look.theme import Appearance, icon_size
from pumpwatch_gui.gui.tables.columns import Columns
from pumpwatch_gui.gui.tables.rows_model import RowsModel


class TableView(QTableView):
    """A read-only table of `model`; `name` is what it is called, and what its arrangement is kept under."""

    def __init__(self, appearance: Appearance, model: RowsModel[Any], name: str) -> None:
        super().__init__()
        self._appearance = appearance
        self.setModel(model)
        self.setAccessibleName(name)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        columns = list(enumerate(model.columns))
        self.columns = Columns(
            appearance,
            self,
            elided=[i for i, column in columns if column.elided],
            spare=[i for i, column in columns if column.spare],
        )
        appearance.changed.connect(self._fit)
        self._fit()

    @property
    def chosen(self) -> QModelIndex:
        """The row that a person has selected; invalid when none is. Qt's current row may be one never selected."""
        return next(iter(self.selectionModel().selectedRows()), QModelIndex())

    @override
    def rowsAboutToBeRemoved(self, parent: QModelIndex | QPersistentModelIndex, start: int, end: int) -> None:
        """The selection ends with the selected row: Qt would select its neighbour."""
        if start <= self.currentIndex().row() <= end:
            self.selectionModel().clear()
        super().rowsAboutToBeRemoved(parent, start, end)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another room for the columns."""
        super().resizeEvent(event)
        self.columns.plan()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        """What came while it was out of sight was not measured."""
        super().showEvent(event)
        self.columns.plan()

    def _fit(self) -> None:
        self.verticalHeader().setDefaultSectionSize(self._appearance.px(30))
        self.setIconSize(icon_size(self._appearance, 18))
