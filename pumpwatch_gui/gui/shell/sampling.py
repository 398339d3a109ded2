"""When the window samples its station: as values come, no more often than it can paint, and as they grow old."""

import math
import time

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from pumpwatch_gui.domain.ports import Station, Subscription

LEAST_S = 0.016
"""Between two samples: a screen shows no more."""
MOST_S = 0.1
"""Between two samples while values come, however long a sample takes."""
AGING_MS = 200
"""Without values: ages grow, and what is old must be seen to be."""
SHARE = 3
"""A sample and its painting take one part in so many of the time of the window's thread."""


class Sampler(QObject):
    """Emits `due` (GUI thread) when the station is to be sampled; `painted` is for when that is on the screen."""

    due = Signal()
    _came = Signal()

    def __init__(self, station: Station, parent: QObject) -> None:
        super().__init__(parent)
        self._station = station
        self._subscription: Subscription | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._sample)
        self._came.connect(self._soon, Qt.ConnectionType.QueuedConnection)
        self._is_waiting = self._is_painting = False
        self._began_s = self._free_s = 0.0

    @property
    def is_on(self) -> bool:
        """Whether it samples."""
        return self._subscription is not None

    def start(self) -> None:
        """Begin."""
        if self._subscription is None:
            self._subscription = self._station.watch(self.wake)
            self._timer.start(0)

    def stop(self) -> None:
        """End it."""
        self._timer.stop()
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    def wake(self) -> None:
        """Something is new; any thread."""
        if not self._is_waiting:
            self._is_waiting = True
            self._came.emit()

    @Slot()
    def painted(self) -> None:
        """Take note of how long the last sample has taken up to its painting."""
        if self._is_painting:
            self._is_painting = False
            self._rest()

    def _rest(self) -> None:
        """Leave the thread to others for as long as the last sample deserves."""
        self._free_s = self._began_s + min(max(LEAST_S, SHARE * (time.monotonic() - self._began_s)), MOST_S)

    @Slot()
    def _soon(self) -> None:
        if self.is_on:
            left_ms = math.ceil(max(self._free_s - time.monotonic(), 0.0) * 1e3)
            if self._timer.remainingTime() > left_ms:
                self._timer.start(left_ms)

    def _sample(self) -> None:
        self._is_waiting, self._is_painting = False, True
        self._began_s = time.monotonic()
        self.due.emit()
        self._rest()
        self._timer.start(AGING_MS)
