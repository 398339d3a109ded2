"""Every number of an alarm is live or says of when it is."""

from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from pumpwatch_gui.domain.alarms.alarm import AlarmState
from pumpwatch_gui.domain.alarms.shown import ShownAlarm, WorstValues
from pumpwatch_gui.domain.commands import ChangeSite, Order
from pumpwatch_gui.domain.display import LastGood
from pumpwatch_gui.domain.pump.profile import Limits
from pumpwatch_gui.domain.shown_units import ShownUnits
from pumpwatch_gui.domain.site_changes import SetLimits
from pumpwatch_gui.domain.units import UnitChoice
from pumpwatch_gui.domain.wording import clock
from pumpwatch_gui.gui.alarms.page import AlarmsPage
from pumpwatch_gui.gui.overview.page import OverviewPage
from pumpwatch_gui.gui.pump.page import PumpPage
from pumpwatch_gui.gui.settings.limits_dialog import LimitsDialog
from tests.gui.conftest import OpenWindow
from tests.gui.fake_scenes import SECOND, Scene
from tests.gui.fake_station import FakeStation
from tests.gui.parts import dialog_of, page_of


def bearing(station: FakeStation) -> float:
    frame = station.latest().pump("P-101").frame
    assert frame is not None
    return float(frame.values[1])


def test_an_alarm_says_its_value_now_the_one_it_was_raised_at_and_the_worst() -> None:
    station, last_good, worst = FakeStation(1, scenes={0: Scene("hot")}, history_s=5), LastGood(), WorstValues()
    for second in (1, 2, 3):
        station.step(float(second * 20))
        last_good.see(station.latest())
        worst.see(station.latest())
    highest = bearing(station)
    station.step(-100.0)  # it falls back
    view = station.latest()
    last_good.see(view)
    worst.see(view)
    shown = ShownAlarm(view.alarms[0], view, view.pump("P-101"), last_good, worst)
    assert shown.now == f"{bearing(station):.1f} °C"
    assert shown.now_number == bearing(station)
    assert shown.raised == f"88.1 °C at {clock(view.alarms[0].raised_ns)}"
    assert shown.worst == f"{highest:.1f} °C"
    assert shown.limit == "85 °C"


def test_the_value_of_an_alarm_is_unknown_when_no_values_come() -> None:
    station, last_good, worst = FakeStation(1, scenes={0: Scene("hot")}, history_s=5), LastGood(), WorstValues()
    last_good.see(station.latest())
    station.offset_ns = 60 * SECOND
    view = station.latest()
    shown = ShownAlarm(view.alarms[0], view, view.pump("P-101"), last_good, worst)
    assert (shown.now, shown.now_number) == ("?", None)


def test_an_alarm_without_a_value_shows_none() -> None:
    station = FakeStation(1, scenes={0: Scene("lost")}, history_s=5)
    view = station.latest()
    shown = ShownAlarm(view.alarms[0], view, view.pump("P-101"), LastGood(), WorstValues())
    assert (shown.now, shown.raised, shown.worst, shown.limit) == ("", "", "", "")
    assert shown.now_number is None


def test_an_alarm_quotes_its_limit_and_the_present_one_after_a_change() -> None:
    station = FakeStation(1, scenes={0: Scene("hot")}, history_s=5)
    sensor = station.profile.sensors[1]
    station.submit(Order(ChangeSite((SetLimits("P-101", {sensor.tag: replace(sensor.limits, high_high=92.0)}),)), "me"))
    view = station.latest()
    assert ShownAlarm(view.alarms[0], view, view.pump("P-101"), LastGood(), WorstValues()).limit == "85 °C, now 92 °C"
    station.submit(Order(ChangeSite((SetLimits("P-101", {sensor.tag: Limits()}),)), "me"))
    view = station.latest()
    assert ShownAlarm(view.alarms[0], view, view.pump("P-101"), LastGood(), WorstValues()).limit == "85 °C, now none"


def test_the_worst_starts_again_with_every_alarm() -> None:
    station, worst = FakeStation(1, scenes={0: Scene("hot")}, history_s=5), WorstValues()
    station.step(60.0)
    worst.see(station.latest())
    alarm = replace(station.latest().alarms[0], raised_ns=station.latest().time_ns, value=86.0)
    assert worst.of(alarm) == 86.0


def test_all_pages_follow_the_value_in_alarm(open_window: OpenWindow) -> None:
    station = FakeStation(1, scenes={0: Scene("hot", AlarmState.UNACKNOWLEDGED)}, history_s=5)
    window = open_window(source=station, size=(1920, 1080))
    for second in (20.0, 40.0):
        station.step(second)
        now = f"{bearing(station):.1f} °C"
        for key in ("overview", "pump", "alarms"):
            window.open_page(key)
            window.refresh()
        assert now in page_of(window, OverviewPage).tiles.states[0].line
        assert any(now in line for line in page_of(window, PumpPage).alarms.rows[0].details)
        assert page_of(window, AlarmsPage).alarms.rows[0].now == now
        assert window.top_bar.banner._alarm is not None
        assert window.top_bar.banner._alarm.now == now


def test_the_values_in_the_limits_dialog_are_live(open_window: OpenWindow, qtbot: QtBot) -> None:
    station = FakeStation(1, scenes={0: Scene("hot")}, history_s=5)
    window = open_window(source=station)
    dialog = dialog_of(window, LimitsDialog, "limits", "P-101")
    station.step(40.0)
    window.refresh()
    cell = dialog.table.item(1, dialog.table.first - 1)
    assert cell is not None
    qtbot.waitUntil(lambda: cell.text() == f"{bearing(station):.1f} °C")
    station.offset_ns = 60 * SECOND
    qtbot.waitUntil(lambda: cell.text() == "?")


def test_the_worst_value_stays_when_the_units_are_changed() -> None:
    station, last_good, worst = FakeStation(1, scenes={0: Scene("hot")}, history_s=5), LastGood(), WorstValues()
    for second in (1, 2, 3):
        station.step(float(second * 20))
        worst.see(station.latest())
        last_good.see(station.latest())
    units, own = ShownUnits(UnitChoice(temperature="degF")), station.latest()
    view = units.view(own)
    celsius = ShownAlarm(own.alarms[0], own, own.pump("P-101"), last_good, worst).worst
    shown = ShownAlarm(view.alarms[0], view, view.pump("P-101"), last_good, worst)
    assert celsius.endswith("°C")
    fahrenheit = float(celsius.removesuffix(" °C")) * 1.8 + 32
    assert float(shown.worst.removesuffix(" °F")) == pytest.approx(fahrenheit, abs=0.15)
    assert shown.limit == "185 °F"
