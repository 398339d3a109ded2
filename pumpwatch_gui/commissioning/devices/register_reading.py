"""The points of a register map, read block by block, as raw registers and as engineering values."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pumpwatch_gui.acquire.modbus.plan import plan_blocks
from pumpwatch_gui.commissioning.devices.word_order import engineering
from pumpwatch_gui.domain.display import ShownValue, fresh_value
from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.domain.links.decode import judge_raw, raw_number
from pumpwatch_gui.domain.links.register_map import TABLES, Point
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.wording import error_text

Reader = Callable[[str, int, int], Sequence[int]]
"""Reads (table, wire address, count); blocks; raises what went wrong."""
_TABLE_OF = {function: table for table, (function, _) in TABLES.items()}


@dataclass(frozen=True, slots=True)
class PointsRead:
    """The registers of each point that was read, by tag, and what went wrong with the others, block by block."""

    registers: Mapping[str, tuple[int, ...]]
    troubles: tuple[str, ...] = ()

    def numbers(self, points: Iterable[Point]) -> dict[str, float]:
        """Engineering values by tag, whatever the spans say; NaN where there is none."""
        return {p.tag: engineering(p, self.registers[p.tag]) for p in points if p.tag in self.registers}


def read_points(points: Sequence[Point], reader: Reader) -> PointsRead:
    """Read every point in as few requests as can be; blocks. A block that fails does not cost the others.

    Raises what went wrong when not one block came.
    """
    found: dict[str, tuple[int, ...]] = {}
    troubles: list[str] = []
    failed: Exception | None = None
    for block in plan_blocks(points):
        try:
            values = reader(_TABLE_OF[block.function], block.address, block.count)
        except (PumpWatchError, OSError) as error:
            failed = error
            troubles.append(f"{block.documented}, {block.count}: {error_text(error)}")
            continue
        for point in block.points:
            start = point.address - block.address
            found[point.tag] = tuple(values[start : start + point.size])
    if failed is not None and not found:
        raise failed
    return PointsRead(found, tuple(troubles))


def shown_point(point: Point, registers: Sequence[int], profile: PumpProfile) -> ShownValue:
    """What a running link would show of the registers."""
    sensor = profile.sensors[profile.index(point.tag)]
    bits = point.table in ("coil", "discrete")
    raw = registers[0] if bits else raw_number(registers, point.type, point.order, point.bit)
    read = judge_raw(raw, point, sensor.span)
    return fresh_value(sensor, read.value, read.quality, read.reason)
