"""What a Modbus answer must look like before its values count. Pure: bytes in, verdict out."""

from dataclasses import dataclass

IDENTIFY = 0x2B
"""Function code of "read device identification" (with MEI type 14), the only one besides 1-4 that is ever sent."""
HEADER = 7
LONGEST = 254
"""Largest length field of a Modbus TCP frame: unit, function and 252 more bytes."""


@dataclass(frozen=True, slots=True)
class Request:
    """The request in flight."""

    transaction: int
    unit: int
    function: int
    count: int

    @property
    def size(self) -> int:
        """Bytes of values that the answer must bring (of an identification: unknown, 0)."""
        if self.function == IDENTIFY:
            return 0
        return -(-self.count // 8) if self.function in (1, 2) else 2 * self.count


@dataclass(frozen=True, slots=True)
class Adu:
    """One whole Modbus TCP frame. `pdu` starts at the function code; it has at least one byte."""

    transaction: int
    unit: int
    pdu: bytes


def cut(received: bytes) -> tuple[Adu | None, int, str]:
    """The first frame of what was received, its length in bytes, and what makes it no Modbus TCP ("" if nothing).

    Without a whole frame the first two are None and 0: more may come, unless the third says that it is hopeless.
    """
    protocol, length = int.from_bytes(received[2:4]), int.from_bytes(received[4:6])
    if len(received) >= 4 and protocol:
        return None, 0, f"protocol id {protocol} instead of 0"
    if len(received) >= 6 and not 2 <= length <= LONGEST:
        return None, 0, f"length {length} in the header"
    if len(received) < HEADER or len(received) < 6 + length:
        return None, 0, ""
    end = 6 + length
    return Adu(int.from_bytes(received[:2]), received[6], received[HEADER:end]), end, ""


def mismatch(adu: Adu, request: Request) -> tuple[str, str]:
    """(kind, why) a frame is no answer to what was asked; two empty texts when it is one, be it values or an exception.

    The kind is what the counters count: `length` for short and long answers, `refused` for all else.
    """
    function = adu.pdu[0]
    if adu.transaction != request.transaction:
        return "refused", f"transaction id {adu.transaction} instead of {request.transaction}"
    if adu.unit != request.unit:
        return "refused", f"unit {adu.unit} instead of {request.unit}"
    if function == request.function | 0x80:
        wrong = len(adu.pdu) != 2
        return ("length", f"exception answer of {len(adu.pdu)} bytes instead of 2") if wrong else ("", "")
    if function != request.function:
        return "refused", f"function {function} instead of {request.function}"
    if function == IDENTIFY:
        return ("", "") if adu.pdu[1:2] == b"\x0e" else ("refused", "no device identification")
    if len(adu.pdu) < 2 or adu.pdu[1] != request.size:
        return "length", f"byte count {adu.pdu[1] if len(adu.pdu) > 1 else 'missing'} instead of {request.size}"
    if len(adu.pdu) != request.size + 2:
        return "length", f"{len(adu.pdu) - 2} bytes of values instead of {request.size}"
    return "", ""
