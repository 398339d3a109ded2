"""Alarms of the run before that can be read only after the start: what still stands goes on, what is over ends."""

from dataclasses import replace
from pathlib import Path

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.events import AlarmChanged, Event
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.site import PumpSettings, Site
from pumpwatch_gui.engine.annunciator import Annunciator
from pumpwatch_gui.engine.bus import EventBus
from pumpwatch_gui.engine.judging import Judging
from pumpwatch_gui.judge.alarms.desk import AlarmDesk
from tests.conftest import make_frame

OLD = Alarm("P-101/temperature_c.high", "P-101", "temperature_c", Priority.HIGH, "old", AlarmState.ACKNOWLEDGED,
            85.0, 80.0, "degC", 1, 1, "asha")  # fmt: skip


def judging(profile: PumpProfile) -> tuple[Judging, Annunciator, list[Event]]:
    events: list[Event] = []
    bus = EventBus(events.append)
    annunciator = Annunciator(AlarmDesk(), bus)
    pump = PumpSettings(pump_id="P-101", name="One", profile_name="two", profile=profile, model="none", links=())
    return Judging(Site(folder=Path(), pumps=(pump,)), annunciator, bus, lambda found: None), annunciator, events


def states(annunciator: Annunciator) -> dict[str, str]:
    return {a.alarm_id: a.state.value for a in annunciator.alarms}


def offer(judge: Judging, temperature_c: float, seconds: range) -> None:
    for second in seconds:
        judge.offer_frame(make_frame([1500.0, temperature_c], at_s=float(second)))
    judge.tick(lambda pumps: {})


def test_an_alarm_whose_condition_still_holds_goes_on_acknowledged(two_sensor_profile: PumpProfile) -> None:
    judge, annunciator, _ = judging(two_sensor_profile)
    judge.call(lambda: judge.take_up([OLD]))
    offer(judge, 85.0, range(10))
    assert states(annunciator) == {OLD.alarm_id: AlarmState.ACKNOWLEDGED.value}
    assert annunciator.alarms[0].by == "asha"


def test_an_alarm_that_is_over_returns(two_sensor_profile: PumpProfile) -> None:
    judge, annunciator, events = judging(two_sensor_profile)
    judge.take_up([OLD])
    offer(judge, 50.0, range(10))
    assert states(annunciator) == {}
    assert [e.alarm.state for e in events if isinstance(e, AlarmChanged)] == [AlarmState.NORMAL]


def test_what_this_run_has_found_meanwhile_stands(two_sensor_profile: PumpProfile) -> None:
    judge, annunciator, _ = judging(two_sensor_profile)
    offer(judge, 85.0, range(5))
    assert states(annunciator) == {OLD.alarm_id: AlarmState.UNACKNOWLEDGED.value}
    judge.take_up([OLD])
    assert states(annunciator) == {OLD.alarm_id: AlarmState.UNACKNOWLEDGED.value}


def test_an_alarm_of_a_pump_or_limit_that_is_gone_is_returned_at_once(two_sensor_profile: PumpProfile) -> None:
    judge, annunciator, _ = judging(two_sensor_profile)
    gone = replace(OLD, alarm_id="P-999/t.high", pump_id="P-999", state=AlarmState.UNACKNOWLEDGED)
    limit = replace(OLD, alarm_id="P-101/t.high")
    judge.take_up([gone, limit])
    assert states(annunciator) == {gone.alarm_id: AlarmState.RETURNED.value}
