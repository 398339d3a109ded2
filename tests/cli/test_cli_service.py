"""The service: its unit, and what a headless run says to the service manager."""

import os
import shlex
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pumpwatch_gui.cli import main
from pumpwatch_gui.cli.service_state import ServiceState
from pumpwatch_gui.domain.station import EngineStats, LoopHealth, StationView

SITE = 'schema = 1\n[site]\nname = "100 % north"\n'


def install(folder: Path, *more: str, site: str = SITE) -> int:
    path = folder / "my site.toml"
    path.write_text(site)
    home = ("--home", str(folder / "home"))
    return main(["service", "install", "--site", str(path), "--unit-dir", str(folder), "--no-start", *home, *more])


def test_the_unit_starts_the_collector_with_readiness_and_watchdog(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert install(tmp_path, "--gateway") == 0
    text = (tmp_path / "pumpwatch.service").read_text()
    unit = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    assert (unit["Type"], unit["WatchdogSec"], unit["Restart"]) == ("notify", "60", "on-failure")
    assert unit["Description"] == "PumpWatch collector (100 %% north)"
    command = shlex.split(unit["ExecStart"])
    assert command[command.index("run") :] == [
        "run", "--site", str(tmp_path / "my site.toml"), "--home", str(tmp_path / "home"), "--headless", "--gateway",
    ]  # fmt: skip
    assert "enable --now pumpwatch.service" in capsys.readouterr().out


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    assert install(tmp_path) == 0
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "pumpwatch.service")]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    assert not [line for line in said.splitlines() if "pumpwatch.service" in line]


def test_a_service_is_asked_after_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--unit-dir", str(tmp_path), "--no-start", "--name", "north")
    assert main(["service", "status", *where]) == 1
    assert install(tmp_path, "--name", "north") == 0
    assert main(["service", "status", *where]) == 0
    assert main(["service", "remove", *where]) == 0
    assert not (tmp_path / "north.service").exists()
    assert main(["service", "remove", *where]) == 2
    assert "there is no service" in capsys.readouterr().err


def test_a_site_with_mistakes_and_a_name_that_is_none_are_refused(tmp_path: Path) -> None:
    assert install(tmp_path, site="schema = 2\n") == 2
    assert install(tmp_path, "--name", "../evil") == 2
    assert not list(tmp_path.glob("**/*.service"))


def test_a_headless_run_says_that_it_is_ready_lives_and_stops(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(
        'schema = 1\n[[pump]]\nid = "P-101"\nprofile = "centrifugal"\nmodel = "none"\n'
        '[[pump.link]]\ndriver = "rest-ingest"\n'
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        command = [sys.executable, "-m", "pumpwatch_gui", "run", "--site", str(tmp_path / "site.toml"), "--headless"]
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000000"}
        with subprocess.Popen([*command, "--home", str(tmp_path / "home")], env=environment) as run:
            try:
                said = [manager.recv(1000).decode() for _ in range(3)]
            finally:
                run.terminate()
            while "STOPPING=1" not in said:
                said.append(manager.recv(1000).decode())
            assert run.wait(60) == 0
    assert said[0] == "READY=1"
    assert said[1].startswith("WATCHDOG=1\nSTATUS=0 of 1 pumps run")


def test_the_manager_hears_nothing_while_a_loop_that_matters_has_stopped(tmp_path: Path) -> None:
    now = 100 * 10**9
    view = StationView("N", now, now, (), (), EngineStats(loops=(LoopHealth("gateway", 1), LoopHealth("judge", now))))
    stopped = replace(view, stats=EngineStats(loops=(LoopHealth("judge", 1),)))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        state = ServiceState({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "60000000"})
        state.see(stopped)
        with pytest.raises(BlockingIOError):
            manager.recv(1000)
        state.see(view)
        assert manager.recv(1000) == b"READY=1"
        assert manager.recv(1000).startswith(b"WATCHDOG=1")
        state.see(view)
        with pytest.raises(BlockingIOError):
            manager.recv(1000)
