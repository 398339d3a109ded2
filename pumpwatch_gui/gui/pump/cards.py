"""The painted panels of the Pump page: sensors, why, links."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QLineF, QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy
from typing_extensions import override

from pumpwatch_gui.domain.detection import Detection, NotScored
from pumpwatch_gui.domain.display import Trust, engineering_scale, is_provisional, learning_words
from pumpwatch_gui.domain.likelihood import Likelihood
from pumpwatch_gui.domain.links.view import LinkState, LinkView
from pumpwatch_gui.domain.station import PumpView
from pumpwatch_gui.domain.wording import duration, number, unit_text
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.theme import STRONG, Appearance, color
from pumpwatch_gui.gui.look.widgets import Painted
from pumpwatch_gui.gui.pump.reading_list import ReadingList, ReadingRow

SHARES_SHOWN = 4
STEPS = len(Likelihood) - 1


@dataclass(frozen=True, slots=True)
class _Columns:
    """Widths in px; `stacked` puts the indicator under the label where there is no room next to it."""

    label_px: float
    value_px: float
    unit_px: float
    stacked: bool


class SensorPanel(ReadingList):
    """An analog indicator a sensor."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance, "Sensors")

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        """A narrow panel needs two lines a row."""
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()
        super().resizeEvent(event)

    @override
    def cell_rect(self, i: int) -> QRectF:
        height = self.height() / max(len(self.rows), 1)
        return QRectF(0, i * height, self.width(), height)

    @override
    def sizeHint(self) -> QSize:
        """A comfortable row a sensor."""
        return QSize(self.appearance.px(320), max(len(self.rows), 1) * self.appearance.px(44))

    @override
    def minimumSizeHint(self) -> QSize:
        """Two lines a row where the indicator is below its label."""
        row_px = 44 if self.rows and self._columns().stacked else 30
        return QSize(self.appearance.px(200), max(len(self.rows), 1) * self.appearance.px(row_px))

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """The rows that the event touches."""
        painter = QPainter(self)
        columns = self._columns()
        for i, row in enumerate(self.rows):
            if event.region().intersects(self.cell_rect(i).toAlignedRect()):
                self._paint_row(painter, self.cell_rect(i), row, columns, last=i == len(self.rows) - 1)
        self.paint_focus(painter, 1.5)
        painter.end()

    def _columns(self) -> _Columns:
        appearance, px = self.appearance, self.appearance.px
        readings = [row.reading for row in self.rows]
        unit_px = max((appearance.width(unit_text(r.sensor.unit), 12) for r in readings), default=0) + px(6)
        values = max((appearance.width(r.shown, 18, STRONG) for r in readings), default=0) + px(26)
        labels = max((appearance.width(r.sensor.label) for r in readings), default=0) + px(4)
        value_px = max(values, px(64)) + unit_px
        return _Columns(labels, value_px, unit_px, self.width() - labels - value_px < px(110))

    def _paint_row(self, painter: QPainter, rect: QRectF, row: ReadingRow, columns: _Columns, *, last: bool) -> None:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        reading = row.reading
        if not last:
            painter.setPen(QPen(color(theme.line), 1))
            painter.drawLine(QLineF(rect.left(), rect.bottom() - 0.5, rect.right(), rect.bottom() - 0.5))
        inner = rect.adjusted(px(4), 0, -px(4), -1)
        token = paint.value_token(appearance, reading, quiet=self._quiet, urgent=row.urgent is not None)
        paint.value_and_unit(painter, appearance, inner, reading, token, size=18, unit_px=columns.unit_px)
        if row.urgent is not None:
            left = inner.right() - columns.unit_px - appearance.width(reading.shown, 18, STRONG) - px(24)
            paint.priority_mark(
                painter, appearance, QRectF(left, inner.center().y() - px(8), px(16), px(16)), row.urgent
            )
        words, track = inner.adjusted(0, 0, -columns.value_px, 0), inner.adjusted(0, 0, -columns.value_px - px(8), 0)
        if columns.stacked and inner.height() >= px(40):
            words.setHeight(inner.height() * 0.5 + px(3))
            track.setTop(inner.top() + inner.height() * 0.5 - px(2))
        else:
            words.setWidth(max(min(columns.label_px, track.width() - px(64)), px(60)))
            track.setLeft(words.right() + px(12))
        paint.text(
            painter, appearance, words, paint.fitting_words(appearance, reading.sensor.label, words.width()), theme.text
        )
        if track.width() >= px(40):
            self._paint_track(painter, track, row)

    def _paint_track(self, painter: QPainter, track: QRectF, row: ReadingRow) -> None:
        appearance, px, reading = self.appearance, self.appearance.px, row.reading
        if reading.trust is Trust.NONE:
            return
        if reading.trust not in (Trust.BAD, Trust.STALE):
            scale = engineering_scale(reading.sensor)
            paint.indicator(painter, appearance, track, reading=reading, scale=scale, priority=row.urgent)
            return
        height = min(px(20), track.height() - px(2))
        band = QRectF(track.left(), track.center().y() - height / 2, track.width(), height)
        paint.hatch(painter, appearance, band, step=6)
        words = f"{reading.reason} · {reading.age_text}"
        words = words if appearance.width(words, 11) <= band.width() else reading.age_text
        paint.text(painter, appearance, band, words, appearance.theme.strong, size=11, align=paint.CENTRE)


