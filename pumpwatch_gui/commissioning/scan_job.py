"""A scan under way: a thread of its own, its progress, and its end before the time."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from pumpwatch_gui.acquire.discovery.scan import Found, Progress


@dataclass(frozen=True, slots=True)
class ScanView:
    """How a scan stands; `error` is what ended it early."""

    done: int
    total: int
    found: tuple[Found, ...]
    is_running: bool
    error: Exception | None = None


class ScanJob:
    """Runs `scan(progress, stop)` until it ends or `cancel` is called; `poll` from any thread.

    The thread is a daemon: a scan takes minutes, and the end of the program does not wait for it.
    """

    def __init__(self, scan: Callable[[Progress, threading.Event], object], total: int) -> None:
        self._scan, self._total, self._done = scan, total, 0
        self._found: list[Found] = []
        self._error: Exception | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pumpwatch-scan", daemon=True)
        self._thread.start()

    def poll(self) -> ScanView:
        """How it stands now."""
        is_running = self._thread.is_alive()
        return ScanView(self._done, self._total, tuple(self._found), is_running, None if is_running else self._error)

    def cancel(self) -> None:
        """End it within about one answer's time."""
        self._stop.set()

    def _run(self) -> None:
        try:
            self._scan(self._progress, self._stop)
        except Exception as error:  # noqa: BLE001 - the top of a thread; it is told where the findings stand
            self._error = error

    def _progress(self, done: int, total: int, found: Found | None) -> None:
        self._done, self._total = done, total
        if found is not None:
            self._found.append(found)
