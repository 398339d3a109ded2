"""The numbered upgrades of `resources/sql`, one transaction each."""

import logging
from pathlib import Path

import apsw

from pumpwatch_gui.store.reading_rows import READING_ROWS, show_readings
from pumpwatch_gui.store.schema import APPLICATION_ID, count, foreign, pragma, refuse_newer, run, transaction

log = logging.getLogger("pumpwatch.store")


def upgrade(connection: apsw.Connection, path: Path, steps: dict[int, str]) -> None:
    """Bring an open database to the newest version, one transaction a step.

    Raises StoreError when it belongs to another program or to a newer version (seen only now if its header page was
    still in the write-ahead log).
    """
    version, owner = pragma(connection, "user_version"), pragma(connection, "application_id")
    if owner not in (0, APPLICATION_ID) or (not owner and count(connection, "sqlite_schema")):
        raise foreign(path)
    refuse_newer(path, version, max(steps))
    for number, sql in steps.items():
        if number > version:
            with transaction(connection):
                run(connection, sql)
                run(connection, f"PRAGMA user_version = {number}")
                run(connection, f"PRAGMA application_id = {APPLICATION_ID}")
                tables = _table_names(connection)
                if READING_ROWS in tables:
                    show_readings(connection)
                if "meta" in tables:
                    run(connection, "INSERT OR REPLACE INTO meta VALUES ('version', ?)", (str(number),))
            log.info("database %s is now of version %d", path, number)
    # The header must name owner and version in the file itself, where file_kind reads them.
    if version < max(steps):
        run(connection, "PRAGMA wal_checkpoint(TRUNCATE)")


def _table_names(connection: apsw.Connection) -> set[str]:
    return {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()}
