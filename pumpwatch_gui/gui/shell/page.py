"""What a page is, and what it may use."""

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.alarms.shown import ShownAlarm, WorstValues
from pumpwatch_gui.domain.commands import Command, Order, OrderId
from pumpwatch_gui.domain.display import LastGood
from pumpwatch_gui.domain.events import Event, OrderDone, SiteChanged
from pumpwatch_gui.domain.links.config import DriverConfig
from pumpwatch_gui.domain.ports import Capability, LinkBrowser, Replay, Station
from pumpwatch_gui.domain.shown_units import ChosenUnits, ShownUnits
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.station import PumpView, StationView
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.sound.alarm_sound import AlarmSound

TREND_KEY = Qt.Key.Key_T
"""Opens the trend of what has the keyboard, on every page."""


class Ask(Protocol):
    """Runs a slow read off the GUI thread and hands its result back on it."""

    def __call__(
        self,
        function: Callable[[], Any],
        on_result: Callable[[Any], None],
        on_error: Callable[[Exception], None] | None = None,
    ) -> None:
        """Exactly one of the two is called, later, on the GUI thread (neither when the window closed meanwhile).

        Give methods of widgets, or partials of them: they are not called once the widget is deleted.
        """


def can_call(callback: Callable[..., object]) -> bool:
    """Whether the widget still exists whose method (or partial of one) a callback is; True for other functions."""
    owner = getattr(callback.func if isinstance(callback, partial) else callback, "__self__", None)
    return not isinstance(owner, QObject) or isValid(owner)


BEFORE_S, AFTER_S = 600.0, 120.0


def around(time_ns: int) -> tuple[float, float]:
    """The time in which what happened at an instant (Unix UTC ns) is looked at (Unix seconds)."""
    return time_ns / 1e9 - BEFORE_S, time_ns / 1e9 + AFTER_S


def around_alarm(alarm: Alarm) -> tuple[float, float]:
    """The time in which an alarm is looked at: from 10 min before it was raised to 2 min after (Unix seconds)."""
    return around(alarm.raised_ns)


class OpenPage(Protocol):
    """Turns to a page."""

    def __call__(self, key: str, pump_id: str = "", tag: str = "") -> None:
        """There to a pump, and to the trend of one of its tags, where they are given."""


class OpenDialog(Protocol):
    """Opens a dialog."""

    def __call__(self, key: str, pump_id: str = "", parent: QWidget | None = None) -> None:
        """On a pump, the current one where none is given; above the window, or above another dialog."""


class Navigation(NamedTuple):
    """The ways to elsewhere: to a page, to a dialog, and the dialogs that exist."""

    open_page: OpenPage
    open_dialog: OpenDialog
    dialogs: frozenset[str] = frozenset()


@dataclass(slots=True)
class Opening:
    """What the next page or dialog begins with, whichever window it opens in; it takes that out.

    `proposed` is a link that a scan has found, for the dialog that adds a pump; `limits_tag` the tag whose row the
    Limits dialog opens on, "" for the first; `trend_span_s` the time (Unix seconds) that the Trends page turns to, None
    for that on its axis; `incident` the pumps and the span (Unix UTC) that an incident file is offered of.
    """

    proposed: DriverConfig | None = None
    limits_tag: str = ""
    trend_span_s: tuple[float, float] | None = None
    incident: tuple[tuple[str, ...], tuple[int, int]] = (), (0, 0)


