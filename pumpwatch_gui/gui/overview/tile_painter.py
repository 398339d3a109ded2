"""Paints one tile of the overview."""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi, sin

from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from pumpwatch_gui.domain.display import ShownValue, Trust, engineering_scale
from pumpwatch_gui.domain.station import PumpView, RunState
from pumpwatch_gui.domain.values.trace import Trace
from pumpwatch_gui.domain.wording import number, unit_text
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.cut_text import cut
from pumpwatch_gui.gui.look.sparkline import Sparkline
from pumpwatch_gui.gui.look.theme import STRONG, Appearance, color
from pumpwatch_gui.gui.overview.tile_state import TileKind, TileState

NAMED_PX, BANDED_PX = 130, 22
"""A small tile from this height on has the name of its pump under the id; a row of it a band under the number."""
HEADED_PX = 44
"""From this height on (at 100 %) a sparkline has its words above it."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """Where the readings of a tile lie in `area`: `count` rows of a height, from left to right label, number, unit.

    In px. `label_px` is 0 where no row has its label; `number_px` is room for the largest number of every scale.
    """

    area: QRectF
    count: int
    height: float
    label_px: float
    number_px: float
    unit_px: float

    @property
    def bottom(self) -> float:
        """Where they end."""
        return self.area.top() + self.count * self.height

    def row(self, i: int) -> QRectF:
        """The place of one."""
        return QRectF(self.area.left(), self.area.top() + i * self.height, self.area.width(), self.height)


@dataclass(frozen=True, slots=True)
class _Parts:
    """Where a tile was painted, where its readings lie, and what of it readings and foot have covered."""

    tile: QRectF
    rows: _Rows
    readings: QRect
    foot: QRect


@dataclass(frozen=True, slots=True)
class _Sizes:
    """What differs between a small tile and the others, in px at 100 %."""

    pad_x: int
    pad_top: int
    head: int
    id_size: int
    label: int
    value: int
    row: int
    row_most: int
    spark_least: int
    foot_row: int


_SMALL = _Sizes(9, 7, 20, 13, 11, 14, 18, 25, 20, 19)
_USUAL = _Sizes(14, 10, 26, 17, 13, 17, 23, 38, 14, 22)


class TilePainter:
    """Paints tiles of one kind. Keeps each tile's sparklines until `forget`; they are made of what `trace_of` gives."""

    def __init__(self, appearance: Appearance, kind: TileKind, trace_of: Callable[[str], Trace | None]) -> None:
        self.appearance, self.kind, self._trace_of = appearance, kind, trace_of
        self._small = kind is TileKind.SMALL
        self._sizes = _SMALL if self._small else _USUAL
        self._lanes: dict[str, list[Sparkline]] = {}
        self._parts: dict[str, _Parts] = {}
        self._painted: dict[str, TileState] = {}

    def forget(self, pump_id: str) -> None:
        """Its trace, its size or its sensors changed: make the sparklines again."""
        self._lanes.pop(pump_id, None)

    def live_parts(self, state: TileState) -> tuple[QRect, ...]:
        """What of a tile that was painted is to be painted again for its numbers; () for one that was not."""
        parts, before = self._parts.get(state.pump_id), self._painted.get(state.pump_id)
        if parts is None or before is None:
            return ()
        return (parts.readings,) if _has_same_foot(state, before) else (parts.readings, parts.foot)

    def paint(
        self, painter: QPainter, rect: QRectF, state: TileState, *, on: bool, pump: PumpView, now_s: float
    ) -> None:
        """Paint the tile of `state` into `rect`; `on` is the phase of the blinking, `now_s` the right edge (Unix)."""
        appearance, px, sizes = self.appearance, self.appearance.px, self._sizes
        painter.fillRect(rect, color(appearance.theme.panel))
        if not state.presence.live:
            paint.hatch(painter, appearance, rect, step=14)
        self._border(painter, rect, state, on=on)
        inner = self._inner(rect)
        top = self._head(painter, inner, state)
        if self._small and state.name and rect.height() >= px(NAMED_PX):
            line = QRectF(inner.left(), top - px(2), inner.width(), px(15))
            paint.text(painter, appearance, line, state.name, appearance.theme.dim, size=11)
            top = line.bottom() + px(2)
        bottom = self._foot(painter, inner, state)
        rows = self._rows(QRectF(inner.left(), top, inner.width(), bottom - top), state)
        for i in range(rows.count):
            self._reading(painter, rows, state, i)
        readings = QRectF(inner.left(), top, inner.width(), rows.bottom - top)
        foot = QRectF(inner.left(), bottom + px(1), inner.width(), inner.bottom() - bottom - px(1))
        self._parts[state.pump_id] = _Parts(rect, rows, readings.toAlignedRect(), foot.toAlignedRect())
        self._painted[state.pump_id] = state
        top = rows.bottom + px(2)
        area = QRectF(inner.left(), top, inner.width(), bottom - top - px(3))
        if area.height() >= px(sizes.spark_least):
            lanes = self._lanes.get(state.pump_id)
            if not lanes or not area.contains(lanes[0].rect) or lanes[0].sensor.tag != _first_tag(pump, state):
                lanes = self._lanes[state.pump_id] = self._make_lanes(area, state, pump, now_s)
            self._sparks(painter, area, state, lanes)

    def paint_live_parts(self, painter: QPainter, state: TileState, *, on: bool) -> None:
        """Paint what `live_parts` has said over what is there; for a tile that differs in nothing else."""
        parts, before = self._parts[state.pump_id], self._painted[state.pump_id]
        rows, panel = parts.rows, color(self.appearance.theme.panel)
        for i in range(rows.count):
            if self._is_plain(state.readings[i], rows) and self._is_plain(before.readings[i], rows):
                self._number(painter, rows, state, i, over=True)
            else:
                painter.fillRect(rows.row(i), panel)
                self._reading(painter, rows, state, i)
        if not _has_same_foot(state, before):
            painter.fillRect(parts.foot, panel)
            self._border(painter, parts.tile, state, on=on)  # a wide one reaches into it
            self._foot(painter, self._inner(parts.tile), state)
        self._painted[state.pump_id] = state

    def _inner(self, rect: QRectF) -> QRectF:
        px, sizes = self.appearance.px, self._sizes
        return rect.adjusted(px(sizes.pad_x), px(sizes.pad_top), -px(sizes.pad_x), -px(sizes.pad_top - 3))

    def _border(self, painter: QPainter, rect: QRectF, state: TileState, *, on: bool) -> None:
        if state.border is not None:
            emphasis = paint.Emphasis.of(unacknowledged=state.blinks, blink_on=on)
            paint.alarm_border(painter, self.appearance, rect, state.border, emphasis)
        else:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(color(self.appearance.theme.line), 1))
            painter.drawRect(rect.adjusted(0.5, 0.5, -0.5, -0.5))

    def _head(self, painter: QPainter, inner: QRectF, state: TileState) -> float:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        height = px(self._sizes.head)
        middle = inner.top() + height / 2
        short = inner.width() < px(210)
        chip = paint.state_chip(painter, appearance, inner.right(), middle, state.run_state, short=short)
        star = px(13) if state.is_favourite else 0
        line = QRectF(inner.left() + star, inner.top(), inner.width() - chip - px(8) - star, height)
        if star:
            _star(painter, appearance, QRectF(inner.left(), middle - px(5), px(10), px(10)))
        used = paint.text(
            painter, appearance, line, state.pump_id, theme.strong, size=self._sizes.id_size, weight=STRONG
        )
        if not self._small and state.name and line.width() - used - px(9) > px(40):
            rest = QRectF(line.left() + used + px(9), line.top() + px(1), line.width() - used - px(9), height)
            paint.text(painter, appearance, rest, state.name, theme.dim, size=13)
        return inner.top() + height + px(2 if self._small else 4)

    def _foot(self, painter: QPainter, inner: QRectF, state: TileState) -> float:
        """Health and the last line, from the bottom up. Returns where they begin."""
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        height = px(self._sizes.foot_row)
        line = QRectF(inner.left(), inner.bottom() - height, inner.width(), height)
        if state.border is not None and self._small and inner.height() >= px(NAMED_PX):
            line.setTop(line.top() - self._two_lines(painter, line, state))
        elif state.border is not None:
            size = px(14 if self._small else 16)
            mark = QRectF(line.left(), line.center().y() - size / 2, size, size)
            paint.priority_mark(painter, appearance, mark, state.border, hollow=state.hollow)
            words = line.adjusted(size + px(4 if self._small else 7), 0, 0, 0)
            self._line(painter, words, state, theme.strong, 11 if self._small else 13)
        else:
            token = theme.dim if state.presence.live else theme.strong
            self._line(painter, line, state, token, 11 if self._small else 12)
        row = QRectF(inner.left(), line.top() - height, inner.width(), height)
        self._health(painter, row, state)
        if not self._small:
            painter.setPen(QPen(color(theme.line), 1))
            painter.drawLine(QLineF(row.left(), row.top() - px(1), row.right(), row.top() - px(1)))
        return row.top() - px(2)

    def _two_lines(self, painter: QPainter, line: QRectF, state: TileState) -> float:
        """The mark and the alarm in a line or two; by how much more than a line."""
        appearance, px = self.appearance, self.appearance.px
        assert state.border is not None
        words = line.adjusted(px(18), 0, 0, 0)
        more = px(13) if appearance.width(state.brief, 11) > words.width() else 0
        mark = QRectF(line.left(), line.center().y() - more - px(7), px(14), px(14))
        paint.priority_mark(painter, appearance, mark, state.border, hollow=state.hollow)
        if more:
            first = paint.fitting_words(appearance, state.brief, words.width(), 11)
            begin = len(first) + 1
            kept = (max(state.kept[0] - begin, 0), max(state.kept[1] - begin, 0))
            rest = cut(appearance.metrics(11), state.brief[begin:], words.width(), kept)
            for line_at, text in ((words.translated(0, -more), first), (words, rest)):
                paint.text(painter, appearance, line_at, text, appearance.theme.strong, size=11)
        else:
            self._line(painter, words, state, appearance.theme.strong, 11)
        return more

    def _line(self, painter: QPainter, context: QRectF, state: TileState, token: str, size: int) -> None:
        words = state.line
        if self.appearance.width(words, size) > context.width():
            words = cut(self.appearance.metrics(size), state.brief, context.width(), state.kept)
        paint.text(painter, self.appearance, context, words, token, size=size)

    def _health(self, painter: QPainter, row: QRectF, state: TileState) -> None:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        figure, size = number(state.health, 0), 14 if self._small else 16
        paint.text(painter, appearance, row, figure, theme.strong, size=size, weight=STRONG, align=paint.RIGHT)
        left, figure_px = 0.0, px(30 if self._small else 38)
        if row.width() > px(130):
            left = paint.text(painter, appearance, row, "Health", theme.text, size=self._sizes.label) + px(10)
            left = left if self._small else max(left, row.width() * 0.25)
        bar = QRectF(row.left() + left, row.center().y() - px(4), row.width() - left - figure_px, px(8))
        paint.health_bar(painter, appearance, bar, state.health)

    def _rows(self, area: QRectF, state: TileState) -> _Rows:
        """One row a sensor, as many as there is room for."""
        appearance, px, sizes = self.appearance, self.appearance.px, self._sizes
        count = min(len(state.readings), max(1, int(area.height() // px(sizes.row))))
        spark = px(sizes.spark_least + (0 if self._small else 30))
        if self._small and area.height() < count * px(sizes.row) + spark:
            spark = 0  # there is none: its room is that of the bands
        spare = max(area.height() - count * px(sizes.row) - spark, 0)
        # Whole pixels: what is painted over a row must not touch the next one.
        height = float(int(min(px(sizes.row) + spare * (1.0 if self._small else 0.4) / count, px(sizes.row_most))))
        unit_px = max(appearance.width(unit_text(r.sensor.unit), 11) for r in state.readings) + px(5)
        number_px = max(self._figures_px(r) for r in state.readings) + px(6)
        most = area.width() - number_px - unit_px if self._small else area.width() * 0.42
        words = [paint.fitting_words(appearance, r.sensor.label, most, sizes.label) for r in state.readings[:count]]
        # On the smallest tiles the unit says which sensor it is: all labels or none.
        named = all(appearance.width(w, sizes.label) <= most for w in words)
        label_px = min(max(appearance.width(w, sizes.label) for w in words) + px(2), most) if named else 0.0
        return _Rows(area, count, height, label_px, number_px, unit_px)

    def _reading(self, painter: QPainter, rows: _Rows, state: TileState, i: int) -> None:
        """A row: label, number with its indicator, unit."""
        appearance, px, row, reading = self.appearance, self.appearance.px, rows.row(i), state.readings[i]
        if rows.label_px:
            self._label(painter, QRectF(row.left(), row.top(), rows.label_px, row.height()), reading)
        if self._small and reading.hatched and state.presence.live:
            self._doubtful(painter, row.adjusted(rows.label_px + px(4), px(1), 0, -px(1)), reading)
            return
        self._number(painter, rows, state, i)
        paint.unit_of(painter, appearance, self._line_of(row), reading, size=self._sizes.value, unit_px=rows.unit_px)

    def _number(self, painter: QPainter, rows: _Rows, state: TileState, i: int, *, over: bool = False) -> None:
        """The number of a row and its indicator; `over` those that are there."""
        appearance, px, row, reading = self.appearance, self.appearance.px, rows.row(i), state.readings[i]
        panel, line = color(appearance.theme.panel), self._line_of(row)
        track = row.adjusted(rows.label_px + px(14), 0, -rows.number_px - rows.unit_px - px(4), 0)
        if over:
            left = line.right() - rows.unit_px - rows.number_px if self._small else track.left() - px(8)
            painter.fillRect(QRectF(left, line.top(), line.right() - rows.unit_px - left, line.height()), panel)
        if not self._small:
            self._indicator(painter, track, state, i)
        elif self._has_band(row):
            if over:
                painter.fillRect(QRectF(row.left(), line.bottom(), row.width(), row.bottom() - line.bottom()), panel)
            scale = engineering_scale(reading.sensor)
            paint.slim_indicator(painter, appearance, row, reading=reading, scale=scale, priority=state.urgent[i])
        quiet, urgent = state.run_state is RunState.STANDBY, state.urgent[i] is not None
        token = paint.value_token(appearance, reading, quiet=quiet, urgent=urgent)
        figures, size = line.adjusted(0, 0, -rows.unit_px, 0), self._sizes.value
        paint.text(painter, appearance, figures, reading.shown, token, size=size, weight=STRONG, align=paint.RIGHT)

    def _line_of(self, row: QRectF) -> QRectF:
        """The part of a row that its words have: all of it, or that above a band."""
        return row.adjusted(0, 0, 0, -self.appearance.px(6)) if self._has_band(row) else row

    def _has_band(self, row: QRectF) -> bool:
        return self._small and row.height() >= self.appearance.px(BANDED_PX)

    def _is_plain(self, reading: ShownValue, rows: _Rows) -> bool:
        """Whether there is nothing to paint of it but a number that has room, and where it is on the scale."""
        width = self.appearance.width(reading.shown, self._sizes.value, STRONG)
        return reading.trust is Trust.LIVE and width <= rows.number_px

    def _figures_px(self, reading: ShownValue) -> float:
        """Room for the largest number of the sensor's scale: it must not change with the value, or indicators jump."""
        size = self._sizes.value
        largest = max((number(x, reading.sensor.decimals) for x in engineering_scale(reading.sensor)), key=len)
        doubt = "" if self._small else " ?"  # small tiles hatch a doubtful number instead
        return self.appearance.width(largest + doubt, size, STRONG)

    def _doubtful(self, painter: QPainter, context: QRectF, reading: ShownValue) -> None:
        """A value without an indicator to hatch: the number itself is hatched, with its age."""
        paint.hatch(painter, self.appearance, context, step=6)
        words = f"{reading.shown} {reading.age_text}"
        if self.appearance.width(words, 12, STRONG) > context.width():
            words = reading.shown
        token = self.appearance.theme.strong
        paint.text(painter, self.appearance, context, words, token, size=12, weight=STRONG, align=paint.RIGHT)

    def _label(self, painter: QPainter, context: QRectF, reading: ShownValue) -> None:
        """The sensor's label, or as many of its words as fit."""
        size = self._sizes.label
        words = paint.fitting_words(self.appearance, reading.sensor.label, context.width(), size)
        if self._small and self.appearance.width(words, size) > context.width():
            return  # the unit says which it is; half a word would not
        paint.text(painter, self.appearance, context, words, self.appearance.theme.text, size=self._sizes.label)

    def _indicator(self, painter: QPainter, track: QRectF, state: TileState, i: int) -> None:
        appearance, reading = self.appearance, state.readings[i]
        if track.width() < appearance.px(36):
            return
        scale = engineering_scale(reading.sensor)
        if reading.trust in (Trust.BAD, Trust.STALE) and state.presence.live:
            words = f"no value {reading.age_text}" if reading.age_s == reading.age_s else reading.age_text
            words = words if appearance.width(words, 11) <= track.width() else reading.age_text
            paint.hatch(painter, appearance, track.adjusted(0, appearance.px(3), 0, -appearance.px(3)), step=6)
            paint.text(painter, appearance, track, words, appearance.theme.strong, size=11, align=paint.CENTRE)
            return
        paint.indicator(painter, appearance, track, reading=reading, scale=scale, priority=state.urgent[i])

    # ---------------------------------------------------------------- sparklines

    def _sparks(self, painter: QPainter, area: QRectF, state: TileState, lanes: list[Sparkline]) -> None:
        theme, px = self.appearance.theme, self.appearance.px
        live = state.presence.live and state.run_state is not RunState.STANDBY
        for lane in lanes:
            if area.height() >= px(HEADED_PX) and not self._small:
                top = lane.rect.top() - px(19)
                painter.setPen(QPen(color(theme.line), 1))
                painter.drawLine(QLineF(area.left(), top, area.right(), top))
                words = QRectF(area.left(), top + px(3), area.width(), px(15))
                paint.text(painter, self.appearance, words, f"{lane.sensor.label} · 10 min", theme.dim, size=11)
            lane.paint(painter, self.appearance, theme.live if live else theme.dim)

    def _make_lanes(self, area: QRectF, state: TileState, pump: PumpView, now_s: float) -> list[Sparkline]:
        px, trace = self.appearance.px, self._trace_of(pump.pump_id)
        head = 0 if self._small or area.height() < px(HEADED_PX) else px(19)
        count = 1 if self._small else max(1, min(len(state.sensors), int(area.height() // px(92))))
        height = area.height() / count
        lanes = []
        for row, index in enumerate(state.sensors[:count]):
            rect = QRectF(area.left(), area.top() + row * height + head, area.width(), height - head - px(2))
            sensor = pump.profile.sensors[index]
            lanes.append(Sparkline.of(trace, index, rect, sensor, longest_s=pump.stale_after_s, now_s=now_s))
        return lanes


def _has_same_foot(state: TileState, before: TileState) -> bool:
    """Whether two states have the same line and health to show."""
    now, then = ((one.line, one.brief, number(one.health, 0)) for one in (state, before))
    return now == then


def _first_tag(pump: PumpView, state: TileState) -> str:
    return pump.profile.sensors[state.sensors[0]].tag


def _star(painter: QPainter, appearance: Appearance, rect: QRectF) -> None:
    """The mark of a favourite."""
    middle, outer = rect.center(), rect.height() / 2
    points = [
        middle + QPointF(sin(i * pi / 5), -cos(i * pi / 5)) * (outer if i % 2 == 0 else outer * 0.42) for i in range(10)
    ]
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color(appearance.theme.dim))
    painter.drawPolygon(QPolygonF(points))
