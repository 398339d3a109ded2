"""Devices to measure against: 50 Modbus TCP ports in a child process that can fall sick, and a paced serial unit."""

import contextlib
import json
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

from pumpwatch_gui.acquire.modbus.wire.rtu import is_sealed, sealed
from pumpwatch_gui.domain.links.line_budget import REQUEST_BYTES, LineSpeed


class Sickness(Enum):
    """What is wrong with a device."""

    NONE = "none"
    STALL = "stall"
    REFUSE = "refuse"
    RESET = "reset"
    FINISH = "finish"
    GARBAGE = "garbage"
    BUSY = "busy"
    BYTE_BY_BYTE = "byte by byte"
    TRUNCATED = "truncated"
    WRONG_UNIT = "wrong unit"
    LATE = "late"


SICK = tuple(s for s in Sickness if s is not Sickness.NONE)
CHILD = ["-m", "pumpwatch_gui.bench.rigs.link_peers"]
REQUEST = 12
"""Bytes of a read request over Modbus TCP."""


class Peers:
    """The child and its ports. `set_sickness` gives one of them a sickness."""

    def __init__(self, count: int) -> None:
        self._child = subprocess.Popen(
            [sys.executable, *CHILD, str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.ports: list[int] = self._reply()

    def __enter__(self) -> "Peers":
        return self

    def __exit__(self, *_: object) -> None:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        self._child.wait(5)
        self._child.stdout.close()

    def set_sickness(self, index: int, sickness: Sickness) -> None:
        """Change one device; done when this returns."""
        self._command({"index": index, "sickness": sickness.value})

    def drop(self, index: int, how: Sickness) -> None:
        """End a device's connections by RESET or FINISH."""
        self._command({"index": index, "drop": how.value})

    def writes(self) -> int:
        """Requests seen that were no reads."""
        return int(self._command({"writes": True}))

    @contextmanager
    def sick(self, count: int, only: Sickness | None = None) -> Iterator[None]:
        """Have the first `count` devices sick, each in another way."""
        for i in range(count):
            self.set_sickness(i, only or SICK[i % len(SICK)])
        try:
            yield
        finally:
            for i in range(count):
                self.set_sickness(i, Sickness.NONE)

    def _command(self, command: dict[str, object]) -> Any:
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(command) + "\n")
        self._child.stdin.flush()
        return self._reply()

    def _reply(self) -> Any:
        assert self._child.stdout is not None
        return json.loads(self._child.stdout.readline())


class _Device:
    """One port. Its registers are `tick + address`, so that a stale response is recognised."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port: int = self.listener.getsockname()[1]
        self.sickness = Sickness.NONE
        self.clients: dict[socket.socket, bytes] = {}
        self.writes = self.tick = 0

    def fall(self, sickness: Sickness) -> None:
        """Change the sickness; REFUSE also closes the port."""
        if sickness is Sickness.REFUSE:
            self.drop(Sickness.RESET)
            self.listener.close()
        elif self.listener.fileno() < 0:
            self.listener = socket.create_server(("127.0.0.1", self.port), backlog=16)
        self.sickness = sickness

    def drop(self, how: Sickness) -> None:
        """End all connections."""
        for client in tuple(self.clients):
            self.end(client, how)

    def end(self, client: socket.socket, how: Sickness) -> None:
        """End one connection."""
        if how is Sickness.RESET:  # lingering for 0 s makes the close send RST instead of FIN
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.clients.pop(client, None)
        client.close()

    def serve(self, ready: socket.socket) -> None:
        """A new client, or bytes of one."""
        if ready is self.listener:
            client, _ = ready.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.clients[client] = b""
            return
        try:
            piece = ready.recv(4096)
        except OSError:
            piece = b""
        if not piece:
            self.end(ready, Sickness.FINISH)
            return
        self.clients[ready] += piece
        while len(self.clients.get(ready, b"")) >= REQUEST:
            request, self.clients[ready] = self.clients[ready][:REQUEST], self.clients[ready][REQUEST:]
            self._respond(ready, request)

    def _respond(self, client: socket.socket, request: bytes) -> None:
        transaction, _, _, unit, function, address, count = struct.unpack(">HHHBBHH", request)
        self.tick += 1
        self.writes += function not in (1, 2, 3, 4, 43)
        registers = [(self.tick + address + i) & 0xFFFF for i in range(count)]
        pdu = struct.pack(f">BB{count}H", function, 2 * count, *registers)
        if self.sickness is Sickness.BUSY:
            pdu = bytes((function | 0x80, 6))
        unit += self.sickness is Sickness.WRONG_UNIT
        frame = struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu
        if self.sickness in (Sickness.RESET, Sickness.FINISH):
            self.end(client, self.sickness)
        elif self.sickness is Sickness.GARBAGE:
            client.sendall(bytes(range(0x80, 0x95)))
        elif self.sickness is Sickness.TRUNCATED:
            client.sendall(frame[:-3])
        elif self.sickness in (Sickness.LATE, Sickness.BYTE_BY_BYTE):
            pieces = [frame] if self.sickness is Sickness.LATE else [frame[i : i + 1] for i in range(len(frame))]
            wait_s = 0.7 if self.sickness is Sickness.LATE else 0.0005
            threading.Thread(target=_slowly, args=(client, pieces, wait_s), daemon=True).start()
        elif self.sickness is not Sickness.STALL:
            client.sendall(frame)


def _slowly(client: socket.socket, pieces: list[bytes], wait_s: float) -> None:
    with contextlib.suppress(OSError):
        for piece in pieces:
            time.sleep(wait_s)
            client.sendall(piece)


def serve(count: int) -> None:
    """The child: serve until standard input ends."""
    devices = [_Device() for _ in range(count)]
    print(json.dumps([d.port for d in devices]), flush=True)
    commands = b""
    while True:
        owner = {s: d for d in devices for s in (d.listener, *d.clients) if s.fileno() >= 0}
        poll = select.epoll()
        numbers = {s.fileno(): s for s in owner}
        for number in (0, *numbers):
            poll.register(number, select.EPOLLIN)
        changed = False
        while not changed:
            for number, _ in poll.poll():
                if number == 0:
                    piece = os.read(0, 4096)
                    if not piece:
                        return
                    commands += piece
                    changed = True
                elif numbers[number].fileno() >= 0:
                    device = owner[numbers[number]]
                    before = set(device.clients)
                    device.serve(numbers[number])
                    changed = changed or set(device.clients) != before
        poll.close()
        while b"\n" in commands:
            line, _, commands = commands.partition(b"\n")
            print(json.dumps(_execute(devices, json.loads(line))), flush=True)


def _execute(devices: list[_Device], command: dict[str, Any]) -> int:
    if "writes" in command:
        return sum(d.writes for d in devices)
    device = devices[command["index"]]
    if "drop" in command:
        device.drop(Sickness(command["drop"]))
    else:
        device.fall(Sickness(command["sickness"]))
    return 0


@contextmanager
def paced_unit(baud: int, responds: Callable[[], bool] = lambda: True) -> Iterator[str]:
    """A unit on a pseudo-terminal that takes the time of a real line (8N1) for requests and responses.

    Gives the device to open; it goes on until the context ends. The far end stays open here, so that a client that
    closes it is no hang-up.
    """
    import pty
    import tty

    ends = pty.openpty()
    for end in ends:
        tty.setraw(end)
    stop = threading.Event()
    thread = threading.Thread(target=_serve_line, args=(ends[0], LineSpeed(baud), stop, responds), daemon=True)
    thread.start()
    try:
        yield os.ttyname(ends[1])
    finally:
        stop.set()
        thread.join()
        for end in ends:
            os.close(end)


def _serve_line(end: int, speed: LineSpeed, stop: threading.Event, responds: Callable[[], bool]) -> None:
    tick, buffer, began_s = 0, b"", 0.0
    while not stop.is_set():
        if not select.select([end], [], [], 0.05)[0]:
            continue
        if not buffer:
            began_s = time.monotonic()
        buffer += os.read(end, 256)
        if len(buffer) < REQUEST_BYTES:
            continue
        request, buffer = buffer[:REQUEST_BYTES], b""
        if not is_sealed(request) or not responds():
            continue
        unit, function, address, count = struct.unpack(">BBHH", request[:6])
        tick += 1
        values = [(tick + address + i) & 0xFFFF for i in range(count)]
        response = sealed(unit, struct.pack(f">BB{count}H", function, 2 * count, *values))
        # A pseudo-terminal has no speed: all of it comes at the instant at which its last character would be there.
        due_s = began_s + (REQUEST_BYTES + len(response)) * speed.character_s + speed.quiet_s
        time.sleep(max(due_s - time.monotonic(), 0.0))
        os.write(end, response)


def cpu_clock(thread_id: int) -> float:
    """CPU seconds of a thread of this process so far (Linux)."""
    fields = Path(f"/proc/self/task/{thread_id}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    serve(int(sys.argv[1]))
