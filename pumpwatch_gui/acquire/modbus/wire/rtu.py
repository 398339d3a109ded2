"""Modbus RTU frames: finding the response to a request among the bytes of a line. Pure.

A frame on a line has neither a length nor a transaction id, and pymodbus takes the next frame with a good CRC for the
response. So the response is searched for by all that is known of it (unit, function, byte count, CRC) wherever it
starts: noise, an echo or a foreign frame before it do no harm.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pumpwatch_gui.acquire.crc16 import crc16
from pumpwatch_gui.acquire.links.fault import FaultKind
from pumpwatch_gui.acquire.modbus.wire.exception_codes import EXCEPTION_BIT
from pumpwatch_gui.acquire.modbus.wire.response import IDENTIFY, Adu, Refusal, Request, mismatch

SHORTEST = 4
LONGEST = 256


def sealed(unit: int, pdu: bytes) -> bytes:
    """A whole frame."""
    frame = bytes((unit,)) + pdu
    return frame + crc16(frame).to_bytes(2, "little")


def is_sealed(frame: bytes) -> bool:
    """Whether the check bytes at the end fit."""
    return len(frame) >= SHORTEST and crc16(frame[:-2]).to_bytes(2, "little") == frame[-2:]


@dataclass(frozen=True, slots=True)
class Place:
    """A frame among the bytes of a line: from `start` up to `end`."""

    adu: Adu
    start: int
    end: int


def find(received: bytes, request: Request, sent: bytes) -> Place | None:
    """The response to the request, wherever in the bytes it starts; None as long as it is not there whole.

    `sent` are the bytes of the request.
    """
    for start in range(len(received) - SHORTEST):
        if received[start] != request.unit:
            continue
        end = start + _length(received[start : start + LONGEST], request)
        frame = received[start:end]
        # Two-wire RS-485 adapters echo what is sent. The echo of "read 24 coils from 0x03.." is also, bit by bit, a
        # valid response of three bytes to it.
        if frame != sent and is_sealed(frame):
            adu = Adu(request.transaction, frame[0], frame[1:-2])
            if mismatch(adu, request) is None:
                return Place(adu, start, end)
    return None


def frames_of(received: bytes, unit: int, sent: bytes) -> list[bytes]:
    """Whole frames of a unit (responses to reads, exceptions, requests of another master to it) among bytes.

    The echo of `sent` is none of them.
    """
    found: list[bytes] = []
    start = 0
    while start <= len(received) - 5:
        frame = b""
        if received[start] == unit and received[start : start + len(sent)] != sent:
            frame = next((f for f in _candidates(received[start:]) if is_sealed(f)), b"")
        if frame:
            found.append(frame)
        start += len(frame) or 1
    return found


def is_started(received: bytes, request: Request, sent: bytes) -> bool:
    """Whether bytes end with what may still become the response: every byte fits so far, and some are missing."""
    rest = received.removeprefix(sent)
    if 0 < len(rest) < 3 and rest[0] == request.unit:  # too few to tell
        return rest[1:] in (b"", bytes((request.function,)), bytes((request.function | EXCEPTION_BIT,)))
    at = rest.find(bytes((request.unit, request.function, request.size)))
    return request.size > 0 and at >= 0 and len(rest) - at < request.size + 5


def check_response(received: bytes, request: Request, sent: bytes) -> Refusal | None:
    """Why bytes after which the line fell silent are no response; None for the echo alone: more may come."""
    rest = received.removeprefix(sent)
    if not rest:
        return None
    for end in range(SHORTEST, min(len(rest), LONGEST) + 1):
        if is_sealed(rest[:end]):
            found = mismatch(Adu(request.transaction, rest[0], rest[1 : end - 2]), request)
            return found or Refusal(FaultKind.REFUSED, "the echo of the request")
    due = request.size + 5
    if request.function != IDENTIFY and len(rest) < due and rest[1:2] != bytes((request.function | EXCEPTION_BIT,)):
        return Refusal(FaultKind.LENGTH, f"{len(rest)} bytes instead of {due}", is_broken=True)
    return Refusal(FaultKind.CRC, "CRC error", is_broken=True)


def _candidates(start: bytes) -> Iterator[bytes]:
    """What the frame may be that starts so, if it is whole."""
    function = start[1]
    if function & EXCEPTION_BIT:
        yield start[:5]
    elif function in (1, 2, 3, 4):
        if len(start) >= start[2] + 5:
            yield start[: start[2] + 5]
        yield start[:8]


def _length(start: bytes, request: Request) -> int:
    """The length of a frame that starts so, if it is the response; 0 when it cannot be one or is not there yet."""
    function = start[1]
    if function == request.function | EXCEPTION_BIT:
        return 5
    if function != request.function:
        return 0
    if function != IDENTIFY:
        return request.size + 5 if start[2] == request.size else 0
    # An identification has no byte count: its objects must be walked through.
    end = 8  # unit, function, MEI type, code, conformity, more follows, next object, number of objects
    if len(start) < end:
        return 0
    for _ in range(start[7]):
        if len(start) < end + 2:
            return 0
        end += 2 + start[end + 1]
    return end + 2
