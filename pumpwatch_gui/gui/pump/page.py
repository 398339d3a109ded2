"""Pump: one pump in full: its sensors, their trends, the model's judgement, alarms and links."""

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QButtonGroup,
    QPushButton,
    QToolButton,
    QWidget,
)
from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.commands import Acknowledge, ConfirmLevel, Rebaseline
from pumpwatch_gui.domain.display import live_score, presence
from pumpwatch_gui.domain.events import Event
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.station import PumpView, StationView
from pumpwatch_gui.domain.wording import number
from pumpwatch_gui.gui.look.layout import hbox, scrolled, vbox
from pumpwatch_gui.gui.look.theme import icon_size
from pumpwatch_gui.gui.look.widgets import KeyButton, Panel, PumpBox, button, label
from pumpwatch_gui.gui.pump.cards import LinksCard, SensorPanel, WhyCard
from pumpwatch_gui.gui.pump.curve import CurveView
from pumpwatch_gui.gui.pump.derived import DerivedPanel, wanted_words
from pumpwatch_gui.gui.pump.lanes import derived_columns
from pumpwatch_gui.gui.pump.reading_list import ReadingList
from pumpwatch_gui.gui.pump.rows import StatusLine, alarm_rows, facts, lane_text, sensor_rows
from pumpwatch_gui.gui.pump.trend import TrendStack
from pumpwatch_gui.gui.shell.page import Page, PageContext, around_alarm
from pumpwatch_gui.gui.tables.event_list import EventList
from pumpwatch_gui.gui.tables.row_list import RowList

EVENTS_SHOWN = 20
MOST_TRENDED = 4
"""Derived quantities that have a trend at a time."""
ALARMS_SHOWN = 4
"""Rows that the list of alarms has at least; the other cards give way."""
LENGTHS = (("1 min", 60.0), ("10 min", 600.0), ("1 h", 3600.0))


