"""A Modbus TCP device that knows who polled it when: two programs that poll at once are seen."""

import contextlib
import itertools
import socket
import struct
import threading
import time
from dataclasses import dataclass


@dataclass(slots=True)
class Polling:
    """The requests of one connection: the monotonic instants of the first and the last, and how many there were."""

    first_s: float
    last_s: float
    count: int = 0


class CountingDevice:
    """Answers every read with the same `value` in each register, as a context."""

    def __init__(self, value: int = 0) -> None:
        self.value = value
        self.pollings: list[Polling] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._open: list[socket.socket] = []

    def __enter__(self) -> "CountingDevice":
        threading.Thread(target=self._let_in, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone does not wake a thread in accept or recv.
        for one in (self._server, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def double(self, since_s: float = 0.0) -> int:
        """How many connections since that monotonic instant were polled while another was."""
        of_now = sorted((p for p in self.pollings if p.count and p.first_s >= since_s), key=lambda p: p.first_s)
        return sum(later.first_s < before.last_s for before, later in itertools.pairwise(of_now))

    def _let_in(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        polling = Polling(time.monotonic(), 0.0)
        self.pollings.append(polling)
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
            while len(head := stream.read(8)) == 8:
                transaction, _, length, unit, function = struct.unpack(">3H2B", head)
                body = stream.read(length - 2)
                now_s = time.monotonic()
                polling.first_s, polling.last_s = (polling.first_s if polling.count else now_s), now_s
                polling.count += 1
                count = int.from_bytes(body[2:4])
                answer = struct.pack(">3H3B", transaction, 0, 3 + 2 * count, unit, function, 2 * count)
                connection.sendall(answer + self.value.to_bytes(2) * count)
