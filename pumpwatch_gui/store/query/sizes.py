"""What the tables of a history take of its file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from pumpwatch_gui.store.schema import from_apsw, open_for_reading

_PAGES = (
    "SELECT coalesce(sum(s.pgsize), 0) FROM dbstat AS s JOIN sqlite_schema AS t ON t.name = s.name "
    "WHERE t.tbl_name IN ({})"
)
_ARCHIVED = (
    "SELECT coalesce(sum(CASE WHEN level = 1 THEN length(content) END), 0), "
    "coalesce(sum(CASE WHEN level = 1 AND series = '@time' THEN row_count END), 0), "
    "coalesce(sum(CASE WHEN level = 0 AND series = '@time' THEN row_count END), 0) FROM archive_chunks"
)


@dataclass(frozen=True, slots=True)
class ArchiveSizes:
    """Bytes of pages: of the `rows` of the last hours and of the `rollups`, with their indices.

    `day_bytes` are the contents of the chunks of a day, which have `day_rows` readings; the pieces of days that are not
    over have `piece_rows`.
    """

    rows: int
    rollups: int
    day_bytes: int
    day_rows: int
    piece_rows: int


def archive_sizes(database: Path) -> ArchiveSizes:
    """Look through every page (a second for some gigabytes). Raises StoreError when the file cannot be read."""
    try:
        connection = open_for_reading(database)
        try:
            rows, rollups = (
                int(str(connection.execute(_PAGES.format(", ".join(f"'{t}'" for t in tables))).get))
                for tables in (("sensor_readings", "anomaly_scores"), ("archive_rollups",))
            )
            ((day_bytes, day_rows, piece_rows),) = list[Any](connection.execute(_ARCHIVED).fetchall())
        finally:
            connection.close()
    except apsw.Error as error:
        raise from_apsw(error, database) from error
    return ArchiveSizes(rows, rollups, day_bytes, day_rows, piece_rows)
