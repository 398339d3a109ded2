"""Which blocks to read: the fewest requests that cover every point."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pumpwatch_gui.acquire.register_map import Point

MAX_REGISTERS = 125
MAX_BITS = 2000


@dataclass(frozen=True, slots=True)
class Block:
    """One read request and the points it brings. Addresses are wire addresses."""

    function: int
    address: int
    count: int
    points: tuple[Point, ...]

    @property
    def is_bits(self) -> bool:
        """Whether it reads coils or discrete inputs."""
        return self.function in (1, 2)


def plan_blocks(points: Iterable[Point], *, max_gap: int = 8, largest: int = MAX_REGISTERS) -> tuple[Block, ...]:
    """Join points into blocks over gaps of at most `max_gap`, never splitting a value, never above the limits.

    Consecutive blocks (the last and the first too) differ in (function, count): an answer that belongs to another
    request then shows as a wrong count and never as a wrong value.
    """
    groups: list[list[Point]] = []
    for point in sorted(points, key=lambda p: (p.function, p.address, -p.size)):
        limit = MAX_BITS if point.function in (1, 2) else largest
        group = groups[-1] if groups else None
        if (
            group is None
            or group[0].function != point.function
            or point.address > _end(group) + max_gap
            or point.address + point.size - group[0].address > limit
        ):
            groups.append([point])
        else:
            group.append(point)
    return _distinct([_block(g) for g in groups])


def split_block(block: Block) -> tuple[Block, ...]:
    """The points of a block that the device refused, each for itself (gaps may be unreadable)."""
    return _distinct([_block([p]) for p in block.points])


def _end(group: Sequence[Point]) -> int:
    return max(p.address + p.size for p in group)


def _block(group: Sequence[Point]) -> Block:
    start = group[0].address
    return Block(group[0].function, start, _end(group) - start, tuple(group))


def _distinct(blocks: list[Block]) -> tuple[Block, ...]:
    """Put alike blocks apart where another one can stand between them. What stays alike the strict link tells apart."""
    rest, out = list(blocks), list[Block]()
    while rest:
        differs = (b for b in rest if not out or (b.function, b.count) != (out[-1].function, out[-1].count))
        chosen = max(
            differs, key=lambda b: sum((b.function, b.count) == (r.function, r.count) for r in rest), default=rest[0]
        )
        rest.remove(chosen)
        out.append(chosen)
    return tuple(out)
