"""The only writer: one commit a second of everything that came in.

A commit that fails keeps its rows and is tried again; a row counts as committed only when it is on the disk.
"""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import apsw
import numpy as np

from pumpwatch_gui.domain.alarms.alarm import AlarmState
from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.domain.events import Event, StoreTrouble
from pumpwatch_gui.domain.station import Percentiles
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.store.hot.batch import Batch, Encoder, Item
from pumpwatch_gui.store.hot.health_check import HealthCheck
from pumpwatch_gui.store.hot.intake import Intake, PumpsChanged, Troubles
from pumpwatch_gui.store.hot.opening import (
    Opened,
    bytes_on_disk,
    free_reserve,
    make_reserve,
    mark_writing,
    open_database,
    quarantine,
)
from pumpwatch_gui.store.hot.salvage import Salvage
from pumpwatch_gui.store.ids import IdMaker
from pumpwatch_gui.store.layout import PumpRow, check_pumps, register
from pumpwatch_gui.store.schema import DAMAGE, Connect, connect, from_apsw, run, transaction

__all__ = ["PumpRow", "Store", "StoreView"]

log = logging.getLogger("pumpwatch.store")

COMMIT_EVERY_S = 1.0
MOST_ITEMS = 10_000
"""Items of one transaction: a backlog goes to the disk in pieces."""
CAPACITY = 60_000
RETRY_S = (0.5, 1.0, 2.0, 5.0)
SALVAGE_S = 0.2
WORLD = (
    apsw.FullError,
    apsw.ReadOnlyError,
    apsw.CantOpenError,
    apsw.PermissionsError,
    apsw.IOError,
    apsw.BusyError,
    apsw.LockedError,
    apsw.ProtocolError,
    apsw.NoMemError,
    *DAMAGE,
)
"""Faults of the disk, not of this program: the rows are kept and written again."""


@dataclass(frozen=True, slots=True)
class StoreView:
    """The store now. `committed`, `lost` and `depth` (in memory) count readings, `lost_others` detections and events.

    `commit_ms`: the last 600 transactions, begin to safe on disk. `last_commit_ns` Unix UTC, 0 before the first.
    `error` is "" while all is well.
    """

    committed: int
    lost: int
    lost_others: int
    depth: int
    high_water: int
    commit_ms: Percentiles
    last_commit_ns: int
    database_bytes: int
    error: str


