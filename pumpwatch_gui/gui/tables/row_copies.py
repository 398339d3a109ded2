"""What leaves a table: whole rows with their titles, to the clipboard, as CSV, or on paper."""

import csv
from collections.abc import Iterable
from html import escape
from pathlib import Path

from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QApplication, QTableView

from pumpwatch_gui.domain.wording import spreadsheet_text
from pumpwatch_gui.files.atomic import atomic_text
from pumpwatch_gui.gui.tables.columns import Columns
from pumpwatch_gui.gui.tables.rows_model import DISPLAY


def rows_text(view: QTableView, columns: Columns, rows: Iterable[int]) -> str:
    """Titles and rows, a line each, cells apart by tabs."""
    return "".join("\t".join(line) + "\n" for line in _cells(view, columns, rows))


def _cells(view: QTableView, columns: Columns, rows: Iterable[int]) -> list[list[str]]:
    """Titles and rows: every column in its order, those too that have no room."""
    model, header = view.model(), view.horizontalHeader()
    order = [c for c in map(header.logicalIndex, range(header.count())) if c not in columns.out]
    titles = [_cell(model.headerData(c, header.orientation(), DISPLAY)) for c in order]
    return [titles, *([_cell(model.index(row, c).data(DISPLAY)) for c in order] for row in rows)]


def copy_selected(view: QTableView, columns: Columns) -> None:
    """Put the rows of all selected cells on the clipboard, in the order of the screen; nothing when none is."""
    if rows := sorted({index.row() for index in view.selectedIndexes()}):
        QApplication.clipboard().setText(rows_text(view, columns, rows))


def copy_all(view: QTableView, columns: Columns) -> None:
    """Put every row on the clipboard."""
    QApplication.clipboard().setText(rows_text(view, columns, _all(view)))


def save_all(view: QTableView, columns: Columns, path: Path) -> None:
    """Write every row as CSV, whole or not at all; raises OSError."""
    with atomic_text(path) as file:
        writer = csv.writer(file)
        writer.writerows(map(spreadsheet_text, line) for line in _cells(view, columns, _all(view)))


def print_all(view: QTableView, columns: Columns, title: str, printer: object) -> None:
    """Print every row below a title, in the colours of paper; the titles of the columns are on each page."""
    titles, *lines = _cells(view, columns, _all(view))
    document = QTextDocument()
    document.setHtml(
        f"<h3>{escape(title)}</h3><table cellpadding=3><thead>{_html_row(titles, 'th align=left')}</thead>"
        f"{''.join(_html_row(line, 'td') for line in lines)}</table>"
    )
    document.print_(printer)  # type: ignore[arg-type]


def _html_row(cells: Iterable[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag.split()[0]}>" for cell in cells) + "</tr>"


def _all(view: QTableView) -> range:
    return range(view.model().rowCount())


def _cell(value: object) -> str:
    """A cell is one line and has no tab."""
    return " ".join(str(value or "").split())
