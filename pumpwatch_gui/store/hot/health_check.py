"""A check of the whole database after an unclean end, while the writer goes on."""

import logging
import os
import threading
from pathlib import Path

import apsw

from pumpwatch_gui.store.schema import DAMAGE

log = logging.getLogger("pumpwatch.store")


class HealthCheck:
    """`PRAGMA quick_check` on a connection and a thread of its own (seconds per GB): the writer goes on meanwhile."""

    def __init__(self, path: Path) -> None:
        self.is_damaged = False
        self.is_done = False
        self._path = path
        self._ended = False
        self._connection: apsw.Connection | None = None
        self._thread = threading.Thread(target=self._run, name="pumpwatch-store-check", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Break the check off, if it still runs, and wait for its thread."""
        self._ended = True
        connection = self._connection
        if connection is not None:
            connection.interrupt()
        self._thread.join(2.0)

    def _run(self) -> None:
        try:
            connection = apsw.Connection(os.fspath(self._path), flags=apsw.SQLITE_OPEN_READONLY)
            # Also seen by `end` coming before the statement starts, when interrupt() would have no effect.
            connection.set_progress_handler(lambda: self._ended, 10_000)
            self._connection = connection
            first = str(connection.execute("PRAGMA quick_check(1)").get)
            self.is_damaged = first != "ok"
            log.log(logging.ERROR if self.is_damaged else logging.INFO, "check of %s: %s", self._path, first)
        except DAMAGE as error:
            self.is_damaged = True
            log.error("check of %s: %s", self._path, error)
        except apsw.Error as error:
            log.info("check of %s ended early: %s", self._path, error)
        finally:
            self.is_done = True
            self._connection = None
