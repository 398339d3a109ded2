"""`pumpwatch bench`: what the program does to the clock, each figure with its reference beside it."""

import argparse
import importlib
import json
import platform
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

import psutil

from pumpwatch_gui.bench.figure import Figure
from pumpwatch_gui.domain.errors import InputError

BENCHES = {
    "inference": ("inference", "one window and batches, beside keras and the BLAS limit"),
    "detection": ("detection", "false alarms, faults told and delays: test bed (--data DIR) and simulated plant"),
    "store": ("store", "rows a second and commit times of the writer"),
    "latency": ("latency", "sensor to latest() and sensor to painted, 3 pumps at 10 Hz"),
    "load": ("load", "50 pumps at 1 Hz and at 10 Hz, headless and with a window"),
    "links": ("links", "50 devices at 10 Hz, sick ones among them, how soon faults are seen, what a line carries"),
    "trend": ("trend", "time to paint the Pump page and the Overview"),
    "start": ("start", "from the command to the first page and the first live value"),
}
"""Name → (module, what it measures)."""


def main(options: argparse.Namespace) -> int:
    """Run the named benchmarks (all without names), print their figures, write them as JSON if asked."""
    unknown = [n for n in options.names if n not in BENCHES]
    if unknown:
        raise InputError(f"there is no benchmark {', '.join(unknown)}", "known: " + ", ".join(BENCHES))
    print(f"{platform.machine()}, {psutil.cpu_count()} cores, Python {platform.python_version()}")
    results: dict[str, list[dict[str, object]]] = {}
    for name in options.names or BENCHES:
        module, text = BENCHES[name]
        print(f"\n{name}: {text}")
        run: Callable[[Path | None], Iterable[Figure]] = importlib.import_module(f"pumpwatch_gui.bench.{module}").run
        results[name] = []
        for figure in run(options.data):
            print(figure.line(), flush=True)
            results[name].append(asdict(figure))
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    return 0
