"""What every station promises, whichever it is. A new one adds its function to `STATIONS`."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from pumpwatch_gui.bench.rigs.accounts import Accounts
from pumpwatch_gui.bench.rigs.central import Central
from pumpwatch_gui.commissioning.backups.reviewing import open_review
from pumpwatch_gui.domain.commands import (
    COMMANDS,
    Acknowledge,
    Annotate,
    AssignMaintenance,
    CancelImport,
    ChangeSite,
    Command,
    ConfirmLevel,
    CreateMaintenance,
    DiscardRefused,
    GiveFeedback,
    ImportReadings,
    NoteMaintenance,
    Order,
    PauseSync,
    Promote,
    Rebaseline,
    Record,
    ReloadSite,
    ReopenMaintenance,
    ResendRefused,
    ResendSpan,
    ResetAlarm,
    ResolveMaintenance,
    ResumeSync,
    ReturnToService,
    RollBack,
    SetAdaptive,
    SetCounters,
    SetThresholdFactor,
    ShelveAlarm,
    StartShadow,
    StopShadow,
    TakeOutOfService,
    UnshelveAlarm,
)
from pumpwatch_gui.domain.events import Event, Note, OrderDone, SiteChanged
from pumpwatch_gui.domain.feedback import EpisodeFeedback, FeedbackVerdict
from pumpwatch_gui.domain.journal import ABOUT, ANNOTATION, NOTE
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.domain.maintenance.event import EventSeverity, EventType
from pumpwatch_gui.domain.ports import Capability, JournalQuery, Station
from pumpwatch_gui.domain.site_changes import RemovePump, RenamePump, SetLimits, SetPump, SetStation
from pumpwatch_gui.domain.station import PumpView
from pumpwatch_gui.domain.sync import SyncStream
from pumpwatch_gui.domain.units import UnitChoice
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.owner import HomeLock
from pumpwatch_gui.stations.joined import JoinedStation
from pumpwatch_gui.stations.server import StationServer
from tests.conftest import wait_until
from tests.flow.running import RunningStation, simulated, site_text
from tests.gui.fake_station import FakeStation
from tests.stations.test_replay import replaying
from tests.sync.conftest import needs_server
from tests.sync.viewers import NUMBERS, sending_home, sync_table, viewing

Open = Callable[[Path], AbstractContextManager[Station]]


@contextmanager
def engine(folder: Path) -> Iterator[Station]:
    """The engine on a real site file, with two simulated pumps behind a real server."""
    with simulated(2) as port:
        running = RunningStation(Home(folder / "home"), site_text(port, pumps=2)).start()
        try:
            yield running.engine
        finally:
            running.end()


def fake(_folder: Path) -> AbstractContextManager[Station]:
    """The fake that the tests of the window use."""
    return nullcontext(FakeStation(2, scenes={}, history_s=30))


@contextmanager
def joined(folder: Path) -> Iterator[Station]:
    """The engine again, seen through the door of its collector."""
    with engine(folder) as station:
        home, stop = Home(folder / "home"), threading.Event()
        lock = HomeLock(home.path, "collector")
        server = StationServer(station, lock, home.path)
        threads = [threading.Thread(target=server.run, args=(stop,), name="pumpwatch-door")]
        threads[0].start()
        try:
            window = JoinedStation(home)
            threads += [threading.Thread(target=run, args=(stop,)) for run in window.loops().values()]
            threads[1].start()
            yield window
        finally:
            stop.set()
            for thread in threads:
                thread.join(20)
            lock.release()


@contextmanager
def replay(folder: Path) -> Iterator[Station]:
    """What the engine has stored, under review."""
    with engine(folder) as station:
        wait_until(lambda: station.latest().stats.readings_committed > 20, within_s=30)
    scratch = folder / "scratch"
    scratch.mkdir()
    with replaying(open_review(folder / "home", scratch).station) as station:
        yield station


@contextmanager
def remote(folder: Path, central: Central, accounts: Accounts) -> Iterator[Station]:
    """The engine once more, through a server that it sends to."""
    number = next(NUMBERS)
    with simulated(2) as port:
        home = sending_home(folder, central, accounts, number)
        table = sync_table(central, accounts, number)
        running = RunningStation(home, site_text(port, pumps=2) + table).start()
        try:
            with viewing(central, accounts, number) as station:
                yield station
        finally:
            running.end()


RUNNING: dict[str, Open] = {"engine": engine, "fake": fake, "joined": joined}
STATIONS: dict[str, Open] = {**RUNNING, "replay": replay}
"""A replay is seen as any station, and executes nothing."""
REMOTE = pytest.param("remote", marks=needs_server)
"""So is a station behind a server, which needs one."""


class Watched:
    """A station with everything that it has delivered."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.events: list[Event] = []
        self.subscription = station.subscribe(self.events.append)

    def order(self, command: Command) -> OrderDone:
        """Give an order and wait for its outcome."""
        order_id = self.station.submit(Order(command, "asha"))
        wait_until(lambda: self.outcomes(order_id), within_s=30, what=f"the outcome of {command}")
        return self.outcomes(order_id)[0]

    def outcomes(self, order_id: str) -> list[OrderDone]:
        """Every outcome of an order so far."""
        return [e for e in tuple(self.events) if isinstance(e, OrderDone) and e.order_id == order_id]


