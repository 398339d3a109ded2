"""One configuration: the site changes only by order, is persisted and audited, and is applied to what differs."""

from collections.abc import Iterator
from dataclasses import replace
from math import nan
from pathlib import Path

import apsw
import pytest

from pumpwatch_gui.domain.alarms.alarm import AlarmSignal, AlarmState, Priority, Stimulus
from pumpwatch_gui.domain.alarms.episodes import ScoreAlarm
from pumpwatch_gui.domain.commands import Acknowledge, ChangeSite, ReloadSite
from pumpwatch_gui.domain.events import SiteChanged
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.domain.pump.profile import Limits
from pumpwatch_gui.domain.site_changes import (
    RemovePump,
    RenamePump,
    SaveRegisterMap,
    SetLimits,
    SetPump,
    SetStation,
)
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.settings.site_reader import load_site
from pumpwatch_gui.store.query.audit_check import verify_audit
from tests.conftest import wait_until
from tests.flow.running import RunningStation, simulated, site_text


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with simulated(3) as port:
        yield port


@pytest.fixture
def station(port: int, tmp_path: Path) -> Iterator[RunningStation]:
    station = RunningStation(Home(tmp_path / "home"), site_text(port, pumps=2, model="centrifugal")).start()
    wait_until(lambda: all(p.frame is not None for p in station.engine.latest().pumps), within_s=30)
    yield station
    station.end()


def frames(station: RunningStation, pump_id: str) -> int:
    return station.engine.trace(pump_id).time_s.size


def test_a_renamed_pump_keeps_trend_counters_detector_link_and_history(station: RunningStation) -> None:
    wait_until(lambda: frames(station, "P-102") >= 20)
    before, counted = frames(station, "P-102"), station.engine.counters("P-102").frames_by_quality.total()
    requests = station.pump("P-102").links[0].requests
    stream = station.engine._inference.models.scorer._pumps["P-102"].stream
    others = frames(station, "P-101")
    done = station.order(ChangeSite((RenamePump("P-102", "P-202"),)))
    assert done.ok, done.text
    assert [e.renamed for e in station.events if isinstance(e, SiteChanged)] == [{"P-102": "P-202"}]
    assert frames(station, "P-202") >= before
    assert frames(station, "P-101") >= others
    assert station.engine.counters("P-202").frames_by_quality.total() >= counted
    wait_until(lambda: station.engine._inference.models.scorer._pumps.get("P-202") is not None)
    assert station.engine._inference.models.scorer._pumps["P-202"].stream is stream
    wait_until(lambda: [v.link_id for v in station.pump("P-202").links] == ["P-202/1"])
    link = station.pump("P-202").links[0]
    assert link.requests >= requests
    assert link.reconnects == 0
    with pytest.raises(KeyError):
        station.engine.trace("P-102")
    station.end()
    read = station.engine.history.read("P-202", ["motor_rpm"], start_ns=0, end_ns=2**62)
    assert read.time_s.size >= before
    assert [p.pump_id for p in load_site(station.home.site_file).site.pumps] == ["P-101", "P-202"]


def test_a_limit_is_saved_audited_judged_by_and_resets_nothing(station: RunningStation) -> None:
    wait_until(lambda: frames(station, "P-101") >= 10)
    before = frames(station, "P-101")
    new = Limits(high=10.0, high_high=20.0, on_delay_s=0.0)
    done = station.order(ChangeSite((SetLimits("P-101", {"motor_rpm": new}),)), actor="ravi")
    assert (done.ok, done.actor, done.command, done.pump_id) == (True, "ravi", "change site", "P-101")
    assert done.text.endswith("P-101 Motor speed: high none → 10 rpm, high-high none → 20 rpm, on-delay 5 → 0 s")
    site = station.engine.site()
    assert site.pumps[0].profile.sensors[0].limits == new
    assert load_site(station.home.site_file).site == site
    wait_until(lambda: any(a.alarm_id == "P-101/motor_rpm.high_high" for a in station.engine.latest().alarms))
    assert frames(station, "P-101") > before
    station.order(ChangeSite((SetLimits("P-101", {"motor_rpm": Limits(high=10.0, on_delay_s=0.0)}),)))

    def states() -> list[AlarmState]:
        return [a.state for a in station.engine.latest().alarms if a.alarm_id == "P-101/motor_rpm.high_high"]

    wait_until(lambda: states() == [AlarmState.RETURNED])
    station.end()
    rows = station.engine.history.journal(JournalQuery(kinds=("command",)))
    assert [row.by for row in rows] == ["asha", "ravi"]
    assert verify_audit(station.home.database).broken_id is None


