"""Programs are killed again and again: what was seen stays, nothing is there twice, each start needs no help."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import apsw
import pytest

from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.owner import read_owner
from pumpwatch_gui.settings.simulated import simulated_site
from tests.flow.programs import has_joined, program

KILLS = int(os.environ.get("PUMPWATCH_KILLS", "200"))
PERIOD_S = 0.2
LONGEST_UNWRITTEN_S = 1.2
"""A commit a second, and the time it takes."""


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


def has_more(database: Path, than: int) -> bool:
    """Whether there are more readings by now."""
    return len(seen_in(database)) > than


def wait_for(condition: Callable[[], bool], within_s: float = 30.0) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class Programs:
    """The programs of a station, started when they are not there. `kinds`: the one that stores, then who joins it."""

    def __init__(self, home: Home, site_file: Path, kinds: tuple[str, ...]) -> None:
        self._home, self._kinds = home, kinds
        self._arguments = {
            "collector": ["run", "--headless", "--site", str(site_file)],
            "window": ["run", "--site", str(site_file)],
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start what does not run, and let a window find the collector before it is killed."""
        for kind in self._kinds:
            process = self._running.get(kind)
            if process is None or process.poll() is not None:
                self._running[kind] = process = program(*self._arguments[kind], home=self._home)
            if kind == self._kinds[0]:
                wait_for(partial(self._has_home, process.pid))

    def _has_home(self, pid: int) -> bool:
        owner = read_owner(self._home.path)
        return owner is not None and owner.pid == pid

    def are_joined(self) -> bool:
        """Whether all run, and each of the others has joined the first."""
        others = [self._running[kind] for kind in self._kinds[1:]]
        return all(p.poll() is None for p in self._running.values()) and all(
            has_joined(p.pid, self._home) for p in others
        )

    def kill(self, kinds: list[str]) -> None:
        """Kill some of them at once."""
        for kind in kinds:
            self._running[kind].send_signal(signal.SIGKILL)
        for kind in kinds:
            self._running[kind].wait()

    def close(self) -> None:
        """Kill what still runs."""
        self.kill([kind for kind, process in self._running.items() if process.poll() is None])


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kinds", [("collector",), ("window",), ("collector", "window")], ids="+".join)
def test_what_was_seen_outlives_every_kill(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    home = Home(tmp_path / "home")
    database = home.database
    draw = random.Random(1)
    lost = unattended = 0
    unwritten_s: list[float] = []
    seen: set[int] = set()
    with (
        simulated_site(tmp_path, pumps=3, faults=(), speed=1.0, period_s=PERIOD_S) as site_file,
        closing(Programs(home, site_file, kinds)) as programs,
    ):
        for _ in range(KILLS):
            programs.start()
            stored = wait_for(partial(has_more, database, len(seen)))
            unattended += stored and wait_for(programs.are_joined)
            time.sleep(draw.random() * 2.0)
            now = seen_in(database)
            killed = draw.choice([[kind] for kind in kinds] + [list(kinds)])
            programs.kill(killed)
            killed_s = time.time()
            after = seen_in(database)
            lost += len((seen | now) - after)
            if kinds[0] in killed:  # the oldest reading that is gone came a period after the newest that is there
                unwritten_s.append(killed_s - newest_s(after) - PERIOD_S)
            seen = after
    connection = apsw.Connection(os.fspath(database))
    integrity = connection.execute("PRAGMA integrity_check").get
    twice = connection.execute(
        "SELECT count(*) FROM (SELECT id >> 12, id & 4095 FROM sensor_readings GROUP BY 1, 2 HAVING count(*) > 1)"
    ).get
    connection.close()
    print(f"\n{' + '.join(kinds)}: {KILLS} kills, {unattended} unattended restarts, {len(seen):,} readings, "
          f"{lost} seen and lost, {twice} double, unwritten at worst {max(unwritten_s):.2f} s, "
          f"integrity {integrity}")  # fmt: skip
    assert (lost, twice, unattended, integrity) == (0, 0, KILLS, "ok")
    assert max(unwritten_s) <= LONGEST_UNWRITTEN_S
    assert not list(home.path.glob("*.damaged-*"))
