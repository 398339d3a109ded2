"""The door of a collector: windows of the same user join its station through a local socket.

The socket lies in the home, which only the user may enter, and both sides prove that they have read the key in the
owner file, which only the user may read.
"""

import logging
import os
import queue
import secrets
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from functools import partial
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge
from pathlib import Path
from pickle import UnpicklingError

import numpy as np

from pumpwatch_gui.domain.errors import LinkError
from pumpwatch_gui.domain.events import Event
from pumpwatch_gui.domain.links.config import DriverConfig
from pumpwatch_gui.domain.ports import BorrowedLine, Station, TrafficTap
from pumpwatch_gui.domain.station import PumpView, StationView
from pumpwatch_gui.domain.values.trace import CLOCK_STEP_NS, Trace
from pumpwatch_gui.files.owner import HomeLock
from pumpwatch_gui.stations.messages import (
    VERSION,
    Ask,
    CarriedPacket,
    Hello,
    Reader,
    Reply,
    Submit,
    Update,
    Welcome,
    Writer,
)

log = logging.getLogger("pumpwatch.stations")
crash_log = logging.getLogger("pumpwatch.crash")

EVERY_S = 0.025
"""How often a window is sent what is new. It adds half of that to the age of a value, and 40 looks a second."""
HEAD_EVERY_S = 0.25
SOCKET_FILE = "collector.sock"
LONGEST_PATH = 100
"""Of a local socket: the system takes 104 to 108 bytes."""
MAX_WAITING = 20_000
"""Events that wait for a window. One that takes none is given up: it joins again and sees the station whole."""


class StationServer:
    """Serves a station to those who join. `run` on a thread of its own, until `stop`."""

    def __init__(self, station: Station, lock: HomeLock, home: Path) -> None:
        self._station, self._lock = station, lock
        self._key = secrets.token_bytes(32)
        self._listener = _listen(home)
        self._guests: set[_Guest] = set()
        self._stop = threading.Event()
        lock.open_door(str(self._listener.address), self._key.hex())

    def run(self, stop: threading.Event) -> None:
        """Let in who comes, each on threads of its own, until `stop`."""
        door = threading.Thread(target=self._let_in, name="pumpwatch-door", daemon=True)
        door.start()
        stop.wait()
        self._stop.set()
        self._lock.open_door("", "")
        with suppress(OSError, EOFError):  # `accept` is ended by nothing but a visitor
            Client(self._listener.address).close()
        door.join(2.0)
        self._listener.close()
        for guest in tuple(self._guests):
            guest.end()

    @property
    def guests(self) -> int:
        """How many windows have joined now."""
        return len(self._guests)

    def _let_in(self) -> None:
        while not self._stop.is_set():
            try:
                connection = self._listener.accept()
            except OSError as error:  # too many open files: those who have joined go on
                if not self._stop.wait(0.5):
                    log.warning("nobody can join just now: %s", error)
                continue
            if self._stop.is_set():
                connection.close()
                return
            guest = _Guest(self._station, connection, self._key, left=self._guests.discard)
            self._guests.add(guest)
            guest.start()


def _listen(home: Path) -> Listener:
    path = home / SOCKET_FILE
    if sys.platform == "win32" or len(os.fsencode(path)) > LONGEST_PATH:
        return Listener()  # a named pipe, or a socket in a folder of the system that only this user may enter
    with suppress(OSError):
        path.unlink()  # of a collector that was killed: its lock is ours now
    return Listener(str(path), family="AF_UNIX")


