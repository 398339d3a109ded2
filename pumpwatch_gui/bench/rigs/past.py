"""A past of simulated pumps on disk: rows by the statements of the writer, days by the code of the archive."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.acquire.simulator import Plant
from pumpwatch_gui.settings.profile_file import load_profile
from pumpwatch_gui.store.archive.chunks import PIECE, encoded_chunk, insert_chunks
from pumpwatch_gui.store.archive.compaction import compact
from pumpwatch_gui.store.archive.moving import resolutions_of
from pumpwatch_gui.store.archive.rows import blank_rows, with_scores
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.store.ids import EPOCH_MS, NUMBER_BITS
from pumpwatch_gui.store.layout import insert_of, series_of
from pumpwatch_gui.store.reading_rows import cell_of_score, cells_of_values, shown_column, stored_columns
from pumpwatch_gui.store.schema import connect, transaction

Floats = NDArray[np.float64]
DAY_S = 86_400
FIRST_DAY = 2_500
"""Days since 2020 at which the past begins."""
STEPS_A_SECOND = 10
AT_ONCE_S = 600
WINDOW = 30
JITTER_MS = 1.5


class SimulatedPast:
    """Readings and scores of simulated pumps, a second apart give or take a millisecond, from midnight of FIRST_DAY."""

    def __init__(self, path: Path, pumps: int) -> None:
        self.path = path
        self._plant = Plant(pumps, seed=1, cycles=False)
        self.profile = load_profile("centrifugal")
        self.pumps = tuple(PumpRow(pump_id, pump_id, self.profile) for pump_id in self._plant.pump_ids)
        self._random = np.random.default_rng(1)
        Store(path, station=1, pumps=self.pumps).close()

    def seconds(self, first: int, end: int) -> Iterator[tuple[NDArray[np.int64], Floats, Floats]]:
        """In turn milliseconds since 2020 (m, pumps), values (m, pumps, 10) and scores (m, pumps)."""
        for at in range(first, end, AT_ONCE_S):
            count = min(AT_ONCE_S, end - at)
            values = self._plant.run(count * STEPS_A_SECOND).values[::STEPS_A_SECOND]
            jitter = np.rint(self._random.normal(0.0, JITTER_MS, (count, len(self.pumps))))
            ms = (FIRST_DAY * DAY_S + at + np.arange(count))[:, np.newaxis] * 1000 + 100 + jitter.astype(np.int64)
            noise = self._random.gamma(4.0, 0.1, (count + WINDOW - 1, len(self.pumps)))
            scores = np.lib.stride_tricks.sliding_window_view(noise, WINDOW, axis=0).mean(axis=2)
            yield ms, values, scores  # a score is of a window of 30 readings, of which the next shares 29

    def write_rows(self, first: int, end: int) -> None:
        """Those seconds as rows of the tables."""
        connection = connect(self.path)
        known = stored_columns(connection)
        stored = [known[series_of(tag)] for tag in self.profile.tags]
        sql, steps = insert_of(stored), np.array([shown_column(one)[1] for one in stored], np.float64)
        for ms, values, scores in self.seconds(first, end):
            ids = ((ms << NUMBER_BITS) | np.arange(1, len(self.pumps) + 1)).ravel()
            order = np.argsort(ids)
            rows = cells_of_values(values.reshape(ids.size, -1)[order], steps)
            scored = map(cell_of_score, scores.ravel()[order].tolist())
            every = zip(ids[order].tolist(), scored, rows, strict=True)
            with transaction(connection):
                connection.executemany(sql, ((key, "", 0, 0, score, *row) for key, score, row in every))
        connection.close()

    def write_days(self, number: int, first_day: int, days: int, day: tuple[NDArray[np.int64], Floats, Floats]) -> None:
        """A pump's day again and again, as chunks with their minutes and hours."""
        connection = connect(self.path)
        resolutions = resolutions_of(connection)[number]
        ms, values, scores = day
        for later in range(days):
            shifted = ms + (first_day + later - int(ms[0]) // (DAY_S * 1000)) * DAY_S * 1000
            columns = {tag: values[:, i].copy() for i, tag in enumerate(self.profile.tags)}
            rows = blank_rows(shifted)
            whole = with_scores(type(rows)(rows.ms, columns, rows.score, rows.uncertain, rows.bad), shifted, scores)
            with transaction(connection):
                insert_chunks(connection, [encoded_chunk(number, PIECE, whole, resolutions)])
            for _ in compact(connection, number, first_day + later, resolutions):
                pass
        connection.close()


def unix_ns(day: float) -> int:
    """The start of a day since 2020 as Unix nanoseconds."""
    return (round(day * DAY_S * 1000) + EPOCH_MS) * 1_000_000
