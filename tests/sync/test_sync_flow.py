"""A station with pumps, judging and orders sends while it runs; one without [sync] loads and notes nothing of it."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pumpwatch_gui.bench.rigs.accounts import KEY, Accounts
from pumpwatch_gui.bench.rigs.central import Central
from pumpwatch_gui.bench.rigs.posting import free_port, is_listening
from pumpwatch_gui.domain.commands import (
    ChangeSite,
    DiscardRefused,
    PauseSync,
    Record,
    ResendRefused,
    ResendSpan,
    ResumeSync,
)
from pumpwatch_gui.domain.site_changes import SetSync
from pumpwatch_gui.domain.sync import SyncSettings, SyncState, SyncStream
from tests.conftest import wait_until
from tests.flow.running import RunningStation, home_at, simulated, site_text
from tests.store.conftest import rows_of
from tests.sync.conftest import needs_server
from tests.sync.faults import Line

SYNC = """
[site]
station = {station}
[sync]
url = "{url}"
auth_url = "{auth}"
account = "{account}"
streams = ["alarms", "audit", "events", "detections", "rollups", "readings"]
"""


@contextmanager
def station(folder: Path, central: Central, accounts: Accounts, number: int) -> Iterator[RunningStation]:
    account = f"flow{number}@example.org"
    accounts.passwords[account] = "a password"
    central.sql(f"INSERT INTO members VALUES ('{account}', {number}, 'collector') ON CONFLICT DO NOTHING")
    home = home_at(folder)
    home.prepare()
    secrets = home.path / "secrets.toml"
    secrets.write_text(f'sync_key = "{KEY}"\nsync_password = "a password"\n', "utf-8")
    secrets.chmod(0o600)
    with simulated(2) as port:
        table = SYNC.format(station=number, url=central.url, auth=accounts.url, account=account)
        running = RunningStation(home, site_text(port, pumps=2) + table).start()
        try:
            yield running
        finally:
            running.end()


@needs_server
def test_a_running_station_sends_and_takes_orders(central: Central, accounts: Accounts, tmp_path: Path) -> None:
    with station(tmp_path, central, accounts, 41) as running:

        def state() -> SyncState:
            view = running.engine.latest().sync
            assert view is not None
            return view.state

        def there() -> int:
            return int(central.one("SELECT count(*) FROM sensor_readings WHERE station_id = 41"))

        wait_until(lambda: there() > 20, within_s=60)
        running.order(Record("looked at the seal"))
        wait_until(lambda: central.sql("SELECT text FROM audit_log WHERE station_id = 41 AND action = 'record'")
                   == [["looked at the seal"]], within_s=30)  # fmt: skip
        assert running.order(PauseSync()).text == "sync paused"
        wait_until(lambda: state() is SyncState.PAUSED)
        held = there()
        view = running.engine.latest().sync
        wait_until(lambda: (running.engine.latest().sync or view).backlog > 20)  # type: ignore[union-attr]
        assert there() == held
        assert running.order(ResumeSync()).ok
        now_ns = time.time_ns()
        assert "is sent again" in running.order(ResendSpan(now_ns - 60 * 10**9, now_ns)).text
        assert not running.order(ResendSpan(5, 5)).ok
        wait_until(lambda: there() > held + 20, within_s=30)
        names = [loop.name for loop in running.engine.latest().stats.loops]
        assert "sync" in names
    local = rows_of(running.home.database, "SELECT count(*) FROM sensor_readings")[0][0]
    left = rows_of(running.home.database, "SELECT coalesce(sum(row_count), 0) FROM outbox WHERE stream = 'readings'")
    assert there() + left[0][0] >= local  # what is left is named
    log = "".join(path.read_text("utf-8", "replace") for path in running.home.logs.glob("*"))
    assert "a password" not in log


def test_a_station_that_sends_nothing_refuses_the_orders_and_notes_nothing(tmp_path: Path) -> None:
    with simulated() as port:
        running = RunningStation(home_at(tmp_path), site_text(port)).start()
        try:
            wait_until(lambda: running.engine.latest().stats.readings_committed > 5, within_s=30)
            assert running.engine.latest().sync is None
            assert "sync is off" in running.order(PauseSync()).text
            rows = ((SyncStream.AUDIT, "3/7"), (SyncStream.ALARMS, "3/8"))
            assert "sync is off" in running.order(ResendRefused(rows)).text
            done = running.order(DiscardRefused(rows))  # of a time when it was on
            assert done.ok
            assert done.text == "2 refused rows (audit log 3/7, alarms 3/8) discarded"
        finally:
            running.end()
    assert rows_of(running.home.database, "SELECT count(*) FROM outbox") == [(0,)]
    audited = rows_of(
        running.home.database, "SELECT action, ok, text FROM audit_log WHERE action LIKE '%refused rows%'"
    )
    assert [row[:2] for row in audited] == [("send refused rows again", 0), ("discard refused rows", 1)]


def test_sync_is_switched_on_and_off_while_the_station_runs(tmp_path: Path) -> None:
    nothing = f"http://127.0.0.1:{free_port()}"
    with simulated() as port:
        running = RunningStation(home_at(tmp_path), site_text(port)).start()

        def noted() -> int:
            return int(rows_of(running.home.database, "SELECT count(*) FROM outbox")[0][0])

        def set_to(settings: SyncSettings | None) -> str:
            done = running.order(ChangeSite((SetSync(settings),)))
            assert done.ok
            assert running.engine.site().sync == settings
            return done.text

        try:
            assert running.engine.latest().sync is None
            wanted = SyncSettings(nothing, "station3@example.org", "", frozenset({SyncStream.READINGS}))
            assert f"Sync to {nothing} as station3@example.org from now on" in set_to(wanted)
            wait_until(lambda: (view := running.engine.latest().sync) and view.state is SyncState.TROUBLE, within_s=30)
            wait_until(noted, within_s=30)
            assert "Sync switched off: nothing is sent from now on" in set_to(None)
            wait_until(lambda: running.engine.latest().sync is None)
            committed = running.engine.latest().stats.readings_committed
            wait_until(lambda: running.engine.latest().stats.readings_committed > committed + 20, within_s=30)
            held = noted()
            wait_until(lambda: running.engine.latest().stats.readings_committed > committed + 40, within_s=30)
            assert noted() == held  # it waits for a server
            set_to(wanted)
            wait_until(lambda: noted() > held, within_s=30)
            assert not running.engine.latest().stopped_loops
        finally:
            running.end()
    audited = rows_of(running.home.database, "SELECT count(*) FROM audit_log WHERE action = 'change site'")
    assert audited == [(3,)]


@needs_server
def test_other_settings_come_into_force_at_once_and_nothing_is_lost(
    central: Central, accounts: Accounts, tmp_path: Path
) -> None:
    def there() -> int:
        return int(central.one("SELECT count(*) FROM sensor_readings WHERE station_id = 38"))

    with station(tmp_path, central, accounts, 38) as running, Line(central.url).open() as line:
        settings = running.engine.site().sync
        assert settings is not None
        wait_until(lambda: there() > 20, within_s=30)
        for url in (f"http://127.0.0.1:{free_port()}", line.url) * 2:  # where nothing is, and another way to the server
            before, passed = there(), line.seen["pass"]
            assert running.order(ChangeSite((SetSync(replace(settings, url=url)),))).ok
            if url == line.url:
                wait_until(lambda: line.seen["pass"] > passed and there() > before + 20, within_s=30)  # noqa: B023
            else:
                wait_until(lambda: url in running.engine.latest().sync.error, within_s=30)  # type: ignore[union-attr]  # noqa: B023
        # A stream less: what was noted of it goes, further rows are not noted.
        assert running.order(ChangeSite((SetSync(replace(settings, streams=frozenset({SyncStream.AUDIT}))),))).ok
        wait_until(lambda: running.engine.latest().sync.backlog == 0, within_s=30)  # type: ignore[union-attr]
        held, committed = there(), running.engine.latest().stats.readings_committed
        wait_until(lambda: running.engine.latest().stats.readings_committed > committed + 40, within_s=30)
        assert there() == held
    # All the readings up to that change are there, each once, and none after it.
    last = central.one("SELECT max(id) FROM sensor_readings WHERE station_id = 38")
    up_to = rows_of(running.home.database, f"SELECT count(*) FROM sensor_readings WHERE id <= {last}")
    assert up_to == [(held,)]


@pytest.mark.parametrize("what", ["headless", "window"])
def test_nothing_of_it_is_loaded_while_sync_is_off(what: str, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from pumpwatch_gui.cli import main\n"
        f"code = main(['demo', '--for', '2', '--home', {str(tmp_path)!r}] + ['--headless'] * {what == 'headless'})\n"
        "own = [m for m in sys.modules if m in ('httpx', 'keyring') or m.startswith('pumpwatch_gui.sync')]\n"
        "print('loaded:', own, code)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert run.stdout.splitlines()[-1] == "loaded: [] 0", run.stdout + run.stderr


def test_gateway_and_sync_are_in_the_log_as_json_whatever_clients_send(tmp_path: Path) -> None:
    home = home_at(tmp_path)
    home.prepare()
    (home.path / "secrets.toml").write_text(f'sync_key = "{KEY}"\nsync_password = "a password"\n', "utf-8")
    (home.path / "secrets.toml").chmod(0o600)
    nothing, port = (f"http://127.0.0.1:{free_port()}", free_port())
    with simulated(1) as device:
        table = SYNC.format(station=9, url=nothing, auth=nothing, account="a@b")
        home.site_file.write_text(site_text(device) + table, "utf-8")
        command = [sys.executable, "-m", "pumpwatch_gui", "run", "--site", str(home.site_file),
                   "--home", str(home.path), "--headless", "--for", "6", "--log-json",
                   "--gateway", str(port)]  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as child:
            wait_until(lambda: is_listening(port), within_s=30)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as response:
                assert json.load(response) == {"status": "ok"}
            with socket.create_connection(("127.0.0.1", port), 10) as link:
                link.sendall(b"no HTTP at all\r\n\r\n")
                assert link.recv(100).startswith(b"HTTP/1.1 400")
            lines = [json.loads(line) for line in (child.communicate(timeout=60)[1]).splitlines()]
    assert child.returncode == 0
    events = {(line["component"], line["level"]): line["event"] for line in lines}
    assert events["gateway", "INFO"] == f"the gateway listens at http://127.0.0.1:{port}"
    assert events["sync", "INFO"].startswith(f"sync to {nothing} as a@b: alarms, ")
    assert "cannot be reached" in events["sync", "WARNING"]
    assert all({"timestamp", "level", "component", "event"} <= set(line) for line in lines)
