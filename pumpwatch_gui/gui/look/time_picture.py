"""A picture over a stretch of time: a drag moves the time, the wheel and + - zoom it."""

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from typing_extensions import override

from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.look.time_view import TimeView
from pumpwatch_gui.gui.look.widgets import Painted

ZOOM = 0.8


class TimePicture(Painted):
    """Shows `view`. `moved` comes with the stretch of time (TimeView) that a person turns to.

    A picture says where its time axis is (`_area`), and calls `_hold` where a press of the mouse takes the time.
    """

    moved = Signal(object)

    def __init__(self, appearance: Appearance, name: str, view: TimeView) -> None:
        super().__init__(appearance, name)
        self.view = view
        self._now_s = 0.0
        self._grip: tuple[QPointF, TimeView] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @property
    def _area(self) -> QRectF:
        raise NotImplementedError

    def _x(self, time_s: float) -> float:
        area, view = self._area, self.view
        return area.left() + (time_s - view.start_s) / view.length_s * area.width()

    def _hold(self, point: QPointF | None) -> None:
        """Have the time follow the pointer from this point on; None: it does not."""
        self._grip = (point, self.view) if point is not None else None

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the time that is held."""
        if self._grip is not None and event.buttons() & Qt.MouseButton.LeftButton:
            start, view = self._grip
            share = (start.x() - event.position().x()) / max(self._area.width(), 1.0)
            self.moved.emit(view.shifted(share, self._now_s))

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let the time go."""
        self._hold(None)

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the pointer."""
        area = self._area
        at_s = self.view.start_s + (event.position().x() - area.left()) / area.width() * self.view.length_s
        self.moved.emit(self.view.zoomed(ZOOM ** (event.angleDelta().y() / 120), self._now_s, at_s))
        event.accept()

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """+ and - zoom."""
        if event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self.moved.emit(self.view.zoomed(1 / ZOOM if event.key() == Qt.Key.Key_Minus else ZOOM, self._now_s))
        else:
            super().keyPressEvent(event)
