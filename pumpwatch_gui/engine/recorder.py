"""The record of a run: every sample as a CSV row, for engineers and for checks from outside."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality
from pumpwatch_gui.files.atomic import check_writable

log = logging.getLogger("pumpwatch.record")

HEADER = "wall,pump,sensor,value,quality\n"
WRITE_EVERY_S = 0.5
MAX_FRAMES = 20_000
"""Frames kept in memory while the file cannot be written (some 12 MB): 50 pumps at 1 Hz for 400 s."""
AT_ONCE = 1_000
_WORDS = [q.word for q in Quality]


class Recorder:
    """Writes `wall,pump,sensor,value,quality`; a BAD value is an empty cell.

    A side output: while the file cannot be written, frames wait in memory, those that find no room are counted, and
    writing is tried again. `report` is called with one line when that starts and one when it is over, on the thread of
    `run`. Raises InputError if the file cannot be made.
    """

    def __init__(self, path: Path, *, report: Callable[[str], None] = log.warning, capacity: int = MAX_FRAMES) -> None:
        self.path = path
        self.lost = 0
        self._queue: deque[tuple[Frame, tuple[str, ...]]] = deque()
        self._report = report
        self._capacity = capacity
        self._is_failing = False
        try:
            check_writable(path)
            path.write_text(HEADER, "utf-8")
        except OSError as error:
            raise InputError(f"the record {path} cannot be written: {error.strerror}", "choose another path") from error

    def offer(self, frame: Frame, tags: tuple[str, ...]) -> None:
        """Queue a frame (one thread, never blocks)."""
        if len(self._queue) < self._capacity:
            self._queue.append((frame, tags))
        else:
            self.lost += 1

    def run(self, stop: threading.Event, alive: Callable[[], None] = lambda: None) -> None:
        """Write what is queued twice a second until `stop`, then the rest."""
        is_last = False
        while not is_last:
            is_last = stop.wait(WRITE_EVERY_S)
            alive()
            try:
                self._write_queued(alive)
            except OSError as error:
                self._fail(error)

    def _write_queued(self, alive: Callable[[], None]) -> None:
        while self._queue:
            frames = list(islice(self._queue, AT_ONCE))
            self._append("".join(_rows(*one) for one in frames))
            for _ in frames:  # only now: what could not be written stays in the queue
                self._queue.popleft()
            alive()
        if self._is_failing:
            self._is_failing = False
            self._report(f"The record {self.path} is written again; {self.lost} frames were lost in all")

    def _append(self, rows: str) -> None:
        # Opened each time, so that a file which was removed or moved away is made again rather than written to
        # unseen. Unbuffered, so that no half of a row is left over when the disk is full.
        with self.path.open("ab", buffering=0) as file:
            size = file.tell()
            rest = memoryview((rows if size else HEADER + rows).encode())
            try:
                while rest:
                    rest = rest[file.write(rest) or 0 :]
            except OSError:
                with suppress(OSError):  # no device can be cut
                    file.truncate(size)
                raise

    def _fail(self, error: OSError) -> None:
        if not self._is_failing:
            self._is_failing = True
            self._report(f"The record {self.path} cannot be written ({error.strerror}); the run goes on")


def _rows(frame: Frame, tags: tuple[str, ...]) -> str:
    head = f"{frame.time_ns / 1e9:.6f},{frame.pump_id},"
    cells = zip(tags, frame.values.tolist(), frame.quality.tolist(), strict=True)
    return "".join(f"{head}{tag},{'' if q == Quality.BAD else repr(v)},{_WORDS[q]}\n" for tag, v, q in cells)
