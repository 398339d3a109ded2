"""Setting up a link: the drivers there are, a trial of its settings, the serial ports, the load of a serial line."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pumpwatch_gui.acquire.discovery.scan import scan_units
from pumpwatch_gui.acquire.discovery.serial_ports import list_ports
from pumpwatch_gui.acquire.discovery.trial import test_link
from pumpwatch_gui.acquire.drivers import DRIVERS
from pumpwatch_gui.domain.display import ShownValue, fresh_values
from pumpwatch_gui.domain.links.config import DriverConfig, ModbusConfig, ModbusRtuConfig
from pumpwatch_gui.domain.links.discovery import Found, SerialPort
from pumpwatch_gui.domain.links.line_budget import line_budget
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.settings.line_check import PlacedLink, poll_plan
from pumpwatch_gui.settings.profile_file import load_profile


@dataclass(frozen=True, slots=True)
class Driver:
    """A driver that a link can have: its name in the site file, what people call it, its settings as a dataclass."""

    name: str
    label: str
    config: type[DriverConfig]


DRIVER_CHOICES: Mapping[str, Driver] = MappingProxyType(
    {kind.name: Driver(kind.name, kind.label, kind.config) for kind in DRIVERS.values()}
)
"""Every driver by name."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The outcome of a trial in words, with every value that came."""

    ok: bool
    lines: tuple[str, ...]
    values: tuple[ShownValue, ...] = ()


def try_link(config: DriverConfig, profile_name: str, folder: Path | None) -> Trial:
    """Connect, scan once, close. Blocks for up to some seconds. Raises InputError for a wrong profile."""
    profile = load_profile(profile_name, base_dir=folder)
    test = test_link(config, profile, base_dir=folder)
    values = fresh_values(profile, test.frame) if test.frame is not None else ()
    return Trial(test.ok, (test.text, test.advice) if test.advice else (test.text,), values)


def try_unit(config: ModbusConfig, folder: Path | None) -> Found:
    """Read one register of a device, whatever its register map is. Blocks. Raises LinkFault, InputError."""
    return scan_units(config, [config.unit], timeout_s=config.timeout_s, base_dir=folder)[0]


def serial_ports() -> tuple[SerialPort, ...]:
    """Every serial port that the system lists. May take seconds."""
    return list_ports()


def line_text(site: Site, link_id: str) -> str:
    """What the requests of all links of a serial line need of its time; reads register maps."""
    config = site.link(link_id)
    if not isinstance(config, ModbusRtuConfig):
        return "no serial line of this computer"
    placed = [
        PlacedLink(f"{pump.pump_id}/{n}", link, pump.profile)
        for pump in site.pumps
        for n, link in enumerate(pump.links, 1)
        if link.serial_port == config.serial_port
    ]
    plans = [plan for link in placed if (plan := poll_plan(link, site.folder))]
    if not plans:
        return "no register map"
    budget = line_budget(plans, config.speed)
    return f"{budget.text}, {len(plans)} links ({budget.load:.0%} busy)"
