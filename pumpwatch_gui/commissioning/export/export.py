"""Exporting: from a selection to a file that is whole or not there."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pumpwatch_gui import __version__
from pumpwatch_gui.commissioning.export.csv_file import write_csv
from pumpwatch_gui.commissioning.export.parquet_file import check_parquet, write_parquet
from pumpwatch_gui.commissioning.export.selection import Selection
from pumpwatch_gui.commissioning.export.tables import Block, ExportTable, blocks_of, tables_of
from pumpwatch_gui.commissioning.export.xlsx_file import write_xlsx
from pumpwatch_gui.domain.errors import InputError, PumpWatchError
from pumpwatch_gui.domain.ports import Historian
from pumpwatch_gui.files.atomic import atomic_file, check_writable

SUFFIXES = (".csv", ".parquet", ".xlsx")


class ExportCancelledError(PumpWatchError):
    """A person has cancelled it; there is no file."""


@dataclass(slots=True)
class ExportProgress:
    """How far an export is; written by the thread that exports, read by any. `share` is 0 to 1; set `cancel` to end."""

    rows: int = 0
    share: float = 0.0
    cancel: threading.Event = field(default_factory=threading.Event)


def check_target(path: Path, selection: Selection) -> None:
    """Raise InputError or PrerequisiteError where a selection cannot be written to a file of that name."""
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path.name} is no kind of file that can be written", f"name it {', '.join(SUFFIXES)}")
    if len(selection.tables) > 1 and path.suffix.lower() != ".xlsx":
        raise InputError(f"{path.name} holds one table, {len(selection.tables)} were asked for",
                         "choose one, or a workbook: .xlsx")  # fmt: skip
    if path.suffix.lower() == ".parquet":
        check_parquet()
    try:
        check_writable(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}", "choose another folder") from error


def export(history: Historian, selection: Selection, path: Path, progress: ExportProgress, *, site: str = "") -> int:
    """Write a selection to a CSV, Parquet or XLSX file, by its name; the number of rows.

    An error leaves the old file as it was. Raises InputError, PrerequisiteError, StoreError, ExportCancelledError, and
    PumpWatchError for a disk that is full.
    """
    check_target(path, selection)
    tables = tables_of(selection)
    notes = notes_of(selection, site)
    try:
        with atomic_file(path) as file:
            fed = [(table, _fed(history, selection, table, progress)) for table in tables]
            match path.suffix.lower():
                case ".csv":
                    write_csv(file, *fed[0])
                case ".parquet":
                    write_parquet(file, *fed[0], notes)
                case _:
                    write_xlsx(file, fed, notes, path.resolve().parent)
            if not progress.rows and not selection.tables:
                ids = ", ".join(one.pump.pump_id for one in selection.pumps)
                raise InputError(f"there is no reading of {ids} in that time", "choose a span in which it was recorded")
    except OSError as error:
        raise PumpWatchError(
            f"{path} cannot be written: {error.strerror or error}", "free some room, or choose another folder"
        ) from error
    progress.share = 1.0
    return progress.rows


def _fed(history: Historian, selection: Selection, table: ExportTable, progress: ExportProgress) -> Iterator[Block]:
    """The blocks of a table, counted; each pump is an equal part of the whole."""
    starts = [one.pump.first_ns for one in selection.pumps if one.pump.first_ns]
    start_ns = max(selection.start_ns, min(starts, default=0))
    length_ns = max(selection.end_ns - start_ns, 1)
    parts, done, before_ns = max(len(selection.pumps), 1), 0, 0
    for block, newest_ns in blocks_of(history, selection, table):
        if progress.cancel.is_set():
            raise ExportCancelledError("the export was cancelled", "there is no file of it")
        done += newest_ns < before_ns
        before_ns = newest_ns
        within = min(max((newest_ns - start_ns) / length_ns, 0.0), 1.0) if newest_ns else 0.0
        progress.share = within if selection.tables else min((done + within) / parts, 1.0)
        progress.rows += len(block[0])
        yield block


def notes_of(selection: Selection, site: str) -> dict[str, str]:
    """What a reader must know of an export: of what, over which time, in which zone, what qualities mean."""

    def iso(at_ns: int) -> str:
        return datetime.fromtimestamp(at_ns / 1e9).astimezone().isoformat(timespec="milliseconds")

    written = datetime.now().astimezone()
    pumps = ", ".join(f"{one.pump.pump_id} {one.pump.name}" for one in selection.pumps)
    return {
        "Exported by": f"PumpWatch {__version__}, {written.isoformat(timespec='seconds')}",
        **({"Site": site} if site else {}),
        "Pumps": pumps,
        "From": iso(selection.start_ns) if selection.start_ns else "the beginning",
        "Up to": iso(selection.end_ns),
        "Time zone": f"local times are those of {written.tzname()}; UTC where it is named",
        "Quality": "good: to be believed; uncertain: with a doubt; bad: there is no value, the cell is empty; "
        "no quality: the pump had no such quantity then",
    }
