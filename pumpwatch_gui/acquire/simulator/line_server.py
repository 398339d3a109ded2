"""The plant on a serial line: pump i is unit i + 1, RTU frames on a terminal, or through a TCP port as a gateway."""

import asyncio
import errno
import os
import time
from typing import cast

from typing_extensions import override

from pumpwatch_gui.acquire.modbus.rtu import LONGEST, SHORTEST, is_sealed, sealed
from pumpwatch_gui.acquire.simulator.device import Devices
from pumpwatch_gui.domain.errors import LinkError

GAP_S = 0.05
"""What has not become a whole request for so long is dropped: the next byte starts a new one."""


class LineUnits(asyncio.Protocol):
    """All units of one line: finds requests among the bytes, answers those for units that are there.

    A request for a unit that is not there, or with a wrong CRC, is met with silence, as on a real line.
    """

    def __init__(self, devices: Devices, transports: set[asyncio.Transport]) -> None:
        self._devices, self._transports = devices, transports
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._last_s = 0.0

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transports.add(self._transport)
        self._devices.counts.connections += 1

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._transports.discard(self._transport)

    @override
    def data_received(self, data: bytes) -> None:
        answer = self.answer(data)
        if answer and self._transport is not None:
            self._transport.write(answer)

    def answer(self, data: bytes) -> bytes:
        """Take in bytes; the answers to what they completed."""
        now = time.monotonic()
        if self._buffer and now - self._last_s > GAP_S:
            self._devices.counts.malformed += 1
            self._buffer = b""
        self._last_s = now
        self._buffer += data
        answers = b""
        while (end := _whole(self._buffer)) > 0:
            request, self._buffer = self._buffer[:end], self._buffer[end:]
            if request[0] in self._devices.images:
                answers += sealed(request[0], self._devices.answer(request[0], request[1:-2]))
        if len(self._buffer) > LONGEST:
            self._devices.counts.malformed += 1
            self._buffer = b""
        return answers


class Terminal:
    """A terminal device (`PATH`, or `auto` for a new pair) served on the running loop.

    `name` is what a client opens; of a given PATH we are one end, and the client opens the other.
    Raises LinkError when it cannot be opened.
    """

    def __init__(self, path: str, units: LineUnits) -> None:
        self._units = units
        self._ends = _pair() if path == "auto" else (_open(path),)
        self.name = os.ttyname(self._ends[-1]) if path == "auto" else path
        os.set_blocking(self._ends[0], False)
        asyncio.get_running_loop().add_reader(self._ends[0], self._ready)

    def close(self) -> None:
        """Close the terminal."""
        asyncio.get_running_loop().remove_reader(self._ends[0])
        for end in self._ends:
            os.close(end)

    def _ready(self) -> None:
        try:
            answer = self._units.answer(os.read(self._ends[0], 1024))
            if answer:
                os.write(self._ends[0], answer)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.EIO:  # EIO: nobody has the other end open just now
                raise


def _whole(buffer: bytes) -> int:
    """The length of the request that the buffer starts with, 0 while there is none."""
    if len(buffer) >= 8 and is_sealed(buffer[:8]):
        return 8
    return next((end for end in range(SHORTEST, min(len(buffer), LONGEST) + 1) if is_sealed(buffer[:end])), 0)


def _pair() -> tuple[int, ...]:
    import pty
    import tty

    # Our own hold on the far end keeps the near one alive while no client has it open.
    ends = pty.openpty()
    for end in ends:
        tty.setraw(end)
    return ends


def _open(path: str) -> int:
    import tty

    try:
        end = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(end)
    except (OSError, tty.termios.error) as error:  # type: ignore[attr-defined]
        why = os.strerror(error.args[0]) if error.args and isinstance(error.args[0], int) else str(error)
        advice = "give the path of a serial port or of one end of a pair (socat), or --rtu auto for a new pair"
        raise LinkError(f"cannot serve on {path}: {why}", advice) from error
    return end
