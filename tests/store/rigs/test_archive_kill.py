"""The program is killed while it archives: every acknowledged reading is there once, wherever it is by then."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import apsw
import numpy as np
import pytest

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.store.query.history import History
from tests.store.conftest import START_NS
from tests.store.rigs.archive_child import PROFILE, PUMPS, STEP_S

KILLS = int(os.environ.get("PUMPWATCH_KILLS", "120"))
END_NS = START_NS + 10_000 * 86_400 * 10**9


def killed_after(path: Path, first: int, seconds: float) -> int:
    """Run the store from a reading on for some time after its first commit, kill it; how many were acknowledged."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.store.rigs.archive_child", os.fspath(path), str(first)], stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    line = child.stdout.readline()
    time.sleep(seconds)
    child.kill()
    lines = [line, *child.stdout.read().splitlines(keepends=True)]
    child.wait()
    child.stdout.close()
    return max((int(text) for text in lines if text.endswith(b"\n")), default=first)


def numbers_in(path: Path) -> list[int]:
    """The numbers of all readings, each as often as it is there; checks that each is at its time."""
    found: list[int] = []
    for i, pump_id in enumerate(PUMPS):
        try:
            read = History(path).recording(pump_id, PROFILE, start_ns=START_NS, end_ns=END_NS)
        except InputError:
            continue
        numbers = read.values[:, 0]
        expected_s = START_NS / 1e9 + numbers // 3 * STEP_S
        np.testing.assert_allclose(read.time_s, expected_s, atol=0.002)
        assert (numbers % 3 == i).all()
        np.testing.assert_array_equal(read.values[:, 1], np.where(numbers % 7, np.nan, 1.5))
        found += numbers.astype(int).tolist()
    return sorted(found)


def kill_again_and_again(path: Path, kills: int) -> tuple[int, int]:
    """Readings and days of them after so many kills, checked after each."""
    draw = random.Random(5)
    first = 0
    for _ in range(kills):
        acknowledged = killed_after(path, first, draw.random() * 1.5)
        found = numbers_in(path)
        assert found == list(range(len(found))), "each once"
        assert len(found) >= acknowledged
        first = len(found)
    connection = apsw.Connection(os.fspath(path))
    assert connection.execute("PRAGMA integrity_check").get == "ok"
    days = connection.execute("SELECT count(*) FROM archive_chunks WHERE level = 1 AND series = '@time'").get
    connection.close()
    return first, int(str(days))


def test_acknowledged_readings_outlive_some_kills(tmp_path: Path) -> None:
    readings, _ = kill_again_and_again(tmp_path / "pumpwatch.db", 3)
    assert readings > 100


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_acknowledged_readings_outlive_a_hundred_kills(tmp_path: Path) -> None:
    readings, days = kill_again_and_again(tmp_path / "pumpwatch.db", KILLS)
    print(f"\n{KILLS} kills: {readings:,} readings, {days} chunks of a day, each reading once")
    assert days > 30
