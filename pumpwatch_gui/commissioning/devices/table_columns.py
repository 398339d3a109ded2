"""A pasted table cut into cells, and what each of its columns is. Pure."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pumpwatch_gui.commissioning.devices.table_words import (
    looks_hex,
    register_number,
    scale_words,
    type_words,
    unit_words,
)

ROLES = ("number", "name", "type", "scale", "unit", "order", "registers", "table", "offset", "decimals")

_HEADS = {
    "number": "address addr register reg no number nr # adresse adr modbus registers# regno pdu offsetaddress adres",
    "name": "name description parameter signal variable measurement item value quantity designation text tag point"
    " data bezeichnung parametername meaning comment",
    "type": "type format datatype dataformat coding encoding typ representation",
    "scale": "scale factor multiplier resolution gain scaling scalefactor mult multiply coefficient faktor lsb step"
    " divisor divider div accuracy",
    "unit": "unit units einheit uom eu dimension",
    "order": "order byteorder wordorder endian endianness",
    "registers": "words length size count registers quantity len wordcount numberofregisters registercount",
    "table": "table function fc functioncode registertype area object space",
    "offset": "offset bias", "decimals": "decimals decimal dec decimalplaces point decimalpoint digits",
}  # fmt: skip
_ROLE_OF = {word: role for role, words in reversed(_HEADS.items()) for word in words.split()}
_DIVIDES = ("div", "divisor", "divider", "divideby")
_TABLE_WORDS = {
    "holding": ("holding", "holdingregister", "hr", "fc03", "fc3", "03", "3", "0x03", "4x", "rw", "03h"),
    "input": ("input", "inputregister", "ir", "fc04", "fc4", "04", "4", "0x04", "3x", "04h"),
    "coil": ("coil", "coils", "fc01", "fc1", "01", "1", "0x01", "0x", "01h"),
    "discrete": ("discrete", "discreteinput", "fc02", "fc2", "02", "2", "0x02", "1x", "02h"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cells:
    """One line of what was pasted: its number (from 1), its text, its cells."""

    line: int
    text: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what (role → index), where the header is (None: there is none), and what is not used."""

    roles: Mapping[str, int]
    header: Cells | None = None
    unused: tuple[int, ...] = ()
    divides: bool = False
    bare_hex: bool = False
    head_words: str = field(default="")

    def cell(self, row: Cells, role: str) -> str:
        """The cell of a row, "" where it has none."""
        at = self.roles.get(role, -1)
        return row.cells[at].strip() if 0 <= at < len(row.cells) else ""


def cut(text: str) -> tuple[list[Cells], str]:
    """The lines that are not empty, cut at the separator that fits them best, and that separator in words."""
    lines = [(n, line.strip("\r")) for n, line in enumerate(text.lstrip("﻿").splitlines(), 1) if line.strip()]
    lines = [(n, line) for n, line in lines if not re.fullmatch(r"[\s|:+=_-]+", line)]  # the rule of a drawn table
    best: tuple[int, int, str, list[Cells]] = (0, 0, "none", [])
    for rank, (words, splitter) in enumerate(_SPLITTERS.items()):
        rows = [Cells(n, line, tuple(c.strip() for c in splitter(line))) for n, line in lines]
        wide = [len(row.cells) for row in rows if len(row.cells) > 1]
        # Cells in lines of the usual width; a text with two commas in it is no table of three columns.
        usual = max(set(wide), key=wide.count, default=0)
        fitting = sum(1 for width in wide if width == usual) if usual > 1 else 0
        if fitting and (fitting * 2 > best[0] * 2 or (fitting == best[0] and rank < best[1])):
            best = fitting, rank, words, rows
    if best[3]:
        return best[3], best[2]
    return [Cells(n, line, (line.strip(),)) for n, line in lines], "none"


def _commas(line: str) -> list[str]:
    return next(csv.reader([line], skipinitialspace=True), [])


def _semicolons(line: str) -> list[str]:
    return next(csv.reader([line], delimiter=";", skipinitialspace=True), [])


def _words(line: str) -> list[str]:
    """One blank between the cells: what each word is decides; the rest is the name."""
    words = line.split()
    numbers = [w for w in words if register_number(w) is not None]
    # Of several numbers the one in front is the register, else the largest: a scale such as 10 is small.
    largest = max(numbers, key=lambda w: n.number if (n := register_number(w)) else -1, default="")
    number = words[0] if words[:1] == numbers[:1] else largest
    rest = [w for w in words if w is not number]
    kind = next((w for w in rest if type_words(w) is not None), "")
    scale = next((w for w in rest if w is not kind and re.search(r"\d", w) and scale_words(w) is not None), "")
    unit = next((w for w in reversed(rest) if w not in (kind, scale) and unit_words(w)), "")
    name = " ".join(w for w in rest if w not in (kind, scale, unit))
    return [number, name, kind, scale, unit] if number else [line.strip()]


