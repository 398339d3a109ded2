"""Serial lines and gateways: shared, cut off, misconfigured, dead and alive; and RTU frames themselves."""

import dataclasses
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU

from pumpwatch_gui.acquire.crc16 import crc16
from pumpwatch_gui.acquire.discovery import trial
from pumpwatch_gui.acquire.links.scanner import Binding
from pumpwatch_gui.acquire.modbus.response import Request
from pumpwatch_gui.acquire.modbus.rtu import check_response, find, sealed
from pumpwatch_gui.domain.links.config import ModbusRtuConfig, ModbusRtuTcpConfig
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.values.quality import Quality, Reason
from tests.acquire.faulty_line import FaultyGateway, FaultyPty
from tests.acquire.faulty_server import truth
from tests.acquire.scanning import Scanning, register_map, registers_profile

Wait = Callable[..., None]
PROFILE = registers_profile(0, 1)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[FaultyPty]:
    with FaultyPty(tmp_path / "dev") as running:
        assert isinstance(running, FaultyPty)
        yield running


@pytest.fixture
def config(line: FaultyPty, tmp_path: Path) -> ModbusRtuConfig:
    registers = register_map(tmp_path / "two.toml", 0, 1)
    return ModbusRtuConfig(line.device, 115200, period_s=0.1, timeout_s=0.15, registers=registers)


def unit(config: ModbusRtuConfig, number: int) -> Binding:
    return Binding(f"U{number}", PROFILE, (dataclasses.replace(config, unit=number),))


def test_units_of_one_line_share_it_with_one_request_in_flight(
    line: FaultyPty, config: ModbusRtuConfig, wait_until: Wait
) -> None:
    with Scanning([unit(config, n) for n in (1, 2, 3)]) as s:
        wait_until(lambda: all(len(s.of(f"U{n}")) >= 8 for n in (1, 2, 3)))
        assert all(s.is_good(f"U{n}") for n in (1, 2, 3))
        assert all(s.view(f"U{n}/1").timeouts + s.view(f"U{n}/1").crc_errors == 0 for n in (1, 2, 3))
    assert {r.unit for r in line.log} == {1, 2, 3}


def test_an_unplugged_adapter_is_noticed_within_50_ms_and_found_again_within_3_s(
    line: FaultyPty, config: ModbusRtuConfig, wait_until: Wait
) -> None:
    with Scanning([unit(dataclasses.replace(config, period_s=0.5), 1)]) as s:
        wait_until(lambda: s.is_good("U1"))
        gone_s = line.unplug()
        wait_until(lambda: not s.is_good("U1"))
        frame = s.last("U1")
        assert frame is not None
        assert frame.mono_ns / 1e9 - gone_s <= 0.05
        assert s.view("U1/1").state is LinkState.OFFLINE
        wait_until(lambda: "no such port" in s.view("U1/1").last_error)
        assert "plugged in" in s.view("U1/1").last_advice
        line.plug_in()
        back_s = time.monotonic()
        wait_until(lambda: s.is_good("U1"), within_s=3)
        assert time.monotonic() - back_s <= 3


def test_after_a_time_out_nothing_is_asked_for_250_ms(
    line: FaultyPty, config: ModbusRtuConfig, wait_until: Wait
) -> None:
    line.script = {8: "stall", 12: "foreign frame", 16: "short by one register"}
    with Scanning([unit(config, 1)]):
        wait_until(lambda: len(line.log) > 20)
    for tick, waited_s in ((8, 0.15), (12, 0.05), (16, 0.05)):
        pause_s = line.log[tick].at_s - line.log[tick - 1].at_s
        assert pause_s >= waited_s + 0.25 - 0.01, line.log[tick - 1].fault


def test_a_dead_unit_is_asked_rarely_and_costs_the_others_little(
    line: FaultyPty, config: ModbusRtuConfig, wait_until: Wait
) -> None:
    line.dead_units = frozenset({2})
    with Scanning([unit(config, n) for n in (1, 2, 3)]) as s:
        wait_until(lambda: len(s.of("U1")) >= 30)
        asked = [r for r in line.log if r.unit == 2]
        assert len(asked) <= 3
        assert s.view("U2/1").state is not LinkState.ONLINE
        assert all(f.worst is Quality.GOOD for n in (1, 3) for f in s.of(f"U{n}")[-10:])


def test_a_line_that_was_dead_as_a_whole_is_asked_on_and_comes_back_within_3_s(
    line: FaultyPty, config: ModbusRtuConfig, wait_until: Wait
) -> None:
    with Scanning([unit(config, n) for n in (1, 2)]) as s:
        wait_until(lambda: s.is_good("U1") and s.is_good("U2"))
        line.dead_units = frozenset({1, 2})
        wait_until(lambda: s.view("U1/1").timeouts >= 2 and s.view("U2/1").timeouts >= 2)
        line.dead_units = frozenset()
        wait_until(lambda: s.is_good("U1") and s.is_good("U2"), within_s=3)


