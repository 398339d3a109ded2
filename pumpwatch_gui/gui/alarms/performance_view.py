"""The Performance tab of the Alarms page: how good the alarm system is, and which alarms make it worse."""

from functools import partial

from PySide6.QtWidgets import QButtonGroup, QWidget
from typing_extensions import override

from pumpwatch_gui.commissioning.alarm_performance import PerformanceRead, read_performance
from pumpwatch_gui.domain.alarms.benchmarks import advice_tip, advice_words, figures
from pumpwatch_gui.domain.alarms.performance import Actor
from pumpwatch_gui.domain.alarms.rules import is_rule
from pumpwatch_gui.domain.pump.limit_words import limit_place
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.domain.wording import UNKNOWN, duration, error_text, minute, number
from pumpwatch_gui.gui.alarms.figures import FigureGrid, RateBars
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.widgets import StatusText, button, label, tab_button
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.priority_icons import PriorityIcons
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

HOUR_NS = 3600 * 10**9
SPANS = {"Shift": ("last 8 h", 8 * HOUR_NS), "Day": ("last 24 h", 24 * HOUR_NS), "Month": ("last 30 d", 720 * HOUR_NS)}
AGAIN_NS = {"Shift": 60 * 10**9, "Day": 60 * 10**9, "Month": 600 * 10**9}
"""The figures on show are read again after this time: a busy month takes two seconds of a processor."""


