"""What the cells of a manual's register table mean: numbers of registers, types, scales, units. Pure."""

import re
from dataclasses import dataclass

from pumpwatch_gui.domain.links.codings import TYPES

_EMPTY = re.compile(r"[-–—/.\s]*")


@dataclass(frozen=True, slots=True)
class RegisterNumber:
    """A register as a manual writes it: `number`, `registers` where a range is given (else 0), `bit` (-1: none).

    `prefix` is the table that letters or an `x` notation name ("" for none); `is_hex`: it has hexadecimal digits.
    """

    number: int
    registers: int = 0
    bit: int = -1
    prefix: str = ""
    is_hex: bool = False
    digits: int = 0


@dataclass(frozen=True, slots=True)
class TypeWords:
    """A type of a map, and the order where the words name one."""

    type: str
    order: str = ""
    bit: int = -1
    note: str = ""


_PREFIXES = {
    "4x": "holding", "3x": "input", "1x": "discrete", "0x": "coil", "hr": "holding", "ir": "input", "di": "discrete",
    "co": "coil", "mw": "wire", "%mw": "wire", "iw": "wire", "%iw": "wire",
}  # fmt: skip
"""Letters before a number → its table; `wire`: it counts from 0."""

_HEX = re.compile(r"(?:0x|&h|\$|16#)([0-9a-f]{1,4})h?|([0-9a-f]{1,4})h")
_PREFIX = re.compile(r"(%?[a-z]{2}|[0134](?=[x:]))[x:\s_-]*(\d{1,6})")
_TAIL = re.compile(r"(?:[.:/]|\s*bit\s*|\s*\.b)(\d{1,2})")
_SPAN = re.compile(r"\s*(?:-|–|\.\.+|…|to|/|,|\+|and)\s*")


def register_number(text: str, *, bare_hex: bool = False) -> RegisterNumber | None:
    """The register of a cell: `40101`, `0x1A2B`, `1A2Bh`, `3x0012`, `HR 101`, `%MW100`, `40001-40002`, `40001.3`.

    None where the cell is none. `bare_hex`: digits without a sign are hexadecimal.
    """
    plain = text.strip().lower().replace(" ", " ").strip("'\"`#")
    first = _one_number(plain, bare_hex)
    if first is None:
        return None
    found, rest = first
    if not rest:
        return found
    is_decimal = rest[0] == "." and found.digits < 3 and not found.prefix  # 0.1 is a scale, 40001.3 is a bit
    if (bit := _TAIL.fullmatch(rest)) and int(bit[1]) <= 15 and rest[0] != "/" and not is_decimal:
        return RegisterNumber(found.number, 0, int(bit[1]), found.prefix, found.is_hex, found.digits)
    separator = _SPAN.match(rest)
    last = _one_number(rest[separator.end() :], bare_hex) if separator else None
    if last is None or last[1]:
        return None
    end = last[0].number
    if end <= found.number:  # "40001-02", "40001/2": only the last digits
        digits = len(rest[separator.end() :]) if separator else 0
        end = found.number // 10**digits * 10**digits + end
    if not found.number < end < found.number + 64:
        return None
    return RegisterNumber(found.number, end - found.number + 1, -1, found.prefix, found.is_hex, found.digits)


def _one_number(text: str, bare_hex: bool) -> tuple[RegisterNumber, str] | None:
    """A number at the start, and what follows it."""
    if found := _HEX.match(text):
        return RegisterNumber(int(found[1] or found[2], 16), is_hex=True), text[found.end() :]
    if found := _PREFIX.match(text):
        table = _PREFIXES.get(found[1] + "x" if found[1].isdigit() else found[1])
        return (RegisterNumber(int(found[2]), prefix=table), text[found.end() :]) if table else None
    if bare_hex and (found := re.match(r"[0-9a-f]{1,4}(?![0-9a-z])", text)):
        return RegisterNumber(int(found[0], 16), is_hex=True), text[found.end() :]
    if found := re.match(r"\d{1,6}(?![0-9a-z])", text):
        return RegisterNumber(int(found[0]), digits=len(found[0])), text[found.end() :]
    return None


