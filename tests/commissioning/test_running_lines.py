"""A test, a preview or a scan of what a running link shares goes over that link's line, and costs it no value."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pumpwatch_gui.acquire.links.scanner import Binding
from pumpwatch_gui.commissioning.devices.links import line_to, try_link, try_unit
from pumpwatch_gui.commissioning.devices.scan import ScanJob, ScanKind, ScanRequest, start_scan
from pumpwatch_gui.commissioning.pumps.new_pump import reader_of
from pumpwatch_gui.domain.errors import InputError, LinkError
from pumpwatch_gui.domain.links.config import ModbusConfig, ModbusRtuConfig, ModbusTcpConfig
from pumpwatch_gui.domain.links.discovery import ScanOutcome
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.site import Site
from tests.acquire.faulty_line import FaultyPty
from tests.acquire.faulty_server import FaultyServer
from tests.acquire.scanning import Scanning, register_map, registers_profile

Wait = Callable[..., None]
PROFILE = registers_profile(0, 1)
PROFILE_FILE = """
name = "two"
[[sensor]]
tag = "r0"
label = "A"
unit = ""
span = [0, 65535]
[[sensor]]
tag = "r1"
label = "B"
unit = ""
span = [0, 65535]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "two-profile.toml").write_text(PROFILE_FILE)
    register_map(tmp_path / "two.toml", 0, 1)
    return tmp_path


@pytest.fixture
def line(tmp_path: Path) -> Iterator[FaultyPty]:
    with FaultyPty(tmp_path / "dev") as running:
        running.dead_units = frozenset(range(3, 248))
        yield running


def rtu(line: FaultyPty, folder: Path, unit: int = 1) -> ModbusRtuConfig:
    registers = str(folder / "two.toml")
    return ModbusRtuConfig(line.device, 115200, unit=unit, period_s=0.4, timeout_s=0.3, registers=registers)


def ended(job: ScanJob) -> bool:
    return not job.poll().is_running


def test_a_second_unit_of_a_running_serial_line_is_tested_read_and_found(
    line: FaultyPty, folder: Path, wait_until: Wait
) -> None:
    with Scanning([Binding("P", PROFILE, (rtu(line, folder),))]) as s:
        wait_until(lambda: s.is_good("P"))
        trial = try_link(rtu(line, folder, 2), "two-profile.toml", folder, s.scanner)
        assert trial.ok, trial.lines
        assert "2 of 2 points good" in trial.lines[0]
        assert try_unit(rtu(line, folder, 2), folder, s.scanner).outcome is ScanOutcome.RESPONDED
        assert len(reader_of(rtu(line, folder, 2), folder, running=s.scanner)("holding", 5, 3)) == 3
        silent = try_unit(rtu(line, folder, 9), folder, s.scanner)
        assert silent.outcome is ScanOutcome.SILENT
        request = ScanRequest(ScanKind.UNITS, range(1, 7), 0.1, config=rtu(line, folder))
        job = start_scan(request, Site(folder=folder), s.scanner)
        wait_until(lambda: ended(job), within_s=30)
        view = job.poll()
        assert view.error is None
        assert [f.outcome.is_there for f in view.found] == [True, True, False, False, False, False]
        seen = len(s.of("P"))
        wait_until(lambda: len(s.of("P")) >= seen + 5)
        assert s.all_good("P")


def test_a_running_line_at_another_speed_is_not_disturbed(line: FaultyPty, folder: Path, wait_until: Wait) -> None:
    with Scanning([Binding("P", PROFILE, (rtu(line, folder),))]) as s:
        wait_until(lambda: s.is_good("P"))
        other = replace(rtu(line, folder, 2), baud=9600)
        with pytest.raises(InputError, match=r"runs at 115,?200 .* for P/1"):
            try_link(other, "two-profile.toml", folder, s.scanner)
        assert s.all_good("P")


def test_a_device_that_takes_one_connection_is_tested_over_it(folder: Path, wait_until: Wait) -> None:
    registers = str(folder / "two.toml")
    with FaultyServer() as server:
        config = ModbusTcpConfig("127.0.0.1", server.port, period_s=0.2, registers=registers)
        with Scanning([Binding("P", PROFILE, (config,))]) as s:
            wait_until(lambda: s.is_good("P"))
            assert try_link(replace(config, host="localhost"), "two-profile.toml", folder, s.scanner).ok
            server.dead_units = frozenset(range(2, 20))
            request = ScanRequest(ScanKind.UNITS, range(1, 20), 0.1, config=config)
            job = start_scan(request, Site(folder=folder), s.scanner)
            wait_until(lambda: ended(job), within_s=30)
            assert [f.outcome.is_there for f in job.poll().found] == [True] + [False] * 18
            assert s.all_good("P")
        assert server.connections == 1


def test_a_test_over_a_line_that_is_down_says_why_it_is(folder: Path, wait_until: Wait) -> None:
    with FaultyServer() as server:
        server.kill()
        config = ModbusTcpConfig("127.0.0.1", server.port, period_s=0.2, registers=str(folder / "two.toml"))
        with Scanning([Binding("P", PROFILE, (config,))]) as s:
            wait_until(s.is_in("P/1", LinkState.OFFLINE))
            trial = try_link(config, "two-profile.toml", folder, s.scanner)
            assert not trial.ok
            assert "refused" in trial.lines[0]


def test_what_no_line_leads_to_takes_a_connection_of_its_own(folder: Path, wait_until: Wait) -> None:
    with FaultyServer() as server, FaultyServer() as other:
        config = ModbusTcpConfig("127.0.0.1", server.port, period_s=0.2, registers=str(folder / "two.toml"))
        with Scanning([Binding("P", PROFILE, (config,))]) as s:
            wait_until(lambda: s.is_good("P"))
            free: ModbusConfig = replace(config, port=other.port)
            assert line_to(free, s.scanner) is None
            assert try_link(free, "two-profile.toml", folder, s.scanner).ok
        borrowed = s.scanner.borrow(config)
        assert borrowed is None


def test_a_read_over_a_line_that_ends_is_told(folder: Path, wait_until: Wait) -> None:
    with FaultyServer(always="stall") as server:
        config = ModbusTcpConfig(
            "127.0.0.1", server.port, period_s=0.2, timeout_s=20.0, registers=str(folder / "two.toml")
        )
        with Scanning([Binding("P", PROFILE, (config,))]) as s:
            wait_until(lambda: server.log)
            line = line_to(config, s.scanner)
            assert line is not None
            read = line.read(config, "holding", 0, 1)
            s.scanner.rebind([])
            wait_until(read.done)
        assert read.cancelled() or isinstance(read.exception(), LinkError)
