"""Sync as a part of the station: a loop that rests while nothing is sent; what it needs is loaded when something is."""

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pumpwatch_gui.domain.commands import (
    DiscardRefused,
    PauseSync,
    ResendRefused,
    ResendSpan,
    ResumeSync,
    SyncCommand,
)
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.events import Event, Note
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.domain.sync import SyncSettings, SyncState, SyncView, row_words
from pumpwatch_gui.domain.wording import minute
from pumpwatch_gui.engine.configuration import Configuration
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.store.hot.writer import Store

if TYPE_CHECKING:
    from pumpwatch_gui.sync.worker import SyncWorker

log = logging.getLogger("pumpwatch.sync")

LATE_AFTER_S = 30.0
"""A request may take seconds, and logging in a few of them."""
REST_S = 0.5
"""How often the loop says that it is alive while sync is off."""


class Syncing:
    """The sync of a station. `run` is for the sync loop, the rest for any thread.

    `look` gives what viewers shall see.
    """

    def __init__(
        self,
        configuration: Configuration,
        home: Home,
        store: Store,
        publish: Callable[[Event], None],
        *,
        look: Callable[[], StationView],
    ) -> None:
        self._configuration, self._home, self._outbox, self._publish = configuration, home, store.outbox, publish
        self._look = look
        self._settings = configuration.site.sync
        self._worker: SyncWorker | None = None
        self._is_paused = False
        self._changed = threading.Event()
        if self._settings is not None:
            self._outbox.streams = self._settings.streams

    def view(self) -> SyncView | None:
        """How it goes; None while nothing is to be sent."""
        if self._settings is None:
            return None
        return self._worker.view() if self._worker is not None else SyncView(SyncState.CONNECTING)

    def run(self, stop: threading.Event, alive: Callable[[], None]) -> None:
        """Send until `stop`: by the settings of now, and by others as soon as there are others."""
        while not stop.is_set():
            self._changed.clear()
            if (settings := self._settings) is None:
                self._worker = None
                while not (stop.is_set() or self._changed.wait(REST_S)):
                    alive()
                continue
            self._worker = self._new_worker(settings)
            self._worker.pause(self._is_paused)
            log.info("sync to %s as %s: %s", settings.url, settings.account, settings.stream_words)
            self._worker.run(stop, alive, self._changed)

    def _new_worker(self, settings: SyncSettings) -> "SyncWorker":
        from pumpwatch_gui.settings.kept_texts import texts_to_keep
        from pumpwatch_gui.sync.secrets import find_secrets
        from pumpwatch_gui.sync.worker import SyncWorker

        return SyncWorker(
            settings, self._home.database, self._outbox, station=self._station,
            secrets=lambda: find_secrets(self._home.path), on_change=self._say,
            look=lambda: (self._configuration.site, self._look()),
            files=lambda: texts_to_keep(self._home, self._configuration.path),
        )  # fmt: skip

    def execute(self, command: SyncCommand) -> str:
        """What was done, in words. Raises InputError where that needs a server and sync is off."""
        if isinstance(command, DiscardRefused):
            self._outbox.discard(command.rows)
            return f"{row_words(command.rows)} discarded"
        if self._settings is None:
            raise InputError("sync is off", "set it up first (Ctrl+Shift+U)")
        match command:
            case PauseSync() | ResumeSync():
                self._is_paused = isinstance(command, PauseSync)
                if self._worker is not None:
                    self._worker.pause(self._is_paused)
                return "sync paused" if self._is_paused else "sync resumed"
            case ResendSpan(start_ns, end_ns):
                if not 0 <= start_ns < end_ns:
                    raise InputError("the span to send again is empty", "give a beginning before its end")
                self._outbox.resend(start_ns, end_ns)
                return f"{minute(start_ns)} to {minute(end_ns)} is sent again"
            case ResendRefused(rows):
                self._outbox.resend_refused(rows)
                return f"{row_words(rows)} sent again"

    def site_changed(self) -> None:
        """Have other settings of the sync come into force: what is noted from now on, and where it goes.

        What waits in the outbox goes by the new ones; while sync is off it waits on.
        """
        settings = self._configuration.site.sync
        if settings != self._settings:
            self._settings = settings
            self._outbox.streams = settings.streams if settings else frozenset()
            self._changed.set()

    def _station(self) -> tuple[int, str]:
        return self._configuration.site.station, self._configuration.site.name

    def _say(self, text: str, is_over: bool) -> None:
        self._publish(Note(time.time_ns(), text, "INFO" if is_over else "WARNING"))
