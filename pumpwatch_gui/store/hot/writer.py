"""The only writer: one commit a second of everything that came in.

A commit that the disk refuses keeps its rows and is tried again; a row that the database refuses goes to the quarantine
file and costs no other. A row counts as committed only when it is on the disk.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import apsw

from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.domain.events import Event, StoreTrouble
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.store.hot.batch import Batch, Encoder, Item, Refused
from pumpwatch_gui.store.hot.counters import StoreCounters, StoreView
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
from pumpwatch_gui.store.hot.row_quarantine import FILE as ROW_FILE
from pumpwatch_gui.store.hot.row_quarantine import quarantine_rows
from pumpwatch_gui.store.hot.salvage import Salvage
from pumpwatch_gui.store.ids import IdMaker
from pumpwatch_gui.store.layout import PumpRow, check_pumps, register, rename
from pumpwatch_gui.store.open_alarms import open_alarms
from pumpwatch_gui.store.schema import DAMAGE, DISK_FAULTS, Connect, connect, from_apsw, run, transaction

__all__ = ["PumpRow", "Store", "StoreView"]

log = logging.getLogger("pumpwatch.store")

COMMIT_EVERY_S = 1.0
MAX_ITEMS = 10_000
"""Items of one transaction: a backlog goes to the disk in pieces."""
CAPACITY = 60_000
RETRY_S = (0.5, 1.0, 2.0, 5.0)
NONE_RENAMED: Mapping[str, str] = MappingProxyType({})
SALVAGE_S = 0.2
ALIVE_EVERY_S = 0.5
REFUSED_OVER_S = 60.0
"""So long without a further refused row, and their trouble is over."""


class Store:
    """The history of a station on disk. Build it, give `run` a thread, offer what happens from any thread.

    `path` is opened (created, upgraded) here. Raises StoreError, with advice, when it is of a newer version or of
    another program, or cannot be written. What was found wrong on opening (a damaged file that was quarantined, a pump
    that cannot be stored) is reported through `on_trouble` once `run` starts. `on_trouble` is called on the thread
    that finds the trouble and must not block.
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
        self._counters = StoreCounters()
        self._refused_s = 0.0
        self._salvage: Salvage | None = None
        self._check: HealthCheck | None = None
        self._is_broken = False
        self._was_unclean = False
        self._notice = ""
        self._unregistered: Mapping[str, str] = {}
        self._connection: apsw.Connection | None = None
        try:
            self._encoder = self._open()
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

    def set_pumps(self, pumps: Sequence[PumpRow], renamed: Mapping[str, str] = NONE_RENAMED) -> None:
        """Go over to other pumps or profiles from this point of the queue on. Raises StoreError when two share an id.

        `renamed` (old id → new id) are pumps that only changed their id: they keep their number, and with it their
        readings, scores, detections and feedback. Journal and audit lines keep the id that was true when they were
        written.
        """
        check_pumps(pumps)
        self._intake.offer_pumps(PumpsChanged(tuple(pumps), dict(renamed)))

    def view(self) -> StoreView:
        """The counters now. Cheap."""
        return self._counters.view(self._intake, self._troubles.text)

    def _on_full(self) -> None:
        text = f"The store cannot keep up: its queue of {self._intake.capacity} is full, readings or events are lost"
        self._troubles.start("full", text)

    # ---------------------------------------------------------------- the writer thread

    def run(self, stop: threading.Event, alive: Callable[[], None] = lambda: None) -> None:
        """Commit once a second until `stop`, then everything that is left, and close.

        `alive` is called at least once a second while the writer turns, also between the pieces of a backlog. An error
        that escapes is a bug; what is queued stays queued, and calling `run` again goes on with it.
        """
        make_reserve(self.path)
        self._report_opening()
        if self._was_unclean:
            self._was_unclean = False
            self._check = HealthCheck(self.path)
        try:
            self._write_until(stop, alive)
        except BaseException:
            self._end_check()
            self._close_connection()  # its state is not known: a statement may still be open on it
            raise
        self.close()

    def _write_until(self, stop: threading.Event, alive: Callable[[], None]) -> None:
        failures = 0
        due = time.monotonic()
        while not self._wait(stop, due, alive):
            failures = 0 if self._flush(alive) else failures + 1
            pause_s = RETRY_S[min(failures, len(RETRY_S)) - 1] if failures else COMMIT_EVERY_S
            due = max(due + pause_s, time.monotonic() + pause_s / 2)
        if not (self._flush(alive) or self._flush(alive)):
            self._give_up()

    def _give_up(self) -> None:
        """Count what the disk refused to the end as lost."""
        held = [] if isinstance(self._items, PumpsChanged) else self._items
        self._counters.lost_others += (others := sum(not isinstance(item, tuple) for item in held))
        self._items, self._batch = [], None
        readings, queued = self._intake.give_up()
        log.error("%d readings and %d other rows could not be written before the end", readings, others + queued)

    def _wait(self, stop: threading.Event, due_s: float, alive: Callable[[], None]) -> bool:
        """Wait until the monotonic time `due_s`; True at once when it is to stop."""
        while True:
            alive()
            left_s = due_s - time.monotonic()
            if stop.wait(min(max(0.0, left_s), ALIVE_EVERY_S)):
                return True
            if left_s <= ALIVE_EVERY_S:
                return False

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

    def _flush(self, alive: Callable[[], None]) -> bool:
        """Write all there is; False when the disk refused (the rows are kept)."""
        try:
            if self._connection is None:
                self._reopen()
            while self._write_next():
                alive()
            self._maintain()
        except StoreError as error:
            self._fail(error)
            return False
        except DISK_FAULTS as error:
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
            self._items = self._intake.take(MAX_ITEMS)
        if isinstance(self._items, PumpsChanged):
            self._change_pumps(connection, self._items)
            return True
        if not self._items:
            return False
        if self._batch is None:
            self._batch = self._encoder.encode(self._items)
        start = time.perf_counter()
        written = self._commit(connection, self._batch)
        self._items, self._batch = [], None  # first: whatever goes wrong below, they are on the disk
        self._acknowledge(written, time.perf_counter() - start)
        return True

    def _change_pumps(self, connection: apsw.Connection, change: PumpsChanged) -> None:
        self._pumps = change.pumps
        try:
            self._register(connection, self._encoder, change.renamed)
        except (StoreError, *DISK_FAULTS):
            raise  # the change stays at the head of the queue
        except BaseException:
            self._items = []  # a bug: met again it would end every restart. Opening registers the pumps without it
            raise
        self._items = []
        self._report_unregistered()

    def _commit(self, connection: apsw.Connection, batch: Batch) -> Batch:
        try:
            with transaction(connection):
                batch.write(connection)
            return batch
        except DISK_FAULTS:
            raise
        except Exception as error:  # noqa: BLE001 - per row: one of them is at fault, and is found below
            log.debug("a batch was refused, its rows are written one by one: %s", error)
            with transaction(connection):
                return batch.write_each(connection)

    def _acknowledge(self, batch: Batch, duration_s: float) -> None:
        self._intake.done(self._counters.written(batch, duration_s))
        self._encoder.ids.committed()
        self._encoder.station_ids.committed()
        self._counters.database_bytes = bytes_on_disk(self.path)
        if batch.refused:
            self._report_refused(batch.refused)

    def _maintain(self) -> None:
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

    def _report_refused(self, refused: Sequence[Refused]) -> None:
        quarantine_rows(self.path, refused)
        self._refused_s = time.monotonic()
        text = (
            f"The database refused {self._counters.quarantined} rows ({refused[0].reason}): they are kept in "
            f"{ROW_FILE} in the folder of the database"
        )
        self._troubles.start("refused", text)

    def _recovered(self) -> None:
        if self._troubles.text:
            make_reserve(self.path)
        self._troubles.end("write", "The store writes again; nothing that was queued is lost")
        if self._intake.depth <= self._intake.capacity // 2:
            lost = f"{self._intake.lost} readings were lost in all"
            self._troubles.end("full", f"The store keeps up again; {lost}, {self._intake.lost_others} events")
        if time.monotonic() - self._refused_s >= REFUSED_OVER_S:
            self._troubles.end("refused", f"No more rows are refused; {self._counters.quarantined} were in all")

    def _report_opening(self) -> None:
        if self._notice:
            log.warning("%s", self._notice)
            self._troubles.start("damaged", self._notice)
            self._troubles.end("damaged", "Recording goes on in a new database")
            self._notice = ""
        self._report_unregistered()

    def _report_unregistered(self) -> None:
        if self._unregistered:
            reasons = "; ".join(f"{pump_id}: {reason}" for pump_id, reason in self._unregistered.items())
            self._troubles.start("pumps", f"These pumps are not stored, their readings are lost ({reasons})")
        else:
            self._troubles.end("pumps", "Every pump is stored again")

    # ---------------------------------------------------------------- opening

    def _open_connection(self) -> apsw.Connection:
        if self._connection is None:
            raise StoreError(f"the database {self.path} is not open")
        return self._connection

    def _open(self) -> Encoder:
        opened = open_database(self.path, connect=self._connect)
        self._was_unclean = opened.unclean
        try:
            return self._begin(opened)
        except DAMAGE:  # in a table that opening does not read
            return self._begin(quarantine(self.path, connect=self._connect))

    def _reopen(self) -> None:
        """Open again after a fault; a database that turned out to be damaged is quarantined first."""
        self._end_check() if self._is_broken else None
        open_it = quarantine if self._is_broken else open_database
        # The encoder goes on as it is: rows that wait in memory keep their ids, alarms their last state.
        self._begin(open_it(self.path, connect=self._connect), self._encoder)
        self._is_broken = False
        self._report_opening()

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

    def _begin(self, opened: Opened, encoder: Encoder | None = None) -> Encoder:
        """Take a database up: what a damaged one yields of its small tables, and the pumps of now."""
        connection = opened.connection
        try:
            if opened.quarantined is not None:
                self._salvage = Salvage.begin(opened.quarantined, connection)
            encoder = encoder or self._new_encoder(connection)
            self._register(connection, encoder, NONE_RENAMED)
        except BaseException:
            connection.close()
            raise
        self._notice = opened.notice
        self._connection = connection
        self._counters.database_bytes = bytes_on_disk(self.path)
        return encoder

    def _register(self, connection: apsw.Connection, encoder: Encoder, renamed: Mapping[str, str]) -> None:
        numbers = {pump_id: layout.number for pump_id, layout in encoder.layouts.items()}
        with transaction(connection):
            rename(connection, renamed)
            layouts, self._unregistered = register(connection, self._pumps, encoder.ids, numbers)
            run(connection, "INSERT OR REPLACE INTO meta VALUES ('station', ?)", (str(self._station),))
            mark_writing(connection, True)
        encoder.take_up(layouts)

    def _new_encoder(self, connection: apsw.Connection) -> Encoder:
        readings, journal = self._ids(connection, "sensor_readings"), self._ids(connection, "journal")
        return Encoder(readings, journal, {alarm.alarm_id: alarm.state for alarm in open_alarms(connection)})

    def _ids(self, connection: apsw.Connection, table: str) -> IdMaker:
        def is_taken(key: int) -> bool:
            return self._open_connection().execute(f"SELECT 1 FROM {table} WHERE id = ?", (key,)).get is not None

        newest = connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").get
        return IdMaker(is_taken, newest=int(str(newest)))
