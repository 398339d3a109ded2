"""Values in the units of the site or the user, on every page; what is stored and ordered keeps those of the tags."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from pumpwatch_gui.commissioning.pumps.what_if import JudgedPast, WhatIf
from pumpwatch_gui.domain.alarms.rules import Comparison, CustomRule, RuleTerm
from pumpwatch_gui.domain.pump.profile import Limits
from pumpwatch_gui.domain.units import UnitChoice
from pumpwatch_gui.gui.alarms.page import AlarmsPage
from pumpwatch_gui.gui.overview.page import OverviewPage
from pumpwatch_gui.gui.pump.page import PumpPage
from pumpwatch_gui.gui.rules.rule_dialog import RuleDialog
from pumpwatch_gui.gui.rules.rules_dialog import RulesDialog
from pumpwatch_gui.gui.settings.limits_dialog import LimitsDialog
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.trends.page import TrendsPage
from pumpwatch_gui.gui.trends.pens import Pen
from tests.gui.conftest import OpenWindow
from tests.gui.fake_scenes import Scene
from tests.gui.fake_station import FakeStation
from tests.gui.parts import dialog_of, page_of

US = UnitChoice("psi", "degF", "gpm", "in/s")
HOT = {0: Scene("hot")}


def act(window: MainWindow, words: str) -> QAction:
    """The command of that name."""
    return next(action for action in window.findChildren(QAction) if action.text() == words)


def row_of(dialog: LimitsDialog, tag: str) -> int:
    return next(i for i, sensor in enumerate(dialog.table.sensors) if sensor.tag == tag)


def test_a_user_chooses_over_the_site_and_is_remembered(open_window: OpenWindow, tmp_path: Path) -> None:
    station = FakeStation(2, history_s=30)
    station.change(replace(station.site(), units=UnitChoice(pressure="kPa", flow="m3/h")))
    window = open_window(source=station)
    units = window.context.units
    assert (units.choice.pressure, units.choice.flow) == ("kPa", "m3/h")
    act(window, "Pressure in psi").trigger()
    assert window.context.units.choice == UnitChoice(pressure="psi", flow="m3/h")
    window.close()
    assert open_window(source=station).context.units.choice == UnitChoice(pressure="psi", flow="m3/h")


def test_the_same_values_are_on_every_page_in_the_chosen_units(open_window: OpenWindow) -> None:
    window = open_window(2, scenes=HOT)
    own = window.context.station.latest().pump("P-101")
    assert own.frame is not None
    celsius = float(own.frame.values[own.profile.index("bearing_temperature_c")])
    window.use_units(US)
    window.open_page("overview")
    spoken = page_of(window, OverviewPage).tiles.states[0].spoken
    assert f"{celsius * 1.8 + 32:.1f} °F" in spoken
    assert "psi" in spoken
    assert "gpm" in spoken
    window.open_page("pump", "P-101")
    lanes = page_of(window, PumpPage).trends.lanes
    assert {"psi", "degF", "gpm", "in/s"} <= {lane.unit for lane in lanes}
    lane = next(lane for lane in lanes if lane.unit == "degF")
    trace = page_of(window, PumpPage).trends._trace
    assert trace is not None
    assert trace.values[-1, lane.column] == pytest.approx(celsius * 1.8 + 32, abs=0.01)
    assert "°F" in window.top_bar.banner.accessibleName()
    window.open_page("alarms")
    page = page_of(window, AlarmsPage)
    model = page.alarm_view.model()
    cells = {str(model.index(row, column).data()) for row in range(model.rowCount()) for column in range(9)}
    assert any("°F" in cell for cell in cells)
    assert not any("°C" in cell for cell in cells)


def test_trends_show_curves_limits_and_scale_in_the_unit_and_follow_a_change(open_window: OpenWindow) -> None:
    window = open_window(2)
    window.open_page("trends", "P-101")
    page = page_of(window, TrendsPage)
    page.set_pens([Pen("P-101", "suction_pressure_bar")])
    before = page._points[page.pens[0].key]
    act(window, "Pressure in psi").trigger()
    facts, after = page._facts[0], page._points[page.pens[0].key]
    assert facts.unit == "psi"
    assert float(np.nanmean(after.mean)) == pytest.approx(float(np.nanmean(before.mean)) * 14.5037738, rel=1e-3)
    low, high = facts.scale
    assert all(low <= value <= high for _, value in facts.limits)


def test_100_psi_is_ordered_in_bar_and_reads_as_100_psi_again(open_window: OpenWindow) -> None:
    station = FakeStation(2, history_s=30)
    window = open_window(source=station)
    window.use_units(UnitChoice(pressure="psi"))
    dialog = dialog_of(window, LimitsDialog, "limits", "P-101")
    row = row_of(dialog, "discharge_pressure_bar")
    assert dialog.table.item(row, 1).text().endswith("psi")  # type: ignore[union-attr]
    before = station.site().pumps[0].profile
    old = before.sensors[before.index("discharge_pressure_bar")].limits
    dialog.table.set_limit(row, "high_high", 100.0)
    dialog.save()
    change = station.site().pumps[0].profile
    new = change.sensors[change.index("discharge_pressure_bar")].limits
    assert new.high_high == pytest.approx(6.894757, rel=1e-5)
    assert (new.low_low, new.low, new.high, new.deadband) == (old.low_low, old.low, old.high, old.deadband)
    others = [(a.tag, a.limits) for a in before.sensors if a.tag != "discharge_pressure_bar"]
    assert others == [(a.tag, a.limits) for a in change.sensors if a.tag != "discharge_pressure_bar"]
    again = dialog_of(window, LimitsDialog, "limits", "P-101")
    assert again.table.texts()[row][3] == "100"
    again.close()


def test_a_rule_is_typed_in_the_shown_unit_and_kept_in_that_of_the_tag(open_window: OpenWindow) -> None:
    term = RuleTerm("bearing_temperature_c", Comparison.ABOVE, 71.3)
    rule = CustomRule("hot", "Hot", (term,))
    station = FakeStation(2, history_s=30)
    station.change(replace(station.site(), rules=(rule,), units=UnitChoice(temperature="degF")))
    window = open_window(source=station)
    listed = dialog_of(window, RulesDialog, "rules")
    assert "160.34 °F" in listed.rules.rows[0].condition
    form = RuleDialog(window.context, rule, listed, is_new=False)
    row = form.rows[0]
    assert (row.value.text(), row._unit.text()) == ("160.34", "°F")
    assert form.rule().terms == (term,)  # untouched: to the last bit
    row.value.setText("167")
    assert form.rule().terms[0].value == 75.0
    form.deleteLater()
    listed.close()


def test_the_duty_point_of_the_curve_is_in_the_unit_of_flow(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(1)
    window.open_page("pump", "P-101")
    page = page_of(window, PumpPage)
    QTest.mouseClick(page.show_curve, Qt.MouseButton.LeftButton)
    window.refresh()
    ends, words = page.curve._scale(), page.curve.words
    window.use_units(UnitChoice(flow="m3/h"))
    window.refresh()
    assert "m³/h" in page.curve.words
    assert words.rpartition(",")[2] == page.curve.words.rpartition(",")[2]  # the same share of the best flow
    assert page.curve._scale()[0] < ends[0] / 10
    assert page.curve._scale()[1] == ends[1]


def test_a_decimal_comma_is_typed_where_the_language_has_one_and_numbers_read_alike(open_window: OpenWindow) -> None:
    before = QLocale()
    QLocale.setDefault(QLocale("de_DE"))
    try:
        window = open_window(2, scenes=HOT)
        window.use_units(US)
        window.refresh()
        spoken = page_of(window, OverviewPage).tiles.states[0].spoken
        assert re.search(r"Bearing temperature \d+\.\d °F", spoken)  # the program's own point, everywhere
        dialog = dialog_of(window, LimitsDialog, "limits", "P-101")
        row = row_of(dialog, "bearing_temperature_c")
        cell = dialog.table.item(row, dialog.table.first + 3)
        assert cell is not None
        cell.setText("190,5")
        dialog.save()
        profile = window.context.station.site().pumps[0].profile
        new = profile.sensors[profile.index("bearing_temperature_c")].limits.high_high
        assert new == pytest.approx((190.5 - 32) / 1.8, rel=1e-6)
        assert dialog.trouble.text() == ""
    finally:
        QLocale.setDefault(before)


def test_what_if_judges_in_the_unit_of_the_tag(open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[Limits] = []

    def judge(*args: object, **_: object) -> WhatIf:
        assert isinstance(args[4], Limits)
        judged.append(args[4])
        return WhatIf(0, 1, 1.0, JudgedPast((), 0.0), JudgedPast((), 0.0), (), ())

    monkeypatch.setattr("pumpwatch_gui.gui.settings.what_if_panel.what_if", judge)
    window = open_window(2)
    window.use_units(UnitChoice(temperature="degF"))
    dialog = dialog_of(window, LimitsDialog, "limits", "P-101")
    row = row_of(dialog, "bearing_temperature_c")
    dialog.table.setCurrentCell(row, dialog.table.first)
    dialog.table.set_limit(row, "high", 167.0)
    dialog.past.start.click()
    assert [one.high for one in judged] == [75.0]
    assert judged[0].high_high == 85.0
    dialog.table.set_limit(row, "high", 172.4)
    dialog.reject()


def test_a_restored_row_is_that_of_the_profile_to_the_last_digit(open_window: OpenWindow) -> None:
    station = FakeStation(2, history_s=30)
    profile = station.site().pumps[0].profile
    odd = replace(profile.sensors[profile.index("oil_pressure_bar")].limits, low_low=1.2345678)
    sensors = tuple(replace(s, limits=odd) if s.tag == "oil_pressure_bar" else s for s in profile.sensors)
    first, *others = station.site().pumps
    changed = replace(first, profile=replace(profile, sensors=sensors))
    station.change(replace(station.site(), pumps=(changed, *others)))
    window = open_window(source=station)
    window.use_units(UnitChoice(pressure="psi"))
    dialog = dialog_of(window, LimitsDialog, "limits", "P-101")
    dialog.table.setCurrentCell(row_of(dialog, "oil_pressure_bar"), dialog.table.first)
    dialog.restore_row()
    dialog.save()
    now = station.site().pumps[0].profile
    at = now.index("oil_pressure_bar")
    assert now.sensors[at].limits == profile.sensors[at].limits
