"""Register maps: every mistake is named with its path; nothing that is parsed raises."""

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.codings import TYPES
from pumpwatch_gui.domain.links.map_document import LOOP_KEYS, parse_register_map
from pumpwatch_gui.domain.links.register_map import wire_address
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS
from pumpwatch_gui.files.register_maps import load_register_map

TAGS = ("speed", "temperature", "pressure", "running")
PUMP_TAGS = ("motor_rpm", "flow_rate_l_min", "pump_on")
GOOD: dict[str, Any] = tomllib.loads("""
name = "x"
base = 0
[[point]]
tag = "speed"
address = 0
type = "uint16"
not_available = [65535]
[[point]]
tag = "temperature"
table = "input"
address = 0
type = "float32"
order = "CDAB"
[[point]]
tag = "pressure"
address = 10
type = "uint32"
scale = 0.1
[[point]]
tag = "running"
table = "coil"
address = 5
type = "bool"
""")


def problems(**changes: Any) -> list[str]:
    """What is said of the good map with `point` 0 (or another, `at`) or the head changed."""
    document = copy.deepcopy(GOOD)
    head = changes.pop("head", {})
    document.update(head)
    if changes:
        document["point"][changes.pop("at", 0)].update(changes)
    found, said = parse_register_map(document, tags=TAGS)
    assert (found is None) == bool(said)
    return [str(p) for p in said]


def test_a_good_map_has_no_problems() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"adress": 3}, ("point[0].adress", "did you mean `address`?")),
        ({"head": {"bas": 0}}, ("bas:", "did you mean `base`?")),
        ({"head": {"base": 2}}, ("base:", "0, 1 or 40001")),
        ({"head": {"base": True}}, ("base:",)),
        ({"head": {"base": "0"}}, ("base:",)),
        ({"head": {"name": ""}}, ("name:",)),
        ({"head": {"point": []}}, ("point:", "[[point]]")),
        ({"head": {"point": "x"}}, ("point:",)),
        ({"head": {"point": [3]}}, ("point[0]:", "table")),
        ({"table": "holdings"}, ("point[0].table", "holding")),
        ({"type": "uint12"}, ("point[0].type", "uint16")),
        ({"type": ["uint16"]}, ("point[0].type",)),
        ({"order": "ACBD"}, ("point[0].order", "CDAB")),
        ({"scale": 0}, ("point[0].scale", "other than 0")),
        ({"scale": float("nan")}, ("point[0].scale", "finite")),
        ({"offset": "1"}, ("point[0].offset",)),
        ({"offset": float("inf")}, ("point[0].offset",)),
        ({"bit": 3}, ("point[0].bit", "only")),
        ({"type": "bit", "bit": 16, "not_available": []}, ("point[0].bit", "0 to 15")),
        ({"address": -1}, ("point[0].address",)),
        ({"address": 65536}, ("point[0].address", "65536")),
        ({"address": "0x10"}, ("point[0].address", "whole number")),
        ({"address": 1.0}, ("point[0].address",)),
        ({"at": 2, "address": 65535}, ("point[2].address", "65534")),
        ({"at": 2, "address": 0}, ("overlaps point[0]", "speed", "pressure", "40001")),
        ({"at": 2, "tag": "speed"}, ("point[2].tag", "bound twice", "point[0]")),
        ({"tag": "sped"}, ("point[0].tag", "did you mean `speed`?")),
        ({"tag": 7}, ("point[0].tag",)),
        ({"not_available": 65535}, ("point[0].not_available", "list")),
        ({"not_available": [70000]}, ("point[0].not_available", "never occurs")),
        ({"not_available": [-1]}, ("point[0].not_available", "never occurs")),
        ({"not_available": [0.5]}, ("point[0].not_available", "never occurs")),
        ({"type": "int16", "not_available": [-32769]}, ("point[0].not_available", "-32768 to 32767", "pattern")),
        ({"type": "int16", "not_available": [65536]}, ("point[0].not_available", "0 to 65535")),
        ({"type": "bcd16", "not_available": [-1]}, ("point[0].not_available", "0 to 9999")),
        ({"type": "float16", "not_available": [70000.0]}, ("point[0].not_available", "float16")),
        ({"type": "exp10_int24", "address": 2, "not_available": [-1]}, ("not_available", "pattern")),
        ({"type": "bit", "not_available": []}, ("point[0].bit", "missing", "0 to 15")),
        ({"type": "bit", "bit": 40, "registers": 2, "not_available": []}, ("point[0].bit", "0 to 31")),
        ({"type": "bits", "bit": 4, "not_available": []}, ("point[0].bits", "1 to 12", "None")),
        ({"type": "bits", "bit": 4, "bits": 13, "not_available": []}, ("point[0].bits", "1 to 12")),
        ({"bits": 4}, ("point[0].bits", "only")),
        ({"byte": "low"}, ("point[0].byte", "only")),
        ({"type": "uint8", "byte": "middle", "not_available": []}, ("point[0].byte", "low or high")),
        ({"registers": 2}, ("point[0].registers", "mod10k")),
        ({"type": "mod10k", "registers": 5}, ("point[0].registers", "2 to 4")),
        ({"type": "text"}, ("point[0].type", "uint16")),
        ({"scale_register": "12"}, ("point[0].scale_register", "number of a register")),
        ({"scale_register": 65536}, ("point[0].address", "65536")),
        ({"scale_register": 12, "exponent_register": 13}, ("point[0].exponent_register", "one scale register")),
        ({"scale_type": "int16"}, ("point[0].scale_type", "exponent_register")),
        ({"scale_register": 12, "scale_type": "bit"}, ("point[0].scale_type",)),
        ({"scale_register": 12, "scale_type": []}, ("point[0].scale_type",)),
        ({"at": 3, "scale_register": 12}, ("point[3].scale_register", "registers only")),
        ({"current_loop": 4}, ("point[0].current_loop", "raw = [0, 65535]")),
        ({"current_loop": {"raw": [0, 1]}}, ("point[0].current_loop.value", "two different numbers")),
        ({"current_loop": {"raw": [3, 3], "value": [0, 1]}}, ("point[0].current_loop.raw", "different")),
        ({"current_loop": {"raw": [0, 1], "value": [0, 1], "mA": [4, 20]}}, ("point[0].current_loop.mA", "not known")),
        ({"scale": 2.0, "current_loop": {"raw": [0, 1], "value": [0, 1]}}, ("point[0].scale", "by itself")),
        ({"head": {"register_bytes": 3}}, ("register_bytes:", "2 or 4")),
        ({"head": {"register_bytes": 4}, "type": "mod10k", "not_available": []}, ("point[0].type", "four bytes")),
        ({"head": {"sureness": "D"}}, ("sureness:", "C (unconfirmed)")),
        ({"head": {"models": "FC 51"}}, ("models:", "list")),
        ({"head": {"source": 3}}, ("source:", "text")),
        ({"head": {"identity": 3}}, ("identity:", "[[identity]]")),
        ({"head": {"identity": [3]}}, ("identity[0]:", "table")),
        ({"head": {"identity": [{"name": "x", "address": 0, "type": "text"}]}}, ("identity[0].registers", "1 to 64")),
        ({"head": {"identity": [{"address": 0, "type": "uint16"}]}}, ("identity[0].name", "text")),
        ({"head": {"identity": [{"name": "x", "address": 0, "type": "uint16", "expect": 3}]}}, ("identity[0].expect",)),
        ({"at": 3, "type": "uint16"}, ("point[3].type", "bool", "coil")),
        ({"at": 1, "type": "float32", "table": "discrete"}, ("point[1].type", "discrete")),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_path(change: dict[str, Any], words: tuple[str, ...]) -> None:
    said = problems(**change)
    assert said
    assert all(word in "\n".join(said) for word in words), said


