"""The rows of a text file, a piece at a time, each as wide as the header."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from itertools import chain, islice
from pathlib import Path
from typing import Any, Protocol, TextIO

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.values.recording_format import BLANKS
from pumpwatch_gui.files.recordings.cells.stamps import LONGEST
from pumpwatch_gui.files.recordings.encoding import encoding_words

_BLOCK = 500_000
"""Characters read at once."""
_ROWS_AT_ONCE = 4096
"""Few enough to stay in the processor's cache as texts, and to keep the memory small."""
_HEAD_LINES = 400
_LONGEST_HEAD = 500_000
_MOST_FAILURES = 3


_SHORT = "short rows, their missing cells taken as empty"
_CELL_IN_BLANKS = re.compile(r'"(?:[^"]|"")*"?|[^ \t\r\n]+')


class WrongEncodingError(Exception):
    """The text is not in the encoding that its first bytes promised."""


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[TextIO]:
    """The text of a file with its line ends as they are. Raises InputError, and WrongEncodingError while it is read."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            yield file
    except UnicodeError as error:
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


def cells_of(lines: Iterable[str], separator: str, *, strict: bool = False) -> "_Reader":
    """The cells of each line, as `csv.reader` gives them; raises csv.Error as that does."""
    if separator == BLANKS:
        # Python 3.13 no longer takes a blank for `delimiter` together with `skipinitialspace`.
        separator, lines = "\t", ("\t".join(_CELL_IN_BLANKS.findall(line)) for line in lines)
    return csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=strict)


class _Reader(Protocol):
    """What `csv.reader` returns."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]:
        """The rows."""

    def __next__(self) -> list[str]:
        """The next row."""


class Piece(Protocol):
    """Some rows that follow one another."""

    def __len__(self) -> int:
        """How many."""

    def row(self, at: int) -> list[str]:
        """The cells of one."""

    def cells(self, column: int) -> Sequence[str]:
        """The cells (m,) of a column."""

    def numbers(self, column: int) -> NDArray[np.float64] | None:
        """The finite numbers (m,) of a column, None where its cells are still to be read."""


def joined_cells(piece: Piece, columns: Sequence[int]) -> Sequence[str]:
    """The cells of some columns, joined by a space where there are several."""
    if len(columns) == 1:
        return piece.cells(columns[0])
    each = [[str(cell).strip() for cell in piece.cells(column)] for column in columns]
    return [" ".join(parts) for parts in zip(*each, strict=True)]


class _Texts(Piece):
    """Rows as texts."""

    def __init__(self, rows: list[list[str]]) -> None:
        self._rows = rows
        self._columns: list[tuple[str, ...]] | None = None

    @override
    def __len__(self) -> int:
        return len(self._rows)

    @override
    def row(self, at: int) -> list[str]:
        return self._rows[at]

    @override
    def cells(self, column: int) -> Sequence[str]:
        if self._columns is None:
            self._columns = list(zip(*self._rows, strict=True))
        return self._columns[column]

    @override
    def numbers(self, column: int) -> NDArray[np.float64] | None:
        return None


class _Table(Piece):
    """Rows of which the columns of numbers have been read already."""

    def __init__(self, table: NDArray[Any]) -> None:
        self._table = table

    @override
    def __len__(self) -> int:
        return len(self._table)

    @override
    def row(self, at: int) -> list[str]:
        return [str(cell) for cell in self._table[at]]

    @override
    def cells(self, column: int) -> Sequence[str]:
        cells: Sequence[str] = self._table[f"f{column}"].tolist()
        return cells

    @override
    def numbers(self, column: int) -> NDArray[np.float64] | None:
        numbers: NDArray[np.float64] = self._table[f"f{column}"]
        return numbers


