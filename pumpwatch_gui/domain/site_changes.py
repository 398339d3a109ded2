"""Changes of the site, as values: what dialogs and tools ask for, and what the configuration persists and audits."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pumpwatch_gui.domain.alarms.rules import CustomRule
from pumpwatch_gui.domain.links.config import DriverConfig
from pumpwatch_gui.domain.pump.profile import Limits
from pumpwatch_gui.domain.sync import SyncSettings
from pumpwatch_gui.domain.units import UnitChoice


@dataclass(frozen=True, slots=True)
class SetStation:
    """Name, number (1-1023) and currency of the station; what is None of the rest is left as it is.

    `history_gb` is what the history may take of the disk, 0 for no bound; `energy_price` that of a kWh, 0 for none.
    """

    name: str
    station: int
    currency: str
    units: UnitChoice | None = None
    history_gb: float | None = None
    energy_price: float | None = None
    pump_id: str = field(default="", init=False)


@dataclass(frozen=True, slots=True)
class SetPump:
    """Add a pump, or change the one of that id; its limits and the comments of the site file stay.

    `profile` and `model` are names or paths as the site file gives them. An `area` or `duty` of None is left as it is.
    """

    pump_id: str
    name: str
    profile: str
    model: str
    links: tuple[DriverConfig, ...]
    area: str | None = None
    duty: str | None = None


@dataclass(frozen=True, slots=True)
class RenamePump:
    """Give a pump another id; its trend, counters, detector and history go with it."""

    pump_id: str
    new_id: str


@dataclass(frozen=True, slots=True)
class RemovePump:
    """Take a pump out of the site; its history stays."""

    pump_id: str


@dataclass(frozen=True, slots=True)
class SetLimits:
    """Replace all limits of some sensors of a pump, by tag; `reason` goes to the journal."""

    pump_id: str
    limits: Mapping[str, Limits]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SaveRegisterMap:
    """Write a register map next to the site file: `file` is a name such as `registers/P-101.toml`, `text` is TOML.

    `pump_id` is the pump that it was made for.
    """

    file: str
    text: str
    pump_id: str = ""


@dataclass(frozen=True, slots=True)
class SetRule:
    """Add an alarm rule (`is_new`), or change the one of that id."""

    rule: CustomRule
    is_new: bool = False

    @property
    def pump_id(self) -> str:
        """The pump that the rule is for, "" where it is for several."""
        return self.rule.pump


@dataclass(frozen=True, slots=True)
class RemoveRule:
    """Delete an alarm rule; its alarms return and wait for who has not acknowledged them."""

    rule_id: str
    pump_id: str = field(default="", init=False)


@dataclass(frozen=True, slots=True)
class SetSync:
    """Say where the station sends to; None: nowhere. It comes into force at once."""

    settings: SyncSettings | None
    pump_id: str = field(default="", init=False)


SiteChange = (
    SetStation | SetPump | RenamePump | RemovePump | SetLimits | SetRule | RemoveRule | SaveRegisterMap | SetSync
)
