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


DriverConfig = ModbusTcpConfig | ReplayConfig
"""Every driver's description; each has `driver`, `period_s` and `endpoint`."""
