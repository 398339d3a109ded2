"""Reading a recording: one reader for scoring, training, replay, back-tests and previews."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.arrays import read_only
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.domain.values.recording_format import FormatChoices, Understanding
from pumpwatch_gui.files.recordings.cells.numbers import find_decimal
from pumpwatch_gui.files.recordings.cells.times import TimeReader
from pumpwatch_gui.files.recordings.columns import ColumnFinder
from pumpwatch_gui.files.recordings.encoding import FALLBACK, encoding_words, find_encoding
from pumpwatch_gui.files.recordings.growing import keep_rows
from pumpwatch_gui.files.recordings.layout import Head, read_head
from pumpwatch_gui.files.recordings.long_form import LongSink
from pumpwatch_gui.files.recordings.order import LEAST_STEP_S, arrange
from pumpwatch_gui.files.recordings.rows import Piece, Rows, WrongEncodingError, head_lines, joined_cells, open_text
from pumpwatch_gui.files.recordings.wide_form import WideSink

Floats = NDArray[np.float64]

AS_FOUND = FormatChoices()
MOST_CONTRADICTIONS = 0.2
"""Share of the rows with the time of another above which the times cannot be right."""


def read_recording(
    path: Path, profile: PumpProfile, choices: FormatChoices = AS_FOUND, *, most_rows: int | None = None
) -> Recording:
    """Read the samples of a profile's sensors from a text file, however it is written.

    Found, unless chosen: encoding, separator, decimal mark, title lines, header, units, one time column or a date and a
    time column, the order of day and month, the unit of numeric times; a row may hold all sensors or one value of one.
    Times without an offset are UTC unless a zone is chosen. The order of the rows does not matter. What was dropped,
    moved or not understood is in the recording's `notes`. `most_rows`, or some more, end the reading early.

    Takes memory for the numbers and little more. Raises InputError, with file, line and advice, when the file cannot
    be read, when a choice would have to be guessed, when a row has more cells than the header, when a column has
    another unit than its sensor, or when nothing is left.
    """
    encoding = find_encoding(path, choices.encoding)
    try:
        return _read(path, profile, choices, encoding, most_rows)
    except WrongEncodingError as error:
        if choices.encoding or encoding != "utf-8" or _has_utf8(path):
            raise InputError(str(error), "save it as UTF-8, or name its encoding: --encoding cp1252") from None
    try:
        return _read(path, profile, choices, FALLBACK, most_rows)
    except WrongEncodingError as error:
        raise InputError(str(error), "save it as UTF-8, or name its encoding: --encoding") from None


def _has_utf8(path: Path) -> bool:
    """Whether the first bytes hold a character that is UTF-8 and nothing else."""
    with path.open("rb") as file:
        return any(byte > 127 for byte in file.read(65_536))


def _read(path: Path, profile: PumpProfile, choices: FormatChoices, encoding: str, most_rows: int | None) -> Recording:
    with open_text(path, encoding) as file:
        head = read_head(head_lines(file), profile, choices, path=str(path))
    with open_text(path, encoding) as file:
        return _Reading(path, profile, choices, head, encoding).run(file, most_rows)


class _Reading:
    """One file being read."""

    def __init__(self, path: Path, profile: PumpProfile, choices: FormatChoices, head: Head, encoding: str) -> None:
        self._path, self._profile, self._choices, self._head, self._encoding = path, profile, choices, head, encoding
        self._layout = head.layout
        self._unreadable = 0
        self._first_unreadable = ""

    def run(self, file: TextIO, most_rows: int | None) -> Recording:
        head, path = self._head, self._path
        rows = Rows(file, path=path, separator=head.separator, data_line=head.data_line, width=head.width)
        pieces = rows.pieces()
        first = next(pieces, None)
        if first is None:
            raise InputError(
                f"{path}, line {head.data_line}: there is no sample", "a recording has samples below its header row"
            )
        line, piece = first
        decimal = self._choices.decimal or self._find_decimal(line, piece)
        layout = self._layout
        times = TimeReader(joined_cells(piece, layout.time), self._choices, path)
        if decimal == "." and not layout.is_long:
            rows.expect_numbers([column for _, column in layout.sensors], layout.time)
        make = LongSink if layout.is_long else WideSink
        sink = make(layout, self._profile, decimal, self._choices, path)
        read = 0
        for line, piece in chain([first], pieces):
            self._take(line, piece, times, sink)
            read += len(piece)
            if most_rows is not None and read >= most_rows:
                break
        return self._finish(rows, times, sink, decimal)

    def _find_decimal(self, line: int, piece: Piece) -> str:
        where = f"{self._path}, line {line} and below"
        try:  # a part of the rows settles it nearly always
            return find_decimal(self._cells_with_spans(piece, len(piece) // 500 + 1), where=where)
        except InputError:
            return find_decimal(self._cells_with_spans(piece, 1), where=where)

    def _cells_with_spans(self, piece: Piece, step: int) -> Iterator[tuple[str, tuple[float, float]]]:
        layout, sensors = self._layout, self._profile.sensors
        for sensor, column in layout.sensors:
            for cell in piece.cells(column)[::step]:
                yield cell, sensors[sensor].span
        if layout.is_long:
            finder = ColumnFinder(self._profile, self._choices)
            tags = piece.cells(layout.tag)[::step]
            known = {name: finder.sensor(name) for name in set(tags)}
            for cell, tag in zip(piece.cells(layout.value)[::step], tags, strict=True):
                if known[tag] >= 0:
                    yield cell, sensors[known[tag]].span

    def _take(self, line: int, piece: Piece, times: TimeReader, sink: "WideSink | LongSink") -> None:
        readable = times.take(joined_cells(piece, self._layout.time))
        if not readable.all():
            for i in np.flatnonzero(~readable).tolist():
                self._pass_over(piece.row(i), line + i)
        sink.take(piece, line)

    def _pass_over(self, row: list[str], line: int) -> None:
        """Count a row without a time. Raises InputError when it is a header of other columns."""
        if not any(cell.strip() for cell in row):
            return
        if self._is_other_header(row):
            raise InputError(
                f"{self._path}, line {line}: a second header with other columns", "split the file at that line"
            )
        self._unreadable += 1
        cells = " ".join(row[column].strip() for column in self._layout.time)
        self._first_unreadable = self._first_unreadable or f"line {line}: {cells[:40]!r}"

    def _is_other_header(self, row: list[str]) -> bool:
        names = [name.strip() for name in self._layout.names]
        cells = [cell.strip() for cell in row]
        return cells != names and len({c for c in cells if c} & {n for n in names if n}) > len(names) / 2

    def _finish(self, rows: Rows, times: TimeReader, sink: "WideSink | LongSink", decimal: str) -> Recording:
        time_s = times.finish()
        gone = self._unreadable
        readable = int(np.isfinite(time_s).sum())
        if gone > readable:
            many = f"{gone} of {gone + readable} rows have no" if readable else "no row has a"
            raise InputError(
                f"{self._path}: {many} readable time ({self._first_unreadable})",
                "write ISO 8601 or Unix seconds in the time column, or name another: --time-column",
            )
        self._check_steps(time_s)
        time_s, values = sink.samples(time_s)
        before = time_s.size
        ordered = arrange(time_s, values)
        if ordered.contradictions > MOST_CONTRADICTIONS * before:
            raise InputError(
                f"{self._path}: {ordered.contradictions} of {before} rows have the time of another and other values",
                "is it a 12-hour clock without AM and PM, or two recordings in one file? give each row its full time",
            )
        if ordered.rows is not None:
            values = keep_rows(values, ordered.rows)
        if not np.isfinite(values).any():
            raise InputError(
                f"{self._path}: no cell of any sensor holds a number{sink.example()}",
                "correct the cells, or set how numbers are written: --decimal",
            )
        for array in (ordered.time_s, values):
            read_only(array)
        notes = [f"{gone} rows dropped: their time is unreadable ({self._first_unreadable})"] if gone else []
        notes += [f"{count} {what}" for what, count in rows.counts.items() if count > 0]
        cut = rows.counts["rows dropped: the last one is cut off"]
        notes += ordered.notes + sink.notes() + list(self._layout.notes)
        dropped = gone + cut + before - ordered.time_s.size
        missing = tuple(self._profile.tags[i] for i in sink.missing())
        notes += [f"no column for {', '.join(missing)}"] if missing else []
        return Recording(self._path, ordered.time_s, values, missing, tuple(notes), dropped,
                         self._understanding(times, sink, decimal))  # fmt: skip

    def _check_steps(self, time_s: Floats) -> None:
        """Raise InputError when the usual step is one that no logger of a pump has."""
        steps = np.abs(np.diff(time_s[np.isfinite(time_s)]))
        steps = steps[steps > 0]
        if steps.size and float(np.median(steps)) < LEAST_STEP_S:
            raise InputError(
                f"{self._path}: the times are {float(np.median(steps)) * 1e6:.3g} µs apart",
                "set the unit of the times: --time-unit s, ms, us, ns or days; below 1 ms nothing is read",
            )

    def _understanding(self, times: TimeReader, sink: "WideSink | LongSink", decimal: str) -> Understanding:
        layout, names = self._layout, [name.strip() for name in self._layout.names]
        return Understanding(
            encoding_words(self._encoding),
            self._head.separator,
            decimal,
            self._head.header_line,
            tuple(names[column] for column in layout.time),
            times.words,
            times.zone_words,
            sink.columns(),
            tuple(name for column, name in enumerate(names) if name and column not in layout.used),
            layout.is_long,
        )
