"""Links against peers that vanish, stall, refuse and come back; and nothing left behind at the end."""

import dataclasses
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import numpy as np
import psutil
import pytest

from pumpwatch_gui.acquire.discovery import trial
from pumpwatch_gui.acquire.links import turns
from pumpwatch_gui.acquire.links.scanner import Binding
from pumpwatch_gui.domain.events import LinkChanged, Note
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from tests.acquire.faulty_server import FAULTS, FaultyServer, truth
from tests.acquire.scanning import Scanning, reasons_of, register_map, registers_profile
from tests.conftest import wait_until as wait

ADDRESSES = (0, 1, 2, 3)
PROFILE = registers_profile(*ADDRESSES)
Wait = Callable[..., None]


@pytest.fixture(scope="module")
def registers(tmp_path_factory: pytest.TempPathFactory) -> str:
    return register_map(tmp_path_factory.mktemp("maps") / "four.toml", *ADDRESSES)


@pytest.fixture(autouse=True)
def nothing_is_left(wait_until: Wait) -> Iterator[None]:
    """No thread, file descriptor or connection of ours outlives a test."""
    process = psutil.Process()
    fds, threads = process.num_fds(), threading.active_count()
    yield
    wait_until(
        lambda: process.num_fds() <= fds and threading.active_count() <= threads,
        what=f"{process.net_connections()}, {threading.enumerate()}",
    )


def config(server: FaultyServer, registers: str, **more: float) -> ModbusTcpConfig:
    settings = {"unit": 1, "period_s": 0.1, "timeout_s": 2.0, **more}
    return ModbusTcpConfig("127.0.0.1", server.port, registers=registers, **settings)  # type: ignore[arg-type]


def bind(config: ModbusTcpConfig, pump: str = "P") -> Binding:
    return Binding(pump, PROFILE, (config,))


@pytest.mark.parametrize("how", ["reset", "finish"])
def test_a_peer_that_hangs_up_between_two_requests_costs_no_value(how: str, registers: str, wait_until: Wait) -> None:
    with FaultyServer() as server, Scanning([bind(config(server, registers))]) as s:
        for times in range(1, 6):
            seen = len(s.of("P"))
            wait_until(lambda seen=seen: len(s.of("P")) > seen)
            server.drop(how=how)
            wait_until(lambda times=times: server.connections == times + 1)
        wait_until(lambda: s.view("P/1").hang_ups == 5)
        assert s.all_good("P")
        assert s.view("P/1").reconnects == 0
    assert [e.state for e in s.events] == [LinkState.ONLINE]
    (told,) = s.reports
    assert isinstance(told, Note)
    assert "hangs up between requests" in told.text


def test_a_peer_that_hangs_up_and_is_gone_is_noticed_by_the_next_scan(registers: str, wait_until: Wait) -> None:
    with FaultyServer() as server, Scanning([bind(config(server, registers))]) as s:
        wait_until(lambda: s.is_good("P"))
        server.kill(how="finish")
        wait_until(lambda: not s.is_good("P"))
        assert reasons_of(s.last("P")) == [Reason.NO_COMMUNICATION] * 4
        assert [e.state for e in s.events] == [LinkState.ONLINE, LinkState.OFFLINE]
        assert "refused" in s.events[-1].text


def test_a_stall_is_noticed_by_the_time_out_of_the_scan_that_met_it(registers: str, wait_until: Wait) -> None:
    with FaultyServer() as server, Scanning([bind(config(server, registers, timeout_s=0.3))]) as s:
        wait_until(lambda: s.is_good("P"))
        server.always = "stall"
        wait_until(lambda: not s.is_good("P"))
        (first,) = [f for f in s.of("P") if f.worst is Quality.BAD][:1]
        stalled = next(r for r in server.log if r.fault)
        assert not any(stalled.at_s < f.mono_ns / 1e9 < first.mono_ns / 1e9 for f in s.of("P"))
        assert reasons_of(first) == [Reason.TIMEOUT] * 4
        assert "no response to 40001 (wire address 0, 4 long) from" in s.view("P/1").last_error


@pytest.mark.parametrize("how", ["reset", "finish"])
def test_a_server_that_was_away_is_found_again(how: str, registers: str, wait_until: Wait) -> None:
    with FaultyServer() as server, Scanning([bind(config(server, registers))]) as s:
        wait_until(lambda: s.is_good("P"))
        server.kill(how=how)
        wait_until(lambda: "refused" in s.view("P/1").last_error, what="the system's own word")
        count = len(s.of("P"))
        wait_until(lambda: len(s.of("P")) > count + 3, what="frames while the server is away")
        assert reasons_of(s.last("P")) == [Reason.NO_COMMUNICATION] * 4
        server.revive()
        wait_until(lambda: s.is_good("P"), within_s=20)


