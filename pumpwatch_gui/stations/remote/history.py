"""What a server has stored of its stations. Keeps the port Historian."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.detection import DetectionRow
from pumpwatch_gui.domain.errors import InputError, StoreError
from pumpwatch_gui.domain.feedback import EpisodeFeedback, FeedbackVerdict
from pumpwatch_gui.domain.incident import Incident, IncidentSpan
from pumpwatch_gui.domain.journal import NOTE, JournalRow
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent, by_risk
from pumpwatch_gui.domain.ports import JournalQuery, Series
from pumpwatch_gui.domain.pump.derived import DerivedQuantities
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.replay import JournalIndex
from pumpwatch_gui.domain.sync import QuarantinedRow, SyncSettings
from pumpwatch_gui.domain.values.readings import ORIGINAL_TABLES, SCORE_TAG, Readings, RecordedPump, RecordedSite
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.stations.remote.incident import incident_of_server
from pumpwatch_gui.stations.remote.names import KEY_BITS, Names
from pumpwatch_gui.stations.remote.rows import detection_row, iso_of, journal_row, maintenance_event, reading_rows
from pumpwatch_gui.stations.remote.values import UNREADABLE, area_of, floats
from pumpwatch_gui.store.archive.rows import Rows, merged
from pumpwatch_gui.store.ids import EPOCH_MS, time_ns
from pumpwatch_gui.store.layout import series_of
from pumpwatch_gui.store.query.journal import alarm_facts
from pumpwatch_gui.store.query.journal_csv import write_journal
from pumpwatch_gui.store.query.recorded import profile_of
from pumpwatch_gui.store.query.streams import Piece, columns_of
from pumpwatch_gui.store.query.thinning import Thinned, highest_between, with_gaps
from pumpwatch_gui.sync.rest import Rest, RestError
from pumpwatch_gui.sync.secrets import SyncSecrets

LONGEST_S: Final = 30.0
PAGE: Final = 5_000
Floats = NDArray[np.float64]


class RemoteHistory:
    """The history of the stations that an account may see. Any thread; one question at a time goes to the server.

    What only a station has is not there: the scores of every second, counters, values of a sensor before its tag or
    place in the profile changed. Every call raises StoreError when the server cannot be read.
    """

    def __init__(self, settings: SyncSettings, secrets: SyncSecrets, names: Callable[[], Names]) -> None:
        self._settings, self._secrets, self._names = settings, secrets, names
        self._rest: Rest | None = None
        self._lock = threading.Lock()

    @property
    def names(self) -> Names:
        """What the stations and their pumps are called now."""
        return self._names()

    def close(self) -> None:
        """Close the connections; another question opens them again."""
        with self._lock:
            if self._rest is not None:
                self._rest.close()
                self._rest = None

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
        """Some quantities of a pump, see the port: of more than two hours the minutes, where the station sends them.

        Where a step is an hour or more the server reads the hours that it has made of them.
        """
        derived = DerivedQuantities(profile) if profile and set(tags) & {s.tag for s in profile.derived} else None
        series = tuple(dict.fromkeys(series_of(tag) for tag in (*tags, *(derived.leaf_tags if derived else ()))))
        place = self._names().split(pump_id)
        if place is None or end_ns <= start_ns:
            return _series(np.empty(0), np.empty((0, 3 * len(tags))), Thinned(*[np.empty(0)] * 4))
        span = {"since": iso_of(start_ns), "until": iso_of(end_ns)}
        said = self.ask(
            "view_series", {"station": place[0], "pump": place[1], "tags": series, "points": points, **span}
        )
        time_s, scored_s, score = floats(said["time"]) / 1e3, floats(said["score_time"]) / 1e3, floats(said["score"])
        found = {name: np.column_stack([floats(part) for part in parts])
                 for name, parts in zip(series, said["columns"], strict=True)}  # fmt: skip
        gap = np.full((time_s.size, 3), np.nan)
        columns = [found.get(series_of(tag), gap) for tag in tags]
        if derived:
            columns = _with_derived(columns, tags, derived, found, time_s.size)
        values = np.concatenate(columns, axis=1) if columns else np.empty((time_s.size, 0))
        return _series(*with_gaps(time_s, values), Thinned(scored_s, score, score, score))

    def journal(self, query: JournalQuery, *, limit: int = 1000) -> list[JournalRow]:
        """The newest lines first, at most `limit`; a server of before has those of alarms alone."""
        names = self._names()
        asked: dict[str, object] = {
            "words": query.text or None, "kinds": query.kinds, "before_ns": query.before_ns, "most": limit,
            "before_key": (query.before_id or 0) if query.before_ns is not None else None,
        }  # fmt: skip
        if query.pump_id is not None and (query.pump_id or not names.are_many):
            place = names.split(query.pump_id)
            if place is None:
                return []
            asked |= {"station": place[0], "pump": place[1]}
        elif query.pump_id is not None:
            asked["pump"] = ""
        return [journal_row(line, names) for line in self.ask("view_journal", asked)]

    def journal_index(self) -> JournalIndex:
        """Where in time every line of the journal is, and what it makes of an alarm."""
        numbers: dict[str, int] = {}
        found = []
        for row in reversed(list(self._lines(JournalQuery()))):
            alarm = row.detail if row.kind == "alarm" else {}
            came = alarm.get("raised_ns") == alarm.get("changed_ns")
            facts = alarm_facts(numbers, alarm.get("alarm_id"), alarm.get("state"), alarm.get("priority"), came)
            found.append((row.time_ns, row.id, *facts))
        return JournalIndex.of(found)

    def journal_lines(self, ids: Sequence[int]) -> list[JournalRow]:
        """The lines of these ids, in any order; those that are not there are left out."""
        names = self._names()
        parts = (list(ids[at : at + PAGE]) for at in range(0, len(ids), PAGE))
        return [
            journal_row(line, names)
            for part in parts
            for line in self.ask("view_journal", {"keys": part, "most": len(part)})
        ]

    def detections(self, pump_id: str, *, start_ns: int, end_ns: int, limit: int = 10_000) -> list[DetectionRow]:
        """The detections of a pump, oldest first: every anomaly, and one a minute of the others."""
        place = self._names().split(pump_id)
        if place is None:
            return []
        span = {"since": iso_of(start_ns), "until": iso_of(end_ns), "most": limit}
        return [
            detection_row(row) for row in self.ask("view_detections", {"station": place[0], "pump": place[1], **span})
        ]

    def write_incident(
        self, path: Path, span: IncidentSpan, *, cancelled: Callable[[], bool] = lambda: False
    ) -> Incident:
        """Write what the server has of the span, see the port: of pumps of one station, which has sent its readings."""
        return incident_of_server(self, path, span, cancelled=cancelled)

    def export_journal_csv(self, path: Path, query: JournalQuery) -> int:
        """Write the journal, newest first, as CSV; returns the lines written. The file is whole or not there."""
        return write_journal(path, self._lines(query))

    def _lines(self, query: JournalQuery) -> Iterator[JournalRow]:
        rows = self.journal(query, limit=PAGE)
        while rows:
            yield from rows
            if len(rows) < PAGE:
                return
            rows = self.journal(replace(query, before_ns=rows[-1].time_ns, before_id=rows[-1].id), limit=PAGE)

    def recording(self, pump_id: str, profile: PumpProfile, *, start_ns: int, end_ns: int) -> Recording:
        """Every reading of a pump as a recording. Raises InputError when the server has none of that time."""
        names = [series_of(tag) for tag in profile.tags]
        rows = merged(list(self._readings(pump_id, names, start_ns, end_ns)) or [reading_rows((), names)])
        if not rows.ms.size:
            text = f"the server has no reading of {pump_id} in that time"
            raise InputError(
                text, "choose another span; a station sends readings only where `readings` is in its streams"
            )
        values = np.column_stack([rows.column(name) for name in names])
        values[(rows.uncertain[:, np.newaxis] >> np.arange(len(names))) & 1 == 1] = np.nan
        return Recording(Path(f"{pump_id}.csv"), (rows.ms + EPOCH_MS) / 1e3, values, (), ())

    def feedback(self, pump_id: str, *, start_ns: int = 0, end_ns: int = 2**62) -> list[EpisodeFeedback]:
        """The newest feedback on each episode that began in the span, oldest first."""
        found: dict[int, EpisodeFeedback] = {}
        for row in self._lines(JournalQuery(pump_id=pump_id, kinds=("command",))):  # the newest first
            try:
                start, end, verdict = row.detail["start_ns"], row.detail["end_ns"], row.detail["verdict"]
                given_ns = time_ns(row.id >> KEY_BITS)
                said = EpisodeFeedback(
                    pump_id, start, end, FeedbackVerdict(verdict), str(row.detail.get(NOTE, "")), row.by, given_ns
                )
            except UNREADABLE:  # a line of another command
                continue
            if start_ns <= start < end_ns:
                found.setdefault(start, said)
        return [found[start] for start in sorted(found)]

    def maintenance(self, *, resolved: int = 500) -> list[MaintenanceEvent]:
        """Every open maintenance event and the newest `resolved` of those that are resolved, by risk."""
        names = self._names()
        return list(by_risk(maintenance_event(row, names) for row in self.ask("view_maintenance", {"most": resolved})))

    def quarantined(self, *, limit: int = 5000) -> list[QuarantinedRow]:
        """None: what the server refused is known to the station alone."""
        return []

    def recorded_pumps(self) -> tuple[RecordedPump, ...]:
        """Every pump of which the server has something, station after station."""
        names, rows = self._names(), self.ask("view_pumps", {})
        ends: dict[int, tuple[int, int]] = {}
        for row in rows:
            ends[row["station_id"]] = _widest(ends.get(row["station_id"], (0, 0)), _ends(row))
        found = []
        try:
            for row in rows:
                station = int(row["station_id"])
                first_ns, last_ns = (ms * 1_000_000 for ms in ends[station])
                pump_id, profile = names.shown(station, row["pump_id"]), profile_of(row["profile"])
                if station in names.stations:
                    area = area_of(names, station, "")
                    found.append(RecordedPump(pump_id, row["name"], profile, (), first_ns, last_ns, area))
        except UNREADABLE as error:
            raise StoreError(
                "the server has the profile of a pump that cannot be read", "update this program"
            ) from error
        return tuple(found)

    def recorded_site(self) -> RecordedSite:
        """The stations as one site."""
        return RecordedSite(", ".join(self._names().stations.values()), "", 0, self.recorded_pumps())

    def readings_of(
        self, pump_id: str, tags: Sequence[str], *, start_ns: int, end_ns: int, profile: PumpProfile
    ) -> Iterator[Readings]:
        """Every reading that the server has of some quantities of a pump, piece by piece; without counters."""
        derived = DerivedQuantities(profile)
        computed = set(derived.instant_tags) | {c.tag for c in derived.counters}
        own = [tag for tag in tags if tag not in computed and tag != SCORE_TAG]
        leaves = derived.leaf_tags if computed & set(tags) else ()
        stored = tuple(dict.fromkeys([*own, *leaves]))
        for rows in self._readings(pump_id, [series_of(tag) for tag in stored], start_ns, end_ns):
            if SCORE_TAG in tags:
                rows = self._scored(pump_id, rows)
            yield columns_of(Piece.of(rows, 0, stored, [(0, profile.tags)]), tags, derived, {})

    def table_rows(
        self, table: str, *, pump_ids: Sequence[str], start_ns: int, end_ns: int
    ) -> Iterator[list[tuple[object, ...]]]:
        """Rows of one of `ORIGINAL_TABLES` with its columns, piece by piece. KeyError for another."""
        columns = ORIGINAL_TABLES[table]
        if table == "maintenance_events":
            chosen = [e for e in self.maintenance(resolved=100_000) if e.pump_id in pump_ids]
            events = sorted((e for e in chosen if start_ns <= e.time_ns < end_ns), key=lambda e: e.time_ns)
            rows: list[tuple[object, ...]] = [
                (number, e.kind.name, e.severity.name, e.tag or None, e.estimated_cost, e.is_resolved,
                 e.time_ns // 1_000_000, e.pump_id) for number, e in enumerate(events, 1)
            ]  # fmt: skip
            yield from [rows] if rows else []
            return
        for pump_id in pump_ids:
            place = self._names().split(pump_id)
            function = "view_readings" if table == "sensor_readings" else "view_detections"
            for page in self.pages(function, place, start_ns, end_ns) if place else ():
                yield [tuple(_cell(row, name, pump_id) for name in columns) for row in page]

    # ---------------------------------------------------------------- the server

    def _readings(self, pump_id: str, series: Sequence[str], start_ns: int, end_ns: int) -> Iterator[Rows]:
        place = self._names().split(pump_id)
        for page in self.pages("view_readings", place, start_ns, end_ns) if place else ():
            yield reading_rows(page, series)

    def pages(
        self, function: str, place: tuple[int, str], start_ns: int, end_ns: int
    ) -> Iterator[Sequence[Mapping[str, Any]]]:
        """What a function returns of a pump (station and id there) over a span (Unix UTC), page by page."""
        since_ns = start_ns
        while True:
            span = {"since": iso_of(since_ns), "until": iso_of(end_ns), "most": PAGE}
            page: list[dict[str, Any]] = self.ask(function, {"station": place[0], "pump": place[1], **span})
            if page:
                yield page
            if len(page) < PAGE:
                return
            since_ns = int(page[-1]["ms"]) * 1_000_000 + 1_000

    def _scored(self, pump_id: str, rows: Rows) -> Rows:
        """With the scores of the detections that are stored of these very readings."""
        first, last = ((int(ms) + EPOCH_MS) * 1_000_000 for ms in (rows.ms[0], rows.ms[-1]))
        found = {d.time_ns // 1_000_000 - EPOCH_MS: d.score
                 for d in self.detections(pump_id, start_ns=first, end_ns=last + 1_000_000)}  # fmt: skip
        score = np.array([found.get(ms, np.nan) for ms in rows.ms.tolist()])
        return Rows(rows.ms, rows.values, score, rows.uncertain, rows.bad, rows.status)

    def ask(self, function: str, arguments: Mapping[str, object]) -> Any:
        """What a function of the server returns. Raises StoreError."""
        with self._lock:
            try:
                if self._rest is None:
                    self._rest = Rest(self._settings, self._secrets, is_viewer=True, timeout_s=LONGEST_S)
                return self._rest.call(function, arguments)
            except RestError as error:
                raise StoreError(error.message, error.advice) from error


def _with_derived(
    columns: list[Floats], tags: Sequence[str], derived: DerivedQuantities, found: Mapping[str, Floats], size: int
) -> list[Floats]:
    """With what is computed of the means of the sensors; the counters are the station's own."""
    inputs = np.full((size, derived.size), np.nan)
    for i, tag in enumerate(derived.profile.tags):
        if series_of(tag) in found:
            inputs[:, i] = found[series_of(tag)][:, 1]
    values = derived.evaluate(inputs)
    place = {tag: i for i, tag in enumerate(derived.instant_tags)}
    return [
        np.repeat(values[:, place[tag], np.newaxis], 3, axis=1) if tag in place else column
        for tag, column in zip(tags, columns, strict=True)
    ]


def _series(time_s: Floats, values: Floats, score: Thinned) -> Series:
    return Series(time_s, values[:, 0::3], values[:, 1::3], values[:, 2::3], highest_between(time_s, score))


def _cell(row: Mapping[str, Any], name: str, pump_id: str) -> object:
    """A column of one of the original's tables."""
    if name in ("timestamp", "pump_id"):
        return row["ms"] if name == "timestamp" else pump_id
    value = row.get(name)
    return json.dumps(value) if isinstance(value, dict) else value


def _ends(row: Mapping[str, Any]) -> tuple[int, int]:
    """The first and the last time of a pump (Unix ms, 0 for none), to the reading where the first minute has some."""
    raw_first, raw_last, first, last = (int(row[name] or 0) for name in ("raw_first", "raw_last", "first", "last"))
    if first and raw_first and raw_first // 60_000 * 60_000 > first:
        raw_first = first
    return raw_first or first, max(raw_last, last)


def _widest(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    starts = [start for start in (a[0], b[0]) if start]
    return min(starts, default=0), max(a[1], b[1])
