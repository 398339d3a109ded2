"""The strict link: pymodbus asks, we decide what counts as an answer. The only file that knows pymodbus.

pymodbus 3.16 hands over answers of a wrong count, function or byte count as good, accepts transaction id 0, and
notices a lost peer only at the time-out. Here a frame becomes an answer only if transaction, unit, function, byte
count and length match what was asked, and a refused frame or a lost connection ends the wait at once.
"""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Callable, Sequence

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from typing_extensions import override

from pumpwatch_gui.acquire.answer import Adu, Asked, cut, mismatch
from pumpwatch_gui.acquire.aside import aside
from pumpwatch_gui.acquire.meter import LinkFault
from pumpwatch_gui.acquire.plan import Block
from pumpwatch_gui.domain.quality import Reason

CONNECT_TIMEOUT_S = 1.0
LAST_TRANSACTION = 65000
"""After this one pymodbus starts again at 1."""

EXCEPTIONS = {
    1: ("illegal function", "the device does not know this table; try input instead of holding, or the reverse"),
    2: ("illegal address", "off by one? try the other base (0 or 1), or check the map against the manual"),
    3: ("illegal count", "the device refuses blocks of this size"),
    4: ("device failure", "look at the device itself"),
    5: ("accepted, still working", "the device needs more time"),
    6: ("device busy", "it serves another client; lengthen the period"),
    8: ("memory parity error", "the device's own memory is at fault"),
    10: ("gateway path unavailable", "check the gateway's routing for this unit"),
    11: ("no answer from the unit behind the gateway", "check the unit id, its power and its cable"),
}
"""Exception code → what it means, and the probable cause."""


