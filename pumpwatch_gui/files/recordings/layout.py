"""The layout of a recording, found in its first lines: separator, title lines, header, a row of units."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.recording_format import BLANKS, SEPARATORS, FormatChoices
from pumpwatch_gui.files.recordings.cells.numbers import NO_VALUE, plain_number
from pumpwatch_gui.files.recordings.cells.stamps import read_shape, shapes_of
from pumpwatch_gui.files.recordings.cells.units import split_unit, unit_notes, unit_of
from pumpwatch_gui.files.recordings.columns import ColumnFinder, Layout
from pumpwatch_gui.files.recordings.rows import cells_of

HEADER_WITHIN = 200
SENSOR_AND_TIME = 3
"""What the least header is worth (`ColumnFinder.worth`)."""
_SEP_LINE = re.compile(r'^\W?"?sep=(.)"?\s*$', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Head:
    """The first lines of a recording, understood. `data_line` counts from 1 and is that of the first sample."""

    separator: str
    header_line: int
    data_line: int
    width: int
    layout: Layout


def read_head(lines: Sequence[str], profile: PumpProfile, choices: FormatChoices, *, path: str) -> Head:
    """Find the separator and the header among the first lines of a file. Raises InputError naming what is not there."""
    finder = ColumnFinder(profile, choices)
    marked = next((match[1] for line in lines[:3] if (match := _SEP_LINE.match(line))), "")
    candidates = [choices.separator or marked] if choices.separator or marked else list(SEPARATORS.values())
    only = [choices.header_line - 1] if choices.header_line else range(min(len(lines), HEADER_WITHIN))
    best, separator, at = 0, candidates[0], -1
    for candidate in candidates:
        if candidate == BLANKS and best >= SENSOR_AND_TIME:  # a title, which is of words, may look like a header
            continue
        for i in only:
            cells = _cells(lines[i], candidate) if i < len(lines) else []
            if len(cells) > 1 and (worth := finder.worth(cells)) > best:
                best, separator, at = worth, candidate, i
    if at < 0:
        at = only[0] if choices.header_line else next((i for i, line in enumerate(lines) if line.strip()), 0)
        if not choices.separator and not marked:
            separator = max((c for c in candidates if c != BLANKS), key=lines[at].count)
    where = f"{path}, line {at + 1}"
    header = _cells(lines[at], separator)
    if best == 0 and len(header) < 2:
        raise InputError(
            f"{where}: no header with the names of sensors is found",
            "separate the cells by comma, semicolon, tab, | or blanks, or say how: --separator, --header-line",
        )
    while header and not header[-1].strip():
        header.pop()
    data: list[Sequence[str]] = [_cells(line, separator) for line in lines[at + 1 : at + 12]]
    if separator == BLANKS and not choices.time_columns:
        header = _with_clock(header, data, finder)
    layout = finder.layout(header, where=where, times=_date_columns(data, header, finder))
    if separator == BLANKS:
        data = [_at_sensors(row, len(header), layout) for row in data]
    units = [split_unit(name)[1] for name in header]
    below = next((i for i, row in enumerate(data) if any(cell.strip() for cell in row)), len(data))
    data_at = at + 1
    if below < len(data) and _are_units(data[below], layout):
        units = [cell.strip() or unit for cell, unit in zip(_padded(data[below], len(header)), units, strict=True)]
        data_at = at + 2 + below
    notes = _check_units(units, layout, profile, where)
    layout = replace(layout, notes=(*layout.notes, *notes))
    return Head(separator, at + 1, data_at + 1, len(header), layout)


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(iter(cells_of([line], separator)), [])
    except csv.Error:
        return []


def _padded(row: Sequence[str], width: int) -> list[str]:
    return [*row, *[""] * (width - len(row))][:width]


def _with_clock(header: list[str], rows: Sequence[Sequence[str]], finder: ColumnFinder) -> list[str]:
    """The header with two names for the time where a blank parts date and time of day, which have one name."""
    row = next((row for row in rows if len(row) == len(header) + 1), [])
    for i, name in enumerate(header if row else ()):
        if finder.sensor(name) < 0 and all(map(read_shape, shapes_of([f"{row[i]} {row[i + 1]}"])[1])):
            return [*header[:i], "date", "time", *header[i + 1 :]]
    return header


def _at_sensors(row: Sequence[str], width: int, layout: Layout) -> Sequence[str]:
    """A row of a unit for each sensor and nothing else, with each in its column; other rows as they are."""
    columns = sorted(column for _, column in layout.sensors)
    if len(row) != len(columns):
        return row
    cells = dict(zip(columns, row, strict=True))
    return [cells.get(column, "") for column in range(width)]


def _date_columns(rows: Sequence[Sequence[str]], header: Sequence[str], finder: ColumnFinder) -> list[int]:
    """The columns, of no sensor, that hold nothing but dates."""
    found = []
    for column, name in enumerate(header):
        cells = [row[column] for row in rows if len(row) > column and row[column].strip()]
        if finder.sensor(name) < 0 and cells and all(map(read_shape, shapes_of(cells)[1])):
            found.append(column)
    return found


def _are_units(row: Sequence[str], layout: Layout) -> bool:
    """Whether a row holds units: no number and no time in it, and at least one unit that is known."""
    cells = [row[column].strip() for column in layout.used if column < len(row)]
    time = [row[column] for column in layout.time if column < len(row)]
    if any(read_shape(text) for text in shapes_of([" ".join(time)])[1]):
        return False
    named = [cell for cell in cells if cell and cell.lower() not in NO_VALUE]
    numbers = [cell for cell in named if plain_number(cell) == plain_number(cell)]
    return not numbers and any(unit_of(cell) for cell in named)


def _check_units(units: Sequence[str], layout: Layout, profile: PumpProfile, where: str) -> list[str]:
    """What to tell about units; raises InputError where a column has another unit than its sensor."""
    notes = []
    for sensor, column in layout.sensors:
        notes += unit_notes(units[column], profile.sensors[sensor], f"{where}: {layout.names[column].strip()}")
    return notes
