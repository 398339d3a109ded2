"""The station of a collector, seen from a window that has joined it."""

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, answer_challenge, deliver_challenge
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from pumpwatch_gui.acquire.drivers import DRIVERS
from pumpwatch_gui.domain.commands import Order, OrderId
from pumpwatch_gui.domain.errors import InputError, LinkError
from pumpwatch_gui.domain.events import Event, OrderDone, SiteChanged
from pumpwatch_gui.domain.links.config import DriverConfig, ModbusConfig
from pumpwatch_gui.domain.links.decode import PointValue
from pumpwatch_gui.domain.ports import BorrowedLine, Capability, Historian, LinkBrowser, Packet, Subscription
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.station import COLLECTOR_LOOP, LoopHealth, StationView
from pumpwatch_gui.domain.values.trace import Trace, TraceRing, frames_kept
from pumpwatch_gui.engine.bus import Bell, EventBus
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.owner import Owner, read_owner
from pumpwatch_gui.stations.messages import VERSION, Ask, Hello, Reader, Reply, Submit, Update, Welcome, Writer
from pumpwatch_gui.store.query.history import History

log = logging.getLogger("pumpwatch.stations")

ANSWER_S = 5.0
RETRY_S = (0.2, 0.5, 1.0, 2.0)
GONE = "the collector does not answer"
_TROUBLE = (EOFError, OSError, AuthenticationError, UnpicklingError, ValueError)


