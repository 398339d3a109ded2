"""Bad inputs from good ones: of bytes, of documents, of arguments. The same chance gives the same input."""

import copy
import random
from collections.abc import Callable, Mapping, Sequence
from math import inf, nan
from typing import Any

PIECES = (
    *(b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"\xff", b"\r", b"\n", b"\r\n", b"\t", b'"', b"'", b"\\", b"#", b",", b";"),
    *(b"=", b"$", b"*", b":", b"[", b"]", b"{", b"}", b"\x1b[2J", "≤".encode(), b"\xed\xa0\x80"),
    *(b"nan", b"inf", b"-inf", b"1e308", b"1e309", b"-0", b"-0.0", b"0x10", b"1_000", b"1,5", b"9" * 20, b"9" * 5000),
    *(
        b"[" * 3000,
        b"{" * 3000,
        b'{"a":' * 1500,
        b"a." * 3000,
        b"x" * 5000,
        b"1979-05-27T07:32:00Z",
        b"0001-01-01",
        b"9999-12-31",
    ),
)
VALUES: tuple[Any, ...] = (
    *(True, False, 0, -1, 1, 2, 3, 65_535, 65_536, 2**31, 2**63, 2**64, 10**25, 10**400, -(10**400)),
    *(0.0, -0.0, 0.5, -1.5, 5e-324, 1e300, 1e308, -1e308, inf, -inf, nan),
    *(
        "",
        " ",
        "x",
        "nan",
        "1",
        "none",
        "learn",
        "generic",
        "centrifugal",
        "a/b",
        "../..",
        "/",
        ".",
        "~no-such-user/x",
        "~",
    ),
    *("x\0y", "x\ny", "x\x1b[2J", "[::1", "\u2028", "é", "x" * 5000, "x/" * 3000),
    *([], [[]], [1.0], [1, 2], [2.0, 1.0], [nan, inf], ["x"], {}, {"a": 1}, {"": {}}),
)
"""What a field may hold instead of what belongs there."""


def spoil_bytes(chance: random.Random, content: bytes) -> bytes:
    """Content with one to four faults: flipped, cut, doubled, moved or inserted bytes."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        content = chance.choice(_BYTE_FAULTS)(chance, content)
    return content


def spoil_document(chance: random.Random, document: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a document with one to three fields retyped, removed, doubled or renamed."""
    spoilt: dict[str, Any] = copy.deepcopy(dict(document))
    for _ in range(chance.choice((1, 1, 2, 3))):
        if places := list(_places(spoilt)):
            holder, key = chance.choice(places)
            chance.choice(_FIELD_FAULTS)(chance, holder, key)
    return spoilt


def spoil_arguments(chance: random.Random, arguments: Sequence[str]) -> list[str]:
    """A command line with one to three arguments removed, doubled, swapped or spoilt; none holds a NUL, as none can."""
    spoilt = list(arguments)
    for _ in range(chance.choice((1, 1, 2, 3))):
        at = chance.randrange(len(spoilt)) if spoilt else 0
        what = chance.randrange(5)
        if what == 0 and spoilt:
            del spoilt[at]
        elif what == 1 and spoilt:
            spoilt.insert(at, spoilt[at])
        elif what == 2 and spoilt:
            other = chance.randrange(len(spoilt))
            spoilt[at], spoilt[other] = spoilt[other], spoilt[at]
        elif what == 3 and spoilt:
            spoilt[at] = spoil_bytes(chance, spoilt[at].encode(errors="surrogateescape")).decode(
                errors="surrogateescape"
            )
        else:
            spoilt.insert(at, str(chance.choice(VALUES[:-10])) if chance.random() < 0.9 else "-" * chance.randrange(5))
    return [text.replace("\0", "") for text in spoilt]


def _flip(chance: random.Random, content: bytes) -> bytes:
    spoilt = bytearray(content)
    for _ in range(chance.choice((1, 1, 3, 10))):
        if spoilt:
            spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
    return bytes(spoilt)


def _cut(chance: random.Random, content: bytes) -> bytes:
    start, end = _span(chance, content)
    return content[:start] if chance.random() < 0.5 else content[:start] + content[end:]


def _double(chance: random.Random, content: bytes) -> bytes:
    start, end = _span(chance, content)
    return content[:end] + content[start:end] * chance.choice((1, 1, 3, 50)) + content[end:]


def _move(chance: random.Random, content: bytes) -> bytes:
    start, end = _span(chance, content)
    rest = content[:start] + content[end:]
    at = chance.randint(0, len(rest))
    return rest[:at] + content[start:end] + rest[at:]


def _insert(chance: random.Random, content: bytes) -> bytes:
    at, piece = chance.randint(0, len(content)), chance.choice(PIECES)
    return content[:at] + piece + content[at + chance.choice((0, len(piece))) :]


def _swap_word(chance: random.Random, content: bytes) -> bytes:
    """Another number in place of one that is there."""
    digits = [i for i, byte in enumerate(content) if 48 <= byte <= 57]
    if not digits:
        return _insert(chance, content)
    start = end = chance.choice(digits)
    while end < len(content) and (48 <= content[end] <= 57 or content[end] == 46):
        end += 1
    return content[:start] + chance.choice(PIECES[-12:]) + content[end:]


def _span(chance: random.Random, content: bytes) -> tuple[int, int]:
    start = chance.randint(0, len(content))
    return start, min(len(content), start + chance.choice((1, 2, 8, 64, 512)))


_BYTE_FAULTS: tuple[Callable[[random.Random, bytes], bytes], ...] = (_flip, _cut, _double, _move, _insert, _swap_word)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Each holder (a table or a list) with each of its keys."""
    if isinstance(value, dict):
        keys: list[Any] = list(value)
    elif isinstance(value, list):
        keys = list(range(len(value)))
    else:
        return []
    return [place for key in keys for place in ((value, key), *_places(value[key]))]


def _retype(chance: random.Random, holder: Any, key: Any) -> None:
    holder[key] = copy.deepcopy(chance.choice(VALUES))


def _remove(chance: random.Random, holder: Any, key: Any) -> None:
    del holder[key]


def _double_field(chance: random.Random, holder: Any, key: Any) -> None:
    if isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    else:
        holder[chance.choice((f"{key}2", str(key).upper(), f" {key}", ""))] = copy.deepcopy(holder[key])


def _rename(chance: random.Random, holder: Any, key: Any) -> None:
    _double_field(chance, holder, key)
    if not isinstance(holder, list):
        del holder[key]


def _nest(chance: random.Random, holder: Any, key: Any) -> None:
    for _ in range(chance.choice((1, 1, 200))):
        holder[key] = [holder[key]] if chance.random() < 0.5 else {"x": holder[key]}


_FIELD_FAULTS: tuple[Callable[[random.Random, Any, Any], None], ...] = (
    *(_retype, _retype, _retype, _retype),
    *(_remove, _double_field, _rename, _nest),
)
