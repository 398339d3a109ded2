"""Scanning finds what is there, reports what is not, and its progress, and can be stopped."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from pumpwatch_gui.acquire.discovery.scan import scan_lines, scan_ports, scan_units
from pumpwatch_gui.acquire.links.fault import LinkFault
from pumpwatch_gui.acquire.simulator.plant import Plant
from pumpwatch_gui.acquire.simulator.server import serve
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import ModbusRtuConfig, ModbusRtuTcpConfig, ModbusTcpConfig
from pumpwatch_gui.domain.links.discovery import Found, ScanOutcome
from tests.acquire.faulty_line import FaultyGateway, FaultyPty
from tests.acquire.faulty_server import FaultyServer

Wait = Callable[..., None]
Port = int


@contextmanager
def served(*, rtu: bool = False) -> Iterator[Port]:
    """Three pumps behind one port: units 1 to 3; for any other a gateway's exception, with `rtu` silence."""
    ready, stop = threading.Event(), threading.Event()
    ports: list[int] = []

    def opened(port: int) -> None:
        ports.append(port)
        ready.set()

    def run() -> None:
        serve(Plant(3, seed=1), port=0, rtu=rtu, ready=opened, stop=stop)

    thread = threading.Thread(target=run, name="simulator", daemon=True)
    thread.start()
    try:
        assert ready.wait(10)
        yield ports[0]
    finally:
        stop.set()
        thread.join(5)


@pytest.fixture
def simulator() -> Iterator[Port]:
    with served() as port:
        yield port


def outcomes(found: tuple[Found, ...]) -> list[ScanOutcome]:
    return [f.outcome for f in found]


def test_the_units_behind_an_endpoint_are_found_with_settings_that_reach_them(simulator: Port) -> None:
    reported: list[tuple[int, int]] = []
    config = ModbusTcpConfig("127.0.0.1", simulator, unit=9)
    found = scan_units(config, range(1, 248), progress=lambda done, total, _: reported.append((done, total)))
    there = [f for f in found if f.outcome.is_there]
    assert [f.config.unit for f in there if f.config] == [1, 2, 3]
    assert all(f.response_ms >= 0 for f in there)
    assert set(outcomes(found)) == {ScanOutcome.RESPONDED, ScanOutcome.SILENT}
    assert reported == [(n, 247) for n in range(1, 248)]


def test_a_silent_unit_is_distinguished_from_one_that_responds_with_an_exception() -> None:
    with FaultyServer({2: "exception 2", 3: "stall"}) as server:
        found = scan_units(ModbusTcpConfig("127.0.0.1", server.port), (4, 5, 6, 7), timeout_s=0.1)
    assert outcomes(found) == [ScanOutcome.RESPONDED, ScanOutcome.EXCEPTION, ScanOutcome.SILENT, ScanOutcome.RESPONDED]
    assert "exception 2" in found[1].text


@pytest.mark.parametrize("fault", ["reset", "finish", "garbage"])
def test_a_connection_that_breaks_costs_one_unit_at_most(fault: str) -> None:
    with FaultyServer({2: fault}) as server:
        found = scan_units(ModbusTcpConfig("127.0.0.1", server.port), (1, 2, 3), timeout_s=0.2)
    assert [f.outcome.is_there for f in found] == [True, fault != "garbage", True]


@pytest.mark.parametrize("fault", ["wrong unit", "short by one register", "wrong function"])
def test_a_wrong_response_is_no_device(fault: str) -> None:
    with FaultyServer({1: fault}) as server:
        found = scan_units(ModbusTcpConfig("127.0.0.1", server.port), (1, 2), timeout_s=0.2)
    assert outcomes(found) == [ScanOutcome.GARBLED, ScanOutcome.RESPONDED]


def test_only_reads_go_out() -> None:
    with FaultyServer() as server:
        scan_units(ModbusTcpConfig("127.0.0.1", server.port), range(1, 20))
        scan_ports("127.0.0.1", (server.port,))
        assert {r.function for r in server.log} == {3}
        assert {r.count for r in server.log} == {1}


