"""What every historian promises, whichever it is. A new one adds its class to `KEEPERS`."""

import csv
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
from typing_extensions import override

from pumpwatch_gui.bench.rigs.accounts import Accounts
from pumpwatch_gui.bench.rigs.central import Central
from pumpwatch_gui.bench.rigs.sending import SendingStation
from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.errors import InputError, StoreError
from pumpwatch_gui.domain.events import (
    AlarmChanged,
    Event,
    FeedbackGiven,
    MaintenanceChanged,
    Note,
    OrderDone,
    RunStateChanged,
)
from pumpwatch_gui.domain.feedback import EpisodeFeedback, FeedbackVerdict
from pumpwatch_gui.domain.incident import SUFFIX, IncidentSpan
from pumpwatch_gui.domain.maintenance.event import EventSeverity, EventType, MaintenanceEvent
from pumpwatch_gui.domain.ports import Historian, JournalQuery, Series
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.sync import SyncSettings, SyncStream
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.domain.values.readings import NOT_RECORDED, SCORE_TAG
from pumpwatch_gui.stations.remote.history import RemoteHistory
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.store.incident import read_incident
from pumpwatch_gui.store.query.history import History
from tests.conftest import wait_until
from tests.gui.fake_history import FakeHistorian
from tests.store.rigs.archiving import archive_all
from tests.sync.conftest import needs_server
from tests.sync.viewers import NUMBERS, member, remote_history

START_NS = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
LATER_NS = 3 * 86_400 * SECOND
PROFILE = PumpProfile("two", (Sensor("speed", "Speed", "rpm", (-1e6, 1e6)), Sensor("heat", "Heat", "degC", (-99, 999))))


class Keeper(Protocol):
    """Takes what a historian shall give back."""

    def put_event(self, event: Event) -> None: ...

    def put_frame(self, frame: Frame, tags: tuple[str, ...]) -> None: ...

    def put_detection(self, detection: Detection) -> None: ...

    def historian(self) -> Historian:
        """Everything that was put in can be read."""


PUMPS = tuple(PumpRow(pump_id, pump_id, PROFILE) for pump_id in ("P-1", "P-2", "P-9"))


class Stored:
    """The history on a real database file."""

    def __init__(self, folder: Path, station: int = 7) -> None:
        self._path = folder / "pumpwatch.db"
        self._store = Store(self._path, station=station, pumps=PUMPS, on_trouble=lambda _: None)

    def put_event(self, event: Event) -> None:
        self._store.offer_event(event)

    def put_frame(self, frame: Frame, tags: tuple[str, ...]) -> None:
        self._store.offer_frame(frame, "NORMAL")

    def put_detection(self, detection: Detection) -> None:
        self._store.offer_detection(detection)

    def historian(self) -> Historian:
        ended = threading.Event()
        ended.set()
        self._store.run(ended)
        return History(self._path)


class Archived(Stored):
    """The same after days, by a reading of another pump: the readings are chunks of a day, with their rollups."""

    @override
    def historian(self) -> Historian:
        at_ns = START_NS + LATER_NS
        values, zeros = np.zeros(2), np.zeros(2, np.uint8)
        self._store.offer_frame(Frame("P-9", 0, at_ns, at_ns, values, zeros, zeros), "NORMAL")
        historian = super().historian()
        archive_all(self._path)
        return historian


class Mixed(Stored):
    """The same half-way: pieces of a day, the newest readings as rows, and those of some pieces still there as well."""

    @override
    def historian(self) -> Historian:
        historian = super().historian()
        archive_all(self._path, piece_ms=3_000, kept_ms=30_000)
        return historian


