"""Paints the plot of the trends: the same for the screen, a picture and a printer."""

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from pumpwatch_gui.domain.wording import duration, local_time, number
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.pen_colours import pen_color, pen_stroke
from pumpwatch_gui.gui.look.theme import STRONG, Appearance, color
from pumpwatch_gui.gui.look.time_view import DAY_S, TimeView, zone_words
from pumpwatch_gui.gui.trends.curve import PenCurve, uncovered
from pumpwatch_gui.gui.trends.marks import Mark
from pumpwatch_gui.gui.trends.pens import PenFacts
from pumpwatch_gui.gui.trends.unit_lanes import UnitLane

TICK_PX, ROW_PX, RAIL_PX = 92, 15, 4
BAND_ALPHA, GHOST_ALPHA = 105, 150
Key = tuple[str, str, float]


@dataclass(frozen=True, slots=True)
class PlotPicture:
    """All that is painted: the view, where its lanes and curves are, marks, cursors A and B and that of the pointer.

    `said` is what goes on with the history, `empty` what is written where there is no lane, `chosen` the pen whose
    limits are drawn.
    """

    view: TimeView
    area: QRectF
    lanes: tuple[UnitLane, ...]
    curves: Mapping[Key, PenCurve]
    marks: tuple[Mark, ...]
    cursors: tuple[float | None, float | None]
    hover_s: float | None
    said: str
    empty: str
    chosen: Key | None
    replay_s: float | None = None

    def x(self, time_s: float) -> float:
        """Where a time is."""
        return self.area.right() - (self.view.end_s - time_s) * self.area.width() / self.view.length_s


