"""Settings of a device that prints text lines."""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from typing_extensions import override

from pumpwatch_gui.domain.links.config import SerialPlace, baud_rate, check_bounds, period, setting


class LineFormat(Enum):
    """How values are written in a line."""

    JSON = "json"
    CSV = "csv"
    KV = "kv"
    NMEA = "nmea"


class ChecksumRule(Enum):
    """What is required of the checksum at the end of a line."""

    IF_PRESENT = "if-present"
    REQUIRED = "required"
    NMEA = "nmea"  # required, and only as NMEA 0183 has it: *HH
    NONE = "none"  # not checked


@dataclass(frozen=True, slots=True)
class SerialLineConfig(SerialPlace):
    """A device that prints its values as text lines: a microcontroller, a data logger, an instrument."""

    driver: ClassVar[str] = "serial-line"

    baud: int = baud_rate(9600)
    format: str = setting(
        LineFormat.JSON.value, label="Format", choices=tuple(f.value for f in LineFormat),
        help="JSON object, comma-separated values, label:value pairs, or $NAME,value,value.",
    )  # fmt: skip
    columns: tuple[str, ...] = setting(
        (), label="Columns",
        help="What a line brings, by tags, in order; other names are passed over. Empty: every tag of the profile, "
        "or the CSV header that the device sends.",
    )  # fmt: skip
    checksum: str = setting(
        ChecksumRule.IF_PRESENT.value, label="Checksum", choices=tuple(r.value for r in ChecksumRule),
        help="At the end of a line: *HH (XOR) or *HHHH (CRC-16/MODBUS); nmea: *HH, required.",
    )  # fmt: skip
    period_s: float = period()
    frozen_after: int = setting(
        0, label="Frozen after", unit="lines", min=0, max=100000,
        help="Values are doubtful after so many equal lines in a row; 0 turns this off.",
    )  # fmt: skip

    @override
    def __post_init__(self) -> None:
        """Check every field; each column must have a name of its own."""
        check_bounds(self)  # not super(): slots=True makes a second class, and super() would mean the first
        names = [name.strip().lower() for name in self.columns]
        if not all(names) or len(set(names)) < len(names):
            raise ValueError("columns: every name must be there, and only once")

    @property
    @override
    def endpoint(self) -> str:
        """The port."""
        return self.device
