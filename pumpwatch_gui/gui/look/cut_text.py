"""Text that is cut where it does not fit, but never at what distinguishes two alarms."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF

NOTHING_KEPT = (0, 0)


def cut(metrics: QFontMetricsF, words: str, width: float, kept: tuple[int, int] = NOTHING_KEPT) -> str:
    """Words in `width` px, with an ellipsis where they are cut.

    The letters from `kept[0]` to `kept[1]` stay: what is behind them is cut first, then what is before them
    (`Bearing te… high-high`).
    """
    if metrics.horizontalAdvance(words) <= width:
        return words
    start, end = kept
    if start == end or metrics.horizontalAdvance(words[:end] + "…") <= width:
        return metrics.elidedText(words, Qt.TextElideMode.ElideRight, width)
    whole = f" {words[start:end]}"
    room = width - metrics.horizontalAdvance(whole)
    return (metrics.elidedText(words[:start].rstrip(), Qt.TextElideMode.ElideRight, room) + whole).lstrip()
