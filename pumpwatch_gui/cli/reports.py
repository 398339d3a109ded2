"""`pumpwatch report`: the report of a shift, a day, a week, a month or an incident, without a window."""

import argparse
import sys

from pumpwatch_gui.files.home import find_home


def report(options: argparse.Namespace) -> int:
    """Write the report as what is named of PDF, workbook and pictures, else as the first two; print each file."""
    from pumpwatch_gui.commissioning.reports.making import make_files, site_of_home
    from pumpwatch_gui.domain.reports.period import ReportKind, parse_period

    home = find_home(options.home)
    period = parse_period(ReportKind(options.name), options.period)
    found = site_of_home(home, options.site)
    print(f"site: {found.words}", file=sys.stderr)
    formats = [name for name in ("pdf", "xlsx", "png") if getattr(options, name)] or ["pdf", "xlsx"]
    made = make_files(home, found, period, options.out, formats=formats, pumps=options.pump or ())
    for file in made:
        print(f"{file.path}  sha256 {file.sha256}")
    return 0