class PlotPainter:
    """Paints pictures in one appearance; of a history under review none is called live."""

    def __init__(self, appearance: Appearance, *, is_review: bool = False) -> None:
        self.appearance, self._is_review = appearance, is_review

    def paint(self, painter: QPainter, whole: QRectF, picture: PlotPicture, *, has_focus: bool = False) -> None:
        """Everything, from the ground up."""
        appearance, theme = self.appearance, self.appearance.theme
        self._title(painter, whole, picture)
        if not picture.lanes:
            paint.text(painter, appearance, picture.area, picture.empty, theme.dim, size=15, align=paint.CENTRE)
        self._time_axis(painter, picture)
        for lane in picture.lanes:
            self._lane(painter, lane, picture)
        self._marks(painter, picture)
        self._cursors(painter, picture)
        if has_focus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(color(theme.focus), 1, Qt.PenStyle.DotLine))
            painter.drawRect(whole.adjusted(0.5, 0.5, -0.5, -0.5))

    # ---------------------------------------------------------------- title and axis

    def _title(self, painter: QPainter, whole: QRectF, picture: PlotPicture) -> None:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        view = picture.view
        line = QRectF(whole.left() + px(4), whole.top(), whole.width() - px(8), px(20))
        form = "%Y-%m-%d %H:%M:%S"
        start, end = (local_time(round(at * 1e9), form) for at in (view.start_s, view.end_s))
        is_live = view.is_live and not self._is_review
        state = "live" if is_live else "history"
        pieces = (
            (f"{start} – {end}", theme.strong, STRONG),
            (duration(view.length_s), theme.dim, paint.REGULAR),
            (state, theme.live if is_live else theme.text, STRONG),
        )
        left = paint.run(painter, appearance, line, pieces)
        rest = line.adjusted(left - line.left() + px(8), 0, 0, 0)
        paint.text(painter, appearance, rest, picture.said, theme.warning, size=12, align=paint.RIGHT)

    def _time_axis(self, painter: QPainter, picture: PlotPicture) -> None:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        area, view = picture.area, picture.view
        most = max(int(area.width() / px(TICK_PX)), 1)
        day, free = "", area.left()
        top = area.bottom() + px(16)
        zone = zone_words(view.start_s, view.end_s)
        zone_px = appearance.width(zone, 11) + px(8)
        paint.text(
            painter, appearance, QRectF(area.left(), top + px(ROW_PX), area.width(), px(ROW_PX)), zone, theme.dim,
            size=11, align=paint.RIGHT,
        )  # fmt: skip
        for at in view.ticks(most):
            x = round(picture.x(at)) + 0.5
            painter.setPen(QPen(color(theme.line), 1))
            painter.drawLine(QLineF(x, area.top(), x, area.bottom() + px(3)))
            words, date = view.tick_words(at, most)
            width = appearance.width(words, 11) + px(8)
            left = min(max(x - width / 2, area.left()), area.right() - width)
            if left < free:
                continue
            free = left + width
            paint.text(painter, appearance, QRectF(left, top, width, px(ROW_PX)), words, theme.dim, size=11,
                       align=paint.CENTRE)  # fmt: skip
            place = QRectF(left, top + px(ROW_PX), px(TICK_PX), px(ROW_PX))
            if date != day and place.right() < area.right() - zone_px:
                day = date
                paint.text(painter, appearance, place, day, theme.text, size=11)

    # ---------------------------------------------------------------- lanes

    def _lane(self, painter: QPainter, lane: UnitLane, picture: PlotPicture) -> None:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        rect = lane.rect
        curves = [picture.curves[one.pen.key] for one in lane.pens]
        for left, right in uncovered(curves, rect):
            paint.hatch(painter, appearance, QRectF(left, rect.top(), right - left, rect.height()), step=12)
        row, free = px(ROW_PX), rect.bottom() + px(ROW_PX)
        for value in lane.ticks(row):
            y = round(lane.y(value)) + 0.5
            painter.setPen(QPen(color(theme.line), 1, Qt.PenStyle.DotLine))
            painter.drawLine(QLineF(rect.left(), y, rect.right(), y))
            middle = min(max(y, rect.top() + row / 2), rect.bottom() - row / 2)
            if abs(free - middle) < row * 0.9:
                continue  # of a lane without room for two
            free = middle
            place = QRectF(rect.left() - px(56), middle - row / 2, px(50), row)
            words = self._tick_words(lane, value)
            paint.text(painter, appearance, place, words, theme.dim, size=11, align=paint.RIGHT)
        painter.setPen(QPen(color(theme.line), 1))
        painter.drawLine(QLineF(rect.left(), rect.bottom() + 0.5, rect.right(), rect.bottom() + 0.5))
        painter.drawLine(QLineF(rect.left() - 0.5, rect.top(), rect.left() - 0.5, rect.bottom()))
        self._head(painter, lane)
        self._limits(painter, lane, picture)
        painter.save()
        painter.setClipRect(rect.adjusted(-1, -1, 1, 1))
        for one, curve in zip(lane.pens, curves, strict=True):
            self._curve(painter, one, curve, is_chosen=one.pen.key == picture.chosen)
        painter.restore()
        self._bad(painter, lane, curves)
        decimals = max((one.sensor.decimals for one in lane.pens), default=0)
        paint.off_scale(painter, appearance, rect, tuple(out for curve in curves for out in curve.out), decimals)
        self._ends(painter, lane, curves)

    def _tick_words(self, lane: UnitLane, value: float) -> str:
        states = lane.pens[0].sensor.states
        return lane.pens[0].text_of(value) if states and value == round(value) else number(value, lane.decimals)

    def _head(self, painter: QPainter, lane: UnitLane) -> None:
        """The unit, then the pens with the marks they are known by."""
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        line = QRectF(lane.rect.left(), lane.rect.top() - px(17), lane.rect.width(), px(16))
        unit = QRectF(lane.rect.left() - px(56), line.top(), px(50), line.height())
        paint.text(painter, appearance, unit, lane.unit, theme.text, size=12, weight=STRONG, align=paint.RIGHT)
        left = line.left() + px(2)
        for one in lane.pens:
            width = appearance.width(one.name, 12) + px(58)
            if left + px(60) > line.right():
                break
            stroke = QRectF(left, line.top(), px(26), line.height())
            pen_mark(painter, appearance, stroke, one)
            words = QRectF(stroke.right() + px(5), line.top(), min(width, line.right() - stroke.right()), line.height())
            left = words.left() + paint.text(painter, appearance, words, one.name, theme.text, size=12) + px(16)

    def _limits(self, painter: QPainter, lane: UnitLane, picture: PlotPicture) -> None:
        """Those of the chosen pen, or of the only one."""
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        own = [one for one in lane.pens if one.pen.key == picture.chosen] or list(
            lane.pens if len(lane.pens) == 1 else ()
        )
        free = lane.rect.bottom()
        for words, value in own[0].limits if own else ():
            y = round(lane.y(value)) + 0.5
            if lane.rect.top() <= y <= lane.rect.bottom():
                painter.setPen(QPen(theme.faint(theme.text), 1, Qt.PenStyle.DashLine))
                painter.drawLine(QLineF(lane.rect.left(), y, lane.rect.right(), y))
                if lane.rect.height() > px(40) and y - px(14) > lane.rect.top() and y < free:
                    free = y - px(12)
                    place = QRectF(lane.rect.right() - px(90), y - px(14), px(86), px(13))
                    paint.text(painter, appearance, place, words, theme.dim, size=10, align=paint.RIGHT)

    def _curve(self, painter: QPainter, one: PenFacts, curve: PenCurve, *, is_chosen: bool) -> None:
        hue = QColor(pen_color(self.appearance.theme, one.hue))
        if one.pen.shift_s:
            hue.setAlpha(GHOST_ALPHA)
        band = QColor(hue)
        band.setAlpha(BAND_ALPHA)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(band, 1))
        painter.drawPath(curve.band)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        # Of one pixel, or Qt works out the outline of every line: ten times as slow.
        painter.setPen(QPen(hue, 2.0 if is_chosen else 1.0, pen_stroke(self.appearance.theme, one.hue)))
        painter.drawPath(curve.line)

    def _bad(self, painter: QPainter, lane: UnitLane, curves: list[PenCurve]) -> None:
        """A bar at the foot for each pen, where its readings were BAD, with the word where there is room."""
        appearance, px = self.appearance, self.appearance.px
        y = lane.rect.bottom() - px(RAIL_PX)
        for one, curve in zip(lane.pens, curves, strict=True):
            for left, right in curve.bad:
                bar = QRectF(left, y, max(right - left, 2.0), px(RAIL_PX) - 1)
                painter.fillRect(bar, pen_color(appearance.theme, one.hue))
                if bar.width() > px(34) and lane.rect.height() > px(44):
                    place = QRectF(left, y - px(13), bar.width(), px(12))
                    paint.text(painter, appearance, place, "BAD", appearance.theme.dim, size=10, align=paint.CENTRE)
            y -= px(RAIL_PX) * bool(curve.bad)

    def _ends(self, painter: QPainter, lane: UnitLane, curves: list[PenCurve]) -> None:
        """The number of each pen at its newest value: curves differ by it, not by colour alone."""
        px = self.appearance.px
        placed: list[float] = []
        for one, curve in sorted(zip(lane.pens, curves, strict=True), key=lambda both: both[1].last_y or 0.0):
            if curve.last_y is None:
                continue
            y = min(max(curve.last_y, lane.rect.top() + px(6)), lane.rect.bottom() - px(6))
            if placed and y < placed[-1] + px(13):
                y = placed[-1] + px(13)
            placed.append(y)
            if y <= lane.rect.bottom() + px(4):
                number_mark(painter, self.appearance, QPointF(lane.rect.right() + px(13), y), one)

    # ---------------------------------------------------------------- marks and cursors

    def _marks(self, painter: QPainter, picture: PlotPicture) -> None:
        """Alarms with shape and number of their priority, the rest as letters; the most urgent on top."""
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        area, taken = picture.area, list[float]()
        view = picture.view
        inside = [mark for mark in picture.marks if view.start_s <= mark.time_s <= view.end_s]
        for mark in sorted(inside, key=lambda m: (m.priority or 9, m.kind == "run", m.time_s)):
            x = picture.x(mark.time_s)
            if any(abs(x - other) < px(9) for other in taken):
                continue
            taken.append(x)
            box = QRectF(x - px(6), area.bottom() + px(3), px(12), px(12))
            if mark.priority is not None:
                paint.priority_mark(painter, appearance, box, mark.priority)
                continue
            painter.setPen(QPen(color(theme.edge), 1))
            painter.setBrush(color(theme.raised))
            painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
            paint.text(painter, appearance, box, mark.letter, theme.strong, size=9, weight=STRONG, align=paint.CENTRE)

    def _cursors(self, painter: QPainter, picture: PlotPicture) -> None:
        theme = self.appearance.theme
        if picture.hover_s is not None:
            self._cursor(painter, picture, picture.hover_s, "", theme.dim, Qt.PenStyle.DotLine)
        for name, at in zip("AB", picture.cursors, strict=True):
            if at is not None and picture.view.start_s <= at <= picture.view.end_s:
                self._cursor(painter, picture, at, name, theme.strong, Qt.PenStyle.SolidLine)
        replay_s = picture.replay_s
        if replay_s is not None and picture.view.start_s <= replay_s <= picture.view.end_s:
            self._cursor(painter, picture, replay_s, "REPLAY", theme.warning, Qt.PenStyle.DashLine)

    def _cursor(
        self, painter: QPainter, picture: PlotPicture, at: float, name: str, token: str, stroke: Qt.PenStyle
    ) -> None:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        area = picture.area
        x = round(picture.x(at)) + 0.5
        painter.setPen(QPen(color(token), 1, stroke))
        painter.drawLine(QLineF(x, area.top(), x, area.bottom() + px(16)))
        form = "%H:%M:%S" if picture.view.length_s < DAY_S else "%m-%d %H:%M"
        words = f"{name} {local_time(round(at * 1e9), form)}".strip()
        width = appearance.width(words, 11, STRONG) + px(10)
        box = QRectF(min(max(x - width / 2, area.left()), area.right() - width), area.bottom() + px(16), width, px(16))
        painter.fillRect(box, color(theme.raised))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
        paint.text(painter, appearance, box, words, theme.strong, size=11, weight=STRONG, align=paint.CENTRE)


def pen_mark(painter: QPainter, appearance: Appearance, rect: QRectF, one: PenFacts) -> None:
    """A piece of the stroke of a pen with its number on it."""
    painter.setPen(QPen(pen_color(appearance.theme, one.hue), 2, pen_stroke(appearance.theme, one.hue)))
    middle = rect.center().y()
    painter.drawLine(QLineF(rect.left(), middle, rect.right(), middle))
    number_mark(painter, appearance, QPointF(rect.left() + appearance.px(7), middle), one)


def number_mark(painter: QPainter, appearance: Appearance, at: QPointF, one: PenFacts) -> None:
    """The number of a pen in a round mark of its colour."""
    px, theme = appearance.px, appearance.theme
    words = str(one.place + 1)
    half = max(appearance.width(words, 10, STRONG) / 2 + px(3), px(6))
    box = QRectF(at.x() - half, at.y() - px(6), 2 * half, px(12))
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(pen_color(theme, one.hue), 1.2))
    painter.setBrush(color(theme.panel))
    painter.drawRoundedRect(box, px(6), px(6))
    painter.restore()
    paint.text(painter, appearance, box, words, theme.strong, size=10, weight=STRONG, align=paint.CENTRE)
