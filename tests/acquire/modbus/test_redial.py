"""Connections that peers and networks end between two requests, names with several addresses, ports that fail."""

import asyncio
import contextlib
import os
import pty
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.acquire.links.fault import LinkFault
from pumpwatch_gui.acquire.links.scanner import Binding
from pumpwatch_gui.acquire.modbus.channel import strict_link
from pumpwatch_gui.acquire.modbus.learnt.plan import any_block
from pumpwatch_gui.acquire.modbus.wire.redial import is_whole
from pumpwatch_gui.acquire.modbus.wire.rtu import sealed
from pumpwatch_gui.acquire.modbus.wire.strict_link import StrictLink
from pumpwatch_gui.domain.links.config import ModbusConfig, ModbusRtuConfig, ModbusTcpConfig
from pumpwatch_gui.domain.links.view import LinkState
from tests.acquire.faulty_line import FaultyPty
from tests.acquire.faulty_server import FaultyServer, truth
from tests.acquire.gateway import dead_hosts
from tests.acquire.scanning import Scanning, register_map, registers_profile

Wait = Callable[..., None]
TWO = any_block("holding", 0, 2)


def on_a_link(config: ModbusConfig, use: Callable[[StrictLink], Awaitable[Any]]) -> None:
    async def main() -> None:
        link = strict_link(config, None)
        try:
            await link.connect()
            await use(link)
        finally:
            await link.close()

    asyncio.run(main())


@pytest.mark.parametrize("how", ["finish", "reset"])
def test_each_read_of_a_scan_goes_over_a_new_connection_when_the_peer_hangs_up_after_each(how: str) -> None:
    with FaultyServer() as server:

        async def use(link: StrictLink) -> None:
            for tick in range(1, 20):
                values = await link.read(1, any_block("holding", 10 * tick, 2), timeout_s=5.0)
                assert list(values) == [truth(10 * tick, tick), truth(10 * tick + 1, tick)]
                server.drop(how=how)
                if tick % 2:  # else the next request may meet the end of the connection
                    await asyncio.sleep(0.02)
            assert not link.lost.done()

        on_a_link(ModbusTcpConfig("127.0.0.1", server.port), use)


def test_a_peer_that_hangs_up_on_its_first_request_is_lost_at_once() -> None:
    with FaultyServer(always="finish") as server:

        async def use(link: StrictLink) -> None:
            with pytest.raises(LinkFault, match="lost"):
                await link.read(1, TWO, timeout_s=60.0)
            assert link.lost.done()

        on_a_link(ModbusTcpConfig("127.0.0.1", server.port), use)
        assert server.connections == 1


@pytest.mark.parametrize("fault", ["reset mid-frame", "finish mid-frame"])
def test_a_response_that_breaks_off_with_its_connection_is_a_fault_at_once(fault: str) -> None:
    with FaultyServer({2: fault}) as server:

        async def use(link: StrictLink) -> None:
            await link.read(1, TWO, timeout_s=60.0)
            with pytest.raises(LinkFault):
                await link.read(1, TWO, timeout_s=60.0)

        on_a_link(ModbusTcpConfig("127.0.0.1", server.port), use)


def test_a_peer_that_is_gone_when_it_is_wanted_is_lost_with_the_systems_word() -> None:
    with FaultyServer() as server:

        async def use(link: StrictLink) -> None:
            await link.read(1, TWO, timeout_s=5.0)
            server.kill(how="finish")
            await asyncio.sleep(0.05)
            assert not link.lost.done()
            with pytest.raises(LinkFault, match="refused"):
                await link.read(1, TWO, timeout_s=60.0)

        on_a_link(ModbusTcpConfig("127.0.0.1", server.port), use)


