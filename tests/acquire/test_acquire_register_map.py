"""Register maps: what is right is read in every notation, what is wrong is named, all of it at once."""

from pathlib import Path
from typing import Any

import pytest

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.register_map import parse_register_map, wire_address
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS
from pumpwatch_gui.files.register_maps import load_register_map

TAGS = ("motor_rpm", "flow_rate_l_min", "pump_on")


def point(**keys: Any) -> dict[str, Any]:
    return {"tag": "motor_rpm", "address": 0, "type": "uint16", **keys}


def problems(*points: Any, **top: Any) -> dict[str, str]:
    found, mistakes = parse_register_map({"name": "m", "point": list(points), **top}, tags=TAGS)
    assert (found is None) == bool(mistakes)
    return {p.path: str(p) for p in mistakes}


@pytest.mark.parametrize(
    ("base", "table", "number", "wire"),
    [(0, "holding", 100, 100), (1, "holding", 101, 100), (40001, "holding", 40101, 100), (40001, "input", 30101, 100),
     (40001, "coil", 101, 100), (40001, "discrete", 10101, 100), (40001, "holding", 410101, 10100),
     (40001, "input", 365536, 65535), (40001, "holding", 400001, 0), (0, "holding", 65535, 65535)],
)  # fmt: skip
def test_every_notation_leads_to_the_wire_address(base: int, table: str, number: int, wire: int) -> None:
    assert wire_address(number, table, base) == wire


@pytest.mark.parametrize(
    ("base", "table", "number", "size"),
    [(0, "holding", 65536, 1), (0, "holding", 65535, 2), (1, "holding", 0, 1), (40001, "input", 40101, 1),
     (40001, "holding", 100, 1), (40001, "holding", 30001, 1), (40001, "coil", 0, 1), (40001, "holding", 465537, 1)],
)  # fmt: skip
def test_a_number_that_is_no_address_of_the_table_is_refused(base: int, table: str, number: int, size: int) -> None:
    with pytest.raises(ValueError, match=str(number)):
        wire_address(number, table, base, size=size)


def test_messages_name_the_address_as_manuals_do() -> None:
    found, _ = parse_register_map({"name": "m", "point": [point(address=100)]}, tags=TAGS)
    assert found is not None
    assert found.points[0].documented == "40101"
    found, _ = parse_register_map({"name": "m", "point": [point(address=10100, table="input")]}, tags=TAGS)
    assert found is not None
    assert found.points[0].documented == "310101"


def test_all_mistakes_are_named_at_once_each_with_its_path() -> None:
    found = problems(
        point(type="unit16"), point(tag="flow_rate_l_min", address=70000), point(tag="pump_on", table="coil"),
        point(addres=3), "no table", base=1, colour="red",
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
    assert f"point[0].{path}" in problems(point(**keys))


@pytest.mark.parametrize(("kind", "value"), [("int16", 65535), ("uint16", -1), ("uint32", 2**32), ("uint16", 0.5)])
def test_a_sentinel_that_can_never_be_read_is_a_mistake(kind: str, value: float) -> None:
    assert "never occurs" in problems(point(type=kind, not_available=[value]))["point[0].not_available"]


def test_overlapping_points_are_a_mistake_with_both_names_and_the_wire_address() -> None:
    found = problems(point(type="float32", address=10), point(tag="flow_rate_l_min", address=11))
    assert "motor_rpm and flow_rate_l_min both use 40012 (wire address 11)" in found["point[1].address"]


def test_the_same_address_in_two_tables_is_no_overlap() -> None:
    assert not problems(point(), point(tag="flow_rate_l_min", table="input"))


def test_different_bits_of_one_register_are_no_overlap_and_the_same_bit_is() -> None:
    first = point(type="bit", bit=3)
    assert not problems(first, point(tag="pump_on", type="bit", bit=4))
    assert problems(first, point(tag="pump_on", type="bit", bit=3))


def test_a_tag_bound_twice_is_a_mistake() -> None:
    assert "bound twice" in problems(point(), point(address=5))["point[1].tag"]


def test_a_misspelt_tag_is_found_and_a_foreign_one_left_out() -> None:
    assert (
        "did you mean `flow_rate_l_min`?" in problems(point(), point(tag="flow_rate_lmin", address=1))["point[1].tag"]
    )
    kept, _ = parse_register_map({"name": "m", "point": [point(), point(tag="valve_state", address=1)]}, tags=TAGS)
    assert kept is not None
    assert [p.tag for p in kept.points] == ["motor_rpm"]


@pytest.mark.parametrize("document", [None, [], 5, {}, {"name": 3, "point": {}}, {"name": "m", "point": []}])
def test_what_is_no_map_at_all_is_said(document: object) -> None:
    found, mistakes = parse_register_map(document, tags=TAGS)
    assert found is None
    assert mistakes


def test_the_shipped_map_binds_the_ten_standard_tags() -> None:
    assert {p.tag for p in load_register_map("generic", tags=STANDARD_TAGS, base_dir=None).points} == set(STANDARD_TAGS)


def test_a_map_beside_the_site_file_is_found_and_its_mistakes_come_in_one_error(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text('name = "my"\n[[point]]\ntag = "motor_rpm"\naddress = -1\ntype = "word"\n')
    with pytest.raises(InputError) as caught:
        load_register_map("./my.toml", tags=TAGS, base_dir=tmp_path)
    assert "point[0].address" in caught.value.message
    assert "point[0].type" in caught.value.message


@pytest.mark.parametrize("content", [b"\xff\xfe", b"name = ", b""])
def test_a_broken_map_file_is_an_input_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "my.toml").write_bytes(content)
    with pytest.raises(InputError):
        load_register_map("./my.toml", tags=TAGS, base_dir=tmp_path)


def test_an_unknown_map_is_an_input_error_that_names_the_shipped_ones() -> None:
    with pytest.raises(InputError, match="generic"):
        load_register_map("generik", tags=TAGS, base_dir=None)
