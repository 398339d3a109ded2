"""A heading with paragraphs below it, painted: the columns at the foot of a page."""

from bisect import bisect_left
from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QSizePolicy
from typing_extensions import override

from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.theme import STRONG, Appearance
from pumpwatch_gui.gui.look.widgets import Painted

HEIGHT, LINE = 156, 20
"""Pixels at 100 %: a heading and six lines, or one line."""


class PageFoot(Painted):
    """What there is of the chosen row of a page, at its foot. Folded, it takes a line while nothing is chosen."""

    def __init__(self, appearance: Appearance, name: str) -> None:
        super().__init__(appearance, name)
        self._is_folded = self._has_choice = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @override
    def sizeHint(self) -> QSize:
        return QSize(600, self.appearance.px(LINE if self._is_folded and not self._has_choice else HEIGHT))

    def fold(self, is_folded: bool) -> None:
        """Whether the page is low."""
        if is_folded != self._is_folded:
            self._is_folded = is_folded
            self.updateGeometry()

    def _choose(self, has_choice: bool) -> None:
        if has_choice != self._has_choice:
            self._has_choice = has_choice
            self.updateGeometry()


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

    if has_room(words):
        return words
    parts = words.split(" ")
    ways = [" ".join([*parts[:n], "…"]) for n in range(len(parts))]
    return ways[bisect_left(ways, True, lo=1, key=lambda way: not has_room(way)) - 1]
