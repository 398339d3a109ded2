"""The window: top bar, navigation bar, pages, footer; its commands; what it remembers."""

import logging
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, QSettings, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QPaintEvent, QShortcut
from PySide6.QtWidgets import QApplication, QMainWindow, QStackedWidget, QWidget
from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.commands import Acknowledge
from pumpwatch_gui.domain.events import Event
from pumpwatch_gui.domain.ports import Station
from pumpwatch_gui.domain.station import COLLECTOR_LOOP, StationView
from pumpwatch_gui.domain.units import UnitChoice
from pumpwatch_gui.files.account import user_name
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.look.layout import hbox, resize_within_screen, screen_room, scrolled, vbox
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.look.widgets import Question, ask_first
from pumpwatch_gui.gui.shell.detached import DetachedWindow, DetachedWindows
from pumpwatch_gui.gui.shell.entries import DIALOGS, FIRST_RUN, PAGES, open_help
from pumpwatch_gui.gui.shell.footer import Footer
from pumpwatch_gui.gui.shell.full_screen import FullScreenWindow
from pumpwatch_gui.gui.shell.input_rules import InputRules
from pumpwatch_gui.gui.shell.later_pages import LaterPages
from pumpwatch_gui.gui.shell.nav_bar import NavBar
from pumpwatch_gui.gui.shell.page import Ask, Navigation, Page, PageContext
from pumpwatch_gui.gui.shell.remembered import (
    recall_volume,
    remember_appearance,
    remember_units,
    remember_volume,
    remembered_appearance,
    remembered_units,
)
from pumpwatch_gui.gui.shell.sampling import Sampler
from pumpwatch_gui.gui.shell.stopped_bar import Showing
from pumpwatch_gui.gui.shell.top_bar import TopBar
from pumpwatch_gui.gui.shell.window_commands import WindowCommands
from pumpwatch_gui.gui.sound.alarm_sound import AlarmSound

if TYPE_CHECKING:
    from pumpwatch_gui.gui.review.bar import ReplayBar

crash_log = logging.getLogger("pumpwatch.crash")

LAYOUT_VERSION = 1


