"""A register map's document: every mistake in it is named with its path, the good one becomes a `RegisterMap`."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pumpwatch_gui.domain.errors import Problem
from pumpwatch_gui.domain.links.codings import COUNTS, FORMATS, LARGEST_FLOATS, TEXT, TYPES, Number, coding
from pumpwatch_gui.domain.links.register_map import (
    BASES,
    ORDERS,
    PARTS,
    SCALE_WORDS,
    SURENESS,
    TABLES,
    CurrentLoop,
    IdentityRead,
    Point,
    RegisterMap,
    ScaleRegister,
    wire_address,
)
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS

TEXTS = ("label", "profile", "maker", "source", "sureness", "confirmed")
HEAD_KEYS = ("name", "base", "register_bytes", *TEXTS, "models", "identity", "point")
CODING_KEYS = ("table", "address", "type", "order", "not_available", "bit", "bits", "byte", "registers")
POINT_KEYS = ("tag", *CODING_KEYS, "scale", "offset", *SCALE_WORDS, "scale_type", "current_loop")
IDENTITY_KEYS = ("name", *CODING_KEYS, "scale", "offset", "expect")
LOOP_KEYS = ("raw", "ma", "value")
_DEFAULTS: Mapping[str, Any] = {"table": "holding", "order": "ABCD", "scale": 1.0, "offset": 0.0, "not_available": []}


def parse_register_map(document: object, *, tags: Sequence[str]) -> tuple[RegisterMap | None, list[Problem]]:
    """The map of a parsed TOML document and every mistake in it; the map is None when there is any.

    Points for tags outside `tags` are left out without complaint, because one map may serve several profiles; but a
    tag that is nearly one of `tags` is taken for a typing mistake.
    """
    problems: list[Problem] = []
    if not isinstance(document, Mapping):
        return None, [Problem("the file", "must be a table")]
    head = _read_head(document, problems)
    rows = document.get("point")
    if not isinstance(rows, list) or not rows:
        problems.append(Problem("point", "is missing", "add at least one [[point]]"))
        rows = []
    points = {i: p for i, row in enumerate(rows) if (p := _read_point(row, f"point[{i}]", head, problems))}
    identity = _read_identity(document.get("identity", []), head, problems)
    problems += [*_clashes(points), *_misspelt(points, tags)]
    if problems:
        return None, problems
    kept = tuple(p for p in points.values() if p.tag in tags)
    if not kept:
        return None, [Problem("point", "binds none of the profile's tags", f"the profile has: {', '.join(tags)}")]
    return RegisterMap(points=kept, identity=identity, **head), []


def _unknown(table: Mapping[str, Any], known: Sequence[str], path: str, problems: list[Problem]) -> None:
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            advice = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}"
            problems.append(Problem(f"{path}.{key or repr(key)}".lstrip("."), "is not known", advice))


def _read_head(document: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    """What a map says about itself; `base` and `register_bytes` are None where they are wrong."""
    _unknown(document, HEAD_KEYS, "", problems)
    head: dict[str, Any] = {"name": document.get("name"), **{key: document.get(key, "") for key in TEXTS}}
    if not isinstance(head["name"], str) or not head["name"]:
        problems.append(Problem("name", "must be a text"))
    problems += [Problem(key, "must be a text") for key in TEXTS if not isinstance(head[key], str)]
    if isinstance(head["sureness"], str) and head["sureness"] not in ("", *SURENESS):
        known = ", ".join(f"{key} ({words})" for key, words in SURENESS.items())
        problems.append(Problem("sureness", f"must be one of {known}, not {head['sureness']!r}"))
    models = document.get("models", [])
    if not isinstance(models, list) or not all(isinstance(m, str) for m in models):
        problems.append(Problem("models", "must be a list of texts"))
        models = []
    head["models"] = tuple(models)
    for key, allowed, words in (("base", BASES, "0, 1 or 40001"), ("register_bytes", (2, 4), "2 or 4")):
        value = document.get(key, allowed[0])
        # isinstance(True, int) and True == 1: a TOML `true` would pass for base 1.
        if type(value) is not int or value not in allowed:
            problems.append(Problem(key, f"must be {words}, not {value!r}"))
            value = None
        head[key] = value
    return head


def _read_identity(rows: object, head: Mapping[str, Any], problems: list[Problem]) -> tuple[IdentityRead, ...]:
    if not isinstance(rows, list):
        problems.append(Problem("identity", "must be a list of [[identity]] tables"))
        return ()
    found = []
    for i, row in enumerate(rows):
        path = f"identity[{i}]"
        if not isinstance(row, Mapping):
            problems.append(Problem(path, "must be a table"))
            continue
        before = len(problems)
        _unknown(row, IDENTITY_KEYS, path, problems)
        expect = row.get("expect", [])
        if not isinstance(expect, list) or not all(isinstance(x, str) for x in expect):
            problems.append(Problem(f"{path}.expect", "must be a list of texts"))
        as_point = {"tag": row.get("name"), **{k: v for k, v in row.items() if k not in ("name", "expect", "tag")}}
        if len(problems) == before and (point := _read_point(as_point, path, head, problems, is_identity=True)):
            found.append(IdentityRead(point, tuple(expect)))
    return tuple(found)


def _read_point(
    row: object, path: str, head: Mapping[str, Any], problems: list[Problem], *, is_identity: bool = False
) -> Point | None:
    if not isinstance(row, Mapping):
        problems.append(Problem(path, "must be a table"))
        return None
    before = len(problems)
    _unknown(row, POINT_KEYS, path, problems)
    given = {**_DEFAULTS, **row}
    problems += [Problem(f"{path}.{key}", text) for key, text in _mistakes(given, is_identity=is_identity)]
    base, register_bytes = head["base"], head["register_bytes"]
    if len(problems) > before or base is None or register_bytes is None:
        return None
    if register_bytes == 4 and given["type"] in (*COUNTS, TEXT) and given["type"] not in ("bit", "bits"):
        problems.append(Problem(f"{path}.type", f"{given['type']} is not known for registers of four bytes"))
        return None
    point = _point(given, register_bytes)
    try:
        wire = wire_address(given["address"], given["table"], base, size=point.size)
        scaled_by = _scale_of(given, base)
    except ValueError as error:
        problems.append(Problem(f"{path}.address", str(error)))
        return None
    return _point(given, register_bytes, address=wire, scaled_by=scaled_by)


def _point(given: Mapping[str, Any], register_bytes: int, **more: Any) -> Point:
    plain = {key: given[key] for key in ("tag", "table", "address", "type", "order", "bit", "bits", "byte", "registers")
             if key in given}  # fmt: skip
    numbers = {key: float(given[key]) for key in ("scale", "offset")}
    missing = tuple(_as_read(x, given["type"]) for x in given["not_available"])
    loop = given.get("current_loop")
    if loop is not None:
        raw, ma, value = (tuple(loop[key]) if key in loop else (4.0, 20.0) for key in LOOP_KEYS)
        more["current_loop"] = CurrentLoop((raw[0], raw[1]), (float(ma[0]), float(ma[1])),
                                           (float(value[0]), float(value[1])))  # fmt: skip
    return Point(**{**plain, **numbers, "not_available": missing, "register_bytes": register_bytes, **more})


def _scale_of(given: Mapping[str, Any], base: int) -> ScaleRegister | None:
    """The scale register; raises ValueError when its number is no address."""
    how = next((key for key in SCALE_WORDS if key in given), None)
    if how is None:
        return None
    kind = given.get("scale_type", SCALE_WORDS[how])
    return ScaleRegister(how, wire_address(given[how], given["table"], base, size=TYPES[kind]), kind)


def _mistakes(given: Mapping[str, Any], *, is_identity: bool) -> Iterator[tuple[str, str]]:
    if not isinstance(given.get("tag"), str) or not given["tag"]:
        yield "name" if is_identity else "tag", "must be a text"
    types = (*TYPES, TEXT) if is_identity else tuple(TYPES)
    for key, allowed in (("table", tuple(TABLES)), ("type", types), ("order", ORDERS)):
        if given.get(key) not in allowed:
            yield key, f"must be one of {', '.join(allowed)}, not {given.get(key)!r}"
    if given["table"] in ("coil", "discrete") and given.get("type") != "bool":
        yield "type", f"must be bool in the table {given['table']}, not {given.get('type')!r}"
    for key in ("scale", "offset"):
        if not is_number(given[key]) or (key == "scale" and given[key] == 0):
            yield key, f"must be a finite number{' other than 0' * (key == 'scale')}, not {given[key]!r}"
    if not _is_whole(given.get("address"), 0, 465536):
        yield "address", f"must be a whole number from 0 to 465536, not {given.get('address')!r}"
    part_mistakes = [*_part_mistakes(given)]
    yield from part_mistakes
    if not part_mistakes:
        yield from _wrong_missing(given["not_available"], given)
    yield from _scale_mistakes(given)
    if "current_loop" in given:
        yield from _loop_mistakes(given)


def _part_mistakes(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """`bit`, `bits`, `byte` and `registers`: each goes with some types only."""
    kind = given.get("type")
    kind = kind if isinstance(kind, str) else ""
    fewest, most = COUNTS.get(kind, (0, 0))
    registers = given.get("registers", TYPES.get(kind))
    if "registers" in given and not most:
        yield "registers", f"goes with the types {', '.join(COUNTS)} only"
    elif most and not _is_whole(registers, fewest, most):
        yield "registers", f"must be {fewest} to {most} for {kind}, not {registers!r}"
        return
    top = 16 * registers - 1 if most else 15
    if "bit" in given and kind not in ("bit", "bits"):
        yield "bit", 'goes with type = "bit" or "bits" only'
    elif "bit" not in given and kind == "bit":
        yield "bit", f"is missing: a whole number from 0 to {top}, 0 is the least"
    elif kind in ("bit", "bits") and not _is_whole(given.get("bit", 0), 0, top):
        yield "bit", f"must be a whole number from 0 to {top}, not {given['bit']!r}"
    elif kind == "bits" and not _is_whole(given.get("bits"), 1, top + 1 - given.get("bit", 0)):
        last = top + 1 - given.get("bit", 0)
        yield "bits", f"must be how many bits there are, 1 to {last}, not {given.get('bits')!r}"
    if "bits" in given and kind != "bits":
        yield "bits", 'goes with type = "bits" only'
    if "byte" in given and kind not in ("uint8", "int8"):
        yield "byte", 'goes with type = "uint8" or "int8" only'
    elif given.get("byte", "low") not in ("low", "high"):
        yield "byte", f"must be low or high, not {given['byte']!r}"


def _scale_mistakes(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    ways = [key for key in SCALE_WORDS if key in given]
    for key in ways:
        if not _is_whole(given[key], 0, 465536):
            yield key, f"must be the number of a register, 0 to 465536, not {given[key]!r}"
        if given["table"] in ("coil", "discrete"):
            yield key, "goes with registers only"
    if len(ways) > 1:
        yield ways[1], f"cannot go with {ways[0]}: a point has one scale register"
    kind = given.get("scale_type", "uint16")
    if "scale_type" in given and not ways:
        yield "scale_type", f"goes with {', '.join(SCALE_WORDS)} only"
    elif not isinstance(kind, str) or kind not in TYPES or kind in ("bool", "bit", "bits"):
        yield "scale_type", f"must be a type of a whole register, such as int16, not {kind!r}"


def _loop_mistakes(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    loop = given["current_loop"]
    form = "must be a table such as { raw = [0, 65535], ma = [4, 20], value = [0, 10] }"
    if not isinstance(loop, Mapping):
        yield "current_loop", f"{form}, not {loop!r}"
        return
    for key in loop:
        if key not in LOOP_KEYS:
            yield f"current_loop.{key}", f"is not known: {form}"
    for key in LOOP_KEYS:
        pair = loop.get(key, [4, 20] if key == "ma" else None)
        if not isinstance(pair, list) or len(pair) != 2 or not all(map(is_number, pair)) or pair[0] == pair[1]:
            yield f"current_loop.{key}", f"must be two different numbers, not {pair!r}"
    for key in ("scale", "offset", *SCALE_WORDS):
        if key in given and given[key] != _DEFAULTS.get(key):
            yield key, "cannot go with current_loop, which scales by itself"


def _wrong_missing(values: object, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A `not_available` that can never be read would let the device's "no reading" through as a value."""
    kind = given.get("type")
    if not isinstance(values, list) or not all(map(is_number, values)):
        yield "not_available", "must be a list of numbers"
        return
    if not isinstance(kind, str) or kind not in TYPES:
        return
    parts = {key: given[key] for key in ("registers", "bit", "bits", "byte") if key in given}
    form = coding(kind, **parts)
    for value in values:
        if kind in LARGEST_FLOATS and abs(value) > LARGEST_FLOATS[kind]:
            yield "not_available", f"{value} never occurs in {kind}"
        if kind in LARGEST_FLOATS:
            continue
        low, high = (form.low, form.high) if form.low is not None and form.high is not None else (0, -1)
        top = (1 << form.bits) - 1 if kind not in ("bool", "bit", "bits") else -1
        if form.number is None:
            top = -1
        if value != int(value) or not (low <= value <= high or 0 <= value <= top):
            bounds = f"{low} to {high}" * (low <= high) + " or " * (low <= high and top > 0)
            bounds += f"0 to {top} as the pattern of the register" * (top > 0)
            yield "not_available", f"{value} never occurs in {kind} ({bounds})"


