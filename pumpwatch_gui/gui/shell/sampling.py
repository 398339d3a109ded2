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
"""Samples and their painting take one part in so many of the time of the window's thread."""
BURST_S = 0.1
"""Over so long: a value that comes just after a long painting need not wait until its time is made up for."""


class TimeShare:
    """From when on the next sample may begin (`free_s`, monotonic), by how long those before it have taken."""

    def __init__(self) -> None:
        self.free_s = 0.0
        self._began_s = self._made_up_s = self._before_s = 0.0

    def begin(self, now_s: float) -> None:
        """A sample begins."""
        self._began_s, self._before_s = now_s, max(self._made_up_s, now_s)

    def took(self, now_s: float) -> None:
        """It is done up to here; may be called again as more of it is."""
        self._made_up_s = min(self._before_s + SHARE * (now_s - self._began_s), self._began_s + MOST_S + BURST_S)
        self.free_s = max(self._began_s + LEAST_S, self._made_up_s - BURST_S)


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
        self._share = TimeShare()

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
            self._share.took(time.monotonic())

    @Slot()
    def _soon(self) -> None:
        if self.is_on:
            left_ms = math.ceil(max(self._share.free_s - time.monotonic(), 0.0) * 1e3)
            if self._timer.remainingTime() > left_ms:
                self._timer.start(left_ms)

    def _sample(self) -> None:
        self._is_waiting, self._is_painting = False, True
        self._share.begin(time.monotonic())
        self.due.emit()
        self._share.took(time.monotonic())
        self._timer.start(AGING_MS)
