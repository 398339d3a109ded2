"""The timeline with its choice of time: reads in the background, the newest request wins."""

from functools import partial

from PySide6.QtCore import QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from pumpwatch_gui.commissioning.timeline import read_timeline
from pumpwatch_gui.domain.events import AlarmChanged, Event, MaintenanceChanged, OrderDone, RunStateChanged
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.domain.timeline import TimelineLane, TimelineMark
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.time_bar import TimeBar
from pumpwatch_gui.gui.look.time_view import LENGTHS, TimeView
from pumpwatch_gui.gui.look.widgets import StatusText, button
from pumpwatch_gui.gui.maintenance.timeline_view import TimelineView, words_of
from pumpwatch_gui.gui.shell.page import PageContext

SHOWN = (AlarmChanged, MaintenanceChanged, OrderDone, RunStateChanged)
COMMITTED_MS = 2_000
"""What has just happened is in the journal by then."""
LIVE_S = 10.0
"""A live timeline is read again after so long."""
RESTS_MS = 150
"""While it is moved nothing is read."""


class TimelinePanel(QWidget):
    """Lanes of what happened to the pumps that the filter lets through."""

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self.context = context
        self._read: tuple[TimelineMark, ...] = ()
        self._turn, self._read_s, self._pump_id, self._text = 0, 0.0, "", ""
        self.timeline = TimelineView(context.appearance)
        self.timeline.chosen.connect(self._chose)
        self.timeline.opened.connect(self._open)
        self.timeline.moved.connect(self._move)
        self.said = StatusText()
        self.trend_button = button("Trend", "Show the trends of this time", self._trend, hint="T")
        self.bar = TimeBar(lambda: self._now_s)
        self.bar.moved.connect(self._move)
        head = hbox(self.bar, (self.said, 1), self.trend_button)
        vbox(head, (self.timeline, 1), parent=self, margin=0, spacing=8)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.read)
        self.setFocusProxy(self.timeline)

    # ---------------------------------------------------------------- living

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self.timeline.view.start_s > 0:
            self._move(TimeView.last(LENGTHS[2][1], self._now_s))
        else:
            self.read()

    def refresh(self, view: StationView) -> None:
        """The time goes on; what is live is read again now and then."""
        now_s = view.time_ns / 1e9
        if self.isVisible() and self.timeline.view.is_live and now_s - self._read_s > LIVE_S:
            self.timeline.view = self.timeline.view.at(now_s)
            self.read()

    def note(self, event: Event) -> None:
        """Something happened: what belongs on a lane is read once it is committed."""
        if isinstance(event, SHOWN) and self.isVisible() and not self._soon.isActive():
            self._soon.start(COMMITTED_MS)

    def filter(self, pump_id: str, text: str) -> None:
        """Let only a pump through ("" for all), and what says these words."""
        self._pump_id, self._text = pump_id, text.strip().casefold()
        self._show()

    # ---------------------------------------------------------------- the time

    @property
    def _now_s(self) -> float:
        return self.context.station.latest().time_ns / 1e9

    def _move(self, view: TimeView) -> None:
        self.timeline.view = view
        self._show()
        self._soon.start(RESTS_MS)

    # ---------------------------------------------------------------- reading

    def read(self) -> None:
        """Read what is on the time axis."""
        self._turn += 1
        station, view = self.context.station, self.timeline.view
        self._read_s = self._now_s
        start_ns, end_ns = round(view.start_s * 1e9), round(view.end_s * 1e9) + 1
        work = partial(read_timeline, station.history, station.latest(), start_ns=start_ns, end_ns=end_ns)
        self.context.ask(work, partial(self._take, self._turn), partial(self._failed, self._turn))

    def _take(self, turn: int, marks: tuple[TimelineMark, ...]) -> None:
        if turn == self._turn:
            self._read = marks
            self.said.say("")
            self._show()

    def _failed(self, turn: int, error: Exception) -> None:
        if turn == self._turn:
            self.said.warn(error_text(error))

    def _show(self) -> None:
        view = self.timeline.view
        self.bar.show_view(view)
        marks = [m for m in self._read if self._passes(m)]
        self.timeline.show_marks(marks, view, self._now_s)
        self._chose(self.timeline.selected)

    def _passes(self, mark: TimelineMark) -> bool:
        is_own = not self._pump_id or mark.pump_id in (self._pump_id, "")
        return is_own and self._text in f"{mark.pump_id} {mark.text}".casefold()

    # ---------------------------------------------------------------- what is done to a mark

    def _chose(self, mark: TimelineMark | None) -> None:
        if mark is not None or self.said.text():
            self.said.say(words_of(mark), "text")

    def _open(self, mark: TimelineMark) -> None:
        """Open what is behind a mark: the journal for a change, else the pump."""
        if mark.lane is TimelineLane.CHANGES or not mark.pump_id:
            self.context.open_page("events", mark.pump_id)
        else:
            self.context.open_page("pump", mark.pump_id, mark.tag)

    def _trend(self) -> None:
        """The same time on the Trends page, of the chosen mark's pump or the one of the filter."""
        mark, view = self.timeline.selected, self.timeline.view
        pump_id = mark.pump_id if mark is not None and mark.pump_id else self._pump_id or self.context.pump_id
        self.context.open_trend(pump_id, mark.tag if mark is not None else "", (view.start_s, view.end_s))
