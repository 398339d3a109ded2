"""The few shapes everything is drawn from. Sizes in px at 100 %, scaled by the appearance."""

from collections.abc import Sequence
from enum import Enum

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QPainter, QPainterPath, QPen, QPolygonF

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.display import ShownValue, Trust
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.wording import number, unit_text
from pumpwatch_gui.gui.look.curves import OffScale, slack
from pumpwatch_gui.gui.look.theme import REGULAR, STRONG, Appearance, color

# Plain numbers: joining Qt's flags again for each of some hundred texts a frame costs a tenth of it.
_LINE = Qt.TextFlag.TextSingleLine.value | Qt.AlignmentFlag.AlignVCenter.value
LEFT = _LINE | Qt.AlignmentFlag.AlignLeft.value
RIGHT = _LINE | Qt.AlignmentFlag.AlignRight.value
CENTRE = _LINE | Qt.AlignmentFlag.AlignHCenter.value


def text(
    painter: QPainter,
    appearance: Appearance,
    rect: QRectF,
    words: str,
    token: str,
    *,
    size: float = 13,
    weight: QFont.Weight = REGULAR,
    align: int = LEFT,
) -> float:
    """Write words into a rectangle, cut with an ellipsis where they do not fit. Returns their width in px."""
    width = appearance.width(words, size, weight)
    if width > rect.width():
        words = appearance.metrics(size, weight).elidedText(words, Qt.TextElideMode.ElideRight, rect.width())
        width = appearance.width(words, size, weight)
    painter.setFont(appearance.font(size, weight))
    painter.setPen(color(token))
    painter.drawText(rect, align, words)
    return width


def run(
    painter: QPainter,
    appearance: Appearance,
    rect: QRectF,
    pieces: tuple[tuple[str, str, QFont.Weight], ...],
    *,
    size: float = 13,
) -> float:
    """Write (words, token, weight) after one another; the last that fits is cut. Returns where the next begins."""
    rest = QRectF(rect)
    for words, token, weight in pieces:
        if words and rest.width() > appearance.px(20):
            used = text(painter, appearance, rest, words, token, size=size, weight=weight)
            rest.setLeft(rest.left() + used + appearance.px(9))
    return rest.left()


def fitting_words(appearance: Appearance, words: str, width: float, size: float = 13) -> str:
    """As many whole words as fit (at least one): `Bearing temperature`, or `Bearing`."""
    while " " in words and appearance.width(words, size) > width:
        words = words.rsplit(" ", 1)[0]
    return words


def first_fitting(appearance: Appearance, ways: Sequence[str], width: float, size: float = 13) -> str:
    """The first of several ways to say a thing that fits whole, "" where none does."""
    return next((words for words in ways if appearance.width(words, size) <= width), "")


def paragraph(
    painter: QPainter, appearance: Appearance, rect: QRectF, words: str, token: str, *, size: float = 13
) -> float:
    """Write words into a rectangle on as many lines as they need and there is room for. Returns the height used."""
    painter.setFont(appearance.font(size))
    painter.setPen(color(token))
    flags = Qt.TextFlag.TextWordWrap.value | Qt.AlignmentFlag.AlignTop.value | Qt.AlignmentFlag.AlignLeft.value
    used = painter.boundingRect(rect, flags, words)
    painter.drawText(rect, flags, words)
    return min(used.height(), rect.height())


def priority_mark(
    painter: QPainter, appearance: Appearance, rect: QRectF, priority: Priority, *, hollow: bool = False
) -> None:
    """Shape, outline and figure of a priority: square 1, triangle 2, triangle on its tip 3, circle 4.

    `hollow` for an alarm whose condition is over but which is not acknowledged.
    """
    theme = appearance.theme
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    fill = theme.priority_color(priority)
    outline = theme.border[priority - 1] if hollow else theme.mark_line
    painter.setPen(QPen(color(outline), 2 if hollow else 1.5))
    painter.setBrush(Qt.BrushStyle.NoBrush if hollow else QBrush(fill))
    box = rect.adjusted(0.75, 0.75, -0.75, -0.75)
    figure = QRectF(rect)
    match priority:
        case Priority.HIGH:
            painter.drawRect(box)
        case Priority.MEDIUM:
            painter.drawPolygon(QPolygonF([QPointF(box.center().x(), box.top()), box.bottomRight(), box.bottomLeft()]))
            figure.translate(0, rect.height() * 0.16)
        case Priority.LOW:
            painter.drawPolygon(QPolygonF([box.topLeft(), box.topRight(), QPointF(box.center().x(), box.bottom())]))
            figure.translate(0, -rect.height() * 0.15)
        case Priority.DIAGNOSTIC:
            painter.drawEllipse(box)
    font = QFont(appearance.font(10, STRONG))
    font.setPixelSize(max(8, round(rect.height() * 0.62)))
    painter.setFont(font)
    painter.setPen(color(theme.strong if hollow else theme.on_priority[priority - 1]))
    painter.drawText(figure, CENTRE, str(int(priority)))
    painter.restore()