def _as_read(value: Number, kind: str) -> Number:
    """A sentinel as the decoder will see it: -9999.9 in a float32 register reads as -9999.900390625."""
    if kind in ("float16", "float32"):
        return float(struct.unpack(FORMATS[kind], struct.pack(FORMATS[kind], value))[0])
    return value


def is_number(value: object) -> bool:
    """Whether a value of a TOML document is a finite number that arithmetic can take."""
    # TOML knows inf and nan, and tomllib gives integers of any length, which float() refuses with OverflowError.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _is_whole(value: object, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def _clashes(points: Mapping[int, Point]) -> Iterator[Problem]:
    """A tag that is bound twice, and values that share only some of their registers.

    Two readings of the same registers, or a part beside the whole, are meant: a status word and its bits, a flow in two
    units.
    """
    seen: dict[str, int] = {}
    for i, p in points.items():
        if p.tag in seen:
            yield Problem(f"point[{i}].tag", f"{p.tag} is bound twice, first by point[{seen[p.tag]}]")
        seen.setdefault(p.tag, i)
    whole = [(i, p) for i, p in points.items() if p.type not in PARTS]
    inorder = sorted(whole, key=lambda item: (item[1].function, item[1].address))
    for at, (i, a) in enumerate(inorder):
        for k, b in inorder[at + 1 :]:
            if b.function != a.function or b.address >= a.address + a.size:
                break
            if (a.address, a.size) == (b.address, b.size):
                continue
            text = f"overlaps point[{i}]: {a.tag} and {b.tag} both use {b.documented} (wire address {b.address})"
            yield Problem(f"point[{k}].address", text, 'a part of a value has the type "bits"')


def _misspelt(points: Mapping[int, Point], tags: Sequence[str]) -> Iterator[Problem]:
    unbound = [tag for tag in tags if tag not in {p.tag for p in points.values()}]
    for i, p in points.items():
        near = get_close_matches(p.tag, unbound, n=1, cutoff=0.85)
        if near and p.tag not in tags and p.tag not in STANDARD_TAGS:
            yield Problem(f"point[{i}].tag", f"{p.tag} is not in the profile", f"did you mean `{near[0]}`?")
