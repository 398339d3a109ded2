"""Many units behind one gateway, some or all of them silent; hosts that are switched off; paths that go mute."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pumpwatch_gui.acquire.links.scanner import Binding
from pumpwatch_gui.domain.events import ConnectionChanged
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.values.quality import Quality
from tests.acquire.faulty_server import FaultyServer
from tests.acquire.gateway import Gateway, dead_hosts
from tests.acquire.scanning import Scanning, register_map, registers_profile

Wait = Callable[..., None]
PROFILE = registers_profile(0, 1)
UNITS = range(1, 51)


@pytest.fixture
def registers(tmp_path: Path) -> str:
    return register_map(tmp_path / "two.toml", 0, 1)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as running:
        yield running


def unit_link(gateway: Gateway, registers: str, unit: int = 1, **more: float) -> ModbusTcpConfig:
    settings = {"period_s": 1.0, **more}
    return ModbusTcpConfig("127.0.0.1", gateway.port, unit, registers=registers, **settings)  # type: ignore[arg-type]


def pumps(gateway: Gateway, registers: str, units: range = UNITS) -> list[Binding]:
    return [Binding(f"U{u}", PROFILE, (unit_link(gateway, registers, u),)) for u in units]


def test_units_that_were_never_there_cost_the_others_no_scan(
    gateway: Gateway, registers: str, wait_until: Wait
) -> None:
    gateway.silent = frozenset({1, 2, 3, 4, 5})
    healthy = [u for u in UNITS if u not in gateway.silent]
    with Scanning(pumps(gateway, registers)) as s:
        wait_until(lambda: all(s.is_good(f"U{u}") for u in healthy), within_s=30)
        before = sum(s.view(f"U{u}/1").missed_scans for u in healthy)
        wait_until(lambda: all(len(s.of(f"U{u}")) >= 8 for u in healthy), within_s=60)
        assert all(s.all_good(f"U{u}") for u in healthy)
        scans = sum(len(s.of(f"U{u}")) for u in healthy)
        assert sum(s.view(f"U{u}/1").missed_scans for u in healthy) - before <= 0.01 * scans
        assert s.view("U1/1").state is LinkState.STALE
        assert not any(isinstance(r, ConnectionChanged) for r in s.reports)


def test_a_unit_that_falls_silent_after_another_is_put_off_before_it_costs_a_time_out(
    gateway: Gateway, registers: str, wait_until: Wait
) -> None:
    links = {u: unit_link(gateway, registers, u, period_s=0.2, timeout_s=4.0) for u in range(1, 6)}
    with Scanning([Binding(f"U{u}", PROFILE, (link,)) for u, link in links.items()]) as s:
        wait_until(lambda: all(len(s.of(f"U{u}")) >= 5 for u in links), within_s=30)
        gateway.silent = frozenset({1})
        wait_until(lambda: s.view("U1/1").timeouts == 1, within_s=30)
        asked = len(gateway.asked(2))
        wait_until(lambda: len(gateway.asked(2)) > asked, within_s=30)
        timeouts: list[int] = []

        def fall_silent(unit: int) -> None:
            """At a request of unit 2, on the thread that serves it: this one and all that follow give no response.

            Not at one that follows a time-out of unit 1: two in a row may be the whole line.
            """
            if unit == 2 and (timeouts or gateway.requests[-2][1] != 1):
                gateway.silent = frozenset({1, 2})
                timeouts.append(s.view("U2/1").timeouts)

        gateway.on_request = fall_silent
        wait_until(lambda: len(timeouts) >= 2, within_s=30)
        assert timeouts[1] == 0, "it was requested again before the first request had cost a time-out"
        wait_until(lambda: s.view("U2/1").timeouts, within_s=30)
        assert all(s.all_good(f"U{u}") for u in (3, 4, 5))


@pytest.mark.slow
def test_units_that_fall_silent_at_once_cost_the_others_a_scan_in_a_hundred(
    gateway: Gateway, registers: str, wait_until: Wait
) -> None:
    with Scanning(pumps(gateway, registers)) as s:
        wait_until(lambda: all(len(s.of(f"U{u}")) >= 4 for u in UNITS), within_s=60)
        gateway.silent = frozenset({7, 17, 27, 37, 47})
        healthy = [f"U{u}" for u in UNITS if u not in gateway.silent]
        before = sum(s.view(f"{pump}/1").missed_scans for pump in healthy)
        read = {pump: len(s.of(pump)) for pump in healthy}
        wait_until(lambda: all(len(s.of(pump)) >= read[pump] + 60 for pump in healthy), within_s=110)
        missed = sum(s.view(f"{pump}/1").missed_scans for pump in healthy) - before
        print(f"missed {missed} of {60 * len(healthy)} scans")
        assert missed <= 0.01 * 60 * len(healthy)
        assert all(s.all_good(pump) for pump in healthy)


@pytest.mark.slow
def test_units_that_fall_silent_share_one_budget_of_probes(gateway: Gateway, registers: str, wait_until: Wait) -> None:
    with Scanning(pumps(gateway, registers)) as s:
        wait_until(lambda: all(s.is_good(f"U{u}") for u in UNITS), within_s=30)
        gateway.silent = frozenset({7, 17, 27, 37, 47})
        wait_until(lambda: all(s.view(f"U{u}/1").timeouts >= 3 for u in gateway.silent), within_s=90)
        dead = sorted(at_s for u in gateway.silent for at_s in gateway.asked(u))
        assert all(b - a >= 4.9 for a, b in zip(dead[-4:], dead[-3:], strict=False))
        gateway.silent = frozenset()
        wait_until(lambda: all(s.is_good(f"U{u}") for u in UNITS), within_s=60)


def test_a_gateway_that_is_silent_as_a_whole_is_one_loss_of_all_its_units(
    gateway: Gateway, registers: str, wait_until: Wait
) -> None:
    with Scanning(pumps(gateway, registers)) as s:
        wait_until(lambda: all(s.is_good(f"U{u}") for u in UNITS), within_s=30)
        gateway.is_mute = True
        wait_until(lambda: s.reports)
        (lost,) = s.reports
        assert isinstance(lost, ConnectionChanged)
        assert lost.is_lost
        assert lost.pump_ids == tuple(f"U{u}" for u in UNITS)
        # All at once: nobody waits for the time-outs of the units before it.
        since_ns = min(s.view(f"U{u}/1").since_mono_ns for u in UNITS)
        assert all(s.last(f"U{u}").worst is Quality.BAD for u in UNITS)
        first = min(f.mono_ns for f in s.frames if f.worst is Quality.BAD)
        assert all(any(f.worst is Quality.BAD for f in s.of(f"U{u}")) for u in UNITS)
        assert since_ns >= first
        gateway.is_mute = False
        wait_until(lambda: all(s.is_good(f"U{u}") for u in UNITS), within_s=30)
        assert [r.is_lost for r in s.reports if isinstance(r, ConnectionChanged)] == [True, False]
        assert all(e.with_line for e in s.events[len(UNITS) :])


def test_hosts_that_are_switched_off_keep_no_other_waiting(registers: str, wait_until: Wait) -> None:
    with dead_hosts(45) as ports, ExitStack() as stack:
        healthy = [stack.enter_context(Gateway()) for _ in range(5)]
        dead = [
            Binding(f"D{i}", PROFILE, (ModbusTcpConfig("127.0.0.1", port, registers=registers),))
            for i, port in enumerate(ports)
        ]
        alive = [Binding(f"H{i}", PROFILE, (unit_link(g, registers),)) for i, g in enumerate(healthy)]
        with Scanning([*dead, *alive]) as s:
            wait_until(lambda: all(s.is_good(f"H{i}") for i in range(5)))
            wait_until(lambda: all("no response" in s.view(f"D{i}/1").last_error for i in range(45)))


@pytest.mark.parametrize("period_s", [30.0, 3600.0])
def test_a_link_with_a_long_period_is_read_as_soon_as_it_is_connected(
    period_s: float, gateway: Gateway, registers: str, wait_until: Wait
) -> None:
    with Scanning([Binding("P", PROFILE, (unit_link(gateway, registers, period_s=period_s),))]) as s:
        wait_until(lambda: s.is_good("P"))
        assert len(gateway.requests) == 1


def test_a_path_that_goes_mute_while_it_is_idle_costs_no_value(registers: str, wait_until: Wait) -> None:
    with Gateway(mute_after_s=1.6) as gateway:
        config = unit_link(gateway, registers, period_s=2.0, timeout_s=0.2)
        with Scanning([Binding("P", PROFILE, (config,))]) as s:
            wait_until(lambda: len(s.of("P")) >= 4, within_s=30)
            assert s.all_good("P")
            assert [e.state for e in s.events] == [LinkState.ONLINE]
        assert gateway.connections >= 3


def test_two_names_of_this_computer_are_one_connection(gateway: Gateway, registers: str, wait_until: Wait) -> None:
    hosts = ("127.0.0.1", "localhost", " 127.0.0.1 ", "LOCALHOST")
    bindings = [
        Binding(f"U{u}", PROFILE, (ModbusTcpConfig(host, gateway.port, u, registers=registers, period_s=0.2),))
        for u, host in enumerate(hosts, 1)
    ]
    with Scanning(bindings) as s:
        wait_until(lambda: all(s.is_good(f"U{u}") for u in range(1, 5)))
    assert gateway.connections == 1


def test_a_scan_that_failed_is_tried_again_long_before_a_long_period_has_passed(
    registers: str, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pumpwatch_gui.acquire.links import link

    monkeypatch.setattr(link, "RETRY_S", 0.3)
    with FaultyServer({1: "stall", 2: "stall"}) as server:
        config = ModbusTcpConfig("127.0.0.1", server.port, registers=registers, period_s=600.0, timeout_s=0.2)
        started_s = time.monotonic()
        with Scanning([Binding("P", PROFILE, (config,))]) as s:
            wait_until(lambda: s.is_good("P"), within_s=30)
            assert time.monotonic() - started_s < config.period_s
