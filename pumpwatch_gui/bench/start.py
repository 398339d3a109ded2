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
MOMENTS = {"first page painted": 1.6, "first live values": 2.5}
"""How long each may take, as a multiple of the start of an empty window."""
ENVIRONMENT = {"QT_QPA_PLATFORM": "offscreen"}


def run(_data: Path | None) -> Iterator[Figure]:
    """The demo, started five times in a home that exists, each time after an empty window; timed from outside."""
    times: dict[str, list[float]] = {moment: [] for moment in MOMENTS}
    empty_ms, empty_mb, memory_mb = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(STARTS + 1):
            took_ms, took_mb = empty_window()
            began_s, summary = time.time(), Path(folder) / "summary.json"
            command = [sys.executable, "-m", "pumpwatch_gui", "demo", "--home", folder, "--for", "3",
                       "--summary", str(summary)]  # fmt: skip
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **ENVIRONMENT})
            lines = (Path(folder) / "logs" / "pumpwatch.log").read_text("utf-8").splitlines()
            if i:  # the first start fills the caches of the system
                empty_ms.append(took_ms)
                empty_mb.append(took_mb)
                for moment in MOMENTS:
                    line = next(line for line in reversed(lines) if moment in line)
                    stamp = " ".join(line.split(" ", 2)[:2])
                    times[moment].append((datetime.fromisoformat(stamp).timestamp() - began_s) * 1e3)
                memory_mb.append(json.loads(summary.read_text("utf-8"))["rss_mb"])
    reference_ms = float(np.median(empty_ms))
    yield Figure(f"an empty window painted, median of {STARTS} starts", reference_ms, "ms", "PySide6 and pyqtgraph")
    for moment, most in MOMENTS.items():
        median_ms = float(np.median(times[moment]))
        yield Figure(f"{moment}, median of {STARTS} starts", median_ms, "ms")
        yield Figure(f"{moment}, slowest", max(times[moment]), "ms")
        yield Figure(f"{moment}, of an empty window", median_ms / reference_ms, "times", f"≤ {most}")
    yield Figure("memory of an empty window", float(np.median(empty_mb)), "MB")
    yield Figure("memory after 3 s", float(np.median(memory_mb)), "MB", "≤ 200 MB with 50 pumps")


def empty_window() -> tuple[float, float]:
    """How long an empty window takes from the command to the screen (ms), and its resident memory (MB)."""
    began_s = time.time()
    command = [sys.executable, "-m", "pumpwatch_gui.bench.rigs.empty_window"]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **ENVIRONMENT})
    painted_s, megabytes = map(float, ran.stdout.split())
    return (painted_s - began_s) * 1e3, megabytes
