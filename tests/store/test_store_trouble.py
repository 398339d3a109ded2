"""The disk fails, the queue fills, the process dies: what was acknowledged is there, what was lost is counted."""

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import apsw
import pytest
from typing_extensions import override

from pumpwatch_gui.domain.events import Note
from pumpwatch_gui.store.hot.writer import Store
from pumpwatch_gui.store.schema import connect

START_NS = 1_700_000_000_000_000_000

CHILD = """
import sys, threading, time
from pathlib import Path
import numpy as np
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.store.hot import writer
from pumpwatch_gui.store.hot.writer import PumpRow, Store

writer.COMMIT_EVERY_S = 0.02
profile = PumpProfile("test", (Sensor("motor_rpm", "", "", (0.0, 1e9)),))
store = Store(Path(sys.argv[1]), station=1, pumps=[PumpRow("P-101", "", profile)])
threading.Thread(target=store.run, args=(threading.Event(),), daemon=True).start()
quality = np.zeros(1, dtype=np.uint8)
n = 0
while True:
    for _ in range(20):
        time_ns = time.time_ns()
        store.offer_frame(Frame("P-101", n, time_ns, 0, np.array([float(n)]), quality, quality), "NORMAL")
        n += 1
    print(store.view().committed, flush=True)
    time.sleep(0.002)
"""


def test_a_killed_writer_has_lost_nothing_it_acknowledged(tmp_path: Path, open_store: Any, frame_of: Any) -> None:
    path, acknowledged = tmp_path / "pumpwatch.db", 0
    for _ in range(3):
        before = acknowledged
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        said = 0
        for line in child.stdout:
            said = int(line)
            if said > 1_000:
                child.kill()
                break
        said = max([said, *(int(x) for x in child.stdout.read().split("\n")[:-1] if x)])
        assert child.wait() == -signal.SIGKILL
        child.stdout.close()
        acknowledged = before + said
    store = open_store("motor_rpm")
    store.end()
    ((count,),) = store.rows("SELECT count(*) FROM sensor_readings")
    assert acknowledged > 3_000
    assert count >= acknowledged
    assert store.rows("PRAGMA integrity_check") == [("ok",)]
    assert store.troubles == []


class Disk:
    """A disk that can be full, by the page limit of every connection opened on it."""

    def __init__(self) -> None:
        self.is_full = False
        self._connections: list[apsw.Connection] = []

    def connect(self, path: Path) -> apsw.Connection:
        connection = connect(path)
        self._connections.append(connection)
        self._limit(connection)
        return connection

    def fill(self) -> None:
        self.is_full = True
        for connection in self._connections:
            self._limit(connection)

    def _limit(self, connection: apsw.Connection) -> None:
        connection.execute(f"PRAGMA max_page_count = {1 if self.is_full else 1_000_000}").fetchall()


def test_a_full_disk_is_told_once_and_nothing_is_lost_when_it_is_freed(
    open_store: Any, frame_of: Any, wait_until: Callable[..., None]
) -> None:
    disk = Disk()
    store = open_store("motor_rpm", connect=disk.connect)
    reserve = store.path.with_name("pumpwatch.db.reserve")
    disk.fill()
    for i in range(5_000):
        store.store.offer_frame(frame_of([float(i)], at_s=i), "NORMAL")
    store.start()
    wait_until(lambda: store.troubles)
    assert "disk" in store.store.view().error
    assert "full" in store.store.view().error
    wait_until(lambda: not reserve.exists(), what="the reserve freed")
    time_of_second_try = time.monotonic() + 0.8
    wait_until(lambda: time.monotonic() > time_of_second_try)
    assert [t.started for t in store.troubles] == [True]
    assert (store.store.view().committed, store.store.view().depth) == (0, 5_000)
    disk.is_full = False
    wait_until(lambda: store.store.view().committed == 5_000)
    wait_until(lambda: len(store.troubles) == 2)
    assert not store.troubles[1].started
    assert store.store.view().error == ""
    wait_until(reserve.exists, what="the reserve laid down again")
    store.end()
    assert store.rows("SELECT count(*), sum(motor_rpm) FROM sensor_readings") == [(5_000, 5_000 * 4_999 / 2)]
    assert store.store.view().lost == 0


def test_what_a_full_disk_never_took_is_counted_at_the_end(open_store: Any, frame_of: Any) -> None:
    disk = Disk()
    store = open_store("motor_rpm", connect=disk.connect)
    disk.fill()
    for i in range(3_000):
        store.store.offer_frame(frame_of([float(i)], at_s=i), "NORMAL")
    store.store.offer_event(Note(START_NS, "never written"))
    store.end()
    view = store.store.view()
    assert (view.committed, view.lost, view.lost_others, view.depth) == (0, 3_000, 1, 0)


def test_a_full_queue_counts_and_is_told_once_and_once_when_over(
    open_store: Any, frame_of: Any, wait_until: Callable[..., None]
) -> None:
    store = open_store("motor_rpm", capacity=100)
    for i in range(130):
        store.store.offer_frame(frame_of([float(i)], at_s=i), "NORMAL")
    assert (store.store.view().lost, store.store.view().depth, store.store.view().high_water) == (30, 100, 100)
    assert [t.started for t in store.troubles] == [True]
    assert "full" in store.troubles[0].text
    store.store.offer_event(Note(START_NS, "an event still has room"))
    store.start()
    wait_until(lambda: len(store.troubles) == 2)
    assert not store.troubles[1].started
    assert "30 readings were lost" in store.troubles[1].text
    store.end()
    assert store.rows("SELECT count(*), max(motor_rpm) FROM sensor_readings") == [(100, 99.0)]
    assert store.store.view().lost_others == 0


