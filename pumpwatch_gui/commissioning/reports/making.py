"""Make the files of a report of a home, with or without a program that runs on it."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pumpwatch_gui import __version__
from pumpwatch_gui.commissioning.kept_site import FoundSite, find_site
from pumpwatch_gui.commissioning.reports.incident import read_incident
from pumpwatch_gui.commissioning.reports.logo import read_logo
from pumpwatch_gui.commissioning.reports.paper import need_typst, write_pdf, write_png
from pumpwatch_gui.commissioning.reports.reading import read_period
from pumpwatch_gui.commissioning.reports.workbook import write_workbook
from pumpwatch_gui.domain.reports.content import build_report
from pumpwatch_gui.domain.reports.incident import build_incident
from pumpwatch_gui.domain.reports.period import Period, ReportKind
from pumpwatch_gui.domain.reports.sheet import Report
from pumpwatch_gui.files.atomic import write_atomic
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.store.query.history import History


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file that was written, with its SHA-256."""

    path: Path
    sha256: str


def site_of_home(home: Home, site_file: Path | None) -> FoundSite:
    """The site that a report of a home is of, by `site_file` where that is given, else as `find_site` finds it.

    Raises InputError without a history, else as `find_site`.
    """
    home.need_history()
    return find_site(History(home.database), home.site_file, given=site_file)


def report_of(
    home: Home, found: FoundSite, period: Period, *, pumps: Sequence[str] = (), now_ns: int | None = None
) -> Report:
    """The report of a period; `now_ns` (Unix UTC) is the clock's unless it is given. Nothing is written.

    `found` is the site, as `site_of_home` finds it; `pumps` are those of an incident, none for all that had an alarm.
    Raises InputError for what `read_period` and `read_incident` refuse, StoreError when the history cannot be read.
    """
    site, history = found.loaded.site, History(home.database)
    now_ns, program = now_ns or time.time_ns(), f"PumpWatch {__version__}"
    if period.kind is ReportKind.INCIDENT:
        made = build_incident(read_incident(history, site, period, pumps, now_ns=now_ns, program=program))
    else:
        made = build_report(read_period(history, site, period, history.open_alarms(), now_ns=now_ns, program=program))
    logo = site.reports.logo
    return replace(made, logo=read_logo((site.folder or home.path) / logo)) if logo else made


def make_files(
    home: Home, found: FoundSite, period: Period, folder: Path, *, formats: Sequence[str],
    pumps: Sequence[str] = (), now_ns: int | None = None,
) -> tuple[MadeFile, ...]:  # fmt: skip
    """Write the report into a folder, which is made, as the files that are wanted: `pdf`, `xlsx`, `png` (its pages).

    Raises PrerequisiteError when a package for one of them is missing, else as `report_of`; OSError when a file cannot
    be written.
    """
    if "pdf" in formats or "png" in formats:
        need_typst()
    report = report_of(home, found, period, pumps=pumps, now_ns=now_ns)
    wanted = [(".pdf", write_pdf(report, period.kind))] if "pdf" in formats else []
    wanted += [(".xlsx", write_workbook(report))] if "xlsx" in formats else []
    pages = write_png(report, period.kind) if "png" in formats else []
    wanted += [(f"-{i}.png", page) for i, page in enumerate(pages, 1)]
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for suffix, content in wanted:
        path = folder / f"{report.file_name}{suffix}"
        write_atomic(path, content)
        made.append(MadeFile(path, hashlib.sha256(content).hexdigest()))
    return tuple(made)
