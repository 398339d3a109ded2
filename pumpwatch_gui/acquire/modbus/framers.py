"""The framers that pymodbus needs, made strict: they hand over only the response to the request in flight."""

import asyncio
from typing import Protocol

from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from typing_extensions import override

from pumpwatch_gui.acquire.links.fault import FaultKind
from pumpwatch_gui.acquire.modbus.response import Adu, NotModbusError, Refusal, Request, cut, mismatch
from pumpwatch_gui.acquire.modbus.rtu import check_response, find

SILENCE_S = 0.05
"""Silence that ends a frame on a line. The standard says 3.5 characters, but USB adapters hold bytes back for up to
16 ms (their latency timer), and behind a gateway TCP may cut a frame anywhere."""


class Framing(Protocol):
    """What a framer reports to its link."""

    def refuse(self, refusal: Refusal, *, hopeless: bool) -> None:
        """What came is not the response; `hopeless`: nor can a later one be found on this connection."""

    def stray(self, adu: Adu, request: Request | None) -> None:
        """A whole frame that is not the response to the request in flight."""


class MbapFramer(FramerSocket):
    """Cuts Modbus TCP frames. `is_amid_frame`: an incomplete frame has come since the request."""

    # pymodbus' FramerTLS would take each TLS record for a whole frame; with this one a response may come in several.
    def __init__(self, link: Framing) -> None:
        super().__init__(DecodePDU(False))
        self._link = link
        self.request: Request | None = None
        self.is_amid_frame = False

    def expect(self, request: Request | None) -> None:
        """From now on only the response to this counts; None: no frame does."""
        self.request = request
        if request is not None:
            self.is_amid_frame = False

    @override
    def handleFrame(self, data: bytes, exp_devid: int, exp_tid: int) -> tuple[int, ModbusPDU | None]:
        """(bytes used, the response or None), as pymodbus 3.16 calls it for every piece that comes.

        It keeps the bytes that are not used and hands them in again in front of the next piece.
        """
        used = 0
        while True:
            try:
                found = cut(data[used:])
            except NotModbusError as error:
                self._link.refuse(Refusal(FaultKind.REFUSED, str(error)), hopeless=True)
                return len(data), None
            self.is_amid_frame = found is None and used < len(data)
            if found is None:
                return used, None
            adu, size = found
            used += size
            request = self.request
            if request is None or adu.transaction != request.transaction:
                self._link.stray(adu, request)
                continue
            refusal = mismatch(adu, request)
            if refusal is not None:
                self._link.refuse(refusal, hopeless=False)
                return used, None
            return used, Response(adu)


class RtuFramer(FramerRTU):
    """Finds the response to the request in flight among the bytes of a line; the rest is checked after a silence."""

    is_amid_frame = False

    def __init__(self, link: Framing) -> None:
        super().__init__(DecodePDU(False))
        self._link = link
        self.request: Request | None = None
        self.sent = b""
        self._last: Request | None = None
        self._received = b""
        self._check: asyncio.TimerHandle | None = None

    def expect(self, request: Request | None) -> None:
        """From now on only the response to this counts; None: no frame does."""
        self._cancel_check()
        self._last, self.request = self.request or self._last, request

    @override
    def handleFrame(self, data: bytes, exp_devid: int, exp_tid: int) -> tuple[int, ModbusPDU | None]:
        """(bytes used, the response or None), as pymodbus 3.16 calls it."""
        self._cancel_check()
        request = self.request
        if request is None:
            # Between two requests: what comes can only be late, or of another master on the line.
            late = None if self._last is None else find(data, self._last, self.sent)
            if late is not None:
                self._link.stray(late, None)
            return (len(data) if late else 0), None
        adu = find(data, request, self.sent)
        if adu is not None:
            return len(data), Response(adu)
        self._received = data
        # pymodbus would wait for the time-out after each CRC error: 0.5 s for one bad byte.
        self._check = asyncio.get_running_loop().call_later(SILENCE_S, self._check_received, request)
        return 0, None

    def _check_received(self, request: Request) -> None:
        refusal = check_response(self._received, request, self.sent)
        if refusal is not None:
            self._link.refuse(refusal, hopeless=False)

    def _cancel_check(self) -> None:
        if self._check is not None:
            self._check.cancel()
            self._check = None


class Response(ModbusPDU):
    """An accepted frame, as the PDU that pymodbus passes on."""

    def __init__(self, adu: Adu) -> None:
        super().__init__(dev_id=adu.unit, transaction_id=adu.transaction)
        self.adu = adu
