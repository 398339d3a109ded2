"""The rows of a text file, a piece at a time, each as wide as the header."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TextIO

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.files.recordings.encoding import encoding_words

ROWS_AT_ONCE = 4096
"""Few enough to stay in the processor's cache as texts, and to keep the memory small."""
_HEAD_LINES = 400
_LONGEST_HEAD = 500_000


class WrongEncodingError(Exception):
    """The text is not in the encoding that its first bytes promised."""


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[TextIO]:
    """The text of a file with its line ends as they are. Raises InputError, and WrongEncodingError while it is read."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            yield file
    except UnicodeDecodeError as error:
        raise WrongEncodingError(f"{path}: it is not {encoding_words(encoding)} ({error.reason})") from None
    except UnicodeError as error:  # UTF-16 without the mark it is to have
        raise WrongEncodingError(f"{path}: it is not {encoding_words(encoding)} ({error})") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", "give the path of a CSV file that can be read") from None


def head_lines(file: TextIO) -> list[str]:
    """The first lines, without their ends."""
    lines: list[str] = []
    size = 0
    for line in islice(file, _HEAD_LINES):
        lines.append(line.rstrip("\r\n"))
        size += len(line)
        if size > _LONGEST_HEAD:
            break
    return lines


class Rows:
    """The samples below the header, in pieces. `counts` says what was amiss, `read` how many rows there were."""

    def __init__(self, file: TextIO, *, path: Path, separator: str, data_line: int, width: int) -> None:
        self.counts: Counter[str] = Counter()
        self.read = 0
        self._path = path
        self._width = width
        self._skipped = data_line - 1
        self._file = file
        self._last = ""
        for _ in range(self._skipped):
            next(file, "")
        # Strict: an unclosed quote would swallow every row behind it without a word.
        self._reader = csv.reader(self._lines(), delimiter=separator, strict=True)

    def _lines(self) -> Iterator[str]:
        line = ""
        for line in self._file:
            yield line
        self._last = line

    def pieces(self) -> Iterator[tuple[int, list[list[str]]]]:
        """Pieces of rows, each with the line number of its first. Raises InputError naming a line that is too long."""
        while True:
            line = self._skipped + self._reader.line_num + 1
            try:
                rows = list(islice(self._reader, ROWS_AT_ONCE))
            except csv.Error as error:
                at = self._skipped + self._reader.line_num
                raise InputError(
                    f"{self._path}, line {at}: {error}", "a quote is not closed there: correct that line"
                ) from None
            if not rows:
                return
            if set(map(len, rows)) != {self._width}:
                rows = [row for i, row in enumerate(rows) if self._fit(row, line + i)]
            if self._last and rows and not self._last.endswith(("\n", "\r")):
                self._check_end(rows)
            self.read += len(rows)
            if rows:
                yield line, rows

    def _fit(self, row: list[str], line: int) -> bool:
        """Make a row as wide as the header; whether there is anything in it."""
        cells = len(row)
        if cells > self._width:
            if any(cell.strip() for cell in row[self._width :]):
                hint = "; decimal comma?" if cells - 1 == 2 * (self._width - 1) else ""
                raise InputError(
                    f"{self._path}, line {line}: {cells} cells, {self._width} names{hint}",
                    "export it with ; or tab between the cells, or with a decimal point",
                )
            del row[self._width :]
        elif cells < self._width:
            if not any(cell.strip() for cell in row):
                return False
            self.counts["short rows, their missing cells taken as empty"] += 1
            row += [""] * (self._width - cells)
        return True

    def _check_end(self, rows: list[list[str]]) -> None:
        """Drop a last row that was cut off while it was written: its last number may lack digits."""
        separator = self._reader.dialect.delimiter
        if self._last.count(separator) < self._width - 1 and '"' not in self._last:
            rows.pop()
            self.read += 1
            self.counts["short rows, their missing cells taken as empty"] -= 1
            self.counts["rows dropped: the last one is cut off"] += 1


def first_cells(rows: Sequence[Sequence[str]], columns: Sequence[int]) -> list[str]:
    """The cells of some columns, joined by a space where there are several."""
    if len(columns) == 1:
        (column,) = columns
        return [row[column] for row in rows]
    return [" ".join(row[column].strip() for column in columns) for row in rows]
