"""The strict link: pymodbus carries requests and answers, we decide what counts as an answer.

pymodbus 3.16 hands over answers of a wrong count, function or byte count as good, accepts transaction id 0, takes a
late RTU answer for the next one, and notices a lost peer only at the time-out. Here a frame becomes an answer only if
transaction, unit, function, byte count and length (on a line: and CRC) match what was asked, and a refused frame or a
lost connection ends the wait at once.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU
from pymodbus.transaction import TransactionManager
from pymodbus.transport import CommParams, CommType
from typing_extensions import override

from pumpwatch_gui.acquire.links.faults import exception_fault, refused, unknown_fault
from pumpwatch_gui.acquire.links.meter import ANSWERED_WRONGLY, LinkFault
from pumpwatch_gui.acquire.modbus.framers import MbapFramer, RtuFramer
from pumpwatch_gui.acquire.modbus.plan import Block
from pumpwatch_gui.acquire.modbus.response import IDENTIFY, Adu, Request
from pumpwatch_gui.acquire.modbus.wires import Wire
from pumpwatch_gui.domain.values.quality import Reason

LAST_TRANSACTION = 65000
"""After this one pymodbus starts again at 1."""
QUIET_S = 0.25
"""After a time-out or a bad answer nothing is asked on a line for so long, or for the longest answer time yet."""
QUIET_MOST_S = 1.5
DEAF_S = 3.0
"""A line without any byte for so long, though asked, is opened anew: an unplugged port may not show otherwise."""

Tap = Callable[[bool, bytes], None]
"""Told every piece that is sent (True) or has come (False)."""


class StrictLink:
    """One connection with one request in flight. After `lost` is done, make a new one.

    It gives itself up after `close_after` reads in a row without an answer that counts, and at once when the bytes
    that came are no Modbus or a frame broke off: then nobody can tell where the next frame starts. With `character_s`
    (seconds a character takes; 0 behind a gateway, None for Modbus TCP frames) the frames are RTU: then a bad answer is
    followed by a quiet period, and a serial line is given up only when it has been deaf for 3 s.
    `late_answers` counts answers that came after their time-out and were dropped.
    """

    def __init__(self, wire: Wire, *, character_s: float | None = None, close_after: int = 2) -> None:
        # pymodbus logs every failed read; the link counts and tells them itself, once.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.late_answers = 0
        self.close_after = close_after
        self.identity = ""
        self.tap: Tap | None = None
        self._wire = wire
        self._is_rtu, self._character_s = character_s is not None, character_s or 0.0
        self._framer: MbapFramer | RtuFramer = RtuFramer(self) if self._is_rtu else MbapFramer(self)
        self._manager = _Manager(self, self._framer)
        self._misses = 0
        self._foreign = ""
        self._quiet_until_s = 0.0
        self._longest_answer_s = 0.0
        self._last_byte_s = self._deaf_since_s = 0.0

    @property
    def is_rtu(self) -> bool:
        """Whether frames have no transaction id."""
        return self._is_rtu

    async def connect(self) -> None:
        """Open the connection. Raises LinkFault with the system's reason, InputError when a file it needs is wrong."""
        transport = await self._wire.open(lambda: self._manager)
        self._manager.transport = transport
        self.identity = self._wire.identity(transport)
        poll = getattr(transport, "poll_task", None)
        if poll is not None:  # where ports are polled (Windows), the end of that task is all that shows an unplug
            poll.add_done_callback(lambda _: self.drop(self._loss(None)))

    async def read(self, unit: int, block: Block, *, timeout_s: float) -> Sequence[int]:
        """The registers (or bits as 0 and 1) of one block. Raises LinkFault."""
        answer = await self._ask(_request(unit, block), Request(0, unit, block.function, block.count), timeout_s)
        if answer.pdu[0] & 0x80:
            raise exception_fault(answer.pdu[1], block)
        body = answer.pdu[2:]
        if block.is_bits:
            return [body[i // 8] >> (i % 8) & 1 for i in range(block.count)]
        return [int.from_bytes(body[i : i + 2]) for i in range(0, len(body), 2)]

    async def identify(self, unit: int, first: int, *, timeout_s: float) -> bytes:
        """The answer to "read device identification, regular, from object `first`" (43/14). Raises LinkFault."""
        request = ModbusPDU(dev_id=unit)
        request.function_code = IDENTIFY
        request.encode = lambda: bytes((0x0E, 2, first))  # type: ignore[method-assign]
        answer = await self._ask(request, Request(0, unit, IDENTIFY, 0), timeout_s)
        if answer.pdu[0] & 0x80:
            raise unknown_fault(answer.pdu[1])
        return answer.pdu

    def drop(self, why: str) -> None:
        """The connection is of no more use."""
        if not self.lost.done():
            self.lost.set_result(why)
        self._fail(self._gone())

    async def close(self) -> None:
        """Close the connection."""
        self.drop("closed")
        self._manager.abort()

    # ---------------------------------------------------------------- asking

    async def _ask(self, request: ModbusPDU, asked: Request, timeout_s: float) -> Adu:
        await self._settle()
        manager = self._manager
        if self.lost.done() or not manager.transport:
            raise self._gone()
        manager.comm_params.timeout_connect = timeout_s + self._wire_time_s(asked)  # what it waits for an answer, too
        self._foreign = ""
        self._framer.expect(asked if self._is_rtu else _numbered(asked, manager.next_tid))
        started = time.monotonic()
        self._deaf_since_s = self._deaf_since_s or started
        try:
            answer: Any = await manager.execute(False, request)
        except LinkFault as fault:
            if fault.kind in ANSWERED_WRONGLY:
                self._missed()
            raise
        except ModbusException as error:
            raise (self._gone() if self.lost.done() else self._timed_out(asked, timeout_s)) from error
        except OSError as error:
            self.drop(self._loss(error))
            raise self._gone() from error
        finally:
            self._framer.expect(None)
        self._misses = 0
        self._longest_answer_s = max(self._longest_answer_s, time.monotonic() - started)
        adu: Adu = answer.adu
        return adu

    async def _settle(self) -> None:
        """On a line: wait out the quiet period, then until nothing has come for 3.5 characters (the RTU frame gap)."""
        if not self._is_rtu:
            return
        gap_s = max(3.5 * self._character_s, 0.00175) if self._character_s else 0.0
        most_s = time.monotonic() + QUIET_MOST_S
        while (wait_s := max(self._quiet_until_s, self._last_byte_s + gap_s) - time.monotonic()) > 0:
            await asyncio.sleep(wait_s)
            if time.monotonic() > most_s:  # somebody babbles; the checks must do
                return

    def _wire_time_s(self, asked: Request) -> float:
        return (8 + 5 + (asked.size or 250)) * self._character_s

    # ---------------------------------------------------------------- what came

    def received(self, piece: bytes) -> None:
        """Take note of bytes before they are judged."""
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
        return self._wire.loss(error, answered=self._longest_answer_s > 0)

    def refuse(self, kind: str, why: str, *, hopeless: bool) -> None:
        """End the read in flight: what came is no answer."""
        self._fail(refused(kind, why))
        if hopeless:
            self.drop(f"{self._wire.where} sent bytes that are no Modbus TCP")
            self._manager.abort()

    def stray(self, adu: Adu | None, asked: Request | None) -> None:
        """A frame of another transaction: an earlier one's, late, or nobody's."""
        if adu is None:
            return
        if asked is None or 0 < adu.transaction < asked.transaction:
            self.late_answers += 1
        elif adu.transaction == 0:
            self._fail(refused("refused", "transaction id 0"))
        else:
            self._foreign = f"transaction id {adu.transaction} instead of {asked.transaction}"

    def _timed_out(self, asked: Request, timeout_s: float) -> LinkFault:
        if not self._is_rtu and self._framer.is_amid_frame:
            self.drop(f"{self._wire.where} broke off in the middle of an answer")
        self._missed()
        if self._foreign:
            return refused("refused", self._foreign)
        text = f"no answer from {self._wire.where} unit {asked.unit} within {timeout_s:g} s"
        advice = "check the unit id and that the device is not overloaded"
        if self._character_s:
            advice = "check unit id, baud, parity, the two wires (A and B swapped?) and that the device is on"
        return LinkFault("timeout", Reason.TIMEOUT, text, advice)

    def _missed(self) -> None:
        self._misses += 1
        now = time.monotonic()
        if self._is_rtu:
            self._quiet_until_s = now + max(QUIET_S, min(self._longest_answer_s, QUIET_MOST_S))
        if self._character_s:  # one dead unit must not cost the others their line
            if self._misses >= 2 and self._deaf_since_s and now - self._deaf_since_s > DEAF_S:
                self.drop(f"{self._wire.where}: not one byte came for {DEAF_S:g} s")
        elif self._misses >= self.close_after:
            self.drop(f"{self._wire.where} gave no answer that counts, {self._misses} times in a row")

    def _fail(self, fault: LinkFault) -> None:
        """End the read in flight now."""
        future = self._manager.response_future
        if self._framer.request is not None and not future.done():
            future.set_exception(fault)

    def _gone(self) -> LinkFault:
        why = self.lost.result() if self.lost.done() else f"not connected to {self._wire.where}"
        return LinkFault("lost", Reason.NO_COMMUNICATION, why, "waiting for the device to come back")


class _Manager(TransactionManager):
    """pymodbus' carrier of one request at a time, on a transport that we opened."""

    def __init__(self, link: StrictLink, framer: MbapFramer | RtuFramer) -> None:
        params = CommParams(comm_type=CommType.TCP, comm_name="pumpwatch", reconnect_delay=0, timeout_connect=1.0)
        super().__init__(params, framer, 0, False, None, None, None)
        self._link = link
        # When to give up is decided by the link.
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
        """Close at once: TLS would wait half a minute for a farewell."""
        transport: Any = self.transport
        self.close()
        if transport is not None:
            transport.abort()

    @override
    def callback_disconnected(self, exc: Exception | None) -> None:
        self._link.ended(exc)


class _Read(ModbusPDU):
    """A read request (functions 1-4); nothing else is ever asked with an address."""

    def __init__(self, unit: int, block: Block) -> None:
        super().__init__(dev_id=unit, address=block.address, count=block.count)
        self.function_code = block.function

    @override
    def encode(self) -> bytes:
        return self.address.to_bytes(2) + self.count.to_bytes(2)


def _request(unit: int, block: Block) -> ModbusPDU:
    if block.function not in (1, 2, 3, 4):
        raise ValueError(f"function {block.function} does not read")
    return _Read(unit, block)


def _numbered(asked: Request, last: int) -> Request:
    return Request(1 if last >= LAST_TRANSACTION else last + 1, asked.unit, asked.function, asked.count)
