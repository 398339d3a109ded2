"""`pumpwatch incident`: a stretch of the history of some pumps as one file that opens in a review."""

import argparse
import time

from pumpwatch_gui.commissioning.export.spans import span_ns
from pumpwatch_gui.commissioning.incidents import incident_of_home, written_words
from pumpwatch_gui.files.home import find_home
from pumpwatch_gui.files.shipped import user_path


def incident(options: argparse.Namespace) -> int:
    """Write the file and say what is in it."""
    pumps = [pump.strip() for pump in options.pumps.split(",") if pump.strip()]
    span = span_ns(options.start, options.end, now_ns=time.time_ns())
    print(written_words(*incident_of_home(find_home(options.home), user_path(options.out), pumps, span)))
    return 0
