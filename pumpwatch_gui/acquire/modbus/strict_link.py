"""The strict link: pymodbus carries requests and responses, this module decides what counts as a response.

pymodbus 3.16 hands over responses of a wrong count, function or byte count as good, accepts transaction id 0, takes a
late RTU response for the next one, and notices a lost peer only at the time-out. Here a frame becomes a response only
if transaction, unit, function, byte count and length (on a line: and CRC) match the request, and a refused frame or a
lost connection ends the wait at once.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU
from pymodbus.transaction import TransactionManager
from pymodbus.transport import CommParams, CommType
from typing_extensions import override

from pumpwatch_gui.acquire.driver import Tap
from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.acquire.modbus.exception_codes import EXCEPTION_BIT
from pumpwatch_gui.acquire.modbus.faults import exception_fault, no_identity_fault, refused
from pumpwatch_gui.acquire.modbus.framers import MbapFramer, RtuFramer
from pumpwatch_gui.acquire.modbus.plan import Block
from pumpwatch_gui.acquire.modbus.response import (
    IDENTIFY,
    MEI_IDENTIFICATION,
    Adu,
    Refusal,
    Request,
    unpack_bits,
)
from pumpwatch_gui.acquire.modbus.wires import Wire
from pumpwatch_gui.domain.links.line_budget import REQUEST_BYTES, RESPONSE_EXTRA_BYTES, LineSpeed
from pumpwatch_gui.domain.values.quality import Reason

LAST_TRANSACTION = 65000
"""pymodbus counts transaction ids up to this and starts again at 1."""
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


class StrictLink:
    """One connection with one request in flight. After `lost` is done, make a new one.

    It gives itself up after `close_after` reads in a row without a good response, and at once when bytes came that are
    no Modbus or a frame broke off: then it cannot be known where the next frame starts. With `is_rtu` the frames are
    RTU: then a bad response is followed by a quiet period; on a serial line (with `speed`) silence of single units does
    not end the connection, only 3 s without any byte. `late_responses` counts those that came after their time-out.
    """

    def __init__(
        self, wire: Wire, *, is_rtu: bool = False, speed: LineSpeed | None = None, close_after: int = 2
    ) -> None:
        # pymodbus logs every failed read; the link counts them and reports a fault once.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.late_responses = 0
        self.close_after = close_after
        self.identity = ""
        self.is_rtu = is_rtu
        self.tap: Tap | None = None
        self._wire = wire
        self._speed = speed
        self._framer: MbapFramer | RtuFramer = RtuFramer(self) if is_rtu else MbapFramer(self)
        self._manager = _Manager(self, self._framer)
        self._misses = 0
        self._foreign = ""
        self._quiet_until_s = 0.0
        self._longest_response_s = 0.0
        self._last_byte_s = self._deaf_since_s = 0.0

    async def connect(self) -> None:
        """Open the connection. Raises LinkFault with the system's reason, InputError when a file it needs is wrong."""
        transport = await self._wire.open(lambda: self._manager)
        self._manager.transport = transport
        self.identity = self._wire.identity(transport)
        poll = getattr(transport, "poll_task", None)
        # On Windows pymodbus polls serial ports. When the adapter is unplugged, that task ends with the error of
        # `in_waiting` and nothing else happens: no callback, and `connected` stays true.
        if poll is not None:
            poll.add_done_callback(lambda _: self.drop(self._loss(None)))

    async def read(self, unit: int, block: Block, *, timeout_s: float) -> Sequence[int]:
        """The registers (or bits as 0 and 1) of one block. Raises LinkFault."""
        request = Request(0, unit, block.function, block.count, block.register_bytes)
        response = await self._exchange(_read_pdu(unit, block), request, timeout_s)
        if response.pdu[0] & EXCEPTION_BIT:
            raise exception_fault(response.pdu[1], block)
        body = response.pdu[2:]
        if block.is_bits:
            return unpack_bits(body, block.count)
        size = block.register_bytes
        return [int.from_bytes(body[i : i + size]) for i in range(0, len(body), size)]

    async def identify(self, unit: int, first: int, *, timeout_s: float) -> bytes:
        """The response to "read device identification, regular, from object `first`" (43/14). Raises LinkFault."""
        pdu = ModbusPDU(dev_id=unit)
        pdu.function_code = IDENTIFY
        pdu.encode = lambda: bytes((MEI_IDENTIFICATION, 2, first))  # type: ignore[method-assign]
        response = await self._exchange(pdu, Request(0, unit, IDENTIFY, 0), timeout_s)
        if response.pdu[0] & EXCEPTION_BIT:
            raise no_identity_fault(response.pdu[1])
        return response.pdu

    def drop(self, why: str) -> None:
        """Give the connection up."""
        if not self.lost.done():
            self.lost.set_result(why)
        self._fail(self._gone())

    async def close(self) -> None:
        """Close the connection."""
        self.drop("closed")
        self._manager.abort()

    # ---------------------------------------------------------------- sending

    async def _exchange(self, pdu: ModbusPDU, request: Request, timeout_s: float) -> Adu:
        await self._settle()
        manager = self._manager
        if self.lost.done() or not manager.transport:
            raise self._gone()
        # pymodbus has one number for both waits: for a connection (ours is open already) and for each response.
        manager.comm_params.timeout_connect = timeout_s + self._wire_time_s(request)
        self._foreign = ""
        self._framer.expect(request if self.is_rtu else _numbered(request, manager.next_tid))
        started = time.monotonic()
        self._deaf_since_s = self._deaf_since_s or started
        try:
            response: Any = await manager.execute(False, pdu)
        except LinkFault as fault:
            if fault.kind.is_bad_response:
                self._missed()
            raise
        except ModbusException as error:
            raise (self._gone() if self.lost.done() else self._timed_out(request, timeout_s)) from error
        except OSError as error:
            # Sending on a connection that was reset raises the system's error, which is no ModbusException.
            self.drop(self._loss(error))
            raise self._gone() from error
        finally:
            self._framer.expect(None)
        self._misses = 0
        self._longest_response_s = max(self._longest_response_s, time.monotonic() - started)
        adu: Adu = response.adu
        return adu

    async def _settle(self) -> None:
        """On a line: wait out the quiet period, then until nothing has come for the pause between two frames.

        pymodbus 3.13 and newer does not keep the 3.5 characters.
        """
        if not self.is_rtu:
            return
        gap_s = self._speed.quiet_s if self._speed else 0.0
        most_s = time.monotonic() + MAX_QUIET_S
        while (wait_s := max(self._quiet_until_s, self._last_byte_s + gap_s) - time.monotonic()) > 0:
            await asyncio.sleep(wait_s)
            # A line with another master, or with noise, is never silent: then only the checks remain.
            if time.monotonic() > most_s:
                return

    def _wire_time_s(self, request: Request) -> float:
        if self._speed is None:
            return 0.0
        size = request.size or LONGEST_IDENTIFICATION
        return (REQUEST_BYTES + RESPONSE_EXTRA_BYTES + size) * self._speed.character_s

    # ---------------------------------------------------------------- receiving

    def received(self, piece: bytes) -> None:
        """Take note of bytes before they are checked."""
        self._last_byte_s, self._deaf_since_s = time.monotonic(), 0.0
        if self.tap is not None:
            self.tap(False, piece)

    def sent(self, piece: bytes) -> None:
        """Take note of a request."""
        if self.tap is not None:
            self.tap(True, piece)

    def ended(self, error: Exception | None) -> None:
        """The other end, or the system, has closed the connection."""
        self.drop(self._loss(error))

    def _loss(self, error: Exception | None) -> str:
        return self._wire.loss(error, responded=self._longest_response_s > 0)

    def refuse(self, refusal: Refusal, *, hopeless: bool) -> None:
        """End the read in flight: what came is no response to it."""
        self._fail(refused(refusal))
        if hopeless:
            self.drop(f"{self._wire.where} sent bytes that are no Modbus TCP")
            self._manager.abort()

    def stray(self, adu: Adu, request: Request | None) -> None:
        """A frame of another transaction: late, of another client, or without an id."""
        if request is None or 0 < adu.transaction < request.transaction:
            self.late_responses += 1
        elif adu.transaction == 0:
            # Some cheap devices respond to every request with id 0; pymodbus lets them.
            self._fail(refused(Refusal(FaultKind.REFUSED, "transaction id 0")))
        else:
            self._foreign = f"transaction id {adu.transaction} instead of {request.transaction}"

    def _timed_out(self, request: Request, timeout_s: float) -> LinkFault:
        if not self.is_rtu and self._framer.is_amid_frame:
            self.drop(f"{self._wire.where} broke off in the middle of a response")
        self._missed()
        if self._foreign:
            return refused(Refusal(FaultKind.REFUSED, self._foreign))
        text = f"no response from {self._wire.where} unit {request.unit} within {timeout_s:g} s"
        advice = "check the unit id and that the device is not overloaded"
        if self._speed is not None:
            advice = "check unit id, baud, parity, the two wires (A and B swapped?) and that the device is on"
        return LinkFault(FaultKind.TIMEOUT, Reason.TIMEOUT, text, advice)

    def _missed(self) -> None:
        self._misses += 1
        now = time.monotonic()
        if self.is_rtu:
            self._quiet_until_s = now + max(QUIET_S, min(self._longest_response_s, MAX_QUIET_S))
        if self._speed is not None:  # one silent unit must not cost the others their line
            if self._misses >= 2 and self._deaf_since_s and now - self._deaf_since_s > DEAF_S:
                self.drop(f"{self._wire.where}: not one byte came for {DEAF_S:g} s")
        elif self._misses >= self.close_after:
            # A firewall or a device that restarted forgets connections without a word (half open): only new ones work.
            self.drop(f"{self._wire.where} gave no good response, {self._misses} times in a row")

    def _fail(self, fault: LinkFault) -> None:
        """End the read in flight now."""
        future = self._manager.response_future
        if self._framer.request is not None and not future.done():
            future.set_exception(fault)

    def _gone(self) -> LinkFault:
        why = self.lost.result() if self.lost.done() else f"not connected to {self._wire.where}"
        return LinkFault(FaultKind.LOST, Reason.NO_COMMUNICATION, why, "waiting for the device to come back")


