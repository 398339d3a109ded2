"""Paragraphs in the columns at the foot of a page."""

from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QApplication

from pumpwatch_gui.gui.look.text_column import fitting
from pumpwatch_gui.gui.look.theme import Appearance

STEP = "3. Have the spectrum measured and plan the repair of the bearing before the next outage"


def test_a_paragraph_without_room_ends_with_whole_words_and_an_ellipsis(qapp: QApplication) -> None:
    appearance = Appearance()
    line = appearance.metrics(13).lineSpacing()
    assert fitting(appearance, STEP, QRectF(0, 0, 200, 20 * line)) == STEP
    cut = fitting(appearance, STEP, QRectF(0, 0, 200, 2.6 * line))
    assert cut.endswith(" …")
    assert STEP.startswith(cut.removesuffix("…"))
    assert len(cut) < len(STEP)