def test_a_server_that_hangs_up_at_once_never_looks_alive(registers: str, wait_until: Wait) -> None:
    with FaultyServer() as server:
        server.closes_at_once = True
        with Scanning([bind(config(server, registers))]) as s:
            wait_until(lambda: server.connections >= 3)
            assert all(f.worst is Quality.BAD for f in s.of("P"))
            server.closes_at_once = False
            wait_until(lambda: s.is_good("P"), within_s=20)


Endless = tuple[list[Frame], list[LinkChanged], list[Frame]]


@pytest.fixture(scope="module")
def endless(registers: str) -> dict[str, Endless]:
    """Every fault without end, all at once, until each pump has ten frames: (frames, events, wrong ones) of each."""
    with ExitStack() as stack:
        servers = {fault: stack.enter_context(FaultyServer(always=fault)) for fault in FAULTS if "late" not in fault}
        bindings = [
            bind(config(server, registers, period_s=0.2, timeout_s=0.2), fault) for fault, server in servers.items()
        ]
        with Scanning(bindings) as s:
            wait(lambda: all(len(s.of(fault)) >= 10 for fault in servers), within_s=60)
        found = {}
        for fault, server in servers.items():
            ticks = {r.tick for r in server.log}
            wrong = [f for f in s.of(fault) if f.worst is not Quality.BAD and not _is_true(f, ticks)]
            found[fault] = (s.of(fault), [e for e in s.events if e.pump_id == fault], wrong)
        return found


def _is_true(frame: Frame, ticks: set[int]) -> bool:
    """Whether each value is one that its register had at some request; a scan may take several."""
    return all(any(v == truth(a, k) for k in ticks) for v, a in zip(frame.values, ADDRESSES, strict=True))


@pytest.mark.parametrize("fault", [f for f in FAULTS if "late" not in f])
def test_a_fault_without_end_makes_a_frame_of_every_scan_and_is_reported_once(
    fault: str, endless: dict[str, Endless]
) -> None:
    frames, events, wrong = endless[fault]
    assert not wrong
    assert [f.seq for f in frames] == list(range(1, len(frames) + 1))
    harmless = ("byte by byte", "in two pieces", "duplicated", "garbage after", "garbage after, apart")
    # Half a frame is a whole one where one register is requested, as it is after some halving.
    if fault not in harmless and "mid-frame" not in fault:
        assert all(f.worst is Quality.BAD for f in frames)
        assert len(events) <= 3  # when it starts, not at every scan


def test_a_dead_unit_is_requested_only_to_probe_it_while_the_others_go_on(
    registers: str, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert turns.PROBE_S == 5.0
    monkeypatch.setattr(turns, "PROBE_S", 1.0)
    with FaultyServer() as server:
        server.dead_units = frozenset({3})
        time_outs = {1: 2.0, 2: 2.0, 3: 0.2}
        bindings = [bind(config(server, registers, unit=u, timeout_s=t), f"U{u}") for u, t in time_outs.items()]
        with Scanning(bindings) as s:
            wait_until(lambda: len([r for r in server.log if r.unit == 3]) >= 4, within_s=30)
            requests = [r.at_s for r in server.log if r.unit == 3]
            # Two that made it dead, then probes.
            assert all(gap_s >= turns.PROBE_S for gap_s in np.diff(requests[1:]))
            assert server.connections == 1
            for unit in (1, 2):
                assert s.all_good(f"U{unit}")
                assert s.view(f"U{unit}/1").timeouts == 0
            assert s.view("U3/1").state is LinkState.STALE
            assert all(set(reasons_of(f)) == {Reason.TIMEOUT} for f in s.of("U3"))
            assert len(s.of("U3")) > len(requests)  # a frame for every scan, requested or not
            server.dead_units = frozenset()
            wait_until(lambda: s.is_good("U3"), within_s=20, what="the dead unit's return")


@pytest.mark.parametrize("fault", ["held back", "slip", "late, behind the next request"])
def test_a_response_that_was_missed_is_not_taken_for_another_units(
    fault: str, registers: str, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Units behind one gateway have equal maps: only the line as a whole can know that a response is still out."""
    monkeypatch.setattr(turns, "PROBE_S", 0.5)
    with FaultyServer(dict.fromkeys((8, 9, 25, 40), fault)) as server:
        first = config(server, registers, timeout_s=0.1)
        units = [bind(dataclasses.replace(first, unit=unit), f"U{unit}") for unit in (1, 2, 3)]
        with Scanning(units) as s:
            wait_until(lambda: len(server.log) > 60 and all(s.is_good(b.pump_id) for b in units), within_s=30)
        served = {(r.unit, r.tick) for r in server.log}
        for unit in (1, 2, 3):
            ticks = {k for u, k in served if u == unit}
            assert all(_is_true(f, ticks) for f in s.of(f"U{unit}") if f.worst is Quality.GOOD)


def test_a_name_that_does_not_resolve_is_reported_at_once(registers: str) -> None:
    result = trial.test_link(ModbusTcpConfig("no-such-host.invalid", 502, registers=registers), PROFILE)
    assert not result.ok
    assert "no-such-host.invalid" in result.text
    assert "name" in result.text
    assert "spelling" in result.advice
