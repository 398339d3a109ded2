"""A small still picture of a few curves on one pair of axes: a loss, the residuals about an onset."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from typing_extensions import override

from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.curves import path, thinned
from pumpwatch_gui.gui.look.theme import Appearance, color
from pumpwatch_gui.gui.look.widgets import Painted

_DASHES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)
"""Curves differ by their strokes, not by colour."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve: `x` rises, `y` is NaN where there is a gap; both (m,)."""

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]


class SmallPlot(Painted):
    """Shows curves over all of their range. `mark` is an x with a dashed line, `marked` what is written at it."""

    def __init__(self, appearance: Appearance, name: str, *, x_text: Callable[[float], str], empty: str) -> None:
        super().__init__(appearance, name)
        self.curves: tuple[Curve, ...] = ()
        self._x_text, self._empty = x_text, empty
        self._mark: float | None = None
        self._marked = ""

    def show_curves(self, *curves: Curve, mark: float | None = None, marked: str = "") -> None:
        """Show these and nothing else."""
        self.curves = tuple(c for c in curves if np.isfinite(c.y).any())
        self._mark, self._marked = mark, marked
        self.describe(", ".join(f"{c.name}: last {c.y[np.isfinite(c.y)][-1]:.3g}" for c in self.curves) or self._empty)
        self.update()

    @override
    def sizeHint(self) -> QSize:
        """Wide and low."""
        return QSize(self.appearance.px(420), self.appearance.px(150))

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Legend above, numbers at the left, times below, curves in the middle."""
        appearance, px, theme = self.appearance, self.appearance.px, self.appearance.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        whole = QRectF(self.rect())
        if not self.curves:
            paint.text(painter, appearance, whole, self._empty, theme.dim, align=paint.CENTRE)
            painter.end()
            return
        area = whole.adjusted(px(46), px(24), -px(8), -px(20))
        low, high = self._range()
        left, right = self._span()
        self._axes(painter, area, (low, high), (left, right))
        for i, curve in enumerate(self.curves):
            x = area.left() + (curve.x - left) / (right - left) * area.width()
            y = area.bottom() - (curve.y - low) / (high - low) * area.height()
            painter.setPen(QPen(color(theme.live), 1.2, _DASHES[i % len(_DASHES)]))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(path(*thinned(x, y, area.width())))
        self._legend(painter, QRectF(area.left(), 0, area.width(), px(20)))
        painter.end()

    def _range(self) -> tuple[float, float]:
        values = np.concatenate([c.y[np.isfinite(c.y)] for c in self.curves])
        low, high = float(values.min()), float(values.max())
        room = max((high - low) * 0.06, abs(high) * 1e-3, 1e-9)
        return low - room, high + room

    def _span(self) -> tuple[float, float]:
        left, right = min(float(c.x[0]) for c in self.curves), max(float(c.x[-1]) for c in self.curves)
        return left, right if right > left else left + 1.0

    def _axes(
        self, painter: QPainter, area: QRectF, vertical: tuple[float, float], across: tuple[float, float]
    ) -> None:
        appearance, px, theme = self.appearance, self.appearance.px, self.appearance.theme
        painter.setPen(QPen(color(theme.line), 1))
        painter.drawLine(QLineF(area.bottomLeft(), area.bottomRight()))
        painter.drawLine(QLineF(area.topLeft(), area.bottomLeft()))
        for value, y in ((vertical[1], area.top()), (vertical[0], area.bottom() - px(14))):
            context = QRectF(0, y, area.left() - px(6), px(14))
            paint.text(painter, appearance, context, f"{value:.3g}", theme.dim, size=11, align=paint.RIGHT)
        foot = QRectF(area.left(), area.bottom() + px(3), area.width(), px(16))
        paint.text(painter, appearance, foot, self._x_text(across[0]), theme.dim, size=11)
        paint.text(painter, appearance, foot, self._x_text(across[1]), theme.dim, size=11, align=paint.RIGHT)
        if self._mark is not None and across[0] < self._mark < across[1]:
            x = area.left() + (self._mark - across[0]) / (across[1] - across[0]) * area.width()
            painter.setPen(QPen(color(theme.dim), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QLineF(x, area.top(), x, area.bottom()))
            words = QRectF(x - px(60), area.bottom() + px(3), px(120), px(16))
            paint.text(painter, appearance, words, self._marked, theme.text, size=11, align=paint.CENTRE)

    def _legend(self, painter: QPainter, context: QRectF) -> None:
        appearance, px, theme = self.appearance, self.appearance.px, self.appearance.theme
        for i, curve in enumerate(self.curves):
            painter.setPen(QPen(color(theme.live), 1.2, _DASHES[i % len(_DASHES)]))
            painter.drawLine(
                QLineF(context.left(), context.center().y(), context.left() + px(18), context.center().y())
            )
            words = context.adjusted(px(24), 0, 0, 0)
            context.setLeft(
                words.left() + paint.text(painter, appearance, words, curve.name, theme.text, size=12) + px(16)
            )
