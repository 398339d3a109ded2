"""The rules of the strict link by themselves: on a scripted wire, and with a clock that only the test moves."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest
from typing_extensions import override

from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.acquire.modbus.learnt.plan import Block, any_block
from pumpwatch_gui.acquire.modbus.wire import strict_link
from pumpwatch_gui.acquire.modbus.wire.owed import NEW_LISTEN_S, NEW_RESPONSES
from pumpwatch_gui.acquire.modbus.wire.redial import RTU_PAUSE_S
from pumpwatch_gui.acquire.modbus.wire.response import Adu, Request
from pumpwatch_gui.acquire.modbus.wire.rtu import sealed
from pumpwatch_gui.acquire.modbus.wire.strict_link import StrictLink
from pumpwatch_gui.domain.links.line_budget import LISTEN_S, LineSpeed
from pumpwatch_gui.domain.values.quality import Reason

BLOCK = any_block("holding", 0x1234, 2)
SPEED = LineSpeed(9600)
SHORT_S = 0.01

Respond = Callable[[bytes], bytes | Exception | None]


class Wire(asyncio.Transport):
    """A wire and its transport: each request is answered at once by `respond`, or not at all."""

    where = "the line"

    def __init__(self, respond: Respond = lambda request: None) -> None:
        super().__init__()
        self.respond = respond
        self.sent: list[bytes] = []
        self.is_aborted = False

    async def open(self, factory: Callable[[], asyncio.BaseProtocol]) -> asyncio.Transport:
        self._protocol = factory()
        self._protocol.connection_made(self)
        self.is_aborted = False
        return self

    def identity(self, transport: asyncio.Transport) -> str:
        return "who it is"

    def loss(self, error: Exception | None, *, responded: bool) -> str:
        return f"lost by {error}, responded: {responded}"

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent.append(bytes(data))
        response = self.respond(bytes(data))
        if isinstance(response, Exception):
            raise response
        if response is not None:
            asyncio.get_running_loop().call_soon(self._protocol.data_received, response)  # type: ignore[attr-defined]

    @override
    def close(self) -> None:
        pass

    @override
    def abort(self) -> None:
        self.is_aborted = True

    @override
    def is_closing(self) -> bool:
        return False


class Clock:
    """The monotonic clock of the strict link. `while_sleeping` is called in every sleep."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.while_sleeping: Callable[[], None] = lambda: None

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self.while_sleeping()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(strict_link, "time", SimpleNamespace(monotonic=lambda: made.now_s))
    loop = asyncio.get_running_loop
    monkeypatch.setattr(strict_link, "asyncio", SimpleNamespace(sleep=made.sleep, get_running_loop=loop))
    return made


def mbap(request: bytes, pdu: bytes, *, transaction: int | None = None) -> bytes:
    number = request[:2] if transaction is None else transaction.to_bytes(2)
    return number + bytes((0, 0)) + (len(pdu) + 1).to_bytes(2) + request[6:7] + pdu


def right(request: bytes) -> bytes:
    return mbap(request, bytes((3, 4, 0, 7, 1, 0)))


def right_rtu(request: bytes) -> bytes:
    return sealed(request[0], bytes((3, 4, 0, 7, 1, 0)))


def use(
    wire: Wire,
    steps: Callable[[StrictLink], Awaitable[None]],
    *,
    speed: LineSpeed | None = None,
    is_rtu: bool | None = None,
) -> None:
    async def run() -> None:
        link = StrictLink(wire, is_rtu=speed is not None if is_rtu is None else is_rtu, speed=speed)
        await link.connect()
        await steps(link)

    asyncio.run(run())


async def fault_of(link: StrictLink, *, unit: int = 1, block: Block = BLOCK, timeout_s: float = SHORT_S) -> LinkFault:
    with pytest.raises(LinkFault) as caught:
        await link.read(unit, block, timeout_s=timeout_s)
    return caught.value


def test_a_read_sends_one_request_to_the_byte_and_gives_its_registers() -> None:
    wire, seen = Wire(right), list[tuple[bool, bytes]]()

    async def steps(link: StrictLink) -> None:
        assert link.identity == "who it is"
        link.tap = lambda is_sent, piece: seen.append((is_sent, piece))
        assert list(await link.read(9, BLOCK, timeout_s=5.0)) == [7, 256]

    use(wire, steps)
    request = bytes.fromhex("0001 0000 0006 09 03 1234 0002")
    assert wire.sent == [request]
    assert seen == [(True, request), (False, right(request))]


