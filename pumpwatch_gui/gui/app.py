"""The one place that builds and joins the parts of the desktop program."""

import signal
import sys
import time
from pathlib import Path

from PySide6.QtCore import QEvent, QTimer
from PySide6.QtWidgets import QApplication

from pumpwatch_gui.domain.events import Note
from pumpwatch_gui.engine import Engine
from pumpwatch_gui.gui.main_window import MainWindow
from pumpwatch_gui.gui.snapshots import snapshot_pages
from pumpwatch_gui.gui.theme import Look
from pumpwatch_gui.gui.threads import EngineHost
from pumpwatch_gui.settings.home import Home
from pumpwatch_gui.settings.site import LoadedSite


def application() -> QApplication:
    """The one QApplication of this process, made on the first call."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    made = QApplication([sys.argv[0] if sys.argv else "pumpwatch"])
    made.setApplicationName("PumpWatch")
    made.setApplicationDisplayName("PumpWatch")
    made.setQuitOnLastWindowClosed(True)
    return made


def run_gui(engine: Engine, loaded: LoadedSite, home: Home, site_file: Path, *, for_s: float | None = None) -> int:
    """The desktop program on an engine: show the window, host the loops, stop both together. Returns the exit code.

    `for_s` closes the window after so many seconds.
    """
    app = application()
    host = EngineHost(engine)
    window = MainWindow(engine, home, site_file, ask=host.ask)
    host.happened.connect(window.on_event)
    host.start()
    _tell_problems(window, loaded)
    window.show()
    window.start()
    if for_s is not None:
        QTimer.singleShot(round(for_s * 1000), window.close)
    with _signals_close(window):
        code = app.exec()
    host.stop()
    _dispose(window)
    return code


def picture_pages(
    loaded: LoadedSite,
    home: Home,
    site_file: Path,
    *,
    out: Path,
    theme: str,
    size: tuple[int, int],
    after_s: float,
) -> list[Path]:
    """Run the station for `after_s`, then write every page as a PNG into `out`. Returns the paths."""
    app = application()
    engine = Engine(loaded.site, home)
    host = EngineHost(engine)
    window = MainWindow(engine, home, site_file, ask=host.ask, look=Look(theme))
    host.happened.connect(window.on_event)
    window.resize(*size)
    written: list[Path] = []

    def take() -> None:
        written.extend(snapshot_pages(window, out, suffix=f"-{theme}"))
        window.close()

    host.start()
    window.show()
    window.start()
    QTimer.singleShot(round(after_s * 1000), take)
    app.exec()
    host.stop()
    _dispose(window)
    return written


def _tell_problems(window: MainWindow, loaded: LoadedSite) -> None:
    for problem in loaded.problems:
        window.on_event(Note(time.time_ns(), f"Site file: {problem}", "WARNING"))


class _signals_close:  # noqa: N801 - reads as the sentence it is
    """Within: Ctrl-C and SIGTERM close the window, so that everything stops in its order."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    def __enter__(self) -> None:
        self._old = {s: signal.signal(s, self._close) for s in (signal.SIGINT, signal.SIGTERM)}

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _close(self, *_: object) -> None:
        # Python runs this between two steps of the sampling timer, on the GUI thread.
        self._window.close()


def _dispose(window: MainWindow) -> None:
    """Delete the window now, not when Python ends: Qt objects that outlive the application crash it."""
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
