"""The one place that builds and joins the parts of the desktop program."""

import gc
import linecache
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from PySide6.QtCore import QEvent, QMessageLogContext, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from pumpwatch_gui.domain.events import Note
from pumpwatch_gui.domain.site import LoadedSite
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.shell.single_instance import SingleInstance
from pumpwatch_gui.gui.shell.snapshots import PagePictures
from pumpwatch_gui.gui.shell.threads import EngineHost, Hosted
from pumpwatch_gui.gui.tables.accessible_list import offer_lists

log = logging.getLogger("pumpwatch.gui")

STOP_POLL_MS = 100
_QT_LEVELS = {QtMsgType.QtDebugMsg: logging.DEBUG, QtMsgType.QtInfoMsg: logging.INFO,
              QtMsgType.QtWarningMsg: logging.WARNING, QtMsgType.QtCriticalMsg: logging.ERROR,
              QtMsgType.QtFatalMsg: logging.CRITICAL}  # fmt: skip


def application() -> QApplication:
    """The one QApplication of this process, made on the first call."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    made = QApplication([sys.argv[0] if sys.argv else "pumpwatch"])
    made.setApplicationName("PumpWatch")
    made.setApplicationDisplayName("PumpWatch")
    made.setQuitOnLastWindowClosed(True)
    offer_lists()
    return made


def run_gui(
    engine: Callable[[], Hosted],
    loaded: LoadedSite,
    home: Home,
    site_file: Path,
    *,
    should_stop: Callable[[], bool],
    for_s: float | None = None,
    status: Callable[[StationView], None] | None = None,
    picture: Path | None = None,
) -> bool:
    """The desktop program: show the window, host the engine's loops, stop both together.

    Returns whether every thread has ended. A second start in the same home raises the first window and returns at once.
    `engine` is called once it is sure that this is the first, `should_stop` ten times a second, `status` once a second;
    `for_s` closes the window after so many seconds; `picture` gets what the window shows when it closes.
    """
    app = application()
    qInstallMessageHandler(_log_qt)
    instance = SingleInstance(home.path)
    if instance.taken:
        print("PumpWatch is already running in this home; its window comes to the front")  # noqa: T201
        return True
    running = engine()
    host = EngineHost(running)
    window = MainWindow(running, home, site_file, ask=host.ask, simulated=loaded.simulated)
    instance.serve(window.bring_to_front)
    host.happened.connect(window.on_event)
    host.start()
    _tell_problems(window, loaded)
    _log_first_moments(window)
    window.first_painted.connect(settle)
    window.first_live.connect(settle)
    window.later.built.connect(settle)
    window.show()
    window.start()
    if for_s is not None:
        QTimer.singleShot(round(for_s * 1000), window.close)
    if status is not None:
        each_second = QTimer(window)
        each_second.timeout.connect(lambda: status(running.latest()))
        each_second.start(1000)
    if picture is not None:
        window.closing.connect(lambda: window.grab().save(str(picture)))

    def poll() -> None:
        if should_stop():
            watch.stop()
            window.close()
            app.quit()  # with a dialog open, closing the window does not end Qt's loop

    watch = QTimer(window)
    watch.timeout.connect(poll)
    watch.start(STOP_POLL_MS)
    app.exec()
    ended = host.stop()
    dispose(window)
    instance.release()
    qInstallMessageHandler(None)
    return ended


def settle() -> None:
    """Leave what is loaded by now out of every later garbage collection, and forget the sources of modules.

    It is there until the end, and a full collection that goes through all of it holds the window for 0.1 to 0.2 s.
    PySide reads the source of each module that is imported after it, and Python would keep its lines: 10 MB.
    """
    linecache.clearcache()
    gc.freeze()


def _log_qt(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
    log.log(_QT_LEVELS.get(kind, logging.WARNING), "Qt: %s", text)


def _log_first_moments(window: MainWindow) -> None:
    """Log how long after the start of the process the first page was painted and the first live values were on it."""
    window.first_painted.connect(lambda: log.info("first page painted %.0f ms after start", _process_age_s() * 1e3))
    window.first_live.connect(lambda: log.info("first live values %.0f ms after start", _process_age_s() * 1e3))


def _process_age_s() -> float:
    """Seconds since this process began. On Linux psutil knows the boot only to a second, the kernel to 10 ms."""
    if sys.platform != "linux":
        return time.time() - psutil.Process().create_time()
    after_name = Path("/proc/self/stat").read_text("ascii", errors="replace").rpartition(")")[2].split()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(after_name[19]) / os.sysconf("SC_CLK_TCK")


def picture_pages(
    engine: Hosted,
    home: Home,
    site_file: Path,
    *,
    out: Path,
    theme: str,
    size: tuple[int, int],
    after_s: float,
    simulated: bool = False,
) -> list[Path]:
    """Run the station for `after_s`, then write every page as a PNG into `out`.

    Returns the paths; raises InputError when a picture cannot be written.
    """
    app = application()
    host = EngineHost(engine)
    window = MainWindow(engine, home, site_file, ask=host.ask, appearance=Appearance(theme), simulated=simulated)
    host.happened.connect(window.on_event)
    window.resize(*size)
    pictures = PagePictures(window, out, suffix=f"-{theme}", is_idle=lambda: host.is_idle, done=window.close)
    host.start()
    window.show()
    window.start()
    QTimer.singleShot(round(after_s * 1000), pictures.start)
    app.exec()
    host.stop()
    paths, trouble = pictures.paths, pictures.trouble
    dispose(window)
    if trouble is not None:
        raise trouble
    return paths


def _tell_problems(window: MainWindow, loaded: LoadedSite) -> None:
    for problem in loaded.problems:
        window.on_event(Note(time.time_ns(), f"Site file: {problem}", "WARNING"))


def dispose(window: MainWindow) -> None:
    """Delete the window now, not when Python ends: Qt objects that outlive the application crash it."""
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
