"""The plot of the trends: lanes on one time axis, moved by mouse, wheel and keys; two cursors, marks of events."""

from collections.abc import Mapping
from math import isfinite

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip
from typing_extensions import override

from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.domain.wording import duration
from pumpwatch_gui.gui.look.time_view import SHORTEST_S, TimeView
from pumpwatch_gui.gui.look.widgets import Painted, plain_tip
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.trends.curve import PenCurve
from pumpwatch_gui.gui.trends.marks import Mark
from pumpwatch_gui.gui.trends.paint_plot import PlotPainter, PlotPicture
from pumpwatch_gui.gui.trends.pens import PenFacts
from pumpwatch_gui.gui.trends.points import NOTHING, Points
from pumpwatch_gui.gui.trends.unit_lanes import HEAD_PX, UnitLane, lanes_of

LEFT_PX, RIGHT_PX, TOP_PX, FOOT_PX, MARK_PX = 56, 26, 22, 36, 15
MOVE, ZOOM = 0.1, 0.8


def newest_s(view: StationView) -> float:
    """The newest time on the axis (Unix seconds): now, or of a history under review its end, whatever is on show."""
    return (view.time_ns if view.replay is None else view.replay.end_ns) / 1e9


def first_view(length_s: float, view: StationView) -> TimeView:
    """What is shown first: so long up to the newest time, or all of a history under review that is shorter."""
    if (replay := view.replay) is not None and replay.end_ns > replay.start_ns:
        length_s = min(length_s, max((replay.end_ns - replay.start_ns) / 1e9, SHORTEST_S))
    return TimeView.last(length_s, newest_s(view))


