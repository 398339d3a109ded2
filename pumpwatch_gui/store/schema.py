"""The database file: what it is, whether it is ours, and the numbered upgrades that bring it up to date."""

import logging
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase

import apsw

from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.files.shipped import shipped

log = logging.getLogger("pumpwatch.store")

APPLICATION_ID = 0x50574348
"""`PWCH` in the header of every database of ours."""
BUSY_MS = 2_000
"""A commit waits so long for a lock of another program; its rows are kept and tried again."""
BELIEVABLE_AHEAD = 96
"""A version further above ours than this, and one byte away from what the database itself notes, is a broken byte."""
MAGIC = b"SQLite format 3\0"
DAMAGE = (apsw.CorruptError, apsw.NotADBError)
"""What APSW raises for a file whose content is broken."""
DISK_FAULTS = (
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
"""What APSW raises for faults of the disk and the system: the same rows may be written later. Anything else that a
write raises lies in the row itself, and trying again would not help."""

OUR_TABLES = frozenset({"meta", "pumps", "layouts", "journal", "audit_log"})
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
Connect = Callable[[Path], apsw.Connection]
Value = str | bytes | int | float | None
"""What SQLite stores."""
Row = tuple[Value, ...]


class FileKind(Enum):
    """What lies at the path of the database."""

    MISSING = "missing"
    EMPTY = "empty"
    OURS = "ours"
    BLANK = "blank"  # a SQLite file that names no owner and may have no tables yet
    DAMAGED = "damaged"


def upgrades() -> dict[int, str]:
    """The shipped upgrades: number → SQL, in order, from `resources/sql/NNNN_what.sql`."""
    files = sorted((shipped("resources") / "sql").glob("[0-9]*.sql"))
    return {int(file.name.split("_")[0]): file.read_text("utf-8") for file in files}


def file_kind(path: Path, newest: int) -> FileKind:
    """What the file is, by its first 100 bytes; nothing is touched.

    Raises StoreError for what must not be used: a folder, a file of another program, or of a version above `newest`.
    """
    try:
        if not path.exists():
            return FileKind.MISSING
        if not path.is_file():
            raise StoreError(f"{path} is not a file", "choose another home with --home DIR")
        with path.open("rb") as file:
            head = file.read(100)
    except OSError as error:
        raise StoreError(f"the database {path} cannot be read: {error.strerror}", _PERMISSIONS) from error
    if not head:
        return FileKind.EMPTY
    if len(head) < 100 or not head.startswith(MAGIC):
        return FileKind.DAMAGED
    (version,) = struct.unpack(">i", head[60:64])
    (owner,) = struct.unpack(">i", head[68:72])
    if owner != APPLICATION_ID and not (owner or version):
        return FileKind.BLANK if not _tables(path) else _foreign_or_broken(path)
    if owner != APPLICATION_ID:
        return _foreign_or_broken(path)
    if not _is_sound(head):
        return FileKind.DAMAGED
    if version > newest and _is_broken_version(path, version, newest):
        return FileKind.DAMAGED
    refuse_newer(path, version, newest)
    return FileKind.OURS if version >= 0 else FileKind.DAMAGED


def _is_sound(head: bytes) -> bool:
    """Whether the fields of a header that every database of ours has alike are as they must be.

    Page size 4096, journal modes 1 or 2, no reserved bytes, the fixed payload fractions, schema format, UTF-8.
    """
    (schema_format,) = struct.unpack(">I", head[44:48])
    (encoding,) = struct.unpack(">I", head[56:60])
    return (
        head[16:18] == b"\x10\x00"
        and head[18] in (1, 2)
        and head[18] == head[19]
        and head[20:24] == b"\x00\x40\x20\x20"
        and schema_format <= 4
        and encoding <= 1
    )


def _is_broken_version(path: Path, version: int, newest: int) -> bool:
    """Whether a version above ours is a damaged byte: the database notes its version in a table as well."""
    noted = _noted_version(path)
    if noted is None or noted > newest or version <= newest + BELIEVABLE_AHEAD:
        return version > 0xFFFF  # no program of ours will ever have so many
    differing = sum(a != b for a, b in zip(noted.to_bytes(4), version.to_bytes(4), strict=True))
    return differing == 1 or version > 0xFFFF


def _foreign_or_broken(path: Path) -> FileKind:
    """DAMAGED for a database with all our tables, whose owner is a broken byte; raises StoreError for another's."""
    if _tables(path) >= OUR_TABLES:
        return FileKind.DAMAGED
    raise foreign(path)


def connect(path: Path) -> apsw.Connection:
    """A connection that writes safely: WAL, and every commit is on the disk when it returns."""
    connection = apsw.Connection(os.fspath(path))
    connection.set_busy_timeout(BUSY_MS)
    run(connection, "PRAGMA journal_mode = WAL")
    # FULL, not NORMAL: with a write-ahead log NORMAL leaves the fsync to the checkpoint, and a power cut takes the
    # last commits, which were counted as safe.
    run(connection, "PRAGMA synchronous = FULL")
    # In smaller portions than SQLite's 1,000 pages: whoever commits when the log is full waits until it is copied.
    run(connection, "PRAGMA wal_autocheckpoint = 400")
    # A log that grew while a reader held its snapshot is cut again, or it would keep its size for ever.
    run(connection, "PRAGMA journal_size_limit = 67108864")
    return connection


def open_for_reading(path: Path, *, untouched: bool = False) -> apsw.Connection:
    """A read-only connection. Raises apsw.Error.

    `untouched`: where there is no write-ahead log, no program writes and the file is all there is. Then it is read
    without a lock and without the side files that SQLite makes for a reader too: also where nothing can be written.
    """
    if not untouched or path.with_name(path.name + "-wal").exists():
        return apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READONLY)
    return _immutable(path)