@contextmanager
def watching(opened: AbstractContextManager[Station]) -> Iterator[Watched]:
    with opened as station:
        watched = Watched(station)
        wait_until(lambda: is_there(station.latest().pumps), within_s=30)
        yield watched
        watched.subscription.close()


def is_there(pumps: Sequence[PumpView]) -> bool:
    return bool(pumps) and all(map(has_values, pumps))


def has_values(pump: PumpView) -> bool:
    return pump.frame is not None and bool((pump.frame.quality < 2).any())


@pytest.fixture(params=[*STATIONS, REMOTE])
def watched(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Watched]:
    if request.param == "remote":
        opened: AbstractContextManager[Station] = remote(
            tmp_path, *(request.getfixturevalue(name) for name in ("central", "accounts"))
        )
    else:
        opened = STATIONS[request.param](tmp_path)
    with watching(opened) as watched:
        yield watched


@pytest.fixture(params=list(RUNNING))
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Watched]:
    with watching(STATIONS[request.param](tmp_path)) as watched:
        yield watched


def test_what_is_judged_is_what_is_shown(watched: Watched) -> None:
    site, view = watched.station.site(), watched.station.latest()
    assert view.name == site.name
    assert [(p.pump_id, p.name, p.profile) for p in view.pumps] == [(p.pump_id, p.name, p.profile) for p in site.pumps]
    assert [len(p.links) for p in view.pumps] == [len(p.links) for p in site.pumps]
    for pump in view.pumps:
        assert pump.frame is not None
        assert pump.frame.pump_id == pump.pump_id
        assert pump.frame.values.size == len(pump.profile.quantities)
    assert sorted(a.alarm_id for a in view.alarms) == sorted(a.alarm_id for p in view.pumps for a in p.alarms)
    assert view.stopped_loops == ()


def test_ids_are_unique(watched: Watched) -> None:
    view = watched.station.latest()
    pump_ids = [p.pump_id for p in view.pumps]
    link_ids = [link.link_id for p in view.pumps for link in p.links]
    assert len(set(pump_ids)) == len(pump_ids)
    assert len(set(link_ids)) == len(link_ids)
    assert all(watched.station.site().link(link_id) is not None for link_id in link_ids)
    given = [watched.station.submit(Order(Record(f"line {i}"), "asha")) for i in range(5)]
    assert len(set(given)) == 5


def test_time_goes_on_and_frames_do_not_go_back(watched: Watched) -> None:
    first, second = watched.station.latest(), watched.station.latest()
    assert second.mono_ns >= first.mono_ns
    for before, after in zip(first.pumps, second.pumps, strict=True):
        assert before.frame is not None
        assert after.frame is not None
        assert after.frame.mono_ns >= before.frame.mono_ns


def test_a_trace_holds_the_frames_and_an_unknown_pump_is_refused(watched: Watched) -> None:
    pump = watched.station.latest().pumps[1]
    trace = watched.station.trace(pump.pump_id)
    assert trace.values.shape == trace.quality.shape == (trace.time_s.size, len(pump.profile.quantities))
    assert trace.time_s.size >= 1
    assert (trace.time_s[1:] > trace.time_s[:-1]).all()
    newest = float(trace.time_s[-1])
    assert (watched.station.trace(pump.pump_id, newest).time_s >= newest).all()
    with pytest.raises(KeyError):
        watched.station.trace("P-999")


def test_every_subscriber_gets_every_event_until_it_closes(watched: Watched) -> None:
    others: list[Event] = []
    other = watched.station.subscribe(others.append)
    first = watched.order(Record("to both"))
    wait_until(lambda: first in others)
    other.close()
    other.close()
    second = watched.order(Record("to one"))
    assert second in watched.events
    assert second not in others


