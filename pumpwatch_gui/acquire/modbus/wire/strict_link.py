"""The strict link: one connection, one request in flight, and only the response to it counts.

A frame becomes a response only if transaction, unit, function, byte count and length (on a line: and CRC) match the
request; a refused frame or a lost connection ends the wait at once. What comes besides is counted: without
transaction ids it may be what another request of the same form will be taken in by.
"""

import asyncio
import struct
import time
from collections import Counter, deque
from collections.abc import Collection, Sequence
from typing import Any

from typing_extensions import override

from pumpwatch_gui.acquire.driver import Tap
from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.acquire.modbus.learnt.plan import Block
from pumpwatch_gui.acquire.modbus.wire.exception_codes import EXCEPTION_BIT
from pumpwatch_gui.acquire.modbus.wire.faults import exception_fault, no_identity_fault, refused, timed_out
from pumpwatch_gui.acquire.modbus.wire.framers import Framer, MbapFramer, RtuFramer
from pumpwatch_gui.acquire.modbus.wire.owed import Owed
from pumpwatch_gui.acquire.modbus.wire.redial import RTU_PAUSE_S
from pumpwatch_gui.acquire.modbus.wire.response import (
    IDENTIFY,
    MEI_IDENTIFICATION,
    Adu,
    Refusal,
    Request,
    unpack_bits,
)
from pumpwatch_gui.acquire.modbus.wire.rtu import sealed
from pumpwatch_gui.acquire.modbus.wire.wires import Wire
from pumpwatch_gui.domain.links.line_budget import LISTEN_S, REQUEST_BYTES, RESPONSE_EXTRA_BYTES, LineSpeed
from pumpwatch_gui.domain.values.quality import Reason

LAST_TRANSACTION = 65535
QUIET_S = 0.25
"""After a time-out or a bad response on a line, nothing is sent for so long, or for the longest response time so far.

A response without transaction id that is 5-60 ms late would be taken for the next one, and every one after it: with
two blocks of equal length polled in turn, each shows the values of the other for ever (pymodbus, modbus-tk, tmodbus).
Without this silence 10-12 of 14 reads after such a slip stay bad, with it 1."""
MAX_QUIET_S = 1.5
DEAF_S = 3.0
"""A serial port that was written to and gave no byte for so long is opened again: where ports are polled (Windows), an
unplugged adapter goes on looking open, and reads from it only time out, also after it is plugged in again."""
LONGEST_IDENTIFICATION = 250
FEW_TIMES, UNKNOWN_TIME_S = 4, 0.05
"""With fewer response times than this, a device may well take so long."""
OUTLIERS = 2
"""Of the last 32 response times, the longest ones that do not count: they would make each scan wait as long."""


