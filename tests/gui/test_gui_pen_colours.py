"""The colours of pens: seen on their ground, distinct to every eye, and never taken for an alarm."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from pumpwatch_gui.gui.look.pen_colours import PENS, STROKES, pen_color, pen_stroke
from pumpwatch_gui.gui.look.theme import THEMES, color
from tests.gui.test_gui_contrast import CONTROL, contrast, linear

EYES = {
    "normal": np.eye(3),
    "protanope": np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
    "deuteranope": np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
    "tritanope": np.array([[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]]),
}
"""Linear RGB as seen: Machado, Oliveira and Fernandes 2009."""
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
APART = 15.0
"""Least distance in CIE L*a*b* of two pens in one lane: 2.3 is just noticeable."""


def rgb(token: str) -> NDArray[np.uint8]:
    made = color(token)
    return np.array([made.red(), made.green(), made.blue()], np.uint8)


def lab(token: str, eye: NDArray[np.float64]) -> NDArray[np.float64]:
    """How a colour looks to an eye."""
    seen = XYZ @ np.clip(eye @ linear(rgb(token)), 0, 1) / np.array([0.9505, 1.0, 1.089])
    root = np.where(seen > 0.008856, np.cbrt(seen), 7.787 * seen + 16 / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


@pytest.mark.parametrize("name", list(THEMES))
def test_every_pen_is_seen_on_its_ground(name: str) -> None:
    for token in PENS[name]:
        assert contrast(rgb(token), THEMES[name].panel) >= CONTROL, token


@pytest.mark.parametrize("eye", list(EYES))
@pytest.mark.parametrize("name", list(THEMES))
def test_any_two_hues_are_told_apart_by_every_eye(name: str, eye: str) -> None:
    for one, other in combinations(PENS[name], 2):
        assert np.linalg.norm(lab(one, EYES[eye]) - lab(other, EYES[eye])) >= APART, (one, other)


@pytest.mark.parametrize("name", list(THEMES))
def test_no_pen_looks_like_a_priority(name: str) -> None:
    for token in PENS[name]:
        for priority in THEMES[name].priority:
            assert np.linalg.norm(lab(token, EYES["normal"]) - lab(priority, EYES["normal"])) >= APART, (
                token,
                priority,
            )


@pytest.mark.parametrize("name", list(THEMES))
def test_pens_of_one_hue_have_another_stroke(name: str) -> None:
    theme, count = THEMES[name], len(PENS[name]) * len(STROKES)
    looks = {(pen_color(theme, i).name(), pen_stroke(theme, i)) for i in range(count)}
    assert len(looks) == count >= 24
