"""Modbus exception codes."""

from enum import IntEnum


class ExceptionCode(IntEnum):
    """The codes of Modbus Application Protocol 1.1b3, chapter 7."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3
    DEVICE_FAILURE = 4
    ACKNOWLEDGE = 5
    BUSY = 6
    MEMORY_PARITY = 8
    NO_GATEWAY_PATH = 10
    NO_GATEWAY_RESPONSE = 11


UNIT_SILENT = frozenset({ExceptionCode.NO_GATEWAY_PATH, ExceptionCode.NO_GATEWAY_RESPONSE})
"""Those by which a gateway reports that the unit behind it does not respond."""
EXCEPTION_BIT = 0x80
"""Set in the function code of an exception response."""
