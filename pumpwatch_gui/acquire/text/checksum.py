"""The checksum at the end of a text line: `*HH` (XOR, as in NMEA 0183) or `*HHHH` (CRC-16/MODBUS)."""

import re
from functools import reduce
from operator import xor

from pumpwatch_gui.acquire.crc16 import crc16
from pumpwatch_gui.acquire.text.config import ChecksumRule
from pumpwatch_gui.acquire.text.refusal import DropReason, LineRefused

_TAIL = re.compile(r"(.*)\*([0-9A-Fa-f]{4}|[0-9A-Fa-f]{2})", re.DOTALL)


def xor_of(text: str) -> int:
    """XOR of all characters, 0-255: NMEA 0183's checksum."""
    return reduce(xor, text.encode("ascii"), 0)


class ChecksumCheck:
    """Takes the checksum off each line of one link.

    Under IF_PRESENT a device that has sent one good checksum must send it with every line from then on: a line that
    lost its end is then noticed.
    """

    def __init__(self, rule: ChecksumRule) -> None:
        self._rule = rule
        self._is_needed = rule in (ChecksumRule.REQUIRED, ChecksumRule.NMEA)

    def strip(self, line: str) -> str:
        """The line without its checksum. Raises LineRefused when that is missing or wrong."""
        found = _TAIL.fullmatch(line)
        if found is None:
            if self._is_needed:
                raise LineRefused(DropReason.NO_CHECKSUM, "the line has no checksum")
            if "*" in line and self._rule is not ChecksumRule.NONE:
                raise LineRefused(DropReason.CHECKSUM, "the checksum is incomplete")
            return line
        body, sent = found[1], found[2]
        if self._rule is ChecksumRule.NONE:
            return body
        if self._rule is ChecksumRule.NMEA and len(sent) != 2:
            raise LineRefused(DropReason.CHECKSUM, f"the checksum *{sent} is not of two digits")
        summed = body.removeprefix("$")  # NMEA 0183 sums what is between $ and *, without either
        expected = xor_of(summed) if len(sent) == 2 else crc16(summed.encode("ascii"))
        if int(sent, 16) != expected:
            text = f"the checksum is *{sent} and should be *{expected:0{len(sent)}X}"
            raise LineRefused(DropReason.CHECKSUM, text)
        self._is_needed = self._is_needed or self._rule is ChecksumRule.IF_PRESENT
        return body
