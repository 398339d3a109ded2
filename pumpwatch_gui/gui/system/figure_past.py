"""The last hour of one figure of the program, in the height of a line."""

from collections import deque
from math import isfinite

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy
from typing_extensions import override

from pumpwatch_gui.domain.wording import number
from pumpwatch_gui.gui.look.curves import path, thinned
from pumpwatch_gui.gui.look.theme import Appearance, color
from pumpwatch_gui.gui.look.widgets import Painted

SAMPLES = 360


class FigurePast(Painted):
    """The newest `SAMPLES` numbers, the newest at the right, from 0 at the foot to the highest at the top."""

    def __init__(self, appearance: Appearance, name: str) -> None:
        super().__init__(appearance, f"{name}, the last hour")
        self.numbers: deque[float] = deque(maxlen=SAMPLES)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    def note(self, value: float) -> None:
        """The next number; one that is not known is a gap."""
        self.numbers.append(value)
        known = [x for x in self.numbers if isfinite(x)]
        words = f"The last hour: {number(min(known), 1)} to {number(max(known), 1)}" if known else ""
        self.setToolTip(words)
        self.describe(words)
        self.update()

    @override
    def sizeHint(self) -> QSize:
        """As high as a line of text."""
        return QSize(self.appearance.px(60), self.appearance.px(16))

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """The foot, and from two numbers on a line above it."""
        y, theme = np.array(self.numbers), self.appearance.theme
        highest = float(np.nanmax(y)) if np.isfinite(y).any() else 0.0
        area = QRectF(self.rect()).adjusted(0, 2, 0, -2)
        painter = QPainter(self)
        painter.setPen(QPen(color(theme.line), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        if y.size > 1 and highest > 0:
            x = area.right() - np.arange(y.size - 1, -1, -1) / (SAMPLES - 1) * area.width()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(color(theme.dim), 1.2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(path(*thinned(x, area.bottom() - y / highest * area.height(), area.width())))
        painter.end()
