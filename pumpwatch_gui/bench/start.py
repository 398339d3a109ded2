"""From the command to the first painted page and the first live values."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np

from pumpwatch_gui.bench.figure import Figure

STARTS = 5
MOMENTS = {"first page painted": "≤ 800 ms", "first live values": "≤ 3000 ms"}


def run(_data: Path | None) -> Iterator[Figure]:
    """The demo, started five times in a home that exists, timed from outside."""
    times: dict[str, list[float]] = {moment: [] for moment in MOMENTS}
    memory = []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(STARTS + 1):
            began_s, summary = time.time(), Path(folder) / "summary.json"
            command = [sys.executable, "-m", "pumpwatch_gui", "demo", "--home", folder, "--for", "3",
                       "--summary", str(summary)]  # fmt: skip
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL,
                           env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})  # fmt: skip
            lines = (Path(folder) / "logs" / "pumpwatch.log").read_text("utf-8").splitlines()
            if i:  # the first start fills the caches of the system
                for moment in MOMENTS:
                    line = next(line for line in reversed(lines) if moment in line)
                    stamp = " ".join(line.split(" ", 2)[:2])
                    times[moment].append((datetime.fromisoformat(stamp).timestamp() - began_s) * 1e3)
                memory.append(json.loads(summary.read_text("utf-8"))["rss_mb"])
    for moment, limit in MOMENTS.items():
        yield Figure(f"{moment}, median of {STARTS} starts", float(np.median(times[moment])), "ms", limit)
        yield Figure(f"{moment}, slowest", max(times[moment]), "ms")
    yield Figure("memory after 3 s", float(np.median(memory)), "MB", "≤ 220 MB with 50 pumps")
