"""All tiles of the overview in one painted widget: fifty plots would cost ten times as much."""

from collections.abc import Collection, Sequence

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QHideEvent, QPainter, QPaintEvent, QRegion, QResizeEvent
from typing_extensions import override

from pumpwatch_gui.domain.station import PumpView, StationView
from pumpwatch_gui.domain.values.trace import Trace
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.sparkline import WINDOW_S
from pumpwatch_gui.gui.look.theme import STRONG, color
from pumpwatch_gui.gui.overview.choice import Group
from pumpwatch_gui.gui.overview.tile_painter import TilePainter
from pumpwatch_gui.gui.overview.tile_state import (
    Grid,
    TileKind,
    TileState,
    best_grid,
    differs_in_numbers_only,
    kind_for,
    tile_state,
)
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.shell.past import PastTraces
from pumpwatch_gui.gui.shell.top_bar import blink_is_on
from pumpwatch_gui.gui.tables.painted_list import PaintedList

ASPECT = {TileKind.LARGE: 1.3, TileKind.MEDIUM: 1.35, TileKind.SMALL: 1.15}
HEADING_PX = 24
TRACE_EVERY = 20
"""A tile's sparkline is read again every so many frames of the screen: once a second."""

SPARK_POINTS = 600
"""Read of the disk for the sparklines of a tile: ten minutes and as much around them, for some 300 pixels."""

AGE_EVERY = 4
"""Ages and links of a tile are decided again every so many frames of the screen: five times a second."""


