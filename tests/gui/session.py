"""A person at the program for half an hour: every page, dialog, theme and size, with a watch on the window's thread.

`python -m tests.gui.session --minutes 30` runs the desktop program on 50 simulated pumps and prints each stretch of
more than 100 ms in which the window did not react, with what was being done. The number of those in which the program
worked for so long, and did not just wait for a processor of a busy machine, is the exit code.
"""

import argparse
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import psutil
from PySide6.QtCore import QPoint, QPointF, QSize, Qt, QTimer
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QTabWidget, QWidget

from pumpwatch_gui.engine import Engine
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.alarms.page import AlarmsPage
from pumpwatch_gui.gui.events.page import EventsPage
from pumpwatch_gui.gui.look.theme import SCALES, THEMES
from pumpwatch_gui.gui.maintenance.page import MaintenancePage
from pumpwatch_gui.gui.models.page import ModelsPage
from pumpwatch_gui.gui.pump.page import PumpPage
from pumpwatch_gui.gui.settings.limits_dialog import LimitsDialog
from pumpwatch_gui.gui.settings.settings_dialog import SettingsDialog
from pumpwatch_gui.gui.shell.app import application, run_gui
from pumpwatch_gui.gui.shell.entries import DIALOGS
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.trends.page import TrendsPage
from pumpwatch_gui.settings.simulated import simulated_site
from pumpwatch_gui.settings.site_reader import load_site
from tests.gui.parts import page_of
from tests.gui.window_watch import LONGEST_MS, WindowWatch

FAULTS = ("P-103=cavitation@30", "P-107=dry_run@60", "P-112=cavitation@120")
PACE_S, FIRST_S = 0.8, 12.0
Step = tuple[str, Callable[[], object]]
D = TypeVar("D", bound=QDialog)


