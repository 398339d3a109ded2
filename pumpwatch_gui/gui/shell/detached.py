"""Pages in windows of their own, for rooms with several monitors: shown with the main window, closed with it."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from PySide6.QtCore import QByteArray, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent, QGuiApplication, QKeySequence, QScreen, QShortcut, QShowEvent
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from pumpwatch_gui.domain.events import Event
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.gui.look.layout import resize_within_screen, screen_room, scrolled, vbox
from pumpwatch_gui.gui.shell.entries import PageEntry
from pumpwatch_gui.gui.shell.full_screen import FullScreenWindow
from pumpwatch_gui.gui.shell.page import Page, PageContext
from pumpwatch_gui.gui.shell.stopped_bar import Showing
from pumpwatch_gui.gui.shell.top_bar import TopBar

MOST = 8
"""Windows besides the main one: each is painted as often as that."""
SIZE = QSize(1280, 800)
SETTLED_MS = 300
"""So long after a window came it is where the window manager wants it."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A window as it is remembered: its page and pump, its screen by name, and its place there as Qt writes it."""

    page: str
    pump_id: str
    screen: str
    geometry: str


def placed_of(text: str) -> list[Placed]:
    """The windows of a remembered text; nothing of one that is damaged."""
    try:
        kept = json.loads(text)
        return [Placed(*(str(one[name]) for name in ("page", "pump_id", "screen", "geometry"))) for one in kept][:MOST]
    except (ValueError, KeyError, TypeError):
        return []


def _geometry(kept: Placed) -> QByteArray:
    return QByteArray.fromHex(kept.geometry.encode("ascii", "replace"))


class DetachedWindow(FullScreenWindow):
    """One page below a top bar of its own. Its page keeps its own pump; pages that it leads to open in the main window.

    `is_kiosk`: it fills its screen and is not closed by hand.
    """

    closing = Signal(object)

    def __init__(self, context: PageContext, entry: PageEntry, *, simulated: bool, is_kiosk: bool) -> None:
        super().__init__(is_kiosk=is_kiosk)
        self.context, self.entry = context, entry
        self._away: Placed | None = None
        self._away_at = QRect()
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.top_bar = TopBar(context, simulated=simulated)
        self.top_bar.menu.hide()
        self.page: Page = entry.page(context)
        self.page.setAccessibleName(f"{entry.title} page")
        frame, whole = scrolled(self.page), QWidget()
        vbox(self.top_bar, (frame, 1), parent=whole, spacing=0)
        for part in (self.top_bar, frame):
            context.appearance.dress(part)
        self.setCentralWidget(whole)
        self.setWindowIcon(context.appearance.icon(entry.icon))
        least, room = QSize(800, 480), screen_room(self)
        self.setMinimumSize(least if room is None else least.boundedTo(room))
        self._showing = Showing(self.top_bar.stopped, entry.key)
        if not is_kiosk:
            QShortcut(QKeySequence("Ctrl+W"), self, self.close)

    def take_keys(self, actions: list[QAction]) -> None:
        """Have the keys of the main window as well."""
        self.addActions(actions)

    def refresh(self, view: StationView, shown: StationView) -> None:
        """Show the station as it is now: `view` in the units of the tags, `shown` in those of the screen."""
        self._showing.show(lambda: self._show(view, shown))

    def _show(self, view: StationView, shown: StationView) -> None:
        if not self.isMinimized():
            self.page.refresh(view if self.page.in_own_units else shown)
        self.top_bar.refresh(shown)
        pump = f" · {self.context.title_of(self.context.pump_id)}" if self.page.follows_pump else ""
        title = f"{self.entry.title}{pump} – {view.name} – PumpWatch"
        if title != self.windowTitle():
            self.setWindowTitle(title)

    # ---------------------------------------------------------------- place

    def place(self, kept: Placed | None, main: QWidget) -> None:
        """As it was remembered; a new one, or one of a monitor that is gone, where there is room."""
        screens = QGuiApplication.screens()
        if kept is not None and kept.screen in [screen.name() for screen in screens]:
            self.restoreGeometry(_geometry(kept))  # moves what would be off every screen
        else:
            self._away = kept
            other = next((screen for screen in screens if screen is not main.screen()), None)
            resize_within_screen(self, SIZE.width(), SIZE.height())
            corner = other.availableGeometry().topLeft() if other is not None else main.pos()
            self.move(corner.x() + 32, corner.y() + 32)
        if self.is_kiosk:
            self.setWindowState(Qt.WindowState.WindowFullScreen)

    def screen_came(self, screen: QScreen) -> None:
        """Go back to a monitor that is there again, unless it was moved meanwhile."""
        if self._away is not None and self._away.screen == screen.name():
            if self.geometry() == self._away_at:
                self.restoreGeometry(_geometry(self._away))
            self._away = None

    @property
    def placed(self) -> Placed:
        """What is to be remembered; of one that waits for its monitor, its place there."""
        pump_id = self.context.pump_id if self.page.follows_pump else ""
        if self._away is not None and self.geometry() == self._away_at:
            return Placed(self.entry.key, pump_id, self._away.screen, self._away.geometry)
        hexed = bytes(self.saveGeometry().toHex().data()).decode("ascii")
        return Placed(self.entry.key, pump_id, self.screen().name(), hexed)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        """From where the window manager has put it on, a person has moved it."""
        super().showEvent(event)
        QTimer.singleShot(SETTLED_MS, self, self._settle)

    def _settle(self) -> None:
        self._away_at = self.geometry()

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        """A kiosk is not closed by hand."""
        if event.spontaneous() and self.is_kiosk:
            event.ignore()
            return
        self.closing.emit(self)
        super().closeEvent(event)


class DetachedWindows:
    """All of them, opened by `build`, which makes one for a page or gives None for a page that is not known."""

    def __init__(self, main: QWidget, build: Callable[[str], DetachedWindow | None]) -> None:
        self._main, self._build = main, build
        self.windows: list[DetachedWindow] = []
        application: Any = QGuiApplication.instance()
        application.screenAdded.connect(self._screen_came)

    def open(self, key: str, pump_id: str = "", kept: Placed | None = None) -> DetachedWindow | None:
        """Open a page in a window of its own, on a pump where it is about one; None when there are `MOST` already."""
        made = self._build(key) if len(self.windows) < MOST else None
        if made is None:
            return None
        self.windows.append(made)
        made.closing.connect(self.windows.remove)
        if made.page.follows_pump and pump_id:
            made.context.choose_pump(pump_id)
            made.page.show_pump(pump_id)
        made.take_keys(self._main.actions())
        made.place(kept, self._main)
        made.show()
        return made

    def refresh(self, view: StationView, shown: StationView) -> None:
        """Show the station in all of them as it is now."""
        for window in tuple(self.windows):
            window.refresh(view, shown)

    def on_event(self, event: Event) -> None:
        """Pass an event to every page."""
        for window in self.windows:
            window.context.follow(event)
            window.page.on_event(event)

    def close(self) -> str:
        """Close all; what `restore` opens them from."""
        text = json.dumps([asdict(window.placed) for window in self.windows])
        QGuiApplication.instance().screenAdded.disconnect(self._screen_came)  # type: ignore[union-attr]
        for window in tuple(self.windows):
            window.close()
        return text

    def restore(self, text: str) -> None:
        """Open those that were open."""
        for kept in placed_of(text):
            self.open(kept.page, kept.pump_id, kept)

    def _screen_came(self, screen: QScreen) -> None:
        for window in self.windows:
            window.screen_came(screen)
