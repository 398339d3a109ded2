"""Decoding: every type in every order comes back as it was written; what is no value is BAD, never clamped."""

import math
import struct
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pumpwatch_gui.domain.links.codings import TYPES, Number
from pumpwatch_gui.domain.links.decode import decoder, judge_value, raw_number
from pumpwatch_gui.domain.links.register_map import ORDERS, Point
from pumpwatch_gui.domain.values.quality import Quality, Reason

FORMATS = {
    "uint16": ">H", "int16": ">h", "uint32": ">I", "int32": ">i", "uint64": ">Q", "int64": ">q",
    "float32": ">f", "float64": ">d",
}  # fmt: skip
EVERYTHING = (-math.inf, math.inf)
RANGES = {
    "bool": (0, 1), "bit": (0, 1), "bcd16": (0, 9999), "bcd32": (0, 99_999_999),
    **{f"uint{n}": (0, 2**n - 1) for n in (16, 32, 64)},
    **{f"int{n}": (-(2 ** (n - 1)), 2 ** (n - 1) - 1) for n in (16, 32, 64)},
}  # fmt: skip
# Written down from the meaning of the names, not from the code: the place of each byte (A is the highest) on the wire.
PLACES = {
    2: {"ABCD": "AB", "CDAB": "AB", "BADC": "BA", "DCBA": "BA"},
    4: {"ABCD": "ABCD", "CDAB": "CDAB", "BADC": "BADC", "DCBA": "DCBA"},
    8: {"ABCD": "ABCDEFGH", "CDAB": "GHEFCDAB", "BADC": "BADCFEHG", "DCBA": "HGFEDCBA"},
}


def on_the_wire(content: bytes, order: str) -> list[int]:
    placed = bytes(content["ABCDEFGH".index(letter)] for letter in PLACES[len(content)][order])
    return list(struct.unpack(f">{len(content) // 2}H", placed))


def registers_of(value: Number, kind: str, order: str) -> list[int]:
    """What a device of that order would hold."""
    if "bcd" in kind:
        return on_the_wire(bytes.fromhex(str(value).zfill(4 * TYPES[kind])), order)
    return on_the_wire(struct.pack(FORMATS[kind], value), order)


def point(kind: str, order: str = "ABCD", **more: object) -> Point:
    return Point("x", "holding", 0, kind, order, **more)  # type: ignore[arg-type]


@st.composite
def written(draw: st.DrawFn) -> tuple[str, str, Number]:
    kind = draw(st.sampled_from([*FORMATS, "bcd16", "bcd32"]))
    if kind.startswith("float"):
        value: Number = draw(st.floats(width=32 if kind == "float32" else 64, allow_nan=False, allow_infinity=False))
    else:
        value = draw(st.integers(*RANGES[kind]))
    return kind, draw(st.sampled_from(ORDERS)), value


@given(written())
def test_a_number_comes_back_as_it_went_in(what: tuple[str, str, Number]) -> None:
    kind, order, value = what
    assert raw_number(point(kind, order), registers_of(value, kind, order)) == value


@given(written(), st.integers(0, 5), st.integers(0, 5))
def test_every_type_in_every_order_comes_back_from_anywhere_in_a_block(
    what: tuple[str, str, Number], before: int, after: int
) -> None:
    kind, order, value = what
    block = [0xDEAD] * before + registers_of(value, kind, order) + [0xBEEF] * after
    reading = decoder(point(kind, order), EVERYTHING, before)(block)
    assert reading.value == float(value)  # a frame holds float64: 64-bit integers above 2**53 are rounded
    assert (reading.quality, reading.reason) == (Quality.GOOD, Reason.NONE)


@given(st.integers(0, 0xFFFF), st.integers(0, 15), st.sampled_from(ORDERS))
def test_a_bit_is_counted_from_the_least(word: int, bit: int, order: str) -> None:
    assert raw_number(point("bit", order, bit=bit), on_the_wire(struct.pack(">H", word), order)) == (word >> bit) % 2
    assert decoder(point("bit", bit=bit), (0, 1), 0)([word]).value == (word >> bit) % 2


@given(st.integers(0, 0xFFFF))
def test_a_register_read_as_bool_is_one_unless_it_is_zero(register: int) -> None:
    assert decoder(point("bool"), (0, 1), 0)([register]).value == (register != 0)


@given(st.lists(st.integers(0, 1), min_size=1, max_size=40), st.data())
def test_a_coil_is_picked_by_its_place(bits: list[int], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(bits) - 1))
    assert decoder(Point("t", "coil", at, "bool"), EVERYTHING, at)(bits).value == bits[at]


