"""The history: bytes a reading, reads of one pump among 50, and how the start grows with what is on the disk."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from pumpwatch_gui.bench.figure import Figure, NotMeasuredError
from pumpwatch_gui.bench.rigs.plant_rows import PUMPS, PlantRows, offer
from pumpwatch_gui.store.hot.writer import Store
from pumpwatch_gui.store.query.history import History

SECOND = 10**9
HOUR_S, DAY_S = 3600, 86_400
SIZES_S = (2_000, 20_000, DAY_S)
"""Seconds of 50 pumps at 1 Hz: 1e5, 1e6 and 4.3e6 readings."""
START_NS = 1_800_000_000 * SECOND
TIMES = 5
QUEUE = 20_000


def run(_data: Path | None) -> Iterator[Figure]:
    """A history of 50 pumps at 1 Hz with scores that grows to a day, made by the writer itself."""
    yield from figures(SIZES_S)


def figures(sizes_s: tuple[int, ...]) -> Iterator[Figure]:
    """Start, bytes and reads at each of the sizes (seconds, rising)."""
    rows = PlantRows()
    with tempfile.TemporaryDirectory() as folder:
        path, since_s = Path(folder) / "bench.db", 0
        for seconds in sizes_s:
            grow(path, rows, since_s, seconds)
            since_s = seconds
            yield from _start(path, rows, seconds * PUMPS)
            yield from _reads(path, rows, seconds)
        size = path.stat().st_size / (since_s * PUMPS)
        a_day = f"{size * PUMPS * DAY_S / 1e6:.0f} MB a day of 50 pumps at 1 Hz"
        yield Figure("bytes a reading of ten sensors, with its score", size, "bytes", a_day)


def grow(path: Path, rows: PlantRows, since_s: int, until_s: int) -> None:
    """Write the readings and scores of those seconds. Raises NotMeasuredError when one was lost."""
    store = Store(path, station=1, pumps=rows.pumps, capacity=2 * QUEUE, on_trouble=print)
    stop = threading.Event()
    thread = threading.Thread(target=store.run, args=(stop,))
    thread.start()
    try:
        for second in range(since_s, until_s):
            offer(store, rows.at(second, START_NS + second * SECOND))
            while store.view().depth > QUEUE:
                time.sleep(0.02)
    finally:
        stop.set()
        thread.join()
    view = store.view()
    if view.lost or view.lost_others:
        raise NotMeasuredError(f"{view.lost} readings and {view.lost_others} scores found no room in the queue")


def _start(path: Path, rows: PlantRows, readings: int) -> Iterator[Figure]:
    def start() -> None:
        Store(path, station=1, pumps=rows.pumps).close()

    yield Figure(f"open the store on {readings:,} readings", _best_ms(start), "ms", "the same at any size")


def _reads(path: Path, rows: PlantRows, seconds: int) -> Iterator[Figure]:
    history, pump_id, tag = History(path), rows.pumps[PUMPS // 2].pump_id, rows.profile.tags[1]
    end_ns = START_NS + seconds * SECOND
    for what, span_s, bound in (("1 hour", HOUR_S, ""), ("1 day", DAY_S, "≤ 60 ms")):
        if seconds < span_s:
            continue
        start_ns = end_ns - span_s * SECOND

        def read(start_ns: int = start_ns, what: str = what) -> None:
            series = history.read(pump_id, [tag], start_ns=start_ns, end_ns=end_ns)
            if not np.isfinite(series.mean).any():
                raise NotMeasuredError(f"{what} of {pump_id} came back empty")

        yield Figure(f"read {what} of one pump of 50, {seconds * PUMPS:,} readings", _best_ms(read), "ms", bound)


def _best_ms(call: Callable[[], object]) -> float:
    """The fastest of five, after one that fills the caches."""
    call()
    times_ms = []
    for _ in range(TIMES):
        started = time.perf_counter()
        call()
        times_ms.append((time.perf_counter() - started) * 1e3)
    return min(times_ms)
