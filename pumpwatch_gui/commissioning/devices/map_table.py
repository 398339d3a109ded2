"""A register map made of the rows of a manual: pasted text → points, with every guess and every problem in words. Pure.

Nothing is dropped in silence: each line that was pasted is a row, the header, or named with what is wrong with it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pumpwatch_gui.commissioning.devices.table_columns import Cells, Columns, cut, find_columns, table_word
from pumpwatch_gui.commissioning.devices.table_words import (
    UNITS,
    RegisterNumber,
    register_number,
    scale_words,
    type_words,
    unit_words,
)
from pumpwatch_gui.commissioning.devices.tag_names import propose_tags
from pumpwatch_gui.domain.links.codings import TEXT
from pumpwatch_gui.domain.links.register_map import TABLES, Point, RegisterMap, wire_address
from pumpwatch_gui.domain.pump.profile import Sensor
from pumpwatch_gui.domain.wording import unit_text

BASE_WORDS = {0: "counted from 0, as on the wire", 1: "counted from 1", 40001: "as 40001 (30001, 10001, 1)"}


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user has settled; None and "" leave it to the guess.

    `edits` holds keys of a point by line (`tag`, `type`, `order`, `scale`, `offset`, `use`).
    """

    base: int | None = None
    table: str = ""
    order: str = ""
    divides: bool | None = None
    edits: Mapping[int, Mapping[str, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableRow:
    """One line: the point that it makes (None: none), what was assumed, and what is wrong ("": nothing)."""

    line: int
    text: str
    name: str
    unit: str
    point: Point | None
    unit_said: str = ""
    notes: tuple[str, ...] = ()
    problem: str = ""
    is_used: bool = True

    @property
    def state(self) -> str:
        """On one line."""
        if self.problem:
            return f"✕ {self.problem}"
        words = "; ".join(self.notes)
        return words if self.is_used else "– left out" + f"; {words}" * bool(words)


@dataclass(frozen=True, slots=True)
class MapTable:
    """What was understood: the rows, the notation of the numbers and why, and what was done with the rest."""

    rows: tuple[TableRow, ...] = ()
    base: int = 0
    reason: str = ""
    table: str = "holding"
    divides: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def points(self) -> tuple[Point, ...]:
        """The points of the rows that are used and understood."""
        return tuple(row.point for row in self.rows if row.point and row.is_used and not row.problem)

    @property
    def summary(self) -> str:
        """How many rows became points, and what became of the others."""
        wrong = sum(bool(row.problem) for row in self.rows)
        out = sum(not row.is_used and not row.problem for row in self.rows)
        text = f"{len(self.points)} of {len(self.rows)} rows are points"
        return text + (f", {wrong} with a problem" if wrong else "") + (f", {out} left out" if out else "")

    def as_map(self, name: str, *, label: str = "", source: str = "", profile: str = "") -> RegisterMap:
        """The map of the points, not confirmed by anybody yet."""
        return RegisterMap(
            name, self.points, self.base, label, profile, source=source or "a table of a manual", sureness="C"
        )


def read_table(text: str, sensors: Sequence[Sensor] = (), choices: Choices = Choices()) -> MapTable:
    """Understand a pasted table; `sensors` are those of the profile whose tags are proposed."""
    cells, separator = cut(text)
    columns = find_columns(cells)
    header = columns.header
    above = [row for row in cells if header is not None and row.line < header.line]
    body = [row for row in cells if header is None or row.line > header.line]
    if not body:
        return MapTable(remarks=("nothing to read: paste the rows of the manual's table",))
    numbers = [register_number(columns.cell(row, "number"), bare_hex=columns.bare_hex) for row in body]
    found = [n for n in numbers if n is not None]
    base, reason = _guess_base(found, columns)
    if choices.base is not None and choices.base != base:
        base, reason = choices.base, f"chosen; the guess was: {BASE_WORDS[base]}, because {reason}"
    table = choices.table or "holding"
    divides, scale_remark = _divides(body, columns, choices)
    reader = _RowReader(columns, base, table, choices, divides)
    rows = [reader.row(row, number) for row, number in zip(body, numbers, strict=True)]
    rows = _named(rows, sensors, choices)
    remarks = [f"cut at {separator}", *_column_remarks(columns, body), *scale_remark]
    remarks += [f"line {row.line} is above the header: {row.text.strip()}" for row in above]
    return MapTable(tuple(_checked(rows)), base, reason, table, divides, tuple(remarks))


# ---------------------------------------------------------------- the notation of the numbers


def _guess_base(numbers: Sequence[RegisterNumber], columns: Columns) -> tuple[int, str]:
    """The base of the numbers, and why."""
    plain = [n for n in numbers if not n.is_hex and not n.prefix]
    if any(n.prefix == "wire" for n in numbers):
        return 0, "MW and IW count from 0"
    if any(n.prefix for n in numbers) and not plain:
        return 1, "the letters name the table, and such numbers count from 1"
    if any(n.is_hex for n in numbers):
        return 0, "hexadecimal numbers are those on the wire"
    head = columns.head_words.lower()
    if re.search(r"\b(0|zero)[ -]?based|\bpdu\b|\boffset\b|\bwire\b", head):
        return 0, f"the header says so: {columns.head_words}"
    if re.search(r"\b(1|one)[ -]?based", head):
        return 1, f"the header says so: {columns.head_words}"
    if plain and all(_is_documented(n) for n in plain):
        first, last = min(n.number for n in plain), max(n.number for n in plain)
        return 40001, f"every number from {first} to {last} begins with the digit of a table"
    if any(n.number == 0 for n in plain):
        return 0, "the number 0 occurs"
    if plain and min(n.number for n in plain) == 1:
        return 1, "the first number is 1, and 0 does not occur"
    if re.search(r"register", head) and not re.search(r"addr", head):
        return 1, f"numbers of registers usually count from 1 ({columns.head_words})"
    return (
        0,
        "nothing says where the numbers begin: compare the values, and try from 1 where they are those of a neighbour",
    )


def _is_documented(n: RegisterNumber) -> bool:
    """Whether a number can be one of the 40001 notation; coils (1 to 9999 in five digits) need their leading zero."""
    if n.digits == 5:
        return n.number // 10_000 in (0, 1, 3, 4) and n.number % 10_000 != 0
    return n.digits == 6 and n.number // 100_000 in (0, 1, 3, 4) and 1 <= n.number % 100_000 <= 65_536


def _table_of(number: RegisterNumber, base: int) -> str:
    """The table that a number names by itself, "" where it does not."""
    if number.prefix in TABLES:
        return number.prefix
    if base == 40001 and _is_documented(number):
        first = number.number // (10_000 if number.digits == 5 else 100_000)
        return next(table for table, (_, digit) in TABLES.items() if digit == first)
    return ""


# ---------------------------------------------------------------- the rows


@dataclass(frozen=True, slots=True)
class _RowReader:
    columns: Columns
    base: int
    table: str
    choices: Choices
    divides: bool

    def row(self, cells: Cells, number: RegisterNumber | None) -> TableRow:
        """What a line means."""
        columns, edits = self.columns, self.choices.edits.get(cells.line, {})
        name = columns.cell(cells, "name")
        unit = unit_words(columns.cell(cells, "unit"))
        unit_cell = columns.cell(cells, "unit")
        empty = TableRow(cells.line, cells.text, name, unit, None, is_used=bool(edits.get("use", True)))
        if number is None:
            said = columns.cell(cells, "number")
            what = f"{said!r} is no number of a register" if said else "no number of a register: a heading?"
            return replace(empty, problem=what)
        notes: list[str] = []
        kind, order, bit, trouble = self._type(cells, number, edits, notes)
        if trouble:
            return replace(empty, problem=trouble)
        scale, scale_unit, trouble = self._scale(cells, edits)
        if trouble:
            return replace(empty, problem=trouble)
        unit, unit_cell = unit or scale_unit, unit_cell or scale_unit
        if unit_cell and not unit and not re.fullmatch(r"[-–—]*", unit_cell):
            notes.append(f"the unit {unit_cell} is not known: the value stays as it is")
        table = self._table(cells, number)
        if table in ("coil", "discrete"):
            kind, order, bit = "bool", "ABCD", 0
        offset = _number_of(edits.get("offset", columns.cell(cells, "offset")))
        if offset is None:
            return replace(empty, problem=f"the offset {columns.cell(cells, 'offset')!r} is no number")
        point = Point("", table, 0, kind, order, scale, offset, bit=bit)
        # A prefix names the table by itself; its number counts from 1 in whatever notation the others are.
        base = 1 if number.prefix in TABLES else self.base
        try:
            wire = wire_address(number.number, table, base, size=point.size)
        except ValueError as error:
            return replace(empty, problem=str(error))
        return replace(empty, unit=unit, unit_said=unit_cell, point=replace(point, address=wire), notes=tuple(notes))

    def _table(self, cells: Cells, number: RegisterNumber) -> str:
        return _table_of(number, self.base) or table_word(self.columns.cell(cells, "table")) or self.table

    def _type(
        self, cells: Cells, number: RegisterNumber, edits: Mapping[str, object], notes: list[str]
    ) -> tuple[str, str, int, str]:
        """Type, order, bit, and what is wrong."""
        said, count = self.columns.cell(cells, "type"), number.registers
        length = self.columns.cell(cells, "registers")
        if length.isdigit():
            count = int(length)
        found = type_words(said, count) if said else None
        named = _order_of(self.columns.cell(cells, "order")) or (found.order if found else "")
        order = str(edits.get("order") or named or self.choices.order or "ABCD")
        if edits.get("type"):
            return str(edits["type"]), order, number.bit if number.bit >= 0 else 0, ""
        if number.bit >= 0 and (found is None or found.type in ("bool", "uint16", "bit")):
            return "bit", "ABCD", number.bit, ""
        if found is not None and found.type == TEXT:
            return "", "", 0, f"{said}: {found.note}; it is left to the identification"
        if found is not None:
            notes += [found.note] if found.note else []
            return found.type, order, max(found.bit, 0), ""
        if said:
            return "", "", 0, f"the type {said!r} is not understood" + f" for {count} registers" * (count > 1)
        if count > 1:
            return "", "", 0, f"{count} registers and no type: choose one"
        notes.append("no type is given: taken for uint16")
        return "uint16", order, 0, ""

    def _scale(self, cells: Cells, edits: Mapping[str, object]) -> tuple[float, str, str]:
        """Scale, the unit beside it, and what is wrong."""
        if isinstance(edits.get("scale"), int | float):
            return float(str(edits["scale"])), "", ""
        said = self.columns.cell(cells, "scale")
        found = scale_words(said, divides=self.divides)
        if found is None:
            return 1.0, "", f"the scale {said!r} is not understood"
        scale, unit = found
        decimals = self.columns.cell(cells, "decimals")
        if decimals.isdigit() and int(decimals) <= 9:
            scale = scale / 10 ** int(decimals)
        return scale, unit, ""


def _order_of(text: str) -> str:
    found = type_words(f"uint32 {text}") if text else None
    return found.order if found else ""


def _number_of(value: object) -> float | None:
    text = str(value).strip().replace(",", ".")
    if not text or re.fullmatch(r"[-–—]+", text):
        return 0.0
    try:
        return float(text)
    except ValueError:
        return None


def _divides(body: Sequence[Cells], columns: Columns, choices: Choices) -> tuple[bool, list[str]]:
    """Whether plain scales are divisors, and what to say about it."""
    plain = [c for row in body if re.fullmatch(r"\d+(?:[.,]\d+)?", c := columns.cell(row, "scale"))]
    whole = [c for c in plain if float(c.replace(",", ".")) > 1]
    if choices.divides is not None:
        return choices.divides, []
    if columns.divides or not whole:
        return columns.divides, ["the header says that scales are divisors"] if columns.divides else []
    if any(0 < float(c.replace(",", ".")) < 1 for c in plain):
        return False, []
    words = f"scales such as {whole[0]} are taken as factors: choose ÷ where the manual means {whole[0]} = 1 unit"
    return False, [words]


def _column_remarks(columns: Columns, body: Sequence[Cells]) -> list[str]:
    names = columns.header.cells if columns.header else ()
    found = ", ".join(f"{role} in column {at + 1}" for role, at in sorted(columns.roles.items(), key=lambda r: r[1]))
    remarks = [found] if found else []
    for at in columns.unused:
        title = names[at] if at < len(names) else next(row.cells[at] for row in body if at < len(row.cells))
        remarks.append(f"column {at + 1} is not used: {title}")
    return remarks


# ---------------------------------------------------------------- tags


def _named(rows: Sequence[TableRow], sensors: Sequence[Sensor], choices: Choices) -> list[TableRow]:
    """The rows with the tags proposed or chosen, and the values in the unit of the tag."""
    chosen = {row.line: str(choices.edits.get(row.line, {}).get("tag", "")) for row in rows}
    wanted = [(row.name, row.unit) for row in rows if row.point is not None]
    proposed = iter(propose_tags(wanted, sensors))
    by_tag = {s.tag: s for s in sensors}
    named = []
    for row in rows:
        if row.point is None:
            named.append(row)
            continue
        tag = next(proposed)
        tag = chosen[row.line] or tag
        sensor = by_tag.get(tag)
        notes, point = list(row.notes), replace(row.point, tag=tag)
        is_edited = "scale" in choices.edits.get(row.line, {})
        if row.unit and not is_edited:
            unit, factor, offset = UNITS[row.unit]
            if sensor is not None and sensor.unit in (unit, "percent" if unit == "%" else unit):
                if (factor, offset) != (1.0, 0.0):
                    notes.append(f"{row.unit_said} → {unit_text(unit)}")
                    point = replace(point, scale=point.scale * factor, offset=point.offset * factor + offset)
            elif sensor is not None:
                notes.append(f"{row.unit_said} is not the unit of {tag} ({unit_text(sensor.unit) or 'none'})")
        named.append(replace(row, point=point, notes=tuple(notes)))
    return named


def _checked(rows: Sequence[TableRow]) -> list[TableRow]:
    """The rows; a tag that is there twice, or is no tag, is a problem of the later one."""
    seen: dict[str, int] = {}
    out = []
    for row in rows:
        problem = row.problem
        if row.point is not None and row.is_used and not problem:
            tag = row.point.tag
            if not tag.isidentifier():
                problem = f"the tag {tag!r} must be letters, digits and underscores"
            elif tag in seen:
                problem = f"the tag {tag} is that of line {seen[tag]} too: give it another one"
            seen.setdefault(tag, row.line)
        out.append(replace(row, problem=problem))
    return out
