"""The checksum at the end of a text line: `*HH` (XOR, as in NMEA 0183) or `*HHHH` (CRC-16/MODBUS)."""

import re
from functools import reduce
from operator import xor

CHECKSUMS = ("if-present", "required", "nmea", "none")
"""How a link wants it: `nmea` is the XOR and required, `none` does not look at it."""

_TAIL = re.compile(r"(.*)\*([0-9A-Fa-f]{4}|[0-9A-Fa-f]{2})", re.DOTALL)


class LineRefused(Exception):  # noqa: N818 - the word for a line that is not believed
    """A line that is not believed. `kind` is what the counters count, `why` the words."""

    def __init__(self, kind: str, why: str) -> None:
        super().__init__(why)
        self.kind, self.why = kind, why


def xor_of(text: str) -> int:
    """XOR of all characters, 0-255: NMEA 0183's checksum."""
    return reduce(xor, text.encode("ascii"), 0)


def crc16_of(text: str) -> int:
    """CRC-16/MODBUS: polynomial 0x8005 reflected, start 0xFFFF; of "123456789" it is 0x4B37."""
    crc = 0xFFFF
    for byte in text.encode("ascii"):
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


class ChecksumCheck:
    """Takes the checksum off each line of one link.

    Under `if-present` a device that has sent one good checksum must send it with every line from then on: a line
    that lost its tail is then seen.
    """

    def __init__(self, rule: str) -> None:
        self._rule = rule
        self._is_needed = rule in ("required", "nmea")

    def strip(self, line: str) -> str:
        """The line without its checksum. Raises LineRefused when that is missing or wrong.

        A leading `$` is not part of what is summed.
        """
        found = _TAIL.fullmatch(line)
        if found is None:
            if self._is_needed:
                raise LineRefused("no checksum", "the line has no checksum")
            if "*" in line and self._rule != "none":
                raise LineRefused("checksum", "the checksum is incomplete")
            return line
        body, sent = found[1], found[2]
        if self._rule == "none":
            return body
        if self._rule == "nmea" and len(sent) != 2:
            raise LineRefused("checksum", f"the checksum *{sent} is not of two digits")
        summed = body.removeprefix("$")
        expected = xor_of(summed) if len(sent) == 2 else crc16_of(summed)
        if int(sent, 16) != expected:
            raise LineRefused("checksum", f"the checksum is *{sent} and should be *{expected:0{len(sent)}X}")
        self._is_needed = self._is_needed or self._rule == "if-present"
        return body