class Sent(Stored):
    """The same on a server, read through it by an account that only reads."""

    def __init__(self, folder: Path, central: Central, accounts: Accounts) -> None:
        self.made: RemoteHistory | None = None
        self._number, self._central, self._accounts = next(NUMBERS), central, accounts
        super().__init__(folder, self._number)
        self._store.outbox.streams = frozenset(SyncStream)

    @override
    def historian(self) -> Historian:
        super().historian()  # all of it is written and noted before sending begins: else it might be through too soon
        account = member(self._central, self._accounts, self._number, "collector")
        settings = SyncSettings(self._central.url, account, self._accounts.url, frozenset(SyncStream))
        sending = SendingStation(
            self._path, settings, station=self._number, password="a password", pumps=PUMPS
        )  # fmt: skip
        sending.start()
        try:
            wait_until(sending.is_through, within_s=40)
        finally:
            sending.end()
        self.made = remote_history(self._central, self._accounts, self._number)
        return self.made


class Faked(FakeHistorian):
    """The fake's, which needs no writing."""

    def __init__(self, _folder: Path) -> None:
        super().__init__()

    def historian(self) -> Historian:
        return self


KEEPERS: dict[str, Callable[[Path], Keeper]] = {
    "rows": Stored,
    "archived": Archived,
    "mixed": Mixed,
    "fake": Faked,
}


@pytest.fixture(params=[*KEEPERS, pytest.param("server", marks=needs_server)])
def keeper(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Keeper]:
    if request.param != "server":
        yield KEEPERS[request.param](tmp_path)
        return
    sent = Sent(tmp_path, request.getfixturevalue("central"), request.getfixturevalue("accounts"))
    yield sent
    if sent.made is not None:
        sent.made.close()


def frame(second: float, *values: float | None, uncertain: bool = False, pump_id: str = "P-1") -> Frame:
    """A frame; None is BAD."""
    array = np.array([np.nan if v is None else v for v in values], dtype=float)
    quality = np.where(np.isnan(array), Quality.BAD, Quality.UNCERTAIN if uncertain else Quality.GOOD).astype(np.uint8)
    reason = np.where(quality == Quality.GOOD, Reason.NONE, Reason.SENSOR_FAILURE).astype(np.uint8)
    at_ns = int(second * SECOND)
    return Frame(pump_id, 0, START_NS + at_ns, at_ns, array, quality, reason)


def detection(second: float, score: float) -> Detection:
    at_ns = int(second * SECOND)
    return Detection(
        "P-1", 0, START_NS + at_ns, at_ns, "chart", score, score, 1.0, score > 1, np.array([0.6, 0.4]),
        ("NORMAL", "NORMAL"), np.zeros(2, np.int64), "v1",
    )  # fmt: skip


def span(historian: Historian, start_s: float, end_s: float, *, points: int = 2000, pump_id: str = "P-1") -> Series:
    at = [START_NS + int(s * SECOND) for s in (start_s, end_s)]
    return historian.read(pump_id, ("heat", "speed"), start_ns=at[0], end_ns=at[1], points=points)


# -------------------------------------------------------------------- readings


def test_readings_come_back_as_they_were_from_the_start_up_to_the_end(keeper: Keeper) -> None:
    for second in range(10):
        keeper.put_frame(frame(second, float(second), 50.0 + second), PROFILE.tags)
    series = span(keeper.historian(), 2, 6)
    assert (series.time_s - START_NS / 1e9).tolist() == [2, 3, 4, 5]
    assert series.mean.tolist() == [[52, 2], [53, 3], [54, 4], [55, 5]]
    assert series.low.tolist() == series.high.tolist() == series.mean.tolist()


def test_a_bad_value_is_a_gap_and_so_is_a_sensor_or_a_pump_that_is_unknown(keeper: Keeper) -> None:
    keeper.put_frame(frame(0, 1.0, 50.0), PROFILE.tags)
    keeper.put_frame(frame(1, None, 51.0), PROFILE.tags)
    historian = keeper.historian()
    assert np.isnan(span(historian, 0, 5).mean[:, 1]).tolist() == [False, True]
    unknown = historian.read("P-1", ("speed", "other"), start_ns=START_NS, end_ns=START_NS + 5 * SECOND)
    assert np.isnan(unknown.mean[:, 1]).all()
    for pump_id in ("P-2", "P-999"):
        empty = span(historian, 0, 5, pump_id=pump_id)
        assert (empty.time_s.size, empty.mean.shape) == (0, (0, 2))


