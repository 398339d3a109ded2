"""Ctrl-C, SIGTERM and the loss of the terminal: a flag, and nothing else, from the first moment to the last.

Python runs a signal handler between any two steps of whatever it is doing: a handler that closes a window can do so in
the middle of a paint, after which Qt never leaves its loop. So the handler only sets a flag, and each run looks at it
where it is safe to stop.
"""

import signal
import threading
from types import FrameType

FORCED_AFTER = 3
"""So many signals end the process at once, whatever it is doing."""


class Interrupts:
    """`requested` is set by the first signal, `name` is what it was. Main thread only."""

    def __init__(self) -> None:
        self.requested = threading.Event()
        self.name = ""
        self._count = 0
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._interrupted)

    def _interrupted(self, number: int, _frame: FrameType | None) -> None:
        self._count += 1
        self.name = self.name or signal.Signals(number).name
        self.requested.set()
        if self._count >= FORCED_AFTER:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
