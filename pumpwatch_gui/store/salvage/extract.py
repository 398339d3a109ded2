"""The child process: reads a damaged database page by page and puts its rows into a side database, the newest first.

It goes on where it was stopped. The damaged file is only read.
"""

import logging
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import apsw

from pumpwatch_gui.store.reading_rows import FIXED, READING_ROWS, ROWS_BEFORE, STATUS, shown_column
from pumpwatch_gui.store.salvage.graft import Grafts, Leaves
from pumpwatch_gui.store.salvage.pages import PAGE_SIZE, DamagedFile
from pumpwatch_gui.store.salvage.records import Value, records
from pumpwatch_gui.store.salvage.shapes import SCHEMA, SMALL, TABLES, table_of
from pumpwatch_gui.store.schema import columns, quoted, run, transaction, upgrades

log = logging.getLogger("pumpwatch.store")

PAGES_AT_ONCE = 400
"""Pages of one transaction: about 15,000 readings."""

Rows = Mapping[str, Sequence[Sequence[Value]]]


def extract(damaged: Path, side: Path) -> None:
    """Read everything that can be read. Raises OSError when the file cannot be read and apsw.Error for the side."""
    parent = os.getppid()
    with DamagedFile(damaged) as file:
        connection = open_side(side)
        try:
            position = state(connection, "next")
            if position is None:
                position = str(file.last_page)
                with transaction(connection):
                    _begin(connection, file)
            grafts = Grafts(connection, {table: columns(connection, table)[1:] for table in TABLES})
            for first in range(int(position), 0, -PAGES_AT_ONCE):
                if os.getppid() != parent:
                    return  # whoever wanted the rows is gone
                last = max(0, first - PAGES_AT_ONCE)
                # Within a block in rising order: rows that SQLite gets in falling order leave its pages half empty.
                block = range(last + 1, first + 1)
                sound = _sound_leaves(file, block, grafts)
                rows = _rows(file, sorted(set(block).difference(*sound.values())), TABLES)
                grafts.hold(sound)
                with transaction(connection):
                    grafts.copy()
                    _insert(connection, rows)
                    note(connection, "next", str(last))
        finally:
            connection.close()


def open_side(path: Path) -> apsw.Connection:
    """The side database: its rows can be read again at will, so a commit need not reach the disk at once."""
    connection = apsw.Connection(os.fspath(path))
    connection.set_busy_timeout(10_000)
    run(connection, "PRAGMA journal_mode = WAL")
    run(connection, "PRAGMA synchronous = NORMAL")
    run(connection, "CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
    return connection


def state(connection: apsw.Connection, key: str) -> str | None:
    """What was noted under a key of the side database."""
    value = connection.execute("SELECT value FROM state WHERE key = ?", (key,)).get
    return None if value is None else str(value)


def note(connection: apsw.Connection, key: str, value: str) -> None:
    """Note something in the side database."""
    run(connection, "INSERT OR REPLACE INTO state VALUES (?, ?)", (key, value))


def _begin(connection: apsw.Connection, file: DamagedFile) -> None:
    """Lay out the side database, with the tables that the others need to be understood."""
    small = _rows(file, range(1, file.last_page + 1), SMALL)
    meta = {str(row[0]): row[1] for row in small.get("meta", ())}
    for table, names in _layout(small.get(SCHEMA, ()), meta).items():
        run(connection, f"CREATE TABLE {table} (seq INTEGER PRIMARY KEY, {', '.join(map(quoted, names))})")
    _insert(connection, {table: rows for table, rows in small.items() if table not in ("meta", SCHEMA)})
    note(connection, "pumps", str(meta.get("pumps", "{}")))
    note(connection, "pages", str(file.last_page))
    note(connection, "next", str(file.last_page))


def _layout(schema: Iterable[Sequence[Value]], meta: Mapping[str, Value]) -> dict[str, list[str]]:
    """The columns of every table: those of today; those of the readings as the file itself names them."""
    blank = apsw.Connection(":memory:")
    for sql in upgrades().values():
        run(blank, sql)
    layout = {table: columns(blank, table) for table in (*TABLES, "pumps", "layouts", "detection_models")}
    blank.close()
    statements = [row[4] for row in schema if row[1] in ("sensor_readings", ROWS_BEFORE, READING_ROWS)]
    for statement in (*statements, meta.get("columns")):
        made = apsw.Connection(":memory:")
        try:
            run(made, str(statement or ""))
            (name,) = (str(row[0]) for row in made.execute("SELECT name FROM sqlite_schema").fetchall())
            names = columns(made, name)
            if name == READING_ROWS:
                names = [*FIXED, *(one for one in names[len(FIXED) :] if shown_column(one))]
        except (apsw.Error, ValueError) as error:
            log.warning("the columns of the readings cannot be read: %s", error)
            continue
        finally:
            made.close()
        table = READING_ROWS if name == READING_ROWS else ROWS_BEFORE
        known = {*layout[table]} - {STATUS}  # which a file of before version 4 has by its old name
        # Columns are only ever added, so the longer statement is the newer. Where a letter of a name is broken, no row
        # would find its column in the history.
        if known <= set(names) and len(names) > len(layout[table]):
            layout[table] = names
    return layout


def _rows(file: DamagedFile, pages: Iterable[int], tables: Sequence[str]) -> dict[str, list[list[Value]]]:
    """The rows of `tables` on these pages. A page holds rows of one table: the first that is whole says which."""
    found: defaultdict[str, list[list[Value]]] = defaultdict(list)
    for number in pages:
        rows = records(file, number)
        for first in rows:
            table = table_of(first)
            if table is None:
                continue
            if table in tables:
                found[table] += (
                    [row.rowid, *row.values[1:]] if row.rowid and table != SCHEMA else row.values
                    for row in chain((first,), rows)
                    if table_of(row) == table
                )
            break
    return dict(found)


def _sound_leaves(file: DamagedFile, pages: Iterable[int], grafts: Grafts) -> dict[str, Leaves]:
    """By table, the pages that SQLite can read whole; the others are for `_rows`."""
    found: defaultdict[str, dict[int, bytes]] = defaultdict(dict)
    for number in pages:
        table = next((t for t in map(table_of, records(file, number)) if t is not None), None)
        content = file.page(number)
        if table is not None and table in grafts and len(content) == PAGE_SIZE:
            found[table][number] = content
    return {table: grafts.sound(table, leaves) for table, leaves in found.items()}


def _insert(connection: apsw.Connection, tables: Rows) -> None:
    for table, rows in tables.items():
        width = len(columns(connection, table)) - 1
        marks = ", ".join("?" * width)
        connection.executemany(f"INSERT INTO {table} VALUES (NULL, {marks})", _fitted(rows, width))


def _fitted(rows: Iterable[Sequence[Value]], width: int) -> Iterator[Sequence[Value]]:
    """A row that was written before a column was added is shorter."""
    return (row if len(row) == width else [*row[:width], *[None] * (width - len(row))] for row in rows)


def step_back() -> None:
    """Leave the processor to the program that measures: for a process that does nothing else."""
    if hasattr(os, "nice"):
        os.nice(10)
