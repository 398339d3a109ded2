"""Which blocks to read: the fewest requests that cover every point."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pumpwatch_gui.domain.links.config import ModbusConfig
from pumpwatch_gui.domain.links.register_map import (
    BIT_FUNCTIONS,
    LAST_ADDRESS,
    TABLES,
    Point,
    documented,
    with_scales,
)

MAX_REGISTERS = 125
MAX_BITS = 2000
"""Of one request (Modbus Application Protocol 1.1b3, 6.1 to 6.4): what fits in a PDU of 253 bytes."""
HEARTBEAT = ""
"""The tag of the heartbeat register, which is no value of the pump."""


@dataclass(frozen=True, slots=True)
class Block:
    """One read request and the points it brings. Addresses are wire addresses; a register may have four bytes."""

    function: int
    address: int
    count: int
    points: tuple[Point, ...]
    register_bytes: int = 2

    @property
    def is_bits(self) -> bool:
        """Whether it reads coils or discrete inputs."""
        return self.function in BIT_FUNCTIONS

    @property
    def documented(self) -> str:
        """Its first address as manuals write it."""
        return documented(next(t for t, (function, _) in TABLES.items() if function == self.function), self.address)

    @property
    def shape(self) -> tuple[int, int]:
        """All that a response without transaction id says about the request it belongs to."""
        return self.function, self.count


def poll_blocks(config: ModbusConfig, points: Sequence[Point]) -> tuple[Block, ...]:
    """What a link reads in each period: the points of its register map, their scales, and its heartbeat register."""
    points = with_scales(points)
    if config.heartbeat >= 0:
        width = points[0].register_bytes if points else 2
        points = (*points, Point(HEARTBEAT, "holding", config.heartbeat, "uint16", register_bytes=width))
    return plan_blocks(points, max_gap=config.max_gap)


def plan_blocks(points: Iterable[Point], *, max_gap: int = 8, largest: int = MAX_REGISTERS) -> tuple[Block, ...]:
    """Join points into blocks over gaps of at most `max_gap`, never splitting a value, never above the limits.

    A value of two registers that is read in two requests may have changed in between.
    Consecutive blocks (the last and the first too) differ in (function, count). An RTU response has no transaction id
    and repeats no address: a late one then shows as a wrong count and never as a wrong value. Blocks that no order can
    keep apart are read one register wider.
    """
    groups: list[list[Point]] = []
    points = tuple(points)
    largest = min(largest, 2 * MAX_REGISTERS // max((p.register_bytes for p in points), default=2))
    for point in sorted(points, key=lambda p: (p.function, p.address, -p.size)):
        group = groups[-1] if groups else None
        if (
            group is None
            or group[0].function != point.function
            or point.address > _end(group) + max_gap
            or max(_end(group), point.address + point.size) - group[0].address > _limit(point.function, largest)
        ):
            groups.append([point])
        else:
            group.append(point)
    return _distinct(ordered([_block(g) for g in groups]), largest)


def split_block(block: Block) -> tuple[Block, ...]:
    """The pieces of a block that the device refused; just the block when nothing is left to split.

    First its runs without a gap (many devices refuse a block that touches a register they do not have), then, when it
    has none, each point by itself.
    """
    runs: list[list[Point]] = []
    for point in block.points:
        if runs and point.address <= _end(runs[-1]):
            runs[-1].append(point)
        else:
            runs.append([point])
    exact = [_block(run) for run in runs]
    if exact != [block]:
        return tuple(exact)
    places: dict[tuple[int, int], list[Point]] = {}
    for point in block.points:  # bits of one register stay together
        places.setdefault((point.address, point.size), []).append(point)
    return tuple(_block(group) for group in places.values())


def ordered(blocks: Sequence[Block]) -> list[Block]:
    """The blocks with those of equal shape put apart, where another one can come between them."""
    rest, out = list(blocks), list[Block]()
    while rest:
        differs = (b for b in rest if not out or b.shape != out[-1].shape)
        chosen = max(differs, key=lambda b: sum(b.shape == r.shape for r in rest), default=rest[0])
        rest.remove(chosen)
        out.append(chosen)
    return out


def sync_block(block: Block) -> Block:
    """A request of another count over the same registers, to find out whether responses still fit their requests.

    Preferably the first point alone, which the device surely has.
    """
    point = block.points[0]
    if point.size != block.count:
        return replace(block, address=point.address, count=point.size, points=block.points[:1])
    if block.count > 1:
        return replace(block, count=block.count - 1)
    return replace(block, address=min(block.address, LAST_ADDRESS - 1), count=2)


def any_block(table: str, address: int, count: int, register_bytes: int = 2) -> Block:
    """A block of no points. Raises ValueError for a table, address or count that no request can have."""
    if table not in TABLES:
        raise ValueError(f"table: must be one of {', '.join(TABLES)}, not {table!r}")
    most = _limit(TABLES[table][0], 2 * MAX_REGISTERS // register_bytes)
    if not 1 <= count <= most:
        raise ValueError(f"count: must be 1 to {most}, not {count}")
    if not 0 <= address <= LAST_ADDRESS + 1 - count:
        raise ValueError(f"address: must be 0 to {LAST_ADDRESS + 1 - count}, not {address}")
    return Block(TABLES[table][0], address, count, (), register_bytes)


def _end(group: Sequence[Point]) -> int:
    return max(p.address + p.size for p in group)


def _limit(function: int, largest: int) -> int:
    return MAX_BITS if function in BIT_FUNCTIONS else largest


def _block(group: Sequence[Point]) -> Block:
    start = group[0].address
    return Block(group[0].function, start, _end(group) - start, tuple(group), group[0].register_bytes)


def _distinct(blocks: list[Block], largest: int) -> tuple[Block, ...]:
    """Make neighbours in the cycle differ: widen one of two of equal shape, or split it when it is full."""
    at = 0
    while len(blocks) > 1 and at < len(blocks):
        before, after = blocks[at - 1].shape, blocks[(at + 1) % len(blocks)].shape
        if blocks[at].shape == before:
            blocks[at : at + 1] = _unlike(blocks[at], before, after, largest)
        at += 1
    return tuple(blocks)


def _unlike(block: Block, before: tuple[int, int], after: tuple[int, int], largest: int) -> list[Block]:
    for extra in (1, 2):
        count = block.count + extra
        if count <= _limit(block.function, largest) and (block.function, count) not in (before, after):
            return [replace(block, count=count, address=min(block.address, LAST_ADDRESS + 1 - count))]
    head, tail = block.points[:-1], block.points[-1:]
    return [_block(head), _block(tail)] if head else [block]
