"""Modbus links: register maps and blocks over a strict connection."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pumpwatch_gui.acquire.config import ModbusTcpConfig
from pumpwatch_gui.acquire.decode import Reading, bad, decoder
from pumpwatch_gui.acquire.driver import LinkSpec, Readings
from pumpwatch_gui.acquire.meter import LinkFault
from pumpwatch_gui.acquire.plan import Block, plan_blocks, split_block
from pumpwatch_gui.acquire.register_map import load_register_map
from pumpwatch_gui.acquire.strict import StrictTcp
from pumpwatch_gui.domain.profile import PumpProfile
from pumpwatch_gui.domain.quality import Reason

BUSY = 6
ILLEGAL_ADDRESS = 2


@dataclass(frozen=True, slots=True)
class _Read:
    """A block and what decodes each of its tags."""

    block: Block
    decode: tuple[tuple[str, Callable[[Sequence[int]], Reading]], ...]


def _reads(blocks: Sequence[Block], profile: PumpProfile) -> list[_Read]:
    spans = {s.tag: s.span for s in profile.sensors}
    return [_Read(b, tuple((p.tag, decoder(p, spans[p.tag], p.address - b.address)) for p in b.points)) for b in blocks]


class ModbusChannel:
    """One Modbus TCP endpoint and the units behind it."""

    def __init__(self, specs: Sequence[LinkSpec]) -> None:
        config = specs[0].config
        assert isinstance(config, ModbusTcpConfig)
        timeout_s = max(s.config.timeout_s for s in specs if isinstance(s.config, ModbusTcpConfig))
        self._link = StrictTcp(config.host, config.port, timeout_s=timeout_s, close_after=2 * len(specs))
        self._plans: dict[str, list[_Read]] = {}

    @property
    def lost(self) -> asyncio.Future[str]:
        """Done as soon as the peer is gone."""
        return self._link.lost

    async def connect(self) -> None:
        """Open the connection. Raises LinkFault."""
        await self._link.connect()

    async def scan(self, spec: LinkSpec) -> Readings:
        """Read all blocks of a link. A block the device refuses by an exception makes its own tags BAD.

        Raises LinkFault when any block gives no trustworthy answer, or when the device refuses all.
        """
        config = spec.config
        assert isinstance(config, ModbusTcpConfig)
        readings: dict[str, Reading] = {}
        refused: LinkFault | None = None
        plan = self._plan(spec, config)
        for read in plan:
            try:
                registers = await self._read(spec, config.unit, read.block)
            except LinkFault as fault:
                if fault.kind != "exception" or len(plan) == 1:
                    raise
                refused = fault
                spec.meter.faulted(fault)
                readings |= {tag: bad(fault.reason) for tag, _ in read.decode}
            else:
                readings |= {tag: decode(registers) for tag, decode in read.decode}
        if refused is not None and all(r.reason is Reason.DEVICE_FAILURE for r in readings.values()):
            raise refused
        return readings

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()

    def _plan(self, spec: LinkSpec, config: ModbusTcpConfig) -> list[_Read]:
        if spec.link_id not in self._plans:
            found = load_register_map(config.registers, tags=spec.profile.tags, beside=spec.beside)
            self._plans[spec.link_id] = _reads(plan_blocks(found.points), spec.profile)
        return self._plans[spec.link_id]

    async def _read(self, spec: LinkSpec, unit: int, block: Block) -> list[int]:
        started = time.perf_counter()
        try:
            registers = await self._ask(spec, unit, block)
        except LinkFault as fault:
            if fault.code == ILLEGAL_ADDRESS and len(block.points) > 1:
                self._split(spec, block)
            if fault.code != BUSY:
                raise
            spec.meter.faulted(fault)
            registers = await self._ask(spec, unit, block)  # the one fault that is worth an immediate second try
        spec.meter.answered((time.perf_counter() - started) * 1e3)
        return registers

    async def _ask(self, spec: LinkSpec, unit: int, block: Block) -> list[int]:
        spec.meter.requests += 1
        return await self._link.read(unit, block)

    def _split(self, spec: LinkSpec, refused: Block) -> None:
        """A device that refuses a block may refuse only its gaps: from now on ask for its points one by one."""
        blocks = [
            b for r in self._plans[spec.link_id] for b in ((r.block,) if r.block != refused else split_block(refused))
        ]
        self._plans[spec.link_id] = _reads(blocks, spec.profile)
