"""The window: top bar, navigation bar, pages, footer; its commands; what it remembers."""

import logging
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, QSettings, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent, QKeyEvent, QKeySequence, QPaintEvent, QShortcut
from PySide6.QtWidgets import QApplication, QMainWindow, QMenu, QStackedWidget, QWidget
from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.commands import Acknowledge
from pumpwatch_gui.domain.events import Event
from pumpwatch_gui.domain.ports import Station
from pumpwatch_gui.domain.station import COLLECTOR_LOOP, StationView
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.look.layout import hbox, resize_within_screen, screen_room, scrolled, vbox
from pumpwatch_gui.gui.look.theme import SCALES, THEMES, Appearance
from pumpwatch_gui.gui.look.widgets import Question, ask_first
from pumpwatch_gui.gui.review.bar import ReplayBar
from pumpwatch_gui.gui.shell.entries import DIALOGS, FIRST_RUN, PAGES, open_help
from pumpwatch_gui.gui.shell.footer import Footer
from pumpwatch_gui.gui.shell.input_rules import InputRules
from pumpwatch_gui.gui.shell.nav_bar import NavBar, NavButton
from pumpwatch_gui.gui.shell.page import Ask, Navigation, Page, PageContext
from pumpwatch_gui.gui.shell.remembered import (
    recall_volume,
    remember_appearance,
    remember_volume,
    remembered_appearance,
    user_name,
)
from pumpwatch_gui.gui.shell.stopped_bar import stopped_words
from pumpwatch_gui.gui.shell.top_bar import TopBar
from pumpwatch_gui.gui.sound.alarm_sound import AlarmSound

crash_log = logging.getLogger("pumpwatch.crash")

FRAME_MS = 50
LAYOUT_VERSION = 1


