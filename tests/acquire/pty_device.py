"""A device on a pseudo-terminal, behind a symbolic link that outlives unplugging and plugging in again."""

import os
import threading
import tty
from collections.abc import Callable
from pathlib import Path


class PtyDevice:
    """`with PtyDevice(folder) as d:` then `d.send(...)`, or `d.repeat(...)` to print for ever."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "ttyTEST")
        self._master = -1
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.sent = 0

    def __enter__(self) -> "PtyDevice":
        self.plug()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join(5)
        self.unplug()

    def plug(self) -> None:
        master, slave = os.openpty()
        tty.setraw(slave)
        name = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(master, False)
        Path(self.path).unlink(missing_ok=True)
        Path(self.path).symlink_to(name)
        with self._lock:
            self._master = master

    def unplug(self) -> None:
        with self._lock:
            if self._master >= 0:
                os.close(self._master)
            self._master = -1
        Path(self.path).unlink(missing_ok=True)

    def send(self, data: bytes) -> None:
        """Print; what a full terminal does not take is lost, as on a wire."""
        with self._lock:
            if self._master < 0:
                return
            try:
                os.write(self._master, data)
            except OSError:
                return

    def repeat(self, line: Callable[[int], bytes], *, every_s: float) -> None:
        """Print line(0), line(1) … until the end."""

        def work() -> None:
            while not self._ended.wait(every_s):
                self.send(line(self.sent))
                self.sent += 1

        self._thread = threading.Thread(target=work, name="pty-device", daemon=True)
        self._thread.start()