class Rows:
    """The samples below the header, in pieces. `counts` says what was amiss."""

    def __init__(self, file: TextIO, *, path: Path, separator: str, data_line: int, width: int) -> None:
        self.counts: Counter[str] = Counter()
        self._path, self._file = path, file
        self._separator, self._width = separator, width
        self._line = data_line
        self._cut_off = ""
        self._first_short = 0
        self._table: np.dtype[Any] | None = None
        self._failures = 0
        for _ in range(data_line - 1):
            file.readline()

    def expect_numbers(self, numbers: Iterable[int], texts: Iterable[int]) -> None:
        """Let NumPy read what follows, as long as these columns hold nothing but numbers with a decimal point.

        That is three times as fast; where a piece holds anything else, it is read as texts.
        """
        kinds = ["U1"] * self._width
        for column in numbers:
            kinds[column] = "f8"
        for column in texts:
            kinds[column] = f"U{LONGEST}"
        self._table = np.dtype([(f"f{column}", kind) for column, kind in enumerate(kinds)])

    def pieces(self) -> Iterator[tuple[int, Piece]]:
        """Pieces of rows, each with the line number of its first. Raises InputError naming a line that is too long."""
        rest = ""
        while text := self._file.read(_BLOCK):
            text = rest + text
            end = text.rfind("\n") + 1
            block, rest = text[:end], text[end:]
            if not block or '"' in block:  # a quoted cell may go on in the next block
                yield from self._texts(chain(StringIO(block, newline=""), _lines(rest, self._file)))
                return
            table = self._numbers(block)
            if table is not None:
                yield self._line, table
                self._line += len(table)
            else:
                yield from self._texts(StringIO(block, newline=""))
        yield from self._texts(StringIO(rest, newline=""))

    def _numbers(self, block: str) -> Piece | None:
        if self._table is None or self._failures >= _MOST_FAILURES:
            return None
        try:
            delimiter = None if self._separator == BLANKS else self._separator
            table = np.loadtxt(StringIO(block), self._table, comments=None, delimiter=delimiter, ndmin=1)
        except ValueError:
            self._failures += 1
            return None
        names = [name for name, (kind, *_) in (self._table.fields or {}).items() if kind.kind == "f"]
        # Empty lines are passed over, and NaN and infinity are numbers here: both must be told.
        if len(table) != block.count("\n") or not all(np.isfinite(table[name]).all() for name in names):
            self._failures += 1
            return None
        self._failures = 0
        return _Table(table)

    def _texts(self, lines: Iterable[str]) -> Iterator[tuple[int, Piece]]:
        # Strict: an unclosed quote would swallow every row behind it without a word.
        reader = cells_of(self._noted(lines), self._separator, strict=True)
        before = self._line
        while True:
            line = before + reader.line_num
            try:
                rows = list(islice(reader, _ROWS_AT_ONCE))
            except csv.Error as error:
                raise InputError(
                    f"{self._path}, line {before + reader.line_num - 1}: {error}",
                    "a quote is not closed there: correct that line",
                ) from None
            self._line = before + reader.line_num
            if not rows:
                return
            if set(map(len, rows)) != {self._width}:
                rows = [row for i, row in enumerate(rows) if self._fit(row, line + i)]
            if self._cut_off and rows:
                self._check_end(rows)
            if self._separator == BLANKS and self.counts[_SHORT]:
                raise InputError(
                    f"{self._path}, line {self._first_short}: fewer cells than the {self._width} names",
                    "between blanks an empty cell cannot be seen: export it with ; or tab between the cells",
                )
            if rows:
                yield line, _Texts(rows)

    def _noted(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            if not line.endswith(("\n", "\r")):
                self._cut_off = line
            yield line

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
            self.counts[_SHORT] += 1
            self._first_short = self._first_short or line
            row += [""] * (self._width - cells)
        return True

    def _check_end(self, rows: list[list[str]]) -> None:
        """Drop a last row that was cut off while it was written: its last number may lack digits."""
        cells = len(next(iter(cells_of([self._cut_off], self._separator)), []))
        if cells < self._width and '"' not in self._cut_off:
            rows.pop()
            self.counts[_SHORT] -= 1
            self.counts["rows dropped: the last one is cut off"] += 1


def _lines(rest: str, file: TextIO) -> Iterator[str]:
    """The lines of a file of which the first characters are `rest`."""
    yield from StringIO(rest + file.readline(), newline="")
    yield from file
