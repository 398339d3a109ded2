"""How fast the history grows, measured on the running station, and when the disk will be full of it."""

import json
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from math import inf, nan
from typing import NamedTuple

import apsw

from pumpwatch_gui.store.schema import run

KEY = "growth"
SAMPLE_S = 600.0
SAMPLES = 145
"""A day of them: longer ago the station may have been another."""
PAUSE_S = 2 * SAMPLE_S
"""Samples further apart have a stop of the program between them, which is no time to measure."""
LEAST_S = 60.0
DAY_S = 86_400.0


class Sample(NamedTuple):
    """At a time (Unix seconds) the tables took so many bytes, and so many readings had been stored by then."""

    time_s: float
    table_bytes: int
    readings: int


@dataclass(frozen=True, slots=True)
class Growth:
    """What was measured; NaN while too little was. `per_day` bytes while the station runs, `per_reading` in total."""

    per_reading: float = nan
    per_day: float = nan

    def days_left(self, free_bytes: float) -> float:
        """Days until a disk with so much room is full; infinity when nothing grows, NaN while that is not known."""
        return inf if self.per_day == 0 else free_bytes / self.per_day


class GrowthMeter:
    """Samples of the last day of running. They are kept in the database, so that a start need not begin afresh."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=SAMPLES)
        self._now: Sample | None = None
        self._base = 0

    def take_up(self, connection: apsw.Connection, readings: int) -> None:
        """Go on with what a database holds; `readings` were stored by this run so far."""
        self._samples = deque(read_samples(connection), SAMPLES)
        self._base = (self._samples[-1].readings if self._samples else 0) - readings
        self._now = None

    def look(self, connection: apsw.Connection, now_s: float, readings: int) -> None:
        """Take a sample; every ten minutes one is kept. At a clock set back it all begins afresh."""
        sample = Sample(now_s, table_bytes(connection), self._base + readings)
        last = self._samples[-1] if self._samples else None
        if last is not None and sample.time_s < last.time_s:
            self._samples.clear()
            last = None
        if self._now is None or last is None or now_s - last.time_s >= SAMPLE_S:
            self._samples.append(sample)
            run(connection, "INSERT OR REPLACE INTO meta VALUES (?, ?)", (KEY, json.dumps(list(self._samples))))
        self._now = sample

    @property
    def growth(self) -> Growth:
        """What the samples give."""
        return measured([*self._samples, self._now] if self._now is not None else list(self._samples))


def measured(samples: list[Sample]) -> Growth:
    """The growth over the stretches in which the station ran."""
    grown = [(b, a) for a, b in pairwise(samples) if 0 < b.time_s - a.time_s <= PAUSE_S]
    duration_s = sum(b.time_s - a.time_s for b, a in grown)
    if duration_s < LEAST_S:
        return Growth()
    size = max(0, sum(b.table_bytes - a.table_bytes for b, a in grown))
    readings = sum(b.readings - a.readings for b, a in grown)
    return Growth(size / readings if readings > 0 else nan, size / duration_s * DAY_S)


def read_samples(connection: apsw.Connection) -> list[Sample]:
    """The samples that a database holds; none when they cannot be read."""
    noted = connection.execute("SELECT value FROM meta WHERE key = ?", (KEY,)).get
    try:
        return [Sample(float(t), int(b), int(r)) for t, b, r in json.loads(str(noted or "[]"))]
    except (ValueError, TypeError):
        return []


def table_bytes(connection: apsw.Connection) -> int:
    """Bytes of the pages in use: free ones are filled before the file grows."""
    pages, free = (int(str(connection.execute(f"PRAGMA {name}").get)) for name in ("page_count", "freelist_count"))
    return (pages - free) * 4096
