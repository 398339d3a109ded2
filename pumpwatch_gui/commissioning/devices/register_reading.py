"""The points of a register map, read block by block, as raw registers and as engineering values."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pumpwatch_gui.acquire.modbus.learnt.plan import plan_blocks
from pumpwatch_gui.domain.display import ShownValue, fresh_value
from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.domain.links.decode import EVERYTHING, PointValue, Span, decoder, raw_text, scaled
from pumpwatch_gui.domain.links.register_map import TABLES, IdentityRead, Point, with_scales
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
        return {tag: read.value for tag, read in self.values(points, {}).items()}

    def values(self, points: Iterable[Point], spans: Mapping[str, Span]) -> dict[str, PointValue]:
        """What a link makes of the registers, by tag; a tag without a span may have every value."""
        own = tuple(points)
        wide = {p.tag: spans.get(p.tag, EVERYTHING) for p in with_scales(own)}
        found = {
            p.tag: decoder(p, wide[p.tag], 0)(self.registers[p.tag])
            for p in with_scales(own)
            if p.tag in self.registers
        }
        scaled(own, wide)(found)
        return found

    def shown(self, points: Iterable[Point], profile: PumpProfile) -> dict[str, ShownValue]:
        """What a running link would show, by tag."""
        sensors = {s.tag: s for s in profile.sensors}
        found = self.values([p for p in points if p.tag in sensors], {tag: s.span for tag, s in sensors.items()})
        return {tag: fresh_value(sensors[tag], r.value, r.quality, r.reason) for tag, r in found.items()}


def read_points(points: Sequence[Point], reader: Reader) -> PointsRead:
    """Read every point in as few requests as can be; blocks. A block that fails does not cost the others.

    Raises what went wrong when not one block came.
    """
    found: dict[str, tuple[int, ...]] = {}
    troubles: list[str] = []
    failed: Exception | None = None
    for block in plan_blocks(with_scales(points)):
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


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device says about itself: (what, text), and what is not as its map expects, in words."""

    texts: tuple[tuple[str, str], ...]
    wrong: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """On one line."""
        return ", ".join(f"{what} {text}" for what, text in self.texts)


def read_identity(identity: Sequence[IdentityRead], reader: Reader) -> Identity:
    """Read what says which device it is; blocks. Raises what went wrong when nothing of it came."""
    read = read_points([one.point for one in identity], reader)
    texts = [(one, raw_text(one.point, read.registers[one.point.tag])) for one in identity
            if one.point.tag in read.registers]  # fmt: skip
    wrong = tuple(
        f"{one.point.tag} is {text!r}, and {' or '.join(map(repr, one.expect))} in the map"
        for one, text in texts
        if one.expect and text not in one.expect
    )
    return Identity(tuple((one.point.tag, text) for one, text in texts), wrong)