def _immutable(path: Path) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    return apsw.Connection(f"{path.resolve().as_uri()}?mode=ro&immutable=1", flags=flags)


@contextmanager
def snapshot(path: Path) -> Iterator[apsw.Connection]:
    """A read-only connection of which every statement sees one state of the database. Raises StoreError."""
    try:
        connection = open_for_reading(path)
        try:
            run(connection, "BEGIN")
            yield connection
        finally:
            connection.close()
    except apsw.Error as error:
        raise from_apsw(error, path) from error


class transaction:  # noqa: N801 - reads as a statement
    """`with transaction(connection):` BEGIN IMMEDIATE … COMMIT; any error rolls back and is raised as it was.

    Not APSW's own `with connection:`, which on some full-disk cases raises "cannot rollback" over the real error.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        """Take the write lock."""
        run(self._connection, "BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Commit, or roll back what SQLite has not rolled back already."""
        try:
            if kind is None:
                run(self._connection, "COMMIT")
        finally:
            if self._connection.in_transaction:
                run(self._connection, "ROLLBACK")


def run(connection: apsw.Connection, sql: str, values: Row | None = None) -> None:
    """Execute every statement to its end (APSW's `execute` is lazy)."""
    for _ in connection.execute(sql, values):
        pass


def columns(connection: apsw.Connection, table: str) -> list[str]:
    """The names of a table's columns, in order."""
    return [str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})").fetchall()]


def add_columns(connection: apsw.Connection, table: str, names: Sequence[str], kind: str = "REAL") -> None:
    """Add columns of a kind, empty in every row; inside a transaction. Raises SQLError where SQLite takes none.

    ALTER TABLE ADD COLUMN reads every row of a STRICT table for it (0.3 s a million, with the write lock held). A row
    that is shorter than its table reads as NULL, so that the statement is all that has to change.
    """
    statement = str(connection.execute("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", (table,)).get)
    body, bracket, options = statement.rpartition(")")
    wider = f"{body}, {', '.join(f'{quoted(name)} {kind}' for name in names)}{bracket}{options}"
    trial = apsw.Connection(":memory:")
    try:
        run(trial, wider)  # what is written below is not checked any more
    finally:
        trial.close()
    run(connection, "PRAGMA writable_schema = ON")
    try:
        run(connection, "UPDATE sqlite_schema SET sql = ? WHERE type = 'table' AND name = ?", (wider, table))
    finally:
        run(connection, "PRAGMA writable_schema = RESET")
    # Last, because RESET forgets that the schema is to be read again after a rollback.
    run(connection, f"PRAGMA schema_version = {pragma(connection, 'schema_version') + 1}")


