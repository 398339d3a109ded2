"""A line: one connection, kept up by itself, and the scans of the links that share it."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from math import isnan
from typing import Any

from pumpwatch_gui.acquire.driver import Browsable, Channel, DriverKind, LinkSpec, Watchable
from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.acquire.links.link import Link
from pumpwatch_gui.acquire.links.traffic import Traffic, packet_now
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.values.quality import Reason

FIRST_RETRY_S, JITTER = 0.25, 0.2
"""With the jitter, devices behind a switch that restarted are not all connected to in the same instant."""
CANCEL_AGAIN_S = 0.1
MAX_EXTRA_WAIT_S = 3.0
"""On a line without spare time between two scans, an extra read delays a scan after it has waited so long."""


def retry_s(attempt: int, chance: random.Random, longest_s: float) -> float:
    """Back-off before attempt 0, 1, 2 …: 0.25 s doubling, ± 20 %, never above `longest_s`."""
    base: float = min(longest_s / (1 + JITTER), FIRST_RETRY_S * 2 ** min(attempt, 10))
    return base * chance.uniform(1 - JITTER, 1 + JITTER)


@dataclass(frozen=True, slots=True)
class ExtraRead:
    """Something to be read from a link between two scans. `since_s`: monotonic, when it was wanted."""

    link: Link
    read: Callable[[Browsable, LinkSpec], Awaitable[Any]]
    outcome: "Future[Any]"
    since_s: float


class Line:
    """Keeps one connection up and runs the scans of its links. Cancel `run` to end it."""

    def __init__(self, kind: DriverKind, links: Sequence[Link], *, chance: random.Random) -> None:
        self.links = tuple(links)
        self._kind = kind
        self._chance = chance
        self._channel: Channel | None = None
        self._responded = False
        self._changed = asyncio.Event()
        self._extra: deque[ExtraRead] = deque()
        self._watchers: tuple[Traffic, ...] = ()
        self._active = links[0].spec  # whose request is in flight

    def rearrange(self, links: Sequence[Link], phases: Mapping[str, float]) -> None:
        """Go on with these links, live. New ones get their first scan by `phases` (parts of a period)."""
        self.links = tuple(links)
        for link in self.links:
            if link.due_s is None:
                link.due_s = time.monotonic() + phases[link.spec.link_id] * link.spec.config.period_s
        if self._channel is not None:
            self._channel.shared_by([link.spec for link in self.links])
        self._changed.set()

    def read_extra(self, extra: ExtraRead) -> None:
        """Read something between two scans; refused at once where the device sends unrequested."""
        if self._kind.pushed:
            words = f"{extra.link.spec.config.endpoint} takes no requests: it sends by itself"
            advice = "only Modbus has registers"
            extra.outcome.set_exception(LinkFault(FaultKind.CONFIG, Reason.CONFIGURATION_ERROR, words, advice))
            return
        self._extra.append(extra)
        self._changed.set()

    def watch(self, watchers: Sequence[Traffic]) -> None:
        """Hand the line's traffic to these from now on."""
        self._watchers = tuple(watchers)
        channel: object = self._channel
        if isinstance(channel, Watchable):
            channel.watch(self._pass_on if self._watchers else None)

    async def run(self, connects: asyncio.Semaphore) -> None:
        """Run until cancelled; `connects` bounds how many lines connect at once."""
        keeper = asyncio.create_task(self._keep_connected(connects))
        scans = asyncio.create_task(self._listen() if self._kind.pushed else self._poll())
        try:
            # Neither ends by itself: the first that does has met a bug, which is raised to whoever runs this line.
            await asyncio.wait((keeper, scans), return_when=asyncio.FIRST_COMPLETED)
            for task in (keeper, scans):
                if task.done():
                    task.result()
        finally:
            # Scans first: one that is under way must not take the closing of its connection for a fault of the device.
            await _end(scans)
            await _end(keeper)
            while self._extra:
                self._extra.popleft().outcome.cancel()

    async def _keep_connected(self, connects: asyncio.Semaphore) -> None:
        attempt = 0
        while True:
            # A new channel each time: after a failed connect, a pymodbus client does not try again by itself.
            channel = self._kind.open([link.spec for link in self.links])
            try:
                async with connects:
                    await channel.connect()
                self._up(channel)
                await asyncio.wait((channel.lost,))
                words = channel.lost.result()
                fault = LinkFault(FaultKind.LOST, Reason.NO_COMMUNICATION, words, "reconnecting by itself")
                attempt = 0 if self._responded else attempt + 1
            except LinkFault as refused:
                fault, attempt = refused, attempt + 1
            except InputError as wrong:
                fault, attempt = _misconfigured(wrong), attempt + 1
            finally:
                self._channel = None
                await channel.close()
            self._down(fault)
            await asyncio.sleep(retry_s(attempt, self._chance, self._kind.max_retry_s))

    def _up(self, channel: Channel) -> None:
        self._channel, self._responded = channel, False
        channel.shared_by([link.spec for link in self.links])
        for link in self.links:
            link.reconnected()
        self.watch(self._watchers)
        self._changed.set()

    def _down(self, fault: LinkFault) -> None:
        """Report it to every link at once: a value must not look alive until the next scan finds out."""
        for link in self.links:
            if link.state is LinkState.OFFLINE:
                link.note(fault)
            else:
                link.failed(fault, connected=False)

    async def _poll(self) -> None:
        while True:
            link = min(self.links, key=lambda x: x.due_s or 0.0)
            wait_s = (link.due_s or 0.0) - time.monotonic()
            if self._extra and self._has_time(self._extra[0], wait_s):
                await self._execute(self._extra.popleft())
                continue
            if wait_s > 0:
                self._changed.clear()
                await _either(self._changed, wait_s)
                continue  # the links may be others now
            # After a suspension (SIGSTOP, a laptop's lid) many scans are overdue: they are counted, not made up for.
            missed = int(-wait_s / link.spec.config.period_s)
            link.spec.meter.missed_scans += missed
            link.due_s = (link.due_s or 0.0) + (1 + missed) * link.spec.config.period_s
            await self._scan_or_skip(link)

    async def _scan_or_skip(self, link: Link) -> None:
        channel = self._channel
        if channel is None or channel.lost.done() or link.is_backed_off(shared=self._another_responds(link)):
            link.not_scanned()
            await asyncio.sleep(0)
        else:
            await self._scan(channel, link)

    def _another_responds(self, link: Link) -> bool:
        return any(other.is_responding for other in self.links if other is not link)

    @staticmethod
    def _has_time(extra: ExtraRead, wait_s: float) -> bool:
        """Whether an extra read can be done before the next scan is due, or has waited long enough."""
        now = time.monotonic()
        p95_ms = extra.link.spec.meter.response_ms()[1]
        needs_s = 0.02 + 2e-3 * (0.0 if isnan(p95_ms) else p95_ms)
        return wait_s > needs_s or now - extra.since_s > MAX_EXTRA_WAIT_S

    async def _execute(self, extra: ExtraRead) -> None:
        channel, outcome, spec = self._channel, extra.outcome, extra.link.spec
        if not outcome.set_running_or_notify_cancel():
            return
        try:
            if channel is None or channel.lost.done():
                words = f"{spec.config.endpoint} is not connected"
                raise LinkFault(FaultKind.LOST, Reason.NO_COMMUNICATION, words)
            if not isinstance(channel, Browsable):
                raise LinkFault(FaultKind.CONFIG, Reason.CONFIGURATION_ERROR, "this kind of link has no registers")
            self._active = spec
            outcome.set_result(await extra.read(channel, spec))
        except (LinkFault, InputError, ValueError) as error:
            outcome.set_exception(error)
        except BaseException:
            words = "the link was closed meanwhile"
            outcome.set_exception(LinkFault(FaultKind.LOST, Reason.NO_COMMUNICATION, words))
            raise

    def _pass_on(self, sent: bool, piece: bytes) -> None:
        """Hand a piece of traffic to the watchers."""
        packet = packet_now(self._active.link_id, self._kind.describe, sent, piece)
        for watcher in self._watchers:
            watcher.offer(packet)

    async def _scan(self, channel: Channel, link: Link) -> None:
        self._active = link.spec
        try:
            readings = await channel.scan(link.spec)
        except LinkFault as fault:
            is_offline = link.state is LinkState.OFFLINE
            if not (is_offline and channel.lost.done()):  # else `_down` has reported the loss already
                # A link that was lost comes back with its first good scan, not with each connection that brings none.
                is_over = is_offline or channel.lost.done() or fault.kind is FaultKind.ENDED
                link.failed(fault, connected=not is_over)
        except InputError as wrong:
            link.failed(_misconfigured(wrong), connected=True)
        else:
            self._responded = True
            if not any(other.is_responding for other in self.links):
                # The line was dead as a whole, so that the silence of a single unit means nothing.
                for other in self.links:
                    other.retry_now()
            link.scanned(readings)

    async def _listen(self) -> None:
        while True:
            channel, link = self._channel, self.links[0]
            if channel is None or channel.lost.done():
                self._changed.clear()
                await _either(self._changed, link.spec.config.period_s)
                if self._channel is None:
                    link.not_scanned()
            else:
                await self._scan(channel, link)


async def _end(*tasks: "asyncio.Task[None]") -> None:
    """Cancel tasks until they have ended.

    Once is not enough: `asyncio.wait_for` before Python 3.12 (pymodbus waits by it) swallows a cancellation that comes
    in the same turn of the loop as the result.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)


async def _either(event: asyncio.Event, wait_s: float) -> None:
    """Wait for the event, at most so long."""
    # `asyncio.timeout` and not `wait_for`: see `_end`.
    try:
        async with asyncio.timeout(wait_s):
            await event.wait()
    except TimeoutError:
        return


def _misconfigured(wrong: InputError) -> LinkFault:
    return LinkFault(FaultKind.CONFIG, Reason.CONFIGURATION_ERROR, wrong.message, wrong.advice)