class JoinedStation:
    """A collector of the same home, through its door. Keeps the Station port.

    Give `loops()` a thread. When the collector ends, the last view stands and grows old until there is one again: the
    window says so. Raises InputError when no collector of this version can be joined now.
    """

    def __init__(self, home: Home) -> None:
        self._home, self._history = home.path, History(home.database)
        self._bus, self._bell = EventBus(keep=lambda _: None), Bell()  # the collector keeps the journal
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._writer, self._reader = Writer(), Reader()
        self._pending: dict[OrderId, Order] = {}
        self._links = _JoinedLinks(self._send, self.site)
        self._traces: dict[str, TraceRing] = {}
        self._heard_ns = 0
        owner = read_owner(home.path)
        if owner is None or not owner.door:
            raise InputError(f"no collector can be joined in {home.path}", "start one, or start a window of its own")
        try:
            self._join(owner)
        except _TROUBLE as error:
            raise InputError(f"{owner.text} cannot be joined: {error}", "end it, or use another --home DIR") from error

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the collector's station can."""
        return self._capabilities

    @property
    def history(self) -> Historian:
        """What the collector has stored, read from the same database."""
        return self._history

    @property
    def links(self) -> LinkBrowser:
        """Reads of the collector's links."""
        return self._links

    def site(self) -> Site:
        """What the collector judges."""
        return self._site

    def latest(self) -> StationView:
        """The collector's view as of the last word from it."""
        view, own, now_ns = self._view, LoopHealth(COLLECTOR_LOOP, self._heard_ns), time.monotonic_ns()
        # Without the collector nothing is known of its loops: one cause is said, not nine.
        stats = replace(view.stats, loops=(own,) if own.is_late(now_ns) else (own, *view.stats.loops))
        # The clock of now, not of the last word: what is shown grows old while the collector says nothing.
        return replace(view, stats=stats, time_ns=time.time_ns(), mono_ns=now_ns)

    def trace(self, pump_id: str, since_s: float = 0.0) -> Trace:
        """The recent frames of a pump, those from before the joining too. Raises KeyError."""
        return self._traces[pump_id].copy(since_s)

    def subscribe(self, on_event: Callable[[Event], None]) -> Subscription:
        """Have every event of the collector delivered to `on_event`."""
        return self._bus.subscribe(on_event)

    def watch(self, on_values: Callable[[], None]) -> Subscription:
        """Have `on_values` called at every word of the collector that has values."""
        return self._bell.subscribe(on_values)

    def submit(self, order: Order) -> OrderId:
        """Send an order to the collector; where it does not answer, the outcome says so."""
        with self._lock:
            self._pending[order.id] = order
        if not self._send(Submit(order)):
            self._refuse_pending(f"{GONE}; nothing was done")
        return order.id

    def loops(self) -> Mapping[str, Callable[[threading.Event], None]]:
        """One loop: it listens to the collector, and looks for it again when it has ended."""
        return {COLLECTOR_LOOP: self._run}

    # ---------------------------------------------------------------- the loop

    def _run(self, stop: threading.Event) -> None:
        failures = 0
        while not stop.is_set():
            try:
                if self._connection is None:
                    self._rejoin()
                self._listen(stop)
                failures = 0
            except _TROUBLE as error:
                if self._connection is not None:
                    log.warning("%s: %s", GONE, error or type(error).__name__)
                self._leave()
                self._refuse_pending(f"{GONE}; whether it was done is in the journal")
                stop.wait(RETRY_S[min(failures, len(RETRY_S) - 1)])
                failures += 1
        self._leave()

    def _listen(self, stop: threading.Event) -> None:
        connection = self._connection
        while connection is not None and not stop.is_set():
            if connection.poll(0.1):
                self._take(self._reader.decode(connection.recv_bytes()))

    def _rejoin(self) -> None:
        owner = read_owner(self._home)
        if owner is None or not owner.door:
            raise ConnectionError("there is none")
        before = self._site
        self._join(owner)
        log.info("joined %s again", owner.text)
        if self._site != before:
            self._deliver(SiteChanged(time.time_ns(), "The collector was started again with a changed site"))

    def _join(self, owner: Owner) -> None:
        connection = Client(owner.door)
        try:
            _expect(connection)
            answer_challenge(connection, bytes.fromhex(owner.key))
            deliver_challenge(connection, bytes.fromhex(owner.key))
            writer, reader = Writer(), Reader()
            connection.send_bytes(writer.encode(Hello(VERSION, f"window with process id {os.getpid()}")))
            _expect(connection)
            hello = reader.decode(connection.recv_bytes())
            if not isinstance(hello, Hello) or hello.version != VERSION:
                raise ValueError("it is of another version of this program")
            _expect(connection)
            welcome: Welcome = reader.decode(connection.recv_bytes())
        except BaseException:
            connection.close()
            raise
        self._site, self._view, self._capabilities = welcome.site, welcome.view, welcome.capabilities
        frames = frames_kept(len(welcome.view.pumps))
        self._traces = {p.pump_id: TraceRing(len(p.profile.quantities), frames) for p in welcome.view.pumps}
        for pump_id, trace in welcome.traces.items():
            self._traces[pump_id].extend(trace)
        self._heard_ns = time.monotonic_ns()
        with self._lock:
            self._writer, self._reader, self._connection = writer, reader, connection

    def _leave(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._links.fail_all()

    def _take(self, message: Update | Reply) -> None:
        self._heard_ns = time.monotonic_ns()
        if isinstance(message, Reply):
            self._links.replied(message)
            return
        pumps = list(self._view.pumps)
        if message.site is not None:
            self._site, pumps = message.site, [message.pumps[i] for i in range(len(message.pumps))]
        for i, pump in message.pumps.items():
            pumps[i] = pump
        frames = frames_kept(len(pumps))
        rings = {p.pump_id: self._traces.get(p.pump_id) or TraceRing(len(p.profile.quantities), frames) for p in pumps}
        for pump in pumps:
            if pump.pump_id in message.renewed:
                rings[pump.pump_id] = TraceRing(len(pump.profile.quantities), frames)
            if pump.pump_id in message.traces:
                rings[pump.pump_id].extend(message.traces[pump.pump_id])
        self._traces = rings
        alarms = self._view.alarms if message.alarms is None else message.alarms
        work = self._view.maintenance if message.maintenance is None else message.maintenance
        self._view = replace(message.head or self._view, pumps=tuple(pumps), alarms=alarms, maintenance=work)
        if message.pumps:
            self._bell.ring()
        self._links.carried(message.packets)
        for event in message.events:
            self._deliver(event)

    def _deliver(self, event: Event) -> None:
        if isinstance(event, OrderDone):
            with self._lock:
                self._pending.pop(event.order_id, None)
        self._bus.publish(event, in_journal=False)

    def _refuse_pending(self, why: str) -> None:
        with self._lock:
            pending, self._pending = self._pending, {}
        for order in pending.values():
            self._deliver(order.outcome(False, why))

    def _send(self, message: object) -> bool:
        with self._lock:
            try:
                if self._connection is None:
                    return False
                self._connection.send_bytes(self._writer.encode(message))
            except OSError:
                return False
            return True


def _expect(connection: Connection) -> None:
    if not connection.poll(ANSWER_S):
        raise TimeoutError(f"no word within {ANSWER_S:g} s")


class _JoinedLine:
    """A line of the collector. Keeps the BorrowedLine port."""

    def __init__(self, ask: Callable[..., "Future[Any]"]) -> None:
        self._ask = ask

    def scan(
        self, config: DriverConfig, profile: PumpProfile, folder: Path | None
    ) -> "Future[Mapping[str, PointValue]]":
        """As the port says."""
        return self._ask("borrowed scan", config, profile, folder)

    def read(
        self, config: ModbusConfig, table: str, address: int, count: int, register_bytes: int = 2
    ) -> "Future[Sequence[int]]":
        """As the port says."""
        return self._ask("borrowed read", config, table, address, count, register_bytes)

    def identify(self, config: ModbusConfig) -> "Future[Mapping[str, str]]":
        """As the port says."""
        return self._ask("borrowed identify", config)


class _JoinedLinks:
    """The collector's link browser. Keeps the LinkBrowser port."""

    def __init__(self, send: Callable[[object], bool], site: Callable[[], Site]) -> None:
        self._send, self._site = send, site
        self._lock = threading.Lock()
        self._number = 0
        self._asked: dict[int, Future[Any]] = {}
        self._taps: dict[int, _JoinedTap] = {}

    def borrow(self, config: DriverConfig) -> BorrowedLine | None:
        """As the port says, but for the InputError: it comes from the reads."""
        way = DRIVERS[config.driver].connection
        links = (link for pump in self._site().pumps for link in pump.links if link.driver == config.driver)
        is_there = way(config) is not None and any(way(link) == way(config) for link in links)
        return _JoinedLine(self._ask) if is_there else None

    def read_block(self, link_id: str, table: str, address: int, count: int) -> "Future[Sequence[int]]":
        """As the port says; LinkError where the collector does not answer."""
        return self._ask("read_block", link_id, table, address, count)

    def identify(self, link_id: str) -> "Future[Mapping[str, str]]":
        """As the port says."""
        return self._ask("identify", link_id)

    def forget(self, link_id: str) -> None:
        """As the port says."""
        self._ask("forget", link_id)

    def traffic(self, link_id: str) -> "_JoinedTap":
        """As the port says."""
        with self._lock:
            self._number += 1
            tap = self._taps[self._number] = _JoinedTap(self._number, self._close)
        self._send(Ask(tap.number, "traffic", (link_id,)))
        return tap

    def _ask(self, name: str, *arguments: object) -> "Future[Any]":
        future: Future[Any] = Future()
        with self._lock:
            self._number += 1
            number = self._number
            self._asked[number] = future
        if not self._send(Ask(number, name, arguments)):
            self.replied(Reply(number, error=LinkError(GONE, "start it again, or wait until it is back")))
        return future

    def _close(self, number: int) -> None:
        with self._lock:
            self._taps.pop(number, None)
        self._send(Ask(number, "close", (number,)))

    def replied(self, reply: Reply) -> None:
        """Take in what came of a question."""
        with self._lock:
            future = self._asked.pop(reply.number, None)
        if future is None or not future.set_running_or_notify_cancel():
            return
        if reply.error is not None:
            future.set_exception(reply.error)
        else:
            future.set_result(reply.result)

    def carried(self, packets: Mapping[int, Sequence[Packet]]) -> None:
        """Hand packets to their taps."""
        for number, some in packets.items():
            tap = self._taps.get(number)
            if tap is not None:
                tap.put(some)

    def fail_all(self) -> None:
        """The collector is gone: nothing that was asked will be answered."""
        for number in tuple(self._asked):
            self.replied(Reply(number, error=LinkError(GONE, "start it again, or wait until it is back")))


class _JoinedTap:
    """Traffic of a link of the collector. Keeps the TrafficTap port."""

    MOST = 10_000

    def __init__(self, number: int, close: Callable[[int], None]) -> None:
        self.number, self._close = number, close
        self._packets: queue.SimpleQueue[Packet] = queue.SimpleQueue()
        self.dropped = 0

    def put(self, packets: Sequence[Packet]) -> None:
        """Take in packets; those that nobody takes in time are counted."""
        for packet in packets:
            if self._packets.qsize() < self.MOST:
                self._packets.put(packet)
            else:
                self.dropped += 1

    def take(self) -> Sequence[Packet]:
        """What came since the last time."""
        taken: list[Packet] = []
        with suppress(queue.Empty):
            while True:
                taken.append(self._packets.get_nowait())
        return taken

    def close(self) -> None:
        """Stop watching."""
        self._close(self.number)
