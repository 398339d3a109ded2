"""An export as a workbook: a sheet that says what it is, then a sheet a table, with true dates and numbers."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from pumpwatch_gui.commissioning.export.csv_file import utc_offsets_ms
from pumpwatch_gui.commissioning.export.guarded_file import GuardedFile
from pumpwatch_gui.commissioning.export.tables import NO_QUALITY, Block, ExportColumn, ExportTable, Kind
from pumpwatch_gui.domain.values.quality import Quality

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

MOST_ROWS = 1_048_576
"""Of a sheet, with its header: what comes after goes to a further sheet."""
_DAY_MS = 86_400_000
_EPOCH_DAYS = 25_569
"""1970-01-01 in days of a spreadsheet."""
_BAD = f"{Quality.BAD.word}: "
_UNCERTAIN = f"{Quality.UNCERTAIN.word}: "


def write_xlsx(
    file: BinaryIO, tables: Iterable[tuple[ExportTable, Iterator[Block]]], notes: Mapping[str, str], folder: Path
) -> None:
    """Write tables, each on sheets of its own. `folder` takes what is on its way; nothing of it is left. OSError."""
    import xlsxwriter

    with tempfile.TemporaryDirectory(prefix=".pumpwatch-export-", dir=folder) as scratch:
        options = {"constant_memory": True, "tmpdir": scratch, "strings_to_formulas": False, "strings_to_urls": False,
                   "strings_to_numbers": False, "nan_inf_to_errors": False, "in_memory": False}  # fmt: skip
        book = xlsxwriter.Workbook(GuardedFile(file), options)
        try:
            about = book.add_worksheet("Read me")
            written = [(table, _Sheets(book, table).write(blocks)) for table, blocks in tables]
            _read_me(book, about, notes, written)
        except BaseException:
            _forget(book)
            raise
        try:
            book.close()
        except xlsxwriter.exceptions.FileCreateError as error:
            cause = error.args[0] if error.args else error
            raise cause if isinstance(cause, OSError) else OSError(str(error)) from error


def _forget(book: "Workbook") -> None:
    """Close what a workbook has open that is not to be written: else it would be written when it is collected."""
    book.fileclosed = 1
    for sheet in book.worksheets():
        handle = getattr(sheet, "row_data_fh", None)
        if handle is not None:
            handle.close()


class _Sheets:
    """One table on as many sheets as it needs."""

    def __init__(self, book: "Workbook", table: ExportTable) -> None:
        self._book, self._table = book, table
        self._columns = [column for column in table.columns if not column.is_quality]
        self._head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        self._formats = [_format(book, column) for column in self._columns]
        self._time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})
        self._has_quality = any(column.is_quality for column in table.columns)
        self._sheet: Worksheet | None = None
        self._row, self._count = MOST_ROWS, 0

    def write(self, blocks: Iterable[Block]) -> int:
        """Write all; the number of rows."""
        total = 0
        for block in blocks:
            for row in zip(*self._cells(block), strict=True):
                if self._row >= MOST_ROWS:
                    self._next_sheet()
                self._write_row(row)
                total += 1
        if self._sheet is None:
            self._next_sheet()
        self._finish()
        return total

    def _titles(self) -> list[str]:
        titles = []
        for column in self._columns:
            titles += (
                [f"{column.title} (UTC)", f"{column.title} (local, {_zone()})"] if column.kind is Kind.TIME
                else [f"{column.label}\n{column.title}" if column.label else column.title]
            )  # fmt: skip
        return [*titles, "quality"] if self._has_quality else titles

    def _next_sheet(self) -> None:
        self._finish()
        self._count += 1
        name = self._table.name if self._count == 1 else f"{self._table.name} {self._count}"
        self._sheet = self._book.add_worksheet(name)
        for i, title in enumerate(self._titles()):
            is_time = any(title.startswith(f"{c.title} (") for c in self._columns if c.kind is Kind.TIME)
            self._sheet.set_column(i, i, 23 if is_time else 28 if title == "quality" else 16)
            self._sheet.write_string(0, i, title, self._head)
        self._sheet.freeze_panes(1, 0)
        self._row = 1

    def _finish(self) -> None:
        if self._sheet is not None:
            self._sheet.autofilter(0, 0, max(self._row - 1, 1), len(self._titles()) - 1)

    def _cells(self, block: Block) -> list[Sequence[Any]]:
        """The columns of a block as those of the sheet: UTC and local for a time, one quality for all."""
        found: list[Sequence[Any]] = []
        for column, values in zip(self._table.columns, block, strict=True):
            if column.is_quality:
                continue
            if column.kind is Kind.TIME:
                stamps = np.asarray(values, dtype=np.int64)
                found += [_days(stamps), _days(stamps + utc_offsets_ms(stamps))]
            else:
                found.append(values)
        return [*found, _qualities(self._table, block)] if self._has_quality else found

    def _write_row(self, row: tuple[Any, ...]) -> None:
        sheet, at, place = self._sheet, self._row, 0
        assert sheet is not None
        for column, form in zip(self._columns, self._formats, strict=True):
            match column.kind:
                case Kind.TIME:
                    sheet.write_number(at, place, row[place], self._time)
                    place += 1
                    sheet.write_number(at, place, row[place], self._time)
                case Kind.NUMBER if row[place] == row[place]:
                    sheet.write_number(at, place, row[place], form)
                case Kind.WHOLE if row[place] is not None:
                    # An id has more digits than a number of a spreadsheet: 15.
                    sheet.write_string(at, place, str(row[place]))
                case Kind.BOOLEAN:
                    sheet.write_boolean(at, place, bool(row[place]))
                case Kind.TEXT if row[place]:
                    sheet.write_string(at, place, str(row[place]))
                case _:
                    pass  # there is no value
            place += 1
        if self._has_quality:
            sheet.write_string(at, place, row[place])
        self._row += 1


def _days(stamps: "np.ndarray[Any, np.dtype[np.int64]]") -> list[float]:
    days: list[float] = (stamps / _DAY_MS + _EPOCH_DAYS).tolist()
    return days


def _qualities(table: ExportTable, block: Block) -> list[str]:
    """The quality of each row in words: `good`, or what of it is not: `bad: flow_rate_l_min; uncertain: motor_rpm`."""
    own = [(column.name.removesuffix(" quality"), values) for column, values in zip(table.columns, block, strict=True)
           if column.is_quality]  # fmt: skip
    good = {Quality.GOOD.word, NO_QUALITY}
    kept: dict[tuple[object, ...], str] = {}
    words = []
    for row in zip(*(values for _, values in own), strict=True):
        if row not in kept:
            parts = [
                head + ", ".join(name for (name, _), word in zip(own, row, strict=True) if word == head[:-2])
                for head in (_BAD, _UNCERTAIN)
                if head[:-2] in row
            ]
            kept[row] = "; ".join(parts) or (Quality.GOOD.word if set(row) <= good else "")
        words.append(kept[row])
    return words


def _format(book: "Workbook", column: ExportColumn) -> "Format | None":
    if column.kind is not Kind.NUMBER:
        return None
    return book.add_format({"num_format": "0." + "0" * column.decimals if column.decimals else "0"})


def _zone() -> str:
    return datetime.now(UTC).astimezone().tzname() or "local"


def _read_me(
    book: "Workbook", sheet: "Worksheet", notes: Mapping[str, str], written: Sequence[tuple[ExportTable, int]]
) -> None:
    bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 90)
    row = 0
    for name, text in notes.items():
        sheet.write_string(row, 0, name, bold)
        sheet.write_string(row, 1, text, wrapped)
        row += 1
    for table, count in written:
        row += 1
        sheet.write_string(row, 0, f"Sheet {table.name}", bold)
        sheet.write_string(row, 1, f"{count:,} rows")
        for column in table.columns:
            if not column.is_quality:
                row += 1
                sheet.write_string(row, 0, column.name)
                sheet.write_string(row, 1, ", ".join(word for word in (column.label, column.unit) if word))
        row += 1
