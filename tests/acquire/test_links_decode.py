"""Decoding: every type in every order comes back as it went in; what is no value is BAD, never clamped."""

import math
import struct

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pumpwatch_gui.domain.links.decode import decoder, judge_raw, raw_number
from pumpwatch_gui.domain.links.register_map import ORDERS, RANGES, TYPES, Point
from pumpwatch_gui.domain.values.quality import Quality, Reason

FORMATS = {
    "uint16": ">H", "int16": ">h", "uint32": ">I", "int32": ">i", "uint64": ">Q", "int64": ">q",
    "float32": ">f", "float64": ">d",
}  # fmt: skip
EVERYTHING = (-math.inf, math.inf)
# Written down from the meaning of the names, not from the code: the place of each byte (A is the highest) on the wire.
PLACES = {
    2: {"ABCD": "AB", "CDAB": "AB", "BADC": "BA", "DCBA": "BA"},
    4: {"ABCD": "ABCD", "CDAB": "CDAB", "BADC": "BADC", "DCBA": "DCBA"},
    8: {"ABCD": "ABCDEFGH", "CDAB": "GHEFCDAB", "BADC": "BADCFEHG", "DCBA": "HGFEDCBA"},
}


def on_the_wire(data: bytes, order: str) -> list[int]:
    placed = bytes(data["ABCDEFGH".index(letter)] for letter in PLACES[len(data)][order])
    return list(struct.unpack(f">{len(data) // 2}H", placed))


@given(st.sampled_from(sorted(FORMATS)), st.sampled_from(ORDERS), st.data())
def test_a_number_comes_back_as_it_went_in(kind: str, order: str, data: st.DataObject) -> None:
    if kind.startswith("float"):
        number: float | int = data.draw(st.floats(width=int(kind[5:]), allow_nan=False, allow_infinity=False))
    else:
        number = data.draw(st.integers(*RANGES[kind]))
    registers = on_the_wire(struct.pack(FORMATS[kind], number), order)
    assert raw_number(registers, kind, order) == number


@given(st.sampled_from(("bcd16", "bcd32")), st.sampled_from(ORDERS), st.data())
def test_a_bcd_number_reads_as_its_digits(kind: str, order: str, data: st.DataObject) -> None:
    number = data.draw(st.integers(*RANGES[kind]))
    digits = bytes.fromhex(str(number).zfill(4 * TYPES[kind]))
    assert raw_number(on_the_wire(digits, order), kind, order) == number


@given(st.integers(0, 65535))
def test_a_bcd_digit_above_nine_is_not_a_number(word: int) -> None:
    assume(any(digit in "abcdef" for digit in f"{word:04x}"))
    point = Point("t", "holding", 0, "bcd16")
    reading = decoder(point, EVERYTHING, 0)([word])
    assert (reading.quality, reading.reason) == (Quality.BAD, Reason.NOT_A_NUMBER)


@given(st.integers(0, 65535), st.integers(0, 15), st.sampled_from(ORDERS))
def test_a_bit_is_counted_from_the_least(word: int, bit: int, order: str) -> None:
    assert raw_number(on_the_wire(struct.pack(">H", word), order), "bit", order, bit) == (word >> bit) % 2


@given(
    st.integers(0, 65535),
    st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1e-6),
    st.floats(-1e6, 1e6),
    st.integers(0, 9),
)
def test_the_value_is_raw_times_scale_plus_offset(word: int, scale: float, offset: float, at: int) -> None:
    point = Point("t", "holding", 100, "uint16", scale=scale, offset=offset)
    block = [12345] * 10
    block[at] = word
    reading = decoder(point, EVERYTHING, at)(block)
    assert reading.value == word * scale + offset
    assert reading.quality is Quality.GOOD


@given(st.sampled_from(sorted(RANGES)), st.data())
def test_a_sentinel_is_a_sensor_failure(kind: str, data: st.DataObject) -> None:
    number = data.draw(st.integers(*RANGES[kind]))
    reading = judge_raw(number, Point("t", "holding", 0, kind, not_available=(number,)), EVERYTHING)
    assert math.isnan(reading.value)
    assert (reading.quality, reading.reason) == (Quality.BAD, Reason.SENSOR_FAILURE)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("order", ORDERS)
def test_a_float_that_is_no_number_is_bad(kind: str, order: str, number: float) -> None:
    registers = on_the_wire(struct.pack(FORMATS[kind], number), order)
    reading = decoder(Point("t", "holding", 0, kind, order=order), EVERYTHING, 0)(registers)
    assert (reading.quality, reading.reason) == (Quality.BAD, Reason.NOT_A_NUMBER)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(-1e9, 1e9), st.floats(0.001, 1e9))
def test_outside_the_span_is_bad_and_inside_is_untouched(value: float, low: float, width: float) -> None:
    reading = judge_raw(value, Point("t", "holding", 0, "float64"), (low, low + width))
    if low <= value <= low + width:
        assert (reading.value, reading.quality) == (value, Quality.GOOD)
    else:
        assert math.isnan(reading.value)
        assert (reading.quality, reading.reason) == (Quality.BAD, Reason.OUT_OF_RANGE)


@given(st.lists(st.integers(0, 1), min_size=1, max_size=40), st.data())
def test_a_coil_is_picked_by_its_place(bits: list[int], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(bits) - 1))
    assert decoder(Point("t", "coil", at, "bool"), EVERYTHING, at)(bits).value == bits[at]