class TrendPlot(Painted):
    """Shows pens over a `view`. `view_changed` and `cursors_changed` when a person has changed them.

    Keys: Left and Right move, PgUp and PgDn by a whole view, + and - zoom, End is live again, Home asks for the
    beginning of the history (`home_asked`), A and B set a cursor at the pointer or in the middle, with Shift or Ctrl
    the arrows move cursor A or B, Escape removes both, N asks for a note on a time and R, in a review, for its replay
    from there (`note_asked`, `replay_asked` with Unix seconds). `menu_asked` carries a place of the screen and the time
    there, `opened` the mark that was clicked.
    """

    view_changed = Signal()
    cursors_changed = Signal()
    home_asked = Signal()
    opened = Signal(Mark)
    note_asked = Signal(float)
    replay_asked = Signal(float)
    menu_asked = Signal(QPoint, float)

    def __init__(self, context: PageContext) -> None:
        super().__init__(context.appearance, "Trends")
        self.view = TimeView.last(3600.0, 3600.0)
        self.now_s = 3600.0
        self.cursor_a: float | None = None
        self.cursor_b: float | None = None
        self.replay_s: float | None = None
        self.facts: tuple[PenFacts, ...] = ()
        self.points: dict[tuple[str, str, float], Points] = {}
        self.marks: tuple[Mark, ...] = ()
        self.is_fitted = False
        self.chosen: tuple[str, str, float] | None = None
        self.lanes: tuple[UnitLane, ...] = ()
        self.empty_words = "No pens: choose quantities with Add pens…"
        self.said = ""
        self._curves: dict[tuple[str, str, float], PenCurve] = {}
        self._is_stale = True
        self._hover: QPointF | None = None
        self._drag: tuple[QPointF, TimeView, bool] | None = None
        self._is_review = bool(context.station.latest().reviewed)
        self._painter = PlotPainter(context.appearance, is_review=self._is_review)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @override
    def sizeHint(self) -> QSize:
        """As large as there is room."""
        return QSize(600, 400)

    @override
    def minimumSizeHint(self) -> QSize:
        """Room for one lane."""
        return QSize(self.appearance.px(320), self.appearance.px(180))

    # ---------------------------------------------------------------- what is shown

    def show_pens(self, facts: tuple[PenFacts, ...], points: Mapping[tuple[str, str, float], Points]) -> None:
        """Show these pens with what is known of them."""
        self.facts, self.points = facts, dict(points)
        self.renew()

    def see(self, view: StationView) -> None:
        """Take note of the newest time, and show which instant of a history is on the other pages."""
        self.now_s = newest_s(view)
        at_s = view.time_ns / 1e9 if view.replay is not None else None
        if at_s != self.replay_s:
            self.replay_s = at_s
            self.update()

    def show_marks(self, marks: tuple[Mark, ...]) -> None:
        """Show these on the axis."""
        self.marks = marks
        self.update()

    def renew(self) -> None:
        """Draw everything again."""
        self._is_stale = True
        self.update()

    def place_view(self, view: TimeView, now_s: float) -> None:
        """Turn to a view that no person has asked for here: time went on, or the page says so."""
        self.view, self.now_s = view, now_s
        self.renew()

    def set_view(self, view: TimeView) -> None:
        """Turn to another stretch of time and say so."""
        if view != self.view:
            self.view = view
            self.renew()
            self.view_changed.emit()

    def set_cursors(self, a_s: float | None, b_s: float | None) -> None:
        """Place the two cursors (Unix seconds), or take them away."""
        self.cursor_a, self.cursor_b = a_s, b_s
        self.update()
        self.cursors_changed.emit()

    # ---------------------------------------------------------------- places

    @property
    def area(self) -> QRectF:
        """Where the lanes are."""
        px = self.appearance.px
        whole = QRectF(self.rect())
        return whole.adjusted(px(LEFT_PX), px(TOP_PX), -px(RIGHT_PX), -px(FOOT_PX + MARK_PX))

    def x_of(self, time_s: float) -> float:
        """Where a time is."""
        return self.area.right() - (self.view.end_s - time_s) * self.area.width() / self.view.length_s

    def time_at(self, x: float) -> float:
        """The time at a place."""
        return self.view.end_s - (self.area.right() - x) * self.view.length_s / max(self.area.width(), 1.0)

    @property
    def step_s(self) -> float:
        """The time of one pixel."""
        return self.view.length_s / max(self.area.width(), 1.0)

    def mark_at(self, point: QPointF) -> list[Mark]:
        """The marks under a point, the most urgent and newest first."""
        area, near = self.area, self.appearance.px(7)
        if not area.bottom() <= point.y() <= area.bottom() + self.appearance.px(MARK_PX):
            return []
        found = [mark for mark in self.marks if abs(self.x_of(mark.time_s) - point.x()) <= near]
        return sorted(found, key=lambda mark: (mark.priority or 9, -mark.time_s))

    # ---------------------------------------------------------------- painting

    def _draw(self) -> None:
        """Make lanes and curves of what is shown now."""
        head = self.appearance.px(HEAD_PX)
        self.lanes = lanes_of(self.facts, self.points, self.view, self.area, head=head, is_fitted=self.is_fitted)
        self._curves = {
            one.pen.key: PenCurve.of(self.points.get(one.pen.key, NOTHING), self.view, lane.rect, lane.scale)
            for lane in self.lanes
            for one in lane.pens
        }
        self._is_stale = False
        self._speak()

    def picture(self) -> PlotPicture:
        """All that is painted, as one value."""
        if self._is_stale:
            self._draw()
        hover_s = None
        if self._hover is not None and self._drag is None and self.area.contains(self._hover):
            hover_s = self.time_at(self._hover.x())
        return PlotPicture(
            self.view, self.area, self.lanes, self._curves, self.marks, (self.cursor_a, self.cursor_b), hover_s,
            self.said, self.empty_words if not self.facts else "All pens are hidden", self.chosen, self.replay_s,
        )  # fmt: skip

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Lanes, axis, marks, cursors."""
        painter = QPainter(self)
        self._painter.paint(painter, QRectF(self.rect()), self.picture(), has_focus=self.hasFocus())
        painter.end()

    def _speak(self) -> None:
        state = "live" if self.view.is_live and not self._is_review else "not live"
        values = []
        for one in self.facts:
            value = self.points.get(one.pen.key, NOTHING).value_at(self.view.end_s, 3 * self.step_s)
            values.append(f"{one.name} {one.text_of(value) if isfinite(value) else 'no value'} {one.unit}".rstrip())
        self.describe(f"{duration(self.view.length_s)}, {state}: {', '.join(values) or 'no pens'}")

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        self.renew()

    @override
    def _appearance_changed(self) -> None:
        self.renew()
        super()._appearance_changed()

    # ---------------------------------------------------------------- mouse

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Hold the picture; a click that does not drag it places a cursor or opens a mark."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._drag = (event.position(), self.view, False)

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The pointer has a line; with the button held the picture follows."""
        self._hover = event.position()
        if self._drag is None:
            self._tip(event)
            self.update()
            return
        start, view, moved = self._drag
        distance = start.x() - event.position().x()
        if moved or abs(distance) > 3:
            self._drag = (start, view, True)
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self.set_view(view.shifted(distance / max(self.area.width(), 1.0), self.now_s))

    def _tip(self, event: QMouseEvent) -> None:
        found = self.mark_at(event.position())
        shape = Qt.CursorShape.PointingHandCursor if found else Qt.CursorShape.CrossCursor
        self.setCursor(shape if found or self.area.contains(event.position()) else Qt.CursorShape.ArrowCursor)
        words = "\n".join(mark.tip for mark in found[:8]) + (f"\nand {len(found) - 8} more" if len(found) > 8 else "")
        if found:
            QToolTip.showText(event.globalPosition().toPoint(), plain_tip(words), self)
        elif QToolTip.isVisible():
            QToolTip.hideText()

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        drag, self._drag = self._drag, None
        if drag is None or drag[2]:
            self.setCursor(Qt.CursorShape.CrossCursor)
            return
        found = self.mark_at(event.position())
        if found:
            self.opened.emit(found[0])
        elif self.area.contains(event.position()):
            self._place(
                self.time_at(event.position().x()), is_b=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            )

    @override
    def leaveEvent(self, event: object) -> None:
        self._hover = None
        self.update()

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the pointer; with Shift, or sideways, move."""
        turn = event.angleDelta()
        along = turn.x() or (turn.y() if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0)
        if along:
            self.set_view(self.view.shifted(-MOVE * along / 120, self.now_s))
        elif turn.y():
            factor = ZOOM ** (turn.y() / 120)
            self.set_view(self.view.zoomed(factor, self.now_s, self.time_at(event.position().x())))
        event.accept()

    @override
    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What can be done with a time: that under the pointer, or by the key for it as the other keys have it."""
        by_mouse = event.reason() is QContextMenuEvent.Reason.Mouse
        at_s = self.time_at(float(event.pos().x())) if by_mouse else self.cursor_a or self._pointed()
        self.menu_asked.emit(event.globalPos(), min(max(at_s, self.view.start_s), self.view.end_s))

    # ---------------------------------------------------------------- keys

    def _place(self, time_s: float, *, is_b: bool) -> None:
        time_s = min(max(time_s, self.view.start_s), self.view.end_s)
        self.set_cursors(self.cursor_a if is_b else time_s, time_s if is_b else self.cursor_b)

    def _pointed(self) -> float:
        """The time under the pointer, else the middle."""
        inside = self._hover is not None and self.area.contains(self._hover)
        return self.time_at(self._hover.x() if inside and self._hover else self.area.center().x())

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """See the class."""
        key, modifiers = Qt.Key(event.key()), event.modifiers()
        moves = {Qt.Key.Key_Left: -MOVE, Qt.Key.Key_Right: MOVE, Qt.Key.Key_PageUp: -1.0, Qt.Key.Key_PageDown: 1.0,
                 Qt.Key.Key_BracketLeft: -0.25, Qt.Key.Key_BracketRight: 0.25}  # fmt: skip
        zooms = {Qt.Key.Key_Plus: ZOOM, Qt.Key.Key_Equal: ZOOM, Qt.Key.Key_Minus: 1 / ZOOM}
        is_a = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
        is_b = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and (is_a or is_b):
            at = self.cursor_b if is_b else self.cursor_a
            step = self.view.length_s / 200 * (1 if key is Qt.Key.Key_Right else -1)
            self._place(self._pointed() if at is None else at + step, is_b=is_b)
        elif key in moves:
            self.set_view(self.view.shifted(moves[key], self.now_s))
        elif key in zooms:
            self.set_view(self.view.zoomed(zooms[key], self.now_s, self._pointed()))
        elif key is Qt.Key.Key_End:
            self.set_view(TimeView.last(self.view.length_s, self.now_s))
        elif key is Qt.Key.Key_Home:
            self.home_asked.emit()
        elif key in (Qt.Key.Key_A, Qt.Key.Key_B):
            self._place(self._pointed(), is_b=key is Qt.Key.Key_B)
        elif key in (Qt.Key.Key_N, Qt.Key.Key_R):
            (self.note_asked if key is Qt.Key.Key_N else self.replay_asked).emit(self.cursor_a or self._pointed())
        elif key is Qt.Key.Key_Escape and (self.cursor_a is not None or self.cursor_b is not None):
            self.set_cursors(None, None)
        else:
            super().keyPressEvent(event)
