"""Proof that a request over registers which no point names brings the same as requests without them. Pure.

Some devices leave out the registers that they lack, so that what follows comes early, with a good frame all the same.
Equal values prove nothing where the shifted ones would be equal too: at a standstill all registers may be 0.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from pumpwatch_gui.acquire.modbus.learnt.plan import Block

TIMES = 2
SMALL = 16
"""Values below this are states and switches, and often equal to their neighbours."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One request more than a scan needs, to learn from. With `narrow` ones its registers are compared with theirs."""

    block: Block
    narrow: tuple[Block, ...] = ()
    is_retest: bool = False


class ProofState(Enum):
    """What comparisons have shown so far."""

    OPEN = "open"
    PROVEN = "proven"
    REFUTED = "refuted"


class Proof:
    """Comparisons of a wide block with its two parts, between which the gap is; `right` is the part after it."""

    def __init__(self, wide: Block, right: Block) -> None:
        self._wide = wide
        self._after = right.runs[0]
        self._gap = right.address - max(a.end for a in wide.atoms if a.address < right.address)
        self._equal: dict[int, int] = defaultdict(int)
        self._seen: dict[int, set[int]] = defaultdict(set)
        self._telling = 0
        self.taken = 0

    def take(
        self,
        narrow: Sequence[Block],
        before: Sequence[Sequence[int]],
        wide: Sequence[int],
        after: Sequence[Sequence[int]],
    ) -> ProofState:
        """Compare the registers of the wide block with those of its parts before and after it."""
        self.taken += 1
        steady: dict[int, int] = {}
        for block, old, new in zip(narrow, before, after, strict=True):
            for address in _named(block):
                at = address - block.address
                if old[at] != new[at]:
                    continue  # it changed meanwhile: the wide block may have either value, or a third
                if wide[address - self._wide.address] != old[at]:
                    return ProofState.REFUTED
                steady[address] = old[at]
        for address in steady:
            self._equal[address] += 1
        self._telling += self._would_show_a_shift(steady)
        self._note_changes(steady, wide)
        return ProofState.PROVEN if self._is_proven() else ProofState.OPEN

    def _is_proven(self) -> bool:
        is_equal = all(self._equal[address] >= TIMES for atom in self._wide.atoms for address in _named(atom))
        return is_equal and (self._telling >= TIMES or any(len(values) > 1 for values in self._seen.values()))

    def _would_show_a_shift(self, steady: dict[int, int]) -> bool:
        """Whether the registers after the gap would differ, had any number of those in the gap been left out."""
        run = [steady.get(address) for address in range(self._after.address, self._after.end)]
        return all(
            any(a is not None and b is not None and a != b for a, b in zip(run, run[by:], strict=False))
            for by in range(1, self._gap + 1)
        )

    def _note_changes(self, steady: dict[int, int], wide: Sequence[int]) -> None:
        """Values after the gap that occur only once: one that moved, and still came at its place, was not shifted."""
        for address in range(self._after.address, self._after.end):
            value = steady.get(address)
            if value is not None and value >= SMALL and list(wide).count(value) == 1:
                self._seen[address].add(value)


def _named(block: Block) -> Iterator[int]:
    for atom in block.atoms:
        yield from range(atom.address, atom.end)
