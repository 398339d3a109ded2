"""The writer: how many readings a second it commits, and how long a commit takes."""

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pumpwatch_gui.bench.figure import Figure
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.settings.profile_file import load_profile
from pumpwatch_gui.store.hot.writer import PumpRow, Store


def run(_data: Path | None) -> Iterator[Figure]:
    """500 frames a second for ten seconds, then as fast as it goes."""
    profile = load_profile("centrifugal")
    pumps = [PumpRow(f"P-{i}", f"Pump {i}", profile) for i in range(50)]
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "bench.db", station=1, pumps=pumps, on_trouble=print)
        stop = threading.Event()
        thread = threading.Thread(target=store.run, args=(stop,))
        thread.start()
        cpu, started = time.thread_time(), time.monotonic()
        process_cpu = time.process_time()
        for beat in range(100):
            for i in range(50):
                store.offer_frame(_frame(i, beat, 100), "NORMAL")
            time.sleep(max(0.0, started + (beat + 1) / 10 - time.monotonic()))
        writer_cpu = (time.process_time() - process_cpu) - (time.thread_time() - cpu)
        view = store.view()
        yield Figure("500 readings/s: commit p50", view.commit_ms.p50, "ms", "synchronous FULL, one a second")
        yield Figure("500 readings/s: commit p99", view.commit_ms.p99, "ms")
        yield Figure("500 readings/s: writer CPU", writer_cpu / 10, "cores", "≤ 0.1")
        started, count = time.monotonic(), store.view().committed
        for beat in range(1000):
            for i in range(50):
                store.offer_frame(_frame(i, 10_000 + beat, 100), "NORMAL")
        stop.set()
        thread.join()
        rate = (store.view().committed - count) / (time.monotonic() - started)
        yield Figure("as fast as it goes", rate, "readings/s", "a full station needs 50-500")
        yield Figure("lost", store.view().lost, "readings", "0 unless the queue was filled on purpose")


def _frame(pump: int, beat: int, period_ms: int) -> Frame:
    ns = 1_800_000_000_000_000_000 + beat * period_ms * 1_000_000
    zero = np.zeros(10, dtype=np.uint8)
    return Frame(f"P-{pump}", beat, ns, ns, np.arange(10.0) + beat % 7, zero, zero.copy())
