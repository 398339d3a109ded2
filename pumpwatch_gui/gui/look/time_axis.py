"""The time axis below a picture: lines at round local times, their times, and each day once."""

from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QPainter, QPen

from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.theme import Appearance, color
from pumpwatch_gui.gui.look.time_view import TimeView, zone_words

TICK_PX, ROW_PX = 90, 16
AXIS_PX = 40
"""What it needs below the picture, px at 100 %."""


def time_axis(painter: QPainter, appearance: Appearance, view: TimeView, area: QRectF, *, zone_px: float) -> None:
    """Paint that of a view in `area`; the zone is written in the `zone_px` to its left."""
    theme, px = appearance.theme, appearance.px
    most = max(int(area.width() / px(TICK_PX)), 1)
    day, top = "", area.bottom() + px(3)
    for at in view.ticks(most):
        x = round(area.left() + (at - view.start_s) / view.length_s * area.width()) + 0.5
        painter.setPen(QPen(color(theme.line), 1))
        painter.drawLine(QLineF(x, area.top(), x, area.bottom() + px(3)))
        words, date = view.tick_words(at, most)
        left = min(max(x - px(40), area.left()), area.right() - px(80))
        place = QRectF(left, top, px(80), px(ROW_PX))
        paint.text(painter, appearance, place, words, theme.dim, size=11, align=paint.CENTRE)
        if date != day:
            day = date
            below = place.translated(0, px(ROW_PX))
            paint.text(painter, appearance, below, day, theme.text, size=11, align=paint.CENTRE)
    zone = QRectF(px(6), top, zone_px - px(6), px(ROW_PX))
    paint.text(painter, appearance, zone, zone_words(view.start_s, view.end_s), theme.dim, size=11)
