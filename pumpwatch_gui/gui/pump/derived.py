"""The derived quantities of the Pump page: a compact row each, and what is not computed and why."""

from PySide6.QtCore import QRectF, QSize, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from typing_extensions import override

from pumpwatch_gui.domain.display import Trust, engineering_scale
from pumpwatch_gui.domain.pump.derived import missing
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.wording import unit_text
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.theme import STRONG, Appearance, color
from pumpwatch_gui.gui.pump.cards import SensorRow
from pumpwatch_gui.gui.tables.painted_list import PaintedList

ROW_PX = 26
VALUE_SIZE = 14
TRACK_PX = 90
"""Width of an indicator, where there is room for one."""


def wanted_words(profile: PumpProfile) -> str:
    """The quantities that a nameplate leaves out though their sensors are there, and what it would have to say."""
    by_plate: dict[tuple[str, ...], list[str]] = {}
    for one in missing(profile):
        if not one.tags:
            by_plate.setdefault(one.plate, []).append(one.label)
    lines = [f"{', '.join(labels)}: the nameplate lacks {', '.join(plate)}" for plate, labels in by_plate.items()]
    return "\n".join(lines)


class DerivedPanel(PaintedList):
    """A row a quantity: label, an indicator where it has a band or limits, value. `chosen` carries its place."""

    chosen = Signal(int)

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance, "Derived")
        self.rows: tuple[SensorRow, ...] = ()
        self.trended: frozenset[str] = frozenset()
        """The tags that have a trend; their rows are marked."""
        self._quiet = False

    def show_rows(self, rows: tuple[SensorRow, ...], state: RunState, trended: frozenset[str]) -> None:
        """Show these; repaints the rows that changed."""
        quiet = state is RunState.STANDBY
        if len(rows) != len(self.rows) or (quiet, trended) != (self._quiet, self.trended):
            self.rows, self._quiet, self.trended = rows, quiet, trended
            self.updateGeometry()
            self.update()
            return
        before, self.rows = self.rows, rows
        for i, (old, new) in enumerate(zip(before, rows, strict=True)):
            if old != new:
                self.update(self.cell_rect(i).toAlignedRect())
                if i == self._at and self.hasFocus():
                    self.speak()

    @override
    def cell_count(self) -> int:
        return len(self.rows)

    @override
    def cell_rect(self, i: int) -> QRectF:
        height = self.appearance.px(ROW_PX)
        return QRectF(0, i * height, self.width(), height)

    @override
    def sizeHint(self) -> QSize:
        """A row a quantity."""
        return QSize(self.appearance.px(260), len(self.rows) * self.appearance.px(ROW_PX))

    @override
    def minimumSizeHint(self) -> QSize:
        """All of them: they scroll with the sensors."""
        return self.sizeHint()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """The rows that the event touches."""
        painter = QPainter(self)
        units = [self.appearance.width(unit_text(row.reading.sensor.unit), 11) for row in self.rows]
        unit_px = max(units, default=0) + self.appearance.px(6)
        for i, row in enumerate(self.rows):
            if event.region().intersects(self.cell_rect(i).toAlignedRect()):
                self._paint_row(painter, self.cell_rect(i), row, unit_px)
        self.paint_focus(painter, 1.5)
        painter.end()

    def _paint_row(self, painter: QPainter, rect: QRectF, row: SensorRow, unit_px: float) -> None:
        appearance, theme, px, reading = self.appearance, self.appearance.theme, self.appearance.px, row.reading
        if reading.sensor.tag in self.trended:
            painter.fillRect(rect, color(theme.raised))
        painter.setPen(QPen(color(theme.line), 1))
        painter.drawLine(QRectF(rect).bottomLeft(), QRectF(rect).bottomRight())
        inner = rect.adjusted(px(4), 0, -px(4), -1)
        token = paint.value_token(appearance, reading, quiet=self._quiet, urgent=row.urgent is not None)
        value_px = appearance.width(reading.shown, VALUE_SIZE, STRONG)
        if reading.trust in (Trust.BAD, Trust.STALE):
            box = QRectF(inner.right() - unit_px - value_px - px(8), inner.top() + px(3), value_px + px(16), px(19))
            paint.hatch(painter, appearance, box, step=6)
        paint.value_and_unit(painter, appearance, inner, reading, token, size=VALUE_SIZE, unit_px=unit_px)
        left = inner.right() - unit_px - max(value_px, px(58)) - px(8)
        if row.urgent is not None:
            left -= px(18)
            mark = QRectF(left, inner.center().y() - px(7), px(14), px(14))
            paint.priority_mark(painter, appearance, mark, row.urgent)
        words = QRectF(inner.left(), inner.top(), left - px(6) - inner.left(), inner.height())
        track = QRectF(left - px(TRACK_PX + 6), inner.top() + px(4), px(TRACK_PX), inner.height() - px(7))
        if track.left() - inner.left() > px(190) and self._has_scale(row):
            scale = engineering_scale(reading.sensor)
            paint.indicator(painter, appearance, track, reading=reading, scale=scale, priority=row.urgent)
            words.setRight(track.left() - px(8))
        label = paint.fitting_words(appearance, reading.sensor.label, words.width())
        paint.text(painter, appearance, words, label, theme.text)

    def _has_scale(self, row: SensorRow) -> bool:
        """Whether an indicator says more than the number: against a band or a limit, of a value that is there."""
        sensor = row.reading.sensor
        limits = sensor.limits
        given = (sensor.normal, limits.low_low, limits.low, limits.high, limits.high_high)
        return row.reading.trust in (Trust.LIVE, Trust.UNCERTAIN) and any(x is not None for x in given)

    @override
    def speak(self) -> None:
        if self.rows:
            row = self.rows[self._at]
            reading, unit = row.reading, unit_text(row.reading.sensor.unit)
            why = f", {reading.reason}" if reading.reason else ""
            rank = f", alarm priority {int(row.urgent)}" if row.urgent else ""
            trend = ", with a trend" if reading.sensor.tag in self.trended else ""
            value = reading.text.replace("?", "no value").replace("–", "none")
            self.describe(f"{reading.sensor.label}: {value} {unit}{why}{rank}{trend}")

    @override
    def activate(self, i: int) -> None:
        self.chosen.emit(i)