def test_units_on_a_line_and_behind_a_gateway_are_found(tmp_path: Path) -> None:
    with FaultyPty(tmp_path) as line:
        line.dead_units = frozenset({2})
        found = scan_units(ModbusRtuConfig(line.device, 115200), (1, 2, 3), timeout_s=0.1)
        assert outcomes(found) == [ScanOutcome.RESPONDED, ScanOutcome.SILENT, ScanOutcome.RESPONDED]
    with FaultyGateway() as gateway:
        gateway.dead_units = frozenset({1})
        found = scan_units(ModbusRtuTcpConfig("127.0.0.1", gateway.port), (1, 2), timeout_s=0.1)
        assert outcomes(found) == [ScanOutcome.SILENT, ScanOutcome.RESPONDED]


def test_an_endpoint_that_cannot_be_reached_is_a_fault_with_advice(tmp_path: Path) -> None:
    with FaultyServer() as gone:
        gone.kill()
        with pytest.raises(LinkFault) as caught:
            scan_units(ModbusTcpConfig("127.0.0.1", gone.port), (1, 2))
    assert caught.value.advice


def test_a_scan_that_is_stopped_ends_with_the_unit_it_is_at_and_keeps_what_it_has() -> None:
    stop = threading.Event()
    with FaultyServer(always="stall", script={1: "exception 1"}) as server:
        config = ModbusTcpConfig("127.0.0.1", server.port)

        def note(done: int, total: int, found: Found | None) -> None:
            if done == 3:
                stop.set()

        found = scan_units(config, range(1, 248), timeout_s=0.3, progress=note, stop=stop)
    assert outcomes(found) == [ScanOutcome.EXCEPTION, ScanOutcome.SILENT, ScanOutcome.SILENT]


def test_the_open_ports_of_a_host_are_distinguished_by_what_they_speak(simulator: Port) -> None:
    with served(rtu=True) as gateway, FaultyServer(always="stall") as mute, FaultyServer() as gone:
        gone.kill()
        ports = (gone.port, simulator, mute.port, gateway)
        found = scan_ports("127.0.0.1", ports, timeout_s=0.3)
    assert [f.place for f in found] == [f"127.0.0.1:{p}" for p in ports]
    assert outcomes(found) == [ScanOutcome.CLOSED, ScanOutcome.RESPONDED, ScanOutcome.OPEN, ScanOutcome.RESPONDED]
    assert [f.config.driver if f.config else "" for f in found] == ["", "modbus-tcp", "", "modbus-rtu-over-tcp"]


def test_a_gateway_whose_unit_is_missing_still_shows_itself_as_modbus(simulator: Port) -> None:
    found = scan_ports("127.0.0.1", (simulator,), unit=99)
    assert outcomes(found) == [ScanOutcome.EXCEPTION]


@pytest.mark.parametrize("host", ["10.0.0.0/24", "192.168.1.*", "a,b", "", "  "])
def test_more_than_one_host_is_refused(host: str) -> None:
    with pytest.raises(InputError):
        scan_ports(host)


def test_the_speed_of_a_line_is_found_and_the_others_are_left_out(tmp_path: Path) -> None:
    reported: list[tuple[int, int]] = []
    with FaultyPty(tmp_path, {1: "stall"}) as line:
        devices = (str(tmp_path / "absent"), line.device)
        found = scan_lines(devices, (9600, 19200, 38400), timeout_s=0.1, parities=("N",),
                           progress=lambda done, total, _: reported.append((done, total)))  # fmt: skip
    assert outcomes(found) == [ScanOutcome.CLOSED, ScanOutcome.SILENT, ScanOutcome.RESPONDED]
    assert found[-1].config == ModbusRtuConfig(line.device, 19200)
    assert reported[-1] == (6, 6)
    assert [done for done, _ in reported] == sorted(done for done, _ in reported)


def test_a_line_with_noise_on_it_is_reported_as_garbled(tmp_path: Path) -> None:
    with FaultyPty(tmp_path, always="CRC error") as line:
        found = scan_lines((line.device,), (9600,), parities=("N",), timeout_s=0.2)
    assert outcomes(found) == [ScanOutcome.GARBLED]


def test_scans_leave_no_thread_and_no_socket(simulator: Port, wait_until: Wait) -> None:
    def scan() -> None:
        scan_units(ModbusTcpConfig("127.0.0.1", simulator), (1, 2, 9))
        scan_ports("127.0.0.1", (simulator, 1))

    scan()
    process = psutil.Process()
    fds, threads = process.num_fds(), threading.active_count()
    scan()
    wait_until(lambda: process.num_fds() <= fds and threading.active_count() <= threads)
