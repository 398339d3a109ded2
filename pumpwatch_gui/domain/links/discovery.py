"""What is found on the way to a device before it is a link: scanned places, serial ports, the outcome of a trial."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from pumpwatch_gui.domain.links.config import ModbusConfig
from pumpwatch_gui.domain.values.frame import Frame


class ScanOutcome(Enum):
    """What a place that was scanned did."""

    RESPONDED = "responded"
    EXCEPTION = "exception"  # a device that does not have this register
    GARBLED = "garbled"  # bytes came that are no response: a wrong speed, another protocol, two devices at once
    SILENT = "silent"
    OPEN = "open"  # a port that takes connections and gives no Modbus response
    CLOSED = "closed"

    @property
    def is_there(self) -> bool:
        """Whether a Modbus device responded."""
        return self in (ScanOutcome.RESPONDED, ScanOutcome.EXCEPTION)


@dataclass(frozen=True, slots=True)
class Found:
    """One place that was scanned: `config` reaches it (None: no driver does); `response_ms` is NaN without response."""

    place: str
    outcome: ScanOutcome
    text: str
    config: ModbusConfig | None = None
    response_ms: float = float("nan")


Progress = Callable[[int, int, Found | None], None]
"""Called with (done, of how many, what was found last) on the scanning thread."""


@dataclass(frozen=True, slots=True)
class LinkTest:
    """The outcome of one connection and one scan in words, with the values when there were any."""

    ok: bool
    text: str
    advice: str = ""
    frame: Frame | None = None


@dataclass(frozen=True, slots=True)
class SerialPort:
    """A serial port. `vid` and `pid` are the USB ids (None: not on USB); texts are empty where not known.

    Names such as COM3 or ttyUSB0 may change at the next start; `identity` does not.
    """

    device: str
    description: str = ""
    vid: int | None = None
    pid: int | None = None
    serial_number: str = ""
    location: str = ""

    @property
    def identity(self) -> str:
        """What stays the same when the adapter is plugged in again: `0403:6001 FT1A2B3C`; empty when not on USB.

        Cheap adapters (CH340) have no serial number: then it is the socket that they are plugged into.
        """
        if self.vid is None or self.pid is None:
            return ""
        return f"{self.vid:04X}:{self.pid:04X} {self.serial_number or self.location}".strip()

    @property
    def label(self) -> str:
        """One line for a list."""
        return " · ".join(x for x in (self.device, self.description, self.identity) if x)
