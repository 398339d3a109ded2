"""What goes from a table to the clipboard: whole rows with their titles, for a spreadsheet."""

from collections.abc import Iterable

from PySide6.QtWidgets import QApplication, QTableView

from pumpwatch_gui.gui.tables.columns import Columns
from pumpwatch_gui.gui.tables.rows_model import DISPLAY


def rows_text(view: QTableView, columns: Columns, rows: Iterable[int]) -> str:
    """Titles and rows, a line each, cells apart by tabs: every column in its order, those too that have no room."""
    model, header = view.model(), view.horizontalHeader()
    order = [c for c in map(header.logicalIndex, range(header.count())) if c not in columns.out]
    titles = [_cell(model.headerData(c, header.orientation(), DISPLAY)) for c in order]
    lines = ([_cell(model.index(row, c).data(DISPLAY)) for c in order] for row in rows)
    return "".join("\t".join(line) + "\n" for line in (titles, *lines))


def copy_selected(view: QTableView, columns: Columns) -> None:
    """Put the rows of all selected cells on the clipboard, in the order of the screen; nothing when none is."""
    if rows := sorted({index.row() for index in view.selectedIndexes()}):
        QApplication.clipboard().setText(rows_text(view, columns, rows))


def copy_all(view: QTableView, columns: Columns) -> None:
    """Put every row on the clipboard."""
    QApplication.clipboard().setText(rows_text(view, columns, range(view.model().rowCount())))


def _cell(value: object) -> str:
    """A cell is one line and has no tab."""
    return " ".join(str(value or "").split())
