"""Serial lines of a site: which links share one, whether they agree, and whether it can carry their requests."""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pumpwatch_gui.acquire.drivers import DRIVERS
from pumpwatch_gui.acquire.modbus.learnt.plan import poll_blocks
from pumpwatch_gui.domain.errors import InputError, Problem
from pumpwatch_gui.domain.links.config import DriverConfig, ModbusConfig, ModbusRtuConfig
from pumpwatch_gui.domain.links.line_budget import PollPlan, overload
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.files.register_maps import load_register_map


@dataclass(frozen=True, slots=True)
class PlacedLink:
    """A link and the path of its table in the site file."""

    path: str
    config: DriverConfig
    profile: PumpProfile


def line_problems(links: Sequence[PlacedLink], folder: Path | None) -> Iterator[Problem]:
    """Every mistake that only shows when all links of one serial device are seen together."""
    lines: dict[str, list[PlacedLink]] = defaultdict(list)
    for link in links:
        if link.config.serial_port:
            # /dev/serial/by-id/… is a symbolic link of udev to /dev/ttyUSB0: two names, one line.
            lines[os.path.realpath(link.config.serial_port)].append(link)
    for users in lines.values():
        clashes = list(_clashes(users))
        yield from clashes or _overloads(users, folder)


def _clashes(users: Sequence[PlacedLink]) -> Iterator[Problem]:
    first = users[0]
    for other in users[1:]:
        a, b = first.config, other.config
        driver = DRIVERS[a.driver]
        if a.driver != b.driver or driver.connection(a) is None:
            text = f"{b.serial_port} belongs to {first.path} already"
            yield Problem(f"{other.path}.device", text, "a port that text lines come from serves one link alone")
        elif (ours := driver.shared_settings(a)) != (theirs := driver.shared_settings(b)):
            text = f"{b.serial_port} runs at {ours} in {first.path} and at {theirs} here"
            yield Problem(
                f"{other.path}.baud", text, "give all links of one device the same baud, parity and stop bits"
            )


def _overloads(users: Sequence[PlacedLink], folder: Path | None) -> Iterator[Problem]:
    config = users[0].config
    if not isinstance(config, ModbusRtuConfig):
        return
    plans = [plan for link in users if (plan := poll_plan(link, folder))]
    if plans and (problem := overload(plans, config.speed, line=config.device)):
        yield problem


def poll_plan(link: PlacedLink, folder: Path | None) -> PollPlan | None:
    """What a Modbus link requests in each period; None without registers, or when its map is wrong (see `tags`)."""
    config = link.config
    if not isinstance(config, ModbusConfig):
        return None
    try:
        points = load_register_map(config.registers, tags=link.profile.tags, base_dir=folder).points
    except InputError:
        return None
    # A register of four bytes takes the time of two.
    blocks = tuple((b.function, b.count * b.register_bytes // 2) for b in poll_blocks(config, points))
    return PollPlan(blocks, config.period_s, path=f"{link.path}.period_s", pause_s=config.pause_ms / 1e3)
