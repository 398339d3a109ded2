"""The codings that registers come in: from the whole of their bits to a number. Pure.

Each is the form that makers document: `mod10k` and `exp10_int24` are those of power meters, `exp2_int11` that of power
supplies (PMBus LINEAR11), `float16` that of IEEE 754.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from math import nan

Number = int | float

TYPES = {
    "bool": 1, "bit": 1, "bits": 1, "uint8": 1, "int8": 1, "uint16": 1, "int16": 1, "uint32": 2, "int32": 2,
    "uint48": 3, "int48": 3, "uint64": 4, "int64": 4, "float16": 1, "float32": 2, "float64": 4,
    "bcd16": 1, "bcd32": 2, "bcd48": 3, "bcd64": 4, "sm16": 1, "sm32": 2, "mod10k": 2, "mod10k_signed": 2,
    "exp10_uint24": 2, "exp10_int24": 2, "exp2_int11": 1,
}  # fmt: skip
"""Type → registers of 16 bits it takes (one bit in a bit table), where a map does not say how many."""

TEXT = "text"
"""The type of an identity that is a text; no tag can have it."""

COUNTS = {"bit": (1, 4), "bits": (1, 4), "mod10k": (2, 4), "mod10k_signed": (2, 4), TEXT: (1, 64)}
"""Types whose count of registers the map may say: the fewest and the most."""

FORMATS = {
    "uint16": ">H", "int16": ">h", "uint32": ">I", "int32": ">i", "uint64": ">Q", "int64": ">q",
    "float16": ">e", "float32": ">f", "float64": ">d",
}  # fmt: skip
"""Type → its `struct` format, highest byte first."""

LARGEST_FLOATS = {"float16": 65504.0, "float32": 3.4028234e38, "float64": 1.7976931348623157e308}
"""Beyond it `struct.pack` raises OverflowError."""

EXPONENTS = range(-10, 11)
"""Powers of ten that a register may hold. Beyond them it holds no exponent: -32768 is a usual "not available"."""

_UNSIGNED = {2: ">H", 4: ">I", 8: ">Q"}


@dataclass(frozen=True, slots=True)
class Coding:
    """One type: `bits` it takes, the whole numbers it can hold (None: a float), and what its bits mean.

    `number` takes the bits as one unsigned whole number, the highest first, and gives NaN for what is no number of the
    type; None: the bits are the number.
    """

    bits: int
    low: int | None
    high: int | None
    number: Callable[[int], Number] | None


def coding(kind: str, registers: int = 0, *, bit: int = 0, bits: int = 1, byte: str = "low") -> Coding:
    """The coding of a type; `registers` 0: as many as the type has. Raises KeyError for an unknown type."""
    count = registers or TYPES[kind]
    width, top = 16 * count, 10 ** (4 * count) - 1
    match kind:
        case "bool":  # "on" is 1 in some devices and 0xFF00, as function 5 has it, in others
            return Coding(width, 0, 1, lambda u: int(u != 0))
        case "bit":
            return Coding(width, 0, 1, lambda u: u >> bit & 1)
        case "bits":
            mask = (1 << bits) - 1
            return Coding(width, 0, mask, lambda u: u >> bit & mask)
        case "uint8" | "int8":
            return _byte(kind, 8 if byte == "high" else 0)
        case "mod10k":
            return Coding(width, 0, top, _base_10000(count, is_signed=False))
        case "mod10k_signed":
            return Coding(width, -top, top, _base_10000(count, is_signed=True))
        case _:
            return _fixed(kind, width, top)


def _fixed(kind: str, width: int, top: int) -> Coding:
    """The coding of a type that leaves nothing open."""
    half, whole = 1 << width - 1, 1 << width
    family = kind.rstrip("0123456789")
    if family == "float":
        return Coding(width, None, None, _float(FORMATS[kind]))
    if family == "bcd":
        return Coding(width, 0, top, _bcd(width // 4))
    if family == "sm":
        return Coding(width, 1 - half, half - 1, lambda u: half - u if u >= half else u)
    if family == "uint":
        return Coding(width, 0, whole - 1, None)
    if family == "int":
        return Coding(width, -half, half - 1, lambda u: u - whole if u >= half else u)
    return Coding(width, None, None, _EXPONENT_FORMS[kind])


def signed(u: int, bits: int) -> int:
    """The number that `bits` bits in two's complement hold."""
    return u - (1 << bits) if u >> bits - 1 else u


def by_power_of_ten(number: Number, exponent: Number) -> float:
    """`number` × 10^`exponent`, rounded once; NaN for an exponent outside `EXPONENTS`.

    Divides where the exponent is negative: 12 × 0.1 is 1.2000000000000002, 12 / 10 is 1.2.
    """
    if exponent not in EXPONENTS:
        return nan
    return float(number * 10 ** int(exponent)) if exponent >= 0 else number / 10 ** int(-exponent)


def _byte(kind: str, shift: int) -> Coding:
    if kind == "uint8":
        return Coding(16, 0, 255, lambda u: u >> shift & 0xFF)
    return Coding(16, -128, 127, lambda u: signed(u >> shift & 0xFF, 8))


def _float(form: str) -> Callable[[int], Number]:
    unpack, size = struct.Struct(form).unpack, struct.calcsize(form)
    pack = struct.Struct(_UNSIGNED[size]).pack

    def number(u: int) -> Number:
        found: float = unpack(pack(u))[0]
        return found

    return number


def _bcd(digits: int) -> Callable[[int], Number]:
    def number(u: int) -> Number:
        # 0xFFFF is a usual sign for "no value", and no BCD number.
        text = f"{u:0{digits}x}"
        return int(text) if text.isdecimal() else nan

    return number


def _base_10000(count: int, *, is_signed: bool) -> Callable[[int], Number]:
    """Four decimal digits a register; signed: each register holds its digits with the sign of the whole."""
    shifts = tuple(range(16 * (count - 1), -1, -16))

    def number(u: int) -> Number:
        digits = [u >> shift & 0xFFFF for shift in shifts]
        if is_signed:
            digits = [signed(d, 16) for d in digits]
        if max(map(abs, digits)) > 9999 or min(digits) < 0 < max(digits):
            return nan
        total = 0
        for digit in digits:
            total = total * 10_000 + digit
        return total

    return number


_EXPONENT_FORMS: dict[str, Callable[[int], Number]] = {
    "exp10_uint24": lambda u: by_power_of_ten(u & 0xFFFFFF, signed(u >> 24, 8)),
    "exp10_int24": lambda u: by_power_of_ten(signed(u & 0xFFFFFF, 24), signed(u >> 24, 8)),
    "exp2_int11": lambda u: signed(u & 0x7FF, 11) * 2.0 ** signed(u >> 11, 5),
}
