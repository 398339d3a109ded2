"""Station, server and line fail at any moment: what was committed is on the server, every row once."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pumpwatch_gui.bench.rigs.accounts import Accounts
from pumpwatch_gui.bench.rigs.central import Central, central_server
from tests.store.conftest import rows_of
from tests.sync.conftest import needs_server
from tests.sync.faults import FATES, Line
from tests.sync.station_child import AT_ONCE

pytestmark = needs_server
ROOT = Path(__file__).resolve().parents[2]
STATION, ACCOUNT, PASSWORD = 77, "chaos@example.org", "a password"


@dataclass
class Chaos:
    """What was done to a station so far. `acknowledged`: ranges of numbers that it said were committed."""

    path: Path
    central: Central
    accounts: Accounts
    line: Line
    chance: random.Random
    kills: int = 0
    restarts: int = 0
    next: int = 0
    acknowledged: list[tuple[int, int]] = field(default_factory=list)
    is_down: bool = False

    def child(self, first: int) -> "subprocess.Popen[str]":
        arguments = [self.path, STATION, self.line.url, self.accounts.url, ACCOUNT, PASSWORD, first]
        command = [sys.executable, "-m", "tests.sync.station_child", *map(str, arguments)]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ})

    def fate(self, path: str, body: bytes) -> str:
        if self.is_down:
            return "cut"
        return self.chance.choice(FATES) if self.chance.random() < 0.25 else "pass"

    def live_and_die(self) -> None:
        """One life of the station: from its start to a kill at any moment."""
        child = self.child(self.next)
        assert child.stdout is not None
        first = last = self.next
        end = threading.Timer(self.chance.uniform(0.7, 2.5), child.send_signal, (signal.SIGKILL,))
        end.start()
        for row in child.stdout:
            last = int(row) if row.endswith("\n") else last
        child.wait()
        end.join()
        child.stdout.close()
        self.kills += 1
        self.acknowledged.append((first, last))
        self.next = last + AT_ONCE

    def restart_server(self) -> None:
        self.central.kill_database()
        time.sleep(self.chance.uniform(0.0, 0.5))
        self.central.start_database()
        self.restarts += 1

    def drain(self) -> None:
        """A last life, without faults, until nothing is left to send."""
        self.line.fate = lambda path, body: "pass"
        child = self.child(-1)
        assert child.wait(120) == 0
        assert child.stdout is not None
        child.stdout.close()


def torment(chaos: Chaos, *, seconds: float, restart_every_s: float) -> None:
    """Kill the station again and again, restart the server at once now and then, flap the line."""
    stop = threading.Event()

    def server() -> None:
        while not stop.wait(restart_every_s):
            chaos.restart_server()

    def line() -> None:
        while not stop.wait(chaos.chance.uniform(0.5, 3.0)):
            chaos.is_down = not chaos.is_down and chaos.chance.random() < 0.5

    chaos.line.fate = chaos.fate
    threads = [threading.Thread(target=one, name="torment") for one in (server, line)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            chaos.live_and_die()
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def compare(chaos: Chaos) -> dict[str, int]:
    """Local = central = distinct in every stream; the figures."""
    central, path = chaos.central, chaos.path
    figures: dict[str, int] = {}
    tables = {"sensor_readings": "sensor_readings", "anomaly_windows": "anomaly_detections", "audit_log": "audit_log"}
    for table, there in tables.items():
        local = [int(key) for (key,) in rows_of(path, f"SELECT id FROM {table}")]
        remote = [int(key) for (key,) in central.sql(f"SELECT id FROM {there} WHERE station_id = {STATION}")]
        assert len(set(local)) == len(local)
        assert (set(local) - set(remote), set(remote) - set(local)) == (set(), set()), there
        assert len(remote) == len(set(remote)) == len(local)
        figures[there] = len(remote)
    minutes = central.sql(
        "SELECT (extract(epoch FROM timestamp) / 60)::bigint, right(pump_id, 1)::int, (tags -> 'motor_rpm' ->> 3)::int "
        f"FROM sensor_rollups WHERE station_id = {STATION}"
    )
    sql = "SELECT ((id >> 12) + 1577836800000) / 60000, id & 4095, count(*) FROM sensor_readings GROUP BY 1, 2"
    counts = {(minute, number): count for minute, number, count in rows_of(path, sql)}
    assert all(counts[int(minute), int(number)] == int(count) for minute, number, count in minutes)
    figures["sensor_rollups"] = len(minutes)
    numbers = {int(n) for (n,) in rows_of(path, "SELECT motor_rpm FROM sensor_readings")}
    lost = sum(n not in numbers for first, last in chaos.acknowledged for n in range(first, last))
    assert lost == 0
    total = rows_of(path, "SELECT cast(sum(motor_rpm) AS INTEGER) FROM sensor_readings")[0][0]
    exact = f"SELECT sum(motor_rpm::double precision)::bigint FROM sensor_readings WHERE station_id = {STATION}"
    assert int(central.one(exact)) == total
    assert rows_of(path, "SELECT count(*) FROM sync_quarantine") == [(0,)]
    return figures | {"acknowledged": sum(last - first for first, last in chaos.acknowledged)}


def run_chaos(folder: Path, *, seconds: float, restart_every_s: float, seed: int) -> Chaos:
    with (
        central_server() as central,
        Accounts({ACCOUNT: PASSWORD}).serving() as accounts,
        Line(central.url).open() as line,
    ):
        central.sql(f"INSERT INTO members VALUES ('{ACCOUNT}', {STATION}, 'collector')")
        chaos = Chaos(folder / "station.db", central, accounts, line, random.Random(seed))
        torment(chaos, seconds=seconds, restart_every_s=restart_every_s)
        chaos.drain()
        figures = compare(chaos)
        print(f"\nkills {chaos.kills}, restarts {chaos.restarts}, requests {dict(line.seen)}, rows {figures}")
    return chaos


def test_ten_seconds_of_chaos_lose_and_double_nothing(tmp_path: Path) -> None:
    chaos = run_chaos(tmp_path, seconds=10.0, restart_every_s=4.0, seed=1)
    assert chaos.kills >= 3
    assert chaos.restarts >= 1


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2])
def test_ninety_seconds_of_chaos_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    chaos = run_chaos(tmp_path, seconds=90.0, restart_every_s=10.0, seed=seed)
    assert chaos.kills >= 30
    assert chaos.restarts >= 5
