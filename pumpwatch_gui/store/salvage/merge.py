"""The writer's side of a salvage: takes the rows that the child finds into the history, a little every second."""

import json
import logging
import os
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import apsw

from pumpwatch_gui.domain.events import Note
from pumpwatch_gui.files.program import program_command
from pumpwatch_gui.store import reading_rows
from pumpwatch_gui.store.ids import LAST_NUMBER
from pumpwatch_gui.store.layout import OLD_STATUS
from pumpwatch_gui.store.reading_rows import (
    FIXED,
    READING_ROWS,
    ROWS_BEFORE,
    STATUS,
    show_readings,
    shown_column,
    stored_columns,
    value_of_cell,
)
from pumpwatch_gui.store.salvage.due import ask_for, done, due, side_of
from pumpwatch_gui.store.salvage.shapes import TABLES
from pumpwatch_gui.store.schema import Row, add_columns, columns, folded, quoted, run, transaction

log = logging.getLogger("pumpwatch.store")

AT_ONCE = {"pumps": "", "layouts": "", "open_alarms": "", "audit_log": "", "detection_models": "",
           "maintenance_events": "", "counters": "ORDER BY id DESC LIMIT 20000"}  # fmt: skip
"""Small, and wanted before the first new row: pumps keep their numbers and counters, the audit log is a chain."""
ADOPT_S = 1.5
PIECE = 10_000
CHUNKS_AT_ONCE = 100
"""Of the archive: each is up to some hundred kilobytes."""
_ARCHIVE = {"archive_chunks": "chunk_id", "archive_rollups": "rollup_id"}
"""Table and the column of its rowid, which says nothing: its unique columns say what a row is of."""
_BY_ID = (*reading_rows.TABLES, "anomaly_windows", "anomaly_detections_v2", "counters")
"""Tables whose id has the number of the pump in it."""
TRIES = 3


def adopt(quarantined: Path, target: apsw.Connection) -> None:
    """Copy the small tables of a damaged database at once, as far as SQLite reads them.

    The rest is for the child, which also finds what SQLite does not.
    """
    deadline = time.monotonic() + ADOPT_S
    try:
        source = apsw.Connection(os.fspath(quarantined), flags=apsw.SQLITE_OPEN_READONLY)
    except apsw.Error as error:
        log.warning("SQLite cannot open %s: %s", quarantined, error)
        return
    try:
        source.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
        for table, part in AT_ONCE.items():
            try:
                if table == "pumps":
                    run(source, "PRAGMA writable_schema = ON")  # or SQLite refuses a file that was cut as a whole
                rows = source.execute(f"SELECT * FROM {table} {part}").fetchall()
                with transaction(target):
                    marks = ", ".join("?" * len(columns(target, table)))
                    target.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", rows)
            except (apsw.FullError, apsw.IOError, apsw.BusyError):
                raise  # of the target: tried again with the whole opening
            except (apsw.Error, UnicodeDecodeError) as error:
                log.warning("%s of %s cannot be read by SQLite: %s", table, quarantined.name, error)
    finally:
        source.close()


