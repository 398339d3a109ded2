"""Modbus links: register maps and blocks over a strict connection."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pumpwatch_gui.acquire.driver import LinkSpec, Readings
from pumpwatch_gui.acquire.links.faults import refused
from pumpwatch_gui.acquire.links.meter import ANSWERED_WRONGLY, LinkFault
from pumpwatch_gui.acquire.modbus.plan import Block, any_block, ordered, plan_blocks, split_block, sync_block
from pumpwatch_gui.acquire.modbus.strict_link import StrictLink, Tap
from pumpwatch_gui.acquire.modbus.wires import SerialWire, TcpWire, TlsWire
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import (
    ModbusConfig,
    ModbusRtuConfig,
    ModbusRtuTcpConfig,
    ModbusTcpConfig,
    ModbusTlsConfig,
)
from pumpwatch_gui.domain.links.decode import PointValue, bad, decoder
from pumpwatch_gui.domain.links.register_map import Point
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.files.register_maps import load_register_map

BUSY = 6
TOO_WIDE = (2, 3)
"""Exceptions that a smaller block may not meet: illegal address (a gap in it), illegal count."""
SPOILT = ANSWERED_WRONGLY | {"exception"}
"""Kinds of fault that cost a scan only the block they struck."""
CLOSE_AFTER = 2
"""Time-outs in a row, of each unit behind the connection, after which it is given up."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A block and what decodes each of its tags."""

    block: Block
    decode: tuple[tuple[str, Callable[[Sequence[int]], PointValue]], ...]


@dataclass(slots=True)
class _Plan:
    """What to read for one link, and what its last scan left behind.

    `raw` are the registers of the last scan, which have not changed for `same` scans.
    """

    spec: LinkSpec
    config: ModbusConfig
    reads: list[_Read]
    raw: tuple[tuple[int, ...], ...] = ()
    same: int = 0


class ModbusChannel:
    """One Modbus endpoint (TCP, TLS, gateway or serial line) and the units behind it.

    `_in_step` is False while an answer may still be out (a time-out, a refused answer, a cancelled read): the next one
    might be it, whichever unit is asked. Without transaction ids a fresh connection is not in step either.
    """

    def __init__(self, specs: Sequence[LinkSpec]) -> None:
        self._link = strict_link(_config(specs[0]), specs[0].base_dir)
        self._line = _alike(specs[0])
        self._plans: dict[str, _Plan] = {}
        self._late = 0
        self._in_step = not self._link.is_rtu
        self.shared_by(specs)

    @property
    def lost(self) -> asyncio.Future[str]:
        """Done as soon as the peer is gone."""
        return self._link.lost

    def watch(self, tap: Tap | None) -> None:
        """Have every piece of traffic told, or (None) no longer."""
        self._link.tap = tap

    def shared_by(self, specs: Sequence[LinkSpec]) -> None:
        """Take note of the links that share the connection from now on."""
        self._link.close_after = CLOSE_AFTER * len(specs)
        for spec in specs:
            spec.meter.identity = self._link.identity

    async def connect(self) -> None:
        """Open the connection. Raises LinkFault, InputError when a certificate file is wrong."""
        await self._link.connect()

    async def read(self, spec: LinkSpec, table: str, address: int, count: int) -> Sequence[int]:
        """Any block, once: registers, or bits as 0 and 1. Raises LinkFault, ValueError for an impossible block."""
        block = any_block(table, address, count)
        await self._get_in_step(self._plan(spec))
        return await self._ask(self._plan(spec), block)

    async def identify(self, spec: LinkSpec) -> Mapping[str, str]:
        """What the device says about itself (function 43/14). Raises LinkFault."""
        config = _config(spec)
        return await read_identity(self._link, config.unit, timeout_s=config.timeout_s)

    async def scan(self, spec: LinkSpec) -> Readings:
        """Read all blocks of a link. A block that the device refuses, or answers wrongly, makes its own tags BAD.

        Raises LinkFault when a block gives no answer or no block gives a good one, InputError for a bad register map.
        """
        _must_agree(self._line, spec)
        plan = self._plan(spec)
        readings: dict[str, PointValue] = {}
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
                if not pieces and found.kind not in SPOILT:
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
            found = load_register_map(config.registers, tags=spec.profile.tags, base_dir=spec.base_dir)
            beat = (Point("", "holding", config.heartbeat, "uint16"),) if config.heartbeat >= 0 else ()
            plan = _Plan(
                spec, config, _reads(plan_blocks([*found.points, *beat], max_gap=config.max_gap), spec.profile)
            )
            self._plans[spec.link_id] = plan
        return plan

    async def _get_in_step(self, plan: _Plan) -> None:
        """After a time-out, make sure that the missed answer is not taken for the next one.

        Transaction ids should tell, but a line has none, and there are devices that send a late answer with the newest
        id. So first ask for a count that the next block has not. When then the block's own answer does not fit, every
        answer comes one too late, and only a new connection helps. Two exceptions in a row tell nothing: they may be
        one that comes twice; then another block must do.
        """
        fault: LinkFault | None = None
        for read in () if self._in_step else tuple(plan.reads):
            sync = sync_block(read.block)
            refused = await self._refusal(plan, sync)
            try:
                fault = await self._refusal(plan, read.block)
                if fault is not None and refused is None:
                    await self._ask(plan, sync)  # it must bring values again
            except LinkFault as found:
                if found.kind in ANSWERED_WRONGLY:
                    self._link.drop("answers do not fit their questions")
                raise
            if fault is None or refused is None:
                return
            self._in_step = False
        if fault is not None:
            raise fault

    async def _refusal(self, plan: _Plan, block: Block) -> LinkFault | None:
        """The exception that answers a block, None when values do. Raises all other LinkFaults."""
        try:
            await self._ask(plan, block)
        except LinkFault as fault:
            if fault.kind != "exception":
                raise
            return fault
        return None

    async def _read(self, plan: _Plan, block: Block) -> Sequence[int]:
        started = time.perf_counter()
        meter = plan.spec.meter
        try:
            registers = await self._ask(plan, block)
        except LinkFault as fault:
            if fault.code != BUSY and fault.kind != "crc":
                raise
            meter.faulted(fault)
            registers = await self._ask(plan, block)  # the two faults that are worth a second try at once
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
            late, self._late = self._link.late_answers - self._late, self._link.late_answers
            meter.late_answers += late

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
        """The readings without the heartbeat, UNCERTAIN when nothing has changed for `frozen_after` scans.

        With a heartbeat register that one alone counts.
        """
        beat = readings.get("")
        seen = raw if beat is None else ((int(beat.value),),) if beat.quality is Quality.GOOD else ()
        plan.same = plan.same + 1 if seen and seen == plan.raw else 0
        plan.raw = seen
        readings = {tag: r for tag, r in readings.items() if tag}
        if not plan.config.frozen_after or plan.same < plan.config.frozen_after:
            return readings
        return {
            tag: r if r.quality is Quality.BAD else replace(r, quality=Quality.UNCERTAIN, reason=Reason.FROZEN)
            for tag, r in readings.items()
        }


