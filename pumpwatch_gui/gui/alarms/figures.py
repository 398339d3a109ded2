"""Painted parts of the Performance tab: the figures with their benchmarks, and the alarms of each 10 minutes."""

from collections.abc import Sequence
from math import ceil

from PySide6.QtCore import QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy
from typing_extensions import override

from pumpwatch_gui.domain.alarms.benchmarks import PerformanceFigure, Standing
from pumpwatch_gui.domain.alarms.performance import FLOOD_FROM, AlarmPerformance, in_flood
from pumpwatch_gui.domain.wording import minute
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.theme import STRONG, Appearance, color
from pumpwatch_gui.gui.look.widgets import Painted

COLUMNS = 5
CELL_PX, GAP_PX = 58, 20
BARS_PX, FOOT_PX, SIDE_PX = 92, 18, 34
_SIGNS = {Standing.TARGET: "✓ ", Standing.TOLERABLE: "▲ ", Standing.ABOVE: "▲▲ "}


class FigureGrid(Painted):
    """Each figure with its benchmark below; one that misses it is said so next to it, not by colour alone."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance, "Figures of the alarm system")
        self.figures: tuple[PerformanceFigure, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @override
    def sizeHint(self) -> QSize:
        """Rows of five."""
        return QSize(600, self.appearance.px(CELL_PX) * max(ceil(len(self.figures) / COLUMNS), 3))

    def show_figures(self, figures: tuple[PerformanceFigure, ...]) -> None:
        """Show these."""
        self.figures = figures
        self.describe(". ".join(_words(figure) for figure in figures))
        self.updateGeometry()
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Name, value and how it compares, benchmark."""
        px = self.appearance.px
        painter = QPainter(self)
        width = (self.width() - px(GAP_PX) * (COLUMNS - 1)) / COLUMNS
        for i, figure in enumerate(self.figures):
            row, column = divmod(i, COLUMNS)
            self._cell(painter, QRectF(column * (width + px(GAP_PX)), row * px(CELL_PX), width, px(CELL_PX)), figure)
        painter.end()

    def _cell(self, painter: QPainter, cell: QRectF, figure: PerformanceFigure) -> None:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        painter.setPen(QPen(color(theme.line), 1))
        painter.drawLine(QLineF(cell.topLeft(), cell.topRight()))
        name = QRectF(cell.left(), cell.top() + px(4), cell.width(), px(16))
        paint.text(painter, appearance, name, figure.name, theme.dim, size=12)
        value = QRectF(cell.left(), name.bottom(), cell.width(), px(20))
        used = paint.text(painter, appearance, value, figure.value, theme.strong, size=15, weight=STRONG)
        value.setLeft(value.left() + used + px(8))
        is_missed = figure.standing in (Standing.TOLERABLE, Standing.ABOVE)
        sign, words = _SIGNS.get(figure.standing, ""), figure.standing.value
        ways = (f"{sign}{words}", f"{sign}{words.partition(' ')[0]}", sign.strip())  # the sign is never cut
        says = paint.first_fitting(appearance, ways, value.width(), 11) or ways[-1]
        paint.text(painter, appearance, value, says, theme.warning if is_missed else theme.dim, size=11)
        below = QRectF(cell.left(), value.bottom(), cell.width(), px(15))
        paint.text(painter, appearance, below, figure.benchmark, theme.dim, size=11)


def _words(figure: PerformanceFigure) -> str:
    benchmark = f", benchmark {figure.benchmark}" if figure.benchmark else ""
    standing = f", {figure.standing.value}" if figure.standing.value else ""
    return f"{figure.name}: {figure.value}{benchmark}{standing}"


def highest_of(periods: Sequence[int], bars: int) -> list[tuple[int, bool]]:
    """The periods in at most so many bars: the most alarms in any period of a bar, and whether one was in flood."""
    size = max(ceil(len(periods) / max(bars, 1)), 1)
    marks = in_flood(periods)
    return [(max(periods[i : i + size]), any(marks[i : i + size])) for i in range(0, len(periods), size)]


class RateBars(Painted):
    """The alarms of each 10 minutes as bars, with the line from which on it is a flood."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance, "Alarms in 10 minutes")
        self._found: AlarmPerformance | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @override
    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(600, self.appearance.px(BARS_PX))

    def show_performance(self, found: AlarmPerformance) -> None:
        """Show the periods of a span."""
        self._found = found
        floods = sum(in_flood(found.periods))
        self.describe(f"At most {found.peak} alarms in 10 minutes, {floods} of {len(found.periods)} periods in flood")
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Bars from the left to the right, times at both ends."""
        found, appearance, theme, px = self._found, self.appearance, self.appearance.theme, self.appearance.px
        if found is None:
            return
        painter = QPainter(self)
        area = QRectF(self.rect()).adjusted(px(SIDE_PX), px(8), 0, -px(FOOT_PX))
        top = max(found.peak, FLOOD_FROM) * 1.1
        bars = highest_of(found.periods, int(area.width() // px(4)))
        wide = area.width() / len(bars)
        gap = 1.0 if wide > px(3) else 0.0
        for i, (count, is_flood) in enumerate(bars):
            high = area.height() * count / top
            bar = QRectF(area.left() + i * wide, area.bottom() - high, wide - gap, high)
            painter.fillRect(bar, color(theme.warning if is_flood else theme.edge))
        painter.setPen(QPen(color(theme.edge), 1))
        painter.drawLine(QLineF(area.bottomLeft(), area.bottomRight()))
        y = area.bottom() - area.height() * FLOOD_FROM / top
        painter.setPen(QPen(color(theme.dim), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QLineF(area.left(), y, area.right(), y))
        for value, at in ((f"{FLOOD_FROM}", y), ("0", area.bottom())):
            side = QRectF(0, at - px(8), px(SIDE_PX - 8), px(16))
            paint.text(painter, appearance, side, value, theme.dim, size=11, align=paint.RIGHT)
        foot = QRectF(area.left(), area.bottom() + px(2), area.width(), px(FOOT_PX - 2))
        paint.text(painter, appearance, foot, minute(found.start_ns), theme.dim, size=11)
        paint.text(painter, appearance, foot, minute(found.end_ns), theme.dim, size=11, align=paint.RIGHT)
        words = f"alarms in 10 min · flood from {FLOOD_FROM}"
        paint.text(painter, appearance, foot, words, theme.dim, size=11, align=paint.CENTRE)
        painter.end()
