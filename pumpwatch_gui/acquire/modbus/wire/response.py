"""What a Modbus response must be before its values count. Pure: bytes in, refusal or values out."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from pumpwatch_gui.acquire.links.fault import FaultKind
from pumpwatch_gui.acquire.modbus.wire.exception_codes import EXCEPTION_BIT
from pumpwatch_gui.domain.links.line_budget import value_bytes

IDENTIFY = 0x2B
"""Function code of "read device identification" (with MEI type 14), the only one besides 1-4 that is ever sent."""
MEI_IDENTIFICATION = 0x0E
HEADER = 7
LONGEST = 254
"""Largest length field of a Modbus TCP frame: unit, function and 252 more bytes."""
WHATEVER_UNITS = (0, 255)
"""Units by which devices without a unit of their own respond, whatever unit was requested."""


class NotModbusError(Exception):
    """Bytes that are no Modbus TCP: where its next frame starts cannot be known."""


@dataclass(frozen=True, slots=True)
class Request:
    """The request in flight."""

    transaction: int
    unit: int
    function: int
    count: int
    register_bytes: int = 2

    @property
    def size(self) -> int:
        """Bytes of values that the response must bring (of an identification: unknown, 0)."""
        return 0 if self.function == IDENTIFY else value_bytes(self.function, self.count, self.register_bytes)

    @property
    def shape(self) -> tuple[int, int, int]:
        """All that a response without transaction id says of it."""
        return self.unit, self.function, self.count


class Adu(NamedTuple):
    """One whole Modbus TCP frame. `pdu` starts at the function code; it has at least one byte."""

    transaction: int
    unit: int
    pdu: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why bytes are not the response to a request. `kind` is what the counters count.

    `tolerance`: the deviation that the setting `tolerate` could let pass, since it cannot change a value; "" for none.
    `is_short`: it has fewer values than were requested. `is_broken`: it is what noise has left of a response.
    """

    kind: FaultKind
    why: str
    tolerance: str = ""
    is_short: bool = False
    is_broken: bool = False


def cut(received: bytes) -> tuple[Adu, int] | None:
    """The first frame of what was received and its length in bytes; None while it is not whole.

    Raises NotModbusError when its header cannot be one.
    """
    protocol, length = int.from_bytes(received[2:4]), int.from_bytes(received[4:6])
    if len(received) >= 4 and protocol:
        raise NotModbusError(f"protocol id {protocol} instead of 0")
    if len(received) >= 6 and not 2 <= length <= LONGEST:
        raise NotModbusError(f"length {length} in the header")
    if len(received) < HEADER or len(received) < 6 + length:
        return None
    end = 6 + length
    return Adu(int.from_bytes(received[:2]), received[6], received[HEADER:end]), end


def cut_by_content(received: bytes, request: Request) -> tuple[Adu, int] | None:
    """The response to the request at the start of what was received, and its length, whatever length its header says.

    Transaction, protocol, unit, function and byte count must fit, and every byte must be there.
    """
    end = HEADER + 2 + request.size
    if not request.size or len(received) < end or int.from_bytes(received[2:4]):
        return None
    adu = Adu(int.from_bytes(received[:2]), received[6], received[HEADER:end])
    return (adu, end) if mismatch(adu, request) is None else None


def mismatch(adu: Adu, request: Request, tolerated: Collection[str] = ()) -> Refusal | None:
    """Why a frame is not the response to the request; None when it is, be it values or an exception."""
    refusal = _wrong_sender(adu, request)
    if refusal is not None and refusal.tolerance not in tolerated:
        return refusal
    if adu.pdu[0] == request.function | EXCEPTION_BIT:
        if len(adu.pdu) != 2:
            return Refusal(FaultKind.LENGTH, f"exception response of {len(adu.pdu)} bytes instead of 2")
        return None
    if request.function == IDENTIFY:
        is_identity = adu.pdu[1:2] == bytes((MEI_IDENTIFICATION,))
        return None if is_identity else Refusal(FaultKind.REFUSED, "no device identification")
    size = request.size
    if len(adu.pdu) < 2 or adu.pdu[1] != size:
        count = adu.pdu[1] if len(adu.pdu) > 1 else "missing"
        is_double = len(adu.pdu) > 1 and _is_double(adu, request)
        form = "; four bytes a register? (register_bytes = 4 in the map)" if is_double else ""
        is_short = len(adu.pdu) > 1 and adu.pdu[1] < size and not form
        return Refusal(FaultKind.LENGTH, f"byte count {count} instead of {size}{form}", is_short=is_short)
    # pymodbus 3.16 decodes by the byte count alone and ignores bytes that are left over or missing.
    if len(adu.pdu) != size + 2:
        return Refusal(FaultKind.LENGTH, f"{len(adu.pdu) - 2} bytes of values instead of {size}")
    return None


def _is_double(adu: Adu, request: Request) -> bool:
    """Whether it announces four bytes a register; the byte count may have run over."""
    return request.function in (3, 4) and adu.pdu[1] == 2 * request.size % 256


def _wrong_sender(adu: Adu, request: Request) -> Refusal | None:
    if adu.pdu[0] & ~EXCEPTION_BIT != request.function:
        return Refusal(FaultKind.REFUSED, f"function {adu.pdu[0]} instead of {request.function}")
    if adu.transaction != request.transaction:
        tolerance = "" if adu.transaction else "transaction"
        return Refusal(
            FaultKind.REFUSED, f"transaction id {adu.transaction} instead of {request.transaction}", tolerance
        )
    if adu.unit != request.unit:
        tolerance = "unit" if adu.unit in WHATEVER_UNITS else ""
        return Refusal(FaultKind.REFUSED, f"unit {adu.unit} instead of {request.unit}", tolerance)
    return None


def unpack_bits(packed: bytes, count: int) -> list[int]:
    """The first `count` bits, as 0 and 1. Coils travel with the lowest address in the lowest bit."""
    return [packed[i // 8] >> (i % 8) & 1 for i in range(count)]


def pack_bits(bits: list[int]) -> bytes:
    """The inverse of `unpack_bits`; the last byte is filled up with 0."""
    packed = bytearray(-(-len(bits) // 8))
    for i, bit in enumerate(bits):
        packed[i // 8] |= bool(bit) << (i % 8)
    return bytes(packed)
