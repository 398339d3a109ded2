"""Below the table of limits: the past of the chosen quantity, and what the limits that are typed would have done."""

import threading
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QComboBox, QWidget

from pumpwatch_gui.commissioning.pumps.what_if import DAY_NS, JudgedPast, WhatIf, stretches, what_if
from pumpwatch_gui.domain.ports import Series
from pumpwatch_gui.domain.pump.profile import Limits, PumpProfile, Sensor
from pumpwatch_gui.domain.wording import duration, error_text, minute, running_time
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.widgets import StatusText, button, label
from pumpwatch_gui.gui.settings.limit_plot import LimitPlot, Mark
from pumpwatch_gui.gui.shell.page import PageContext

SPANS = {"last day": 1, "last 7 days": 7, "last 30 days": 30}
RENEW_MS = 200
NAMED = 3
POINTS = 1200


class _CancelledError(Exception):
    """The person does not want to know any longer."""


class WhatIfPanel(QWidget):
    """Plot, span and outcome. `dragged` hands on a limit that was moved in the plot."""

    dragged = Signal(str, float)

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._context = context
        self._pump_id, self._limits = "", Limits()
        self._profile: PumpProfile | None = None
        self._sensor: Sensor | None = None
        self._turn, self._part = 0, 0.0
        self._cancel = threading.Event()
        self.plot = LimitPlot(context.appearance)
        self.plot.dragged.connect(self.dragged)
        self.span = QComboBox()
        self.span.setAccessibleName("Time that is looked at")
        for words, days in SPANS.items():
            self.span.addItem(words, days)
        self.span.activated.connect(self._read)
        self.start = button("What if", "Judge that time by the limits that are typed", self.judge)
        self.stop = button("Cancel", "Cancel the judging", self.close_down)
        self.stop.hide()
        self.outcome = StatusText()
        head = hbox(label("Past", "heading"), self.span, self.start, self.stop, (self.outcome, 1))
        vbox(self.plot, head, parent=self, spacing=8)
        self._renew = QTimer(self)
        self._renew.timeout.connect(self._say_part)

    def show_quantity(self, pump_id: str, profile: PumpProfile | None, sensor: Sensor | None, limits: Limits) -> None:
        """Turn to a quantity of a pump, with the limits that are typed for it."""
        is_other = (pump_id, sensor and sensor.tag) != (self._pump_id, self._sensor and self._sensor.tag)
        self._pump_id, self._profile, self._sensor = pump_id, profile, sensor
        if is_other:
            self._cancel.set()
            self._read()
        if limits != self._limits or is_other:
            self._limits = limits
            self.plot.show_limits(limits)
            self.plot.show_marks(())
            self.outcome.say("")
        self.start.setEnabled(sensor is not None and not self.stop.isVisible())

    def close_down(self) -> None:
        """Stop what is under way."""
        self._cancel.set()

    @property
    def _span_ns(self) -> tuple[int, int]:
        end_ns = self._context.station.latest().time_ns
        return end_ns - int(self.span.currentData()) * DAY_NS, end_ns

    # ---------------------------------------------------------------- the past

    def _read(self) -> None:
        self._turn += 1
        sensor, turn = self._sensor, self._turn
        start_ns, end_ns = self._span_ns
        span_s = start_ns / 1e9, end_ns / 1e9
        if sensor is None:
            self.plot.show_past(None, span_s, None, "Choose a row")
            return
        self.plot.show_past(sensor, span_s, None, "Reading …")
        read = partial(
            self._context.station.history.read, self._pump_id, [sensor.tag], start_ns=start_ns, end_ns=end_ns,
            points=POINTS, profile=self._profile,
        )  # fmt: skip
        self._context.ask(read, partial(self._came, turn, span_s), partial(self._lacks, turn, span_s))

    def _came(self, turn: int, span_s: tuple[float, float], series: Series) -> None:
        if turn == self._turn:
            words = "" if series.time_s.size else "No readings in that time"
            self.plot.show_past(self._sensor, span_s, series, words)

    def _lacks(self, turn: int, span_s: tuple[float, float], error: Exception) -> None:
        if turn == self._turn:
            self.plot.show_past(self._sensor, span_s, None, error_text(error))

    # ---------------------------------------------------------------- what if

    def judge(self) -> None:
        """Judge the span by the present limits and by those that are typed."""
        if self._sensor is None or self._profile is None or self.stop.isVisible():
            return
        self._cancel, self._part = threading.Event(), 0.0
        start_ns, end_ns = self._span_ns
        run = partial(
            what_if, self._context.station.history, self._pump_id, self._profile, self._sensor.tag, self._limits,
            start_ns=start_ns, end_ns=end_ns, progress=self._progress(self._cancel),
        )  # fmt: skip
        self._hold(True)
        asked = self._pump_id, self._sensor.tag, self._limits
        self._context.ask(run, partial(self._judged, asked), self._failed)

    def _progress(self, cancel: threading.Event) -> Callable[[float], None]:
        def tell(part: float) -> None:
            self._part = part
            if cancel.is_set():
                raise _CancelledError

        return tell

    def _hold(self, on: bool) -> None:
        self.start.setVisible(not on)
        self.stop.setVisible(on)
        if on:
            self._renew.start(RENEW_MS)
            self._say_part()
        else:
            self._renew.stop()

    def _say_part(self) -> None:
        self.outcome.say(f"Judging the past, {100 * self._part:.0f} %")

    def _judged(self, asked: tuple[str, str, Limits], found: WhatIf) -> None:
        self._hold(False)
        self.start.setEnabled(True)
        if self._sensor is None or asked != (self._pump_id, self._sensor.tag, self._limits):
            self.outcome.say("")  # of limits that are no longer there
            return
        self.outcome.say(words_of(found))
        self.plot.show_marks(
            [
                Mark(start_ns / 1e9, end_ns / 1e9, is_gained)
                for is_gained, own in ((True, found.gained), (False, found.lost))
                for start_ns, end_ns in stretches(own)
            ]
        )

    def _failed(self, error: Exception) -> None:
        self._hold(False)
        if isinstance(error, _CancelledError):
            self.outcome.say("Cancelled")
        else:
            self.outcome.warn(error_text(error))


def words_of(found: WhatIf) -> str:
    """The outcome for people: alarms and time in alarm of both, and which are gained and lost."""
    present, proposed = (_judged_words(judged, found.hours) for judged in (found.present, found.proposed))
    text = f"{running_time(found.hours * 3600)} with values. Present limits: {present}. These: {proposed}."
    for name, own in (("Gained", found.gained), ("Lost", found.lost)):
        if own:
            first = ", ".join(f"{minute(e.start_ns)} {e.level.replace('_', '-')}" for e in own[:NAMED])
            text += f" {name}: {len(own)} ({first}{', …' if len(own) > NAMED else ''})."
    return text if found.gained or found.lost else f"{text} No alarm is gained or lost."


def _judged_words(judged: JudgedPast, hours: float) -> str:
    count = len(judged.episodes)
    if not count:
        return "no alarm"
    a_week = f", {count / hours * 168:.1f} a week" if hours >= 24 else ""
    return f"{count} {'alarm' if count == 1 else 'alarms'}{a_week}, {duration(judged.active_s)} in alarm"
