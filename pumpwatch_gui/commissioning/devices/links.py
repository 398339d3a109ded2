"""Setting up a link: the drivers there are, a trial of its settings, the serial ports, the load of a serial line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pumpwatch_gui.acquire.discovery.scan import scan_units
from pumpwatch_gui.acquire.discovery.serial_ports import list_ports
from pumpwatch_gui.acquire.discovery.trial import test_link
from pumpwatch_gui.acquire.drivers import DRIVERS
from pumpwatch_gui.acquire.modbus.learnt.plan import poll_blocks
from pumpwatch_gui.commissioning.devices.register_reading import read_identity
from pumpwatch_gui.domain.display import ShownValue, fresh_values
from pumpwatch_gui.domain.errors import InputError, LinkError
from pumpwatch_gui.domain.links.config import DriverConfig, ModbusConfig, ModbusRtuConfig
from pumpwatch_gui.domain.links.discovery import Found, SerialPort
from pumpwatch_gui.domain.links.line_budget import line_budget
from pumpwatch_gui.domain.links.register_map import RegisterMap
from pumpwatch_gui.domain.ports import BorrowedLine, LinkBrowser, Station
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.files.register_maps import load_register_map
from pumpwatch_gui.settings.line_check import PlacedLink, poll_plan
from pumpwatch_gui.settings.profile_file import load_profile

WAIT_S = 15.0
"""Longest wait for an order on a running link; it is read between two scans, and a dead unit is polled seldom."""


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


def try_link(config: DriverConfig, profile_name: str, folder: Path | None, running: LinkBrowser | None = None) -> Trial:
    """Connect, scan once, close; where one of the `running` lines leads there, over that one.

    Blocks for up to some seconds. Raises InputError for a wrong profile, and for a line that cannot be shared.
    """
    profile = load_profile(profile_name, base_dir=folder)
    test = test_link(config, profile, base_dir=folder, line=line_to(config, running))
    values = fresh_values(profile, test.frame) if test.frame is not None else ()
    return Trial(test.ok, (test.text, test.advice) if test.advice else (test.text,), values)


def try_unit(config: ModbusConfig, folder: Path | None, running: LinkBrowser | None = None) -> Found:
    """Read one register of a device, whatever its register map is. Blocks. Raises LinkFault, InputError."""
    line = line_to(config, running)
    return scan_units(config, [config.unit], timeout_s=config.timeout_s, base_dir=folder, line=line)[0]


def line_to(config: DriverConfig, running: LinkBrowser | None) -> BorrowedLine | None:
    """The running line that leads to a device; None when it takes a connection of its own. Raises InputError."""
    return running.borrow(config) if running is not None else None


def serial_ports() -> tuple[SerialPort, ...]:
    """Every serial port that the system lists. May take seconds."""
    return list_ports()


def line_text(site: Site, link_id: str) -> str:
    """What the requests of all links of a serial line need of its time; reads register maps."""
    config = site.link(link_id)
    if not isinstance(config, ModbusRtuConfig):
        return "not a serial line"
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


def map_words(site: Site, link_id: str) -> str:
    """The register map of a link and how sure it is; reads its file."""
    found = _map_of(site, link_id)
    if found is None:
        return "no register map"
    config = site.link(link_id)
    assert isinstance(config, ModbusConfig)
    return f"{config.registers}, {found.sureness_words}" if found.sureness_words else config.registers


def identity_text(station: Station, link_id: str) -> str:
    """What a running device says about itself: by function 43/14, and where its register map says so. Blocks.

    Raises LinkError when it says nothing.
    """
    texts: list[str] = []
    refused: LinkError | None = None
    try:
        texts += [f"{key} {value}" for key, value in station.links.identify(link_id).result(WAIT_S).items()]
    except LinkError as error:  # most devices do not have the function
        refused = error
    found = _map_of(station.site(), link_id)
    if found is not None and found.identity:
        read = read_identity(found.identity, lambda t, a, n: station.links.read_block(link_id, t, a, n).result(WAIT_S))
        texts += [f"{key} {value}" for key, value in read.texts] + [f"✕ {wrong}" for wrong in read.wrong]
    if not texts and refused is not None:
        raise refused
    return " · ".join(texts) or "it is empty"


def _map_of(site: Site, link_id: str) -> RegisterMap | None:
    config, pump = site.link(link_id), site.pump(link_id.rpartition("/")[0])
    if not isinstance(config, ModbusConfig) or pump is None:
        return None
    try:
        return load_register_map(config.registers, tags=pump.profile.tags, base_dir=site.folder)
    except InputError:
        return None


def map_lines(site: Site) -> Iterator[str]:
    """What the register map of each link needs: points, requests, registers, sureness. Reads the maps.

    A line about a map that nobody has confirmed begins with `caution`.
    """
    for pump in site.pumps:
        for n, link in enumerate(pump.links, 1):
            if not isinstance(link, ModbusConfig):
                continue
            found = load_register_map(link.registers, tags=pump.profile.tags, base_dir=site.folder)
            blocks = poll_blocks(link, found.points)
            count = sum(block.count for block in blocks)
            wide = " of four bytes" if found.register_bytes == 4 else ""
            text = f"{pump.pump_id}/{n}: {link.registers}: {len(found.points)} of {len(pump.profile.tags)} sensors, "
            text += f"{count} registers{wide} in {len(blocks)} request{'s' * (len(blocks) != 1)}"
            yield text + (f"; {found.sureness_words}" if found.sureness_words else "")
            if found.is_unconfirmed:
                advice = "examine it on the page Devices, tab Plausibility"
                yield f"caution: {pump.pump_id}/{n}: the map {link.registers} is unconfirmed: {advice}"
