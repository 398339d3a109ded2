"""A device with habits, in process and on a clock of its own, and a channel that reads it: dozens of them a second.

Its registers are functions of address and time, so that a shifted, stale or foreign value shows.
"""

import asyncio
import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pumpwatch_gui.acquire.driver import LinkSpec, Readings
from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.acquire.modbus.channel import ModbusChannel
from pumpwatch_gui.acquire.modbus.learnt.memory import DeviceMemory
from pumpwatch_gui.acquire.modbus.learnt.plan import Block, filled, plan_blocks
from pumpwatch_gui.acquire.modbus.wire.faults import exception_fault, refused, timed_out
from pumpwatch_gui.acquire.modbus.wire.response import Refusal
from pumpwatch_gui.domain.links.codings import TYPES
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.domain.links.register_map import Point
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.values.quality import Quality, Reason

RESPONSE_S, RECONNECT_S, TIMEOUT_S = 0.005, 0.25, 0.5
WITHIN_S = 10.0
"""Simulated time in which every value that the device serves must be there."""
HOLES = ("silent", "exception", "hang-up", "zero", "shifted", "first-only", "short")
LIMITS = ("silent", "exception", "hang-up", "short")
KINDS = ("uint16", "uint16", "uint16", "uint32", "uint64")


@dataclass
class Device:
    """`held`: the registers that it has, by function. `hole`, `too_many`: what it does with a request that touches one
    that it has not, or is longer than `largest`. `pause_s`: it ignores what comes sooner after its last response.
    """

    held: dict[int, frozenset[int]]
    hole: str = "exception"
    largest: int = 125
    too_many: str = "exception"
    pause_s: float = 0.0
    still: frozenset[int] = frozenset()
    every_s: float = 0.5
    seed: int = 0
    now_s: float = 1000.0
    last_s: float = -1e9
    log: list[tuple[float, Block]] = field(default_factory=list)

    def value(self, function: int, address: int, at_s: float) -> int:
        """A register at a time; 0 where there is none."""
        if address not in self.held.get(function, frozenset()):
            return 0
        step = 0 if address in self.still else int(at_s / self.every_s)
        return (self.seed * 7919 + function * 104_729 + address * 31_337 + step * (address % 7 * 2 + 1)) % 65_521

    def respond(self, block: Block) -> Sequence[int] | str:
        """Registers, or in a word what comes instead."""
        self.log.append((self.now_s, block))
        if self.now_s - self.last_s < self.pause_s:
            return "silent"
        held = self.held.get(block.function, frozenset())
        asked = range(block.address, block.end)
        if block.count > self.largest:
            return self.too_many
        missing = [a for a in asked if a not in held]
        if not missing or self.hole == "zero":
            return [self.value(block.function, a, self.now_s) for a in asked]
        if self.hole == "shifted" and block.address in held:
            found = sorted(a for a in held if a >= block.address)[: block.count]
            return [*(self.value(block.function, a, self.now_s) for a in found), *[0] * (block.count - len(found))]
        if self.hole == "first-only" and block.address in held:
            first = [self.value(block.function, a, self.now_s) for a in range(block.address, missing[0])]
            return [*first, *[0] * (block.count - len(first))]
        return "exception" if self.hole in ("shifted", "first-only") else self.hole


class Line:
    """What a channel needs of its link: the device on its own clock."""

    is_untagged = is_rtu = False
    extras = unrequested = late_responses = 0
    close_after, identity, tap = 2, "", None

    def __init__(self, device: Device) -> None:
        self.device = device
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._misses = 0

    async def read(self, unit: int, block: Block, *, timeout_s: float, pause_s: float = 0.0) -> Sequence[int]:
        device = self.device
        if self.lost.done():
            raise LinkFault(FaultKind.LOST, Reason.NO_COMMUNICATION, self.lost.result())
        device.now_s = max(device.now_s, device.last_s + pause_s)
        found = device.respond(block)
        if found == "silent":
            device.now_s += timeout_s
            self._misses += 1
            if self._misses >= self.close_after:
                self.lost.set_result("no good response")
            raise timed_out(block.place, timeout_s, 0.0, is_serial=False)
        device.now_s += RESPONSE_S
        device.last_s = device.now_s
        if found == "hang-up":
            self.lost.set_result("hung up")
            raise LinkFault(FaultKind.LOST, Reason.NO_COMMUNICATION, "hung up")
        if found == "short":
            raise refused(Refusal(FaultKind.LENGTH, "byte count 0 instead of 2", is_short=True))
        self._misses = 0
        if found == "exception":
            raise exception_fault(3 if block.count > device.largest else 2, block)
        assert not isinstance(found, str)
        return found

    def is_owed(self, unit: int, block: Block) -> bool:
        return False

    async def listen(self) -> None:
        pass

    def drop(self, why: str) -> None:
        if not self.lost.done():
            self.lost.set_result(why)

    async def connect(self) -> None:
        pass

    async def close(self) -> None:
        if not self.lost.done():
            self.lost.set_result("closed")


@dataclass
class Outcome:
    """What became of the scans: values GOOD that are not true, tags never GOOD in time, requests that were too many."""

    wrong: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    too_many: list[str] = field(default_factory=list)
    scans: int = 0


