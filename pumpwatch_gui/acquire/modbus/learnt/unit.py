"""One unit behind a Modbus connection: its scans, by what was learnt of it."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pumpwatch_gui.acquire.driver import LinkSpec, Readings
from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.acquire.modbus.frozen import Stillness
from pumpwatch_gui.acquire.modbus.learnt.learning import Learning
from pumpwatch_gui.acquire.modbus.learnt.plan import HEARTBEAT, Block, Key, reshaped
from pumpwatch_gui.acquire.modbus.learnt.proof import Trial
from pumpwatch_gui.acquire.modbus.wire.exception_codes import ExceptionCode
from pumpwatch_gui.domain.links.config import ModbusConfig
from pumpwatch_gui.domain.links.decode import EVERYTHING, PointValue, bad, decoder, scaled
from pumpwatch_gui.domain.links.register_map import RegisterMap
from pumpwatch_gui.domain.values.quality import Quality, Reason

log = logging.getLogger("pumpwatch.links")

TOO_WIDE = (ExceptionCode.ILLEGAL_ADDRESS, ExceptionCode.ILLEGAL_VALUE)
"""Exceptions that a smaller block may not meet: a register in it that does not exist, or more than the device sends."""
MAX_SILENT = 2
"""Silent blocks in one scan, after which those that were silent before wait for the next scan."""
BUSY_PAUSE_S = 0.05
RETRY_PAUSE_S = 0.5
"""No device is known that needs a longer pause between a response and the next request."""
DOUBT_S = 5.0
"""How long values are doubtful after a response that nobody requested."""
TRIAL_SHARE = 0.5
"""Part of the period that may be over when something is tried besides."""


class Carrier(Protocol):
    """What a unit needs of its connection."""

    @property
    def is_lost(self) -> bool:
        """Whether the peer is gone."""

    @property
    def is_in_step(self) -> bool:
        """Whether the next request goes out without another one before it."""

    @property
    def is_in_doubt(self) -> bool:
        """Whether a response may be another's, and no request can show it."""

    @property
    def extras(self) -> int:
        """Responses that came besides those to the requests in flight."""

    @property
    def unrequested(self) -> int:
        """Responses that belong to no request of ours."""

    def is_owed(self, unit: "Unit", block: Block) -> bool:
        """Whether what comes for a block may be the response to an earlier request that missed its own."""

    async def request(self, unit: "Unit", block: Block, *, pause_s: float) -> Sequence[int]:
        """Send one request, when responses are sure to fit theirs. Raises LinkFault."""

    async def listen(self) -> None:
        """Wait until a second response would have come."""

    def distrust(self) -> None:
        """Make sure that responses fit their requests before the next one counts."""


@dataclass(slots=True)
class _Scan:
    """What one scan has brought so far. `answered`: the registers of each block.

    `bears_haste`: a request right after a response was responded to.
    """

    readings: dict[str, PointValue] = field(default_factory=dict)
    answered: dict[Key, Sequence[int]] = field(default_factory=dict)
    fault: LinkFault | None = None
    silent: int = 0
    pause_s: float = 0.0
    bears_haste: bool = False


