"""Serial lines of a site: who shares one, whether they agree, and whether the line can carry what is asked of it."""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pumpwatch_gui.acquire.modbus.plan import plan_blocks
from pumpwatch_gui.domain.errors import InputError, Problem
from pumpwatch_gui.domain.links.config import DriverConfig, ModbusConfig, ModbusRtuConfig, SerialLineConfig
from pumpwatch_gui.domain.links.line_budget import LineSpeed, PollPlan, overload
from pumpwatch_gui.domain.links.register_map import Point
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
        if isinstance(link.config, ModbusRtuConfig | SerialLineConfig):
            lines[os.path.realpath(link.config.device)].append(link)  # by whatever name it goes
    for users in lines.values():
        clashes = list(_clashes(users))
        yield from clashes or _overloads(users, folder)


def _clashes(users: Sequence[PlacedLink]) -> Iterator[Problem]:
    first = users[0]
    for other in users[1:]:
        a, b = first.config, other.config
        if not (isinstance(a, ModbusRtuConfig) and isinstance(b, ModbusRtuConfig)):
            text = f"{getattr(b, 'device')} belongs to {first.path} already"  # noqa: B009 - both have one
            yield Problem(f"{other.path}.device", text, "a port that text lines come from serves one link alone")
        elif a.line != b.line:
            text = f"{b.device} runs at {a.line} in {first.path} and at {b.line} here"
            yield Problem(
                f"{other.path}.baud", text, "give all links of one device the same baud, parity and stop bits"
            )


def _overloads(users: Sequence[PlacedLink], folder: Path | None) -> Iterator[Problem]:
    config = users[0].config
    if not isinstance(config, ModbusRtuConfig):
        return
    plans = [plan for link in users if (plan := poll_plan(link, folder))]
    speed = LineSpeed(config.baud, config.parity, config.stop_bits)
    if plans and (problem := overload(plans, speed, line=config.device)):
        yield problem


def poll_plan(link: PlacedLink, folder: Path | None) -> PollPlan | None:
    """What a Modbus link asks in each period; None without registers, or when its map is wrong (told elsewhere)."""
    config = link.config
    if not isinstance(config, ModbusConfig):
        return None
    try:
        points = load_register_map(config.registers, tags=link.profile.tags, base_dir=folder).points
    except InputError:
        return None
    if config.heartbeat >= 0:
        points = (*points, Point("", "holding", config.heartbeat, "uint16"))
    blocks = tuple((b.function, b.count) for b in plan_blocks(points, max_gap=config.max_gap))
    return PollPlan(blocks, config.period_s, path=f"{link.path}.period_s")
