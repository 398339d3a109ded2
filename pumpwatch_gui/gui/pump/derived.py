"""The derived quantities of the Pump page: a compact row each, and what is not computed and why."""

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from typing_extensions import override

from pumpwatch_gui.domain.display import Trust, engineering_scale
from pumpwatch_gui.domain.pump.derived import missing
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.wording import unit_text
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.theme import STRONG, Appearance, color
from pumpwatch_gui.gui.pump.reading_list import ReadingList, ReadingRow

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


class DerivedPanel(ReadingList):
    """A row a quantity: label, an indicator where it has a band or limits, value. Rows with a trend are marked."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance, "Derived")
        self.trended: frozenset[str] = frozenset()

    def show_trended(self, tags: frozenset[str]) -> None:
        """Mark the rows of these tags."""
        if tags != self.trended:
            self.trended = tags
            self.update()

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

    def _paint_row(self, painter: QPainter, rect: QRectF, row: ReadingRow, unit_px: float) -> None:
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

    def _has_scale(self, row: ReadingRow) -> bool:
        """Whether an indicator says more than the number: against a band or a limit, of a value that is there."""
        sensor = row.reading.sensor
        has_marks = sensor.normal is not None or bool(sensor.limits.given)
        return row.reading.trust in (Trust.LIVE, Trust.UNCERTAIN) and has_marks

    @override
    def words_of(self, row: ReadingRow) -> str:
        trend = ", with a trend" if row.reading.sensor.tag in self.trended else ""
        return super().words_of(row) + trend