def test_all_mistakes_are_reported_at_once() -> None:
    said = problems(head={"base": 7}, adress=1, scale=0, order="X")
    assert len(said) >= 4


READINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "two bits": ({"type": "bit", "bit": 0}, {"type": "bit", "bit": 9}),
    "one bit twice": ({"type": "bit", "bit": 3}, {"type": "bit", "bit": 3}),
    "a word and its bit": ({"type": "uint16"}, {"type": "bit", "bit": 11}),
    "a word and its byte": ({"type": "int16"}, {"type": "uint8", "byte": "high"}),
    "one word in two units": ({"type": "uint16"}, {"type": "uint16", "scale": 0.06}),
    "a long word and a bit of its second half": ({"type": "uint32"}, {"type": "bit", "bit": 2, "address": 8}),
    "a long word and the bits of it": ({"type": "uint32"}, {"type": "bits", "registers": 2, "bit": 16, "bits": 16}),
    "one pair as two types": ({"type": "uint32"}, {"type": "float32"}),
}


@pytest.mark.parametrize("name", READINGS)
def test_two_readings_of_one_register_are_no_clash(name: str) -> None:
    rows = [{"tag": tag, "address": 7, **keys} for tag, keys in zip(("speed", "running"), READINGS[name], strict=True)]
    for both in (rows, rows[::-1]):
        found, said = parse_register_map({"name": "b", "point": both}, tags=TAGS)
        assert not said
        assert found
        assert len(found.points) == 2