def test_bits_come_as_0_and_1() -> None:
    wire = Wire(lambda request: mbap(request, bytes((1, 2, 0b1000_0001, 0b1))))

    async def steps(link: StrictLink) -> None:
        assert list(await link.read(1, any_block("coil", 0, 9), timeout_s=5.0)) == [1, 0, 0, 0, 0, 0, 0, 1, 1]

    use(wire, steps)


def test_an_exception_names_its_code_and_place_and_is_a_response() -> None:
    async def steps(link: StrictLink) -> None:
        for _ in range(4):
            fault = await fault_of(link, timeout_s=5.0)
            assert (fault.kind, fault.code) == (FaultKind.EXCEPTION, 2)
            assert "44661 (wire address 4660, 2 long)" in fault.message
        assert not link.lost.done()

    use(Wire(lambda request: mbap(request, bytes((0x83, 2)))), steps)


def test_a_device_identification_is_asked_for_from_an_object_on() -> None:
    identity = bytes((0x2B, 0x0E, 2, 2, 0, 0, 1, 0, 1, 65))
    wire = Wire(lambda request: mbap(request, identity if len(wire.sent) == 1 else bytes((0xAB, 1))))

    async def steps(link: StrictLink) -> None:
        assert await link.identify(9, 3, timeout_s=5.0) == identity
        with pytest.raises(LinkFault, match="exception 1 at read device identification"):
            await link.identify(9, 0, timeout_s=5.0)

    use(wire, steps)
    assert wire.sent[0] == bytes.fromhex("0001 0000 0005 09 2b 0e 02 03")


def test_only_reads_are_ever_sent() -> None:
    async def steps(link: StrictLink) -> None:
        for function in (0, 5, 6, 16):
            with pytest.raises(ValueError, match=f"function {function} does not read"):
                await link.read(1, Block(function, 0, 1, ()), timeout_s=5.0)

    wire = Wire()
    use(wire, steps)
    assert wire.sent == []


def test_a_silent_unit_of_a_serial_line_is_told_to_have_its_speed_and_wires_checked() -> None:
    async def steps(link: StrictLink) -> None:
        fault = await fault_of(link)
        assert fault.kind is FaultKind.TIMEOUT
        assert "baud" in fault.advice

    use(Wire(), steps, speed=SPEED)


def test_a_frame_of_an_earlier_request_is_late_and_one_of_a_later_id_is_foreign() -> None:
    wire = Wire(right)

    async def steps(link: StrictLink) -> None:
        for _ in range(3):
            await link.read(1, BLOCK, timeout_s=5.0)
        wire.respond = lambda request: mbap(request, bytes((3, 4, 0, 0, 0, 0)), transaction=1)
        fault = await fault_of(link)
        assert (fault.kind, link.late_responses) == (FaultKind.TIMEOUT, 1)
        assert fault.message == "no response to 44661 (wire address 4660, 2 long) from the line unit 1 within 0.01 s"
        assert "baud" not in fault.advice
        wire.respond = lambda request: mbap(request, bytes((3, 4, 0, 0, 0, 0)), transaction=6)
        fault = await fault_of(link)
        assert (fault.kind, link.late_responses) == (FaultKind.REFUSED, 1)
        assert fault.message == "response refused: transaction id 6 instead of 5"

    use(wire, steps)


def test_a_response_without_transaction_id_is_refused_at_once() -> None:
    async def steps(link: StrictLink) -> None:
        fault = await fault_of(link, timeout_s=60.0)
        assert fault.message == "response refused: transaction id 0"
        assert link.late_responses == 0
        link.stray(Adu(5, 1, b"\3"), None)
        assert link.late_responses == 1

    use(Wire(lambda request: mbap(request, bytes((3, 4, 0, 0, 0, 0)), transaction=0)), steps)


def test_two_bytes_of_a_frame_and_no_more_end_the_connection() -> None:
    async def steps(link: StrictLink) -> None:
        await fault_of(link)
        assert link.lost.result() == "the line broke off in the middle of a response: 2 bytes instead of 8"

    use(Wire(lambda request: request[:2]), steps)


