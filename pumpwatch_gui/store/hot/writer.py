"""The only writer: one commit a second of everything that came in.

A commit that the disk refuses keeps its rows and is tried again; a row that the database refuses goes to the quarantine
file and costs no other. A row counts as committed only when it is on the disk, in the file that bears the name.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.domain.events import Event, StoreTrouble
from pumpwatch_gui.domain.pump.counters import CounterRow
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.store.archive.handed import HandedChunks
from pumpwatch_gui.store.hot.batch import Batch, Item, Refused, kind_of
from pumpwatch_gui.store.hot.counters import StoreCounters, StoreView
from pumpwatch_gui.store.hot.database import Database
from pumpwatch_gui.store.hot.identity import LostFileError
from pumpwatch_gui.store.hot.intake import Intake, PumpsChanged, Troubles
from pumpwatch_gui.store.hot.opening import bytes_on_disk, free_bytes, free_reserve, make_reserve
from pumpwatch_gui.store.hot.row_quarantine import FILE as ROW_FILE
from pumpwatch_gui.store.hot.row_quarantine import quarantine_rows
from pumpwatch_gui.store.hot.upkeep import Upkeep
from pumpwatch_gui.store.layout import PumpRow, check_pumps
from pumpwatch_gui.store.outbox import Outbox
from pumpwatch_gui.store.schema import DAMAGE, DISK_FAULTS, Connect, connect, damaged, from_apsw, is_full

__all__ = ["PumpRow", "Store", "StoreView"]

log = logging.getLogger("pumpwatch.store")

COMMIT_EVERY_S = 1.0
MAX_ITEMS = 10_000
"""Items of one transaction: a backlog goes to the disk in pieces."""
CAPACITY = 60_000
RETRY_S = (0.5, 1.0, 2.0, 5.0)
NONE_RENAMED: Mapping[str, str] = MappingProxyType({})
ALIVE_EVERY_S = 0.5
REFUSED_OVER_S = 60.0
"""So long without a further refused row, and their trouble is over."""


class Store:
    """The history of a station on disk. Build it, give `run` a thread, offer what happens from any thread.

    `path` is opened (created, upgraded) here if that is possible, else by `run` as soon as it is: whatever the disk
    does, a store can be built, and what is offered waits in memory, up to `capacity` readings and as many other rows;
    beyond that what comes is lost and counted. A file of a newer version or of another program is never touched.
    Raises StoreError only when two pumps share an id. `on_trouble` hears what is wrong, `on_open_alarms` the alarms of
    the run before when they could be read only after the start; both once `run` has started, on the thread that finds
    it, and must not block. Its `outbox` says what is to be sent to a server: nothing, at first.
    """

    def __init__(
        self,
        path: Path,
        *,
        station: int,
        pumps: Sequence[PumpRow],
        on_trouble: Callable[[StoreTrouble], None] = lambda trouble: None,
        on_open_alarms: Callable[[Sequence[Alarm]], None] = lambda alarms: None,
        capacity: int = CAPACITY,
        budget_bytes: int = 0,
        connect: Connect = connect,
    ) -> None:
        check_pumps(pumps)
        self.path = path
        self._on_open_alarms = on_open_alarms
        self._troubles = Troubles(on_trouble)
        self._intake = Intake(capacity, self._on_full)
        self._items: list[Item] | PumpsChanged = []
        self._batch: Batch | None = None
        self._pumps = tuple(pumps)
        self._counters = StoreCounters()
        self._refused_s = 0.0
        self._committed_before = 0
        self._notice = ""
        self.outbox = Outbox()
        self._database = Database(path, station=station, outbox=self.outbox, connect=connect)
        self._upkeep = Upkeep(self._database, self.offer_event)
        self.set_budget(budget_bytes)
        self._is_late = False
        try:
            self._open()
        except StoreError as error:
            self._is_late = True
            self._counters.first_error = error.message

    @property
    def open_alarms(self) -> Sequence[Alarm]:
        """The alarms that were not NORMAL when the run before ended, as far as they could be read by now."""
        return tuple(self._database.open_alarms)

    # ---------------------------------------------------------------- any thread

    def offer_frame(self, frame: Frame, machine_status: str) -> None:
        """Queue a reading; never blocks. When there is no room it is counted as lost."""
        self._intake.offer((frame, machine_status))

    def offer_detection(self, detection: Detection) -> None:
        """Queue a detection; never blocks."""
        self._intake.offer(detection)

    def offer_counters(self, row: CounterRow) -> None:
        """Queue what the counters of a pump stand at; never blocks."""
        self._intake.offer(row)

    def offer_event(self, event: Event) -> None:
        """Queue a journal line; never blocks."""
        self._intake.offer(event)

    def set_pumps(
        self, pumps: Sequence[PumpRow], renamed: Mapping[str, str] = NONE_RENAMED, site: Site | None = None
    ) -> None:
        """Go over to other pumps or profiles from this point of the queue on. Raises StoreError when two share an id.

        `renamed` (old id → new id) are pumps that only changed their id: they keep their number, and with it their
        readings, scores, detections and feedback. Journal and audit lines keep the id that was true when they were
        written. The `site` is kept for a review of the history.
        """
        check_pumps(pumps)
        self._intake.offer_pumps(PumpsChanged(tuple(pumps), dict(renamed), site))

    def set_budget(self, budget_bytes: int) -> None:
        """What the history may take of the disk, 0 for no bound: beyond it the oldest raw readings are deleted."""
        self._upkeep.archiver.budget_bytes = budget_bytes

    @property
    def handed(self) -> HandedChunks:
        """Where another thread hands over chunks of the archive. Any thread."""
        return self._upkeep.handed

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
        try:
            self._write_until(stop, alive)
        except BaseException:
            self._upkeep.leave()
            self._database.close()  # its state is not known: a statement may still be open on it
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
        self._counters.lost += Counter(kind_of(item) for item in held if not isinstance(item, tuple))
        self._items, self._batch = [], None
        self._intake.give_up()
        log.error("what the disk refused to the end is lost: %s", self._losses())

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
        self._upkeep.end()
        self._database.end()

    def _flush(self, alive: Callable[[], None]) -> bool:
        """Write all there is; False when the disk refused (the rows are kept)."""
        try:
            return self._write_all(alive)
        except LostFileError as error:  # once more at once: into a new file
            self._leave_lost(error)
        except StoreError as error:
            self._fail(error)
            return False
        try:
            return self._write_all(alive)
        except StoreError as error:
            self._fail(error)
            return False

    def _write_all(self, alive: Callable[[], None]) -> bool:
        """Write all there is; raises StoreError when the disk refuses."""
        try:
            if not self._database.is_open:
                self._open()
                self._report_opening()
            self._database.check_name()
            while self._write_next():
                alive()
            self._maintain()
        except DISK_FAULTS as error:
            if is_full(error):
                free_reserve(self.path)
            self._database.is_broken = isinstance(error, DAMAGE)
            self._close_database()
            raise from_apsw(error, self.path) from error
        self._recovered()
        return True

    def _write_next(self) -> bool:
        """Write one batch; False when the queue is empty."""
        if not self._items:
            self._items = self._intake.take(MAX_ITEMS)
        if isinstance(self._items, PumpsChanged):
            self._change_pumps(self._items)
            return True
        if not self._items:
            return False
        encoder = self._database.encoder
        assert encoder is not None
        if self._batch is None:
            self._batch = encoder.encode(self._items)
        self._upkeep.archiver.make_way(self._database.connection, self._batch.first_id)
        start = time.perf_counter()
        written = self._database.commit(self._batch)
        self._items, self._batch = [], None  # first: whatever goes wrong below, they are on the disk
        encoder.ids.committed()
        encoder.station_ids.committed()
        self._acknowledge(written, time.perf_counter() - start)
        return True

    def _change_pumps(self, change: PumpsChanged) -> None:
        self._pumps, self._database.site = change.pumps, change.site or self._database.site
        try:
            self._database.register(self._pumps, change.renamed)
        except (StoreError, *DISK_FAULTS):
            raise  # the change stays at the head of the queue
        except BaseException:
            self._items = []  # a bug: met again it would end every restart. Opening registers the pumps without it
            raise
        self._items = []
        self._report_unregistered()

    def _acknowledge(self, batch: Batch, duration_s: float) -> None:
        self._intake.done(self._counters.written(batch, duration_s))
        self._counters.database_bytes, self._counters.free_bytes = bytes_on_disk(self.path), free_bytes(self.path)
        if batch.refused:
            self._report_refused(batch.refused)

    def _maintain(self) -> None:
        self._upkeep.step(self._counters.committed)
        counters, upkeep = self._counters, self._upkeep
        counters.growth, counters.salvage = upkeep.growth, upkeep.salvage_progress
        counters.budget_bytes, counters.used_bytes = upkeep.archiver.budget_bytes, upkeep.used_bytes
        counters.oldest_ns = upkeep.oldest_ns

    # ---------------------------------------------------------------- trouble

    def _leave_lost(self, error: LostFileError) -> None:
        """Leave a file that no longer bears the name; what was not sure yet is still at hand, and written again."""
        log.error("%s", error.message)
        self._upkeep.leave()
        self._database.leave_lost(error)
        stored = self._counters.committed - self._committed_before
        where = (
            f" (the readings that this run had stored, {stored:,}, are only in the old one)"
            if stored and not error.is_log
            else ""
        )
        self._troubles.start("lost", f"{error.message[0].upper()}{error.message[1:]}{where}: {error.advice}")

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
        self._troubles.end("write", f"The store writes again; {self._losses()}")
        self._troubles.end("lost", f"Storing goes on in {self.path.name}; {self._losses()}")
        if self._intake.depth <= self._intake.capacity // 2:
            self._troubles.end("full", f"The store keeps up again; {self._losses()}")
        if time.monotonic() - self._refused_s >= REFUSED_OVER_S:
            self._troubles.end("refused", f"No more rows are refused; {self._counters.quarantined} were in all")

    def _losses(self) -> str:
        """What was lost in all, in words."""
        view = self.view()
        counts = {"readings": view.lost, "detections": view.lost_detections, "events": view.lost_events}
        lost = " and ".join(f"{count:,} {what}" for what, count in counts.items() if count)
        return f"{lost} were lost in all" if lost else "nothing that was queued is lost"

    def _report_opening(self) -> None:
        if self._notice:
            log.warning("%s", self._notice)
            self._troubles.start("damaged", self._notice)
            self._troubles.end("damaged", "Recording goes on in a new database")
            self._notice = ""
        self._report_unregistered()

    def _report_unregistered(self) -> None:
        if self._database.unregistered:
            reasons = "; ".join(f"{pump_id}: {reason}" for pump_id, reason in self._database.unregistered.items())
            self._troubles.start("pumps", f"These pumps are not stored, their readings are lost ({reasons})")
        else:
            self._troubles.end("pumps", "Every pump is stored again")

    # ---------------------------------------------------------------- opening

    def _open(self) -> None:
        """Open the database; raises StoreError when that is not possible now."""
        opened = self._database.open(self._pumps)
        try:
            self._upkeep.take_up(unclean=opened.unclean, readings=self._counters.committed)
        except DISK_FAULTS as error:
            self._database.is_broken = isinstance(error, DAMAGE)
            self._close_database()
            raise from_apsw(error, self.path) from error
        except (TypeError, ValueError) as error:  # a value that cannot be what was written
            self._database.is_broken = True
            self._close_database()
            raise damaged(self.path) from error
        self._committed_before = self._counters.committed
        self._notice = opened.notice
        self._counters.database_bytes, self._counters.free_bytes = bytes_on_disk(self.path), free_bytes(self.path)
        self._counters.first_error = ""
        if self._is_late:
            self._is_late = False
            self._on_open_alarms(self.open_alarms)

    def _close_database(self) -> None:
        self._upkeep.leave()
        self._database.close()