@given(
    st.integers(-32768, 32767), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(-500, 0), st.floats(0, 500),
    st.integers(0, 9),
)  # fmt: skip
def test_a_value_is_raw_times_scale_plus_offset_or_bad_but_never_clamped(
    raw: int, scale: float, offset: float, low: float, high: float, at: int
) -> None:
    assume(abs(scale) >= 1 or not scale or 1 / round(1 / scale) != scale)
    block = [12345] * 10
    block[at] = raw & 0xFFFF
    p = point("int16", scale=scale, offset=offset)
    value = raw * scale + offset
    assert decoder(p, EVERYTHING, at)(block).value == value
    reading = decoder(p, (low, high), at)(block)
    if low <= value <= high:
        assert (reading.value, reading.quality, reading.reason) == (value, Quality.GOOD, Reason.NONE)
    else:
        assert math.isnan(reading.value)
        assert (reading.quality, reading.reason) == (Quality.BAD, Reason.OUT_OF_RANGE)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(-1e9, 1e9), st.floats(0.001, 1e9))
def test_outside_the_span_is_bad_and_inside_is_untouched(value: float, low: float, width: float) -> None:
    reading = judge_value(value, (low, low + width))
    if low <= value <= low + width:
        assert (reading.value, reading.quality) == (value, Quality.GOOD)
    else:
        assert math.isnan(reading.value)
        assert (reading.quality, reading.reason) == (Quality.BAD, Reason.OUT_OF_RANGE)


@given(st.sampled_from(sorted(RANGES)), st.data())
def test_a_sentinel_is_a_sensor_failure(kind: str, data: st.DataObject) -> None:
    number = data.draw(st.integers(*RANGES[kind]))
    registers = [number] if kind in ("bool", "bit") else registers_of(number, kind, "ABCD")
    reading = decoder(point(kind, not_available=(number,)), EVERYTHING, 0)(registers)
    assert math.isnan(reading.value)
    assert (reading.quality, reading.reason) == (Quality.BAD, Reason.SENSOR_FAILURE)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("kind", "sentinel"),
    [("uint16", 65535), ("int16", -32768), ("uint32", 2**32 - 1), ("uint64", 2**64 - 1), ("int64", -(2**63)),
     ("float32", -9999.0), ("bcd16", 9999)],
)  # fmt: skip
def test_the_not_available_value_is_bad_and_its_neighbour_is_not(kind: str, order: str, sentinel: Number) -> None:
    decode = decoder(point(kind, order, not_available=(sentinel,)), EVERYTHING, 0)
    assert decode(registers_of(sentinel, kind, order)).reason is Reason.SENSOR_FAILURE
    neighbour = sentinel - 1 if sentinel > 0 else sentinel + 1
    assert decode(registers_of(neighbour, kind, order)).quality is Quality.GOOD


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_are_bad(kind: str, order: str, value: float) -> None:
    reading = decoder(point(kind, order), EVERYTHING, 0)(registers_of(value, kind, order))
    assert (reading.quality, reading.reason) == (Quality.BAD, Reason.NOT_A_NUMBER)
    assert math.isnan(reading.value)


@given(st.integers(0, 0xFFFF).filter(lambda r: any(d in "abcdef" for d in f"{r:04x}")))
def test_a_bcd_register_with_a_digit_above_nine_is_bad(register: int) -> None:
    reading = decoder(point("bcd16"), EVERYTHING, 0)([register])
    assert (reading.quality, reading.reason) == (Quality.BAD, Reason.NOT_A_NUMBER)


@given(st.integers(-32768, 32767), st.one_of(st.integers(1, 10_000), st.sampled_from([10**n for n in range(10)])))
def test_a_part_of_one_as_scale_is_rounded_once(raw: int, parts: int) -> None:
    found = decoder(point("int16", scale=1 / parts), EVERYTHING, 0)([raw & 0xFFFF])
    assert found.value == float(Fraction(raw, parts))


def test_a_scale_that_overflows_is_bad() -> None:
    reading = decoder(point("float64", scale=1e10), EVERYTHING, 0)(registers_of(1e307, "float64", "ABCD"))
    assert reading.reason is Reason.NOT_A_NUMBER


def test_a_bit_that_is_not_named_is_the_least() -> None:
    assert [raw_number(point("bit"), [word]) for word in (0, 1, 2, 3)] == [0, 1, 0, 1]