def random_points(chance: random.Random) -> list[Point]:
    """1 to 20 points in one or two tables, near and far."""
    points: list[Point] = []
    for table in chance.sample(("holding", "input"), chance.choice((1, 1, 1, 2))):
        address = chance.randrange(200)
        for _ in range(chance.randint(1, 12)):
            kind = chance.choice(KINDS)
            points.append(Point(f"t{len(points)}", table, address, kind))
            address += TYPES[kind] + chance.choice((0, 0, 0, 0, 1, 2, 5, 8, 9, 40, 300))
    return points


def random_device(chance: random.Random, points: Sequence[Point]) -> Device:
    """One with at most one habit of each sort; it may lack a value that the map names, where that can show."""
    hole = chance.choice(HOLES)
    held: dict[int, set[int]] = {}
    for point in points:
        # A device that shifts inside what the map names as a stretch gives no sign of it at all.
        if hole in ("shifted", "first-only", "zero") or chance.random() > 0.05:
            held.setdefault(point.function, set()).update(range(point.address, point.address + point.size))
    for addresses in held.values():
        first, last = min(addresses), max(addresses)
        addresses.update(a for a in range(first, last + 20) if chance.random() < chance.choice((0.0, 0.3, 1.0)))
    everything = [a for addresses in held.values() for a in addresses]
    return Device(
        {f: frozenset(a) for f, a in held.items()},
        hole,
        chance.choice((125, 125, chance.randint(4, 16))),
        chance.choice(LIMITS),
        chance.choice((0.0, 0.0, 0.0, 0.008, 0.015, 0.08)),
        frozenset(a for a in everything if chance.random() < chance.choice((0.1, 0.9))),
        chance.choice((0.02, 0.5, 3.0)),
        chance.randrange(1000),
    )


async def play(
    device: Device, points: Sequence[Point], folder: Path, *, scans: int = 40, period_s: float = 1.0
) -> Outcome:
    """Scan it for some simulated time, reconnecting as a line does, and judge every frame."""
    sensors = tuple(Sensor(p.tag, p.tag, "", (0.0, 2.0**64), 1) for p in points)
    rows = (
        f'[[point]]\ntag = "{p.tag}"\ntable = "{p.table}"\naddress = {p.address}\ntype = "{p.type}"\n' for p in points
    )
    registers = folder / "map.toml"
    registers.write_text('name = "map"\n' + "".join(rows))
    config = ModbusTcpConfig("h", timeout_s=TIMEOUT_S, period_s=period_s, registers=str(registers))
    spec = LinkSpec("P/1", "P", PumpProfile("p", sensors), config, None, memory=DeviceMemory())
    outcome, first_good = Outcome(scans=scans), dict.fromkeys((p.tag for p in points), 0.0)
    channel = _connect(device, spec)
    start_s, is_settled = device.now_s, False
    for n in range(scans):
        device.now_s = max(device.now_s, start_s + n * period_s)
        if channel.is_lost:
            device.now_s += RECONNECT_S
            channel = _connect(device, spec)
        begun = len(device.log)
        readings: Readings = {}
        with contextlib.suppress(LinkFault):
            readings = await channel.scan(spec)
        _judge(device, points, readings, begun, outcome, first_good)
        learning = spec.memory.learning(spec.link_id, config, points)
        was_settled, is_settled = is_settled, n > scans // 2 and learning.is_settled
        if was_settled and is_settled and len(device.log) - begun > _need(device, points) + 1:
            outcome.too_many.append(f"{len(device.log) - begun} requests in scan {n}, {_need(device, points)} would do")
    # Where silence has two causes (a hasty request, and a block that is not answered), each costs its time-outs: one
    # such device in some thousands takes up to two seconds more.
    within_s = WITHIN_S if not device.pause_s else 1.25 * WITHIN_S
    for point in _served(device, points):
        if not 0.0 < first_good[point.tag] <= start_s + within_s:
            outcome.missing.append(f"{point} first good at {first_good[point.tag] - start_s:.1f}")
    return outcome


def _connect(device: Device, spec: LinkSpec) -> ModbusChannel:
    return ModbusChannel([spec], link=Line(device), now=lambda: device.now_s)  # type: ignore[arg-type]


def _judge(
    device: Device,
    points: Sequence[Point],
    readings: Readings,
    begun: int,
    outcome: Outcome,
    first_good: dict[str, float],
) -> None:
    times = [at_s for at_s, _ in device.log[begun:]]
    for point in points:
        reading = readings.get(point.tag)
        if reading is None or reading.quality is not Quality.GOOD:
            continue
        first_good[point.tag] = first_good[point.tag] or device.now_s
        if not any(reading.value == float(_truth(device, point, at_s)) for at_s in times):
            outcome.wrong.append(f"{point}: {reading.value}")


def _truth(device: Device, point: Point, at_s: float) -> int:
    number = 0
    for address in range(point.address, point.address + point.size):
        number = number << 16 | device.value(point.function, address, at_s)
    return number


def _served(device: Device, points: Sequence[Point]) -> list[Point]:
    """The points that the device responds to when they are requested alone."""
    return [p for p in points if p.size <= device.largest and (device.hole == "zero" or _has(device, p))]


def _has(device: Device, point: Point) -> bool:
    held = device.held.get(point.function, frozenset())
    return all(a in held for a in range(point.address, point.address + point.size))


def _need(device: Device, points: Sequence[Point]) -> int:
    """The fewest requests for what it serves, in stretches that the map names; one to see whether it is there."""
    runs = [b for block in plan_blocks(_served(device, points)) for b in block.runs]
    return max(1, sum(len(filled(run.atoms, device.largest)) for run in runs))