_SPLITTERS = {
    "tabs": lambda line: line.split("\t"),
    "semicolons": _semicolons,
    "bars": lambda line: line.strip().strip("|").split("|") if "|" in line else [line],
    "several blanks": lambda line: re.split(r"\s{2,}", line.strip()),
    "commas": _commas,
    "single blanks": _words,
}


def find_columns(rows: Sequence[Cells]) -> Columns:
    """What the columns are: by the header where there is one, the rest by what the cells hold."""
    at, roles = _header(rows)
    body = [row for i, row in enumerate(rows) if at is None or i > at]
    header = rows[at] if at is not None else None
    count = max((len(row.cells) for row in body), default=0)
    columns = {i: [row.cells[i].strip() for row in body if i < len(row.cells)] for i in range(count)}
    bare_hex = False
    if "number" not in roles:
        free = {i: cells for i, cells in columns.items() if i not in roles.values()}
        number = _best(free, lambda c: register_number(c, bare_hex=looks_hex(c)) is not None, distinct=True)
        if number is not None:
            roles["number"] = number
    if "number" in roles:
        cells = columns.get(roles["number"], [])
        bare_hex = any(looks_hex(c) for c in cells) and not any(c.lower().startswith("0x") for c in cells)
    tests = {
        "type": lambda c: type_words(c) is not None,
        "unit": lambda c: bool(unit_words(c)),
        "table": lambda c: bool(table_word(c)) and not c.isdigit(),
        "scale": lambda c: bool(c) and scale_words(c) is not None and not unit_words(c),
    }
    for role, test in tests.items():
        if role in roles:
            continue
        free = {i: cells for i, cells in columns.items() if i not in roles.values()}
        found = _best(free, test)
        if found is not None:
            roles[role] = found
    if "name" not in roles:
        free = {i: cells for i, cells in columns.items() if i not in roles.values()}
        named = {i: sum(len(c) for c in cells if re.search(r"[^\W\d]", c)) for i, cells in free.items()}
        if named and max(named.values()) > 0:
            roles["name"] = max(named, key=lambda i: named[i])
    unused = tuple(i for i, cells in columns.items() if i not in roles.values() and any(cells))
    scale_head = header.cells[roles["scale"]] if header and "scale" in roles and at is not None else ""
    divides = re.sub(r"[^a-z]", "", scale_head.lower()).startswith(_DIVIDES)
    words = header.cells[roles["number"]] if header and roles.get("number", 99) < len(header.cells) else ""
    return Columns(roles, header, unused, divides, bare_hex, words)


def table_word(text: str) -> str:
    """The table that a cell names (`holding`, `FC04`, `3x`), "" where it names none."""
    plain = re.sub(r"[\s_()-]", "", text.lower()).removesuffix("s")
    plain = plain.removeprefix("read").removesuffix("register") or plain
    return next((table for table, words in _TABLE_WORDS.items() if plain in words), "")


def _best(columns: Mapping[int, Sequence[str]], test: object, *, distinct: bool = False) -> int | None:
    """The column in which most cells pass, more than half of those that are filled."""
    assert callable(test)
    scores: dict[int, tuple[float, ...]] = {}
    for i, cells in columns.items():
        filled = [c for c in cells if c]
        good = [c for c in filled if test(c)]
        if filled and len(good) * 2 > len(filled):
            # Numbers of registers differ from row to row and are large; scales, counts and line numbers are not.
            size = sum(n.number for c in good if (n := register_number(c))) / len(good) if distinct else 0.0
            is_scale = all(re.fullmatch("10*", c) for c in good)
            scores[i] = (len(set(good)) if distinct else len(good), not is_scale, size, -i)
    return max(scores, key=lambda i: scores[i]) if scores else None


def _header(rows: Sequence[Cells]) -> tuple[int | None, dict[str, int]]:
    """The line that names the columns, among the first ten: at least two words of a header and no number."""
    for at, row in enumerate(rows[:10]):
        roles: dict[str, int] = {}
        for i, cell in enumerate(row.cells):
            role = _role_of(cell)
            # "No." counts the lines where another column is called register or address.
            is_better = role == "number" and role in roles and _is_weak(row.cells[roles[role]]) and not _is_weak(cell)
            if role and (role not in roles or is_better):
                roles[role] = i
        if len(roles) >= 2 and not any(re.fullmatch(r"\d{2,}", c) for c in row.cells):
            return at, roles
    return None, {}


def _is_weak(cell: str) -> bool:
    return re.sub(r"[^a-z#]", "", cell.lower()) in ("no", "nr", "number", "#")


def _role_of(cell: str) -> str:
    plain = cell.lower()
    bare = re.sub(r"[^a-z#]", "", re.sub(r"\(.*?\)|\[.*?\]", "", plain))
    if bare in _ROLE_OF:
        return _ROLE_OF[bare]
    words = re.findall(r"[a-z#]+", plain)
    found = [_ROLE_OF[w] for w in words if w in _ROLE_OF]
    if "type" in found and "name" in found:  # "data type"
        return "type"
    return found[0] if found else ""
