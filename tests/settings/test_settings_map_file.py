"""Register maps go out and come back the same; the shipped templates say what the makers published."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.codings import COUNTS, TYPES, coding
from pumpwatch_gui.domain.links.decode import PointValue, decoder
from pumpwatch_gui.domain.links.map_document import HEAD_KEYS, POINT_KEYS
from pumpwatch_gui.domain.links.register_map import (
    ORDERS,
    SCALE_WORDS,
    TABLES,
    CurrentLoop,
    IdentityRead,
    Point,
    RegisterMap,
    ScaleRegister,
    number_in,
    wire_address,
)
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.files.register_maps import load_register_map  # fmt: skip
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.settings.map_file import MapFile, map_text, read_map, read_map_file, shipped_maps
from pumpwatch_gui.settings.profile_file import load_profile

finite = st.floats(-1e9, 1e9, allow_nan=False).filter(lambda x: abs(x) > 1e-9)


@st.composite
def points(draw: st.DrawFn, tag: str, address: int, register_bytes: int) -> Point:
    table = draw(st.sampled_from(tuple(TABLES)))
    kinds = [kind for kind in TYPES if register_bytes == 2 or "mod10k" not in kind]
    kind = "bool" if table in ("coil", "discrete") else draw(st.sampled_from(kinds))
    bit, bits = draw(st.integers(0, 9)), draw(st.integers(1, 6))
    byte = draw(st.sampled_from(("low", "high")))
    registers = draw(st.integers(*COUNTS[kind])) if kind in COUNTS else 0
    parts: dict[str, Any] = {
        "bit": bit if kind in ("bit", "bits") else 0, "bits": bits if kind == "bits" else 1,
        "byte": byte if kind in ("uint8", "int8") else "low",
    }  # fmt: skip
    form = coding(kind, registers, bit=bit, bits=bits)
    numbers = st.integers(-1000, 1000) if form.low is None else st.integers(form.low, form.high)
    if kind.startswith("exp"):
        numbers = st.integers(0, 2**form.bits - 1)
    missing = draw(st.lists(numbers, max_size=2, unique=True))
    scaling: dict[str, Any] = {"scale": draw(finite), "offset": draw(st.one_of(st.just(0.0), finite))}
    if table in ("holding", "input"):
        way = draw(st.sampled_from(("plain", "register", "loop")))
        if way == "register":
            how = draw(st.sampled_from(tuple(SCALE_WORDS)))
            kind_of_scale = draw(st.sampled_from((SCALE_WORDS[how], "float32", "int32")))
            scaling["scaled_by"] = ScaleRegister(how, draw(st.integers(0, 65000)), kind_of_scale)
        elif way == "loop":
            scaling = {"current_loop": CurrentLoop((0, draw(st.integers(1, 65535))), (4.0, 20.0), (0.0, draw(finite)))}
    return Point(
        tag, table, address, kind, draw(st.sampled_from(ORDERS)), registers=registers, register_bytes=register_bytes,
        not_available=tuple(map(float, missing)) if kind.startswith("float") else tuple(missing),
        **parts, **scaling,
    )  # fmt: skip


@st.composite
def maps(draw: st.DrawFn) -> RegisterMap:
    starts = draw(st.lists(st.integers(0, 16382), min_size=1, max_size=6, unique=True))
    width = draw(st.sampled_from((2, 2, 4)))
    found = tuple(draw(points(f"tag_{i}", 4 * a, width)) for i, a in enumerate(starts))
    texts = st.sampled_from(("", "A label", "maker's manual, page 3"))
    identity = [] if width == 4 else [IdentityRead(Point("serial", "holding", 8, "text", registers=6), ("X 1", "X 2"))]
    models = draw(st.sampled_from(((), ("a", "b"))))
    return RegisterMap(
        "m", found, draw(st.sampled_from((0, 1, 40001))), draw(texts), maker=draw(texts), models=models,
        source=draw(texts), sureness=draw(st.sampled_from(("", "A", "B", "C"))), confirmed=draw(texts),
        register_bytes=width, identity=tuple(identity[: draw(st.integers(0, 1))]),
    )  # fmt: skip


@given(maps())
def test_every_map_comes_back_the_same_from_its_file(found: RegisterMap) -> None:
    assert read_map(map_text(found)) == found


@given(st.sampled_from(tuple(TABLES)), st.sampled_from((0, 1, 40001)), st.integers(0, 65535))
def test_every_wire_address_has_a_number_in_every_notation(table: str, base: int, address: int) -> None:
    assert wire_address(number_in(address, table, base), table, base) == address


TEXT = """# bought in 2019
name = "mine"
base = 40001  # as the manual

[[point]]
tag = "motor_rpm"   # checked with a tachometer
address = 40101
type = "uint16"

