"""A line: one connection, kept up by itself, and the scans of the links that share it."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from math import inf

from pumpwatch_gui.acquire.driver import Channel, DriverKind, Identifying, Readings, Watchable
from pumpwatch_gui.acquire.links.extra_reads import ExtraRead, ExtraReads
from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.acquire.links.link import Link, LinkEvent
from pumpwatch_gui.acquire.links.traffic import Traffic, packet_now
from pumpwatch_gui.acquire.links.turns import Turns
from pumpwatch_gui.acquire.modbus.wire.redial import IDLE_S, ON_HANG_UP
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.events import ConnectionChanged, Note
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.values.quality import Reason

FIRST_RETRY_S, JITTER = 0.25, 0.2
"""With the jitter, devices behind a switch that restarted are not all connected to in the same instant."""
CONNECTS_PER_S = 100.0
CANCEL_AGAIN_S = 0.1
CONNECTED_S = 0.05
"""The first scan of all waits until its connection is up, or it would be missed."""
SLOT_S = 0.01
"""First scans are due at multiples of it: those of several lines then share one wake-up of the loop, which costs as
much as what it is for. Within 10 ms there is time for some thirty scans."""
HANG_UPS_TOLD = 3
"""So many ends of the connection between two requests are a habit of the device, which is reported once."""


def retry_s(attempt: int, chance: random.Random, longest_s: float) -> float:
    """Back-off before attempt 0, 1, 2 …: 0.25 s doubling, ± 20 %, never above `longest_s`."""
    base: float = min(longest_s / (1 + JITTER), FIRST_RETRY_S * 2 ** min(attempt, 10))
    return base * chance.uniform(1 - JITTER, 1 + JITTER)


class ConnectRate:
    """Lets lines begin to connect one after the other, 10 ms apart.

    Only the rate is bounded. With a bound on how many connect at once, hosts that are switched off would hold all the
    places for a second each, and keep the others waiting.
    """

    def __init__(self) -> None:
        self._next_s = 0.0

    async def turn(self) -> None:
        """Wait for the next turn."""
        now_s = time.monotonic()
        at_s = max(now_s, self._next_s)
        self._next_s = at_s + 1 / CONNECTS_PER_S
        await asyncio.sleep(at_s - now_s)


class Line:
    """Keeps one connection up and runs the scans of its links. Cancel `run` to end it."""

    def __init__(
        self, kind: DriverKind, links: Sequence[Link], *, chance: random.Random, on_event: Callable[[LinkEvent], None]
    ) -> None:
        self.links = tuple(links)
        self._kind = kind
        self._chance = chance
        self._on_event = on_event
        self._channel: Channel | None = None
        self._given_up: asyncio.Future[None] | None = None
        self._responded = self._is_lost = False
        self._heard_s = 0.0
        self._hang_ups = 0
        self._changed = _WakeUp()
        self._turns = Turns()
        self._doubtful: list[Link] = []
        self._extra = ExtraReads()
        self._watchers: tuple[Traffic, ...] = ()
        self._active = links[0].spec  # whose request is in flight

    @property
    def settings(self) -> str:
        """What every link of the line must agree on, "" for nothing."""
        return self._kind.shared_settings(self.links[0].spec.config)

    def rearrange(self, links: Sequence[Link], phases: Mapping[str, float]) -> None:
        """Go on with these links, live. New ones get their first scan by `phases` (parts of a period)."""
        self.links = tuple(links)
        for link in self.links:
            if link.due_s is None:
                due_s = time.monotonic() + CONNECTED_S + phases[link.spec.link_id] * link.spec.config.period_s
                link.due_s = due_s // SLOT_S * SLOT_S
                if self._channel is not None:
                    link.connected()
        if self._channel is not None:
            self._channel.shared_by([link.spec for link in self.links])
        self._changed.set()

    def read_extra(self, extra: ExtraRead) -> None:
        """Read something between two scans; refused at once where the device sends unrequested."""
        if self._kind.pushed:
            words = f"{extra.spec.config.endpoint} takes no requests: it sends by itself"
            extra.refuse(words, "only Modbus has registers", FaultKind.CONFIG)
            return
        self._extra.add(extra)
        self._changed.set()

    def watch(self, watchers: Sequence[Traffic]) -> None:
        """Hand the line's traffic to these from now on."""
        self._watchers = tuple(watchers)
        channel: object = self._channel
        if isinstance(channel, Watchable):
            channel.watch(self._pass_on if self._watchers else None)

    async def run(self, rate: ConnectRate) -> None:
        """Run until cancelled; `rate` spreads the connecting of all lines."""
        keeper = asyncio.create_task(self._keep_connected(rate))
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
            self._extra.cancel()

    # ---------------------------------------------------------------- the connection

    async def _keep_connected(self, rate: ConnectRate) -> None:
        ON_HANG_UP.set(self._hung_up)
        attempt = 0
        while True:
            # A new channel each time: after a failed connect, a pymodbus client does not try again by itself.
            channel = self._kind.open([link.spec for link in self.links])
            fault: LinkFault | None = None
            try:
                await rate.turn()
                await channel.connect()
                fault = await self._until_lost(channel)
                # A connection that had brought values is made again at once: most losses are over by then.
                attempt = 0 if self._responded or fault is None else attempt + 1
            except LinkFault as refused:
                fault, attempt = refused, attempt + 1
            except InputError as wrong:
                fault, attempt = _misconfigured(wrong), attempt + 1
            finally:
                self._channel = None
                await channel.close()
            if fault is not None:
                self._lose(fault, connected=False)
            if attempt:
                await asyncio.sleep(retry_s(attempt - 1, self._chance, self._kind.max_retry_s))

    async def _until_lost(self, channel: Channel) -> LinkFault | None:
        """Use a connection until its end; the fault, None when it is no fault of the device."""
        self._channel, self._responded = channel, False
        self._given_up = asyncio.get_running_loop().create_future()
        channel.shared_by([link.spec for link in self.links])
        for link in self.links:
            link.connected()
        self.watch(self._watchers)
        self._changed.set()
        await asyncio.wait((channel.lost, self._given_up), return_when=asyncio.FIRST_COMPLETED)
        if not channel.lost.done() or (self._extra.may_have_cost_the_connection and self._responded):
            return None
        return LinkFault(FaultKind.LOST, Reason.NO_COMMUNICATION, channel.lost.result(), "reconnecting by itself")

    def _hung_up(self) -> None:
        """The peer ended the connection between two requests: no fault, the next request goes over a new one."""
        self._hang_ups += 1
        for link in self.links:
            link.spec.meter.hang_ups += 1
        if self._hang_ups == HANG_UPS_TOLD:
            text = f"{self._name} hangs up between requests: each scan connects again"
            self._on_event(Note(time.time_ns(), text, "INFO", self.links[0].spec.pump_id))

    def _lose(self, fault: LinkFault, *, connected: bool) -> None:
        """Report it to every link at once: a value must not look alive until the next scan finds out."""
        is_shared = len(self.links) > 1
        self._settle(with_line=is_shared)
        for link in self.links:
            if link.state is LinkState.OFFLINE:
                link.note(fault)
            else:
                link.failed(fault, connected=connected, with_line=is_shared)
        if is_shared and not self._is_lost:
            self._report(True, fault.message)
        self._is_lost = True

    def _settle(self, *, with_line: bool) -> None:
        while self._doubtful:
            self._doubtful.pop(0).settle(with_line=with_line)

    def _report(self, is_lost: bool, text: str) -> None:
        pumps = tuple(dict.fromkeys(link.spec.pump_id for link in self.links))
        self._on_event(ConnectionChanged(time.time_ns(), self._name, pumps, is_lost, text))

    @property
    def _name(self) -> str:
        config = self.links[0].spec.config
        return config.connection or config.endpoint

    # ---------------------------------------------------------------- the scans

    async def _poll(self) -> None:
        while True:
            now_s = time.monotonic()
            link = self._turns.next(self.links, now_s)
            wait_s = link.next_s - now_s
            if self._extra.is_waiting and (extra := self._extra.take(wait_s)) is not None:
                self._active = extra.spec
                await self._extra.perform(extra, self._channel, self.links[0].spec.meter.last_error)
            elif wait_s > 0:
                await self._changed.wait(wait_s)  # the links may be others after it
            else:
                link.begin(now_s)
                await self._scan_or_skip(link, now_s)

    async def _scan_or_skip(self, link: Link, now_s: float) -> None:
        channel = self._channel
        is_up = channel is not None and not channel.lost.done()
        requested = self._turns.to_request(link, self.links, now_s) if is_up else None
        if requested is not link:
            link.not_scanned()
            await asyncio.sleep(0)
        if requested is not None and channel is not None:
            await self._scan(channel, requested)

    async def _scan(self, channel: Channel, link: Link) -> None:
        self._active = link.spec
        self._extra.may_have_cost_the_connection = False
        link.requested_s = time.monotonic()
        began_ns = time.monotonic_ns()
        try:
            patience_s = self._turns.patience_s(link, link.requested_s)
            if patience_s < inf and isinstance(channel, Identifying) and channel.tells_responses_apart:
                within = await self._scan_within(channel, link, patience_s)
                if within is None:
                    return
                readings = within
            elif link.requested_s - self._heard_s < IDLE_S:
                readings = await channel.scan(link.spec)
            else:
                readings, began_ns = await self._scan_after_idling(channel, link)
        except LinkFault as fault:
            self._failed(channel, link, fault)
        except InputError as wrong:
            link.failed(_misconfigured(wrong), connected=True)
        else:
            self._responded, self._heard_s = True, time.monotonic()
            self._settle(with_line=False)
            if self._turns.responded() or not any(other.is_responding for other in self.links):
                # The line was dead as a whole, so that the silence of a single unit means nothing.
                for other in self.links:
                    other.retry_now()
            if self._is_lost and len(self.links) > 1:
                self._report(False, "")
            self._is_lost = False
            link.scanned(readings, time.monotonic_ns() if self._kind.pushed else began_ns)
            for remark in link.spec.meter.take_remarks():
                text = f"{link.spec.link_id}: {remark}: BAD, requested again now and then; {remark.advice}"
                self._on_event(Note(time.time_ns(), text, "WARNING", link.spec.pump_id))

    async def _scan_within(self, channel: Channel, link: Link, patience_s: float) -> Readings | None:
        """One scan; None when it took longer and was put off."""
        limit = asyncio.timeout(patience_s)
        try:
            async with limit:
                return await channel.scan(link.spec)
        except TimeoutError:
            if not limit.expired():
                raise
        link.put_off()
        self._turns.put_off(link)
        return None

    @staticmethod
    async def _scan_after_idling(channel: Channel, link: Link) -> tuple[Readings, int]:
        """One scan and when it began. It may meet a path that went mute while it was idle: then it is repeated."""
        spec, began_ns, had_responded = link.spec, time.monotonic_ns(), link.has_responded
        try:
            return await channel.scan(spec), began_ns
        except LinkFault as fault:
            is_mute = fault.kind is FaultKind.TIMEOUT and spec.config.remote_host and not channel.lost.done()
            if not is_mute or not had_responded:
                raise
            spec.meter.count_fault(fault)
        began_ns = time.monotonic_ns()
        return await channel.scan(spec), began_ns

    def _failed(self, channel: Channel, link: Link, fault: LinkFault) -> None:
        is_offline = link.state is LinkState.OFFLINE
        if not (is_offline and channel.lost.done()):  # else the loss of the line was reported already
            # A link that was lost comes back with its first good scan, not with each connection that brings none.
            is_over = is_offline or channel.lost.done() or fault.kind is FaultKind.ENDED
            # One silent unit, or the first of a line that is silent as a whole? The next ones tell.
            is_doubtful = len(self.links) > 1 and fault.kind is FaultKind.TIMEOUT
            link.failed(fault, connected=not is_over, is_doubtful=is_doubtful)
            if is_doubtful:
                self._doubtful.append(link)
        if not fault.is_no_response:
            if fault.kind is not FaultKind.LOST:
                self._turns.responded()
                self._settle(with_line=False)
            return
        if self._turns.missed(link, self.links, fault, time.monotonic()):
            text = f"no response from any of the {len(self.links)} units behind {self._name}"
            advice = "check the gateway, its line and its power; the connection itself still stands"
            self._lose(LinkFault(FaultKind.TIMEOUT, Reason.TIMEOUT, text, advice), connected=True)
            # The connection may be one that the other end has forgotten.
            if link.spec.config.remote_host and self._given_up is not None and not self._given_up.done():
                self._given_up.set_result(None)

    async def _listen(self) -> None:
        while True:
            channel, link = self._channel, self.links[0]
            if channel is None or channel.lost.done():
                await self._changed.wait(link.spec.config.period_s)
                if self._channel is None:
                    link.not_scanned()
            else:
                await self._scan(channel, link)

    def _pass_on(self, sent: bool, piece: bytes) -> None:
        """Hand a piece of traffic to the watchers."""
        packet = packet_now(self._active.link_id, self._kind.describe, sent, piece)
        for watcher in self._watchers:
            watcher.offer(packet)


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


class _WakeUp:
    """What a line waits for: that something changed, or a time. For one waiter; a `set` without one is lost.

    Not `asyncio.timeout` around an Event: that ends each wait by a cancellation and an exception, and costs as much as
    the request. Nor `wait_for`: see `_end`.
    """

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None

    def set(self) -> None:
        """End the wait."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self, most_s: float) -> None:
        """Wait until it is set, at most so long."""
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(most_s, self.set)
        try:
            await self._waiter
        finally:
            timer.cancel()


def _misconfigured(wrong: InputError) -> LinkFault:
    return LinkFault(FaultKind.CONFIG, Reason.CONFIGURATION_ERROR, wrong.message, wrong.advice)
