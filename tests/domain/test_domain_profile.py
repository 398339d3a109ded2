"""What a profile refuses."""

import pytest

from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor, equal_tags


def profile_of(*tags: str) -> PumpProfile:
    return PumpProfile("p", tuple(Sensor(tag, tag, "", (0.0, 1.0)) for tag in tags))


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        (("flow", "heat", "flow"), "two sensors share the tag flow"),
        (("Flow", "heat", "flow"), "tags Flow and flow differ only by case"),
        (("straße", "STRASSE"), "differ only by case"),
        ((), "1 to 64 sensors"),
    ],
)
def test_tags_that_are_one_but_for_their_case_are_refused(tags: tuple[str, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        profile_of(*tags)


def test_the_first_pair_of_equal_tags_is_named_by_its_positions() -> None:
    assert equal_tags(["a", "b", "B", "A"]) == (1, 2)
    assert equal_tags(["a", "b"]) is None
    assert profile_of("a", "A1", "a2").tags == ("a", "A1", "a2")
