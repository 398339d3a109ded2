"""Engineering values → register images: the writing side of a register map, as a device would lay them out."""

import math
import struct
from collections.abc import Mapping, Sequence

from pumpwatch_gui.domain.links.codings import FORMATS
from pumpwatch_gui.domain.links.decode import arrange
from pumpwatch_gui.domain.links.register_map import Point


def can_encode(point: Point) -> bool:
    """Whether a simulated device can hold a point: a plain type, two bytes a register, a fixed scale."""
    is_plain = point.type in (*FORMATS, "bool", "bit", "bcd16", "bcd32") and point.registers in (0, 1)
    return is_plain and not (point.scaled_by or point.current_loop or point.register_bytes != 2)


def encode(value: float, point: Point) -> bytes | None:
    """The registers that hold `value` (engineering units), as they travel.

    NaN and what the type cannot hold become the point's first not-available value, NaN in a float without one, and
    None where the device has no way to say it.
    """
    try:
        return _pack((value - point.offset) / point.scale, point)
    except (ValueError, OverflowError, struct.error):
        return _not_available(point)


def _not_available(point: Point) -> bytes | None:
    if point.not_available:
        return _pack(point.not_available[0], point, is_pattern=True)
    return _pack(math.nan, point) if point.type.startswith("float") else None


def _pack(raw: float, point: Point, *, is_pattern: bool = False) -> bytes:
    """Raises ValueError, OverflowError or struct.error for what the type cannot hold.

    `is_pattern`: a positive number beyond a signed type is its bit pattern (0x8000 for -32768).
    """
    if point.type in ("bool", "bit"):
        return struct.pack(">H", int(bool(round(raw))))
    if point.type in ("bcd16", "bcd32"):
        return arrange(_bcd(round(raw), 4 if point.type == "bcd16" else 8), point.order)
    form = FORMATS[point.type]
    if form in (">f", ">d"):
        return arrange(struct.pack(form, raw), point.order)
    whole = round(raw)
    unsigned = is_pattern and whole >= 1 << (8 * struct.calcsize(form) - 1)
    return arrange(struct.pack(form.upper() if unsigned else form, whole), point.order)


def _bcd(whole: int, digits: int) -> bytes:
    if whole == (1 << 4 * digits) - 1:
        return b"\xff" * (digits // 2)  # the usual sentinel is no BCD number
    if not 0 <= whole < 10**digits:
        raise ValueError("does not fit")
    return bytes.fromhex(f"{whole:0{digits}d}")


class RegisterLayout:
    """Where each point of a map lies. Register 1 + the highest holding register is the heartbeat."""

    def __init__(self, points: Sequence[Point], *, tags: Sequence[str]) -> None:
        """Points whose tag is not among `tags` read as not available."""
        self._points = [(p, tags.index(p.tag) if p.tag in tags else -1) for p in points]
        self.heartbeat = 1 + max((p.address + p.size - 1 for p in points if p.table == "holding"), default=-1)

    def image(self, values: Sequence[float], sequence: int) -> "Image":
        """The whole image of one device from its values; `sequence` is shown modulo 65536 by the heartbeat."""
        tables: dict[str, dict[int, int | None]] = {"holding": {}, "input": {}, "coil": {}, "discrete": {}}
        for point, index in self._points:
            packed = encode(values[index] if index >= 0 else math.nan, point)
            _place(tables[point.table], point, packed)
        tables["holding"][self.heartbeat] = sequence & 0xFFFF
        return Image(tables)


def _place(table: dict[int, int | None], point: Point, packed: bytes | None) -> None:
    if packed is None:
        table.update(dict.fromkeys(range(point.address, point.address + point.size)))
        return
    words = struct.unpack(f">{len(packed) // 2}H", packed)
    if point.type == "bit":
        words = ((table.get(point.address) or 0) | words[0] << point.bit,)
    table.update(enumerate(words, start=point.address))


class Image:
    """The registers of one device at one instant. A table without points mirrors its sister (holding and input, …)."""

    def __init__(self, tables: Mapping[str, Mapping[int, int | None]]) -> None:
        self._words = {
            "holding": tables["holding"],
            "input": tables["input"] or tables["holding"],
            "coil": tables["coil"] or tables["discrete"],
            "discrete": tables["discrete"] or tables["coil"],
        }

    def read(self, table: str, address: int, count: int) -> list[int | None] | None:
        """`count` registers or bits from `address`, or None when one of them does not exist.

        A register is None where the device cannot say that its instrument has nothing to report.
        """
        words = self._words[table]
        try:
            return [words[i] for i in range(address, address + count)]
        except KeyError:
            return None
