"""The commands of a window: its menu, the buttons of its navigation bar, its keys."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu

from pumpwatch_gui.domain.units import CHOICES, UnitChoice
from pumpwatch_gui.domain.wording import unit_text
from pumpwatch_gui.gui.look.theme import SCALES, THEMES
from pumpwatch_gui.gui.shell.entries import FIRST_RUN, PAGES, DialogEntry
from pumpwatch_gui.gui.shell.nav_bar import NavButton

if TYPE_CHECKING:
    from pumpwatch_gui.gui.shell.main_window import MainWindow


class WindowCommands:
    """Makes every command there is; `buttons` are those of the pages, by their keys, `menu` has them all."""

    def __init__(self, window: "MainWindow", dialogs: dict[str, DialogEntry]) -> None:
        self._window = window
        self.buttons: dict[str, NavButton] = {}
        self.menu = QMenu(window.top_bar)
        self._add_pages()
        self._add_dialogs(dialogs)
        self._add_acts()
        self._add_look()
        if not window.is_kiosk:
            self._add(self.menu, "Full screen", "F11", window.toggle_full_screen)
            self._add_windows()
        self.menu.addSeparator()
        for i in range(9):
            self._add(None, f"Pump {i + 1}", f"Ctrl+{i + 1}", partial(window.open_nth, i))
        self._add(None, "Menu", "Alt+M", window.top_bar.menu.showMenu)
        if not window.is_kiosk:
            self._add(self.menu, "Quit", "Ctrl+Q", window.quit)
        window.top_bar.menu.setMenu(self.menu)

    def _add_pages(self) -> None:
        window = self._window
        for entry in (page for page in PAGES if page.in_nav):
            show = self._add(self.menu, entry.title, entry.shortcut, partial(window.open_page, entry.key))
            show.setProperty("kind", "page")
            self.buttons[entry.key] = button = self._button(entry.icon, show, entry.shortcut, is_page=True)
            if not window.is_kiosk:
                button.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
                button.customContextMenuRequested.connect(partial(self._offer_window, entry.key, button))
        self.menu.addSeparator()

    def _add_dialogs(self, dialogs: dict[str, DialogEntry]) -> None:
        window = self._window
        for dialog in sorted(dialogs.values(), key=lambda d: not d.in_nav):
            show = self._add(self.menu, dialog.title, dialog.shortcut, partial(window.open_dialog, dialog.key))
            if dialog.in_nav:
                self._button(dialog.icon, show, dialog.shortcut, is_page=False)
        first_run = next(entry for entry in PAGES if entry.key == FIRST_RUN)
        self._add(None, first_run.title, first_run.shortcut, partial(window.open_page, FIRST_RUN))
        self.menu.addSeparator()

    def _button(self, icon: str, show: QAction, key: str, *, is_page: bool) -> NavButton:
        button = NavButton(self._window.appearance, icon=icon, words=show.text(), key=key, page=is_page)
        button.clicked.connect(show.trigger)
        self._window.nav_bar.add(button)
        return button

    def _offer_window(self, key: str, button: NavButton, at: QPoint) -> None:
        menu = QMenu(button)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Open", button.click)
        menu.addAction("Open in its own window", partial(self._window.detach, key))
        menu.popup(button.mapToGlobal(at))

    def _add_acts(self) -> None:
        window = self._window
        self._add(self.menu, "Acknowledge the alarm in the banner", "F10", window.top_bar.acknowledge_shown)
        self._add(self.menu, "Silence the alarms", "F9", window.context.sound.silence)
        if window.replay_bar is not None:
            window.replay_bar.fill(self.menu.addMenu("Replay"), self._add)
        self.menu.addSeparator()

    def _add_look(self) -> None:
        appearance, menu = self._window.appearance, self.menu
        self._add(menu, "Day or night", "Ctrl+D", appearance.toggle_day)
        colours = menu.addMenu("Colours")
        for theme in THEMES.values():
            keys = "Ctrl+Shift+D" if theme.name == "high-contrast" else ""
            self._add(colours, f"{theme.label} colours", keys, partial(appearance.set_theme, theme.name))
        self._add(menu, "Larger text", "Ctrl++", partial(appearance.step_scale, 1), "Ctrl+=")
        self._add(menu, "Smaller text", "Ctrl+-", partial(appearance.step_scale, -1))
        sizes = menu.addMenu("Size of text")
        for scale in SCALES:
            keys = "Ctrl+0" if scale == SCALES[0] else ""
            self._add(sizes, f"Text at {scale} %", keys, partial(appearance.set_scale, scale))
        self._add_units()

    def _add_units(self) -> None:
        """A choice of this user for each kind of quantity; the first is to leave it to the site."""
        units, present = self.menu.addMenu("Units"), self._window.context.chosen_units.user
        for kind, offered in CHOICES.items():
            of_kind, only_one = units.addMenu(kind.capitalize()), QActionGroup(self._window)
            for unit in ("", *offered):
                words = f"{kind.capitalize()} {f'in {unit_text(unit)}' if unit else 'as the site has it'}"
                action = self._add(of_kind, words, "", partial(self._choose_unit, kind, unit))
                action.setCheckable(True)
                action.setChecked(present.of(kind) == unit)
                only_one.addAction(action)

    def _choose_unit(self, kind: str, unit: str) -> None:
        chosen = {one: self._window.context.chosen_units.user.of(one) for one in CHOICES}
        self._window.use_units(UnitChoice(**{**chosen, kind: unit}))

    def _add_windows(self) -> None:
        window = self._window
        self._add(self.menu, "Open this page in its own window", "Ctrl+Shift+O", lambda: window.detach(window.current))
        others = self.menu.addMenu("Open in its own window")
        for entry in (page for page in PAGES if page.in_nav):
            self._add(others, f"{entry.title} in its own window", "", partial(window.detach, entry.key))

    def _add(self, menu: QMenu | None, words: str, keys: str, act: Callable[[], object], *more: str) -> QAction:
        action = QAction(words, self._window)
        action.setShortcuts([QKeySequence(k) for k in (keys, *more) if k])
        action.triggered.connect(lambda _checked=False: act())
        self._window.addAction(action)
        if menu is not None:  # a command that is not in the menu still has its key
            menu.addAction(action)
            action.setProperty("kind", "command")
        return action