def test_bytes_that_are_no_modbus_end_the_connection_at_once() -> None:
    wire = Wire(lambda request: b"HTTP/1.1 400 Bad Request")

    async def steps(link: StrictLink) -> None:
        assert (await fault_of(link, timeout_s=60.0)).kind is FaultKind.REFUSED
        assert link.lost.result() == "the line sent bytes that are no Modbus TCP"
        fault = await fault_of(link)
        assert (fault.kind, fault.reason) == (FaultKind.LOST, Reason.NO_COMMUNICATION)

    use(wire, steps)
    assert wire.is_aborted
    assert len(wire.sent) == 1


def test_a_link_that_is_not_connected_or_closed_sends_nothing() -> None:
    wire = Wire(right)

    async def run() -> None:
        link = StrictLink(wire)
        assert (await fault_of(link)).message == "not connected to the line"
        await link.connect()
        await link.close()
        link.drop("another reason")
        assert (await fault_of(link)).message == "closed"

    asyncio.run(run())
    assert wire.sent == []
    assert wire.is_aborted


@pytest.mark.parametrize("responded", [False, True])
def test_an_error_of_the_system_while_sending_is_a_lost_connection(responded: bool) -> None:
    wire = Wire(right)

    async def steps(link: StrictLink) -> None:
        if responded:
            await link.read(1, BLOCK, timeout_s=5.0)
        wire.respond = lambda request: ConnectionResetError("reset")
        fault = await fault_of(link, timeout_s=60.0)
        assert (fault.kind, fault.message) == (FaultKind.LOST, f"lost by reset, responded: {responded}")

    use(wire, steps)


def test_a_lost_connection_ends_the_read_in_flight() -> None:
    wire = Wire()

    async def steps(link: StrictLink) -> None:
        wire.respond = lambda request: link.ended(OSError("gone"))
        assert (await fault_of(link, timeout_s=60.0)).message == "lost by gone, responded: False"

    use(wire, steps)


@pytest.mark.parametrize(("block", "values"), [(BLOCK, 4), (any_block("coil", 0, 9), 2)])
def test_on_a_line_the_time_that_the_bytes_take_is_added_to_the_time_out(block: Block, values: int) -> None:
    async def steps(link: StrictLink) -> None:
        request = Request(1, 1, block.function, block.count)
        assert link._wire_time_s(request) == pytest.approx((8 + 5 + values) * 10 / 9600)

    use(Wire(), steps, speed=SPEED)


def test_of_an_identification_on_a_line_250_bytes_are_waited_for_and_over_tcp_none() -> None:
    for speed, extra_s in ((SPEED, (8 + 5 + 250) * 10 / 9600), (None, 0.0)):

        async def steps(link: StrictLink, extra_s: float = extra_s) -> None:
            assert link._wire_time_s(Request(1, 1, 0x2B, 0)) == pytest.approx(extra_s)

        use(Wire(), steps, speed=speed)


@pytest.mark.parametrize(("longest_s", "quiet_s"), [(0.0, 0.25), (0.2, 0.25), (0.7, 0.7), (1.4, 1.4), (9.0, 1.5)])
def test_after_a_miss_a_line_is_quiet_for_the_longest_response_so_far_within_bounds(
    clock: Clock, longest_s: float, quiet_s: float
) -> None:
    wire = Wire(right_rtu)

    async def steps(link: StrictLink) -> None:
        link.tap = lambda is_sent, piece: setattr(clock, "now_s", clock.now_s + longest_s * is_sent)
        await link.read(1, BLOCK, timeout_s=5.0)
        link.tap, wire.respond = None, lambda request: None
        clock.now_s = 200.0
        await fault_of(link)
        assert clock.now_s == 200.0
        wire.respond = right_rtu
        await link.read(1, BLOCK, timeout_s=5.0)
        assert clock.now_s == pytest.approx(200.0 + quiet_s)

    use(wire, steps, speed=SPEED)


async def pause_of(link: StrictLink, clock: Clock) -> float:
    """How long a request waits after the response to one of the same form."""
    await link.read(1, BLOCK, timeout_s=5.0)
    since_s = clock.now_s
    await link.read(1, BLOCK, timeout_s=5.0)
    return clock.now_s - since_s


@pytest.mark.parametrize(("speed", "pause_s"), [(SPEED, 3.5 * 10 / 9600), (None, RTU_PAUSE_S)])
def test_a_request_waits_until_nothing_has_come_for_the_pause_between_two_frames(
    clock: Clock, speed: LineSpeed | None, pause_s: float
) -> None:
    async def steps(link: StrictLink) -> None:
        assert await pause_of(link, clock) == pytest.approx(NEW_LISTEN_S)  # as long as the line is not known
        for _ in range(NEW_RESPONSES):
            await link.read(1, BLOCK, timeout_s=5.0)
        assert await pause_of(link, clock) == pytest.approx(pause_s)

    use(Wire(right_rtu), steps, speed=speed, is_rtu=True)


