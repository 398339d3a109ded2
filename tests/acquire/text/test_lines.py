"""Framer, checksums and formats: nothing but whole, believed lines comes out, however the bytes were cut."""

import json
from functools import reduce
from math import isnan, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.acquire.crc16 import crc16
from pumpwatch_gui.acquire.text.checksum import ChecksumCheck, xor_of
from pumpwatch_gui.acquire.text.config import ChecksumRule, LineFormat
from pumpwatch_gui.acquire.text.formats import LineParser, Values
from pumpwatch_gui.acquire.text.line_framing import LONGEST, LineFramer
from pumpwatch_gui.acquire.text.refusal import DropReason, LineRefused
from pumpwatch_gui.files.shipped import shipped

TAGS = ("motor_rpm", "flow_rate_l_min", "oil_pressure_bar")
VALUES: dict[str, float | None] = {"motor_rpm": 1480.0, "flow_rate_l_min": 1450.5, "oil_pressure_bar": -0.25}
LINES = {
    "json": b'{"Motor_RPM": 1480, "FLOW_rate_l_min": 1.4505e3, "oil_pressure_bar": -0.25, "note": "x", "t": [1]}',
    "csv": b"1480;1450.5;-.25",
    "kv": b"motor_rpm:1480\tFlow_Rate_L_Min: 1450.5, oil_pressure_bar:-0.25 other:7",
    "nmea": b"$PUMP,1480,1450.5,-0.25",
}
FORMATS = tuple(form.value for form in LineFormat)
EOLS = (b"\r", b"\n", b"\r\n")


def parser(
    form: str, *, tags: tuple[str, ...] = TAGS, columns: tuple[str, ...] = (), checksum: str = "if-present"
) -> LineParser:
    columns = columns or (TAGS if form in ("csv", "nmea") else ())
    return LineParser(LineFormat(form), tags=tags, columns=columns, checksum=ChecksumRule(checksum))


def summed(line: bytes, digits: int = 2) -> bytes:
    text = line.decode().removeprefix("$")
    return line + (b"*%02X" % xor_of(text) if digits == 2 else b"*%04x" % crc16(text.encode()))


def refusal(form: str, line: bytes, **settings: Any) -> DropReason:
    with pytest.raises(LineRefused) as caught:
        parser(form, **settings).parse(line)
    assert caught.value.why
    return caught.value.reason


def cut(data: bytes, at: list[int]) -> list[bytes]:
    ends = sorted({min(i, len(data)) for i in at} | {len(data)})
    return [data[a:b] for a, b in zip([0, *ends], ends, strict=False)]


streams = st.lists(
    st.one_of(st.binary(max_size=40), st.sampled_from(EOLS), st.integers(900, 3000).map(lambda n: b"x" * n)),
    max_size=30,
).map(b"".join)


@given(streams, st.lists(st.integers(0, 20000), max_size=60))
def test_any_cutting_of_the_stream_gives_the_same_lines_and_counts(data: bytes, at: list[int]) -> None:
    whole, pieces = LineFramer(), LineFramer()
    expected = whole.feed(data)
    found = [line for piece in cut(data, at) for line in pieces.feed(piece)]
    assert found == expected
    assert pieces.dropped == whole.dropped
    assert pieces.held == whole.held


@given(streams, st.lists(st.integers(0, 20000), max_size=60))
def test_every_line_is_one_that_stood_whole_in_the_stream(data: bytes, at: list[int]) -> None:
    framer = LineFramer()
    there = data.replace(b"\r", b"\n").split(b"\n")[1:-1]
    for piece in cut(data, at):
        for line in framer.feed(piece):
            assert line in there
            assert 0 < len(line) <= LONGEST
        assert framer.held <= LONGEST


def test_a_line_is_dropped_up_to_the_first_end_after_opening_and_counted() -> None:
    framer = LineFramer()
    assert framer.feed(b'm": 3}\r\nwhole\r') == [b"whole"]
    assert framer.dropped == {DropReason.HALF_LINE: 1}


def test_a_megabyte_without_an_end_is_dropped_in_bounded_memory_and_the_next_line_is_read() -> None:
    framer = LineFramer()
    framer.feed(b"\n")
    for _ in range(1024):
        framer.feed(b"9" * 1024)
        assert framer.held <= LONGEST
    assert framer.feed(b"tail\nnext\n") == [b"next"]
    assert framer.dropped == {DropReason.TOO_LONG: 1}


def test_a_line_of_exactly_the_limit_passes_and_one_byte_more_does_not() -> None:
    framer = LineFramer()
    assert framer.feed(b"\n" + b"a" * LONGEST + b"\n" + b"b" * (LONGEST + 1) + b"\n") == [b"a" * LONGEST]


