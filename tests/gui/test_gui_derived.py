"""Derived quantities on the Pump page, in Limits and in the dialog that sets counters."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from pumpwatch_gui.domain.commands import SetCounters
from pumpwatch_gui.domain.display import Trust
from pumpwatch_gui.domain.pump.derived import with_derived
from pumpwatch_gui.gui.pump.derived import wanted_words
from pumpwatch_gui.gui.pump.page import MOST_TRENDED, PumpPage
from pumpwatch_gui.gui.pump.reading_list import ReadingRow
from pumpwatch_gui.gui.settings.counters_dialog import CountersDialog
from pumpwatch_gui.gui.settings.limits_dialog import LimitsDialog
from tests.gui.conftest import OpenWindow
from tests.gui.fake_scenes import Scene
from tests.gui.fake_station import FakeStation
from tests.gui.parts import dialog_of, is_closed, page_of


def rows_of(page: PumpPage) -> dict[str, ReadingRow]:
    return {row.reading.sensor.tag: row for row in page.derived.rows}


def page_on(window_of: OpenWindow, what: str = "") -> PumpPage:
    window = window_of(1, scenes={0: Scene(what)} if what else {})
    window.open_page("pump", "P-101")
    window.refresh()
    return page_of(window, PumpPage)


def click(page: PumpPage, tag: str) -> None:
    at = [row.reading.sensor.tag for row in page.derived.rows].index(tag)
    middle = page.derived.cell_rect(at).center().toPoint()
    QTest.mouseClick(page.derived, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(middle))


def test_every_derived_quantity_is_a_row_with_its_unit(open_window: OpenWindow) -> None:
    page = page_on(open_window)
    rows = rows_of(page)
    station = page.context.station
    assert list(rows) == [s.tag for s in station.latest().pumps[0].profile.derived]
    assert rows["head_m"].reading.value == pytest.approx(48, abs=2)
    assert rows["specific_energy_kwh_m3"].reading.with_unit.endswith("kWh/m³")
    assert rows["vibration_zone"].reading.text == "A"
    assert rows["run_hours"].reading.with_unit == "3,417.6 h"
    assert [row.reading.sensor.tag for row in page.sensors.rows][:1] == ["motor_rpm"]
    assert len(page.sensors.rows) == 10


def test_a_standing_pump_shows_a_dash_where_there_is_no_such_value(open_window: OpenWindow) -> None:
    rows = rows_of(page_on(open_window, "standby"))
    reading = rows["efficiency_percent"].reading
    assert (reading.text, reading.trust, reading.hatched, reading.age_text) == ("–", Trust.NONE, False, "")
    assert rows["head_m"].reading.trust is Trust.LIVE


@pytest.mark.parametrize(
    ("scene", "bad", "good"),
    [("one_bad", "vibration_zone", "head_m"), ("lost", "run_hours", ""), ("lost", "head_m", "")],
)
def test_a_value_that_rests_on_a_bad_one_is_bad(open_window: OpenWindow, scene: str, bad: str, good: str) -> None:
    rows = rows_of(page_on(open_window, scene))
    assert rows[bad].reading.text == "?"
    assert rows[bad].reading.reason
    assert not good or rows[good].reading.trust is Trust.LIVE


def test_a_value_that_rests_on_an_uncertain_one_says_so(open_window: OpenWindow) -> None:
    rows = rows_of(page_on(open_window, "uncertain"))
    assert rows["hydraulic_power_kw"].reading.shown.endswith("?")
    assert rows["electrical_power_kw"].reading.trust is Trust.LIVE


def test_a_click_gives_a_quantity_a_trend_and_another_takes_it_away(open_window: OpenWindow) -> None:
    page = page_on(open_window)
    assert len(page.trends.lanes) == 11
    click(page, "efficiency_percent")
    click(page, "vibration_zone")
    labels = [lane.label for lane in page.trends.lanes]
    assert labels[10:] == ["Overall efficiency", "Vibration zone", "Anomaly score"]
    page.trends.grab()  # paints
    trace, lane = page.trends._trace, page.trends.lanes[10]
    assert trace is not None
    assert np.isfinite(trace.values[:, lane.column]).all()
    assert lane.column == 10 + [row.reading.sensor.tag for row in page.derived.rows].index("efficiency_percent")
    page.trends._set_cursor(float(trace.time_s[-1]))
    assert page.trends._lane_value(page.trends.lanes[11], 11)[0] == "A"
    click(page, "efficiency_percent")
    assert [lane.label for lane in page.trends.lanes][10:] == ["Vibration zone", "Anomaly score"]


def test_only_so_many_have_a_trend_and_the_first_makes_room(open_window: OpenWindow) -> None:
    page = page_on(open_window)
    tags = list(rows_of(page))[: MOST_TRENDED + 1]
    for tag in tags:
        click(page, tag)
    assert page.trends.trended == tuple(tags[1:])


def test_what_the_nameplate_leaves_out_is_named_with_what_it_lacks(open_window: OpenWindow) -> None:
    station = FakeStation(1, scenes={}, history_s=5)
    plate = replace(station.profile.nameplate, npshr_m=None, suction_is_gauge=None)
    profile = with_derived(replace(station.profile, derived=(), nameplate=plate))
    site = station.site()
    station.change(replace(site, pumps=tuple(replace(pump, profile=profile) for pump in site.pumps)))
    station.step(1.0)
    window = open_window(source=station)
    window.open_page("pump", "P-101")
    page = page_of(window, PumpPage)
    assert "npsh_available_m" not in rows_of(page)
    assert page.wanted.isVisibleTo(page)
    assert page.wanted.text() == (
        "NPSH available: the nameplate lacks suction_is_gauge\n"
        "NPSH margin: the nameplate lacks npshr_m, suction_is_gauge"
    )
    assert wanted_words(FakeStation(1, history_s=1).profile) == ""


def test_limits_has_a_row_for_every_derived_quantity(open_window: OpenWindow) -> None:
    dialog = dialog_of(open_window(1), LimitsDialog, "limits", "P-101")
    tags = [sensor.tag for sensor in dialog.table.sensors]
    assert tags == list(dialog.context.station.site().pumps[0].profile.quantity_tags)
    row = tags.index("head_m")
    low = dialog.table.item(row, dialog.table.first + 1)
    assert low is not None
    low.setText("30")
    dialog.save()
    profile = dialog.context.station.site().pumps[0].profile
    assert profile.quantities[profile.index("head_m")].limits.low == 30.0


def test_counters_are_set_with_a_note_and_an_empty_field_leaves_its_counter(open_window: OpenWindow) -> None:
    window = open_window(1)
    dialog = dialog_of(window, CountersDialog, "counters", "P-101")
    assert not dialog.save_button.isEnabled()
    dialog.fields["run_hours"].setText("1,5")
    dialog.fields["starts"].setText("3")
    dialog.note.setText("pump exchanged")
    assert dialog.save_button.isEnabled()
    dialog.save_button.click()
    QApplication.processEvents()
    station = dialog.context.station
    assert isinstance(station, FakeStation)
    assert station.commands == [SetCounters("P-101", {"run_hours": 1.5, "starts": 3.0}, "pump exchanged")]
    assert is_closed(dialog)
    station.step(1.0)
    window.open_page("pump", "P-101")
    window.refresh()
    rows = rows_of(page_of(window, PumpPage))
    assert (rows["run_hours"].reading.text, rows["starts"].reading.text) == ("1.5", "3")
    assert rows["zone_cd_hours"].reading.text == "12.25"


@pytest.mark.parametrize(
    ("tag", "text", "wrong"),
    [("starts", "1.5", "whole number"), ("run_hours", "-1", "0 or more"), ("run_hours", "1,234.5", "is not a number")],
)
def test_a_wrong_counter_is_named_and_cannot_be_saved(open_window: OpenWindow, tag: str, text: str, wrong: str) -> None:
    dialog = dialog_of(open_window(1), CountersDialog, "counters", "P-101")
    dialog.fields[tag].setText(text)
    assert not dialog.save_button.isEnabled()
    assert wrong in dialog.trouble.text()
    dialog.fields[tag].clear()
    assert dialog.trouble.text() == ""


def test_the_curve_takes_the_place_of_the_trends_with_the_live_duty_point(open_window: OpenWindow) -> None:
    page = page_on(open_window)
    assert not page.curve.isVisible()
    page.show_curve.click()
    assert page.curve.isVisible()
    assert not page.trends.isVisible()
    assert page.curve.curve is not None
    assert page.curve.curve.origin == "from the profile"
    assert page.curve.duty is not None
    assert page.curve.duty[0].value == pytest.approx(1450, rel=0.02)
    assert "100 % of best efficiency" in page.curve.words
    assert len(page.curve._trail) > 50
    page.curve.grab()
    page.show_curve.click()
    assert page.trends.isVisible()


@pytest.mark.parametrize(("scene", "why"), [("standby", "only while the pump runs"), ("lost", "no communication")])
def test_a_pump_without_a_duty_point_says_why(open_window: OpenWindow, scene: str, why: str) -> None:
    page = page_on(open_window, scene)
    page.show_curve.click()
    assert page.curve.words == f"no duty point: {why}"
    page.curve.grab()


def test_without_points_a_curve_is_fitted_to_the_history_and_named_so(open_window: OpenWindow) -> None:
    station = FakeStation(1, scenes={}, history_s=5)
    profile = replace(station.profile, curve=None)
    site = station.site()
    station.change(replace(site, pumps=tuple(replace(pump, profile=profile) for pump in site.pumps)))
    station.step(1.0)
    frame = station.latest().pumps[0].frame
    assert frame is not None
    for i in range(400):
        values = frame.values[:10].copy()
        values[4] = 1000 + i * 1.5
        values[6] = values[5] + (60 - 12 * (values[4] / 1450) ** 2) * 998 * 9.80665e-5
        at_ns = frame.time_ns - (500 - i) * 10**9
        own = replace(frame, values=values, quality=frame.quality[:10], reason=frame.reason[:10], time_ns=at_ns)
        station.history.put_frame(own, profile.tags)
    window = open_window(source=station)
    window.open_page("pump", "P-101")
    page = page_of(window, PumpPage)
    page.show_curve.click()
    page.refresh(station.latest())
    curve = page.curve.curve
    assert curve is not None
    assert curve.origin == "fitted to its own running"
    np.testing.assert_allclose(curve.head_m, 60 - 12 * (curve.flow_l_min / 1450) ** 2, rtol=0.02)
