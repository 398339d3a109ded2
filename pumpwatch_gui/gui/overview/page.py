"""Overview: every pump at a glance, in plant order, and what needs attention."""

from collections import defaultdict
from collections.abc import Sequence
from math import isfinite

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence, QResizeEvent
from PySide6.QtWidgets import QMenu, QWidget
from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.display import LastGood, presence, total_of
from pumpwatch_gui.domain.events import Event, SiteChanged
from pumpwatch_gui.domain.journal import KINDS
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.station import PumpView, RunState, StationView
from pumpwatch_gui.domain.wording import number, unit_text
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.paint import Emphasis
from pumpwatch_gui.gui.look.widgets import Panel
from pumpwatch_gui.gui.overview.choice import ChoiceBar
from pumpwatch_gui.gui.overview.tiles import TileGrid
from pumpwatch_gui.gui.shell.page import TREND_KEY, Page, PageContext
from pumpwatch_gui.gui.shell.top_bar import blink_is_on
from pumpwatch_gui.gui.tables.event_list import EventList
from pumpwatch_gui.gui.tables.row_list import Row, RowList

SIDE_FROM_PX = 1600
SIDE_PX = 300
EVENTS_KEPT = 40
EVENT_KINDS = tuple(kind for kind in KINDS if kind != "maintenance")
"""What happened to pumps: the work that an alarm makes would count it twice, and has a page of its own."""


FLOW_TAG = "flow_rate_l_min"

SIDE_EVERY = 4
"""The lists at the side are made again every so many frames of the screen, and with every alarm."""


