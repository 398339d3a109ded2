"""Serial lines and gateways: shared, cut off, misconfigured, dead and alive."""

import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from pumpwatch_gui.acquire.discovery import trial
from pumpwatch_gui.acquire.links import turns
from pumpwatch_gui.acquire.links.scanner import Binding
from pumpwatch_gui.domain.links.config import ModbusRtuConfig, ModbusRtuTcpConfig
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.values.quality import Quality, Reason
from tests.acquire.faulty_line import FaultyGateway, FaultyPty
from tests.acquire.faulty_server import truth
from tests.acquire.scanning import Scanning, reasons_of, register_map, registers_profile

Wait = Callable[..., None]
PROFILE = registers_profile(0, 1)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[FaultyPty]:
    with FaultyPty(tmp_path / "dev") as running:
        yield running


@pytest.fixture
def config(line: FaultyPty, tmp_path: Path) -> ModbusRtuConfig:
    registers = register_map(tmp_path / "two.toml", 0, 1)
    return ModbusRtuConfig(line.device, 115200, period_s=0.1, timeout_s=1.0, registers=registers)


def unit(config: ModbusRtuConfig, number: int, *, timeout_s: float = 1.0) -> Binding:
    """Short time-outs are for units that are meant not to respond: a machine that is held up must not look like one."""
    return Binding(f"U{number}", PROFILE, (dataclasses.replace(config, unit=number, timeout_s=timeout_s),))


def test_units_of_one_line_share_it_with_one_request_in_flight(
    line: FaultyPty, config: ModbusRtuConfig, wait_until: Wait
) -> None:
    with Scanning([unit(config, n) for n in (1, 2, 3)]) as s:
        wait_until(lambda: all(len(s.of(f"U{n}")) >= 8 for n in (1, 2, 3)))
        assert all(s.is_good(f"U{n}") for n in (1, 2, 3))
        assert all(s.view(f"U{n}/1").timeouts + s.view(f"U{n}/1").crc_errors == 0 for n in (1, 2, 3))
    assert {r.unit for r in line.log} == {1, 2, 3}


def test_an_unplugged_adapter_is_noticed_without_a_request_and_found_again(
    line: FaultyPty, config: ModbusRtuConfig, wait_until: Wait
) -> None:
    with Scanning([unit(dataclasses.replace(config, period_s=2.0), 1)]) as s:
        wait_until(lambda: s.is_good("U1"))
        sent = s.view("U1/1").requests
        line.unplug()
        wait_until(lambda: not s.is_good("U1"))
        # The next scan, 2 s after the last, would have been another way to notice it.
        assert s.view("U1/1").requests == sent
        assert set(reasons_of(s.last("U1"))) == {Reason.NO_COMMUNICATION}
        assert s.view("U1/1").state is LinkState.OFFLINE
        wait_until(lambda: "no such port" in s.view("U1/1").last_error)
        assert "plugged in" in s.view("U1/1").last_advice
        line.plug_in()
        wait_until(lambda: s.is_good("U1"))


def test_after_a_bad_response_nothing_is_sent_for_250_ms(
    line: FaultyPty, config: ModbusRtuConfig, wait_until: Wait
) -> None:
    line.script = {8: "stall", 12: "foreign frame", 16: "short by one register"}
    with Scanning([unit(config, 1, timeout_s=0.15)]):
        wait_until(lambda: len(line.log) > 20)
    for tick, waited_s in ((8, 0.15), (12, 0.05), (16, 0.05)):
        pause_s = line.log[tick].at_s - line.log[tick - 1].at_s
        assert pause_s >= waited_s + 0.25 - 0.01, line.log[tick - 1].fault


def test_a_dead_unit_is_requested_only_to_probe_it_and_costs_the_others_little(
    line: FaultyPty, config: ModbusRtuConfig, wait_until: Wait
) -> None:
    line.dead_units = frozenset({2})
    with Scanning([unit(config, 1), unit(config, 2, timeout_s=0.15), unit(config, 3)]) as s:
        wait_until(lambda: len(s.of("U1")) >= 30)
        requests = [r.at_s for r in line.log if r.unit == 2]
        assert all(gap_s >= turns.PROBE_S for gap_s in np.diff(requests[1:]))  # the first two have made it dead
        assert len(s.of("U2")) > len(requests)
        assert s.view("U2/1").state is not LinkState.ONLINE
        assert all(f.worst is Quality.GOOD for n in (1, 3) for f in s.of(f"U{n}")[-10:])


def test_a_line_that_was_dead_as_a_whole_is_scanned_on_and_comes_back(
    line: FaultyPty, config: ModbusRtuConfig, wait_until: Wait
) -> None:
    with Scanning([unit(config, n, timeout_s=0.15) for n in (1, 2)]) as s:
        wait_until(lambda: s.is_good("U1") and s.is_good("U2"))
        line.dead_units = frozenset({1, 2})
        wait_until(lambda: s.view("U1/1").timeouts >= 2 and s.view("U2/1").timeouts >= 2)
        line.dead_units = frozenset()
        sent = s.view("U1/1").requests + s.view("U2/1").requests
        wait_until(lambda: s.is_good("U1") and s.is_good("U2"))
        # Not after a probe: those would come 5 s after the last time-out, with 50 scans of each in between.
        assert sum(1 for f in s.frames if f.worst is Quality.BAD) < 60
        assert s.view("U1/1").requests + s.view("U2/1").requests > sent