class _Guest:
    """One window that has joined: a thread reads what it wants, another sends it what is new."""

    def __init__(
        self, station: Station, connection: Connection, key: bytes, *, left: Callable[["_Guest"], None]
    ) -> None:
        self._station, self._connection, self._key, self._left = station, connection, key, left
        self._reader, self._writer = Reader(), Writer()
        self._news: queue.SimpleQueue[Event | Reply] = queue.SimpleQueue()
        self._taps: dict[int, TrafficTap] = {}
        self._ended = threading.Event()
        self._working = 0
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin."""
        self._start(self._greet, "pumpwatch-guest")

    def _start(self, work: Callable[[], None], name: str) -> threading.Thread:
        with self._lock:
            self._working += 1
        thread = threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
        thread.start()
        return thread

    def end(self) -> None:
        """Send the guest away; safe from any thread, more than once."""
        self._ended.set()

    # ---------------------------------------------------------------- reading

    def _greet(self) -> None:
        deliver_challenge(self._connection, self._key)
        answer_challenge(self._connection, self._key)
        hello = self._reader.decode(self._connection.recv_bytes())
        self._connection.send_bytes(self._writer.encode(Hello(VERSION, "collector")))
        if not isinstance(hello, Hello) or hello.version != VERSION:
            log.warning("a window of another version wanted to join: %s", hello)
            return
        log.info("a %s has joined", hello.program)
        teller = self._start(self._tell, "pumpwatch-guest-tell")
        while not self._ended.is_set():
            if self._connection.poll(0.2):
                self._do(self._reader.decode(self._connection.recv_bytes()))
        teller.join(2.0)

    def _do(self, message: object) -> None:
        match message:
            case Submit(order):
                self._station.submit(order)
            case Ask(number, name, arguments):
                self._answer(number, name, arguments)
            case _:
                raise UnpicklingError(f"a {type(message).__name__} is nothing that a window says")

    def _answer(self, number: int, name: str, arguments: tuple[object, ...]) -> None:
        call = {
            "read_block": self._station.links.read_block,
            "identify": self._station.links.identify,
            "borrowed scan": lambda config, *more: self._lend(config).scan(config, *more),
            "borrowed read": lambda config, *more: self._lend(config).read(config, *more),
            "borrowed identify": lambda config: self._lend(config).identify(config),
            "forget": self._station.links.forget,
            "traffic": partial(self._watch, number),
            "close": self._unwatch,
        }.get(name)
        try:
            result: object = call(*arguments) if call is not None else None  # type: ignore[operator]
        except Exception as error:  # noqa: BLE001 - per question: it goes to who asked
            self._news.put(Reply(number, error=error))
            return
        if isinstance(result, Future):
            result.add_done_callback(partial(self._answered, number))
        else:
            self._news.put(Reply(number))

    def _answered(self, number: int, future: "Future[object]") -> None:
        if future.cancelled():
            self._news.put(Reply(number, error=TimeoutError("the link was closed meanwhile")))
            return
        error = future.exception()
        if error is None:
            self._news.put(Reply(number, future.result()))
        else:
            self._news.put(Reply(number, error=error if isinstance(error, Exception) else RuntimeError(str(error))))

    def _lend(self, config: DriverConfig) -> BorrowedLine:
        line = self._station.links.borrow(config)
        if line is None:
            raise LinkError(f"no line runs to {config.endpoint} any more", "try it again")
        return line

    def _watch(self, number: int, link_id: str) -> None:
        self._taps[number] = self._station.links.traffic(link_id)

    def _unwatch(self, number: int) -> None:
        tap = self._taps.pop(number, None)
        if tap is not None:
            tap.close()

    # ---------------------------------------------------------------- telling

    def _tell(self) -> None:
        subscription = self._station.subscribe(self._news.put)
        try:
            state = _Sent(self._station)
            self._send(state.welcome())
            while not self._ended.wait(EVERY_S):
                events, replies = self._take_news()
                packets = {n: tuple(map(_carried, tap.take())) for n, tap in tuple(self._taps.items())}
                update = state.update(events, {n: p for n, p in packets.items() if p})
                if update is not None:
                    self._send(update)
                for reply in replies:
                    self._send(reply)
        finally:
            subscription.close()

    def _take_news(self) -> tuple[tuple[Event, ...], list[Reply]]:
        if self._news.qsize() > MAX_WAITING:
            raise ConnectionError(f"a window took none of {MAX_WAITING} events")
        events: list[Event] = []
        replies: list[Reply] = []
        with suppress(queue.Empty):
            while True:
                news = self._news.get_nowait()
                if isinstance(news, Reply):
                    replies.append(news)
                else:
                    events.append(news)
        return tuple(events), replies

    def _send(self, message: object) -> None:
        self._connection.send_bytes(self._writer.encode(message))

    def _guarded(self, work: Callable[[], None]) -> None:
        """A guest that goes away, or says what is no message, costs itself alone."""
        try:
            work()
        except (EOFError, OSError, AuthenticationError, UnpicklingError) as error:
            log.info("a window has left: %s", error or type(error).__name__)
        except Exception:  # noqa: BLE001 - per guest
            crash_log.critical("serving a window failed", exc_info=True)
        finally:
            self._ended.set()
            with self._lock:
                self._working -= 1
                is_last = not self._working
            if is_last:  # two that close at once would close a descriptor that is another's by then
                for number in tuple(self._taps):
                    self._unwatch(number)
                self._connection.close()
                self._left(self)


class _Sent:
    """What was sent to a guest, so that only what is new is sent."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._pumps: dict[str, PumpView] = {}
        self._order: tuple[str, ...] = ()
        self._view: StationView | None = None
        self._site: object = None
        self._head_s = 0.0
        self._newest_s: dict[str, float] = {}
        self._offset_ns: dict[str, int] = {}

    def welcome(self) -> Welcome:
        """Everything."""
        site, view = self._station.site(), self._station.latest()
        self._site, self._view = site, view
        self._pumps = {p.pump_id: p for p in view.pumps}
        self._order = tuple(self._pumps)
        found = {p.pump_id: self._trace(p, is_whole=True) for p in view.pumps}
        traces = {pump_id: trace for pump_id, (trace, _) in found.items() if trace is not None}
        return Welcome(site, view, traces, self._station.capabilities)

    def update(self, events: tuple[Event, ...], packets: Mapping[int, tuple[CarriedPacket, ...]]) -> Update | None:
        """What is new since the last time; None when that is nothing."""
        site, view = self._station.site(), self._station.latest()
        before, order = self._view, tuple(p.pump_id for p in view.pumps)
        everything = site is not self._site or order != self._order
        pumps, traces, renewed = {}, {}, set[str]()
        for i, pump in enumerate(view.pumps):
            was = self._pumps.get(pump.pump_id)
            if everything or was is None or not _is_same(was, pump):
                pumps[i] = pump
            if everything or was is None or was.frame is not pump.frame:
                trace, is_whole = self._trace(pump, is_whole=everything)
                if trace is not None:
                    traces[pump.pump_id] = trace
                    renewed |= {pump.pump_id} if is_whole else set()
        alarms = view.alarms if before is None or everything or view.alarms != before.alarms else None
        is_same = before is not None and not everything and view.maintenance is before.maintenance
        maintenance = None if is_same else view.maintenance
        self._site, self._view, self._order = site, view, order
        self._pumps = {p.pump_id: p for p in view.pumps}
        head = self._head(view, is_due=everything or alarms is not None or maintenance is not None)
        if not (pumps or traces or events or packets or head):
            return None
        return Update(
            head, pumps, traces, frozenset(renewed), alarms, self._station.site() if everything else None, events,
            packets, maintenance,
        )  # fmt: skip

    def _head(self, view: StationView, *, is_due: bool) -> StationView | None:
        """The view without pumps and lists, four times a second: that the collector lives is a fact, too."""
        now_s = time.monotonic()
        if not is_due and now_s - self._head_s < HEAD_EVERY_S:
            return None
        self._head_s = now_s
        return replace(view, pumps=(), alarms=(), maintenance=())

    def _trace(self, pump: PumpView, *, is_whole: bool) -> tuple[Trace | None, bool]:
        """The frames since the newest that was sent, or all of them; None for a pump that is gone meanwhile."""
        sent_s = None if is_whole else self._newest_s.get(pump.pump_id)
        offset_ns = pump.frame.time_ns - pump.frame.mono_ns if pump.frame is not None else 0
        if abs(offset_ns - self._offset_ns.get(pump.pump_id, offset_ns)) > CLOCK_STEP_NS:
            sent_s = None  # the clock was set, and all times of the trace with it
        self._offset_ns[pump.pump_id] = offset_ns
        try:
            trace = self._station.trace(pump.pump_id, 0.0 if sent_s is None else float(np.nextafter(sent_s, np.inf)))
        except KeyError:
            return None, False
        if trace.time_s.size:
            self._newest_s[pump.pump_id] = float(trace.time_s[-1])
        return trace, sent_s is None


def _is_same(was: PumpView, now: PumpView) -> bool:
    """Whether nothing of a pump has changed. What the engine did not replace is the same object."""
    return (
        was.frame is now.frame
        and was.score_result is now.score_result
        and was.detection is now.detection
        and was.links == now.links
        and was.run_state is now.run_state
        and was.profile is now.profile
        and was.shadow == now.shadow
        and was.learning is now.learning
        and was.is_at_new_level is now.is_at_new_level
        and was.likelihood is now.likelihood
        and was.alarms == now.alarms
    )


def _carried(packet: object) -> CarriedPacket:
    return CarriedPacket(*(getattr(packet, name) for name in CarriedPacket.__slots__))
