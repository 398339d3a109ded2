"""Serial ports of this computer, and what identifies an adapter."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Port:
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


def list_ports() -> tuple[Port, ...]:
    """Every serial port that the system lists, sorted by device (numbers by their size).

    pyserial lists no pseudo-terminals and no symbolic links. It may take seconds on Windows: never on the GUI thread.
    """
    from serial.tools import list_ports as system

    return tuple(sorted(map(port_of, system.comports()), key=lambda p: _natural(p.device)))


def serial_ports() -> list[str]:
    """The device names alone, in the same order."""
    return [port.device for port in list_ports()]


def port_of(found: Any) -> Port:
    """A `Port` of pyserial's own record, in which any field may be None or "n/a"."""
    texts = {
        key: "" if value is None or str(value).strip().lower() == "n/a" else str(value).strip()
        for key in ("description", "serial_number", "location")
        for value in (getattr(found, key, None),)
    }
    # Where a driver names nothing, Linux gives the device's own name as its description.
    if texts["description"] == str(found.device).rpartition("/")[2]:
        texts["description"] = ""
    return Port(str(found.device), vid=found.vid, pid=found.pid, **texts)


def _natural(device: str) -> tuple[str, int, str]:
    stem = device.rstrip("0123456789")
    digits = device[len(stem) :]
    return stem, int(digits or 0), device
