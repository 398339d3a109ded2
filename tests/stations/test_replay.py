"""A history replayed: values, alarms, work and journal as they were at any second, from what was stored."""

import random
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pumpwatch_gui.commissioning.backups.reviewing import open_review
from pumpwatch_gui.commissioning.incidents import make_incident
from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.commands import Acknowledge, Annotate
from pumpwatch_gui.domain.detection import Detection, NotScored
from pumpwatch_gui.domain.display import LastGood, presence
from pumpwatch_gui.domain.events import AlarmChanged, Event, MaintenanceChanged, Note
from pumpwatch_gui.domain.incident import IncidentSpan
from pumpwatch_gui.domain.journal import ABOUT, ANNOTATION
from pumpwatch_gui.domain.maintenance.event import EventSeverity, EventType, MaintenanceEvent
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.domain.replay import JournalIndex, Leap, ReplayState
from pumpwatch_gui.domain.station import PumpView, RunState, StationView
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.settings.profile_file import load_profile
from pumpwatch_gui.stations.replay import ReplayStation
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.store.query.history import History
from tests.conftest import wait_until
from tests.flow.running import RunningStation, home_at, simulated, site_text
from tests.store.rigs.archiving import archive_all
from tests.store.rigs.plant import run_once

SECOND = 10**9
START_NS = 1_793_000_000 * SECOND
PROFILE = load_profile("centrifugal")
MANY = len(PROFILE.tags)
GAP = range(300, 420)
"""Seconds of which nothing is stored."""
ALARM_ID = "P-101/bearing_temperature_c.high"


def at(second: float) -> int:
    return START_NS + round(second * SECOND)


def frame_at(second: int) -> Frame:
    """The pump runs, one value is BAD from 100 to 110, one UNCERTAIN from 200 to 210; all are BAD from 500 on."""
    values = np.array([1480.0, 60.0, 4.0, 2.0, 1400.0, 1.8, 6.5, 27.0, 58.0, 24.0])
    values[1] = 60.0 + second % 50
    quality = np.zeros(MANY, np.uint8)
    if 100 <= second < 110:
        quality[1] = Quality.BAD
    if 200 <= second < 210:
        quality[2] = Quality.UNCERTAIN
    if second >= 500:
        quality[:] = Quality.BAD
    values[quality == Quality.BAD] = np.nan
    reason = np.where(quality == Quality.GOOD, Reason.NONE, Reason.SENSOR_FAILURE).astype(np.uint8)
    return Frame("P-101", second, at(second), at(second), values, quality, reason)


def detection_at(second: int) -> Detection:
    shares = np.zeros(MANY)
    shares[3] = 1.0
    score = 2.0 if second >= 60 else 0.5
    return Detection("P-101", second, at(second), 0, "combined", score, 0.1 * score, 0.1, score > 1, shares,
                     ("NORMAL",) * MANY, np.zeros(MANY, np.int64), "v1")  # fmt: skip


