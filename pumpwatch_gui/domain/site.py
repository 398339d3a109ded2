"""The site: which pumps there are, how they are reached and what judges them."""

from dataclasses import dataclass
from pathlib import Path

from pumpwatch_gui.domain.alarms.rules import CustomRule
from pumpwatch_gui.domain.errors import Problem
from pumpwatch_gui.domain.gateway import GatewaySettings
from pumpwatch_gui.domain.links.config import DriverConfig
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.reports.schedule import ReportSchedule
from pumpwatch_gui.domain.sync import SyncSettings
from pumpwatch_gui.domain.units import UnitChoice

NO_MODEL, LEARN = "none", "learn"
"""What stands for a model: nothing judges the pump, or it learns itself from its own running."""


@dataclass(frozen=True, slots=True)
class PumpSettings:
    """One pump of the site. `profile` already carries the pump's own limits.

    `model` is a name, a path, "learn" or "none". `area` and `duty` are where it is installed and what it is for,
    "" for not given: the overview groups pumps by them.
    """

    pump_id: str
    name: str
    profile: PumpProfile
    profile_name: str
    model: str
    links: tuple[DriverConfig, ...]
    area: str = ""
    duty: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """A checked site. `folder` is where relative paths start (None: nowhere). `station` is 1-1023.

    `history_gb` is what the history may take of the disk, 0 for no bound: beyond it the oldest raw readings go.
    `units` are those that values are shown in where a user has not chosen others.
    `rules` may name pumps and tags that are not there: then they are not judged, and stay.
    `energy_price` is that of a kWh in `currency`, None where it is not given. `reports` are made by themselves.
    `sync` says where the station sends to; None: nowhere. `gateway` is where other programs may ask and post.
    """

    name: str = "My station"
    station: int = 1
    currency: str = "INR"
    pumps: tuple[PumpSettings, ...] = ()
    folder: Path | None = None
    history_gb: float = 100.0
    rules: tuple[CustomRule, ...] = ()
    units: UnitChoice = UnitChoice()  # noqa: RUF009 - frozen
    energy_price: float | None = None
    reports: ReportSchedule = ReportSchedule()  # noqa: RUF009 - frozen
    sync: SyncSettings | None = None
    gateway: GatewaySettings = GatewaySettings()  # noqa: RUF009 - frozen

    def pump(self, pump_id: str) -> PumpSettings | None:
        """The pump of that id; None when the site has none."""
        return next((p for p in self.pumps if p.pump_id == pump_id), None)

    def rule(self, rule_id: str) -> CustomRule | None:
        """The rule of that id; None when the site has none."""
        return next((r for r in self.rules if r.rule_id == rule_id), None)

    def link(self, link_id: str) -> DriverConfig | None:
        """How a link is set (`PUMP/1` is the first link of PUMP); None when the site has no such link."""
        pump_id, _, number = link_id.rpartition("/")
        pump = self.pump(pump_id)
        at = int(number) - 1 if number.isdigit() else -1
        return pump.links[at] if pump and 0 <= at < len(pump.links) else None


@dataclass(frozen=True, slots=True)
class LoadedSite:
    """What could be read: the good part, every mistake, and where the bad file was copied to (None: it was good).

    `simulated`: its pumps are those of the demo.
    """

    site: Site
    problems: tuple[Problem, ...]
    backup: Path | None = None
    simulated: bool = False