class OverviewPage(Page):
    """Tiles that fill the page; at the right, where the window is wide enough, attention, totals and last events."""

    key = "overview"

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self._turn = 0
        self._alarms: tuple[Alarm, ...] = ()
        self.choice = ChoiceBar(context)
        self.tiles = TileGrid(context)
        self.tiles.favourites = self.choice.favourites.ids
        self.attention = RowList(context.appearance, "Needs attention", empty="Nothing needs attention")
        name = "Station now" if context.replay is None else "Station then"
        self.now = RowList(context.appearance, name, empty="No pumps", live_right=True)
        self.events = EventList(context, "Last events", kept=EVENTS_KEPT, kinds=EVENT_KINDS)
        self._side = self._make_side()
        hbox((vbox(self.choice, (self.tiles, 1)), 1), self._side, parent=self, margin=16, spacing=12)
        self.setFocusProxy(self.tiles)
        self.tiles.opened.connect(self._open)
        self.tiles.trend_asked.connect(lambda i: self.context.open_trend(self.tiles.states[i].pump_id, ""))
        self.tiles.menu_asked.connect(self._open_menu)
        self.choice.changed.connect(self._choose)
        self.attention.activated.connect(self._open)
        self.events.pump_chosen.connect(self._open)
        self.appearance.changed.connect(self._fit)
        self.events.show_pump(None)

    def _make_side(self) -> QWidget:
        side = QWidget()
        panels = [
            Panel(self.appearance, rows.accessibleName(), rows) for rows in (self.attention, self.now, self.events)
        ]
        vbox(*panels[:2], (panels[2], 1), parent=side, spacing=12)
        return side

    @override
    def refresh(self, view: StationView) -> None:
        """Show all pumps as they are now."""
        groups = self.choice.groups(view)
        self.tiles.empty_words = "No pump matches" if view.pumps else "No pumps in this site"
        self.tiles.refresh(view, groups)
        self._turn += 1
        if self._side.isVisible() and (self._turn % SIDE_EVERY == 1 or view.alarms != self._alarms):
            self._alarms = view.alarms
            self.attention.show_rows(attention_rows(view, self.context.last_good))
            self.now.show_rows(station_rows(view, self.context.last_good))

    @override
    def follow_replay(self) -> None:
        self.events.reload()

    @override
    def on_event(self, event: Event) -> None:
        """Put it on top of the last events; a favourite stays one under its new id."""
        self.events.add(event)
        if isinstance(event, SiteChanged):
            self.choice.favourites.rename(event.renamed)
            self.tiles.favourites = self.choice.favourites.ids

    def _choose(self) -> None:
        self.refresh(self.context.latest())

    def _open_menu(self, pump_id: str, where: QPoint) -> None:
        self.menu_of(pump_id).popup(where)

    def menu_of(self, pump_id: str) -> QMenu:
        """What can be done with a tile."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(f"Open {pump_id}", lambda: self._open(pump_id))
        trends = menu.addAction(f"Trends of {pump_id}", lambda: self.context.open_trend(pump_id, ""))
        trends.setShortcut(QKeySequence(TREND_KEY))
        if "limits" in self.context.dialogs:
            menu.addAction("Limits …", lambda: self.context.open_dialog("limits", pump_id))
        is_favourite = pump_id in self.choice.favourites.ids
        words = "Remove from favourites" if is_favourite else "Add to favourites"
        menu.addAction(words, lambda: self._toggle_favourite(pump_id))
        return menu

    def _toggle_favourite(self, pump_id: str) -> None:
        self.choice.favourites.toggle(pump_id)
        self.tiles.favourites = self.choice.favourites.ids
        self._choose()

    def _open(self, pump_id: str) -> None:
        if self.context.station.site().pump(pump_id) is not None:
            self.context.open_page("pump", pump_id)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        """The side list needs a wide window."""
        self._fit()

    def _fit(self) -> None:
        wide = self.window().width() >= SIDE_FROM_PX and self.window().width() >= self.appearance.px(1500)
        self._side.setVisible(wide)
        self._side.setFixedWidth(self.appearance.px(SIDE_PX))


def attention_rows(view: StationView, last_good: LastGood) -> tuple[Row, ...]:
    """Pumps with an alarm or without values, the worst first (the tiles themselves never move).

    Those that have lost nothing but the connection they share are one row.
    """
    blink = blink_is_on(view.mono_ns)
    ranked, behind = [], defaultdict[str, list[PumpView]](list)
    for order, pump in enumerate(view.pumps):
        seen = presence(pump, view.mono_ns, last_good)
        if not pump.alarms and seen.live:
            continue
        if not pump.alarms and pump.links and (connection := pump.links[0].connection):
            behind[connection].append(pump)
            continue
        text = seen.text if not seen.live else f"health {number(seen.health, 0)}" if isfinite(seen.health) else ""
        ranked.append(_ranked(order, pump.pump_id, _named(pump), text, pump.alarms, blink=blink))
    for connection, pumps in behind.items():
        text = presence(pumps[0], view.mono_ns, last_good).text
        alarms = tuple(a for a in view.alarms if not a.pump_id and a.source == f"connection.{connection}")
        name = _named(pumps[0]) if len(pumps) == 1 else f"{len(pumps)} pumps behind {connection}"
        ranked.append(_ranked(view.pumps.index(pumps[0]), pumps[0].pump_id, name, text, alarms, blink=blink))
    return tuple(row for *_, row in sorted(ranked, key=lambda entry: entry[:3]))


def _named(pump: PumpView) -> str:
    return f"{pump.pump_id} {pump.name}" if pump.name != pump.pump_id else pump.pump_id


def _ranked(
    order: int, key: str, text: str, right: str, alarms: Sequence[Alarm], *, blink: bool
) -> tuple[int, bool, int, Row]:
    """A row and by what it is sorted: the priority of the worst alarm, whether all are seen, the order of the plant."""
    worst = alarms[0] if alarms else None
    unseen = any(alarm.state.is_unacknowledged for alarm in alarms)
    row = Row(
        key, text, right=right, priority=worst.priority if worst else None,
        hollow=worst is not None and not worst.state.is_active,
        border=Emphasis.of(unacknowledged=True, blink_on=blink) if unseen else None,
    )  # fmt: skip
    return worst.priority if worst else 9, not unseen, order, row


def station_rows(view: StationView, last_good: LastGood) -> tuple[Row, ...]:
    """Totals over the pumps whose values are live; every total says how many pumps it is of."""
    pumps = view.pumps
    if not pumps:
        return ()
    seen = [presence(pump, view.mono_ns, last_good) for pump in pumps]
    states = [one.run_state for one in seen]
    links = [link.state for pump in pumps for link in pump.links]
    healths = [(one.health, pump.pump_id) for one, pump in zip(seen, pumps, strict=True) if isfinite(one.health)]
    rows = [
        Row("running", "Running", right=f"{states.count(RunState.RUNNING)} of {len(pumps)}"),
        Row("standby", "Standby", right=str(states.count(RunState.STANDBY))),
    ]
    if links:  # a history keeps none
        rows.append(Row("links", "Links online", right=f"{links.count(LinkState.ONLINE)} of {len(links)}"))
    if flow := total_of(pumps, FLOW_TAG, view.mono_ns, last_good):
        total, unit, count = flow
        of = "" if count == len(pumps) else f" of {count} pumps"
        rows.append(Row("flow", f"Flow{of}", right=f"{number(total, 0)} {unit_text(unit)}"))
    if healths:
        worst, pump_id = min(healths)
        rows.append(Row("health", "Lowest health", right=f"{pump_id} · {number(worst, 0)}"))
    return tuple(rows)
