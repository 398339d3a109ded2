"""Reading the history: thinned trends, the journal, detections. Every call has a read-only connection of its own."""

import csv
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.errors import InputError, StoreError
from pumpwatch_gui.domain.feedback import EpisodeFeedback, FeedbackVerdict
from pumpwatch_gui.domain.journal import JournalRow
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent
from pumpwatch_gui.domain.ports import JournalQuery, Series
from pumpwatch_gui.domain.pump.derived import DerivedQuantities
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.domain.wording import spreadsheet_text
from pumpwatch_gui.files.atomic import atomic_text
from pumpwatch_gui.store.ids import EPOCH_MS, make_id, time_ns
from pumpwatch_gui.store.layout import column, pump_number, reading_columns
from pumpwatch_gui.store.open_alarms import open_alarms
from pumpwatch_gui.store.query.derived import Kept, kept_counters, read_counters, read_derived
from pumpwatch_gui.store.query.maintenance import read_maintenance
from pumpwatch_gui.store.query.thinning import Span, Thinned, highest_between, nothing, read_thinned
from pumpwatch_gui.store.schema import Value, from_apsw, quoted

__all__ = ["DetectionRow", "History", "JournalRow", "Thinned"]

LONGEST_S = 5.0
"""No reader holds its snapshot longer: the write-ahead log grows as long as one does."""
PAGE = 5_000
READINGS_AT_ONCE = 200_000


@dataclass(frozen=True, slots=True)
class DetectionRow:
    """A detection as it was stored. The mappings are keyed by tag; `shares` sum to 1."""

    id: int
    time_ns: int
    is_anomaly: bool
    score: float
    reconstruction_loss: float
    threshold: float
    sensor_states: dict[str, str]
    sensor_anomaly_counts: dict[str, int]
    shares: dict[str, float]
    kind: str
    model_version: str


