"""The foot of the Alarms page: what the chosen alarm means, what to do, and how its value came there."""

from math import isfinite

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from typing_extensions import override

from pumpwatch_gui.domain.alarms.guidance import Guidance, guidance_for
from pumpwatch_gui.domain.alarms.shown import ShownAlarm
from pumpwatch_gui.domain.station import PumpView, StationView
from pumpwatch_gui.domain.values.trace import Trace
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.sparkline import WINDOW_S, Sparkline
from pumpwatch_gui.gui.look.text_column import PageFoot, paint_column
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.shell.past import PastTraces

_TREND_FROM = 900


class GuidancePanel(PageFoot):
    """Cause, consequence and action of one alarm next to its last ten minutes. `rows` are those of the site."""

    def __init__(self, context: PageContext) -> None:
        super().__init__(context.appearance, "Guidance")
        self.rows: tuple[Guidance, ...] = ()
        self._context = context
        self._past = PastTraces(context)
        self._past.came.connect(lambda _: self.update())
        self._shown: ShownAlarm | None = None
        self._pump: PumpView | None = None
        self._trace: Trace | None = None
        self._now_s = 0.0

    @property
    def guidance(self) -> Guidance | None:
        """The guidance for the alarm that is shown."""
        if self._shown is None:
            return None
        source = self._shown.alarm.source
        own = next((rule.guidance for rule in self._context.station.site().rules if rule.source == source), None)
        return own or guidance_for(source, self.rows)

    def show_alarm(self, shown: ShownAlarm | None, view: StationView) -> None:
        """Show what there is of an alarm; None: nothing is chosen."""
        self._choose(shown is not None)
        self._shown, self._now_s, self._trace = shown, view.time_ns / 1e9, None
        pump_id = shown.alarm.pump_id if shown is not None else ""
        self._pump = next((p for p in view.pumps if p.pump_id == pump_id), None)
        if self._pump is not None:
            try:
                self._trace = self._past.trace(pump_id, self._now_s - WINDOW_S, self._now_s)
            except KeyError:
                self._pump = None  # taken out of the site between two samples
        self.describe(". ".join(f"{head}: {' '.join(words)}" for head, words, _ in self._columns()))
        self.update()

    def _columns(self) -> tuple[tuple[str, tuple[str, ...], str], ...]:
        """Heading, paragraphs and the small line under them of each column."""
        shown, found = self._shown, self.guidance
        if shown is None or found is None:
            return ()
        steps = tuple(f"{n}. {step}" for n, step in enumerate(found.action, 1))
        hours = found.respond_min / 60
        within = f"Respond within {hours:g} h" if hours >= 2 else f"Respond within {found.respond_min:g} min"
        first = f"{shown.first_out[:1].upper()}{shown.first_out[1:]} of this episode" if shown.first_out else ""
        return (
            ("Cause", (found.cause,), first),
            ("Consequence", (found.consequence,), ""),
            ("What to do", steps, within),
        )

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        painter = QPainter(self)
        whole, columns = QRectF(self.rect()), self._columns()
        if not columns:
            words = "Choose an alarm to see what it means and what to do"
            paint.text(painter, appearance, whole, words, theme.dim, align=paint.CENTRE)
            painter.end()
            return
        has_trend = self._sensor_index() is not None and whole.width() >= px(_TREND_FROM)
        count = len(columns) + has_trend
        width, gap = (whole.width() - px(24) * (count - 1)) / count, px(24)
        for i, (heading, paragraphs, small) in enumerate(columns):
            column = QRectF(whole.left() + i * (width + gap), whole.top(), width, whole.height())
            above = column.adjusted(0, 0, 0, -px(18) if small else 0)
            top = paint_column(painter, appearance, above, heading, paragraphs)
            line = QRectF(column.left(), min(top + px(2), column.bottom() - px(17)), width, px(17))
            paint.text(painter, appearance, line, small, theme.dim, size=12)
        if has_trend:
            self._trend(painter, QRectF(whole.right() - width, whole.top(), width, whole.height()))
        painter.end()

    def _sensor_index(self) -> int | None:
        if self._shown is None or self._pump is None or self._shown.alarm.tag not in self._pump.profile.tags:
            return None
        return self._pump.profile.index(self._shown.alarm.tag)

    def _trend(self, painter: QPainter, area: QRectF) -> None:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        index, pump, shown = self._sensor_index(), self._pump, self._shown
        assert index is not None
        assert pump is not None
        assert shown is not None
        sensor = pump.profile.sensors[index]
        head = QRectF(area.left(), area.top(), area.width(), px(20))
        limit = f" · limit {shown.limit}" if isfinite(shown.alarm.limit) and shown.alarm.source != "anomaly" else ""
        paint.text(painter, appearance, head, f"{sensor.label} · last 10 min{limit}", theme.dim, size=12)
        rect = area.adjusted(0, px(26), 0, -px(20))
        line = Sparkline.of(
            self._trace, index, rect, sensor, longest_s=pump.stale_after_s, now_s=self._now_s
        )  # fmt: skip
        line.paint(painter, appearance, theme.live)
        foot = QRectF(area.left(), area.bottom() - px(17), area.width(), px(17))
        paint.text(painter, appearance, foot, "−10 min", theme.dim, size=11)
        paint.text(painter, appearance, foot, "now", theme.dim, size=11, align=paint.RIGHT)
