"""Modbus traffic in words: `unit 7: read 2 holding registers from 0`. Pure, and without pymodbus."""

import struct

from pumpwatch_gui.acquire.modbus.wire.response import IDENTIFY, NotModbusError, cut, unpack_bits
from pumpwatch_gui.acquire.modbus.wire.rtu import is_sealed
from pumpwatch_gui.domain.links.register_map import BIT_FUNCTIONS

_TABLES = {1: "coils", 2: "discrete inputs", 3: "holding registers", 4: "input registers"}


def mbap_text(sent: bool, content: bytes) -> str:
    """A piece of Modbus TCP traffic; read as a request when `sent`."""
    try:
        found = cut(content)
    except NotModbusError:
        found = None
    if found is None or found[1] < len(content):
        return _no_frame(content)
    return _words(found[0].unit, found[0].pdu, sent=sent)


def rtu_text(sent: bool, content: bytes) -> str:
    """A piece of Modbus RTU traffic; read as a request when `sent`."""
    return _words(content[0], content[1:-2], sent=sent) if is_sealed(content) else _no_frame(content)


def _no_frame(content: bytes) -> str:
    return f"{len(content)} bytes that are no whole frame"


def _words(unit: int, pdu: bytes, *, sent: bool) -> str:
    return f"unit {unit}: {_of_request(pdu) if sent else _of_response(pdu)}"


def _of_request(pdu: bytes) -> str:
    if pdu[0] == IDENTIFY:
        return "read device identification"
    if pdu[0] in _TABLES and len(pdu) == 5:
        address, count = struct.unpack(">HH", pdu[1:])
        return f"read {count} {_TABLES[pdu[0]]} from {address}"
    return _unknown(pdu)


def _of_response(pdu: bytes) -> str:
    function, body = pdu[0], pdu[1:]
    if function & 0x80:
        return f"exception {body[0] if body else '?'} to function {function & 0x7F}"
    if function == IDENTIFY:
        return f"identification, {len(body)} bytes"
    if function not in _TABLES:
        return _unknown(pdu)
    if not body or len(body) - 1 != body[0]:
        return f"{_TABLES[function]}: {max(len(body) - 1, 0)} bytes where {body[0] if body else '?'} were announced"
    values = body[1:]
    if function in BIT_FUNCTIONS:
        return f"{_TABLES[function]}: " + "".join(map(str, unpack_bits(values, 8 * len(values))))
    return f"{_TABLES[function]}: " + " ".join(str(int.from_bytes(values[i : i + 2])) for i in range(0, len(values), 2))


def _unknown(pdu: bytes) -> str:
    return f"function {pdu[0]}, {len(pdu) - 1} bytes"