class PageContext:
    """What every page and dialog is handed: the station, the appearance, the ways to elsewhere.

    `open_page(key, pump_id, tag)` and `open_dialog(key, pump_id)` change the screen; `dialogs` names those that exist,
    so that no page shows a button that leads nowhere. `user` signs orders. `last_good` knows when each value was last
    good, `worst` how bad it was in each alarm, `sound` sounds them. `opening` is what the next page or dialog begins
    with. `replay` turns a review to another time, None for a station that runs. `chosen_units` are the units that this
    user has chosen. What is shown of values comes through `units`, `latest` and `shown_site`; what is stored, judged or
    ordered through `station`, in the units of the tags.
    """

    def __init__(
        self,
        station: Station,
        home: Home,
        site_file: Path,
        *,
        appearance: Appearance,
        ask: Ask,
        user: str,
        navigation: Navigation,
        sound: AlarmSound | None = None,
    ) -> None:
        self.replay, self._turn = station if isinstance(station, Replay) else None, 0
        self.station, self.home, self.site_file = station, home, site_file
        self.appearance, self.ask, self.user = appearance, ask, user
        self.open_page, self.open_dialog, self.dialogs = navigation
        self.last_good, self.worst = LastGood(), WorstValues()
        self.sound = sound or AlarmSound()
        self.opening = Opening()
        self.chosen_units = ChosenUnits()
        self._pump_id = ""
        self._waiting: dict[OrderId, Callable[[OrderDone], None]] = {}
        self._shown_view: StationView | None = None
        self._shown_pumps: dict[str, PumpView] = {}

    def apart(self, navigation: Navigation) -> "PageContext":
        """That of a window of its own: the same station, user and orders, another way to elsewhere, an own pump."""
        other = copy(self)
        other.open_page, other.open_dialog, other.dialogs = navigation
        return other

    @property
    def pump_id(self) -> str:
        """The one current pump of all pages and dialogs: the one chosen last, else the first; "" without pumps."""
        ids = [pump.pump_id for pump in self.station.site().pumps]
        return self._pump_id if self._pump_id in ids else next(iter(ids), "")

    def choose_pump(self, pump_id: str) -> None:
        """Make a pump the current one."""
        self._pump_id = pump_id

    def title_of(self, pump_id: str) -> str:
        """A pump in the title of a dialog: `P-103 Boiler feed C`."""
        pump = self.station.site().pump(pump_id)
        return f"{pump_id} {pump.name}" if pump is not None and pump.name != pump_id else pump_id

    def open_trend(self, pump_id: str, tag: str, span_s: tuple[float, float] | None = None) -> None:
        """Turn to the trend of a quantity of a pump ("" for the usual ones), over a span (Unix s) where one is given.

        Every number of any page leads there by the key `TREND_KEY`.
        """
        self.opening.trend_span_s = span_s
        self.open_page("trends", pump_id, tag)

    def save_incident(self, pump_ids: Iterable[str], span_ns: tuple[int, int], parent: QWidget | None = None) -> None:
        """Open the dialog that saves what there is of these pumps over a span (Unix UTC) as a file."""
        self.opening.incident = tuple(dict.fromkeys(pump_ids)), span_ns
        self.open_dialog("incident", "", parent)

    @property
    def units(self) -> ShownUnits:
        """How values are shown: as the user has chosen, else as the site has it. Another object for another choice."""
        return self.chosen_units.over(self.station.site())

    def latest(self) -> StationView:
        """The station now, in the units that are shown."""
        return self.units.view(self.station.latest())

    def shown_site(self) -> Site:
        """The site with its quantities in the units that are shown, never to be saved."""
        return self.units.site(self.station.site())

    @property
    def can_operate(self) -> bool:
        """Whether the station takes orders: not in a replay, nor through a server."""
        return Capability.OPERATE in self.station.capabilities

    @property
    def journal_before_ns(self) -> int | None:
        """Where the journal ends in a replay (Unix UTC): after the instant on show; None for a station that runs."""
        return None if self.replay is None else self.station.latest().time_ns + 1

    @property
    def running(self) -> LinkBrowser | None:
        """The station's running links, where it has any that can be read."""
        return self.station.links if Capability.BROWSE in self.station.capabilities else None

    def see(self, view: StationView) -> None:
        """Take note of a view of the station, in the units of the tags.

        Of its good values and of those in alarm; sound its alarms.
        """
        if view.replay is not None and view.replay.turn != self._turn:
            self._turn = view.replay.turn
            self.last_good.forget()
            self.worst.forget()
        self.last_good.see(view)
        self.worst.see(view)
        self.sound.see(() if view.reviewed else view.alarms)

    def shown(self, alarm: Alarm, view: StationView) -> ShownAlarm:
        """What may be shown of an alarm now."""
        if view is not self._shown_view:
            self._shown_view, self._shown_pumps = view, {pump.pump_id: pump for pump in view.pumps}
        return ShownAlarm(alarm, view, self._shown_pumps.get(alarm.pump_id), self.last_good, self.worst)

    def order(self, command: Command, on_done: Callable[[OrderDone], None] | None = None) -> OrderId:
        """Hand in an order in the user's name; `on_done` is called on the GUI thread with its outcome.

        Give a method of a widget: it is not called once the widget is deleted.
        """
        order = Order(command, self.user)
        if on_done is not None:
            self._waiting[order.id] = on_done
        return self.station.submit(order)

    def deliver(self, event: Event) -> None:
        """Hand the outcome of an order to whoever waits for it (GUI thread); the current pump follows its new name."""
        self.follow(event)
        if not isinstance(event, OrderDone):
            return
        on_done = self._waiting.pop(event.order_id, None)
        if on_done is not None and can_call(on_done):
            on_done(event)

    def follow(self, event: Event) -> None:
        """Have the current pump follow its new name."""
        if isinstance(event, SiteChanged):
            self._pump_id = event.renamed.get(self._pump_id, self._pump_id)


class Page(QWidget):
    """Base of every page. `key` names it in `PAGES`, in links and as `resources/help/KEY.md`."""

    key: ClassVar[str]
    follows_pump: ClassVar[bool] = False
    """Whether it is about the current pump, and turns to it whenever it is opened."""
    in_own_units: ClassVar[bool] = False
    """Whether it shows values as the devices give them, whatever units are chosen."""

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self.context = context
        self.appearance = context.appearance

    def refresh(self, view: StationView) -> None:
        """Show the station as it is now. Called up to 20 times a second, only while the page is visible."""

    def units_changed(self) -> None:
        """Values are shown in other units from now on; a page that keeps converted ones makes them new."""

    def on_event(self, event: Event) -> None:
        """An event happened. Called for every one, visible or not."""

    def follow_replay(self) -> None:
        """Read what is read of the journal again: the replay has come to another time. Only while visible."""

    def show_pump(self, pump_id: str) -> None:
        """Turn to this pump, where the page is about one."""

    def show_tag(self, tag: str) -> None:
        """Turn to this tag of the pump, where the page shows tags."""
