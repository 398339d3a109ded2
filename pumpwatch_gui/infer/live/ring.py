"""The ring buffer between the links and the inference: the original system's queue of 1,000 readings a station."""

import threading
from collections import deque

from pumpwatch_gui.domain.values.frame import Frame


class RingBuffer:
    """Frames in the order they came, at most `capacity`. When full the oldest is dropped and counted. Thread-safe.

    Raises ValueError for a capacity below 1.
    """

    def __init__(self, capacity: int = 1000) -> None:
        if capacity < 1:
            raise ValueError("capacity must be at least 1")
        self.capacity = capacity
        self._frames: deque[Frame] = deque()
        self._arrived = threading.Condition()
        self._high_water = 0
        self._dropped = 0

    def put(self, frame: Frame) -> None:
        """Add a frame; never blocks."""
        with self._arrived:
            if len(self._frames) == self.capacity:
                self._frames.popleft()
                self._dropped += 1
            self._frames.append(frame)
            self._high_water = max(self._high_water, len(self._frames))
            self._arrived.notify()

    def drain(self) -> list[Frame]:
        """Take out everything there is, oldest first."""
        with self._arrived:
            frames = list(self._frames)
            self._frames.clear()
            return frames

    def wait(self, timeout_s: float) -> bool:
        """Wait until there is a frame, at most `timeout_s`; whether there is one."""
        with self._arrived:
            return self._arrived.wait_for(lambda: bool(self._frames), timeout_s)

    @property
    def depth(self) -> int:
        """Frames waiting now."""
        return len(self._frames)

    @property
    def high_water(self) -> int:
        """The greatest depth since the start."""
        return self._high_water

    @property
    def dropped(self) -> int:
        """Frames lost because they were not taken in time."""
        return self._dropped
