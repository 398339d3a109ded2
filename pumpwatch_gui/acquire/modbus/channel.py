"""Modbus links: one endpoint, and the units behind it."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from pumpwatch_gui.acquire.driver import LinkSpec, Readings, Tap
from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.acquire.links.off_loop import off_loop
from pumpwatch_gui.acquire.modbus.learnt.memory import DeviceMemory
from pumpwatch_gui.acquire.modbus.learnt.plan import Block, any_block, empty_block, polled_points, step_block
from pumpwatch_gui.acquire.modbus.learnt.unit import Unit
from pumpwatch_gui.acquire.modbus.wire.faults import refused
from pumpwatch_gui.acquire.modbus.wire.owed import Owed
from pumpwatch_gui.acquire.modbus.wire.response import Refusal
from pumpwatch_gui.acquire.modbus.wire.strict_link import StrictLink
from pumpwatch_gui.acquire.modbus.wire.wires import SerialWire, TcpWire, TlsWire
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import (
    ModbusConfig,
    ModbusRtuConfig,
    ModbusRtuTcpConfig,
    ModbusTcpConfig,
    ModbusTlsConfig,
)
from pumpwatch_gui.files.register_maps import load_register_map

CLOSE_AFTER = 2
"""Time-outs in a row, of each unit behind the connection, after which it is given up. A connection whose other end lost
its power, or whose entry a firewall dropped, gives no error: requests on it time out for ever."""
STEP_PAUSE_S = 0.05
"""Between the request of a step check and the next one: some devices ignore what comes at once."""

UNKNOWN_BEHIND, MAX_BEHIND = 2, 3
"""Responses that may be missing after a connection, and after any number of time-outs."""
SUSPECT_S = 3.0
"""How long after a missed response it may still come, where no request can show it."""


class ModbusChannel:
    """One Modbus endpoint (TCP, TLS, gateway or serial line) and the units behind it.

    `_in_step` is False while a response may still be on its way (a time-out, a refused response, a cancelled read):
    the next one might be it, whichever unit is read. Without transaction ids a fresh connection is not in step either:
    the line behind a gateway, or the adapter's buffer, may hold a response to the connection before.
    """

    def __init__(
        self, specs: Sequence[LinkSpec], *, link: StrictLink | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._link = link or strict_link(
            _config(specs[0]), specs[0].base_dir, specs[0].memory.owed(specs[0].config.connection)
        )
        self._line_settings = _line_settings(specs[0])
        self._units: dict[str, tuple[int, Unit]] = {}
        self._memories: tuple[DeviceMemory, ...] = ()
        self._now = now
        self._late = 0
        self._in_step = not self._link.is_untagged
        self._in_doubt = self._step_brought_values = False
        self._behind = UNKNOWN_BEHIND if self._link.is_untagged else 0
        self._suspect_until_s: float | None = None
        self.shared_by(specs)

    @property
    def lost(self) -> asyncio.Future[str]:
        """Done as soon as the peer is gone."""
        return self._link.lost

    @property
    def is_lost(self) -> bool:
        """Whether the peer is gone."""
        return self._link.lost.done()

    @property
    def tells_responses_apart(self) -> bool:
        """Whether each response names its request."""
        return not self._link.is_untagged

    @property
    def is_in_step(self) -> bool:
        """Whether responses are sure to fit their requests."""
        return self._in_step

    @property
    def is_in_doubt(self) -> bool:
        """Whether a response may be another's, and no request can show it."""
        return self._in_doubt

    @property
    def extras(self) -> int:
        """Responses that came besides those to the requests in flight."""
        return self._link.extras if self._link.is_untagged else 0

    @property
    def unrequested(self) -> int:
        """Responses that belong to no request of ours."""
        return self._link.unrequested

    def is_owed(self, unit: Unit, block: Block) -> bool:
        """Whether what comes for a block may be the response to an earlier request that missed its own."""
        return self._link.is_owed(unit.config.unit, block)

    def watch(self, tap: Tap | None) -> None:
        """Call `tap` with every piece of traffic from now on; None: no longer."""
        self._link.tap = tap

    def shared_by(self, specs: Sequence[LinkSpec]) -> None:
        """Take note of the links that share the connection from now on."""
        self._link.close_after = CLOSE_AFTER * len(specs)
        self._memories = tuple({id(spec.memory): spec.memory for spec in specs}.values())
        for spec in specs:
            spec.meter.identity = self._link.identity

    async def connect(self) -> None:
        """Open the connection. Raises LinkFault, InputError when a certificate file is wrong."""
        await self._link.connect()

    async def read(
        self, spec: LinkSpec, table: str, address: int, count: int, register_bytes: int | None = None
    ) -> Sequence[int]:
        """Any block, once: registers, or bits as 0 and 1; None: as wide as the link's map says.

        Raises LinkFault, ValueError for an impossible block.
        """
        unit = self._unit(spec)
        block = any_block(table, address, count, register_bytes or unit.register_bytes)
        return await self.request(unit, block, pause_s=unit.learning.pause_s)

    async def identify(self, spec: LinkSpec) -> Mapping[str, str]:
        """The device identification (function 43/14). Raises LinkFault."""
        config = _config(spec)
        return await read_identity(self._link, config.unit, timeout_s=config.timeout_s)

    async def scan(self, spec: LinkSpec) -> Readings:
        """Read all blocks of a link. A block that is refused, or not answered, makes its own tags BAD.

        Raises LinkFault when no block brings values or the connection ends, InputError for a bad register map.
        """
        readings = await self._unit(spec).scan()
        for memory in self._memories:
            if memory.is_due:
                await off_loop(memory.save)
        return readings

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()
        for memory in self._memories:
            if memory.is_changed:
                await off_loop(memory.save)

    async def request(self, unit: Unit, block: Block, *, pause_s: float) -> Sequence[int]:
        """Send one request, when responses are sure to fit theirs. Raises LinkFault."""
        if self._in_step:
            unit.note_extras(self.extras)
            return await self._send(unit, block, pause_s)
        try:
            is_checked = await self._check_step(unit, block, pause_s)
            unit.note_extras(self.extras)
            values = await self._send(unit, block, max(pause_s, STEP_PAUSE_S))
        except LinkFault as fault:
            # Also the next responses would come one too late: only a new connection helps.
            if fault.kind.is_bad_response and not self._link.is_rtu:
                self._link.drop("responses do not fit their requests")
            if fault.kind is FaultKind.EXCEPTION and self._step_brought_values:
                self._proven()
            raise
        if is_checked:
            self._proven()
        return values

    def _proven(self) -> None:
        """Responses fit their requests."""
        self._in_step, self._suspect_until_s, self._behind = True, None, 0

    async def listen(self) -> None:
        """Wait until a second response would have come."""
        await self._link.listen()

    def distrust(self) -> None:
        """Check before the next request that responses fit theirs."""
        self._in_step = False
        self._suspect_until_s = self._now() + SUSPECT_S

    async def _check_step(self, unit: Unit, block: Block, pause_s: float) -> bool:
        """Make sure that a missed response is not taken for the next one; whether that could be. Raises LinkFault.

        Transaction ids should show it, but a line has none, and there are devices that send a late response with the
        newest id. So first request another count than the block has: a response that is behind fits one of the two
        only. After several time-outs responses may be several behind: then so many more requests must fit.
        Where the map allows no other count, and there are no ids, request none at all. A device that does not respond
        to that is trusted again when nothing has come for some seconds.
        """
        step = step_block(block, unit.learning.known_blocks)
        self._in_doubt = self._step_brought_values = False
        if step is None:
            if self._suspect_until_s is None or not self._link.is_untagged:
                return False
            if unit.learning.is_deaf_to_empty:
                self._in_doubt = self._now() < self._suspect_until_s
                return False
            step = empty_block(block)
        try:
            await self._send(unit, step, pause_s)
            self._step_brought_values = True
        except LinkFault as fault:
            if step.count == 0:
                unit.learning.note_empty(responded=fault.kind is not FaultKind.TIMEOUT)
            if fault.kind is not FaultKind.EXCEPTION:
                raise
        unit.heard = True
        for _ in range(self._behind - 1 if self._link.is_untagged else 0):
            await self._send(unit, block, max(pause_s, STEP_PAUSE_S))
        return True

    async def _send(self, unit: Unit, block: Block, pause_s: float) -> Sequence[int]:
        meter, config = unit.spec.meter, unit.config
        meter.requests += 1
        was_in_step, self._in_step = self._in_step, False
        try:
            values = await self._link.read(config.unit, block, timeout_s=config.timeout_s, pause_s=pause_s)
        except asyncio.CancelledError:  # its response may still come
            self.distrust()
            self._behind = min(self._behind + 1, MAX_BEHIND)
            raise
        except LinkFault as fault:
            if fault.kind is FaultKind.EXCEPTION:
                self._in_step = was_in_step  # two exceptions in a row may be one that comes twice
            else:
                self.distrust()
                self._behind = min(self._behind + (fault.kind is FaultKind.TIMEOUT), MAX_BEHIND)
            raise
        else:
            self._in_step = not self._in_doubt
            return values
        finally:
            late, self._late = self._link.late_responses - self._late, self._link.late_responses
            meter.late_responses += late

    def _unit(self, spec: LinkSpec) -> Unit:
        edition, unit = self._units.get(spec.link_id, (0, None))
        # Another object: limits changed, or the file of the register map.
        if unit is None or unit.spec is not spec or edition != spec.memory.edition:
            _check_line_settings(self._line_settings, spec)
            config = _config(spec)
            found = load_register_map(config.registers, tags=spec.profile.tags, base_dir=spec.base_dir)
            learning = spec.memory.learning(spec.link_id, config, polled_points(config, found.points))
            unit = Unit(spec, config, found, learning, self, now=self._now)
            self._units[spec.link_id] = (spec.memory.edition, unit)
        return unit


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


def strict_link(config: ModbusConfig, base_dir: Path | None, owed: Owed | None = None) -> StrictLink:
    """A fresh, unconnected link; relative paths of certificates start at `base_dir`. On a running loop only.

    `owed`: what the line may still bring from the connections before.
    """
    link = partial(
        StrictLink, tolerated=config.tolerate, wait_after_connect_s=config.wait_after_connect_ms / 1e3, owed=owed
    )
    match config:
        case ModbusTcpConfig(host, port):
            return link(TcpWire(host, port))
        case ModbusRtuTcpConfig(host, port):
            return link(TcpWire(host, port), is_rtu=True)
        case ModbusRtuConfig():
            return link(SerialWire(config), is_rtu=True, speed=config.speed)
        case ModbusTlsConfig():
            return link(TlsWire(config, base_dir))
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
