"""`pumpwatch report`: the report of a shift, a day or a month, without a window."""

import argparse
import sys

from pumpwatch_gui.files.home import find_home


def report(options: argparse.Namespace) -> int:
    """Write the report as PDF, as a workbook or as both (also when neither is named); print each file."""
    from pumpwatch_gui.commissioning.reports.making import make_files, site_of_home
    from pumpwatch_gui.domain.reports.period import ReportKind, parse_period

    home = find_home(options.home)
    period = parse_period(ReportKind(options.name), options.period)
    both = not (options.pdf or options.xlsx)
    print(f"site: {site_of_home(home, options.site).words}", file=sys.stderr)
    for made in make_files(home, options.site, period, options.out, pdf=options.pdf or both, xlsx=options.xlsx or both):
        print(f"{made.path}  sha256 {made.sha256}")
    return 0