@pytest.mark.parametrize(
    ("number", "table", "base", "wire"),
    [
        (0, "holding", 0, 0), (65535, "coil", 0, 65535), (1, "holding", 1, 0), (100, "input", 1, 99),
        (40001, "holding", 40001, 0), (49999, "holding", 40001, 9998), (30101, "input", 40001, 100),
        (1, "coil", 40001, 0), (10001, "discrete", 40001, 0), (400001, "holding", 40001, 0),
        (465536, "holding", 40001, 65535), (300011, "input", 40001, 10), (100, "holding", 0, 100),
        (101, "holding", 1, 100), (40101, "holding", 40001, 100), (101, "coil", 40001, 100),
        (10101, "discrete", 40001, 100), (410101, "holding", 40001, 10100), (365536, "input", 40001, 65535),
        (65535, "holding", 0, 65535),
    ],
)  # fmt: skip
def test_each_notation_gives_its_wire_address(number: int, table: str, base: int, wire: int) -> None:
    assert wire_address(number, table, base) == wire


@pytest.mark.parametrize(
    ("number", "table", "base", "size"),
    [(0, "holding", 1, 1), (30001, "holding", 40001, 1), (40001, "input", 40001, 1), (40000, "holding", 40001, 1),
     (65536, "coil", 0, 1), (65536, "holding", 0, 1), (65535, "holding", 0, 2), (40101, "input", 40001, 1),
     (100, "holding", 40001, 1), (0, "coil", 40001, 1), (465537, "holding", 40001, 1)],
)  # fmt: skip
def test_a_number_that_is_no_address_of_the_table_is_refused(number: int, table: str, base: int, size: int) -> None:
    with pytest.raises(ValueError, match=str(number)):
        wire_address(number, table, base, size=size)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.datetimes(),
    lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=8), x, max_size=3),
    max_leaves=8,
)
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "tag": st.sampled_from(TAGS) | ANYTHING, "table": st.sampled_from(("holding", "coil")) | ANYTHING,
        "address": st.integers(-5, 70000) | ANYTHING,
        "type": st.sampled_from((*TYPES, "text")) | ANYTHING, "bits": st.integers(0, 17) | ANYTHING,
        "byte": st.sampled_from(("low", "high")) | ANYTHING, "registers": st.integers(-1, 70) | ANYTHING,
        "scale_register": st.integers(-1, 70000) | ANYTHING, "exponent_register": st.integers() | ANYTHING,
        "scale_type": st.sampled_from(tuple(TYPES)) | ANYTHING,
        "current_loop": st.fixed_dictionaries(
            {}, optional={key: st.lists(st.floats() | st.integers(), max_size=3) | ANYTHING for key in LOOP_KEYS}
        ) | ANYTHING,
        "order": st.sampled_from(("ABCD", "DCBA")) | ANYTHING, "scale": st.floats() | ANYTHING,
        "offset": st.floats() | ANYTHING, "bit": st.integers(-1, 17) | ANYTHING,
        "not_available": st.lists(st.floats() | st.integers(), max_size=3) | ANYTHING,
    },
)  # fmt: skip


DOCUMENTS = st.fixed_dictionaries(
    {"name": st.just("x"), "point": st.lists(NEARLY, max_size=4) | ANYTHING},
    optional={
        "register_bytes": st.sampled_from((2, 4)) | ANYTHING, "identity": st.lists(NEARLY, max_size=2) | ANYTHING,
        "base": st.sampled_from((0, 1, 40001)) | ANYTHING, "sureness": st.sampled_from(("A", "C")) | ANYTHING,
        "models": ANYTHING,
    },
)  # fmt: skip


@given(ANYTHING | DOCUMENTS)
def test_no_document_makes_the_parser_raise(document: object) -> None:
    found, said = parse_register_map(document, tags=TAGS)
    assert (found is None) == bool(said)
    assert all(p.path and p.message for p in said)


