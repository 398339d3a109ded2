"""Figures of the viewer on a real server: `python -m tests.sync.view_figures [PUMPS]` prints them.

How long after a response of a device its value is painted in the window of a viewer, with two stations of so many pumps
each (25) read once a second; and the processor time of a station's sync loop with 50 pumps, with and without viewers'
values (without: the server is of the version before).
"""

import faulthandler
import multiprocessing
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from pumpwatch_gui.bench.rigs.accounts import Accounts
from pumpwatch_gui.bench.rigs.central import Central, central_server
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.files.home import Home
from tests.flow.running import RunningStation, simulated, site_text
from tests.sync.viewers import SECRETS, sending_home, sync_table, viewer_settings

SECONDS = 60.0
SETTLED_MS, LIVE_WITHIN_MS = 5_000, 120_000


def station(folder: Path, pumps: int, table: str, answers: Connection) -> None:
    """A process of its own: asked with anything it answers with the processor time of its sync loop (s)."""
    with simulated(pumps) as port:
        text = site_text(port, pumps=pumps, model="learn", period_s=1.0) + table
        running = RunningStation(Home(folder), text).start()
        while answers.recv() != "end":
            stat = Path(f"/proc/self/task/{running.threads['sync'].native_id}/stat").read_text("ascii")
            ticks = stat.rpartition(")")[2].split()[11:13]
            answers.send(sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"))
        running.end()


class Child:
    """A station in a process of its own."""

    def __init__(self, folder: Path, central: Central, accounts: Accounts, number: int, pumps: int) -> None:
        home = sending_home(folder, central, accounts, number)
        table = sync_table(central, accounts, number).replace("[site]\n", f'[site]\nname = "Station {number}"\n')
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("spawn").Process(
            target=station, args=(home.path, pumps, table, other)
        )
        self.process.start()

    def cpu_s(self) -> float:
        self.pipe.send("cpu")
        found: float = self.pipe.recv()
        return found

    def end(self) -> None:
        self.pipe.send("end")
        self.process.join(60)
        if self.process.is_alive():
            print(f"station {self.process.pid} did not end")
            self.process.kill()


def share_of_a_core(child: Child) -> float:
    time.sleep(20)
    before_s, began_s = child.cpu_s(), time.monotonic()
    time.sleep(SECONDS)
    return (child.cpu_s() - before_s) / (time.monotonic() - began_s)


def painted(central: Central, accounts: Accounts, folder: Path, pumps: int) -> None:
    """Ages of values when they are first painted, from when every pump is live."""
    from PySide6.QtCore import QTimer

    from pumpwatch_gui.gui.look.theme import Appearance
    from pumpwatch_gui.gui.shell.app import application, dispose
    from pumpwatch_gui.gui.shell.main_window import MainWindow
    from pumpwatch_gui.gui.shell.threads import EngineHost
    from pumpwatch_gui.stations.remote.station import RemoteStation

    children = [Child(folder / str(n), central, accounts, n, pumps) for n in (81, 82)]
    app = application()
    remote = RemoteStation(viewer_settings(central, accounts, 81, 82), SECRETS)
    host = EngineHost(remote)
    home = Home(folder / "viewer")
    home.prepare()
    window = MainWindow(remote, home, home.site_file, ask=host.ask, appearance=Appearance("dark"))
    host.happened.connect(window.on_event)
    seen: dict[str, int] = {}
    ages_s: list[float] = []
    sampled: list[StationView] = []
    is_measured: list[bool] = []

    def paint() -> None:
        now_ns = time.time_ns()
        for view in sampled[-1:]:
            for pump in view.pumps:
                if pump.frame is not None and pump.frame.time_ns > seen.get(pump.pump_id, 0):
                    if pump.pump_id in seen:
                        ages_s.append((now_ns - pump.frame.time_ns) / 1e9)
                    seen[pump.pump_id] = pump.frame.time_ns
        sampled.clear()
        if len(seen) == 2 * pumps and not is_measured:
            is_measured.append(True)
            QTimer.singleShot(SETTLED_MS, ages_s.clear)
            QTimer.singleShot(round(SETTLED_MS + SECONDS * 1000), window.close)

    window.sampled.connect(sampled.append)
    window.painted.connect(paint)
    window.resize(1920, 1080)
    host.start()
    window.show()
    window.start()
    QTimer.singleShot(LIVE_WITHIN_MS, lambda: None if is_measured else window.close())
    app.exec()
    host.stop()
    dispose(window)
    for child in children:
        child.end()
    if not ages_s:
        print(f"not measured: of {2 * pumps} pumps {len(seen)} were painted within {LIVE_WITHIN_MS / 1000:.0f} s")
        return
    p50, p95, worst = np.percentile(ages_s, (50, 95, 100))
    print(f"device to painted in a viewer, 2 x {pumps} pumps, {len(ages_s):,} values: "
          f"p50 {p50:.2f} s · p95 {p95:.2f} s · worst {worst:.2f} s   (p95 <= 2)")  # fmt: skip


def main() -> None:
    pumps = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    # A crash of Qt at the end would take a line that waits in the buffer of a pipe with it, and say nothing.
    faulthandler.enable()
    sys.stdout.reconfigure(write_through=True)  # type: ignore[union-attr]
    with ExitStack() as stack:
        central = stack.enter_context(central_server())
        accounts = stack.enter_context(Accounts().serving())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for version, words in ((1, "without"), (3, "with")):
            central.sql(f"UPDATE pumpwatch.schema_version SET version = {version}")
            child = Child(folder / words, central, accounts, 90 + version, 50)
            share = share_of_a_core(child)
            child.end()
            print(f"sync loop, 50 pumps x 1 Hz raw, {words} live values: {share:.1%} of a core   (<= 5 %)")
        painted(central, accounts, folder, pumps)


if __name__ == "__main__":
    main()