def test_new_values_are_said_until_the_watch_is_closed(running: Watched) -> None:
    said = threading.Event()
    watch = running.station.watch(said.set)
    newest = running.station.latest().pumps[0].frame
    if isinstance(running.station, FakeStation):
        running.station.step(31.0)
    wait_until(said.is_set)
    wait_until(lambda: running.station.latest().pumps[0].frame is not newest)
    watch.close()
    watch.close()


def test_an_order_given_on_any_thread_ends_in_one_outcome_with_its_name_and_its_actor(running: Watched) -> None:
    ids: list[str] = []
    thread = threading.Thread(target=lambda: ids.append(running.station.submit(Order(Record("a filter"), "ravi"))))
    thread.start()
    thread.join()
    wait_until(lambda: running.outcomes(ids[0]))
    (done,) = running.outcomes(ids[0])
    assert (done.command, done.ok, done.actor) == ("record", True, "ravi")


EVERY: tuple[Command, ...] = (
    Acknowledge("P-101/nothing"),
    ResetAlarm("P-101/nothing"),
    ShelveAlarm("P-101/nothing", 900.0, "a reason"),
    UnshelveAlarm("P-101/nothing"),
    TakeOutOfService("P-101/nothing", "a reason"),
    ReturnToService("P-101/nothing"),
    ChangeSite((SetStation("Renamed", 2, "EUR"),)),
    ReloadSite(),
    Record("a note", "P-101"),
    Annotate("the valve was closed", 10**18, "P-101"),
    Rebaseline("P-101"),
    ConfirmLevel("P-101"),
    StartShadow("P-101", "none such"),
    StopShadow("P-101"),
    Promote("P-101", "none such"),
    RollBack("P-101"),
    SetThresholdFactor("P-101", 1.5),
    SetAdaptive("P-101", True),
    GiveFeedback(EpisodeFeedback("P-101", 10**18, 10**18 + 5, FeedbackVerdict.FALSE)),
    SetCounters("P-101", {"starts": 3.0}),
    CreateMaintenance("P-101", EventType.INSPECTION, EventSeverity.LOW, "Look at the coupling"),
    AssignMaintenance("P-101/nothing", "ravi"),
    NoteMaintenance("P-101/nothing", "a note"),
    ResolveMaintenance("P-101/nothing", "found nothing"),
    ReopenMaintenance("P-101/nothing", "a reason"),
    PauseSync(),
    ResumeSync(),
    ResendSpan(10**18, 10**18 + 5),
    ResendRefused(((SyncStream.AUDIT, "3/7"),)),
    DiscardRefused(((SyncStream.AUDIT, "3/7"),)),
    ImportReadings("P-101", "log.csv", "nothing.npy", ("motor_rpm",)),
    CancelImport(),
)


def test_every_order_ends_in_exactly_one_outcome(watched: Watched) -> None:
    assert {type(command) for command in EVERY} == set(COMMANDS)
    outcomes = [watched.order(command) for command in EVERY]
    last = watched.order(Record("the end"))  # whatever a second outcome would be, it came before this one
    for command, done in zip(EVERY, outcomes, strict=True):
        assert watched.outcomes(done.order_id) == [done]
        assert done.command == COMMANDS[type(command)].name
        assert done.text
    assert len(watched.outcomes(last.order_id)) == 1


def test_an_alarm_or_a_pump_that_is_not_there_is_refused_in_words(running: Watched) -> None:
    unknown = running.order(Acknowledge("P-101/no_such_alarm"))
    assert not unknown.ok
    assert "P-101/no_such_alarm" in unknown.text
    assert not running.order(Rebaseline("P-999")).ok
    missing = running.order(ChangeSite((SetStation("Half", 3, "EUR"), RemovePump("P-999"))))
    assert not missing.ok
    assert "P-999" in missing.text
    assert running.station.site().name != "Half"


def test_maintenance_is_ordered_shown_and_read_back(running: Watched) -> None:
    station = running.station
    create = CreateMaintenance("P-102", EventType.PLANNED_WORK, EventSeverity.HIGH, "Exchange the seal", 900.0)
    assert running.order(create).ok
    wait_until(lambda: station.latest().maintenance)
    (event,) = station.latest().maintenance
    assert (event.pump_id, event.title, event.created_by, event.currency) == (
        "P-102", "Exchange the seal", "asha", station.site().currency)  # fmt: skip
    for command, is_shown in (
        (AssignMaintenance(event.event_id, "ravi", 10**18), lambda e: e.assigned_to == "ravi"),
        (NoteMaintenance(event.event_id, "the seal is in store"), lambda e: e.notes),
        (ResolveMaintenance(event.event_id, "exchanged", 950.0), lambda e: e.is_resolved),
        (ReopenMaintenance(event.event_id, "it leaks"), lambda e: not e.is_resolved),
    ):
        done = running.order(command)
        assert done.ok, done.text
        wait_until(lambda is_shown=is_shown: is_shown(station.latest().maintenance[0]))  # type: ignore[misc]
    refused = running.order(ReopenMaintenance(event.event_id, "again"))
    assert not refused.ok
    assert "is open already" in refused.text
    (now,) = station.latest().maintenance
    wait_until(lambda: [e.row_version for e in station.history.maintenance()] == [now.row_version])
    (kept,) = station.history.maintenance()
    assert (kept.event_id, kept.notes) == (now.event_id, now.notes)


