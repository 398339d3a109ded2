"""What it costs to have the window in a program of its own: the age of values, and the processor."""

import os
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.owner import read_owner
from pumpwatch_gui.settings.simulated import simulated_site
from pumpwatch_gui.stations.joined import JoinedStation
from tests.conftest import wait_until
from tests.flow.programs import has_joined, log_of, program

SECONDS = float(os.environ.get("PUMPWATCH_SECONDS", "30"))
SETTLED_S = 10.0
PLANTS = [pytest.param(3, 0.1, id="3 pumps at 10 Hz"), pytest.param(50, 1.0, id="50 pumps at 1 Hz")]


def started(kind: str, site_file: Path, home: Home) -> "subprocess.Popen[bytes]":
    """A program that has come up."""
    owner = read_owner(home.path)
    process = program("run", "--site", str(site_file), *["--headless"] * (kind == "collector"), home=home)
    joins = owner is not None and bool(owner.door)
    wait_until(lambda: has_joined(process.pid, home) if joins else bool(log_of(home)), within_s=60)
    return process


def end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    process.wait(60)


def cores(processes: "list[subprocess.Popen[bytes]]") -> list[float]:
    """The mean of cores that each takes, once they have settled."""
    time.sleep(SETTLED_S)
    found = [psutil.Process(process.pid) for process in processes]
    before = [sum(one.cpu_times()[:2]) for one in found]
    time.sleep(SECONDS)
    return [(sum(one.cpu_times()[:2]) - was) / SECONDS for one, was in zip(found, before, strict=True)]


def ages_ms(home: Home) -> tuple[list[float], float]:
    """How old values are when a window that has joined can show them, and when the collector can (median)."""
    station = JoinedStation(home)
    stop = threading.Event()
    (run,) = station.loops().values()
    thread = threading.Thread(target=run, args=(stop,))
    thread.start()
    time.sleep(2.0)
    ages: list[float] = []
    seen: dict[str, int] = {p.pump_id: p.frame.seq for p in station.latest().pumps if p.frame is not None}
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        for pump in station.latest().pumps:
            if pump.frame is not None and seen.get(pump.pump_id) != pump.frame.seq:
                seen[pump.pump_id] = pump.frame.seq
                ages.append((time.monotonic_ns() - pump.frame.mono_ns) / 1e6)
        time.sleep(0.001)
    stop.set()
    thread.join()
    return ages, station.latest().stats.sensor_to_latest.p50


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("pumps", "period_s"), PLANTS)
def test_a_joined_window_shows_values_at_most_50_ms_later_and_the_pair_takes_little_more(
    tmp_path: Path, pumps: int, period_s: float
) -> None:
    with simulated_site(tmp_path, pumps=pumps, faults=(), speed=1.0, period_s=period_s) as site_file:
        running: list[subprocess.Popen[bytes]] = []
        try:
            running.append(started("window", site_file, Home(tmp_path / "one")))
            (alone,) = cores(running)
            end(running.pop())
            home = Home(tmp_path / "two")
            running.append(started("collector", site_file, home))
            running.append(started("window", site_file, home))
            pair = cores(running)
            end(running.pop())
            ages, own_ms = ages_ms(home)
        finally:
            for process in running:
                end(process)
    p50, p95 = (float(np.percentile(ages, q)) - own_ms for q in (50, 95))
    print(f"\n{pumps} pumps, period {period_s} s: window alone {alone:.3f} cores, collector {pair[0]:.3f} + window "
          f"{pair[1]:.3f} = {sum(pair) / alone:.2f} x; {len(ages)} values, {p50:.1f} ms (p95 {p95:.1f} ms) older than "
          f"the collector's {own_ms:.1f} ms")  # fmt: skip
    assert p95 <= 50
    assert sum(pair) <= 1.3 * alone
