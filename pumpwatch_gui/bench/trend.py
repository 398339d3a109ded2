"""What a frame of the two busiest pages costs: sampling the station and painting it."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pumpwatch_gui.bench.figure import Figure
from pumpwatch_gui.bench.window import live_window, turn
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.shell.page import Page

FRAMES = 200


def run(_data: Path | None) -> Iterator[Figure]:
    """The Overview with 50 pumps and the Pump page with ten trends of ten minutes, live, at 1600 × 900."""
    for key, pumps, limit in (("overview", 50, "≤ 12 ms"), ("pump", 3, "≤ 16 ms")):
        with live_window(pumps=pumps, period_s=1.0) as (_, window):
            window.open_page(key)
            turn(2.0)
            frames_ms, whole_ms = _frames(window), _whole(window.page(key))
        what = f"{key} page, {pumps} pumps"
        yield Figure(f"{what}, a live frame, p50", float(np.percentile(frames_ms, 50)), "ms", "16.7 ms: 60 a second")
        yield Figure(f"{what}, a live frame, p95", float(np.percentile(frames_ms, 95)), "ms", limit)
        yield Figure(f"{what}, painted whole, p50", float(np.percentile(whole_ms, 50)), "ms", "when it is turned to")


def _frames(window: MainWindow) -> list[float]:
    """Milliseconds to sample the station and to paint what that changed, as the window does 20 times a second."""
    from PySide6.QtCore import QCoreApplication, QEvent

    times_ms = []
    for _ in range(FRAMES):
        started = time.perf_counter()
        window.refresh()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.UpdateRequest.value)
        times_ms.append((time.perf_counter() - started) * 1e3)
        turn(0.05)
    return times_ms


def _whole(page: Page) -> list[float]:
    times_ms = []
    for _ in range(50):
        started = time.perf_counter()
        page.repaint()
        times_ms.append((time.perf_counter() - started) * 1e3)
    return times_ms
