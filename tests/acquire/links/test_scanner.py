"""The scanner: its schedule, its states, what the sick do to the healthy, and changes while it runs."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from typing_extensions import override

from pumpwatch_gui.acquire.driver import LinkSpec, Readings
from pumpwatch_gui.acquire.links.scanner import Binding, Scanner
from pumpwatch_gui.acquire.modbus.learnt.memory import DeviceMemory
from pumpwatch_gui.bench.rigs.posting import free_port
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.pump.profile import Limits
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from tests.acquire.faulty_server import FaultyServer
from tests.acquire.scanning import STOP_S, Scanning, reasons_of, register_map, registers_profile

Wait = Callable[..., None]
PROFILE = registers_profile(0, 1)
PERIOD_S = 0.05


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as running:
        yield running


@pytest.fixture
def registers(tmp_path: Path) -> str:
    return register_map(tmp_path / "two.toml", 0, 1)


def link(server: FaultyServer, registers: str, **more: Any) -> ModbusTcpConfig:
    settings = {"unit": 1, "period_s": 0.1, "timeout_s": 2.0, **more}
    return ModbusTcpConfig("127.0.0.1", server.port, registers=registers, **settings)


def test_a_scan_never_comes_before_it_is_due(server: FaultyServer, registers: str, wait_until: Wait) -> None:
    started_s = time.monotonic()
    with Scanning([Binding("P", PROFILE, (link(server, registers, period_s=PERIOD_S),))]) as s:
        wait_until(lambda: len(s.of("P")) >= 40)
        missed = s.view("P/1").missed_scans
    frames = s.of("P")
    assert [f.seq for f in frames] == list(range(1, len(frames) + 1))
    assert len(frames) + missed <= (frames[-1].mono_ns / 1e9 - started_s) / PERIOD_S + 1


def test_scans_that_a_standstill_has_made_overdue_are_missed_and_counted_and_not_made_up_for(
    server: FaultyServer, registers: str, wait_until: Wait
) -> None:
    standstill_s = 0.5
    started_s = time.monotonic()

    def stand_still(frame: Frame) -> None:
        if frame.seq == 5:
            time.sleep(standstill_s)  # on the links thread, as a slow consumer would

    with Scanning([Binding("P", PROFILE, (link(server, registers, period_s=PERIOD_S),))]) as s:
        s.on_frame = stand_still
        wait_until(lambda: len(s.of("P")) >= 12)
        missed = s.view("P/1").missed_scans
    frames = s.of("P")
    assert missed >= standstill_s / PERIOD_S - 1
    assert len(frames) + missed <= (frames[-1].mono_ns / 1e9 - started_s) / PERIOD_S + 1
    assert [f.seq for f in frames] == list(range(1, len(frames) + 1))


def test_a_device_that_is_not_there_makes_bad_frames_and_plain_words(registers: str, wait_until: Wait) -> None:
    port = free_port()
    config = ModbusTcpConfig("127.0.0.1", port, period_s=0.1, registers=registers)
    with Scanning([Binding("P", PROFILE, (config,))]) as s:
        wait_until(lambda: len(s.of("P")) >= 5)
        view = s.view("P/1")
    assert all(reasons_of(f) == [Reason.NO_COMMUNICATION] * 2 for f in s.of("P"))
    assert view.state is LinkState.OFFLINE
    assert "connection refused" in view.last_error
    assert view.last_advice


def test_endpoints_that_do_not_respond_hold_up_no_other(server: FaultyServer, registers: str, wait_until: Wait) -> None:
    with FaultyServer(always="stall") as stalled, FaultyServer(always="truncated") as torn, FaultyServer() as closed:
        closed.kill()
        sick = [
            Binding(f"S{i}", PROFILE, (link(peer, registers, timeout_s=30.0),))
            for i, peer in enumerate((stalled, torn, closed))
        ]
        unknown = Binding("unknown", PROFILE, (ModbusTcpConfig("no-such-host.invalid", registers=registers),))
        with Scanning([*sick, unknown, Binding("P", PROFILE, (link(server, registers),))]) as s:
            wait_until(lambda: stalled.log and torn.log)
            seen = len(s.of("P"))
            wait_until(lambda: len(s.of("P")) >= seen + 30)
            # Both are still in their first request: while they wait, the healthy one has been scanned 30 times.
            assert (len(stalled.log), len(torn.log)) == (1, 1)
            assert s.view("S0/1").timeouts == s.view("S1/1").timeouts == 0
        assert s.all_good("P", since=1)
        assert not any(f.worst is Quality.GOOD for pump in ("S0", "S1", "S2", "unknown") for f in s.of(pump))


def test_fifty_devices_that_do_not_respond_do_not_hold_up_the_end(registers: str, wait_until: Wait) -> None:
    """Leaving `Scanning` fails unless it ends long before the time-outs."""
    before = threading.active_count()
    with ExitStack() as stack:
        servers = [stack.enter_context(FaultyServer(always="stall")) for _ in range(50)]
        configs = [link(s, registers, timeout_s=2 * STOP_S) for s in servers]
        with Scanning([Binding(f"P{i}", PROFILE, (config,)) for i, config in enumerate(configs)]) as s:
            wait_until(lambda: all(x.log for x in servers))
            assert sum(v.timeouts for v in s.scanner.views()) == 0
        ports = {x.port for x in servers}
        wait_until(lambda: not any(c.status == "ESTABLISHED" and c.raddr and c.raddr.port in ports
                                   for c in psutil.Process().net_connections()))  # fmt: skip
    wait_until(lambda: threading.active_count() <= before)


def test_the_loop_has_no_tasks_left(registers: str, wait_until: Wait) -> None:
    """`run` uses `asyncio.run`, which would wait for stray tasks; here none is even cancelled by it."""
    seen: list[int] = []

    class Counting(Scanner):
        @override
        async def _main(self, stop: threading.Event, alive: Callable[[], None]) -> None:
            await super()._main(stop, alive)
            seen.append(len(asyncio.all_tasks()) - 1)

    with FaultyServer(always="stall") as server:
        bindings = [Binding("P", PROFILE, (link(server, registers, timeout_s=5.0),))]
        scanner, stop = Counting(bindings, on_frame=lambda f: None, on_event=lambda e: None), threading.Event()
        thread = threading.Thread(target=scanner.run, args=(stop,))
        thread.start()
        wait_until(lambda: server.log)
        stop.set()
        thread.join(STOP_S)
    assert seen == [0]


def test_a_name_that_cannot_be_resolved_holds_up_nothing(
    server: FaultyServer, registers: str, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold, real = threading.Event(), socket.getaddrinfo

    def silent(host: Any, *args: Any, **more: Any) -> Any:
        if host == "silent.invalid":
            hold.wait(20)
        return real(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    nowhere = ModbusTcpConfig("silent.invalid", 502, period_s=0.1, registers=registers)
    bindings = [Binding("N", PROFILE, (nowhere,)), Binding("P", PROFILE, (link(server, registers),))]
    with Scanning(bindings) as s:
        wait_until(lambda: s.is_good("P") and s.is_in("N/1", LinkState.OFFLINE)())
    hold.set()


def test_a_refused_block_is_halved_once_and_remembered(server: FaultyServer, tmp_path: Path, wait_until: Wait) -> None:
    server.script = {1: "exception 2"}
    registers = register_map(tmp_path / "two.toml", 0, 1)
    with Scanning([Binding("P", registers_profile(0, 1), (link(server, registers),))]) as s:
        wait_until(lambda: len(s.of("P")) >= 5)
    assert s.all_good("P")
    assert {(r.address, r.count) for r in server.log[1:]} == {(0, 1), (1, 1)}
    assert s.view("P/1").exceptions == {2: 1}
    assert "exception 2 at 40001 (wire address 0, 2 long): illegal address" in s.view("P/1").last_error


def test_a_gap_is_read_over_only_after_the_device_has_shown_that_it_bears_it(
    server: FaultyServer, tmp_path: Path, wait_until: Wait
) -> None:
    registers = register_map(tmp_path / "gap.toml", 0, 1, 4, 5, 6, 7)
    server.frozen = True  # two requests see one truth
    with Scanning([Binding("P", registers_profile(0, 1, 4, 5, 6, 7), (link(server, registers),))]) as s:
        wait_until(lambda: [(r.address, r.count) for r in server.log[-3:]] == [(0, 8)] * 3)
    assert s.all_good("P")
    assert [(r.address, r.count) for r in server.log[:2]] == [(0, 2), (4, 4)]


def test_the_second_link_fills_its_own_tags_with_its_own_quality(
    server: FaultyServer, tmp_path: Path, wait_until: Wait
) -> None:
    profile = registers_profile(0, 1, 2)
    first, second = register_map(tmp_path / "a.toml", 0), register_map(tmp_path / "b.toml", 1)
    with FaultyServer() as other:
        binding = Binding("P", profile, (link(server, first), link(other, second)))
        with Scanning([binding]) as s:
            wait_until(lambda: s.is_good("P"))
            assert reasons_of(s.last("P")) == [Reason.NONE, Reason.NONE, Reason.NOT_CONNECTED]
            other.kill()
            wait_until(lambda: reasons_of(s.last("P")) == [Reason.NONE, Reason.NO_COMMUNICATION, Reason.NOT_CONNECTED])
            other.revive()
            wait_until(lambda: s.is_good("P"))
            server.kill()
            wait_until(lambda: reasons_of(s.last("P"))[0] is Reason.NO_COMMUNICATION)
            count = len(s.of("P"))
            wait_until(lambda: len(s.of("P")) > count + 3)  # frames go on
            wait_until(lambda: reasons_of(s.last("P"))[1] is Reason.NONE)


def test_a_second_link_that_never_came_up_is_not_taken_for_unbound(
    server: FaultyServer, tmp_path: Path, wait_until: Wait
) -> None:
    first, second = register_map(tmp_path / "a.toml", 0), register_map(tmp_path / "b.toml", 1)
    with FaultyServer(always="stall") as other:
        with Scanning([Binding("P", PROFILE, (link(server, first), link(other, second)))]) as s:
            wait_until(lambda: len(s.of("P")) >= 10)
        assert all(f.worst is Quality.BAD for f in s.of("P"))
        assert {reasons_of(f)[1] for f in s.of("P")} <= {
            Reason.WAITING_FOR_INITIAL_DATA, Reason.TIMEOUT, Reason.NO_COMMUNICATION
        }  # fmt: skip


def test_a_slow_second_link_grows_old_and_then_bad(server: FaultyServer, tmp_path: Path, wait_until: Wait) -> None:
    first, second = register_map(tmp_path / "a.toml", 0), register_map(tmp_path / "b.toml", 1)
    with FaultyServer({2: "stall"}) as other:  # one good response, then a long silence
        slow = link(other, second, period_s=0.4, timeout_s=30.0)
        with Scanning([Binding("P", PROFILE, (link(server, first), slow))]) as s:
            wait_until(lambda: any(reasons_of(f)[1] is Reason.NO_COMMUNICATION for f in s.of("P")))
    seen = [(Quality(int(f.quality[1])), reasons_of(f)[1]) for f in s.of("P")]
    order = [pair for i, pair in enumerate(seen) if i == 0 or pair != seen[i - 1]]
    assert order[-3:] == [
        (Quality.GOOD, Reason.NONE),
        (Quality.UNCERTAIN, Reason.LAST_USABLE_VALUE),
        (Quality.BAD, Reason.NO_COMMUNICATION),
    ]


def test_a_device_whose_registers_do_not_move_turns_stale_and_comes_back(
    registers: str, tmp_path: Path, wait_until: Wait
) -> None:
    coils = tmp_path / "coils.toml"
    coils.write_text('name = "coils"\n[[point]]\ntag = "r0"\ntable = "coil"\naddress = 0\ntype = "bool"\n')
    with FaultyServer() as server:  # its registers move with every request, its coils never
        moving = Binding("M", PROFILE, (link(server, registers, frozen_after=5),))
        frozen = Binding("F", PROFILE, (link(server, str(coils), unit=2, frozen_after=5),))
        with Scanning([moving, frozen]) as s:
            wait_until(s.is_in("F/1", LinkState.STALE))
            frame = s.last("F")
            assert (frame.quality[0], frame.reason[0]) == (Quality.UNCERTAIN, Reason.FROZEN)
            assert s.view("M/1").state is LinkState.ONLINE
            assert s.all_good("M")
            server.frozen = True
            wait_until(s.is_in("M/1", LinkState.STALE))
            assert set(reasons_of(s.last("M"))) == {Reason.FROZEN}
            server.frozen = False
            wait_until(lambda: s.is_good("M"))
            wait_until(s.is_in("M/1", LinkState.ONLINE))


def test_rebinding_leaves_the_others_behind_the_same_gateway_undisturbed(
    server: FaultyServer, registers: str, wait_until: Wait
) -> None:
    kept = Binding("P1", PROFILE, (link(server, registers, unit=1),))
    gone, new = (Binding(f"P{unit}", PROFILE, (link(server, registers, unit=unit),)) for unit in (2, 3))
    with Scanning([kept, gone]) as s:
        wait_until(lambda: s.is_good("P1") and s.is_good("P2"))
        sensors = tuple(replace(x, limits=Limits(high=5.0)) for x in PROFILE.sensors)
        s.scanner.rebind([replace(kept, profile=replace(PROFILE, sensors=sensors)), new])
        wait_until(lambda: s.is_good("P3"))
        count = len(s.of("P1"))
        wait_until(lambda: len(s.of("P1")) > count + 3)
        assert [v.link_id for v in s.scanner.views()] == ["P1/1", "P3/1"]
    assert server.connections == 1
    assert s.all_good("P1")
    assert [f.seq for f in s.of("P1")] == list(range(1, len(s.of("P1")) + 1))


def test_rebinding_to_nothing_closes_the_connection(server: FaultyServer, registers: str, wait_until: Wait) -> None:
    with Scanning([Binding("P", PROFILE, (link(server, registers),))]) as s:
        wait_until(lambda: s.is_good("P"))
        s.scanner.rebind([])
        wait_until(lambda: not server.peers)
        assert s.scanner.views() == ()


def test_a_changed_register_map_is_taken_over_by_rebinding_and_an_unchanged_one_is_left_alone(
    server: FaultyServer, tmp_path: Path, wait_until: Wait
) -> None:
    path = tmp_path / "own.toml"
    binding = Binding("P", PROFILE, (link(server, register_map(path, 0, 1)),))
    with Scanning([binding]) as s:
        wait_until(lambda: s.is_good("P"))
        shapes = [spec.shape() for spec in binding.specs(DeviceMemory())]
        assert [spec.shape() for spec in binding.specs(DeviceMemory())] == shapes
        path.write_text(path.read_text().replace("address = ", "address = 1"))
        assert [spec.shape() for spec in binding.specs(DeviceMemory())] != shapes
        with s.scanner.traffic("P/1") as traffic:
            s.scanner.rebind([binding])
            wait_until(lambda: any(p.text == "unit 1: read 2 holding registers from 10" for p in traffic.take()))


def test_a_broken_register_map_is_reported_and_its_repair_is_found(
    server: FaultyServer, tmp_path: Path, wait_until: Wait
) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("name = ")
    with Scanning([Binding("P", PROFILE, (link(server, str(path)),))]) as s:
        wait_until(lambda: len(s.of("P")) >= 5)
        assert reasons_of(s.last("P")) == [Reason.CONFIGURATION_ERROR] * 2
        assert "bad.toml" in s.view("P/1").last_error
        register_map(path, 0, 1)
        wait_until(lambda: s.is_good("P"), within_s=20)


def test_a_bug_in_one_line_is_logged_and_does_not_take_the_others_with_it(
    server: FaultyServer, registers: str, wait_until: Wait, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    from pumpwatch_gui.acquire.modbus.channel import ModbusChannel

    real, broken = ModbusChannel.scan, [True]

    async def scan(self: ModbusChannel, spec: LinkSpec) -> Readings:
        if spec.pump_id == "B" and broken:
            broken.pop()
            raise ZeroDivisionError("a bug")
        return await real(self, spec)

    monkeypatch.setattr(ModbusChannel, "scan", scan)
    with FaultyServer() as other:
        bindings = [Binding("B", PROFILE, (link(other, registers),)), Binding("P", PROFILE, (link(server, registers),))]
        with Scanning(bindings) as s:
            wait_until(lambda: s.is_good("B") and s.is_good("P"))
    assert "a bug" in caplog.text


def test_the_clock_of_a_frame_is_utc_now(server: FaultyServer, registers: str, wait_until: Wait) -> None:
    before_s = time.time()
    with Scanning([Binding("P", PROFILE, (link(server, registers),))]) as s:
        wait_until(lambda: s.is_good("P"))
    assert before_s <= s.of("P")[-1].time_s <= time.time()
