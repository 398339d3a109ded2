"""`pumpwatch report`: the report of a shift, a day, a week, a month or an incident, without a window."""

import argparse
from pathlib import Path

from pumpwatch_gui.files.home import find_home


def report(options: argparse.Namespace) -> int:
    """Write the report as what is named of PDF, workbook and pictures, else as the first two; print each file."""
    from pumpwatch_gui.commissioning.reports.making import make_files
    from pumpwatch_gui.domain.reports.period import ReportKind, parse_period

    home = find_home(options.home)
    period = parse_period(ReportKind(options.name), options.period)
    site_file: Path = options.site or home.site_file
    formats = [name for name in ("pdf", "xlsx", "png") if getattr(options, name)] or ["pdf", "xlsx"]
    made = make_files(home, site_file, period, options.out, formats=formats, pumps=options.pump or ())
    for file in made:
        print(f"{file.path}  sha256 {file.sha256}")
    return 0
