"""What counts as a response, to the byte; and when a connection is given up, to the request."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.acquire.driver import LinkSpec
from pumpwatch_gui.acquire.drivers import DRIVERS
from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.acquire.modbus.learnt.plan import any_block
from pumpwatch_gui.acquire.modbus.wire.response import (
    Adu,
    NotModbusError,
    Request,
    cut,
    mismatch,
    pack_bits,
    unpack_bits,
)
from pumpwatch_gui.acquire.modbus.wire.strict_link import StrictLink
from pumpwatch_gui.acquire.modbus.wire.wires import TcpWire
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from tests.acquire.faulty_server import FaultyServer, truth
from tests.acquire.scanning import register_map, registers_profile

BLOCK = any_block("holding", 0, 2)


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[Request, Adu]:
    """A read and the right response to it."""
    function = draw(st.sampled_from((1, 2, 3, 4)))
    request = Request(draw(st.integers(1, 65000)), draw(st.integers(0, 255)), function, draw(st.integers(1, 125)))
    values = draw(st.binary(min_size=request.size, max_size=request.size))
    return request, Adu(request.transaction, request.unit, bytes((function, request.size)) + values)


@given(exchanges())
def test_the_right_response_is_accepted(exchange: tuple[Request, Adu]) -> None:
    request, adu = exchange
    assert mismatch(adu, request) is None
    assert mismatch(Adu(adu.transaction, adu.unit, bytes((request.function | 0x80, 2))), request) is None


@given(exchanges(), st.binary(min_size=1, max_size=20))
def test_a_response_with_bytes_after_its_values_is_refused_by_its_length(
    exchange: tuple[Request, Adu], more: bytes
) -> None:
    request, adu = exchange
    for pdu in (adu.pdu + more, bytes((request.function | 0x80, 2)) + more):
        refusal = mismatch(Adu(adu.transaction, adu.unit, pdu), request)
        assert refusal is not None
        assert refusal.kind is FaultKind.LENGTH


@given(exchanges(), st.data())
def test_a_response_that_lacks_bytes_is_refused_by_its_length(
    exchange: tuple[Request, Adu], data: st.DataObject
) -> None:
    request, adu = exchange
    cut_at = data.draw(st.integers(1, len(adu.pdu) - 1))
    refusal = mismatch(Adu(adu.transaction, adu.unit, adu.pdu[:cut_at]), request)
    assert refusal is not None
    assert refusal.kind is FaultKind.LENGTH


@given(exchanges(), st.integers(1, 255), st.sampled_from(("transaction", "unit", "function", "byte count")))
def test_a_response_that_differs_in_one_field_is_refused(exchange: tuple[Request, Adu], by: int, field: str) -> None:
    request, adu = exchange
    wrong = {
        "transaction": Adu(adu.transaction ^ by, adu.unit, adu.pdu),
        "unit": Adu(adu.transaction, adu.unit ^ by, adu.pdu),
        "function": Adu(adu.transaction, adu.unit, bytes((adu.pdu[0] ^ (by & 0x7F or 1),)) + adu.pdu[1:]),
        "byte count": Adu(adu.transaction, adu.unit, bytes((adu.pdu[0], adu.pdu[1] ^ by)) + adu.pdu[2:]),
    }[field]
    refusal = mismatch(wrong, request)
    assert refusal is not None
    assert refusal.kind is (FaultKind.LENGTH if field == "byte count" else FaultKind.REFUSED)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_frame_too_few_bytes_or_no_modbus(received: bytes) -> None:
    try:
        found = cut(received)
    except NotModbusError:
        return
    if found is not None:
        adu, size = found
        assert received[7:size] == adu.pdu
        assert len(adu.pdu) >= 1


def frame(length: int, *, protocol: int = 0) -> bytes:
    return (
        bytes((0x12, 0x34))
        + protocol.to_bytes(2)
        + length.to_bytes(2)
        + bytes((9, *(i % 256 for i in range(1, length))))
    )


@pytest.mark.parametrize("length", [2, 3, 253, 254])
def test_a_frame_is_cut_when_it_is_whole_and_what_follows_is_left(length: int) -> None:
    whole = frame(length)
    assert cut(whole[:-1]) is None
    assert cut(whole) == cut(whole + whole) == (Adu(0x1234, 9, whole[7:]), 6 + length)


@pytest.mark.parametrize("length", [0, 1, 255, 65535])
def test_a_length_that_no_frame_has_is_no_modbus_as_soon_as_it_is_read(length: int) -> None:
    head = frame(2)[:4] + length.to_bytes(2)
    assert cut(head[:5]) is None
    with pytest.raises(NotModbusError, match=f"length {length} in the header"):
        cut(head)


@pytest.mark.parametrize("protocol", [1, 256])
def test_another_protocol_is_no_modbus_as_soon_as_it_is_read(protocol: int) -> None:
    whole = frame(5, protocol=protocol)
    assert cut(whole[:3]) is None
    with pytest.raises(NotModbusError, match=f"protocol id {protocol} instead of 0"):
        cut(whole[:4])


@pytest.mark.parametrize(
    ("adu", "why"),
    [
        (Adu(8, 9, bytes((3, 2, 0, 0))), "transaction id 8 instead of 7"),
        (Adu(7, 8, bytes((3, 2, 0, 0))), "unit 8 instead of 9"),
        (Adu(7, 9, bytes((0x84, 2))), "function 132 instead of 3"),
        (Adu(7, 9, bytes((3,))), "byte count missing instead of 2"),
        (
            Adu(7, 9, bytes((3, 4, 0, 0))),
            "byte count 4 instead of 2; four bytes a register? (register_bytes = 4 in the map)",
        ),
        (Adu(7, 9, bytes((3, 2, 0))), "1 bytes of values instead of 2"),
        (Adu(7, 9, bytes((0x83,))), "exception response of 1 bytes instead of 2"),
    ],
)
def test_a_refusal_says_what_came_and_what_was_due(adu: Adu, why: str) -> None:
    refusal = mismatch(adu, Request(7, 9, 3, 1))
    assert refusal is not None
    assert refusal.why == why


def test_a_device_identification_is_known_by_its_mei_type_alone() -> None:
    request = Request(7, 9, 0x2B, 0)
    assert request.size == 0
    assert mismatch(Adu(7, 9, bytes((0x2B, 0x0E, 1, 1, 0, 0, 0))), request) is None
    assert mismatch(Adu(7, 9, bytes((0xAB, 1))), request) is None
    refusal = mismatch(Adu(7, 9, bytes((0x2B, 0x0D, 1))), request)
    assert refusal is not None
    assert (refusal.kind, refusal.why) == (FaultKind.REFUSED, "no device identification")


@pytest.mark.parametrize("count", [1, 7, 8, 9, 16, 17])
def test_bits_fill_whole_bytes_from_the_lowest_bit(count: int) -> None:
    packed = pack_bits([1] * count)
    assert int.from_bytes(packed, "little") == 2**count - 1
    assert len(packed) == (count + 7) // 8


@given(st.lists(st.integers(0, 1), max_size=80))
def test_bits_come_back_as_they_were_packed(bits: list[int]) -> None:
    assert unpack_bits(pack_bits(bits), len(bits)) == bits


def on_a_link(server: FaultyServer, close_after: int, use: Callable[[StrictLink], Awaitable[None]]) -> None:
    async def run() -> None:
        link = StrictLink(TcpWire("127.0.0.1", server.port), close_after=close_after)
        await link.connect()
        try:
            await use(link)
        finally:
            await link.close()

    asyncio.run(run())


@pytest.mark.parametrize("fault", ["stall", "wrong unit", "bytes after the values"])
@pytest.mark.parametrize("close_after", [1, 2, 5])
def test_a_connection_is_given_up_after_exactly_so_many_reads_without_a_good_response(
    fault: str, close_after: int
) -> None:
    async def miss(link: StrictLink) -> None:
        for _ in range(close_after):
            assert not link.lost.done()
            with pytest.raises(LinkFault):
                await link.read(1, BLOCK, timeout_s=0.05 if fault == "stall" else 5.0)
        assert link.lost.done()
        assert link.lost.result().endswith(f"gave no good response, {close_after} times in a row")

    with FaultyServer(always=fault) as server:
        on_a_link(server, close_after, miss)
        assert len(server.log) == close_after


def test_a_good_response_starts_the_count_again() -> None:
    async def read(link: StrictLink) -> None:
        for tick in range(1, 6):
            if tick % 2:
                with pytest.raises(LinkFault, match="unit 2 instead of 1"):
                    await link.read(1, BLOCK, timeout_s=5.0)
            else:
                assert list(await link.read(1, BLOCK, timeout_s=5.0)) == [truth(0, tick), truth(1, tick)]
        assert not link.lost.done()

    with FaultyServer(dict.fromkeys((1, 3, 5), "wrong unit")) as server:
        on_a_link(server, 2, read)


def test_each_unit_behind_an_endpoint_may_miss_two_responses_before_it_is_given_up(tmp_path: Path) -> None:
    profile, registers = registers_profile(0), register_map(tmp_path / "one.toml", 0)

    async def run(port: int) -> int:
        config = ModbusTcpConfig("127.0.0.1", port, timeout_s=0.05, registers=registers)
        specs = [LinkSpec(f"P{unit}/1", f"P{unit}", profile, config, None) for unit in (1, 2, 3)]
        channel = DRIVERS["modbus-tcp"].open(specs)
        await channel.connect()
        scans = 0
        while not channel.lost.done():
            with pytest.raises(LinkFault):
                await channel.scan(specs[scans % 3])
            scans += 1
        await channel.close()
        return scans

    with FaultyServer(always="stall") as server:
        assert asyncio.run(run(server.port)) == 6
