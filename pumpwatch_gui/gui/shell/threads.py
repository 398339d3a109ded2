"""The only QThread: hosts the engine's loops, relays its events, and does slow reads off the GUI thread."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from PySide6.QtCore import QObject, QRunnable, Qt, QThread, QThreadPool, Signal, Slot
from shiboken6 import isValid
from typing_extensions import override

from pumpwatch_gui.domain.events import Event, Note

log = logging.getLogger("pumpwatch.gui")


class Loops(Protocol):
    """What can be hosted: plain loops by name, and events."""

    def loops(self) -> Mapping[str, Callable[[threading.Event], None]]:
        """Each is `run(stop)` for one thread."""

    def listen(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Have every event delivered; returns what ends it."""


class _LoopThread(QThread):
    """One loop of the engine in one thread."""

    failed = Signal(str, str)

    def __init__(self, name: str, run: Callable[[threading.Event], None], stop: threading.Event) -> None:
        super().__init__()
        self.setObjectName(f"pumpwatch-{name}")
        self._run, self._stop = run, stop

    @override
    def run(self) -> None:
        """The loop until `stop`. A fault that gets here ends the loop; it is logged and told, not swallowed."""
        try:
            self._run(self._stop)
        except Exception as error:  # the top of a thread
            log.exception("the loop %s ended by a fault", self.objectName())
            self.failed.emit(self.objectName(), f"{type(error).__name__}: {error}")


class _Question(QRunnable):
    def __init__(self, function: Callable[[], Any], answer: Callable[[Any, bool], None]) -> None:
        super().__init__()
        self._function, self._answer = function, answer

    @override
    def run(self) -> None:
        """Ask, and hand back the result or the error."""
        try:
            result = self._function()
        except Exception as error:  # noqa: BLE001 - the top of a thread; the asker is told
            self._answer(error, False)
        else:
            self._answer(result, True)


class EngineHost(QObject):
    """Starts each loop of an engine in a QThread and stops them all; `happened` carries every event to the screen."""

    happened = Signal(object)
    _answered = Signal(object, object)

    def __init__(self, engine: Loops) -> None:
        super().__init__()
        self._engine = engine
        self._stop = threading.Event()
        self._threads: list[_LoopThread] = []
        self._silence: Callable[[], None] | None = None
        self._pool = QThreadPool()
        self._pool.setMaxThreadCount(2)
        self._open = True
        self._answered.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        """Start listening, then the loops."""
        self._silence = self._engine.listen(self.happened.emit)
        for name, run in self._engine.loops().items():
            thread = _LoopThread(name, run, self._stop)
            thread.failed.connect(self._loop_failed)
            self._threads.append(thread)
            thread.start()

    @property
    def running(self) -> bool:
        """Whether any loop runs."""
        return any(thread.isRunning() for thread in self._threads)

    def stop(self) -> None:
        """Stop the loops in their own order and wait for them; answers still under way are dropped."""
        self._open = False
        self._stop.set()
        for thread in self._threads:
            thread.quit()
            thread.wait()
        if self._silence is not None:
            self._silence()
            self._silence = None
        self._pool.waitForDone()

    def ask(
        self,
        function: Callable[[], Any],
        on_result: Callable[[Any], None],
        on_error: Callable[[Exception], None] | None = None,
    ) -> None:
        """Call `function` in a worker and one of the others on the GUI thread.

        Give methods of widgets: nothing is called once the widget is deleted or the host has stopped. Without
        `on_error` an error goes to the log.
        """

        def answer(result: Any, good: bool) -> None:
            if self._open:
                self._answered.emit(on_result if good else on_error or _log_error, result)

        if self._open:
            self._pool.start(_Question(function, answer))

    @Slot(object, object)
    def _deliver(self, callback: Callable[[Any], None], result: Any) -> None:
        owner = getattr(callback, "__self__", None)
        if self._open and (not isinstance(owner, QObject) or isValid(owner)):
            callback(result)

    @Slot(str, str)
    def _loop_failed(self, name: str, why: str) -> None:
        self.happened.emit(Note(time.time_ns(), f"{name} ended by a fault ({why}); restart the program", "ERROR"))


def _log_error(error: Exception) -> None:
    log.error("a read failed: %s", error)
