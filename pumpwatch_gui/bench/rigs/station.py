"""`pumpwatch run` as a process of its own on a simulated plant, for the benchmarks that watch it from outside."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from pumpwatch_gui.bench.rigs.plant_ports import plant_with_ports

SUMMARY = "summary.json"
END_S = 2.0
"""It runs on for so long after it was watched: what happens at the end of a run is not what is measured."""


@contextmanager
def running_station(
    home: Path, *, pumps: int, period_s: float, headless: bool, for_s: float
) -> Iterator[psutil.Process]:
    """Run a station in `home` for so long; yields its process at once. It has ended when the context has."""
    with plant_with_ports(home, pumps=pumps, period_s=period_s) as site_file:
        command = [sys.executable, "-m", "pumpwatch_gui", "run", "--site", str(site_file), "--home", str(home),
                   "--for", str(for_s + END_S), "--summary", str(home / SUMMARY)]  # fmt: skip
        environment = dict(os.environ) if headless else {"QT_QPA_PLATFORM": "offscreen", **os.environ}
        child = subprocess.Popen(command + ["--headless"] * headless, env=environment, stdout=subprocess.DEVNULL)
        try:
            yield psutil.Process(child.pid)
            child.wait(60)
        finally:
            child.kill()
            child.wait()
