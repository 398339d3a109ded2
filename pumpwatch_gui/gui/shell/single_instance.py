"""One window a home: a second start raises the first and ends."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject
from PySide6.QtNetwork import QLocalServer, QLocalSocket

CONNECT_MS = 1000


class SingleInstance(QObject):
    """Holds the lock of the windows of a home. `taken`: another has it, and comes to the front.

    The home itself may belong to a collector that the window joins, see `files.owner`.
    """

    def __init__(self, home: Path) -> None:
        super().__init__()
        self._lock = QLockFile(str(home / "window.lock"))
        self._lock.setStaleLockTime(0)  # a lock is stale only when its process is gone
        self._name = "pumpwatch-" + hashlib.sha256(str(home).encode()).hexdigest()[:16]
        self._server: QLocalServer | None = None
        self._raise: Callable[[], None] | None = None
        self.taken = not self._lock.tryLock(100)
        if self.taken:
            self._raise_other()

    def serve(self, bring_to_front: Callable[[], None]) -> None:
        """Listen for later starts and bring the window to the front for them."""
        self._raise = bring_to_front
        QLocalServer.removeServer(self._name)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._called)
        self._server.listen(self._name)

    def release(self) -> None:
        """Give the home free."""
        if self._server is not None:
            self._server.close()
        self._lock.unlock()

    def _called(self) -> None:
        while self._server is not None and self._server.hasPendingConnections():
            self._server.nextPendingConnection().deleteLater()
            if self._raise is not None:
                self._raise()

    def _raise_other(self) -> None:
        socket = QLocalSocket()
        socket.connectToServer(self._name)
        socket.waitForConnected(CONNECT_MS)
        socket.disconnectFromServer()
