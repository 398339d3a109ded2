"""Maintenance events of a running station: one an alarm episode, over restarts and kills, and what orders do."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pumpwatch_gui.domain.alarms.alarm import AlarmSignal, Priority, Stimulus
from pumpwatch_gui.domain.commands import (
    AssignMaintenance,
    CreateMaintenance,
    NoteMaintenance,
    Order,
    ReopenMaintenance,
    ResolveMaintenance,
)
from pumpwatch_gui.domain.errors import InputError, StoreError
from pumpwatch_gui.domain.events import Event, MaintenanceChanged, Note, SiteChanged
from pumpwatch_gui.domain.maintenance.event import EventSeverity, EventType, MaintenanceEvent
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.domain.site import PumpSettings, Site
from pumpwatch_gui.engine.annunciator import Annunciator
from pumpwatch_gui.engine.bus import EventBus
from pumpwatch_gui.engine.configuration import Configuration
from pumpwatch_gui.engine.maintenance import MaintenanceKeeper
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.judge.alarms.desk import AlarmDesk
from pumpwatch_gui.settings.cost_file import FILE
from pumpwatch_gui.settings.profile_file import load_profile
from pumpwatch_gui.store.query.history import History
from tests.conftest import wait_until
from tests.flow.programs import program
from tests.flow.running import RunningStation, home_at, simulated, site_text
from tests.gui.fake_history import FakeHistorian
from tests.store.conftest import rows_of

PROFILE = load_profile("centrifugal")
SOURCE = "bearing_temperature_c.high_high"


class Rig:
    """A keeper on a desk of alarms and a history; `restart` is a new program on the same history and open alarms."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.history = folder, FakeHistorian()
        self.restart(AlarmDesk())

    def restart(self, desk: AlarmDesk) -> None:
        self.events: list[Event] = []
        bus = EventBus(lambda event: None)
        bus.subscribe(self._take)
        pump = PumpSettings("P-101", "One", PROFILE, "centrifugal", "none", ())
        site = Site("Room", currency="EUR", pumps=(pump,), folder=self.folder)
        self.desk, self.annunciator = desk, Annunciator(desk, bus)
        self.keeper = MaintenanceKeeper(
            self.history, bus, Configuration(site, self.folder / "site.toml"), self.annunciator
        )

    def _take(self, event: Event) -> None:
        self.events.append(event)
        self.keeper.see(event)
        if isinstance(event, MaintenanceChanged):
            self.history.put_event(event)

    def raise_alarm(self, at_s: float = 0.0, *, value: float = 88.1, source: str = SOURCE) -> None:
        self._signal(Stimulus.RAISED, at_s, value, source)

    def clear(self, at_s: float = 0.0, source: str = SOURCE) -> None:
        self._signal(Stimulus.RETURNED, at_s, 60.0, source)

    def _signal(self, stimulus: Stimulus, at_s: float, value: float, source: str) -> None:
        is_anomaly = source == "anomaly"
        tag = "vibration_mm_s" if is_anomaly else source.split(".")[0]
        priority = Priority.LOW if is_anomaly else Priority.HIGH
        signal = AlarmSignal(source, tag, priority, f"{source} is there", value, 85.0, "degC", stimulus)
        self.annunciator.apply("P-101", signal, round((1_000 + at_s) * 1e9))

    @property
    def made(self) -> list[MaintenanceEvent]:
        self.keeper.turn()
        return list(self.keeper.events)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def order(rig: Rig, command: object, by: str = "asha") -> str:
    return rig.keeper.execute(Order(command, by), command)  # type: ignore[arg-type]


def test_an_episode_makes_one_event_with_cost_and_recommendation(rig: Rig) -> None:
    rig.raise_alarm()
    (event,) = rig.made
    assert (event.pump_id, event.severity, event.estimated_cost, event.currency) == (
        "P-101", EventSeverity.HIGH, 45_000.0, "EUR")  # fmt: skip
    assert event.recommendation.startswith("Start the standby pump")
    rig.clear(5)
    assert rig.made == [event]
    rig.raise_alarm(10)
    assert len(rig.made) == 2, "another episode is another event"