def test_many_readings_are_thinned_and_keep_their_extremes(keeper: Keeper) -> None:
    for second in range(600):
        keeper.put_frame(frame(second, 1000.0 if second == 321 else 1.0, 50.0), PROFILE.tags)
    series = span(keeper.historian(), 0, 600, points=50)
    assert 10 <= series.time_s.size <= 60
    assert series.high[:, 1].max() == 1000.0
    assert series.low[:, 1].max() == 1.0
    assert (series.low <= series.mean).all()
    assert (series.mean <= series.high).all()


@pytest.mark.parametrize("points", [2000, 20])
def test_the_scores_come_with_the_readings_and_keep_their_extremes(keeper: Keeper, points: int) -> None:
    for second in range(100):
        keeper.put_frame(frame(second, 1.0, 50.0), PROFILE.tags)
        if second >= 50:
            keeper.put_detection(detection(second, 3.0 if second == 77 else 0.5))
    series = span(keeper.historian(), 0, 100, points=points)
    assert series.score.shape == series.time_s.shape
    early = series.time_s < START_NS / 1e9 + 45
    assert np.isnan(series.score[early]).all()
    assert np.nanmax(series.score) == 3.0
    assert np.nanmin(series.score) == 0.5
    if points == 2000:
        assert np.flatnonzero(series.score == 3.0).tolist() == [77]


def test_a_recording_has_every_reading_in_the_order_of_the_profile_and_no_uncertain_one(keeper: Keeper) -> None:
    for second in range(5):
        keeper.put_frame(frame(second, float(second), 50.0, uncertain=second == 3), PROFILE.tags)
    historian = keeper.historian()
    recording = historian.recording("P-1", PROFILE, start_ns=START_NS, end_ns=START_NS + 9 * SECOND)
    assert recording.values[:, 0][[0, 1, 2, 4]].tolist() == [0, 1, 2, 4]
    assert np.isnan(recording.values[3]).all()
    with pytest.raises(InputError, match="P-2"):
        historian.recording("P-2", PROFILE, start_ns=START_NS, end_ns=START_NS + 9 * SECOND)


