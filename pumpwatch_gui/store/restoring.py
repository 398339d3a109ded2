"""A new database of what a server has of a station. What a server does not have is not made up."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

import apsw
import numpy as np

from pumpwatch_gui.domain.alarms.alarm import AlarmState
from pumpwatch_gui.domain.detection import DetectionRow
from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.domain.journal import NOTE, JournalRow, alarm_of, alarm_to_json
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.store.archive.chunks import DAY_MS, PIECE, encoded_chunk, insert_chunks
from pumpwatch_gui.store.archive.compaction import PUT_ROLLUP, compact, rollup_rows
from pumpwatch_gui.store.archive.moving import resolutions_of
from pumpwatch_gui.store.archive.rollup import MINUTE_S, Rollup
from pumpwatch_gui.store.archive.rows import Rows
from pumpwatch_gui.store.audit import AuditRow, chained
from pumpwatch_gui.store.hot.opening import mark_writing
from pumpwatch_gui.store.ids import EPOCH_MS
from pumpwatch_gui.store.layout import SITE_KEY, column, columns_of_readings, reading_columns, site_note
from pumpwatch_gui.store.maintenance import WRITE, event_row
from pumpwatch_gui.store.reading_rows import add_sensors
from pumpwatch_gui.store.schema import folded, from_apsw, run, transaction, upgrades
from pumpwatch_gui.store.upgrading import upgrade
from pumpwatch_gui.store.windows import MODEL, WINDOW, packed

MINUTES_A_DAY = 86_400 // MINUTE_S
_FEEDBACK = "INSERT OR REPLACE INTO episode_feedback VALUES (?, ?, ?, ?, ?, ?, ?)"


class NewHistory:
    """A database that is being filled. One thread."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    @classmethod
    @contextmanager
    def at(cls, path: Path, station: int) -> Iterator["NewHistory"]:
        """A new database at `path`, forced to the disk at the end. Raises StoreError when it cannot be written."""
        try:
            path.open("xb").close()
            connection = apsw.Connection(os.fspath(path))
            try:
                run(connection, "PRAGMA synchronous = OFF")
                upgrade(connection, path, upgrades())
                yield cls(connection)
                with transaction(connection):
                    made = (("station", str(station)), ("columns", columns_of_readings(connection)))
                    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", made)
                    known: list[Any] = connection.execute("SELECT pump_id, pump_number FROM pumps").fetchall()
                    numbers = dict(known)
                    run(connection, "INSERT OR REPLACE INTO meta VALUES ('pumps', ?)", (json.dumps(numbers),))
                    mark_writing(connection, False)
            finally:
                connection.close()
            with path.open("rb+") as file:
                os.fsync(file.fileno())
        except apsw.Error as error:
            raise from_apsw(error, path) from error
        except OSError as error:
            text = f"{path} cannot be written: {error.strerror or error}"
            raise StoreError(text, "free space there, or correct its permissions") from error

    def pump(self, number: int, pump_id: str, name: str, profile: Mapping[str, Any], tags: Sequence[str]) -> None:
        """Note a pump; the bits of quality masks mean `tags` in their order."""
        with transaction(self._connection):
            kept = json.dumps({key: value for key, value in profile.items() if key != "derived_limits"})
            run(self._connection, "INSERT INTO pumps VALUES (?, ?, ?, ?)", (number, pump_id, name, kept))
            run(self._connection, "INSERT INTO layouts VALUES (?, 0, ?)", (number, json.dumps(list(tags))))
            known = reading_columns(self._connection)
            if more := [column(tag) for tag in tags if folded(column(tag)) not in known]:
                add_sensors(self._connection, more, resolutions_of(self._connection).get(number, {}))

    def site(self, name: str, noted_ns: int, pump_ids: Sequence[str]) -> None:
        """Note the name of the station and its pumps, for a history that is shown without a site file."""
        note = site_note(name, "", [(pump_id, "", "") for pump_id in pump_ids], noted_ns)
        run(self._connection, "INSERT OR REPLACE INTO meta VALUES (?, ?)", (SITE_KEY, note))

    def journal(self, rows: Sequence[JournalRow]) -> None:
        """Lines of the journal, with what follows from them: feedback on episodes."""
        with transaction(self._connection):
            for row in rows:
                values = (row.id, row.time_ns, row.kind, row.pump_id, row.severity, row.text, row.by)
                run(self._connection, "INSERT OR IGNORE INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (*values, json.dumps(row.detail)))  # fmt: skip
                said = row.detail
                if {"start_ns", "end_ns", "verdict"} <= said.keys():
                    about = (row.id, row.pump_id, said["start_ns"], said["end_ns"], said["verdict"])
                    run(self._connection, _FEEDBACK, (*about, str(said.get(NOTE, "")), row.by))

    def open_alarms(self, newest: Mapping[str, JournalRow]) -> int:
        """Take up the alarms that were not NORMAL by their newest lines, by alarm id; how many."""
        found = 0
        with transaction(self._connection):
            for alarm_id, row in newest.items():
                alarm = alarm_of(row)
                if alarm is not None and alarm.state is not AlarmState.NORMAL:
                    values = (alarm_id, json.dumps(alarm_to_json(alarm)))
                    run(self._connection, "INSERT OR REPLACE INTO open_alarms VALUES (?, ?)", values)
                    found += 1
        return found

    def maintenance(self, events: Sequence[tuple[int, MaintenanceEvent]]) -> None:
        """Maintenance events, each with the id of its row."""
        with transaction(self._connection):
            for key, event in events:
                run(self._connection, WRITE, event_row(event, key))

    def audit(self, rows: Sequence[tuple[AuditRow, bytes]]) -> bool:
        """The whole audit log with its hashes; False, and none is taken, where the chain is not whole."""
        before = b""
        for row, own in rows:
            before = chained(before, row)
            if before != own:
                return False
        with transaction(self._connection):
            for row, own in rows:
                values = (row.id, row.time_ns, row.action, row.pump_id, row.by, int(row.ok), row.text, own)
                run(self._connection, "INSERT INTO audit_log VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
        return True

    def detections(self, rows: Sequence[DetectionRow], profile: PumpProfile) -> None:
        """Detections of a pump with their scores."""
        tags = profile.tags
        with transaction(self._connection):
            for row in rows:
                if not all(map(isfinite, (row.score, row.threshold, row.reconstruction_loss))):
                    continue
                model = (row.kind, row.model_version, row.threshold)
                shares, states, counts = row.shares, row.sensor_states, row.sensor_anomaly_counts
                per_sensor = packed(
                    [float(shares.get(tag, 0.0)) for tag in tags], [str(states.get(tag, "MISSING")) for tag in tags],
                    [int(counts.get(tag, 0)) for tag in tags],
                )  # fmt: skip
                run(self._connection, MODEL, model)
                run(self._connection, "INSERT INTO anomaly_scores VALUES (?, ?)", (row.id, row.score))
                window = (row.id, *model, int(row.is_anomaly), row.reconstruction_loss, per_sensor, row.score)
                run(self._connection, WINDOW, window)

    def minutes(self, number: int, minutes: Mapping[str, Rollup]) -> None:
        """Minutes of a pump by series, their index counted from 2020; their readings are not there."""
        resolutions = resolutions_of(self._connection).get(number, {})
        with transaction(self._connection):
            for name, whole in minutes.items():
                days = whole.index // MINUTES_A_DAY
                for day in np.unique(days).tolist():
                    own = whole.take(days == day)
                    for row in rollup_rows(
                        self._connection, number, day, name, own, resolutions.get(name), replacing=False
                    ):
                        run(self._connection, PUT_ROLLUP, (number, *row))

    def readings(self, number: int, rows: Rows) -> None:
        """Readings of a pump, of times that come after those of before."""
        resolutions = resolutions_of(self._connection).get(number, {})
        days = rows.ms // DAY_MS
        for day in np.unique(days).tolist():
            with transaction(self._connection):
                part = encoded_chunk(number, PIECE, rows.take(days == day), resolutions)
                insert_chunks(self._connection, [part])

    def close_days(self, number: int, days: Sequence[int]) -> None:
        """Make one chunk of each of these days (since 2020), with its minutes and hours."""
        resolutions = resolutions_of(self._connection).get(number, {})
        for day in days:
            for _ in compact(self._connection, number, day, resolutions):
                pass


def local_id(key: int) -> int:
    """The id of a line in the database of its station."""
    return key >> 10


def as_stored(row: JournalRow) -> JournalRow:
    """A line as its station had it."""
    return replace(row, id=local_id(row.id))


def day_of(unix_ms: int) -> int:
    """The day (since 2020) of a time."""
    return (unix_ms - EPOCH_MS) // DAY_MS
