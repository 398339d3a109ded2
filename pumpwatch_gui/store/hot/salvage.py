"""Getting rows out of a damaged database into the fresh one, a little every second, around the broken pages."""

import logging
import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import apsw

from pumpwatch_gui.domain.events import Note
from pumpwatch_gui.store.schema import Row, columns, quoted, run, transaction

log = logging.getLogger("pumpwatch.store")

NEEDED = ("pumps", "layouts")
"""Without them no reading can be attributed: ids hold pump numbers, masks the order of tags."""
AT_ONCE = ("open_alarms", "audit_log")
"""Small, and to be there before the first new row: the audit log is a chain."""
BIT_BY_BIT = (
    "journal",
    "episode_feedback",
    "maintenance_events",
    "anomaly_detections",
    "sensor_readings",
    "anomaly_scores",
)
PIECE = 2_000

Piece = tuple[str, list[Row]]
"""A table and some of its rows."""


class Salvage:
    """Copies the tables of `source` by ranges of ids. A range that cannot be read is halved down to the broken rows."""

    def __init__(self, source: apsw.Connection, name: str) -> None:
        self._source = source
        self.name = name
        self._columns: dict[str, str] = {}
        self._pieces = self._all_pieces()
        self._returned: deque[Piece] = deque()
        self.rows = 0

    @classmethod
    def begin(cls, quarantined: Path, target: apsw.Connection) -> "Salvage | None":
        """Copy the small tables at once; None when the file does not even yield its pumps (it stays as it is)."""
        try:
            source = apsw.Connection(os.fspath(quarantined), flags=apsw.SQLITE_OPEN_READONLY)
            run(source, "PRAGMA writable_schema = ON")  # or SQLite refuses a file that was cut short as a whole
            salvage = cls(source, quarantined.name)
            copies = [(table, source.execute(f"SELECT * FROM {table}").fetchall()) for table in NEEDED]
            extra = columns(source, "sensor_readings")
        except apsw.Error as error:
            log.warning("nothing can be salvaged from %s: %s", quarantined, error)
            return None
        known = columns(target, "sensor_readings")
        with transaction(target):
            for name in extra:
                if name not in known:
                    run(target, f"ALTER TABLE sensor_readings ADD COLUMN {quoted(name)} REAL")
            for table, rows in copies:
                salvage._insert(target, table, rows)
            for table in AT_ONCE:
                salvage._insert(target, table, salvage._whole(table))
        return salvage

    def close(self) -> None:
        """Leave the damaged file."""
        self._source.close()

    def step(self, target: apsw.Connection, *, within_s: float) -> bool:
        """Copy pieces for about `within_s` seconds, in one transaction; False when everything is through."""
        deadline = time.monotonic() + within_s
        taken: list[Piece] = []
        saved, is_through = 0, False
        try:
            with transaction(target):
                while not is_through and time.monotonic() < deadline:
                    piece = self._returned.popleft() if self._returned else next(self._pieces, None)
                    if piece is None:
                        is_through = True
                    else:
                        taken.append(piece)
                        saved += self._insert(target, *piece)
        except apsw.Error:
            self._returned.extendleft(reversed(taken))  # rolled back with the transaction: they come first next time
            raise
        self.rows += saved
        if is_through:
            self._source.close()
        return not is_through

    def note(self) -> Note:
        """What came of it, for the journal."""
        text = f"{self.rows} rows of the damaged database {self.name} were saved into the new one"
        return Note(time.time_ns(), text, "WARNING")

    def _all_pieces(self) -> Iterator[Piece]:
        for table in BIT_BY_BIT:
            for rows in self._table(table):
                yield table, rows

    def _table(self, table: str) -> Iterator[list[Row]]:
        try:
            low = self._source.execute(f"SELECT min(id) FROM {table}").get
        except apsw.Error:
            low = 0
        top = 1 << 53  # ids stay below it until 2089
        after = int(low) - 1 if low is not None else top
        while after < top:
            rows, after = self._next(table, after, top)
            if rows:
                yield rows

    def _next(self, table: str, after: int, top: int) -> tuple[list[Row], int]:
        """The next rows beyond id `after` and the id to go on from; a stretch that cannot be read is skipped."""
        stride = PIECE
        while stride:
            try:
                sql = f"SELECT * FROM {table} WHERE id > ? ORDER BY id LIMIT ?"
                rows = self._source.execute(sql, (after, stride)).fetchall()
                return rows, int(str(rows[-1][0])) if rows else top
            except apsw.Error:
                stride //= 4
        return [], self._beyond_the_break(table, after, top)

    def _beyond_the_break(self, table: str, after: int, top: int) -> int:
        """The id after which rows can be read again: leap further and further over the broken page."""
        leap = 1 << 12
        while after + leap < top:
            try:
                self._source.execute(
                    f"SELECT id FROM {table} WHERE id > ? ORDER BY id LIMIT 1", (after + leap,)
                ).fetchall()
                return after + leap
            except apsw.Error:
                leap *= 2
        return top

    def _whole(self, table: str) -> list[Row]:
        try:
            return list(self._source.execute(f"SELECT * FROM {table}").fetchall())
        except apsw.Error as error:
            log.warning("%s of the damaged database cannot be read: %s", table, error)
            return []

    def _insert(self, target: apsw.Connection, table: str, rows: list[Row]) -> int:
        if not rows:
            return 0
        if table not in self._columns:
            self._columns[table] = ", ".join(map(quoted, columns(self._source, table)))
        before = target.total_changes()
        marks = ", ".join("?" * len(rows[0]))
        target.executemany(f"INSERT OR IGNORE INTO {table} ({self._columns[table]}) VALUES ({marks})", rows)
        return target.total_changes() - before