def test_stored_readings_come_whole_with_their_qualities(keeper: Keeper) -> None:
    for second in range(6):
        keeper.put_frame(
            frame(second, None if second == 2 else float(second), 50.0, uncertain=second == 3), PROFILE.tags
        )
    keeper.put_detection(detection(4, 0.5))
    historian = keeper.historian()
    tags = ("heat", "speed", SCORE_TAG, "other")
    pieces = list(
        historian.readings_of("P-1", tags, start_ns=START_NS + SECOND, end_ns=START_NS + 5 * SECOND, profile=PROFILE)
    )
    time_ms = np.concatenate([piece.time_ms for piece in pieces])
    quality = np.concatenate([piece.quality for piece in pieces])
    values = np.concatenate([piece.values for piece in pieces])
    assert (time_ms - START_NS // 10**6).tolist() == [1000, 2000, 3000, 4000]
    assert quality[:, 1].tolist() == [Quality.GOOD, Quality.BAD, Quality.UNCERTAIN, Quality.GOOD]
    assert values[[0, 2, 3], 1].tolist() == [1.0, 3.0, 4.0]
    assert quality[:, 2].tolist() == [NOT_RECORDED, NOT_RECORDED, NOT_RECORDED, Quality.GOOD]
    assert values[3, 2] == 0.5
    assert (quality[:, 3] == NOT_RECORDED).all()
    nothing = historian.readings_of("P-9", tags, start_ns=START_NS, end_ns=START_NS + SECOND, profile=PROFILE)
    assert list(nothing) == []


def test_the_pumps_of_a_history_are_known_with_their_tags_and_ends(keeper: Keeper) -> None:
    for second in (3, 8):
        keeper.put_frame(frame(second, 1.0, 2.0), PROFILE.tags)
    found = {pump.pump_id: pump for pump in keeper.historian().recorded_pumps()}
    assert found["P-1"].profile.tags == PROFILE.tags
    later_ns = LATER_NS if isinstance(keeper, Archived) else 8 * SECOND  # the ends are those of the whole history
    assert (found["P-1"].first_ns, found["P-1"].last_ns) == (START_NS + 3 * SECOND, START_NS + later_ns)


# -------------------------------------------------------------------- journal


@pytest.fixture
def journal(keeper: Keeper) -> Historian:
    """Six lines, two of them at one instant."""
    keeper.put_event(Note(START_NS, "Started"))
    keeper.put_event(RunStateChanged(START_NS + 1 * SECOND, "P-1", True))
    keeper.put_event(OrderDone(START_NS + 2 * SECOND, "a", "record", True, "Filter 50% cleaned", "asha", "P-1"))
    keeper.put_event(OrderDone(START_NS + 2 * SECOND, "b", "record", False, "refused", "ravi", "P-2"))
    keeper.put_event(RunStateChanged(START_NS + 3 * SECOND, "P-2", False))
    keeper.put_event(Note(START_NS + 4 * SECOND, "Stopped", "WARNING"))
    return keeper.historian()


def test_the_newest_lines_come_first_and_no_more_than_the_limit(journal: Historian) -> None:
    rows = journal.journal(JournalQuery())
    assert [row.time_ns for row in rows] == sorted((row.time_ns for row in rows), reverse=True)
    assert [row.text for row in rows][::5] == ["Stopped", "Started"]
    assert journal.journal(JournalQuery(), limit=2) == rows[:2]
    assert len({row.id for row in rows}) == 6


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        (JournalQuery(pump_id="P-1"), ["Filter 50% cleaned", "Pump started"]),
        (JournalQuery(kinds=("run", "note"), pump_id="P-2"), ["Pump stopped"]),
        (JournalQuery(text="FILTER"), ["Filter 50% cleaned"]),
        (JournalQuery(text="0% c"), ["Filter 50% cleaned"]),
        (JournalQuery(text="RAVI"), ["refused"]),
        (JournalQuery(text="no such words"), []),
        (JournalQuery(before_ns=START_NS + SECOND), ["Started"]),
    ],
)
def test_a_query_lets_through_what_it_says(journal: Historian, query: JournalQuery, texts: list[str]) -> None:
    assert [row.text for row in journal.journal(query)] == texts


def test_paging_on_loses_no_line_and_repeats_none(journal: Historian) -> None:
    pages, query = [], JournalQuery()
    while rows := journal.journal(query, limit=1):
        pages += rows
        query = JournalQuery(before_ns=rows[-1].time_ns, before_id=rows[-1].id)
    assert pages == journal.journal(JournalQuery())


def test_the_journal_is_exported_as_the_query_says_or_not_at_all(journal: Historian, tmp_path: Path) -> None:
    out = tmp_path / "journal.csv"
    assert journal.export_journal_csv(out, JournalQuery(pump_id="P-1")) == 2
    with out.open(encoding="utf-8", newline="") as file:
        head, *lines = csv.reader(file)
    assert head == ["time", "kind", "pump", "severity", "text", "by"]
    assert [line[1:] for line in lines] == [
        ["command", "P-1", "INFO", "Filter 50% cleaned", "asha"],
        ["run", "P-1", "INFO", "Pump started", ""],
    ]
    nowhere = tmp_path / "no such folder" / "journal.csv"
    with pytest.raises(StoreError):
        journal.export_journal_csv(nowhere, JournalQuery())
    assert not nowhere.exists()


