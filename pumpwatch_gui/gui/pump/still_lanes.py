"""What of stacked trends stays where it is while time passes: the lines, labels and limits of their lanes."""

from collections.abc import Sequence

from PySide6.QtCore import QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen, QPixmap

from pumpwatch_gui.domain.wording import number
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.theme import Appearance, color
from pumpwatch_gui.gui.pump.lanes import Lane, apart

HEAD_PX, GUTTER_PX = 17, 62


def lane_head(appearance: Appearance, rect: QRectF) -> QRectF:
    """The line of words above a lane that is plotted in `rect`."""
    px = appearance.px
    return QRectF(px(4), rect.top() - px(HEAD_PX) + px(1), rect.width() - px(8), px(HEAD_PX - 1))


def still_lanes(
    appearance: Appearance, lanes: Sequence[Lane], rects: Sequence[QRectF], size: QSize, ratio: float
) -> QPixmap:
    """The ground of a widget of that size, on which each lane is plotted in its rectangle.

    It has some hundred strokes and words, which would cost half of a frame. `ratio` is that of the device's pixels.
    """
    picture = QPixmap(size * ratio)
    picture.setDevicePixelRatio(ratio)
    theme = appearance.theme
    picture.fill(color(theme.panel))
    painter = QPainter(picture)
    for lane, rect in zip(lanes, rects, strict=True):
        top = rect.top() - appearance.px(HEAD_PX)
        painter.setPen(QPen(color(theme.line), 1))
        painter.drawLine(QLineF(0, top, size.width(), top))
        paint.text(painter, appearance, lane_head(appearance, rect), lane.label, theme.text, size=12)
        _limits(painter, appearance, lane, rect)
    painter.end()
    return picture


def _limits(painter: QPainter, appearance: Appearance, lane: Lane, rect: QRectF) -> None:
    theme, px = appearance.theme, appearance.px
    inside = [(words, x) for words, x in lane.limits if lane.scale[0] <= x <= lane.scale[1]]
    row = px(12)
    painter.setPen(QPen(theme.faint(theme.dim), 1, Qt.PenStyle.DashLine))
    for _, x in inside:
        y = round(lane.height_of(x, rect)) + 0.5
        painter.drawLine(QLineF(rect.left(), y, rect.right(), y))
    ends = [(number(x, lane.end_decimals), x) for x in lane.scale]
    if rect.height() >= row * (len(inside) + 2):
        inside += ends
    # Labels are in the gutter, next to their line and clear of every curve.
    heights = [lane.height_of(x, rect) for _, x in inside]
    labels = apart(heights, row, rect.top() - px(HEAD_PX) + row / 2 + 1, rect.bottom() - row / 2 + px(3))
    for entry, y in zip(inside, labels, strict=True):
        context = QRectF(rect.right() + px(6), y - row / 2, px(GUTTER_PX - 8), row)
        paint.text(painter, appearance, context, entry[0], theme.dim if entry in ends else theme.text, size=11)
