"""Engineering values → register images: the writing side of a register map, as a device would lay them out."""

import math
import struct
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pumpwatch_gui.domain.places import find_shipped

_FORMATS = {
    "uint16": ">H", "int16": ">h", "uint32": ">I", "int32": ">i", "uint64": ">Q", "int64": ">q",
    "float32": ">f", "float64": ">d",
}  # fmt: skip
_WIDTH = {"bool": 1, "bit": 1, "bcd16": 1, "bcd32": 2} | {k: struct.calcsize(v) // 2 for k, v in _FORMATS.items()}


class PointLike(Protocol):
    """What is needed of a point of a register map (names and meanings of the register map files)."""

    @property
    def tag(self) -> str: ...  # noqa: D102
    @property
    def table(self) -> str: ...  # noqa: D102
    @property
    def address(self) -> int: ...  # noqa: D102
    @property
    def type(self) -> str: ...  # noqa: D102
    @property
    def order(self) -> str: ...  # noqa: D102
    @property
    def scale(self) -> float: ...  # noqa: D102
    @property
    def offset(self) -> float: ...  # noqa: D102
    @property
    def not_available(self) -> Collection[float]: ...  # noqa: D102


def width(point: PointLike) -> int:
    """Registers (or bits) that a point takes."""
    return _WIDTH[point.type]


def encode(value: float, point: PointLike) -> bytes:
    """The registers that hold `value` (engineering units), big-endian on the wire.

    NaN and what the type cannot hold become the point's first not-available value; raises ValueError if it has none
    and is not a float.
    """
    raw = (value - point.offset) / point.scale
    try:
        return _pack(raw, point)
    except (ValueError, OverflowError, struct.error):
        return _not_available(point)


def _not_available(point: PointLike) -> bytes:
    for sentinel in point.not_available:
        return _pack(sentinel, point)
    if point.type.startswith("float"):
        return _pack(math.nan, point)
    raise ValueError(f"{point.tag}: the value does not fit in {point.type} and the map names no not_available value")


def _pack(raw: float, point: PointLike) -> bytes:
    if point.type in ("bool", "bit"):
        return struct.pack(">H", int(bool(round(raw))))
    if point.type in ("bcd16", "bcd32"):
        return _ordered(_bcd(round(raw), 4 if point.type == "bcd16" else 8), point.order)
    form = _FORMATS[point.type]
    if form in (">f", ">d"):
        return _ordered(struct.pack(form, raw), point.order)
    whole = round(raw)
    signed = int.from_bytes(struct.pack(form.upper(), whole), "big") if _is_pattern(whole, form) else None
    packed = struct.pack(form, whole) if signed is None else struct.pack(form.upper(), signed)
    return _ordered(packed, point.order)


def _is_pattern(whole: int, form: str) -> bool:
    """Whether a signed type is given the bit pattern of a sentinel, such as 0x8000, rather than a number."""
    bits = 8 * struct.calcsize(form)
    return form[1].islower() and whole == 1 << (bits - 1)


def _bcd(whole: int, digits: int) -> bytes:
    if whole == (1 << 4 * digits) - 1:
        return b"\xff" * (digits // 2)  # the usual sentinel is no BCD number
    if not 0 <= whole < 10**digits:
        raise ValueError("does not fit")
    return bytes.fromhex(f"{whole:0{digits}d}")


def _ordered(packed: bytes, order: str) -> bytes:
    """Lay big-endian bytes out in `order`: ABCD as they are, CDAB words swapped, BADC bytes swapped, DCBA both."""
    words = [packed[i : i + 2] for i in range(0, len(packed), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    if order in ("BADC", "DCBA"):
        words = [word[::-1] for word in words]
    return b"".join(words)


@dataclass(frozen=True, slots=True)
class _Point:
    tag: str
    table: str
    address: int
    type: str
    order: str = "ABCD"
    scale: float = 1.0
    offset: float = 0.0
    not_available: tuple[float, ...] = ()


def load_points(name: str, *, tags: Sequence[str]) -> Sequence[PointLike]:
    """The points of a register map, by name or path."""
    document = tomllib.loads(find_shipped("resources/registers", name, suffix=".toml").read_text("utf-8"))
    base = {0: 0, 1: 1}.get(document.get("base", 0), 40001)
    points = [_Point(**{**p, "address": p["address"] - base}) for p in document["point"]]
    return [p for p in points if p.tag in tags]


class Layout:
    """Where each point of a map lies. Register 1 + the highest holding register is the heartbeat."""

    def __init__(self, points: Sequence[PointLike], *, tags: Sequence[str]) -> None:
        """Points whose tag is not among `tags` read as not available."""
        self._points = [(p, tags.index(p.tag) if p.tag in tags else -1) for p in points]
        self.heartbeat = 1 + max((p.address + width(p) - 1 for p in points if p.table == "holding"), default=-1)

    def image(self, values: Sequence[float], sequence: int) -> "Image":
        """The whole image of one device from its values; `sequence` is shown modulo 65536 by the heartbeat."""
        tables: dict[str, dict[int, int]] = {"holding": {}, "input": {}, "coil": {}, "discrete": {}}
        for point, index in self._points:
            packed = encode(values[index] if index >= 0 else math.nan, point)
            words = struct.unpack(f">{len(packed) // 2}H", packed)
            table = tables[point.table]
            if point.type == "bit":
                table[point.address] = table.get(point.address, 0) | words[0] << getattr(point, "bit", 0)
                continue
            for i, word in enumerate(words):
                table[point.address + i] = word
        tables["holding"][self.heartbeat] = sequence & 0xFFFF
        return Image(tables)


class Image:
    """The registers of one device at one instant. A table without points mirrors its sister (holding and input, …)."""

    def __init__(self, tables: Mapping[str, Mapping[int, int]]) -> None:
        self._words = {
            "holding": tables["holding"],
            "input": tables["input"] or tables["holding"],
            "coil": tables["coil"] or tables["discrete"],
            "discrete": tables["discrete"] or tables["coil"],
        }

    def read(self, table: str, address: int, count: int) -> list[int] | None:
        """`count` registers or bits from `address`, or None when one of them does not exist."""
        words = self._words[table]
        try:
            return [words[i] for i in range(address, address + count)]
        except KeyError:
            return None