class StrictTcp:
    """One Modbus TCP connection with one request in flight. After `lost` is done, make a new one.

    It gives itself up after `close_after` reads in a row without an answer that counts, and at once when the bytes
    that came are no Modbus or a frame broke off: then nobody can tell where the next frame starts. `late_answers`
    counts answers that came after their time-out and were dropped.
    """

    def __init__(self, host: str, port: int, *, close_after: int = 2) -> None:
        # pymodbus logs every failed read; the link counts and tells them itself, once.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.late_answers = 0
        self.close_after = close_after
        self._where = f"{host}:{port}"
        self._host, self._port = host, port
        self._misses = 0
        self._client: AsyncModbusTcpClient | None = None
        self._framer = _StrictFramer(self._refuse, self._late)
        self._foreign = ""

    async def connect(self) -> None:
        """Open the connection within a second. Raises LinkFault with the system's reason."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._open()
        except TimeoutError:
            raise self._unreachable("no answer") from None
        except socket.gaierror as error:
            text = f"cannot connect to {self._where}: the host name {self._host} does not resolve"
            advice = "check the spelling of the name and this computer's name server, or give the address in numbers"
            raise LinkFault("connect", Reason.NO_COMMUNICATION, text, advice) from error
        except OSError as error:
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            raise self._unreachable(why.lower()) from error

    async def read(self, unit: int, block: Block, *, timeout_s: float) -> Sequence[int]:
        """The registers (or bits as 0 and 1) of one block. Raises LinkFault."""
        client = self._client
        if client is None or self.lost.done():
            raise self._gone()
        read = {1: client.read_coils, 2: client.read_discrete_inputs,
                3: client.read_holding_registers, 4: client.read_input_registers}[block.function]  # fmt: skip
        client.ctx.comm_params.timeout_connect = timeout_s  # what pymodbus waits for an answer, too
        self._foreign = ""
        transaction = 1 if client.ctx.next_tid >= LAST_TRANSACTION else client.ctx.next_tid + 1
        self._framer.expect(Asked(transaction, unit, block.function, block.count))
        try:
            answer = await read(block.address, count=block.count, device_id=unit)
        except LinkFault as fault:
            if fault.kind == "refused":
                self._missed()
            raise
        except ModbusException as error:
            raise (self._gone() if self.lost.done() else self._timed_out(unit, timeout_s)) from error
        except OSError as error:
            self._drop(f"connection to {self._where} lost")
            raise self._gone() from error
        finally:
            self._framer.expect(None)
        return self._accept(answer, block)

    def give_up(self, why: str) -> None:
        """The connection is of no more use."""
        self._drop(f"{self._where}: {why}")

    async def close(self) -> None:
        """Close the connection."""
        self._drop("closed")
        if self._client is not None:
            self._client.close()

    async def _open(self) -> None:
        # Resolved aside: a name server that does not answer must hold up neither the loop nor the end of the program.
        host = await aside(_resolve, self._host, self._port)
        client = AsyncModbusTcpClient(
            host, port=self._port, timeout=CONNECT_TIMEOUT_S, retries=0, reconnect_delay=0,
            trace_connect=self._on_connect,
        )  # fmt: skip
        client.ctx.framer = self._framer
        client.set_max_no_responses(1_000_000)  # when to give up is decided here
        self._client = client
        # client.connect() would swallow the system's reason.
        client.ctx.transport, _ = await client.ctx.call_create()

    def _accept(self, answer: ModbusPDU, block: Block) -> Sequence[int]:
        self._misses = 0
        if answer.isError():
            raise exception_fault(answer.exception_code, block)
        return [int(bit) for bit in answer.bits] if block.is_bits else answer.registers

    def _timed_out(self, unit: int, timeout_s: float) -> LinkFault:
        if self._framer.is_amid_frame:
            self._drop(f"{self._where} broke off in the middle of an answer")
        self._missed()
        if self._foreign:
            return refused(self._foreign)
        text = f"no answer from {self._where} unit {unit} within {timeout_s:g} s"
        return LinkFault("timeout", Reason.TIMEOUT, text, "check the unit id and that the device is not overloaded")

    def _missed(self) -> None:
        self._misses += 1
        if self._misses >= self.close_after:
            self._drop(f"{self._where} gave no answer that counts, {self._misses} times in a row")

    def _refuse(self, why: str, hopeless: bool) -> None:
        self._fail(refused(why))
        if hopeless:
            self._drop(f"{self._where} sent bytes that are no Modbus TCP")
            if self._client is not None:
                self._client.close()

    def _late(self, adu: Adu, asked: Asked | None) -> None:
        """A frame of another transaction: an earlier one's, late, or nobody's."""
        if asked is None or 0 < adu.transaction < asked.transaction:
            self.late_answers += 1
        elif adu.transaction == 0:
            self._fail(refused("transaction id 0"))
        else:
            self._foreign = f"transaction id {adu.transaction} instead of {asked.transaction}"

    def _fail(self, fault: LinkFault) -> None:
        """End the read in flight now."""
        if self._client is not None and self._framer.is_waiting and not self._client.ctx.response_future.done():
            self._client.ctx.response_future.set_exception(fault)

    def _on_connect(self, connected: bool) -> None:
        if not connected:
            self._drop(f"connection to {self._where} lost")

    def _drop(self, why: str) -> None:
        if not self.lost.done():
            self.lost.set_result(why)
        self._fail(self._gone())

    def _gone(self) -> LinkFault:
        why = self.lost.result() if self.lost.done() else f"not connected to {self._where}"
        return LinkFault("lost", Reason.NO_COMMUNICATION, why, "waiting for the device to come back")

    def _unreachable(self, why: str) -> LinkFault:
        advice = "check address, port, cable and that the device is switched on"
        return LinkFault("connect", Reason.NO_COMMUNICATION, f"cannot connect to {self._where}: {why}", advice)


class _StrictFramer(FramerSocket):
    """Cuts frames as pymodbus asks for it, but hands over only the answer to the request in flight."""

    def __init__(self, refuse: Callable[[str, bool], None], late: Callable[[Adu, Asked | None], None]) -> None:
        super().__init__(DecodePDU(False))
        self._refuse, self._late = refuse, late
        self._asked: Asked | None = None
        self.is_amid_frame = False

    @property
    def is_waiting(self) -> bool:
        """Whether a request is in flight."""
        return self._asked is not None

    def expect(self, asked: Asked | None) -> None:
        """From now on only the answer to this counts; None: nothing does."""
        self._asked = asked
        if asked is not None:
            self.is_amid_frame = False

    @override
    def handleFrame(self, data: bytes, exp_devid: int, exp_tid: int) -> tuple[int, ModbusPDU | None]:
        """(bytes used, the answer or None), as pymodbus wants it."""
        used = 0
        while True:
            adu, size, hopeless = cut(data[used:])
            self.is_amid_frame = adu is None and used < len(data)
            if hopeless:
                self._refuse(hopeless, True)
                return len(data), None
            if adu is None:
                return used, None
            used += size
            asked = self._asked
            if asked is None or adu.transaction != asked.transaction:
                self._late(adu, asked)
                continue
            if wrong := mismatch(adu, asked):
                self._refuse(wrong, False)
                return used, None
            return used, _pdu(adu, asked)


def _pdu(adu: Adu, asked: Asked) -> ModbusPDU:
    """The answer in pymodbus' own form."""
    function, body = adu.pdu[0], adu.pdu[2:]
    if function & 0x80:
        pdu: ModbusPDU = ExceptionResponse(asked.function, adu.pdu[1])
    elif function in (1, 2):
        bits = [bool(body[i // 8] >> (i % 8) & 1) for i in range(asked.count)]
        pdu = ModbusPDU(bits=bits)
    else:
        pdu = ModbusPDU(registers=list(struct.unpack(f">{asked.count}H", body)))
    pdu.dev_id, pdu.transaction_id = adu.unit, adu.transaction
    return pdu


def _resolve(host: str, port: int) -> str:
    """The first address of a host name. Raises OSError."""
    return str(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])


def refused(why: str) -> LinkFault:
    """The fault of an answer that failed the checks."""
    advice = "another device or a faulty gateway answers; the value was not used"
    return LinkFault("refused", Reason.COMMUNICATION_ERROR, f"answer refused: {why}", advice)


def exception_fault(code: int, block: Block) -> LinkFault:
    """The fault of an exception answer: code, place (manual's and wire address) and probable cause."""
    name, advice = EXCEPTIONS.get(code, ("unknown exception", "look it up in the device's manual"))
    place = f"{block.points[0].documented} (wire address {block.address}, {block.count} long)"
    return LinkFault("exception", Reason.DEVICE_FAILURE, f"exception {code} at {place}: {name}", advice, code=code)
