"""CRC-16/MODBUS: of RTU frames and of text lines that end in `*HHHH`."""

from functools import reduce

_POLYNOMIAL = 0xA001  # 0x8005, reflected


def _table_row(byte: int) -> int:
    return reduce(lambda crc, _: crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0), range(8), byte)


_TABLE = tuple(_table_row(byte) for byte in range(256))


def crc16(content: bytes) -> int:
    """The checksum (0-65535), start value 0xFFFF; of b"123456789" it is 0x4B37. A frame carries its low byte first."""
    crc = 0xFFFF
    for byte in content:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc
