"""An export as CSV: UTF-8, a comma between cells, a point as decimal mark, times with their offset from UTC."""

import time
from collections.abc import Iterable, Sequence
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.commissioning.export.tables import Block, ExportTable, Kind
from pumpwatch_gui.domain.wording import spreadsheet_text

QUARTER_MS = 900_000
"""No zone changes its offset within a quarter of an hour."""


def write_csv(file: BinaryIO, table: ExportTable, blocks: Iterable[Block]) -> None:
    """Write one table. Every number is written as it is stored; a BAD value is an empty cell. Raises OSError."""
    kinds = [column.kind for column in table.columns]
    file.write((",".join(_quoted(column.title) for column in table.columns) + "\r\n").encode())
    for block in blocks:
        cells = [_CELLS[kind](values) for kind, values in zip(kinds, block, strict=True)]
        file.write(("\r\n".join(map(",".join, zip(*cells, strict=True))) + "\r\n").encode())


def utc_offsets_ms(stamps: NDArray[np.int64]) -> NDArray[np.int64]:
    """Local time minus UTC at each of these times (m,), in milliseconds."""
    quarters, place = np.unique(stamps // QUARTER_MS, return_inverse=True)
    offsets = [time.localtime(quarter * QUARTER_MS / 1e3).tm_gmtoff * 1000 for quarter in quarters.tolist()]
    return np.array(offsets, dtype=np.int64)[place]


def local_times(time_ms: Sequence[object]) -> list[str]:
    """Local times in ISO 8601 with offset, to the millisecond: `2026-10-25T02:30:00.000+01:00`."""
    stamps = np.asarray(time_ms, dtype=np.int64)
    offsets = utc_offsets_ms(stamps)
    words = {offset: _offset_text(offset // 60_000) for offset in np.unique(offsets).tolist()}
    texts = np.datetime_as_string((stamps + offsets).astype("datetime64[ms]"))
    return [text + words[offset] for text, offset in zip(texts.tolist(), offsets.tolist(), strict=True)]


def _offset_text(minutes: int) -> str:
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _numbers(values: Sequence[object]) -> list[str]:
    return [repr(value) if value == value else "" for value in values]


def _wholes(values: Sequence[object]) -> list[str]:
    return ["" if value is None else str(value) for value in values]


def _booleans(values: Sequence[object]) -> list[str]:
    return ["true" if value else "false" for value in values]


def _texts(values: Sequence[object]) -> list[str]:
    known: dict[object, str] = {}
    return [known[v] if v in known else known.setdefault(v, _quoted(str(v))) for v in values]


def _quoted(text: str) -> str:
    """A text that no spreadsheet takes for a formula, in quotes where CSV needs them."""
    safe = spreadsheet_text(text)
    return '"' + safe.replace('"', '""') + '"' if any(mark in safe for mark in ',"\r\n') else safe


_CELLS = {
    Kind.TIME: local_times,
    Kind.NUMBER: _numbers,
    Kind.WHOLE: _wholes,
    Kind.BOOLEAN: _booleans,
    Kind.TEXT: _texts,
}
