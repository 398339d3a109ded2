"""A station of two pumps that sends, with an account of its own."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pumpwatch_gui.bench.rigs.accounts import Accounts
from pumpwatch_gui.bench.rigs.central import Central
from pumpwatch_gui.bench.rigs.sending import SendingStation
from pumpwatch_gui.domain.sync import SyncSettings, SyncStream
from pumpwatch_gui.store.hot.writer import PumpRow
from tests.store.conftest import frame_of, profile_of
from tests.store.rigs.plant import PUMPS, TAGS

EVERY = frozenset(SyncStream)
ROWS = tuple(PumpRow(pump_id, f"Pump {pump_id}", profile_of(*TAGS)) for pump_id in PUMPS)


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