[[point]]
tag = "flow_rate_l_min"
address = 40103
type = "float32"
"""


def test_an_edited_map_keeps_its_comments_and_its_notation(tmp_path: Path) -> None:
    file = MapFile(TEXT)
    rpm, flow = read_map(TEXT).points
    file.set_point(replace(rpm, scale=0.1))
    file.set_point(replace(flow, tag="oil_pressure_bar", address=200, order="CDAB"))
    file.remove_point("flow_rate_l_min")
    file.save(tmp_path / "maps" / "mine.toml")
    text = (tmp_path / "maps" / "mine.toml").read_text()
    assert all(
        words in text for words in ("# bought in 2019", "# as the manual", "# checked with a tachometer", "40201")
    )
    found = read_map_file(tmp_path / "maps" / "mine.toml")
    assert found.points == (replace(rpm, scale=0.1), replace(flow, tag="oil_pressure_bar", address=200, order="CDAB"))


def test_a_point_that_did_not_change_leaves_the_file_as_it_was() -> None:
    file = MapFile(TEXT)
    for point in read_map(TEXT).points:
        file.set_point(point)
    assert [line for line in TEXT.splitlines() if line not in file.text.splitlines()] == []


def test_a_map_with_a_mistake_is_not_saved_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TEXT)
    file = MapFile(TEXT)
    file.set_point(Point("oil_pressure_bar", "holding", 103, "uint16"))
    with pytest.raises(InputError, match="overlaps"):
        file.save(path)
    assert path.read_text() == TEXT
    with pytest.raises(KeyError):
        file.remove_point("nothing")


@pytest.mark.parametrize("text", ["name = ", "base = 7", "[[point]]\ntag = 5", ""])
def test_what_is_no_map_is_refused_in_words(text: str) -> None:
    with pytest.raises(InputError):
        read_map(text)


@pytest.mark.parametrize("name", shipped_maps())
def test_every_shipped_map_loads_whole_with_the_profile_it_names(name: str) -> None:
    whole = read_map_file(shipped("resources") / "registers" / f"{name}.toml")
    profile = load_profile(whole.profile or "centrifugal")
    assert load_register_map(name, tags=profile.tags).points == whole.points
    assert {p.tag for p in whole.points} <= set(profile.tags)
    assert whole.name == name


def read(name: str, number: int, registers: list[int]) -> PointValue:
    """The point at a manual's number, read from registers."""
    found = read_map_file(shipped("resources") / "registers" / f"{name}.toml")
    point = next(p for p in found.points if p.address == number - 1)
    sensor = next(s for s in load_profile(found.profile).sensors if s.tag == point.tag)
    return decoder(point, sensor.span, 0)(registers)


@pytest.mark.parametrize(
    ("name", "number", "registers", "value"),
    [("grundfos-cim", 301, [1234], 1.234), ("grundfos-cim", 302, [60], 100.0), ("grundfos-cim", 303, [9950], 99.5),
     ("grundfos-cim", 304, [2870], 2870.0), ("grundfos-cim", 305, [478], 47.8), ("grundfos-cim", 309, [21], 2.1),
     ("grundfos-cim", 312, [0, 370], 370.0), ("grundfos-cim", 318, [31315], 40.0), ("grundfos-cim", 321, [29815], 25.0),
     ("grundfos-cim", 322, [27315], 0.0),
     ("grundfos-cim", 326, [85], 85.0), ("grundfos-cim", 327, [0, 8760], 8760.0),
     ("grundfos-cim", 332, [1, 2], 65538.0),
     ("grundfos-cim", 334, [0, 12], 12.0), ("grundfos-cim", 337, [33315], 60.0), ("grundfos-cim", 339, [450], 0.45),
     ("grundfos-booster-1", 405, [5000], 50.0), ("grundfos-booster-1", 407, [150], 1500.0),
     ("grundfos-booster-2", 416, [33], 3.3), ("grundfos-booster-3", 428, [33315], 60.0),
     ("grundfos-booster-3", 423, [0, 100], 100.0),
     ("imp-nmt", 301, [512], 5.12), ("imp-nmt", 302, [60], 100.0), ("imp-nmt", 303, [4210], 42.1),
     ("imp-nmt", 318, [4000], 40.0), ("imp-nmt", 319, [2500], 25.0), ("imp-nmt", 322, [6000], 60.0),
     ("imp-nmt", 312, [0, 55], 55.0), ("imp-nmt", 332, [0, 999], 999.0)],
)  # fmt: skip
def test_the_templates_read_what_the_makers_published(
    name: str, number: int, registers: list[int], value: float
) -> None:
    reading = read(name, number, registers)
    assert reading.quality is Quality.GOOD
    assert reading.value == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("name", [n for n in shipped_maps() if n.startswith("grundfos") or n == "imp-nmt"])
def test_all_ones_is_not_available_in_every_register_of_a_template(name: str) -> None:
    for point in read_map_file(shipped("resources") / "registers" / f"{name}.toml").points:
        assert read(name, point.address + 1, [0xFFFF] * point.size).reason is Reason.SENSOR_FAILURE


def test_one_makers_registers_read_by_the_others_template_do_not_pass_as_a_temperature() -> None:
    assert read("imp-nmt", 322, [33315]).reason is Reason.OUT_OF_RANGE
    assert read("grundfos-cim", 322, [6000]).reason is Reason.OUT_OF_RANGE


def test_the_help_names_every_word_of_a_map_and_its_example_is_one() -> None:
    text = (shipped("resources") / "help" / "devices.md").read_text("utf-8")
    example = text.split("```toml")[1].split("```")[0]
    found = read_map(example)
    assert [p.tag for p in found.points] == ["flow_rate_l_min", "running", "discharge_pressure_bar"]
    assert found.points[0].scaled_by == ScaleRegister("decimals_register", 109, "int16")
    for word in (*TYPES, *POINT_KEYS, *HEAD_KEYS, "expect"):
        assert word in text, word
