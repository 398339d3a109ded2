"""Text lines from a serial port: the device sends unrequested, each line is a scan."""

import asyncio
import logging
import time
from collections.abc import Sequence
from math import isnan

from pumpwatch_gui.acquire.driver import LinkSpec, Readings, Tap, all_tags
from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.acquire.text.config import ChecksumRule, LineFormat, SerialLineConfig
from pumpwatch_gui.acquire.text.formats import LineParser, Values
from pumpwatch_gui.acquire.text.line_framing import LONGEST, LineFramer
from pumpwatch_gui.acquire.text.port_reader import PortReader
from pumpwatch_gui.acquire.text.refusal import ADVICE, DropReason, LineRefused
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.decode import PointValue, bad, judge_value
from pumpwatch_gui.domain.values.quality import Quality, Reason

log = logging.getLogger("pumpwatch.links")

SILENT_PERIODS = 3
"""The device is silent after this many periods without a line."""
FIRST_LINE_S = 3.0
"""Opening a port toggles DTR, which resets many boards (Arduino): they may take so long for their first line."""
LATE_PERIODS = 1.25
"""A refused line makes its period's values BAD when no good one has come by then."""
SHORTEST_S = 0.05
"""Lines that come faster are thinned to this spacing; those passed over are counted. A sketch without a delay in its
loop prints as fast as the line takes it: a thousand short lines a second at 115,200 baud."""
REMARKS_A_MINUTE = 20


