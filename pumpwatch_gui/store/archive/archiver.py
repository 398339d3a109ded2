"""The archive's share of the writer's time: rows to pieces, pieces to days, copies deleted, the budget kept.

All of it runs a little at a time on the writer's connection. What it writes needs no wait for the disk: a power cut
takes the newest steps back, in their order, and rows are deleted only in steps after the one that archived them.
"""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

import apsw

from pumpwatch_gui.domain.events import Event, Note
from pumpwatch_gui.store.archive.chunks import DAY_MS
from pumpwatch_gui.store.archive.codec import BrokenChunkError
from pumpwatch_gui.store.archive.compaction import compact, days_due
from pumpwatch_gui.store.archive.moving import (
    PIECE_MS,
    Moved,
    delete_some,
    last_id,
    move,
    next_range,
    resolutions_of,
)
from pumpwatch_gui.store.archive.retention import Doomed, delete_oldest, is_left_of
from pumpwatch_gui.store.hot.growth import table_bytes
from pumpwatch_gui.store.ids import NUMBER_BITS, make_id
from pumpwatch_gui.store.reading_rows import TABLES
from pumpwatch_gui.store.schema import DISK_FAULTS, run

log = logging.getLogger("pumpwatch.store")

LATE_MS: Final = 2 * 60_000
"""A piece is archived so long after its end: rows and scores that are under way still find it open."""
KEPT_MS: Final = 2 * 3_600_000
"""Rows that were archived stay for so long, for whoever reads the table itself."""
LOOK_EVERY_S: Final = 10.0
MOST_DUE: Final = 500
LOOK_FOR_ROOM_S: Final = 3600.0
_DONE = object()


