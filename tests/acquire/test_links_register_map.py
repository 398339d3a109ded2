"""Register maps: every mistake is named with its path; nothing that is parsed raises."""

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.register_map import parse_register_map, wire_address
from pumpwatch_gui.files.register_maps import load_register_map

TAGS = ("speed", "temperature", "pressure", "running")
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
        ({"at": 3, "type": "uint16"}, ("point[3].type", "bool", "coil")),
        ({"at": 1, "type": "float32", "table": "discrete"}, ("point[1].type", "discrete")),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_path(change: dict[str, Any], words: tuple[str, ...]) -> None:
    said = problems(**change)
    assert said
    assert all(word in "\n".join(said) for word in words), said


def test_all_mistakes_are_told_at_once() -> None:
    said = problems(head={"base": 7}, adress=1, scale=0, order="X")
    assert len(said) >= 4


def test_bits_of_one_register_may_share_it_and_one_bit_may_not_be_bound_twice() -> None:
    rows = [{"tag": t, "address": 7, "type": "bit", "bit": b} for t, b in (("speed", 0), ("running", 9))]
    found, said = parse_register_map({"name": "b", "point": rows}, tags=TAGS)
    assert found
    assert not said
    rows[1]["bit"] = 0
    assert "overlaps" in str(parse_register_map({"name": "b", "point": rows}, tags=TAGS)[1][0])


@pytest.mark.parametrize(
    ("number", "table", "base", "wire"),
    [
        (0, "holding", 0, 0), (65535, "coil", 0, 65535), (1, "holding", 1, 0), (100, "input", 1, 99),
        (40001, "holding", 40001, 0), (49999, "holding", 40001, 9998), (30101, "input", 40001, 100),
        (1, "coil", 40001, 0), (10001, "discrete", 40001, 0), (400001, "holding", 40001, 0),
        (465536, "holding", 40001, 65535), (300011, "input", 40001, 10),
    ],
)  # fmt: skip
def test_each_notation_gives_its_wire_address(number: int, table: str, base: int, wire: int) -> None:
    assert wire_address(number, table, base) == wire


@pytest.mark.parametrize(
    ("number", "table", "base"),
    [(0, "holding", 1), (30001, "holding", 40001), (40001, "input", 40001), (40000, "holding", 40001),
     (65536, "coil", 0)],
)  # fmt: skip
def test_a_number_of_another_notation_is_refused(number: int, table: str, base: int) -> None:
    with pytest.raises(ValueError, match=str(number)):
        wire_address(number, table, base)


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
        "type": st.sampled_from(("uint16", "float32", "bool", "bit")) | ANYTHING,
        "order": st.sampled_from(("ABCD", "DCBA")) | ANYTHING, "scale": st.floats() | ANYTHING,
        "offset": st.floats() | ANYTHING, "bit": st.integers(-1, 17) | ANYTHING,
        "not_available": st.lists(st.floats() | st.integers(), max_size=3) | ANYTHING,
    },
)  # fmt: skip


@given(ANYTHING | st.fixed_dictionaries({"name": st.just("x"), "point": st.lists(NEARLY, max_size=4) | ANYTHING}))
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


def test_every_shipped_map_is_good() -> None:
    from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS

    assert len(load_register_map("generic", tags=STANDARD_TAGS).points) == 10
