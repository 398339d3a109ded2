"""What one commit writes: items from the queue as rows, and the rows into the tables."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import apsw
import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.alarm import AlarmState
from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.events import AlarmChanged, Event, FeedbackGiven
from pumpwatch_gui.domain.journal import JournalRow, alarm_to_json, journal_row
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality
from pumpwatch_gui.store.audit import AuditRow, acknowledged_by, append_audit, audit_row
from pumpwatch_gui.store.ids import IdMaker, make_id
from pumpwatch_gui.store.layout import ColumnLayout
from pumpwatch_gui.store.schema import Row

NORMAL_EVERY_NS = 60 * 10**9
"""A whole detection that found nothing is kept once a minute; the score of every one is."""
REMEMBERED = 4096

Item = tuple[Frame, str] | Detection | Event


@dataclass(slots=True)
class Batch:
    """Rows of one transaction. `readings` by insert statement; `alarms` id → JSON, None for one back to NORMAL.

    `unplaced` counts frames that fit no pump known here: they cannot be written.
    """

    readings: dict[str, list[Row]] = field(default_factory=dict)
    scores: list[Row] = field(default_factory=list)
    detections: list[Row] = field(default_factory=list)
    journal: list[JournalRow] = field(default_factory=list)
    alarms: dict[str, str | None] = field(default_factory=dict)
    audit: list[AuditRow] = field(default_factory=list)
    feedback: list[Row] = field(default_factory=list)
    unplaced: int = 0

    @property
    def reading_count(self) -> int:
        """How many readings it holds."""
        return sum(map(len, self.readings.values()))

    def write(self, connection: apsw.Connection) -> None:
        """Insert everything; inside a transaction."""
        for insert, rows in self.readings.items():
            connection.executemany(insert, rows)
        connection.executemany("INSERT OR REPLACE INTO anomaly_scores VALUES (?, ?)", self.scores)
        marks = ", ".join("?" * 11)
        connection.executemany(f"INSERT OR REPLACE INTO anomaly_detections VALUES ({marks})", self.detections)
        rows = [
            (j.id, j.time_ns, j.kind, j.pump_id, j.severity, j.text, j.by, json.dumps(j.detail)) for j in self.journal
        ]
        connection.executemany("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        for alarm_id, alarm in self.alarms.items():
            if alarm is None:
                connection.execute("DELETE FROM open_alarms WHERE alarm_id = ?", (alarm_id,))
            else:
                connection.execute("INSERT OR REPLACE INTO open_alarms VALUES (?, ?)", (alarm_id, alarm))
        connection.executemany("INSERT INTO episode_feedback VALUES (?, ?, ?, ?, ?, ?, ?)", self.feedback)
        if self.audit:
            append_audit(connection, self.audit)


class Encoder:
    """Turns items into rows. Used by the writer thread only. `states` are the alarms open at the start."""

    def __init__(self, ids: IdMaker, station_ids: IdMaker, states: Mapping[str, AlarmState]) -> None:
        self.ids = ids
        self.station_ids = station_ids
        self.layouts: dict[str, ColumnLayout] = {}
        self._former: dict[str, ColumnLayout] = {}
        self._states = dict(states)
        self._moved: dict[tuple[int, int], int] = {}
        self._kept_ns: dict[str, int] = {}
        self._anomalous: set[str] = set()

    def take_up(self, layouts: Mapping[str, ColumnLayout]) -> None:
        """Go over to changed pumps; frames still on their way in an old shape are understood."""
        self._former |= {i: lay for i, lay in self.layouts.items() if layouts.get(i) != lay}
        self.layouts = dict(layouts)

    def encode(self, items: Iterable[Item]) -> Batch:
        """The rows of `items`, in their order."""
        batch = Batch()
        for item in items:
            if isinstance(item, tuple):
                self._reading(batch, *item)
            elif isinstance(item, Detection):
                self._detection(batch, item)
            else:
                self._event(batch, item)
        return batch

    def _layout(self, pump_id: str, size: int) -> ColumnLayout | None:
        for layouts in (self.layouts, self._former):
            layout = layouts.get(pump_id)
            if layout is not None and len(layout.tags) == size:
                return layout
        return None

    def _reading(self, batch: Batch, frame: Frame, machine_status: str) -> None:
        layout = self._layout(frame.pump_id, frame.values.size)
        if layout is None:
            batch.unplaced += 1
            return
        key = self.ids.make(frame.time_ns, layout.number)
        if key != make_id(frame.time_ns, layout.number):
            self._remember(layout.number, frame.time_ns, key)
        uncertain, bad = masks(frame.quality)
        # SQLite stores a NaN as NULL, which is what a BAD value is to be.
        row = (key, machine_status, uncertain, bad, *frame.values.tolist())
        batch.readings.setdefault(layout.insert, []).append(row)

    def _remember(self, number: int, time_ns: int, key: int) -> None:
        self._moved[number, time_ns] = key
        if len(self._moved) > REMEMBERED:
            del self._moved[next(iter(self._moved))]

    def _detection(self, batch: Batch, found: Detection) -> None:
        layout = self._layout(found.pump_id, found.shares.size)
        if layout is None:
            return
        key = self._moved.get((layout.number, found.time_ns), make_id(found.time_ns, layout.number))
        batch.scores.append((key, found.score))
        if self._is_worth_keeping(found):
            self._kept_ns[found.pump_id] = found.time_ns
            batch.detections.append(detection_row(found, key, layout.tags))

    def _is_worth_keeping(self, found: Detection) -> bool:
        was_anomalous = found.pump_id in self._anomalous
        (self._anomalous.add if found.is_anomaly else self._anomalous.discard)(found.pump_id)
        age_ns = found.time_ns - self._kept_ns.get(found.pump_id, 0)
        return found.is_anomaly or was_anomalous or not 0 <= age_ns < NORMAL_EVERY_NS

    def _event(self, batch: Batch, event: Event) -> None:
        key = self.station_ids.make(event.time_ns)
        acknowledged = ""
        if isinstance(event, AlarmChanged):
            alarm = event.alarm
            acknowledged = acknowledged_by(event, self._states.get(alarm.alarm_id))
            self._states[alarm.alarm_id] = alarm.state
            is_open = alarm.state is not AlarmState.NORMAL
            batch.alarms[alarm.alarm_id] = json.dumps(alarm_to_json(alarm)) if is_open else None
        if isinstance(event, FeedbackGiven):
            said = event.feedback
            row = (key, said.pump_id, said.start_ns, said.end_ns, said.verdict.value, said.note, said.by)
            batch.feedback.append(row)
        batch.journal.append(journal_row(event, key, acknowledged=acknowledged))
        audit = audit_row(event, key, acknowledged=acknowledged)
        if audit is not None:
            batch.audit.append(audit)


def masks(quality: NDArray[np.uint8]) -> tuple[int, int]:
    """The uncertain and the bad mask of up to 64 qualities: bit i is sensor i, as a signed 64-bit integer."""
    if not quality.any():
        return 0, 0
    return _mask(quality == Quality.UNCERTAIN), _mask(quality == Quality.BAD)


def bits(mask: int, size: int) -> NDArray[np.bool_]:
    """The mask as `size` booleans, sensor 0 first."""
    raw = np.frombuffer(mask.to_bytes(8, "little", signed=True), dtype=np.uint8)
    return np.unpackbits(raw, bitorder="little")[:size].astype(bool)


def detection_row(found: Detection, key: int, tags: tuple[str, ...]) -> Row:
    """A row of `anomaly_detections`; its JSON is keyed by tag."""
    return (
        key,
        key,
        int(found.is_anomaly),
        found.reconstruction_loss,
        found.threshold,
        json.dumps(dict(zip(tags, found.sensor_states, strict=True))),
        json.dumps(dict(zip(tags, found.sensor_anomaly_counts.tolist(), strict=True))),
        json.dumps({t: round(s, 5) for t, s in zip(tags, found.shares.tolist(), strict=True)}),
        found.score,
        found.kind,
        found.model_version,
    )


def _mask(flags: NDArray[np.bool_]) -> int:
    packed = np.packbits(flags, bitorder="little").tobytes()
    return int.from_bytes(packed.ljust(8, b"\0"), "little", signed=True)
