"""One quantity over another, time as lightness: whether two go together, and whether that has changed."""

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QComboBox, QSizePolicy, QWidget
from typing_extensions import override

from pumpwatch_gui.domain.wording import local_time, number
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.theme import STRONG, color
from pumpwatch_gui.gui.look.time_view import TimeView, nice_ticks
from pumpwatch_gui.gui.look.widgets import Painted, label
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.trends.pens import PenFacts
from pumpwatch_gui.gui.trends.points import NOTHING, Floats, Points

SHADES = 12
MOST_DOTS = 20_000
Key = tuple[str, str, float]


def paired(x: Points, y: Points, view: TimeView) -> tuple[Floats, Floats, Floats]:
    """Times, x and y (m,) of a view, at the times of the coarser of two pens, where both have a value then."""
    x, y = x.between(view.start_s, view.end_s), y.between(view.start_s, view.end_s)
    if not x.time_s.size or not y.time_s.size:
        return np.empty(0), np.empty(0), np.empty(0)
    coarse, fine = (x, y) if x.time_s.size <= y.time_s.size else (y, x)
    after = np.clip(np.searchsorted(fine.time_s, coarse.time_s), 1, max(fine.time_s.size - 1, 1))
    before = np.minimum(after, fine.time_s.size - 1)
    left = np.maximum(after - 1, 0)
    nearer = np.abs(fine.time_s[left] - coarse.time_s) <= np.abs(fine.time_s[before] - coarse.time_s)
    at = np.where(nearer, left, before)
    is_near = np.abs(fine.time_s[at] - coarse.time_s) <= max(fine.longest_s if np.isfinite(fine.longest_s) else 0, 1.0)
    own, other = coarse.mean, fine.mean[at]
    there = is_near & np.isfinite(own) & np.isfinite(other)
    xs, ys = (own, other) if coarse is x else (other, own)
    return coarse.time_s[there], xs[there], ys[there]