def test_the_checksums_are_the_published_ones() -> None:
    assert crc16(b"123456789") == 0x4B37
    assert xor_of("GPGLL,5300.97914,N,00259.98174,E,125926,A") == 0x28


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("digits", [0, 2, 4])
def test_a_line_of_every_format_is_read_with_and_without_a_checksum(form: str, digits: int) -> None:
    line = summed(LINES[form], digits) if digits else LINES[form]
    assert parser(form).parse(line) == VALUES
    if digits:
        assert parser(form, checksum="required").parse(line) == VALUES
        assert parser(form, checksum="none").parse(line) == VALUES


@pytest.mark.parametrize("form", FORMATS)
@given(data=st.data())
def test_no_single_damage_of_a_checked_line_is_believed(form: str, data: st.DataObject) -> None:
    line = summed(LINES[form], data.draw(st.sampled_from((2, 4))))
    at = data.draw(st.integers(0, len(line) - 1))
    damage = data.draw(st.sampled_from(("lost", "inverted bit", "cut off")))
    flipped = line[:at] + bytes((line[at] ^ 1 << data.draw(st.integers(0, 7)),)) + line[at + 1 :]
    damaged = {"lost": line[:at] + line[at + 1 :], "inverted bit": flipped, "cut off": line[:at]}[damage]
    try:
        found = parser(form, checksum="required").parse(damaged)
    except LineRefused:
        return
    assert found == VALUES, damaged  # only the case of a letter of the checksum itself


@pytest.mark.parametrize("form", FORMATS)
@given(data=st.data())
def test_no_bytes_make_a_parser_raise_anything_else(form: str, data: st.DataObject) -> None:
    noise = st.one_of(st.binary(max_size=80), st.text('{}[]":,;*$:.-+eE0123456789na \t', max_size=80).map(str.encode))
    checked = parser(form, checksum=data.draw(st.sampled_from([rule.value for rule in ChecksumRule])))
    for line in data.draw(st.lists(noise, max_size=5)):
        try:
            values = checked.parse(line)
        except LineRefused:
            continue
        assert values is None or all(v is None or isinstance(v, float) for v in values.values())


def test_a_device_that_has_sent_a_checksum_must_go_on_sending_it() -> None:
    check = ChecksumCheck(ChecksumRule.IF_PRESENT)
    assert check.strip("a:1") == "a:1"
    assert check.strip(summed(b"a:1").decode()) == "a:1"
    with pytest.raises(LineRefused, match="no checksum"):
        check.strip("a:1")


@pytest.mark.parametrize(
    ("rule", "line", "kind"),
    [("required", "a:1", "no checksum"), ("nmea", "a:1", "no checksum"), ("if-present", "a:1*", "checksum"),
     ("if-present", "a:1*5", "checksum"), ("if-present", "a:1*5G", "checksum"), ("if-present", "a:1*00", "checksum"),
     ("required", "a:1*0000", "checksum"), ("nmea", summed(b"a:1", 4).decode(), "checksum")],
)  # fmt: skip
def test_a_wrong_or_missing_checksum_is_refused_by_its_kind(rule: str, line: str, kind: str) -> None:
    with pytest.raises(LineRefused) as caught:
        ChecksumCheck(ChecksumRule(rule)).strip(line)
    assert caught.value.reason is DropReason(kind)


@pytest.mark.parametrize(
    ("form", "line", "kind"),
    [
        ("json", b'{"motor_rpm": 1480, "flow_rate_l_min": 1450.5}', "fields"),
        ("json", b'{"motor_rpm": 1, "Motor_RPM": 2, "flow_rate_l_min": 3, "oil_pressure_bar": 1}', "fields"),
        ("json", b'{"motor_rpm": "1480", "flow_rate_l_min": 3, "oil_pressure_bar": 1}', "number"),
        ("json", b'{"motor_rpm": true, "flow_rate_l_min": 3, "oil_pressure_bar": 1}', "number"),
        ("json", b'{"motor_rpm": 1,5, "flow_rate_l_min": 3, "oil_pressure_bar": 1}', "syntax"),
        ("json", b"[1, 2, 3]", "syntax"), ("json", b"1480", "syntax"), ("json", b"[" * 1000, "syntax"),
        ("json", LINES["json"] + b"}", "syntax"), ("json", LINES["json"][:-1], "syntax"),
        ("csv", b"1480;1450,5;-0.25", "number"), ("csv", b"1480,1450,5,-0,25", "fields"),
        ("csv", b"1480;1450.5", "fields"), ("csv", b"1480;1450.5;-0.25;", "fields"), ("csv", b"1480;0x10;1", "number"),
        ("csv", b"1480;1_000;1", "number"), ("csv", b"1480;14 50;1", "number"), ("csv", b"1480;1.4.5;1", "number"),
        ("csv", b"1480;two;1", "number"), ("csv", b"boot ok", "header"),
        ("kv", b"motor_rpm:1480 flow_rate_l_min:1450,5 oil_pressure_bar:1", "syntax"),
        ("kv", b"motor_rpm:1480 flow_rate_l_min:12abc oil_pressure_bar:1", "number"),
        ("kv", b"motor_rpm:1480 motor_rpm:1480 flow_rate_l_min:1 oil_pressure_bar:1", "fields"),
        ("kv", b"motor_rpm:1480", "fields"), ("kv", b"1480", "syntax"),
        ("nmea", b"PUMP,1480,1450.5,-0.25", "syntax"), ("nmea", b"$PUMP,1480,1450.5", "fields"),
        ("nmea", b"$,1480,1450.5,-0.25", "syntax"), ("csv", b"1480;1450.5;\xff", "not ASCII"),
        ("json", "{\"motor_rpm\": 1, \"\u00b5\": 2}".encode(), "not ASCII"), ("kv", b"motor_rpm:\x001", "not ASCII"),
    ],
)  # fmt: skip
def test_a_line_that_is_not_right_is_refused_whole_by_its_kind(form: str, line: bytes, kind: str) -> None:
    assert refusal(form, line) is DropReason(kind)


