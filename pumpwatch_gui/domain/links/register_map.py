"""Register maps: which register holds which tag, and how it is coded. Every mistake in a file is named."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any

from pumpwatch_gui.domain.errors import Problem
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS

TABLES = {"coil": (1, 0), "discrete": (2, 1), "input": (4, 3), "holding": (3, 4)}
"""Table → (read function, first digit in the 40001 notation)."""

BIT_FUNCTIONS = frozenset({1, 2})
"""Read coils, read discrete inputs: their responses pack eight values a byte."""

RANGES = {
    "bool": (0, 1), "bit": (0, 1), "bcd16": (0, 9999), "bcd32": (0, 99_999_999),
    **{f"uint{n}": (0, 2**n - 1) for n in (16, 32, 64)},
    **{f"int{n}": (-(2 ** (n - 1)), 2 ** (n - 1) - 1) for n in (16, 32, 64)},
}  # fmt: skip
"""Integer type → the raw values that it can hold."""

LARGEST_FLOAT32 = 3.4028234e38
"""Beyond it `struct.pack(">f", …)` raises OverflowError."""

BASES = (0, 1, 40001)
LAST_ADDRESS = 65535
SHORT_NOTATION = 9999
"""Registers that the five digits of the 40001 notation can name. Larger devices use six (400001), for all 65,536."""

TYPES = {
    "bool": 1, "bit": 1, "uint16": 1, "int16": 1, "uint32": 2, "int32": 2, "uint64": 4, "int64": 4,
    "float32": 2, "float64": 4, "bcd16": 1, "bcd32": 2,
}  # fmt: skip
"""Type → registers it takes (one bit in a bit table)."""

ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")

Number = int | float


def documented(table: str, address: int) -> str:
    """A wire address as manuals write it: `40101`, beyond 9,999 registers `410101`."""
    digits = 4 if address < SHORT_NOTATION else 5
    return f"{TABLES[table][1]}{address + 1:0{digits}d}"


@dataclass(frozen=True, slots=True)
class Point:
    """One tag's place. `address` is the wire address (0-65535) whatever the file's notation.

    Engineering value = raw × scale + offset. `not_available` lists raw values that mean "no reading".
    `bit` picks a bit (0 = least) of a register for the type `bit`.
    """

    tag: str
    table: str
    address: int
    type: str
    order: str = "ABCD"
    scale: float = 1.0
    offset: float = 0.0
    not_available: tuple[Number, ...] = ()
    bit: int = 0

    @property
    def function(self) -> int:
        """The Modbus function code that reads it (1-4)."""
        return TABLES[self.table][0]

    @property
    def size(self) -> int:
        """Registers (or bits) it takes."""
        return TYPES[self.type]

    @property
    def documented(self) -> str:
        """The address as manuals write it (`40101`, beyond 9,999 registers `410101`), for messages."""
        return documented(self.table, self.address)


@dataclass(frozen=True, slots=True)
class RegisterMap:
    """The points of one kind of device. `base` is the notation of its file; `profile` a profile that has its tags."""

    name: str
    points: tuple[Point, ...]
    base: int = 0
    label: str = ""
    profile: str = ""


def parse_register_map(document: object, *, tags: Sequence[str]) -> tuple[RegisterMap | None, list[Problem]]:
    """The map of a parsed TOML document and every mistake in it; the map is None when there is any.

    Points for tags outside `tags` are left out without complaint, because one map may serve several profiles; but a
    tag that is nearly one of `tags` is taken for a typing mistake.
    """
    problems: list[Problem] = []
    if not isinstance(document, Mapping):
        return None, [Problem("the file", "must be a table")]
    _unknown(document, ("name", "base", "point", "label", "profile"), "", problems)
    name, base = document.get("name"), document.get("base", 0)
    if not isinstance(name, str) or not name:
        problems.append(Problem("name", "must be a text"))
    texts = {key: document.get(key, "") for key in ("label", "profile")}
    problems += [Problem(key, "must be a text") for key, text in texts.items() if not isinstance(text, str)]
    # isinstance(True, int) and True == 1: a TOML `true` would pass for base 1.
    if type(base) is not int or base not in BASES:
        problems.append(Problem("base", f"must be 0, 1 or 40001, not {base!r}"))
        base = None
    rows = document.get("point")
    if not isinstance(rows, list) or not rows:
        problems.append(Problem("point", "is missing", "add at least one [[point]]"))
        rows = []
    points = {i: p for i, row in enumerate(rows) if (p := _read_point(row, f"point[{i}]", base, problems))}
    problems += [*_clashes(points), *_misspelt(points, tags)]
    if problems:
        return None, problems
    kept = tuple(p for p in points.values() if p.tag in tags)
    if not kept:
        return None, [Problem("point", "binds none of the profile's tags", f"the profile has: {', '.join(tags)}")]
    return RegisterMap(str(name), kept, base or 0, **texts), []


_POINT_KEYS = tuple(f.name for f in fields(Point))


def _unknown(table: Mapping[str, Any], known: Sequence[str], path: str, problems: list[Problem]) -> None:
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            advice = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}"
            problems.append(Problem(f"{path}.{key or repr(key)}".lstrip("."), "is not known", advice))


def _read_point(row: object, path: str, base: int | None, problems: list[Problem]) -> Point | None:
    if not isinstance(row, Mapping):
        problems.append(Problem(path, "must be a table"))
        return None
    before = len(problems)
    _unknown(row, _POINT_KEYS, path, problems)
    given = {"table": "holding", "order": "ABCD", "scale": 1.0, "offset": 0.0, "not_available": [], **row}
    problems += [Problem(f"{path}.{key}", text) for key, text in _mistakes(given)]
    if len(problems) > before or base is None:
        return None
    try:
        wire = wire_address(given["address"], given["table"], base, size=TYPES[given["type"]])
    except ValueError as error:
        problems.append(Problem(f"{path}.address", str(error)))
        return None
    missing = tuple(_as_read(x, given["type"]) for x in given["not_available"])
    numbers = {"scale": float(given["scale"]), "offset": float(given["offset"])}
    return Point(**{**given, **numbers, "address": wire, "not_available": missing})


def wire_address(number: int, table: str, base: int, *, size: int = 1) -> int:
    """The address on the wire (0-65535) of a number in a manual's notation: base 0, 1 or 40001 (also 400001).

    Raises ValueError when `size` registers from there do not fit, or the number belongs to another table.
    """
    wire = number - base
    # The leading digit is the table and no part of the address: 40001, 30001, 10001 and 1 are all wire address 0.
    if base == 40001:
        first = TABLES[table][1]
        wire = number - first * 10_000 - 1
        if not 0 <= wire < SHORT_NOTATION:
            wire = number - first * 100_000 - 1
        if not 0 <= wire <= LAST_ADDRESS:
            raise ValueError(
                f"{number} is no number of the table {table} in the 40001 notation: "
                f"{first}0001 to {first}9999, or {first}00001 to {first}65536"
            )
    if not 0 <= wire <= LAST_ADDRESS + 1 - size:
        raise ValueError(f"{number} in base {base} is wire address {wire}, outside 0 to {LAST_ADDRESS + 1 - size}")
    return wire


def number_in(address: int, table: str, base: int) -> int:
    """The number of a wire address in a manual's notation: the inverse of `wire_address`."""
    if base != 40001:
        return address + base
    return TABLES[table][1] * (10_000 if address < SHORT_NOTATION else 100_000) + 1 + address


