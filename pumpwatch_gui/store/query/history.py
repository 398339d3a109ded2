"""Reading the history: thinned trends, the journal, detections. Every call has a read-only connection of its own."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.detection import DetectionRow
from pumpwatch_gui.domain.errors import InputError, StoreError
from pumpwatch_gui.domain.feedback import EpisodeFeedback, FeedbackVerdict
from pumpwatch_gui.domain.incident import Incident, IncidentSpan
from pumpwatch_gui.domain.journal import JournalRow
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent
from pumpwatch_gui.domain.ports import JournalQuery, Series
from pumpwatch_gui.domain.pump.derived import DerivedQuantities
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.replay import JournalIndex
from pumpwatch_gui.domain.sync import QuarantinedRow
from pumpwatch_gui.domain.values.readings import Readings, RecordedPump, RecordedSite
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.store.archive.rows import UNCERTAIN, Rows, merged
from pumpwatch_gui.store.ids import EPOCH_MS, time_ns
from pumpwatch_gui.store.incident import write_incident
from pumpwatch_gui.store.layout import pump_number, reading_columns, series_of
from pumpwatch_gui.store.open_alarms import open_alarms
from pumpwatch_gui.store.quarantined import read_quarantined
from pumpwatch_gui.store.query.derived import Kept, derived_of, kept_counters, leaf_series, read_counters
from pumpwatch_gui.store.query.detections import read_detections
from pumpwatch_gui.store.query.journal import journal_filter, journal_row_of, read_index, rows_by_id
from pumpwatch_gui.store.query.journal_csv import write_journal
from pumpwatch_gui.store.query.maintenance import read_maintenance
from pumpwatch_gui.store.query.past import Stretch, days_between, past_between, rows_between
from pumpwatch_gui.store.query.recorded import read_pumps, read_site
from pumpwatch_gui.store.query.streams import PumpSpan, readings_in_pieces, rows_in_pieces
from pumpwatch_gui.store.query.thinning import Thinned, grid_of, highest_between, thinned
from pumpwatch_gui.store.schema import from_apsw, open_for_reading, run

__all__ = ["DetectionRow", "History", "JournalRow", "Thinned"]

LONGEST_S = 5.0
"""No reader holds its snapshot longer: the write-ahead log grows as long as one does."""
PAGE = 5_000


class History:
    """The read side of the database at `path`. Any thread; keep it off the GUI's.

    `untouched`: no trace is left where the database lies, see `open_for_reading`.
    Every call raises StoreError when the database cannot be read, or when the question takes longer than five seconds.
    """

    def __init__(self, path: Path, *, untouched: bool = False) -> None:
        self.path = path
        self._untouched = untouched

    def readings(self, pump_id: str, tag: str, *, start_ns: int, end_ns: int, points: int = 2000) -> Thinned:
        """A sensor of a pump from `start_ns` up to `end_ns` (Unix UTC), in at most about `points` points.

        Few readings come as they are (low = mean = high); more come as buckets with minimum, mean and maximum.
        BAD stretches and stretches without readings show as NaN. Unknown pump or tag: empty.
        """
        found = self.read(pump_id, [tag], start_ns=start_ns, end_ns=end_ns, points=points)
        return Thinned(found.time_s, found.low[:, 0], found.mean[:, 0], found.high[:, 0])

    def read(
        self,
        pump_id: str,
        tags: Sequence[str],
        *,
        start_ns: int,
        end_ns: int,
        points: int = 2000,
        profile: PumpProfile | None = None,
    ) -> Series:
        """Some sensors of a pump from `start_ns` up to `end_ns` (Unix UTC), each as `readings` gives it, side by side.

        All have the same times; an unknown tag is NaN throughout. Of a long stretch the points are made of minutes or
        hours instead of readings. With the `profile` its derived quantities are tags as well: computed from the
        readings, by the nameplate of now.
        """
        derived = DerivedQuantities(profile) if profile and set(tags) & {s.tag for s in profile.derived} else None
        names = {tag: series_of(tag) for tag in tags}
        with self._snapshot() as connection:
            number, known = _number(connection, pump_id), reading_columns(connection)
            wanted = [name for name in names.values() if name in known] + (leaf_series(derived) if derived else [])
            past = past_between(connection, Stretch.of(number, start_ns, end_ns), wanted)
            grid = grid_of(past.ms, points)
            found = {tag: thinned(past.columns[name], grid) for tag, name in names.items() if name in past.columns}
            if derived:
                found |= derived_of(past, derived, grid)
            time_s = next((one.time_s for one in found.values()), np.empty(0))
            if derived:
                values = read_counters(connection, number, derived.counters, time_s)
                found |= {c.tag: Thinned(time_s, v, v, v) for c, v in zip(derived.counters, values, strict=True)}
        gap = np.full(time_s.size, np.nan)
        read = [found.get(tag, Thinned(time_s, gap, gap, gap)) for tag in tags]

        def side_by_side(columns: list[NDArray[np.float64]]) -> NDArray[np.float64]:
            return np.column_stack(columns) if columns else np.empty((time_s.size, 0))

        scored = grid if past.score.index is past.ms else grid_of(past.score.index, points)
        score = highest_between(time_s, thinned(past.score, scored))
        low, mean, high = (side_by_side([getattr(one, part) for one in read]) for part in ("low", "mean", "high"))
        return Series(time_s, low, mean, high, score)

    def counters(self, pump_id: str, *, since_ns: int) -> Kept:
        """What is stored of a pump's counters, with its starts since a time (Unix UTC)."""
        with self._connection() as connection:
            return kept_counters(connection, _number(connection, pump_id), since_ns=since_ns)

    def recording(self, pump_id: str, profile: PumpProfile, *, start_ns: int, end_ns: int) -> Recording:
        """Every reading of a pump from `start_ns` up to `end_ns` (Unix UTC) as a recording, to train or test on.

        UNCERTAIN values are left out like BAD ones (NaN), as the detectors do. Raises InputError when there is none.
        """
        names = [series_of(tag) for tag in profile.tags]
        found: list[Rows] = []
        with self._snapshot() as connection:
            whole = Stretch.of(_number(connection, pump_id), start_ns, end_ns)
            days = days_between(connection, whole)
        for day in days:
            with self._snapshot() as connection:  # day by day: no snapshot is held for long
                found.append(rows_between(connection, whole.within(day), (*names, UNCERTAIN)).readings)
        rows = merged(found)
        if not rows.ms.size:
            raise InputError(f"there is no reading of {pump_id} in that time", "choose a span in which it was recorded")
        values = np.column_stack([rows.column(name) for name in names])
        is_uncertain = (rows.uncertain[:, np.newaxis] >> np.arange(len(names))) & 1 == 1
        values[is_uncertain] = np.nan
        path = Path(f"{pump_id}-{_stamp(start_ns)}-{_stamp(end_ns)}.csv")
        return Recording(path, (rows.ms + EPOCH_MS) / 1e3, values, (), ())

    def feedback(self, pump_id: str, *, start_ns: int = 0, end_ns: int = 2**62) -> list[EpisodeFeedback]:
        """The newest word on each episode of a pump that began from `start_ns` up to `end_ns`, oldest first."""
        sql = (
            "SELECT max(id), start_ns, end_ns, verdict, note, by FROM episode_feedback "
            "WHERE pump_id = ? AND start_ns >= ? AND start_ns < ? GROUP BY start_ns ORDER BY start_ns"
        )
        with self._connection() as connection:
            rows: list[Any] = connection.execute(sql, (pump_id, start_ns, end_ns)).fetchall()
        return [
            EpisodeFeedback(pump_id, start, end, FeedbackVerdict(verdict), note, by, time_ns(key))
            for key, start, end, verdict, note, by in rows
        ]

    def maintenance(self, *, resolved: int = 500) -> list[MaintenanceEvent]:
        """Every open maintenance event and the newest `resolved` of those that are resolved, by risk."""
        with self._connection() as connection:
            return read_maintenance(connection, resolved)

    def recorded_pumps(self) -> tuple[RecordedPump, ...]:
        """Every pump that has a history, in the order in which they came to the station."""
        with self._connection() as connection:
            return read_pumps(connection)

    def recorded_site(self) -> RecordedSite:
        """The site that was judged last, as far as the history keeps it."""
        with self._connection() as connection:
            return read_site(connection)

    def readings_of(
        self, pump_id: str, tags: Sequence[str], *, start_ns: int, end_ns: int, profile: PumpProfile
    ) -> Iterator[Readings]:
        """Everything that is stored of some quantities of a pump, piece by piece; see the port."""
        return readings_in_pieces(self._snapshot, PumpSpan(pump_id, start_ns, end_ns), tags, profile)

    def table_rows(
        self, table: str, *, pump_ids: Sequence[str], start_ns: int, end_ns: int
    ) -> Iterator[list[tuple[object, ...]]]:
        """Rows of one of `ORIGINAL_TABLES`, piece by piece. Raises KeyError for another table."""
        return rows_in_pieces(self._snapshot, table, pump_ids, start_ns, end_ns)

    def scores(self, pump_id: str, *, start_ns: int, end_ns: int, points: int = 2000) -> Thinned:
        """The anomaly scores of a pump (1.0 = at the threshold), thinned like `readings`."""
        with self._snapshot() as connection:
            past = past_between(connection, Stretch.of(_number(connection, pump_id), start_ns, end_ns), ())
        return thinned(past.score, grid_of(past.score.index, points))

    def journal(self, query: JournalQuery, *, limit: int = 1000) -> list[JournalRow]:
        """The newest lines first, at most `limit`."""
        where, values = journal_filter(query)
        sql = f"SELECT * FROM journal{where} ORDER BY time_ns DESC, id DESC LIMIT ?"
        with self._connection() as connection:
            rows: list[Any] = connection.execute(sql, (*values, limit)).fetchall()
        return [journal_row_of(row) for row in rows]

    def detections(self, pump_id: str, *, start_ns: int, end_ns: int, limit: int = 10_000) -> list[DetectionRow]:
        """The stored detections of a pump from `start_ns` up to `end_ns` (Unix UTC), oldest first."""
        with self._connection() as connection:
            number = _number(connection, pump_id)
            return read_detections(connection, number, start_ns=start_ns, end_ns=end_ns, limit=limit)

    def journal_index(self) -> JournalIndex:
        """Where in time every line of the journal is, and what it makes of an alarm."""
        return read_index(self._connection)

    def journal_lines(self, ids: Sequence[int]) -> list[JournalRow]:
        """The lines of these ids, in any order; those that are not there are left out."""
        with self._connection() as connection:
            return rows_by_id(connection, ids)

    def open_alarms(self) -> list[Alarm]:
        """The alarms that were not NORMAL when they were last heard of."""
        with self._connection() as connection:
            return open_alarms(connection)

    def write_incident(
        self, path: Path, span: IncidentSpan, *, cancelled: Callable[[], bool] = lambda: False
    ) -> Incident:
        """Write a stretch of the history of some pumps as a new incident file; see the port."""
        return write_incident(self._snapshot, path, span, made_ns=time.time_ns(), cancelled=cancelled)

    def export_journal_csv(self, path: Path, query: JournalQuery) -> int:
        """Write the journal (newest first, filtered like `journal`) as CSV; returns the lines written.

        The file is whole or not there. Raises StoreError when it cannot be written.
        """
        return write_journal(path, self._pages(query))

    def _pages(self, query: JournalQuery) -> Iterator[JournalRow]:
        rows = self.journal(query, limit=PAGE)
        while rows:
            yield from rows
            if len(rows) < PAGE:
                return
            rows = self.journal(replace(query, before_ns=rows[-1].time_ns, before_id=rows[-1].id), limit=PAGE)

    def quarantined(self, *, limit: int = 5000) -> list[QuarantinedRow]:
        """The rows that a server refused for good, the newest first, at most `limit`."""
        with self._connection() as connection:
            return read_quarantined(connection, limit)

    @contextmanager
    def _snapshot(self) -> Iterator[apsw.Connection]:
        """A connection whose statements all see one state: what is archived meanwhile is neither missing nor twice."""
        with self._connection() as connection:
            run(connection, "BEGIN")
            yield connection

    @contextmanager
    def _connection(self) -> Iterator[apsw.Connection]:
        connection: apsw.Connection | None = None
        try:
            connection = open_for_reading(self.path, untouched=self._untouched)
            connection.set_busy_timeout(2_000)
            deadline = time.monotonic() + LONGEST_S
            connection.set_progress_handler(lambda: time.monotonic() > deadline, 20_000)
            yield connection
        except apsw.InterruptError as error:
            raise StoreError("the question to the history took too long", "ask for a shorter time") from error
        except apsw.Error as error:
            raise from_apsw(error, self.path) from error
        finally:
            if connection is not None:
                connection.close()


def _stamp(at_ns: int) -> str:
    return f"{datetime.fromtimestamp(at_ns / 1e9, UTC):%Y%m%dT%H%M%S}"


def _number(connection: apsw.Connection, pump_id: str) -> int:
    """The pump's number; -1, which no row has, when the database does not know it."""
    number = pump_number(connection, pump_id)
    return -1 if number is None else number
