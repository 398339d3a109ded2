"""Hours of a whole station with a window: what it takes of the machine stays what it was.

`PUMPWATCH_SOAK_MINUTES=150 python -m pytest -s -m slow tests/flow/test_soak.py`; the first half is warm-up.
"""

import json
import os
import time
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from pumpwatch_gui.bench.rigs.station import SUMMARY, running_station

MINUTES = float(os.environ.get("PUMPWATCH_SOAK_MINUTES", "150"))
PUMPS, PERIOD_S = 50, 1.0
SAMPLE_S = 10.0
LAST_S = min(3600.0, 30 * MINUTES)


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_hours_of_a_station_take_no_more_memory_descriptors_or_threads(tmp_path: Path) -> None:
    samples: list[tuple[float, float, float, float]] = []
    seconds = 60 * MINUTES
    with running_station(tmp_path, pumps=PUMPS, period_s=PERIOD_S, headless=False, for_s=seconds) as process:
        began = time.monotonic()
        while (now_s := time.monotonic() - began) < seconds:
            samples.append((now_s, process.memory_info().rss / 1e6, process.num_fds(), process.num_threads()))
            time.sleep(SAMPLE_S)
    summary = json.loads((tmp_path / SUMMARY).read_text("utf-8"))
    for half_hour, group in groupby(samples, lambda sample: int(sample[0] // 1800)):
        table = np.array(list(group))
        print(f"{half_hour * 30:4d} min: {table[0, 1]:.1f} → {table[-1, 1]:.1f} MB, {slope_mb_h(table):+.2f} MB/h, "
              f"descriptors {table[:, 2].min():.0f}-{table[:, 2].max():.0f}, "
              f"threads {table[:, 3].min():.0f}-{table[:, 3].max():.0f}")  # fmt: skip
    last = np.array([sample for sample in samples if sample[0] >= seconds - LAST_S])
    print(f"last {LAST_S / 60:.0f} min: {slope_mb_h(last):+.2f} MB/h; {summary}")
    assert slope_mb_h(last) <= 1.0
    assert np.ptp(last[:, 2]) <= 2, "descriptors"
    assert np.ptp(last[:, 3]) <= 1, "threads"
    assert summary["readings_lost"] == 0
    assert sum(pump["skipped_beats"] for pump in summary["pumps"].values()) == 0


def slope_mb_h(samples: np.ndarray) -> float:
    """The growth by least squares over rows of (seconds, MB, …)."""
    seconds, megabytes = samples[:, 0] - samples[:, 0].mean(), samples[:, 1] - samples[:, 1].mean()
    return 3600 * float(seconds @ megabytes) / max(float(seconds @ seconds), 1.0)