def test_an_anomaly_that_comes_later_makes_it_critical(rig: Rig) -> None:
    rig.raise_alarm()
    assert rig.made[0].severity is EventSeverity.HIGH
    rig.raise_alarm(20, source="anomaly", value=2.3)
    first, second = rig.made
    assert (first.severity, first.estimated_cost) == (EventSeverity.CRITICAL, 67_500.0)
    assert (second.kind, second.severity) == (EventType.ANOMALY_DETECTED, EventSeverity.LOW)
    acts = [event.act for event in rig.events if isinstance(event, MaintenanceChanged)]
    assert acts == ["created from an alarm", "created from an alarm", "is now critical"]


def test_a_restart_in_the_middle_of_an_episode_makes_no_second_event(rig: Rig) -> None:
    rig.raise_alarm()
    (event,) = rig.made
    rig.restart(AlarmDesk(rig.desk.alarms))
    assert rig.made == [event]
    order(rig, ResolveMaintenance(event.event_id, "bearing exchanged", 50_000.0))
    rig.restart(AlarmDesk(rig.desk.alarms))
    assert [e.is_resolved for e in rig.made] == [True], "resolved while the alarm is still active"


def test_a_kill_between_an_alarm_and_its_event_costs_no_event(rig: Rig) -> None:
    rig.raise_alarm()
    rig.restart(AlarmDesk(rig.desk.alarms))  # before the first turn of the order loop
    assert len(rig.made) == 1


