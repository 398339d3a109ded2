"""Every documented coding reads right, against encoders that are written from the definitions alone."""

import math
import struct
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pumpwatch_gui.domain.links.codings import TYPES
from pumpwatch_gui.domain.links.decode import EVERYTHING, PointValue, decoder, raw_text, scaled
from pumpwatch_gui.domain.links.register_map import (
    ORDERS,
    SCALE_WORDS,
    CurrentLoop,
    Point,
    ScaleRegister,
    with_scales,
)
from pumpwatch_gui.domain.values.quality import Quality, Reason

Words = list[int]


def point(kind: str, order: str = "ABCD", **more: Any) -> Point:
    return Point("x", "holding", 0, kind, order, **more)


def two_complement(value: int, bits: int) -> int:
    return value if value >= 0 else 2**bits + value


def words_of(whole: int, count: int) -> Words:
    """The registers of an unsigned number, the highest first."""
    return [whole // 65536**i % 65536 for i in reversed(range(count))]


def sent(words: Words, order: str) -> Words:
    """The registers as a device of that order has them: CDAB the last word first, BADC the bytes of each exchanged."""
    out = words[::-1] if order in ("CDAB", "DCBA") else list(words)
    return [w % 256 * 256 + w // 256 for w in out] if order in ("BADC", "DCBA") else out


def bcd(value: int, count: int) -> Words:
    digits = f"{value:0{4 * count}d}"
    return [int(digits[4 * i : 4 * i + 4], 16) for i in range(count)]


def mod10k(value: int, count: int, *, is_signed: bool = False) -> Words:
    sign = -1 if is_signed and value < 0 else 1
    digits = [abs(value) // 10_000**i % 10_000 for i in reversed(range(count))]
    return [two_complement(sign * d, 16) for d in digits]


def sign_and_magnitude(value: int, count: int) -> Words:
    top = 2 ** (16 * count - 1)
    return words_of(abs(value) + (top if value < 0 else 0), count)


@st.composite
def written(draw: st.DrawFn) -> tuple[dict[str, Any], Words, float]:
    """Keys of a point, the registers of the highest word first, and what they mean."""
    family = draw(
        st.sampled_from(("int48", "uint48", "bcd", "sm", "mod10k", "mod10k_signed", "float16", "t5", "t6", "l11"))
    )
    if family in ("int48", "uint48"):
        value = draw(st.integers(-(2**47), 2**47 - 1) if family == "int48" else st.integers(0, 2**48 - 1))
        return {"kind": family}, words_of(two_complement(value, 48), 3), value
    if family == "bcd":
        count = draw(st.integers(1, 4))
        value = draw(st.integers(0, 10 ** (4 * count) - 1))
        return {"kind": f"bcd{16 * count}"}, bcd(value, count), value
    if family == "sm":
        count = draw(st.integers(1, 2))
        top = 2 ** (16 * count - 1) - 1
        value = draw(st.integers(-top, top))
        return {"kind": f"sm{16 * count}"}, sign_and_magnitude(value, count), value
    if family.startswith("mod10k"):
        count, is_signed = draw(st.integers(2, 4)), family == "mod10k_signed"
        top = 10_000**count - 1
        value = draw(st.integers(-top if is_signed else 0, top))
        return {"kind": family, "registers": count}, mod10k(value, count, is_signed=is_signed), value
    if family == "float16":
        half = draw(st.floats(width=16, allow_nan=False, allow_infinity=False))
        return {"kind": family}, [int.from_bytes(struct.pack(">e", half))], half
    if family == "l11":
        mantissa, exponent = draw(st.integers(-1024, 1023)), draw(st.integers(-16, 15))
        word = two_complement(exponent, 5) * 2048 + two_complement(mantissa, 11)
        return {"kind": "exp2_int11"}, [word], float(mantissa * Fraction(2) ** exponent)
    low, high = (0, 2**24 - 1) if family == "t5" else (-(2**23), 2**23 - 1)
    mantissa, exponent = draw(st.integers(low, high)), draw(st.integers(-10, 10))
    whole = two_complement(exponent, 8) * 2**24 + two_complement(mantissa, 24)
    kind = "exp10_uint24" if family == "t5" else "exp10_int24"
    return {"kind": kind}, words_of(whole, 2), float(mantissa * Fraction(10) ** exponent)


@given(written(), st.sampled_from(ORDERS), st.integers(0, 4), st.integers(0, 4))
def test_what_the_definition_encodes_is_read(
    what: tuple[dict[str, Any], Words, float], order: str, before: int, after: int
) -> None:
    keys, words, value = what
    block = [0xDEAD] * before + sent(words, order) + [0xBEEF] * after
    p = point(keys["kind"], order, registers=keys.get("registers", 0))
    assert p.size == len(words)
    reading = decoder(p, EVERYTHING, before)(block)
    assert reading == PointValue(float(value), Quality.GOOD, Reason.NONE)


@given(st.integers(0, 65535), st.sampled_from(("ABCD", "BADC")))
def test_each_half_of_a_register_is_a_byte(word: int, order: str) -> None:
    high, low = divmod(word, 256)
    for byte, content in (("high", high), ("low", low)):
        registers = sent([word], order)
        assert decoder(point("uint8", order, byte=byte), EVERYTHING, 0)(registers).value == content
        signed = content - 256 if content > 127 else content
        assert decoder(point("int8", order, byte=byte), EVERYTHING, 0)(registers).value == signed


@given(st.integers(1, 4), st.data(), st.sampled_from(ORDERS))
def test_a_bit_field_is_what_its_bits_spell(count: int, data: st.DataObject, order: str) -> None:
    whole = data.draw(st.integers(0, 2 ** (16 * count) - 1))
    bit = data.draw(st.integers(0, 16 * count - 1))
    bits = data.draw(st.integers(1, 16 * count - bit))
    spelled = f"{whole:0{16 * count}b}"[::-1]  # the least first
    registers = sent(words_of(whole, count), order)
    field = point("bits", order, bit=bit, bits=bits, registers=count)
    assert decoder(field, EVERYTHING, 0)(registers).value == int(spelled[bit : bit + bits][::-1], 2)
    single = point("bit", order, bit=bit, registers=count)
    assert decoder(single, EVERYTHING, 0)(registers).value == int(spelled[bit])


@given(st.integers(2, 4), st.data())
def test_a_word_above_9999_is_no_digit_of_base_10000(count: int, data: st.DataObject) -> None:
    words = data.draw(st.lists(st.integers(0, 9999), min_size=count, max_size=count))
    words[data.draw(st.integers(0, count - 1))] = data.draw(st.integers(10_000, 65535))
    reading = decoder(point("mod10k", registers=count), EVERYTHING, 0)(words)
    assert (reading.quality, reading.reason) == (Quality.BAD, Reason.NOT_A_NUMBER)


@pytest.mark.parametrize("words", [[1, 0xFFFF], [0xFFFF, 1], [10_000, 0], [0x8000, 0]])
def test_signed_base_10000_has_one_sign(words: Words) -> None:
    assert decoder(point("mod10k_signed"), EVERYTHING, 0)(words).reason is Reason.NOT_A_NUMBER


@given(st.integers(1, 4), st.data())
def test_a_digit_above_nine_is_no_bcd(count: int, data: st.DataObject) -> None:
    digits = data.draw(
        st.lists(st.integers(0, 15), min_size=4 * count, max_size=4 * count).filter(lambda d: max(d) > 9)
    )
    words = words_of(int("".join(f"{d:x}" for d in digits), 16), count)
    assert decoder(point(f"bcd{16 * count}"), EVERYTHING, 0)(words).reason is Reason.NOT_A_NUMBER


@given(st.integers(0, 2**24 - 1), st.integers(-128, 127).filter(lambda e: abs(e) > 10))
def test_an_exponent_beyond_ten_is_no_number(mantissa: int, exponent: int) -> None:
    words = words_of(two_complement(exponent, 8) * 2**24 + mantissa, 2)
    assert decoder(point("exp10_uint24"), EVERYTHING, 0)(words).reason is Reason.NOT_A_NUMBER


@pytest.mark.parametrize("word", [0x7C00, 0xFC00, 0x7E00, 0xFFFF])
def test_half_floats_that_are_infinite_or_none_are_bad(word: int) -> None:
    assert decoder(point("float16"), EVERYTHING, 0)([word]).reason is Reason.NOT_A_NUMBER


# ---------------------------------------------------------------- "no reading"


@pytest.mark.parametrize(
    ("kind", "said", "words"),
    [
        ("int16", 32768, [0x8000]), ("int16", -32768, [0x8000]), ("int16", 65535, [0xFFFF]),
        ("int16", 0x7FFF, [0x7FFF]),
        ("int32", 0x80000000, [0x8000, 0]), ("int32", -(2**31), [0x8000, 0]), ("int64", 2**63, [0x8000, 0, 0, 0]),
        ("int48", 2**47, [0x8000, 0, 0]), ("int8", 255, [0x12FF]), ("int8", -1, [0x12FF]), ("uint8", 255, [0x12FF]),
        ("sm16", 0x8000, [0x8000]), ("sm16", -5, [0x8005]), ("bcd16", 0xFFFF, [0xFFFF]),
        ("bcd32", 2**32 - 1, [0xFFFF] * 2),
        ("mod10k", 2**32 - 1, [0xFFFF] * 2), ("exp10_int24", 0x7FFFFFFF, [0x7FFF, 0xFFFF]), ("exp2_int11", 0, [0]),
        ("float16", -1.0, [0xBC00]),
    ],
)  # fmt: skip
def test_no_reading_may_be_said_as_a_number_or_as_the_pattern(kind: str, said: int, words: Words) -> None:
    for order in ORDERS:
        reading = decoder(point(kind, order, not_available=(said,)), EVERYTHING, 0)(sent(words, order))
        assert (reading.quality, reading.reason) == (Quality.BAD, Reason.SENSOR_FAILURE)


# ---------------------------------------------------------------- scale in another register

MEANINGS: Mapping[str, Callable[[int, int], Fraction]] = {
    "scale_register": lambda raw, by: Fraction(raw) * by,
    "divisor_register": lambda raw, by: Fraction(raw) / by,
    "exponent_register": lambda raw, by: Fraction(raw) * Fraction(10) ** by,
    "decimals_register": lambda raw, by: Fraction(raw) / Fraction(10) ** by,
}


def read_scaled(how: str, raw: int, by: int, span: tuple[float, float] = EVERYTHING, **more: Any) -> PointValue:
    p = Point("x", "holding", 10, "int16", scaled_by=ScaleRegister(how, 90, SCALE_WORDS[how]), **more)
    own, scale = with_scales([p])
    held = {own.tag: [raw % 65536], scale.tag: [by % 65536]}
    readings = {q.tag: decoder(q, EVERYTHING if q is scale else span, 0)(held[q.tag]) for q in (own, scale)}
    scaled([p], {"x": span})(readings)
    assert list(readings) == ["x"]
    return readings["x"]


def test_every_way_to_scale_has_its_meaning_here() -> None:
    assert set(MEANINGS) == set(SCALE_WORDS)


@given(st.sampled_from(tuple(MEANINGS)), st.integers(-32768, 32767), st.data())
def test_the_scale_register_scales(how: str, raw: int, data: st.DataObject) -> None:
    by = data.draw({"exponent_register": st.integers(-10, 10), "decimals_register": st.integers(0, 10)}.get(
        how, st.integers(1, 65535)))  # fmt: skip
    reading = read_scaled(how, raw, by)
    assert reading == PointValue(float(MEANINGS[how](raw, by)), Quality.GOOD, Reason.NONE)


@given(st.integers(-32768, 32767), st.integers(0, 4), st.integers(1, 50), st.integers(-100, 100))
def test_scale_and_offset_apply_on_top(raw: int, decimals: int, scale: int, offset: int) -> None:
    reading = read_scaled("decimals_register", raw, decimals, scale=float(scale), offset=float(offset))
    assert reading.value == pytest.approx(raw / 10**decimals * scale + offset, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize(
    ("how", "by"),
    [("scale_register", 0), ("divisor_register", 0), ("exponent_register", 11), ("exponent_register", -11),
     ("exponent_register", -32768), ("decimals_register", -1), ("decimals_register", 11)],
)  # fmt: skip
def test_a_register_that_holds_no_scale_makes_its_tag_bad(how: str, by: int) -> None:
    reading = read_scaled(how, 100, by)
    assert math.isnan(reading.value)
    assert (reading.quality, reading.reason) == (Quality.BAD, Reason.CONFIGURATION_ERROR)


def test_the_span_and_the_sentinel_hold_for_scaled_tags_too() -> None:
    assert read_scaled("exponent_register", 100, 2, (0.0, 9999.0)).reason is Reason.OUT_OF_RANGE
    assert read_scaled("exponent_register", 9999, 0, (0.0, 9999.0)).quality is Quality.GOOD
    assert read_scaled("exponent_register", -32768, 0, not_available=(-32768,)).reason is Reason.SENSOR_FAILURE


def test_a_tag_is_bad_with_its_scale_and_missing_without() -> None:
    p = Point("x", "holding", 10, "int16", scaled_by=ScaleRegister("scale_register", 90, "float32"))
    own, scale = with_scales([p])
    finish = scaled([p], {"x": EVERYTHING})
    read = {own.tag: decoder(own, EVERYTHING, 0)([7]), scale.tag: decoder(scale, EVERYTHING, 0)([0x7FC0, 0])}
    finish(read)
    assert {tag: r.reason for tag, r in read.items()} == {"x": Reason.NOT_A_NUMBER}
    alone = {own.tag: decoder(own, EVERYTHING, 0)([7])}
    finish(alone)
    assert alone == {}


def test_two_tags_with_one_scale_register_read_it_once() -> None:
    by = ScaleRegister("exponent_register", 90, "int16")
    points = with_scales([Point(t, "input", a, "int16", scaled_by=by) for t, a in (("a", 1), ("b", 2))])
    assert [(p.table, p.address) for p in points] == [("input", 1), ("input", 2), ("input", 90)]


# ---------------------------------------------------------------- 4-20 mA

LOOPS = [((0, 65535), (0.0, 20.0)), ((0, 27648), (4.0, 20.0)), ((4000, 20000), (4.0, 20.0)),
         ((-32768, 32767), (-20.0, 20.0)), ((20000, 4000), (20.0, 4.0))]  # fmt: skip


@given(st.sampled_from(LOOPS), st.floats(-1.0, 24.0), st.sampled_from(((0.0, 16.0), (-1.0, 5.0), (100.0, 0.0))))
@example(((4000, 20000), (4.0, 20.0)), 3.8, (0.0, 16.0))
@example(((4000, 20000), (4.0, 20.0)), 20.5, (0.0, 16.0))
@example(((4000, 20000), (4.0, 20.0)), 3.6, (0.0, 16.0))
@example(((20000, 4000), (20.0, 4.0)), 3.8, (0.0, 16.0))
def test_a_current_loop_is_judged_by_namur_ne_43(
    loop: tuple[tuple[int, int], tuple[float, float]], current: float, value: tuple[float, float]
) -> None:
    (raw_low, raw_high), (ma_low, ma_high) = loop
    raw = round(raw_low + (current - ma_low) * (raw_high - raw_low) / (ma_high - ma_low))
    kind = "int16" if raw_low < 0 else "uint16"
    if not -32768 <= raw <= 32767 if kind == "int16" else not 0 <= raw <= 65535:
        return
    p = point(kind, current_loop=CurrentLoop((raw_low, raw_high), (ma_low, ma_high), value))
    reading = decoder(p, (min(value), max(value)), 0)([raw % 65536])
    true = Fraction(ma_low) + Fraction(raw - raw_low) * Fraction(ma_high - ma_low) / (raw_high - raw_low)
    if true < Fraction(36, 10) or true > 21:
        assert (reading.quality, reading.reason) == (Quality.BAD, Reason.SENSOR_FAILURE)
        return
    assert reading.value == pytest.approx(float(value[0] + (true - 4) / 16 * Fraction(value[1] - value[0])), abs=1e-6)
    is_at_its_end = true < Fraction(38, 10) or true > Fraction(205, 10)
    assert reading.quality is (Quality.UNCERTAIN if is_at_its_end else Quality.GOOD)
    assert reading.reason is (Reason.SIGNAL_LIMIT if is_at_its_end else Reason.NONE)


def test_a_loop_wider_than_the_span_is_still_held_to_the_span() -> None:
    p = point("uint16", current_loop=CurrentLoop((4000, 20000), (4.0, 20.0), (0.0, 16.0)))
    read = decoder(p, (0.0, 10.0), 0)
    assert read([14001]).reason is Reason.OUT_OF_RANGE
    assert read([3900]).quality is Quality.GOOD


# ---------------------------------------------------------------- registers of four bytes


@given(
    st.sampled_from(("uint16", "int16", "uint32", "int32", "float32", "uint64", "sm32", "uint8", "float64")), st.data()
)
def test_registers_of_four_bytes_hold_every_type(kind: str, data: st.DataObject) -> None:
    form = {"float32": ">f", "float64": ">d"}.get(kind)
    if form:
        value: float = data.draw(
            st.floats(width=32 if kind == "float32" else 64, allow_nan=False, allow_infinity=False)
        )
        packed = struct.pack(form, value)
    else:
        bits = int("".join(filter(str.isdigit, kind)))
        low, high = (0, 2**bits - 1) if kind[0] == "u" else (-(2 ** (bits - 1)) + (kind[0] == "s"), 2 ** (bits - 1) - 1)
        value = data.draw(st.integers(low, high))
        width = max(bits, 32) // 8
        whole = 2 ** (bits - 1) - value if kind == "sm32" and value < 0 else two_complement(int(value), 8 * width)
        packed = whole.to_bytes(width)
    registers = list(struct.unpack(f">{len(packed) // 4}I", packed))
    p = point(kind, register_bytes=4)
    assert p.size == len(registers)
    assert decoder(p, EVERYTHING, 0)(registers).value == float(value)


@pytest.mark.parametrize(
    ("kind", "register"), [("uint16", 0x10000), ("int16", 0x8000), ("int16", 0xFFFF7FFF), ("bcd16", 0x10000)]
)
def test_more_than_the_type_holds_is_no_number(kind: str, register: int) -> None:
    assert decoder(point(kind, register_bytes=4), EVERYTHING, 0)([register]).reason is Reason.NOT_A_NUMBER


@pytest.mark.parametrize("order", ["ABCD", "CDAB"])
def test_the_halves_of_a_register_of_four_bytes_can_be_exchanged(order: str) -> None:
    register = 0x000105C8 if order == "ABCD" else 0x05C80001
    assert decoder(point("uint32", order, register_bytes=4), EVERYTHING, 0)([register]).value == 0x105C8


# ---------------------------------------------------------------- texts


@pytest.mark.parametrize(
    ("packed", "order", "text"),
    [(b"FC-302 P1K5\0", "ABCD", "FC-302 P1K5"), (b"CF3-20P K1", "BADC", "FC-302 P1K"),
     (b"xxxxxxxxxxxx", "ABCD", "xxxxxxxxxxxx"), (b"\0" * 12, "ABCD", ""), (b"A 7     ", "ABCD", "A 7")],
)  # fmt: skip
def test_an_identity_text_ends_at_its_filling(packed: bytes, order: str, text: str) -> None:
    registers = list(struct.unpack(f">{len(packed) // 2}H", packed))
    assert raw_text(point("text", order, registers=len(registers)), registers) == text


def test_every_type_is_tried_somewhere() -> None:
    plain = {
        "bool",
        "bit",
        "uint16",
        "int16",
        "uint32",
        "int32",
        "uint64",
        "int64",
        "float32",
        "float64",
    }  # test_decode
    here = {"bits", "uint8", "int8", "uint48", "int48", "float16", "sm16", "sm32", "mod10k", "mod10k_signed",
            "exp10_uint24", "exp10_int24", "exp2_int11", *(f"bcd{n}" for n in (16, 32, 48, 64))}  # fmt: skip
    assert plain | here == set(TYPES)
