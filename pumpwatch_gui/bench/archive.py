"""The archive: bytes a reading, how long a day of it takes and holds the writer, reads of a day, a month and a year."""

import os
import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from pathlib import Path

import numpy as np
import psutil

from pumpwatch_gui.bench.figure import Figure, NotMeasuredError
from pumpwatch_gui.bench.rigs.past import DAY_S, FIRST_DAY, SimulatedPast, unix_ns
from pumpwatch_gui.bench.rigs.plant_rows import PlantRows, offer
from pumpwatch_gui.domain.station import Percentiles
from pumpwatch_gui.store.archive.archiver import Archiver
from pumpwatch_gui.store.archive.handed import HELD_ROWS
from pumpwatch_gui.store.hot.writer import Store
from pumpwatch_gui.store.importing import ImportTarget
from pumpwatch_gui.store.query.history import History
from pumpwatch_gui.store.query.sizes import ArchiveSizes, archive_sizes
from pumpwatch_gui.store.schema import connect

PUMPS = 50
YEAR_DAYS = 365
COMMIT_S = 30
TIMES = 40
MB = 1e6
REFERENCE = "≤ 4.2; pcodec 3.80 and Parquet 6.1 without time and score"


def run(_data: Path | None) -> Iterator[Figure]:
    """A day of 50 pumps at 1 Hz with scores, archived; a year of one of them."""
    yield from figures(pumps=PUMPS, day_s=DAY_S, year_days=YEAR_DAYS, commit_s=COMMIT_S)


def figures(*, pumps: int, day_s: int, year_days: int, commit_s: float) -> Iterator[Figure]:
    """A day of so many seconds, and some hours more that stay as rows; then so many days of one pump."""
    with tempfile.TemporaryDirectory() as folder:
        past = SimulatedPast(Path(folder) / "bench.db", pumps)
        past.write_rows(0, day_s)
        rows_bytes = archive_sizes(past.path).rows / (day_s * pumps)
        yield Figure("rows: bytes a reading with its score", rows_bytes, "bytes", "124-138")
        yield from _commits(past.path, commit_s)
        past.write_rows(DAY_S, DAY_S + 4 * 3600)
        yield from _archived(past, day_s * pumps)
        yield from _reads(past, day_s, year_days)


def _archived(past: SimulatedPast, readings: int) -> Iterator[Figure]:
    """Archive everything that is due, slice by slice as the writer does."""
    with past.path.open("rb+") as file:
        os.fsync(file.fileno())  # what the rig wrote: else the first checkpoint waits for all of it
    process = psutil.Process()
    before = peak = process.memory_info().rss
    connection = connect(past.path)
    stopped: list[object] = []
    archiver = Archiver(stopped.append)
    archiver.take_up(connection)
    slices_s = list[float]()
    cpu_s, started = time.process_time(), time.monotonic()
    while True:
        begun = time.perf_counter()
        has_more = archiver.step(connection, within_s=0.0)
        slices_s.append(time.perf_counter() - begun)
        if not has_more:
            break
        peak = max(peak, process.memory_info().rss)
    took_s, cpu_s = time.monotonic() - started, time.process_time() - cpu_s
    longest_s, p99_s = np.percentile(slices_s, [100, 99]).tolist()
    connection.close()
    sizes = archive_sizes(past.path)
    if stopped or sizes.day_rows != readings:
        raise NotMeasuredError(f"{sizes.day_rows} of {readings} readings are archived as a day: {stopped}")
    share = readings / (readings + sizes.piece_rows)
    what = f"archive a day of {len(past.pumps)} pumps"
    yield Figure(f"{what}, with copies deleted", took_s * share, "s", f"≤ 10 s; {cpu_s * share:.1f} s of processor")
    yield Figure(f"{what}: longest slice of the writer", longest_s * 1e3, "ms", f"≤ 20 ms; p99 {p99_s * 1e3:.1f} ms")
    yield Figure(f"{what}: memory", (peak - before) / MB, "MB", "≤ 100 MB")
    yield from _bytes(sizes)


