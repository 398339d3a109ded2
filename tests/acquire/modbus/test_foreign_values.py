"""Against a server of another library: every type in every order, every table, and no request that writes."""

import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyModbusTCP.server import DataHandler, ModbusServer

from pumpwatch_gui.acquire.discovery import trial
from pumpwatch_gui.acquire.links.scanner import Binding
from pumpwatch_gui.bench.rigs.posting import free_port
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.domain.links.register_map import ORDERS
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.values.quality import Quality, Reason
from tests.acquire.scanning import Scanning

Wait = Callable[..., None]
VALUES: dict[str, tuple[str, float]] = {
    "uint16": (">H", 54321), "int16": (">h", -12345), "uint32": (">I", 4_000_000_001), "int32": (">i", -2_000_000_003),
    "uint64": (">Q", 2**52 + 1), "int64": (">q", -(2**51) - 3), "float32": (">f", -1234.5), "float64": (">d", 1e-3 / 7),
    "bcd16": ("", 4711), "bcd32": ("", 47110815),
}  # fmt: skip
PROGRAMMABLE = [(kind, order) for kind in VALUES for order in ORDERS]


def words(kind: str, order: str) -> list[int]:
    form, value = VALUES[kind]
    data = struct.pack(form, value) if form else bytes.fromhex(str(value))
    pairs = [data[i : i + 2] for i in range(0, len(data), 2)]
    pairs = pairs[::-1] if order in ("CDAB", "DCBA") else pairs
    return [int.from_bytes(p if order in ("ABCD", "CDAB") else p[::-1]) for p in pairs]


class Log(DataHandler):  # type: ignore[misc]
    functions: set[int] = set()

    def read_h_regs(self, address: int, count: int, srv_info: Any) -> Any:
        self.functions.add(srv_info.recv_frame.pdu.func_code)
        return super().read_h_regs(address, count, srv_info)


@pytest.fixture
def server() -> Iterator[ModbusServer]:
    Log.functions = set()
    running = ModbusServer("127.0.0.1", 0, no_block=True, data_hdl=Log())
    before = threading.active_count()
    # The library cannot report the port that the system chose, so choose one first.
    running.port = free_port()
    running.start()
    yield running
    running.stop()
    assert threading.active_count() <= before + 1


def typed_map(path: Path, table: str) -> tuple[str, list[list[int]]]:
    rows, registers, at = [f'name = "{path.stem}"\nbase = 1\n'], [], 200
    for i, (kind, order) in enumerate(PROGRAMMABLE):
        registers.append([at, *words(kind, order)])
        rows.append(
            f'[[point]]\ntag = "v{i}"\ntable = "{table}"\naddress = {at + 1}\ntype = "{kind}"\norder = "{order}"\n'
        )
        at += len(registers[-1]) - 1 + i % 4 * 5
    path.write_text("".join(rows))
    return str(path), registers


@pytest.mark.parametrize("table", ["holding", "input"])
def test_every_type_and_order_arrives_as_the_server_holds_it(server: ModbusServer, tmp_path: Path, table: str) -> None:
    registers, held = typed_map(tmp_path / "typed.toml", table)
    for address, *content in held:
        bank = server.data_bank
        (bank.set_holding_registers if table == "holding" else bank.set_input_registers)(address, content)
    profile = PumpProfile("typed", tuple(Sensor(f"v{i}", "", "", (-1e30, 1e30)) for i in range(len(PROGRAMMABLE))))
    outcome = trial.test_link(ModbusTcpConfig("127.0.0.1", server.port, registers=registers), profile)
    assert outcome.ok, outcome
    assert outcome.frame is not None
    assert list(outcome.frame.values) == [VALUES[kind][1] for kind, _ in PROGRAMMABLE]


