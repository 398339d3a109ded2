"""A hostile unit that speaks RTU, on a pseudo-terminal or behind a transparent gateway, responding by a script.

Its truth moves as that of `faulty_server` does. The line can be unplugged and plugged in again: its name is a link,
like those that udev makes, and stays the same.
"""

import contextlib
import os
import pty
import random
import select
import socket
import struct
import threading
import time
import tty
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from typing_extensions import override

from pumpwatch_gui.acquire.modbus.wire.rtu import is_sealed, sealed
from tests.acquire.faulty_server import Request

REQUEST = 8
Reply = Callable[["FaultyLine", Request], None]


def frame(request: Request, pdu: bytes | None = None, unit: int | None = None) -> bytes:
    return sealed(request.unit if unit is None else unit, request.pdu() if pdu is None else pdu)


def _send(make: Callable[[Request], bytes]) -> Reply:
    return lambda line, request: line.send(make(request))


def _resized(by: int) -> Reply:
    def make(request: Request) -> bytes:
        values = request.values()
        return frame(request, request.pdu(values=values[:by] if by < 0 else values + b"\x01" * by))

    return _send(make)


def _flipped(request: Request) -> bytes:
    whole = bytearray(frame(request))
    whole[4] ^= 0x10
    return bytes(whole)


def _noise(seed: int) -> bytes:
    return random.Random(seed).randbytes(13)


def _late(by_s: float) -> Reply:
    def reply(line: "FaultyLine", request: Request) -> None:
        time.sleep(by_s)
        line.send(frame(request))

    return reply


def _held_back(line: "FaultyLine", request: Request) -> None:
    line.held.append(request)


def _slip(line: "FaultyLine", request: Request) -> None:
    line.held.append(request)
    line.slipping = True


def _in_pieces(pause_s: float, *cuts: int) -> Reply:
    def reply(line: "FaultyLine", request: Request) -> None:
        whole = frame(request)
        for start, end in zip((0, *cuts), (*cuts, len(whole)), strict=True):
            line.send(whole[start:end])
            time.sleep(pause_s)

    return reply


def _byte_by_byte(line: "FaultyLine", request: Request) -> None:
    for byte in frame(request):
        line.send(bytes((byte,)))
        time.sleep(0.001)


def _exception(code: int) -> Reply:
    return _send(lambda r: frame(r, bytes((0x80 | r.function, code))))


def _echo(request: Request) -> bytes:
    return sealed(request.unit, struct.pack(">BHH", request.function, request.address, request.count))


FOREIGN = sealed(77, bytes((3, 4, 1, 2, 3, 4)))

LINE_FAULTS: Mapping[str, Reply] = {
    "short by one register": _resized(-2),
    "long by one register": _resized(2),
    "odd: one byte less": _resized(-1),
    "odd: one byte more": _resized(1),
    "empty": _send(lambda r: frame(r, r.pdu(values=b""))),
    "byte count -2": _send(lambda r: frame(r, r.pdu(size=len(r.values()) - 2))),
    "byte count +2": _send(lambda r: frame(r, r.pdu(size=len(r.values()) + 2))),
    "bytes after the values": _send(lambda r: frame(r, r.pdu(size=len(r.values()), values=r.values() + b"\x01\x02"))),
    "no byte count": _send(lambda r: frame(r, bytes((r.function,)))),
    "wrong unit": _send(lambda r: frame(r, unit=r.unit + 1)),
    "wrong function": _send(lambda r: frame(r, r.pdu(function=7 - r.function))),
    "write function": _send(lambda r: frame(r, r.pdu(function=16))),
    "exception of another function": _send(lambda r: frame(r, bytes((0x84, 2)))),
    "exception too long": _send(lambda r: frame(r, bytes((0x83, 2, 0)))),
    "CRC error": _send(lambda r: frame(r)[:-1] + bytes((frame(r)[-1] ^ 0xFF,))),
    "inverted data bit": _send(_flipped),
    "lost byte": _send(lambda r: frame(r)[:4] + frame(r)[5:]),
    "noise": _send(lambda r: _noise(r.tick)),
    "noise before": _send(lambda r: _noise(r.tick) + frame(r)),
    "noise after": _send(lambda r: frame(r) + _noise(r.tick)),
    "zeros before": _send(lambda r: b"\0\0" + frame(r)),
    "echo before": _send(lambda r: _echo(r) + frame(r)),
    "echo alone": _send(_echo),
    "foreign frame before": _send(lambda r: FOREIGN + frame(r)),
    "foreign frame": _send(lambda r: FOREIGN),
    "duplicated": _send(lambda r: frame(r) * 2),
    "late, within the quiet period": _late(0.25),
    "late, behind the next request": _late(0.46),
    "held back": _held_back,
    "slip": _slip,
    "stall": lambda line, r: None,
    "truncated": _send(lambda r: frame(r)[:-3]),
    "byte by byte": _byte_by_byte,
    "gap of 20 ms": _in_pieces(0.02, 5),
    "gap of 100 ms": _in_pieces(0.1, 5),
    **{f"exception {code}": _exception(code) for code in (1, 2, 3, 4, 5, 6, 10, 11)},
    "unplugged": lambda line, r: line.interrupt(0.3),
}  # fmt: skip