class ScatterPlot(Painted):
    """The dots of two pens; the later the stronger. The scales are those of the values in view."""

    def __init__(self, context: PageContext) -> None:
        super().__init__(context.appearance, "X-Y plot")
        self._x: PenFacts | None = None
        self._y: PenFacts | None = None
        self._dots: tuple[Floats, Floats, Floats] = (np.empty(0), np.empty(0), np.empty(0))
        self._view = TimeView(0.0, 1.0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @override
    def sizeHint(self) -> QSize:
        """As large as there is room."""
        return QSize(600, 400)

    def show_pair(
        self, x: PenFacts | None, y: PenFacts | None, dots: tuple[Floats, Floats, Floats], view: TimeView
    ) -> None:
        """Show these dots: times, x and y (m,)."""
        every = max(dots[0].size // MOST_DOTS, 1)
        self._x, self._y, self._view = x, y, view
        self._dots = dots[0][::every], dots[1][::every], dots[2][::every]
        both = f"{y.name} over {x.name}" if x and y else "no pens"
        self.describe(f"{both}, {dots[0].size} points, correlation {number(correlation(*dots[1:]), 2)}")
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Axes, then the dots from the earliest on."""
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        painter = QPainter(self)
        area = QRectF(self.rect()).adjusted(px(64), px(26), -px(20), -px(46))
        times, x, y = self._dots
        if self._x is None or self._y is None or not times.size:
            words = "Both quantities have no value at the same time in this view"
            paint.text(painter, appearance, QRectF(self.rect()), words, theme.dim, size=15, align=paint.CENTRE)
            painter.end()
            return
        across, up = _room(x), _room(y)
        self._axes(painter, area, across, up)
        at_x = area.left() + (x - across[0]) / (across[1] - across[0]) * area.width()
        at_y = area.bottom() - (y - up[0]) / (up[1] - up[0]) * area.height()
        shade = np.clip((times - self._view.start_s) / self._view.length_s * SHADES, 0, SHADES - 1).astype(int)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for i in range(SHADES):
            pen = QPen(self._shade(i), px(4))
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            own = shade == i
            dots = zip(at_x[own].tolist(), at_y[own].tolist(), strict=True)
            painter.drawPoints([QPointF(*dot) for dot in dots])
        self._legend(painter, area, correlation(x, y))
        painter.end()

    def _shade(self, i: int) -> QColor:
        """From faint to the colour of live values."""
        theme = self.appearance.theme
        faint, strong, share = color(theme.band), color(theme.live), (i + 1) / SHADES
        both = ((faint.red(), strong.red()), (faint.green(), strong.green()), (faint.blue(), strong.blue()))
        red, green, blue = (round(a + (b - a) * share) for a, b in both)
        return QColor(red, green, blue)

    def _axes(self, painter: QPainter, area: QRectF, across: tuple[float, float], up: tuple[float, float]) -> None:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        assert self._x is not None
        assert self._y is not None
        painter.setPen(QPen(color(theme.line), 1))
        painter.drawRect(area)
        for value in nice_ticks(*across, most=8):
            at = area.left() + (value - across[0]) / (across[1] - across[0]) * area.width()
            painter.setPen(QPen(color(theme.line), 1, Qt.PenStyle.DotLine))
            painter.drawLine(QLineF(at, area.top(), at, area.bottom()))
            place = QRectF(at - px(40), area.bottom() + px(4), px(80), px(15))
            paint.text(painter, appearance, place, f"{value:,.5g}", theme.dim, size=11, align=paint.CENTRE)
        for value in nice_ticks(*up, most=6):
            at = area.bottom() - (value - up[0]) / (up[1] - up[0]) * area.height()
            painter.setPen(QPen(color(theme.line), 1, Qt.PenStyle.DotLine))
            painter.drawLine(QLineF(area.left(), at, area.right(), at))
            place = QRectF(0, at - px(8), area.left() - px(6), px(16))
            paint.text(painter, appearance, place, f"{value:,.5g}", theme.dim, size=11, align=paint.RIGHT)
        foot = QRectF(area.left(), area.bottom() + px(22), area.width(), px(18))
        paint.text(painter, appearance, foot, f"{self._x.name}  {self._x.unit}", theme.text, align=paint.CENTRE)
        head = QRectF(px(4), area.top() - px(22), area.width(), px(18))
        paint.text(painter, appearance, head, f"{self._y.name}  {self._y.unit}", theme.text)

    def _legend(self, painter: QPainter, area: QRectF, r: float) -> None:
        """Which time has which shade, and how far the two go together."""
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        width = px(14)
        start, end = (local_time(round(at * 1e9), "%m-%d %H:%M") for at in (self._view.start_s, self._view.end_s))
        right = area.right()
        paint.text(painter, appearance, QRectF(right - px(90), area.top() - px(22), px(90), px(16)), end, theme.dim,
                   size=11, align=paint.RIGHT)  # fmt: skip
        left = right - px(88) - SHADES * width
        for i in range(SHADES):
            painter.fillRect(QRectF(left + i * width, area.top() - px(18), width, px(8)), self._shade(i))
        paint.text(painter, appearance, QRectF(left - px(96), area.top() - px(22), px(90), px(16)), start, theme.dim,
                   size=11, align=paint.RIGHT)  # fmt: skip
        words = f"r = {number(r, 2)} · {self._dots[0].size:,} points"
        place = QRectF(left - px(330), area.top() - px(22), px(220), px(16))
        paint.text(painter, appearance, place, words, theme.strong, size=12, weight=STRONG, align=paint.RIGHT)


def correlation(x: Floats, y: Floats) -> float:
    """The correlation of two (m,), NaN where one does not vary."""
    if x.size < 3 or not np.ptp(x) or not np.ptp(y):
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])


def _room(values: Floats) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    room = max((high - low) * 0.06, abs(high) * 1e-3, 1e-9)
    return low - room, high + room


class ScatterView(QWidget):
    """The plot and the choice of its two pens."""

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self.plot = ScatterPlot(context)
        self.across, self.up = QComboBox(), QComboBox()
        self.across.setAccessibleName("Across")
        self.up.setAccessibleName("Up")
        self._facts: tuple[PenFacts, ...] = ()
        self._points: dict[Key, Points] = {}
        self._view = TimeView(0.0, 1.0)
        for box in (self.across, self.up):
            box.activated.connect(lambda _: self._show())
        row = hbox(label("Up"), (self.up, 1), label("Across"), (self.across, 1), None)
        vbox(row, (self.plot, 1), parent=self)

    def show_pens(self, facts: tuple[PenFacts, ...], points: dict[Key, Points], view: TimeView) -> None:
        """Offer these pens; those that were chosen stay."""
        keys = [one.pen.key for one in facts]
        if keys != [one.pen.key for one in self._facts]:
            kept = [box.currentIndex() for box in (self.up, self.across)]
            for box, at, usual in zip((self.up, self.across), kept, (0, 1), strict=True):
                box.clear()
                box.addItems([f"{one.name}  {one.unit}".rstrip() for one in facts])
                box.setCurrentIndex(at if 0 <= at < len(facts) else min(usual, len(facts) - 1))
        self._facts, self._points, self._view = facts, points, view
        self._show()

    def _show(self) -> None:
        up, across = (self._fact(box.currentIndex()) for box in (self.up, self.across))
        x, y = (self._points.get(one.pen.key, NOTHING) if one else NOTHING for one in (across, up))
        self.plot.show_pair(across, up, paired(x, y, self._view), self._view)

    def _fact(self, at: int) -> PenFacts | None:
        return self._facts[at] if 0 <= at < len(self._facts) else None
