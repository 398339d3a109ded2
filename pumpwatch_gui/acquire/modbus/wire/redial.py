"""A network connection that outlives what devices and networks do to it between two requests.

Many small devices hang up after each response or after some idle seconds, and a firewall (NAT) forgets a connection
that was idle, without a word. Neither is a fault of a request: the next one goes over a new connection.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, cast

from typing_extensions import override

from pumpwatch_gui.domain.errors import PumpWatchError

IDLE_S = 1.5
"""After so long without a byte a request that stays without one may have met a path that has gone mute."""
RTU_PAUSE_S = 0.005
"""Between a response and the next RTU request; the line behind a gateway needs about as long for a few characters."""
KEPT_BYTES = 300
MAX_RTU_REQUEST = 8
"""Bytes: a longer request is one of Modbus TCP, which has 11 or 12."""

Dial = Callable[[Callable[[], asyncio.Protocol]], Awaitable[asyncio.Transport]]
"""Opens one connection. Raises OSError, PumpWatchError."""

ON_HANG_UP: ContextVar[Callable[[], None] | None] = ContextVar("ON_HANG_UP", default=None)
"""Called at each hang-up between two requests of the connections that are opened in this context."""


class RedialTransport(asyncio.Transport):
    """What a protocol takes for one connection.

    - The peer hangs up between two requests: the next request goes over a new connection.
    - It hangs up on a request before a byte of the response, and had responded before: a Modbus TCP request is sent
      once more over a new one. Reads may be repeated: they change nothing. An RTU request is not: without a transaction
      id the response to the first would later pass for that to another.
    - A request after 1.5 s of silence got not one byte: the next goes over a new connection.

    Every other loss, and a new connection that cannot be made, is handed to the protocol. `open` first.
    """

    def __init__(self, dial: Dial, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._dial, self._protocol = dial, protocol
        self._leg = _Leg(self)
        self._task: asyncio.Task[None] | None = None
        self._on_hang_up = ON_HANG_UP.get()
        self._request, self._received = b"", b""
        self._is_open = self._is_closed = self._was_idle = self._is_sent = False
        self._heard_s = 0.0

    async def open(self) -> "RedialTransport":
        """Make the first connection. Raises what `dial` raises."""
        await self._dial(lambda: self._leg)
        self._heard_s = time.monotonic()
        self._is_open = True
        self._protocol.connection_made(self)
        if self._leg.is_lost:  # the peer took the connection and hung up at once
            self._lose(self._leg.error)
        return self

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._is_closed:
            return
        is_mute = self._was_idle and bool(self._request) and not self._received
        self._was_idle = self._leg.has_responded and time.monotonic() - self._heard_s >= IDLE_S
        self._request, self._received = bytes(data), b""
        if self._task is not None:
            return  # it is sent as soon as the new connection is there
        self._is_sent = False
        if is_mute or self._leg.is_lost:
            self._redial()
        elif len(data) <= MAX_RTU_REQUEST:
            # A peer that hangs up after each response does it now: the request must not go out on that connection.
            pause_s = max(self._heard_s + RTU_PAUSE_S - time.monotonic(), 0.0)
            asyncio.get_running_loop().call_later(pause_s, self._send)
        else:
            self._send()

    @override
    def close(self) -> None:
        self._end()
        self._leg.transport.close()

    @override
    def abort(self) -> None:
        self._end()
        self._leg.transport.abort()

    @override
    def is_closing(self) -> bool:
        return self._is_closed

    @override
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._leg.transport.get_extra_info(name, default)

    # ---------------------------------------------------------------- the connection underneath

    def received(self, leg: "_Leg", data: bytes) -> None:
        """Bytes on a connection; of one that was given up they are dropped."""
        if leg is not self._leg or self._is_closed:
            return
        self._heard_s = time.monotonic()
        leg.has_responded = True
        self._received = (self._received + data)[:KEPT_BYTES]
        self._protocol.data_received(data)

    def lost(self, leg: "_Leg") -> None:
        """The end of a connection."""
        if leg is not self._leg or self._is_closed or not self._is_open or self._task is not None:
            return
        is_broken_off = bool(self._received) and not is_whole(self._request, self._received)
        is_unanswered_rtu = self._is_sent and not self._received and len(self._request) <= MAX_RTU_REQUEST
        if not leg.has_responded or is_broken_off or is_unanswered_rtu:
            self._lose(leg.error)
            return
        if self._on_hang_up is not None:
            self._on_hang_up()
        if self._is_sent and not self._received:
            self._redial()

    def _send(self) -> None:
        if self._is_closed or self._task is not None:
            return
        if self._leg.is_lost or self._leg.transport.is_closing():
            self._redial()
        else:
            self._is_sent = True
            self._leg.transport.write(self._request)

    def _redial(self) -> None:
        self._leg.transport.abort()
        self._leg = _Leg(self)
        self._task = asyncio.create_task(self._dial_again(), name="redial")

    async def _dial_again(self) -> None:
        try:
            await self._dial(lambda: self._leg)
        except (OSError, PumpWatchError) as error:
            self._lose(error)
            return
        finally:
            self._task = None
        if self._leg.is_lost:
            self._lose(self._leg.error)
        else:
            self._is_sent = True
            self._leg.transport.write(self._request)

    def _lose(self, error: Exception | None) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._protocol.connection_lost(error)

    def _end(self) -> None:
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()


class _NoTransport(asyncio.Transport):
    """What a connection has before it is made, or when it could not be."""

    @override
    def close(self) -> None:
        return

    @override
    def abort(self) -> None:
        return


class _Leg(asyncio.Protocol):
    """One connection."""

    def __init__(self, whole: RedialTransport) -> None:
        self._whole = whole
        self.transport: asyncio.Transport = _NoTransport()
        self.has_responded = self.is_lost = False
        self.error: Exception | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    @override
    def data_received(self, data: bytes) -> None:
        self._whole.received(self, data)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost, self.error = True, exc
        self._whole.lost(self)


def is_whole(request: bytes, received: bytes) -> bool:
    """Whether a response has come to its end, as far as its own first bytes tell: by its Modbus TCP or RTU length."""
    if len(request) > MAX_RTU_REQUEST:
        return len(received) >= 6 and len(received) >= 6 + int.from_bytes(received[4:6])
    if len(received) < 5:
        return False
    function = received[1]
    return function not in (1, 2, 3, 4) or len(received) >= 5 + received[2]
