"""Sync: rows a second under row-level security next to COPY, how far the server is behind, what sending costs."""

import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil

from pumpwatch_gui.bench.figure import Figure, NotMeasuredError
from pumpwatch_gui.bench.rigs.accounts import Accounts
from pumpwatch_gui.bench.rigs.central import Central, central_server, missing
from pumpwatch_gui.bench.rigs.sending import SendingStation
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS, PumpProfile, Sensor
from pumpwatch_gui.domain.sync import SyncSettings, SyncState, SyncStream
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.store.hot.writer import PumpRow, Store

PUMPS, BACKLOG_S = 50, 2_000
STEADY_S, CUT_S, WAIT_S = 60.0, 60.0, 300.0
ACCOUNT, PASSWORD = "bench@example.org", "a password"
BULK, LIVE, COPIED = 71, 73, 72
"""Numbers of stations: one with a backlog, one that is read once a second, and one for the reference."""
_PROFILE = PumpProfile("bench", tuple(Sensor(tag, tag, "", (-1e6, 1e6)) for tag in STANDARD_TAGS))
_GOOD = np.full(10, Quality.GOOD, np.uint8), np.full(10, Reason.NONE, np.uint8)


def run(_data: Path | None) -> Iterator[Figure]:
    """About three minutes. The server is PostgreSQL behind PostgREST, both of this machine and on loopback."""
    yield from figures(backlog_s=BACKLOG_S, steady_s=STEADY_S, cut_s=CUT_S)


def figures(*, backlog_s: int, steady_s: float, cut_s: float) -> Iterator[Figure]:
    """A backlog of so many seconds of fifty pumps; then live for so long, and after a cut of so long.

    Raises NotMeasuredError where the server is not installed, and when rows were lost or came twice.
    """
    if missing():
        raise NotMeasuredError(f"not installed: {missing()}")
    with central_server() as central, Accounts({ACCOUNT: PASSWORD}).serving() as accounts, \
            tempfile.TemporaryDirectory() as folder:  # fmt: skip
        for station in (BULK, LIVE):
            central.sql(f"INSERT INTO members VALUES ('{ACCOUNT}', {station}, 'collector')")
        settings = SyncSettings(central.url, ACCOUNT, accounts.url, frozenset({SyncStream.READINGS}))
        yield from _backlog(Path(folder) / "backlog.db", central, settings, backlog_s)
        both = SyncSettings(settings.url, ACCOUNT, settings.auth_url, settings.streams | {SyncStream.ROLLUPS})
        yield from _live(Path(folder) / "live.db", central, both, steady_s, cut_s)


def _sending(path: Path, settings: SyncSettings, station: int) -> SendingStation:
    pumps = [PumpRow(f"P-{101 + i}", f"P-{101 + i}", _PROFILE) for i in range(PUMPS)]
    return SendingStation(path, settings, station=station, password=PASSWORD, pumps=pumps)


def _cpu_s(*others: threading.Thread) -> float:
    """Processor time of this process but for the main thread and some others: what is left is that of sending."""
    ids = {thread.native_id for thread in (threading.main_thread(), *others)}
    of_others = sum(one.user_time + one.system_time for one in psutil.Process().threads() if one.id in ids)
    return time.process_time() - of_others


def _offer_scan(store: Store, chance: np.random.Generator, time_ns: int) -> None:
    values = np.round(chance.normal(50.0, 5.0, (PUMPS, len(STANDARD_TAGS))), 2)
    for i, own in enumerate(values):
        store.offer_frame(Frame(f"P-{101 + i}", 0, time_ns, time_ns, own, *_GOOD), "NORMAL")