class PerformanceView(QWidget):
    """Span, figures with their benchmarks, alarms over time, top ten. It reads while it is shown."""

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self.context, self.appearance = context, context.appearance
        self._icons = PriorityIcons(self.appearance)
        self._view: StationView | None = None
        self._read_ns: int | None = None  # monotonic
        self._asking = ""
        self.read: PerformanceRead | None = None
        self.spans = {
            name: tab_button(name, f"{name}: {what}", hint=f"The {what}") for name, (what, _) in SPANS.items()
        }
        self._group = QButtonGroup(self)
        for one in self.spans.values():
            self._group.addButton(one)
        self.spans["Day"].setChecked(True)
        self._group.buttonClicked.connect(lambda _: self.ask())
        self.status = StatusText()
        self.status.setWordWrap(False)
        self.grid, self.bars = FigureGrid(self.appearance), RateBars(self.appearance)
        self.top: RowsModel[Actor] = RowsModel(self._columns(), key=lambda a: a.alarm.alarm_id)
        self.top_view = TableView(self.appearance, self.top, "Most frequent alarms", nothing="No alarms in this time")
        self.top_view.activated.connect(lambda index: self._open(self.top.row_at(index)))
        self.top_view.selectionModel().selectionChanged.connect(lambda *_: self._offer())
        self.limits = button(
            "Limits…", "Open the limits of the selected alarm", self._open_chosen, hint="Enter, or a double click"
        )
        self.top_view.offer(self.limits)
        head = hbox(label("Span", "dim"), *self.spans.values(), (self.status, 1), spacing=6)
        top_head = hbox(label("Most frequent alarms", "heading"), None, self.limits)
        vbox(head, self.grid, self.bars, top_head, (self.top_view, 1), parent=self, spacing=8)
        self.setFocusProxy(self.top_view)
        self._offer()

    def _columns(self) -> list[Column[Actor]]:
        def share(actor: Actor) -> str:
            return f"{number(100 * actor.share, 0)} %"

        return [
            Column("Priority", lambda a: str(int(a.alarm.priority)), icon=lambda a: self._icons.of(a.alarm.priority)),
            Column("Pump", lambda a: a.alarm.pump_id),
            Column("Alarm", lambda a: a.alarm.text, elided=True, kept=lambda a: limit_place(a.alarm)),
            Column("Times", lambda a: f"{a.count:,}", right=True, sort=lambda a: a.count),
            Column("Share", share, right=True, sort=lambda a: a.share),
            Column("Most in 1 min", _most, right=True, sort=lambda a: a.most),
            Column("Fleeting", lambda a: f"{a.fleeting:,}", right=True, sort=lambda a: a.fleeting),
            Column("Lasts", lambda a: duration(a.lasted_s), right=True, sort=_lasts, spare=True),
            Column("Would have helped", lambda a: advice_words(a) or "–", tip=advice_tip, elided=True),
        ]

    # ---------------------------------------------------------------- reading

    @property
    def span(self) -> str:
        """The chosen span, a key of `SPANS`."""
        return next(name for name, one in self.spans.items() if one.isChecked())

    def refresh(self, view: StationView) -> None:
        """Read for the first time, or again where what is shown is old."""
        self._view = view
        if self._read_ns is None or not 0 <= view.mono_ns - self._read_ns < AGAIN_NS[self.span]:
            self.ask()

    def ask(self) -> None:
        """Read the chosen span, off this thread."""
        view, span = self._view, self.span
        if view is None or self._asking == span:
            return
        self._asking, self._read_ns = span, view.mono_ns
        if self.read is None:
            self.status.say("Reading the journal…")
        read = partial(
            read_performance, self.context.station.history, view.alarms, end_ns=view.time_ns, span_ns=SPANS[span][1]
        )
        self.context.ask(read, partial(self._show, span), partial(self._failed, span))

    def _show(self, span: str, read: PerformanceRead) -> None:
        if not self._is_wanted(span):
            return
        self.read, found = read, read.found
        what = f"{minute(found.start_ns)} to {minute(found.end_ns)}"
        if not read.is_whole:
            what += f" · the journal is younger than the {SPANS[span][0]}"
        if read.unreadable:
            what += f" · {read.unreadable:,} lines cannot be read"
        self.status.say(what)
        self.grid.show_figures(figures(found))
        self.bars.show_performance(found)
        self.top.show_rows(found.top)
        self._offer()

    def _failed(self, span: str, error: Exception) -> None:
        if self._is_wanted(span):
            self.status.warn(f"The journal cannot be read: {error_text(error)}")

    def _is_wanted(self, span: str) -> bool:
        """Whether this is still the span to show; another was chosen meanwhile, and is being read."""
        if self._asking == span:
            self._asking = ""
        return span == self.span

    # ---------------------------------------------------------------- the chosen alarm

    def _open_chosen(self) -> None:
        self._open(self.top.row_at(self.top_view.chosen))

    def _open(self, actor: Actor | None) -> None:
        """Open the limits at the sensor of an alarm, or the rules; its pump where neither can be changed here."""
        if actor is None or self.context.station.site().pump(actor.alarm.pump_id) is None:
            return
        if is_rule(actor.alarm.source) and "rules" in self.context.dialogs:
            self.context.open_dialog("rules", actor.alarm.pump_id)
        elif self._has_limits(actor):
            self.context.opening.limits_tag = actor.alarm.tag
            self.context.open_dialog("limits", actor.alarm.pump_id)
        else:
            self.context.open_page("pump", actor.alarm.pump_id)

    def _has_limits(self, actor: Actor) -> bool:
        pump = self.context.station.site().pump(actor.alarm.pump_id)
        has_tag = pump is not None and actor.alarm.tag in pump.profile.quantity_tags
        has_limit = has_tag and actor.alarm.source != "anomaly" and not is_rule(actor.alarm.source)
        return has_limit and "limits" in self.context.dialogs

    def _offer(self) -> None:
        actor = self.top.row_at(self.top_view.chosen)
        self.limits.setVisible("limits" in self.context.dialogs)
        self.limits.setEnabled(actor is not None and self._has_limits(actor))

    @override
    def setVisible(self, visible: bool) -> None:
        """Read at once when it is turned to."""
        if visible and not self.isVisible():
            self._read_ns = None
        super().setVisible(visible)


def _most(actor: Actor) -> str:
    return f"{actor.most}, chatters" if actor.is_chattering else str(actor.most)


def _lasts(actor: Actor) -> float | None:
    """NaN has no place in an order."""
    return actor.lasted_s if duration(actor.lasted_s) != UNKNOWN else None
