"""What one commit writes: items from the queue as rows, and the rows into the tables."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import apsw
import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.alarm import AlarmState
from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.domain.events import AlarmChanged, Event, FeedbackGiven, MaintenanceChanged
from pumpwatch_gui.domain.journal import alarm_to_json, journal_row
from pumpwatch_gui.domain.pump.counters import CounterRow
from pumpwatch_gui.domain.sync import SyncStream
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality
from pumpwatch_gui.store.audit import AuditRow, append_audit, audit_row
from pumpwatch_gui.store.ids import NUMBER_BITS, IdMaker, make_id
from pumpwatch_gui.store.layout import NORMAL, ColumnLayout
from pumpwatch_gui.store.maintenance import WRITE, event_row
from pumpwatch_gui.store.outbox import Notes, Outbox
from pumpwatch_gui.store.reading_rows import FIXED, NO_SCORE, cell_of_score, cells_of_values
from pumpwatch_gui.store.schema import DISK_FAULTS, Row, Value, run
from pumpwatch_gui.store.windows import MODEL, WINDOW, packed

NORMAL_EVERY_NS = 60 * 10**9
"""A whole detection that found nothing is kept once a minute; the score of every one is."""
REMEMBERED = 4096

_SCORE = "INSERT INTO anomaly_scores VALUES (?, ?)"
_SCORE_AT = FIXED.index("score")
_JOURNAL = "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_COUNTERS = "INSERT INTO counters VALUES (?, ?, ?, ?, ?, ?)"
_OPEN = "INSERT OR REPLACE INTO open_alarms VALUES (?, ?)"
_CLOSED = "DELETE FROM open_alarms WHERE alarm_id = ?"
_FEEDBACK = "INSERT INTO episode_feedback VALUES (?, ?, ?, ?, ?, ?, ?)"

Item = tuple[Frame, str] | Detection | CounterRow | Event


class Kind(Enum):
    """What is counted apart when it is lost."""

    READING = "reading"
    DETECTION = "detection"
    EVENT = "event"


def kind_of(item: Item) -> Kind:
    """What an item counts as."""
    if isinstance(item, tuple):
        return Kind.READING
    return Kind.DETECTION if isinstance(item, Detection) else Kind.EVENT


class Entry(NamedTuple):
    """One item as rows (statement, values), in the order in which they are written: all of them or none.

    A tuple, for there is one a reading: a frozen dataclass takes three times as long to make.
    """

    item: Item
    rows: tuple[tuple[str, Row], ...]
    audit: AuditRow | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """An item that cannot be written, now or later, and why."""

    item: Item
    reason: str


@dataclass(slots=True)
class Batch:
    """What one transaction writes.

    `refused` could not be made into rows, or SQLite did not take its rows. `unplaced` counts what fits no pump known
    here: a scan of a pump that left the site may still be under way. `first_id` is the lowest of readings and scores.
    `notes` are what the outbox gets of it, None while nothing is to be sent.
    """

    entries: list[Entry] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    unplaced: Counter[Kind] = field(default_factory=Counter)
    first_id: int = 1 << 62
    notes: Notes | None = None
    _calls: list[tuple[str, list[Row]]] = field(default_factory=list)
    _readings: dict[Value, tuple[list[Row], int]] = field(default_factory=dict)

    @property
    def reading_count(self) -> int:
        """How many readings it writes."""
        return sum(isinstance(entry.item, tuple) for entry in self.entries)

    def add(self, entry: Entry) -> None:
        """Take an entry in, after those there are."""
        # Neighbours that share a statement go in as one call, and the order stays: an alarm that is raised and returns
        # within one batch must be gone after it.
        for statement, values in entry.rows:
            if statement is _SCORE and self._score(*values):
                continue
            if not self._calls or self._calls[-1][0] != statement:
                self._calls.append((statement, []))
            self._calls[-1][1].append(values)
        if isinstance(entry.item, tuple):
            rows = self._calls[-1][1]
            self._readings[rows[-1][0]] = rows, len(rows) - 1
        self.entries.append(entry)
        if self.notes is not None:
            _note(self.notes, entry)

    def _score(self, key: Value, score: Value) -> bool:
        """Put a score into the row of its reading; False where that is not in this batch, or it does not fit."""
        cell = cell_of_score(float(str(score)))
        if key not in self._readings or not isinstance(cell, int):
            return False
        rows, at = self._readings[key]
        rows[at] = (*rows[at][:_SCORE_AT], cell, *rows[at][_SCORE_AT + 1 :])
        return True

    def write(self, connection: apsw.Connection) -> None:
        """Insert everything; inside a transaction."""
        for statement, rows in self._calls:
            connection.executemany(statement, rows)
        audit = [entry.audit for entry in self.entries if entry.audit is not None]
        if audit:
            append_audit(connection, audit)
        if self.notes is not None:
            self.notes.write(connection)

    def write_each(self, connection: apsw.Connection) -> "Batch":
        """Insert item by item, each in a savepoint; inside a transaction. Returns the batch that was written.

        What SQLite does not take is in its `refused`. Raises what is in DISK_FAULTS: the transaction is then to be
        rolled back whole.
        """
        notes = None if self.notes is None else Notes(self.notes.streams)
        written = Batch(refused=list(self.refused), unplaced=self.unplaced, notes=notes)
        for entry in self.entries:
            alone = Batch()
            alone.add(entry)
            run(connection, "SAVEPOINT entry")
            try:
                alone.write(connection)
            except DISK_FAULTS:
                raise  # SQLite may have rolled the transaction back already (FULL, IOERR): the savepoint is then gone
            except Exception as error:  # noqa: BLE001 - per row: what it raises lies in the row
                run(connection, "ROLLBACK TO entry")  # undoes its rows but leaves the savepoint open, hence RELEASE
                written.refused.append(Refused(entry.item, reason_of(error)))
            else:
                written.add(entry)
            run(connection, "RELEASE entry")
        if notes is not None:
            notes.write(connection)
        return written


class Encoder:
    """Turns items into rows. Used by the writer thread only."""

    def __init__(
        self, ids: IdMaker, station_ids: IdMaker, outbox: Outbox | None = None, *, newest_counters: int = 0
    ) -> None:
        self.ids = ids
        self._outbox = outbox or Outbox()
        self.station_ids = station_ids
        self._counters_id = newest_counters
        self.layouts: dict[str, ColumnLayout] = {}
        self._former: dict[str, ColumnLayout] = {}
        self._moved: dict[tuple[int, int], int] = {}
        self._kept_ns: dict[str, int] = {}
        self._anomalous: set[str] = set()

    def take_up(self, layouts: Mapping[str, ColumnLayout]) -> None:
        """Go over to changed pumps; frames still on their way in an old shape are understood."""
        self._former |= {i: lay for i, lay in self.layouts.items() if layouts.get(i) != lay}
        self.layouts = dict(layouts)

    def encode(self, items: Iterable[Item]) -> Batch:
        """The rows of `items`, in their order. Raises StoreError and what is in DISK_FAULTS (ids are looked up)."""
        batch = Batch(notes=self._outbox.begin())
        for item in items:
            try:
                self._encode(batch, item)
            except (StoreError, *DISK_FAULTS):
                raise
            except Exception as error:  # noqa: BLE001 - per row: what it raises lies in the row
                batch.refused.append(Refused(item, reason_of(error)))
        return batch

    def _encode(self, batch: Batch, item: Item) -> None:
        if isinstance(item, tuple):
            self._reading(batch, *item)
        elif isinstance(item, Detection):
            self._detection(batch, item)
        elif isinstance(item, CounterRow):
            self._counters(batch, item)
        else:
            self._event(batch, item)

    def _layout(self, pump_id: str, size: int) -> ColumnLayout | None:
        for layouts in (self.layouts, self._former):
            layout = layouts.get(pump_id)
            if layout is not None and len(layout.tags) == size:
                return layout
        return None

    def _reading(self, batch: Batch, frame: Frame, machine_status: str) -> None:
        layout = self._layout(frame.pump_id, frame.values.size)
        if layout is None:
            batch.unplaced[Kind.READING] += 1
            return
        key = self.ids.make(frame.time_ns, layout.number)
        if key != make_id(frame.time_ns, layout.number):
            self._remember(layout.number, frame.time_ns, key)
        uncertain, bad = masks(frame.quality)
        batch.first_id = min(batch.first_id, key)
        status = "" if machine_status == NORMAL else machine_status
        # SQLite stores a NaN as NULL, which is what a BAD value is to be.
        row = (key, status, uncertain, bad, NO_SCORE, *cells_of_values(frame.values, layout.steps))
        batch.add(Entry((frame, machine_status), ((layout.insert, row),)))

    def _remember(self, number: int, time_ns: int, key: int) -> None:
        self._moved[number, time_ns] = key
        if len(self._moved) > REMEMBERED:
            del self._moved[next(iter(self._moved))]

    def _detection(self, batch: Batch, found: Detection) -> None:
        layout = self._layout(found.pump_id, found.shares.size)
        if layout is None:
            batch.unplaced[Kind.DETECTION] += 1
            return
        key = self._moved.get((layout.number, found.time_ns), make_id(found.time_ns, layout.number))
        batch.first_id = min(batch.first_id, key)
        rows: list[tuple[str, Row]] = [(_SCORE, (key, found.score))]
        if self._is_worth_keeping(found):
            rows += detection_rows(found, key)
            self._kept_ns[found.pump_id] = found.time_ns
        batch.add(Entry(found, tuple(rows)))

    def _counters(self, batch: Batch, row: CounterRow) -> None:
        layout = self.layouts.get(row.pump_id) or self._former.get(row.pump_id)
        if layout is None:
            batch.unplaced[Kind.EVENT] += 1
            return
        # Always rising, whatever the clock does: the highest id has the present totals of a pump.
        after = ((self._counters_id >> NUMBER_BITS) + 1 << NUMBER_BITS) | layout.number
        key = self._counters_id = max(make_id(row.time_ns, layout.number), after)
        t = row.totals
        values = (key, t.run_s, t.starts, t.zone_cd_s, t.off_region_s, int(row.is_set))
        batch.add(Entry(row, ((_COUNTERS, values),)))

    def _is_worth_keeping(self, found: Detection) -> bool:
        was_anomalous = found.pump_id in self._anomalous
        (self._anomalous.add if found.is_anomaly else self._anomalous.discard)(found.pump_id)
        age_ns = found.time_ns - self._kept_ns.get(found.pump_id, 0)
        return found.is_anomaly or was_anomalous or not 0 <= age_ns < NORMAL_EVERY_NS

    def _event(self, batch: Batch, event: Event) -> None:
        key = self.station_ids.make(event.time_ns)
        rows: list[tuple[str, Row]] = []
        if isinstance(event, AlarmChanged):
            alarm = event.alarm
            is_closed = alarm.state is AlarmState.NORMAL
            text = json.dumps(alarm_to_json(alarm))
            rows.append((_CLOSED, (alarm.alarm_id,)) if is_closed else (_OPEN, (alarm.alarm_id, text)))
        if isinstance(event, FeedbackGiven):
            said = event.feedback
            row = (key, said.pump_id, said.start_ns, said.end_ns, said.verdict.value, said.note, said.by)
            rows.append((_FEEDBACK, row))
        if isinstance(event, MaintenanceChanged):
            rows.append((WRITE, event_row(event.event, key)))
        j = journal_row(event, key)
        line = (j.id, j.time_ns, j.kind, j.pump_id, j.severity, j.text, j.by, json.dumps(j.detail))
        rows.append((_JOURNAL, line))
        batch.add(Entry(event, tuple(rows), audit_row(event, key)))


def _note(notes: Notes, entry: Entry) -> None:
    """Note the rows of an entry that are to be sent."""
    item = entry.item
    if isinstance(item, tuple):
        key = int(str(entry.rows[0][1][0]))
        notes.add(SyncStream.READINGS, key)
        notes.add(SyncStream.ROLLUPS, key)
    elif isinstance(item, Detection):
        if len(entry.rows) > 1:  # the score alone is not sent
            notes.add(SyncStream.DETECTIONS, int(str(entry.rows[0][1][0])))
    elif not isinstance(item, CounterRow):  # an event: its line of the journal comes last
        notes.add(SyncStream.ALARMS, int(str(entry.rows[-1][1][0])))
        if isinstance(item, MaintenanceChanged):
            notes.add_event(item.event.event_id)
    if entry.audit is not None:
        notes.add(SyncStream.AUDIT, entry.audit.id)


def reason_of(error: Exception) -> str:
    """An error in one line."""
    return f"{type(error).__name__}: {error}"


def masks(quality: NDArray[np.uint8]) -> tuple[int, int]:
    """The uncertain and the bad mask of up to 64 qualities: bit i is sensor i, as a signed 64-bit integer."""
    if not quality.any():
        return 0, 0
    return _mask(quality == Quality.UNCERTAIN), _mask(quality == Quality.BAD)


def bits(mask: int, size: int) -> NDArray[np.bool_]:
    """The mask as `size` booleans, sensor 0 first."""
    raw = np.frombuffer(mask.to_bytes(8, "little", signed=True), dtype=np.uint8)
    return np.unpackbits(raw, bitorder="little")[:size].astype(bool)


def detection_rows(found: Detection, key: int) -> tuple[tuple[str, Row], ...]:
    """The rows of a detection that is kept whole: its model, unless that is known, and the window."""
    model = (found.kind, found.model_version, found.threshold)
    per_sensor = packed(found.shares.tolist(), found.sensor_states, found.sensor_anomaly_counts.tolist())
    window = (key, *model, int(found.is_anomaly), found.reconstruction_loss, per_sensor, found.score)
    return (MODEL, model), (WINDOW, window)


def _mask(flags: NDArray[np.bool_]) -> int:
    packed = np.packbits(flags, bitorder="little").tobytes()
    return int.from_bytes(packed.ljust(8, b"\0"), "little", signed=True)
