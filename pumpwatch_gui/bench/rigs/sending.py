"""A station that sends: a real store and a real worker, each on a thread, without pumps."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from pumpwatch_gui.bench.rigs.accounts import KEY
from pumpwatch_gui.domain.sync import SyncSettings, SyncState
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.sync.secrets import SyncSecrets
from pumpwatch_gui.sync.worker import SyncWorker


class SendingStation:
    """Notes and sends what is offered to `store`, as a running station does. `alive` is called by the sync loop.

    `said` is what the worker reported in words, each with whether trouble is over; `writing` is the store's thread.
    """

    def __init__(
        self,
        path: Path,
        settings: SyncSettings,
        *,
        station: int,
        password: str,
        pumps: Sequence[PumpRow],
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self.path = path
        self.store = Store(path, station=station, pumps=pumps)
        self.store.outbox.streams = settings.streams
        self.said: list[tuple[str, bool]] = []
        self.worker = SyncWorker(
            settings, path, self.store.outbox, station=lambda: (station, f"Station {station}"),
            secrets=lambda: SyncSecrets(KEY, password), on_change=lambda *said: self.said.append(said),
        )  # fmt: skip
        self._stop = threading.Event()
        self.writing = threading.Thread(target=self.store.run, args=(self._stop,), name="store")
        self._sync = threading.Thread(target=self.worker.run, args=(self._stop, alive), name="sync")

    def start(self) -> None:
        """Start both threads."""
        self.start_store()
        self.start_sync()

    def start_store(self) -> None:
        """Write what is offered."""
        self.writing.start()

    def start_sync(self) -> None:
        """Send what is noted."""
        self._sync.start()

    def end(self) -> None:
        """Stop both threads. Raises RuntimeError when one goes on."""
        self._stop.set()
        for thread in (self.writing, self._sync):
            if thread.ident is not None:
                thread.join(30)
            if thread.is_alive():
                raise RuntimeError(f"the {thread.name} thread goes on")

    def is_through(self) -> bool:
        """Whether nothing is left to send."""
        view = self.worker.view()
        return view.state is SyncState.UP_TO_DATE and view.backlog == 0
