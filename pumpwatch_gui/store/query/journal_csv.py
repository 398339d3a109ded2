"""The journal as a CSV file."""

import csv
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.domain.journal import JournalRow
from pumpwatch_gui.domain.wording import spreadsheet_text
from pumpwatch_gui.files.atomic import atomic_text


def write_journal(path: Path, rows: Iterable[JournalRow]) -> int:
    """Write lines of the journal as CSV; how many they were.

    The file is whole or not there. Raises StoreError when it cannot be written, and what reading `rows` raises.
    """
    try:
        with atomic_text(path) as file:
            writer = csv.writer(file)
            writer.writerow(["time", "kind", "pump", "severity", "text", "by"])
            lines = 0
            for row in rows:
                cells = (row.kind, row.pump_id, row.severity, row.text, row.by)
                writer.writerow([_iso(row.time_ns), *map(spreadsheet_text, cells)])
                lines += 1
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}", "choose another folder") from error
    return lines


def _iso(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns / 1e9, UTC).isoformat(timespec="milliseconds")