def events() -> list[Event]:
    """An alarm that came at 60, was acknowledged at 90 and returned at 150; work that was resolved at 400."""
    came = Alarm(ALARM_ID, "P-101", "bearing_temperature_c", Priority.MEDIUM, "Bearing temperature high",
                 AlarmState.UNACKNOWLEDGED, 79.0, 78.0, "degC", at(60), at(60))  # fmt: skip
    seen = replace(came, state=AlarmState.ACKNOWLEDGED, changed_ns=at(90), by="asha")
    gone = replace(seen, state=AlarmState.NORMAL, changed_ns=at(150))
    other = replace(came, alarm_id="P-101/link.1", tag="", priority=Priority.HIGH, text="Link lost", raised_ns=at(500),
                    changed_ns=at(500), value=float("nan"), limit=float("nan"), unit="")  # fmt: skip
    hidden = replace(other, state=AlarmState.SHELVED, changed_ns=at(510), hidden_by="ravi", reason="known")
    work = MaintenanceEvent("P-101/x", "P-101", at(61), EventType.LIMIT_EXCEEDED, EventSeverity.HIGH, "Bearing hot",
                            100.0, "INR")  # fmt: skip
    done = replace(work, resolved_ns=at(400), resolved_by="ravi", finding="oil low", row_version=2)
    return [
        AlarmChanged(at(60), came),
        MaintenanceChanged(at(61), work, "created"),
        AlarmChanged(at(90), seen, act="acknowledge", by="asha"),
        AlarmChanged(at(150), gone),
        MaintenanceChanged(at(400), done, "resolved", "ravi"),
        AlarmChanged(at(500), other),
        AlarmChanged(at(510), hidden, act="shelve", by="ravi"),
        Note(at(520), "the end"),
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten minutes of one pump with a gap, without a site file."""
    folder = tmp_path_factory.mktemp("replayed") / "home"
    home_at(folder)
    store = Store(folder / "pumpwatch.db", station=1, pumps=[PumpRow("P-101", "Feed pump", PROFILE)])
    for second in range(600):
        if second not in GAP:
            store.offer_frame(frame_at(second), "NORMAL")
            store.offer_detection(detection_at(second))
    for event in events():
        store.offer_event(event)
    run_once(store)
    return folder


@contextmanager
def replaying(station: ReplayStation) -> Iterator[ReplayStation]:
    stop = threading.Event()
    (loop,) = station.loops().values()
    thread = threading.Thread(target=loop, args=(stop,), name="test-replay")
    thread.start()
    try:
        yield station
    finally:
        stop.set()
        thread.join(20)


@pytest.fixture
def station(home: Path, tmp_path: Path) -> Iterator[ReplayStation]:
    with replaying(open_review(home, tmp_path).station) as station:
        yield station


def state(station: ReplayStation) -> ReplayState:
    found = station.latest().replay
    assert found is not None
    return found


def turned(station: ReplayStation, time_ns: int) -> StationView:
    """The station at an instant, once it was read."""
    station.turn_to(time_ns)
    wait_until(lambda: not state(station).is_reading, within_s=20)
    assert not state(station).error
    return station.latest()


def pump_at(station: ReplayStation, second: float) -> PumpView:
    return turned(station, at(second)).pump("P-101")


def test_values_are_those_of_the_newest_reading_with_its_quality(station: ReplayStation) -> None:
    for second in (0, 55, 105, 205, 290, 599):
        pump, stored = pump_at(station, second + 0.4), frame_at(second)
        assert pump.frame is not None
        assert pump.frame.time_ns == stored.time_ns
        assert pump.frame.values[:MANY].tolist() == pytest.approx(stored.values.tolist(), nan_ok=True)
        assert pump.frame.quality[:MANY].tolist() == stored.quality.tolist()
        assert pump.frame.values.size == len(PROFILE.quantities)
    assert pump_at(station, 105).frame is not None
    reason = pump_at(station, 105).frame.reason  # type: ignore[union-attr]
    assert reason[1] == Reason.NOT_KEPT


def test_a_gap_is_shown_as_a_gap_and_bad_as_bad(station: ReplayStation) -> None:
    view = turned(station, at(GAP.start + 60))
    seen = presence(view.pumps[0], view.mono_ns, LastGood())
    assert (seen.live, seen.run_state, seen.text) == (False, RunState.NO_DATA, "no new values")
    bad = turned(station, at(550))
    assert presence(bad.pumps[0], bad.mono_ns, LastGood()).text == "no usable value"
    before = turned(station, START_NS - SECOND)
    assert before.time_ns == START_NS, "there is nothing before the history"


def test_long_after_the_last_reading_nothing_is_stored(home: Path) -> None:
    history = History(home / "pumpwatch.db", untouched=True)
    site = open_review(home, home.parent).station.site()
    with replaying(ReplayStation(site, history, words="x", start_ns=START_NS, end_ns=at(90_000))) as station:
        view = turned(station, at(80_000))
        assert presence(view.pumps[0], view.mono_ns, LastGood()).text == "no reading stored"


def test_alarms_are_as_they_were_and_say_who_acknowledged(station: ReplayStation) -> None:
    assert pump_at(station, 59.9).alarms == ()
    (came,) = pump_at(station, 60).alarms
    assert (came.alarm_id, came.state, came.by) == (ALARM_ID, AlarmState.UNACKNOWLEDGED, "")
    (seen,) = pump_at(station, 149).alarms
    assert (seen.state, seen.by) == (AlarmState.ACKNOWLEDGED, "asha")
    assert pump_at(station, 151).alarms == ()
    view = turned(station, at(515))
    assert view.alarms == ()
    assert [(a.source, a.hidden_by, a.reason) for a in view.hidden_alarms] == [("link.1", "ravi", "known")]


def test_scores_and_shares_are_those_of_the_instant(station: ReplayStation) -> None:
    calm, hot = pump_at(station, 50).score_result, pump_at(station, 70).score_result
    assert isinstance(calm, Detection)
    assert isinstance(hot, Detection)
    assert (calm.score, calm.is_anomaly, hot.score, hot.is_anomaly) == (0.5, False, 2.0, True)
    assert hot.shares[3] == pytest.approx(1.0)
    assert isinstance(pump_at(station, GAP.start + 60).score_result, NotScored)


def test_maintenance_knows_nothing_of_what_came_later(station: ReplayStation) -> None:
    assert turned(station, at(60)).maintenance == ()
    (then,) = turned(station, at(399)).maintenance
    assert (then.is_resolved, then.finding, then.resolved_by) == (False, "", "")
    (later,) = turned(station, at(401)).maintenance
    assert (later.is_resolved, later.finding) == (True, "oil low")


def test_the_trace_ends_at_the_instant_on_show(station: ReplayStation) -> None:
    turned(station, at(250))
    trace = station.trace("P-101", at(240) / 1e9)
    assert trace.time_s.tolist() == [at(second) / 1e9 for second in range(240, 251)]
    assert trace.quality[:, 2].tolist() == [0] * 11
    turned(station, at(205))
    assert station.trace("P-101", at(205) / 1e9).quality[0, 2] == Quality.UNCERTAIN


def test_a_replay_plays_as_fast_as_it_is_told_and_rests_at_the_end(station: ReplayStation) -> None:
    turned(station, at(540))
    station.play(60)
    wait_until(lambda: station.latest().time_ns > at(560), within_s=20)
    assert state(station).speed == 60
    wait_until(lambda: state(station).speed == 0, within_s=20)
    assert station.latest().time_ns == state(station).end_ns


def test_a_replay_that_rests_stays(station: ReplayStation) -> None:
    turned(station, at(100))
    station.play(10)
    wait_until(lambda: station.latest().time_ns > at(101), within_s=20)
    station.play(0)
    wait_until(lambda: state(station).speed == 0)
    turned(station, at(120))
    assert station.latest().time_ns == at(120)


def test_the_newest_request_wins(station: ReplayStation) -> None:
    shown: list[int] = []
    for second in range(100, 200):
        station.turn_to(at(second))
        shown.append(station.latest().time_ns)
    wait_until(lambda: not state(station).is_reading, within_s=20)
    assert station.latest().time_ns == at(199)
    assert len(set(shown)) < 100, "not every one of them was read"


def test_leaps_lead_to_alarms_events_and_ends(station: ReplayStation) -> None:
    turned(station, at(30))
    reached = []
    for leap in (Leap.NEXT_ALARM, Leap.NEXT_ALARM, Leap.PREVIOUS_ALARM, Leap.NEXT_EVENT, Leap.PREVIOUS_EVENT, Leap.END,
                 Leap.START):  # fmt: skip
        assert station.leap(leap)
        wait_until(lambda: not state(station).is_reading, within_s=20)
        reached.append(station.latest().time_ns)
    assert reached == [at(s) for s in (60, 500, 60, 61, 60, 599, 0)]
    assert not station.leap(Leap.PREVIOUS_ALARM)


def test_an_index_finds_what_was_open() -> None:
    index = JournalIndex.of([(10, 1, 0, True, 2), (20, 2, 1, True, 1), (20, 3, -1, False, 0), (30, 4, 0, False, 0),
                             (30, 5, 0, True, 2)])  # fmt: skip
    assert index.open_at(9) == []
    assert index.open_at(10) == [1]
    assert sorted(index.open_at(29)) == [1, 2]
    assert sorted(index.open_at(30)) == [2, 5]
    assert index.leap(10, Leap.NEXT_ALARM) == 20
    assert index.leap(30, Leap.NEXT_EVENT) is None
    assert JournalIndex.of([]).open_at(5) == []


def test_the_archive_is_replayed_as_the_rows_were(home: Path, tmp_path: Path) -> None:
    copy = tmp_path / "archived"
    shutil.copytree(home, copy)
    archive_all(copy / "pumpwatch.db", kept_ms=0)
    with replaying(open_review(copy, tmp_path).station) as station:
        for second in (55, 105, 205, 290, 599):
            pump = pump_at(station, second)
            assert pump.frame is not None
            assert pump.frame.values[:MANY].tolist() == pytest.approx(frame_at(second).values.tolist(), nan_ok=True)
            assert pump.frame.quality[:MANY].tolist() == frame_at(second).quality.tolist()


# -------------------------------------------------------------------- recorded live, replayed


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[StationView]]:
    """A home in which a station has run, and what it showed meanwhile."""
    home = home_at(tmp_path_factory.mktemp("live") / "home")
    limits = "[pump.limits.motor_rpm]\nhigh = 10.0\non_delay_s = 0.0\n"
    views: list[StationView] = []
    with simulated(2) as port:
        text = site_text(port, pumps=2, period_s=0.5).replace("  [[pump.link]]", limits + "  [[pump.link]]")
        station = RunningStation(home, text).start()

        def seen(until: Callable[[StationView], bool]) -> bool:
            views.append(station.engine.latest())
            return until(views[-1])

        wait_until(lambda: seen(lambda view: len(view.alarms) == 2), within_s=30)
        wait_until(lambda: seen(lambda _: scans(views) > 8), within_s=30)
        assert station.order(Acknowledge("P-101/motor_rpm.high", "seen")).ok
        assert station.order(Annotate("the valve was opened", views[0].time_ns, "P-101")).ok
        wait_until(lambda: seen(lambda _: scans(views) > 16), within_s=30)
        committed = station.engine.latest().stats.readings_committed
        wait_until(lambda: station.engine.latest().stats.readings_committed > committed + 4, within_s=30)
        station.end()
    return home.path, [view for view in views if all(pump.frame is not None for pump in view.pumps)]


def scans(views: list[StationView]) -> int:
    """How many scans of the first pump were seen."""
    return len({view.pumps[0].frame.time_ns for view in views if view.pumps[0].frame is not None})


def assert_same(station: ReplayStation, views: list[StationView]) -> None:
    """Values, and alarms where they have been the same for a while, at random instants."""
    pick = random.Random(4)
    for view in pick.sample(views, 12):
        for live in view.pumps:
            assert live.frame is not None
            shown = turned(station, live.frame.time_ns).pump(live.pump_id)
            assert shown.frame is not None
            many = len(live.profile.tags)
            assert shown.frame.values[:many].tolist() == pytest.approx(live.frame.values[:many].tolist(), nan_ok=True)
            assert shown.frame.quality[:many].tolist() == live.frame.quality[:many].tolist()
            assert shown.run_state is RunState.RUNNING
    calm = [
        b for a, b, c in zip(views[:-20], views[10:-10], views[20:], strict=True) if a.alarms == b.alarms == c.alarms
    ]
    states = set()
    for view in pick.sample(calm, min(12, len(calm))):
        shown_then = turned(station, view.time_ns)
        assert sorted(shown_then.alarms, key=lambda a: a.alarm_id) == sorted(view.alarms, key=lambda a: a.alarm_id)
        states |= {alarm.state for alarm in view.alarms}
    assert states == {AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED}


def test_a_replay_shows_what_the_screen_showed(live: tuple[Path, list[StationView]], tmp_path: Path) -> None:
    folder, views = live
    with replaying(open_review(folder, tmp_path).station) as station:
        assert_same(station, views)


def test_an_incident_file_shows_what_the_screen_showed(live: tuple[Path, list[StationView]], tmp_path: Path) -> None:
    folder, views = live
    history = History(folder / "pumpwatch.db")
    span = views[0].time_ns, views[-1].time_ns + SECOND
    path, made = make_incident(history, tmp_path / "trip", ["P-101", "P-102"], span)
    assert path.name == "trip.pwincident"
    assert made.readings > 2 * 15
    review = open_review(path, tmp_path)
    assert review.site.words.startswith("the site that the history keeps as it was on ")
    with replaying(review.station) as station:
        assert_same(station, views)
        (note,) = station.history.journal(JournalQuery(kinds=(ANNOTATION,)))
        assert note.detail[ABOUT] <= views[0].time_ns


def test_an_incident_of_one_pump_has_nothing_of_the_other(live: tuple[Path, list[StationView]], tmp_path: Path) -> None:
    folder, views = live
    span = IncidentSpan(("P-102",), views[0].time_ns, views[-1].time_ns)
    history = History(folder / "pumpwatch.db")
    history.write_incident(tmp_path / "one.pwincident", span)
    station = open_review(tmp_path / "one.pwincident", tmp_path).station
    assert [pump.pump_id for pump in station.site().pumps] == ["P-102"]
    assert {row.pump_id for row in station.history.journal(JournalQuery())} <= {"P-102", "", "station"}