async def read_identity(link: StrictLink, unit: int, *, timeout_s: float) -> Mapping[str, str]:
    """What a device says about itself. Raises LinkFault."""
    found: dict[str, str] = {}
    first, last = 0, -1
    while first > last:  # a device whose "next object" goes back would keep us for ever
        pdu = await link.identify(unit, first, timeout_s=timeout_s)
        at = 7
        for _ in range(pdu[6] if len(pdu) > 6 else 0):
            head, text = pdu[at : at + 2], pdu[at + 2 : at + 2 + (pdu[at + 1] if at + 1 < len(pdu) else 0)]
            if len(head) < 2 or len(text) < head[1]:
                raise refused("length", "the identification breaks off")
            found[_OBJECTS.get(head[0], f"object {head[0]}")] = text.decode("ascii", "replace")
            at += 2 + head[1]
        if len(pdu) < 7 or not pdu[4]:
            break
        first, last = pdu[5], first
    return found


_OBJECTS = {0: "vendor", 1: "product code", 2: "revision", 3: "vendor URL", 4: "product name", 5: "model name",
            6: "application name"}  # fmt: skip


def strict_link(config: ModbusConfig, base_dir: Path | None) -> StrictLink:
    """A fresh, unconnected link; relative paths of certificates start at `beside`. On a running loop only."""
    match config:
        case ModbusTcpConfig(host, port):
            return StrictLink(TcpWire(host, port))
        case ModbusRtuTcpConfig(host, port):
            return StrictLink(TcpWire(host, port), character_s=0.0)
        case ModbusRtuConfig():
            return StrictLink(SerialWire(config), character_s=config.character_s)
        case ModbusTlsConfig():
            return StrictLink(TlsWire(config, base_dir))


def _alike(spec: LinkSpec) -> str:
    return spec.config.line if isinstance(spec.config, ModbusRtuConfig) else ""


def _must_agree(line: str, spec: LinkSpec) -> None:
    """Two links of one serial line cannot have different speeds. Raises InputError."""
    if _alike(spec) != line:
        text = f"{spec.config.endpoint}: another link runs this line at {line}"
        raise InputError(text, "give all links of one device the same baud, parity and stop bits")


def _config(spec: LinkSpec) -> ModbusConfig:
    assert isinstance(spec.config, ModbusConfig)
    return spec.config


def _reads(blocks: Sequence[Block], profile: PumpProfile) -> list[_Read]:
    spans = {"": (0.0, 65535.0), **{s.tag: s.span for s in profile.sensors}}
    return [_Read(b, tuple((p.tag, decoder(p, spans[p.tag], p.address - b.address)) for p in b.points)) for b in blocks]
