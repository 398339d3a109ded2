"""How a link is described: one frozen dataclass a driver. The dialogs build their forms from the field metadata."""

from dataclasses import dataclass, field, fields
from ipaddress import ip_address
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


PUBLIC_ADVICE = "Modbus has no protection of its own: reach the device through the plant's network or a VPN"


def is_public(host: str) -> bool:
    """Whether a host is given by an address of the Internet. A name tells nothing: False."""
    try:
        return ip_address(host.strip("[]")).is_global
    except ValueError:
        return False


def period() -> Any:
    """The field `period_s`, the same in every driver."""
    return setting(1.0, label="Period", unit="s", min=0.05, max=3600.0, help="Seconds between two scans.")


def unit(low: int = 0, high: int = 255) -> Any:
    """The field `unit` of every Modbus driver."""
    return setting(1, label="Unit", min=low, max=high, help="Unit id; 1 or 255 for most direct devices.")


def time_out() -> Any:
    """The field `timeout_s` of every Modbus driver."""
    return setting(0.5, label="Time-out", unit="s", min=0.05, max=30.0, help="Longest wait for one answer.")


def registers() -> Any:
    """The field `registers` of every Modbus driver."""
    return setting("generic", label="Register map", help="Name of a shipped map, or the path of a file.")


def frozen_after() -> Any:
    """The field `frozen_after` of every Modbus driver."""
    return setting(
        0, label="Frozen after", unit="scans", min=0, max=100000,
        help="Values are doubtful after so many scans in which not one register changed; 0 turns this off.",
    )  # fmt: skip


def heartbeat() -> Any:
    """The field `heartbeat` of every Modbus driver."""
    return setting(
        -1, label="Heartbeat register", min=-1, max=65535,
        help="Wire address of a holding register that the device keeps counting: if it stands still the device has "
        "frozen, whatever else moves; -1 means that there is none.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModbusTcpConfig:
    """A Modbus TCP device, or a unit behind a gateway."""

    driver: ClassVar[str] = "modbus-tcp"
    max_gap: ClassVar[int] = 8  # registers read for nothing rather than asked for apart

    host: str = setting(label="Host", help="Address or name of the device or gateway.")
    port: int = setting(502, label="Port", min=1, max=65535, help="TCP port; 502 is the usual one.")
    unit: int = unit()
    period_s: float = period()
    timeout_s: float = time_out()
    registers: str = registers()
    frozen_after: int = frozen_after()
    heartbeat: int = heartbeat()

    def __post_init__(self) -> None:
        """Check every field against its bounds."""
        check_bounds(self)

    @property
    def endpoint(self) -> str:
        """Where it is, for people."""
        return f"{self.host}:{self.port} unit {self.unit}"


@dataclass(frozen=True, slots=True)
class ModbusRtuTcpConfig:
    """A unit behind a transparent serial gateway: RTU frames through a TCP connection."""

    driver: ClassVar[str] = "modbus-rtu-over-tcp"
    max_gap: ClassVar[int] = 4  # registers read for nothing rather than asked for apart

    host: str = setting(label="Host", help="Address or name of the gateway.")
    port: int = setting(502, label="Port", min=1, max=65535, help="TCP port of the gateway's serial line.")
    unit: int = unit(1, 247)
    period_s: float = period()
    timeout_s: float = time_out()
    registers: str = registers()
    frozen_after: int = frozen_after()
    heartbeat: int = heartbeat()

    def __post_init__(self) -> None:
        """Check every field against its bounds."""
        check_bounds(self)

    @property
    def endpoint(self) -> str:
        """Where it is, for people."""
        return f"{self.host}:{self.port} (RTU) unit {self.unit}"


@dataclass(frozen=True, slots=True)
class ModbusRtuConfig:
    """A unit on a serial line. All units of one device share the line and its settings."""

    driver: ClassVar[str] = "modbus-rtu"
    max_gap: ClassVar[int] = 4  # registers read for nothing rather than asked for apart

    device: str = setting(label="Device", port=True, help="Serial port, as /dev/ttyUSB0, /dev/serial/by-id/… or COM3.")
    baud: int = setting(19200, label="Baud", unit="bit/s", min=300, max=4000000, help="Speed of the whole line.")
    parity: str = setting("N", label="Parity", choices=("N", "E", "O"), help="None, even or odd.")
    stop_bits: int = setting(1, label="Stop bits", choices=(1, 2), help="1, or 2 as some devices have without parity.")
    unit: int = unit(1, 247)
    period_s: float = period()
    timeout_s: float = time_out()
    registers: str = registers()
    frozen_after: int = frozen_after()
    heartbeat: int = heartbeat()

    def __post_init__(self) -> None:
        """Check every field against its bounds."""
        check_bounds(self)

    @property
    def endpoint(self) -> str:
        """Where it is, for people."""
        return f"{self.device} {self.line} unit {self.unit}"

    @property
    def line(self) -> str:
        """The settings that all links of one device must agree on, as `19200 8N1`."""
        return f"{self.baud} 8{self.parity}{self.stop_bits}"

    @property
    def character_s(self) -> float:
        """Seconds that one character takes on the wire."""
        return (9 + (self.parity != "N") + self.stop_bits) / self.baud


@dataclass(frozen=True, slots=True)
class ModbusTlsConfig:
    """A device with Modbus/TCP Security: TLS with certificates on both sides."""

    driver: ClassVar[str] = "modbus-tls"
    max_gap: ClassVar[int] = 8  # registers read for nothing rather than asked for apart

    host: str = setting(label="Host", help="Address or name of the device, as its certificate gives it.")
    port: int = setting(802, label="Port", min=1, max=65535, help="TCP port; 802 is the registered one.")
    ca: str = setting("plant-ca.pem", label="Authority", path=True, help="PEM file of the plant's authority.")
    certificate: str = setting("pumpwatch.pem", label="Certificate", path=True, help="Our own certificate (PEM).")
    key: str = setting(
        "pumpwatch.key", label="Key", path=True, help="The certificate's private key (PEM, unencrypted)."
    )
    server_name: str = setting(
        "", label="Name in certificate", required=False, help="Where the certificate names another host; else empty."
    )
    unit: int = unit()
    period_s: float = period()
    timeout_s: float = time_out()
    registers: str = registers()
    frozen_after: int = frozen_after()
    heartbeat: int = heartbeat()

    def __post_init__(self) -> None:
        """Check every field against its bounds."""
        check_bounds(self)

    @property
    def endpoint(self) -> str:
        """Where it is, for people."""
        return f"{self.host}:{self.port} (TLS) unit {self.unit}"


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


@dataclass(frozen=True, slots=True)
class SerialLineConfig:
    """A device that prints its values as text lines: a microcontroller, a data logger, an instrument."""

    driver: ClassVar[str] = "serial-line"

    device: str = setting(label="Device", port=True, help="Serial port, as /dev/ttyUSB0, /dev/serial/by-id/… or COM3.")
    baud: int = setting(9600, label="Baud", unit="bit/s", min=300, max=4000000, help="Speed, as the device is set.")
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


ModbusConfig = ModbusTcpConfig | ModbusRtuConfig | ModbusRtuTcpConfig | ModbusTlsConfig
"""The drivers that read register maps."""

DriverConfig = ModbusConfig | SerialLineConfig | ReplayConfig
"""Every driver's description; each has `driver`, `period_s` and `endpoint`."""