def top_shares(detection: Detection, labels: tuple[str, ...], count: int = SHARES_SHOWN) -> list[tuple[str, float]]:
    """The sensors with the largest shares of the error, largest first, then the rest as one line."""
    order = np.argsort(detection.shares)[::-1][:count]
    lines = [(labels[i], float(detection.shares[i])) for i in order]
    others = len(labels) - len(lines)
    if others > 0:
        lines.append((f"Other {others}", max(0.0, 1.0 - sum(share for _, share in lines))))
    return lines


def why_words(pump: PumpView, *, seen: bool) -> tuple[str, str]:
    """The judgement in one line and what follows from it; names what the model cannot find."""
    learning = learning_words(pump)
    wide = "Judged provisionally: the limits are wide until it has run longer. " if is_provisional(pump) else ""
    match pump.score_result:
        case Detection(score=score) as found if seen and pump.is_at_new_level:
            leading = found.leading(pump.profile.sensors)
            body = "The level from before is kept. Find the fault, or confirm this level as the new normal."
            return "New level", f"{number(score, 2)} times the limit: {leading}. {body}"
        case Detection(score=score) as found if seen and (found.is_anomaly or pump.likelihood is not Likelihood.NONE):
            leading = found.leading(pump.profile.sensors)
            body = f"{number(score, 2)} times the limit: {leading}. The model finds what differs, not which part fails."
            return _judged(pump.likelihood), body
        case Detection(score=score) if seen:
            return "Normal running", f"{wide}Score {number(score, 2)}, the limit is 1. Shares of what little differs:"
        case NotScored() if seen and learning:
            has_limits = any(sensor.limits.given for sensor in pump.profile.quantities)
            judges = "its limits alone judge it" if has_limits else "nothing judges it: it has no limits"
            return "Learning", f"{_capital(learning)}. Until it is armed {judges}."
        case NotScored(why=why) if seen:
            return "Not scored", f"{_capital(why)}. A score needs an unbroken window of running."
        case _:
            return "Not scored", "There are no values to judge."


def _judged(likelihood: Likelihood) -> str:
    return "Not normal" if likelihood is Likelihood.NONE else _capital(likelihood.words)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


class WhyCard(Painted):
    """What the model says and which sensors it says it from."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance, "Why")
        self._shown: tuple[object, ...] = ()
        self._headline = self._body = ""
        self._lines: list[tuple[str, float]] = []
        self._abnormal = False
        self._step = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)

    def show_pump(self, pump: PumpView, *, seen: bool) -> None:
        """Show the score of a pump; `seen` is whether its values are live."""
        headline, body = why_words(pump, seen=seen)
        labels = tuple(s.label for s in pump.profile.sensors)
        score_result = pump.score_result
        fits = isinstance(score_result, Detection) and score_result.shares.size == len(labels)
        lines = top_shares(score_result, labels) if seen and fits and isinstance(score_result, Detection) else []
        lines = [(name, round(share, 2)) for name, share in lines]
        step = pump.likelihood.step if lines else 0
        shown = (headline, body, tuple(lines), step)
        if shown != self._shown:
            grown = len(lines) != len(self._lines)
            self._shown, self._headline, self._body, self._lines, self._step = shown, headline, body, lines, step
            self._abnormal = isinstance(score_result, Detection) and score_result.is_anomaly and seen
            self.describe(f"{headline}. {body} " + ", ".join(f"{name} {100 * share:.0f} %" for name, share in lines))
            if grown:
                self.updateGeometry()
            self.update()

    @override
    def sizeHint(self) -> QSize:
        """Headline, three lines of text, a line a share."""
        return QSize(self.appearance.px(240), self.appearance.px(26 + 46 + 24 * len(self._lines)))

    @override
    def minimumSizeHint(self) -> QSize:
        """The headline and the sensor with the largest share."""
        return QSize(self.appearance.px(200), self.appearance.px(26 + 46 + 24))

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Headline, words, bars."""
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        painter = QPainter(self)
        head = QRectF(0, 0, self.width(), px(22))
        token = theme.strong if self._abnormal else theme.text
        steps_px = self._paint_steps(painter, head) if self._step else 0.0
        words_at = head.adjusted(0, 0, -steps_px, 0)
        paint.text(painter, appearance, words_at, self._headline, token, size=14, weight=STRONG)
        used = paint.paragraph(
            painter, appearance, QRectF(0, px(24), self.width(), px(54)), self._body, theme.dim, size=12
        )
        top, figure_px = px(24) + used + px(8), px(44)
        widest = max((appearance.width(name) for name, _ in self._lines), default=0) + px(12)
        label_px = min(widest, self.width() * 0.62)
        for i, (name, share) in enumerate(self._lines):
            row = QRectF(0, top + i * px(24), self.width(), px(24))
            if row.bottom() > self.height() + px(4):
                break  # a line is shown whole or not at all
            paint.text(
                painter, appearance, QRectF(row.left(), row.top(), label_px - px(6), row.height()), name, theme.text
            )
            room = row.width() - label_px - figure_px
            bar = QRectF(row.left() + label_px, row.center().y() - px(4), max(room * share, 1.0), px(8))
            painter.fillRect(bar, color(theme.dim if self._abnormal else theme.band))
            paint.text(painter, appearance, row, f"{100 * share:.0f} %", theme.text, align=paint.RIGHT)
        painter.end()

    def _paint_steps(self, painter: QPainter, head: QRectF) -> float:
        """Three boxes at the right, as many of them filled as the fault is likely; the width that they take."""
        theme, px = self.appearance.theme, self.appearance.px
        width, pitch = px(12), px(15)
        left = head.right() - STEPS * pitch
        painter.setPen(QPen(color(theme.dim), 1))
        for i in range(STEPS):
            box = QRectF(left + i * pitch, head.center().y() - px(5), width, px(10))
            painter.setBrush(color(theme.strong if i < self._step else theme.panel))
            painter.drawRect(box)
        return STEPS * pitch + px(6)


