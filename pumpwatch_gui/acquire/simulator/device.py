"""The simulated devices behind one Modbus TCP endpoint: a request PDU in, an answer PDU out. No sockets here."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from pumpwatch_gui.acquire.simulator.registers import Image

ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3
DEVICE_FAILURE = 4
TARGET_FAILED_TO_RESPOND = 11

_READS = {1: ("coil", 2000), 2: ("discrete", 2000), 3: ("holding", 125), 4: ("input", 125)}
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

    def answer(self, unit: int, pdu: bytes) -> bytes:
        """The answer PDU; a unit that is not there gets exception 11, as a gateway gives."""
        self.counts.requests += 1
        image = self.images.get(unit)
        function = pdu[0]
        if image is None:
            return self._refuse(function, TARGET_FAILED_TO_RESPOND)
        if function in _READS:
            return self._read(image, function, pdu)
        if function == 0x2B:
            return self._identify(pdu)
        self.counts.refused_writes += function in _WRITES
        return self._refuse(function, ILLEGAL_FUNCTION)

    def _read(self, image: Image, function: int, pdu: bytes) -> bytes:
        table, most = _READS[function]
        if len(pdu) != 5:
            return self._refuse(function, ILLEGAL_VALUE)
        address, count = struct.unpack(">HH", pdu[1:])
        if not 1 <= count <= most:
            return self._refuse(function, ILLEGAL_VALUE)
        words = image.read(table, address, count)
        if words is None:
            return self._refuse(function, ILLEGAL_ADDRESS)
        known = [word for word in words if word is not None]
        if len(known) < count:
            return self._refuse(function, DEVICE_FAILURE)
        body = struct.pack(f">{count}H", *known) if function > 2 else _bits(known)
        return bytes((function, len(body))) + body

    def _identify(self, pdu: bytes) -> bytes:
        """Read device identification, basic (function 43, MEI type 14)."""
        if len(pdu) != 4 or pdu[1] != 0x0E:
            return self._refuse(0x2B, ILLEGAL_FUNCTION)
        code, first = pdu[2], pdu[3]
        if code not in (1, 2, 3, 4):
            return self._refuse(0x2B, ILLEGAL_VALUE)
        if first >= len(_IDENTITY):
            if code == 4:
                return self._refuse(0x2B, ILLEGAL_ADDRESS)
            first = 0
        chosen = list(enumerate(_IDENTITY))[first : first + 1 if code == 4 else None]
        objects = b"".join(bytes((i, len(text))) + text for i, text in chosen)
        return bytes((0x2B, 0x0E, code, 0x81, 0, 0, len(chosen))) + objects

    def _refuse(self, function: int, code: int) -> bytes:
        self.counts.exceptions[code] = self.counts.exceptions.get(code, 0) + 1
        return bytes((function | 0x80, code))


def _bits(values: list[int]) -> bytes:
    """Bits packed least significant first, as coils travel."""
    packed = bytearray((len(values) + 7) // 8)
    for i, value in enumerate(values):
        packed[i // 8] |= bool(value) << (i % 8)
    return bytes(packed)
