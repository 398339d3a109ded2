"""The loop that takes readings of other systems over while the station runs.

They lie in a file that was read and judged by whoever ordered it. Here each day is compared with the history, made a
piece of the archive and handed to the writer, which puts it there between two of its commits.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.commands import CancelImport, ImportReadings, Order
from pumpwatch_gui.domain.errors import InputError, PumpWatchError
from pumpwatch_gui.domain.events import Event, Note
from pumpwatch_gui.domain.station import ImportView
from pumpwatch_gui.domain.wording import minute
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.store.archive.handed import HELD_MOST, HELD_ROWS
from pumpwatch_gui.store.hot.writer import Store
from pumpwatch_gui.store.importing import MINUTE_MS, ImportTarget, days_of, stored_minutes

log = logging.getLogger("pumpwatch.engine")
crash_log = logging.getLogger("pumpwatch.crash")

TURN_S: Final = 0.1
LEFT_AFTER_S: Final = 86_400.0
"""A file that was not ordered for so long is of a program that was killed."""
NS: Final = 1_000_000


@dataclass(slots=True)
class _Written:
    """What has come of an import so far: readings on the disk, those left out, the first and last time (Unix ns)."""

    count: int = 0
    left_out: int = 0
    first_ns: int = 0
    last_ns: int = 0

    def add(self, time_ns: NDArray[np.int64]) -> None:
        """One day more is on the disk."""
        self.count += time_ns.size
        self.first_ns, self.last_ns = self.first_ns or int(time_ns[0]), int(time_ns[-1])

    def words(self, source: str) -> str:
        """What was taken over of a recording."""
        left = f"; {self.left_out:,} are of minutes with history: left out" if self.left_out else ""
        if not self.count:
            return f"no reading of {source} was taken over{left}"
        span = f"{minute(self.first_ns)} to {minute(self.last_ns)}"
        return f"{self.count:,} readings of {span} taken over from {source}{left}"


class Importing:
    """One import after the other. `run` on a thread of its own; the rest is for any thread.

    `done` hears what came of each order, `publish` when an import begins.
    """

    def __init__(
        self, home: Home, store: Store, done: Callable[[Order, bool, str], None], publish: Callable[[Event], None]
    ) -> None:
        self._home, self._store, self._done, self._publish = home, store, done, publish
        self._inbox: deque[tuple[Order, ImportReadings]] = deque()
        self._cancelled = threading.Event()
        self.view: ImportView | None = None
        """The import under way."""

    def submit(self, order: Order, command: ImportReadings | CancelImport) -> None:
        """Queue an import, or end the one under way; never blocks."""
        if isinstance(command, ImportReadings):
            self._inbox.append((order, command))
        elif self.view is None:
            self._done(order, False, "no import is under way")
        else:
            self._cancelled.set()
            self._done(order, True, f"the import of {self.view.source} is being cancelled")

    def run(self, stop: threading.Event, alive: Callable[[], None]) -> None:
        """Take over what is ordered, until `stop`; what is under way then ends with a whole day."""
        self._remove_left()
        while not stop.wait(TURN_S):
            alive()
            while self._inbox and not stop.is_set():
                self._guarded(*self._inbox.popleft(), stop, alive)
        for order, command in self._inbox:
            self._staged(command).unlink(missing_ok=True)
            self._done(order, False, f"no reading of {command.source} was taken over: the program ended")
        self._inbox.clear()

    def _guarded(self, order: Order, command: ImportReadings, stop: threading.Event, alive: Callable[[], None]) -> None:
        self._cancelled.clear()
        written, trouble = _Written(), ""
        try:
            self._take_over(order, command, written, stop, alive)
        except PumpWatchError as error:
            trouble = f"{error.message} ({error.advice})" if error.advice else error.message
        except Exception as error:  # noqa: BLE001 - per import: a bug in one must not end the loop
            crash_log.critical("the import of %s failed", command.source, exc_info=True)
            trouble = f"it failed by a fault of the program ({error}); the crash log says more"
        self.view = None
        self._store.handed.withdraw()
        with suppress(OSError):
            self._staged(command).unlink(missing_ok=True)
        trouble = trouble or ("the program ended" if stop.is_set() else "cancelled" if self._cancelled.is_set() else "")
        words = written.words(command.source)
        self._done(order, not trouble, f"{trouble}: {words}" if trouble else words)

    def _take_over(
        self, order: Order, command: ImportReadings, written: _Written, stop: threading.Event,
        alive: Callable[[], None],
    ) -> None:  # fmt: skip
        table = self._table(command)
        target = ImportTarget.read(self._home.database, command.pump_id)
        time_ns = table[:, 0].astype(np.int64) * NS
        self.view = ImportView(order.id, command.pump_id, command.source, 0, time_ns.size)
        begins = f"Import of {command.source} begins: {time_ns.size:,} readings, ordered by {order.actor}"
        self._publish(Note(time.time_ns(), begins, "INFO", command.pump_id))
        pending: deque[tuple[Future[None], NDArray[np.int64], int]] = deque()
        held = 0
        for part in days_of(time_ns):
            alive()
            own_ns = time_ns[part]
            stored = stored_minutes(self._home.database, command.pump_id, int(own_ns[0]), int(own_ns[-1]))
            is_new = ~np.isin(own_ns // (MINUTE_MS * NS), stored)
            written.left_out += int((~is_new).sum())
            if is_new.any():
                chunk = target.chunk(command.tags, own_ns[is_new], np.asarray(table[part, 1:])[is_new])
                pending.append((self._store.handed.offer(chunk), own_ns[is_new], part.stop))
                held += int(is_new.sum())
            is_last = part.stop == time_ns.size
            while pending and (is_last or len(pending) >= HELD_MOST or held >= HELD_ROWS):
                future, own_ns, done = pending.popleft()
                held -= own_ns.size
                if not self._is_written(future, stop, alive):
                    return
                written.add(own_ns)
                self.view = ImportView(order.id, command.pump_id, command.source, done, time_ns.size)

    def _is_written(self, future: "Future[None]", stop: threading.Event, alive: Callable[[], None]) -> bool:
        """Wait until a day is on the disk; False when it was taken back instead."""
        while not wait([future], TURN_S).done:
            alive()
            if stop.is_set() or self._cancelled.is_set():
                self._store.handed.withdraw()
        if future.cancelled():
            return False
        future.result()
        return True

    def _table(self, command: ImportReadings) -> NDArray[np.float64]:
        """Milliseconds since 1970 and values (m, 1 + n), read from the disk as they are needed."""
        path = self._staged(command)
        try:
            table: NDArray[np.float64] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise InputError(
                f"the readings of {command.source} cannot be read: {error}", "import them again"
            ) from error
        is_whole = table.ndim == 2 and table.dtype == np.float64 and table.shape[1] == 1 + len(command.tags) > 1
        if not is_whole or not table.shape[0] or not (np.diff(table[:, 0]) >= 1).all():
            raise InputError(f"the readings of {command.source} are not as they should be", "import them again")
        return table

    def _staged(self, command: ImportReadings) -> Path:
        return self._home.imports / Path(command.staged).name

    def _remove_left(self) -> None:
        for path in self._home.imports.glob("*"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > LEFT_AFTER_S:
                    path.unlink()
                    log.info("%s of an import that was never ordered is removed", path.name)
