"""A transparent gateway whose line is not ours alone: responses come twice, late, or to another master.

Register a holds `6000 * (a % 11) + tick`, where the tick counts the requests: each value tells its place and its time.
"""

import asyncio
import random
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self, cast

from typing_extensions import override

from pumpwatch_gui.acquire.modbus.wire.rtu import sealed

REQUEST = 8


@dataclass(frozen=True)
class Habits:
    """What goes wrong. Shares are 0 to 1. `twice_s`: after what time a response comes again."""

    response_s: float = 0.0
    twice: float = 0.0
    twice_s: float = 0.003
    late: float = 0.0
    late_s: float = 1.5
    foreign_every_s: float = 0.0
    foreign_count: int = 10
    jitter_s: float = 0.0


def value(address: int, tick: int) -> int:
    return (6000 * (address % 11) + tick) % 65536


@dataclass
class UnrulyGateway:
    """What comes over the line, and when. `held` are the registers that exist; all others are exception 2."""

    habits: Habits
    held: frozenset[int]
    seed: int = 0
    served: list[tuple[int, int, int]] = field(default_factory=list)
    """(tick, address, count) of each request."""

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def responses(self, request: bytes) -> list[tuple[float, bytes]]:
        """The frames that follow a request, each after so many seconds."""
        unit, function, address, count = struct.unpack(">BBHH", request[:6])
        tick = len(self.served) + 1
        self.served.append((tick, address, count))
        asked = range(address, address + count)
        pdu = bytes((function | 0x80, 2 if count else 3))
        if count and all(a in self.held for a in asked):
            pdu = bytes((function, 2 * count)) + b"".join(value(a, tick).to_bytes(2) for a in asked)
        habits, chance = self.habits, self._chance
        after_s = habits.late_s if chance.random() < habits.late else habits.response_s
        after_s += habits.jitter_s * chance.random()
        frames = [(after_s, sealed(unit, pdu))]
        if chance.random() < habits.twice:
            frames.append((after_s + habits.twice_s, sealed(unit, pdu)))
        return frames

    @property
    def foreign(self) -> bytes:
        """A response to another master."""
        count = self.habits.foreign_count
        return sealed(1, bytes((3, 2 * count)) + bytes((0xEE, 0xEE)) * count)


class UnrulyWire:
    """The gateway in process: a wire for a `StrictLink`, on the loop's clock. What is under way outlives a connection,
    as behind a gateway."""

    where = "the gateway"

    def __init__(self, gateway: UnrulyGateway) -> None:
        self._gateway = gateway
        self._protocol = asyncio.Protocol()
        self._foreign: asyncio.TimerHandle | None = None

    async def open(self, factory: Callable[[], asyncio.BaseProtocol]) -> asyncio.Transport:
        self._protocol = cast(asyncio.Protocol, factory())
        if self._foreign is None and self._gateway.habits.foreign_every_s:
            self._foreign = asyncio.get_running_loop().call_later(0.5, self._put_foreign)
        return _UnrulyTransport(self)

    def identity(self, transport: asyncio.Transport) -> str:
        return ""

    def loss(self, error: Exception | None, *, responded: bool) -> str:
        return "lost"

    def take(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        for after_s, frame in self._gateway.responses(request):
            # 0.2 ms each way, as over a loop-back socket
            loop.call_later(0.0004 + after_s, self._put, frame)

    def _put(self, frame: bytes) -> None:
        self._protocol.data_received(frame)

    def _put_foreign(self) -> None:
        self._put(self._gateway.foreign)
        every_s = self._gateway.habits.foreign_every_s
        self._foreign = asyncio.get_running_loop().call_later(every_s, self._put_foreign)


class _UnrulyTransport(asyncio.Transport):
    def __init__(self, wire: UnrulyWire) -> None:
        super().__init__()
        self._wire = wire

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._wire.take(bytes(data))

    @override
    def abort(self) -> None:
        pass


class UnrulyLine:
    """`with UnrulyLine(habits, held) as line`: the gateway behind a socket."""

    def __init__(self, habits: Habits, held: frozenset[int], *, seed: int = 0) -> None:
        self._gateway = UnrulyGateway(habits, held, seed)
        self.habits, self.served = habits, self._gateway.served

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._stop = threading.Event()
        self._due: list[tuple[float, bytes]] = []
        self._change = threading.Condition()
        self._peer: socket.socket | None = None
        self._threads = [threading.Thread(target=t, daemon=True) for t in (self._serve, self._send)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self._peer is not None:
            self._peer.close()
        for thread in self._threads:
            thread.join(5)

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peer = peer
            with peer:
                self._read(peer)

    def _read(self, peer: socket.socket) -> None:
        buffer = b""
        while not self._stop.is_set():
            try:
                piece = peer.recv(256)
            except OSError:
                return
            if not piece:
                return
            buffer += piece
            while len(buffer) >= REQUEST:
                self._respond(buffer[:REQUEST])
                buffer = buffer[REQUEST:]

    def _respond(self, request: bytes) -> None:
        now_s = time.monotonic()
        with self._change:
            self._due += [(now_s + after_s, frame) for after_s, frame in self._gateway.responses(request)]
            self._change.notify()

    def _send(self) -> None:
        foreign_s = time.monotonic() + 0.5 if self.habits.foreign_every_s else float("inf")
        while not self._stop.is_set():
            now = time.monotonic()
            if now >= foreign_s:
                foreign_s += self.habits.foreign_every_s
                self._put(self._gateway.foreign)
            with self._change:
                ready = sorted(d for d in self._due if d[0] <= now)
                self._due = [d for d in self._due if d[0] > now]
            for _, frame in ready:
                self._put(frame)
            with self._change:
                next_s = min([foreign_s, now + 0.05, *(d[0] for d in self._due)])
                self._change.wait(max(0.0, min(next_s - time.monotonic(), 0.05)))

    def _put(self, frame: bytes) -> None:
        peer = self._peer
        if peer is not None:
            try:
                peer.sendall(frame)
            except OSError:
                return
