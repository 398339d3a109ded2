"""What the program keeps for ever: the growth of its memory once all that has a bound is full."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pumpwatch_gui.bench.figure import Figure, NotMeasuredError
from pumpwatch_gui.bench.rigs.station import running_station

PUMPS, PERIOD_S = 10, 0.05
WARM_S, SECONDS = 210.0, 180.0
"""A trend in memory is full after 3,600 frames, at 20 Hz after 180 s; by then the pumps are scored as well."""
DAY_READINGS = 50 * 86_400


def run(_data: Path | None) -> Iterator[Figure]:
    """One station with a window, 10 pumps at 20 Hz."""
    yield from figures(watched_mb(PUMPS, PERIOD_S, warm_s=WARM_S, seconds=SECONDS), readings_s=PUMPS / PERIOD_S)


def figures(samples: list[tuple[float, float]], *, readings_s: float) -> Iterator[Figure]:
    """The growth over (seconds, MB) at so many readings a second. Raises NotMeasuredError with too few samples."""
    if len(samples) < 3:
        raise NotMeasuredError(f"{len(samples)} samples of the memory")
    seconds, megabytes = np.array(samples).T
    centred = seconds - seconds.mean()
    slope = float(centred @ megabytes / (centred @ centred))
    rest = megabytes - megabytes.mean() - slope * centred
    error = float(np.sqrt(rest @ rest / (len(samples) - 2) / (centred @ centred)))
    what = f"memory, {readings_s:.0f} readings/s with window: "
    yield Figure(what + "at the end", float(megabytes[-1]), "MB", "≤ 220")
    yield Figure(what + "growth", slope * 3600, "MB/h", f"0; ± {2 * error * 3600:.2g} by the scatter of the samples")
    a_day = slope / readings_s * DAY_READINGS
    yield Figure(what + "growth a reading", slope / readings_s * 1e6, "bytes", f"{a_day:.3g} MB a day at 50 × 1 Hz")


def watched_mb(pumps: int, period_s: float, *, warm_s: float, seconds: float) -> list[tuple[float, float]]:
    """(seconds, resident MB) of a station once a second for so long, after it has run for `warm_s`."""
    samples = []
    with tempfile.TemporaryDirectory() as folder:
        for_s = warm_s + seconds
        with running_station(Path(folder), pumps=pumps, period_s=period_s, headless=False, for_s=for_s) as process:
            time.sleep(warm_s)
            began = time.monotonic()
            while (now_s := time.monotonic() - began) < seconds:
                samples.append((now_s, process.memory_info().rss / 1e6))
                time.sleep(1.0)
    return samples