def test_bits_of_every_table_arrive_as_the_server_holds_them(server: ModbusServer, tmp_path: Path) -> None:
    truth = [(i * i + i // 3) % 2 == 0 for i in range(19)]
    server.data_bank.set_coils(30, truth)
    server.data_bank.set_discrete_inputs(40, truth)
    rows = [f'[[point]]\ntag = "c{i}"\ntable = "coil"\naddress = {30 + i}\ntype = "bool"\n' for i in range(19)]
    rows += [f'[[point]]\ntag = "d{i}"\ntable = "discrete"\naddress = {40 + i}\ntype = "bool"\n' for i in range(19)]
    (tmp_path / "bits.toml").write_text('name = "bits"\n' + "".join(rows))
    profile = PumpProfile("bits", tuple(Sensor(f"{k}{i}", "", "", (0, 1)) for k in "cd" for i in range(19)))
    config = ModbusTcpConfig("127.0.0.1", server.port, registers=str(tmp_path / "bits.toml"))
    outcome = trial.test_link(config, profile)
    assert outcome.ok, outcome
    assert outcome.frame is not None
    assert list(outcome.frame.values) == truth * 2


def test_moving_values_are_read_one_by_one_and_nothing_is_ever_written(
    server: ModbusServer, tmp_path: Path, wait_until: Wait
) -> None:
    (tmp_path / "pair.toml").write_text(
        'name = "pair"\n[[point]]\ntag = "a"\naddress = 0\ntype = "uint16"\n'
        '[[point]]\ntag = "b"\naddress = 3\ntype = "uint32"\norder = "CDAB"\n'
    )
    profile = PumpProfile("pair", (Sensor("a", "", "", (0, 1e5)), Sensor("b", "", "", (0, 1e10))))
    config = ModbusTcpConfig("127.0.0.1", server.port, period_s=0.05, registers=str(tmp_path / "pair.toml"))
    with Scanning([Binding("P", profile, (config,))]) as s:
        for k in range(30):
            low, high = (70_001 * k) & 0xFFFF, (70_001 * k) >> 16
            server.data_bank.set_holding_registers(0, [k, 0, 0, low, high])
            seen = len(s.frames)
            wait_until(lambda seen=seen: len(s.frames) > seen + 1)
            newest = s.frames[-1]
            assert (newest.worst, *newest.values) == (Quality.GOOD, k, 70_001 * k)
    assert Log.functions == {3}


def test_an_illegal_address_is_reported_with_the_wire_address_and_the_likely_cause(
    server: ModbusServer, tmp_path: Path
) -> None:
    server.data_hdl.read_h_regs = lambda *_: DataHandler.Return(exp_code=2)
    (tmp_path / "off.toml").write_text('name = "off"\n[[point]]\ntag = "a"\naddress = 10\ntype = "uint16"\n')
    profile = PumpProfile("one", (Sensor("a", "", "", (0, 1e5)),))
    config = ModbusTcpConfig("127.0.0.1", server.port, registers=str(tmp_path / "off.toml"))
    outcome = trial.test_link(config, profile)
    assert not outcome.ok
    assert outcome.text == "exception 2 at 40011 (wire address 10, 1 long): illegal address"
    assert "off by one" in outcome.advice


def test_a_trial_says_in_words_what_keeps_it_from_the_device(tmp_path: Path) -> None:
    port = free_port()
    profile = PumpProfile("one", (Sensor("motor_rpm", "", "", (0, 1e5)),))
    outcome = trial.test_link(ModbusTcpConfig("127.0.0.1", port), profile)
    assert not outcome.ok
    assert "connection refused" in outcome.text
    outcome = trial.test_link(ModbusTcpConfig("127.0.0.1", port, registers="nowhere"), profile)
    assert not outcome.ok
    assert outcome.frame is None


def test_a_trial_names_the_points_that_are_not_good(server: ModbusServer) -> None:
    server.data_bank.set_holding_registers(0, [65535])
    profile = PumpProfile("two", (Sensor("motor_rpm", "", "", (0, 1e5)), Sensor("extra", "", "", (0, 1))))
    outcome = trial.test_link(ModbusTcpConfig("127.0.0.1", server.port), profile)
    assert not outcome.ok
    assert outcome.advice == f"motor_rpm: {Reason.SENSOR_FAILURE.text}"
    assert "does not bring extra" in outcome.text