def test_on_a_line_that_repeats_responses_a_request_waits_until_the_last_one_has_come_again(clock: Clock) -> None:
    async def steps(link: StrictLink) -> None:
        for _ in range(NEW_RESPONSES):
            await link.read(1, BLOCK, timeout_s=5.0)
        clock.now_s += 0.02
        link.received(right_rtu(bytes((1,))))
        assert link.unrequested == 1
        assert await pause_of(link, clock) == pytest.approx(LISTEN_S + 0.02)

    use(Wire(right_rtu), steps, speed=SPEED)


def test_a_line_that_is_never_silent_is_used_after_a_second_and_a_half(clock: Clock) -> None:
    async def steps(link: StrictLink) -> None:
        link.received(b"noise")
        clock.while_sleeping = lambda: link.received(b"noise")
        await link.read(1, BLOCK, timeout_s=5.0)
        assert 101.5 < clock.now_s < 101.5 + 2 * 3.5 * 10 / 9600

    use(Wire(right_rtu), steps, speed=SPEED)


def test_a_link_over_tcp_waits_for_nothing_after_a_miss(clock: Clock) -> None:
    wire = Wire()

    async def steps(link: StrictLink) -> None:
        await fault_of(link)
        wire.respond = right
        await link.read(1, BLOCK, timeout_s=5.0)
        assert clock.now_s == 100.0

    use(wire, steps)


def test_a_port_is_deaf_after_more_than_three_seconds_without_a_byte_and_two_misses(clock: Clock) -> None:
    async def steps(link: StrictLink) -> None:
        link.tap = lambda is_sent, piece: setattr(clock, "now_s", clock.now_s + 3.5)
        await fault_of(link)
        assert not link.lost.done()  # one miss, however long

    use(Wire(), steps, speed=SPEED)

    async def more_steps(link: StrictLink) -> None:
        for clock.now_s in (1.0, 2.0, 4.0):
            await fault_of(link)
            assert not link.lost.done()
        clock.now_s = 4.3
        await fault_of(link)
        assert link.lost.result() == "the line: not one byte came for 3 s"

    use(Wire(), more_steps, speed=SPEED)


def test_a_port_that_still_brings_bytes_is_not_deaf(clock: Clock) -> None:
    async def steps(link: StrictLink) -> None:
        for clock.now_s in (200.0, 202.0, 204.0, 206.0):
            await fault_of(link)
            link.received(b"a byte")
        assert not link.lost.done()

    use(Wire(), steps, speed=SPEED)


def test_the_echo_of_a_request_on_a_line_is_known_and_the_response_after_it_is_taken() -> None:
    async def steps(link: StrictLink) -> None:
        assert list(await link.read(1, BLOCK, timeout_s=5.0)) == [7, 256]
        assert link.extras == 0

    use(Wire(lambda request: request + right_rtu(request)), steps, speed=SPEED)


def test_the_echo_alone_is_silence() -> None:
    async def steps(link: StrictLink) -> None:
        assert (await fault_of(link, timeout_s=0.1)).kind is FaultKind.TIMEOUT

    use(Wire(lambda request: request), steps, speed=SPEED)


def test_a_second_response_is_counted_as_unrequested_on_a_line_and_as_late_over_tcp() -> None:
    async def steps(link: StrictLink) -> None:
        await link.read(1, BLOCK, timeout_s=5.0)
        assert (link.unrequested, link.late_responses) == ((1, 0) if link.is_rtu else (0, 1))

    use(Wire(lambda request: right_rtu(request) * 2), steps, is_rtu=True)
    use(Wire(lambda request: right(request) * 2), steps)


def test_a_response_before_its_own_of_another_count_is_unrequested() -> None:
    other = sealed(1, bytes((3, 2, 0, 7)))

    async def steps(link: StrictLink) -> None:
        assert list(await link.read(1, BLOCK, timeout_s=5.0)) == [7, 256]
        assert link.unrequested == 1

    use(Wire(lambda request: other + right_rtu(request)), steps, is_rtu=True)
    use(Wire(lambda request: right_rtu(request) + other), steps, is_rtu=True)