@pytest.mark.parametrize("content", [b"", b"name = ", b"\xff\xfe", b'name = "x"\n[[point]]\n', b"x = 1\n"])
def test_a_broken_file_is_an_input_error_with_advice(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "map.toml"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_register_map(str(path), tags=TAGS)
    assert "map" in caught.value.message
    assert caught.value.advice


def test_a_missing_map_and_a_folder_are_input_errors(tmp_path: Path) -> None:
    for name in ("no-such-map", str(tmp_path / "none.toml"), str(tmp_path)):
        with pytest.raises(InputError) as caught:
            load_register_map(name, tags=TAGS)
        assert caught.value.advice


def row(**keys: Any) -> dict[str, Any]:
    return {"tag": "motor_rpm", "address": 0, "type": "uint16", **keys}


def mistakes(*points: Any, **top: Any) -> dict[str, str]:
    found, said = parse_register_map({"name": "m", "point": list(points), **top}, tags=PUMP_TAGS)
    assert (found is None) == bool(said)
    return {p.path: str(p) for p in said}


def test_messages_name_the_address_as_manuals_do() -> None:
    found, _ = parse_register_map({"name": "m", "point": [row(address=100)]}, tags=PUMP_TAGS)
    assert found is not None
    assert found.points[0].documented == "40101"
    found, _ = parse_register_map({"name": "m", "point": [row(address=10100, table="input")]}, tags=PUMP_TAGS)
    assert found is not None
    assert found.points[0].documented == "310101"


def test_all_mistakes_are_named_at_once_each_with_its_path() -> None:
    found = mistakes(
        row(type="unit16"), row(tag="flow_rate_l_min", address=70000), row(tag="pump_on", table="coil"),
        row(addres=3), "no table", base=1, colour="red",
    )  # fmt: skip
    assert set(found) == {"colour", "point[0].type", "point[1].address", "point[2].type", "point[3].addres",
                          "point[4]"}  # fmt: skip
    assert "did you mean `address`?" in found["point[3].addres"]


@pytest.mark.parametrize(
    ("keys", "path"),
    [({"scale": 0}, "scale"), ({"scale": float("nan")}, "scale"), ({"scale": 10**400}, "scale"),
     ({"scale": True}, "scale"), ({"offset": "1"}, "offset"), ({"type": ["uint16"]}, "type"), ({"type": {}}, "type"),
     ({"table": []}, "table"), ({"order": "ACBD"}, "order"), ({"address": True}, "address"),
     ({"address": -1}, "address"),
     ({"address": 1.0}, "address"), ({"tag": ""}, "tag"), ({"tag": 5}, "tag"), ({"bit": 3}, "bit"),
     ({"type": "bit", "bit": 16}, "bit"), ({"type": "bit"}, "bit"), ({"not_available": 5}, "not_available"),
     ({"not_available": ["x"]}, "not_available"), ({"type": "float32", "not_available": [1e39]}, "not_available")],
)  # fmt: skip
def test_a_wrong_key_is_named(keys: dict[str, Any], path: str) -> None:
    assert f"point[0].{path}" in mistakes(row(**keys))


@pytest.mark.parametrize(("kind", "value"), [("int16", 65536), ("uint16", -1), ("uint32", 2**32), ("uint16", 0.5)])
def test_a_sentinel_that_can_never_be_read_is_a_mistake(kind: str, value: float) -> None:
    assert "never occurs" in mistakes(row(type=kind, not_available=[value]))["point[0].not_available"]


def test_overlapping_points_are_a_mistake_with_both_names_and_the_wire_address() -> None:
    found = mistakes(row(type="float32", address=10), row(tag="flow_rate_l_min", address=11))
    assert "motor_rpm and flow_rate_l_min both use 40012 (wire address 11)" in found["point[1].address"]


def test_the_same_address_in_two_tables_is_no_overlap() -> None:
    assert not mistakes(row(), row(tag="flow_rate_l_min", table="input"))


def test_a_misspelt_tag_is_found_and_a_foreign_one_left_out() -> None:
    assert "did you mean `flow_rate_l_min`?" in mistakes(row(), row(tag="flow_rate_lmin", address=1))["point[1].tag"]
    kept, _ = parse_register_map({"name": "m", "point": [row(), row(tag="valve_state", address=1)]}, tags=PUMP_TAGS)
    assert kept is not None
    assert [p.tag for p in kept.points] == ["motor_rpm"]


@pytest.mark.parametrize("document", [None, [], 5, {}, {"name": 3, "point": {}}, {"name": "m", "point": []}])
def test_what_is_no_map_at_all_is_refused(document: object) -> None:
    found, said = parse_register_map(document, tags=PUMP_TAGS)
    assert found is None
    assert said


def test_the_shipped_map_binds_each_of_the_ten_standard_tags_once() -> None:
    assert len(load_register_map("generic", tags=STANDARD_TAGS).points) == 10
    assert {p.tag for p in load_register_map("generic", tags=STANDARD_TAGS, base_dir=None).points} == set(STANDARD_TAGS)


def test_a_map_in_the_folder_of_the_site_file_is_found_and_its_mistakes_come_in_one_error(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text('name = "my"\n[[point]]\ntag = "motor_rpm"\naddress = -1\ntype = "word"\n')
    with pytest.raises(InputError) as caught:
        load_register_map("./my.toml", tags=PUMP_TAGS, base_dir=tmp_path)
    assert "point[0].address" in caught.value.message
    assert "point[0].type" in caught.value.message


def test_an_unknown_map_is_an_input_error_that_names_the_shipped_ones() -> None:
    with pytest.raises(InputError, match="generic"):
        load_register_map("generik", tags=PUMP_TAGS, base_dir=None)
