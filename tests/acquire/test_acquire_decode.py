"""Decoding: every type in every order comes back as it was written; what is no reading is BAD, never clamped."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.links.decode import decoder
from pumpwatch_gui.domain.links.register_map import ORDERS, RANGES, TYPES, Point
from pumpwatch_gui.domain.values.quality import Quality, Reason

FORMATS = {"uint16": ">H", "int16": ">h", "uint32": ">I", "int32": ">i", "uint64": ">Q", "int64": ">q",
           "float32": ">f", "float64": ">d"}  # fmt: skip
EVERYTHING = (-1e308, 1e308)


def registers_of(value: float, kind: str, order: str) -> list[int]:
    """What a device of that order would hold, written out independently of the decoder."""
    data = bytes.fromhex(f"{int(value):0{4 * TYPES[kind]}d}") if "bcd" in kind else struct.pack(FORMATS[kind], value)
    words = [data[i : i + 2] for i in range(0, len(data), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    if order in ("BADC", "DCBA"):
        words = [w[::-1] for w in words]
    return [int.from_bytes(w) for w in words]


def point(kind: str, order: str = "ABCD", **more: object) -> Point:
    return Point("x", "holding", 0, kind, order, **more)  # type: ignore[arg-type]


@st.composite
def written(draw: st.DrawFn) -> tuple[str, str, float]:
    kind = draw(st.sampled_from([*FORMATS, "bcd16", "bcd32"]))
    if kind.startswith("float"):
        value: float = draw(st.floats(width=32 if kind == "float32" else 64, allow_nan=False, allow_infinity=False,
                                      min_value=-(2.0**99), max_value=2.0**99))  # fmt: skip
    else:
        value = draw(st.integers(*RANGES[kind]))
    return kind, draw(st.sampled_from(ORDERS)), value


@given(written(), st.integers(0, 5), st.integers(0, 5))
def test_every_type_in_every_order_comes_back_from_anywhere_in_a_block(
    what: tuple[str, str, float], before: int, after: int
) -> None:
    kind, order, value = what
    block = [0xDEAD] * before + registers_of(value, kind, order) + [0xBEEF] * after
    reading = decoder(point(kind, order), EVERYTHING, before)(block)
    assert reading.value == float(value)  # a frame holds float64: 64-bit integers above 2**53 are rounded
    assert (reading.quality, reading.reason) == (Quality.GOOD, Reason.NONE)


@given(st.integers(0, 0xFFFF), st.integers(0, 15))
def test_a_bit_is_the_one_that_was_asked_for(register: int, bit: int) -> None:
    assert decoder(point("bit", bit=bit), (0, 1), 0)([register]).value == (register >> bit) % 2


@given(st.integers(0, 0xFFFF))
def test_a_register_read_as_bool_is_one_unless_it_is_zero(register: int) -> None:
    assert decoder(point("bool"), (0, 1), 0)([register]).value == (register != 0)


def test_coils_are_zero_or_one() -> None:
    coil = Point("x", "coil", 0, "bool")
    assert [decoder(coil, (0, 1), i)([0, 1, 0]).value for i in range(3)] == [0, 1, 0]


@given(st.integers(-32768, 32767), st.floats(-100, 100), st.floats(-1000, 1000), st.floats(-500, 0), st.floats(0, 500))
def test_a_value_is_scaled_or_bad_but_never_clamped(
    raw: int, scale: float, offset: float, low: float, high: float
) -> None:
    reading = decoder(point("int16", scale=scale, offset=offset), (low, high), 0)([raw & 0xFFFF])
    truth = raw * scale + offset
    if low <= truth <= high:
        assert (reading.value, reading.quality) == (truth, Quality.GOOD)
    else:
        assert math.isnan(reading.value)
        assert (reading.quality, reading.reason) == (Quality.BAD, Reason.OUT_OF_RANGE)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("kind", "sentinel"),
    [("uint16", 65535), ("int16", -32768), ("uint32", 2**32 - 1), ("uint64", 2**64 - 1), ("int64", -(2**63)),
     ("float32", -9999.0), ("bcd16", 9999)],
)  # fmt: skip
def test_the_not_available_value_is_bad_and_its_neighbour_is_not(kind: str, order: str, sentinel: float) -> None:
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
    assert decoder(point("bcd16"), EVERYTHING, 0)([register]).reason is Reason.NOT_A_NUMBER


def test_a_scale_that_overflows_is_bad() -> None:
    reading = decoder(point("float64", scale=1e10), (-1e309, 1e309), 0)(registers_of(1e307, "float64", "ABCD"))
    assert reading.reason is Reason.NOT_A_NUMBER