def test_a_port_that_is_deaf_for_three_seconds_is_opened_anew(
    line: FaultyPty, config: ModbusRtuConfig, wait_until: Wait
) -> None:
    line.always = "stall"
    with Scanning([unit(config, 1)]) as s:
        wait_until(lambda: any("not one byte" in v.last_error for v in s.scanner.views()))
        assert {Reason(r) for f in s.of("U1") for r in f.reason} <= {Reason.TIMEOUT, Reason.NO_COMMUNICATION}
        line.always = ""
        wait_until(lambda: s.is_good("U1"), within_s=3)


def test_two_speeds_on_one_device_are_a_mistake_that_is_told(
    line: FaultyPty, config: ModbusRtuConfig, wait_until: Wait
) -> None:
    other = Binding("X", PROFILE, (dataclasses.replace(config, unit=2, baud=9600),))
    with Scanning([unit(config, 1), other]) as s:
        wait_until(lambda: s.is_good("U1") and len(s.of("X")) >= 3)
        assert {Reason(r) for r in s.of("X")[-1].reason} == {Reason.CONFIGURATION_ERROR}
        assert "another link runs this line at 115200 8N1" in s.view("X/1").last_error
        assert "same baud" in s.view("X/1").last_advice
        assert s.is_good("U1")


def test_a_port_that_another_program_uses_is_told(line: FaultyPty, config: ModbusRtuConfig) -> None:
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
        wait_until(lambda: s.view("U1/1").state is LinkState.OFFLINE, within_s=2)
        line.plug_in()
        wait_until(lambda: s.is_good("U1"), within_s=3)


def test_crc_errors_and_short_answers_are_counted_apart(
    line: FaultyPty, config: ModbusRtuConfig, wait_until: Wait
) -> None:
    line.script = {6: "CRC error", 10: "short by one register", 14: "wrong unit", 18: "stall"}
    with Scanning([unit(config, 1)]) as s:
        wait_until(lambda: len(line.log) > 24)
        view = s.view("U1/1")
    assert (view.crc_errors, view.wrong_length, view.refused_responses, view.timeouts) == (1, 1, 1, 1)


def test_a_gateway_is_shared_and_its_dead_unit_is_asked_rarely(tmp_path: Path, wait_until: Wait) -> None:
    registers = register_map(tmp_path / "two.toml", 0, 1)
    with FaultyGateway() as gateway:
        assert isinstance(gateway, FaultyGateway)
        gateway.dead_units = frozenset({2})
        config = ModbusRtuTcpConfig("127.0.0.1", gateway.port, period_s=0.1, timeout_s=0.15, registers=registers)
        bindings = [Binding(f"U{n}", PROFILE, (dataclasses.replace(config, unit=n),)) for n in (1, 2, 3)]
        with Scanning(bindings) as s:
            wait_until(lambda: len(s.of("U1")) >= 30)
            assert len([r for r in gateway.log if r.unit == 2]) <= 3
            assert s.is_good("U1")
            assert s.is_good("U3")


def test_a_heartbeat_that_stands_still_makes_all_else_doubtful(
    line: FaultyPty, config: ModbusRtuConfig, tmp_path: Path, wait_until: Wait
) -> None:
    """The values move, the sequence register does not."""
    beating = dataclasses.replace(config, heartbeat=2, frozen_after=4)
    with Scanning([Binding("P", PROFILE, (beating,))]) as s:
        wait_until(lambda: len(s.of("P")) >= 8)
        assert s.is_good("P")
        line.frozen = True
        wait_until(lambda: s.view("P/1").state is LinkState.STALE)
        frame = s.last("P")
        assert frame is not None
        assert {Reason(r) for r in frame.reason} == {Reason.FROZEN}
        line.frozen = False
        wait_until(lambda: s.is_good("P"))


@given(st.binary(min_size=1, max_size=260))
def test_the_crc_is_that_of_another_library(content: bytes) -> None:
    assert crc16(content).to_bytes(2, "little") == FramerRTU.compute_CRC(content).to_bytes(2)


@given(st.integers(1, 125), st.binary(max_size=20), st.binary(max_size=20), st.integers(1, 247))
def test_an_answer_is_found_among_noise_and_never_by_its_echo(n: int, before: bytes, after: bytes, number: int) -> None:
    asked, sent = Request(0, number, 3, n), sealed(number, bytes((3, 0, 0, 0, n)))
    answer = sealed(number, bytes((3, 2 * n)) + bytes(range(2 * n % 256)) + bytes(2 * n - 2 * n % 256))
    found = find(before + answer + after, asked, sent)
    assert found is not None
    assert find(before + answer[:-1], asked, sent) is None
    assert find(sent, asked, sent) is None


@given(st.integers(17, 24), st.integers(0, 255))
def test_a_request_for_three_bytes_of_bits_is_not_taken_for_its_own_answer(count: int, low: int) -> None:
    """Read coils from 0x03xx: as an answer the echo would be whole and right."""
    sent = sealed(5, bytes((1, 3, low, 0, count)))
    assert find(sent, Request(0, 5, 1, count), sent) is None
    assert check_response(sent, Request(0, 5, 1, count), sent) is None


def test_the_truth_of_the_rig_moves() -> None:
    assert truth(0, 1) != truth(0, 2)
