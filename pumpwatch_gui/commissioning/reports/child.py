"""A report made by a child process, for a window that goes on meanwhile: its pages as pictures, or its files."""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.reports.period import Period
from pumpwatch_gui.engine.reporting import refusal, report_command
from pumpwatch_gui.files.home import Home


def preview_pages(home: Home, site_file: Path, period: Period, pumps: Sequence[str] = ()) -> list[bytes]:
    """The pages of a report as PNG, as they would be printed. Raises InputError with what the report refused."""
    with tempfile.TemporaryDirectory(prefix="pumpwatch-report-") as folder:
        _run(report_command(home, site_file, period, Path(folder), ["png"], pumps))
        pages = sorted(Path(folder).glob("*.png"), key=lambda path: int(path.stem.rpartition("-")[2]))
        return [page.read_bytes() for page in pages]


def make_report(
    home: Home, site_file: Path, period: Period, folder: Path, formats: Sequence[str], pumps: Sequence[str] = ()
) -> list[str]:
    """Write the files of a report; a line each, with its SHA-256. Raises InputError with what the report refused."""
    return _run(report_command(home, site_file, period, folder, formats, pumps)).splitlines()


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False)
    if done.returncode:
        raise InputError(*refusal(done.stderr))
    return done.stdout
