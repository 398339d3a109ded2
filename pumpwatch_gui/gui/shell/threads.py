"""The only QThread: hosts the engine's loops, relays its events, and does slow reads off the GUI thread."""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from PySide6.QtCore import QObject, QRunnable, Qt, QThread, QThreadPool, Signal, Slot
from typing_extensions import override

from pumpwatch_gui.domain.ports import Station, Subscription
from pumpwatch_gui.gui.shell.page import can_call

log = logging.getLogger("pumpwatch.gui")


STUCK_AFTER_S = 30.0
"""A loop that has not ended so long after the stop is stuck for ever."""
_stuck: list[QThread] = []
"""Threads that are kept until the process ends: Qt aborts when a running QThread is deleted."""


class Hosted(Station, Protocol):
    """A station whose loops need threads."""

    def loops(self) -> Mapping[str, Callable[[threading.Event], None]]:
        """Each is `run(stop)` for one thread; it supervises itself and does not raise."""


class _LoopThread(QThread):
    """One loop of the engine in one thread."""

    def __init__(self, name: str, run: Callable[[threading.Event], None], stop: threading.Event) -> None:
        super().__init__()
        self.setObjectName(f"pumpwatch-{name}")
        self._run, self._stop = run, stop

    @override
    def run(self) -> None:
        """The loop, until `stop`."""
        self._run(self._stop)


class _Call(QRunnable):
    def __init__(self, function: Callable[[], Any], answer: Callable[[Any, bool], None]) -> None:
        super().__init__()
        self._function, self._answer = function, answer

    @override
    def run(self) -> None:
        """Call it, and hand back the result or the error."""
        try:
            result = self._function()
        except Exception as error:  # noqa: BLE001 - the top of a thread; it is handed over
            self._answer(error, False)
        else:
            self._answer(result, True)


class EngineHost(QObject):
    """Starts each loop of an engine in a QThread and stops them all; `happened` carries every event to the screen."""

    happened = Signal(object)
    _answered = Signal(object, object)

    def __init__(self, engine: Hosted) -> None:
        super().__init__()
        self._engine = engine
        self._stop = threading.Event()
        self._threads: list[_LoopThread] = []
        self._subscription: Subscription | None = None
        self._pool = QThreadPool()
        self._pool.setMaxThreadCount(2)
        self._open = True
        self._under_way = 0
        self._answered.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        """Start listening, then the loops."""
        self._subscription = self._engine.subscribe(self.happened.emit)
        for name, run in self._engine.loops().items():
            thread = _LoopThread(name, run, self._stop)
            self._threads.append(thread)
            thread.start()

    @property
    def running(self) -> bool:
        """Whether any loop runs."""
        return any(thread.isRunning() for thread in self._threads)

    @property
    def is_idle(self) -> bool:
        """Whether everything that was asked has come back to the GUI thread."""
        return not self._under_way

    def stop(self) -> bool:
        """Stop the loops in their own order and wait for them; answers still under way are dropped.

        False when a thread is stuck for ever (a call of a model that never returns): the process must then end without
        it, see `cli.desktop`.
        """
        self._open = False
        self._stop.set()
        ended = True
        for thread in self._threads:
            thread.quit()
            ended &= thread.wait(round(STUCK_AFTER_S * 1e3))
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None
        self._pool.waitForDone(round(STUCK_AFTER_S * 1e3))
        if not ended:
            _stuck.extend(thread for thread in self._threads if thread.isRunning())
        return ended

    def ask(
        self,
        function: Callable[[], Any],
        on_result: Callable[[Any], None],
        on_error: Callable[[Exception], None] | None = None,
    ) -> None:
        """Call `function` in a worker and one of the others on the GUI thread.

        Nothing is called once the widget whose method it is was deleted, or the host has stopped. Without `on_error` an
        error goes to the log.
        """

        def answer(result: Any, good: bool) -> None:
            if self._open:
                self._answered.emit(on_result if good else on_error or _log_error, result)

        if self._open:
            self._under_way += 1
            self._pool.start(_Call(function, answer))

    @Slot(object, object)
    def _deliver(self, callback: Callable[[Any], None], result: Any) -> None:
        self._under_way -= 1
        if self._open and can_call(callback):
            callback(result)


def _log_error(error: Exception) -> None:
    log.error("a read failed: %s", error)
