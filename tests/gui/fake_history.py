"""A historian in memory: what was put into it, and nothing else."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.alarm import AlarmState
from pumpwatch_gui.domain.detection import Detection, DetectionRow
from pumpwatch_gui.domain.errors import InputError, StoreError
from pumpwatch_gui.domain.events import Event, FeedbackGiven, MaintenanceChanged
from pumpwatch_gui.domain.feedback import EpisodeFeedback
from pumpwatch_gui.domain.incident import Incident, IncidentSpan
from pumpwatch_gui.domain.journal import JournalRow, alarm_of, journal_row
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent, by_risk
from pumpwatch_gui.domain.ports import JournalQuery, Series
from pumpwatch_gui.domain.pump.derived import DerivedQuantities
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.replay import JournalIndex
from pumpwatch_gui.domain.sync import QuarantinedRow
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality
from pumpwatch_gui.domain.values.readings import NOT_RECORDED, SCORE_TAG, Readings, RecordedPump, RecordedSite
from pumpwatch_gui.domain.values.recording import Recording

Floats = NDArray[np.float64]


class FakeHistorian:
    """Keeps the Historian port on lists."""

    def __init__(self) -> None:
        self._rows: list[JournalRow] = []
        self._frames: dict[str, list[Frame]] = {}
        self._tags: dict[str, tuple[str, ...]] = {}
        self._scores: dict[str, dict[float, float]] = {}
        self._feedback: list[EpisodeFeedback] = []
        self._maintenance: dict[str, MaintenanceEvent] = {}
        self.refused: list[QuarantinedRow] = []

    def put_event(self, event: Event) -> None:
        """Take an event into the journal."""
        self._rows.append(journal_row(event, len(self._rows) + 1))
        if isinstance(event, FeedbackGiven):
            self._feedback.append(replace(event.feedback, given_ns=event.time_ns))
        if isinstance(event, MaintenanceChanged):
            self._maintenance[event.event.event_id] = event.event

    def put_frame(self, frame: Frame, tags: tuple[str, ...]) -> None:
        """Take a frame of a pump with those tags."""
        self._frames.setdefault(frame.pump_id, []).append(frame)
        self._tags[frame.pump_id] = tags

    def put_detection(self, detection: Detection) -> None:
        """Take a score."""
        self._scores.setdefault(detection.pump_id, {})[detection.time_ns / 1e9] = detection.score

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
        """In buckets of equal numbers of frames where there are more than `points`."""
        frames = self._between(pump_id, start_ns, end_ns)
        time_s, values = np.array([f.time_s for f in frames], dtype=float), self._columns(pump_id, frames, tags)
        if profile is not None and frames:
            derived = DerivedQuantities(profile)
            found = derived.evaluate(self._columns(pump_id, frames, profile.tags))
            for column, tag in enumerate(tags):
                if tag in derived.instant_tags:
                    values[:, column] = found[:, derived.instant_tags.index(tag)]
        if time_s.size <= points:
            return Series(time_s, values, values, values, self._scores_at(pump_id, time_s))
        parts = np.array_split(np.arange(time_s.size), points)
        low, mean, high = (np.array([pick(values[p], axis=0) for p in parts]) for pick in (np.min, np.mean, np.max))
        time_s = np.array([time_s[p[0]] for p in parts])
        return Series(time_s, low, mean, high, self._scores_at(pump_id, time_s))

    def _scores_at(self, pump_id: str, time_s: Floats) -> Floats:
        scores, before_s = self._scores.get(pump_id, {}), np.concatenate(([-np.inf], time_s))[: time_s.size]
        between = [[x for at_s, x in scores.items() if a < at_s <= b] for a, b in zip(before_s, time_s, strict=True)]
        return np.array([max(found, default=np.nan) for found in between], dtype=float)

    def journal(self, query: JournalQuery, *, limit: int = 1000) -> list[JournalRow]:
        """The newest lines first, at most `limit`."""
        newest = sorted(self._rows, key=lambda r: (r.time_ns, r.id), reverse=True)
        return [row for row in newest if _passes(row, query)][:limit]

    def journal_index(self) -> JournalIndex:
        """Of the lines there are."""
        numbers: dict[str, int] = {}
        found = []
        for row in sorted(self._rows, key=lambda r: (r.time_ns, r.id)):
            alarm = alarm_of(row) if row.kind == "alarm" else None
            number = -1 if alarm is None else numbers.setdefault(alarm.alarm_id, len(numbers))
            is_open = alarm is not None and alarm.state is not AlarmState.NORMAL
            came = int(alarm.priority) if alarm and is_open and alarm.raised_ns == alarm.changed_ns else 0
            found.append((row.time_ns, row.id, number, is_open, came))
        return JournalIndex.of(found)

    def journal_lines(self, ids: Sequence[int]) -> list[JournalRow]:
        """Those that there are."""
        return [row for row in self._rows if row.id in ids]

    def detections(self, pump_id: str, *, start_ns: int, end_ns: int, limit: int = 10_000) -> list[DetectionRow]:
        """None: scores alone are kept."""
        return []

    def write_incident(
        self, path: Path, span: IncidentSpan, *, cancelled: Callable[[], bool] = lambda: False
    ) -> Incident:
        """Refuse: this is no database."""
        raise StoreError("a history in memory makes no incident files")

    def export_journal_csv(self, path: Path, query: JournalQuery) -> int:
        """Write the journal as CSV."""
        rows = self.journal(query, limit=len(self._rows))
        try:
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["time", "kind", "pump", "severity", "text", "by"])
                writer.writerows((r.time_ns, r.kind, r.pump_id, r.severity, r.text, r.by) for r in rows)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}", "choose another folder") from error
        return len(rows)

    def recording(self, pump_id: str, profile: PumpProfile, *, start_ns: int, end_ns: int) -> Recording:
        """Every reading of a pump; raises InputError when there is none."""
        frames = self._between(pump_id, start_ns, end_ns)
        if not frames:
            raise InputError(f"there is no reading of {pump_id} in that time", "choose a span in which it was recorded")
        values = self._columns(pump_id, frames, profile.tags, good_only=True)
        return Recording(Path(f"{pump_id}.csv"), np.array([f.time_s for f in frames]), values)

    def feedback(self, pump_id: str, *, start_ns: int = 0, end_ns: int = 2**62) -> list[EpisodeFeedback]:
        """The newest on each episode, oldest episode first."""
        newest = {f.start_ns: f for f in self._feedback if f.pump_id == pump_id and start_ns <= f.start_ns < end_ns}
        return [newest[start] for start in sorted(newest)]

    def maintenance(self, *, resolved: int = 500) -> list[MaintenanceEvent]:
        """Every open event and the newest resolved ones."""
        ordered = by_risk(self._maintenance.values())
        return list(ordered[: sum(not event.is_resolved for event in ordered) + resolved])

    def quarantined(self, *, limit: int = 5000) -> list[QuarantinedRow]:
        """Those that a test has put there."""
        return sorted(self.refused, key=lambda row: -row.time_ns)[:limit]

    def recorded_pumps(self) -> tuple[RecordedPump, ...]:
        """Those that have frames, with sensors that are called by their tags."""
        found = []
        every = [frame.time_ns for frames in self._frames.values() for frame in frames]
        ends = min(every, default=0), max(every, default=0)
        for pump_id in self._frames:
            sensors = tuple(Sensor(tag, tag, "", (-1e9, 1e9)) for tag in self._tags[pump_id])
            found.append(RecordedPump(pump_id, pump_id, PumpProfile("fake", sensors), (), *ends))
        return tuple(found)

    def recorded_site(self) -> RecordedSite:
        """Not noted."""
        return RecordedSite("", "", 0, self.recorded_pumps())

    def readings_of(
        self, pump_id: str, tags: Sequence[str], *, start_ns: int, end_ns: int, profile: PumpProfile
    ) -> Iterator[Readings]:
        """One piece."""
        frames, own = self._between(pump_id, start_ns, end_ns), self._tags.get(pump_id, ())
        if not frames:
            return
        values, quality = self._columns(pump_id, frames, tags), np.full((len(frames), len(tags)), NOT_RECORDED)
        for column, tag in enumerate(tags):
            if tag in own:
                quality[:, column] = [frame.quality[own.index(tag)] for frame in frames]
            elif tag == SCORE_TAG:
                scores = self._scores.get(pump_id, {})
                values[:, column] = [scores.get(frame.time_ns / 1e9, np.nan) for frame in frames]
                quality[~np.isnan(values[:, column]), column] = Quality.GOOD
        yield Readings(np.array([frame.time_ns // 1_000_000 for frame in frames]), values, quality)

    def table_rows(
        self, table: str, *, pump_ids: Sequence[str], start_ns: int, end_ns: int
    ) -> Iterator[list[tuple[object, ...]]]:
        """None: the tables of the original are of a database."""
        yield from ()

    def _between(self, pump_id: str, start_ns: int, end_ns: int) -> list[Frame]:
        return [f for f in self._frames.get(pump_id, []) if start_ns <= f.time_ns < end_ns]

    def _columns(
        self, pump_id: str, frames: Sequence[Frame], tags: Sequence[str], *, good_only: bool = False
    ) -> Floats:
        table = np.full((len(frames), len(tags)), np.nan)
        own = self._tags.get(pump_id, ())
        for column, tag in enumerate(tags):
            if tag in own:
                i = own.index(tag)
                for row, frame in enumerate(frames):
                    if not good_only or frame.quality[i] == Quality.GOOD:
                        table[row, column] = frame.values[i]
        return table


def _passes(row: JournalRow, query: JournalQuery) -> bool:
    if query.before_ns is not None:
        bound = (query.before_ns, query.before_id if query.before_id is not None else 0)
        if (row.time_ns, row.id) >= bound:
            return False
    text = (query.text or "").lower()
    return (
        query.pump_id in (None, row.pump_id)
        and (query.kinds is None or row.kind in query.kinds)
        and (text in row.text.lower() or text in row.by.lower())
    )
