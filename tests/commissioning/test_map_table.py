"""A manual's table becomes points: whatever its dress, with every guess in words, and no line dropped."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.commissioning.devices.map_table import Choices, MapTable, read_table
from pumpwatch_gui.commissioning.devices.table_words import register_number, scale_words, type_words
from pumpwatch_gui.domain.links.codings import TYPES
from pumpwatch_gui.domain.links.register_map import Point
from pumpwatch_gui.settings.map_file import map_text, read_map
from pumpwatch_gui.settings.profile_file import load_profile

SENSORS = load_profile("centrifugal").sensors
Row = tuple[str, str, str, str, str]
"""Number, name, type, scale, unit."""
ROWS: tuple[Row, ...] = (
    ("300", "Motor speed", "UINT16", "1", "rpm"), ("301", "Suction pressure", "INT16", "0.01", "bar"),
    ("302", "Discharge pressure", "INT16", "0.1", "kPa"), ("303", "Flow rate", "FLOAT32", "1", "m3/h"),
    ("305", "Motor current", "UINT32", "0.001", "A"), ("307", "Ambient temperature", "INT16", "0.1", "°C"),
)  # fmt: skip
MEANT = (
    ("motor_rpm", 300, "uint16", 1.0), ("suction_pressure_bar", 301, "int16", 0.01),
    ("discharge_pressure_bar", 302, "int16", 0.001), ("flow_rate_l_min", 303, "float32", 1000 / 60),
    ("motor_current_a", 305, "uint32", 0.001), ("ambient_temperature_c", 307, "int16", 0.1),
)  # fmt: skip
HEADS = ("Address", "Description", "Data type", "Factor", "Unit")


def points(table: MapTable) -> list[tuple[str, int, str, float]]:
    return [(p.tag, p.address, p.type, round(p.scale, 9)) for p in table.points]


def dressed(rows: list[list[str]], separator: str) -> str:
    return "\n".join(separator.join(row) for row in rows)


@given(
    st.permutations(range(5)), st.sampled_from(("\t", ";", ",", " | ", "    ")), st.booleans(), st.booleans(),
    st.sampled_from((".", ",")),
)  # fmt: skip
def test_order_separator_header_and_decimal_mark_do_not_matter(
    order: list[int], separator: str, has_header: bool, has_notes: bool, mark: str
) -> None:
    if mark == separator:
        mark = "."
    rows = [[row[at].replace(".", mark) for at in order] for row in ROWS]
    if has_notes:
        rows = [[*row, "read only"] for row in rows]
    if has_header:
        rows.insert(0, [HEADS[at] for at in order] + ["Access"] * has_notes)
    table = read_table(dressed(rows, separator), SENSORS)
    assert points(table) == [(*meant[:3], round(meant[3], 9)) for meant in MEANT], table
    assert not any(row.problem for row in table.rows)


NOTATIONS: dict[str, tuple[Any, int, str, str]] = {
    "wire": (lambda a: str(a), 0, "holding", "0 occurs"),
    "from 1": (lambda a: str(a + 1), 1, "holding", "the first number is 1"),
    "five digits": (lambda a: f"4{a + 1:04d}", 40001, "holding", "digit of a table"),
    "input": (lambda a: f"3{a + 1:04d}", 40001, "input", "digit of a table"),
    "six digits": (lambda a: f"4{a + 1:05d}", 40001, "holding", "digit of a table"),
    "0x": (lambda a: f"0x{a:04X}", 0, "holding", "hexadecimal"),
    "h": (lambda a: f"{a:X}h", 0, "holding", "hexadecimal"),
    "4x": (lambda a: f"4x{a + 1:04d}", 1, "holding", "letters"),
    "IR": (lambda a: f"IR {a + 1}", 1, "input", "letters"),
    "%MW": (lambda a: f"%MW{a}", 0, "holding", "count from 0"),
}


@pytest.mark.parametrize("name", NOTATIONS)
def test_the_notation_is_found_and_its_reason_said(name: str) -> None:
    write, base, where, reason = NOTATIONS[name]
    addresses = (0, 1, 5, 26, 160)
    text = dressed([[write(a), f"Value {chr(97 + i)}", "UINT16"] for i, a in enumerate(addresses)], "\t")
    table = read_table(text)
    assert [(p.table, p.address) for p in table.points] == [(where, a) for a in addresses]
    assert table.base == base
    assert reason in table.reason


@pytest.mark.parametrize(
    ("head", "base"),
    [("Register (0-based)", 0), ("PDU address", 0), ("Register no.", 1), ("Register (1-based)", 1), ("Address", 0)],
)
def test_the_header_may_say_where_the_numbers_begin(head: str, base: int) -> None:
    table = read_table(f"{head};Name;Type\n100;Speed;UINT\n101;Torque;INT")
    assert table.base == base
    assert table.points[0].address == 100 - base


def test_a_chosen_base_wins_and_the_guess_stays_to_be_read() -> None:
    table = read_table("100;Speed;UINT\n101;Torque;INT", choices=Choices(base=1))
    assert [p.address for p in table.points] == [99, 100]
    assert "chosen" in table.reason
    assert "counted from 0" in table.reason


def test_bare_hexadecimal_numbers_are_seen_by_their_letters() -> None:
    table = read_table("1000\tSpeed\tUINT\n100A\tCurrent\tUINT\n100B\tTorque\tINT")
    assert [p.address for p in table.points] == [0x1000, 0x100A, 0x100B]


SPELLINGS = {
    "uint16": "UINT16 U16 uint WORD Unsigned16 unsigned_short UInt16 16-bit-unsigned u_int16",
    "int16": "INT16 S16 i16 INT short signed SINT16 16bit_signed int_16", "uint32": "UINT32 U32 DWORD UDINT ULONG",
    "int32": "INT32 S32 DINT LONG signed32", "uint64": "UINT64 U64 ULINT LWORD", "int64": "INT64 LINT S64",
    "float32": "FLOAT32 float REAL F32 IEEE754 IEEE-754 single", "float64": "DOUBLE LREAL float64",
    "bcd16": "BCD bcd16", "bcd32": "BCD32", "bool": "BOOL bit_flag Boolean", "uint8": "BYTE USINT UINT8",
    "mod10k": "MOD10K mod10 M10K", "sm16": "SM16 sign+magnitude", "exp10_uint24": "T5", "uint48": "UINT48",
}  # fmt: skip


@pytest.mark.parametrize(
    ("said", "kind"),
    [(word, kind) for kind, words in SPELLINGS.items() for word in words.split() if word != "bit_flag"],
)
def test_types_are_known_in_many_spellings(said: str, kind: str) -> None:
    found = type_words(said)
    assert found is not None
    assert found.type == kind


@given(st.sampled_from([k for k in TYPES if k not in ("bit", "bits")]))
def test_every_type_of_a_map_is_understood_by_its_own_name(kind: str) -> None:
    found = type_words(kind.upper())
    assert found is not None
    assert found.type == kind


@pytest.mark.parametrize(
    ("said", "registers", "kind", "order"),
    [
        ("U32 swapped", 0, "uint32", "CDAB"),
        ("REAL (CDAB)", 0, "float32", "CDAB"),
        ("float low word first", 0, "float32", "CDAB"),
        ("INT32 LSW first", 0, "int32", "CDAB"),
        ("U32 byte swapped", 0, "uint32", "BADC"),
        ("DINT DCBA", 0, "int32", "DCBA"),
        ("float32 big endian", 0, "float32", "ABCD"),
        ("UINT", 2, "uint32", ""),
        ("INT", 4, "int64", ""),
        ("UINT (2 words)", 0, "uint32", ""),
        ("unsigned 4 bytes", 0, "uint32", ""),
        ("float", 4, "float64", ""),
        ("16 bit signed", 0, "int16", ""),
        ("32 bits unsigned", 0, "uint32", ""),
        ("signed 32 bit", 0, "int32", ""),
    ],
)
def test_orders_and_lengths_belong_to_the_type(said: str, registers: int, kind: str, order: str) -> None:
    found = type_words(said, registers)
    assert found is not None
    assert (found.type, found.order) == (kind, order)


@pytest.mark.parametrize(
    ("said", "scale", "unit"),
    [("0.1", 0.1, ""), ("0,1", 0.1, ""), ("x0.1", 0.1, ""), ("× 0.01", 0.01, ""), ("/10", 0.1, ""), ("1/100", 0.01, ""),
     ("÷ 1000", 0.001, ""), ("10^-2", 0.01, ""), ("x10^3", 1000.0, ""), ("1e-3", 0.001, ""), ("0.1 A", 0.1, "a"),
     ("0.01Hz", 0.01, "hz"), ("1 = 0.1 °C", 0.1, "°c"), ("0.1 m3/h", 0.1, "m3/h"), ("", 1.0, ""), ("-", 1.0, "")],
)  # fmt: skip
def test_scales_are_understood(said: str, scale: float, unit: str) -> None:
    found = scale_words(said)
    assert found is not None
    assert found[0] == pytest.approx(scale)
    assert found[1] == unit


@pytest.mark.parametrize("said", ["bananas", "0", "x", "0..100", "see 4.2"])
def test_what_is_no_scale_is_none(said: str) -> None:
    assert scale_words(said) is None


@pytest.mark.parametrize(
    ("said", "number", "registers", "bit"),
    [
        ("40101", 40101, 0, -1),
        ("40001-40002", 40001, 2, -1),
        ("40001/02", 40001, 2, -1),
        ("300..303", 300, 4, -1),
        ("40001.3", 40001, 0, 3),
        ("40001:15", 40001, 0, 15),
        ("100 bit 7", 100, 0, 7),
        ("0x10", 16, 0, -1),
        ("1Fh", 31, 0, -1),
    ],
)
def test_numbers_of_registers_are_understood(said: str, number: int, registers: int, bit: int) -> None:
    found = register_number(said)
    assert found is not None
    assert (found.number, found.registers, found.bit) == (number, registers, bit)


@pytest.mark.parametrize("said", ["", "speed", "0.1", "INT16", "40001-50001", "1234567", "12 rpm"])
def test_what_is_no_register_is_none(said: str) -> None:
    assert register_number(said) is None


def test_divisors_are_taken_as_such_where_the_header_says_so_and_else_asked_about() -> None:
    rows = "10;Voltage;UINT16;10;V\n11;Current;UINT16;100;A"
    assert [p.scale for p in read_table("Reg;Name;Type;Divisor;Unit\n" + rows).points] == [0.1, 0.01]
    asked = read_table(rows)
    assert [p.scale for p in asked.points] == [10, 100]
    assert any("choose ÷" in remark for remark in asked.remarks)
    assert [p.scale for p in read_table(rows, choices=Choices(divides=True)).points] == [0.1, 0.01]


MISTAKES = """Register;Name;Type;Scale;Unit
40001;Speed;INT99;1;rpm
40002;Temperature;INT16;warm;°C
forty;Pressure;INT16;0.1;bar
Measured values
40003;Serial number;STRING;;
40004-40005;Counter;;;
40006;Level;UINT16;1;furlong
"""


def test_each_row_names_its_own_problem_and_no_line_is_lost() -> None:
    table = read_table(MISTAKES)
    said = {row.line: row.state for row in table.rows}
    assert set(said) == set(range(2, 9))
    for line, words in {2: "INT99", 3: "'warm'", 4: "'forty'", 5: "Measured values", 6: "a text", 7: "no type",
                        8: "furlong"}.items():  # fmt: skip
        assert words in said[line], said[line]
    assert [p.tag for p in table.points] == ["level"]
    assert table.summary == "1 of 7 rows are points, 6 with a problem"


def test_what_is_not_used_is_said() -> None:
    table = read_table("Modbus list of the drive\nAddress;Name;Type;Access\n10;Speed;UINT16;R\n11;Torque;INT16;R")
    assert any("column 4 is not used: Access" in r for r in table.remarks)
    assert any("line 1" in r and "Modbus list" in r for r in table.remarks)


def test_a_tag_is_proposed_once_and_must_be_one() -> None:
    text = "10;Speed;UINT16\n11;Speed;UINT16\n12;Speed of pump 2;UINT16"
    tags = [p.tag for p in read_table(text, SENSORS).points]
    assert tags[0] == "motor_rpm"
    assert len(set(tags)) == 3
    twice = read_table(text, SENSORS, Choices(edits={2: {"tag": "motor_rpm"}}))
    assert "line 1" in twice.rows[1].problem
    assert "letters" in read_table(text, SENSORS, Choices(edits={2: {"tag": "a b"}})).rows[1].problem


@pytest.mark.parametrize(
    ("name", "unit", "tag"),
    [
        ("Bearing temp. DE", "°C", "bearing_temperature_c"),
        ("Housing temperature", "°C", "casing_temperature_c"),
        ("Room temp", "K", "ambient_temperature_c"),
        ("Lube oil press.", "bar", "oil_pressure_bar"),
        ("Inlet pressure", "kPa", "suction_pressure_bar"),
        ("Delivery pressure", "psi", "discharge_pressure_bar"),
        ("Vibration velocity RMS", "mm/s", "vibration_mm_s"),
        ("Output current", "A", "motor_current_a"),
        ("Drive speed", "rpm", "motor_rpm"),
        ("Capacity", "m³/h", "flow_rate_l_min"),
        ("Output power", "kW", "output_power_w"),
        ("Liquid temperature", "°C", "liquid_temperature_c"),
        ("Output frequency", "Hz", "output_frequency_hz"),
    ],
)
def test_names_of_manuals_find_their_tags(name: str, unit: str, tag: str) -> None:
    table = read_table(f"10;{name};INT16;1;{unit}\n20;Something else;INT16;1;", SENSORS)
    assert table.points[0].tag == tag


def test_what_is_edited_wins() -> None:
    text = "10;Speed;UINT16;1;rpm\n11;Flow;INT99;1;l/s\n12;Other;UINT16;1;"
    edits: dict[int, dict[str, object]] = {
        1: {"scale": 2.0, "order": "BADC"},
        2: {"type": "float32"},
        3: {"use": False},
    }
    table = read_table(text, SENSORS, Choices(edits=edits))
    assert [(p.tag, p.type, p.order, p.scale) for p in table.points] == [
        ("motor_rpm", "uint16", "BADC", 2.0), ("flow_rate_l_min", "float32", "ABCD", 60.0),
    ]  # fmt: skip
    assert "left out" in table.rows[2].state


def test_the_map_of_a_table_is_a_file_and_unconfirmed() -> None:
    found = read_table(dressed([list(r) for r in ROWS], "\t"), SENSORS).as_map("mine", source="manual of 2019, page 7")
    assert found.is_unconfirmed
    again = read_map(map_text(found))
    assert again == found
    assert again.points[0] == Point("motor_rpm", "holding", 300, "uint16")


@given(st.text(alphabet=st.sampled_from("40123.,;\t |xXhHuINT16real°Cbar/-\n"), max_size=200) | st.text(max_size=80))
def test_no_text_raises_and_every_line_is_accounted_for(text: str) -> None:
    table = read_table(text, SENSORS)
    lines = {row.line for row in table.rows}
    assert len(lines) == len(table.rows)
    for row in table.rows:
        assert row.problem or (row.point is not None and row.point.tag.isidentifier())
    if table.points:
        assert read_map(map_text(table.as_map("m"))).points == table.points