class Session:
    """Does one step after another in the running window, at a person's pace, until the time is up."""

    def __init__(self, minutes: float, pace_s: float) -> None:
        self.action, self.steps_done, self.rounds = "start", 0, 0
        self.watch = WindowWatch(lambda: self.action)
        self.memory_mb: list[float] = []
        """At the beginning of each round."""
        self._pace_ms, self._end_s = round(pace_s * 1e3), time.monotonic() + minutes * 60
        self._window: MainWindow | None = None
        self._steps: Iterator[Step] = iter(())
        QTimer.singleShot(0, self._begin)

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._end_s

    @property
    def window(self) -> MainWindow:
        """The window of the program."""
        assert self._window is not None
        return self._window

    def _begin(self) -> None:
        self._window = next(w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow))
        self._steps = itertools.chain.from_iterable(self._round() for _ in itertools.count())
        self.window.first_live.connect(self.watch.start)  # before that there is no window that could react
        QTimer.singleShot(round(FIRST_S * 1e3), self._next)

    def _next(self) -> None:
        if self.is_over:
            return
        self.action, act = next(self._steps)
        act()
        self.steps_done += 1
        QTimer.singleShot(self._pace_ms, self._next)

    # ---------------------------------------------------------------- what a person does

    def _round(self) -> Iterator[Step]:
        self.rounds += 1
        self.memory_mb.append(resident_mb())
        yield from self._pages()
        yield from self._on_alarms()
        yield from self._on_trends()
        yield from self._on_the_rest()
        yield from self._dialogs()
        yield from self._limits()
        yield from self._search()
        yield from self._look()

    def _pages(self) -> Iterator[Step]:
        window = self.window
        for key in (*window.pages, "overview"):
            yield f"open page {key}", partial(window.open_page, key)
            yield f"stay on {key}", lambda: None
        for number in (0, 2, 30):
            yield f"open pump {number}", partial(window.open_nth, number)
        page = page_of(window, PumpPage)
        for made in page._lengths.buttons():
            yield f"pump, {made.text()}", made.click
        yield "pump, curve", page.show_curve.click
        yield "pump, trends again", page.show_curve.click
        yield "pump, the next", lambda: page.step(1)

    def _on_alarms(self) -> Iterator[Step]:
        window, page = self.window, page_of(self.window, AlarmsPage)
        yield "open page alarms", lambda: window.open_page("alarms")
        for name, tab in (*page.tabs.items(), *page.tabs.items()):
            yield f"alarms, {name}", tab.click
        yield "acknowledge what the banner shows", window.top_bar.acknowledge_shown
        yield "acknowledge the next", window.top_bar.acknowledge_shown
        yield "overview after it", lambda: window.open_page("overview")

    def _on_trends(self) -> Iterator[Step]:
        window, page = self.window, page_of(self.window, TrendsPage)
        yield "open page trends", lambda: window.open_page("trends", "P-103")
        plot = page.plot
        for key in (Qt.Key.Key_Left, Qt.Key.Key_PageUp, Qt.Key.Key_Plus, Qt.Key.Key_Minus, Qt.Key.Key_Home,
                    Qt.Key.Key_End, Qt.Key.Key_A, Qt.Key.Key_B):  # fmt: skip
            yield f"trends, {key.name}", partial(press, plot, key)
        for turn in (120, 120, -120, -120, -120):
            yield f"trends, wheel {turn}", partial(wheel, plot, turn)
        yield "trends, drag", lambda: drag(plot, 160)
        yield "trends, live again", lambda: QTest.keyClick(plot, Qt.Key.Key_End)

    def _on_the_rest(self) -> Iterator[Step]:
        window = self.window
        events, maintenance, models = (page_of(window, kind) for kind in (EventsPage, MaintenancePage, ModelsPage))
        assert isinstance(events, EventsPage)
        assert isinstance(maintenance, MaintenancePage)
        assert isinstance(models, ModelsPage)
        yield "open page events", lambda: window.open_page("events")
        bar = events.journal.journal_view.verticalScrollBar()
        yield "events, to the end", lambda: bar.setValue(bar.maximum())
        yield "events, filter", lambda: QTest.keyClicks(events.journal.text, "link")
        yield "events, no filter", events.journal.text.clear
        yield "open page maintenance", lambda: window.open_page("maintenance")
        for name, tab in maintenance.tabs.items():
            yield f"maintenance, {name}", tab.click
        yield "open page models", lambda: window.open_page("models", "P-103")
        for name, length in models.judgement.bar.lengths.items():
            yield f"models, {name}", length.click
        yield from self._tabs(models.tabs, "models")
        yield "open page devices", lambda: window.open_page("devices")
        for tabs in window.page("devices").findChildren(QTabWidget):
            yield from self._tabs(tabs, "devices")

    def _tabs(self, tabs: QTabWidget, name: str) -> Iterator[Step]:
        for at in range(tabs.count()):
            yield f"{name}, {tabs.tabText(at)}", partial(tabs.setCurrentIndex, at)

    def _dialogs(self) -> Iterator[Step]:
        window = self.window
        for entry in DIALOGS:
            if entry.key in window.context.dialogs:
                yield f"open dialog {entry.key}", partial(window.open_dialog, entry.key, "P-105")
                yield f"stay in {entry.key}", lambda: None
                yield f"close {entry.key}", close_dialogs

    def _limits(self) -> Iterator[Step]:
        window = self.window
        yield "open the limits", lambda: window.open_dialog("limits", "P-110")

        def edit(value: float) -> None:
            dialog = shown(LimitsDialog)
            dialog.table.setCurrentCell(1, 0)
            dialog.table.set_limit(1, "high", value)
            dialog.check()

        yield "limits, edit", lambda: edit(79.0)
        yield "limits, undo", lambda: shown(LimitsDialog).undo.click()
        yield "limits, redo", lambda: shown(LimitsDialog).redo.click()
        yield "limits, judge the past", lambda: shown(LimitsDialog).past.judge()
        yield "limits, save", lambda: shown(LimitsDialog).save()
        yield "after the limits were saved", close_dialogs

    def _search(self) -> Iterator[Step]:
        window = self.window
        yield "open settings", lambda: window.open_dialog("settings", "P-101")
        yield "settings, find", lambda: QTest.keyClicks(shown(SettingsDialog).search.field, "port")
        yield "close settings", close_dialogs
        yield "open the palette", lambda: window.open_dialog("palette")
        for letter in "vib 3":
            yield f"palette, {letter!r}", partial(type_there, letter)
        yield "close the palette", close_dialogs
        yield "a page in its own window", lambda: window.detach("pump")
        yield "stay with two windows", lambda: None
        yield "close the second window", lambda: [other.close() for other in window.detached]

    def _look(self) -> Iterator[Step]:
        window, appearance = self.window, self.window.appearance
        before = appearance.theme.name
        for key in ("overview", "pump", "alarms", "models"):
            yield f"open page {key}", partial(window.open_page, key)
            for name in (*THEMES, before):
                yield f"{name} colours on {key}", partial(appearance.set_theme, name)
        for scale in (*SCALES, SCALES[0]):
            yield f"text at {scale} %", partial(appearance.set_scale, scale)
        for width, height in ((1280, 720), (1600, 900), (1024, 640), (1440, 860)):
            yield f"window of {width} x {height}", partial(window.resize, QSize(width, height))


