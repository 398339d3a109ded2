"""A report as a workbook: a sheet that explains it, then a sheet a table, with true numbers and dates."""

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from math import isfinite
from typing import TYPE_CHECKING, Any

from pumpwatch_gui.domain.reports.sheet import Cell, CellKind, Report, ReportColumn, ReportTable, head

if TYPE_CHECKING:
    from xlsxwriter import Workbook

_LONGEST_NAME = 31
_CHAR = 1.1


def write_workbook(report: Report) -> bytes:
    """The report as XLSX. A missing number is an empty cell; text is never a formula or a link."""
    import xlsxwriter

    file = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(file, options) as book:
        _read_me(book, report)
        for table in report.tables:
            _sheet(book, table)
    return file.getvalue()


def _read_me(book: "Workbook", report: Report) -> None:
    sheet = book.add_worksheet("Read me")
    bold, wrapped = book.add_format({"bold": True, "valign": "top"}), book.add_format({"text_wrap": True})
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 1, 96)
    kind = report.title + (" (preliminary)" if report.is_preliminary else "")
    lines = [("Report", kind), *report.facts, *(("Summary", text) for text in report.summary)]
    lines += [(f"{t.label}, {t.unit}" if t.unit else t.label,
               f"{t.text} ({t.change} on the period before)" if t.change else t.text)
              for t in report.tiles]  # fmt: skip
    lines += [(f"Sheet {_name(t)}", note) for t in report.tables for note in t.notes]
    for row, (name, text) in enumerate([*lines, ("", ""), *report.definitions]):
        sheet.write_string(row, 0, name, bold)
        sheet.write_string(row, 1, text, wrapped)


def _name(table: ReportTable) -> str:
    """A name that a sheet may have: a long one ends with a whole word."""
    kept = "".join("-" if letter in "[]:*?/\\" else letter for letter in table.name)
    return kept if len(kept) <= _LONGEST_NAME else kept[:_LONGEST_NAME].rsplit(" ", 1)[0].rstrip(",")


def _sheet(book: "Workbook", table: ReportTable) -> None:
    sheet = book.add_worksheet(_name(table))
    top = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    total = [_format(book, column, is_total=True) for column in table.columns]
    forms = [_format(book, column, is_total=False) for column in table.columns]
    for i, column in enumerate(table.columns):
        sheet.write_string(0, i, head(column), top)
        sheet.set_column(i, i, _width(table, i))
    sheet.freeze_panes(1, 0)
    for at, row in enumerate(table.rows, start=1):
        _row(sheet, at, table.columns, row, forms)
    if table.rows:
        sheet.autofilter(0, 0, len(table.rows), len(table.columns) - 1)
    else:
        sheet.write_string(1, 0, table.empty)
    if table.total:
        _row(sheet, len(table.rows) + 1, table.columns, table.total, total)


def _row(sheet: Any, at: int, columns: Sequence[ReportColumn], row: Sequence[Cell], forms: Sequence[Any]) -> None:
    for i, (column, cell) in enumerate(zip(columns, row, strict=True)):
        if column.kind is CellKind.NUMBER and isfinite(float(cell)):
            sheet.write_number(at, i, float(cell), forms[i])
        elif column.kind is CellKind.TIME and cell:
            sheet.write_datetime(at, i, datetime.fromtimestamp(int(cell) / 1e9), forms[i])
        elif column.kind is CellKind.TEXT and cell:
            sheet.write_string(at, i, str(cell), forms[i])
        else:
            sheet.write_blank(at, i, None, forms[i])


def _format(book: "Workbook", column: ReportColumn, *, is_total: bool) -> Any:
    options: dict[str, Any] = {"bold": True, "top": 1} if is_total else {}
    if column.kind is CellKind.NUMBER:
        more = "" if not column.decimals else "." + "0" * column.decimals
        options["num_format"] = "General" if column.decimals is None else f"#,##0{more}"
    elif column.kind is CellKind.TIME:
        options["num_format"] = "yyyy-mm-dd hh:mm"
    return book.add_format(options)


def _width(table: ReportTable, at: int) -> float:
    column = table.columns[at]
    if column.kind is CellKind.TIME:
        return 17.0
    if column.kind is CellKind.NUMBER:
        return max(12.0, _CHAR * len(head(column)))
    longest = max((len(str(row[at])) for row in table.rows), default=0)
    return min(max(12.0, _CHAR * longest), 100.0)