class History:
    """The read side of the database at `path`. Any thread; keep it off the GUI's.

    Every call raises StoreError when the database cannot be read, or when the question takes longer than five seconds.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def readings(self, pump_id: str, tag: str, *, start_ns: int, end_ns: int, points: int = 2000) -> Thinned:
        """A sensor of a pump from `start_ns` up to `end_ns` (Unix UTC), in at most about `points` points.

        Few readings come as they are (low = mean = high); more come as buckets with minimum, mean and maximum.
        BAD stretches and stretches without readings show as NaN. Unknown pump or tag: empty.
        """
        with self._connection() as connection:
            known = reading_columns(connection)
            if column(tag).lower() not in known:
                return nothing()
            source = Span("sensor_readings", quoted(column(tag)), _number(connection, pump_id), start_ns, end_ns)
            return read_thinned(connection, source, points)

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

        All have the times of the first tag that the database knows; an unknown tag is NaN throughout. With the
        `profile` its derived quantities are tags as well: computed from the readings, by the nameplate of now.
        """
        own = set(tags) & {sensor.tag for sensor in profile.derived} if profile else set()
        stretch = Span("sensor_readings", "id", 0, start_ns, end_ns)
        computed = self._derived(pump_id, DerivedQuantities(profile), stretch, points) if profile and own else {}
        read = [
            computed.get(tag, nothing()) if tag in own
            else self.readings(pump_id, tag, start_ns=start_ns, end_ns=end_ns, points=points)
            for tag in tags
        ]  # fmt: skip
        time_s = next((one.time_s for one in read if one.time_s.size), np.empty(0))
        gap = np.full(time_s.size, np.nan)

        def column(name: str) -> NDArray[np.float64]:
            parts = [getattr(one, name) if one.time_s.size == time_s.size else gap for one in read]
            return np.column_stack(parts) if parts else np.empty((time_s.size, 0))

        scores = self.scores(pump_id, start_ns=start_ns, end_ns=end_ns, points=points)
        return Series(time_s, column("low"), column("mean"), column("high"), highest_between(time_s, scores))

    def _derived(self, pump_id: str, derived: DerivedQuantities, stretch: Span, points: int) -> dict[str, Thinned]:
        with self._connection() as connection:
            number, known = _number(connection, pump_id), reading_columns(connection)
            span = replace(stretch, number=number)
            read = read_derived(connection, known, span, derived, points)
            found = dict(zip(derived.instant_tags, read, strict=False))
            time_s = read[0].time_s if read else np.empty(0)
            values = read_counters(connection, number, derived.counters, time_s)
        counted = {c.tag: Thinned(time_s, v, v, v) for c, v in zip(derived.counters, values, strict=True)}
        return found | counted

    def counters(self, pump_id: str, *, since_ns: int) -> Kept:
        """What is stored of a pump's counters, with its starts since a time (Unix UTC)."""
        with self._connection() as connection:
            return kept_counters(connection, _number(connection, pump_id), since_ns=since_ns)

    def recording(self, pump_id: str, profile: PumpProfile, *, start_ns: int, end_ns: int) -> Recording:
        """Every reading of a pump from `start_ns` up to `end_ns` (Unix UTC) as a recording, to train or test on.

        UNCERTAIN values are left out like BAD ones (NaN), as the detectors do. Raises InputError when there is none.
        """
        parts: list[np.ndarray[Any, np.dtype[np.float64]]] = []
        after, last = make_id(start_ns) - 1, make_id(end_ns)
        while True:  # piece by piece: no snapshot is held for long
            with self._connection() as connection:
                known = reading_columns(connection)
                columns = [quoted(column(t)) if column(t).lower() in known else "NULL" for t in profile.tags]
                sql = (
                    f"SELECT id, uncertain_mask, {', '.join(columns)} FROM sensor_readings "
                    "WHERE id > ? AND id < ? AND (id & 4095) = ? ORDER BY id LIMIT ?"
                )
                bounds = (after, last, _number(connection, pump_id), READINGS_AT_ONCE)
                rows: list[Any] = connection.execute(sql, bounds).fetchall()
            if rows:
                parts.append(_good_values(rows))
                after = rows[-1][0]
            if len(rows) < READINGS_AT_ONCE:
                break
        if not parts:
            raise InputError(f"there is no reading of {pump_id} in that time", "choose a span in which it was recorded")
        whole = np.concatenate(parts)
        rising = np.concatenate(([True], np.diff(whole[:, 0]) > 0))
        path = Path(f"{pump_id}-{_stamp(start_ns)}-{_stamp(end_ns)}.csv")
        return Recording(path, whole[rising, 0].copy(), whole[rising, 1:].copy(), (), ())

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

    def scores(self, pump_id: str, *, start_ns: int, end_ns: int, points: int = 2000) -> Thinned:
        """The anomaly scores of a pump (1.0 = at the threshold), thinned like `readings`."""
        with self._connection() as connection:
            source = Span("anomaly_scores", "score", _number(connection, pump_id), start_ns, end_ns)
            return read_thinned(connection, source, points)

    def journal(self, query: JournalQuery, *, limit: int = 1000) -> list[JournalRow]:
        """The newest lines first, at most `limit`."""
        where, values = _journal_filter(query)
        sql = f"SELECT * FROM journal{where} ORDER BY time_ns DESC, id DESC LIMIT ?"
        with self._connection() as connection:
            rows: list[Any] = connection.execute(sql, (*values, limit)).fetchall()
        return [_journal_row(row) for row in rows]

    def detections(self, pump_id: str, *, start_ns: int, end_ns: int, limit: int = 10_000) -> list[DetectionRow]:
        """The stored detections of a pump from `start_ns` up to `end_ns` (Unix UTC), oldest first."""
        sql = (
            "SELECT id, is_anomaly, score, reconstruction_loss, threshold, sensor_states, sensor_anomaly_counts, "
            "sensor_shares, kind, model_version FROM anomaly_detections "
            "WHERE id >= ? AND id < ? AND (id & 4095) = ? ORDER BY id LIMIT ?"
        )
        with self._connection() as connection:
            number = _number(connection, pump_id)
            rows = connection.execute(sql, (make_id(start_ns), make_id(end_ns), number, limit)).fetchall()
        return [_detection(row) for row in rows]

    def open_alarms(self) -> list[Alarm]:
        """The alarms that were not NORMAL when they were last heard of."""
        with self._connection() as connection:
            return open_alarms(connection)

    def export_journal_csv(self, path: Path, query: JournalQuery) -> int:
        """Write the journal (newest first, filtered like `journal`) as CSV; returns the lines written.

        The file is whole or not there. Raises StoreError when it cannot be written.
        """
        try:
            with atomic_text(path) as file:
                writer = csv.writer(file)
                writer.writerow(["time", "kind", "pump", "severity", "text", "by"])
                lines = 0
                for row in self._pages(query):
                    cells = (row.kind, row.pump_id, row.severity, row.text, row.by)
                    writer.writerow([_iso(row.time_ns), *map(spreadsheet_text, cells)])
                    lines += 1
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}", "choose another folder") from error
        return lines

    def _pages(self, query: JournalQuery) -> Iterator[JournalRow]:
        rows = self.journal(query, limit=PAGE)
        while rows:
            yield from rows
            if len(rows) < PAGE:
                return
            rows = self.journal(replace(query, before_ns=rows[-1].time_ns, before_id=rows[-1].id), limit=PAGE)

    @contextmanager
    def _connection(self) -> Iterator[apsw.Connection]:
        connection: apsw.Connection | None = None
        try:
            connection = apsw.Connection(os.fspath(self.path), flags=apsw.SQLITE_OPEN_READONLY)
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