def shown(kind: type[D]) -> D:
    """The dialog of that kind on show."""
    return next(w for w in reversed(QApplication.topLevelWidgets()) if isinstance(w, kind) and w.isVisible())


def close_dialogs() -> None:
    """Close every dialog, the ones above first; what was typed is given up."""
    for dialog in [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]:
        dialog.done(0)


def press(at: QWidget, key: Qt.Key) -> None:
    """Press a key on a widget."""
    QTest.keyClick(at, key)


def type_there(letters: str) -> None:
    """Type into the first field of the dialog on show."""
    QTest.keyClicks(shown(QDialog).findChildren(QLineEdit)[0], letters)


def wheel(at: QWidget, turn: int) -> None:
    """Turn the wheel over the middle of a widget."""
    middle = QPointF(at.rect().center())
    event = QWheelEvent(middle, at.mapToGlobal(middle), QPoint(), QPoint(0, turn), Qt.MouseButton.NoButton,
                        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    QApplication.sendEvent(at, event)


def drag(at: QWidget, by: int) -> None:
    """Drag the middle of a widget to the right."""
    start = at.rect().center()
    QTest.mousePress(at, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 9):
        QTest.mouseMove(at, start + QPoint(by * step // 8, 0))
    QTest.mouseRelease(at, Qt.MouseButton.LeftButton, pos=start + QPoint(by, 0))


def resident_mb() -> float:
    """Resident memory of this process."""
    return float(psutil.Process().memory_info().rss / 1e6)


def main() -> int:
    """Run it; the number of blocks."""
    parser = argparse.ArgumentParser(prog="python -m tests.gui.session", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--pumps", type=int, default=50)
    parser.add_argument("--pace", type=float, default=PACE_S, help="seconds between two acts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Home(Path(folder))
        home.prepare()
        with simulated_site(home.path, pumps=options.pumps, faults=FAULTS, speed=1.0) as site_file:
            loaded = load_site(site_file)
            application()
            session = Session(options.minutes, options.pace)
            run_gui(lambda: Engine(loaded.site, home, site_file=site_file), loaded, home, site_file,
                    should_stop=lambda: session.is_over)  # fmt: skip
    session.watch.close()
    report(session)
    return min(own_blocks(session), 100)


def report(session: Session) -> None:
    """Print what was found."""
    watch, load = session.watch, psutil.getloadavg()[0]
    print(f"{session.steps_done} acts in {session.rounds} rounds, {watch.turns:,} turns of its loop; load {load:.1f}")
    print(f"the longest stretch without a turn: {watch.longest_ms:.0f} ms")
    megabytes = ", ".join(f"{mb:.0f}" for mb in (*session.memory_mb, resident_mb()))
    print(f"memory at the beginning of each round and at the end: {megabytes} MB")
    for block in watch.blocks:
        work = f"{block.cpu_ms:4.0f} ms of work, {block.process_ms:4.0f} of all threads"
        print(f"  {block.took_ms:5.0f} ms ({work})  {block.action:36s} {block.where}")
    own = own_blocks(session)
    most = max((block.cpu_ms for block in watch.blocks), default=0.0)
    print(f"{len(watch.blocks)} blocks of more than 100 ms; in {own} the program worked for so long, in the others the "
          f"machine had no processor for it; the most work of the window's thread in one: {most:.0f} ms")  # fmt: skip


def own_blocks(session: Session) -> int:
    """How many blocks the program itself has made: its threads worked for more than 100 ms of them."""
    return sum(block.process_ms > LONGEST_MS for block in session.watch.blocks)


if __name__ == "__main__":
    sys.exit(main())