def test_events_have_a_bound_of_their_own(open_store: Any) -> None:
    store = open_store("motor_rpm", capacity=10)
    for i in range(15):
        store.store.offer_event(Note(START_NS, f"note {i}"))
    assert (store.store.view().lost_others, store.store.view().lost) == (5, 0)
    assert store.store.view().error


def test_an_offer_does_not_wait_for_a_writer_that_hangs(
    open_store: Any, frame_of: Any, wait_until: Callable[..., None]
) -> None:
    store = open_store("motor_rpm")
    other = apsw.Connection(str(store.path))
    other.execute("BEGIN IMMEDIATE").fetchall()  # the writer now waits for its lock
    store.start()
    store.store.offer_frame(frame_of([1.0]), "NORMAL")
    for i in range(2_000):
        store.store.offer_frame(frame_of([1.0], at_s=i + 1), "NORMAL")
    assert store.store.view().committed == 0  # the writer still waits, and the offers were all taken
    other.execute("ROLLBACK").fetchall()
    other.close()
    wait_until(lambda: store.store.view().committed == 2_001)


class Turns(threading.Event):
    """A stop flag whose waits pass on a clock of its own; set after `end_s`."""

    def __init__(self, end_s: float) -> None:
        super().__init__()
        self.now_s, self._end_s = 100.0, 100.0 + end_s

    @override
    def wait(self, timeout: float | None = None) -> bool:
        self.now_s += timeout or 0.0
        return self.now_s >= self._end_s


@pytest.mark.parametrize(
    ("refused", "commits"),
    [
        ((), [0.0, 1.0, 2.0, 3.0]),
        (range(1, 7), [0.0, 1.0, 1.5, 2.5, 4.5, 9.5, 14.5, 19.5, 20.5]),
        ((0, 2), [0.0, 0.5, 1.5, 2.0, 3.0]),
    ],
)
def test_commits_come_once_a_second_and_after_a_refusal_at_rising_intervals(
    open_store: Any, monkeypatch: pytest.MonkeyPatch, refused: Collection[int], commits: list[float]
) -> None:
    store, stop, found, alive = open_store("motor_rpm").store, Turns(commits[-1] + 0.4), list[float](), list[float]()
    monkeypatch.setattr(time, "monotonic", lambda: stop.now_s)

    def flush(alive: Callable[[], None]) -> bool:
        found.append(stop.now_s - 100.0)
        return len(found) - 1 not in refused

    monkeypatch.setattr(store, "_flush", flush)
    store.run(stop, lambda: alive.append(stop.now_s - 100.0))
    assert found[:-1] == pytest.approx(commits)  # the last one is that of the end
    assert max(after - before for before, after in itertools.pairwise(alive)) <= 0.5


def test_a_writer_that_is_late_commits_half_a_second_later_and_not_at_once(
    open_store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, stop, found = open_store("motor_rpm").store, Turns(9.0), list[float]()
    monkeypatch.setattr(time, "monotonic", lambda: stop.now_s)

    def flush(alive: Callable[[], None]) -> bool:
        found.append(stop.now_s - 100.0)
        stop.now_s += 3.0 if len(found) == 2 else 0.0  # one commit takes 3 s
        return True

    monkeypatch.setattr(store, "_flush", flush)
    store.run(stop)
    assert found[:5] == pytest.approx([0.0, 1.0, 4.5, 5.5, 6.5])


def test_a_reader_with_a_snapshot_does_not_stop_the_writer(
    open_store: Any, frame_of: Any, wait_until: Callable[..., None]
) -> None:
    store = open_store("motor_rpm")
    reader = apsw.Connection(str(store.path), flags=apsw.SQLITE_OPEN_READONLY)
    reader.execute("BEGIN").fetchall()
    reader.execute("SELECT count(*) FROM sensor_readings").fetchall()
    store.start()
    store.store.offer_frame(frame_of([1.0]), "NORMAL")
    wait_until(lambda: store.store.view().committed == 1)
    assert reader.execute("SELECT count(*) FROM sensor_readings").get == 0
    reader.close()


def test_readings_offered_by_many_threads_are_all_there(open_store: Any, frame_of: Any) -> None:
    pumps = tuple(f"P-{i}" for i in range(8))
    store = open_store("motor_rpm", pumps=pumps)
    store.start()

    def offer(pump_id: str) -> None:
        for i in range(500):
            store.store.offer_frame(frame_of([float(i)], at_s=i, pump_id=pump_id), "NORMAL")

    threads = [threading.Thread(target=offer, args=(p,)) for p in pumps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.end()
    counts = store.rows("SELECT count(*), sum(motor_rpm) FROM sensor_readings GROUP BY id & 4095")
    assert counts == [(500, 500 * 499 / 2)] * 8


@pytest.mark.skipif(sys.platform != "linux", reason="CPU time of one thread")
def test_five_hundred_readings_a_second_cost_a_tenth_of_a_core_at_most(open_store: Any, frame_of: Any) -> None:
    pumps = tuple(f"P-{i}" for i in range(50))
    store: Store = open_store(pumps=pumps).store
    frames = [frame_of([i + 0.25] * 10, at_s=i / 10, pump_id=p) for i in range(100) for p in pumps]
    begin = time.thread_time()
    for frame in frames:
        store.offer_frame(frame, "NORMAL")
    stop = threading.Event()
    stop.set()
    store.run(stop)
    share = (time.thread_time() - begin) / (len(frames) / 500)
    print(f"500 readings/s cost {share:.2%} of a core; pid {os.getpid()}, {store.view()}")
    assert store.view().committed == len(frames)
    assert share < 0.10
