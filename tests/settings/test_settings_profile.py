"""The profile file: every mistake with its path."""

from pathlib import Path

import pytest

from pumpwatch_gui.domain.errors import InputError, Problem
from pumpwatch_gui.settings.profile_file import load_profile, parse_profile

FLOW = {"tag": "Flow", "span": [0.0, 1.0]}
HEAT = {"tag": "heat", "span": [0.0, 1.0]}


def mistakes(*sensors: object) -> dict[str, str]:
    problems: list[Problem] = []
    assert parse_profile({"name": "p", "sensor": list(sensors)}, problems) is None
    return {p.path: f"{p.message} {p.advice}" for p in problems}


def test_tags_that_differ_only_by_case_are_named_both_with_their_paths() -> None:
    found = mistakes(FLOW, HEAT, FLOW | {"tag": "flow"})
    assert found == {"sensor[2].tag": "tags Flow and flow differ only by case (sensor[0].tag) rename one of them"}


def test_it_is_named_also_when_another_sensor_cannot_be_read() -> None:
    found = mistakes({"tag": "x"}, FLOW, FLOW)
    assert set(found) == {"sensor[0].span", "sensor[2].tag"}
    assert "two sensors share the tag Flow (sensor[1].tag)" in found["sensor[2].tag"]


def test_a_file_of_such_a_profile_is_refused_with_its_name(tmp_path: Path) -> None:
    sensors = "".join(f'[[sensor]]\ntag = "{tag}"\nspan = [0.0, 1.0]\n' for tag in ("Flow", "flow"))
    (tmp_path / "p.toml").write_text('name = "p"\n' + sensors)
    with pytest.raises(InputError, match=r"p\.toml: sensor\[1\]\.tag: tags Flow and flow") as caught:
        load_profile("./p.toml", base_dir=tmp_path)
    assert caught.value.advice
