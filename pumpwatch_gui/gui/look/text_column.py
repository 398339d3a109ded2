"""A heading with paragraphs below it, painted: the columns at the foot of a page."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.theme import STRONG, Appearance


def paint_column(
    painter: QPainter, appearance: Appearance, area: QRectF, heading: str, paragraphs: Sequence[str]
) -> float:
    """A heading with paragraphs below it; what has no room is left out, with an ellipsis. Returns where it ends."""
    theme, px = appearance.theme, appearance.px
    head = QRectF(area.left(), area.top(), area.width(), px(20))
    paint.text(painter, appearance, head, heading, theme.strong, weight=STRONG)
    top = head.bottom() + px(4)
    for words in paragraphs:
        if top + px(17) > area.bottom():
            break
        room = QRectF(area.left(), top, area.width(), area.bottom() - top)
        top += paint.paragraph(painter, appearance, room, fitting(appearance, words, room), theme.text) + px(2)
    return top


def fitting(appearance: Appearance, words: str, room: QRectF) -> str:
    """As many whole words as there are whole lines for in a room, with an ellipsis where some are left out."""
    metrics, flags = appearance.metrics(13), Qt.TextFlag.TextWordWrap.value
    lines = max(int(room.height() // metrics.lineSpacing()), 1)
    most = QRectF(0, 0, room.width(), lines * metrics.lineSpacing())

    def has_room(text: str) -> bool:
        return metrics.boundingRect(most, flags, text).height() <= most.height()

    parts = words.split(" ")
    if has_room(words):
        return words
    ways = (" ".join(parts[:n]) + " …" for n in range(len(parts) - 1, 0, -1))
    return next(filter(has_room, ways), "…")
