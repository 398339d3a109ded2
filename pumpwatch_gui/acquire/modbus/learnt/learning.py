"""What a device has shown of itself, and the requests that follow from it. Pure: times come in as arguments.

It starts with what the map alone justifies. Blocks that fail are halved; neighbouring blocks are joined over
registers that no point names once the device has shown, more than once, that the wider request brings the same.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.acquire.modbus.learnt.facts import Facts, largest_of, planned, requests, runs_of
from pumpwatch_gui.acquire.modbus.learnt.haste import Haste
from pumpwatch_gui.acquire.modbus.learnt.plan import MAX_REGISTERS, Block, Key, atoms, filled, halves, joined
from pumpwatch_gui.acquire.modbus.learnt.proof import Proof, ProofState, Trial
from pumpwatch_gui.acquire.modbus.wire.faults import unanswered
from pumpwatch_gui.domain.links.config import ModbusConfig
from pumpwatch_gui.domain.links.register_map import Point
from pumpwatch_gui.domain.values.quality import Reason

STRIKES = 2
"""Failures that make a habit. A single one is a lost frame, or a person who trod on a cable."""
DEAF_AFTER = 5
PROBE_S, SILENT_PROBE_S, LONGEST_PROBE_S = 1.0, 10.0, 600.0
"""A value that the device refuses (or does not respond to) is requested again after so long, then twice as long …"""
MAX_PROOFS = 12
"""A join that is not proven by then (its values never change, or all the time) is left alone until the next start."""


@dataclass(slots=True)
class _Wait:
    """Until when something is not tried again, and how long then."""

    until_s: float
    step_s: float


class Learning:
    """The requests of one unit. A scan begins with `begin`, reports what became of each block, and ends with `over`.

    `reported`: the absent values that the journal names already, over reconnections. `haste`: the pause that it needs.
    """

    def __init__(
        self,
        config: ModbusConfig,
        points: Sequence[Point],
        facts: Facts,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.facts = facts
        self.reported: set[Key] = set()
        self._config = config
        self._atoms = atoms(points)
        self._changed = changed
        self._base: list[Block] | None = None
        self._version = 0
        self._strikes: Counter[Key] = Counter()
        self._answered_before: set[Key] = set()
        self._waits = {key: _Wait(0.0, SILENT_PROBE_S if silent else PROBE_S) for key, silent in facts.absent.items()}
        self._faults: dict[Key, LinkFault] = {}
        self._proofs: dict[Key, Proof] = {}
        self._given_up: set[Key] = set()
        self._trial = _Wait(0.0, 0.0)
        self._scans_without = 0
        self._alone: Counter[Key] = Counter()
        self._halved: list[Block] = []
        self._probed: list[Block] = []
        self._answered: set[Key] = set()
        self._failed: dict[Key, Block] = {}
        self._short: set[Key] = set()
        self._undecided: set[Key] = set()
        self.haste = Haste(facts)
        self._deaf = 0

    # ---------------------------------------------------------------- what to request

    @property
    def pause_s(self) -> float:
        """The least time between a response and the next request."""
        return max(self._config.pause_ms / 1e3, self.facts.pause_s)

    @property
    def blocks(self) -> list[Block]:
        """The requests of a scan in which nothing is tried and nothing doubted."""
        if self._base is None or self._version != self.facts.version:
            self._version = self.facts.version
            self._base = planned(self._atoms, self.facts, self._config.max_block)
        return self._base

    @property
    def absent(self) -> "Iterable[tuple[Block, LinkFault]]":
        """The values that the device does not answer, and how it does not."""
        for atom in self._atoms:
            if atom.key in self.facts.absent:
                yield atom, self._faults.get(atom.key) or unanswered(atom, silent=self.facts.absent[atom.key])

    @property
    def known_blocks(self) -> list[Block]:
        """Those of `blocks` that were answered before and since."""
        return [b for b in self.blocks if b.key in self._answered_before and not self._strikes[b.key]]

    def begin(self, now_s: float) -> list[Block]:
        """The requests of a scan. Those that may be silent come last, values that were absent now and then."""
        self._answered.clear()
        self._failed.clear()
        self._short.clear()
        self._undecided.clear()
        self._halved, self._probed = [], []
        blocks = self.blocks
        if blocks and (self._strikes or self._alone):
            blocks = self._doubting(blocks)
        if self.facts.absent:
            due = sorted(
                (a for a in self._atoms if a.key in self.facts.absent), key=lambda a: self._waits[a.key].until_s
            )
            # One a scan: each is a request more, and a silent one costs a time-out.
            self._probed = due[:1] if self._waits[due[0].key].until_s <= now_s or not blocks else []
            blocks = [*blocks, *self._probed]
        return blocks

    def _doubting(self, blocks: Sequence[Block]) -> list[Block]:
        level = [b for b in blocks if not self._strikes[b.key]]
        level += [piece for b in blocks if self._strikes[b.key] for piece in self._pieces(b)]
        if self._scans_without:
            level = self._deeper(level)
        # Nothing came last time: the block that was requested first may be the only one that is not answered.
        return sorted(level, key=lambda b: (self._alone[b.key], self._strikes[b.key] > 0))

    def _deeper(self, blocks: list[Block]) -> list[Block]:
        """The blocks, or their halves, quarters …: where one has failed least often in scans that brought nothing."""
        levels = [blocks]
        while any(len(b.atoms) > 1 for b in levels[-1]):
            levels.append([piece for b in levels[-1] for piece in halves(b) or (b,)])
        depth = min(range(len(levels)), key=lambda at: min(self._alone[b.key] for b in levels[at]))
        self._halved = [b for level in levels[:depth] for b in level if len(b.atoms) > 1]
        return levels[depth]

    def _pieces(self, block: Block) -> list[Block]:
        pieces = halves(block) if self._strikes[block.key] else ()
        return [p for piece in pieces for p in self._pieces(piece)] or [block]

    # ---------------------------------------------------------------- what became of it

    def answered(self, block: Block) -> None:
        """A block has brought its values."""
        key = block.key
        self._answered.add(key)
        self._answered_before.add(key)
        if self._strikes or self._alone:
            self._strikes.pop(key, None)
            self._alone.pop(key, None)
        function, count = block.function, block.count
        if count > self.facts.good.get(function, 0):
            self.facts.good[function] = count
            if function in self.facts.bad:
                self._learn()
                if count >= self.facts.bad[function]:
                    del self.facts.bad[function]
        if self.facts.absent and key in self.facts.absent:
            del self.facts.absent[key]
            self._faults.pop(key, None)
            self._learn()

    def refused(self, block: Block, fault: LinkFault, now_s: float) -> tuple[Block, ...]:
        """The device says that it does not have a block: what to request instead at once, none when it is one value."""
        if len(block.runs) > 1:
            self._split_gaps(block)
            return block.runs
        pieces = halves(block)
        if not pieces:
            self._lose(block, fault, now_s, silent=False)
        return tuple(piece for half in pieces for piece in self._pieces(half))

    def misfit(self, block: Block, fault: LinkFault) -> None:
        """A block brought bytes that do not fit it: as long as asked for less, they may."""
        if fault.is_short:
            self._failed[block.key] = block
            self._short.add(block.key)
        self._faults[block.key] = fault

    def silent(self, block: Block, fault: LinkFault, *, is_hasty: bool = False) -> None:
        """A block was not responded to, or the connection ended instead; `is_hasty`: it may have come too soon."""
        if is_hasty:
            self._undecided.add(block.key)
        self._failed[block.key] = block
        self._faults[block.key] = fault

    def pieces_answered(self, block: Block, pieces: Sequence[Block]) -> None:
        """All pieces of a block that was refused have brought their values."""
        if block.key in self._answered_before and self._strikes[block.key] < STRIKES - 1:
            self._strikes[block.key] += 1
            return
        self._too_large(block, pieces)

    def is_doubted(self, block: Block) -> bool:
        """Whether it was not answered lately, or is a part of one that was not."""
        return self._strikes[block.key] > 0 or (bool(self._strikes) and block not in self.blocks)

    def fault_of(self, block: Block) -> LinkFault:
        """How a block failed last."""
        return self._faults.get(block.key) or unanswered(block, silent=True)

    def over(self, now_s: float, *, heard: bool) -> None:
        """The scan is over, or broke off. `heard`: the unit has responded in it, be it to something else."""
        # A device that is one response behind responds too short to one request and too long to the next.
        if not self._answered and (not heard or self._failed.keys() <= self._short):
            self._scans_without += bool(self._failed)
            failed = self._failed.values()
            # With the blocks whose pieces they are: a block that is refused may have failed by its first piece.
            within = [b for b in self.blocks if any(b.holds(f) for f in failed)]
            self._alone.update({block.key for block in (*failed, *within)})
            return
        self._scans_without = 0
        for block in self._halved:
            self._strikes[block.key] = 1
        for key, block in self._failed.items():
            if key in self._answered:
                continue
            self._strikes[key] += 1
            if self._strikes[key] < STRIKES:
                continue
            is_single, fault = len(block.atoms) == 1, self._faults[key]
            # It may have been ignored for its haste only.
            is_hasty = self.haste.is_shown or (key in self._undecided and key not in self.facts.absent)
            is_excused = is_hasty and fault.kind is FaultKind.TIMEOUT
            self._strikes[key] = STRIKES if is_single and not is_excused else STRIKES - 1
            if len(block.runs) > 1:
                self._split_gaps(block)
            elif is_single and not is_excused:
                self._lose(block, fault, now_s, silent=not fault.kind.is_bad_response)
        if self.haste.over():
            self._learn()

    @property
    def is_deaf_to_empty(self) -> bool:
        """Whether the device does not respond to a request of no registers."""
        return self._deaf >= DEAF_AFTER

    def note_empty(self, *, responded: bool) -> None:
        """What became of a request of no registers."""
        self._deaf = 0 if responded else self._deaf + 1

    # ---------------------------------------------------------------- trials

    def next_trial(self, now_s: float) -> Trial | None:
        """What to request besides in the scan that is about to end, to learn from."""
        if self._strikes:
            for block in self.blocks:
                pieces = self._pieces(block)
                if self._strikes[block.key] and len(pieces) > 1 and all(p.key in self._answered for p in pieces):
                    return Trial(block, tuple(pieces), is_retest=True)
        if now_s < self._trial.until_s or self._probed:
            return None
        return self._larger() or self._wider()

    @property
    def is_settled(self) -> bool:
        """Whether nothing is doubted, probed, or left to try."""
        return not (self._strikes or self._probed or self.haste.is_guessed or self._larger() or self._wider())

    def _larger(self) -> Trial | None:
        """A block between the largest that is answered and the smallest that is not, if that may save requests."""
        for function, bad in self.facts.bad.items():
            good = self.facts.good.get(function, 0)
            runs = [run for run in runs_of(self._atoms, self.facts) if run[0].function == function]
            if good + 1 >= bad or requests(runs, bad - 1) >= requests(runs, good):
                continue
            for run in runs:
                block = filled(run, (good + bad) // 2)[0]
                if good < block.count < bad:
                    return Trial(block)
        return None

    def _wider(self) -> Trial | None:
        blocks = sorted((b for b in self.blocks if not b.is_bits), key=lambda b: b.key)
        for a, b in pairwise(blocks):
            gap, count = b.address - a.end, b.end - a.address
            key = (a.function, a.address, count)
            if (
                a.function == b.function
                and 0 < gap <= self._config.max_gap
                and count <= min(MAX_REGISTERS, largest_of(self.facts, a, self._config.max_block))
                and (b.function, b.address) not in self.facts.apart
                and key not in self._given_up
                and a.key in self._answered
                and b.key in self._answered
            ):
                return Trial(joined((a, b)), (a, b))
        return None

    def trial_answered(self, trial: Trial) -> None:
        """A trial without comparison has brought values."""
        self.answered(trial.block)

    def trial_failed(self, trial: Trial, now_s: float, *, silent: bool) -> None:
        """A trial was refused, misfitted, or not answered at all."""
        if trial.is_retest:
            self._strikes[trial.block.key] += 1
            if not silent or self._strikes[trial.block.key] > STRIKES:
                self._too_large(trial.block, trial.narrow)
            return
        if trial.narrow:
            self._part(trial)
        else:
            self.facts.bad[trial.block.function] = trial.block.count
        self._learn()
        if silent:  # it has cost a time-out or the connection
            self._trial = _Wait(
                now_s + max(SILENT_PROBE_S, self._trial.step_s), 2 * max(SILENT_PROBE_S, self._trial.step_s)
            )

    def compared(
        self,
        trial: Trial,
        before: Sequence[Sequence[int]],
        wide: Sequence[int],
        after: Sequence[Sequence[int]],
        now_s: float,
    ) -> None:
        """A wider request and the narrow ones before and after it have all brought their registers."""
        key = trial.block.key
        proof = self._proofs.setdefault(key, Proof(trial.block, trial.narrow[1]))
        state = proof.take(trial.narrow, before, wide, after)
        if state is ProofState.REFUTED:
            self._part(trial)
            self._learn()
        elif state is ProofState.PROVEN:
            self.facts.joined.add(key)
            self._proofs.pop(key)
            self._trial = _Wait(now_s, 0.0)
            self._learn()
        elif proof.taken >= MAX_PROOFS:
            self._given_up.add(key)
            self._proofs.pop(key)

    # ---------------------------------------------------------------- conclusions

    def _too_large(self, block: Block, pieces: Sequence[Block]) -> None:
        """A block fails whose pieces are answered."""
        function = block.function
        self._strikes.pop(block.key, None)
        if len(block.runs) > 1:
            self._split_gaps(block)
            return
        most = max(p.count for p in pieces)
        good = self.facts.good.get(function, 0)
        if good >= block.count:  # it is not the size: some devices serve no block across the border of two areas
            self.facts.cuts.add((function, pieces[len(pieces) // 2].address))
        else:
            self.facts.bad[function] = min(block.count, self.facts.bad.get(function, block.count))
            self.facts.good[function] = max(most, good)
        self._learn()

    def _split_gaps(self, block: Block) -> None:
        self.facts.joined = {
            k
            for k in self.facts.joined
            if not (k[0] == block.function and k[1] < block.end and block.address < k[1] + k[2])
        }
        self.facts.apart |= {(run.function, run.address) for run in block.runs[1:]}
        self._strikes.pop(block.key, None)
        self._learn()

    def _part(self, trial: Trial) -> None:
        right = trial.narrow[1]
        self.facts.apart.add((right.function, right.address))
        self._proofs.pop(trial.block.key, None)

    def _lose(self, atom: Block, fault: LinkFault, now_s: float, *, silent: bool) -> None:
        self._strikes.pop(atom.key, None)
        if fault.kind is FaultKind.LOST:
            text, advice = f"the connection ended at the request of {atom.place}", "check the map against the manual"
            fault = LinkFault(FaultKind.LOST, Reason.NO_COMMUNICATION, text, advice)
        self._faults[atom.key] = fault
        wait = self._waits.get(atom.key) if atom.key in self.facts.absent else None
        step_s = (SILENT_PROBE_S if silent else PROBE_S) if wait is None else min(2 * wait.step_s, LONGEST_PROBE_S)
        self._waits[atom.key] = _Wait(now_s + step_s, step_s)
        if self.facts.absent.get(atom.key) != silent:
            self.facts.absent[atom.key] = silent
            self._learn()

    def _learn(self) -> None:
        self.facts.version += 1
        self._changed()
