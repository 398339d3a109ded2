"""A whole station under load: 50 pumps at 1 Hz and 10 Hz, headless and with a window, on the real driver."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pumpwatch_gui.bench.figure import Figure
from pumpwatch_gui.settings.simulated import simulated_site

SECONDS = 30


def run(_data: Path | None) -> Iterator[Figure]:
    """Four runs of half a minute each, every one in a process of its own."""
    for what, period_s, headless, cores in (
        ("50 × 1 Hz headless", 1.0, True, "< 0.5"),
        ("50 × 1 Hz with window", 1.0, False, "< 0.5"),
        ("50 × 10 Hz headless", 0.1, True, "≤ 0.6"),
        ("50 × 10 Hz with window", 0.1, False, ""),
    ):
        summary = _one_run(period_s, headless=headless)
        frames = sum(p["frames"] for p in summary["pumps"].values())
        due = 50 * (summary["duration_s"] - 1) / period_s
        skipped = sum(p["skipped_beats"] for p in summary["pumps"].values())
        yield Figure(f"{what}: frames", frames, "", f"about {due:.0f} are due")
        yield Figure(f"{what}: readings lost", summary["readings_lost"], "", "0")
        yield Figure(f"{what}: beats skipped", 100 * skipped / due, "%", "≤ 0.1 %")
        yield Figure(f"{what}: CPU", summary["cpu_cores"], "cores", cores)
        yield Figure(f"{what}: memory", summary["rss_mb"], "MB", "≤ 220")
        yield Figure(f"{what}: sensor to latest, p99", summary["sensor_to_latest_ms"]["p99"], "ms")


def _one_run(period_s: float, *, headless: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with simulated_site(home, pumps=50, faults=(), speed=1.0, period_s=period_s) as site_file:
            summary = home / "summary.json"
            command = [sys.executable, "-m", "pumpwatch_gui", "run", "--site", str(site_file), "--home", folder,
                       "--for", str(SECONDS), "--summary", str(summary)]  # fmt: skip
            environment = dict(os.environ) if headless else {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
            subprocess.run(command + ["--headless"] * headless, check=True, env=environment, stdout=subprocess.DEVNULL)
            result: dict[str, Any] = json.loads(summary.read_text())
            return result