class Unit:
    """The scans of one link. `heard`: the unit has responded in this scan, be it to a request of another block."""

    def __init__(
        self,
        spec: LinkSpec,
        config: ModbusConfig,
        registers: RegisterMap,
        learning: Learning,
        carrier: Carrier,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.spec, self.config, self.learning = spec, config, learning
        self.heard = False
        self._carrier = carrier
        self._now = now
        self._spans = {HEARTBEAT: (0.0, 65535.0), **{s.tag: s.span for s in spec.profile.sensors}}
        self._decoders: dict[Key, tuple[tuple[str, Callable[[Sequence[int]], PointValue]], ...]] = {}
        self._scale = scaled(registers.points, self._spans)
        self.register_bytes = registers.register_bytes
        self._stillness = Stillness(config)
        self._extras: int | None = None
        self._unrequested = carrier.unrequested
        self._doubt_until_s = 0.0

    async def scan(self) -> Readings:
        """Read all blocks. What was not answered is BAD. Raises LinkFault when nothing was, or the connection ended."""
        scan = _Scan(pause_s=self.learning.pause_s)
        self.heard = False
        self._extras = None
        started_s = self._now()
        try:
            await self._read_all(self.learning.begin(started_s), scan)
        finally:
            self.learning.over(self._now(), heard=self.heard)
        if not scan.answered and scan.fault is not None:
            raise scan.fault
        await self._try(scan, started_s)
        await self._carrier.listen()
        self._report(scan)
        self._scale(scan.readings)
        readings = self._stillness.judged(scan.readings, scan.answered, self.learning, self._now())
        if self._stillness.words:
            advice = "the device responds, but may not measure any more: check it; frozen_after = -1 turns this off"
            fault = LinkFault(FaultKind.REFUSED, Reason.FROZEN, self._stillness.words, advice)
            self.spec.meter.keep_message(fault)
        return self._doubted(readings)

    def note_extras(self, extras: int) -> None:
        """The first request of this scan is about to be sent: what came before is no doubt about its response."""
        if self._extras is None:
            self._extras = extras

    async def _read_all(self, blocks: Sequence[Block], scan: _Scan) -> None:
        """Read one after the other. What was answered before the connection ended stays. Raises LinkFault."""
        for at, block in enumerate(blocks):
            try:
                await self._read_unowed(block, scan)
            except LinkFault as fault:
                if not scan.answered or not self._carrier.is_lost:
                    raise
                for rest in blocks[at:]:
                    scan.readings = {p.tag: bad(Reason.NO_COMMUNICATION) for p in rest.points} | scan.readings
                self._note(scan, fault)
                return

    async def _read_unowed(self, block: Block, scan: _Scan) -> None:
        """Read one block, in two parts while a missed response of its shape may still come."""
        parts = reshaped(block, lambda part: self._carrier.is_owed(self, part))
        for part in parts:
            await self._read(part, scan)
        if len(parts) > 1 and sum(p.count for p in parts) == block.count and all(p.key in scan.answered for p in parts):
            scan.answered[block.key] = [register for part in parts for register in scan.answered.pop(part.key)]

    async def _read(self, block: Block, scan: _Scan) -> bool:
        """Read one block, or its pieces when it is refused; whether it was answered whole."""
        if scan.silent >= MAX_SILENT and self.learning.is_doubted(block):
            self._lose(block, scan, self.learning.fault_of(block))
            return False
        if self._carrier.is_lost:  # not by this request
            raise scan.fault or LinkFault(FaultKind.LOST, Reason.NO_COMMUNICATION, "the connection is lost")
        # Else a pause and another request come before it.
        is_hasty = self.heard and self._carrier.is_in_step
        try:
            registers = await self._request(block, scan)
        except LinkFault as fault:
            if fault.kind in (FaultKind.LOST, FaultKind.TIMEOUT):
                return await self._not_answered(block, scan, fault)
            self.heard = True
            return await self._refused(block, scan, fault)
        scan.bears_haste = scan.bears_haste or is_hasty
        self._take(block, registers, scan)
        return True

    def _take(self, block: Block, registers: Sequence[int], scan: _Scan) -> None:
        self.heard = True
        self.learning.answered(block)
        scan.answered[block.key] = registers
        decoders = self._decoders.get(block.key)
        if decoders is None:
            decoders = self._decoders[block.key] = tuple(
                (p.tag, decoder(p, self._spans.get(p.tag, EVERYTHING), p.address - block.address)) for p in block.points
            )
        for tag, decode in decoders:
            scan.readings[tag] = decode(registers)

    async def _refused(self, block: Block, scan: _Scan, fault: LinkFault) -> bool:
        """Something came that brings no values."""
        pieces = self.learning.refused(block, fault, self._now()) if fault.code in TOO_WIDE else ()
        if not pieces:
            if fault.kind is not FaultKind.EXCEPTION:
                self.learning.misfit(block, fault)
            self._lose(block, scan, fault)
            return False
        self._note(scan, fault)
        answered = [await self._read(piece, scan) for piece in pieces]
        if all(answered) and len(block.runs) == 1:
            self.learning.pieces_answered(block, pieces)
        return False

    async def _not_answered(self, block: Block, scan: _Scan, fault: LinkFault) -> bool:
        """Nothing came, or the connection ended at this request."""
        if fault.kind is FaultKind.LOST or not (self.heard or self.learning.haste.is_suspected):
            self.learning.silent(block, fault)
            raise fault
        is_known = self.learning.is_doubted(block) or block.key in self.learning.facts.absent
        if not scan.silent and not (is_known and scan.bears_haste):
            # Once more, some time after the last response: a device may ignore what comes at once.
            self._note(scan, fault)
            hurried_s, scan.pause_s = scan.pause_s, RETRY_PAUSE_S
            try:
                registers = await self._request(block, scan)
            except LinkFault as again:
                if again.kind is FaultKind.LOST:
                    self.learning.silent(block, again)
                    raise
                if again.kind is not FaultKind.TIMEOUT:
                    self._suspect_haste(scan, hurried_s)
                    self.heard = True
                    return await self._refused(block, scan, again)
                scan.pause_s = hurried_s
            else:
                self._suspect_haste(scan, hurried_s)
                self._take(block, registers, scan)
                return True
        if not self.heard:
            self.learning.silent(block, fault)
            raise fault
        fault.advice = (
            f"other requests to this unit are answered: check {block.place} against the manual; if the device does "
            "not bear a block of this length, set the largest block (max_block)"
        )
        self.learning.silent(block, fault, is_hasty=scan.silent > 0 and not scan.bears_haste)
        if not scan.bears_haste:
            scan.pause_s = self.learning.haste.longer(scan.pause_s)
        scan.silent += 1
        self._lose(block, scan, fault)
        return False

    def _suspect_haste(self, scan: _Scan, too_short_s: float) -> None:
        """A request was not answered so soon after a response, but was some time later."""
        scan.pause_s = too_short_s
        if not scan.bears_haste:
            scan.pause_s = self.learning.haste.needs_longer(too_short_s)
        scan.bears_haste = False

    async def _request(self, block: Block, scan: _Scan) -> Sequence[int]:
        started_s = time.perf_counter()
        meter = self.spec.meter
        try:
            registers = await self._carrier.request(self, block, pause_s=scan.pause_s)
        except LinkFault as fault:
            # Only these are worth a second try at once: a busy device serves another client for some milliseconds, and
            # a CRC error is usually one burst of noise. After anything else the next scan is the second try.
            if fault.code != ExceptionCode.BUSY and fault.kind is not FaultKind.CRC:
                raise
            meter.count_fault(fault)
            is_busy = fault.code == ExceptionCode.BUSY
            pause_s = max(scan.pause_s, BUSY_PAUSE_S if is_busy else 0.0)
            try:
                registers = await self._carrier.request(self, block, pause_s=pause_s)
            except LinkFault as again:
                if again.code == ExceptionCode.BUSY:
                    self._suspect_haste(scan, pause_s)
                raise
        meter.count_good((time.perf_counter() - started_s) * 1e3)
        return registers

    async def _try(self, scan: _Scan, started_s: float) -> None:
        """Request something besides, to learn from it; whatever comes of it, the values of the scan stay."""
        now_s = self._now()
        is_quiet = not scan.silent and not self._carrier.is_lost
        trial = self.learning.next_trial(now_s) if is_quiet else None
        is_late = now_s - started_s > TRIAL_SHARE * self.config.period_s
        if trial is None or (is_late and not trial.is_retest):
            return
        try:
            wide = await self._carrier.request(self, trial.block, pause_s=scan.pause_s)
        except LinkFault as fault:
            is_silent = fault.kind in (FaultKind.LOST, FaultKind.TIMEOUT)
            if fault.code not in TOO_WIDE:
                self.spec.meter.count_fault(fault)
            if is_silent or fault.code in TOO_WIDE or fault.is_short:
                self.learning.trial_failed(trial, now_s, silent=is_silent)
            return
        if trial.is_retest or not trial.narrow:
            self.learning.trial_answered(trial)
            return
        await self._compare(trial, wide, scan)

    async def _compare(self, trial: Trial, wide: Sequence[int], scan: _Scan) -> None:
        before = [scan.answered[block.key] for block in trial.narrow]
        try:
            after = [await self._carrier.request(self, block, pause_s=scan.pause_s) for block in trial.narrow]
        except LinkFault as fault:
            self.spec.meter.count_fault(fault)
            return
        self.learning.compared(trial, before, wide, after, self._now())

    # ---------------------------------------------------------------- what is said of it

    def _lose(self, block: Block, scan: _Scan, fault: LinkFault) -> None:
        scan.readings |= {p.tag: bad(fault.reason) for p in block.points}
        self._note(scan, fault)

    def _note(self, scan: _Scan, fault: LinkFault) -> None:
        """Count a fault; the last one of a scan in which nothing is answered is counted by who raises it."""
        if scan.fault is not None:
            self.spec.meter.count_fault(scan.fault)
        scan.fault = fault

    def _report(self, scan: _Scan) -> None:
        if scan.fault is not None:
            self.spec.meter.count_fault(scan.fault)
        if not self.learning.facts.absent and not self.learning.reported:
            return
        absent: set[Key] = set()
        for atom, fault in self.learning.absent:
            absent.add(atom.key)
            if atom.points[0].tag not in scan.readings:
                scan.readings |= {p.tag: bad(fault.reason) for p in atom.points}
            if atom.key not in self.learning.reported:
                self.spec.meter.remark(fault)
            self.spec.meter.keep_message(fault)
        for key in self.learning.reported - absent:
            log.info("%s: wire address %d is answered again", self.spec.link_id, key[1])
        self.learning.reported = absent

    def _doubted(self, readings: Readings) -> Readings:
        """The readings, UNCERTAIN when more responses came than were requested."""
        carrier, now_s = self._carrier, self._now()
        if carrier.unrequested != self._unrequested:
            self._unrequested = carrier.unrequested
            if now_s >= self._doubt_until_s:
                log.warning("%s: %s", self.spec.link_id, Reason.NOT_REQUESTED.text)
            self._doubt_until_s = now_s + DOUBT_S
            carrier.distrust()
            self.spec.meter.count_fault(_not_requested(carrier.unrequested))
        if carrier.extras == self._extras and now_s >= self._doubt_until_s and not carrier.is_in_doubt:
            return readings
        return {tag: _uncertain(r, Reason.NOT_REQUESTED) for tag, r in readings.items()}


def _uncertain(reading: PointValue, reason: Reason) -> PointValue:
    if reading.quality is Quality.BAD:
        return reading
    return PointValue(reading.value, Quality.UNCERTAIN, reason)


def _not_requested(times: int) -> LinkFault:
    text = f"{Reason.NOT_REQUESTED.text}: {times} responses that were not requested"
    advice = (
        "one master only may request on this line: look for another program, gateway or panel; or the device repeats"
    )
    return LinkFault(FaultKind.REFUSED, Reason.NOT_REQUESTED, text, advice)
