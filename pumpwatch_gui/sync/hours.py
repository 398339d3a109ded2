"""Asks the server to make its hours again: what it shows over months and years is read from them."""

import logging
import random
import threading
import time
from collections.abc import Callable

from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.domain.sync import SyncSettings
from pumpwatch_gui.sync.rest import Rest
from pumpwatch_gui.sync.secrets import SyncSecrets

log = logging.getLogger("pumpwatch.sync")

FIRST_AFTER_S = 60.0
AGAIN_AFTER_S = 1800.0
"""Where the server says nothing of when it may be asked again, or failed."""
LONGEST_S = 900.0
"""Of a refresh: a month of fifty pumps takes half a minute on a small server."""
LAST_WORDS_S = 2.0


class HoursRefresh:
    """One request at a time, on a thread of its own: the values of viewers and the rows do not wait for it.

    `ask` and `end` are for one thread.
    """

    def __init__(self, settings: SyncSettings, secrets: Callable[[], SyncSecrets]) -> None:
        self._settings, self._secrets = settings, secrets
        self._due_s = time.monotonic() + FIRST_AFTER_S
        self._thread: threading.Thread | None = None
        self._is_failing = False

    def ask(self) -> None:
        """Ask, if it is time to and no request is under way. Returns at once."""
        if time.monotonic() < self._due_s or (self._thread is not None and self._thread.is_alive()):
            return
        self._thread = threading.Thread(target=self._run, name="sync-hours", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Wait a little for a request that is under way; the server ends one that takes longer by itself."""
        if self._thread is not None:
            self._thread.join(LAST_WORDS_S)

    def _run(self) -> None:
        wait_s = AGAIN_AFTER_S
        try:
            said = self._call()
            if isinstance(said, dict) and isinstance(again_s := said.get("again_s"), int | float):
                wait_s = max(1.0, float(again_s))
            if isinstance(said, dict) and said.get("month"):
                log.info("the server has made its hours of %s again", said["month"])
            if self._is_failing:
                log.warning("the server makes its hours again")
            self._is_failing = False
        except PumpWatchError as error:  # trends of years only take longer
            if not self._is_failing:
                log.warning("the server does not make its hours again: %s", error.message)
            self._is_failing = True
        # Shifted by chance, so that stations do not come all at once.
        self._due_s = time.monotonic() + wait_s * random.uniform(1.0, 1.1)

    def _call(self) -> object:
        rest = Rest(self._settings, self._secrets(), timeout_s=LONGEST_S)
        try:
            return rest.call("refresh_hours", {})
        finally:
            rest.close()
