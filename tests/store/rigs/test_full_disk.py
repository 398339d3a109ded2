"""A real small disk: full at the start, full while running, full during a salvage; nothing is lost when it is freed."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pumpwatch_gui.store.hot.writer import Store
from pumpwatch_gui.store.query.sql import query
from tests.store.conftest import frame_of, rows_of
from tests.store.rigs.plant import PUMPS, ROWS, fill, values_at

SIZE_MB = 24


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB in memory; skipped where that is not permitted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "none", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def filler(disk: Path) -> Path:
    """A file that takes all that is left."""
    path = disk / "filler"
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return path
    return path


def run(store: Store, until: Callable[[], bool], within_s: float = 40.0) -> tuple[threading.Event, threading.Thread]:
    stop = threading.Event()
    thread = threading.Thread(target=store.run, args=(stop,), daemon=True)
    thread.start()
    wait(until, within_s)
    return stop, thread


def wait(until: Callable[[], bool], within_s: float = 40.0) -> None:
    deadline = time.monotonic() + within_s
    while not until():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def offer(store: Store, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        store.offer_frame(frame_of(values_at(number), at_s=number // 2, pump_id=PUMPS[number % 2]), "NORMAL")


@pytest.mark.slow
@pytest.mark.parametrize("left", [0, 4096, 40_960, 200_000])
def test_a_disk_that_is_full_at_the_start(disk: Path, left: int) -> None:
    path = filler(disk)
    os.truncate(path, max(0, path.stat().st_size - left))
    store = Store(disk / "pumpwatch.db", station=1, pumps=ROWS)
    offer(store, 5_000)
    stop, thread = run(store, lambda: "full" in store.view().error)
    assert (store.view().committed, store.view().depth) == (0, 5_000)
    path.unlink()
    wait(lambda: store.view().committed == 5_000)
    stop.set()
    thread.join(20)
    assert rows_of(disk / "pumpwatch.db", "SELECT count(*) FROM sensor_readings") == [(5_000,)]
    assert rows_of(disk / "pumpwatch.db", "PRAGMA integrity_check") == [("ok",)]
    assert (store.view().lost, store.view().error) == (0, "")


@pytest.mark.slow
def test_a_disk_that_fills_up_while_the_store_runs(disk: Path) -> None:
    store = Store(disk / "pumpwatch.db", station=1, pumps=ROWS)
    offer(store, 1_000)
    stop, thread = run(store, lambda: store.view().committed == 1_000)
    path = filler(disk)
    offer(store, 50_000, 1_000)
    wait(lambda: "full" in store.view().error)
    path.unlink()
    wait(lambda: store.view().committed == 51_000)
    stop.set()
    thread.join(20)
    *_, count = query(disk / "pumpwatch.db", "SELECT count(*) FROM sensor_readings")  # some are archived by now
    assert tuple(count) == (51_000,)
    assert store.view().lost == 0


@pytest.mark.slow
def test_a_disk_that_is_full_during_a_salvage(disk: Path) -> None:
    database = disk / "pumpwatch.db"
    fill(database, 20_000)
    with database.open("r+b") as file:
        file.write(b"X")
    path = filler(disk)
    os.truncate(path, path.stat().st_size - 2_000_000)
    store = Store(database, station=1, pumps=ROWS)
    stop, thread = run(store, lambda: bool(list(disk.glob("*.damaged-*.db"))))
    time.sleep(5.0)  # whatever it tries meanwhile must not lose anything
    path.unlink()
    wait(lambda: not list(disk.glob("*.salvage")), 60)
    stop.set()
    thread.join(20)
    assert rows_of(database, "SELECT count(*) FROM sensor_readings") == [(20_000,)]
