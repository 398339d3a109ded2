"""Derived quantities of the past: computed from the readings as they are read, for they are not stored.

The counters alone are stored (`counters`), for what they count may be older than the readings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import apsw
import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.pump.counters import HOUR_NS, CounterRow, CounterTotals
from pumpwatch_gui.domain.pump.derived import DerivedQuantities
from pumpwatch_gui.domain.pump.quantities import Counter
from pumpwatch_gui.store.ids import make_id, time_ns
from pumpwatch_gui.store.layout import column
from pumpwatch_gui.store.query.thinning import Grid, Span, Thinned, as_they_are, grid_of
from pumpwatch_gui.store.schema import quoted

Floats = NDArray[np.float64]
EXACT_ROWS = 100_000
"""Up to so many readings each is computed. Of more, means of the readings are: `FINER` in a bucket."""
FINER = 16
_COUNTERS = "SELECT id, run_s, starts, zone_cd_s, off_region_s, is_set FROM counters WHERE (id & 4095) = ? AND id "


@dataclass(frozen=True, slots=True)
class Kept:
    """What is stored of a pump's counters: the newest row (None without one), and when it was started of late."""

    newest: CounterRow | None
    starts_ns: tuple[int, ...]


def read_derived(
    connection: apsw.Connection, known: set[str], span: Span, derived: DerivedQuantities, points: int
) -> list[Thinned]:
    """Every quantity of an instant over a stretch, thinned as a sensor is: at the same times, by the same grid.

    `span` is of the readings, whatever its column; `known` are the columns that there are, in lower case.
    """
    used = [i for i, tag in enumerate(derived.profile.tags) if tag in derived.leaf_tags]
    names = [column(derived.profile.tags[i]) for i in used]
    cells = [quoted(name) if name.lower() in known else "NULL" for name in names]
    sql = f"SELECT (id >> 12), {', '.join(cells)} FROM sensor_readings WHERE {span.where} ORDER BY id LIMIT ?"
    if not cells:
        return []
    rows = _table(connection.execute(sql, (*span.ids, max(points, EXACT_ROWS) + 1)).fetchall(), 1 + len(used))
    stamps = rows[:, 0]
    if len(rows) <= points:
        found = _evaluated(derived, used, rows[:, 1:])
        return [as_they_are(np.column_stack([stamps, values])) for values in found.T]
    grid = grid_of(connection, span, stamps[: points + 1], points)
    buckets = grid.bucket_of(stamps.astype(np.int64))
    if len(rows) > EXACT_ROWS:
        means = ", ".join(f"avg({cell})" for cell in cells)
        sql = f"SELECT {grid.bucket_sql(FINER)} AS bucket, {means} FROM sensor_readings WHERE {span.where} GROUP BY 1"
        rows = _table(connection.execute(sql, span.ids).fetchall(), 1 + len(used))
        buckets = rows[:, 0].astype(np.int64) // FINER
    return [_thinned(grid, buckets, values) for values in _evaluated(derived, used, rows[:, 1:]).T]


def kept_counters(connection: apsw.Connection, number: int, *, since_ns: int) -> Kept:
    """What is stored of a pump's counters; its starts since a time (Unix UTC) are without what people have set."""
    newest = _rows(connection, _COUNTERS + "< ? ORDER BY id DESC LIMIT 1", (number, 1 << 62))
    rows = _around(connection, number, since_ns, 1 << 62) if newest else []
    starts = [
        time_ns(after[0])
        for before, after in pairwise(rows)
        if after[2] > before[2] and not after[5] and time_ns(after[0]) >= since_ns
        for _ in range(after[2] - before[2])
    ]
    if not newest:
        return Kept(None, ())
    key, *totals, is_set = newest[0]
    return Kept(CounterRow("", time_ns(key), CounterTotals(*totals), bool(is_set)), tuple(starts))


def read_counters(
    connection: apsw.Connection, number: int, counters: Sequence[Counter], time_s: Floats
) -> list[Floats]:
    """Each counter (m,) at these times (m,) (Unix seconds, rising), to the minute; NaN before the first."""
    if not time_s.size or not counters:
        return [np.full(time_s.size, np.nan) for _ in counters]
    rows = _around(connection, number, int(time_s[0] * 1e9) - HOUR_NS, int(time_s[-1] * 1e9) + 1)
    stamps_s = np.array([time_ns(row[0]) / 1e9 for row in rows])
    fields = ("run_s", "starts", "zone_cd_s", "off_region_s")
    table = np.array([row[1:5] for row in rows], dtype=np.float64).reshape(-1, 4)
    started = np.cumsum([max(0, b[2] - a[2]) * (not b[5]) for a, b in zip(rows[:1] + rows, rows, strict=False)])
    return [
        _held(stamps_s, table[:, fields.index(c.total)] / c.per_unit, time_s)
        if c.total
        else _held(stamps_s, started, time_s) - np.nan_to_num(_held(stamps_s, started, time_s - HOUR_NS / 1e9))
        for c in counters
    ]


def _around(connection: apsw.Connection, number: int, start_ns: int, end_ns: int) -> list[Any]:
    """The rows of a stretch, and the last before it."""
    bounds = number, make_id(max(start_ns, 0))
    before = _rows(connection, _COUNTERS + "< ? ORDER BY id DESC LIMIT 1", bounds)
    return before + _rows(connection, _COUNTERS + ">= ? AND id < ? ORDER BY id", (*bounds, make_id(end_ns)))


def _rows(connection: apsw.Connection, sql: str, values: tuple[int, ...]) -> list[Any]:
    return connection.execute(sql, values).fetchall()


def _held(stamps_s: Floats, values: Floats, time_s: Floats) -> Floats:
    at = np.searchsorted(stamps_s, time_s, side="right") - 1
    if not stamps_s.size:
        return np.full(time_s.size, np.nan)
    return np.where(at >= 0, values[np.maximum(at, 0)], np.nan)


def _table(rows: list[Any], width: int) -> Floats:
    return np.array(rows, dtype=np.float64).reshape(-1, width)


def _evaluated(derived: DerivedQuantities, used: Sequence[int], inputs: Floats) -> Floats:
    values = np.full((len(inputs), derived.size), np.nan)
    values[:, used] = inputs
    return derived.evaluate(values)


def _thinned(grid: Grid, buckets: NDArray[np.int64], values: Floats) -> Thinned:
    """Lowest, mean and highest value of each bucket (m,), of values in rising order of their buckets."""
    result = np.full((3, grid.buckets), np.nan)
    good = np.isfinite(values)
    values, buckets = values[good], buckets[good]
    if values.size:
        there, first = np.unique(buckets, return_index=True)
        sums, counts = np.add.reduceat(values, first), np.diff([*first.tolist(), values.size])
        result[:, there] = np.minimum.reduceat(values, first), sums / counts, np.maximum.reduceat(values, first)
    return Thinned(grid.time_s, *result)