class Archiver:
    """Used by the writer thread only. `report` hears what was deleted for room, and why archiving stopped.

    `budget_bytes`: what the history may take of the disk, 0 for as much as there is.
    """

    def __init__(self, report: Callable[[Event], None], *, budget_bytes: int = 0) -> None:
        self.budget_bytes = budget_bytes
        self._report = report
        self._moved = Moved()
        self._work: Iterator[None] | None = None
        self._reading: tuple[int, int] | None = None
        self._unreadable: set[tuple[int, int]] = set()
        self._idle_until_s = 0.0
        self._has_failed = False
        self._no_room_until_s = 0.0

    def take_up(self, connection: apsw.Connection) -> None:
        """Begin on a database that was just opened."""
        self._moved = Moved.read(connection)
        self._idle_until_s = 0.0
        self.leave()

    def wake(self) -> None:
        """Look at the next step for what there is to do, not only after a while."""
        self._idle_until_s = 0.0

    def leave(self) -> None:
        """Forget what is under way: nothing of it is written, and it is begun again."""
        self._work = self._reading = None

    def make_way(self, connection: apsw.Connection, first_id: int) -> None:
        """Make the table fit for rows from `first_id` on, which are about to be written.

        A row among those that are copies would pass for one: the clock was set back by minutes. They are deleted first.
        """
        while self.delete_copies(connection, from_id=first_id):
            pass

    def delete_copies(self, connection: apsw.Connection, *, from_id: int = 0) -> bool:
        """Delete some of the copies of rows from an id on; whether some are left. Then such rows may be written."""
        if self._reading is not None and from_id < self._reading[1]:
            self.leave()
        late = [bounds for bounds in self._moved.ranges if from_id < bounds[1]]
        if late and not delete_some(connection, late[0]):
            self._moved = Moved.read(connection)
            return len(late) > 1
        return bool(late)

    def step(self, connection: apsw.Connection, *, within_s: float, now_ns: int | None = None) -> bool:
        """Work for about `within_s` seconds; whether there is more to do. Raises what is in DISK_FAULTS."""
        started = time.monotonic()
        if self._has_failed or (self._work is None and started < self._idle_until_s):
            return False
        run(connection, "PRAGMA synchronous = NORMAL")
        try:
            while self._turn(connection, time.time_ns() if now_ns is None else now_ns):
                if time.monotonic() - started >= within_s:
                    return True
        except DISK_FAULTS:
            raise
        except Exception as error:  # a bug must not end the writer: rows stay rows, and everything can be read
            log.exception("archiving stopped")
            self._has_failed = True
            self.leave()
            text = (
                f"Archiving stopped until the next start ({type(error).__name__}: {error}); readings are still stored"
            )
            self._report(Note(time.time_ns(), text, "ERROR"))
        finally:
            if not connection.in_transaction:
                run(connection, "PRAGMA synchronous = FULL")
        self._idle_until_s = started + LOOK_EVERY_S
        return False

    def _turn(self, connection: apsw.Connection, now_ns: int) -> bool:
        """One slice of work; False when there is none."""
        if self._work is None:
            self._work = self._next(connection, now_ns)
        if self._work is None:
            return False
        if next(self._work, _DONE) is _DONE:
            self._work = self._reading = None
            self._moved = Moved.read(connection)
        return True

    def _next(self, connection: apsw.Connection, now_ns: int) -> Iterator[None] | None:
        """The most urgent work: days that are complete, so that there are few pieces; copies; rows; room."""
        # Counted from the newest reading, not from now: what a station that was off has of late stays as rows. Not from
        # a reading that a wrong clock put into the future, or each further one would come too late.
        now_id = make_id(now_ns)
        newest = min(now_id, max((k for t in TABLES if (k := last_id(connection, t)) is not None), default=0))
        horizon_ms = ((newest >> NUMBER_BITS) - LATE_MS) // PIECE_MS * PIECE_MS
        bounds = next_range(connection, self._moved, horizon_ms << NUMBER_BITS)
        complete = horizon_ms if bounds is None else min(horizon_ms, bounds[0] >> NUMBER_BITS)
        due = [one for one in days_due(connection, complete // DAY_MS, MOST_DUE) if one not in self._unreadable]
        if due:
            return self._compact(connection, *due[0])
        old = [b for b in self._moved.ranges if b[1] <= newest - (KEPT_MS << NUMBER_BITS)]
        if old:
            return self._delete(connection, old[0])
        if bounds is not None:
            self._reading = bounds
            return move(connection, bounds)
        if 0 < self.budget_bytes < table_bytes(connection) and time.monotonic() >= self._no_room_until_s:
            return self._make_room(connection, (make_id(now_ns) >> NUMBER_BITS) // DAY_MS)
        return None

    def _compact(self, connection: apsw.Connection, day: int, number: int) -> Iterator[None]:
        try:
            yield from compact(connection, number, day, resolutions_of(connection).get(number, {}))
        except BrokenChunkError as error:
            log.error("day %d of pump number %d stays in pieces: %s", day, number, error.message)
            self._unreadable.add((day, number))

    def _delete(self, connection: apsw.Connection, bounds: tuple[int, int]) -> Iterator[None]:
        while delete_some(connection, bounds):
            yield

    def _make_room(self, connection: apsw.Connection, today: int) -> Iterator[None]:
        """Delete the oldest, whole days of readings, until the budget is kept; one line for the journal."""
        gone: list[Doomed] = []
        while self.budget_bytes < table_bytes(connection) or (gone and is_left_of(connection, gone[-1])):
            one = delete_oldest(connection, today)
            if one is None:
                self._no_room_until_s = time.monotonic() + LOOK_FOR_ROOM_S
                break
            gone.append(one)
            yield
        for what in dict.fromkeys(one.what for one in gone):
            own = [one for one in gone if one.what == what]
            self._report(Note(time.time_ns(), _deleted(own[0], own[-1], self.budget_bytes), "WARNING"))


def _deleted(first: Doomed, last: Doomed, budget_bytes: int) -> str:
    days = [f"{datetime.fromtimestamp(one.time_ns / 1e9, UTC):%Y-%m-%d}" for one in (first, last)]
    span = days[0] if days[0] == days[1] else f"{days[0]} to {days[1]}"
    kept = {
        "readings": "their minutes and hours stay",
        "detections": "the minutes of their scores stay",
        "minutes": "their hours stay",
        "hours": "nothing older stays",
    }
    return (
        f"The {last.what} of {span} (UTC) were deleted: the history takes more than its budget of "
        f"{budget_bytes / 1e9:.1f} GB; {kept[last.what]}"
    )
