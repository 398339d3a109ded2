"""Extra reads and watchers while a link runs: any block, the device identification, its traffic."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pumpwatch_gui.acquire.discovery import trial
from pumpwatch_gui.acquire.discovery.trial import read_once
from pumpwatch_gui.acquire.links.fault import LinkFault
from pumpwatch_gui.acquire.links.scanner import Binding
from pumpwatch_gui.acquire.links.traffic import TrafficPacket
from pumpwatch_gui.acquire.replay import ReplayConfig
from pumpwatch_gui.acquire.simulator import Plant, serve
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import DriverConfig, ModbusRtuConfig, ModbusTcpConfig
from pumpwatch_gui.domain.values.quality import Quality
from tests.acquire.faulty_line import FaultyPty
from tests.acquire.faulty_server import FaultyServer, truth
from tests.acquire.scanning import Scanning, register_map, registers_profile

Wait = Callable[..., None]
PROFILE = registers_profile(0, 1)
WAIT_S = 10.0


@pytest.fixture
def registers(tmp_path: Path) -> str:
    return register_map(tmp_path / "two.toml", 0, 1)


def binding(server: FaultyServer, registers: str, **more: float) -> Binding:
    settings = {"period_s": 0.1, "timeout_s": 2.0, **more}
    config = ModbusTcpConfig("127.0.0.1", server.port, registers=registers, **settings)  # type: ignore[arg-type]
    return Binding("P", PROFILE, (config,))


def values_at(words: Sequence[int], address: int, ticks: range) -> bool:
    return any(list(words) == [truth(address + i, k) for i in range(len(words))] for k in ticks)


def test_any_block_is_read_between_the_scans_and_disturbs_none(registers: str, wait_until: Wait) -> None:
    with FaultyServer() as server:
        with Scanning([binding(server, registers)]) as s:
            wait_until(lambda: s.is_good("P"))
            first = len(s.of("P"))
            for address in range(50):
                words = s.scanner.read_block("P/1", "input", 7 * address, 1 + address).result(WAIT_S)
                assert values_at(words, 7 * address, range(1, len(server.log) + 1))
            wait_until(lambda: len(s.of("P")) >= first + 10)
        extra = [(r.function, r.address, r.count) for r in server.log if r.function != 3]
        assert extra == [(4, 7 * address, 1 + address) for address in range(50)]
        assert s.all_good("P")
        assert server.connections == 1


def test_a_block_that_cannot_be_is_refused_by_the_argument_at_fault(registers: str, wait_until: Wait) -> None:
    with FaultyServer() as server, Scanning([binding(server, registers)]) as s:
        wait_until(lambda: s.is_good("P"))
        for wrong, words in (
            (("holding", 0, 126), "count"),
            (("holding", 65535, 2), "address"),
            (("x", 0, 1), "table"),
        ):
            with pytest.raises(ValueError, match=f"^{words}: "):
                s.scanner.read_block("P/1", *wrong).result(WAIT_S)
        with pytest.raises(KeyError):
            s.scanner.read_block("Q/1", "holding", 0, 1).result(WAIT_S)


@pytest.mark.parametrize("fault", ["short by one register", "wrong unit", "exception 2", "stall", "reset mid-frame"])
def test_the_response_to_an_extra_read_is_checked_as_strictly(fault: str, registers: str, wait_until: Wait) -> None:
    with FaultyServer() as server, Scanning([binding(server, registers, period_s=0.8, timeout_s=0.4)]) as s:
        wait_until(lambda: s.is_good("P"))
        server.script = {len(server.log) + 1: fault}
        with pytest.raises(LinkFault) as caught:
            s.scanner.read_block("P/1", "holding", 100, 2).result(WAIT_S)
        assert caught.value.message
        wait_until(lambda: s.is_good("P"))


def test_an_extra_read_of_a_link_that_is_down_fails_at_once(registers: str, wait_until: Wait) -> None:
    with FaultyServer() as server:
        server.kill()
        with Scanning([binding(server, registers)]) as s:
            wait_until(lambda: len(s.of("P")) > 2)
            with pytest.raises(LinkFault, match="not connected"):
                s.scanner.read_block("P/1", "holding", 0, 1).result(WAIT_S)


def test_extra_reads_that_were_not_done_are_cancelled_at_the_end(registers: str, wait_until: Wait) -> None:
    with FaultyServer(always="stall") as server:
        with Scanning([binding(server, registers, timeout_s=20.0)]) as s:
            wait_until(lambda: server.log)
            waiting = s.scanner.read_block("P/1", "holding", 0, 1)
            with pytest.raises(KeyError):  # refused on the links thread: the one before is in its queue by now
                s.scanner.read_block("Q/1", "holding", 0, 1).result(WAIT_S)
        assert waiting.cancelled()


def test_traffic_is_decoded_and_kept_only_while_it_is_watched(tmp_path: Path, registers: str, wait_until: Wait) -> None:
    with FaultyServer() as server, FaultyPty(tmp_path / "dev") as line:
        links: dict[str, DriverConfig] = {
            "T": ModbusTcpConfig("127.0.0.1", server.port, 7, period_s=0.05, registers=registers),
            "R": ModbusRtuConfig(line.device, 115200, unit=7, period_s=0.05, registers=registers),
        }
        with Scanning([Binding(name, PROFILE, (config,)) for name, config in links.items()]) as s:
            wait_until(lambda: s.is_good("T") and s.is_good("R"))
            for name in links:
                check_traffic(s, name, wait_until)


def check_traffic(s: Scanning, name: str, wait_until: Wait) -> None:
    packets: list[TrafficPacket] = []

    def enough() -> bool:
        packets.extend(traffic.take())
        return len(packets) >= 6

    with s.scanner.traffic(f"{name}/1") as traffic:
        wait_until(enough)
    sent, came = (next(p for p in packets if p.sent is way) for way in (True, False))
    assert sent.text == "unit 7: read 2 holding registers from 0"
    assert came.text.startswith("unit 7: holding registers: ")
    a, b = map(int, came.text.rsplit(": ", 1)[1].split())
    assert b - a in (1, -65535)
    assert "07 03 04" in came.hex
    assert {p.link_id for p in packets} == {f"{name}/1"}
    before = len(s.of(name))
    wait_until(lambda: len(s.of(name)) > before + 3)
    traffic.take()
    wait_until(lambda: len(s.of(name)) > before + 6)
    assert traffic.take() == []


def test_watching_survives_a_reconnection(registers: str, wait_until: Wait) -> None:
    with FaultyServer() as server, Scanning([binding(server, registers)]) as s, s.scanner.traffic("P/1") as traffic:
        wait_until(lambda: s.is_good("P"))
        server.drop()
        wait_until(lambda: server.connections == 2 and s.is_good("P"))
        traffic.take()
        wait_until(traffic.take)


def test_the_simulator_identifies_itself_over_a_running_link_and_without_one(registers: str, wait_until: Wait) -> None:
    stop, ports = threading.Event(), list[int]()
    thread = threading.Thread(
        target=serve, args=(Plant(1, seed=1),), kwargs={"port": 0, "ready": ports.append, "stop": stop}
    )
    thread.start()
    try:
        wait_until(lambda: ports)
        config = ModbusTcpConfig("127.0.0.1", ports[0], period_s=0.1, registers=registers)
        expected = {"vendor": "PumpWatch", "product code": "simulated pump", "revision": "1"}
        assert trial.identify(config) == expected
        with Scanning([Binding("P", PROFILE, (config,))]) as s:
            wait_until(lambda: s.is_good("P"))
            assert s.scanner.identify("P/1").result(WAIT_S) == expected
        assert len(read_once(config, "holding", 0, 11)) == 11
        with pytest.raises(LinkFault, match="exception 2 at 40101"):
            read_once(config, "holding", 100, 11)
    finally:
        stop.set()
        thread.join(5)


def test_a_recording_has_no_registers(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no registers"):
        read_once(ReplayConfig(str(tmp_path / "x.csv")), "holding", 0, 1)


def test_an_extra_read_of_a_running_recording_is_refused_at_once(tmp_path: Path, wait_until: Wait) -> None:
    path = tmp_path / "x.csv"
    path.write_text(
        "timestamp," + ",".join(PROFILE.tags) + "\n" + "".join(f"{1_700_000_000 + k},1,1\n" for k in range(50)), "utf-8"
    )
    with Scanning([Binding("P", PROFILE, (ReplayConfig(str(path)),))]) as s:
        wait_until(lambda: s.of("P"))
        with pytest.raises(LinkFault, match="sends by itself"):
            s.scanner.read_block("P/1", "holding", 0, 1).result(WAIT_S)


@pytest.mark.parametrize("one_alone", [True, False])
def test_a_unit_that_is_one_response_behind_for_ever_stays_bad_for_ever(
    one_alone: bool, tmp_path: Path, wait_until: Wait
) -> None:
    """Also where the map has but one register, so that no other count can be requested."""
    addresses = (0,) if one_alone else (0, 1)
    registers = register_map(tmp_path / "m.toml", *addresses)
    with FaultyPty(tmp_path / "dev", {6: "slip"}) as line:
        config = ModbusRtuConfig(line.device, 115200, period_s=0.05, timeout_s=0.1, registers=registers)
        with Scanning([Binding("P", registers_profile(*addresses), (config,))]) as s:
            wait_until(lambda: len(line.log) > 30)
            after = [f for f in s.of("P") if f.mono_ns / 1e9 > line.log[5].at_s]
        assert len(after) > 3
        assert all(f.worst is Quality.BAD for f in after)