def test_a_sensor_that_says_it_has_no_value_leaves_the_others_standing() -> None:
    line = b'{"motor_rpm": null, "flow_rate_l_min": NaN, "oil_pressure_bar": 1e999}'
    found = parser("json").parse(line)
    assert found is not None
    assert found["motor_rpm"] is None
    assert all(isnan(found[t] or 0.0) for t in TAGS[1:])
    found = parser("csv").parse(b",nan,OVF")
    assert found is not None
    assert (found["motor_rpm"], isnan(found["flow_rate_l_min"] or 0), isnan(found["oil_pressure_bar"] or 0)) == (
        None, True, True)  # fmt: skip


def test_a_byte_order_mark_before_a_line_is_no_content() -> None:
    assert parser("json", columns=("motor_rpm",)).parse(b'\xef\xbb\xbf{"motor_rpm": 1480}') == {"motor_rpm": 1480.0}


def test_the_columns_say_what_a_line_brings() -> None:
    assert parser("json", columns=("motor_rpm",)).parse(b'{"MOTOR_rpm": 5}') == {"motor_rpm": 5.0}
    assert parser("csv", columns=("t", "Motor_RPM")).parse(b"99,5") == {"motor_rpm": 5.0}
    named = parser("nmea", columns=("$PUMP", "motor_rpm"))
    assert named.parse(b"$PUMP,5") == {"motor_rpm": 5.0}
    assert named.parse(b"$OTHER,1,2,3") is None


def test_columns_that_name_no_tag_are_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"^columns: "):
        LineParser(LineFormat.CSV, tags=TAGS, columns=("a", "b"), checksum=ChecksumRule.NONE)


def test_a_header_in_the_stream_names_the_fields_and_a_later_one_takes_over() -> None:
    own = LineParser(LineFormat.CSV, tags=TAGS, columns=(), checksum=ChecksumRule.IF_PRESENT)
    with pytest.raises(LineRefused, match="no header"):
        own.parse(b"1,2,3")
    assert own.parse(b"time,Motor_RPM,pressure (x)") is None
    assert own.parse(b"1,2,3") == {"motor_rpm": 2.0}
    assert own.parse(b"oil_pressure_bar,motor_rpm") is None
    assert own.parse(b"1,2") == {"oil_pressure_bar": 1.0, "motor_rpm": 2.0}


def test_a_header_that_is_not_the_columns_of_the_settings_is_refused() -> None:
    fixed = parser("csv", columns=("motor_rpm", "oil_pressure_bar"))
    assert fixed.parse(b"Motor_RPM,Oil_Pressure_bar") is None
    with pytest.raises(LineRefused):
        fixed.parse(b"oil_pressure_bar,motor_rpm")
    assert fixed.parse(b"1,2") == {"motor_rpm": 1.0, "oil_pressure_bar": 2.0}


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), min_size=3, max_size=3))
def test_every_number_that_a_program_can_print_comes_back_exactly(numbers: list[float | None]) -> None:
    expected: Values = dict(zip(TAGS, numbers, strict=True))
    assert parser("json").parse(json.dumps(expected).encode()) == expected
    cells = ["" if n is None else repr(n) for n in numbers]
    assert parser("csv").parse(",".join(cells).encode()) == expected
    whole = {t: nan if n is None else n for t, n in expected.items()}
    found = parser("kv").parse(" ".join(f"{t}:{n!r}" for t, n in whole.items()).encode())
    assert found is not None
    assert reduce(lambda ok, t: ok and (found[t] == whole[t] or (isnan(whole[t]) and isnan(found[t] or 0))), TAGS, True)


def test_the_lines_in_the_help_are_read() -> None:
    text = (shipped("resources") / "help" / "devices.md").read_text("utf-8")
    tags = ("motor_rpm", "flow_rate_l_min")
    for form in FORMATS:
        row = next(line for line in text.splitlines() if line.startswith(f"| {form} |"))
        read = parser(form, tags=tags, columns=tags).parse(row.split("`")[1].encode())
        assert read == {"motor_rpm": 1480.0, "flow_rate_l_min": 1453.0}
