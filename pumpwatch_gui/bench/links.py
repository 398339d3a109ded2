"""Links: what 50 devices cost, what the sick do to the healthy, how soon faults are seen, what a line carries."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from pumpwatch_gui.bench.figure import Figure
from pumpwatch_gui.bench.rigs.bare_exchange import bare_exchange_cores
from pumpwatch_gui.bench.rigs.link_peers import SICK, Peers, Sickness, paced_unit
from pumpwatch_gui.bench.rigs.link_runs import (
    Run,
    dropped_ms,
    line_recovered_s,
    line_run,
    noticed_ms,
    station_run,
    stopped_s,
    tcp_recovered_s,
    unplugged_ms,
)

PUMPS, RATE_HZ, SECONDS = 50, 10.0, 15.0
LINE_SECONDS = 6.0


def run(_data: Path | None) -> Iterator[Figure]:
    """About two minutes. The devices are a process of their own, on loopback and pseudo-terminals."""
    with tempfile.TemporaryDirectory() as folder:
        with Peers(PUMPS) as peers:
            yield from _station(peers, Path(folder))
            yield from _moments(peers, Path(folder))
            yield Figure("write requests seen by the servers", peers.writes(), "", "0")
        for baud in (9600, 19200, 115200):
            yield from _line(baud)


def _station(peers: Peers, folder: Path) -> Iterator[Figure]:
    healthy = station_run(peers.ports, folder, seconds=SECONDS)
    yield Figure("50 × 10 Hz: response after its scheduled time, p99", healthy.late_ms(99), "ms", "≤ 20")
    yield Figure("50 × 10 Hz: missed", healthy.missed_percent(RATE_HZ), "%", "≤ 0.1")
    bare = 100 * bare_exchange_cores(peers.ports, period_s=1 / RATE_HZ, seconds=SECONDS)
    reference = f"≤ 15; asyncio with the same requests, nothing else: {bare:.1f}"
    yield Figure("50 × 10 Hz: CPU of the links thread", 100 * healthy.cpu_cores, "% core", reference)
    with peers.sick(10):
        sick = station_run(peers.ports, folder, seconds=SECONDS)
    alive = Run([sick.frames[i] for i in range(10, PUMPS)], sick.seconds, sick.cpu_cores)
    same = Run([healthy.frames[i] for i in range(10, PUMPS)], healthy.seconds, healthy.cpu_cores)
    what = f"10 of 50 sick ({len(SICK)} ways): "
    yield Figure(what + "healthy ones' p99", alive.late_ms(99), "ms", f"none sick: {same.late_ms(99):.1f}")
    yield Figure(what + "ratio", alive.late_ms(99) / same.late_ms(99), "×", "≤ 1.5")
    yield Figure(what + "lost by the healthy", alive.lost(), "frames", "0")


def _moments(peers: Peers, folder: Path) -> Iterator[Figure]:
    stall_limit = "≤ time-out + one period, ≤ 1000"
    for how, limit in ((Sickness.RESET, "≤ 50"), (Sickness.FINISH, "≤ 50"), (Sickness.STALL, stall_limit)):
        what = "stall" if how is Sickness.STALL else f"{how.value} of a device that goes away"
        yield Figure(f"{what} noticed, TCP", noticed_ms(partial(dropped_ms, peers, folder, how)), "ms", limit)
    yield Figure("unplug noticed, serial line", noticed_ms(partial(unplugged_ms, folder)), "ms", "≤ 50")
    yield Figure("good again after 3 s away, TCP", tcp_recovered_s(peers, folder), "s", "≤ 6")
    yield Figure("good again after 3 s away, serial line", line_recovered_s(folder), "s", "≤ 3")
    with peers.sick(PUMPS, only=Sickness.STALL):
        yield Figure("stop with 50 stalled devices", stopped_s(peers.ports, folder), "s", "≤ 1")


def _line(baud: int) -> Iterator[Figure]:
    with paced_unit(baud) as device:
        reads, limit = line_run(device, baud, seconds=LINE_SECONDS)
    yield Figure(f"RTU at {baud:,} baud: reads of 40 registers", reads, "1/s", f"the line's limit: {limit:.1f}")
    yield Figure(f"RTU at {baud:,} baud: of the line's limit", 100 * reads / limit, "%", "≥ 90")
