"""A copy of the whole database as it was at one instant, made while the writer goes on."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.store.hot.opening import mark_writing
from pumpwatch_gui.store.schema import DAMAGE, file_kind, from_apsw, open_for_reading, run, upgrades
from pumpwatch_gui.store.span import ReadingSpan, reading_span
from pumpwatch_gui.store.upgrading import upgrade

STEP_PAGES: Final = 256
"""1 MiB at a time: the disk and the processor are free for the writer in between."""
PAUSE_S: Final = 0.002
FORCED_STEPS: Final = 4
"""So often what was copied is forced to the disk: all of it at the end would keep the writer's own commits waiting."""


def copy_database(source: Path, target: Path) -> None:
    """Copy `source` to the new file `target`: one file without a log, marked as cleanly closed, and checked.

    Raises StoreError when the source cannot be read, the target cannot be written, or the copy fails SQLite's check.
    """
    try:
        read = _open_source(source)
    except apsw.Error as error:
        raise from_apsw(error, source) from error
    try:
        written = apsw.Connection(os.fspath(target))
        try:
            run(written, "PRAGMA synchronous = OFF")  # forced to the disk here, not page by page
            # A snapshot held for the whole copy: without it every commit of the writer starts the copy over, and that
            # of a large database would never end. It delays no commit; the log grows meanwhile and is cut afterwards.
            run(read, "BEGIN")
            run(read, "SELECT 1 FROM sqlite_schema LIMIT 1")
            _copy(read, written, target)
            run(written, "PRAGMA journal_mode = DELETE")  # one file, that can be read where nothing can be written
            mark_writing(written, False)
            _check(written, source)
        finally:
            written.close()
    except DAMAGE as error:
        raise _damaged(source, str(error)) from error
    except apsw.Error as error:
        raise from_apsw(error, target) from error
    finally:
        read.close()
    with target.open("rb+") as file:
        os.fsync(file.fileno())


def span_of(database: Path, *, untouched: bool = False) -> ReadingSpan:
    """The span of the readings of a database, the archived ones too. Raises StoreError when it cannot be read."""
    with _reading(database, untouched) as connection:
        return reading_span(connection)


def is_older(database: Path) -> bool:
    """Whether a database is of an older version of this program: it is read only once it was brought up to date."""
    with database.open("rb") as file:
        head = file.read(64)
    return int.from_bytes(head[60:64], signed=True) < max(upgrades())


def upgrade_copy(copy: Path) -> None:
    """Bring a copy of a database up to date, with what its log has. Raises StoreError."""
    try:
        connection = apsw.Connection(os.fspath(copy))
        try:
            upgrade(connection, copy, upgrades())
        finally:
            connection.close()
    except apsw.Error as error:
        raise from_apsw(error, copy) from error


def check_version(database: Path) -> None:
    """Raise StoreError for a database of another program or of a newer version of this one."""
    file_kind(database, max(upgrades()))


@contextmanager
def _reading(database: Path, untouched: bool) -> Iterator[apsw.Connection]:
    try:
        connection = open_for_reading(database, untouched=True) if untouched else _open_source(database)
        try:
            yield connection
        finally:
            connection.close()
    except apsw.Error as error:
        raise from_apsw(error, database) from error


def _open_source(path: Path) -> apsw.Connection:
    """A read-only connection, also in a folder that cannot be written, where a database in WAL mode needs a word more.

    No program writes there either, and without a log the file is all there is.
    """
    try:
        connection = open_for_reading(path)
        connection.set_busy_timeout(2_000)
        run(connection, "SELECT 1 FROM sqlite_schema LIMIT 1")
    except (apsw.CantOpenError, apsw.ReadOnlyError):
        if not path.exists() or path.with_name(path.name + "-wal").exists():
            raise
        return open_for_reading(path, untouched=True)
    return connection


def _copy(read: apsw.Connection, written: apsw.Connection, target: Path) -> None:
    with written.backup("main", read, "main") as copy, target.open("rb+") as file:
        steps = 0
        while not copy.done:
            copy.step(STEP_PAGES)
            steps += 1
            if steps % FORCED_STEPS == 0:
                os.fsync(file.fileno())
            time.sleep(PAUSE_S)


def _check(connection: apsw.Connection, source: Path) -> None:
    first = str(connection.execute("PRAGMA integrity_check(1)").get)
    if first != "ok":
        raise _damaged(source, first)


def _damaged(source: Path, what: str) -> StoreError:
    advice = "start PumpWatch on it, which sets the damaged part aside, and make the backup then"
    return StoreError(f"the database {source} is damaged and was not copied: {what}", advice)
