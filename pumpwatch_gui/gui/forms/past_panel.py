"""The past of one quantity, and a job that judges it in the background: for limits and rules before they are saved."""

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from pumpwatch_gui.commissioning.pumps.what_if import DAY_NS, Progress
from pumpwatch_gui.domain.ports import Series
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.gui.forms.limit_plot import LimitPlot
from pumpwatch_gui.gui.look.layout import Part, hbox
from pumpwatch_gui.gui.look.widgets import StatusText, button, label
from pumpwatch_gui.gui.shell.page import PageContext

SPANS = {"last day": 1, "last 7 days": 7, "last 30 days": 30}
RENEW_MS = 200
POINTS = 1200


class _CancelledError(Exception):
    """The person does not want to know any longer."""


class PastPanel(QWidget):
    """Plot, span, a button that judges that span, and the outcome. `dragged` hands on a line moved in the plot."""

    dragged = Signal(str, float)

    def __init__(self, context: PageContext, words: str, hint: str) -> None:
        super().__init__()
        self._context = context
        self._pump_id = ""
        self._profile: PumpProfile | None = None
        self._sensor: Sensor | None = None
        self._turn, self._part = 0, 0.0
        self._cancel = threading.Event()
        self.plot = LimitPlot(context.appearance)
        self.plot.dragged.connect(self.dragged)
        self.span = QComboBox()
        self.span.setAccessibleName("Time that is looked at")
        for name, days in SPANS.items():
            self.span.addItem(name, days)
        self.span.activated.connect(self._read)
        self.start = button(words, hint, self.judge)
        self.stop = button("Cancel", "Cancel the judging", self.close_down)
        self.stop.hide()
        self.outcome = StatusText()
        self._renew = QTimer(self)
        self._renew.timeout.connect(self._say_part)

    def head(self, *more: Part) -> QHBoxLayout:
        """The line under the plot: `more` comes before the buttons."""
        return hbox(label("Past", "heading"), self.span, *more, self.start, self.stop, (self.outcome, 1))

    def judge(self) -> None:
        """Judge the span by what is typed."""
        raise NotImplementedError

    def turn_to(self, pump_id: str, profile: PumpProfile | None, sensor: Sensor | None) -> bool:
        """Show the past of a quantity of a pump, None: of none; whether it is another one than before.

        Profile and sensor are in their own units.
        """
        before = self._pump_id, self._sensor and self._sensor.tag
        self._pump_id, self._profile, self._sensor = pump_id, profile, sensor
        is_other = (pump_id, sensor and sensor.tag) != before
        if is_other:
            self._read()
        return is_other

    def close_down(self) -> None:
        """Stop what is under way."""
        self._cancel.set()

    @property
    def is_busy(self) -> bool:
        """Whether a span is being judged."""
        return self._renew.isActive()

    @property
    def span_ns(self) -> tuple[int, int]:
        """The time that is looked at, from and to in Unix ns."""
        end_ns = self._context.station.latest().time_ns
        return end_ns - int(self.span.currentData()) * DAY_NS, end_ns

    # ---------------------------------------------------------------- the past

    def _read(self) -> None:
        self._turn += 1
        sensor, turn = self._sensor, self._turn
        start_ns, end_ns = self.span_ns
        span_s = start_ns / 1e9, end_ns / 1e9
        if sensor is None:
            self.plot.show_past(None, span_s, None, "Choose a quantity")
            return
        self.plot.show_past(self._shown_sensor, span_s, None, "Reading …")
        read = partial(
            self._context.station.history.read, self._pump_id, [sensor.tag], start_ns=start_ns, end_ns=end_ns,
            points=POINTS, profile=self._profile,
        )  # fmt: skip
        self._context.ask(read, partial(self._came, turn, span_s), partial(self._lacks, turn, span_s))

    def _came(self, turn: int, span_s: tuple[float, float], series: Series) -> None:
        if turn == self._turn and self._sensor is not None:
            words = "" if series.time_s.size else "No readings in that time"
            by = self._context.units.of(self._sensor)
            own = replace(series, low=by.shown(series.low), mean=by.shown(series.mean), high=by.shown(series.high))
            self.plot.show_past(self._shown_sensor, span_s, own, words)

    def _lacks(self, turn: int, span_s: tuple[float, float], error: Exception) -> None:
        if turn == self._turn:
            self.plot.show_past(self._shown_sensor, span_s, None, error_text(error))

    @property
    def _shown_sensor(self) -> Sensor | None:
        return None if self._sensor is None else self._context.units.sensor(self._sensor)

    # ---------------------------------------------------------------- the job

    def run(self, job: Callable[[Progress], Any], on_result: Callable[[Any], None]) -> None:
        """Have `job`, which reports the part done, run in the background."""
        self._cancel, self._part = threading.Event(), 0.0
        self._hold(True)
        report = self._progress(self._cancel)
        self._context.ask(lambda: job(report), partial(self._judged, on_result), self._failed)

    def _progress(self, cancel: threading.Event) -> Progress:
        def report(part: float) -> None:
            self._part = part
            if cancel.is_set():
                raise _CancelledError

        return report

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

    def _judged(self, on_result: Callable[[Any], None], found: object) -> None:
        self._hold(False)
        self.start.setEnabled(True)
        on_result(found)

    def _failed(self, error: Exception) -> None:
        self._hold(False)
        is_cancelled = isinstance(error, _CancelledError)
        if is_cancelled:
            self.outcome.say("Cancelled")
        else:
            self.outcome.warn(error_text(error))
        self.gave_up("" if is_cancelled else error_text(error))

    def gave_up(self, why: str) -> None:
        """Called when nothing was found; `why` is "" where a person has cancelled."""
