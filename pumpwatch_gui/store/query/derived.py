"""Derived quantities of the past: computed from the readings as they are read, for they are not stored.

The counters alone are stored (`counters`), for what they count may be older than the readings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import apsw
import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.pump.counters import HOUR_NS, CounterRow, CounterTotals
from pumpwatch_gui.domain.pump.derived import DerivedQuantities
from pumpwatch_gui.domain.pump.quantities import Counter
from pumpwatch_gui.store.archive.rollup import grouped, single
from pumpwatch_gui.store.ids import make_id, time_ns
from pumpwatch_gui.store.layout import series_of
from pumpwatch_gui.store.query.past import Past
from pumpwatch_gui.store.query.thinning import Grid, Thinned, thinned

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


def leaf_series(derived: DerivedQuantities) -> list[str]:
    """The series that the quantities of an instant are computed from."""
    return [series_of(tag) for tag in derived.profile.tags if tag in derived.leaf_tags]


def derived_of(past: Past, derived: DerivedQuantities, grid: Grid | None) -> dict[str, Thinned]:
    """Every quantity of an instant by tag, from a past with its leaf series, in the buckets of the sensors."""
    used = [i for i, tag in enumerate(derived.profile.tags) if tag in derived.leaf_tags]
    if not used:
        return {}
    leaves = [past.columns[name] for name in leaf_series(derived)]
    ms = past.ms
    if grid is not None and ms.size > EXACT_ROWS:
        fine = grid.bucket_of(ms, FINER)
        leaves = [grouped(replace(leaf, index=fine)) for leaf in leaves]
        first = np.concatenate(([0], np.flatnonzero(np.diff(fine)) + 1))
        ms = ms[first]  # of one bucket
    values = _evaluated(derived, used, np.column_stack([leaf.mean for leaf in leaves]))
    return {tag: thinned(single(ms, column), grid) for tag, column in zip(derived.instant_tags, values.T, strict=False)}


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


def _evaluated(derived: DerivedQuantities, used: Sequence[int], inputs: Floats) -> Floats:
    values = np.full((len(inputs), derived.size), np.nan)
    values[:, used] = inputs
    return derived.evaluate(values)
