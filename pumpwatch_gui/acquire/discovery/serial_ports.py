"""Serial ports of this computer, and what identifies an adapter."""

from typing import Any

from pumpwatch_gui.domain.links.discovery import SerialPort


def list_ports() -> tuple[SerialPort, ...]:
    """Every serial port that the system lists, sorted by device (numbers by their size).

    pyserial lists no pseudo-terminals and no symbolic links. It may take seconds on Windows: never on the GUI thread.
    """
    from serial.tools import list_ports as system

    return tuple(sorted(map(port_of, system.comports()), key=lambda p: _natural(p.device)))


def port_of(found: Any) -> SerialPort:
    """A `SerialPort` of pyserial's own record, in which any field may be None or "n/a"."""
    texts = {
        key: "" if value is None or str(value).strip().lower() == "n/a" else str(value).strip()
        for key in ("description", "serial_number", "location")
        for value in (getattr(found, key, None),)
    }
    # Where a driver names nothing, Linux gives the device's own name as its description.
    if texts["description"] == str(found.device).rpartition("/")[2]:
        texts["description"] = ""
    return SerialPort(str(found.device), vid=found.vid, pid=found.pid, **texts)


def _natural(device: str) -> tuple[str, int, str]:
    stem = device.rstrip("0123456789")
    digits = device[len(stem) :]
    return stem, int(digits or 0), device