class SerialLineChannel:
    """One serial port and the lines that come out of it. The newest good line counts."""

    def __init__(self, spec: LinkSpec) -> None:
        self._config, self._spec, self._meter = spec.config_as(SerialLineConfig), spec, spec.meter
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._port = PortReader(self._config, received=self._received, lost=self._drop)
        self._framer = LineFramer()
        self._parser: LineParser | None = None
        self._newest: tuple[Values, bytes] | None = None
        self._refused: LinkFault | None = None
        self._something = asyncio.Event()
        self._last, self._same = b"", 0
        self._due_s = 0.0  # the earliest moment for the next scan to end
        self._good_s = self._reported_s = 0.0
        self._tap: Tap | None = None
        self._remarks = _Remarks(self._config.device)

    def shared_by(self, specs: Sequence[LinkSpec]) -> None:
        """Nothing: a port belongs to one link."""

    def watch(self, tap: Tap | None) -> None:
        """Call `tap` with every piece that comes; None: no longer."""
        self._tap = tap

    async def connect(self) -> None:
        """Open the port. Raises LinkFault, InputError when the columns do not fit the profile."""
        config = self._config
        try:
            self._parser = LineParser(
                LineFormat(config.format),
                tags=self._spec.profile.tags,
                columns=config.columns,
                checksum=ChecksumRule(config.checksum),
            )
        except ValueError as error:
            raise InputError(f"{config.device}: {error}", "correct the columns in the link's settings") from error
        await self._port.open()
        now = time.monotonic()
        self._good_s = now + max(FIRST_LINE_S - SILENT_PERIODS * config.period_s, 0.0)
        self._reported_s = now

    async def scan(self, spec: LinkSpec) -> Readings:
        """Wait for the next line and return its values.

        Raises LinkFault when the port is lost, when no line came for three periods, and when a period brought only
        lines that were refused.
        """
        # The device sets the pace, and a burst after a standstill would come as so many frames of one moment.
        await asyncio.sleep(max(self._due_s - time.monotonic(), 0.0))
        while self._newest is None:
            self._raise_what_is_due()
            self._something.clear()
            await self._wait()
        (values, line), self._newest = self._newest, None
        self._refused = None
        self._good_s = self._reported_s = time.monotonic()
        self._due_s = self._good_s + SHORTEST_S
        self._same = self._same + 1 if line == self._last else 0
        self._last = line
        spans = {s.tag: s.span for s in spec.profile.sensors}
        is_frozen = 0 < self._config.frozen_after <= self._same
        return {tag: _reading(value, spans[tag], is_frozen) for tag, value in values.items()}

    async def close(self) -> None:
        """Close the port."""
        self._drop("closed")
        await self._port.close()

    def _received(self, data: bytes) -> None:
        """Bytes from the port, on the loop."""
        if self._tap is not None:
            self._tap(False, data)
        before = self._framer.dropped.copy()
        lines = self._framer.feed(data)
        new = self._framer.dropped - before
        for reason, count in new.items():
            self._meter.dropped[reason.value] += count
        if new[DropReason.TOO_LONG]:
            self._refuse(LineRefused(DropReason.TOO_LONG, f"a line had no end within {LONGEST} bytes"))
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        if line.startswith(b"#"):
            self._remarks.note(line)
            return
        self._meter.requests += 1
        assert self._parser is not None
        try:
            values = self._parser.parse(line)
        except LineRefused as refused:
            self._meter.dropped[refused.reason.value] += 1
            self._refuse(refused)
            return
        self._meter.good += 1
        if values is None:
            return
        if self._newest is not None:
            self._meter.dropped[DropReason.OVERTAKEN.value] += 1
        self._newest = values, line
        self._something.set()

    def _refuse(self, refused: LineRefused) -> None:
        is_sum = refused.reason in (DropReason.CHECKSUM, DropReason.NO_CHECKSUM)
        kind = FaultKind.CRC if is_sum else FaultKind.REFUSED
        text = f"line from {self._config.device} refused: {refused.why}"
        advice = ADVICE.get(refused.reason, "check speed, parity, format and cable; the line was not used")
        self._meter.last_error, self._meter.last_advice = text, advice
        self._meter.faults[kind] += self._refused is not None  # the last one is counted where it is raised
        self._refused = LinkFault(kind, Reason.COMMUNICATION_ERROR, text, advice)
        self._something.set()

    def _raise_what_is_due(self) -> None:
        if self.lost.done():
            raise LinkFault(
                FaultKind.LOST, Reason.NO_COMMUNICATION, self.lost.result(), "waiting for the device to come back"
            )
        now, fault = time.monotonic(), self._refused
        if now < self._fault_due_s():
            return
        self._refused, self._reported_s = None, now
        if fault is not None:
            raise fault
        text = f"no line from {self._config.device} that can be used for {now - self._good_s:.1f} s"
        advice = "is the device on, and set to this speed? or is its own period longer than the link's?"
        raise LinkFault(FaultKind.TIMEOUT, Reason.TIMEOUT, text, advice)

    def _fault_due_s(self) -> float:
        """When the waiting is over."""
        period_s = self._config.period_s
        if self._refused is not None:
            return self._reported_s + LATE_PERIODS * period_s
        return max(self._good_s + SILENT_PERIODS * period_s, self._reported_s + period_s)

    async def _wait(self) -> None:
        """Until something comes, or something is due."""
        try:
            async with asyncio.timeout(max(self._fault_due_s() - time.monotonic(), 0.001)):
                await self._something.wait()
        except TimeoutError:
            return

    def _drop(self, why: str) -> None:
        if not self.lost.done():
            self.lost.set_result(why)
        self._something.set()


class _Remarks:
    """Lines that start with `#`: remarks of the device for people. They go to the log, at most 20 a minute."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._minute, self._count = 0.0, 0

    def note(self, line: bytes) -> None:
        now = time.monotonic()
        if now - self._minute > 60:
            self._minute, self._count = now, 0
        self._count += 1
        if self._count <= REMARKS_A_MINUTE:
            log.info("remark of %s: %s", self._device, line[1:201].decode("ascii", "backslashreplace").strip())


def columns_bound(spec: LinkSpec) -> frozenset[str]:
    """The tags that the columns of a link name; all where it has none.

    Raises InputError when there are columns and none is a tag.
    """
    names = {name.strip().lower() for name in spec.config_as(SerialLineConfig).columns}
    if not names:
        return all_tags(spec)
    found = frozenset(t for t in spec.profile.tags if t.lower() in names)
    if not found:
        tags = ", ".join(spec.profile.tags)
        raise InputError("name none of the profile's tags", f"the profile has: {tags}")
    return found


def _reading(value: float | None, span: tuple[float, float], is_frozen: bool) -> PointValue:
    if value is None:
        return bad(Reason.SENSOR_FAILURE)
    reading = judge_value(value, span)
    if is_frozen and not isnan(reading.value):
        return PointValue(reading.value, Quality.UNCERTAIN, Reason.FROZEN)
    return reading
