"""What the tables of a history take of its file."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apsw

from pumpwatch_gui.store.archive.rows import BAD, SCORE, STATUS, TIME, UNCERTAIN
from pumpwatch_gui.store.reading_rows import TABLES
from pumpwatch_gui.store.schema import from_apsw, open_for_reading

_PAGES: Final = (
    "SELECT coalesce(sum(s.pgsize), 0) FROM dbstat AS s JOIN sqlite_schema AS t ON t.name = s.name "
    "WHERE t.tbl_name IN ({})"
)
_CHUNKS: Final = "SELECT level, series, sum(length(content)), sum(row_count) FROM archive_chunks GROUP BY 1, 2"
_ROLLUPS: Final = "SELECT series, sum(length(content)) FROM archive_rollups GROUP BY 1"
_KINDS: Final[Mapping[str, str]] = {
    TIME: "times", SCORE: "score", STATUS: "quality", UNCERTAIN: "quality", BAD: "quality",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ArchiveSizes:
    """Bytes of pages: of the `rows` of the last hours, of the `chunks` and of the `rollups`, with their indices.

    `day_bytes` are the contents of the chunks of a day, which have `day_rows` readings, by kind: values, times, quality
    (with the status), score; `rollup_bytes` those of the rollups: score, rollups (of the sensors). The pieces of days
    that are not over have `piece_rows` readings in `piece_bytes`.
    """

    rows: int
    chunks: int
    rollups: int
    day_bytes: Mapping[str, int]
    rollup_bytes: Mapping[str, int]
    piece_bytes: int
    day_rows: int
    piece_rows: int


def archive_sizes(database: Path) -> ArchiveSizes:
    """Look through every page (a second for some gigabytes). Raises StoreError when the file cannot be read."""
    try:
        connection = open_for_reading(database)
        try:
            return _sizes(connection)
        finally:
            connection.close()
    except apsw.Error as error:
        raise from_apsw(error, database) from error


def _sizes(connection: apsw.Connection) -> ArchiveSizes:
    rows, chunks, rollups = (
        int(str(connection.execute(_PAGES.format(", ".join(f"'{t}'" for t in tables))).get))
        for tables in (TABLES, ("archive_chunks",), ("archive_rollups",))
    )
    by_level, counts = (Counter[str](), Counter[str]()), [0, 0]
    for level, series, size, count in list[Any](connection.execute(_CHUNKS).fetchall()):
        by_level[level][_KINDS.get(series, "values")] += size
        counts[level] += count if series == TIME else 0
    steps = Counter[str]()
    for series, size in list[Any](connection.execute(_ROLLUPS).fetchall()):
        steps[_KINDS.get(series, "rollups")] += size
    pieces, days = by_level
    return ArchiveSizes(rows, chunks, rollups, days, steps, pieces.total(), counts[1], counts[0])