class MainWindow(QMainWindow):
    """One window on a running station. Feed `on_event`; values are sampled by its own timer after `start`.

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
        super().__init__()
        self._settings = QSettings(str(home.settings), QSettings.Format.IniFormat)
        self._remembers = appearance is None
        self.appearance = appearance or remembered_appearance(self._settings)
        self.is_kiosk = str(self._settings.value("window/kiosk", "")).casefold() in ("true", "1", "yes")
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
        self.replay_bar = ReplayBar(self.context, replay) if (replay := self.context.replay) is not None else None
        self.context.sound.setParent(self)
        self._live = self._is_painted = False
        self._failing_since_s: float | None = None
        self._entries = {entry.key: entry for entry in PAGES}
        self._pages: dict[str, Page] = {}
        self._nav_buttons: dict[str, NavButton] = {}
        self._stack = QStackedWidget()
        self.top_bar = TopBar(self.context, simulated=simulated)
        self.nav_bar = NavBar(self.appearance, may_shrink=replay is not None)
        self.footer = Footer(self.appearance)
        self._lay_out()
        self._fill_navigation()
        self.top_bar.acknowledge.connect(self._acknowledge)
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self.refresh)
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

    def refresh(self) -> None:
        """Sample the station once and show it. What cannot be shown is announced above what is left of it."""
        try:
            self._show(self.context.station.latest())
        except Exception:  # noqa: BLE001 - the top of the screen's loop: a page that stopped must not look alive
            now_s = time.monotonic()
            if self._failing_since_s is None:
                self._failing_since_s = now_s
                crash_log.critical("the page %s cannot be shown", self.current, exc_info=True)
            self.top_bar.stopped.show_words(stopped_words(None, now_s - self._failing_since_s))
        else:
            self._failing_since_s = None

    def _show(self, view: StationView) -> None:
        self.context.see(view)
        if self._pages:
            self._pages[self.current].refresh(view)
        self.top_bar.refresh(view)
        self.footer.refresh(view)
        if self.replay_bar is not None:
            self.replay_bar.refresh(view, self._pages.get(self.current))
        self.sampled.emit(view)
        if view.pumps and self.current == FIRST_RUN:
            self.open_page(PAGES[0].key)
        if not self._live and any(pump.frame is not None for pump in view.pumps):
            self._live = True
            self.painted.connect(self.first_live, Qt.ConnectionType.SingleShotConnection)

    def bring_to_front(self) -> None:
        """Show the window above the others (a second start wants it)."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def start(self) -> None:
        """Begin sampling; build the pages not yet built meanwhile."""
        self._timer.start()
        QTimer.singleShot(300, self._build_one)

    # ---------------------------------------------------------------- inside

    def _build_one(self) -> None:
        missing = [key for key in self._entries if key not in self._pages]
        if missing and self._timer.isActive():
            self.page(missing[0])
            QTimer.singleShot(100, self._build_one)

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

    def _fill_navigation(self) -> None:
        menu = QMenu(self.top_bar)
        for entry in (page for page in PAGES if page.in_nav):
            show = self._command(menu, entry.title, entry.shortcut, partial(self.open_page, entry.key))
            button = NavButton(self.appearance, icon=entry.icon, words=entry.title, key=entry.shortcut)
            button.clicked.connect(show.trigger)
            self.nav_bar.add(button)
            self._nav_buttons[entry.key] = button
        menu.addSeparator()
        for dialog in (d for d in self._dialogs.values() if d.in_nav):
            show = self._command(menu, dialog.title, dialog.shortcut, partial(self.open_dialog, dialog.key))
            button = NavButton(self.appearance, icon=dialog.icon, words=dialog.title, key=dialog.shortcut, page=False)
            button.clicked.connect(show.trigger)
            self.nav_bar.add(button)
        for dialog in (d for d in self._dialogs.values() if not d.in_nav):
            self._command(menu, dialog.title, dialog.shortcut, partial(self.open_dialog, dialog.key))
        first_run = self._entries[FIRST_RUN]
        self._command(None, first_run.title, first_run.shortcut, partial(self.open_page, FIRST_RUN))
        menu.addSeparator()
        self._fill_commands(menu)
        self.top_bar.menu.setMenu(menu)

    def _fill_commands(self, menu: QMenu) -> None:
        self._command(menu, "Acknowledge the alarm in the banner", "F10", self.top_bar.acknowledge_shown)
        self._command(menu, "Silence the alarms", "F9", self.context.sound.silence)
        if self.replay_bar is not None:
            self.replay_bar.fill(menu.addMenu("Replay"), self._command)
        self._command(menu, "Day or night", "Ctrl+D", self.appearance.toggle_day)
        for theme in THEMES.values():
            keys = "Ctrl+Shift+D" if theme.name == "high-contrast" else ""
            self._command(menu, f"{theme.label} colours", keys, partial(self.appearance.set_theme, theme.name))
        self._command(menu, "Larger text", "Ctrl++", partial(self.appearance.step_scale, 1), "Ctrl+=")
        self._command(menu, "Smaller text", "Ctrl+-", partial(self.appearance.step_scale, -1))
        sizes = menu.addMenu("Size of text")
        for scale in SCALES:
            keys = "Ctrl+0" if scale == SCALES[0] else ""
            self._command(sizes, f"Text at {scale} %", keys, partial(self.appearance.set_scale, scale))
        if not self.is_kiosk:
            self._command(menu, "Full screen", "F11", self._toggle_full_screen)
        menu.addSeparator()
        for i in range(9):
            self._command(None, f"Pump {i + 1}", f"Ctrl+{i + 1}", partial(self._open_nth, i))
        self._command(None, "Menu", "Alt+M", self.top_bar.menu.showMenu)
        if not self.is_kiosk:
            self._command(menu, "Quit", "Ctrl+Q", self.quit)

    def _command(self, menu: QMenu | None, words: str, keys: str, act: Callable[[], object], *more: str) -> QAction:
        action = QAction(words, self)
        action.setShortcuts([QKeySequence(k) for k in (keys, *more) if k])
        action.triggered.connect(lambda _checked=False: act())
        self.addAction(action)
        if menu is not None:  # a command that is not in the menu still has its key
            menu.addAction(action)
            action.setProperty("kind", "page" if words in {entry.title for entry in PAGES} else "command")
        return action

    def _acknowledge(self, alarm: Alarm) -> None:
        self.context.order(Acknowledge(alarm.alarm_id))

    def _open_nth(self, index: int) -> None:
        pumps = self.context.station.site().pumps
        if index < len(pumps):
            self.open_page("pump", pumps[index].pump_id)

    def _toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape leaves the full screen, where no field or dialog takes it."""
        if event.key() == Qt.Key.Key_Escape and self.isFullScreen() and not self.is_kiosk:
            self.showNormal()
        else:
            super().keyPressEvent(event)

    @override
    def changeEvent(self, event: QEvent) -> None:
        """A kiosk that was minimized or made smaller fills the screen again."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange and self.is_kiosk and not self.isFullScreen():
            QTimer.singleShot(0, self, self.showFullScreen)  # not within the change

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
        page = str(self._settings.value("window/page", PAGES[0].key))
        page = page if page in self._nav_buttons else PAGES[0].key
        empty = not self.context.station.site().pumps and FIRST_RUN in self._entries
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
        if view.reviewed or any(loop.name == COLLECTOR_LOOP for loop in view.stats.loops):
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
        self._timer.stop()
        if self._remembers:
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
