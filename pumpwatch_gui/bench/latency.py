"""From the answer of a pump to `latest()`, and to the painted screen."""

import time
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from pumpwatch_gui.bench.figure import Figure, NotMeasuredError
from pumpwatch_gui.bench.rigs.window import live_window, scored_pumps, turn, turn_until_scored
from pumpwatch_gui.domain.ports import Station
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.gui.shell.main_window import MainWindow

SECONDS = 30.0
PERIOD_S = 0.103
"""Nearly 10 Hz: at 0.1 s polling and another loop could keep one phase for a whole run."""


class PaintWatch:
    """How old each new frame was when it was on the screen, in ms: `ages_ms` of frames painted since it was made.

    Only the frames of `pump_ids`: those that the page on show has anything of. For another one nothing is painted.
    """

    def __init__(self, window: MainWindow, pump_ids: Collection[str]) -> None:
        self.ages_ms: list[float] = []
        self._pump_ids = pump_ids
        self._sampled: list[int] = []
        self._seen: dict[str, int] = {}
        self._connections = (window.sampled.connect(self._on_sampled), window.painted.connect(self._on_painted))
        self._window = window

    def close(self) -> None:
        """Watch no longer."""
        self._window.sampled.disconnect(self._connections[0])
        self._window.painted.disconnect(self._connections[1])

    def _on_sampled(self, view: StationView) -> None:
        for pump in view.pumps:
            is_shown = pump.pump_id in self._pump_ids
            if is_shown and pump.frame is not None and self._seen.get(pump.pump_id) != pump.frame.seq:
                self._seen[pump.pump_id] = pump.frame.seq
                self._sampled.append(pump.frame.mono_ns)

    def _on_painted(self) -> None:
        now = time.monotonic_ns()
        self.ages_ms.extend((now - mono_ns) / 1e6 for mono_ns in self._sampled)
        self._sampled.clear()


def run(_data: Path | None) -> Iterator[Figure]:
    """3 pumps at 10 Hz with the Overview, then the Pump page on show; 50 with the Overview. Each is timed once."""
    for pumps, pages, limit in ((3, ("overview", "pump"), "≤ 33 ms"), (50, ("overview",), "≤ 40 ms")):
        with live_window(pumps=pumps, period_s=PERIOD_S) as (engine, window):
            turn_until_scored(engine)
            for key in pages:
                yield from _page(engine, window, key, limit)
            latest = engine.latest().stats.sensor_to_latest
        yield Figure(f"answer to latest(), {pumps} pumps, p50", latest.p50, "ms")
        yield Figure(f"answer to latest(), {pumps} pumps, p99", latest.p99, "ms", "the original's queue add: < 1 ms")


def _page(station: Station, window: MainWindow, key: str, limit: str, seconds: float = SECONDS) -> Iterator[Figure]:
    """One page. Raises NotMeasuredError when a pump was not scored at its end."""
    window.open_page(key)
    turn(2.0)
    every = [pump.pump_id for pump in station.site().pumps]
    shown = [window.context.pump_id] if window.page(key).follows_pump else every
    watch = PaintWatch(window, shown)
    turn(seconds)
    watch.close()
    pumps, scored, frames = len(station.latest().pumps), scored_pumps(station), len(watch.ages_ms)
    if scored < pumps or not frames:
        raise NotMeasuredError(f"{key} page: {scored} of {pumps} pumps were scored, {frames} frames painted")
    p50, p95, p99 = (float(np.percentile(watch.ages_ms, q)) for q in (50, 95, 99))
    what = f"answer to painted, {key} page, {pumps} pumps"
    yield Figure(f"{what}, p50", p50, "ms", f"{frames} frames of {len(shown)} of {scored} scored pumps")
    yield Figure(f"{what}, p95", p95, "ms")
    yield Figure(f"{what}, p99", p99, "ms", f"{limit}; sampled as it comes")
