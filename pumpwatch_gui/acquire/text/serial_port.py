"""A serial port that is only read. One thread owns it: it opens, reads and closes; others only ask it to stop."""

import asyncio
import errno
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pumpwatch_gui.acquire.links.meter import LinkFault
from pumpwatch_gui.domain.links.config import SerialLineConfig
from pumpwatch_gui.domain.values.quality import Reason

try:
    import termios

    TERMINAL_ERROR: type[Exception] = termios.error
except ImportError:  # Windows
    TERMINAL_ERROR = OSError

PORT_FAULTS = (OSError, TERMINAL_ERROR, TypeError, ValueError)
"""What pyserial 3.5 raises when a port goes away; SerialException is an OSError, termios.error is not."""

OPEN_TIMEOUT_S = 2.0
CLOSE_TIMEOUT_S = 1.0
READ_TIMEOUT_S = 0.2
LARGEST_READ = 4096


class SerialPort:
    """Opens a port and hands over what comes. `received` and `lost` are called on the loop that made it."""

    def __init__(
        self, config: SerialLineConfig, *, received: Callable[[bytes], None], lost: Callable[[str], None]
    ) -> None:
        self._config, self._received, self._lost = config, received, lost
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[Exception | None] = self._loop.create_future()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._stop = threading.Event()
        self._lock = threading.Lock()  # holds off the end of the port while it is asked to stop
        self._port: Any = None
        self._thread: threading.Thread | None = None

    async def open(self) -> None:
        """Open the port. Raises LinkFault."""
        self._thread = threading.Thread(target=self._run, name=f"pumpwatch-{self._config.device}", daemon=True)
        self._thread.start()
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                error = await asyncio.shield(self._opened)
        except TimeoutError:
            self._stop.set()
            raise _unopened(self._config.device, "the system does not answer", "unplug the adapter") from None
        if error is not None:
            raise explain(self._config.device, error) from error

    async def close(self) -> None:
        """Ask the thread to end, and wait for it, at most a second; never raises."""
        self._stop.set()
        with self._lock:
            if self._port is not None:
                with suppress(*PORT_FAULTS):  # then it notices within the time of one read
                    self._port.cancel_read()
        if self._thread is None:
            return
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await asyncio.shield(self._ended)
            self._thread.join(CLOSE_TIMEOUT_S)  # it has said its last word: this takes no time
        except TimeoutError:
            return

    def _run(self) -> None:
        """The thread."""
        why = "closed"
        try:
            port = self._make()
        except PORT_FAULTS as error:
            self._tell(_resolve, self._opened, error)
        else:
            self._tell(_resolve, self._opened, None)
            why = self._read(port)
            with self._lock:
                self._port = None
            self._shut(port)
        self._tell(self._lost, why)
        self._tell(_resolve, self._ended, None)

    def _make(self) -> Any:
        import serial

        config = self._config
        port = serial.Serial(
            config.device, config.baud, parity=config.parity, stopbits=config.stop_bits,
            timeout=READ_TIMEOUT_S, exclusive=True,
        )  # fmt: skip
        with self._lock:
            self._port = port
        return port

    def _read(self, port: Any) -> str:
        """Hand over what comes until the port is lost or shall be closed; why it ended."""
        while not self._stop.is_set():
            try:
                data: bytes = port.read(1)
                if data:
                    data += port.read(min(port.in_waiting, LARGEST_READ))
            except PORT_FAULTS:
                return f"serial port {self._config.device} is gone"
            if data:
                self._tell(self._received, data)
        return "closed"

    @staticmethod
    def _shut(port: Any) -> None:
        with suppress(*PORT_FAULTS):  # it may be gone already
            port.close()

    def _tell(self, function: Callable[..., None], *args: object) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:  # the loop has ended meanwhile
            self._stop.set()


def _resolve(future: "asyncio.Future[Any]", result: object) -> None:
    if not future.done():
        future.set_result(result)


def explain(device: str, error: Exception) -> LinkFault:
    """Why a port cannot be opened, in words."""
    code = getattr(error, "errno", None)
    if isinstance(error, PermissionError) or code in (errno.EACCES, errno.EPERM):
        return _unopened(device, "permission denied", "add your user to the group dialout, then log in again")
    if code in (errno.EBUSY, errno.EAGAIN):
        return _unopened(device, "another program or link uses it", "close the other one; a line has one owner")
    if code in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        return _unopened(device, "there is no such port", "check the name and that the adapter is plugged in")
    why = os.strerror(code).lower() if code else str(error)
    return _unopened(device, why, "check that this is a serial port and that it can do this speed")


def _unopened(device: str, why: str, advice: str) -> LinkFault:
    return LinkFault("connect", Reason.NO_COMMUNICATION, f"cannot open {device}: {why}", advice)
