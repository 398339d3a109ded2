"""A long stretch of one column as few points, without hiding a spike or bridging a gap."""

from dataclasses import dataclass

import apsw
import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.store.ids import EPOCH_MS, make_id

GAP = 3.0
"""Two readings further apart than this many usual distances have a gap between them. A bucket is at least as wide, or
the grid itself would tear holes into an unbroken trend."""


SAME_S = 1e-3
"""Times are stored to the millisecond."""


@dataclass(frozen=True, slots=True)
class Thinned:
    """Points in time order: `time_s` (m,) Unix seconds; `low`, `mean`, `high` (m,), NaN where there is a gap."""

    time_s: NDArray[np.float64]
    low: NDArray[np.float64]
    mean: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Span:
    """What to read: a column (quoted) of a table, one pump's rows, from `start_ns` up to `end_ns` (Unix UTC)."""

    table: str
    column: str
    number: int
    start_ns: int
    end_ns: int

    @property
    def where(self) -> str:
        """The condition for `ids`."""
        return "id >= ? AND id < ? AND (id & 4095) = ?"

    @property
    def ids(self) -> tuple[int, int, int]:
        """First id, the id beyond the last one, and the pump number."""
        return make_id(self.start_ns), make_id(self.end_ns), self.number


def nothing() -> Thinned:
    """No points."""
    return Thinned(*(np.empty(0) for _ in range(4)))


def read_thinned(connection: apsw.Connection, span: Span, points: int) -> Thinned:
    """The stretch in at most about `points` points; ValueError unless `points` is positive."""
    if points < 1:
        raise ValueError("points must be positive")
    sql = f"SELECT (id >> 12), {span.column} FROM {span.table} WHERE {span.where} ORDER BY id LIMIT ?"
    rows = np.array(connection.execute(sql, (*span.ids, points + 1)).fetchall(), dtype=np.float64).reshape(-1, 2)
    if len(rows) <= points:
        return _as_they_are(rows)
    usual_ms = float(np.median(np.diff(rows[:, 0])))
    return _in_buckets(connection, span, first_ms=int(rows[0, 0]), least_ms=GAP * usual_ms, points=points)


def _as_they_are(rows: NDArray[np.float64]) -> Thinned:
    time_s, value = (rows[:, 0] + EPOCH_MS) / 1e3, rows[:, 1]
    steps = np.diff(time_s)
    if steps.size:
        gaps = np.flatnonzero(steps > GAP * np.median(steps))
        time_s = np.insert(time_s, gaps + 1, time_s[gaps] + steps[gaps] / 2)
        value = np.insert(value, gaps + 1, np.nan)
    return Thinned(time_s, value, value, value)


def _in_buckets(connection: apsw.Connection, span: Span, *, first_ms: int, least_ms: float, points: int) -> Thinned:
    """Minimum, mean and maximum of equal buckets from the first reading to the last."""
    last = connection.execute(f"SELECT id FROM {span.table} WHERE {span.where} ORDER BY id DESC LIMIT 1", span.ids).get
    length_ms = (int(str(last)) >> 12) + 1 - first_ms
    buckets = max(1, min(points, int(length_ms / least_ms)))
    sql = (
        f"SELECT ((id >> 12) - ?) * ? / ? AS bucket, min({span.column}), avg({span.column}), max({span.column}) "
        f"FROM {span.table} WHERE {span.where} GROUP BY bucket"
    )
    rows = connection.execute(sql, (first_ms, buckets, length_ms, *span.ids)).fetchall()
    summed = np.array(rows, dtype=np.float64)
    grid = np.full((3, buckets), np.nan)
    grid[:, summed[:, 0].astype(np.intp)] = summed[:, 1:].T
    time_s = (first_ms + EPOCH_MS + (np.arange(buckets) + 0.5) * length_ms / buckets) / 1e3
    return Thinned(time_s, *grid)


def highest_between(time_s: NDArray[np.float64], points: Thinned) -> NDArray[np.float64]:
    """The highest of other points from the time before up to each time (m,), NaN where there is none."""
    found = np.full(time_s.size, np.nan)
    if time_s.size:
        at = np.searchsorted(time_s, points.time_s - SAME_S)
        inside = at < time_s.size
        np.fmax.at(found, at[inside], points.high[inside])
    return found
