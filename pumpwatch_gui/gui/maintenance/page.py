"""Maintenance: what work there is, the greatest risk first, and what was done."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QWidget
from typing_extensions import override

from pumpwatch_gui.commissioning.maintenance import cost_table
from pumpwatch_gui.domain.events import Event
from pumpwatch_gui.domain.maintenance.costs import CostTable
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.gui.forms.order_dialog import OrderDialog
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.widgets import Panel, StatusText, button, tab_button
from pumpwatch_gui.gui.maintenance.cost_dialog import CostDialog
from pumpwatch_gui.gui.maintenance.detail import WorkDetail
from pumpwatch_gui.gui.maintenance.dialogs import (
    AssignDialog,
    CreateDialog,
    NoteDialog,
    ReopenDialog,
    ResolveDialog,
)
from pumpwatch_gui.gui.maintenance.rows import ShownWork, open_columns, resolved_columns, shown_work
from pumpwatch_gui.gui.maintenance.timeline_panel import TimelinePanel
from pumpwatch_gui.gui.shell.page import Page, PageContext
from pumpwatch_gui.gui.tables.filters import pump_filter, text_filter
from pumpwatch_gui.gui.tables.rows_model import RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

OPEN, RESOLVED, TIMELINE = "Open", "Resolved", "Timeline"
LOW = 560
"""Below this height (px at 100 %) the foot has its room only when it is used."""


class MaintenancePage(Page):
    """Two lists of events and the timeline, with one filter; what is done is done to the chosen event."""

    key = "maintenance"

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self._events: tuple[MaintenanceEvent, ...] = ()
        self._now_ns = 0
        self._drawn: tuple[object, ...] = ()
        self.open: RowsModel[ShownWork] = RowsModel(open_columns(), key=lambda s: s.event.event_id)
        self.resolved: RowsModel[ShownWork] = RowsModel(resolved_columns(), key=lambda s: s.event.event_id)
        self.open_view = TableView(self.appearance, self.open, "Open maintenance")
        self.resolved_view = TableView(self.appearance, self.resolved, "Resolved maintenance")
        self._make_filter()
        self._make_acts()
        self._make_tabs()
        for view in (self.open_view, self.resolved_view):
            view.lead_to(lambda s: (s.event.pump_id, s.event.tag), context)
            view.offer(*self._acts)
            view.selectionModel().selectionChanged.connect(lambda *_: self._offer())
        self.outcome = StatusText()
        self.detail = WorkDetail(context)
        content = Panel(self.appearance, "Maintenance", None, (self.text, self.pump))
        content.body.addLayout(hbox(*self.tabs.values(), None, *self._acts, self.costs_button, spacing=8))
        content.body.addWidget(self.open_view, 1)
        content.body.addWidget(self.resolved_view, 1)
        self.timeline = TimelinePanel(context)
        content.body.addWidget(self.timeline, 1)
        content.body.addWidget(self.outcome)
        self._foot = Panel(self.appearance, "", self.detail)
        vbox((content, 1), self._foot, parent=self, margin=16, spacing=12)
        self.setFocusProxy(self.open_view)
        self._turn()

    # ---------------------------------------------------------------- building

    def _make_filter(self) -> None:
        self.text = text_filter("work, pump or person", width=self.appearance.px(220))
        self.pump = pump_filter(self.context.station.site())
        self.text.textChanged.connect(lambda _: self._filter())
        self.pump.currentIndexChanged.connect(lambda _: self._filter())

    def _make_acts(self) -> None:
        self.new_button = button("New…", "New maintenance event", self.create_event, hint="Ctrl+N")
        self.assign_button = button(
            "Assign…", "Say who does the work and by when", partial(self._open, AssignDialog), hint="Ctrl+G"
        )
        self.note_button = button("Note…", "Read the notes and add one", partial(self._open, NoteDialog), hint="Ctrl+J")
        self.resolve_button = button(
            "Resolve…", "Close the event with what was found", partial(self._open, ResolveDialog), hint="Ctrl+R"
        )
        self.reopen_button = button(
            "Reopen…", "Open the event again for a reason", partial(self._open, ReopenDialog), hint="Ctrl+Shift+R"
        )
        self.costs_button = button("Cost table…", "Show the cost table", lambda: CostDialog(self.context, self).open())
        self._acts = (
            self.new_button, self.assign_button, self.note_button, self.resolve_button, self.reopen_button,
        )  # fmt: skip
        for act, keys in zip(self._acts, ("Ctrl+N", "Ctrl+G", "Ctrl+J", "Ctrl+R", "Ctrl+Shift+R"), strict=True):
            shortcut = QShortcut(QKeySequence(keys), self, act.click)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)

    def _make_tabs(self) -> None:
        self.tabs = {name: tab_button(name) for name in (OPEN, RESOLVED, TIMELINE)}
        self._group = QButtonGroup(self)
        for tab in self.tabs.values():
            self._group.addButton(tab)
        self.tabs[OPEN].setChecked(True)
        self._group.buttonClicked.connect(lambda _: self._turn())

    # ---------------------------------------------------------------- living

    @override
    def refresh(self, view: StationView) -> None:
        self._events, self._now_ns = view.maintenance, view.time_ns
        self.timeline.refresh(view)
        drawn = (view.maintenance, view.time_ns // 10**9)
        if drawn != self._drawn:  # an age moves once a second
            self._drawn = drawn
            self._show_rows()

    @override
    def show_pump(self, pump_id: str) -> None:
        self.pump.setCurrentText(pump_id)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.detail.fold(self.height() < self.appearance.px(LOW))

    @override
    def showEvent(self, event: QShowEvent) -> None:
        self.context.ask(partial(cost_table, self.context.site_file), self._read)
        super().showEvent(event)

    def _read(self, found: tuple[CostTable, str]) -> None:
        """Say what is wrong in the table of the site, which may have been edited meanwhile."""
        self.outcome.warn(found[1])

    @override
    def on_event(self, event: Event) -> None:
        self.timeline.note(event)

    def _filter(self) -> None:
        self.timeline.filter(self.pump.currentText() if self.pump.currentIndex() > 0 else "", self.text.text())
        self._show_rows()

    @property
    def at(self) -> str:
        """The list on show, or `TIMELINE`."""
        return next(name for name, tab in self.tabs.items() if tab.isChecked())

    def _turn(self) -> None:
        views: dict[str, QWidget] = {OPEN: self.open_view, RESOLVED: self.resolved_view, TIMELINE: self.timeline}
        for name, view in views.items():
            view.setVisible(self.at == name)
        for part in (self.outcome, self._foot):
            part.setVisible(self.at != TIMELINE)
        self._show_rows()
        views[self.at].setFocus()

    def _show_rows(self) -> None:
        of = {name: [e for e in self._events if e.is_resolved == (name == RESOLVED)] for name in (OPEN, RESOLVED)}
        passing = {name: [event for event in events if self._passes(event)] for name, events in of.items()}
        for name, events in passing.items():
            is_filtered = len(events) != len(of[name])
            self.tabs[name].setText(f"{name} {len(events)}" + (f"/{len(of[name])}" if is_filtered else ""))
        if self.at == TIMELINE:
            self._offer()
            return
        model = self.open if self.at == OPEN else self.resolved
        model.show_rows([shown_work(event, self._now_ns) for event in passing[self.at]])
        words = {OPEN: "No maintenance is open", RESOLVED: "No maintenance was resolved yet"}[self.at]
        view = self.open_view if self.at == OPEN else self.resolved_view
        view.nothing = "Nothing that the filter lets through" if of[self.at] else words
        self._offer()

    def _passes(self, event: MaintenanceEvent) -> bool:
        if self.pump.currentIndex() > 0 and event.pump_id != self.pump.currentText():
            return False
        parts = (event.pump_id, event.title, event.kind.value, event.severity.name, event.assigned_to, event.finding,
                 event.resolved_by, event.created_by, *(note.text for note in event.notes))  # fmt: skip
        return self.text.text().strip().casefold() in " ".join(parts).casefold()

    # ---------------------------------------------------------------- what is done to the chosen event

    @property
    def chosen(self) -> MaintenanceEvent | None:
        """The event that a person has selected in the list on show."""
        if self.at == TIMELINE:
            return None
        view, model = (self.open_view, self.open) if self.at == OPEN else (self.resolved_view, self.resolved)
        shown = model.row_at(view.chosen)
        return shown.event if shown is not None else None

    def create_event(self) -> None:
        """Open the dialog for planned work, on the pump of the filter, of the chosen event, or the current one."""
        pump_id = self.pump.currentText() if self.pump.currentIndex() > 0 else self.context.pump_id
        CreateDialog(self.context, self.chosen.pump_id if self.chosen else pump_id, self).open()

    def _open(self, kind: Callable[[PageContext, MaintenanceEvent, QWidget], OrderDialog]) -> None:
        if (event := self.chosen) is not None:
            kind(self.context, event, self).open()

    def _offer(self) -> None:
        """Show the chosen event, and enable what can be done to it."""
        event = self.chosen
        self.detail.show_event(event)
        is_open, is_list_open = event is not None and not event.is_resolved, self.at == OPEN
        fits: dict[QAbstractButton, tuple[bool, bool]] = {
            self.new_button: (True, bool(self.context.station.site().pumps)),
            self.assign_button: (is_list_open, is_open),
            self.note_button: (self.at != TIMELINE, event is not None),
            self.resolve_button: (is_list_open, is_open),
            self.reopen_button: (self.at == RESOLVED, event is not None and event.is_resolved),
        }
        for act, (is_shown, is_enabled) in fits.items():
            act.setVisible(is_shown and self.context.can_operate)
            act.setEnabled(is_enabled)
