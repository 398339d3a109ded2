"""Minimum, mean and maximum of each minute or hour of a series, and how many readings had a value or none."""

import logging
import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import apsw
import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.store.archive.codec import (
    BrokenChunkError,
    Floats,
    Integers,
    decode_around,
    decode_integers,
    decode_progression,
    decode_values,
    encode_around,
    encode_integers,
    encode_progression,
    encode_values,
)

log = logging.getLogger("pumpwatch.store")

MINUTE_S, HOUR_S = 60, 3600
HOURS_A_DAY = 24
PERIOD_DAYS = 32
"""Days of the hours that stand in one row."""
DECODED_MOST = 256
"""Decoded rows that are kept: each is a day or 32 days of a series, 60 kB at most."""
_LENGTHS = struct.Struct("<II")
_PACKED = struct.Struct("<5I")
"""Begins with 0, which no length of `_LENGTHS` is."""
_STEPS = (1, 0, 0)
"""By which index and counts of readings go up from step to step as long as nothing happens."""


Counts = NDArray[np.signedinteger[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Rollup:
    """Steps with readings, in order: `index` (m,) counts them from 2020 on.

    `low`, `mean`, `high` (m,) are NaN without a value; `good` and `bad` (m,) readings had one or none.
    """

    index: Integers
    low: Floats
    mean: Floats
    high: Floats
    good: Counts
    bad: Counts

    def take(self, steps: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "Rollup":
        """Some of the steps."""
        low, mean, high = self.low[steps], self.mean[steps], self.high[steps]
        return Rollup(self.index[steps], low, mean, high, self.good[steps], self.bad[steps])

    def parts(self) -> tuple[Integers, Floats, Floats, Floats, Counts, Counts]:
        """The columns in their order."""
        return self.index, self.low, self.mean, self.high, self.good, self.bad


def single(ms: Integers, values: Floats) -> Rollup:
    """Readings (m,), times rising, each as a step of its own: their index is their time."""
    is_good = np.isfinite(values)
    return Rollup(ms, values, values, values, is_good.view(np.int8), (~is_good).view(np.int8))


def rolled(ms: Integers, values: Floats, step_ms: int) -> Rollup:
    """Readings (m,), times rising, as steps."""
    return grouped(single(ms // step_ms, values))


def coarser(rollup: Rollup, times: int) -> Rollup:
    """The same in steps that are so many times as long."""
    return grouped(Rollup(rollup.index // times, *rollup.parts()[1:]))


def combined(parts: Sequence[Rollup]) -> Rollup:
    """The steps of all parts; one that is in several is one of all their readings."""
    if len(parts) == 1:
        return parts[0]
    columns = [np.concatenate(column) for column in zip(*(part.parts() for part in parts), strict=True)]
    whole = Rollup(*columns) if columns else rolled(np.empty(0, np.int64), np.empty(0), 1)
    if (np.diff(whole.index) > 0).all():
        return whole
    return grouped(whole.take(np.argsort(whole.index, kind="stable")))


def encode_rollup(rollup: Rollup, resolution: float | None) -> bytes:
    """As bytes; means to a tenth of the resolution."""
    mean = encode_values(rollup.mean, None if resolution is None else resolution / 10)
    around = encode_around(rollup.low, rollup.high, decode_values(mean), resolution)
    if around is not None:
        whole = zip((rollup.index, rollup.good, rollup.bad), _STEPS, strict=True)
        parts = (*(encode_progression(column, step) for column, step in whole), mean)
        return _PACKED.pack(0, *map(len, parts)) + b"".join(parts) + around
    counts = encode_integers(np.concatenate((rollup.index, rollup.good, rollup.bad)))
    extremes = encode_values(np.concatenate((rollup.low, rollup.high)), resolution)
    return _LENGTHS.pack(len(counts), len(extremes)) + counts + extremes + mean


@lru_cache(maxsize=DECODED_MOST)
def decode_rollup(content: bytes) -> Rollup:
    """What was encoded, not to be written to: others may be given the same. Raises BrokenChunkError."""
    if len(content) < _LENGTHS.size:
        raise BrokenChunkError(f"{len(content)} bytes are too few")
    rollup = _unpacked(content) if content[:4] == bytes(4) else _of_lengths(content)
    for column in rollup.parts():
        column.flags.writeable = False
    return rollup


def _unpacked(content: bytes) -> Rollup:
    if len(content) < _PACKED.size:
        raise BrokenChunkError(f"{len(content)} bytes are too few")
    parts, at = list[bytes](), _PACKED.size
    for length in _PACKED.unpack_from(content)[1:]:
        parts.append(content[at : at + length])
        at += length
    mean = decode_values(parts[3])
    index, good, bad = (decode_progression(p, s, mean.size) for p, s in zip(parts, _STEPS, strict=False))
    low, high = decode_around(content[at:], mean)
    if not index.size == good.size == bad.size == mean.size:
        raise BrokenChunkError(f"{index.size}, {good.size} and {bad.size} counts of {mean.size} steps")
    return Rollup(index, low, mean, high, good.astype(np.int32), bad.astype(np.int32))


def _of_lengths(content: bytes) -> Rollup:
    """The layout of before, and of values that are no multiples of a resolution."""
    first, second = _LENGTHS.unpack_from(content)
    at = _LENGTHS.size
    counts = decode_integers(content[at : at + first])
    extremes = decode_values(content[at + first : at + first + second])
    mean = decode_values(content[at + first + second :])
    steps = mean.size
    if counts.size != 3 * steps or extremes.size != 2 * steps:
        raise BrokenChunkError(f"{counts.size} counts and {extremes.size} extremes of {steps} steps")
    return Rollup(
        counts[:steps], extremes[:steps], mean, extremes[steps:], counts[steps : 2 * steps], counts[2 * steps :]
    )


def read_rollups(
    connection: apsw.Connection, number: int, name: str, step_s: int, first: int, last: int, skipped: Collection[int]
) -> list[tuple[int, Rollup]]:
    """Period and steps of a series from a period to another, in order. One that is damaged is logged and left out."""
    where = "FROM archive_rollups WHERE pump_number = ? AND series = ? AND step_s = ? AND period"
    about = number, name, step_s
    found: list[tuple[int, Rollup]] = []
    rows: list[Any] = connection.execute(
        f"SELECT period, {'NULL' if skipped else 'content'} {where} BETWEEN ? AND ? ORDER BY period",
        (*about, first, last),
    ).fetchall()
    for period, content in rows:
        if period in skipped:
            continue
        if content is None:  # what is skipped may be most of it
            content = connection.execute(f"SELECT content {where} = ?", (*about, period)).get
        try:
            found.append((period, decode_rollup(content)))
        except BrokenChunkError as error:
            log.warning("the steps of %d s of %s in period %d are damaged: %s", step_s, name, period, error.message)
    return found


def grouped(fine: Rollup) -> Rollup:
    """One step of all those in a row that have one index."""
    if not fine.index.size:
        return fine
    first = np.concatenate(([0], np.flatnonzero(fine.index[1:] != fine.index[:-1]) + 1))
    good = np.add.reduceat(fine.good, first, dtype=np.int64)
    bad = np.add.reduceat(fine.bad, first, dtype=np.int64)
    if fine.good.all():  # several times as fast as what minds a NaN
        low, high = np.minimum.reduceat(fine.low, first), np.maximum.reduceat(fine.high, first)
        sums = np.add.reduceat(fine.mean if fine.low is fine.high else fine.mean * fine.good, first)
        return Rollup(fine.index[first], low, sums / good, high, good, bad)
    sums = np.add.reduceat(np.where(fine.good > 0, fine.mean * fine.good, 0.0), first)
    mean = sums / np.where(good > 0, good, np.nan)
    return Rollup(
        fine.index[first], np.fmin.reduceat(fine.low, first), mean, np.fmax.reduceat(fine.high, first), good, bad
    )
