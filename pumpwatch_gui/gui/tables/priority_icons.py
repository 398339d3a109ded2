"""The marks of priorities as icons of tables."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.theme import Appearance


class PriorityIcons:
    """Makes each icon once a theme."""

    def __init__(self, appearance: Appearance) -> None:
        self._appearance = appearance
        self._made: dict[tuple[str, int, Priority, bool], QIcon] = {}

    def of(self, priority: Priority, *, hollow: bool = False) -> QIcon:
        """The mark of a priority; `hollow` where its condition is gone, or it is hidden."""
        size = self._appearance.px(16)
        key = (self._appearance.theme.name, size, priority, hollow)
        if key not in self._made:
            self._made[key] = self._draw(size, priority, hollow)
        return self._made[key]

    def _draw(self, size: int, priority: Priority, hollow: bool) -> QIcon:
        pixmap = QPixmap(size, size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        place = QRectF(1, 1, size - 2, size - 2)
        paint.priority_mark(painter, self._appearance, place, priority, hollow=hollow)
        painter.end()
        return QIcon(pixmap)