def looks_hex(text: str) -> bool:
    """Whether a cell is a number with hexadecimal digits and no sign that says so (`1A2B`)."""
    return re.fullmatch(r"(?=.*\d)(?=.*[a-f])[0-9a-f]{2,4}", text.strip().lower()) is not None


# ---------------------------------------------------------------- types

_SPELLED = {
    "bool": "bool boolean binary flag coil onoff di do digital",
    "uint8": "uint8 u8 usint byte uchar unsigned8 ui8",
    "int8": "int8 s8 i8 sint char signed8 si8",
    "uint16": "uint16 u16 uint word ushort unsigned16 unsignedshort ui16 unsigned unsignedint unsignedinteger"
    " unsignedword bin16 uword usint16 enum16 bitfield16 acc16 register unsignedint16 uinteger",
    "int16": "int16 s16 i16 int short signed16 signedshort si16 signed signedint signedinteger signedword integer"
    " signedint16 sint16 sunssf sword integer16",
    "uint32": "uint32 u32 dword udint ulong unsigned32 unsignedlong ui32 unsignedint32 udword bitfield32 enum32 acc32"
    " uint32t unsignedlonginteger unsigneddword longword unsignedlongint",
    "int32": "int32 s32 i32 dint long signed32 signedlong si32 signedint32 sint32 longint longinteger integer32 sdword"
    " signeddword",
    "uint48": "uint48 u48 unsigned48", "int48": "int48 s48 i48 signed48",
    "uint64": "uint64 u64 ulint lword qword unsigned64 ui64 acc64 unsignedint64 ulonglong",
    "int64": "int64 s64 i64 lint signed64 si64 longlong signedint64 sint64",
    "float16": "float16 half f16 halffloat",
    "float32": "float32 float real f32 single ieee754 ieee fp32 real32 fp floatingpoint flt ieeefloat float32ieee754"
    " floatieee754 ieee754float",
    "float64": "float64 double lreal f64 real64 fp64 doublefloat doubleprecision",
    "bcd16": "bcd bcd16 bcd4 4digitbcd", "bcd32": "bcd32 bcd8 8digitbcd dbcd", "bcd48": "bcd48", "bcd64": "bcd64",
    "sm16": "sm16 signmagnitude signandmagnitude signmagnitude16 signandmagnitude16", "sm32": "sm32 signmagnitude32",
    "mod10k": "mod10k mod10 m10k modulo10000 mod10000 base10000 modulus10000",
    "exp10_uint24": "t5", "exp10_int24": "t6", "exp2_int11": "linear11",
}  # fmt: skip
_TYPE_OF = {word: kind for kind, words in _SPELLED.items() for word in words.split()} | {
    kind.replace("_", ""): kind for kind in TYPES if kind not in ("bit", "bits")
}
_CODES = {"enum", "enumeration", "bitfield", "bitmap", "bits", "flags", "status", "statusword", "hex", "code"}
_TEXTS = {"string", "char", "ascii", "text", "str", "utf8", "chars", "varchar"}
_ORDER_WORDS = (
    ("DCBA", ("dcba", "swappedbytesandwords", "littleendianbytes")),
    ("BADC", ("badc", "byteswapped", "bytesswapped", "byteswap", "swappedbytes", "midbig")),
    ("CDAB", ("cdab", "lowwordfirst", "lswfirst", "lsw", "wordswapped", "wordsswapped", "wordswap", "swappedwords",
              "swapped", "swap", "inverse", "inverted", "littleendian", "lowfirst", "midlittle", "lohi", "le", "lsb")),
    ("ABCD", ("abcd", "highwordfirst", "mswfirst", "msw", "bigendian", "highfirst", "hilo", "be", "msb")),
)  # fmt: skip
_LONGER = {"uint16": "uint", "int16": "int", "uint32": "uint", "int32": "int", "uint64": "uint", "int64": "int",
           "uint48": "uint", "int48": "int", "bcd16": "bcd", "bcd32": "bcd", "float32": "float", "float64": "float",
           "sm16": "sm", "sm32": "sm"}  # fmt: skip