def _bytes(sizes: ArchiveSizes) -> Iterator[Figure]:
    """Bytes a reading: in all, without the score, and what each kind takes of it."""

    def figure(what: str, size: float, reference: str = "") -> Figure:
        return Figure(what, size / sizes.day_rows, "bytes", reference)

    days, rollups = sum(sizes.day_bytes.values()), sum(sizes.rollup_bytes.values())
    score = sizes.day_bytes["score"] + sizes.rollups * sizes.rollup_bytes["score"] / rollups
    yield figure("archived: bytes a reading, time and score too", days + sizes.rollups, REFERENCE)
    yield figure("archived: values, times, quality, rollups", days + sizes.rollups - score, "≤ 4.2")
    for kind in ("values", "times", "quality", "score"):
        yield figure(f"of it {kind}", sizes.day_bytes[kind])
    yield figure("of it minutes and hours of the sensors", sizes.rollup_bytes["rollups"])
    yield figure("of it minutes and hours of the score", sizes.rollup_bytes["score"])
    yield figure("of it keys and unfilled pages of minutes and hours", sizes.rollups - rollups)
    of_days = sizes.chunks * days / (days + sizes.piece_bytes) - days
    yield figure("apart from it: keys and unfilled pages of the chunks", of_days)


def _reads(past: SimulatedPast, day_s: int, year_days: int) -> Iterator[Figure]:
    history, pump_id, tag = History(past.path), past.pumps[len(past.pumps) // 2].pump_id, past.profile.tags[1]

    def read(first_day: float, days: float, tags: tuple[str, ...] = (tag,)) -> None:
        start_ns, end_ns = unix_ns(first_day), unix_ns(first_day + days)
        if not np.isfinite(history.read(pump_id, tags, start_ns=start_ns, end_ns=end_ns).mean).any():
            raise NotMeasuredError(f"{days} days of {pump_id} came back empty")

    day = day_s / DAY_S
    newest = FIRST_DAY + 1 + 4 / 24
    yield _p95("1 archived day of a tag of one pump of 50", lambda: read(FIRST_DAY, day), "≤ 3 ms; rows 334 ms")
    yield _p95("the last 24 hours: day, pieces and rows", lambda: read(newest - day, day), "≤ 16 ms")
    yield _p95("1 archived day of all ten tags", lambda: read(FIRST_DAY, day, past.profile.tags))
    rows = history.recording(pump_id, past.profile, start_ns=unix_ns(FIRST_DAY), end_ns=unix_ns(FIRST_DAY + 1))
    seconds = (np.rint(rows.time_s * 1e3).astype(np.int64) - unix_ns(0) // 10**6, rows.values, np.full(day_s, 0.4))
    none = _best_ms(lambda: Store(past.path, station=1, pumps=past.pumps).close())
    number = len(past.pumps) // 2 + 1
    past.write_days(number, FIRST_DAY - year_days, year_days, seconds)
    for what, days in (("30 days", 30), ("1 year", year_days)):
        yield _p95(f"{what} of a tag, up to the newest reading", lambda days=days: read(newest - days, days), "≤ 16 ms")  # type: ignore[misc]
    yield _p95("1 day, a year ago", lambda: read(FIRST_DAY - year_days, 1), "≤ 3 ms")
    whole = _best_ms(lambda: Store(past.path, station=1, pumps=past.pumps).close())
    yield Figure(f"open the store, with {year_days} days more than one", whole, "ms", f"{none:.1f} ms without them")


def _commits(day: Path, seconds: float) -> Iterator[Figure]:
    """500 readings/s with scores, as `bench store`, while the writer archives a day; the same without one."""
    copy = day.with_name("copy.db")
    alone = _commit_ms(day.with_name("empty.db"), seconds)
    shutil.copy(day, copy)
    busy = _commit_ms(copy, seconds)
    copy.unlink()
    importing = _commit_ms(day.with_name("imported.db"), seconds, imported := Imported())
    yield Figure("500 readings/s while archiving: commit p50", busy.p50, "ms", f"{alone.p50:.1f} without")
    yield Figure("500 readings/s while archiving: commit p99", busy.p99, "ms", f"{alone.p99:.1f} without")
    yield Figure("500 readings/s while importing: commit p50", importing.p50, "ms", f"{alone.p50:.1f} without")
    yield Figure("500 readings/s while importing: commit p99", importing.p99, "ms", f"≤ 20 ms; {alone.p99:.1f} without")
    yield Figure("days of a pump at 1 Hz imported meanwhile", imported.days / seconds, "a second")


class Imported:
    """Days of long ago that are handed to a store as an import does it, until `stop`; how many are on the disk."""

    def __init__(self) -> None:
        self.days = 0

    def run(self, store: Store, stop: threading.Event) -> None:
        """Hand over days of one pump, each another; on a thread of its own."""
        past = SimulatedPast(store.path.with_name("past.db"), 1)
        values = np.concatenate([own[:, 0] for _, own, _ in past.seconds(0, DAY_S)])
        target = ImportTarget.read(store.path, PlantRows().pumps[0].pump_id)
        waiting: deque[Future[None]] = deque()
        day = FIRST_DAY - 2_000
        while not stop.is_set():
            day += 1
            time_ns = unix_ns(day) + np.arange(DAY_S) * 10**9
            waiting.append(store.handed.offer(target.chunk(past.profile.tags, time_ns, values)))
            while len(waiting) * DAY_S >= HELD_ROWS and not stop.is_set():
                self.days += wait([waiting[0]], 0.1).done == {waiting[0]}
                if waiting[0].done():
                    waiting.popleft()


def _commit_ms(path: Path, seconds: float, imported: Imported | None = None) -> Percentiles:
    rows = PlantRows()
    store = Store(path, station=1, pumps=rows.pumps, on_trouble=print)
    stop = threading.Event()
    thread = threading.Thread(target=store.run, args=(stop,))
    thread.start()
    importing = threading.Thread(target=(imported or Imported()).run, args=(store, stop))
    if imported is not None:
        importing.start()
    try:
        started = time.monotonic()
        for scan in range(round(seconds * 10)):
            offer(store, rows.at(scan, unix_ns(FIRST_DAY + 1) + scan * 100_000_000))
            time.sleep(max(0.0, started + (scan + 1) / 10 - time.monotonic()))
        view = store.view()
    finally:
        stop.set()
        thread.join()
        if imported is not None:
            importing.join()
    if store.view().lost:
        raise NotMeasuredError(f"{store.view().lost} readings found no room in the queue")
    return view.commit_ms


def _p95(what: str, call: Callable[[], object], reference: str = "") -> Figure:
    times_ms, cpu_ms = _times_ms(call)
    cpu = f"{np.median(cpu_ms):.1f} ms of processor at p50"
    reference = f"{reference}; {cpu}" if reference else cpu
    return Figure(f"{what}, p95 warm", float(np.percentile(times_ms, 95)), "ms", reference)


def _best_ms(call: Callable[[], object]) -> float:
    return min(_times_ms(call)[0])


def _times_ms(call: Callable[[], object]) -> tuple[list[float], list[float]]:
    """How long it takes by the clock and of the processor, forty times, after one that fills the caches."""
    call()
    times_ms, cpu_ms = list[float](), list[float]()
    for _ in range(TIMES):
        started, cpu_s = time.perf_counter(), time.process_time()
        call()
        times_ms.append((time.perf_counter() - started) * 1e3)
        cpu_ms.append((time.process_time() - cpu_s) * 1e3)
    return times_ms, cpu_ms
