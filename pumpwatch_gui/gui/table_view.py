"""A table as the pages show it: whole rows, no grid, one stretching column."""

from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from pumpwatch_gui.gui.theme import Look


def table_view(look: Look, model: QAbstractItemModel, name: str, *, widths: dict[int, int], stretch: int) -> QTableView:
    """A read-only table of `model`; `widths` are px at 100 % by column, `stretch` is the column that takes the rest."""
    view = QTableView()
    view.setModel(model)
    view.setAccessibleName(name)
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.setTabKeyNavigation(False)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
    view.verticalHeader().hide()
    header = view.horizontalHeader()
    header.setHighlightSections(False)
    header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
    header.setSectionResizeMode(stretch, QHeaderView.ResizeMode.Stretch)

    def fit() -> None:
        view.verticalHeader().setDefaultSectionSize(look.px(30))
        for column, width in widths.items():
            view.setColumnWidth(column, look.px(width))

    fit()
    look.changed.connect(fit)
    return view