class Emphasis(Enum):
    """How loud a border is: an unacknowledged alarm blinks between the first two, and never goes without."""

    BLINK_ON = (4.0, 3.0, 1.5, 1.0)
    BLINK_OFF = (2.0, 2.0, 1.0, 0.75)
    ACKNOWLEDGED = (3.0, 1.5, 1.0, 0.75)

    @staticmethod
    def of(*, unacknowledged: bool, blink_on: bool) -> "Emphasis":
        """That of an alarm in this phase of the blinking."""
        if not unacknowledged:
            return Emphasis.ACKNOWLEDGED
        return Emphasis.BLINK_ON if blink_on else Emphasis.BLINK_OFF


def alarm_border(
    painter: QPainter, appearance: Appearance, rect: QRectF, priority: Priority, emphasis: Emphasis
) -> None:
    """A border in the priority's colour, the wider the more urgent.

    Inside it priority 1 has a second line in the colour of strong text while it is unacknowledged: red is a dark colour
    for many eyes, and alone it would be outshone by orange and yellow.
    """
    scale, theme = appearance.scale / 100, appearance.theme
    width = emphasis.value[priority - 1] * scale
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _frame(painter, rect, width, theme.border[priority - 1])
    if priority is Priority.HIGH and emphasis is not Emphasis.ACKNOWLEDGED:
        inset = width + scale
        _frame(painter, rect.adjusted(inset, inset, -inset, -inset), scale, theme.strong)
    painter.restore()


def _frame(painter: QPainter, rect: QRectF, width: float, token: str) -> None:
    ring = QPainterPath()
    ring.addRect(rect)
    ring.addRect(rect.adjusted(width, width, -width, -width))
    painter.fillPath(ring, color(token))


def hatch(painter: QPainter, appearance: Appearance, rect: QRectF, *, step: float = 9) -> None:
    """Oblique lines: what lies here cannot be believed."""
    painter.save()
    painter.setClipRect(rect)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    gap = appearance.px(step)
    painter.setPen(QPen(color(appearance.theme.hatch), gap * 0.38))
    height = rect.height()
    start = rect.left() - height - (rect.left() - height) % gap
    lines = []
    x = start
    while x < rect.right():
        lines.append(QLineF(x, rect.bottom(), x + height, rect.top()))
        x += gap
    painter.drawLines(lines)
    painter.restore()


_SHORT = {RunState.RUNNING: "RUN", RunState.STANDBY: "STBY", RunState.NO_DATA: "?"}


def state_chip(
    painter: QPainter, appearance: Appearance, right: float, middle: float, state: RunState, *, short: bool = False
) -> float:
    """RUNNING filled, STANDBY and NO DATA as outlines, right-aligned at `right`. Returns its width."""
    theme = appearance.theme
    words = _SHORT[state] if short else state.value
    size = 10 if short else 11
    width = appearance.width(words, size, STRONG) + appearance.px(10 if short else 14)
    box = QRectF(right - width, middle - appearance.px(10), width, appearance.px(20))
    painter.setPen(QPen(color(theme.running if state is RunState.RUNNING else theme.dim), 1))
    painter.setBrush(color(theme.running) if state is RunState.RUNNING else Qt.BrushStyle.NoBrush)
    painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
    token = theme.on_running if state is RunState.RUNNING else theme.text
    text(painter, appearance, box, words, token, size=size, weight=STRONG, align=CENTRE)
    return width


