"""What was learnt of one unit, and the requests that follow from it. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pumpwatch_gui.acquire.modbus.learnt.plan import Block, Key, filled, joined, limit, ordered

PAUSES_S = (0.0, 0.02, 0.1, 0.25, 0.5)
"""Pauses between requests that are tried in turn."""

Place = tuple[int, int]
"""Function and wire address."""


@dataclass(slots=True)
class Facts:
    """What was learnt of one unit by one map; this alone is kept over a restart.

    `good`, `bad`: by function, the largest count that was answered and the smallest that is too many (missing: none).
    `cuts`: where a block must begin. `absent`: values that are not answered; whether by silence. `joined`: requests
    proven to bring the right registers over a gap. `apart`: where a gap ends that must not be read over.
    """

    good: dict[int, int] = field(default_factory=dict)
    bad: dict[int, int] = field(default_factory=dict)
    cuts: set[Place] = field(default_factory=set)
    absent: dict[Key, bool] = field(default_factory=dict)
    joined: set[Key] = field(default_factory=set)
    apart: set[Place] = field(default_factory=set)
    pause_s: float = 0.0
    version: int = field(default=0, compare=False)

    def document(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "good": sorted(self.good.items()),
            "bad": sorted(self.bad.items()),
            "cuts": sorted(self.cuts),
            "absent": sorted((*key, int(silent)) for key, silent in self.absent.items()),
            "joined": sorted(self.joined),
            "apart": sorted(self.apart),
            "pause_s": self.pause_s,
        }


def read_facts(document: Mapping[str, Any]) -> Facts:
    """The inverse of `Facts.document`. Raises KeyError, TypeError, ValueError for anything else."""

    def rows(name: str, width: int) -> Iterator[tuple[int, ...]]:
        for row in document[name]:
            if len(row) != width or not all(type(x) is int and 0 <= x <= 65536 for x in row):
                raise ValueError(f"{name}: {row!r}")
            yield tuple(row)

    pause_s = float(document["pause_s"])
    if not 0.0 <= pause_s <= PAUSES_S[-1]:
        raise ValueError(f"pause_s: {pause_s}")
    return Facts(
        _pairs(rows("good", 2)),
        _pairs(rows("bad", 2)),
        {(f, a) for f, a in rows("cuts", 2)},
        {(f, a, n): bool(silent) for f, a, n, silent in rows("absent", 4)},
        {(f, a, n) for f, a, n in rows("joined", 3)},
        {(f, a) for f, a in rows("apart", 2)},
        pause_s,
    )


def planned(atoms: Sequence[Block], facts: Facts, max_block: int) -> list[Block]:
    """The requests of a scan: what the map alone justifies, put together where that is proven."""
    blocks = [block for run in runs_of(atoms, facts) for block in filled(run, largest_of(facts, run[0], max_block))]
    for function, address, count in sorted(facts.joined, key=lambda key: key[2]):
        inside = [b for b in blocks if b.function == function and address <= b.address < address + count]
        fits = inside and inside[0].address == address and max(b.end for b in inside) == address + count
        if fits and len(inside) > 1 and count <= largest_of(facts, inside[0], max_block):
            at = blocks.index(inside[0])
            blocks = [b for b in blocks if b not in inside]
            blocks.insert(at, joined(inside))
    return ordered(blocks)


def runs_of(atoms: Sequence[Block], facts: Facts) -> list[list[Block]]:
    """Values that follow one another without a gap, but for absent ones and where a block must begin."""
    runs: list[list[Block]] = []
    for atom in atoms:
        if atom.key in facts.absent:
            continue
        before = runs[-1][-1] if runs else None
        is_next = before is not None and before.function == atom.function and before.end == atom.address
        if is_next and (atom.function, atom.address) not in facts.cuts:
            runs[-1].append(atom)
        else:
            runs.append([atom])
    return runs


def largest_of(facts: Facts, block: Block, max_block: int) -> int:
    """The most that one request may read of a block's table."""
    function = block.function
    most = limit(function, max_block, block.register_bytes)
    return max(1, min(most, facts.good.get(function, 1))) if function in facts.bad else most


def requests(runs: Iterable[Sequence[Block]], most: int) -> int:
    """How many requests of at most `most` the runs take."""
    return sum(len(filled(run, most)) for run in runs)


def _pairs(rows: Iterable[tuple[int, ...]]) -> dict[int, int]:
    return {row[0]: row[1] for row in rows}
