"""Alarms: what is announced, what is shelved, and what logic or maintenance has taken from the list."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon, QKeySequence, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup
from typing_extensions import override

from pumpwatch_gui.commissioning.guidance import guidance_rows
from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState
from pumpwatch_gui.domain.alarms.guidance import Guidance
from pumpwatch_gui.domain.alarms.shown import ShownAlarm
from pumpwatch_gui.domain.commands import Acknowledge, ResetAlarm, ReturnToService, UnshelveAlarm
from pumpwatch_gui.domain.events import AlarmChanged, Event, OrderDone
from pumpwatch_gui.domain.pump.limit_words import limit_place
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.domain.wording import duration, stamp
from pumpwatch_gui.gui.alarms.acknowledge_dialog import AcknowledgeDialog
from pumpwatch_gui.gui.alarms.active_view import ActiveView
from pumpwatch_gui.gui.alarms.by_pump_view import ByPumpView
from pumpwatch_gui.gui.alarms.filter_bar import FilterBar
from pumpwatch_gui.gui.alarms.flood_notice import FloodNotice
from pumpwatch_gui.gui.alarms.guidance_panel import GuidancePanel
from pumpwatch_gui.gui.alarms.hide_dialog import HideDialog
from pumpwatch_gui.gui.alarms.performance_view import PerformanceView
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.widgets import Panel, StatusText, button, label, tab_button
from pumpwatch_gui.gui.shell.page import Page, PageContext
from pumpwatch_gui.gui.tables.journal_panel import JournalPanel
from pumpwatch_gui.gui.tables.priority_icons import PriorityIcons
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

ACTIVE, BY_PUMP, SHELVED = "Active", "By pump", "Shelved"
HIDDEN, JOURNAL, PERFORMANCE = "Suppressed, out of service", "Journal", "Performance"
NARROW, LOW = 1060, 560
"""Below this width and this height (px at 100 %) the page is arranged otherwise."""
TABS = (ACTIVE, BY_PUMP, SHELVED, HIDDEN, JOURNAL, PERFORMANCE)
LISTS = frozenset((ACTIVE, BY_PUMP, SHELVED, HIDDEN))
NOTHING = {
    ACTIVE: "No active alarms",
    BY_PUMP: "No active alarms",
    SHELVED: "No alarm is shelved",
    HIDDEN: "No alarm is hidden",
}


class AlarmsPage(Page):
    """Three lists of alarms with one filter, the active ones by pump as well, and how the alarm system performs.

    What is done is done to the chosen alarm, wherever its row goes.
    """

    key = "alarms"

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self._icons = PriorityIcons(self.appearance)
        self._view: StationView | None = None
        self.hidden: RowsModel[ShownAlarm] = RowsModel(self._hidden_columns(), key=lambda s: s.alarm.alarm_id)
        self._make_tables()
        self.filter = FilterBar(self.context)
        self.filter.changed.connect(self._filter)
        self._make_acts()
        self.tabs = {name: tab_button(name) for name in TABS}
        self._group = QButtonGroup(self)
        for tab in self.tabs.values():
            self._group.addButton(tab)
        self.tabs[ACTIVE].setChecked(True)
        self._group.buttonClicked.connect(lambda _: self._turn())
        self.outcome, self.flood = StatusText(), FloodNotice()
        content = Panel(self.appearance)
        content.setAccessibleName("Alarms")
        heading = label("Alarms", "heading")
        heading.setMinimumHeight(self.page_button.sizeHint().height())  # the tabs stay where they are without acts
        content.body.addLayout(hbox(heading, (self.flood, 1), *self._acts))
        self._tab_row, self._second_row = hbox(*self.tabs.values(), None, (self.filter, 3)), hbox()
        content.body.addLayout(self._tab_row)
        content.body.addLayout(self._second_row)
        content.body.addWidget(self.active, 1)
        content.body.addWidget(self.by_pump, 1)
        content.body.addWidget(self.hidden_view, 1)
        self.performance = PerformanceView(context)
        content.body.addWidget(self.performance, 1)
        self.journal = JournalPanel(context, name="Alarm journal", kind="alarm", is_framed=False)
        content.body.addWidget(self.journal, 1)
        content.body.addWidget(self.outcome)
        self.guidance = GuidancePanel(context)
        self._foot = Panel(self.appearance, "", self.guidance)
        vbox((content, 1), self._foot, parent=self, margin=16, spacing=12)
        self.setFocusProxy(self.alarm_view)
        self.appearance.changed.connect(self._arrange)
        self._turn()

    # ---------------------------------------------------------------- building

    def _make_tables(self) -> None:
        self.active = ActiveView(self.context)
        self.alarms, self.alarm_view = self.active.rows, self.active.table
        self.hidden_view = TableView(self.appearance, self.hidden, "Hidden alarms")
        self.by_pump = ByPumpView(self.context)
        self.by_pump.turned.connect(self._offer)
        self.hidden_view.lead_to(lambda s: (s.alarm.pump_id, s.alarm.tag), self.context, lambda s: s.alarm.raised_ns)
        for view in (self.alarm_view, self.hidden_view, self.by_pump):
            view.selectionModel().selectionChanged.connect(lambda *_: self._offer())

    def _make_acts(self) -> None:
        self.acknowledge_button = button(
            "Acknowledge", "Acknowledge the selected alarms", self.acknowledge_selected, hint="Ctrl+Enter"
        )
        self.page_button = button(
            "Acknowledge page", "Acknowledge the alarms on the screen", self.acknowledge_page, hint="Ctrl+F10"
        )
        self.note_button = button(
            "With note…", "Acknowledge the selected alarms with a note", self.acknowledge_noted, hint="Ctrl+Shift+Enter"
        )
        self.open_button = button(
            "Show alarms", "Show or hide the alarms of the pump", self.by_pump.toggle, hint="Enter"
        )
        self.reset_button = button("Reset", "Reset the latched alarm", self._reset, hint="Its condition is gone")
        self.shelve_button = button("Shelve…", "Hide the alarm for a time", partial(self._hide, False), hint="Ctrl+H")
        self.out_button = button(
            "Out of service…", "Take the alarm out of service, as for maintenance", partial(self._hide, True)
        )
        self.back_button = button("Announce again", "Unshelve, or return to service", self._announce)
        self._acts = (
            self.open_button, self.acknowledge_button, self.note_button, self.page_button, self.reset_button,
            self.shelve_button, self.out_button, self.back_button,
        )  # fmt: skip
        for view in (self.alarm_view, self.hidden_view, self.by_pump):
            view.offer(*self._acts)
        acts: dict[str, Callable[[], None]] = {
            "Ctrl+Return": self.acknowledge_selected,
            "Ctrl+Enter": self.acknowledge_selected,
            "Ctrl+Shift+Return": self.acknowledge_noted,
            "Ctrl+Shift+Enter": self.acknowledge_noted,
            "Ctrl+F10": self.acknowledge_page,
            "Ctrl+H": partial(self._hide, False),
        }
        for keys, act in acts.items():
            shortcut = QShortcut(QKeySequence(keys), self, act)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)

    def _hidden_columns(self) -> list[Column[ShownAlarm]]:
        return [
            Column("Priority", lambda s: str(int(s.alarm.priority)), icon=self._icon),
            Column("Pump", lambda s: s.alarm.pump_id),
            Column("Alarm", lambda s: s.alarm.text, elided=True, kept=lambda s: limit_place(s.alarm)),
            Column("State", lambda s: s.alarm.state.value),
            Column("Condition", lambda s: "holds" if s.alarm.holds else "gone"),
            Column("Reason", lambda s: s.alarm.reason, elided=True),
            Column("Until", self._until, sort=lambda s: s.alarm.until_ns or None),
            Column("By", lambda s: s.alarm.hidden_by, elided=True),
        ]

    def _until(self, shown: ShownAlarm) -> str:
        alarm = shown.alarm
        if not alarm.until_ns:
            return "it runs again" if alarm.state is AlarmState.SUPPRESSED else "it is put back"
        left = "" if self._view is None else f", {duration((alarm.until_ns - self._view.time_ns) / 1e9)} left"
        return stamp(alarm.until_ns)[-8:-3] + left

    def _icon(self, shown: ShownAlarm) -> QIcon:
        return self._icons.of(shown.alarm.priority, hollow=not shown.alarm.state.is_active)

    def _arrange(self) -> None:
        """Where it is narrow the filter has a row of its own; where it is low the foot has its room when it is used."""
        is_narrow = self.width() < self.appearance.px(NARROW)
        if is_narrow != (self._second_row.indexOf(self.filter) >= 0):
            before, after = (self._tab_row, self._second_row)[:: 1 if is_narrow else -1]
            before.removeWidget(self.filter)
            after.addWidget(self.filter, 3)
        self.guidance.fold(self.height() < self.appearance.px(LOW))

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    # ---------------------------------------------------------------- living

    @override
    def refresh(self, view: StationView) -> None:
        self._view = view
        self._show_rows()
        if self.at == PERFORMANCE:
            self.performance.refresh(view)

    @override
    def follow_replay(self) -> None:
        self.journal.reload()

    @override
    def on_event(self, event: Event) -> None:
        if isinstance(event, AlarmChanged):
            self.flood.watch.note(event.alarm)
        self.journal.note()

    @override
    def show_pump(self, pump_id: str) -> None:
        self.filter.pump.setCurrentText(pump_id)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        self.active.begin()
        self.context.ask(partial(guidance_rows, self.context.site_file), self._guided)
        super().showEvent(event)

    def _guided(self, found: tuple[tuple[Guidance, ...], str]) -> None:
        """Take the rows of the site, which may have been edited meanwhile."""
        self.guidance.rows, wrong = found
        self.outcome.warn(wrong)
        self._offer()

    @property
    def at(self) -> str:
        """The list on show, or `PERFORMANCE`."""
        return next(name for name, tab in self.tabs.items() if tab.isChecked())

    def _turn(self) -> None:
        views = {
            ACTIVE: self.active, BY_PUMP: self.by_pump, JOURNAL: self.journal, PERFORMANCE: self.performance,
        }  # fmt: skip
        shown = views.get(self.at, self.hidden_view)
        self.by_pump.clear()
        for part in (*views.values(), self.hidden_view):
            part.setVisible(part is shown)
        for part in (self.filter, self.outcome, self._foot):
            part.setVisible(self.at in LISTS)
        self.active.begin()
        self.hidden_view.clearSelection()
        self._show_rows()
        if self.at == PERFORMANCE and self._view is not None:
            self.performance.refresh(self._view)
        shown.setFocus()

    def _filter(self) -> None:
        self.by_pump.clear()
        self.active.begin()
        self._show_rows()

    def _show_rows(self) -> None:
        view = self._view
        if view is None:
            self._offer()
            return
        shelved = tuple(a for a in view.hidden_alarms if a.state is AlarmState.SHELVED)
        others = tuple(a for a in view.hidden_alarms if a.state is not AlarmState.SHELVED)
        lists = {ACTIVE: view.alarms, SHELVED: shelved, HIDDEN: others}
        lets_through = self.filter.filter.lets_through
        found = {name: list(filter(lets_through, alarms)) for name, alarms in lists.items()}
        for name, alarms in lists.items():
            some, many = len(found[name]), len(alarms)
            self.tabs[name].setText(f"{name} {many}" if some == many else f"{name} {some}/{many}")
        kept = [*found[SHELVED], *found[HIDDEN]]
        self.active.show_alarms(found[ACTIVE], kept, view)
        chosen = found[HIDDEN if self.at == HIDDEN else SHELVED]
        self.hidden.show_rows([self.context.shown(alarm, view) for alarm in chosen])
        if self.at == BY_PUMP:
            self.by_pump.show_alarms(found[ACTIVE], kept, view)
        self.flood.refresh(view, is_by_pump=self.at == BY_PUMP)
        if self.at in LISTS:
            has_any = bool(lists.get(self.at, view.alarms))
            table = {ACTIVE: self.alarm_view, BY_PUMP: self.by_pump}.get(self.at, self.hidden_view)
            table.nothing = "Nothing that the filter lets through" if has_any else NOTHING[self.at]
        self._offer()

    # ---------------------------------------------------------------- what is done to the chosen alarm

    @property
    def chosen(self) -> Alarm | None:
        """The alarm that a person has selected in the list on show."""
        shown = self._chosen()
        return shown.alarm if shown is not None else None

    def _chosen(self) -> ShownAlarm | None:
        if self.at not in LISTS:
            return None
        if self.at == BY_PUMP:
            return self.by_pump.chosen_alarm
        if self.at == ACTIVE:
            shown = self.alarms.row_at(self.alarm_view.chosen)
            return shown if shown is not None and shown.alarm.state.is_announced else None
        return self.hidden.row_at(self.hidden_view.chosen)

    def _to_acknowledge(self) -> tuple[Alarm, ...]:
        """The unacknowledged of the selected alarms; of a selected pump those of its alarms that are on the screen."""
        if self.at == BY_PUMP:
            return self.by_pump.to_acknowledge()
        if self.at != ACTIVE:
            return ()
        return tuple(alarm for alarm in self.active.selected if alarm.state.is_unacknowledged)

    def acknowledge_selected(self) -> None:
        """Acknowledge the selected alarms; nothing when none is selected or all are acknowledged already."""
        self._acknowledge(self._to_acknowledge())

    def acknowledge_page(self) -> None:
        """Acknowledge the alarms whose rows are on the screen, and none that a person cannot have seen."""
        if self.at == ACTIVE:
            self._acknowledge(self.active.on_screen)

    def _acknowledge(self, alarms: tuple[Alarm, ...]) -> None:
        for alarm in alarms:
            self.context.order(Acknowledge(alarm.alarm_id), self._done)

    def acknowledge_noted(self) -> None:
        """Ask for a note and acknowledge the selected alarms with it."""
        if alarms := self._to_acknowledge():
            AcknowledgeDialog(self.context, alarms, self).open()

    def _reset(self) -> None:
        if (alarm := self.chosen) is not None:
            self.context.order(ResetAlarm(alarm.alarm_id), self._done)

    def _announce(self) -> None:
        if (alarm := self.chosen) is not None:
            is_shelved = alarm.state is AlarmState.SHELVED
            command = UnshelveAlarm(alarm.alarm_id) if is_shelved else ReturnToService(alarm.alarm_id)
            self.context.order(command, self._done)

    def _hide(self, out_of_service: bool) -> None:
        if (alarm := self.chosen) is not None and (out_of_service or not alarm.state.is_hidden):
            HideDialog(self.context, alarm, self, out_of_service=out_of_service).open()

    def _done(self, done: OrderDone) -> None:
        self.outcome.warn("" if done.ok else done.text)

    def _offer(self) -> None:
        """Show guidance for the chosen alarm and the acts of the list, and enable those that fit it."""
        shown, is_active = self._chosen(), self.at in (ACTIVE, BY_PUMP)
        row = self.by_pump.chosen_row if self.at == BY_PUMP else None
        alarm = shown.alarm if shown is not None else None
        if self._view is not None:
            self.guidance.show_alarm(shown, self._view)
        state, waiting = alarm.state if alarm is not None else AlarmState.NORMAL, self._to_acknowledge()
        self.acknowledge_button.setText(f"Acknowledge {len(waiting)}" if len(waiting) > 1 else "Acknowledge")
        fits: dict[QAbstractButton, tuple[bool, bool]] = {
            self.open_button: (self.at == BY_PUMP, row is not None),
            self.acknowledge_button: (is_active, bool(waiting)),
            self.note_button: (is_active, bool(waiting)),
            self.page_button: (self.at == ACTIVE, bool(self.active.on_screen)),
            self.reset_button: (
                is_active and any(s.alarm.is_latching for s in self.alarms.rows), state is AlarmState.LATCHED,
            ),
            self.shelve_button: (is_active, alarm is not None),
            self.out_button: (is_active or self.at == SHELVED, alarm is not None),
            self.back_button: (self.at in (SHELVED, HIDDEN), state in (AlarmState.SHELVED, AlarmState.OUT_OF_SERVICE)),
        }  # fmt: skip
        if row is not None:
            new = "Show new" if row.group.unseen else "Hide alarms"
            self.open_button.setText(new if row.group.is_open else "Show alarms")
        for act, (is_shown, is_enabled) in fits.items():
            act.setVisible(is_shown and (self.context.can_operate or act is self.open_button))
            act.setEnabled(is_enabled)
