"""What pymodbus asks of a framer, done strictly: it hands over only the answer to the request in flight."""

import asyncio
from typing import Protocol

from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from typing_extensions import override

from pumpwatch_gui.acquire.modbus.response import Adu, Request, cut, mismatch
from pumpwatch_gui.acquire.modbus.rtu import check_response, find

SILENCE_S = 0.05
"""A line that says nothing for so long (serial adapters hold bytes back for up to 16 ms) has ended its frame."""


class Framing(Protocol):
    """What a framer asks of its link, and the link of its framer."""

    def refuse(self, kind: str, why: str, *, hopeless: bool) -> None:
        """The answer in flight is none."""

    def stray(self, adu: Adu | None, request: Request | None) -> None:
        """A frame that answers nothing that is in flight; None: mere bytes."""


class MbapFramer(FramerSocket):
    """Cuts Modbus TCP frames as pymodbus asks for it, but hands over only the answer to the request in flight."""

    def __init__(self, link: Framing) -> None:
        super().__init__(DecodePDU(False))
        self._link = link
        self.request: Request | None = None
        self.is_amid_frame = False

    def expect(self, request: Request | None) -> None:
        """From now on only the answer to this counts; None: nothing does."""
        self.request = request
        if request is not None:
            self.is_amid_frame = False

    @override
    def handleFrame(self, data: bytes, exp_devid: int, exp_tid: int) -> tuple[int, ModbusPDU | None]:
        """(bytes used, the answer or None), as pymodbus wants it."""
        used = 0
        while True:
            adu, size, hopeless = cut(data[used:])
            self.is_amid_frame = adu is None and used < len(data)
            if hopeless:
                self._link.refuse("refused", hopeless, hopeless=True)
                return len(data), None
            if adu is None:
                return used, None
            used += size
            request = self.request
            if request is None or adu.transaction != request.transaction:
                self._link.stray(adu, request)
                continue
            kind, wrong = mismatch(adu, request)
            if kind:
                self._link.refuse(kind, wrong, hopeless=False)
                return used, None
            return used, Answer(adu)


class RtuFramer(FramerRTU):
    """Finds the answer to the request in flight among the bytes of a line; what is none is judged when it ends."""

    is_amid_frame = False

    def __init__(self, link: Framing) -> None:
        super().__init__(DecodePDU(False))
        self._link = link
        self.request: Request | None = None
        self.sent = b""
        self._last: Request | None = None
        self._received = b""
        self._judgement: asyncio.TimerHandle | None = None

    def expect(self, request: Request | None) -> None:
        """From now on only the answer to this counts; None: nothing does."""
        self._stop()
        self._last, self.request = self.request or self._last, request

    @override
    def handleFrame(self, data: bytes, exp_devid: int, exp_tid: int) -> tuple[int, ModbusPDU | None]:
        """(bytes used, the answer or None), as pymodbus wants it."""
        self._stop()
        request = self.request
        if request is None:
            late = None if self._last is None else find(data, self._last, self.sent)
            self._link.stray(late, None)
            return (len(data) if late else 0), None
        adu = find(data, request, self.sent)
        if adu is not None:
            return len(data), Answer(adu)
        self._received = data
        self._judgement = asyncio.get_running_loop().call_later(SILENCE_S, self._judge, request)
        return 0, None

    def _judge(self, request: Request) -> None:
        kind, why = check_response(self._received, request, self.sent)
        if kind != "timeout":  # after a mere echo the answer may still come
            self._link.refuse(kind, why, hopeless=False)

    def _stop(self) -> None:
        if self._judgement is not None:
            self._judgement.cancel()
            self._judgement = None


class Answer(ModbusPDU):
    """An accepted frame, dressed for pymodbus."""

    def __init__(self, adu: Adu) -> None:
        super().__init__(dev_id=adu.unit, transaction_id=adu.transaction)
        self.adu = adu
