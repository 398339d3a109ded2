"""A line: one connection, kept up by itself, and the beats of the links that share it."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from pumpwatch_gui.acquire.assembly import Assembly, WallClock
from pumpwatch_gui.acquire.driver import Channel, LinkSpec, Readings
from pumpwatch_gui.acquire.drivers import DRIVERS
from pumpwatch_gui.acquire.meter import LinkFault
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.events import LinkChanged
from pumpwatch_gui.domain.frame import Frame
from pumpwatch_gui.domain.link import LinkState, LinkView
from pumpwatch_gui.domain.quality import Reason

FIRST_RETRY_S, LAST_RETRY_S, JITTER = 0.25, 5.0, 0.2
PROBE_S = 5.0
"""A unit that does not answer on a shared line is asked only this often, so that it costs the others little."""
DEAD_AFTER = 2
SILENT_PERIODS = 3
"""A device that speaks by itself is silent after this many periods without a word."""


def retry_s(attempt: int) -> float:
    """Back-off before attempt 0, 1, 2 …: 0.25 s doubling to 5 s, ± 20 %."""
    base: float = min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** min(attempt, 10))
    return base * random.uniform(1 - JITTER, 1 + JITTER)


class Link:
    """One link on a line: its beat, its state, and where its scans go."""

    def __init__(
        self,
        spec: LinkSpec,
        assembly: Assembly,
        clock: WallClock,
        *,
        on_frame: Callable[[Frame], None],
        on_event: Callable[[LinkChanged], None],
    ) -> None:
        self.spec = spec
        self.due_s = 0.0
        self.probe_s = 0.0
        self.last_fault: LinkFault | None = None
        self.state = LinkState.CONNECTING
        self._timeouts = 0
        self._since_ns = time.monotonic_ns()
        self._last_good_ns = 0
        self._assembly, self._clock = assembly, clock
        self._on_frame, self._on_event = on_frame, on_event

    @property
    def is_dead(self) -> bool:
        """Whether it has not answered for some beats."""
        return self._timeouts >= DEAD_AFTER

    def answered(self, readings: Readings) -> None:
        """A good scan."""
        now = time.monotonic_ns()
        self._timeouts = 0
        self._last_good_ns = now
        self._emit(self._assembly.scanned(self.spec.link_id, readings, now))
        self._go(LinkState.ONLINE, "")

    def failed(self, fault: LinkFault, *, connected: bool) -> None:
        """A failed scan, or a beat on a line that is down: a frame all the same."""
        self.last_fault = fault
        self._timeouts += fault.kind == "timeout"
        self.spec.meter.faulted(fault)
        self._emit(self._assembly.failed(self.spec.link_id, fault.reason, time.monotonic_ns()))
        self._go(LinkState.STALE if connected else LinkState.OFFLINE, fault.message)

    def rest(self) -> None:
        """A beat without a request: the unit is dead, the line is off, or nothing came."""
        reason = self.last_fault.reason if self.last_fault else Reason.WAITING_FOR_INITIAL_DATA
        self._emit(self._assembly.failed(self.spec.link_id, reason, time.monotonic_ns()))

    def view(self) -> LinkView:
        """The link as others see it."""
        meter, spec = self.spec.meter, self.spec
        p50, p95 = meter.answer_ms()
        return LinkView(
            link_id=spec.link_id,
            pump_id=spec.pump_id,
            driver=spec.config.driver,
            endpoint=spec.config.endpoint,
            state=self.state,
            since_mono_ns=self._since_ns,
            last_good_mono_ns=self._last_good_ns,
            period_s=spec.config.period_s,
            requests=meter.requests,
            good=meter.good,
            timeouts=meter.faults["timeout"],
            refused_answers=meter.faults["refused"],
            crc_errors=meter.faults["crc"],
            late_answers=meter.late_answers,
            exceptions=MappingProxyType(dict(meter.exceptions)),
            reconnects=meter.reconnects,
            skipped_beats=meter.skipped_beats,
            frames=meter.frames,
            answer_p50_ms=p50,
            answer_p95_ms=p95,
            last_error=meter.last_error,
            last_advice=meter.last_advice,
        )

    def _emit(self, frame: Frame | None) -> None:
        if frame is not None:
            self.spec.meter.frames += 1
            self._on_frame(frame)

    def _go(self, state: LinkState, text: str) -> None:
        if state is self.state:
            return
        self.state = state
        self._since_ns = time.monotonic_ns()
        self._on_event(LinkChanged(time.time_ns(), self.spec.link_id, self.spec.pump_id, state, text))


class Line:
    """Keeps one connection up and runs the beats of its links. Cancel `run` to end it."""

    def __init__(
        self,
        specs: Sequence[LinkSpec],
        phases: Mapping[str, float],
        assemblies: Mapping[str, Assembly],
        *,
        on_frame: Callable[[Frame], None],
        on_event: Callable[[LinkChanged], None],
        clock: WallClock,
    ) -> None:
        self._kind = DRIVERS[specs[0].config.driver]
        self._specs = specs
        self._phases = phases
        self._links = [Link(s, assemblies[s.pump_id], clock, on_frame=on_frame, on_event=on_event) for s in specs]
        self._channel: Channel | None = None
        self._answered = False

    def views(self) -> list[LinkView]:
        """Every link of this line."""
        return [link.view() for link in self._links]

    async def run(self, connects: asyncio.Semaphore) -> None:
        """Run until cancelled; `connects` bounds how many lines connect at once."""
        keeper = asyncio.create_task(self._keep_connected(connects))
        try:
            if self._kind.pushed:
                await self._listen(self._links[0])
            else:
                await self._poll()
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)

    async def _keep_connected(self, connects: asyncio.Semaphore) -> None:
        attempt = 0
        while True:
            channel = self._kind.open(self._specs)
            try:
                async with connects:
                    await channel.connect()
                self._channel, self._answered = channel, False
                await asyncio.wait((channel.lost,))
                fault = LinkFault("lost", Reason.NO_COMMUNICATION, channel.lost.result(), "reconnecting by itself")
                attempt = 0 if self._answered else attempt + 1
            except LinkFault as refused:
                fault, attempt = refused, attempt + 1
            except InputError as wrong:
                fault, attempt = _misconfigured(wrong), attempt + 1
            finally:
                self._channel = None
                await channel.close()
            self._down(fault)
            await asyncio.sleep(retry_s(attempt))
            for spec in self._specs:
                spec.meter.reconnects += 1

    def _down(self, fault: LinkFault) -> None:
        """Tell every link at once: a value must not look alive until the next beat finds out."""
        for link in self._links:
            if link.state is not LinkState.OFFLINE:
                link.failed(fault, connected=False)
            else:
                link.last_fault = fault
                link.spec.meter.last_error, link.spec.meter.last_advice = fault.message, fault.advice

    async def _poll(self) -> None:
        start = time.monotonic()
        for link in self._links:
            link.due_s = start + self._phases[link.spec.link_id] * link.spec.config.period_s
        while True:
            link = min(self._links, key=lambda x: x.due_s)
            await asyncio.sleep(max(0.0, link.due_s - time.monotonic()))
            period_s = link.spec.config.period_s
            late = int((time.monotonic() - link.due_s) / period_s)
            if late:
                link.spec.meter.skipped_beats += late
                link.due_s += late * period_s
            link.due_s += period_s
            await self._beat(link)

    async def _beat(self, link: Link) -> None:
        channel = self._channel
        if channel is None or channel.lost.done():
            if link.state is not LinkState.CONNECTING:
                link.rest()
            return
        if link.is_dead and len(self._links) > 1:
            if time.monotonic() < link.probe_s:
                link.rest()
                return
            link.probe_s = time.monotonic() + PROBE_S
        await self._scan(channel, link)

    async def _scan(self, channel: Channel, link: Link) -> None:
        try:
            readings = await channel.scan(link.spec)
        except LinkFault as fault:
            link.failed(fault, connected=not channel.lost.done())
        except InputError as wrong:
            link.failed(_misconfigured(wrong), connected=True)
        else:
            self._answered = True
            link.answered(readings)

    async def _listen(self, link: Link) -> None:
        period_s = link.spec.config.period_s
        while True:
            channel = self._channel
            if channel is None or channel.lost.done():
                await asyncio.sleep(period_s)
                if link.state is not LinkState.CONNECTING:
                    link.rest()
                continue
            try:
                await asyncio.wait_for(self._scan(channel, link), SILENT_PERIODS * period_s)
            except TimeoutError:
                text = f"nothing came from {link.spec.config.endpoint} for {SILENT_PERIODS} periods"
                link.failed(LinkFault("timeout", Reason.TIMEOUT, text, "is the device sending?"), connected=True)


def _misconfigured(wrong: InputError) -> LinkFault:
    return LinkFault("config", Reason.CONFIGURATION_ERROR, wrong.message, wrong.advice)