class _Manager(TransactionManager):
    """pymodbus' carrier of one request at a time, on a transport that we opened."""

    def __init__(self, link: StrictLink, framer: MbapFramer | RtuFramer) -> None:
        # pymodbus' own reconnection never retries a first connect that failed, and pauses up to 300 s: it is off (0).
        # Type TCP also for serial ports: it decides what pymodbus would open, and it opens nothing here.
        params = CommParams(comm_type=CommType.TCP, comm_name="pumpwatch", reconnect_delay=0, timeout_connect=1.0)
        super().__init__(params, framer, 0, False, None, None, None)
        self._link = link
        # pymodbus closes the connection after `retries + 3` time-outs; here the link decides that.
        self.max_until_disconnect = self.count_until_disconnect = 1_000_000

    @override
    def data_received(self, data: bytes) -> None:
        self._link.received(data)
        super().data_received(data)

    @override
    def send(self, data: bytes, addr: Any = None) -> None:
        self._link.sent(data)
        if isinstance(self.framer, RtuFramer):
            self.framer.sent = data
        super().send(data, addr)

    def abort(self) -> None:
        """Close at once: asyncio's TLS transport waits up to 30 s for the peer's close_notify."""
        transport: Any = self.transport
        self.close()
        if transport is not None:
            transport.abort()

    @override
    def callback_disconnected(self, exc: Exception | None) -> None:
        self._link.ended(exc)


class _ReadPdu(ModbusPDU):
    """A read request (functions 1-4); no other request with an address is ever sent."""

    def __init__(self, unit: int, block: Block) -> None:
        super().__init__(dev_id=unit, address=block.address, count=block.count)
        self.function_code = block.function

    @override
    def encode(self) -> bytes:
        return self.address.to_bytes(2) + self.count.to_bytes(2)


def _read_pdu(unit: int, block: Block) -> ModbusPDU:
    if block.function not in (1, 2, 3, 4):
        raise ValueError(f"function {block.function} does not read")
    return _ReadPdu(unit, block)


def _numbered(request: Request, last: int) -> Request:
    """The request with the id that pymodbus is about to give it: ours is the framer that compares it."""
    return replace(request, transaction=1 if last >= LAST_TRANSACTION else last + 1)
