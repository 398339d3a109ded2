"""Register maps: which register holds which tag, and how it is coded. Every mistake in a file is named."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from math import isfinite
from pathlib import Path
from typing import Any

from pumpwatch_gui.domain.errors import InputError, Problem
from pumpwatch_gui.domain.places import find_shipped

TABLES = {"coil": (1, 1), "discrete": (2, 10001), "input": (4, 30001), "holding": (3, 40001)}
"""Table → (read function, first number in the 40001 notation)."""

TYPES = {
    "bool": 1, "bit": 1, "uint16": 1, "int16": 1, "uint32": 2, "int32": 2, "uint64": 4, "int64": 4,
    "float32": 2, "float64": 4, "bcd16": 1, "bcd32": 2,
}  # fmt: skip
"""Type → registers it takes (one bit in a bit table)."""

ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")


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
    not_available: tuple[float, ...] = ()
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
        """The address as manuals write it (`40101`), for messages."""
        return str(TABLES[self.table][1] + self.address)


@dataclass(frozen=True, slots=True)
class RegisterMap:
    """The points of one kind of device."""

    name: str
    points: tuple[Point, ...]
    base: int = 0


def parse_register_map(document: object, *, tags: Sequence[str]) -> tuple[RegisterMap | None, list[Problem]]:
    """The map of a parsed TOML document and every mistake in it; the map is None when there is any.

    Points for tags outside `tags` are left out without complaint: one map may serve several profiles.
    """
    problems: list[Problem] = []
    if not isinstance(document, Mapping):
        return None, [Problem("the file", "must be a table")]
    _unknown(document, ("name", "base", "point", "label"), "", problems)
    name, base = document.get("name"), document.get("base", 0)
    if not isinstance(name, str) or not name:
        problems.append(Problem("name", "must be a text"))
    if isinstance(base, bool) or base not in (0, 1, 40001):
        problems.append(Problem("base", f"must be 0, 1 or 40001, not {base!r}"))
        base = 0
    rows = document.get("point")
    if not isinstance(rows, list) or not rows:
        problems.append(Problem("point", "is missing", "add at least one [[point]]"))
        rows = []
    points = [p for i, row in enumerate(rows) if (p := _read_point(row, f"point[{i}]", int(base), problems))]
    problems += _clashes(points)
    if problems:
        return None, problems
    kept = tuple(p for p in points if p.tag in tags)
    if not kept:
        return None, [Problem("point", "binds none of the profile's tags", f"the profile has: {', '.join(tags)}")]
    return RegisterMap(str(name), kept, int(base)), []


def load_register_map(name: str, *, tags: Sequence[str], beside: Path | None = None) -> RegisterMap:
    """The shipped map of that name, or the one in the file that `name` is the path of.

    Raises InputError listing every mistake in the file.
    """
    try:
        path = find_shipped("resources/registers", name, suffix=".toml", beside=beside)
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"register map {error}", "name a shipped map or give a path") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"register map {name}: {error}", "mend the file") from error
    found, problems = parse_register_map(document, tags=tags)
    if found is None:
        raise InputError(f"register map {path.name}: " + "; ".join(map(str, problems)), "mend the file")
    return found


_POINT_KEYS = tuple(f.name for f in fields(Point))


def _unknown(table: Mapping[str, Any], known: Sequence[str], path: str, problems: list[Problem]) -> None:
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            advice = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}"
            problems.append(Problem(f"{path}.{key}".lstrip("."), "is not known", advice))


def _read_point(row: object, path: str, base: int, problems: list[Problem]) -> Point | None:
    if not isinstance(row, Mapping):
        problems.append(Problem(path, "must be a table"))
        return None
    before = len(problems)
    _unknown(row, _POINT_KEYS, path, problems)
    given = {"table": "holding", "order": "ABCD", "scale": 1.0, "offset": 0.0, "not_available": [], "bit": 0, **row}
    problems += [Problem(f"{path}.{key}", text) for key, text in _mistakes(given)]
    if len(problems) > before:
        return None
    size = TYPES[given["type"]]
    wire = given["address"] - (TABLES[given["table"]][1] if base == 40001 else base)
    if not 0 <= wire <= 65536 - size:
        text = f"{given['address']} in base {base} is wire address {wire}, outside 0 to {65536 - size}"
        problems.append(Problem(f"{path}.address", text))
        return None
    missing = tuple(float(x) for x in given["not_available"])
    numbers = {"scale": float(given["scale"]), "offset": float(given["offset"])}
    return Point(**{**given, **numbers, "address": wire, "not_available": missing})


def _mistakes(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not isinstance(given.get("tag"), str) or not given["tag"]:
        yield "tag", "must be a text"
    for key, allowed in (("table", TABLES), ("type", TYPES), ("order", ORDERS)):
        if given.get(key) not in allowed:
            yield key, f"must be one of {', '.join(allowed)}, not {given.get(key)!r}"
    if given["table"] in ("coil", "discrete") and given.get("type") != "bool":
        yield "type", f"must be bool in the table {given['table']}, not {given.get('type')!r}"
    for key in ("scale", "offset"):
        if not _is_number(given[key]) or (key == "scale" and given[key] == 0):
            yield key, f"must be a finite number{' other than 0' * (key == 'scale')}, not {given[key]!r}"
    if not isinstance(given["not_available"], list) or not all(map(_is_number, given["not_available"])):
        yield "not_available", "must be a list of numbers"
    for key, top in (("bit", 15), ("address", 465535)):
        if isinstance(given.get(key), bool) or not isinstance(given.get(key), int) or not 0 <= given[key] <= top:
            yield key, f"must be a whole number from 0 to {top}, not {given.get(key)!r}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _clashes(points: Sequence[Point]) -> Iterator[Problem]:
    seen: dict[str, Point] = {}
    for p in points:
        if p.tag in seen:
            yield Problem("point", f"{p.tag} is bound twice")
        seen[p.tag] = p
    ordered = sorted(points, key=lambda p: (p.function, p.address))
    for i, a in enumerate(ordered):
        for b in ordered[i + 1 :]:
            if b.function != a.function or b.address >= a.address + a.size:
                break
            if a.type == b.type == "bit" and a.bit != b.bit:
                continue
            yield Problem("point", f"{a.tag} and {b.tag} overlap at {b.documented} (wire address {b.address})")
