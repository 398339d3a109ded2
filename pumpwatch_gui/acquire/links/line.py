"""A line: one connection, kept up by itself, and the beats of the links that share it."""

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
from pumpwatch_gui.acquire.links.link import Link
from pumpwatch_gui.acquire.links.meter import LinkFault
from pumpwatch_gui.acquire.links.traffic import Traffic, packet_now
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.values.quality import Reason

FIRST_RETRY_S, LAST_RETRY_S, JITTER = 0.25, 5.0, 0.2
CANCEL_AGAIN_S = 0.1
LONGEST_ORDER_S = 3.0
"""On a line too busy to have time between two beats, an order delays a beat after so long."""


def retry_s(attempt: int, chance: random.Random, longest_s: float = LAST_RETRY_S) -> float:
    """Back-off before attempt 0, 1, 2 …: 0.25 s doubling, ± 20 %, never above 5 s (or `longest_s`)."""
    base: float = min(longest_s / (1 + JITTER), FIRST_RETRY_S * 2 ** min(attempt, 10))
    return base * chance.uniform(1 - JITTER, 1 + JITTER)


@dataclass(frozen=True, slots=True)
class Order:
    """Something to be asked of a link between two beats."""

    link: Link
    ask: Callable[[Browsable, LinkSpec], Awaitable[Any]]
    outcome: "Future[Any]"
    since_s: float