def indicator(
    painter: QPainter,
    appearance: Appearance,
    rect: QRectF,
    *,
    reading: ShownValue,
    scale: tuple[float, float],
    priority: Priority | None = None,
) -> None:
    """An analog indicator: a track with the normal band, ticks at the limits and a thin pointer at the value.

    No pointer when there is no value to believe; one off the scale is an arrow out of the track, never a pointer at its
    end. The pointer takes the colour of an active alarm.
    """
    theme, sensor = appearance.theme, reading.sensor
    track = QRectF(rect.left(), round(rect.center().y() - appearance.px(4)), rect.width(), appearance.px(8))

    def at(value: float) -> float:
        return track.left() + (min(max(value, scale[0]), scale[1]) - scale[0]) / (scale[1] - scale[0]) * track.width()

    if reading.hatched:
        hatch(painter, appearance, track, step=6)
    elif sensor.normal is not None:
        left, right = at(sensor.normal[0]), at(sensor.normal[1])
        painter.fillRect(QRectF(left, track.top(), max(right - left, 2), track.height()), color(theme.band))
    painter.setPen(QPen(color(theme.line), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(track.adjusted(0.5, 0.5, -0.5, -0.5))
    painter.setPen(QPen(color(theme.dim), 1))
    for limit in sensor.limits.given:
        x = round(at(limit)) + 0.5
        painter.drawLine(QLineF(x, track.top() - appearance.px(2), x, track.bottom() + appearance.px(2)))
    room = slack(scale)
    if scale[0] - room <= reading.value <= scale[1] + room:
        _pointer(painter, appearance, at(reading.value), track, _pointer_color(appearance, reading, priority))
    elif reading.value == reading.value:
        _pointer_out(
            painter, appearance, track, _pointer_color(appearance, reading, priority), reading.value > scale[1]
        )


def slim_indicator(
    painter: QPainter,
    appearance: Appearance,
    rect: QRectF,
    *,
    reading: ShownValue,
    scale: tuple[float, float],
    priority: Priority | None = None,
) -> None:
    """The same in a strip of 4 px under a number: the normal band, the limits, a bar at the value.

    A value off the scale is a bar outside the strip, none is no bar.
    """
    theme, px = appearance.theme, appearance.px
    strip = QRectF(rect.left() + px(4), rect.bottom() - px(5), rect.width() - px(8), px(4))

    def at(value: float) -> float:
        return strip.left() + (value - scale[0]) / (scale[1] - scale[0]) * strip.width()

    painter.fillRect(QRectF(strip.left(), round(strip.center().y()), strip.width(), 1), color(theme.line))
    if reading.sensor.normal is not None and not reading.hatched:
        left, right = (min(max(at(x), strip.left()), strip.right()) for x in reading.sensor.normal)
        painter.fillRect(QRectF(left, strip.top(), max(right - left, 2), strip.height()), color(theme.band))
    for limit in reading.sensor.limits.given:
        if scale[0] <= limit <= scale[1]:
            painter.fillRect(QRectF(round(at(limit)), strip.top(), 1, strip.height()), color(theme.dim))
    if reading.value == reading.value:
        x = min(max(at(reading.value), rect.left()), rect.right() - px(3))
        bar = QRectF(round(x - px(1)), strip.top() - px(1), px(3), strip.height() + px(2))
        painter.fillRect(bar, _pointer_color(appearance, reading, priority))


def _pointer_color(appearance: Appearance, reading: ShownValue, priority: Priority | None) -> QColor:
    if priority is not None:
        return appearance.theme.priority_color(priority)
    return color(appearance.theme.live if reading.trust is Trust.LIVE else appearance.theme.dim)


def _pointer(painter: QPainter, appearance: Appearance, x: float, track: QRectF, fill: QColor) -> None:
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(fill, 1.5))
    painter.drawLine(QLineF(x, track.top() - appearance.px(2), x, track.bottom()))
    half, top = appearance.px(5), track.bottom() - appearance.px(1)
    painter.setPen(QPen(color(appearance.theme.mark_line), 0.75))
    painter.setBrush(fill)
    bottom = top + appearance.px(8)
    painter.drawPolygon(QPolygonF([QPointF(x, top), QPointF(x + half, bottom), QPointF(x - half, bottom)]))
    painter.restore()


def _pointer_out(painter: QPainter, appearance: Appearance, track: QRectF, fill: QColor, is_above: bool) -> None:
    """An arrow that leaves the track: the value is farther out than this scale goes."""
    px, middle = appearance.px, track.center().y()
    tip, out = (track.right() + px(3), -1.0) if is_above else (track.left() - px(3), 1.0)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(color(appearance.theme.mark_line), 0.75))
    painter.setBrush(fill)
    for shift in (0.0, px(8)):
        x = tip + out * shift
        back = x + out * px(8)
        painter.drawPolygon(
            QPolygonF([QPointF(x, middle), QPointF(back, middle - px(7)), QPointF(back, middle + px(7))])
        )
    painter.restore()


