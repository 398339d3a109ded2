"""TOML that the language allows and the program could not work with is refused with its place."""

import tomllib

import pytest

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.files.shipped import user_path
from pumpwatch_gui.files.toml_text import MAX_DEPTH, parse_toml
from pumpwatch_gui.settings.map_file import MapFile

REFUSED = [
    ("a = " + "9" * 5000, "more than 4300 digits"),
    ("a = 0x" + "f" * 5000, "the whole number at 'a' has more than 4000 digits"),
    ("[[pump]]\nlink = [{ port = 0x1" + "0" * 4000 + " }]", "'pump[0].link[0].port'"),
    ("a." * 4000 + "b = 1", f"nested more than {MAX_DEPTH} deep"),
    ("a = " + "[" * 4000, "nested too deep"),
]


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_what_nothing_could_work_with_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        parse_toml(text)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", [text for text, _ in REFUSED] + ["base = 'x'", "base = []", "base = 7"])
def test_a_map_that_cannot_be_read_cannot_be_opened_for_changes(text: str) -> None:
    with pytest.raises(InputError):
        MapFile(text)


def test_numbers_of_64_bits_and_beyond_are_read() -> None:
    assert parse_toml(f"a = {2**64}\nb = {-(10**25)}") == {"a": 2**64, "b": -(10**25)}


def test_the_home_of_a_user_who_is_not_here_is_a_path_that_does_not_exist() -> None:
    assert not user_path("~no-such-user/plant.csv").exists()