class StrictLink:
    """One connection with one request in flight. After `lost` is done, make a new one.

    It gives itself up after `close_after` reads in a row without a good response, and at once when bytes came that are
    no Modbus or a frame broke off: then it cannot be known where the next frame starts. With `is_rtu` the frames are
    RTU: then a bad response is followed by a quiet period; on a serial line (with `speed`) silence of single units does
    not end the connection, only 3 s without any byte.

    `is_untagged`: responses have no transaction id. `late_responses` counts those that came after their time-out, the
    last one `late_by_s` too late; `unrequested` those that belong to no request of ours; `extras` both. `deviations`
    counts what was tolerated, by its name in the setting `tolerate`. `owed`: what the connections before may still be
    sent, where there are no ids.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        is_rtu: bool = False,
        speed: LineSpeed | None = None,
        close_after: int = 2,
        tolerated: Collection[str] = (),
        wait_after_connect_s: float = 0.0,
        owed: Owed | None = None,
    ) -> None:
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.late_responses = self.unrequested = self._doubtful = 0
        self.late_by_s = 0.0
        self.deviations: Counter[str] = Counter()
        self.close_after = close_after
        self.identity = ""
        self.is_rtu = is_rtu
        self.is_untagged = is_rtu or "transaction" in tolerated
        self.tap: Tap | None = None
        self._wire = wire
        self._speed = speed
        self._wait_after_connect_s = wait_after_connect_s
        self._framer: Framer = RtuFramer(self) if is_rtu else MbapFramer(self, tolerated)
        self._transport: Any = None
        self._future: asyncio.Future[Adu] | None = None
        self._transaction = 0
        self._owed = owed if owed is not None and self.is_untagged else Owed()
        self._has_come = self._is_behind = False
        self._misses = 0
        self._foreign = ""
        self._times_s: deque[float] = deque(maxlen=32)
        self._quiet_until_s = self._listen_until_s = 0.0
        self._longest_response_s = 0.0
        self._sent_s = self._response_s = self._last_byte_s = self._deaf_since_s = 0.0

    @property
    def extras(self) -> int:
        """Whole frames that came and were not the response to the request in flight, as far as can be told."""
        return self.late_responses + self.unrequested + self._doubtful

    async def connect(self) -> None:
        """Open the connection. Raises LinkFault with the system's reason, InputError when a file it needs is wrong."""
        transport = await self._wire.open(lambda: _Connection(self))
        self._transport = transport
        self._response_s = time.monotonic() if self._wait_after_connect_s else 0.0
        self._quiet_until_s = self._response_s + self._wait_after_connect_s
        self.identity = self._wire.identity(transport)
        poll = getattr(transport, "poll_task", None)
        # On Windows pymodbus polls serial ports. When the adapter is unplugged, that task ends with the error of
        # `in_waiting` and nothing else happens: no callback, and `connected` stays true.
        if poll is not None:
            poll.add_done_callback(lambda _: self.drop(self._loss(None)))

    async def read(self, unit: int, block: Block, *, timeout_s: float, pause_s: float = 0.0) -> Sequence[int]:
        """The registers (or bits as 0 and 1) of one block. Raises LinkFault.

        `pause_s`: nothing is sent for so long after the last response.
        """
        request = Request(self._next_transaction(), unit, block.function, block.count, block.register_bytes)
        response = await self._exchange(read_pdu(block), request, block, timeout_s, pause_s)
        if response.pdu[0] & EXCEPTION_BIT:
            raise exception_fault(response.pdu[1], block)
        body = response.pdu[2:]
        if block.is_bits:
            return unpack_bits(body, block.count)
        return struct.unpack(f">{block.count}{'H' if block.register_bytes == 2 else 'I'}", body)

    async def identify(self, unit: int, first: int, *, timeout_s: float) -> bytes:
        """The response to "read device identification, regular, from object `first`" (43/14). Raises LinkFault."""
        pdu = bytes((IDENTIFY, MEI_IDENTIFICATION, 2, first))
        request = Request(self._next_transaction(), unit, IDENTIFY, 0)
        response = await self._exchange(pdu, request, None, timeout_s, 0.0)
        if response.pdu[0] & EXCEPTION_BIT:
            raise no_identity_fault(response.pdu[1])
        return response.pdu

    def is_owed(self, unit: int, block: Block) -> bool:
        """Whether what comes for a block may be the response to an earlier request that missed its own."""
        return self.is_untagged and self._owed.is_owed(unit, *block.shape, time.monotonic())

    async def listen(self) -> None:
        """Without transaction ids: wait until a second response to the last requests would have come."""
        if self.is_untagged and (wait_s := self._listen_until_s - time.monotonic()) > 0:
            await asyncio.sleep(wait_s)

    def drop(self, why: str) -> None:
        """Give the connection up."""
        if not self.lost.done():
            self.lost.set_result(why)
        self._fail(self._gone())

    async def close(self) -> None:
        """Close the connection."""
        self.drop("closed")
        self._abort()

    # ---------------------------------------------------------------- sending

    async def _exchange(
        self, pdu: bytes, request: Request, block: Block | None, timeout_s: float, pause_s: float
    ) -> Adu:
        if pause_s or self._quiet_until_s or self.is_untagged:
            await self._settle(pause_s, request)
        if self.lost.done() or self._transport is None:
            raise self._gone()
        loop = asyncio.get_running_loop()
        if self.is_rtu:
            frame = sealed(request.unit, pdu)
        else:
            frame = struct.pack(">HHHB", request.transaction, 0, len(pdu) + 1, request.unit) + pdu
        self._foreign = ""
        self._has_come = self._is_behind = False
        self._framer.expect(request, frame)
        self._sent_s = started = time.monotonic()
        self._deaf_since_s = self._deaf_since_s or started
        future: asyncio.Future[Adu] = loop.create_future()
        self._future = future
        wire_s = self._wire_time_s(request)
        over = loop.call_later(timeout_s + wire_s, self._expire, request, block, timeout_s)
        try:
            self._send(frame)
            adu = await future
        except LinkFault as fault:
            if fault.kind.is_bad_response:
                self._missed()
            raise
        finally:
            over.cancel()
            if not self._has_come:
                self._owed.missed(request, time.monotonic(), is_behind=self._is_behind)
            self._framer.expect(None)
            self._future = None
        self._misses = 0
        self._note_response(request, adu, time.monotonic(), started, wire_s)
        return adu

    def _next_transaction(self) -> int:
        if not self.is_rtu:
            self._transaction = self._transaction % LAST_TRANSACTION + 1
        return self._transaction

    def _send(self, frame: bytes) -> None:
        if self.tap is not None:
            self.tap(True, frame)
        try:
            self._transport.write(frame)
        except OSError as error:  # a serial port that is gone
            self.drop(self._loss(error))

    async def _settle(self, pause_s: float, request: Request) -> None:
        """Wait out the pause since the last response, and on a line the quiet period, then until nothing comes."""
        # 3.5 characters of silence are due between two frames of a line; over TCP the transport holds a request back
        # for so long, and what comes meanwhile is no response to it.
        line_s = self._speed.quiet_s if self._speed else RTU_PAUSE_S
        gap_s = max(line_s if self.is_rtu else 0.0, self._owed.gap_s(request))
        now = time.monotonic()
        most_s = now + MAX_QUIET_S + pause_s + self._wait_after_connect_s
        while (wait_s := self._ready_s(gap_s, pause_s) - now) > 0:
            await asyncio.sleep(wait_s)
            now = time.monotonic()
            # A line with another master, or with noise, is never silent: then only the checks remain.
            if now > most_s:
                return

    def _ready_s(self, gap_s: float, pause_s: float) -> float:
        line_s = self._last_byte_s + gap_s if self.is_untagged else 0.0
        return max(self._quiet_until_s, line_s, self._response_s + pause_s if pause_s else 0.0)

    def _wire_time_s(self, request: Request) -> float:
        if self._speed is None:
            return 0.0
        size = request.size or LONGEST_IDENTIFICATION
        return (REQUEST_BYTES + RESPONSE_EXTRA_BYTES + size) * self._speed.character_s

    def _note_response(self, request: Request, adu: Adu, now: float, started: float, wire_s: float) -> None:
        took_s = now - started
        self._longest_response_s = max(self._longest_response_s, took_s)
        if not self.is_untagged:
            return
        # A foreign or repeated frame that fits was taken for the response. Then the response itself is still to come:
        # as long after its request as the device usually takes.
        times = sorted(self._times_s)
        is_known = len(times) > FEW_TIMES + OUTLIERS
        usual_s = wire_s + (times[-1 - OUTLIERS] if is_known else max([UNKNOWN_TIME_S, *times]))
        is_odd = not usual_s / 2 <= took_s <= 2 * usual_s + LISTEN_S
        since_s = now if is_odd and is_known else max(started, now - usual_s)
        self._listen_until_s = max(self._listen_until_s, now + LISTEN_S, since_s + usual_s + LISTEN_S)
        is_odd = not (is_known and (wire_s + times[0]) / 2 <= took_s <= 1.5 * usual_s + LISTEN_S)
        is_doubtful = self._owed.responded(request, adu, now, is_odd=is_odd)
        self._doubtful += is_doubtful
        if not is_doubtful:
            self._times_s.append(took_s - wire_s)

    # ---------------------------------------------------------------- receiving

    def received(self, piece: bytes) -> None:
        """Take in what came."""
        self._last_byte_s, self._deaf_since_s = time.monotonic(), 0.0
        if self.tap is not None:
            self.tap(False, piece)
        self._framer.feed(piece)

    def ended(self, error: Exception | None) -> None:
        """The other end, or the system, has closed the connection."""
        self.drop(self._loss(error))

    def _loss(self, error: Exception | None) -> str:
        return self._wire.loss(error, responded=self._longest_response_s > 0)

    def accept(self, adu: Adu, *, deviation: str) -> None:
        """The response to the request in flight."""
        self._has_come, self._response_s = True, time.monotonic()
        if deviation:
            self.deviations[deviation] += 1
        if self._future is not None and not self._future.done():
            self._future.set_result(adu)

    def refuse(self, refusal: Refusal, *, hopeless: bool) -> None:
        """End the read in flight: what came is no response to it."""
        self._has_come = refusal.is_broken or not self.is_untagged
        self._is_behind = refusal.kind is FaultKind.LENGTH
        self._fail(refused(refusal))
        if hopeless:
            self.drop(f"{self._wire.where} sent bytes that are no Modbus TCP")
            self._abort()

    def stray(self, adu: Adu, request: Request | None) -> None:
        """A frame of another transaction: late, of another client, repeated, or without an id."""
        late_by_s = self._owed.late_by(adu, time.monotonic(), by_id=not self.is_untagged)
        if late_by_s is not None:
            self.late_by_s = late_by_s
            self.late_responses += 1
        elif self.is_untagged:
            self.unrequested += 1
        elif request is None or 0 < adu.transaction < request.transaction:
            self.late_responses += 1
        elif adu.transaction == 0:
            # Some cheap devices respond to every request with id 0.
            self._fail(refused(Refusal(FaultKind.REFUSED, "transaction id 0", "transaction")))
        else:
            self._foreign = f"transaction id {adu.transaction} instead of {request.transaction}"

    def _expire(self, request: Request, block: Block | None, timeout_s: float) -> None:
        """The time-out of the request in flight."""
        unfinished = self._framer.unfinished()
        if unfinished is not None:
            text = f"{unfinished.why} within {timeout_s:g} s"
            self._fail(refused(Refusal(unfinished.kind, text, unfinished.tolerance)))
            if not self.is_rtu:
                self.drop(f"{self._wire.where} broke off in the middle of a response: {unfinished.why}")
        elif self._foreign:
            self._fail(refused(Refusal(FaultKind.REFUSED, self._foreign)))
        else:
            place = "the identification" if block is None else block.place
            where = f"{place} from {self._wire.where} unit {request.unit}"
            fault = timed_out(where, timeout_s, self.late_by_s, is_serial=self._speed is not None)
            self._fail(fault)
            self._missed()

    def _missed(self) -> None:
        self._misses += 1
        now = time.monotonic()
        if self.is_untagged:
            self._quiet_until_s = now + max(QUIET_S, min(self._longest_response_s, MAX_QUIET_S))
        if self._speed is not None:  # one silent unit must not cost the others their line
            if self._misses >= 2 and self._deaf_since_s and now - self._deaf_since_s > DEAF_S:
                self.drop(f"{self._wire.where}: not one byte came for {DEAF_S:g} s")
        elif self._misses >= self.close_after:
            # A firewall or a device that restarted forgets connections without a word (half open): only new ones work.
            late = f"; responses come {self.late_by_s:.1f} s after the time-out" if self.late_by_s else ""
            self.drop(f"{self._wire.where} gave no good response, {self._misses} times in a row{late}")

    def _fail(self, fault: LinkFault) -> None:
        """End the read in flight now."""
        if self._future is not None and not self._future.done():
            self._future.set_exception(fault)

    def _gone(self) -> LinkFault:
        why = self.lost.result() if self.lost.done() else f"not connected to {self._wire.where}"
        return LinkFault(FaultKind.LOST, Reason.NO_COMMUNICATION, why, "waiting for the device to come back")

    def _abort(self) -> None:
        """Close at once: asyncio's TLS transport waits up to 30 s for the peer's close_notify."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()


class _Connection(asyncio.Protocol):
    """What the event loop calls."""

    def __init__(self, link: StrictLink) -> None:
        self._link = link

    @override
    def data_received(self, data: bytes) -> None:
        self._link.received(data)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._link.ended(exc)


def read_pdu(block: Block) -> bytes:
    """A read request (functions 1-4); no other request with an address is ever sent. Raises ValueError."""
    if block.function not in (1, 2, 3, 4):
        raise ValueError(f"function {block.function} does not read")
    return struct.pack(">BHH", block.function, block.address, block.count)