def test_a_changed_site_is_judged_shown_and_announced(running: Watched) -> None:
    station = running.station
    first, second = station.site().pumps
    sensor = first.profile.sensors[1]
    limits = replace(sensor.limits, high=77.5)
    changes = (
        SetStation("South", 9, "EUR", UnitChoice(pressure="psi")),
        SetLimits(first.pump_id, {sensor.tag: limits}),
        RenamePump(second.pump_id, "P-2"),
        SetPump("P-3", "Third", "centrifugal", "none", (ModbusTcpConfig("127.0.0.1", 1),)),
    )
    assert running.order(ChangeSite(changes)).ok
    (changed,) = [e for e in running.events if isinstance(e, SiteChanged)]
    assert dict(changed.renamed) == {second.pump_id: "P-2"}
    site = station.site()
    assert (site.name, site.station, site.currency) == ("South", 9, "EUR")
    assert site.units == UnitChoice(pressure="psi")
    assert [p.pump_id for p in site.pumps] == [p.pump_id for p in station.latest().pumps] == ["P-101", "P-2", "P-3"]
    assert station.latest().pump("P-101").profile.sensors[1].limits == limits
    assert station.trace("P-2").time_s.size >= 1
    assert running.order(ChangeSite((RemovePump("P-3"),))).ok
    with pytest.raises(KeyError):
        station.trace("P-3")


def test_what_was_done_is_in_the_journal(running: Watched) -> None:
    done = running.order(Record("the suction filter was cleaned", "P-101"))
    query = JournalQuery(pump_id="P-101", text="SUCTION filter", kinds=("command",))
    history = running.station.history
    wait_until(lambda: history.journal(query), within_s=10)
    (row,) = history.journal(query)
    assert (row.text, row.by, row.time_ns) == (done.text, "asha", done.time_ns)


def test_a_note_on_a_past_time_is_kept_with_that_time(running: Watched) -> None:
    about_ns = running.station.latest().time_ns - 3600 * 10**9
    done = running.order(Annotate("the suction valve was half closed", about_ns, "P-101"))
    assert done.ok
    history, query = running.station.history, JournalQuery(pump_id="P-101", kinds=(ANNOTATION,))
    wait_until(lambda: history.journal(query), within_s=10)
    (row,) = history.journal(query)
    assert (row.by, row.detail) == ("asha", {NOTE: "the suction valve was half closed", ABOUT: about_ns})
    assert row.time_ns > about_ns + 3500 * 10**9


def test_capabilities_are_honest(running: Watched) -> None:
    station = running.station
    link_id = station.latest().pumps[0].links[0].link_id
    if Capability.BROWSE in station.capabilities:
        assert len(station.links.read_block(link_id, "holding", 0, 4).result(20)) == 4
        with pytest.raises(KeyError):
            station.links.read_block("P-999/1", "holding", 0, 4).result(20)
        tap = station.links.traffic(link_id)
        wait_until(tap.take, within_s=20)
        tap.close()
    assert running.order(ChangeSite((SetStation("Honest", 1, "EUR"),))).ok is (
        Capability.CONFIGURE in station.capabilities
    )
    assert (station.site().name == "Honest") is (Capability.CONFIGURE in station.capabilities)


def test_a_fake_without_a_capability_refuses_what_needs_it() -> None:
    watched = Watched(FakeStation(1, scenes={}, history_s=1, capabilities=frozenset()))
    assert not watched.order(ChangeSite((SetStation("Honest", 1, "EUR"),))).ok
    assert not watched.order(Rebaseline("P-101")).ok
    assert watched.order(Record("allowed")).ok


def test_no_event_is_a_warning_when_all_is_well(watched: Watched) -> None:
    watched.order(Record("all is well"))
    assert [e for e in watched.events if isinstance(e, Note) and e.severity != "INFO"] == []
