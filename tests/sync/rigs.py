"""A station that sends: a real store and a real worker, each on a thread, without pumps."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pumpwatch_gui.domain.sync import SyncSettings, SyncState, SyncStream
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.sync.secrets import SyncSecrets
from pumpwatch_gui.sync.worker import SyncWorker
from tests.store.conftest import frame_of, profile_of
from tests.store.rigs.plant import PUMPS, TAGS
from tests.sync.servers import KEY, Accounts, Central

EVERY = frozenset(SyncStream)
ROWS = tuple(PumpRow(pump_id, f"Pump {pump_id}", profile_of(*TAGS)) for pump_id in PUMPS)


class SendingStation:
    """`alive` is called by the sync loop."""

    def __init__(
        self,
        path: Path,
        settings: SyncSettings,
        *,
        station: int,
        password: str,
        pumps: Sequence[PumpRow] = ROWS,
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
        self._store = threading.Thread(target=self.store.run, args=(self._stop,), name="store")
        self._sync = threading.Thread(target=self.worker.run, args=(self._stop, alive), name="sync")

    def start(self) -> None:
        self.start_store()
        self.start_sync()

    def start_store(self) -> None:
        self._store.start()

    def start_sync(self) -> None:
        self._sync.start()

    def end(self) -> None:
        self._stop.set()
        for thread in (self._store, self._sync):
            thread.join(30)
            assert not thread.is_alive()

    def is_through(self) -> bool:
        """Whether nothing is left to send."""
        view = self.worker.view()
        return view.state is SyncState.UP_TO_DATE and view.backlog == 0


@contextmanager
def sending(
    folder: Path,
    central: Central,
    accounts: Accounts,
    *,
    station: int,
    url: str = "",
    role: str = "collector",
    streams: frozenset[SyncStream] = EVERY,
    pumps: Sequence[PumpRow] = ROWS,
) -> Iterator[SendingStation]:
    """A station with an account of its own; started."""
    account = f"station{station}@example.org"
    accounts.passwords[account] = "a password"
    central.sql(f"INSERT INTO members VALUES ('{account}', {station}, '{role}') ON CONFLICT DO NOTHING")
    settings = SyncSettings(url or central.url, account, accounts.url, streams)
    path = folder / f"station{station}.db"
    made = SendingStation(path, settings, station=station, password="a password", pumps=pumps)
    made.start()
    try:
        yield made
    finally:
        made.end()


def offer_now(made: SendingStation, count: int, *, first: int = 0, ago_s: float = 0.0) -> None:
    """Readings of both pumps, a millisecond apart, as of `ago_s` seconds before now."""
    start_ns = time.time_ns() - round(ago_s * 1e9)
    for i in range(count):
        number = first + i
        values: list[float | None] = [float(number), *(j / 4 for j in range(1, len(TAGS)))]
        frame = frame_of(values, at_s=i / 1000, pump_id=PUMPS[number % 2], start_ns=start_ns)
        made.store.offer_frame(frame, "NORMAL")
