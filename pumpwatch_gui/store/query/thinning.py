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
        return as_they_are(rows)
    return _in_buckets(connection, span, grid_of(connection, span, rows[:, 0], points))


def as_they_are(rows: NDArray[np.float64]) -> Thinned:
    """Points of rows (m, 2) of milliseconds since 2020 and value, with NaN in each gap."""
    time_s, value = (rows[:, 0] + EPOCH_MS) / 1e3, rows[:, 1]
    steps = np.diff(time_s)
    if steps.size:
        gaps = np.flatnonzero(steps > GAP * np.median(steps))
        time_s = np.insert(time_s, gaps + 1, time_s[gaps] + steps[gaps] / 2)
        value = np.insert(value, gaps + 1, np.nan)
    return Thinned(time_s, value, value, value)


@dataclass(frozen=True, slots=True)
class Grid:
    """Equal buckets from the first reading to the last, in milliseconds since 2020."""

    first_ms: int
    length_ms: int
    buckets: int

    @property
    def time_s(self) -> NDArray[np.float64]:
        """The middle of each bucket (Unix seconds)."""
        return (self.first_ms + EPOCH_MS + (np.arange(self.buckets) + 0.5) * self.length_ms / self.buckets) / 1e3

    def bucket_sql(self, finer: int = 1) -> str:
        """The bucket of a row's id, in buckets so many times `finer`; whole numbers, as in `bucket_of`."""
        return f"((id >> 12) - {self.first_ms}) * {self.buckets * finer} / {self.length_ms}"

    def bucket_of(self, ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """The buckets of these times."""
        return (ms - self.first_ms) * self.buckets // self.length_ms


def grid_of(connection: apsw.Connection, span: Span, first: NDArray[np.float64], points: int) -> Grid:
    """The grid of a stretch, of which `first` are the milliseconds of the first `points` + 1 readings."""
    usual_ms = float(np.median(np.diff(first)))
    last = connection.execute(f"SELECT id FROM {span.table} WHERE {span.where} ORDER BY id DESC LIMIT 1", span.ids).get
    first_ms = int(first[0])
    length_ms = (int(str(last)) >> 12) + 1 - first_ms
    return Grid(first_ms, length_ms, max(1, min(points, int(length_ms / (GAP * usual_ms)))))


def _in_buckets(connection: apsw.Connection, span: Span, grid: Grid) -> Thinned:
    """Minimum, mean and maximum of equal buckets from the first reading to the last."""
    sql = (
        f"SELECT {grid.bucket_sql()} AS bucket, min({span.column}), avg({span.column}), max({span.column}) "
        f"FROM {span.table} WHERE {span.where} GROUP BY bucket"
    )
    rows = connection.execute(sql, span.ids).fetchall()
    summed = np.array(rows, dtype=np.float64)
    values = np.full((3, grid.buckets), np.nan)
    values[:, summed[:, 0].astype(np.intp)] = summed[:, 1:].T
    return Thinned(grid.time_s, *values)


def highest_between(time_s: NDArray[np.float64], points: Thinned) -> NDArray[np.float64]:
    """The highest of other points from the time before up to each time (m,), NaN where there is none."""
    found = np.full(time_s.size, np.nan)
    if time_s.size:
        at = np.searchsorted(time_s, points.time_s - SAME_S)
        inside = at < time_s.size
        np.fmax.at(found, at[inside], points.high[inside])
    return found
