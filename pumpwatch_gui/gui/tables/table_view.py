"""A table as the pages show it: whole rows, no grid, one stretching column."""

from collections.abc import Mapping

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView
from typing_extensions import override

from pumpwatch_gui.gui.look.theme import Appearance


class TableView(QTableView):
    """A read-only table of `model`; `widths` are px at 100 % by column, `stretch` is the column that takes the rest."""

    def __init__(
        self, appearance: Appearance, model: QAbstractItemModel, name: str, *, widths: Mapping[int, int], stretch: int
    ) -> None:
        super().__init__()
        self._appearance, self._widths = appearance, widths
        self.setModel(model)
        self.setAccessibleName(name)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(stretch, QHeaderView.ResizeMode.Stretch)
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

    def _fit(self) -> None:
        self.verticalHeader().setDefaultSectionSize(self._appearance.px(30))
        for column, width in self._widths.items():
            self.setColumnWidth(column, self._appearance.px(width))