# -------------------------------------------------------------------- feedback


def test_the_newest_feedback_on_each_episode_comes_back_oldest_episode_first(keeper: Keeper) -> None:
    given = [
        EpisodeFeedback("P-1", start * SECOND, start * SECOND + 5, verdict, note, "asha")
        for start, verdict, note in (
            (20, FeedbackVerdict.FALSE, "first word"),
            (10, FeedbackVerdict.TRUE, "a bearing"),
            (20, FeedbackVerdict.TRUE, "second word"),
        )
    ]
    for i, feedback in enumerate(given):
        keeper.put_event(FeedbackGiven(START_NS + i * SECOND, feedback))
    historian = keeper.historian()
    found = historian.feedback("P-1")
    assert [(f.start_ns // SECOND, f.note) for f in found] == [(10, "a bearing"), (20, "second word")]
    assert [f.note for f in historian.feedback("P-1", start_ns=11 * SECOND, end_ns=21 * SECOND)] == ["second word"]
    assert historian.feedback("P-1", start_ns=21 * SECOND) == historian.feedback("P-2") == []


# -------------------------------------------------------------------- maintenance


def test_maintenance_comes_back_as_it_is_now_the_open_by_risk_before_the_newest_resolved(keeper: Keeper) -> None:
    def event(name: str, severity: EventSeverity, resolved_ns: int = 0, version: int = 1) -> MaintenanceEvent:
        return MaintenanceEvent(
            name, "P-1", START_NS, EventType.INSPECTION, severity, name, 5.0, "EUR", resolved_ns=resolved_ns,
            row_version=version,
        )  # fmt: skip

    given = [
        event("low", EventSeverity.LOW),
        event("early", EventSeverity.HIGH),
        event("high", EventSeverity.HIGH),
        event("late", EventSeverity.LOW, 9 * SECOND),
        replace(
            event("early", EventSeverity.HIGH, 8 * SECOND, 2), is_failure=True, down_from_ns=START_NS, down_s=5400.0
        ),
    ]
    for i, one in enumerate(given):
        keeper.put_event(MaintenanceChanged(START_NS + i * SECOND, one, "changed"))
    historian = keeper.historian()
    assert [one.title for one in historian.maintenance()] == ["high", "low", "late", "early"]
    assert [one.title for one in historian.maintenance(resolved=1)] == ["high", "low", "late"]
    late, early = historian.maintenance()[2:]
    assert (early.is_failure, early.down_from_ns, early.down_s) == (True, START_NS, 5400.0)
    assert (late.is_failure, late.down_from_ns) == (None, 0)


def alarm(source: str, state: AlarmState, changed_s: float, *, raised_s: float) -> AlarmChanged:
    at_ns, raised_ns = (START_NS + round(second * 1e9) for second in (changed_s, raised_s))
    return AlarmChanged(
        at_ns, Alarm(f"P-1/{source}", "P-1", "", Priority.LOW, source, state, 1.0, 0.0, "", raised_ns, at_ns)
    )


def test_the_index_of_the_journal_leads_to_the_alarms_that_were_open(keeper: Keeper) -> None:
    for event in (
        alarm("a", AlarmState.UNACKNOWLEDGED, 10, raised_s=10),
        Note(START_NS + 15 * 10**9, "between"),
        alarm("b", AlarmState.UNACKNOWLEDGED, 20, raised_s=20),
        alarm("a", AlarmState.ACKNOWLEDGED, 30, raised_s=10),
        alarm("a", AlarmState.NORMAL, 40, raised_s=10),
    ):
        keeper.put_event(event)
    history = keeper.historian()
    index = history.journal_index()
    assert index.time_ns.tolist() == [START_NS + s * 10**9 for s in (10, 15, 20, 30, 40)]
    assert index.priority.tolist() == [3, 0, 3, 0, 0]

    def open_at(second: float) -> list[tuple[object, object]]:
        rows = history.journal_lines(index.open_at(START_NS + round(second * 1e9)))
        return sorted((row.detail["alarm_id"], row.detail["state"]) for row in rows)

    assert open_at(9) == []
    assert open_at(25) == [("P-1/a", "unacknowledged"), ("P-1/b", "unacknowledged")]
    assert open_at(35) == [("P-1/a", "acknowledged"), ("P-1/b", "unacknowledged")]
    assert open_at(45) == [("P-1/b", "unacknowledged")]
    assert history.journal_lines([]) == []
    assert history.journal_lines([12345]) == []


# -------------------------------------------------------------------- incident files


def test_an_incident_file_shows_what_the_history_showed_of_the_span(keeper: Keeper, tmp_path: Path) -> None:
    if isinstance(keeper, Faked):
        pytest.skip("a history in memory makes no incident files")
    for second in range(600):
        bad_or_not = None if second % 50 == 7 else float(second)
        keeper.put_frame(frame(second, bad_or_not, 50.0, uncertain=second % 50 == 9), PROFILE.tags)
        if second % 20 == 0:
            keeper.put_detection(detection(second, 0.5 + second / 1000))
    for event in (
        alarm("before", AlarmState.UNACKNOWLEDGED, 10, raised_s=10),
        alarm("within", AlarmState.UNACKNOWLEDGED, 320, raised_s=320),
        Note(START_NS + 330 * SECOND, "about no pump"),
        Note(START_NS + 340 * SECOND, "about another", pump_id="P-2"),
        Note(START_NS + 590 * SECOND, "later", pump_id="P-1"),
        MaintenanceChanged(START_NS + 350 * SECOND, MaintenanceEvent(
            "work", "P-1", START_NS, EventType.INSPECTION, EventSeverity.HIGH, "Look", 5.0, "EUR"), "created"),
    ):  # fmt: skip
        keeper.put_event(event)
    history = keeper.historian()
    wanted = IncidentSpan(("P-1",), START_NS + 300 * SECOND, START_NS + 400 * SECOND)
    made = history.write_incident(tmp_path / f"one{SUFFIX}", wanted)
    assert read_incident(tmp_path / f"one{SUFFIX}") == made
    assert (made.pump_ids, made.start_ns, made.end_ns) == (("P-1",), wanted.start_ns, wanted.end_ns)
    kept = History(tmp_path / f"one{SUFFIX}", untouched=True)
    one, other = span(kept, 300, 400), span(history, 300, 400)
    assert one.time_s.tolist() == other.time_s.tolist()
    np.testing.assert_array_equal(one.mean, other.mean)
    assert [row.text for row in kept.journal(JournalQuery())] == [
        row.text for row in history.journal(JournalQuery()) if row.text not in ("about another", "later")
    ]
    assert [work.title for work in kept.maintenance()] == ["Look"]
    scored = [
        [(row.time_ns, row.score) for row in source.detections("P-1", start_ns=wanted.start_ns, end_ns=wanted.end_ns)]
        for source in (kept, history)
    ]
    assert scored[0] == scored[1] != []
    assert kept.recorded_site().pumps[0].profile == history.recorded_pumps()[0].profile
    for pumps, words in ((("P-77",), "no pump P-77"), ((), "no pump")):
        with pytest.raises(InputError, match=words):
            history.write_incident(tmp_path / f"two{SUFFIX}", replace(wanted, pump_ids=pumps))
    with pytest.raises(InputError, match="no reading"):
        history.write_incident(tmp_path / f"two{SUFFIX}", replace(wanted, start_ns=SECOND, end_ns=2 * SECOND))
    with pytest.raises(InputError, match="cancelled"):
        history.write_incident(tmp_path / f"two{SUFFIX}", wanted, cancelled=lambda: True)
    assert [path.name for path in tmp_path.iterdir() if SUFFIX in path.name] == [f"one{SUFFIX}"]
