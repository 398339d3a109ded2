"""How a link is described: one frozen dataclass a driver. Forms and the site file are made from the field metadata."""

from abc import ABC, abstractmethod
from dataclasses import Field, dataclass, field, fields
from ipaddress import ip_address
from math import isfinite
from typing import Any, ClassVar

from typing_extensions import override

from pumpwatch_gui.domain.links.line_budget import LineSpeed


def setting(default: Any = ..., *, label: str, help: str = "", **hints: Any) -> Any:
    """A dataclass field with what a form needs: label, help and, as fits, unit, min, max, choices.

    `lowest`: what `min` means, in words. `advanced`: seldom needed, shown on request. A tuple takes several choices.
    """
    metadata = {"label": label, "help": help, **hints}
    return field(metadata=metadata) if default is ... else field(default=default, metadata=metadata)


def setting_label(one: "Field[Any]") -> str:
    """What a form calls a field."""
    return str(one.metadata.get("label", one.name.replace("_", " ")))


def period() -> Any:
    """The field `period_s`, which every driver has."""
    return setting(1.0, label="Period", unit="s", min=0.05, max=3600.0, help="Seconds between two scans.")


class DriverConfig(ABC):
    """Settings of one link. A driver subclasses it as a frozen, slotted dataclass whose fields come from `setting`.

    The order of the fields is the order in the form and in the site file. `driver` is the name in the site file.
    `uses_registers`: the device has Modbus registers that can be browsed (see `ModbusConfig`).
    """

    # A plain class without fields: a base field with a default would forbid every required field after it.
    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]  # every subclass is a dataclass: `fields()` takes it
    driver: ClassVar[str]
    uses_registers: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Raise ValueError (`field: what is wrong`) for the first field outside its `min`, `max` or `choices`."""
        check_bounds(self)

    @property
    @abstractmethod
    def period_s(self) -> float:
        """Seconds between two scans; a subclass places the field with `period()`."""

    @property
    @abstractmethod
    def endpoint(self) -> str:
        """Where the device is, for people."""

    @property
    def connection(self) -> str:
        """What several links may share, for people: a gateway, a device with many units, a line; "" for nothing."""
        return ""

    @property
    def remote_host(self) -> str:
        """The network host that is connected to; "" for none."""
        return ""

    @property
    def serial_port(self) -> str:
        """The serial port of this computer that is opened; "" for none."""
        return ""


def check_bounds(config: DriverConfig) -> None:
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
        for chosen in value if isinstance(value, tuple) else (value,):
            if "choices" in hints and chosen not in hints["choices"]:
                words = "some" if isinstance(value, tuple) else "one"
                raise ValueError(
                    f"{f.name}: must be {words} of {', '.join(map(str, hints['choices']))}, not {chosen!r}"
                )


PUBLIC_ADVICE = "Modbus has no protection of its own: reach the device through the plant's network or a VPN"


def is_public(host: str) -> bool:
    """Whether a host is an address of the Internet. False for a name, which is not resolved."""
    try:
        return ip_address(host.strip("[]")).is_global
    except ValueError:
        return False


def bare_host(host: str) -> str:
    """A host as the system takes it: without blanks around it, and an IPv6 address without its brackets."""
    host = host.strip()
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def host_mistake(host: str) -> str:
    """Why a text cannot be the name or address of a host; "" when it can. The name is not resolved."""
    bare = bare_host(host)
    if not bare or any(c.isspace() or c in "/\\@\0" for c in bare):
        return f"{host!r} is not the name or address of one host"
    try:
        bare.encode("idna")
    except UnicodeError:  # an empty label, one above 63 letters, or signs that no name has
        return f"{host!r} is no host name: between two dots are 1 to 63 letters"
    if bare.count(":") == 1:
        return f"{host!r} is more than a host: the port has a setting of its own"
    return ""


# The groups below have no slots of their own, because two bases with slots cannot be combined (layout conflict); the
# config makes them. Fields are collected from the last base to the first: the place is listed last and shown first.


@dataclass(frozen=True)
class TcpPlace(DriverConfig):
    """Where a device is on the network."""

    __slots__ = ()
    host: str = setting(label="Host", help="Address or name of the device or gateway.")
    port: int = setting(502, label="Port", min=1, max=65535, help="TCP port; 502 is the usual one.")

    @override
    def __post_init__(self) -> None:
        """Check the name of the host too."""
        DriverConfig.__post_init__(self)
        if mistake := host_mistake(self.host):
            raise ValueError(f"host: {mistake}")

    @property
    @override
    def connection(self) -> str:
        """The device or gateway, whatever units are behind it."""
        return f"{bare_host(self.host)}:{self.port}"

    @property
    @override
    def remote_host(self) -> str:
        """The host."""
        return self.host


@dataclass(frozen=True)
class TlsPlace(TcpPlace):
    """Where a device with Modbus/TCP Security is, and the certificates of both sides."""

    __slots__ = ()
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


def baud_rate(default: int) -> Any:
    """The field `baud` of every serial driver."""
    return setting(default, label="Baud", unit="bit/s", min=300, max=4000000, help="Speed, as the device is set.")


@dataclass(frozen=True)
class SerialPlace(DriverConfig):
    """A serial port of this computer and its settings."""

    __slots__ = ()
    device: str = setting(label="Device", port=True, help="Serial port, as /dev/ttyUSB0, /dev/serial/by-id/… or COM3.")
    baud: int = baud_rate(19200)
    parity: str = setting("N", label="Parity", choices=("N", "E", "O"), help="None, even or odd.")
    stop_bits: int = setting(1, label="Stop bits", choices=(1, 2), help="1, or 2 as some devices have without parity.")

    @property
    @override
    def serial_port(self) -> str:
        """The device."""
        return self.device

    @property
    def speed(self) -> LineSpeed:
        """The settings that all links of one line must agree on."""
        return LineSpeed(self.baud, self.parity, self.stop_bits)


def unit_id(low: int, high: int) -> Any:
    """The field `unit` of every Modbus driver."""
    return setting(1, label="Unit", min=low, max=high, help="Unit id; 1 or 255 for most direct devices.")


TOLERANCES = ("length", "unit", "transaction")
"""Deviations of a response that cannot change a value, as the setting `tolerate` names them."""


def max_gap(default: int) -> Any:
    """The field `max_gap` of every Modbus driver."""
    return setting(
        default, label="Widest gap", unit="registers", min=0, max=124, lowest="never", advanced=True,
        help="Registers that the map does not name are read along over gaps up to this width, once the device has "
        "shown that its values stay the same; 0 means never.",
    )  # fmt: skip


@dataclass(frozen=True)
class ModbusConfig(DriverConfig):
    """What all Modbus drivers have."""

    __slots__ = ()
    uses_registers: ClassVar[bool] = True

    unit: int = unit_id(0, 255)
    period_s: float = period()
    timeout_s: float = setting(0.5, label="Time-out", unit="s", min=0.05, max=30.0, help="Longest wait for a response.")
    registers: str = setting("generic", label="Register map", help="Name of a shipped map, or the path of a file.")
    pause_ms: int = setting(
        0, label="Pause between requests", unit="ms", min=0, max=10000, lowest="as found out", advanced=True,
        help="Least time between a response and the next request. A longer one that the device needs is found out.",
    )  # fmt: skip
    wait_after_connect_ms: int = setting(
        0, label="Wait after connecting", unit="ms", min=0, max=60000, lowest="none", advanced=True,
        help="Time that the device needs between a connection and the first request.",
    )  # fmt: skip
    max_block: int = setting(
        125, label="Largest block", unit="registers", min=1, max=125, advanced=True,
        help="Most registers in one request. A smaller limit of the device is found out.",
    )  # fmt: skip
    max_gap: int = max_gap(8)
    tolerate: tuple[str, ...] = setting(
        (), label="Tolerate", choices=TOLERANCES, advanced=True,
        help="Habits of a device that cannot change a value, accepted and counted: length (the header announces "
        "bytes that do not come), unit (it responds as unit 0 or 255), transaction (it responds with id 0).",
    )  # fmt: skip
    frozen_after: int = setting(
        0, label="Frozen after", unit="scans", min=-1, max=100000, lowest="never", advanced=True,
        help="Values are doubtful after so many scans in which not one register changed; 0: after a time that fits "
        "how often this device's values change; -1: never.",
    )  # fmt: skip
    heartbeat: int = setting(
        -1, label="Heartbeat register", min=-1, max=65535, lowest="none", advanced=True,
        help="Wire address of a holding register that the device keeps counting: if it stops, the device has frozen, "
        "whatever else changes; -1 means that there is none.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModbusTcpConfig(ModbusConfig, TcpPlace):
    """A Modbus TCP device, or a unit behind a gateway."""

    driver: ClassVar[str] = "modbus-tcp"

    @property
    @override
    def endpoint(self) -> str:
        """Where the device is, for people."""
        return f"{self.host}:{self.port} unit {self.unit}"


@dataclass(frozen=True, slots=True)
class ModbusRtuTcpConfig(ModbusConfig, TcpPlace):
    """A unit behind a transparent serial gateway: RTU frames through a TCP connection."""

    driver: ClassVar[str] = "modbus-rtu-over-tcp"

    max_gap: int = max_gap(4)
    # Modbus over Serial Line 1.02, 2.2: 0 is the broadcast, which has no response; 248-255 are reserved.
    unit: int = unit_id(1, 247)

    @property
    @override
    def endpoint(self) -> str:
        """Where the device is, for people."""
        return f"{self.host}:{self.port} (RTU) unit {self.unit}"


@dataclass(frozen=True, slots=True)
class ModbusRtuConfig(ModbusConfig, SerialPlace):
    """A unit on a serial line. All units of one device share the line and its settings."""

    driver: ClassVar[str] = "modbus-rtu"

    # On a line a register read along costs two characters (2.1 ms at 9,600 baud), on TCP next to nothing.
    max_gap: int = max_gap(4)
    unit: int = unit_id(1, 247)

    @property
    @override
    def connection(self) -> str:
        """The line."""
        return self.device

    @property
    @override
    def endpoint(self) -> str:
        """Where the device is, for people."""
        return f"{self.device} {self.speed.text} unit {self.unit}"


@dataclass(frozen=True, slots=True)
class ModbusTlsConfig(ModbusConfig, TlsPlace):
    """A device with Modbus/TCP Security: TLS with certificates on both sides."""

    driver: ClassVar[str] = "modbus-tls"

    @property
    @override
    def endpoint(self) -> str:
        """Where the device is, for people."""
        return f"{self.host}:{self.port} (TLS) unit {self.unit}"


@dataclass(frozen=True, slots=True)
class RestIngestConfig(DriverConfig):
    """A pump that another program feeds through the gateway."""

    driver: ClassVar[str] = "rest-ingest"

    period_s: float = period()
    posted_as: str = setting(
        "", label="Posted as", required=False, help="The name that posts give (`?pump=…`); empty: the id of the pump."
    )

    @property
    @override
    def endpoint(self) -> str:
        """The name in the posts."""
        return f"posted as {self.posted_as}" if self.posted_as else "posted under the pump's id"

    def box_of(self, pump_id: str) -> str:
        """The name that posts for a pump give."""
        return self.posted_as or pump_id
