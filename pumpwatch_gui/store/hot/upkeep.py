"""What the writer does between two commits: check, salvage, archive, measure the growth, anchor the audit log."""

import logging
import time
from collections.abc import Callable

import apsw

from pumpwatch_gui.domain.events import Event
from pumpwatch_gui.store.anchors import Anchor, Anchors
from pumpwatch_gui.store.archive.archiver import Archiver
from pumpwatch_gui.store.archive.handed import HandedChunks
from pumpwatch_gui.store.archive.retention import oldest_raw_ns
from pumpwatch_gui.store.audit import audit_head
from pumpwatch_gui.store.hot.database import Database
from pumpwatch_gui.store.hot.growth import DAY_S, Growth, GrowthMeter, table_bytes
from pumpwatch_gui.store.hot.health_check import HealthCheck
from pumpwatch_gui.store.hot.old_windows import OldWindows
from pumpwatch_gui.store.salvage.merge import Salvage
from pumpwatch_gui.store.schema import DAMAGE, run

log = logging.getLogger("pumpwatch.store")

SHARE_S = 0.3
"""Of each second, for rows that can wait."""
SALVAGE_SHARE_S = 0.45
"""Of each second, while readings of before are missing. With more the next commit would come later than a second on."""
HANDED_SHARE_S = 0.1
"""Of each second, for what an import hands over."""
GROWTH_EVERY_S = 10.0


class Upkeep:
    """The background work on one database. Used by the writer thread only, apart from the figures."""

    def __init__(self, database: Database, offer_event: Callable[[Event], None]) -> None:
        self._database, self._offer_event = database, offer_event
        self._anchors = Anchors(database.path)
        self._check: HealthCheck | None = None
        self._salvage: Salvage | None = None
        self._old = OldWindows()
        self.archiver = Archiver(offer_event)
        self.handed = HandedChunks()
        self._meter = GrowthMeter()
        self._growth_s = self._anchored_s = 0.0
        self.growth = Growth()
        self.used_bytes = self.oldest_ns = 0
        self.salvage_progress = ""

    def take_up(self, *, unclean: bool, readings: int) -> None:
        """Begin on a database that was just opened; `readings` were stored by this run so far."""
        self.leave()
        self._meter.take_up(self._database.connection, readings)
        self._old = OldWindows()
        self.archiver.take_up(self._database.connection)
        self._salvage = Salvage.pending(self._database.path)
        self._check = HealthCheck(self._database.path) if unclean else None
        self._growth_s = 0.0
        self.anchor()

    def step(self, readings: int) -> None:
        """Do a little. Raises what is in DISK_FAULTS; a database found damaged is marked broken and closed."""
        connection = self._database.connection
        if self._check is not None and self._check.is_damaged:
            self._database.is_broken = True
            self.leave()
            self._database.close()
            return
        self._database.outbox.settle(connection)
        now = time.monotonic()
        if now - self._anchored_s >= DAY_S:
            self.anchor()
        if now - self._growth_s >= GROWTH_EVERY_S:
            self._growth_s = now
            self._meter.look(connection, time.time(), readings)
            self.growth, self.used_bytes = self._meter.growth, table_bytes(connection)
            self.oldest_ns = oldest_raw_ns(connection)
        is_busy = self.handed.step(connection, self._database.check_name, within_s=HANDED_SHARE_S)
        if is_busy:
            self.archiver.wake()
        if self._salvage is not None:
            self._salvage_some(connection, self._salvage)
        elif not self._old.is_done:
            self._old.step(connection, within_s=SHARE_S)
        else:
            is_busy |= self.archiver.step(connection, within_s=SHARE_S)
        if is_busy:  # or the next commit of readings finds the log full, and waits until it is copied
            run(connection, "PRAGMA wal_checkpoint(PASSIVE)")

    def anchor(self) -> None:
        """Note the head of the audit chain outside the database."""
        self._anchored_s = time.monotonic()
        head, last = audit_head(self._database.connection), self._anchors.last()
        if head is not None and (last is None or last.id != head[0]):
            self._anchors.add(Anchor(time.time_ns(), head[0], head[1].hex()))

    def end(self) -> None:
        """Anchor the chain and leave everything that is under way for the next start."""
        if self._database.is_open:
            try:
                self.anchor()
            except apsw.Error as error:
                log.warning("the head of the audit log could not be read: %s", error)
        self.leave()

    def leave(self) -> None:
        """Stop before the connection is closed; what is under way goes on with the next one."""
        if self._check is not None:
            self._check.end()
            self._check = None
        self.archiver.leave()
        if self._salvage is not None:
            self._salvage.close()
            self._salvage = None

    def _salvage_some(self, connection: apsw.Connection, salvage: Salvage) -> None:
        if self.archiver.delete_copies(connection):  # rows of any time may come, but not before these are gone
            return
        try:
            note = salvage.step(connection, within_s=SALVAGE_SHARE_S)
        except apsw.BusyError:
            return  # the child is just laying its database out
        except DAMAGE as error:
            note = salvage.spoilt(str(error))
        self.salvage_progress = salvage.progress
        if note is not None:
            self._offer_event(note)
            self.salvage_progress = ""
            # What of these was sent is noted in the damaged file, if at all: all of it goes once more.
            self._database.outbox.resend(0, time.time_ns())
            self._salvage = Salvage.pending(self._database.path)
            self._old = OldWindows()  # the damaged file may have had some