@given(st.integers(1, 247), st.sampled_from([1, 2, 3, 4]), st.binary(min_size=1, max_size=250), st.data())
def test_a_response_is_whole_when_its_last_byte_has_come_and_not_before(
    unit: int, function: int, values: bytes, data: st.DataObject
) -> None:
    pdu = bytes((function, len(values))) + values
    tcp = b"\0\1\0\0" + (len(pdu) + 1).to_bytes(2) + bytes((unit,)) + pdu
    count = data.draw(st.integers(1, 125))
    pairs = (
        (b"\0\1\0\0\0\6" + bytes((unit, function, 0, 0, 0, count)), tcp),
        (sealed(unit, bytes((function, 0, 0, 0, count))), sealed(unit, pdu)),
    )
    for request, response in pairs:
        cut = data.draw(st.integers(0, len(response) - 1))
        assert is_whole(request, response)
        assert not is_whole(request, response[:cut])


# ---------------------------------------------------------------- names


def resolve_to(monkeypatch: pytest.MonkeyPatch, *places: tuple[str, int]) -> None:
    """Let `plc.test` have these addresses, in this order."""
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        if host != "plc.test":
            return real(host, port, *args, **more)
        return [found for place in places for found in real(place[0], place[1], *args, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def test_every_address_of_a_name_is_tried_whether_the_first_refuses_or_stays_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with FaultyServer() as server, FaultyServer() as closed, dead_hosts(2) as (silent, quiet):
        closed.kill()
        refusing, good = ("127.0.0.1", closed.port), ("127.0.0.1", server.port)
        mute, dumb = ("127.0.0.1", silent), ("127.0.0.1", quiet)
        for places in ((refusing, good), (mute, good), (refusing, mute, dumb, good), (good, mute)):
            with monkeypatch.context() as patch:
                resolve_to(patch, *places)
                on_a_link(ModbusTcpConfig("plc.test", 502), lambda link: link.read(1, TWO, timeout_s=5.0))


def test_a_name_none_of_whose_addresses_takes_a_connection_is_told_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = ModbusTcpConfig("plc.test", 502)
    with FaultyServer() as closed, dead_hosts(1) as (silent,):
        closed.kill()
        with monkeypatch.context() as patch:
            resolve_to(patch, ("127.0.0.1", closed.port), ("::1", closed.port))
            with pytest.raises(LinkFault, match=r"cannot connect to plc\.test:502: connection refused$"):
                on_a_link(config, lambda _: asyncio.sleep(0))
        with monkeypatch.context() as patch:
            resolve_to(patch, ("127.0.0.1", silent), ("127.0.0.1", closed.port))
            with pytest.raises(LinkFault, match="no response"):
                on_a_link(config, lambda _: asyncio.sleep(0))


# ---------------------------------------------------------------- serial ports


def test_after_a_port_that_could_not_be_set_up_nothing_is_held_and_the_reason_stays_the_same(
    tmp_path: Path, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some drivers take the port, and fail a later set-up call."""
    import termios

    import serial

    port_class: Any = serial.Serial
    real, is_broken = port_class._reset_input_buffer, [True]

    def fail(port: serial.Serial) -> None:
        if is_broken:
            raise termios.error(22, "Invalid argument")
        real(port)

    monkeypatch.setattr(port_class, "_reset_input_buffer", fail)
    registers = register_map(tmp_path / "two.toml", 0, 1)
    with FaultyPty(tmp_path / "dev") as line:
        config = ModbusRtuConfig(line.device, 115200, period_s=0.1, registers=registers)
        held = len(holders(line.device))
        with Scanning([Binding("P", registers_profile(0, 1), (config,))]) as s:
            wait_until(s.is_in("P/1", LinkState.OFFLINE))
            seen = len(s.of("P"))
            wait_until(lambda: len(s.of("P")) > seen + 15)
            assert "the port refuses these settings" in s.view("P/1").last_error
            assert [e.text for e in s.events] == [s.view("P/1").last_error]
            assert len(holders(line.device)) == held
            is_broken.clear()
            wait_until(lambda: s.is_good("P"), within_s=20)


def holders(device: str) -> list[str]:
    """The descriptors of this process that are open on a terminal."""
    found = []
    for fd in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if fd.readlink() == Path(device).resolve():
                found.append(fd.name)
    return found


def test_a_terminal_that_is_open_is_found_by_holders() -> None:
    ends = pty.openpty()
    try:
        assert holders(os.ttyname(ends[1])) == [str(ends[1])]
    finally:
        for end in ends:
            os.close(end)
