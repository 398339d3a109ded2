"""Figures of the sync on a real server: `python -m tests.sync.figures [CUT_SECONDS]` prints them.

Rows a second under row-level security, with COPY as the reference, lag while fifty pumps are read once a second, the
way back after a cut, the processor time of sending, and a day sent again.
"""

import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS
from pumpwatch_gui.domain.sync import SyncSettings, SyncState, SyncStream
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from tests.conftest import wait_until
from tests.store.conftest import profile_of
from tests.sync.faults import Line
from tests.sync.rigs import SendingStation
from tests.sync.servers import Accounts, Central, central_server

PUMPS = [f"P-{101 + i}" for i in range(50)]
ROWS = [PumpRow(pump_id, pump_id, profile_of(*STANDARD_TAGS)) for pump_id in PUMPS]
GOOD = np.full(10, Quality.GOOD, np.uint8), np.full(10, Reason.NONE, np.uint8)
STREAMS = frozenset({SyncStream.READINGS, SyncStream.ROLLUPS})
ACCOUNT = "figures@example.org"
CHANCE = np.random.default_rng(1)


def offer_scan(store: Store, time_ns: int) -> None:
    values = np.round(CHANCE.normal(50.0, 5.0, (len(PUMPS), 10)), 2)
    for pump_id, own in zip(PUMPS, values, strict=True):
        store.offer_frame(Frame(pump_id, 0, time_ns, time_ns, own, *GOOD), "NORMAL")


class Sending(SendingStation):
    """`cpu_s` is what the thread of the worker took."""

    def __init__(self, path: Path, settings: SyncSettings, station: int) -> None:
        super().__init__(path, settings, station=station, password="a password", pumps=ROWS, alive=self._alive)
        self.cpu_s = 0.0

    def _alive(self) -> None:
        self.cpu_s = time.thread_time()


def throughput(folder: Path, central: Central, settings: SyncSettings) -> None:
    """A backlog of 2,000 seconds of 50 pumps, and the same rows by COPY, as the owner of the table."""
    only = SyncSettings(settings.url, settings.account, settings.auth_url, frozenset({SyncStream.READINGS}))
    sending = Sending(folder / "throughput.db", only, 71)
    sending.start_store()
    start_ns = time.time_ns() - 2_000 * 10**9
    for second in range(2_000):
        offer_scan(sending.store, start_ns + second * 10**9)
        while sending.store.view().depth > 20_000:
            time.sleep(0.01)
    while sending.store.view().depth:
        time.sleep(0.05)
    started = time.monotonic()
    sending.start_sync()
    while sending.worker.view().sent < 100_000:
        time.sleep(0.01)
    took_s = time.monotonic() - started
    sending.end()
    assert central.one("SELECT count(*) FROM sensor_readings WHERE station_id = 71") == "100000"
    central.sql("CREATE UNLOGGED TABLE copied AS SELECT * FROM sensor_readings WHERE station_id = 71")
    central.sql("UPDATE copied SET station_id = 72")
    rows = subprocess.run(
        ["psql", "-qAtX", "-d", central.dsn, "-c", "COPY copied TO STDOUT"], capture_output=True, check=True
    )
    began = time.monotonic()
    copy = ["psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", central.dsn, "-c", "COPY sensor_readings FROM STDIN"]
    subprocess.run(copy, input=rows.stdout, check=True)
    copied_s = time.monotonic() - began
    rate, reference, share = 100_000 / took_s, 100_000 / copied_s, sending.cpu_s / took_s
    print(f"rows/s under row-level security, through PostgREST   {rate:>9,.0f}   (sync thread {share:.0%})")
    print(f"rows/s by COPY, without row-level security           {reference:>9,.0f}   ratio {rate / reference:.2f}")


def steady(folder: Path, central: Central, settings: SyncSettings, *, cut_s: float) -> None:
    """Fifty pumps once a second, raw: lag in steady state, after a cut, and what it takes of the processor."""
    with Line(central.url).open() as line:
        own = SyncSettings(line.url, settings.account, settings.auth_url, STREAMS)
        sending = Sending(folder / "steady.db", own, 73)
        sending.start_store()
        sending.start_sync()
        stop = threading.Event()

        def scan() -> None:
            due = time.monotonic()
            while not stop.is_set():
                offer_scan(sending.store, time.time_ns())
                due += 1.0
                stop.wait(max(0.0, due - time.monotonic()))

        scanning = threading.Thread(target=scan)
        scanning.start()
        time.sleep(5)
        lags, cpu_s, began = [], sending.cpu_s, time.monotonic()
        while time.monotonic() - began < 60:
            lags.append(sending.worker.view().lag_s)
            time.sleep(0.1)
        used = (sending.cpu_s - cpu_s) / (time.monotonic() - began)
        print(f"lag, 50 pumps x 1 Hz raw, 60 s: p50 / max, s         {np.median(lags):>5.2f} / {max(lags):.2f}   (≤ 5)")
        print(f"processor time of the sync thread, share of a core   {used:>9.1%}   (≤ 5 %)")
        line.fate = lambda path, body: "cut"
        time.sleep(cut_s)
        line.fate = lambda path, body: "pass"
        began = time.monotonic()
        waited = sending.worker.view().backlog
        while sending.worker.view().lag_s > 5 or sending.worker.view().state is SyncState.TROUBLE:
            assert time.monotonic() - began < 300, sending.worker.view()
            time.sleep(0.02)
        took = time.monotonic() - began
        print(f"after a cut of {cut_s:.0f} s ({waited:,} rows): lag ≤ 5 s after, s {took:>9.1f}   (≤ 60)")
        stop.set()
        scanning.join()
        time.sleep(2)
        wait_until(sending.is_through, within_s=60)
        before = central.one("SELECT count(*) FROM sensor_readings WHERE station_id = 73")
        sent = sending.worker.view().sent
        sending.store.outbox.resend(time.time_ns() - 86_400 * 10**9, time.time_ns())
        end = time.monotonic() + 120
        while sending.worker.view().sent < sent + int(before):
            assert time.monotonic() < end, sending.worker.view()
            time.sleep(0.05)
        again = sending.worker.view().sent - sent
        now = central.one("SELECT count(*) FROM sensor_readings WHERE station_id = 73")
        print(f"the day sent again: {again:,} rows, new on the server    {int(now) - int(before):>9}   (0)")
        sending.end()


def main() -> None:
    cut_s = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with central_server() as central, Accounts({ACCOUNT: "a password"}).serving() as accounts, \
            tempfile.TemporaryDirectory() as folder:  # fmt: skip
        for station in (71, 73):
            central.sql(f"INSERT INTO members VALUES ('{ACCOUNT}', {station}, 'collector')")
        settings = SyncSettings(central.url, ACCOUNT, accounts.url, STREAMS)
        throughput(Path(folder), central, settings)
        steady(Path(folder), central, settings, cut_s=cut_s)


if __name__ == "__main__":
    main()
