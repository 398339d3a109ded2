"""A hostile Modbus TCP peer on a raw socket: it responds to every request by a script.

Its truth moves: request number k (its *tick*) sees register a hold `(257 * k + a) % 65536`, so a stale or a shifted
block shows in every single value. Faults are named in `FAULTS`; a request without one gets the right response.
"""

import contextlib
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self


def truth(address: int, tick: int) -> int:
    """What register `address` held when request `tick` came."""
    return (257 * tick + address) % 65536


@dataclass(frozen=True)
class Request:
    tick: int
    at_s: float
    transaction: int
    unit: int
    function: int
    address: int
    count: int
    fault: str
    moves: bool = True

    def covers(self, address: int) -> bool:
        return self.address <= address < self.address + self.count

    def values(self) -> bytes:
        registers = [truth(self.address + i, self.tick if self.moves else 0) for i in range(self.count)]
        if self.function in (1, 2):
            return bytes((self.count + 7) // 8)
        return struct.pack(f">{self.count}H", *registers)

    def pdu(self, **changes: int | bytes) -> bytes:
        """The PDU of the right response, but for `function`, `size` (byte count) or `values`."""
        values = changes.get("values", self.values())
        assert isinstance(values, bytes)
        head = struct.pack(">BB", changes.get("function", self.function), changes.get("size", len(values)))
        return head + values

    def adu(self, pdu: bytes | None = None, **changes: int) -> bytes:
        """A whole frame, right but for what `changes` say."""
        body = self.pdu() if pdu is None else pdu
        return struct.pack(
            ">HHHB",
            changes.get("transaction", self.transaction),
            changes.get("protocol", 0),
            changes.get("length", len(body) + 1),
            changes.get("unit", self.unit),
        ) + body  # fmt: skip


@dataclass
class Peer:
    """One accepted connection."""

    sock: socket.socket
    buffer: bytes = b""
    held: list[Request] = field(default_factory=list)
    slipping: bool = False

    def send(self, *parts: bytes, pause_s: float = 0.0) -> None:
        for part in parts:
            self.sock.sendall(part)
            if pause_s:
                time.sleep(pause_s)

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


Reply = Callable[[Peer, Request], None]
GARBAGE = bytes(range(0x80, 0x95))


def _resized(by: int) -> Reply:
    """A response with `by` more (or fewer) bytes of values, consistent in itself."""

    def reply(peer: Peer, request: Request) -> None:
        values = request.values()
        values = values[:by] if by < 0 else values + b"\x01" * by
        peer.send(request.adu(request.pdu(values=values)))

    return reply


def _counted(by: int) -> Reply:
    """Only the byte count is wrong."""
    return lambda p, r: p.send(r.adu(r.pdu(size=len(r.values()) + by)))


def _exception(code: int) -> Reply:
    return lambda p, r: p.send(r.adu(bytes((r.function | 0x80, code))))


def _late(by_s: float) -> Reply:
    def reply(peer: Peer, request: Request) -> None:
        time.sleep(by_s)
        peer.send(request.adu())

    return reply


def _held_back(peer: Peer, request: Request) -> None:
    """No response now: its values go out as the response to the next request, under that one's id."""
    peer.held.append(request)


def _slip(peer: Peer, request: Request) -> None:
    """From now on every response brings the values of the request before."""
    peer.held.append(request)
    peer.slipping = True


def _mid_frame(end: Callable[[Peer], None]) -> Reply:
    def reply(peer: Peer, request: Request) -> None:
        peer.send(request.adu()[:11])
        end(peer)

    return reply


FAULTS: Mapping[str, Reply] = {
    "short by one register": _resized(-2),
    "short by two registers": _resized(-4),
    "long by one register": _resized(2),
    "odd: one byte less": _resized(-1),
    "odd: one byte more": _resized(1),
    "empty": lambda p, r: p.send(r.adu(r.pdu(values=b""))),
    "byte count -1": _counted(-1),
    "byte count +1": _counted(1),
    "byte count -2": _counted(-2),
    "byte count +2": _counted(2),
    "bytes after the values": lambda p, r: p.send(r.adu(r.pdu(size=len(r.values()), values=r.values() + b"\x01\x02"))),
    "no byte count": lambda p, r: p.send(r.adu(bytes((r.function,)))),
    "wrong unit": lambda p, r: p.send(r.adu(unit=r.unit + 1)),
    "wrong function": lambda p, r: p.send(r.adu(r.pdu(function=7 - r.function))),
    "write function": lambda p, r: p.send(r.adu(r.pdu(function=16))),
    "exception of another function": lambda p, r: p.send(r.adu(bytes((0x84, 2)))),
    "exception too long": lambda p, r: p.send(r.adu(bytes((0x83, 2, 0)))),
    "wrong transaction, ahead": lambda p, r: p.send(r.adu(transaction=r.transaction + 7)),
    "wrong transaction, behind": lambda p, r: p.send(r.adu(transaction=r.transaction - 1 or 65535)),
    "transaction 0": lambda p, r: p.send(r.adu(transaction=0)),
    "wrong protocol id": lambda p, r: p.send(r.adu(protocol=1)),
    "length too short": lambda p, r: p.send(r.adu(length=4)),
    "length too long": lambda p, r: p.send(r.adu(length=len(r.pdu()) + 3)),
    "length 1": lambda p, r: p.send(r.adu(length=1)),
    "length 65535": lambda p, r: p.send(r.adu(length=65535)),
    "late": _late(0.3),
    "late, behind the next request": _late(0.46),
    "held back": _held_back,
    "slip": _slip,
    "duplicated": lambda p, r: p.send(r.adu() * 2),
    "garbage": lambda p, r: p.send(GARBAGE),
    "garbage before": lambda p, r: p.send(GARBAGE + r.adu()),
    "zeros before": lambda p, r: p.send(b"\0\0\0" + r.adu()),
    "garbage after": lambda p, r: p.send(r.adu() + GARBAGE),
    "garbage after, apart": lambda p, r: p.send(r.adu(), GARBAGE, pause_s=0.02),
    "reset": lambda p, r: p.reset(),
    "reset mid-frame": _mid_frame(Peer.reset),
    "finish": lambda p, r: p.finish(),
    "finish mid-frame": _mid_frame(Peer.finish),
    "stall": lambda p, r: None,
    "truncated": lambda p, r: p.send(r.adu()[:-3]),
    "byte by byte": lambda p, r: p.send(*(bytes((b,)) for b in r.adu()), pause_s=0.001),
    "in two pieces": lambda p, r: p.send(r.adu()[:9], r.adu()[9:], pause_s=0.02),
    **{f"exception {code}": _exception(code) for code in (1, 2, 3, 4, 5, 6, 8, 10, 11, 77)},
}


class FaultyServer:
    """Listens on loopback. `script` maps tick (1, 2 …) → fault; `always` is the fault of all others, if any."""

    def __init__(self, script: Mapping[int, str] | None = None, *, always: str = "", port: int = 0) -> None:
        self.script, self.always = dict(script or {}), always
        self.dead_units: frozenset[int] = frozenset()
        self.frozen = False
        self.closes_at_once = False
        self.log: list[Request] = []
        self.connections = 0
        self.peers: list[Peer] = []
        self._lock = threading.RLock()
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._listener: socket.socket | None = None
        self.port = port
        self.revive()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="faulty-server", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def newest(self, address: int) -> Request | None:
        """The last request that covers a register."""
        return next((r for r in reversed(tuple(self.log)) if r.covers(address)), None)

    def revive(self) -> None:
        """Listen (again)."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self.port = listener.getsockname()[1]
        with self._lock:
            self._listener = listener
            self._selector.register(listener, selectors.EVENT_READ)
        self._nudge()

    def kill(self, *, how: str = "finish") -> None:
        """End all connections by `finish` or `reset`, and refuse new ones until `revive`."""
        with self._lock:
            if self._listener is not None:
                self._selector.unregister(self._listener)
                self._listener.close()
                self._listener = None
            self.drop(how=how)

    def drop(self, *, how: str = "reset") -> float:
        """End all connections; the monotonic instant before it was done."""
        with self._lock:
            at_s = time.monotonic()
            for peer in self.peers:
                self._forget(peer)
                getattr(peer, how)()
            self.peers.clear()
            return at_s

    def stop(self) -> None:
        self._stopping = True
        self._nudge()
        self._thread.join(5)
        self.kill()
        for sock in (self._wake, self._woken):
            sock.close()
        self._selector.close()

    def _nudge(self) -> None:
        self._wake.send(b"!")

    def _run(self) -> None:
        while not self._stopping:
            ready = self._selector.select()
            with self._lock:
                for key, _ in ready:
                    self._serve(key)

    def _serve(self, key: selectors.SelectorKey) -> None:
        if key.fileobj is self._woken:
            self._woken.recv(100)
        elif key.fileobj is self._listener:
            self._accept(self._listener)
        elif key.data in self.peers:
            self._receive(key.data)

    def _accept(self, listener: socket.socket) -> None:
        sock, _ = listener.accept()
        self.connections += 1
        if self.closes_at_once:
            sock.close()
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = Peer(sock)
        self.peers.append(peer)
        self._selector.register(sock, selectors.EVENT_READ, peer)

    def _forget(self, peer: Peer) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(peer.sock)

    def _receive(self, peer: Peer) -> None:
        try:
            got = peer.sock.recv(4096)
        except OSError:
            got = b""
        peer.buffer += got
        while got and len(peer.buffer) >= 12:
            frame, peer.buffer = peer.buffer[:12], peer.buffer[12:]
            try:
                self._reply(peer, frame)
            except OSError:
                got = b""
            if peer.sock.fileno() < 0:
                got = b""
        if not got:
            if peer.sock.fileno() >= 0:
                self._forget(peer)
                peer.sock.close()
            self.peers.remove(peer)

    def _reply(self, peer: Peer, frame: bytes) -> None:
        tid, _, _, unit, function, address, count = struct.unpack(">HHHBBHH", frame)
        tick = len(self.log) + 1
        fault = self.script.get(tick, self.always)
        if unit in self.dead_units:
            fault = "stall"
        request = Request(tick, time.monotonic(), tid, unit, function, address, count, fault, not self.frozen)
        self.log.append(request)
        if fault in ("reset", "finish", "reset mid-frame", "finish mid-frame"):
            self._forget(peer)
        if peer.held and not fault:
            old = peer.held.pop(0)
            peer.send(request.adu(old.pdu()))
            if peer.slipping:
                peer.held.append(request)
        elif fault:
            FAULTS[fault](peer, request)
        else:
            peer.send(request.adu())
