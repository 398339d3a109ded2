"""Modbus links: register maps and blocks over a strict connection."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pumpwatch_gui.acquire.config import ModbusTcpConfig
from pumpwatch_gui.acquire.decode import Reading, bad, decoder
from pumpwatch_gui.acquire.driver import LinkSpec, Readings
from pumpwatch_gui.acquire.meter import LinkFault
from pumpwatch_gui.acquire.plan import Block, ordered, plan_blocks, split_block, sync_block
from pumpwatch_gui.acquire.register_map import load_register_map
from pumpwatch_gui.acquire.strict import StrictTcp
from pumpwatch_gui.domain.profile import PumpProfile
from pumpwatch_gui.domain.quality import Quality, Reason

BUSY = 6
TOO_WIDE = (2, 3)
"""Exceptions that a smaller block may not meet: illegal address (a gap in it), illegal count."""
CLOSE_AFTER = 2
"""Time-outs in a row, of each unit behind the connection, after which it is given up."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A block and what decodes each of its tags."""

    block: Block
    decode: tuple[tuple[str, Callable[[Sequence[int]], Reading]], ...]


@dataclass(slots=True)
class _Plan:
    """What to read for one link, and what its last scan left behind.

    `raw` are the registers of the last scan, which have not changed for `same` scans.
    """

    spec: LinkSpec
    config: ModbusTcpConfig
    reads: list[_Read]
    raw: tuple[tuple[int, ...], ...] = ()
    same: int = 0


class ModbusChannel:
    """One Modbus TCP endpoint and the units behind it.

    `_in_step` is False while an answer may still be out (a time-out, a refused answer, a cancelled read): the next one
    might be it, whichever unit is asked.
    """

    def __init__(self, specs: Sequence[LinkSpec]) -> None:
        config = _config(specs[0])
        self._link = StrictTcp(config.host, config.port)
        self._plans: dict[str, _Plan] = {}
        self._late = 0
        self._in_step = True
        self.shared_by(specs)

    @property
    def lost(self) -> asyncio.Future[str]:
        """Done as soon as the peer is gone."""
        return self._link.lost

    def shared_by(self, specs: Sequence[LinkSpec]) -> None:
        """Take note of the links that share the connection from now on."""
        self._link.close_after = CLOSE_AFTER * len(specs)

    async def connect(self) -> None:
        """Open the connection. Raises LinkFault."""
        await self._link.connect()

    async def scan(self, spec: LinkSpec) -> Readings:
        """Read all blocks of a link. A block that the device refuses, or answers wrongly, makes its own tags BAD.

        Raises LinkFault when a block gives no answer or no block gives a good one, InputError for a bad register map.
        """
        plan = self._plan(spec)
        readings: dict[str, Reading] = {}
        raw: list[tuple[int, ...]] = []
        fault: LinkFault | None = None
        await self._get_in_step(plan)
        waiting = list(plan.reads)
        while waiting:
            read = waiting.pop(0)
            try:
                registers = await self._read(plan, read.block)
            except LinkFault as found:
                pieces = self._split(plan, read) if found.code in TOO_WIDE else []
                if not pieces and found.kind not in ("exception", "refused"):
                    raise
                waiting[:0] = pieces
                if not pieces:
                    readings |= {tag: bad(found.reason) for tag, _ in read.decode}
                if fault is not None:
                    spec.meter.faulted(fault)
                fault = found
            else:
                raw.append(tuple(registers))
                readings |= {tag: decode(registers) for tag, decode in read.decode}
        if fault is not None:
            if not raw:
                raise fault
            spec.meter.faulted(fault)
        return self._unless_frozen(plan, readings, tuple(raw))

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()

    def _plan(self, spec: LinkSpec) -> _Plan:
        plan = self._plans.get(spec.link_id)
        if plan is None or plan.spec is not spec:
            config = _config(spec)
            found = load_register_map(config.registers, tags=spec.profile.tags, beside=spec.beside)
            plan = _Plan(spec, config, _reads(plan_blocks(found.points), spec.profile))
            self._plans[spec.link_id] = plan
        return plan

    async def _get_in_step(self, plan: _Plan) -> None:
        """After a time-out, make sure that the missed answer is not taken for the next one.

        Transaction ids should tell, but there are devices that send a late answer with the newest id. So first ask
        for a count that the next block has not; an exception answers that just as well. When even then the block's
        own answer does not fit, every answer comes one too late, and only a new connection helps.
        """
        if self._in_step:
            return
        try:
            await self._ask(plan, sync_block(plan.reads[0].block))
        except LinkFault as fault:
            if fault.kind != "exception":
                raise
        try:
            await self._ask(plan, plan.reads[0].block)
        except LinkFault as fault:
            if fault.kind == "refused":
                self._link.give_up("answers do not fit their questions")
            if fault.kind != "exception":
                raise

    async def _read(self, plan: _Plan, block: Block) -> Sequence[int]:
        started = time.perf_counter()
        meter = plan.spec.meter
        try:
            registers = await self._ask(plan, block)
        except LinkFault as fault:
            if fault.code != BUSY:
                raise
            meter.faulted(fault)
            registers = await self._ask(plan, block)  # the one fault that is worth an immediate second try
        meter.answered((time.perf_counter() - started) * 1e3)
        return registers

    async def _ask(self, plan: _Plan, block: Block) -> Sequence[int]:
        meter = plan.spec.meter
        meter.requests += 1
        self._in_step = False
        try:
            answer = await self._link.read(plan.config.unit, block, timeout_s=plan.config.timeout_s)
        except LinkFault as fault:
            self._in_step = fault.kind == "exception"
            raise
        else:
            self._in_step = True
            return answer
        finally:
            meter.late_answers += self._link.late_answers - self._late
            self._late = self._link.late_answers

    @staticmethod
    def _split(plan: _Plan, refused: _Read) -> list[_Read]:
        """The pieces to ask for instead from now on, none when nothing is left to split."""
        pieces = split_block(refused.block)
        if len(pieces) == 1 and pieces[0] == refused.block:
            return []
        kept = [r.block for r in plan.reads if r is not refused]
        plan.reads = _reads(ordered([*kept, *pieces]), plan.spec.profile)
        return [r for r in plan.reads if r.block in pieces]

    @staticmethod
    def _unless_frozen(plan: _Plan, readings: Readings, raw: tuple[tuple[int, ...], ...]) -> Readings:
        """The readings, UNCERTAIN when not one register has changed for `frozen_after` scans."""
        plan.same = plan.same + 1 if raw == plan.raw else 0
        plan.raw = raw
        if not plan.config.frozen_after or plan.same < plan.config.frozen_after:
            return readings
        return {
            tag: r if r.quality is Quality.BAD else replace(r, quality=Quality.UNCERTAIN, reason=Reason.FROZEN)
            for tag, r in readings.items()
        }


def _config(spec: LinkSpec) -> ModbusTcpConfig:
    assert isinstance(spec.config, ModbusTcpConfig)
    return spec.config


def _reads(blocks: Sequence[Block], profile: PumpProfile) -> list[_Read]:
    spans = {s.tag: s.span for s in profile.sensors}
    return [_Read(b, tuple((p.tag, decoder(p, spans[p.tag], p.address - b.address)) for p in b.points)) for b in blocks]
