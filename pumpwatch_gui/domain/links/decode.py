"""Raw registers → engineering values with quality. Pure."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite

from pumpwatch_gui.domain.links.register_map import BIT_FUNCTIONS, Point
from pumpwatch_gui.domain.values.quality import Quality, Reason

FORMATS = {
    "uint16": ">H", "int16": ">h", "uint32": ">I", "int32": ">i", "uint64": ">Q", "int64": ">q",
    "float32": ">f", "float64": ">d",
}  # fmt: skip
"""Type → its `struct` format, highest byte first."""


def arrange(raw: bytes, order: str) -> bytes:
    """Bytes of a device put into big-endian order, or the reverse.

    A is the highest byte: CDAB swaps words, BADC the bytes of each word, DCBA both.

    Modbus fixes the byte order within one register only: which of two registers comes first is each maker's choice,
    and some swap the bytes too.
    """
    if order in ("BADC", "DCBA"):
        raw = b"".join(raw[i : i + 2][::-1] for i in range(0, len(raw), 2))
    if order in ("CDAB", "DCBA"):
        raw = b"".join(raw[i : i + 2] for i in range(len(raw) - 2, -1, -2))
    return raw


def raw_number(registers: Sequence[int], kind: str, order: str, bit: int = 0) -> float | int:
    """The number that registers hold, before scale and offset; NaN for a BCD digit above 9.

    Raises KeyError for an unknown type and struct.error for a wrong count of registers.
    """
    packed = arrange(struct.pack(f">{len(registers)}H", *registers), order)
    if kind in ("bcd16", "bcd32"):
        # 0xFFFF is a usual sign for "no value", and no BCD number.
        text = packed.hex()
        return int(text) if text.isdecimal() else float("nan")
    if kind == "bit":
        return (int.from_bytes(packed) >> bit) & 1
    if kind == "bool":  # "on" is 1 in some devices and 0xFF00, as function 5 has it, in others
        return int(any(packed))
    number: float | int = struct.unpack(FORMATS[kind], packed)[0]
    return number


@dataclass(frozen=True, slots=True)
class PointValue:
    """One decoded value; NaN where BAD."""

    value: float
    quality: Quality
    reason: Reason


def bad(reason: Reason) -> PointValue:
    """A BAD reading."""
    return PointValue(float("nan"), Quality.BAD, reason)


def judge_raw(number: float | int, point: Point, span: tuple[float, float]) -> PointValue:
    """Scale a raw number and judge it: not available, not a number, or outside `span` is BAD, never clamped."""
    # Before scaling, because manuals give these as raw values (0x8000, 0xFFFF).
    if number in point.not_available:
        return bad(Reason.SENSOR_FAILURE)
    if not isfinite(number):  # meters with float registers send NaN for what they do not measure
        return bad(Reason.NOT_A_NUMBER)
    return judge_value(number * point.scale + point.offset, span)


def judge_value(value: float, span: tuple[float, float]) -> PointValue:
    """Judge an engineering value against the sensor's span."""
    if not isfinite(value):
        return bad(Reason.NOT_A_NUMBER)
    if not span[0] <= value <= span[1]:
        return bad(Reason.OUT_OF_RANGE)
    return PointValue(float(value), Quality.GOOD, Reason.NONE)


def decoder(point: Point, span: tuple[float, float], at: int) -> Callable[[Sequence[int]], PointValue]:
    """What reads `point` out of a block's registers (or bits), where it starts at index `at`."""
    end = at + point.size
    if point.function in BIT_FUNCTIONS:
        return lambda bits: judge_raw(int(bits[at]), point, span)
    kind, order, bit = point.type, point.order, point.bit
    return lambda registers: judge_raw(raw_number(registers[at:end], kind, order, bit), point, span)
