"""Opening the database for writing, whatever state it is in."""

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import apsw

from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.store.reading_rows import TABLES
from pumpwatch_gui.store.salvage.due import ask_for
from pumpwatch_gui.store.schema import (
    DAMAGE,
    Connect,
    FileKind,
    connect,
    file_kind,
    from_apsw,
    run,
    upgrades,
)
from pumpwatch_gui.store.upgrading import upgrade

RESERVE_BYTES = 8 << 20
"""The reserve is freed when the disk is full: in WAL mode even a DELETE needs room."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An open database. `notice` is what a person must know of it ("" = nothing).

    `quarantined` is where a damaged one went; `unclean`: the last writer did not come to its end.
    """

    connection: apsw.Connection
    notice: str = ""
    quarantined: Path | None = None
    unclean: bool = False


def open_database(path: Path, *, connect: Connect = connect, now: datetime | None = None) -> Opened:
    """Open, create or upgrade the database at `path`; a damaged one is quarantined and a fresh one started.

    Raises StoreError for a newer or foreign file (which stay untouched), and where the folder cannot be written.
    """
    steps = upgrades()
    kind = file_kind(path, max(steps))
    left_over = kind in (FileKind.MISSING, FileKind.EMPTY) and _size(_sibling(path, "-wal")) > 0
    if kind is FileKind.DAMAGED or left_over:
        return quarantine(path, connect=connect, now=now)
    fits = kind is not FileKind.OURS or _size_fits(path)
    try:
        connection = _open(path, steps, connect)
        was_writing = _get(connection, "writing") == "1"
    except (*DAMAGE, apsw.SQLError):  # SQLError: our mark, but not our tables
        return quarantine(path, connect=connect, now=now)
    notice = f"The database {path.name} was empty (0 bytes): a new history was started in it"
    return Opened(connection, notice if kind is FileKind.EMPTY else "", unclean=was_writing or not fits)


def quarantine(path: Path, *, connect: Connect = connect, now: datetime | None = None) -> Opened:
    """Rename a damaged database (with its write-ahead log) and open a fresh one in its place."""
    stamp = f"{now or datetime.now(UTC):%Y%m%dT%H%M%S%f}Z"
    quarantined = path.with_name(f"{path.stem}.damaged-{stamp}{path.suffix}")
    ask_for(quarantined)
    try:
        for ending in ("-wal", "-shm", ""):
            if _sibling(path, ending).exists():
                _sibling(path, ending).rename(_sibling(quarantined, ending))
    except OSError as error:
        raise StoreError(
            f"the damaged database {path} cannot be renamed: {error.strerror}", "move it away by hand"
        ) from error
    notice = f"The database was damaged: it was renamed to {quarantined.name} and a new history was started"
    return Opened(_open(path, upgrades(), connect), notice, quarantined)


def mark_writing(connection: apsw.Connection, writing: bool) -> None:
    """Note in the database that a writer is at work, or came to its end."""
    run(connection, "INSERT OR REPLACE INTO meta VALUES ('writing', ?)", (str(int(writing)),))


def make_reserve(path: Path) -> None:
    """Lay down the reserve file next to the database, unless it is there or the disk is nearly full."""
    reserve = _sibling(path, ".reserve")
    try:
        disk = os.statvfs(path.parent) if hasattr(os, "statvfs") else None
        if _size(reserve) >= RESERVE_BYTES or (disk and disk.f_bavail * disk.f_frsize < 4 * RESERVE_BYTES):
            return
        with reserve.open("wb") as file:
            reserve.chmod(0o600)
            for _ in range(RESERVE_BYTES >> 20):
                file.write(bytes(1 << 20))
    except OSError:
        free_reserve(path)  # half a reserve is of no use; the store works without


def free_reserve(path: Path) -> None:
    """Give the reserve back to a full disk."""
    try:
        _sibling(path, ".reserve").unlink(missing_ok=True)
    except OSError:
        return  # read-only: nothing to gain


def free_bytes(path: Path) -> int:
    """Bytes that the disk of the database still has for us; 0 when that cannot be said."""
    try:
        return shutil.disk_usage(path.parent).free
    except OSError:
        return 0


def _size_fits(path: Path) -> bool:
    """Whether the file is as long as its header says; taken as true while a log may hold the rest."""
    if _size(_sibling(path, "-wal")):
        return True
    try:
        with path.open("rb") as file:
            head = file.read(32)
    except OSError:
        return True
    return _size(path) == int.from_bytes(head[16:18]) * int.from_bytes(head[28:32])


def bytes_on_disk(path: Path) -> int:
    """Bytes of the database and its write-ahead log."""
    return _size(path) + _size(_sibling(path, "-wal"))


def _open(path: Path, steps: dict[int, str], connect: Connect) -> apsw.Connection:
    try:
        connection = connect(path)
        try:
            _make_private(path)
            upgrade(connection, path, steps)
            # The far ends of the big tables: a file that was cut short shows here. One statement an end: SQLite seeks a
            # lone min or max, but scans the whole table for both in one SELECT (minutes on a year of readings).
            for table in (*TABLES, "journal", "audit_log"):
                run(connection, f"SELECT min(id) FROM {table}")
                run(connection, f"SELECT max(id) FROM {table}")
        except BaseException:
            connection.close()
            raise
    except (*DAMAGE, apsw.SQLError):
        raise
    except apsw.Error as error:
        raise from_apsw(error, path) from error
    return connection


def _make_private(path: Path) -> None:
    """Let only the owner read the database and its log."""
    for ending in ("", "-wal", "-shm"):
        with suppress(OSError):
            _sibling(path, ending).chmod(0o600)


def _get(connection: apsw.Connection, key: str) -> str:
    """What is noted in `meta`; raises SQLError and what is in DAMAGE."""
    value = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).get
    return "" if value is None else str(value)


def _sibling(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