def test_a_renamed_pump_takes_its_acknowledged_alarm_along_and_nobody_acknowledges_twice(
    station: RunningStation,
) -> None:
    limits = SetLimits("P-102", {"motor_rpm": Limits(high=10.0, on_delay_s=0.0)})
    assert station.order(ChangeSite((limits,))).ok
    wait_until(lambda: any(a.alarm_id == "P-102/motor_rpm.high" for a in station.engine.latest().alarms))
    assert station.order(Acknowledge("P-102/motor_rpm.high")).ok
    assert station.order(ChangeSite((RenamePump("P-102", "P-202"),))).ok
    alarms = [(a.alarm_id, a.state, a.by) for a in station.engine.latest().alarms]
    assert alarms == [("P-202/motor_rpm.high", AlarmState.ACKNOWLEDGED, "asha")]
    station.end()
    with apsw.Connection(str(station.home.database), flags=apsw.SQLITE_OPEN_READONLY) as connection:
        acts = connection.execute("SELECT action, text FROM audit_log ORDER BY id").fetchall()
    assert [text for action, text in acts if action == "acknowledge"] == ["P-102/motor_rpm.high"]


def test_a_pump_that_loses_its_model_keeps_no_anomaly_alarm(station: RunningStation) -> None:
    pump = station.engine._judging.pumps["P-101"]
    pump._anomaly._alarm = ScoreAlarm(active=True)
    signal = AlarmSignal("anomaly", "", Priority.LOW, "Anomaly", nan, nan, "", Stimulus.RAISED)
    station.engine._annunciator.apply("P-101", signal)
    old = station.engine.site().pumps[0]
    without = SetPump("P-101", old.name, old.profile_name, "none", old.links)
    assert station.order(ChangeSite((without,))).ok
    wait_until(lambda: [a.state for a in station.engine.latest().alarms] == [AlarmState.RETURNED])


def test_pumps_are_added_changed_and_removed_and_the_others_go_on(station: RunningStation, port: int) -> None:
    wait_until(lambda: frames(station, "P-101") >= 10)
    requests = station.pump("P-101").links[0].requests
    third = SetPump("P-103", "Third", "centrifugal", "none", (ModbusTcpConfig("127.0.0.1", port, 3, period_s=0.1),))
    assert station.order(ChangeSite((SetStation("South", 7, "EUR"), third))).ok
    wait_until(lambda: station.pump("P-103").frame is not None)
    assert (station.engine.latest().name, station.engine.site().station) == ("South", 7)
    assert station.order(ChangeSite((RemovePump("P-102"),))).ok
    assert [p.pump_id for p in station.engine.latest().pumps] == ["P-101", "P-103"]
    assert station.order(ChangeSite((replace(third, name="The third"),))).ok
    assert station.pump("P-103").name == "The third"
    assert station.pump("P-101").links[0].requests >= requests
    assert station.pump("P-101").links[0].reconnects == 0


def test_a_change_with_a_mistake_is_refused_whole_and_leaves_no_file_behind(station: RunningStation) -> None:
    text = station.home.site_file.read_text("utf-8")
    registers = (shipped("resources") / "registers" / "generic.toml").read_text("utf-8")
    changes = (
        SaveRegisterMap("registers/new.toml", registers),
        SetStation("Elsewhere", 3, "INR"),
        SetPump("P-104", "x", "no such profile", "none", (ModbusTcpConfig("127.0.0.1"),)),
    )
    done = station.order(ChangeSite(changes))
    assert not done.ok
    assert "no such profile" in done.text
    assert station.home.site_file.read_text("utf-8") == text
    assert not (station.home.path / "registers" / "new.toml").exists()
    assert station.engine.site().name == "My station"
    missing = station.order(ChangeSite((RemovePump("P-999"),)))
    assert (missing.ok, "P-999" in missing.text) == (False, True)


def test_a_file_edited_outside_is_never_written_over_and_can_be_reloaded(station: RunningStation) -> None:
    path = station.home.site_file
    edited = path.read_text("utf-8").replace('name = "Pump P-101"', 'name = "By hand"')
    path.write_text(edited, "utf-8")
    refused = station.order(ChangeSite((SetStation("South", 7, "EUR"),)))
    assert not refused.ok
    assert "changed outside" in refused.text
    assert path.read_text("utf-8") == edited
    assert station.engine.latest().is_site_edited
    assert station.order(ReloadSite()).ok
    assert not station.engine.latest().is_site_edited
    assert station.pump("P-101").name == "By hand"
    assert station.order(ChangeSite((SetStation("South", 7, "EUR"),))).ok


def test_alarms_of_limits_and_pumps_that_were_removed_while_it_was_off_are_retired(port: int, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    text = site_text(port, pumps=2)
    over = "[pump.limits.motor_rpm]\nhigh = 10.0\nhigh_high = 11.0\non_delay_s = 0.0\n  [[pump.link]]"
    first = RunningStation(home, text.replace("  [[pump.link]]", over)).start()
    wait_until(lambda: len(first.alarm_texts()) == 4, within_s=30)
    first.end()
    only = site_text(port, pumps=1).replace("  [[pump.link]]", over.replace("high_high = 11.0\n", ""))
    again = RunningStation(home, only)
    states = {a.alarm_id: a.state for a in again.engine.latest().alarms}
    again.start()
    again.end()
    assert states == {
        "P-101/motor_rpm.high": AlarmState.UNACKNOWLEDGED,
        "P-101/motor_rpm.high_high": AlarmState.RETURNED,
        "P-102/motor_rpm.high": AlarmState.RETURNED,
        "P-102/motor_rpm.high_high": AlarmState.RETURNED,
    }
