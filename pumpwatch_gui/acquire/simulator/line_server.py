"""The plant on a serial line: pump i is unit i + 1, RTU frames on a terminal, or through a TCP port as a gateway."""

import asyncio
import errno
import os
import time

from typing_extensions import override

from pumpwatch_gui.acquire.modbus.wire.rtu import LONGEST, SHORTEST, is_sealed, sealed
from pumpwatch_gui.acquire.simulator.connection import Connection
from pumpwatch_gui.acquire.simulator.device import Devices
from pumpwatch_gui.domain.errors import LinkError

GAP_S = 0.05
"""What has not become a whole request for so long is dropped: the next byte starts a new one."""


class LineUnits(Connection):
    """All units of one line: finds requests among the bytes, responds to those for units that are there.

    To a request for a unit that is not there, or with a wrong CRC, there is no response, as on a real line.
    """

    def __init__(self, devices: Devices, transports: set[asyncio.Transport]) -> None:
        super().__init__(devices, transports)
        self._last_s = 0.0

    @override
    def data_received(self, data: bytes) -> None:
        response = self.respond(data)
        if response and self.transport is not None:
            self.transport.write(response)

    def respond(self, data: bytes) -> bytes:
        """Take in bytes; the responses to the requests that they complete."""
        now = time.monotonic()
        if self.buffer and now - self._last_s > GAP_S:
            self.devices.counts.malformed += 1
            self.buffer = b""
        self._last_s = now
        self.buffer += data
        responses = b""
        while (end := _whole(self.buffer)) > 0:
            request, self.buffer = self.buffer[:end], self.buffer[end:]
            if request[0] in self.devices.images:
                responses += sealed(request[0], self.devices.respond(request[0], request[1:-2]))
        if len(self.buffer) > LONGEST:
            self.devices.counts.malformed += 1
            self.buffer = b""
        return responses


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
            response = self._units.respond(os.read(self._ends[0], 1024))
            if response:
                os.write(self._ends[0], response)
        except BlockingIOError:
            return
        except OSError as error:
            # Linux: reading one end of a pair fails with EIO while the other end is not open.
            if error.errno != errno.EIO:
                raise


def _whole(buffer: bytes) -> int:
    """The length of the request that the buffer starts with, 0 while there is none."""
    if len(buffer) >= 8 and is_sealed(buffer[:8]):
        return 8
    return next((end for end in range(SHORTEST, min(len(buffer), LONGEST) + 1) if is_sealed(buffer[:end])), 0)


def _pair() -> tuple[int, ...]:
    import pty
    import tty

    # The far end stays open here too: without any holder of it, reads of the near end fail with EIO in a busy loop.
    ends = pty.openpty()
    for end in ends:
        tty.setraw(end)
    return ends


def _open(path: str) -> int:
    import termios
    import tty

    # Without O_NOCTTY the port may become the terminal that controls us, and its hang-up would end the program. Raw,
    # because a terminal in its usual mode echoes, and turns each CR (0x0D) that it receives into LF.
    try:
        end = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(end)
    except (OSError, termios.error) as error:  # termios.error is no OSError
        why = os.strerror(error.args[0]) if error.args and isinstance(error.args[0], int) else str(error)
        advice = "give the path of a serial port or of one end of a pair (socat), or --rtu auto for a new pair"
        raise LinkError(f"cannot serve on {path}: {why}", advice) from error
    return end