def test_nothing_is_made_twice_while_the_history_cannot_be_read(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.raise_alarm()
    (event,) = rig.made
    rig.restart(AlarmDesk(rig.desk.alarms))

    def broken(*, resolved: int = 0) -> list[MaintenanceEvent]:
        raise StoreError("the disk is gone")

    with monkeypatch.context() as broken_history:
        broken_history.setattr(rig.history, "maintenance", broken)
        assert rig.made == []
        with pytest.raises(InputError, match="cannot be read from the database yet"):
            order(rig, NoteMaintenance(event.event_id, "x"))
    rig.keeper._due_s = 0.0
    assert rig.made == [event]


def test_alarms_that_are_hidden_make_no_event_until_they_are_announced(rig: Rig) -> None:
    rig.raise_alarm()
    rig.annunciator.desk.take_out_of_service(f"P-101/{SOURCE}", by="asha", reason="work", time_ns=1)
    rig.keeper._inbox.clear()
    assert rig.made == []
    rig.annunciator.announce("link.1", "Link lost", is_over=False, pump_id="P-101")
    assert rig.made == []


def test_an_event_follows_its_pump_to_another_id(rig: Rig) -> None:
    rig.raise_alarm()
    (before,) = rig.made
    rig.annunciator.rename("P-101", "P-9")
    rig.keeper.see(SiteChanged(1, "renamed", {"P-101": "P-9"}))
    rig.desk.acknowledge(f"P-9/{SOURCE}", by="asha", time_ns=2)
    (after,) = rig.made
    assert (after.pump_id, after.event_id) == ("P-9", before.event_id)


def test_orders_are_done_or_refused_in_words(rig: Rig) -> None:
    create = CreateMaintenance("P-101", EventType.INSPECTION, EventSeverity.LOW, "Look at the coupling")
    assert order(rig, create) == "created Look at the coupling, ?"
    (event,) = rig.made
    assert order(rig, AssignMaintenance(event.event_id, "ravi")) == "assigned: Look at the coupling"
    assert order(rig, ResolveMaintenance(event.event_id, "all well")) == "resolved: Look at the coupling"
    assert order(rig, ReopenMaintenance(event.event_id, "heard it again")) == "reopened: Look at the coupling"
    for command, words in (
        (CreateMaintenance("P-7", EventType.INSPECTION, EventSeverity.LOW, "x"), "no pump P-7"),
        (NoteMaintenance("P-1/nothing", "x"), "no maintenance event P-1/nothing"),
    ):
        with pytest.raises(InputError, match=words):
            order(rig, command)


def test_mistakes_in_the_site_s_table_are_said_once_and_the_rest_counts(rig: Rig) -> None:
    (rig.folder / FILE).write_text('[[cost]]\nalarm = "x"\nestimated_cost = -1\n', "utf-8")
    rig.raise_alarm()
    assert rig.made[0].estimated_cost == 45_000.0
    rig.clear(1)
    rig.raise_alarm(2)
    assert len(rig.made) == 2
    notes = [event.text for event in rig.events if isinstance(event, Note)]
    assert len(notes) == 1
    assert "cost[0].estimated_cost: must not be negative" in notes[0]


# ---------------------------------------------------------------- the whole engine


@pytest.fixture
def port() -> Iterator[int]:
    with simulated(1) as port:
        yield port


LOW_LIMIT = "\n  [pump.limits.bearing_temperature_c]\n  high = 20.0\n  on_delay_s = 0.2\n"


def test_a_running_station_makes_one_event_and_knows_it_after_a_restart(port: int, tmp_path: Path) -> None:
    home, text = Home(tmp_path / "home"), site_text(port) + LOW_LIMIT
    running = RunningStation(home, text).start()
    try:
        wait_until(lambda: running.engine.latest().maintenance, within_s=30, what="the event")
        (event,) = running.engine.latest().maintenance
        assert (event.kind, event.severity) == (EventType.LIMIT_EXCEEDED, EventSeverity.MEDIUM)
        assert event.estimated_cost == 27_000.0
        done = running.order(AssignMaintenance(event.event_id, "ravi"))
        assert done.ok, done.text
        refused = running.order(ReopenMaintenance(event.event_id, "x"))
        assert not refused.ok
        assert "is open already" in refused.text
    finally:
        running.end()
    (kept,) = History(home.database).maintenance()
    assert (kept.event_id, kept.assigned_to) == (event.event_id, "ravi")
    again = RunningStation(home, text).start()
    try:
        wait_until(lambda: again.engine.latest().maintenance, within_s=30, what="the event of before")
        wait_until(lambda: again.engine.latest().alarms, within_s=30, what="the alarm of before")
        assert again.engine.latest().maintenance == (kept,)
    finally:
        again.end()
    assert History(home.database).maintenance() == [kept]
    lines = History(home.database).journal(JournalQuery(kinds=("maintenance",)))
    assert [line.by for line in lines] == ["asha", ""]


def test_a_station_that_is_killed_in_an_episode_has_one_event_when_it_runs_again(port: int, tmp_path: Path) -> None:
    home = home_at(tmp_path / "home")
    home.site_file.write_text(site_text(port) + LOW_LIMIT, "utf-8")
    words = ("run", "--headless", "--site", str(home.site_file))
    kept: list[MaintenanceEvent] = []
    for _ in range(3):
        before = readings(home)
        collector = program(*words, home=home)
        try:
            wait_until(lambda before=before: readings(home) > before + 20, within_s=60)  # type: ignore[misc]
            wait_until(lambda: committed(home), within_s=60)
            collector.send_signal(signal.SIGKILL)
        finally:
            collector.kill()
            collector.wait()
        found = History(home.database).maintenance()
        assert not kept or found == kept
        kept = found
    assert [event.source for event in kept] == ["bearing_temperature_c.high"]
    assert [alarm.source for alarm in History(home.database).open_alarms()] == ["bearing_temperature_c.high"]


def readings(home: Home) -> int:
    return int(rows_of(home.database, "SELECT count(*) FROM sensor_readings")[0][0]) if committed(home) else 0


def committed(home: Home) -> list[MaintenanceEvent]:
    """The events on the disk; none while there is no database yet."""
    try:
        return History(home.database).maintenance()
    except StoreError:
        return []