class FaultyLine:
    """Base of the two carriers. `script` maps tick (1, 2 …) → fault; `always` is the fault of all others."""

    def __init__(self, script: Mapping[int, str] | None = None, *, always: str = "") -> None:
        self.script, self.always = dict(script or {}), always
        self.dead_units: frozenset[int] = frozenset()
        self.frozen = False
        self.log: list[Request] = []
        self.held: list[Request] = []
        self.slipping = False
        self.silences: dict[int, float] = {}
        """Tick → the longest silence that there really was inside its response, s: sleeps may last longer."""
        self._sent_s: float | None = None
        self._buffer = b""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="faulty-line", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def newest(self, address: int) -> Request | None:
        """The last request that covers a register."""
        return next((r for r in reversed(tuple(self.log)) if r.covers(address)), None)

    def send(self, piece: bytes) -> None:
        """Put a piece of a response on the line."""
        if self._sent_s is not None:
            silence_s = time.monotonic() - self._sent_s
            self.silences[len(self.log)] = max(self.silences.get(len(self.log), 0.0), silence_s)
        self._put(piece)
        self._sent_s = time.monotonic()

    def _put(self, piece: bytes) -> None:
        raise NotImplementedError

    def interrupt(self, for_s: float) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def _run(self) -> None:
        raise NotImplementedError

    def _receive(self, piece: bytes) -> None:
        self._buffer += piece
        while len(self._buffer) >= REQUEST:
            request, self._buffer = self._buffer[:REQUEST], self._buffer[REQUEST:]
            assert is_sealed(request), request.hex()
            with contextlib.suppress(OSError):
                self._reply(request)

    def _reply(self, content: bytes) -> None:
        unit, function, address, count = struct.unpack(">BBHH", content[:6])
        tick = len(self.log) + 1
        fault = "stall" if unit in self.dead_units else self.script.get(tick, self.always)
        request = Request(tick, time.monotonic(), 0, unit, function, address, count, fault, not self.frozen)
        self.log.append(request)
        self._sent_s = None
        if self.held and not fault:
            self.send(frame(self.held.pop(0)))
            if self.slipping:
                self.held.append(request)
        elif fault:
            LINE_FAULTS[fault](self, request)
        else:
            self.send(frame(request))


class FaultyPty(FaultyLine):
    """On a pseudo-terminal; `device` is the name to open."""

    def __init__(self, folder: Path, script: Mapping[int, str] | None = None, *, always: str = "") -> None:
        super().__init__(script, always=always)
        folder.mkdir(parents=True, exist_ok=True)
        self.device = str(folder / f"tty{id(self)}")
        self._ends: tuple[int, int] = (-1, -1)
        self._change = threading.Lock()
        self._wake, self._woken = socket.socketpair()
        self.plug_in()
        self._thread.start()

    def plug_in(self) -> None:
        ends = pty.openpty()  # our own end of the line stays open, so that a closed port is no hang-up here
        for end in ends:
            tty.setraw(end)
        Path(self.device).unlink(missing_ok=True)
        Path(self.device).symlink_to(os.ttyname(ends[1]))
        with self._change:
            self._ends = ends
            self._buffer = b""
        self._wake.send(b"!")

    def unplug(self) -> float:
        """Take the adapter out; the monotonic instant before."""
        Path(self.device).unlink(missing_ok=True)
        with self._change:
            ends, self._ends = self._ends, (-1, -1)
            at_s = time.monotonic()
            for end in ends:
                os.close(end)
        self._wake.send(b"!")
        return at_s

    @override
    def interrupt(self, for_s: float) -> None:
        self.unplug()
        self._stopping.wait(for_s)
        self.plug_in()

    @override
    def _put(self, piece: bytes) -> None:
        os.write(self._ends[0], piece)

    @override
    def stop(self) -> None:
        self._stopping.set()
        self._wake.send(b"!")
        self._thread.join(5)
        if self._ends[0] >= 0:
            self.unplug()
        self._wake.close()
        self._woken.close()

    @override
    def _run(self) -> None:
        while not self._stopping.is_set():
            watched = [end for end in (self._ends[0], self._woken.fileno()) if end >= 0]
            try:
                ready = select.select(watched, [], [], 1.0)[0]
            except (OSError, ValueError):  # unplugged this moment
                continue
            if self._woken.fileno() in ready:
                self._woken.recv(100)
                continue
            with self._change:  # the end that was ready may be gone by now
                piece = os.read(self._ends[0], 256) if self._ends[0] in ready else b""
            self._receive(piece)


class FaultyGateway(FaultyLine):
    """Behind a transparent TCP gateway on loopback."""

    def __init__(self, script: Mapping[int, str] | None = None, *, always: str = "") -> None:
        super().__init__(script, always=always)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._client: socket.socket | None = None
        self._thread.start()

    @override
    def interrupt(self, for_s: float) -> None:
        self._hang_up()
        self._listener.close()
        self._stopping.wait(for_s)
        self._listener = socket.create_server(("127.0.0.1", self.port), reuse_port=False)

    @override
    def _put(self, piece: bytes) -> None:
        if self._client is not None:
            self._client.sendall(piece)

    @override
    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(5)
        self._hang_up()
        self._listener.close()

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()

    @override
    def _run(self) -> None:
        while not self._stopping.is_set():
            watched = [self._listener] if self._client is None else [self._listener, self._client]
            for ready in select.select(watched, [], [], 0.05)[0]:
                if ready is self._listener:
                    self._hang_up()
                    self._client, _ = self._listener.accept()
                    self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                elif ready is self._client:
                    self._from_client(ready)

    def _from_client(self, client: socket.socket) -> None:
        try:
            piece = client.recv(256)
        except OSError:
            piece = b""
        if piece:
            self._receive(piece)
        elif self._client is client:
            self._hang_up()