_SMALL = {"uint": "uint16", "int": "int16", "bcd": "bcd16", "sm": "sm16", "float": "float32"}


def type_words(text: str, registers: int = 0) -> TypeWords | None:
    """The type of a cell (`INT16`, `U32 swapped`, `REAL`, `16 bit signed`, `UINT (2 words)`); None where it is none.

    `registers` is how many the row says there are (0: it does not): `UINT` in two of them is a uint32.
    """
    plain, order = _without_order(text.lower())
    if bit := re.fullmatch(r"\W*(?:bit|b)\W*(\d{1,2})\W*", plain):
        return TypeWords("bit", order, int(bit[1])) if int(bit[1]) <= 15 else None
    size = re.search(r"(\d{1,2})\s*[-]?\s*(bytes?|words?|registers?|regs?)\b", plain)
    if size:
        plain = plain.replace(size[0], "")
        registers = int(size[1]) // 2 if size[2].startswith("byte") else int(size[1])
    bare = re.sub(r"[^a-z0-9]", "", plain)
    bare = re.sub(r"^(\d\d)bit(?:s(?!igned|hort))?(.+)$", r"\2\1", bare)  # "16 bit signed" is "signed16"
    bare = re.sub(r"^(.+?)(\d\d)bits?$", r"\1\2", bare)
    if bare in _TEXTS or re.fullmatch(r"(string|char|ascii)\d+", bare):
        return TypeWords("text", order, note="a text is no value of a pump")
    note = ""
    if bare in _CODES:
        bare, note = "uint16", f"{text.strip()}: read as a whole number"
    kind = _TYPE_OF.get(bare)
    if kind is None:
        return None
    if registers and registers != TYPES[kind] and kind in _LONGER:
        longer = f"{_LONGER[kind]}{16 * registers}"
        if longer not in TYPES:
            return None
        kind = longer
    return TypeWords(kind, order, note=note)


def _without_order(text: str) -> tuple[str, str]:
    """The words without those of the order, and the order they name."""
    words = re.split(r"([^a-z0-9]+)", text)
    for order, spellings in _ORDER_WORDS:
        for first in range(0, len(words), 2):
            for last in range(len(words) - 1 + len(words) % 2, first, -1):
                if "".join(words[first:last:2]) in spellings:
                    return "".join(words[:first] + words[last:]).strip(" ,;()-/"), order
    return text, ""


# ---------------------------------------------------------------- scales and units

