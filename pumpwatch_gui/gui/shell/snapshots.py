"""Pictures of every page."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.gui.shell.main_window import MainWindow

TICK_MS, LEAST_TICKS, MOST_TICKS = 100, 5, 100
"""A page has half a second to lay itself out and to be sampled, and ten for what it reads from the disk."""


class PagePictures(QObject):
    """Writes every page of a shown window as `KEY<suffix>.png` into `out`; the Pump page turns to the worst alarm.

    Each is taken once what the page reads has come: `is_idle` says so. `done` is called after the last one, or after
    one that could not be written: `trouble` says why then. `paths` are in the order of the navigation bar.
    """

    def __init__(
        self, window: MainWindow, out: Path, *, suffix: str, is_idle: Callable[[], bool], done: Callable[[], object]
    ) -> None:
        super().__init__(window)
        self.paths: list[Path] = []
        self.trouble: InputError | None = None
        self._window, self._out, self._suffix = window, out, suffix
        self._is_idle, self._done = is_idle, done
        self._left = list(window.pages)
        self._ticks = 0
        self._tick = QTimer(self)
        self._tick.setInterval(TICK_MS)
        self._tick.timeout.connect(self._look)

    def start(self) -> None:
        """Begin with the first page."""
        self._open()
        self._tick.start()

    def _open(self) -> None:
        alarms = self._window.context.station.latest().alarms
        self._window.open_page(self._left[0], alarms[0].pump_id if alarms else "")
        self._ticks = 0

    def _look(self) -> None:
        self._ticks += 1
        if self._ticks < LEAST_TICKS or (not self._is_idle() and self._ticks < MOST_TICKS):
            return
        try:
            self._take(self._left.pop(0))
        except OSError as error:
            why = error.strerror or str(error)
            self.trouble = InputError(f"no picture can be written to {self._out}: {why}", "choose another folder")
        if self._left and self.trouble is None:
            self._open()
        else:
            self._tick.stop()
            self._done()

    def _take(self, key: str) -> None:
        self._out.mkdir(parents=True, exist_ok=True)
        path = self._out / f"{key}{self._suffix}.png"
        if not self._window.grab().save(str(path)):
            raise OSError(f"{path.name} could not be saved")
        self.paths.append(path)