class Line:
    """Keeps one connection up and runs the beats of its links. Cancel `run` to end it."""

    def __init__(self, kind: DriverKind, links: Sequence[Link], *, chance: random.Random) -> None:
        self.links = tuple(links)
        self._kind = kind
        self._chance = chance
        self._channel: Channel | None = None
        self._answered = False
        self._rearranged = asyncio.Event()
        self._orders: deque[Order] = deque()
        self._watchers: tuple[Traffic, ...] = ()
        self._asking = links[0].spec

    def rearrange(self, links: Sequence[Link], phases: Mapping[str, float]) -> None:
        """Go on with these links, live. New ones get their first beat by `phases` (parts of a period)."""
        self.links = tuple(links)
        for link in self.links:
            if link.due_s is None:
                link.due_s = time.monotonic() + phases[link.spec.link_id] * link.spec.config.period_s
        if self._channel is not None:
            self._channel.shared_by([link.spec for link in self.links])
        self._rearranged.set()

    def order(self, order: Order) -> None:
        """Have something asked between two beats; refused at once where the device speaks by itself."""
        if self._kind.pushed:
            words = f"{order.link.spec.config.endpoint} cannot be asked: it speaks by itself"
            order.outcome.set_exception(
                LinkFault("config", Reason.CONFIGURATION_ERROR, words, "only Modbus has registers")
            )
            return
        self._orders.append(order)
        self._rearranged.set()

    def watch(self, watchers: Sequence[Traffic]) -> None:
        """From now on tell the line's traffic to these."""
        self._watchers = tuple(watchers)
        channel: object = self._channel
        if isinstance(channel, Watchable):
            channel.watch(self._tell if self._watchers else None)

    async def run(self, connects: asyncio.Semaphore) -> None:
        """Run until cancelled; `connects` bounds how many lines connect at once."""
        keeper = asyncio.create_task(self._keep_connected(connects))
        beats = asyncio.create_task(self._listen() if self._kind.pushed else self._poll())
        try:
            # Neither ends by itself: whichever does has met a bug, which belongs to whoever watches this line.
            await asyncio.wait((keeper, beats), return_when=asyncio.FIRST_COMPLETED)
            for task in (keeper, beats):
                if task.done():
                    task.result()
        finally:
            # Beats first: a scan that is under way must not see the closing of its connection as a fault of the device.
            await _end(beats)
            await _end(keeper)
            while self._orders:
                self._orders.popleft().outcome.cancel()

    async def _keep_connected(self, connects: asyncio.Semaphore) -> None:
        attempt = 0
        while True:
            channel = self._kind.open([link.spec for link in self.links])
            try:
                async with connects:
                    await channel.connect()
                self._up(channel)
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
            await asyncio.sleep(retry_s(attempt, self._chance, self._kind.last_retry_s))

    def _up(self, channel: Channel) -> None:
        self._channel, self._answered = channel, False
        channel.shared_by([link.spec for link in self.links])
        for link in self.links:
            link.revive()
        self.watch(self._watchers)
        self._rearranged.set()

    def _down(self, fault: LinkFault) -> None:
        """Tell every link at once: a value must not look alive until the next beat finds out."""
        for link in self.links:
            if link.state is LinkState.OFFLINE:
                link.note(fault)
            else:
                link.failed(fault, connected=False)

    async def _poll(self) -> None:
        while True:
            link = min(self.links, key=lambda x: x.due_s or 0.0)
            wait_s = (link.due_s or 0.0) - time.monotonic()
            if self._orders and self._has_time(self._orders[0], wait_s):
                await self._execute(self._orders.popleft())
                continue
            if wait_s > 0:
                self._rearranged.clear()
                await _either(self._rearranged, wait_s)
                continue  # the links may be others now
            skipped = int(-wait_s / link.spec.config.period_s)
            link.spec.meter.missed_scans += skipped
            link.due_s = (link.due_s or 0.0) + (1 + skipped) * link.spec.config.period_s
            await self._beat(link)

    async def _beat(self, link: Link) -> None:
        channel = self._channel
        if channel is None or channel.lost.done() or link.rests(shared=self._is_alive_but_for(link)):
            link.rest()
            await asyncio.sleep(0)
        else:
            await self._scan(channel, link)

    def _is_alive_but_for(self, link: Link) -> bool:
        return any(other.is_answering for other in self.links if other is not link)

    @staticmethod
    def _has_time(order: Order, wait_s: float) -> bool:
        """Whether an order can be obeyed before the next beat is due, or has waited long enough."""
        now = time.monotonic()
        p95_ms = order.link.spec.meter.answer_ms()[1]
        needs_s = 0.02 + 2e-3 * (0.0 if isnan(p95_ms) else p95_ms)
        return wait_s > needs_s or now - order.since_s > LONGEST_ORDER_S

    async def _execute(self, order: Order) -> None:
        channel, outcome = self._channel, order.outcome
        if not outcome.set_running_or_notify_cancel():
            return
        try:
            if channel is None or channel.lost.done():
                raise LinkFault("lost", Reason.NO_COMMUNICATION, f"{order.link.spec.config.endpoint} is not connected")
            if not isinstance(channel, Browsable):
                raise LinkFault("config", Reason.CONFIGURATION_ERROR, "this kind of link has no registers")
            self._asking = order.link.spec
            outcome.set_result(await order.ask(channel, order.link.spec))
        except (LinkFault, InputError, ValueError) as error:
            outcome.set_exception(error)
        except BaseException:
            outcome.set_exception(LinkFault("lost", Reason.NO_COMMUNICATION, "the link was closed meanwhile"))
            raise

    def _tell(self, sent: bool, piece: bytes) -> None:
        """Hand a piece of traffic to those who watch."""
        packet = packet_now(self._asking.link_id, self._kind.name, sent, piece)
        for watcher in self._watchers:
            watcher.offer(packet)

    async def _scan(self, channel: Channel, link: Link) -> None:
        self._asking = link.spec
        try:
            readings = await channel.scan(link.spec)
        except LinkFault as fault:
            is_offline = link.state is LinkState.OFFLINE
            if not (is_offline and channel.lost.done()):  # then the loss of the line was told already
                # A link that was lost comes back with its first good scan, not with each connection that brings none.
                is_over = is_offline or channel.lost.done() or fault.kind == "ended"
                link.failed(fault, connected=not is_over)
        except InputError as wrong:
            link.failed(_misconfigured(wrong), connected=True)
        else:
            self._answered = True
            if not any(other.is_answering for other in self.links):
                for other in self.links:
                    other.call_on()
            link.answered(readings)

    async def _listen(self) -> None:
        while True:
            channel, link = self._channel, self.links[0]
            if channel is None or channel.lost.done():
                self._rearranged.clear()
                await _either(self._rearranged, link.spec.config.period_s)
                if self._channel is None:
                    link.rest()
            else:
                await self._scan(channel, link)


async def _end(*tasks: "asyncio.Task[None]") -> None:
    """Cancel tasks until they have ended: `wait_for` before Python 3.12 (pymodbus waits by it) can swallow one."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)


async def _either(event: asyncio.Event, wait_s: float) -> None:
    """Wait for the event, at most so long."""
    try:
        async with asyncio.timeout(wait_s):
            await event.wait()
    except TimeoutError:
        return


def _misconfigured(wrong: InputError) -> LinkFault:
    return LinkFault("config", Reason.CONFIGURATION_ERROR, wrong.message, wrong.advice)
