"""The open database of the writer: opened whatever state it is in, registered, and checked that it bears its name."""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import apsw

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.store.anchors import Anchors
from pumpwatch_gui.store.archive.chunks import ArchivedTimes
from pumpwatch_gui.store.archive.moving import Moved
from pumpwatch_gui.store.audit import START_KEY
from pumpwatch_gui.store.hot.batch import Batch, Encoder
from pumpwatch_gui.store.hot.identity import FileIdentity, LostFileError
from pumpwatch_gui.store.hot.opening import Opened, mark_writing, open_database, quarantine
from pumpwatch_gui.store.ids import IdMaker
from pumpwatch_gui.store.layout import SITE_KEY, PumpRow, columns_of_readings, register, rename, site_note
from pumpwatch_gui.store.open_alarms import open_alarms
from pumpwatch_gui.store.outbox import Outbox
from pumpwatch_gui.store.salvage.merge import adopt
from pumpwatch_gui.store.schema import DAMAGE, DISK_FAULTS, Connect, from_apsw, run, transaction

log = logging.getLogger("pumpwatch.store")


class Database:
    """One file and its connection. Used by one thread at a time.

    The encoder outlives the connection: rows that wait in memory keep their ids, alarms their last state.
    """

    def __init__(self, path: Path, *, station: int, outbox: Outbox, connect: Connect) -> None:
        self.path = path
        self.site: Site | None = None
        """The site whose pumps these are: it is noted with them."""
        self.outbox = outbox
        self.encoder: Encoder | None = None
        self.open_alarms: list[Alarm] = []
        self.unregistered: Mapping[str, str] = {}
        """Pump id → why it cannot be stored."""
        self.is_broken = False
        """The file turned out to be damaged: it is quarantined when it is next opened."""
        self._station, self._connect = station, connect
        self._connection: apsw.Connection | None = None
        self._identity: FileIdentity | None = None
        self._was_open = False

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None

    @property
    def connection(self) -> apsw.Connection:
        """The connection; raises StoreError when there is none."""
        if self._connection is None:
            raise StoreError(f"the database {self.path} is not open")
        return self._connection

    def open(self, pumps: Sequence[PumpRow]) -> Opened:
        """Open (create, upgrade, quarantine) the file and take it up with these pumps. Raises StoreError."""
        try:
            return self._open(pumps)
        except apsw.Error as error:
            raise from_apsw(error, self.path) from error

    def _open(self, pumps: Sequence[PumpRow]) -> Opened:
        if self._was_open and not self.path.parent.exists():  # a home that was renamed under the program
            self._make_folder()
        opened = (quarantine if self.is_broken else open_database)(self.path, connect=self._connect)
        try:
            self._take_up(opened, pumps)
        except StoreError:
            raise
        except Exception as error:
            if isinstance(error, DISK_FAULTS) and not isinstance(error, DAMAGE):
                raise
            # In a table that opening does not read, or a value of it that cannot be what was written.
            log.error("the database %s cannot be taken up: %s: %s", self.path, type(error).__name__, error)
            opened = quarantine(self.path, connect=self._connect)
            self._take_up(opened, pumps)
        self.is_broken = False
        self._was_open = True
        return opened

    def _make_folder(self) -> None:
        try:
            self.path.parent.mkdir(mode=0o700)
        except OSError as error:
            raise StoreError(
                f"the home folder {self.path.parent} is gone and cannot be made again: {error.strerror}",
                "put it back, or correct the permissions of the folder above it",
            ) from error

    def _take_up(self, opened: Opened, pumps: Sequence[PumpRow]) -> None:
        connection = opened.connection
        try:
            if opened.quarantined is not None:
                adopt(opened.quarantined, connection)
            encoder = self.encoder or self._new_encoder(connection)
            self._register(connection, encoder, pumps, {})
            self._identity = FileIdentity.of(self.path)
        except BaseException:
            connection.close()
            raise
        self.encoder, self._connection = encoder, connection

    def register(self, pumps: Sequence[PumpRow], renamed: Mapping[str, str]) -> None:
        """Go over to other pumps; `renamed` (old id → new id) keep their numbers."""
        assert self.encoder is not None
        self._register(self.connection, self.encoder, pumps, renamed)

    def commit(self, batch: Batch) -> Batch:
        """Write a batch and see that it went into the file that bears the name; what was written of it.

        Raises LostFileError when it did not: the batch is then to be written again.
        """
        connection = self.connection
        try:
            with transaction(connection):
                batch.write(connection)
        except DISK_FAULTS:
            raise
        except Exception as error:  # noqa: BLE001 - per row: one of them is at fault, and is found below
            log.debug("a batch was refused, its rows are written one by one: %s", error)
            with transaction(connection):
                batch = batch.write_each(connection)
        self.check_name()
        return batch

    def check_name(self) -> None:
        """Raise LostFileError when the name leads to another file by now, or to none.

        A stat after a commit is what makes it sure: what was committed before is in the file that bore the name then.
        """
        if self._identity is not None:
            self._identity.check()

    def leave_lost(self, error: LostFileError) -> None:
        """Close a file that no longer bears the name. What only its log had goes into the file first."""
        if error.is_log and self._connection is not None:
            try:
                run(self._connection, "PRAGMA wal_checkpoint(TRUNCATE)")
            except apsw.Error as failed:
                log.error("the log of %s could not be saved: %s", self.path, failed)
        self.close()

    def end(self) -> None:
        """Mark that the writer came to its end, anchor the audit chain, and close."""
        if self._connection is not None:
            try:
                self.check_name()
                mark_writing(self._connection, False)
            except (apsw.Error, StoreError) as error:
                log.warning("the database could not be marked as cleanly closed: %s", error)
            self.close()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            try:
                connection.close()
            except apsw.Error as error:
                log.debug("closing after a failed commit: %s", error)

    def _register(
        self, connection: apsw.Connection, encoder: Encoder, pumps: Sequence[PumpRow], renamed: Mapping[str, str]
    ) -> None:
        numbers = {pump_id: layout.number for pump_id, layout in encoder.layouts.items()}
        with transaction(connection):
            rename(connection, renamed)
            self.outbox.note_renamed(connection, renamed.values())
            layouts, self.unregistered = register(connection, pumps, encoder.ids, numbers)
            self._note(connection, "station", str(self._station))
            if self.site is not None:
                site, each = self.site, [(pump.pump_id, pump.area, pump.duty) for pump in self.site.pumps]
                self._note(connection, SITE_KEY, site_note(site.name, site.currency, each, time.time_ns()))
            self._note(connection, "columns", columns_of_readings(connection))
            by_id: list[Any] = connection.execute("SELECT pump_id, pump_number FROM pumps").fetchall()
            self._note(connection, "pumps", json.dumps(dict(by_id)))  # once more, on a page of its own: see salvage
            self._begin_chain(connection)
            mark_writing(connection, True)
        encoder.take_up(layouts)

    def _begin_chain(self, connection: apsw.Connection) -> None:
        """Have an empty audit log follow from the last head that was noted outside the database."""
        last = Anchors(self.path).last()
        if last is not None and connection.execute("SELECT 1 FROM audit_log LIMIT 1").get is None:
            self._note(connection, START_KEY, last.hash)

    def _note(self, connection: apsw.Connection, key: str, value: str) -> None:
        run(connection, "INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _new_encoder(self, connection: apsw.Connection) -> Encoder:
        archived = Moved.read(connection).newest
        readings, journal = self._ids(connection, "sensor_readings", archived), self._ids(connection, "journal")
        self.open_alarms = open_alarms(connection)
        newest = int(str(connection.execute("SELECT coalesce(max(id), 0) FROM counters").get))
        return Encoder(readings, journal, self.outbox, newest_counters=newest)

    def _ids(self, connection: apsw.Connection, table: str, archived: int = 0) -> IdMaker:
        times = ArchivedTimes()

        def is_taken(key: int) -> bool:
            sql = f"SELECT 1 FROM {table} WHERE id = ?"
            is_row = self.connection.execute(sql, (key,)).get is not None
            return is_row or (key <= archived and times.has(self.connection, key))

        newest = connection.execute(f"SELECT id FROM {table} ORDER BY id DESC LIMIT 1").get
        return IdMaker(is_taken, newest=max(archived, 0 if newest is None else int(str(newest))))