def _mistakes(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not isinstance(given.get("tag"), str) or not given["tag"]:
        yield "tag", "must be a text"
    for key, allowed in (("table", tuple(TABLES)), ("type", tuple(TYPES)), ("order", ORDERS)):
        if given.get(key) not in allowed:
            yield key, f"must be one of {', '.join(allowed)}, not {given.get(key)!r}"
    if given["table"] in ("coil", "discrete") and given.get("type") != "bool":
        yield "type", f"must be bool in the table {given['table']}, not {given.get('type')!r}"
    for key in ("scale", "offset"):
        if not _is_number(given[key]) or (key == "scale" and given[key] == 0):
            yield key, f"must be a finite number{' other than 0' * (key == 'scale')}, not {given[key]!r}"
    yield from _wrong_missing(given["not_available"], given.get("type"))
    if "bit" in given and given.get("type") != "bit":
        yield "bit", 'goes with type = "bit" only'
    for key, top in (("bit", 15), ("address", 465536)):
        value = given.get(key, 0 if key == "bit" and given.get("type") != "bit" else None)
        if type(value) is not int or not 0 <= value <= top:
            yield key, f"must be a whole number from 0 to {top}, not {value!r}"


def _wrong_missing(values: object, kind: object) -> Iterator[tuple[str, str]]:
    """A `not_available` that can never be read would let the device's "no reading" through as a value."""
    if not isinstance(values, list) or not all(map(_is_number, values)):
        yield "not_available", "must be a list of numbers"
        return
    for value in values:
        if kind == "float32" and abs(value) > LARGEST_FLOAT32:
            yield "not_available", f"{value} never occurs in float32"
        if isinstance(kind, str) and kind in RANGES:
            low, high = RANGES[kind]
            if not low <= value <= high or value != int(value):
                yield "not_available", f"{value} never occurs in {kind} ({low} to {high})"


def _as_read(value: Number, kind: str) -> Number:
    """A sentinel as the decoder will see it: -9999.9 in a float32 register reads as -9999.900390625."""
    if kind == "float32":
        return float(struct.unpack(">f", struct.pack(">f", value))[0])
    return value


def _is_number(value: object) -> bool:
    # TOML knows inf and nan, and tomllib gives integers of any length, which float() refuses with OverflowError.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _clashes(points: Mapping[int, Point]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for i, p in points.items():
        if p.tag in seen:
            yield Problem(f"point[{i}].tag", f"{p.tag} is bound twice, first by point[{seen[p.tag]}]")
        seen.setdefault(p.tag, i)
    inorder = sorted(points.items(), key=lambda item: (item[1].function, item[1].address))
    for at, (i, a) in enumerate(inorder):
        for k, b in inorder[at + 1 :]:
            if b.function != a.function or b.address >= a.address + a.size:
                break
            if a.type == b.type == "bit" and a.bit != b.bit:
                continue
            text = f"overlaps point[{i}]: {a.tag} and {b.tag} both use {b.documented} (wire address {b.address})"
            yield Problem(f"point[{k}].address", text)


def _misspelt(points: Mapping[int, Point], tags: Sequence[str]) -> Iterator[Problem]:
    unbound = [tag for tag in tags if tag not in {p.tag for p in points.values()}]
    for i, p in points.items():
        near = get_close_matches(p.tag, unbound, n=1, cutoff=0.85)
        if near and p.tag not in tags and p.tag not in STANDARD_TAGS:
            yield Problem(f"point[{i}].tag", f"{p.tag} is not in the profile", f"did you mean `{near[0]}`?")
