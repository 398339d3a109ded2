"""Requests that a register map alone justifies, and how they are taken apart and put together. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

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

Key = tuple[int, int, int]
"""Function, wire address, count: all that a request says."""


@dataclass(frozen=True)
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
    def end(self) -> int:
        """The address after its last."""
        return self.address + self.count

    def holds(self, other: "Block") -> bool:
        """Whether another block is this one, or a part of it."""
        return self.function == other.function and self.address <= other.address and other.end <= self.end

    @cached_property
    def key(self) -> Key:
        """What the request says."""
        return self.function, self.address, self.count

    @property
    def documented(self) -> str:
        """Its first address as manuals write it."""
        return documented(next(t for t, (function, _) in TABLES.items() if function == self.function), self.address)

    @property
    def place(self) -> str:
        """The request in words: `40061 (wire address 60, 1 long)`."""
        return f"{self.documented} (wire address {self.address}, {self.count} long)"

    @property
    def shape(self) -> tuple[int, int]:
        """All that a response without transaction id says about the request it belongs to."""
        return self.function, self.count

    @cached_property
    def atoms(self) -> "tuple[Block, ...]":
        """The smallest requests that bring its points, by address."""
        return atoms(self.points)

    @cached_property
    def runs(self) -> "tuple[Block, ...]":
        """Its stretches without a register that no point names."""
        found: list[list[Block]] = []
        for atom in self.atoms:
            if found and found[-1][-1].function == atom.function and found[-1][-1].end == atom.address:
                found[-1].append(atom)
            else:
                found.append([atom])
        return tuple(joined(run) for run in found)


def polled_points(config: ModbusConfig, points: Sequence[Point]) -> tuple[Point, ...]:
    """What a link reads in each period: the points of its register map, their scales, and its heartbeat register."""
    points = with_scales(points)
    if config.heartbeat < 0:
        return points
    width = points[0].register_bytes if points else 2
    return (*points, Point(HEARTBEAT, "holding", config.heartbeat, "uint16", register_bytes=width))


def poll_blocks(config: ModbusConfig, points: Sequence[Point]) -> tuple[Block, ...]:
    """What a link requests in each period from a device of which nothing is known yet."""
    return plan_blocks(polled_points(config, points), largest=config.max_block)


def plan_blocks(points: Iterable[Point], *, largest: int = MAX_REGISTERS) -> tuple[Block, ...]:
    """The fewest requests that touch no register which no point names, and that split no value.

    A value of two registers that is read in two requests may have changed in between. A register that the map does not
    name may not exist: some devices then respond not at all, with zeros, or leave it out and shift all that follows.
    """
    runs = Block(0, 0, 0, tuple(points)).runs
    return tuple(b for run in runs for b in filled(run.atoms, limit(run.function, largest, run.register_bytes)))


def atoms(points: Iterable[Point]) -> tuple[Block, ...]:
    """The smallest requests that bring the points: overlapping ones (bits of one register) come together."""
    groups: list[list[Point]] = []
    end = 0
    for point in sorted(points, key=lambda p: (p.function, p.address, -p.size)):
        if groups and groups[-1][0].function == point.function and point.address < end:
            groups[-1].append(point)
            end = max(end, point.address + point.size)
        else:
            groups.append([point])
            end = point.address + point.size
    return tuple(_atom(group) for group in groups)


def filled(run: Sequence[Block], largest: int) -> list[Block]:
    """Atoms that follow one another, in as few blocks of at most `largest` registers (or bits) as can be."""
    groups: list[list[Block]] = []
    for atom in run:
        if groups and atom.end - groups[-1][0].address <= largest:
            groups[-1].append(atom)
        else:
            groups.append([atom])
    return [joined(group) for group in groups]


def joined(blocks: Sequence[Block]) -> Block:
    """One request over all of these, which are sorted by address, and what lies between."""
    if len(blocks) == 1:
        return blocks[0]
    first, end = blocks[0], max(b.end for b in blocks)
    points = tuple(p for b in blocks for p in b.points)
    return Block(first.function, first.address, end - first.address, points, first.register_bytes)


def halves(block: Block) -> tuple[Block, ...]:
    """What to request instead of a block that failed: its runs; of a run, two halves; none when it is one value."""
    if len(block.runs) > 1:
        return block.runs
    if len(block.atoms) < 2:
        return ()
    middle = block.address + (block.count + 1) // 2
    at = min(range(1, len(block.atoms)), key=lambda i: abs(block.atoms[i].address - middle))
    return joined(block.atoms[:at]), joined(block.atoms[at:])


def reshaped(block: Block, is_owed: Callable[[Block], bool]) -> tuple[Block, ...]:
    """A block, or two parts instead whose shapes no missed response has; the block where there are none."""
    if is_owed(block):
        for at in range(1, len(block.atoms)):
            parts = joined(block.atoms[:at]), joined(block.atoms[at:])
            if not any(map(is_owed, parts)):
                return parts
    return (block,)


def ordered(blocks: Sequence[Block]) -> list[Block]:
    """The blocks with those of equal shape put apart, where another one can come between them."""
    rest, out = list(blocks), list[Block]()
    while rest:
        differs = (b for b in rest if not out or b.shape != out[-1].shape)
        chosen = max(differs, key=lambda b: sum(b.shape == r.shape for r in rest), default=rest[0])
        rest.remove(chosen)
        out.append(chosen)
    return out


def step_block(block: Block, blocks: Sequence[Block]) -> Block | None:
    """A request of another shape than `block`, to find out whether responses still fit their requests.

    It touches nothing but what `blocks` (known to be answered) and `block` do; None when these have one shape only.
    """
    other = next((b for b in blocks if b.shape != block.shape), None)
    if other is not None:
        return other
    for run in (run for b in (block, *blocks) for run in b.runs if len(run.atoms) > 1):
        return run.atoms[0]  # the device may bear no more
    return None


def empty_block(block: Block) -> Block:
    """A request of no registers: devices refuse it with exception 3, and it touches nothing."""
    return Block(block.function, block.address, 0, (), block.register_bytes)


def any_block(table: str, address: int, count: int, register_bytes: int = 2) -> Block:
    """A block of no points. Raises ValueError for a table, address or count that no request can have."""
    if table not in TABLES:
        raise ValueError(f"table: must be one of {', '.join(TABLES)}, not {table!r}")
    most = limit(TABLES[table][0], MAX_REGISTERS, register_bytes)
    if not 1 <= count <= most:
        raise ValueError(f"count: must be 1 to {most}, not {count}")
    if not 0 <= address <= LAST_ADDRESS + 1 - count:
        raise ValueError(f"address: must be 0 to {LAST_ADDRESS + 1 - count}, not {address}")
    return Block(TABLES[table][0], address, count, (), register_bytes)


def limit(function: int, largest: int, register_bytes: int = 2) -> int:
    """The most that one request may read, where `largest` is the limit for registers."""
    return MAX_BITS if function in BIT_FUNCTIONS else min(largest, 2 * MAX_REGISTERS // register_bytes)


def _atom(group: Sequence[Point]) -> Block:
    start = group[0].address
    end = max(p.address + p.size for p in group)
    return Block(group[0].function, start, end - start, tuple(group), group[0].register_bytes)