def _wait(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > end:
            raise NotMeasuredError(f"{what} within {WAIT_S:g} s")
        time.sleep(0.01)


def _stored(central: Central, station: int) -> int:
    return int(central.one(f"SELECT count(*) FROM sensor_readings WHERE station_id = {station}"))


def _backlog(path: Path, central: Central, settings: SyncSettings, seconds: int) -> Iterator[Figure]:
    sending, chance, rows = _sending(path, settings, BULK), np.random.default_rng(1), seconds * PUMPS
    sending.start_store()
    try:
        start_ns = time.time_ns() - seconds * 10**9
        for second in range(seconds):
            _offer_scan(sending.store, chance, start_ns + second * 10**9)
            while sending.store.view().depth > 20_000:
                time.sleep(0.01)
        _wait(lambda: not sending.store.view().depth, "the backlog was not written")
        began, cpu_s = time.monotonic(), _cpu_s(sending.writing)
        sending.start_sync()
        _wait(lambda: sending.worker.view().sent >= rows, f"{rows:,} rows were not sent")
        took_s, used = time.monotonic() - began, _cpu_s(sending.writing) - cpu_s
    finally:
        sending.end()
    if (found := _stored(central, BULK)) != rows:
        raise NotMeasuredError(f"{rows:,} rows were sent and {found:,} are there")
    copied_s = _copy(central)
    rate, reference = rows / took_s, rows / copied_s
    words = f"≥ 20,000; COPY without row-level security: {reference:,.0f}, ratio {rate / reference:.2f}"
    yield Figure("a backlog of raw readings", rate, "rows/s", words)
    yield Figure("meanwhile: CPU of sending", 100 * used / took_s, "% core")


def _copy(central: Central) -> float:
    """How long COPY takes for the same rows, as the owner of the table."""
    central.sql(f"CREATE UNLOGGED TABLE copied AS SELECT * FROM sensor_readings WHERE station_id = {BULK}")
    central.sql(f"UPDATE copied SET station_id = {COPIED}")
    psql = ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", central.dsn, "-c"]
    rows = subprocess.run([*psql, "COPY copied TO STDOUT"], capture_output=True, check=True)
    began = time.monotonic()
    subprocess.run([*psql, "COPY sensor_readings FROM STDIN"], input=rows.stdout, check=True)
    return time.monotonic() - began


@contextmanager
def _scanning(store: Store) -> Iterator[threading.Thread]:
    """Read every pump once a second meanwhile, on a thread."""
    stop, chance = threading.Event(), np.random.default_rng(2)

    def scan() -> None:
        due = time.monotonic()
        while not stop.wait(max(0.0, due - time.monotonic())):
            _offer_scan(store, chance, time.time_ns())
            due += 1.0

    thread = threading.Thread(target=scan, name="scan")
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join()


def _live(path: Path, central: Central, settings: SyncSettings, steady_s: float, cut_s: float) -> Iterator[Figure]:
    sending = _sending(path, settings, LIVE)
    sending.start()
    view = sending.worker.view
    try:
        with _scanning(sending.store) as scan:
            _wait(lambda: view().sent > PUMPS, "nothing was sent")
            lags, cpu_s, began = list[float](), _cpu_s(sending.writing, scan), time.monotonic()
            while time.monotonic() < began + steady_s:
                lags.append(view().lag_s)
                time.sleep(0.1)
            used = (_cpu_s(sending.writing, scan) - cpu_s) / (time.monotonic() - began)
            what = f"{PUMPS} pumps at 1 Hz, raw"
            yield Figure(f"{what}: behind by, p50", float(np.median(lags)), "s", f"in {steady_s:g} s")
            yield Figure(f"{what}: behind by, worst", max(lags), "s", "≤ 5")
            yield Figure(f"{what}: CPU of sending", 100 * used, "% core", "≤ 5")
            central.stop_rest()
            time.sleep(cut_s)
            waited = view().backlog
            central.start_rest()
            began = time.monotonic()
            _wait(lambda: view().lag_s <= 5 and view().state is not SyncState.TROUBLE, "it did not catch up")
            took_s, words = time.monotonic() - began, f"≤ 60; {waited:,} rows waited"
            yield Figure(f"after {cut_s:g} s without the server: behind by ≤ 5 s after", took_s, "s", words)
        # By what is there: the state of the sync may be of before the last scan.
        stored = sending.store.view
        _wait(lambda: not stored().depth and _stored(central, LIVE) >= stored().committed, "not all was sent")
        rows, sent = _stored(central, LIVE), view().sent
        sending.store.outbox.resend(time.time_ns() - 86_400 * 10**9, time.time_ns())
        _wait(lambda: view().sent >= sent + rows and sending.is_through(), "the day was not sent again")
        again, new = view().sent - sent, _stored(central, LIVE) - rows
        yield Figure("the day sent again: new rows", new, "rows", f"0 of {again:,}")
    finally:
        sending.end()
