"""How a link is described: one frozen dataclass a driver. The dialogs build their forms from the field metadata."""

from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any, ClassVar


def setting(default: Any = ..., *, label: str, help: str = "", **hints: Any) -> Any:
    """A dataclass field with what a form needs: label, help and, as fits, unit, min, max, choices."""
    metadata = {"label": label, "help": help, **hints}
    return field(metadata=metadata) if default is ... else field(default=default, metadata=metadata)


def check_bounds(config: "DriverConfig") -> None:
    """Raise ValueError (`field: what is wrong`) for the first field outside its `min`, `max` or `choices`."""
    for f in fields(config):
        value, hints = getattr(config, f.name), f.metadata
        if isinstance(value, str) and hints.get("required", True) and not value.strip():
            raise ValueError(f"{f.name}: must not be empty")
        if isinstance(value, float) and not isfinite(value):
            raise ValueError(f"{f.name}: must be finite")
        low, high = hints.get("min"), hints.get("max")
        if (low is not None and value < low) or (high is not None and value > high):
            bounds = f"{low} to {high}" if high is not None else f"{low} or more"
            raise ValueError(f"{f.name}: must be {bounds}, not {value}")
        if "choices" in hints and value not in hints["choices"]:
            raise ValueError(f"{f.name}: must be one of {', '.join(map(str, hints['choices']))}, not {value!r}")


def period() -> Any:
    """The field `period_s`, the same in every driver."""
    return setting(1.0, label="Period", unit="s", min=0.05, max=3600.0, help="Seconds between two scans.")


@dataclass(frozen=True, slots=True)
class ModbusTcpConfig:
    """A Modbus TCP device, or a unit behind a gateway."""

    driver: ClassVar[str] = "modbus-tcp"

    host: str = setting(label="Host", help="Address or name of the device or gateway.")
    port: int = setting(502, label="Port", min=1, max=65535, help="TCP port; 502 is the usual one.")
    unit: int = setting(1, label="Unit", min=0, max=255, help="Unit id; 1 or 255 for most direct devices.")
    period_s: float = period()
    timeout_s: float = setting(0.5, label="Time-out", unit="s", min=0.05, max=30.0, help="Longest wait for one answer.")
    registers: str = setting("generic", label="Register map", help="Name of a shipped map, or the path of a file.")
    frozen_after: int = setting(
        0, label="Frozen after", unit="scans", min=0, max=100000,
        help="Values are doubtful after so many scans in which not one register changed; 0 turns this off.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Check every field against its bounds."""
        check_bounds(self)

    @property
    def endpoint(self) -> str:
        """Where it is, for people."""
        return f"{self.host}:{self.port} unit {self.unit}"


@dataclass(frozen=True, slots=True)
class ReplayConfig:
    """A recording, played as if it were live."""

    driver: ClassVar[str] = "replay"

    file: str = setting(label="File", help="CSV with a time column and the profile's tags.", path=True)
    speed: float = setting(1.0, label="Speed", unit="×", min=0.01, max=1000.0, help="1 keeps the recording's own pace.")
    loop: bool = setting(True, label="Repeat", help="Start again at the end.")
    period_s: float = period()

    def __post_init__(self) -> None:
        """Check every field against its bounds."""
        check_bounds(self)

    @property
    def endpoint(self) -> str:
        """Where it is, for people."""
        return self.file


BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
"""Speeds of serial lines, bit/s."""


@dataclass(frozen=True, slots=True)
class SerialLineConfig:
    """A device that prints its values as text lines: a microcontroller, a data logger, an instrument."""

    driver: ClassVar[str] = "serial-line"

    device: str = setting(label="Port", help="Serial device, such as /dev/ttyUSB0 or COM3.", port=True)
    baud: int = setting(9600, label="Speed", unit="baud", choices=BAUDS, help="As the device is set.")
    parity: str = setting("N", label="Parity", choices=("N", "E", "O"), help="None, even or odd.")
    stop_bits: int = setting(1, label="Stop bits", choices=(1, 2), help="1 for almost all devices.")
    format: str = setting(
        "json", label="Format", choices=("json", "csv", "kv", "nmea"),
        help="JSON object, comma-separated values, label:value pairs, or $NAME,value,value.",
    )  # fmt: skip
    columns: tuple[str, ...] = setting(
        (), label="Columns",
        help="What a line brings, by tags, in order; other names are passed over. Empty: every tag of the profile, "
        "or the CSV header that the device sends.",
    )  # fmt: skip
    checksum: str = setting(
        "if-present", label="Checksum", choices=("if-present", "required", "nmea", "none"),
        help="At the end of a line: *HH (XOR) or *HHHH (CRC-16/MODBUS); nmea: *HH, required.",
    )  # fmt: skip
    period_s: float = period()
    frozen_after: int = setting(
        0, label="Frozen after", unit="lines", min=0, max=100000,
        help="Values are doubtful after so many equal lines in a row; 0 turns this off.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Check every field against its bounds."""
        check_bounds(self)
        names = [name.strip().lower() for name in self.columns]
        if not all(names) or len(set(names)) < len(names):
            raise ValueError("columns: every name must be there, and only once")

    @property
    def endpoint(self) -> str:
        """Where it is, for people."""
        return self.device


DriverConfig = ModbusTcpConfig | SerialLineConfig | ReplayConfig
"""Every driver's description; each has `driver`, `period_s` and `endpoint`."""
