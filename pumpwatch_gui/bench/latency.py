"""From the answer of a pump to `latest()`, and to the painted screen."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pumpwatch_gui.bench.figure import Figure
from pumpwatch_gui.bench.window import live_window, turn
from pumpwatch_gui.domain.station import StationView

SECONDS = 30.0


def run(_data: Path | None) -> Iterator[Figure]:
    """3 pumps at 10 Hz with the Overview, then with the Pump page on show; every new frame is timed once."""
    from PySide6.QtCore import QTimer

    with live_window(pumps=3, period_s=0.1) as (engine, window):
        for key in ("overview", "pump"):
            window.open_page(key)
            turn(2.0)
            ages_ms: list[float] = []
            seen: dict[str, int] = {}

            def painted(new: list[int], ages_ms: list[float] = ages_ms) -> None:
                now = time.monotonic_ns()
                ages_ms.extend((now - mono_ns) / 1e6 for mono_ns in new)

            def sampled(view: StationView, seen: dict[str, int] = seen) -> None:
                new = []
                for pump in view.pumps:
                    if pump.frame is not None and seen.get(pump.pump_id) != pump.frame.seq:
                        seen[pump.pump_id] = pump.frame.seq
                        new.append(pump.frame.mono_ns)
                QTimer.singleShot(0, lambda: painted(new))  # after the paint that this sample has asked for

            connection = window.sampled.connect(sampled)
            turn(SECONDS)
            window.sampled.disconnect(connection)
            p50, p95, p99 = (float(np.percentile(ages_ms, q)) for q in (50, 95, 99))
            yield Figure(f"answer to painted, {key} page, p50", p50, "ms", f"{len(ages_ms)} frames")
            yield Figure(f"answer to painted, {key} page, p95", p95, "ms")
            yield Figure(f"answer to painted, {key} page, p99", p99, "ms", "≤ 100 ms; sampled every 50 ms")
        latest = engine.latest().stats.sensor_to_latest
        yield Figure("answer to latest(), p50", latest.p50, "ms")
        yield Figure("answer to latest(), p99", latest.p99, "ms", "the original's queue add: < 1 ms")
