"""The simulated devices behind one Modbus TCP endpoint: a request PDU in, a response PDU out. No sockets here."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from pumpwatch_gui.acquire.modbus.learnt.plan import MAX_BITS, MAX_REGISTERS
from pumpwatch_gui.acquire.modbus.wire.exception_codes import EXCEPTION_BIT, ExceptionCode
from pumpwatch_gui.acquire.modbus.wire.response import IDENTIFY, MEI_IDENTIFICATION, pack_bits
from pumpwatch_gui.acquire.simulator.registers import Image
from pumpwatch_gui.domain.links.register_map import BIT_FUNCTIONS

_READS = {1: ("coil", MAX_BITS), 2: ("discrete", MAX_BITS), 3: ("holding", MAX_REGISTERS), 4: ("input", MAX_REGISTERS)}
_WRITES = frozenset({5, 6, 15, 16, 22, 23})
_IDENTITY = (b"PumpWatch", b"simulated pump", b"1")


@dataclass(slots=True)
class RequestCounts:
    """What the server has seen since it started. `exceptions` counts by exception code."""

    connections: int = 0
    requests: int = 0
    refused_writes: int = 0
    malformed: int = 0
    late_refreshes: int = 0
    exceptions: dict[int, int] = field(default_factory=dict)


class Devices:
    """Units 1 to N of one endpoint. Writes are refused (exception 1) and counted: nothing changes a pump."""

    def __init__(self) -> None:
        self.images: Mapping[int, Image] = {}
        self.counts = RequestCounts()

    def respond(self, unit: int, pdu: bytes) -> bytes:
        """The response PDU; for a unit that is not there exception 11, as of a gateway."""
        self.counts.requests += 1
        image = self.images.get(unit)
        function = pdu[0]
        if image is None:
            return self._refuse(function, ExceptionCode.NO_GATEWAY_RESPONSE)
        if function in _READS:
            return self._read(image, function, pdu)
        if function == IDENTIFY:
            return self._identify(pdu)
        self.counts.refused_writes += function in _WRITES
        return self._refuse(function, ExceptionCode.ILLEGAL_FUNCTION)

    def _read(self, image: Image, function: int, pdu: bytes) -> bytes:
        table, most = _READS[function]
        if len(pdu) != 5:
            return self._refuse(function, ExceptionCode.ILLEGAL_VALUE)
        address, count = struct.unpack(">HH", pdu[1:])
        if not 1 <= count <= most:
            return self._refuse(function, ExceptionCode.ILLEGAL_VALUE)
        words = image.read(table, address, count)
        if words is None:
            return self._refuse(function, ExceptionCode.ILLEGAL_ADDRESS)
        known = [word for word in words if word is not None]
        if len(known) < count:
            return self._refuse(function, ExceptionCode.DEVICE_FAILURE)
        body = struct.pack(f">{count}H", *known) if function not in BIT_FUNCTIONS else pack_bits(known)
        return bytes((function, len(body))) + body

    def _identify(self, pdu: bytes) -> bytes:
        """Read device identification, basic (function 43, MEI type 14)."""
        if len(pdu) != 4 or pdu[1] != MEI_IDENTIFICATION:
            return self._refuse(IDENTIFY, ExceptionCode.ILLEGAL_FUNCTION)
        code, first = pdu[2], pdu[3]
        if code not in (1, 2, 3, 4):
            return self._refuse(IDENTIFY, ExceptionCode.ILLEGAL_VALUE)
        if first >= len(_IDENTITY):
            if code == 4:
                return self._refuse(IDENTIFY, ExceptionCode.ILLEGAL_ADDRESS)
            first = 0
        chosen = list(enumerate(_IDENTITY))[first : first + 1 if code == 4 else None]
        objects = b"".join(bytes((i, len(text))) + text for i, text in chosen)
        return bytes((IDENTIFY, MEI_IDENTIFICATION, code, 0x81, 0, 0, len(chosen))) + objects

    def _refuse(self, function: int, code: ExceptionCode) -> bytes:
        self.counts.exceptions[code] = self.counts.exceptions.get(code, 0) + 1
        return bytes((function | EXCEPTION_BIT, code))
