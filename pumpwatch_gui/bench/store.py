"""The writer: how many readings a second it commits, and how long a commit takes."""

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from pumpwatch_gui.bench.figure import Figure, NotMeasuredError
from pumpwatch_gui.bench.rigs.plant_rows import PUMPS, PlantRows, offer
from pumpwatch_gui.store.hot.writer import Store

SECONDS = 30
MOST_READINGS = 50_000
START_NS = 1_800_000_000_000_000_000


def run(_data: Path | None) -> Iterator[Figure]:
    """500 readings a second, each with its score, for half a minute; then as fast as it goes."""
    yield from figures(seconds=SECONDS, most=MOST_READINGS)


def figures(*, seconds: float, most: int) -> Iterator[Figure]:
    """At 500 readings/s for so long, then `most` of them at once. Raises NotMeasuredError when rows were lost."""
    rows, scans = PlantRows(), round(seconds * 10)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "bench.db", station=1, pumps=rows.pumps, on_trouble=print)
        stop = threading.Event()
        thread = threading.Thread(target=store.run, args=(stop,))
        thread.start()
        try:
            cpu, process_cpu, started = time.thread_time(), time.process_time(), time.monotonic()
            for scan in range(scans):
                offer(store, rows.at(scan, _time_ns(scan)))
                time.sleep(max(0.0, started + (scan + 1) / 10 - time.monotonic()))
            writer_cpu = (time.process_time() - process_cpu) - (time.thread_time() - cpu)
            view, took_s = store.view(), time.monotonic() - started
            yield Figure("500 readings/s with scores: commit p50", view.commit_ms.p50, "ms", "synchronous FULL, 1 a s")
            yield Figure("500 readings/s with scores: commit p99", view.commit_ms.p99, "ms", f"in {took_s:.0f} s")
            yield Figure("500 readings/s with scores: writer CPU", writer_cpu / took_s, "cores", "≤ 0.1")
            made = [rows.at(scan, _time_ns(scan)) for scan in range(scans, scans + most // PUMPS)]
            started, count = time.monotonic(), store.view().committed
            for each in made:
                offer(store, each)
        finally:
            stop.set()
            thread.join()
        view = store.view()
        if view.lost or view.lost_others:
            raise NotMeasuredError(f"{view.lost} readings and {view.lost_others} scores found no room in the queue")
        rate = (view.committed - count) / (time.monotonic() - started)
        yield Figure("as fast as it goes, with scores", rate, "readings/s", "a full station needs 50-500")


def _time_ns(scan: int) -> int:
    return START_NS + scan * 100_000_000
