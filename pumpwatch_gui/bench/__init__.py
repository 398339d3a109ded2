"""`pumpwatch bench`: what the program does to the clock, each figure with its reference beside it."""

import argparse
import importlib
import json
import platform
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

import psutil

from pumpwatch_gui.bench.figure import Figure, NotMeasuredError
from pumpwatch_gui.domain.errors import InputError

BENCHES = {
    "inference": ("inference", "one window and batches, beside keras and the BLAS limit", "a minute"),
    "detection": (
        "detection",
        "false alarms, faults detected and delays: test bed (--data DIR), foreign pumps and simulated plant",
        "fifteen minutes, with a test bed twenty",
    ),
    "alarms": (
        "alarms",
        "thousands of alarms raised, a flood on a window, a healthy week, the first alarm of each fault",
        "eight minutes",
    ),
    "store": ("store", "readings a second and commit times of the writer, with scores", "a minute"),
    "history": ("history", "bytes a reading, reads of an hour and a day, start against size", "eight minutes"),
    "archive": (
        "archive",
        "a day of 50 pumps archived: bytes, time, longest slice; reads of a day, a month and a year",
        "six minutes",
    ),
    "recordings": (
        "recordings",
        "2 million rows read, a day scored and learnt, a month back-tested",
        "five minutes",
    ),
    "latency": ("latency", "sensor to latest() and sensor to painted, 3 and 50 scored pumps at 10 Hz", "five minutes"),
    "load": (
        "load",
        "50 scored pumps at 1 Hz and at 10 Hz, headless and with a window, and 200",
        "fifteen minutes",
    ),
    "memory": ("memory", "growth of the memory of a station with a window", "seven minutes"),
    "links": (
        "links",
        "50 devices at 10 Hz, sick ones among them, how soon faults are seen, what a line carries",
        "two minutes",
    ),
    "gateway": ("gateway", "500 posts a second to 50 pumps: responses and processor time", "a minute"),
    "sync": (
        "sync",
        "rows a second to a server next to COPY, how far it is behind, live and after a cut, processor time",
        "three minutes; needs PostgreSQL and PostgREST",
    ),
    "trend": ("trend", "time to paint what is new on the Pump page and the Overview, 10 Hz", "a minute"),
    "start": ("start", "from the command to the first page and the first live value", "half a minute"),
}
"""Name → (module, what it measures, how long it takes)."""


def main(options: argparse.Namespace) -> int:
    """Run the named benchmarks (all without names), print their figures, write them as JSON if asked.

    Returns 1 when one of them did not measure what it is about.
    """
    unknown = [n for n in options.names if n not in BENCHES]
    if unknown:
        raise InputError(f"there is no benchmark {', '.join(unknown)}", "known: " + ", ".join(BENCHES))
    print(f"{platform.machine()}, {psutil.cpu_count()} cores, Python {platform.python_version()}")
    results: dict[str, list[dict[str, object]]] = {}
    whole = True
    for name in options.names or BENCHES:
        module, text, takes = BENCHES[name]
        print(f"\n{name}: {text} (takes {takes})", flush=True)
        run: Callable[[Path | None], Iterable[Figure]] = importlib.import_module(f"pumpwatch_gui.bench.{module}").run
        results[name] = []
        try:
            for figure in run(options.data):
                print(figure.line(), flush=True)
                results[name].append(asdict(figure))
        except NotMeasuredError as error:
            print(f"  not measured: {error.message}", flush=True)
            whole = False
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    return 0 if whole else 1
