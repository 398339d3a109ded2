"""Framers: they find the response to the request in flight among the bytes that come, and report all else."""

import asyncio
from collections.abc import Collection
from typing import Protocol

from pumpwatch_gui.acquire.links.fault import FaultKind
from pumpwatch_gui.acquire.modbus.wire.response import (
    HEADER,
    Adu,
    NotModbusError,
    Refusal,
    Request,
    cut,
    cut_by_content,
    mismatch,
)
from pumpwatch_gui.acquire.modbus.wire.rtu import check_response, find, frames_of, is_started

SILENCE_S = 0.05
"""Silence after which bytes on a line that can no longer become the response are given up. The standard says 3.5
characters, but USB adapters hold bytes back for up to 16 ms (their latency timer), and behind a gateway TCP may cut a
frame anywhere."""
MAX_WAITING = 1024
"""Bytes that are kept of what is no response."""


class Framing(Protocol):
    """What a framer reports to its link."""

    def accept(self, adu: Adu, *, deviation: str) -> None:
        """The response to the request in flight; `deviation` that was tolerated, "" for none."""

    def refuse(self, refusal: Refusal, *, hopeless: bool) -> None:
        """What came is not the response; `hopeless`: nor can a later one be found on this connection."""

    def stray(self, adu: Adu, request: Request | None) -> None:
        """A whole frame that is not the response to the request in flight."""


class Framer(Protocol):
    """Takes what comes, in pieces of any size."""

    def expect(self, request: Request | None, sent: bytes = b"") -> None:
        """From now on only the response to this counts, which was sent so; None: no frame does."""

    def feed(self, piece: bytes) -> None:
        """Take in a piece."""

    def unfinished(self) -> Refusal | None:
        """What is wrong with a response that has come in part; None when not one byte of it has."""


class MbapFramer:
    """Cuts Modbus TCP frames. With "length" tolerated, a frame ends where its content does."""

    def __init__(self, link: Framing, tolerated: Collection[str] = ()) -> None:
        self._link = link
        self._tolerated = tolerated
        self._request: Request | None = None
        self._waiting = b""

    def expect(self, request: Request | None, sent: bytes = b"") -> None:
        """From now on only the response to this counts; None: no frame does."""
        if request is not None and "length" in self._tolerated:
            self._waiting = b""  # bytes that a header had announced besides its frame
        self._request = request

    def feed(self, piece: bytes) -> None:
        """Take in a piece: none, one or several frames."""
        self._waiting += piece
        while self._waiting:
            request = self._request
            try:
                found = cut(self._waiting)
            except NotModbusError as error:
                self._waiting = b""
                self._link.refuse(Refusal(FaultKind.REFUSED, str(error)), hopeless=True)
                return
            deviation = ""
            if request is not None and "length" in self._tolerated:
                by_content = cut_by_content(self._waiting, request)
                if by_content is not None and by_content != found:
                    found, deviation = by_content, "length"
            if found is None:
                return
            adu, size = found
            self._waiting = self._waiting[size:]
            self._judge(adu, request, deviation)

    def _judge(self, adu: Adu, request: Request | None, deviation: str) -> None:
        is_untagged = adu.transaction == 0 and "transaction" in self._tolerated
        if request is None or not (is_untagged or adu.transaction == request.transaction):
            self._link.stray(adu, request)
            return
        refusal = mismatch(adu, request, self._tolerated)
        if refusal is not None:
            self._link.refuse(refusal, hopeless=False)
            return
        self._request = None
        if self._tolerated and not deviation:
            deviation = _tolerance(adu, request)
        self._link.accept(adu, deviation=deviation)

    def unfinished(self) -> Refusal | None:
        """What is wrong with the header, when all of the response is there and the frame still has no end."""
        if not self._waiting:
            return None
        found = None if self._request is None else cut_by_content(self._waiting, self._request)
        if found is not None:
            over = int.from_bytes(self._waiting[4:6]) + 6 - found[1]
            amount = "one" if over == 1 else str(over)
            return Refusal(FaultKind.LENGTH, f"the header's length is {amount} too high, all else fits", "length")
        due = int.from_bytes(self._waiting[4:6]) + 6 if len(self._waiting) >= HEADER else HEADER + 1
        return Refusal(FaultKind.LENGTH, f"{len(self._waiting)} bytes instead of {due}")


def _tolerance(adu: Adu, request: Request) -> str:
    """The deviation for which the response would be refused if it were not tolerated; "" for none."""
    refusal = mismatch(adu, request)
    return "" if refusal is None else refusal.tolerance


class RtuFramer:
    """Finds the response to the request in flight among the bytes of a line.

    As long as every byte fits and some are missing, the response is waited for, at any pace. Bytes that can no longer
    become it are refused after a silence.
    """

    def __init__(self, link: Framing) -> None:
        self._link = link
        self._request: Request | None = None
        self._last: Request | None = None
        self._sent = b""
        self._waiting = b""
        self._check: asyncio.TimerHandle | None = None

    def expect(self, request: Request | None, sent: bytes = b"") -> None:
        """From now on only the response to this counts, which was sent so; None: no frame does."""
        self._cancel_check()
        self._request = request
        if request is not None:
            # Of a response that is late and has come in part, the rest is still to come.
            if self._last is None or not is_started(self._waiting, self._last, self._sent):
                self._waiting = b""
            self._last, self._sent = request, sent

    def feed(self, piece: bytes) -> None:
        """Take in a piece."""
        self._cancel_check()
        self._waiting = (self._waiting + piece)[-MAX_WAITING:]
        request = self._request
        if request is None:
            self._waiting = self._report(self._waiting)
            return
        found = find(self._waiting, request, self._sent)
        if found is None:
            # Not at the time-out only: that would cost 0.5 s for each bad byte.
            self._check = asyncio.get_running_loop().call_later(SILENCE_S, self._check_waiting)
            return
        before, after = self._waiting[: found.start], self._waiting[found.end :]
        self._request, self._waiting = None, b""
        self._report(before)
        self._link.accept(found.adu, deviation="")
        if after:
            self.feed(after)

    def unfinished(self) -> Refusal | None:
        """What is wrong with bytes of which more were due."""
        if self._request is None or not is_started(self._waiting, self._request, self._sent):
            return None
        return check_response(self._waiting, self._request, self._sent)

    def _report(self, received: bytes) -> bytes:
        """Report whole frames that nobody requested; the rest, of which more may come."""
        if self._last is None:
            return b""
        frames = frames_of(received, self._last.unit, self._sent)
        for frame in frames:
            self._link.stray(Adu(0, frame[0], frame[1:-2]), None)
        return received[received.rindex(frames[-1]) + len(frames[-1]) :] if frames else received

    def _check_waiting(self) -> None:
        request = self._request
        if request is None or is_started(self._waiting, request, self._sent):
            return
        refusal = check_response(self._waiting, request, self._sent)
        if refusal is not None:
            waiting, self._waiting = self._waiting, b""
            if len(frames_of(waiting, request.unit, self._sent)) > 1:  # one is how this device responds
                self._report(waiting)
            self._link.refuse(refusal, hopeless=False)

    def _cancel_check(self) -> None:
        if self._check is not None:
            self._check.cancel()
            self._check = None
