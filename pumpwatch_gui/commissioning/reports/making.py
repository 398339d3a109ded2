"""Make the files of a report of a home, with or without a program that runs on it."""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from pumpwatch_gui import __version__
from pumpwatch_gui.commissioning.reports.paper import need_typst, write_pdf
from pumpwatch_gui.commissioning.reports.reading import read_period
from pumpwatch_gui.commissioning.reports.workbook import write_workbook
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.reports.content import build_report
from pumpwatch_gui.domain.reports.period import Period
from pumpwatch_gui.domain.reports.sheet import Report
from pumpwatch_gui.files.atomic import write_atomic
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.settings.site_reader import load_site
from pumpwatch_gui.store.query.history import History


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file that was written, with its SHA-256."""

    path: Path
    sha256: str


def report_of(home: Home, site_file: Path, period: Period, *, now_ns: int | None = None) -> Report:
    """The report of a period; `now_ns` (Unix UTC) is the clock's unless it is given. Nothing is written.

    Raises InputError without a history or a good site file, StoreError when the history cannot be read.
    """
    home.need_history()
    if not site_file.is_file():
        raise InputError(f"there is no site file {site_file}", "name it with --site FILE")
    loaded = load_site(site_file, keep_backup=False)
    if not loaded.site.pumps and loaded.problems:
        raise InputError(f"{site_file}: {loaded.problems[0]}", "correct it: pumpwatch check --site FILE names all")
    history = History(home.database)
    read = read_period(history, loaded.site, period, history.open_alarms(), now_ns=now_ns or time.time_ns(),
                       program=f"PumpWatch {__version__}")  # fmt: skip
    return build_report(read)


def make_files(
    home: Home, site_file: Path, period: Period, folder: Path, *, pdf: bool, xlsx: bool, now_ns: int | None = None
) -> tuple[MadeFile, ...]:
    """Write the report as the files that are wanted into a folder, which is made.

    Raises PrerequisiteError when a package for one of them is missing, else as `report_of`; OSError when a file cannot
    be written.
    """
    if pdf:
        need_typst()
    report = report_of(home, site_file, period, now_ns=now_ns)
    wanted = [(".pdf", write_pdf(report, period.kind))] if pdf else []
    wanted += [(".xlsx", write_workbook(report))] if xlsx else []
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for suffix, content in wanted:
        path = folder / f"{report.file_name}{suffix}"
        write_atomic(path, content)
        made.append(MadeFile(path, hashlib.sha256(content).hexdigest()))
    return tuple(made)
