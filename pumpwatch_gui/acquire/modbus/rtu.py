"""Modbus RTU frames: where the answer to a request stands among the bytes of a line. Pure: bytes in, verdict out.

A frame on a line has neither a length nor a transaction id. So the answer is looked for by all that is known about
it (unit, function, byte count, CRC) wherever it starts: noise, an echo or a foreign frame before it do no harm.
"""

from functools import reduce

from pumpwatch_gui.acquire.modbus.response import IDENTIFY, Adu, Request, mismatch

SHORTEST = 4
LONGEST = 256


def _table_row(byte: int) -> int:
    return reduce(lambda crc, _: crc >> 1 ^ (0xA001 if crc & 1 else 0), range(8), byte)


_TABLE = tuple(_table_row(byte) for byte in range(256))


def crc16(frame: bytes) -> bytes:
    """The two check bytes of a frame, as they travel (low byte first)."""
    crc = 0xFFFF
    for byte in frame:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, "little")


def sealed(unit: int, pdu: bytes) -> bytes:
    """A whole frame."""
    frame = bytes((unit,)) + pdu
    return frame + crc16(frame)


def is_sealed(frame: bytes) -> bool:
    """Whether the check bytes at the end fit."""
    return len(frame) >= SHORTEST and crc16(frame[:-2]) == frame[-2:]


def find(received: bytes, request: Request, sent: bytes) -> Adu | None:
    """The answer to what was asked, wherever in the bytes it starts; None as long as it is not there whole.

    `sent` is the request: its echo is no answer, even where it would pass for one.
    """
    for start in range(len(received) - SHORTEST):
        if received[start] != request.unit:
            continue
        frame = received[start : start + _length(received[start : start + LONGEST], request)]
        if frame != sent and is_sealed(frame):
            adu = Adu(request.transaction, frame[0], frame[1:-2])
            if not mismatch(adu, request)[0]:
                return adu
    return None


def check_response(received: bytes, request: Request, sent: bytes) -> tuple[str, str]:
    """(kind, why) of bytes without an answer after which the line fell silent."""
    rest = received.removeprefix(sent)
    if not rest:
        return "timeout", "only the echo of the request came back"
    for end in range(SHORTEST, min(len(rest), LONGEST) + 1):
        if is_sealed(rest[:end]):
            kind, why = mismatch(Adu(request.transaction, rest[0], rest[1 : end - 2]), request)
            return kind or "refused", why or "the echo of the request"
    due = request.size + 5
    if request.function != IDENTIFY and len(rest) < due and rest[1:2] != bytes((request.function | 0x80,)):
        return "length", f"{len(rest)} bytes instead of {due}"
    return "crc", "CRC error"


def _length(start: bytes, request: Request) -> int:
    """How long a frame that starts so must be, if it is the answer; 0 when it cannot be one or is not there yet."""
    function = start[1]
    if function == request.function | 0x80:
        return 5
    if function != request.function:
        return 0
    if function != IDENTIFY:
        return request.size + 5 if start[2] == request.size else 0
    end = 8  # unit, function, MEI type, code, conformity, more follows, next object, number of objects
    if len(start) < end:
        return 0
    for _ in range(start[7]):
        if len(start) < end + 2:
            return 0
        end += 2 + start[end + 1]
    return end + 2
