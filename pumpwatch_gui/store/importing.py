"""Readings of another system as history of a pump: straight into the archive, a day in a transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import apsw
import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.store.archive.chunks import DAY_MS, PIECE, encoded_chunk, insert_chunks
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


def write_readings(
    database: Path, pump_id: str, tags: Sequence[str], time_ns: Integers, values: Floats
) -> Iterator[int]:
    """Write readings of a pump that the database knows, day after day; after each day how many are written by then.

    `time_ns` (m,) rises by a millisecond at least; `values` (m, n) of `tags`, NaN where there is none. A day is there
    whole or not at all, whatever is killed when. Raises StoreError.
    """
    ms = time_ns // 1_000_000 - EPOCH_MS
    try:
        connection = connect(database)
        try:
            number = pump_number(connection, pump_id)
            if number is None:
                raise StoreError(f"the database does not know the pump {pump_id}", "add it to the site file first")
            resolutions = resolutions_of(connection).get(number, {})
            days = np.flatnonzero(np.diff(ms // DAY_MS)) + 1
            for part in np.split(np.arange(ms.size), days):
                own = {series_of(tag): values[part, i].copy() for i, tag in enumerate(tags)}
                rows = replace(blank_rows(ms[part]), values=own)
                with transaction(connection):
                    insert_chunks(connection, [encoded_chunk(number, PIECE, rows, resolutions)])
                for _ in compact(connection, number, int(rows.ms[0]) // DAY_MS, resolutions):
                    pass
                yield int(part[-1]) + 1
        finally:
            connection.close()
    except apsw.Error as error:
        raise from_apsw(error, database) from error