def test_a_port_that_is_deaf_for_three_seconds_is_opened_again(
    line: FaultyPty, config: ModbusRtuConfig, wait_until: Wait
) -> None:
    line.always = "stall"
    with Scanning([unit(config, 1, timeout_s=0.15)]) as s:
        wait_until(lambda: any("not one byte" in v.last_error for v in s.scanner.views()))
        assert {r for f in s.of("U1") for r in reasons_of(f)} <= {Reason.TIMEOUT, Reason.NO_COMMUNICATION}
        line.always = ""
        wait_until(lambda: s.is_good("U1"))


def test_two_speeds_on_one_device_are_a_mistake_that_is_reported(
    line: FaultyPty, config: ModbusRtuConfig, wait_until: Wait
) -> None:
    other = Binding("X", PROFILE, (dataclasses.replace(config, unit=2, baud=9600),))
    with Scanning([unit(config, 1), other]) as s:
        wait_until(lambda: s.is_good("U1") and len(s.of("X")) >= 3)
        assert set(reasons_of(s.last("X"))) == {Reason.CONFIGURATION_ERROR}
        assert "another link runs this line at 115200 8N1" in s.view("X/1").last_error
        assert "same baud" in s.view("X/1").last_advice
        assert s.is_good("U1")


def test_a_port_that_another_program_uses_is_reported(line: FaultyPty, config: ModbusRtuConfig) -> None:
    import serial

    with serial.Serial(line.device, exclusive=True):
        outcome = trial.test_link(config, PROFILE)
    assert not outcome.ok
    assert "another program or link uses it" in outcome.text


def test_a_port_without_permission_advises_the_dialout_group(
    config: ModbusRtuConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    import serial

    def refuse(*_: object, **__: object) -> None:
        raise serial.SerialException(13, "could not open port: Permission denied")

    monkeypatch.setattr(serial, "serial_for_url", refuse)  # root, as tests may run, is never refused
    outcome = trial.test_link(config, PROFILE)
    assert not outcome.ok
    assert "no permission" in outcome.text
    assert "dialout" in outcome.advice


def test_a_file_is_no_serial_port(tmp_path: Path, config: ModbusRtuConfig) -> None:
    (tmp_path / "file").write_text("")
    outcome = trial.test_link(dataclasses.replace(config, device=str(tmp_path / "file")), PROFILE)
    assert not outcome.ok
    assert "cannot open" in outcome.text
    assert outcome.advice


def test_two_names_of_one_device_are_one_line(line: FaultyPty, config: ModbusRtuConfig, wait_until: Wait) -> None:
    real = dataclasses.replace(config, device=os.path.realpath(line.device), unit=2)
    with Scanning([unit(config, 1), Binding("R", PROFILE, (real,))]) as s:
        wait_until(lambda: s.is_good("U1") and s.is_good("R"))


def test_on_a_polled_port_an_unplug_is_noticed_too(
    line: FaultyPty, config: ModbusRtuConfig, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system cannot wait for a port (Windows) it is polled; only the end of the polling tells."""
    from pymodbus.transport.serialtransport import SerialTransport

    monkeypatch.setattr(SerialTransport, "force_poll", True)
    with Scanning([unit(config, 1)]) as s:
        wait_until(lambda: s.is_good("U1"))
        line.unplug()
        wait_until(lambda: s.view("U1/1").state is LinkState.OFFLINE)
        line.plug_in()
        wait_until(lambda: s.is_good("U1"))


def test_crc_errors_and_short_responses_are_counted_apart(
    line: FaultyPty, config: ModbusRtuConfig, wait_until: Wait
) -> None:
    line.script = {6: "CRC error", 10: "short by one register", 14: "wrong unit", 18: "stall"}
    with Scanning([unit(config, 1)]) as s:
        wait_until(lambda: len(line.log) > 24)
        view = s.view("U1/1")
    assert (view.crc_errors, view.wrong_length, view.refused_responses, view.timeouts) == (1, 1, 1, 1)


def test_a_gateway_is_shared_and_its_dead_unit_only_probed(tmp_path: Path, wait_until: Wait) -> None:
    registers = register_map(tmp_path / "two.toml", 0, 1)
    with FaultyGateway() as gateway:
        gateway.dead_units = frozenset({2})
        config = ModbusRtuTcpConfig("127.0.0.1", gateway.port, period_s=0.1, timeout_s=1.0, registers=registers)
        time_outs = {1: 1.0, 2: 0.15, 3: 1.0}
        configs = {n: dataclasses.replace(config, unit=n, timeout_s=t) for n, t in time_outs.items()}
        bindings = [Binding(f"U{n}", PROFILE, (c,)) for n, c in configs.items()]
        with Scanning(bindings) as s:
            wait_until(lambda: len(s.of("U1")) >= 30)
            requests = [r.at_s for r in gateway.log if r.unit == 2]
            assert all(gap_s >= turns.PROBE_S for gap_s in np.diff(requests[1:]))
            assert s.is_good("U1")
            assert s.is_good("U3")


def test_a_heartbeat_that_stops_makes_all_else_doubtful(
    line: FaultyPty, config: ModbusRtuConfig, tmp_path: Path, wait_until: Wait
) -> None:
    with Scanning([Binding("P", PROFILE, (dataclasses.replace(config, heartbeat=2, frozen_after=4),))]) as s:
        wait_until(lambda: len(s.of("P")) >= 8)
        assert s.is_good("P")
        line.frozen = True
        wait_until(lambda: s.view("P/1").state is LinkState.STALE)
        assert set(reasons_of(s.last("P"))) == {Reason.FROZEN}
        line.frozen = False
        wait_until(lambda: s.is_good("P"))


def test_the_truth_of_the_rig_moves() -> None:
    assert truth(0, 1) != truth(0, 2)