class LinksCard(Painted):
    """Each link of the pump: where to, its state, how fast it responds, what went wrong last and what to try."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance, "Links")
        self._blocks: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_links(self, links: tuple[LinkView, ...], now_ns: int) -> None:
        """Show these."""
        blocks = tuple(link_block(link, now_ns) for link in links)
        if blocks != self._blocks:
            grown = [len(b[2]) for b in blocks] != [len(b[2]) for b in self._blocks]
            self._blocks = blocks
            words = (f"{head} {state}, {', '.join(lines)}" for head, state, lines in blocks)
            self.describe("; ".join(words) or "No links")
            if grown:
                self.updateGeometry()
            self.update()

    @override
    def sizeHint(self) -> QSize:
        """Every line of every link."""
        per_line = max(self.appearance.px(240), self.width()) / self.appearance.px(6.6)
        lines = sum(1.8 + sum(1 + int(len(line) / per_line) for line in lines) for _, _, lines in self._blocks)
        return QSize(self.appearance.px(240), round(self.appearance.px(17) * max(lines, 2)))

    @override
    def minimumSizeHint(self) -> QSize:
        """All of it: a fault's advice must not be cut."""
        return self.sizeHint()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Link under link."""
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        painter = QPainter(self)
        if not self._blocks:
            paint.text(
                painter, appearance, QRectF(0, 0, self.width(), px(22)), "No link is running", theme.dim, size=12
            )
        y = 0.0
        for head, state, lines in self._blocks:
            row = QRectF(0, y, self.width(), px(22))
            state_px = paint.text(painter, appearance, row, state, theme.text, size=12, align=paint.RIGHT)
            paint.text(painter, appearance, row.adjusted(0, 0, -state_px - px(8), 0), head, theme.strong, weight=STRONG)
            y += px(22)
            for line in lines:
                room = QRectF(0, y, self.width(), px(52))
                y += paint.paragraph(painter, appearance, room, line, theme.dim, size=12) + px(2)
            y += px(8)
        painter.end()


def link_block(link: LinkView, now_ns: int) -> tuple[str, str, tuple[str, ...]]:
    """Endpoint, state and the lines below them."""
    response = f"responds in {number(link.response_p50_ms, 1)} ms (95 %: {number(link.response_p95_ms, 1)})"
    lines = [response if link.response_p50_ms == link.response_p50_ms else "no response yet"]
    faults = link.timeouts + link.refused_responses + link.crc_errors + sum(link.exceptions.values())
    lines.append(f"{link.good:,} good of {link.requests:,} · {faults:,} faults · {link.missed_scans:,} missed")
    state = link.state.value
    if link.state is not LinkState.ONLINE:
        state += f" {duration((now_ns - link.since_mono_ns) / 1e9)}"
        lines += [words for words in (link.last_error, link.last_advice) if words]
    return link.endpoint, state, tuple(lines)
