"""Whether the audit log is whole: each row follows from the one before, and what was noted outside is there."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw

from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.store.anchors import FILE, Anchor, Anchors
from pumpwatch_gui.store.audit import AuditRow, chain_start, chained
from pumpwatch_gui.store.schema import from_apsw

PIECE = 20_000


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """What a check found. `broken_id` is the first row that is altered, missing or out of order; None: all is whole."""

    rows: int
    anchors: int
    broken_id: int | None = None
    text: str = ""


def verify_audit(database: Path) -> AuditFinding:
    """Check every row of the audit log and every anchor next to the database. Raises StoreError when one is unreadable.

    What a chain alone cannot show, that its end was cut off or all of it was made again, the anchors show: the head
    of the chain, noted in a file of its own at every start and stop and once a day.
    """
    try:
        anchors = Anchors(database).all()
    except OSError as error:
        raise StoreError(
            f"{database.with_name(FILE)} cannot be read: {error.strerror}", "correct its permissions"
        ) from error
    try:
        connection = apsw.Connection(os.fspath(database), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            connection.set_busy_timeout(2_000)
            return _verify(connection, anchors)
        finally:
            connection.close()
    except apsw.Error as error:
        raise from_apsw(error, database) from error


def _verify(connection: apsw.Connection, anchors: list[Anchor]) -> AuditFinding:
    expected = {anchor.id: anchor for anchor in anchors}
    before, last, rows = b"", None, 0
    start = chain_start(connection)  # after damage the rows of before may have come back: the first then has no start
    waiting = iter(sorted(expected))
    due = next(waiting, None)
    for row, digest in _rows(connection):
        while due is not None and due < row.id:
            return AuditFinding(rows, len(anchors), due, _missing(expected[due]))
        rows += 1
        anchor = expected.get(row.id)
        if chained(before, row) != digest and not (last is None and chained(start, row) == digest):
            return AuditFinding(rows, len(anchors), row.id, _broken(row, last))
        if anchor is not None and anchor.hash != digest.hex():
            text = f"{_words(row)} is not what it was when it was noted at {_iso(anchor.time_ns)}: it was altered"
            return AuditFinding(rows, len(anchors), row.id, text)
        if due == row.id:
            due = next(waiting, None)
        before, last = digest, row
    if due is not None:
        return AuditFinding(rows, len(anchors), due, _missing(expected[due]))
    return AuditFinding(rows, len(anchors))


def _rows(connection: apsw.Connection) -> Iterator[tuple[AuditRow, bytes]]:
    """Every row with its hash, in order; in pieces, so that no snapshot is held for long."""
    sql = "SELECT id, time_ns, action, pump_id, by, ok, text, hash FROM audit_log WHERE id > ? ORDER BY id LIMIT ?"
    after = -(1 << 63)
    while piece := list[Any](connection.execute(sql, (after, PIECE)).fetchall()):
        for key, at_ns, action, pump_id, by, ok, text, digest in piece:
            yield AuditRow(key, at_ns, action, pump_id, by, bool(ok), text), digest
        after = piece[-1][0]


def _broken(row: AuditRow, before: AuditRow | None) -> str:
    where = f"row {before.id}" if before is not None else "the beginning"
    return f"{_words(row)} does not follow from {where}: it was altered or moved, or rows between the two are missing"


def _missing(anchor: Anchor) -> str:
    return f"row {anchor.id}, the newest when it was noted at {_iso(anchor.time_ns)}, is missing"


def _words(row: AuditRow) -> str:
    return f"row {row.id} ({_iso(row.time_ns)}, {row.action} by {row.by or 'nobody'})"


def _iso(time_ns: int) -> str:
    try:
        return datetime.fromtimestamp(time_ns / 1e9, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return f"{time_ns} ns"
