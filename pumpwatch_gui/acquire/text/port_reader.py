"""A serial port that is only read. One thread owns it: it opens, reads and closes; others only ask it to stop.

pyserial ports are not made for two threads: a close during a blocking read raises TypeError in the reader, and on
Windows the port may stay locked until the adapter is plugged in again.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pumpwatch_gui.acquire.links.serial_errors import PORT_ERRORS, not_opened, not_opened_because
from pumpwatch_gui.acquire.text.config import SerialLineConfig

OPEN_TIMEOUT_S = 2.0
CLOSE_TIMEOUT_S = 1.0
READ_TIMEOUT_S = 0.2
LARGEST_READ = 4096


class PortReader:
    """Opens a port and hands over what comes. `received` and `lost` are called on the loop that made it."""

    def __init__(
        self, config: SerialLineConfig, *, received: Callable[[bytes], None], lost: Callable[[str], None]
    ) -> None:
        self._config, self._received, self._lost = config, received, lost
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[Exception | None] = self._loop.create_future()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._stop = threading.Event()
        self._lock = threading.Lock()  # the port is not closed while `cancel_read` is being called on it
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
            device = self._config.device
            raise not_opened_because(device, "the system does not respond", "unplug the adapter") from None
        if error is not None:
            raise not_opened(self._config.device, error) from error

    async def close(self) -> None:
        """Ask the thread to end, and wait for it, at most a second; never raises."""
        self._stop.set()
        with self._lock:
            if self._port is not None:
                # The one call that pyserial allows from another thread: the blocking read returns b"" at once.
                with suppress(*PORT_ERRORS):  # then the thread notices within the time-out of one read
                    self._port.cancel_read()
        if self._thread is None:
            return
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await asyncio.shield(self._ended)
            self._thread.join(CLOSE_TIMEOUT_S)  # its last call was just made: this takes no time
        except TimeoutError:
            return

    def _run(self) -> None:
        """The thread."""
        why = "closed"
        try:
            port = self._make()
        except PORT_ERRORS as error:
            self._call_on_loop(_resolve, self._opened, error)
        else:
            self._call_on_loop(_resolve, self._opened, None)
            why = self._read(port)
            with self._lock:
                self._port = None
            with suppress(*PORT_ERRORS):  # it may be gone already
                port.close()
        self._call_on_loop(self._lost, why)
        self._call_on_loop(_resolve, self._ended, None)

    def _make(self) -> Any:
        import serial

        config = self._config
        # Exclusive, because two readers of one port would each get a part of every line. Windows ports always are.
        port = serial.Serial(
            config.device, config.baud, parity=config.parity, stopbits=config.stop_bits,
            timeout=READ_TIMEOUT_S, exclusive=True,
        )  # fmt: skip
        with self._lock:
            self._port = port
        return port

    def _read(self, port: Any) -> str:
        """Hand over what comes until the port is lost or is to be closed; the reason in words."""
        while not self._stop.is_set():
            try:
                # Not readline(): at its time-out it returns half a line as if it were one.
                data: bytes = port.read(1)
                if data:
                    data += port.read(min(port.in_waiting, LARGEST_READ))
            except PORT_ERRORS:
                return f"serial port {self._config.device} is gone"
            if data:
                self._call_on_loop(self._received, data)
        return "closed"

    def _call_on_loop(self, function: Callable[..., None], *args: object) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:  # the loop has ended meanwhile
            self._stop.set()


def _resolve(future: "asyncio.Future[Any]", result: object) -> None:
    if not future.done():
        future.set_result(result)
