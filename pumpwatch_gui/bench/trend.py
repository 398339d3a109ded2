"""What a frame of the busiest pages costs: sampling the station and painting it, or moving ten pens about."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QWidget

from pumpwatch_gui.bench.figure import Figure, NotMeasuredError
from pumpwatch_gui.bench.rigs.window import live_window, turn
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.shell.page import Page

FRAMES = 200
PENS, SPAN_S = 10, 500.0
FRAME_S = 0.05
MOST_FRAMES = 20
"""For one that changed: beyond that the station brings no news."""


def run(_data: Path | None) -> Iterator[Figure]:
    """The Overview with 50 pumps, the Pump page with ten trends of ten minutes and ten pens of the Trends page moved.

    All at 10 Hz and 1600 × 900.
    """
    for key, pumps, limit in (("overview", 50, "≤ 12 ms"), ("pump", 3, "≤ 16 ms")):
        with live_window(pumps=pumps, period_s=0.1, sampling=False) as (station, window):
            shown = [pump.pump_id for pump in station.site().pumps][: None if key == "overview" else 1]
            window.open_page(key, shown[0] if key == "pump" else "")
            turn(2.0)
            frames, whole_ms = changed_frames(window, frozenset(shown), count=FRAMES), _whole(window.page(key))
        what = f"{key} page, {pumps} pumps"
        yield Figure(f"{what}, a changed frame, p50", float(np.percentile(frames.changed_ms, 50)), "ms")
        yield Figure(f"{what}, a changed frame, p95", float(np.percentile(frames.changed_ms, 95)), "ms", limit)
        cpu_ms, wait = float(np.percentile(frames.cpu_ms, 50)), "the rest it waits for other threads"
        yield Figure(f"{what}, of it on the processor, p50", cpu_ms, "ms", wait)
        share = 100 * len(frames.changed_ms) / frames.count
        yield Figure(f"{what}, frames that changed", share, "%", f"of {frames.count}; those without news do not count")
        yield Figure(f"{what}, painted whole, p50", float(np.percentile(whole_ms, 50)), "ms", "when it is turned to")
    yield from moved_pens()


def moved_pens() -> Iterator[Figure]:
    """Ten pens of the Trends page: a step of a drag and of the wheel, from the order to what is on the screen.

    Raises NotMeasuredError when there is no such page.
    """
    from pumpwatch_gui.gui.look.time_view import TimeView
    from pumpwatch_gui.gui.trends.page import TrendsPage
    from pumpwatch_gui.gui.trends.pens import Pen

    with live_window(pumps=3, period_s=0.1, sampling=False) as (station, window):
        pump = station.site().pumps[0]
        window.open_page("trends")
        page = window.page("trends")
        if not isinstance(page, TrendsPage):
            raise NotMeasuredError("the Trends page is another")
        page.set_pens(Pen(pump.pump_id, tag) for tag in pump.profile.tags[:PENS])
        plot = page.plot
        moves: dict[str, Callable[[int], TimeView]] = {
            "a step of a drag": lambda i: plot.view.shifted(-0.002 if i % 100 < 50 else 0.002, plot.now_s),
            "a turn of the wheel": lambda i: plot.view.zoomed(0.98 if i % 100 < 50 else 1 / 0.98, plot.now_s),
        }
        for what, move in moves.items():
            plot.set_view(TimeView.last(SPAN_S, plot.now_s).shifted(-0.2, plot.now_s))
            turn(1.0)
            times_ms = []
            for i in range(FRAMES):
                started = time.perf_counter()
                plot.set_view(move(i))
                plot.repaint()
                times_ms.append((time.perf_counter() - started) * 1e3)
            name = f"trends page, {PENS} pens of {SPAN_S / 0.1:,.0f} points, {what}"
            yield Figure(f"{name}, p50", float(np.percentile(times_ms, 50)), "ms")
            yield Figure(f"{name}, p95", float(np.percentile(times_ms, 95)), "ms", "≤ 16 ms")


@dataclass(frozen=True, slots=True)
class Frames:
    """`count` frames of a window, and what those cost that brought a new value of a pump on the page.

    `changed_ms` by the clock, `cpu_ms` on the processor: the GUI thread shares the GIL with those that poll and judge.
    """

    count: int
    changed_ms: list[float]
    cpu_ms: list[float]


def changed_frames(window: MainWindow, pump_ids: frozenset[str], *, count: int) -> Frames:
    """Sample the station and paint what that changed, as the window does 20 times a second, until so many changed.

    The window must not sample by itself: it would take the news. Raises NotMeasuredError when news stay away.
    """
    seen: dict[str, int] = {}
    changes: list[bool] = []
    times_ms: list[tuple[float, float]] = []

    def look(view: StationView) -> None:
        now = {p.pump_id: p.frame.seq for p in view.pumps if p.frame is not None and p.pump_id in pump_ids}
        changes.append(bool(seen) and now != seen)
        seen.update(now)

    connection = window.sampled.connect(look)
    while sum(changes) < count:
        if len(changes) > MOST_FRAMES * count:
            raise NotMeasuredError(f"{sum(changes)} of {len(changes)} frames changed")
        started, cpu_s = time.perf_counter(), time.thread_time()
        window.refresh()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.UpdateRequest.value)
        ended = time.perf_counter()
        times_ms.append(((ended - started) * 1e3, (time.thread_time() - cpu_s) * 1e3))
        turn(max(0.0, started + FRAME_S - ended))
    window.sampled.disconnect(connection)
    changed = [both for both, has_changed in zip(times_ms, changes, strict=True) if has_changed]
    return Frames(len(changes), [ms for ms, _ in changed], [ms for _, ms in changed])


def _whole(page: Page) -> list[float]:
    times_ms = []
    for _ in range(50):
        for part in (page, *page.findChildren(QWidget)):  # one that paints all of itself is not painted with its parent
            part.update()
        started = time.perf_counter()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.UpdateRequest.value)
        times_ms.append((time.perf_counter() - started) * 1e3)
    return times_ms
