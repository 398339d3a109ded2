"""A whole station under load: 50 pumps at 1 Hz and 10 Hz, headless and with a window, and 200, on the real driver.

Each pump is a connection of its own. What counts is measured from outside the program, over a stretch in which its
model scores: CPU and memory of the process, and the frames and scores that it has written to its history.
"""

import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from pumpwatch_gui.bench.figure import Figure, NotMeasuredError
from pumpwatch_gui.bench.rigs.station import SUMMARY, running_station
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.settings.profile_file import load_profile
from pumpwatch_gui.store.query.history import History

SETTLE_S = 105.0
"""A pump settles for 60 s, then its window of 30 rows at 1 Hz must fill; the rest is the start of the program."""
SECONDS = 45.0
LEAST_SCORED = 0.9
"""Of the pumps. A pump may settle for longer: then the load is nearly what it is to be, and the share says so."""
EVERY_CASE = (
    ("50 × 1 Hz headless", 50, 1.0, True, "< 0.5"),
    ("50 × 1 Hz with window", 50, 1.0, False, "< 0.5"),
    ("50 × 10 Hz headless", 50, 0.1, True, "≤ 0.6"),
    ("50 × 10 Hz with window", 50, 0.1, False, "≤ 0.6"),
    ("200 × 10 Hz headless", 200, 0.1, True, "≤ 0.8"),
)


@dataclass(frozen=True, slots=True)
class Load:
    """What a station did in `seconds` of steady running.

    `frames` (good) and `scores` are those in its history, `due` the scans of that time, `scored` counts pumps.
    """

    pumps: int
    scored: int
    seconds: float
    frames: int
    scores: int
    due: float
    cpu_cores: float
    rss_mb: float
    lost: int
    latest_p99_ms: float

    @property
    def missed_percent(self) -> float:
        """Scans that brought no good frame. At both ends one scan may fall out of the stretch or into it."""
        return max(0.0, 100 * (self.due - self.pumps - self.frames) / self.due)


def run(_data: Path | None) -> Iterator[Figure]:
    """Five runs, every one in a process of its own."""
    for what, pumps, period_s, headless, cores in EVERY_CASE:
        yield from figures(what, measure(pumps, period_s, headless=headless), cores)


def figures(what: str, load: Load, cores: str) -> Iterator[Figure]:
    """The figures of one run. Raises NotMeasuredError when too few pumps were scored."""
    if load.scored < LEAST_SCORED * load.pumps:
        raise NotMeasuredError(f"{what}: {load.scored} of {load.pumps} pumps were scored")
    yield Figure(f"{what}: pumps scored", 100 * load.scored / load.pumps, "%", f"{load.scores} scores, at most 10 Hz")
    yield Figure(f"{what}: good frames", load.frames, "", f"about {load.due:.0f} are due in {load.seconds:.0f} s")
    yield Figure(f"{what}: missed scans", load.missed_percent, "%", "≤ 0.1 %")
    yield Figure(f"{what}: readings lost", load.lost, "", "0")
    yield Figure(f"{what}: CPU", load.cpu_cores, "cores", cores)
    yield Figure(f"{what}: memory", load.rss_mb, "MB", "≤ 200 headless, 220 with a window")
    yield Figure(f"{what}: sensor to latest, p99", load.latest_p99_ms, "ms")


def measure(
    pumps: int, period_s: float, *, headless: bool, settle_s: float = SETTLE_S, seconds: float = SECONDS
) -> Load:
    """Run a station for so long and watch it from outside for the last `seconds`."""
    with tempfile.TemporaryDirectory() as folder:
        home, for_s = Path(folder), settle_s + seconds
        with running_station(home, pumps=pumps, period_s=period_s, headless=headless, for_s=for_s) as process:
            time.sleep(settle_s)
            stretch = _watch(process, seconds)
        return _load(home, stretch, json.loads((home / SUMMARY).read_text("utf-8")), period_s)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The stretch that was measured (Unix UTC), and what the process took of the machine in it."""

    start_ns: int
    end_ns: int
    cpu_s: float
    rss_mb: float


def _watch(process: psutil.Process, seconds: float) -> _Stretch:
    start_ns, cpu_s = time.time_ns(), _cpu_s(process)
    time.sleep(seconds)
    return _Stretch(start_ns, time.time_ns(), _cpu_s(process) - cpu_s, process.memory_info().rss / 1e6)


def _load(home: Path, stretch: _Stretch, summary: Mapping[str, Any], period_s: float) -> Load:
    history, profile = History(home / "pumpwatch.db"), load_profile("centrifugal")
    span = {"start_ns": stretch.start_ns, "end_ns": stretch.end_ns}
    frames, scores = [], []
    for pump_id in summary["pumps"]:
        try:
            values = history.recording(pump_id, profile, **span).values
        except InputError:  # not one reading
            values = np.empty((0, 1))
        frames.append(int(np.isfinite(values).any(axis=1).sum()))
        scores.append(int(np.isfinite(history.scores(pump_id, points=10**6, **span).mean).sum()))
    seconds = (stretch.end_ns - stretch.start_ns) / 1e9
    return Load(
        pumps=len(frames),
        scored=sum(count > 0 for count in scores),
        seconds=seconds,
        frames=sum(frames),
        scores=sum(scores),
        due=len(frames) * seconds / period_s,
        cpu_cores=stretch.cpu_s / seconds,
        rss_mb=stretch.rss_mb,
        lost=summary["readings_lost"],
        latest_p99_ms=summary["sensor_to_latest_ms"]["p99"],
    )


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
