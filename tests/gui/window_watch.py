"""How long the event loop of the window was away: a timer of 20 ms, and what its thread did when that was late."""

import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from PySide6.QtCore import QObject, Qt, QTimer

TIMER_MS, LONGEST_MS, LOOK_S = 20, 100.0, 0.02
FRAMES_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch without the event loop: how long, how much of it was work of the thread, what was done meanwhile.

    `process_ms` is the work of all threads of the program: where it is much less than the stretch, the machine had no
    processor for it. `where` are the innermost lines of the program that were seen half-way through, "" without any.
    """

    took_ms: float
    cpu_ms: float
    process_ms: float
    action: str
    where: str


class WindowWatch(QObject):
    """Watches the thread it is made in; `action` names what is being done, `blocks` are the stretches above 100 ms."""

    def __init__(self, action: Callable[[], str]) -> None:
        super().__init__()
        self.blocks: list[Block] = []
        self.turns, self.longest_ms = 0, 0.0
        self._action, self._thread = action, threading.get_ident()
        self._at_s, self._cpu_s, self._process_s = _clocks()
        self._seen: list[str] = []
        self._stop = threading.Event()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._turn)
        self._watcher = threading.Thread(target=self._watch, name="window-watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._at_s, self._cpu_s, self._process_s = _clocks()
        self._timer.start(TIMER_MS)
        self._watcher.start()

    def close(self) -> None:
        """End it."""
        self._stop.set()
        self._timer.stop()
        self._watcher.join()

    def _turn(self) -> None:
        now_s, cpu_s, process_s = _clocks()
        took_ms = (now_s - self._at_s) * 1e3
        self.turns += 1
        self.longest_ms = max(self.longest_ms, took_ms)
        if took_ms > LONGEST_MS:
            where = self._seen[len(self._seen) // 2] if self._seen else ""
            cpu_ms, process_ms = (cpu_s - self._cpu_s) * 1e3, (process_s - self._process_s) * 1e3
            self.blocks.append(Block(took_ms, cpu_ms, process_ms, self._action(), where))
        self._seen = []
        self._at_s, self._cpu_s, self._process_s = now_s, cpu_s, process_s

    def _watch(self) -> None:
        """Look at the thread while the timer is late."""
        while not self._stop.wait(LOOK_S):
            if time.monotonic() - self._at_s > 2 * TIMER_MS / 1e3:
                frame = sys._current_frames().get(self._thread)
                if frame is not None:
                    self._seen.append(_lines(frame))


def _clocks() -> tuple[float, float, float]:
    return time.monotonic(), time.thread_time(), time.process_time()


def _lines(frame: FrameType) -> str:
    stack = traceback.extract_stack(frame)
    own = [entry for entry in stack if "pumpwatch_gui" in entry.filename][-FRAMES_SHOWN:]
    return " < ".join(f"{e.filename.rpartition('pumpwatch_gui/')[2]}:{e.lineno} {e.name}" for e in reversed(own))
