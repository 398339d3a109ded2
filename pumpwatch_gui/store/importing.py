"""Readings of another system as history of a pump: straight into the archive, a day in a transaction."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import apsw
import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.store.archive.chunks import DAY_MS, PIECE, Encoded, encoded_chunk, insert_chunks
from pumpwatch_gui.store.archive.compaction import compact
from pumpwatch_gui.store.archive.moving import resolutions_of
from pumpwatch_gui.store.archive.rows import blank_rows
from pumpwatch_gui.store.ids import EPOCH_MS
from pumpwatch_gui.store.layout import pump_number, series_of
from pumpwatch_gui.store.query.past import Stretch, days_between, rows_between
from pumpwatch_gui.store.schema import connect, from_apsw, snapshot, transaction

MINUTE_MS = 60_000
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def stored_minutes(database: Path, pump_id: str, first_ns: int, last_ns: int) -> Integers:
    """The minutes (since 1970, rising) of a span, both ends in it, of which there are readings of a pump.

    None where the database or the pump is not there yet. Raises StoreError when it cannot be read.
    """
    if not database.exists():
        return np.empty(0, np.int64)
    with snapshot(database) as connection:
        number = pump_number(connection, pump_id)
        if number is None:
            return np.empty(0, np.int64)
        whole = Stretch.of(number, first_ns, last_ns + 1_000_000)
        days = days_between(connection, whole)
    minutes = [np.empty(0, np.int64)]
    for day in days:
        with snapshot(database) as connection:  # day by day: none is held for long
            rows = rows_between(connection, whole.within(day), ()).readings
        minutes.append(np.unique(rows.ms // MINUTE_MS))
    return np.concatenate(minutes) + EPOCH_MS // MINUTE_MS


@dataclass(frozen=True, slots=True)
class ImportTarget:
    """The pump of a database that readings are taken over to: its number, and the resolution by series."""

    number: int
    resolutions: Mapping[str, float]

    @classmethod
    def of(cls, connection: apsw.Connection, pump_id: str) -> "ImportTarget":
        """Raises StoreError for a pump that the database does not know."""
        number = pump_number(connection, pump_id)
        if number is None:
            raise StoreError(f"the database does not know the pump {pump_id}", "add it to the site file first")
        return cls(number, resolutions_of(connection).get(number, {}))

    @classmethod
    def read(cls, database: Path, pump_id: str) -> "ImportTarget":
        """The same of a file that a program may be writing to."""
        with snapshot(database) as connection:
            return cls.of(connection, pump_id)

    def chunk(self, tags: Sequence[str], time_ns: Integers, values: Floats) -> Encoded:
        """Readings of one day (UTC) as a piece of the archive; the arrays as in `write_readings`."""
        own = {series_of(tag): values[:, i].copy() for i, tag in enumerate(tags)}
        rows = replace(blank_rows(time_ns // 1_000_000 - EPOCH_MS), values=own)
        return encoded_chunk(self.number, PIECE, rows, self.resolutions)


def days_of(time_ns: Integers) -> list[slice]:
    """The parts of rising times (Unix UTC) that are of one day (UTC) each."""
    ends = np.flatnonzero(np.diff(time_ns // (DAY_MS * 1_000_000))) + 1
    bounds = [0, *ends.tolist(), time_ns.size]
    return [slice(a, b) for a, b in pairwise(bounds) if a < b]


def write_readings(
    database: Path, pump_id: str, tags: Sequence[str], time_ns: Integers, values: Floats
) -> Iterator[int]:
    """Write readings of a pump that the database knows, day after day; after each day how many are written by then.

    `time_ns` (m,) rises by a millisecond at least; `values` (m, n) of `tags`, NaN where there is none. A day is there
    whole or not at all, whatever is killed when. Raises StoreError.
    """
    try:
        connection = connect(database)
        try:
            target = ImportTarget.of(connection, pump_id)
            for part in days_of(time_ns):
                encoded = target.chunk(tags, time_ns[part], values[part])
                with transaction(connection):
                    insert_chunks(connection, [encoded])
                for _ in compact(connection, target.number, encoded[1].day, target.resolutions):
                    pass
                yield part.stop
        finally:
            connection.close()
    except apsw.Error as error:
        raise from_apsw(error, database) from error
