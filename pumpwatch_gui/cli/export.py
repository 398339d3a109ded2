"""Exporting the history from the command line."""

import argparse
import sys
import threading
import time

from pumpwatch_gui.files.home import find_home

SAID_EVERY_S = 2.0


def export(options: argparse.Namespace) -> int:
    """Write readings, or tables of the original, to a file; how far it is goes to standard error."""
    from pumpwatch_gui.commissioning.export.command import export_home
    from pumpwatch_gui.commissioning.export.export import ExportProgress

    progress, ended = ExportProgress(), threading.Event()

    def say() -> None:
        while not ended.wait(SAID_EVERY_S):
            print(f"{100 * progress.share:.0f} %, {progress.rows:,} rows", file=sys.stderr)

    thread = threading.Thread(target=say, name="pumpwatch-progress", daemon=True)
    thread.start()
    try:
        rows = export_home(
            find_home(options.home), options.out, pumps=options.pump or (), tags=options.tag or (),
            span=(options.start, options.end), tables=options.table or (), now_ns=time.time_ns(), progress=progress,
        )  # fmt: skip
    finally:
        ended.set()
        thread.join()
    print(f"{options.out}: {rows:,} rows")
    return 0