class TileGrid(PaintedList):
    """Tiles in plant order, in their groups, never re-sorted.

    `opened` carries the pump whose tile was activated, `menu_asked` that of which a menu was asked for, and where.
    """

    opened = Signal(str)
    menu_asked = Signal(str, QPoint)
    activating_keys = (*PaintedList.activating_keys, Qt.Key.Key_Space)

    def __init__(self, context: PageContext) -> None:
        super().__init__(context.appearance, "Pumps")
        self.context = context
        self.states: tuple[TileState, ...] = ()
        self.favourites: Collection[str] = ()
        self.empty_words = "No pumps in this site"
        self._groups: tuple[Group, ...] = ()
        self._pumps: tuple[PumpView, ...] = ()
        self._was_hidden = False
        self._live, self._live_region = set[int](), QRegion()
        self._past = PastTraces(context, SPARK_POINTS)
        self._past.came.connect(self._past_came)
        self._painter = TilePainter(context.appearance, TileKind.LARGE, self._trace_of)
        self._turn = 0
        self._on = True
        self._now_s = 0.0
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # what is painted over is not to be erased before

    @property
    def kind(self) -> TileKind:
        """The size of tile in use."""
        return kind_for(len(self.states))

    @property
    def grid(self) -> Grid:
        """Where the tiles lie now."""
        return best_grid(
            [len(group.pumps) for group in self._groups], self.width(), self.height(),
            gap=self.appearance.px(12 if len(self.states) <= 20 else 8), aspect=ASPECT[self.kind],
            heading=self.appearance.px(HEADING_PX) if self._has_headings else 0.0,
        )  # fmt: skip

    @property
    def _has_headings(self) -> bool:
        return any(group.heading for group in self._groups)

    @override
    def sizeHint(self) -> QSize:
        """As large as there is room."""
        return QSize(900, 600)

    # ---------------------------------------------------------------- values

    def refresh(self, view: StationView, groups: Sequence[Group]) -> None:
        """Take pumps of the view, in groups; repaint only tiles that show something else than before."""
        pumps = tuple(pump for group in groups for pump in group.pumps)
        kind, old, was_on = kind_for(len(pumps)), self.states, self._on
        seen = dict(zip((s.pump_id for s in old), zip(self._pumps, old, strict=True), strict=True))
        self.states = tuple(self._state(i, p, view, kind, seen.get(p.pump_id)) for i, p in enumerate(pumps))
        changed = tuple(p for p in pumps if p.pump_id in seen and p.profile is not seen[p.pump_id][0].profile)
        self._pumps, self._on, self._now_s = pumps, blink_is_on(view.mono_ns), view.time_ns / 1e9
        had, self._groups = self._groups, tuple(groups)
        if self._was_hidden or _arrangement(had) != _arrangement(self._groups):
            self._was_hidden = False
            self._at = min(self._at, max(len(self.states) - 1, 0))
            self._begin(kind)
            self.speak()
            self.update()
            return
        grid = self.grid
        for i, (group, was) in enumerate(zip(self._groups, had, strict=True)):
            if grid.heading and group.alarmed != was.alarmed:
                self.update(grid.heading_rect(i).toAlignedRect())
        renewed = (*self._pumps[self._turn :: TRACE_EVERY], *changed)
        self._turn = (self._turn + 1) % TRACE_EVERY
        fresh = {pump.pump_id for pump in renewed}
        for pump_id in fresh:
            self._painter.forget(pump_id)
        for i, (state, before) in enumerate(zip(self.states, old, strict=True)):
            is_fresh = state.pump_id in fresh or (state.blinks and was_on != self._on)
            alone = not is_fresh and differs_in_numbers_only(state, before)
            if alone and (parts := self._painter.live_parts(state)):
                self._live.add(i)
                for part in parts:
                    self._live_region += part
                    self.update(part)
            elif is_fresh or state != before:
                self.update(grid.rect(i).toAlignedRect().adjusted(-2, -2, 2, 2))
        if self.hasFocus() and self.states and self.states[self._at] != old[self._at]:
            self.speak()

    def _begin(self, kind: TileKind) -> None:
        """Know nothing of what was painted: the tiles lie or look otherwise."""
        self._painter = TilePainter(self.appearance, kind, self._trace_of)
        self._live, self._live_region = set(), QRegion()

    def _state(
        self, number: int, pump: PumpView, view: StationView, kind: TileKind, seen: tuple[PumpView, TileState] | None
    ) -> TileState:
        """The state of a tile: that of the frame before, when nothing came since and it is not its turn to age."""
        own = pump.pump_id in self.favourites
        is_aged = number % AGE_EVERY == self._turn % AGE_EVERY
        if seen is not None and seen[1].is_favourite == own and not is_aged and _is_alike(pump, seen[0]):
            return seen[1]
        is_same = seen is not None and seen[0].profile is pump.profile and seen[0].alarms == pump.alarms
        sensors = seen[1].sensors if seen is not None and is_same and kind is self._painter.kind else ()
        return tile_state(pump, view, self.context, kind, is_favourite=own, sensors=sensors)

    def _trace_of(self, pump_id: str) -> Trace | None:
        """The last ten minutes of a pump; they are read when a sparkline is made of them, and not kept."""
        try:
            return self._past.trace(pump_id, self._now_s - WINDOW_S, self._now_s)
        except KeyError:
            return None  # taken out of the site between two samples

    def _past_came(self, pump_id: str) -> None:
        self._painter.forget(pump_id)
        self.update()

    # ---------------------------------------------------------------- painting

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the tiles that the event touches: of those with nothing but other numbers these alone."""
        appearance, grid, live = self.appearance, self.grid, self._live
        others = event.region().subtracted(self._live_region)
        self._live, self._live_region = set(), QRegion()
        painter = QPainter(self)
        if not others.isEmpty():
            painter.save()
            painter.setClipRegion(others)
            painter.fillRect(self.rect(), color(appearance.theme.background))
            painter.restore()
        if not self.states:
            everywhere, token = QRectF(self.rect()), appearance.theme.dim
            paint.text(painter, appearance, everywhere, self.empty_words, token, size=15, align=paint.CENTRE)
        for i, group in enumerate(self._groups if grid.heading and not others.isEmpty() else ()):
            self._paint_heading(painter, grid.heading_rect(i), group)
        for i, (state, pump) in enumerate(zip(self.states, self._pumps, strict=True)):
            rect = grid.rect(i)
            if others.intersects(rect.toAlignedRect()):
                self._painter.paint(painter, rect, state, on=self._on, pump=pump, now_s=self._now_s)
            elif i in live:
                self._painter.paint_live_parts(painter, state, on=self._on)
        self.paint_focus(painter, 4.5)
        painter.end()

    def _paint_heading(self, painter: QPainter, line: QRectF, group: Group) -> None:
        appearance, theme = self.appearance, self.appearance.theme
        alarmed = group.alarmed
        more = f"{alarmed} of {len(group.pumps)} in alarm" if alarmed else str(len(group.pumps))
        used = paint.text(painter, appearance, line, group.heading, theme.text, size=13, weight=STRONG)
        rest = line.adjusted(used + appearance.px(9), 0, 0, 0)
        paint.text(painter, appearance, rest, more, theme.text if alarmed else theme.dim, size=13)

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        """Hours may pass: every sparkline is read again when they are seen again."""
        self._was_hidden = True
        super().hideEvent(event)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other sizes, other lanes."""
        self._begin(self.kind)

    @override
    def _appearance_changed(self) -> None:
        self._begin(self.kind)
        super()._appearance_changed()

    # ---------------------------------------------------------------- keyboard, mouse, speech

    @property
    def focused(self) -> TileState | None:
        """The tile that has the keyboard."""
        return self.states[self._at] if self.states else None

    @override
    def cell_count(self) -> int:
        return len(self.states)

    @override
    def cell_columns(self) -> int:
        return self.grid.columns

    @override
    def cell_rect(self, i: int) -> QRectF:
        return self.grid.rect(i)

    @override
    def cell_above(self) -> int:
        return self._nearest(-1)

    @override
    def cell_below(self) -> int:
        return self._nearest(1)

    def _nearest(self, down: int) -> int:
        """The tile in the next row that lies nearest, -1 for none: groups end with rows that are not full."""
        grid = self.grid
        own = grid.rect(self._at).center()
        others = [(i, grid.rect(i).center()) for i in range(len(self.states))]
        there = [(i, at) for i, at in others if (at.y() - own.y()) * down > 1.0]
        if not there:
            return -1
        row = min(abs(at.y() - own.y()) for _, at in there)
        return min((abs(at.x() - own.x()), i) for i, at in there if abs(at.y() - own.y()) < row + 1.0)[1]

    @override
    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for a menu of the tile under the pointer, or of that which has the keyboard."""
        by_key = event.reason() is QContextMenuEvent.Reason.Keyboard
        at = self._at if by_key else self.cell_at(QPointF(event.pos()))
        if at is None or at >= len(self.states):
            return
        self.move_to(at)
        where = self.mapToGlobal(self.grid.rect(at).center().toPoint()) if by_key else event.globalPos()
        self.menu_asked.emit(self.states[at].pump_id, where)

    @override
    def speak(self) -> None:
        state = self.focused
        self.setAccessibleName(f"Pump {state.pump_id} {state.name}" if state else "Pumps")
        self.describe(_spoken(state) if state else self.empty_words)

    @override
    def cell_words(self, i: int) -> str:
        state = self.states[i]
        return f"Pump {state.pump_id} {state.name}. {_spoken(state)}"

    @override
    def activate(self, i: int) -> None:
        self.opened.emit(self.states[i].pump_id)


def _spoken(state: TileState) -> str:
    return ("Favourite. " if state.is_favourite else "") + state.spoken


def _arrangement(groups: Sequence[Group]) -> list[tuple[str, list[str]]]:
    return [(group.heading, [pump.pump_id for pump in group.pumps]) for group in groups]


def _is_alike(pump: PumpView, before: PumpView) -> bool:
    """Whether nothing has come of a pump since."""
    return (
        pump.frame is before.frame
        and pump.profile is before.profile
        and pump.score_result is before.score_result
        and pump.run_state is before.run_state
        and pump.alarms == before.alarms
        and (pump.health == before.health or pump.health != pump.health)
    )