class Store:
    """The history of a station on disk. Build it, give `run` a thread, offer what happens from any thread.

    `path` is opened (created, upgraded) here. Raises StoreError, with advice, when it is of a newer version or of
    another program, or cannot be written. A damaged file is put aside and told through `on_trouble` once `run` starts.
    `on_trouble` is called on the thread that finds the trouble and must not block.
    """

    def __init__(
        self,
        path: Path,
        *,
        station: int,
        pumps: Sequence[PumpRow],
        on_trouble: Callable[[StoreTrouble], None] = lambda trouble: None,
        capacity: int = CAPACITY,
        connect: Connect = connect,
    ) -> None:
        check_pumps(pumps)
        self.path = path
        self._station = station
        self._connect = connect
        self._troubles = Troubles(on_trouble)
        self._intake = Intake(capacity, self._on_full)
        self._items: list[Item] | PumpsChanged = []
        self._batch: Batch | None = None
        self._pumps = tuple(pumps)
        self._committed = 0
        self._unplaced = 0
        self._commit_ms: deque[float] = deque(maxlen=600)
        self._last_commit_ns = 0
        self._bytes = 0
        self._salvage: Salvage | None = None
        self._check: HealthCheck | None = None
        self._is_broken = False
        self._notice = ""
        self._connection: apsw.Connection | None = None
        try:
            opened = open_database(path, connect=connect)
            self._was_unclean = opened.unclean
            self._encoder = self._begin(opened)
        except apsw.Error as error:
            raise from_apsw(error, path) from error

    # ---------------------------------------------------------------- any thread

    def offer_frame(self, frame: Frame, machine_status: str) -> None:
        """Queue a reading; never blocks. When there is no room it is counted as lost."""
        self._intake.offer((frame, machine_status), is_reading=True)

    def offer_detection(self, detection: Detection) -> None:
        """Queue a detection; never blocks."""
        self._intake.offer(detection, is_reading=False)

    def offer_event(self, event: Event) -> None:
        """Queue a journal line; never blocks."""
        self._intake.offer(event, is_reading=False)

    def set_pumps(self, pumps: Sequence[PumpRow], renamed: Mapping[str, str] = MappingProxyType({})) -> None:
        """Go over to other pumps or profiles from this point of the queue on. Raises StoreError when they clash."""
        check_pumps(pumps)
        self._intake.offer_pumps(pumps)

    def view(self) -> StoreView:
        """The counters now. Cheap."""
        sample = list(self._commit_ms)
        return StoreView(
            committed=self._committed,
            lost=self._intake.lost + self._unplaced,
            lost_others=self._intake.lost_others,
            depth=self._intake.depth,
            high_water=self._intake.high_water,
            commit_ms=Percentiles(*map(float, np.percentile(sample, (50, 95, 99)))) if sample else Percentiles(),
            last_commit_ns=self._last_commit_ns,
            database_bytes=self._bytes,
            error=self._troubles.text,
        )

    def _on_full(self) -> None:
        text = f"The store cannot keep up: its queue of {self._intake.capacity} readings is full and readings are lost"
        self._troubles.start("full", text)

    # ---------------------------------------------------------------- the writer thread

    def run(self, stop: threading.Event, alive: Callable[[], None] = lambda: None) -> None:
        """Commit once a second until `stop`, then everything that is left, and close."""
        make_reserve(self.path)
        self._tell_notice()
        if self._was_unclean:
            self._check = HealthCheck(self.path)
        failures = 0
        beat = time.monotonic()
        try:
            while not stop.wait(max(0.0, beat - time.monotonic())):
                alive()
                failures = 0 if self._flush() else failures + 1
                pause_s = RETRY_S[min(failures, len(RETRY_S)) - 1] if failures else COMMIT_EVERY_S
                beat = max(beat + pause_s, time.monotonic() + pause_s / 2)
            self._flush_last()
        finally:
            self.close()

    def close(self) -> None:
        """Close the database; `run` does it at its end."""
        self._end_check()
        if self._salvage is not None:
            log.warning("the end came before all rows were saved; the rest is only in %s", self._salvage.name)
            self._salvage.close()
            self._salvage = None
        if self._connection is not None:
            try:
                mark_writing(self._connection, False)
            except apsw.Error as error:
                log.warning("the database could not be marked as cleanly closed: %s", error)
            self._close_connection()

    def _flush_last(self) -> None:
        if self._flush() or self._flush():
            return
        readings, others = self._intake.give_up()
        log.error("%d readings and %d other rows could not be written before the end", readings, others)

    def _flush(self) -> bool:
        """Write all there is; False when the disk refused (the rows are kept)."""
        try:
            if self._connection is None:
                self._reopen()
            while self._write_next():
                pass
            self._look_after()
        except StoreError as error:
            self._fail(error)
            return False
        except WORLD as error:
            self._fail(from_apsw(error, self.path))
            if isinstance(error, apsw.FullError):
                free_reserve(self.path)
            self._is_broken = isinstance(error, DAMAGE)
            self._close_connection()
            return False
        self._recovered()
        return True

    def _write_next(self) -> bool:
        """Write one batch; False when the queue is empty."""
        connection = self._open_connection()
        if not self._items:
            self._items = self._intake.take(MOST_ITEMS)
        if isinstance(self._items, PumpsChanged):
            self._pumps = self._items.pumps
            self._register(connection, self._encoder)
            self._items = []
            return True
        if not self._items:
            return False
        if self._batch is None:
            self._batch = self._encoder.encode(self._items)
        start = time.perf_counter()
        with transaction(connection):
            self._batch.write(connection)
        self._commit_ms.append((time.perf_counter() - start) * 1e3)
        self._acknowledge(self._batch)
        return True

    def _acknowledge(self, batch: Batch) -> None:
        self._last_commit_ns = time.time_ns()
        self._committed += batch.reading_count
        self._unplaced += batch.unplaced
        self._intake.done(batch.reading_count + batch.unplaced)
        self._items, self._batch = [], None
        self._encoder.ids.committed()
        self._encoder.station_ids.committed()
        self._bytes = bytes_on_disk(self.path)

    def _look_after(self) -> None:
        connection = self._open_connection()
        if self._check is not None and self._check.is_damaged:
            self._is_broken = True
            self._close_connection()
            self._reopen()
        elif self._salvage is not None and not self._salvage.step(connection, within_s=SALVAGE_S):
            self.offer_event(self._salvage.note())
            self._salvage = None

    # ---------------------------------------------------------------- trouble

    def _fail(self, error: StoreError) -> None:
        log.debug("commit failed: %s", error.message)
        self._troubles.start("write", f"Nothing can be stored: {error.message}. {error.advice}".strip())

    def _recovered(self) -> None:
        if self._troubles.text:
            make_reserve(self.path)
        self._troubles.end("write", "The store writes again; nothing that was queued is lost")
        if self._intake.depth <= self._intake.capacity // 2:
            self._troubles.end("full", f"The store keeps up again; {self._intake.lost} readings were lost in all")

    def _tell_notice(self) -> None:
        if self._notice:
            log.warning("%s", self._notice)
            self._troubles.start("damaged", self._notice)
            self._troubles.end("damaged", "Recording goes on in a new database")
            self._notice = ""

    # ---------------------------------------------------------------- opening

    def _open_connection(self) -> apsw.Connection:
        if self._connection is None:
            raise StoreError(f"the database {self.path} is not open")
        return self._connection

    def _reopen(self) -> None:
        """Open again after a fault; a database that turned out to be damaged is put aside first."""
        if self._is_broken:
            self._end_check()
            opened = quarantine(self.path, connect=self._connect)
            self._is_broken = False
        else:
            opened = open_database(self.path, connect=self._connect)
        encoder = self._begin(opened)
        # The ids given so far stay in force: rows waiting in memory keep theirs.
        encoder.ids, encoder.station_ids = self._encoder.ids, self._encoder.station_ids
        self._encoder = encoder
        self._tell_notice()

    def _close_connection(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            try:
                connection.close()
            except apsw.Error as error:
                log.debug("closing after a failed commit: %s", error)

    def _end_check(self) -> None:
        if self._check is not None:
            self._check.end()
            self._check = None

    def _begin(self, opened: Opened) -> Encoder:
        """Take a database up: its pumps, its newest ids and its open alarms."""
        connection = opened.connection
        try:
            if opened.quarantined is not None:
                self._salvage = Salvage.begin(opened.quarantined, connection)
            encoder = Encoder(
                self._ids(connection, "sensor_readings"),
                self._ids(connection, "journal"),
                _open_states(connection),
            )
            self._register(connection, encoder)
        except BaseException:
            connection.close()
            raise
        self._notice = opened.notice
        self._connection = connection
        self._bytes = bytes_on_disk(self.path)
        return encoder

    def _register(self, connection: apsw.Connection, encoder: Encoder) -> None:
        with transaction(connection):
            layouts = register(connection, self._pumps, encoder.ids)
            run(connection, "INSERT OR REPLACE INTO meta VALUES ('station', ?)", (str(self._station),))
            mark_writing(connection, True)
        encoder.take_up(layouts)

    def _ids(self, connection: apsw.Connection, table: str) -> IdMaker:
        def is_taken(key: int) -> bool:
            return self._open_connection().execute(f"SELECT 1 FROM {table} WHERE id = ?", (key,)).get is not None

        newest = connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").get
        return IdMaker(is_taken, newest=int(str(newest)))


def _open_states(connection: apsw.Connection) -> dict[str, AlarmState]:
    rows = connection.execute("SELECT alarm_id, alarm FROM open_alarms").fetchall()
    return {str(i): AlarmState(json.loads(str(alarm))["state"]) for i, alarm in rows}
