"""The sync loop: what the outbox names goes to the server, the oldest of each stream first, for as long as it runs.

A kill at any moment costs nothing: an entry leaves the outbox only after its rows are on the server, and rows that are
sent twice are there once.
"""

import hashlib
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from pumpwatch_gui import __version__
from pumpwatch_gui.domain.errors import PumpWatchError, StoreError
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.domain.sync import SyncSettings, SyncState, SyncStream, SyncView
from pumpwatch_gui.store.outbox import Outbox, RefusedRow
from pumpwatch_gui.store.query.outgoing import OutboxEntry, Outgoing, ServerRow, Waiting, ranges_of
from pumpwatch_gui.sync.hours import HoursRefresh
from pumpwatch_gui.sync.live import LARGE_PARTS, LiveParts
from pumpwatch_gui.sync.rest import SQL_ADVICE, Fault, Rest, RestError
from pumpwatch_gui.sync.secrets import SyncSecrets
from pumpwatch_gui.sync.sender import MOST_ROWS, Sender

log = logging.getLogger("pumpwatch.sync")

SCHEMA, OLDEST_SCHEMA = 3, 1
"""The version of the server's schema that this program knows, and the oldest that it can send to."""
LIVE_SCHEMA = 2
"""From which on a server takes what viewers see, and the whole journal."""
HOURS_SCHEMA = 3
"""From which on a server makes hours of the minutes."""
LIVE_EVERY_S = 0.5
LIVE_WHOLE_S = 300.0
"""So often all of it goes: a server that crashed between two requests has lost it, and no request fails of that."""
LIVE_PAUSE_S = 10.0
"""After what viewers see was too much for the line or the server."""
LOOK_EVERY_S = 1.0
ALIVE_EVERY_S = 0.5
REPORT_EVERY_S = 20.0
"""How often the server hears that the station is there, and what waits."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 15.0
"""After a failure; doubled with each further one, and shortened by chance, so that stations do not come all at once."""
ENTRIES_AT_ONCE = 300
ROWS_AT_ONCE = 20_000
"""Entries leave the outbox together: those that are taken at once name no more than about so many rows."""
SAID_AFTER_S = 30.0
"""Trouble that lasts so long gets a line of the journal: a line that flaps does not fill it."""


class SyncWorker:
    """Sends what one database notes. `run` is for one thread, the rest for any.

    `secrets` is asked on that thread: a key store may be slow. `on_change` hears in words that trouble has lasted
    (False) and that it is over (True). `look` gives the station as it is now, for viewers; None: they see none of it.
    `files` gives the texts of the station's settings by their paths, from which its computer can be set up again; it is
    asked at the start and with each change of the site.
    """

    def __init__(
        self,
        settings: SyncSettings,
        database: Path,
        outbox: Outbox,
        *,
        station: Callable[[], tuple[int, str]],
        secrets: Callable[[], SyncSecrets],
        on_change: Callable[[str, bool], None] = lambda text, is_over: None,
        look: Callable[[], tuple[Site, StationView]] | None = None,
        files: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._settings, self._outgoing, self._outbox = settings, Outgoing(database), outbox
        self._station, self._secrets, self._on_change = station, secrets, on_change
        self._paused, self._changed = threading.Event(), threading.Event()
        self._sender: Sender | None = None
        self._look_now, self._files = look, files
        self._files_of: object = None
        self._sent_files: Mapping[str, str] | None = None
        self._live: LiveParts | None = None
        self._live_s = self._whole_s = 0.0
        self._is_old_server = self._has_hours = False
        self._hours = HoursRefresh(settings, secrets)
        self._pumps: list[ServerRow] = []
        self._reported_s = 0.0
        self._done: dict[SyncStream, set[int]] = {stream: set() for stream in SyncStream}
        self._trouble_s: float | None = None
        self._is_said = False
        self._view = SyncView(SyncState.CONNECTING)
        self._sent = 0

    def view(self) -> SyncView:
        """How it goes, as of the last turn."""
        return self._view

    def pause(self, is_paused: bool) -> None:
        """Send nothing for now, or go on. What is noted meanwhile waits."""
        (self._paused.set if is_paused else self._paused.clear)()

    def run(self, stop: threading.Event, alive: Callable[[], None], changed: threading.Event | None = None) -> None:
        """Send until `stop`, or until the settings have `changed`; what is left then waits for the next start."""
        failures, self._changed = 0, changed or self._changed
        try:
            while not self._is_over(stop):
                alive()
                is_sent = self._turn(stop, alive) and self._wait(stop, alive, LOOK_EVERY_S)
                failures = 0 if is_sent else failures + 1
                if failures:
                    longest_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(failures - 1, 10))
                    self._wait(stop, alive, longest_s * random.uniform(0.5, 1.0))
        finally:
            self._leave()
            self._hours.end()

    def _is_over(self, stop: threading.Event) -> bool:
        return stop.is_set() or self._changed.is_set()

    def _wait(self, stop: threading.Event, alive: Callable[[], None], seconds: float) -> bool:
        """Wait, and send meanwhile what viewers see; False when that was not possible."""
        end = time.monotonic() + seconds
        while (left_s := end - time.monotonic()) > 0 and not stop.wait(min(left_s, self._live_in_s())):
            if self._changed.is_set():
                break
            alive()
            try:
                self._send_live()
            except PumpWatchError as error:
                self._leave()
                self._trouble(error)
                return False
        return True

    def _turn(self, stop: threading.Event, alive: Callable[[], None]) -> bool:
        """Send all that is due; False when that was not possible."""
        if self._paused.is_set():
            self._leave()
            self._look(SyncState.PAUSED)
            return True
        try:
            sender = self._connected(alive)
            self._introduce(sender.rest)
            self._send_files(sender.rest)
            self._send_live()
            for stream in SyncStream:
                while self._send_some(sender, stream) and not (self._is_over(stop) or self._paused.is_set()):
                    self._look(SyncState.SENDING)
        except PumpWatchError as error:
            if not isinstance(error, StoreError):
                self._leave()
            self._trouble(error)
            return False
        self._look(SyncState.UP_TO_DATE)
        self._recovered()
        if self._has_hours:
            self._hours.ask()
        return True

    # ---------------------------------------------------------------- the server

    def _connected(self, alive: Callable[[], None]) -> Sender:
        """The way to the server, found to be one that this program can send to."""
        if self._sender is None:
            rest = Rest(self._settings, self._secrets())
            try:
                version = check_version(rest.call("pumpwatch_version", {}))
            except BaseException:
                rest.close()
                raise
            self._note_version(version)
            self._sender, self._pumps, self._reported_s = Sender(rest, lambda: self._between(alive)), [], 0.0
        return self._sender

    def _note_version(self, version: int) -> None:
        """Send an older server what it takes, and say once what it does not."""
        is_old = version < LIVE_SCHEMA
        if is_old and not self._is_old_server:
            text = f"The server is of schema version {version}: viewers see no live values through it, and its journal "
            self._on_change(f"{text}has alarms alone; {SQL_ADVICE}", False)
        self._is_old_server, self._has_hours = is_old, version >= HOURS_SCHEMA
        self._outgoing.is_for_newest = not is_old
        self._live = LiveParts(self._look_now) if self._look_now is not None and not is_old else None
        self._live_s, self._whole_s = 0.0, time.monotonic()

    def _between(self, alive: Callable[[], None]) -> None:
        """Before each request of rows: a long backlog must not make what viewers see old."""
        alive()
        self._send_live()

    def _live_in_s(self) -> float:
        """In how many seconds viewers are to get what has changed, at least some milliseconds."""
        if self._live is None:
            return ALIVE_EVERY_S
        return min(ALIVE_EVERY_S, max(0.01, self._live_s + LIVE_EVERY_S - time.monotonic()))

    def _send_live(self) -> None:
        """Send what has changed of the station for its viewers, if it is time to."""
        live, sender, now_s = self._live, self._sender, time.monotonic()
        if live is None or sender is None or now_s - self._live_s < LIVE_EVERY_S - 0.005:
            return
        self._live_s = now_s
        if now_s - self._whole_s >= LIVE_WHOLE_S:
            live = self._live = LiveParts(live.look)
            self._whole_s = now_s
        station, _ = self._station()
        rows: list[ServerRow] = [
            {"station_id": station, "part": part, "content": content} for part, content in live.changed()
        ]
        # What is large comes alone: a proxy on the way may take no more than a megabyte at once.
        own = [[row] for row in rows if row["part"] in LARGE_PARTS]
        try:
            for request in (*own, [row for row in rows if row["part"] not in LARGE_PARTS]):
                sender.rest.post("live", request, key="station_id,part", is_merge=True)
        except RestError as error:
            if error.fault is not Fault.SMALLER:
                raise
            log.warning("viewers see nothing for %.0f s: %s", LIVE_PAUSE_S, error.message)  # the rows go on
            self._live, self._live_s = LiveParts(live.look), now_s + LIVE_PAUSE_S

    def _introduce(self, rest: Rest) -> None:
        """Say which station this is, and its pumps whenever they have changed."""
        number, name = self._station()
        now_s = time.monotonic()
        if not self._reported_s or now_s - self._reported_s >= REPORT_EVERY_S:
            row: ServerRow = {"station_id": number, "name": name, "program": __version__, "backlog": self._view.backlog}
            rest.post("stations", [row], key="station_id", is_merge=True)
            self._reported_s = now_s
        pumps = [{"station_id": number, **row} for row in self._outgoing.pumps()]
        if pumps != self._pumps:
            rest.post("pumps", pumps, key="station_id,pump_id", is_merge=True)
            self._pumps = pumps

    def _send_files(self, rest: Rest) -> None:
        """Send the texts of the settings where one has changed: all of them, so that none of before is left over."""
        site = None if self._look_now is None else self._look_now()[0]
        if self._is_old_server or (self._sent_files is not None and site is self._files_of):
            return
        files = self._files()
        if files and files != self._sent_files:
            station, generation = self._station()[0], time.time_ns() // 1_000_000
            changed = datetime.now(UTC).isoformat()
            rows = [
                {"station_id": station, "path": path, "content": text, "generation": generation, "changed": changed,
                 "sha256": hashlib.sha256(text.encode()).hexdigest()}
                for path, text in files.items()
            ]  # fmt: skip
            rest.post("station_files", rows, key="station_id,path", is_merge=True)
        self._files_of, self._sent_files = site, files

    def _leave(self) -> None:
        """Close the connections; the next turn asks again for token and version."""
        if self._sender is not None:
            self._sender.rest.close()
            self._sender = self._live = None

    # ---------------------------------------------------------------- the rows

    def _send_some(self, sender: Sender, stream: SyncStream) -> bool:
        """Send some entries of a stream; whether there were any."""
        done = self._done[stream]
        limit = ENTRIES_AT_ONCE + len(done)
        found = self._outgoing.pending(stream, now_ms=time.time_ns() // 1_000_000, limit=limit)
        done &= {entry.entry_id for entry in found}  # of the others the writer has deleted those that were sent
        entries = _some([entry for entry in found if entry.entry_id not in done])
        if not entries:
            return False
        station, _ = self._station()
        refused: list[RefusedRow] = []
        for rows in _in_requests(
            piece for lo, hi in ranges_of(stream, entries) for piece in self._outgoing.rows(stream, lo, hi)
        ):
            refused += sender.send(stream, [{"station_id": station, **row} for row in rows])
            self._sent += len(rows)
        if refused:
            log.error("the server refused %d rows of %s for good: %s", len(refused), stream.value, refused[0].reason)
        self._outbox.sent([entry.entry_id for entry in entries], refused)
        done |= {entry.entry_id for entry in entries}
        return True

    # ---------------------------------------------------------------- how it goes

    def _look(self, state: SyncState, error: str = "") -> None:
        try:
            waiting = self._outgoing.waiting(time.time_ns() // 1_000_000)
        except StoreError as unreadable:
            waiting, error = Waiting(self._view.backlog, 0, self._view.quarantined), error or unreadable.message
        lag_s = max(0.0, time.time() - waiting.oldest_ms / 1000) if waiting.oldest_ms else 0.0
        error = error or self._view.error
        if state in (SyncState.UP_TO_DATE, SyncState.PAUSED):
            error = ""
        self._view = SyncView(state, waiting.rows, lag_s, self._sent, waiting.quarantined, error)

    def _trouble(self, error: PumpWatchError) -> None:
        text = error.message + (f"; {error.advice}" if error.advice else "")
        if self._trouble_s is None:
            self._trouble_s = time.monotonic()
            log.warning("sync: %s", text)
        if not self._is_said and time.monotonic() - self._trouble_s >= SAID_AFTER_S:
            self._is_said = True
            self._on_change(f"Nothing is sent to the server: {text}", False)
        self._look(SyncState.TROUBLE, text)

    def _recovered(self) -> None:
        if self._trouble_s is not None:
            log.warning("sync goes on after %.0f s", time.monotonic() - self._trouble_s)
        if self._is_said:
            self._on_change("The server is sent to again", True)
        self._trouble_s, self._is_said = None, False


def _some(entries: list[OutboxEntry]) -> list[OutboxEntry]:
    """The first of them, up to `ROWS_AT_ONCE`; one of which it is not known how many rows it names comes alone."""
    total = 0
    for i, entry in enumerate(entries):
        total += entry.row_count or ROWS_AT_ONCE
        if i and total > ROWS_AT_ONCE:
            return entries[:i]
    return entries


def _in_requests(pieces: Iterator[list[ServerRow]]) -> Iterator[list[ServerRow]]:
    """The rows of all pieces, a number of requests' worth at a time: fifty pumps give a few each."""
    waiting: list[ServerRow] = []
    for piece in pieces:
        waiting += piece
        if len(waiting) >= MOST_ROWS:
            whole = len(waiting) // MOST_ROWS * MOST_ROWS
            yield waiting[:whole]
            waiting = waiting[whole:]
    if waiting:
        yield waiting


def check_version(said: object) -> int:
    """The version of the server's schema. Raises RestError where it is not one that this program can send to."""
    numbers = said if isinstance(said, dict) else {}
    version, oldest = (n if isinstance(n := numbers.get(key), int) else 0 for key in ("version", "oldest"))
    if version < OLDEST_SCHEMA:
        text = f"the server is of schema version {version}, this program needs {OLDEST_SCHEMA}"
        raise RestError(Fault.LATER, text, SQL_ADVICE)
    if oldest > SCHEMA:
        text = f"the server is of schema version {version} and takes programs from {oldest} on, this one knows {SCHEMA}"
        raise RestError(Fault.LATER, text, "install the newer PumpWatch; what is to be sent waits in the outbox")
    return version
