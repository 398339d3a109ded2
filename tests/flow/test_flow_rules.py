"""Alarm rules on a running station: ordered, saved, audited, judged, renamed, and never lost with a pump."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pumpwatch_gui.domain.alarms.alarm import AlarmState
from pumpwatch_gui.domain.alarms.rules import Comparison, CustomRule, Measure, RuleTerm
from pumpwatch_gui.domain.commands import Acknowledge, ChangeSite, ReloadSite
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.domain.site_changes import RemovePump, RemoveRule, RenamePump, SetRule
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.settings.site_reader import load_site
from pumpwatch_gui.store.query.audit_check import verify_audit
from tests.conftest import wait_until
from tests.flow.running import RunningStation, simulated, site_text

TURNS = CustomRule(
    "turns", "It <b>turns</b>", (RuleTerm("motor_rpm", Comparison.ABOVE, 10.0),), on_delay_s=0.0, off_delay_s=0.0
)
NEAR = CustomRule(
    "near", "Like its sister",
    (RuleTerm("motor_rpm", Comparison.BELOW, 5000.0, measure=Measure.DEVIATION, from_pump="P-102"),
     RuleTerm("differential_pressure_bar", Comparison.ABOVE, 0.1)),
    pump="P-101", on_delay_s=0.0,
)  # fmt: skip

WARNING = "The rule Like its sister cannot be judged: there is no pump P-202"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with simulated(2) as port:
        yield port


@pytest.fixture
def station(port: int, tmp_path: Path) -> Iterator[RunningStation]:
    station = RunningStation(Home(tmp_path / "home"), site_text(port, pumps=2)).start()
    wait_until(lambda: all(p.frame is not None for p in station.engine.latest().pumps), within_s=30)
    yield station
    station.end()


def states(station: RunningStation) -> dict[str, AlarmState]:
    return {a.alarm_id: a.state for a in station.engine.latest().alarms}


def test_a_rule_is_ordered_saved_audited_and_judged(station: RunningStation) -> None:
    done = station.order(ChangeSite((SetRule(TURNS, is_new=True),)), actor="ravi")
    assert (done.ok, done.actor, done.command) == (True, "ravi", "change site")
    assert "Rule It <b>turns</b> added (motor_rpm > 10, all pumps, priority medium" in done.text
    wait_until(lambda: len(states(station)) == 2)
    assert load_site(station.home.site_file).site.rules == (TURNS,) == station.engine.site().rules
    assert not station.order(ChangeSite((SetRule(TURNS, is_new=True),))).ok, "the id is taken"
    assert not station.order(ChangeSite((RemoveRule("other"),))).ok
    assert station.order(Acknowledge("P-102/rule.turns")).ok
    off = station.order(ChangeSite((SetRule(replace(TURNS, is_enabled=False)),)))
    assert off.text == "Rule It <b>turns</b> switched off"
    wait_until(lambda: states(station) == {"P-101/rule.turns": AlarmState.RETURNED})
    assert station.order(ChangeSite((RemoveRule("turns"),))).text == "Rule It <b>turns</b> deleted"
    assert station.engine.site().rules == ()
    assert states(station) == {"P-101/rule.turns": AlarmState.RETURNED}, "it waits for who has not acknowledged it"
    station.end()
    rows = station.engine.history.journal(JournalQuery(kinds=("command",)))
    assert "ravi" in {row.by for row in rows}
    assert verify_audit(station.home.database).broken_id is None


def test_a_renamed_sister_is_followed_and_a_removed_one_is_named(station: RunningStation) -> None:
    assert station.order(ChangeSite((SetRule(NEAR, is_new=True), SetRule(TURNS, is_new=True)))).ok
    wait_until(lambda: "P-101/rule.near" in states(station) and "P-102/rule.turns" in states(station))
    assert station.order(Acknowledge("P-102/rule.turns")).ok
    assert station.order(ChangeSite((RenamePump("P-102", "P-202"),))).ok
    (near, _) = load_site(station.home.site_file).site.rules
    assert near.terms[0].from_pump == "P-202"
    assert states(station)["P-202/rule.turns"] is AlarmState.ACKNOWLEDGED
    wait_until(lambda: station.engine.latest().unjudged_rules == ())
    done = station.order(ChangeSite((RemovePump("P-202"),)))
    assert done.text == "Pump P-202 removed, which the rule Like its sister names"
    assert [(u.rule_id, u.why) for u in station.engine.latest().unjudged_rules] == [("near", "there is no pump P-202")]
    assert states(station)["P-101/rule.near"] is AlarmState.UNACKNOWLEDGED, "it is frozen, not lost"
    assert len(station.engine.site().rules) == 2
    wait_until(
        lambda: any(row.text == WARNING for row in station.engine.history.journal(JournalQuery(pump_id="P-101")))
    )


def test_a_pump_with_rules_and_alarms_can_be_removed_and_its_alarm_waits(station: RunningStation) -> None:
    own = replace(TURNS, pump="P-102")
    assert station.order(ChangeSite((SetRule(own, is_new=True),))).ok
    wait_until(lambda: "P-102/rule.turns" in states(station))
    assert station.order(ChangeSite((RemovePump("P-102"),))).ok
    assert states(station) == {"P-102/rule.turns": AlarmState.RETURNED}
    assert station.engine.site().rules == (own,)
    assert [u.why for u in station.engine.latest().unjudged_rules] == ["there is no pump P-102"]


def test_a_tag_that_goes_away_by_hand_freezes_the_rule_and_comes_back(station: RunningStation) -> None:
    assert station.order(ChangeSite((SetRule(TURNS, is_new=True),))).ok
    wait_until(lambda: len(states(station)) == 2)
    path = station.home.site_file
    text = path.read_text("utf-8")
    path.write_text(text.replace('tag = "motor_rpm"', 'tag = "gone"'), "utf-8")
    assert station.order(ReloadSite()).ok
    assert set(states(station).values()) == {AlarmState.UNACKNOWLEDGED}
    assert [u.why for u in station.engine.latest().unjudged_rules] == ["P-101 has no tag gone", "P-102 has no tag gone"]
    path.write_text(text.replace("value = 10.0", "value = 3000.0"), "utf-8")
    assert station.order(ReloadSite()).ok
    wait_until(lambda: set(states(station).values()) == {AlarmState.RETURNED})


def test_an_acknowledged_alarm_of_a_rule_goes_on_over_a_restart(port: int, tmp_path: Path) -> None:
    home, text = Home(tmp_path / "home"), site_text(port, pumps=1)
    first = RunningStation(home, text).start()
    assert first.order(ChangeSite((SetRule(TURNS, is_new=True),))).ok
    wait_until(lambda: "P-101/rule.turns" in states(first), within_s=30)
    assert first.order(Acknowledge("P-101/rule.turns")).ok
    first.end()
    again = RunningStation(home, home.site_file.read_text("utf-8"))
    before = states(again)
    again.start()
    wait_until(lambda: again.engine.latest().pumps[0].frame is not None, within_s=30)
    after = states(again)
    again.end()
    assert before == after == {"P-101/rule.turns": AlarmState.ACKNOWLEDGED}
