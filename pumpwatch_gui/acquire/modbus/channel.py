"""Modbus links: register maps and blocks over a strict connection."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pumpwatch_gui.acquire.driver import LinkSpec, Readings, Tap
from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.acquire.modbus.exception_codes import ExceptionCode
from pumpwatch_gui.acquire.modbus.faults import refused
from pumpwatch_gui.acquire.modbus.plan import HEARTBEAT, Block, any_block, ordered, poll_blocks, split_block, sync_block
from pumpwatch_gui.acquire.modbus.response import Refusal
from pumpwatch_gui.acquire.modbus.strict_link import StrictLink
from pumpwatch_gui.acquire.modbus.wires import SerialWire, TcpWire, TlsWire
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import (
    ModbusConfig,
    ModbusRtuConfig,
    ModbusRtuTcpConfig,
    ModbusTcpConfig,
    ModbusTlsConfig,
)
from pumpwatch_gui.domain.links.decode import EVERYTHING, PointValue, bad, decoder, scaled
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.files.register_maps import load_register_map

TOO_WIDE = (ExceptionCode.ILLEGAL_ADDRESS, ExceptionCode.ILLEGAL_VALUE)
"""Exceptions that a smaller block may not meet: a gap in it that does not exist, or more than the device sends."""
CLOSE_AFTER = 2
"""Time-outs in a row, of each unit behind the connection, after which it is given up. A connection whose other end lost
its power, or whose entry a firewall dropped, gives no error: requests on it time out for ever."""


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
    scale: Callable[[dict[str, PointValue]], None]
    register_bytes: int
    raw: tuple[tuple[int, ...], ...] = ()
    same: int = 0


class ModbusChannel:
    """One Modbus endpoint (TCP, TLS, gateway or serial line) and the units behind it.

    `_in_sync` is False while a response may still be on its way (a time-out, a refused response, a cancelled read):
    the next one might be it, whichever unit is read. Without transaction ids a fresh connection is not in sync either:
    the line behind a gateway, or the adapter's buffer, may hold a response to the connection before.
    """

    def __init__(self, specs: Sequence[LinkSpec]) -> None:
        self._link = strict_link(_config(specs[0]), specs[0].base_dir)
        self._line_settings = _line_settings(specs[0])
        self._plans: dict[str, _Plan] = {}
        self._late = 0
        self._in_sync = not self._link.is_rtu
        self.shared_by(specs)

    @property
    def lost(self) -> asyncio.Future[str]:
        """Done as soon as the peer is gone."""
        return self._link.lost

    def watch(self, tap: Tap | None) -> None:
        """Call `tap` with every piece of traffic from now on; None: no longer."""
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
        plan = self._plan(spec)
        block = any_block(table, address, count, plan.register_bytes)
        await self._synchronise(plan)
        return await self._request(plan, block)

    async def identify(self, spec: LinkSpec) -> Mapping[str, str]:
        """The device identification (function 43/14). Raises LinkFault."""
        config = _config(spec)
        return await read_identity(self._link, config.unit, timeout_s=config.timeout_s)

    async def scan(self, spec: LinkSpec) -> Readings:
        """Read all blocks of a link. A block that the device refuses, or responds to wrongly, makes its own tags BAD.

        Raises LinkFault when a block gets no response or no block gets a good one, InputError for a bad register map.
        """
        _check_line_settings(self._line_settings, spec)
        plan = self._plan(spec)
        readings: dict[str, PointValue] = {}
        raw: list[tuple[int, ...]] = []
        fault: LinkFault | None = None
        await self._synchronise(plan)
        waiting = list(plan.reads)
        while waiting:
            read = waiting.pop(0)
            try:
                registers = await self._read(plan, read.block)
            except LinkFault as found:
                pieces = self._split(plan, read) if found.code in TOO_WIDE else []
                if not pieces and not (found.kind.is_bad_response or found.kind is FaultKind.EXCEPTION):
                    raise
                waiting[:0] = pieces
                if not pieces:
                    readings |= {tag: bad(found.reason) for tag, _ in read.decode}
                if fault is not None:
                    spec.meter.count_fault(fault)
                fault = found
            else:
                raw.append(tuple(registers))
                readings |= {tag: decode(registers) for tag, decode in read.decode}
        if fault is not None:
            if not raw:
                raise fault
            spec.meter.count_fault(fault)
        plan.scale(readings)
        return self._unless_frozen(plan, readings, tuple(raw))

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()

    def _plan(self, spec: LinkSpec) -> _Plan:
        plan = self._plans.get(spec.link_id)
        if plan is None or plan.spec is not spec:  # another object: limits changed, or the file of the register map
            config = _config(spec)
            found = load_register_map(config.registers, tags=spec.profile.tags, base_dir=spec.base_dir)
            finish = scaled(found.points, {s.tag: s.span for s in spec.profile.sensors})
            plan = _Plan(
                spec, config, _reads(poll_blocks(config, found.points), spec.profile), finish, found.register_bytes
            )
            self._plans[spec.link_id] = plan
        return plan

    async def _synchronise(self, plan: _Plan) -> None:
        """After a time-out, make sure that the missed response is not taken for the next one.

        Transaction ids should show it, but a line has none, and there are devices that send a late response with the
        newest id. So first request another count than the next block has. When the block's own response then does not
        fit, every response comes one too late, and only a new connection helps. Two exceptions in a row prove nothing:
        they may be one that comes twice; then another block must do.
        """
        fault: LinkFault | None = None
        for read in () if self._in_sync else tuple(plan.reads):
            sync = sync_block(read.block)
            first = await self._exception(plan, sync)
            try:
                fault = await self._exception(plan, read.block)
                if fault is not None and first is None:
                    await self._request(plan, sync)  # it must bring values again
            except LinkFault as found:
                if found.kind.is_bad_response:
                    self._link.drop("responses do not fit their requests")
                raise
            if fault is None or first is None:
                return
            self._in_sync = False
        if fault is not None:
            raise fault

    async def _exception(self, plan: _Plan, block: Block) -> LinkFault | None:
        """The exception that a block meets, None when it brings values. Raises all other LinkFaults."""
        try:
            await self._request(plan, block)
        except LinkFault as fault:
            if fault.kind is not FaultKind.EXCEPTION:
                raise
            return fault
        return None

    async def _read(self, plan: _Plan, block: Block) -> Sequence[int]:
        started = time.perf_counter()
        meter = plan.spec.meter
        try:
            registers = await self._request(plan, block)
        except LinkFault as fault:
            # Only these are worth a second try at once: a busy device serves another client for some milliseconds, and
            # a CRC error is usually one burst of noise. After anything else the next scan is the second try.
            if fault.code != ExceptionCode.BUSY and fault.kind is not FaultKind.CRC:
                raise
            meter.count_fault(fault)
            registers = await self._request(plan, block)
        meter.count_good((time.perf_counter() - started) * 1e3)
        return registers

    async def _request(self, plan: _Plan, block: Block) -> Sequence[int]:
        meter = plan.spec.meter
        meter.requests += 1
        self._in_sync = False
        try:
            values = await self._link.read(plan.config.unit, block, timeout_s=plan.config.timeout_s)
        except LinkFault as fault:
            self._in_sync = fault.kind is FaultKind.EXCEPTION
            raise
        else:
            self._in_sync = True
            return values
        finally:
            late, self._late = self._link.late_responses - self._late, self._link.late_responses
            meter.late_responses += late

    @staticmethod
    def _split(plan: _Plan, refused: _Read) -> list[_Read]:
        """The pieces to read instead from now on, none when nothing is left to split."""
        pieces = split_block(refused.block)
        if len(pieces) == 1 and pieces[0] == refused.block:
            return []
        kept = [r.block for r in plan.reads if r is not refused]
        plan.reads = _reads(ordered([*kept, *pieces]), plan.spec.profile)
        return [r for r in plan.reads if r.block in pieces]

    @staticmethod
    def _unless_frozen(plan: _Plan, readings: Readings, raw: tuple[tuple[int, ...], ...]) -> Readings:
        """The readings without the heartbeat, UNCERTAIN when nothing has changed for `frozen_after` scans.

        With a heartbeat register that one alone counts: when the device's program has stopped, registers that other
        hardware writes may still change.
        """
        heartbeat = readings.get(HEARTBEAT)
        seen = raw
        if heartbeat is not None:
            seen = ((int(heartbeat.value),),) if heartbeat.quality is Quality.GOOD else ()
        plan.same = plan.same + 1 if seen and seen == plan.raw else 0
        plan.raw = seen
        readings = {tag: r for tag, r in readings.items() if tag != HEARTBEAT}
        if not plan.config.frozen_after or plan.same < plan.config.frozen_after:
            return readings
        return {
            tag: r if r.quality is Quality.BAD else replace(r, quality=Quality.UNCERTAIN, reason=Reason.FROZEN)
            for tag, r in readings.items()
        }


async def read_identity(link: StrictLink, unit: int, *, timeout_s: float) -> Mapping[str, str]:
    """The device identification of a unit. Raises LinkFault."""
    found: dict[str, str] = {}
    first, last = 0, -1
    while first > last:  # a device whose "next object" goes back would keep this going for ever
        pdu = await link.identify(unit, first, timeout_s=timeout_s)
        at = 7  # function, MEI type, code, conformity, more follows, next object, number of objects
        for _ in range(pdu[6] if len(pdu) > 6 else 0):
            head, text = pdu[at : at + 2], pdu[at + 2 : at + 2 + (pdu[at + 1] if at + 1 < len(pdu) else 0)]
            if len(head) < 2 or len(text) < head[1]:
                raise refused(Refusal(FaultKind.LENGTH, "the identification breaks off"))
            found[_OBJECTS.get(head[0], f"object {head[0]}")] = text.decode("ascii", "replace")
            at += 2 + head[1]
        # "More follows" is 0xFF by the standard; any value but 0 is taken for it.
        if len(pdu) < 7 or not pdu[4]:
            break
        first, last = pdu[5], first
    return found


# Objects 0 to 2 are mandatory, 3 to 6 optional; from 0x80 on they are the maker's own.
_OBJECTS = {0: "vendor", 1: "product code", 2: "revision", 3: "vendor URL", 4: "product name", 5: "model name",
            6: "application name"}  # fmt: skip


def strict_link(config: ModbusConfig, base_dir: Path | None) -> StrictLink:
    """A fresh, unconnected link; relative paths of certificates start at `base_dir`. On a running loop only."""
    match config:
        case ModbusTcpConfig(host, port):
            return StrictLink(TcpWire(host, port))
        case ModbusRtuTcpConfig(host, port):
            return StrictLink(TcpWire(host, port), is_rtu=True)
        case ModbusRtuConfig():
            return StrictLink(SerialWire(config), is_rtu=True, speed=config.speed)
        case ModbusTlsConfig():
            return StrictLink(TlsWire(config, base_dir))
        case _:
            raise TypeError(f"{config.driver} has no wire")


def _config(spec: LinkSpec) -> ModbusConfig:
    assert isinstance(spec.config, ModbusConfig)
    return spec.config


def _line_settings(spec: LinkSpec) -> str:
    return spec.config.speed.text if isinstance(spec.config, ModbusRtuConfig) else ""


def _check_line_settings(settings: str, spec: LinkSpec) -> None:
    """Two links of one serial line cannot have different speeds. Raises InputError."""
    if _line_settings(spec) != settings:
        text = f"{spec.config.endpoint}: another link runs this line at {settings}"
        raise InputError(text, "give all links of one device the same baud, parity and stop bits")


def _reads(blocks: Sequence[Block], profile: PumpProfile) -> list[_Read]:
    spans = {HEARTBEAT: (0.0, 65535.0), **{s.tag: s.span for s in profile.sensors}}
    return [
        _Read(b, tuple((p.tag, decoder(p, spans.get(p.tag, EVERYTHING), p.address - b.address)) for p in b.points))
        for b in blocks
    ]