def _good_values(rows: list[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Unix seconds and values (m, 1 + n) of rows of id, uncertain mask and values."""
    table = np.array([row[2:] for row in rows], dtype=np.float64)
    masks = np.array([row[1] for row in rows], dtype=np.int64)
    uncertain = (masks[:, np.newaxis] >> np.arange(table.shape[1])) & 1
    time_s = np.array([((row[0] >> 12) + EPOCH_MS) / 1e3 for row in rows])
    return np.column_stack((time_s, np.where(uncertain == 1, np.nan, table)))


def _stamp(at_ns: int) -> str:
    return f"{datetime.fromtimestamp(at_ns / 1e9, UTC):%Y%m%dT%H%M%S}"


def _number(connection: apsw.Connection, pump_id: str) -> int:
    """The pump's number; -1, which no row has, when the database does not know it."""
    number = pump_number(connection, pump_id)
    return -1 if number is None else number


def _journal_filter(query: JournalQuery) -> tuple[str, list[Value]]:
    terms: list[str] = []
    values: list[Value] = []
    if query.before_ns is not None and query.before_id is not None:
        terms.append("(time_ns, id) < (?, ?)")
        values += [query.before_ns, query.before_id]
    elif query.before_ns is not None:
        terms.append("time_ns < ?")
        values.append(query.before_ns)
    if query.pump_id is not None:
        terms.append("pump_id = ?")
        values.append(query.pump_id)
    if query.text:
        pattern = "%" + query.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        terms.append("(text LIKE ? ESCAPE '\\' OR by LIKE ? ESCAPE '\\')")
        values += [pattern, pattern]
    if query.kinds is not None:
        wanted = list(query.kinds)
        terms.append(f"kind IN ({', '.join('?' * len(wanted))})")
        values += wanted
    return (" WHERE " + " AND ".join(terms) if terms else ""), values


def _journal_row(row: Any) -> JournalRow:
    key, at_ns, kind, pump_id, severity, text, by, detail = row
    return JournalRow(key, at_ns, kind, pump_id, severity, text, by, json.loads(detail))


def _detection(row: Any) -> DetectionRow:
    key, is_anomaly, score, loss, threshold, states, counts, shares, kind, version = row
    return DetectionRow(
        id=key,
        time_ns=time_ns(key),
        is_anomaly=bool(is_anomaly),
        score=score,
        reconstruction_loss=loss,
        threshold=threshold,
        sensor_states=json.loads(states),
        sensor_anomaly_counts=json.loads(counts),
        shares=json.loads(shares),
        kind=kind,
        model_version=version,
    )


def _iso(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns / 1e9, UTC).isoformat(timespec="milliseconds")