def off_scale(
    painter: QPainter, appearance: Appearance, rect: QRectF, stretches: tuple[OffScale, ...], decimals: int
) -> None:
    """A rail along the edge of a lane where its values are beyond the scale, with an arrow and the farthest value."""
    theme, px = appearance.theme, appearance.px
    written = {True: rect.left(), False: rect.left()}
    for stretch in stretches:
        left, right = max(stretch.left - 1, rect.left()), min(max(stretch.right, stretch.left + 2) + 1, rect.right())
        edge = rect.top() if stretch.is_above else rect.bottom()
        inward = 1.0 if stretch.is_above else -1.0
        painter.fillRect(QRectF(left, min(edge, edge + inward * 2), right - left, 2), color(theme.dim))
        words = f"{'▲' if stretch.is_above else '▼'} {number(stretch.farthest, decimals)}"
        width, height = appearance.width(words, 11, STRONG) + px(6), px(14)
        start = min(left, rect.right() - width)
        if rect.height() < height + 4 or start < written[stretch.is_above]:
            continue
        written[stretch.is_above] = start + width
        box = QRectF(start, edge + 3 if stretch.is_above else edge - 3 - height, width, height)
        painter.fillRect(box, color(theme.panel))
        text(painter, appearance, box, words, theme.strong, size=11, weight=STRONG, align=CENTRE)


def value_token(appearance: Appearance, reading: ShownValue, *, quiet: bool = False, urgent: bool = False) -> str:
    """The colour of a number: live blue, grey when not live or at rest (`quiet`), white in alarm (`urgent`)."""
    if urgent:
        return appearance.theme.strong
    return appearance.theme.live if reading.trust is Trust.LIVE and not quiet else appearance.theme.text


def value_and_unit(
    painter: QPainter,
    appearance: Appearance,
    rect: QRectF,
    reading: ShownValue,
    token: str,
    *,
    size: float = 18,
    unit_px: float,
) -> None:
    """Number right-aligned before a column of `unit_px` for the unit, so that numbers line up under one another."""
    figures = rect.adjusted(0, 0, -unit_px, 0)
    text(painter, appearance, figures, reading.shown, token, size=size, weight=STRONG, align=RIGHT)
    unit_of(painter, appearance, rect, reading, size=size, unit_px=unit_px)


def unit_of(
    painter: QPainter, appearance: Appearance, rect: QRectF, reading: ShownValue, *, size: float, unit_px: float
) -> None:
    """The unit of `value_and_unit`, alone."""
    px, words = appearance.px, unit_text(reading.sensor.unit)
    column = QRectF(rect.right() - unit_px + px(4), rect.top() + px(size * 0.12), unit_px, rect.height())
    text(painter, appearance, column, words, appearance.theme.dim, size=11 if size < 18 else 12)


def health_bar(painter: QPainter, appearance: Appearance, rect: QRectF, health: float) -> None:
    """A bar of 0-100; hatched when the health is not known."""
    theme = appearance.theme
    if health == health:
        filled = QRectF(rect.left(), rect.top(), rect.width() * min(max(health, 0), 100) / 100, rect.height())
        painter.fillRect(filled, color(theme.dim if health < 60 else theme.band))
    else:
        hatch(painter, appearance, rect, step=6)
    painter.setPen(QPen(color(theme.line), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(rect.adjusted(0.5, 0.5, -0.5, -0.5))


__all__ = [
    "CENTRE",
    "LEFT",
    "REGULAR",
    "RIGHT",
    "Emphasis",
    "alarm_border",
    "first_fitting",
    "fitting_words",
    "hatch",
    "health_bar",
    "indicator",
    "off_scale",
    "paragraph",
    "priority_mark",
    "run",
    "state_chip",
    "text",
    "unit_of",
    "value_and_unit",
    "value_token",
]