def test_a_response_after_its_time_out_says_by_how_much_and_which_setting_helps() -> None:
    wire = Wire()

    async def steps(link: StrictLink) -> None:
        await fault_of(link)
        link.received(right_rtu(wire.sent[0]) if link.is_rtu else right(wire.sent[0]))
        assert (link.late_responses, link.unrequested) == (1, 0)
        fault = await fault_of(link)
        assert "responses come" in fault.message
        assert "timeout_s" in fault.advice

    use(wire, steps)
    wire.sent.clear()
    use(wire, steps, is_rtu=True)


@pytest.mark.parametrize("pieces", [1, 3, 8])
def test_on_a_line_a_response_may_come_at_any_pace_within_its_time_out(pieces: int) -> None:
    async def steps(link: StrictLink) -> None:
        async def respond(content: bytes) -> None:
            for start in range(0, len(content), pieces):
                await asyncio.sleep(0.06)  # longer than what ends bytes that do not fit
                link.received(content[start : start + pieces])

        def begin(request: bytes) -> None:
            tasks.append(asyncio.ensure_future(respond(right_rtu(request))))

        tasks: list[asyncio.Task[None]] = []
        wire.respond = begin
        assert list(await link.read(1, BLOCK, timeout_s=5.0)) == [7, 256]
        await asyncio.gather(*tasks)

    wire = Wire()
    use(wire, steps, is_rtu=True)


def test_a_response_that_breaks_off_on_a_line_says_how_much_of_it_came() -> None:
    async def steps(link: StrictLink) -> None:
        fault = await fault_of(link, timeout_s=0.1)
        assert (fault.kind, fault.message) == (
            FaultKind.LENGTH,
            "response refused: 7 bytes instead of 9 within 0.1 s",
        )

    use(Wire(lambda request: right_rtu(request)[:-2]), steps, is_rtu=True)


def use_tolerant(wire: Wire, steps: Callable[[StrictLink], Awaitable[None]], *tolerated: str) -> None:
    async def run() -> None:
        link = StrictLink(wire, tolerated=tolerated)
        await link.connect()
        await steps(link)

    asyncio.run(run())


def long_header(request: bytes) -> bytes:
    whole = bytearray(right(request))
    whole[5] += 1
    return bytes(whole)


def as_unit(unit: int) -> Respond:
    return lambda request: right(request[:6] + bytes((unit,)) + request[7:])


DEVIATIONS: dict[str, Respond] = {
    "length": long_header,
    "unit": as_unit(255),
    "transaction": lambda request: bytes(2) + right(request)[2:],
}


@pytest.mark.parametrize("name", DEVIATIONS)
def test_a_harmless_deviation_is_refused_with_the_setting_that_would_let_it_pass(name: str) -> None:
    async def steps(link: StrictLink) -> None:
        fault = await fault_of(link, timeout_s=0.1)
        assert fault.kind.is_bad_response
        assert f'tolerate = ["{name}"]' in fault.advice

    use(Wire(DEVIATIONS[name]), steps)
    others = [n for n in DEVIATIONS if n != name]
    use_tolerant(Wire(DEVIATIONS[name]), steps, *others)


@pytest.mark.parametrize("name", DEVIATIONS)
def test_a_harmless_deviation_can_be_tolerated_and_is_counted(name: str) -> None:
    async def steps(link: StrictLink) -> None:
        for n in range(1, 4):
            assert list(await link.read(1, BLOCK, timeout_s=5.0)) == [7, 256]
            assert link.deviations == {name: n}
        assert not link.lost.done()

    use_tolerant(Wire(DEVIATIONS[name]), steps, name)


def test_a_wrong_unit_is_no_harmless_deviation() -> None:
    async def steps(link: StrictLink) -> None:
        assert "unit 2 instead of 1" in (await fault_of(link, timeout_s=5.0)).message

    use_tolerant(Wire(as_unit(2)), steps, *DEVIATIONS)


def test_nothing_is_sent_before_the_pause_since_the_last_response_is_over(clock: Clock) -> None:
    async def steps(link: StrictLink) -> None:
        await link.read(1, BLOCK, timeout_s=5.0, pause_s=0.2)
        assert clock.now_s == 100.2 or clock.now_s == 100.0
        before_s = clock.now_s
        await link.read(1, BLOCK, timeout_s=5.0, pause_s=0.2)
        assert clock.now_s == pytest.approx(before_s + 0.2)

    use(Wire(right), steps)