class Salvage:
    """One damaged file whose rows are not all in the history yet. Used by the writer thread."""

    def __init__(self, damaged: Path, main: Path) -> None:
        self.damaged, self._main, self._side = damaged, main, side_of(damaged)
        self._child: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._attached: apsw.Connection | None = None
        self._rows = 0
        self._share = 0.0

    @classmethod
    def pending(cls, main: Path) -> "Salvage | None":
        """The newest unfinished salvage next to a database; None when there is none."""
        damaged = due(main)
        return None if damaged is None else cls(damaged, main)

    @property
    def progress(self) -> str:
        """How far it is, in words."""
        return f"{self._share:.0%} read, {self._rows:,} rows"

    def step(self, target: apsw.Connection, *, within_s: float) -> Note | None:
        """Take rows over for about `within_s` seconds; when all is through, the line for the journal.

        Each piece is a transaction that also notes how far it got: a stop at any moment costs and doubles nothing.
        """
        if self._child is None:
            self._start()
        code = None if self._child is None else self._child.poll()
        child_ended = code is not None
        if not self._attach(target):
            return self._again("it cannot be read") if child_ended else None
        deadline = time.monotonic() + within_s
        moved = 1
        while moved and time.monotonic() < deadline:
            moved = self._piece(target)
        pages, left = (int(state_of(target, key) or 0) for key in ("pages", "next"))
        self._share = 1 - left / pages if pages else 0.0
        if moved or not child_ended:
            return None
        return self._finish(target) if left == 0 else self._again(f"the child ended with code {code} at page {left}")

    def close(self) -> None:
        """Leave the salvage for the next start."""
        self._detach()
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(5)
        self._child = None

    # ---------------------------------------------------------------- the child

    def _start(self) -> None:
        self._starts += 1
        nowhere = subprocess.DEVNULL
        try:
            self._child = subprocess.Popen(
                program_command("salvage", os.fspath(self.damaged), "--out", os.fspath(self._side)),
                stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=os.name == "posix",
            )  # fmt: skip
        except OSError as error:
            log.error("the salvage of %s cannot be started: %s", self.damaged, error)

    def _again(self, why: str) -> Note | None:
        """Start the child once more; after three times the rest is given up."""
        log.error("salvage of %s: %s", self.damaged.name, why)
        self.close()
        if self._starts < TRIES:
            return None
        done(self.damaged)
        text = f"{self._rows} rows of the damaged database {self.damaged.name} were saved into the new one; {why}"
        return Note(time.time_ns(), f"{text}: the rest is only in that file", "ERROR")

    def spoilt(self, why: str) -> Note | None:
        """The side database itself cannot be read: begin again, with an empty one."""
        log.error("the side database %s is damaged: %s", self._side, why)
        self.close()
        done(self.damaged)
        if self._starts < TRIES:
            ask_for(self.damaged)
        return self._again(why)

    def _finish(self, target: apsw.Connection) -> Note:
        self.close()
        with transaction(target):
            run(target, "DELETE FROM meta WHERE key = ?", (self._key,))
        done(self.damaged)
        text = f"{self._rows} rows of the damaged database {self.damaged.name} were saved into the new one"
        return Note(time.time_ns(), text, "WARNING")

    # ---------------------------------------------------------------- the rows

    @property
    def _key(self) -> str:
        return f"salvage {self.damaged.name}"

    def _attach(self, target: apsw.Connection) -> bool:
        """Have the side database open next to the history; False while the child has not laid it out."""
        if self._attached is target:
            return True
        run(target, "ATTACH ? AS side", (os.fspath(self._side),))
        try:
            if target.execute("SELECT 1 FROM side.sqlite_schema WHERE name = 'state'").get and state_of(target, "next"):
                self._attached = target
                self._widen(target)
                return True
        finally:
            if self._attached is not target:
                run(target, "DETACH side")
        return False

    def _detach(self) -> None:
        if self._attached is not None:
            with suppress(apsw.Error):  # closed meanwhile, after a fault of the disk
                run(self._attached, "DETACH side")
            self._attached = None

    def _widen(self, target: apsw.Connection) -> None:
        """Have every column that the readings had, and the pumps that the ids name."""
        with transaction(target):
            self._widen_readings(target)
            run(target, "INSERT OR IGNORE INTO detection_models (kind, model_version, threshold) "
                        "SELECT kind, model_version, threshold FROM side.detection_models")  # fmt: skip
            numbers = self._numbers(target)
            layouts: list[Any] = target.execute("SELECT pump_number, from_id, tags FROM side.layouts").fetchall()
            for number, from_id, tags in layouts:
                row = (numbers.get(number, number), from_id, tags)
                run(target, "INSERT OR IGNORE INTO layouts VALUES (?, ?, ?)", row)
        self._renumbered = {old: new for old, new in numbers.items() if old != new}

    def _widen_readings(self, target: apsw.Connection) -> None:
        known, stored = {*columns(target, ROWS_BEFORE), OLD_STATUS}, stored_columns(target)
        before = [name for name in _side_columns(target, ROWS_BEFORE) if name not in known]
        new = [name for name in _side_columns(target, READING_ROWS)
               if name not in FIXED and folded(shown_column(name)[0]) not in stored]  # fmt: skip
        if before:
            add_columns(target, ROWS_BEFORE, before)
        if new:
            add_columns(target, READING_ROWS, new, "ANY")
        if before or new:
            show_readings(target)

    def _numbers(self, target: apsw.Connection) -> dict[int, int]:
        """Pump number of the damaged file → that of the same pump here; pumps that are not here are added."""
        found: dict[int, Row] = {}
        for pump_id, number in _noted_pumps(target).items():
            found[number] = (pump_id, pump_id, "{}")
        pumps: list[Any] = target.execute("SELECT pump_number, pump_id, name, profile FROM side.pumps").fetchall()
        found |= {number: tuple(rest) for number, *rest in pumps}
        numbers: dict[int, int] = {}
        for number, row in found.items():
            here: object = target.execute("SELECT pump_number FROM pumps WHERE pump_id = ?", row[:1]).get
            if here is None:
                here = wanted = _free_number(target, number)
                run(target, "INSERT INTO pumps VALUES (?, ?, ?, ?)", (wanted, *row))
            numbers[number] = int(str(here))
        return numbers

    def _piece(self, target: apsw.Connection) -> int:
        """Take one piece of one table over; how many rows of the side database it was."""
        noted = target.execute("SELECT value FROM meta WHERE key = ?", (self._key,)).get
        so_far: dict[str, int] = json.loads(str(noted)) if noted else {}
        self._rows = so_far.get("rows", 0)
        for table in TABLES:
            after = so_far.get(table, 0)
            last = target.execute(
                f"SELECT max(seq) FROM (SELECT seq FROM side.{table} WHERE seq > ? ORDER BY seq LIMIT ?)",
                (after, CHUNKS_AT_ONCE if table in _ARCHIVE else PIECE),
            ).get
            if last is None:
                continue
            with transaction(target):
                before = target.total_changes()
                run(target, self._statement(target, table), (after, int(str(last))))
                so_far |= {table: int(str(last)), "rows": self._rows + target.total_changes() - before}
                run(target, "INSERT OR REPLACE INTO meta VALUES (?, ?)", (self._key, json.dumps(so_far)))
            self._rows = so_far["rows"]
            return int(str(last)) - after
        return 0

    def _statement(self, target: apsw.Connection, table: str) -> str:
        taken = {name: quoted(name) for name in _side_columns(target, table)}
        if OLD_STATUS in taken:
            del taken[OLD_STATUS]
            taken[STATUS] = f"CASE {OLD_STATUS} WHEN 'NORMAL' THEN '' ELSE {OLD_STATUS} END"
        if table == READING_ROWS:
            stored = stored_columns(target)
            for name in [name for name in taken if name not in FIXED]:
                shown, steps = shown_column(name)
                here = stored[folded(shown)]
                if here != name:
                    del taken[name]
                    taken[here] = value_of_cell(quoted(name), steps)
        if table in _ARCHIVE:
            del taken[_ARCHIVE[table]]
            if self._renumbered:
                cases = " ".join(f"WHEN {old} THEN {new}" for old, new in self._renumbered.items())
                taken["pump_number"] = f"CASE pump_number {cases} ELSE pump_number END"
        if self._renumbered and table in _BY_ID:
            cases = " ".join(f"WHEN {old} THEN {new}" for old, new in self._renumbered.items())
            taken["id"] = f"(id & ~{LAST_NUMBER}) | CASE id & {LAST_NUMBER} {cases} ELSE id & {LAST_NUMBER} END"
        if table == "anomaly_windows":
            taken["model_number"] = (
                "(SELECT here.model_number FROM main.detection_models AS here "
                "JOIN side.detection_models AS there USING (kind, model_version, threshold) "
                "WHERE there.model_number = taken.model_number)"
            )
        # OR IGNORE does not reach what a trigger raises: the audit log refuses an id that it has.
        missing = " AND NOT EXISTS (SELECT 1 FROM main.audit_log AS had WHERE had.id = taken.id)"
        return (
            f"INSERT OR IGNORE INTO main.{table} ({', '.join(map(quoted, taken))}) "
            f"SELECT {', '.join(taken.values())} FROM side.{table} AS taken WHERE seq > ? AND seq <= ?"
            + (missing if table == "audit_log" else "")
        )


def state_of(target: apsw.Connection, key: str) -> str | None:
    """What the child noted in the attached side database."""
    value = target.execute("SELECT value FROM side.state WHERE key = ?", (key,)).get
    return None if value is None else str(value)


def _noted_pumps(target: apsw.Connection) -> Mapping[str, int]:
    """Pump id → number as the damaged file noted them once more; nothing where that was lost, too."""
    try:
        noted = json.loads(state_of(target, "pumps") or "{}")
        return {str(pump_id): int(number) for pump_id, number in noted.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def _free_number(target: apsw.Connection, wanted: int) -> int:
    taken = target.execute("SELECT 1 FROM pumps WHERE pump_number = ?", (wanted,)).get
    return wanted if taken is None else int(str(target.execute("SELECT max(pump_number) + 1 FROM pumps").get))


def _side_columns(target: apsw.Connection, table: str) -> list[str]:
    found = target.execute(f"SELECT name FROM pragma_table_info('{table}', 'side')").fetchall()
    return [str(name) for (name,) in found if name != "seq"]