class MainWindow(FullScreenWindow):
    """One window on a running station. Feed `on_event`; values are sampled as they come after `start`.

    `simulated` has every page say that the pumps are made up.
    A kiosk (`kiosk=true` under `[window]` in `home.settings`) fills the screen and cannot be left by hand.
    It remembers theme, scale, volume, geometry and page in `home.settings`, unless it is given an `appearance` of its
    own. `sound` sounds its alarms.
    `sampled` carries every view of the station that the page was given, `painted` comes once what that changed is on
    the screen. `first_painted` and `first_live` come once each: the first page is on it, values of a pump are on it.
    """

    closing = Signal()
    sampled = Signal(StationView)
    painted = Signal()
    first_painted = Signal()
    first_live = Signal()

    def __init__(
        self,
        station: Station,
        home: Home,
        site_file: Path,
        *,
        ask: Ask,
        appearance: Appearance | None = None,
        sound: AlarmSound | None = None,
        simulated: bool = False,
    ) -> None:
        settings = QSettings(str(home.settings), QSettings.Format.IniFormat)
        super().__init__(is_kiosk=str(settings.value("window/kiosk", "")).casefold() in ("true", "1", "yes"))
        self._settings = settings
        self._remembers = appearance is None
        self.appearance = appearance or remembered_appearance(self._settings)
        self._dialogs = {d.key: d for d in DIALOGS if d.needs is None or d.needs in station.capabilities}
        self.context = PageContext(
            station,
            home,
            site_file,
            appearance=self.appearance,
            ask=ask,
            user=user_name(),
            navigation=Navigation(self.open_page, self.open_dialog, frozenset(self._dialogs)),
            sound=sound,
        )
        self.replay_bar = self._make_replay_bar()
        self.context.sound.setParent(self)
        self._live = self._is_painted = False
        self._simulated = simulated
        self._entries = {entry.key: entry for entry in PAGES}
        self._pages: dict[str, Page] = {}
        self._stack = QStackedWidget()
        self.top_bar = TopBar(self.context, simulated=simulated)
        self.nav_bar = NavBar(self.appearance)
        self.footer = Footer(self.appearance)
        self._showing = Showing(self.top_bar.stopped, "")
        self._detached = DetachedWindows(self, self._build_detached)
        self._lay_out()
        if self._remembers:
            self.context.chosen_units.user = remembered_units(self._settings)
        self._nav_buttons = WindowCommands(self, self._dialogs).buttons
        self.top_bar.acknowledge.connect(self._acknowledge)
        self._sampler = Sampler(station, self)
        self._sampler.due.connect(self.refresh)
        self.painted.connect(self._sampler.painted)
        self.later = LaterPages(ask, lambda: next((e for k, e in self._entries.items() if k not in self._pages), None),
                                self.page, self)  # fmt: skip
        self._rules = InputRules(self)
        self.appearance.changing.connect(partial(self._use_rules, False))
        self.appearance.changed.connect(partial(self._use_rules, True))
        self.appearance.apply()
        self.appearance.changed.connect(self._appearance_changed)
        self._restore()

    # ---------------------------------------------------------------- what others call

    @property
    def pages(self) -> tuple[str, ...]:
        """The keys of the pages in the navigation bar, in its order."""
        return tuple(key for key, entry in self._entries.items() if entry.in_nav)

    @property
    def current(self) -> str:
        """The key of the page on show."""
        return next(islice(self._pages, max(self._stack.currentIndex(), 0), None), "")

    def page(self, key: str) -> Page:
        """The page of that key, built if it was not yet."""
        if key not in self._pages:
            self._pages[key] = page = self._entries[key].page(self.context)
            page.setAccessibleName(f"{self._entries[key].title} page")
            self._stack.addWidget(scrolled(page))  # in the order of `_pages`
        return self._pages[key]

    def open_page(self, key: str, pump_id: str = "", tag: str = "") -> None:
        """Turn to a page, and there to a pump: the current one where the page is about one and none is given."""
        page = self.page(key)
        if wanted := pump_id or (self.context.pump_id if page.follows_pump else ""):
            page.show_pump(wanted)
        if tag:
            page.show_tag(tag)
        at = list(self._pages).index(key)
        if (frame := self._stack.widget(at)) is not None:
            self.appearance.dress(frame)
        self._stack.setCurrentIndex(at)
        if key in self._nav_buttons:
            self._nav_buttons[key].setChecked(True)
        self.setWindowTitle(f"{self._entries[key].title} – {self.context.station.site().name} – PumpWatch")
        page.setFocus()
        self.refresh()

    def open_dialog(self, key: str, pump_id: str = "", parent: QWidget | None = None) -> None:
        """Open a dialog on a pump, the current one where none is given, above another one; nothing waits for it.

        Raises KeyError for a dialog that this station has not.
        """
        entry = self._dialogs[key]
        topic = self.current if key == "help" else pump_id or self.context.pump_id
        dialog = entry.build(self.context, topic, parent or self)
        self.appearance.dress(dialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if not dialog.windowTitle():  # those on a pump name it themselves
            dialog.setWindowTitle(entry.title)
        dialog.setWindowIcon(self.appearance.icon(entry.icon))
        if key != "help":  # a dialog takes the keyboard from the window, and with it the window's own F1
            QShortcut(QKeySequence("F1"), dialog, lambda: open_help(self.context, key, dialog))
        dialog.open()

    def on_event(self, event: Event) -> None:
        """Pass an event to whoever waits for it and to every page that exists."""
        self.context.deliver(event)
        for page in self._pages.values():
            page.on_event(event)
        self._detached.on_event(event)
        self._sampler.wake()

    def refresh(self) -> None:
        """Sample the station once and show it. What cannot be shown is announced above what is left of it."""
        self._showing.page = self.current
        self._showing.show(lambda: self._show(self.context.station.latest()))

    def _show(self, view: StationView) -> None:
        self.context.see(view)
        shown = self.context.units.view(view)
        pages = [self._pages[self.current]] if self._pages else []
        for page in pages:
            page.refresh(view if page.in_own_units else shown)
        self._detached.refresh(view, shown)
        self.top_bar.refresh(shown)
        self.footer.refresh(view)
        if self.replay_bar is not None:
            self.replay_bar.refresh(view, (*pages, *(window.page for window in self._detached.windows)))
        self.sampled.emit(view)
        if view.pumps and self.current == FIRST_RUN:
            self.open_page(PAGES[0].key)
        if not self._live and any(pump.frame is not None for pump in view.pumps):
            self._live = True
            self.painted.connect(self.first_live, Qt.ConnectionType.SingleShotConnection)

    def detach(self, key: str) -> DetachedWindow | None:
        """Open a page in a window of its own, on the current pump; None when there are too many."""
        made = self._detached.open(key, self.context.pump_id)
        self.refresh()
        return made

    @property
    def detached(self) -> tuple[DetachedWindow, ...]:
        """The pages in windows of their own."""
        return tuple(self._detached.windows)

    def _build_detached(self, own: str) -> DetachedWindow | None:
        entry = self._entries.get(own)
        if entry is None or not entry.in_nav:
            return None

        def open_page(key: str, pump_id: str = "", tag: str = "") -> None:
            if key == own:  # the page itself turns
                made.page.show_pump(pump_id or made.context.pump_id)
                if tag:
                    made.page.show_tag(tag)
                return
            self.open_page(key, pump_id or made.context.pump_id, tag)
            self.bring_to_front()

        def open_dialog(key: str, pump_id: str = "", parent: QWidget | None = None) -> None:
            self.open_dialog(key, pump_id or made.context.pump_id, parent or made)

        context = self.context.apart(Navigation(open_page, open_dialog, frozenset(self._dialogs)))
        made = DetachedWindow(context, entry, simulated=self._simulated, is_kiosk=self.is_kiosk)
        made.top_bar.acknowledge.connect(self._acknowledge)
        return made

    def use_units(self, choice: UnitChoice) -> None:
        """Show values in the units that this user has chosen."""
        self.context.chosen_units.user = choice
        if self._remembers:
            remember_units(self._settings, choice)
        for page in (*self._pages.values(), *(window.page for window in self._detached.windows)):
            page.units_changed()
        self.refresh()

    def bring_to_front(self) -> None:
        """Show the window above the others (a second start wants it)."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def start(self) -> None:
        """Begin sampling; build the pages not yet built meanwhile."""
        self._sampler.start()
        self._detached.restore(self._kept_windows)
        self.later.start()

    # ---------------------------------------------------------------- inside

    def _lay_out(self) -> None:
        whole = QWidget()
        middle = hbox(self.nav_bar, (self._stack, 1), spacing=0)
        bars = self.top_bar, *filter(None, [self.replay_bar])
        vbox(*bars, (middle, 1), self.footer, parent=whole, spacing=0)
        for part in (*bars, self.nav_bar, self.footer):
            self.appearance.dress(part)
        self.setCentralWidget(whole)
        least, room = QSize(1024, 640), screen_room(self)
        self.setMinimumSize(least if room is None else least.boundedTo(room))

    def _make_replay_bar(self) -> "ReplayBar | None":
        """That of a review; a station that runs does not pay for it at its start."""
        if (replay := self.context.replay) is None:
            return None
        from pumpwatch_gui.gui.review.bar import ReplayBar

        return ReplayBar(self.context, replay)

    def _acknowledge(self, alarm: Alarm) -> None:
        self.context.order(Acknowledge(alarm.alarm_id))

    def open_nth(self, index: int) -> None:
        """Turn to a pump by its place in the site."""
        pumps = self.context.station.site().pumps
        if index < len(pumps):
            self.open_page("pump", pumps[index].pump_id)

    def toggle_full_screen(self) -> None:
        """Have the window that has the keyboard fill its screen, or no longer."""
        own = (window for window in self._detached.windows if window.isActiveWindow())
        window: QMainWindow = next(own, self)
        window.setWindowState(window.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _use_rules(self, on: bool) -> None:
        """Not while a style is changed: that is thousands of events, of which none is a key or the wheel."""
        if (application := QApplication.instance()) is not None:
            (application.installEventFilter if on else application.removeEventFilter)(self._rules)

    def _appearance_changed(self) -> None:
        if self._remembers:
            remember_appearance(self._settings, self.appearance)

    def _restore(self) -> None:
        if self._remembers:
            recall_volume(self._settings, self.context.sound)
        geometry = self._settings.value("window/geometry") if self._remembers else None
        if not (isinstance(geometry, QByteArray) and self.restoreGeometry(geometry)):
            resize_within_screen(self, 1440, 860)
        if self.is_kiosk:
            self.setWindowState(Qt.WindowState.WindowFullScreen)
        state = self._settings.value("window/state")
        if isinstance(state, QByteArray):
            self.restoreState(state, LAYOUT_VERSION)
        self.context.choose_pump(str(self._settings.value("window/pump", "")) if self._remembers else "")
        self._kept_windows = str(self._settings.value("window/detached", "")) if self._remembers else ""
        page = str(self._settings.value("window/page", PAGES[0].key))
        page = page if page in self._nav_buttons else PAGES[0].key
        station = self.context.station
        empty = not station.site().pumps and FIRST_RUN in self._entries and not station.latest().seen_through
        self.open_page(FIRST_RUN if empty else page)

    @override
    def event(self, event: QEvent) -> bool:
        """Qt paints what has changed while it handles UpdateRequest, which it delivers after all zero timers."""
        handled = super().event(event)
        if event.type() is QEvent.Type.UpdateRequest and self.isVisible() and self.windowHandle().isExposed():
            self.painted.emit()
        return handled

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """The first paint of all comes with the exposure of the window and without an UpdateRequest."""
        super().paintEvent(event)
        if not self._is_painted:
            self._is_painted = True
            QTimer.singleShot(0, self, self.first_painted.emit)  # the widgets in the window are painted after it

    def quit(self) -> None:
        """Close the window; while it watches over unacknowledged alarms, only after a question."""
        waiting = self._unacknowledged_here()
        if not waiting:
            self.close()
            return
        many = "1 alarm is" if waiting == 1 else f"{waiting} alarms are"
        more = "Watching and recording end with this window."
        question = Question(f"{many} not acknowledged. Quit?", more, yes="Quit", no="Go on watching")
        self.appearance.dress(ask_first(self, question, self.close))

    def _unacknowledged_here(self) -> int:
        """How many alarms are not acknowledged, if it is this window that watches (a collector goes on without it)."""
        view = self.context.station.latest()
        if not self.context.can_operate or any(loop.name == COLLECTOR_LOOP for loop in view.stats.loops):
            return 0
        return sum(alarm.state.is_unacknowledged for alarm in view.alarms)

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop sampling and remember the window; a person who closes it is asked as by `quit`."""
        if event.spontaneous() and self.is_kiosk:
            event.ignore()
            return
        if event.spontaneous() and self._unacknowledged_here():
            event.ignore()
            self.quit()
            return
        self.closing.emit()
        self._sampler.stop()
        self.later.stop()
        detached = self._detached.close()
        if self._remembers:
            self._settings.setValue("window/detached", detached)
            self._remember()
        super().closeEvent(event)

    def _remember(self) -> None:
        remember_volume(self._settings, self.context.sound)
        self._settings.setValue("window/geometry", self.saveGeometry())
        self._settings.setValue("window/state", self.saveState(LAYOUT_VERSION))
        self._settings.setValue("window/page", self.current)
        self._settings.setValue("window/pump", self.context.pump_id)
        for name, arranged in self.appearance.tables.items():
            self._settings.setValue(f"tables/{name}", arranged)
        self._settings.sync()