UNITS: dict[str, tuple[str, float, float]] = {
    spelled: (unit, factor, offset)
    for unit, forms in {
        "bar": (("bar barg bara", 1.0, 0.0), ("mbar hpa", 0.001, 0.0), ("kpa", 0.01, 0.0), ("mpa", 10.0, 0.0),
                ("pa", 1e-5, 0.0), ("psi psig psia", 0.0689476, 0.0), ("mh2o mwc mws", 0.0980665, 0.0)),
        "L/min": (("l/min lpm l/m", 1.0, 0.0), ("m3/h m³/h cmh", 1000 / 60, 0.0), ("l/s", 60.0, 0.0),
                  ("l/h", 1 / 60, 0.0), ("m3/s m³/s", 60_000.0, 0.0), ("gpm usgpm", 3.785412, 0.0)),
        "degC": (("°c c degc ºc celsius ℃", 1.0, 0.0), ("k kelvin", 1.0, -273.15), ("°f f degf ºf ℉", 5 / 9, -160 / 9)),
        "A": (("a amp amps ampere", 1.0, 0.0), ("ma", 0.001, 0.0), ("ka", 1000.0, 0.0)),
        "V": (("v volt volts", 1.0, 0.0), ("mv", 0.001, 0.0), ("kv", 1000.0, 0.0)),
        "W": (("w watt", 1.0, 0.0), ("kw", 1000.0, 0.0), ("mw", 1e6, 0.0)),
        "kWh": (("kwh", 1.0, 0.0), ("wh", 0.001, 0.0), ("mwh", 1000.0, 0.0)),
        "rpm": (("rpm 1/min min-1 r/min u/min obr/min", 1.0, 0.0), ("1/s rps", 60.0, 0.0)),
        "Hz": (("hz", 1.0, 0.0), ("khz", 1000.0, 0.0)),
        "mm/s": (("mm/s mm/sec", 1.0, 0.0), ("in/s ips inch/s", 25.4, 0.0), ("m/s", 1000.0, 0.0)),
        "m": (("m meter metre", 1.0, 0.0), ("cm", 0.01, 0.0), ("mm", 0.001, 0.0)),
        "m3": (("m3 m³", 1.0, 0.0), ("l litre liter", 0.001, 0.0)),
        "h": (("h hr hrs hour hours", 1.0, 0.0), ("min", 1 / 60, 0.0), ("s sec", 1 / 3600, 0.0)),
        "%": (("% percent pct", 1.0, 0.0),),
        "g": (("g", 1.0, 0.0), ("mg", 0.001, 0.0)),
        "kVA": (("kva", 1.0, 0.0), ("va", 0.001, 0.0)), "kvar": (("kvar", 1.0, 0.0), ("var", 0.001, 0.0)),
    }.items()
    for words, factor, offset in forms
    for spelled in words.split()
}  # fmt: skip
"""Unit as a manual spells it, in small letters → the unit of the tags, and what it takes to get there."""


def unit_words(text: str) -> str:
    """The unit of a cell as `UNITS` spells it, "" where it is none."""
    plain = re.sub(r"[\s\[\]()]", "", text.strip().lower()).replace("^", "").replace("·", "")
    return plain if plain in UNITS else ""


_NUMBER = r"[-+]?\d+(?:[.,]\d+)?(?:e[-+]?\d+)?"
_SCALES = (
    (re.compile(rf"1\s*/\s*({_NUMBER})"), -1), (re.compile(rf"(?:/|÷|:|div(?:ide)?(?:d by)?)\s*({_NUMBER})"), -1),
    (re.compile(rf"(?:x|×|\*|·|mul(?:tiply)?(?: by)?)?\s*({_NUMBER})"), 1),
)  # fmt: skip
_POWER = re.compile(r"(?:x|×|\*|·)?\s*10\s*(?:\^|\*\*|e)\s*([-+]?\d{1,2})")


def scale_words(text: str, *, divides: bool = False) -> tuple[float, str] | None:
    """The scale of a cell and the unit beside it: `0.1`, `0,1`, `x0.1`, `/10`, `1/10`, `10^-1`, `0.1 A`, `1 = 0.1 Hz`.

    `divides`: a plain number is a divisor. (1.0, "") for an empty cell, None where it is no scale.
    """
    plain = text.strip().lower()
    if _EMPTY.fullmatch(plain):
        return 1.0, ""
    plain = re.sub(r"^1\s*=\s*", "", plain)
    unit = ""
    if (tail := re.search(r"[\s\d]([^\d\s.,][^\d]*\d?(?:/\w+)?)$", plain)) and unit_words(tail[1]):
        unit, plain = unit_words(tail[1]), plain[: tail.start(1)].strip()
        if not plain:
            return None
    if power := _POWER.fullmatch(plain):
        return 10.0 ** int(power[1]), unit
    for pattern, sign in _SCALES:
        if found := pattern.fullmatch(plain):
            number = float(found[1].replace(",", "."))
            if number == 0:
                return None
            is_divisor = sign < 0 or (divides and plain[0].isdigit())
            return (1 / number if is_divisor else number), unit
    return None