class PumpPage(Page):
    """One pump in full. PgUp and PgDn turn to its neighbours, Space pauses the trends."""

    key = "pump"
    follows_pump = True

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        appearance = context.appearance
        self.pump_id = ""
        self._wanted_of: PumpProfile | None = None
        self._known: tuple[tuple[str, str], ...] = ()
        self._alarms: tuple[Alarm, ...] = ()
        self.chooser, self.facts = PumpBox(), StatusLine(appearance)
        self.sensors, self.trends = SensorPanel(appearance), TrendStack(context)
        self.curve = CurveView(context)
        self.curve.hide()
        self.derived, self.wanted = DerivedPanel(appearance), label("", "dim")
        self.why, self.links = WhyCard(appearance), LinksCard(appearance)
        self.alarms = RowList(appearance, "Active alarms", empty="No alarms on this pump", lines=3, selects=True)
        self.events = EventList(context, "Last events of this pump", kept=EVENTS_SHOWN)
        self.confirm = button(
            "Confirm new level", "The pump runs well at this level: take it as normal",
            lambda: self.context.order(ConfirmLevel(self.pump_id)),
        )  # fmt: skip
        self.rebaseline = button(
            "Re-baseline", "The pump was repaired, exchanged or has another duty: learn its normal running again",
            lambda: self.context.order(Rebaseline(self.pump_id)),
        )  # fmt: skip
        self.ack = KeyButton(appearance, "Acknowledge", "", name="Acknowledge the chosen alarm (Ctrl+Enter)")
        self.ack_all = KeyButton(appearance, "All", "Ctrl+F10", name="Acknowledge all alarms of this pump")
        self._lengths = QButtonGroup(self)
        self.pause = KeyButton(appearance, "Pause", "Space", name="Pause the trends")
        self.pause.setCheckable(True)
        self._lay_out()
        self._connect()
        self._fit()

    # ---------------------------------------------------------------- building

    def _lay_out(self) -> None:
        self._left, self._right = Panel(self.appearance, "Sensors"), QWidget()
        self.wanted.setWordWrap(True)
        self._derived_heading = hbox(label("Derived", "heading"), None, *self._counter_button())
        quantities = QWidget()
        vbox((self.sensors, 1), self._derived_heading, self.derived, self.wanted, parent=quantities, spacing=8)
        scroll = scrolled(quantities)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.viewport().setAutoFillBackground(False)
        quantities.setAutoFillBackground(False)
        self._left.body.addWidget(scroll, 1)
        centre = Panel(self.appearance, content=self.trends)
        centre.body.addWidget(self.curve, 1)
        centre.setAccessibleName("Trends")
        self._why_panel = Panel(self.appearance, "Why", self.why)
        self._why_panel.body.addLayout(hbox(self.confirm, self.rebaseline, None))
        self._links_panel = Panel(self.appearance, "Links", self.links)
        self._events_panel = Panel(self.appearance, "Last events", self.events)
        vbox(
            (self._alarm_panel(), 3), self._why_panel, self._links_panel, (self._events_panel, 4), parent=self._right,
            spacing=12,
        )  # fmt: skip
        row = hbox(self._left, (centre, 1), self._right, spacing=12)
        vbox(self._header(), (row, 1), parent=self, margin=16, spacing=12)

    def _alarm_panel(self) -> Panel:
        panel = Panel(self.appearance, "Active alarms", self.alarms)
        self._alarm_heading = panel.heading
        panel.body.addLayout(hbox(self.ack, self.ack_all, None))
        for act in () if self.context.can_operate else (self.ack, self.ack_all):
            act.hide()
        return panel

    def _header(self) -> Panel:
        panel = Panel(self.appearance)
        panel.setAccessibleName("Pump")
        self.chooser.setToolTip("Choose a pump (Ctrl+1 to Ctrl+9, PgUp, PgDn)")
        self._previous = self._step_button("previous", "Previous pump (PgUp)", -1)
        self._next = self._step_button("next", "Next pump (PgDn)", 1)
        row = hbox(self._previous, self.chooser, self._next)
        row.addSpacing(8)
        row.addWidget(self.facts, 1)
        for words, length in LENGTHS:
            made = button(words, f"Show {words}", partial(self.trends.set_length, length))
            made.setCheckable(True)
            made.setChecked(length == self.trends.window_now.length_s)
            self._lengths.addButton(made, round(length))
            row.addWidget(made)
        row.addWidget(self.pause)
        self.show_curve = button("Curve", "Show the pump curve instead of the trends", self._choose_centre)
        self.show_curve.setCheckable(True)
        row.addWidget(self.show_curve)
        if "limits" in self.context.dialogs:
            row.addWidget(self._limits_button())
        panel.body.setContentsMargins(12, 8, 12, 8)
        panel.body.addLayout(row)
        return panel

    def _limits_button(self) -> QPushButton:
        return button(
            "Limits…", "Change the limits of this pump", lambda: self.context.open_dialog("limits", self.pump_id)
        )

    def _counter_button(self) -> tuple[QPushButton, ...]:
        if "counters" not in self.context.dialogs:
            return ()
        words = "Set the counters of this pump, as after an exchange"
        return (button("Counters…", words, lambda: self.context.open_dialog("counters", self.pump_id)),)

    def _step_button(self, icon: str, words: str, step: int) -> QToolButton:
        made = QToolButton()
        made.setAccessibleName(words)
        made.setToolTip(words)
        made.setProperty("icon-name", icon)
        made.clicked.connect(lambda _checked=False: self.step(step))
        return made

    def _connect(self) -> None:
        self.chooser.activated.connect(lambda i: self.show_pump(str(self.chooser.itemData(i))))
        self.sensors.chosen.connect(self.trends.enlarge)
        self.derived.chosen.connect(self._toggle_trend)
        for quantities in (self.sensors, self.derived):
            quantities.trend_asked.connect(partial(self._open_trend, quantities))
        self.alarms.trend_asked.connect(lambda _: self._open_alarm_trend())
        self.trends.window_changed.connect(self._window_changed)
        self.pause.clicked.connect(self.trends.set_paused)
        self.ack.clicked.connect(self._acknowledge_current)
        self.ack_all.clicked.connect(self._acknowledge_all)
        for keys, act in (
            ("PgUp", lambda: self.step(-1)),
            ("PgDown", lambda: self.step(1)),
            ("Ctrl+Return", self._acknowledge_current),
            ("Ctrl+Enter", self._acknowledge_current),  # that of the number pad
            ("Ctrl+F10", self._acknowledge_all),
        ):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)
        self.appearance.changed.connect(self._fit)

    # ---------------------------------------------------------------- which pump

    @override
    def show_pump(self, pump_id: str) -> None:
        """Turn to this pump; an unknown one leaves the page as it is."""
        if pump_id in [key for key, _ in self._pumps()]:
            self._turn_to(pump_id)
            self.refresh(self.context.latest())

    @override
    def show_tag(self, tag: str) -> None:
        """Give the lane of this tag most of the height; a derived quantity gets one."""
        pump = self.context.station.site().pump(self.pump_id)
        if pump is not None and tag in pump.profile.quantity_tags:
            if self.show_curve.isChecked():
                self.show_curve.click()
            if tag not in (*pump.profile.tags, *self.trends.trended):
                self._trend(tag)
            at = [lane.sensor.tag for lane in self.trends.lanes if lane.sensor is not None].index(tag)
            if self.trends.large != at:
                self.trends.enlarge(at)

    def _turn_to(self, pump_id: str) -> None:
        self.context.choose_pump(pump_id)
        if pump_id == self.pump_id:
            return
        self.pump_id = pump_id
        self.events.show_pump(pump_id)

    @override
    def follow_replay(self) -> None:
        self.events.reload()

    @override
    def on_event(self, event: Event) -> None:
        """Put it on top, when it is about this pump."""
        if self.pump_id:
            self.events.add(event)

    def step(self, by: int) -> None:
        """Turn to the neighbour in plant order, around the ends."""
        ids = [key for key, _ in self._pumps()]
        if ids:
            at = ids.index(self.pump_id) if self.pump_id in ids else 0
            self.show_pump(ids[(at + by) % len(ids)])

    def _pumps(self) -> tuple[tuple[str, str], ...]:
        return tuple((p.pump_id, p.name) for p in self.context.station.site().pumps)

    def _fill_chooser(self, view: StationView) -> None:
        known = tuple((p.pump_id, p.name) for p in view.pumps)
        if known != self._known:
            self._known = known
            self.chooser.clear()
            for pump_id, name in known:
                self.chooser.addItem(pump_id if name == pump_id else f"{pump_id}  {name}", pump_id)
        at = self.chooser.findData(self.pump_id)
        if at != self.chooser.currentIndex():
            self.chooser.setCurrentIndex(at)

    # ---------------------------------------------------------------- values

    @override
    def refresh(self, view: StationView) -> None:
        """Show the pump as it is now."""
        if not view.pumps:
            return
        if self.pump_id not in [pump.pump_id for pump in view.pumps]:
            self._turn_to(self.context.pump_id)
        if self.pump_id not in [pump.pump_id for pump in view.pumps]:
            return  # added to the site since this view was taken
        self._fill_chooser(view)
        pump, last_good = view.pump(self.pump_id), self.context.last_good
        seen = presence(pump, view.mono_ns, last_good)
        words = facts(pump, view.mono_ns) if seen.live else f"? {seen.text}"
        self.facts.show_state(seen.run_state, words, live=seen.live)
        rows = sensor_rows(pump, view.mono_ns, last_good)
        first = len(pump.profile.sensors)
        self.sensors.show_rows(rows[:first], seen.run_state)
        self.derived.show_rows(rows[first:], seen.run_state)
        self.derived.show_trended(frozenset(self.trends.trended))
        self._want(pump)
        lanes = [*range(first), *derived_columns(pump, self.trends.trended)]
        texts = (*(lane_text(rows[i]) for i in lanes), number(live_score(pump, seen), 2))
        self.trends.show_values(pump, view, texts)
        if self.show_curve.isChecked():
            self.curve.show_pump(pump, view, last_good)
        self.why.show_pump(pump, seen=seen.live)
        for answer in (self.confirm, self.rebaseline):
            answer.setVisible(pump.is_at_new_level and self.context.can_operate)
        self._choose_cards(live=seen.live)
        self.links.show_links(pump.links, view.mono_ns)
        self._alarms = pump.alarms
        self._alarm_heading.setText(f"Active alarms · {len(pump.alarms)}" if pump.alarms else "Active alarms")
        self.alarms.show_rows(alarm_rows(tuple(self.context.shown(a, view) for a in pump.alarms), view))
        waiting = [] if not self.context.can_operate else [a for a in pump.alarms if a.state.is_unacknowledged]
        self.ack.setEnabled(any(map(self._is_current, waiting)))
        self.ack_all.setEnabled(bool(waiting))

    def _choose_centre(self) -> None:
        """Trends, or the curve of the pump."""
        is_curve = self.show_curve.isChecked()
        self.trends.setVisible(not is_curve)
        self.curve.setVisible(is_curve)
        self.refresh(self.context.latest())

    def _want(self, pump: PumpView) -> None:
        """Say what is not computed, when another profile is shown."""
        if pump.profile is not self._wanted_of:
            self._wanted_of = pump.profile
            words = wanted_words(pump.profile)
            self.wanted.setText(words)
            self.wanted.setVisible(bool(words))

    def _toggle_trend(self, i: int) -> None:
        """Give a derived quantity a lane, or take it away."""
        self._trend(self.derived.rows[i].reading.sensor.tag)

    def _trend(self, tag: str) -> None:
        """The same by tag; the one that was chosen first makes room."""
        now = self.trends.trended
        self.trends.trend(tuple(t for t in now if t != tag) if tag in now else (*now, tag)[-MOST_TRENDED:])
        self.refresh(self.context.latest())

    def _open_trend(self, quantities: ReadingList, i: int) -> None:
        self.context.open_trend(self.pump_id, quantities.rows[i].reading.sensor.tag)

    def _open_alarm_trend(self) -> None:
        for alarm in filter(self._is_current, self._alarms):
            self.context.open_trend(self.pump_id, alarm.tag, around_alarm(alarm))

    def _is_current(self, alarm: Alarm) -> bool:
        return self.alarms.current is not None and self.alarms.current.key == alarm.alarm_id

    def _acknowledge(self, alarm_id: str) -> None:
        if any(a.alarm_id == alarm_id and a.state.is_unacknowledged for a in self._alarms):
            self.context.order(Acknowledge(alarm_id))

    def _acknowledge_current(self) -> None:
        if self.alarms.current is not None:
            self._acknowledge(self.alarms.current.key)

    def _acknowledge_all(self) -> None:
        for alarm in self._alarms:
            self._acknowledge(alarm.alarm_id)

    # ---------------------------------------------------------------- window on time, sizes, keys

    def _window_changed(self) -> None:
        window = self.trends.window_now
        self.pause.setChecked(window.paused)
        self._lengths.setExclusive(False)
        for made in self._lengths.buttons():
            made.setChecked(self._lengths.id(made) == round(window.length_s))
        self._lengths.setExclusive(True)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space pauses, wherever on the page no button has the keyboard."""
        if event.key() == Qt.Key.Key_Space:
            self.trends.set_paused(not self.trends.window_now.paused)
        elif event.text() in ("[", "]", "+", "-"):
            self.trends.keyPressEvent(event)
        else:
            super().keyPressEvent(event)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        """The side columns give way in a narrow window."""
        self._fit()

    def _choose_cards(self, *, live: bool) -> None:
        """A low window has room for one card: the judgement, or the links when there is nothing to judge."""
        low = self.height() < self.appearance.px(600)
        self.alarms.least_rows = ALARMS_SHOWN if self.height() >= self.appearance.px(520) else 2
        self._why_panel.setVisible(live or not low)
        self._links_panel.setVisible(not live or not low)
        self._events_panel.setVisible(self.height() >= self.appearance.px(820))

    def _fit(self) -> None:
        wide = self.width() >= self.appearance.px(1500)
        self._left.setFixedWidth(self.appearance.px(460 if wide else 300))
        self._right.setFixedWidth(self.appearance.px(360 if wide else 280))
        narrow = self.width() < self.appearance.px(880)
        self._left.setVisible(not narrow)  # the lanes show the values too
        self._previous.setVisible(not narrow)
        self._next.setVisible(not narrow)
        for made, icon in ((self._previous, "previous"), (self._next, "next")):
            made.setIcon(self.appearance.icon(icon))
            made.setIconSize(icon_size(self.appearance, 16))
