"""Register maps: which register holds which tag, and how it is coded."""

from collections.abc import Iterable
from dataclasses import dataclass

from pumpwatch_gui.domain.links.codings import TYPES, Coding, Number, coding

TABLES = {"coil": (1, 0), "discrete": (2, 1), "input": (4, 3), "holding": (3, 4)}
"""Table → (read function, first digit in the 40001 notation)."""

BIT_FUNCTIONS = frozenset({1, 2})
"""Read coils, read discrete inputs: their responses pack eight values a byte."""

BASES = (0, 1, 40001)
LAST_ADDRESS = 65535
SHORT_NOTATION = 9999
"""Registers that the five digits of the 40001 notation can name. Larger devices use six (400001), for all 65,536."""

ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")

PARTS = frozenset({"bool", "bit", "bits", "uint8", "int8"})
"""Types that read a part of a register, beside whatever else is read of it."""

SCALE_WORDS = {"scale_register": "uint16", "divisor_register": "uint16", "exponent_register": "int16",
               "decimals_register": "int16"}  # fmt: skip
"""Key of a point whose scale is in another register → the type of that register, where the map says none.

Value = raw × register, raw / register, raw × 10^register, raw / 10^register.
"""

SURENESS = {"A": "two independent sources agree", "B": "one public source", "C": "unconfirmed"}
"""How sure a map is."""


def documented(table: str, address: int) -> str:
    """A wire address as manuals write it: `40101`, beyond 9,999 registers `410101`."""
    digits = 4 if address < SHORT_NOTATION else 5
    return f"{TABLES[table][1]}{address + 1:0{digits}d}"


@dataclass(frozen=True, slots=True)
class ScaleRegister:
    """Where the scale of a point is: `how` is a key of `SCALE_WORDS`; the table is the point's."""

    how: str
    address: int
    type: str


@dataclass(frozen=True, slots=True)
class CurrentLoop:
    """A 4-20 mA signal: the `raw` numbers that stand for the currents `ma`, and the `value` at 4 and at 20 mA."""

    raw: tuple[Number, Number]
    ma: tuple[float, float]
    value: tuple[float, float]

    def raw_at(self, current_ma: float) -> float:
        """The raw number that stands for a current in mA."""
        part = (current_ma - self.ma[0]) / (self.ma[1] - self.ma[0])
        return self.raw[0] + part * (self.raw[1] - self.raw[0])


@dataclass(frozen=True, slots=True)
class Point:
    """One tag's place. `address` is the wire address (0-65535) whatever the file's notation.

    Engineering value = raw × scale + offset. `not_available` lists raw values that mean "no reading": numbers of the
    type, or the bit patterns of the registers where those are no numbers of it (32768 in an int16).
    `bit` is the bit (0 = least) of the type `bit`, and the least one of the `bits` of a bit field; `byte` the half of
    the types of 8 bits; `registers` how many there are, where the type leaves it open (0: as many as the type has).
    `register_bytes` is 4 for devices that answer four bytes a register.
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
    bits: int = 1
    byte: str = "low"
    registers: int = 0
    scaled_by: ScaleRegister | None = None
    current_loop: CurrentLoop | None = None
    register_bytes: int = 2

    @property
    def function(self) -> int:
        """The Modbus function code that reads it (1-4)."""
        return TABLES[self.table][0]

    @property
    def size(self) -> int:
        """Registers (or bits) it takes."""
        words = self.registers or TYPES[self.type]
        return words if self.register_bytes == 2 else -(-2 * words // self.register_bytes)

    @property
    def coding(self) -> Coding:
        """What its bits mean."""
        return coding(self.type, self.registers, bit=self.bit, bits=self.bits, byte=self.byte)

    @property
    def documented(self) -> str:
        """The address as manuals write it (`40101`, beyond 9,999 registers `410101`), for messages."""
        return documented(self.table, self.address)

    @property
    def words(self) -> str:
        """The coding in words: `int16 × 0.1`, `bit 11`, `uint32 CDAB × 0.001 -40`."""
        order = f" {self.order}" if self.size > 1 or self.order != "ABCD" else ""
        text = self.type_words + order
        if self.current_loop is not None:
            low, high = self.current_loop.value
            return f"{text} 4-20 mA = {low:g} to {high:g}"
        text += f" × {self.scale:.6g}" if self.scale != 1.0 else ""
        if self.scaled_by is not None:
            sign = {"scale_register": "× [{}]", "divisor_register": "/ [{}]", "exponent_register": "× 10^[{}]",
                    "decimals_register": "/ 10^[{}]"}[self.scaled_by.how]  # fmt: skip
            text += " " + sign.format(documented(self.table, self.scaled_by.address))
        return text + (f" {self.offset:+g}" if self.offset else "")

    @property
    def type_words(self) -> str:
        """The type with what belongs to it: `bit 11`, `bits 4-6`, `uint8 high`, `mod10k × 3`."""
        match self.type:
            case "bit":
                return f"bit {self.bit}"
            case "bits":
                return f"bits {self.bit}-{self.bit + self.bits - 1}"
            case "uint8" | "int8":
                return f"{self.type} {self.byte}"
            case _:
                return f"{self.type} × {self.registers}" if self.registers else self.type

    @property
    def scale_point(self) -> "Point | None":
        """The register that holds its scale, as a point without a tag of the pump; None where there is none."""
        if self.scaled_by is None:
            return None
        # The blank keeps it from being a tag: those are identifiers.
        tag = f"scale {self.documented[0]}:{self.scaled_by.address} {self.scaled_by.type} {self.order}"
        return Point(
            tag, self.table, self.scaled_by.address, self.scaled_by.type, self.order, register_bytes=self.register_bytes
        )


def with_scales(points: Iterable[Point]) -> tuple[Point, ...]:
    """The points and, once each, the registers that hold the scales of some: all that a scan must read."""
    own = tuple(points)
    scales = {scale.tag: scale for p in own if (scale := p.scale_point)}
    return *own, *scales.values()


@dataclass(frozen=True, slots=True)
class IdentityRead:
    """What says which device this is: a point whose tag is what it tells, and the values that it must have (if any)."""

    point: Point
    expect: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RegisterMap:
    """The points of one kind of device. `base` is the notation of its file; `profile` a profile that has its tags.

    `sureness` is a key of `SURENESS`, "" for a map of one's own; `confirmed` says who found an unconfirmed one right.
    """

    name: str
    points: tuple[Point, ...]
    base: int = 0
    label: str = ""
    profile: str = ""
    maker: str = ""
    models: tuple[str, ...] = ()
    source: str = ""
    sureness: str = ""
    confirmed: str = ""
    register_bytes: int = 2
    identity: tuple[IdentityRead, ...] = ()

    @property
    def is_unconfirmed(self) -> bool:
        """Whether its readings must be examined before they are believed."""
        return self.sureness == "C" and not self.confirmed

    @property
    def sureness_words(self) -> str:
        """How sure it is, in words; "" where it does not say."""
        if self.confirmed:
            return f"confirmed: {self.confirmed}"
        return SURENESS.get(self.sureness, "")


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
