"""The rows in one page of a database file, as far as they can be read."""

import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from pumpwatch_gui.store.salvage.pages import PAGE_SIZE, DamagedFile

Value = str | bytes | int | float | None

TABLE_LEAF, INDEX_LEAF, INDEX_INTERIOR = 0x0D, 0x0A, 0x02
MAX_PAYLOAD = 4 << 20
"""No row of ours is longer: a length above it is a broken one, not a reason to read the whole file."""
_FIXED = {0: "", 1: "b", 2: "h", 3: "3s", 4: "i", 5: "6s", 6: "q", 7: "d", 8: "", 9: ""}
_CONSTANTS: dict[int, Value] = {0: None, 8: 0, 9: 1}


class Record(NamedTuple):
    """A row: its rowid (0 in a table that has none), the kinds of its values (n i f t b) and the values."""

    rowid: int
    kinds: str
    values: list[Value]


class _Shape(NamedTuple):
    kinds: str
    fields: struct.Struct
    constants: tuple[tuple[int, Value], ...]
    converted: tuple[tuple[int, str], ...]


class BrokenError(Exception):
    """These bytes are no row."""


def records(file: DamagedFile, number: int) -> Iterator[Record]:
    """Every row of page `number` that can be read; nothing when it holds none. A broken row costs only itself."""
    page = file.page(number)
    start = 100 if number == 1 else 0
    kind = page[start] if len(page) > start + 12 else 0
    if kind not in (TABLE_LEAF, INDEX_LEAF, INDEX_INTERIOR):
        return
    first = start + (12 if kind == INDEX_INTERIOR else 8)
    count = min(int.from_bytes(page[start + 3 : start + 5]), (len(page) - first) // 2)
    for pointer in struct.unpack_from(f">{count}H", page, first):
        if pointer < first + 2 * count:
            continue  # it would point into the header
        try:
            yield _record(file, page, pointer + 4 * (kind == INDEX_INTERIOR), has_rowid=kind == TABLE_LEAF)
        except (BrokenError, IndexError, struct.error, UnicodeDecodeError):
            continue


def _record(file: DamagedFile, page: bytes, at: int, *, has_rowid: bool) -> Record:
    size, at = _varint(page, at)
    rowid = 0
    if has_rowid:
        rowid, at = _varint(page, at)
    if not 1 < size <= MAX_PAYLOAD:
        raise BrokenError
    most = PAGE_SIZE - 35 if has_rowid else (PAGE_SIZE - 12) * 64 // 255 - 23
    if size <= most:
        payload = page[at : at + size]
        if len(payload) < size:
            raise BrokenError
    else:
        payload = _overflowing(file, page, at, size, most)
    header_size, body = _varint(payload, 0)
    if not body < header_size <= size:
        raise BrokenError
    shape = _shape(payload[body:header_size])
    if header_size + shape.fields.size != size:
        raise BrokenError
    values: list[Value] = list(shape.fields.unpack_from(payload, header_size))
    for index, constant in shape.constants:
        values.insert(index, constant)
    for index, kind in shape.converted:
        raw = values[index]
        assert isinstance(raw, bytes)
        values[index] = raw.decode() if kind == "t" else int.from_bytes(raw, signed=True)
    return Record(rowid, shape.kinds, values)


def _overflowing(file: DamagedFile, page: bytes, at: int, size: int, most: int) -> bytes:
    """The payload of a row that goes on in pages of its own."""
    least = (PAGE_SIZE - 12) * 32 // 255 - 23
    local = least + (size - least) % (PAGE_SIZE - 4)
    if local > most:
        local = least
    parts, left = [page[at : at + local]], size - local
    following = int.from_bytes(page[at + local : at + local + 4])
    while left > 0:
        if not 1 < following <= file.last_page:
            raise BrokenError
        content = file.page(following)
        parts.append(content[4 : 4 + left])
        left -= PAGE_SIZE - 4
        following = int.from_bytes(content[:4])
    return b"".join(parts)


@lru_cache(maxsize=4096)
def _shape(header: bytes) -> _Shape:
    kinds, fields, at, index = [], [">"], 0, 0
    constants: list[tuple[int, Value]] = []
    converted: list[tuple[int, str]] = []
    while at < len(header):
        code, at = _varint(header, at)
        if code < 0 or code in (10, 11):
            raise BrokenError
        if code >= 12:
            kinds.append("t" if code & 1 else "b")
            fields.append(f"{(code - 12) // 2}s")
            if code & 1:
                converted.append((index, "t"))
        else:
            kinds.append("n" if code == 0 else "f" if code == 7 else "i")
            fields.append(_FIXED[code])
            if code in _CONSTANTS:
                constants.append((index, _CONSTANTS[code]))
            elif code in (3, 5):
                converted.append((index, "i"))
        index += 1
    return _Shape("".join(kinds), struct.Struct("".join(fields)), tuple(constants), tuple(converted))


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = content[at]
    if value < 0x80:
        return value, at + 1
    value &= 0x7F
    for i in range(1, 8):
        byte = content[at + i]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + i + 1
    value = value << 8 | content[at + 8]
    return value - (1 << 64 if value >= 1 << 63 else 0), at + 9
