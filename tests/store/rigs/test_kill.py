"""The collector is killed again and again: what was seen stays, nothing is there twice, each start needs nobody."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import apsw
import pytest

from pumpwatch_gui.settings.simulated import simulated_site

KILLS = int(os.environ.get("PUMPWATCH_KILLS", "200"))
PERIOD_S = 0.2


def seen_in(database: Path) -> set[int]:
    """The ids of the readings that another program sees now; none before the tables are there."""
    try:
        connection = apsw.Connection(os.fspath(database), flags=apsw.SQLITE_OPEN_READONLY)
    except apsw.CantOpenError:
        return set()
    try:
        connection.set_busy_timeout(2_000)
        return {int(str(key)) for (key,) in connection.execute("SELECT id FROM sensor_readings").fetchall()}
    except apsw.SQLError:
        return set()
    finally:
        connection.close()


def newest_s(seen: set[int]) -> float:
    """Unix seconds of the newest reading."""
    return (max(seen) >> 12) / 1e3 + 1_577_836_800


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_collector_that_is_killed_loses_nothing_that_was_seen(tmp_path: Path) -> None:
    home = tmp_path / "home"
    database = home / "pumpwatch.db"
    draw = random.Random(1)
    lost = unattended = 0
    unwritten_s: list[float] = []
    seen: set[int] = set()
    with simulated_site(tmp_path, pumps=3, faults=(), speed=1.0, period_s=PERIOD_S) as site_file:
        for _ in range(KILLS):
            command = [sys.executable, "-m", "pumpwatch_gui", "run", "--headless", "--site", str(site_file)]
            child = subprocess.Popen([*command, "--home", str(home)], stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)  # fmt: skip
            before = len(seen)
            deadline = time.monotonic() + 30
            while len(now := seen_in(database)) <= before and time.monotonic() < deadline:
                time.sleep(0.05)
            unattended += len(now) > before
            time.sleep(draw.random() * 2.0)
            now = seen_in(database)
            child.send_signal(signal.SIGKILL)
            killed_s = time.time()
            child.wait()
            after = seen_in(database)
            lost += len((seen | now) - after)
            unwritten_s.append(killed_s - newest_s(after))
            seen = after
    connection = apsw.Connection(os.fspath(database))
    integrity = connection.execute("PRAGMA integrity_check").get
    twice = connection.execute(
        "SELECT count(*) FROM (SELECT id >> 12, id & 4095 FROM sensor_readings GROUP BY 1, 2 HAVING count(*) > 1)"
    ).get
    connection.close()
    print(f"\n{KILLS} kills, {unattended} unattended restarts, {len(seen):,} readings, {lost} seen and lost, {twice} "
          f"double, unwritten at worst {max(unwritten_s):.2f} s, integrity {integrity}")  # fmt: skip
    assert (lost, twice, unattended, integrity) == (0, 0, KILLS, "ok")
    assert not list(home.glob("*.damaged-*"))
