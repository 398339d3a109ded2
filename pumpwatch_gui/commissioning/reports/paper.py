"""A report as pages: PDF or PNG, by Typst and the template of its kind."""

import json
from collections.abc import Sequence
from typing import Any

from pumpwatch_gui.domain.errors import PrerequisiteError, PumpWatchError
from pumpwatch_gui.domain.reports.period import ReportKind
from pumpwatch_gui.domain.reports.sheet import Cell, CellKind, Report, ReportColumn, ReportTable, cell_number, head
from pumpwatch_gui.domain.wording import minute
from pumpwatch_gui.files.shipped import shipped


def need_typst() -> None:
    """Raise PrerequisiteError when the package is not installed."""
    try:
        import typst  # noqa: F401
    except ImportError:
        raise PrerequisiteError(
            "a report as PDF needs the package typst",
            "install the extra: pip install 'pumpwatch[reports]', or write --xlsx instead",
        ) from None


def write_pdf(report: Report, kind: ReportKind) -> bytes:
    """The report as a tagged PDF of A4 pages: PDF/UA-1 where a font of this machine has every letter of a typed text.

    Raises PrerequisiteError without the package, PumpWatchError when Typst cannot make the pages.
    """
    try:
        return _compiled(report, kind, format="pdf", pdf_standards="ua-1")[0]
    except PumpWatchError:  # the standard allows no letter that cannot be drawn; a note with one must not stop a report
        return _compiled(report, kind, format="pdf")[0]


def write_png(report: Report, kind: ReportKind, *, ppi: float = 96.0) -> list[bytes]:
    """The pages as pictures: what the PDF shows."""
    return _compiled(report, kind, format="png", ppi=ppi)


def _compiled(report: Report, kind: ReportKind, **options: Any) -> list[bytes]:
    need_typst()
    import typst

    resources = shipped("resources")
    fonts = [str(resources / "fonts")]
    try:
        found = typst.compile(
            str(resources / "reports" / f"{kind.value}.typ"),
            root=str(resources / "reports"),
            font_paths=fonts,
            sys_inputs={"report": json.dumps(as_data(report), ensure_ascii=False)},
            **options,
        )
    except (RuntimeError, OSError) as error:
        raise PumpWatchError(f"the pages could not be made: {error}", "report this, or write --xlsx instead") from error
    return found if isinstance(found, list) else [found]


def as_data(report: Report) -> dict[str, Any]:
    """The report as plain values for the template; typed text stays text, numbers are as they are shown."""
    return {
        "title": report.title,
        "station": report.station,
        "period": report.period,
        "preliminary": report.is_preliminary,
        "facts": report.facts,
        "summary": report.summary,
        "tiles": [{"label": t.label, "text": t.text, "unit": t.unit, "change": t.change} for t in report.tiles],
        "tables": [_table(table) for table in report.tables],
        "charts": [{"alt": alt, "svg": svg} for alt, svg in report.charts],
        "definitions": report.definitions,
        "logo": report.logo,
    }


def _table(table: ReportTable) -> dict[str, Any]:
    hidden = len(table.rows) - table.printed
    notes = [*table.notes, *([f"{hidden:,} more are in the workbook."] if hidden > 0 else [])]
    return {
        "name": table.name,
        "heads": [head(column) for column in table.columns],
        "right": [column.kind is CellKind.NUMBER for column in table.columns],
        "shares": [column.share for column in table.columns],
        "rows": [shown_row(table.columns, row) for row in table.rows[: table.printed]],
        "total": shown_row(table.columns, table.total) if table.total else [],
        "empty": table.empty,
        "notes": notes,
    }


def shown_row(columns: Sequence[ReportColumn], row: Sequence[Cell]) -> list[str]:
    """The cells of a row as they are shown."""
    return [_cell(column, cell) for column, cell in zip(columns, row, strict=True)]


def _cell(column: ReportColumn, cell: Cell) -> str:
    match column.kind:
        case CellKind.TEXT:
            return str(cell)
        case CellKind.NUMBER:
            return cell_number(float(cell), column.decimals, has_sign=column.has_sign)
        case CellKind.TIME:
            return minute(int(cell)) if cell else ""
