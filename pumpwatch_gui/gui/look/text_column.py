"""A heading with paragraphs below it, painted: the columns at the foot of a page."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.theme import STRONG, Appearance


def paint_column(
    painter: QPainter, appearance: Appearance, area: QRectF, heading: str, paragraphs: Sequence[str]
) -> float:
    """A heading with paragraphs below it; those that have no room are left out. Returns where the next would begin."""
    theme, px = appearance.theme, appearance.px
    head = QRectF(area.left(), area.top(), area.width(), px(20))
    paint.text(painter, appearance, head, heading, theme.strong, weight=STRONG)
    top = head.bottom() + px(4)
    for words in paragraphs:
        if top + px(17) > area.bottom():
            break
        room = QRectF(area.left(), top, area.width(), area.bottom() - top)
        top += paint.paragraph(painter, appearance, room, words, theme.text) + px(2)
    return top
