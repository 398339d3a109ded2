"""The last hour of the figures on the System page."""

from math import nan

from PySide6.QtWidgets import QApplication

from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.system.figure_past import SAMPLES, FigurePast
from pumpwatch_gui.gui.system.page import SystemPage
from tests.gui.conftest import OpenWindow
from tests.gui.parts import page_of


def painted(past: FigurePast) -> list[int]:
    """In how many pixels of each third of the width it differs from one that has no numbers."""
    empty = FigurePast(past.appearance, "empty")
    empty.resize(past.size())
    shown, bare = past.grab().toImage(), empty.grab().toImage()
    drawn = [x for x in range(shown.width()) for y in range(shown.height()) if shown.pixel(x, y) != bare.pixel(x, y)]
    return [sum(3 * x // shown.width() == third for x in drawn) for third in range(3)]


def test_the_newest_number_is_at_the_right_and_an_unknown_one_is_a_gap(qapp: QApplication) -> None:
    past = FigurePast(Appearance(), "Commit time")
    past.resize(120, 20)
    past.note(nan)
    assert past.accessibleDescription() == ""
    for _ in range(SAMPLES // 4):  # so that it ends within the last third
        past.note(8.0)
    left, middle, right = painted(past)
    assert left == middle == 0
    assert right > 20
    for _ in range(SAMPLES):
        past.note(0.5)
    past.note(9.0)
    assert len(past.numbers) == SAMPLES
    assert past.accessibleDescription() == "The last hour: 0.5 to 9.0"


def test_the_page_notes_its_figures_while_another_page_is_shown(open_window: OpenWindow) -> None:
    window = open_window(3)
    window.open_page("system")
    page = page_of(window, SystemPage)
    window.open_page("overview")
    page.sample()
    assert {name: len(past.numbers) for name, past in page.past.items()} == dict.fromkeys(page.past, 2)
    assert page.past["Memory"].numbers[-1] > 10
