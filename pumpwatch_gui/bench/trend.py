"""What a frame of the two busiest pages costs: sampling the station and painting it."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pumpwatch_gui.bench.figure import Figure
from pumpwatch_gui.bench.window import live_window, turn

FRAMES = 200


def run(_data: Path | None) -> Iterator[Figure]:
    """The Overview with 50 pumps and the Pump page with ten trends of ten minutes, live, at 1600 × 900."""
    for key, pumps, limit in (("overview", 50, "≤ 12 ms"), ("pump", 3, "≤ 16 ms")):
        with live_window(pumps=pumps, period_s=1.0) as (_, window):
            window.open_page(key)
            turn(2.0)
            page, times_ms = window.page(key), []
            for _ in range(FRAMES):
                started = time.perf_counter()
                window.refresh()
                page.repaint()
                times_ms.append((time.perf_counter() - started) * 1e3)
                turn(0.02)
        what = f"{key} page, {pumps} pumps, whole frame"
        yield Figure(f"{what}, p50", float(np.percentile(times_ms, 50)), "ms", "16.7 ms is 60 frames a second")
        yield Figure(f"{what}, p95", float(np.percentile(times_ms, 95)), "ms", limit)
