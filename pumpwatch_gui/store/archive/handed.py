"""Chunks that another thread has made: the writer puts them into the archive between two of its commits."""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

import apsw

from pumpwatch_gui.store.archive.chunks import Encoded, insert_chunks
from pumpwatch_gui.store.schema import DISK_FAULTS, transaction

HELD_MOST: Final = 16
HELD_ROWS: Final = 200_000
"""Chunks that should wait at most, and their rows: the writer takes them once a second, which is the pace of an import.

Three days of a pump at 1 Hz a second cost a sixth of a processor.
"""


class HandedChunks:
    """Offered from any thread, taken by the writer's. What the disk refused stays, and is tried again."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Encoded, Future[None]]] = deque()
        self._lock = threading.Lock()

    def offer(self, chunk: Encoded) -> "Future[None]":
        """Queue a chunk; the future is done when it is on the disk, and has the exception where it cannot be."""
        future: Future[None] = Future()
        self._waiting.append((chunk, future))
        return future

    def withdraw(self) -> None:
        """Take back what is not written yet; its futures are cancelled."""
        with self._lock:
            for _, future in self._waiting:
                future.cancel()
                future.set_running_or_notify_cancel()  # else whoever waits for it waits on
            self._waiting.clear()

    def step(self, connection: apsw.Connection, check_name: Callable[[], None], *, within_s: float) -> bool:
        """Write for about `within_s` seconds, one transaction a chunk; whether any was written.

        `check_name` raises when the file no longer bears the name: the chunk is then written again, to the next.
        Raises that and what is in DISK_FAULTS.
        """
        started, has_written = time.monotonic(), False
        while time.monotonic() - started < within_s:
            with self._lock:
                if not self._waiting:
                    break
                chunk, future = self._waiting[0]
                try:
                    with transaction(connection):
                        insert_chunks(connection, [chunk])
                except DISK_FAULTS:
                    raise
                except Exception as error:  # noqa: BLE001 - per chunk: what it raises lies in it
                    self._waiting.popleft()
                    future.set_exception(error)
                    continue
                check_name()
                self._waiting.popleft()
                future.set_result(None)
                has_written = True
        return has_written