def count(connection: apsw.Connection, table: str) -> int:
    """Rows of a table."""
    return int(connection.execute(f"SELECT count(*) FROM {table}").get)


def is_full(error: Exception) -> bool:
    """Whether an error says that the disk is full."""
    return isinstance(error, apsw.FullError)


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def folded(name: str) -> str:
    """The name of a column as SQLite compares it: A to Z without their case, every other letter as it is."""
    return name.translate(_LOWER)


def foreign(path: Path) -> StoreError:
    """The refusal of another program's file."""
    return StoreError(f"{path} is a database of another program; it was left as it is", f"{_MOVE_AWAY}; {_MEANWHILE}")


def damaged(path: Path) -> StoreError:
    """The finding that a database is damaged."""
    return StoreError(f"the database {path} is damaged", "the writer quarantines it and starts a new history")


def from_apsw(error: apsw.Error, path: Path) -> StoreError:
    """An error of SQLite in words for a person, with advice."""
    match error:
        case apsw.FullError():
            return StoreError(f"the disk of {path} is full", f"free space there; {_MEANWHILE}")
        case apsw.ReadOnlyError() | apsw.PermissionsError():
            return StoreError(f"the database {path} cannot be written: read-only or not permitted", _PERMISSIONS)
        case apsw.CantOpenError():
            return StoreError(
                f"the database {path} cannot be opened: missing, read-only or not permitted", _PERMISSIONS
            )
        case apsw.BusyError() | apsw.LockedError():
            held = f"the database {path} is held by another program"
            return StoreError(held, f"close what else uses it; {_MEANWHILE}")
        case apsw.SQLError():
            return StoreError(f"{path} holds no history that this PumpWatch can read ({error})", _MOVE_AWAY)
        case apsw.CorruptError() | apsw.NotADBError():
            return damaged(path)
        case _:
            return StoreError(f"the database {path} cannot be used: {error}", "check the disk and its cable")


_MEANWHILE = "what is read is kept in memory meanwhile, as far as that reaches"
_MOVE_AWAY = "move it away, or choose another home with --home DIR"
_PERMISSIONS = "correct the permissions of the folder and the file, or choose another home with --home DIR"


def _untouched(path: Path, sql: str) -> list[Row]:
    """What a statement gives, looked up without a lock, a log or any other trace; nothing where it cannot be read."""
    try:
        connection = _immutable(path)
        try:
            return list(connection.execute(sql).fetchall())
        finally:
            connection.close()
    except (*DAMAGE, apsw.SQLError, UnicodeDecodeError):
        return []  # opening it for writing finds out


def _tables(path: Path) -> frozenset[str]:
    return frozenset(str(row[0]) for row in _untouched(path, "SELECT name FROM sqlite_schema WHERE type = 'table'"))


def _noted_version(path: Path) -> int | None:
    noted = _untouched(path, "SELECT value FROM meta WHERE key = 'version'")
    return int(str(noted[0][0])) if noted and str(noted[0][0]).isdecimal() else None


def refuse_newer(path: Path, version: int, newest: int) -> None:
    """Raise StoreError for a database whose version is above the newest that this program knows."""
    if version > newest:
        raise StoreError(
            f"{path} was written by a newer PumpWatch (database version {version}, this program knows {newest}); "
            "it was left as it is",
            f"install the newer PumpWatch again, {_MOVE_AWAY}; {_MEANWHILE}",
        )


def pragma(connection: apsw.Connection, name: str) -> int:
    """The number that a PRAGMA gives."""
    return int(connection.execute(f"PRAGMA {name}").get)
