"""The strict link: pymodbus asks, we decide what counts as an answer. The only file that knows pymodbus.

pymodbus 3.16 hands over answers of a wrong count, function or byte count as good, accepts transaction id 0, and
notices a lost peer only at the time-out. Here an answer counts only if function, count, byte count, unit and
transaction match, and a read races the loss of the connection.
"""

import asyncio
import logging
import os
from asyncio import FIRST_COMPLETED

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from pumpwatch_gui.acquire.meter import LinkFault
from pumpwatch_gui.acquire.plan import Block
from pumpwatch_gui.domain.quality import Reason

CONNECT_TIMEOUT_S = 1.0

EXCEPTIONS = {
    1: ("illegal function", "the device does not know this table; try input instead of holding, or the reverse"),
    2: ("illegal address", "off by one? try the other base (0 or 1), or check the map against the manual"),
    3: ("illegal count", "the device refuses blocks of this size"),
    4: ("device failure", "look at the device itself"),
    5: ("accepted, still working", "the device needs more time"),
    6: ("device busy", "it serves another master; lengthen the period"),
    8: ("memory parity error", "the device's own memory is at fault"),
    10: ("gateway path unavailable", "check the gateway's routing for this unit"),
    11: ("no answer from the unit behind the gateway", "check the unit id, its power and its cable"),
}
"""Exception code → what it means, and the probable cause."""


class StrictTcp:
    """One Modbus TCP connection with one request in flight. After `lost` is done, make a new one.

    It gives itself up after `close_after` time-outs in a row.
    """

    def __init__(self, host: str, port: int, *, timeout_s: float, close_after: int = 2) -> None:
        # pymodbus logs every failed read; the link counts and tells them itself, once.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        self._where = f"{host}:{port}"
        self._timeout_s = timeout_s
        self._close_after = close_after
        self._host, self._port = host, port
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._received = b""
        self._timeouts = 0
        self._client = AsyncModbusTcpClient(
            host, port=port, timeout=timeout_s, retries=0, reconnect_delay=0,
            trace_connect=self._on_connect, trace_packet=self._on_packet,
        )  # fmt: skip

    async def connect(self) -> None:
        """Open the connection within a second. Raises LinkFault with the system's reason."""
        try:
            connected = await asyncio.wait_for(self._client.connect(), CONNECT_TIMEOUT_S)
        except (TimeoutError, OSError, ModbusException):
            connected = False
        if not connected:
            raise await self._why_not()

    async def read(self, unit: int, block: Block) -> list[int]:
        """The registers (or bits as 0 and 1) of one block. Raises LinkFault."""
        client = self._client
        read = {1: client.read_coils, 2: client.read_discrete_inputs,
                3: client.read_holding_registers, 4: client.read_input_registers}[block.function]  # fmt: skip
        self._received = b""
        task = asyncio.ensure_future(read(block.address, count=block.count, device_id=unit))
        try:
            await asyncio.wait((task, self.lost), timeout=self._timeout_s + 0.05, return_when=FIRST_COMPLETED)
        finally:
            if not task.done():
                task.cancel()
        if self.lost.done():
            if task.done() and not task.cancelled():
                task.exception()
            raise LinkFault("lost", Reason.NO_COMMUNICATION, self.lost.result(), "waiting for the device to come back")
        return self._accept(task, unit, block)

    async def close(self) -> None:
        """Close the connection."""
        self._drop("closed")
        self._client.close()

    def _accept(self, task: "asyncio.Task[ModbusPDU]", unit: int, block: Block) -> list[int]:
        try:
            answer = task.result() if task.done() else None
        except (ModbusException, OSError, TimeoutError, asyncio.CancelledError) as error:
            if isinstance(error, ModbusException) and "No response" not in str(error):
                raise LinkFault("refused", Reason.COMMUNICATION_ERROR, f"answer refused: {error}") from error
            answer = None
        except (ValueError, IndexError, TypeError, AttributeError) as error:  # an answer that broke pymodbus' decoder
            raise LinkFault("refused", Reason.COMMUNICATION_ERROR, f"answer refused: {error}") from error
        if answer is None:
            raise self._timed_out(unit)
        self._timeouts = 0
        if answer.isError():
            raise exception_fault(answer.exception_code, block)
        wrong = self._mismatch(answer, unit, block)
        if wrong:
            advice = "another device or a faulty gateway answers; the value was not used"
            raise LinkFault("refused", Reason.COMMUNICATION_ERROR, f"answer refused: {wrong}", advice)
        return [int(b) for b in answer.bits[: block.count]] if block.is_bits else list(answer.registers)

    def _mismatch(self, answer: ModbusPDU, unit: int, block: Block) -> str:
        size = -(-block.count // 8) if block.is_bits else 2 * block.count
        if answer.function_code != block.function:
            return f"function {answer.function_code} instead of {block.function}"
        if answer.dev_id != unit:
            return f"unit {answer.dev_id} instead of {unit}"
        if not answer.transaction_id:
            return "transaction id 0"
        got = len(answer.bits) // 8 if block.is_bits else len(answer.registers)
        if got != (size if block.is_bits else block.count):
            return f"{got} {'bytes of bits' if block.is_bits else 'registers'} instead of {block.count}"
        return _frame_mismatch(self._received, answer.transaction_id, size)

    def _timed_out(self, unit: int) -> LinkFault:
        self._timeouts += 1
        if self._timeouts >= self._close_after:
            self._drop(f"{self._where} stopped answering")
        text = f"no answer from {self._where} unit {unit} within {self._timeout_s:g} s"
        return LinkFault("timeout", Reason.TIMEOUT, text, "check the unit id and that the device is not overloaded")

    async def _why_not(self) -> LinkFault:
        """Pymodbus says only that it could not; ask the system why."""
        why = "no answer"
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(self._host, self._port), CONNECT_TIMEOUT_S)
            writer.close()
            why = "it came up a moment ago"
        except TimeoutError:
            pass
        except OSError as error:
            why = (os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)).lower()
        advice = "check address, port, cable and that the device is switched on"
        return LinkFault("connect", Reason.NO_COMMUNICATION, f"cannot connect to {self._where}: {why}", advice)

    def _on_connect(self, connected: bool) -> None:
        if not connected:
            self._drop(f"connection to {self._where} lost")

    def _on_packet(self, sending: bool, data: bytes) -> bytes:
        if not sending:
            self._received = data
        return data

    def _drop(self, why: str) -> None:
        if not self.lost.done():
            self.lost.set_result(why)


def _frame_mismatch(received: bytes, transaction: int, size: int) -> str:
    """What is wrong with the frame of that transaction as it came over the wire: its length and byte count."""
    at = 0
    while at + 9 <= len(received):
        length = int.from_bytes(received[at + 4 : at + 6])
        if int.from_bytes(received[at : at + 2]) == transaction:
            if received[at + 8] != size:
                return f"byte count {received[at + 8]} instead of {size}"
            return "" if length == size + 3 else f"length {length} instead of {size + 3}"
        at += 6 + length
    return ""


def exception_fault(code: int, block: Block) -> LinkFault:
    """The fault of an exception answer: code, place (manual's and wire address) and probable cause."""
    name, advice = EXCEPTIONS.get(code, ("unknown exception", "look it up in the device's manual"))
    place = f"{block.points[0].documented} (wire address {block.address}, {block.count} long)"
    return LinkFault("exception", Reason.DEVICE_FAILURE, f"exception {code} at {place}: {name}", advice, code=code)
