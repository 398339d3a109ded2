"""The scanner: its beats, its states, what the sick do to the healthy, and changes while it runs."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pumpwatch_gui.acquire.links.assembly import WallClock
from pumpwatch_gui.acquire.links.scanner import Binding
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.pump.profile import Limits
from pumpwatch_gui.domain.values.quality import Quality, Reason
from tests.acquire.faulty_server import FaultyServer
from tests.acquire.scanning import Scanning, register_map, registers_profile

Wait = Callable[..., None]
PROFILE = registers_profile(0, 1)


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as running:
        yield running


@pytest.fixture
def registers(tmp_path: Path) -> str:
    return register_map(tmp_path / "two.toml", 0, 1)


def link(server: FaultyServer, registers: str, **more: Any) -> ModbusTcpConfig:
    settings = {"unit": 1, "period_s": 0.1, "timeout_s": 0.2, **more}
    return ModbusTcpConfig("127.0.0.1", server.port, registers=registers, **settings)


def reasons(frame: Any) -> list[Reason]:
    return [Reason(r) for r in frame.reason]


def test_beats_keep_the_schedule(server: FaultyServer, registers: str, wait_until: Wait) -> None:
    with Scanning([Binding("P", PROFILE, (link(server, registers, period_s=0.05),))]) as s:
        wait_until(lambda: len(s.of("P")) >= 40)
        skipped = s.view("P/1").missed_scans
    times = np.array([f.mono_ns for f in s.of("P")]) / 1e9
    beats = np.round((times - times[0]) / 0.05)
    assert beats[-1] == len(times) - 1 + skipped
    assert np.median(np.abs(times - times[0] - beats * 0.05)) < 0.02
    assert np.array_equal([f.seq for f in s.of("P")], np.arange(1, len(times) + 1))


@pytest.mark.parametrize("how", ["reset", "finish"])
def test_a_lost_peer_is_noticed_within_50_ms_and_found_again(
    server: FaultyServer, registers: str, wait_until: Wait, how: str
) -> None:
    with Scanning([Binding("P", PROFILE, (link(server, registers, period_s=1.0),))]) as s:
        wait_until(lambda: s.is_good("P"))
        lost_s = server.drop(how=how)
        wait_until(lambda: not s.is_good("P"))
        frame = s.last("P")
        assert frame is not None
        assert frame.mono_ns / 1e9 - lost_s <= 0.05
        assert reasons(frame) == [Reason.NO_COMMUNICATION] * 2
        wait_until(lambda: s.is_good("P"))
        assert s.view("P/1").reconnects == 1


def test_a_device_that_is_not_there_makes_bad_frames_and_plain_words(registers: str, wait_until: Wait) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = ModbusTcpConfig("127.0.0.1", port, period_s=0.1, registers=registers)
    with Scanning([Binding("P", PROFILE, (config,))]) as s:
        wait_until(lambda: len(s.of("P")) >= 5)
        view = s.view("P/1")
    assert all(reasons(f) == [Reason.NO_COMMUNICATION] * 2 for f in s.of("P"))
    assert view.state is LinkState.OFFLINE
    assert "connection refused" in view.last_error
    assert view.last_advice


def test_a_unit_that_is_dead_behind_a_gateway_is_asked_rarely_and_the_others_go_on(
    server: FaultyServer, registers: str, wait_until: Wait
) -> None:
    server.dead_units = frozenset({9})
    bindings = [Binding(f"P{unit}", PROFILE, (link(server, registers, unit=unit),)) for unit in (1, 9, 2)]
    with Scanning(bindings) as s:
        wait_until(lambda: len(s.of("P1")) >= 30 and len(s.of("P9")) >= 20)
        asked = [r for r in server.log if r.unit == 9]
        assert len(asked) == 2
        assert s.view("P9/1").state is LinkState.STALE
        after = asked[-1].at_s + 0.3
        for pump in ("P1", "P2"):
            assert s.view(f"{pump}/1").timeouts == 0
            late = [f.mono_ns / 1e9 for f in s.of(pump) if f.mono_ns / 1e9 > after]
            assert np.diff(late).max() < 0.2
        assert all(Reason.TIMEOUT in reasons(f) for f in s.of("P9"))
        assert server.connections == 1


def test_dead_endpoints_never_delay_the_others(server: FaultyServer, registers: str, wait_until: Wait) -> None:
    with FaultyServer(always="stall") as stalled, FaultyServer(always="truncated") as torn:
        sick = [Binding(f"S{i}", PROFILE, (link(peer, registers),)) for i, peer in enumerate((stalled, torn))]
        with Scanning([*sick, Binding("P", PROFILE, (link(server, registers),))]) as s:
            wait_until(lambda: len(s.of("P")) >= 30)
            assert s.view("P/1").missed_scans == 0
        times = np.array([f.mono_ns for f in s.of("P")]) / 1e9
        assert np.diff(times).max() < 0.2
        assert all(f.worst is Quality.BAD for pump in ("S0", "S1") for f in s.of(pump))


def test_it_stops_within_a_second_with_fifty_stalled_devices(registers: str, wait_until: Wait) -> None:
    before = threading.active_count()
    with FaultyServer(always="stall") as stalled:
        bindings = [Binding(f"P{i}", PROFILE, (link(stalled, registers, unit=i, timeout_s=5.0),)) for i in range(25)]
        with FaultyServer(always="stall") as other:
            bindings += [Binding(f"Q{i}", PROFILE, (link(other, registers, unit=i, timeout_s=5.0),)) for i in range(25)]
            with Scanning(bindings) as s:
                wait_until(lambda: stalled.log and other.log)
            assert s.stop_s <= 1.0
    wait_until(lambda: threading.active_count() <= before)


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


def test_a_refused_gap_is_split_once_and_remembered(server: FaultyServer, tmp_path: Path, wait_until: Wait) -> None:
    server.script = {1: "exception 2"}
    registers = register_map(tmp_path / "gap.toml", 0, 5)
    with Scanning([Binding("P", registers_profile(0, 5), (link(server, registers),))]) as s:
        wait_until(lambda: len(s.of("P")) >= 5)
    assert all(f.worst is Quality.GOOD for f in s.of("P"))
    assert {(r.address, r.count) for r in server.log[1:]} == {(0, 1), (5, 1)}
    assert s.view("P/1").exceptions == {2: 1}
    assert "exception 2 at 40001 (wire address 0, 6 long): illegal address" in s.view("P/1").last_error


def test_the_second_link_fills_its_own_tags_with_its_own_quality(
    server: FaultyServer, tmp_path: Path, wait_until: Wait
) -> None:
    profile = registers_profile(0, 1, 2)
    first, second = register_map(tmp_path / "a.toml", 0), register_map(tmp_path / "b.toml", 1)
    with FaultyServer() as other:
        binding = Binding("P", profile, (link(server, first), link(other, second)))
        with Scanning([binding]) as s:
            wait_until(lambda: s.is_good("P"))
            assert reasons(s.last("P")) == [Reason.NONE, Reason.NONE, Reason.NOT_CONNECTED]
            other.kill()
            wait_until(lambda: not s.is_good("P"))
            assert reasons(s.last("P")) == [Reason.NONE, Reason.NO_COMMUNICATION, Reason.NOT_CONNECTED]
            other.revive()
            wait_until(lambda: s.is_good("P"))
            server.kill()
            wait_until(lambda: reasons(s.last("P"))[0] is Reason.NO_COMMUNICATION)
            count = len(s.of("P"))
            wait_until(lambda: len(s.of("P")) > count + 3)  # the beat goes on
            assert reasons(s.last("P"))[1] is Reason.NONE


def test_a_second_link_that_never_came_up_is_not_taken_for_unbound(
    server: FaultyServer, tmp_path: Path, wait_until: Wait
) -> None:
    first, second = register_map(tmp_path / "a.toml", 0), register_map(tmp_path / "b.toml", 1)
    with FaultyServer(always="stall") as other:
        with Scanning([Binding("P", PROFILE, (link(server, first), link(other, second)))]) as s:
            wait_until(lambda: len(s.of("P")) >= 10)
        assert all(f.worst is Quality.BAD for f in s.of("P"))
        assert {reasons(f)[1] for f in s.of("P")} <= {
            Reason.WAITING_FOR_INITIAL_DATA, Reason.TIMEOUT, Reason.NO_COMMUNICATION
        }  # fmt: skip


def test_a_slow_second_link_grows_old_and_then_bad(server: FaultyServer, tmp_path: Path, wait_until: Wait) -> None:
    first, second = register_map(tmp_path / "a.toml", 0), register_map(tmp_path / "b.toml", 1)
    with FaultyServer({2: "stall"}) as other:  # one good answer, then a long silence
        slow = link(other, second, period_s=0.15, timeout_s=10.0)
        with Scanning([Binding("P", PROFILE, (link(server, first), slow))]) as s:
            wait_until(lambda: any(reasons(f)[1] is Reason.NO_COMMUNICATION for f in s.of("P")))
    seen = [(Quality(int(f.quality[1])), reasons(f)[1]) for f in s.of("P")]
    order = [pair for i, pair in enumerate(seen) if i == 0 or pair != seen[i - 1]]
    assert order[-3:] == [
        (Quality.GOOD, Reason.NONE),
        (Quality.UNCERTAIN, Reason.LAST_USABLE_VALUE),
        (Quality.BAD, Reason.NO_COMMUNICATION),
    ]


def test_a_device_whose_registers_stand_still_turns_stale(registers: str, tmp_path: Path, wait_until: Wait) -> None:
    coils = tmp_path / "coils.toml"
    coils.write_text('name = "coils"\n[[point]]\ntag = "r0"\ntable = "coil"\naddress = 0\ntype = "bool"\n')
    with FaultyServer() as server:  # its registers move with every request, its coils never
        moving = Binding("M", PROFILE, (link(server, registers, frozen_after=5),))
        frozen = Binding("F", PROFILE, (link(server, str(coils), unit=2, frozen_after=5),))
        with Scanning([moving, frozen]) as s:
            wait_until(s.is_in("F/1", LinkState.STALE))
            frame = s.last("F")
            assert frame is not None
            assert (frame.quality[0], frame.reason[0]) == (Quality.UNCERTAIN, Reason.FROZEN)
            assert s.view("M/1").state is LinkState.ONLINE
            assert s.is_good("M")


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
    assert all(f.worst is Quality.GOOD for f in s.of("P1"))
    assert [f.seq for f in s.of("P1")] == list(range(1, len(s.of("P1")) + 1))


def test_rebinding_to_nothing_closes_the_connection(server: FaultyServer, registers: str, wait_until: Wait) -> None:
    with Scanning([Binding("P", PROFILE, (link(server, registers),))]) as s:
        wait_until(lambda: s.is_good("P"))
        s.scanner.rebind([])
        wait_until(lambda: not server._peers)
        assert s.scanner.views() == ()


def test_a_changed_register_map_is_taken_over_by_rebinding_and_an_unchanged_one_is_left_alone(
    server: FaultyServer, tmp_path: Path, wait_until: Wait
) -> None:
    path = tmp_path / "own.toml"
    binding = Binding("P", PROFILE, (link(server, register_map(path, 0, 1)),))
    with Scanning([binding]) as s:
        wait_until(lambda: s.is_good("P"))
        shapes = [spec.shape() for spec in binding.specs()]
        assert [spec.shape() for spec in binding.specs()] == shapes
        path.write_text(path.read_text().replace("address = ", "address = 1"))
        assert [spec.shape() for spec in binding.specs()] != shapes
        with s.scanner.traffic("P/1") as traffic:
            s.scanner.rebind([binding])
            wait_until(lambda: any(p.text == "unit 1: read 2 holding registers from 10" for p in traffic.take()))


def test_a_broken_register_map_is_said_and_its_mending_is_found(
    server: FaultyServer, tmp_path: Path, wait_until: Wait
) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("name = ")
    with Scanning([Binding("P", PROFILE, (link(server, str(path)),))]) as s:
        wait_until(lambda: len(s.of("P")) >= 5)
        assert reasons(s.last("P")) == [Reason.CONFIGURATION_ERROR] * 2
        assert "bad.toml" in s.view("P/1").last_error
        register_map(path, 0, 1)
        wait_until(lambda: s.is_good("P"), within_s=8)


def test_a_bug_in_one_line_is_told_and_does_not_take_the_others_with_it(
    server: FaultyServer, registers: str, wait_until: Wait, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    from pumpwatch_gui.acquire.modbus.channel import ModbusChannel

    real, broken = ModbusChannel.scan, [True]

    async def scan(self: ModbusChannel, spec: Any) -> Any:
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


def test_wall_time_follows_a_step_of_the_clock_but_not_its_noise() -> None:
    now = {"wall": 10**18, "mono": 0}
    clock = WallClock(lambda: now["wall"], lambda: now["mono"])
    now["wall"] += 20_000_000  # 20 ms apart: noise
    assert clock.at(0) == 10**18
    now["wall"] += 3_600_000_000_000
    assert clock.at(0) == 10**18 + 3_600_020_000_000
    assert clock.steps == 1


def test_the_clock_of_a_frame_is_utc_now(server: FaultyServer, registers: str, wait_until: Wait) -> None:
    with Scanning([Binding("P", PROFILE, (link(server, registers),))]) as s:
        wait_until(lambda: s.is_good("P"))
    assert abs(s.of("P")[-1].time_s - time.time()) < 2
