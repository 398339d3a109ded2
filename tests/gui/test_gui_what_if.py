"""The past below the limits: lines that can be dragged, and what the typed limits would have done."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from pumpwatch_gui.commissioning.pumps.what_if import JudgedPast, WhatIf
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.gui.forms.limit_plot import apart
from pumpwatch_gui.gui.settings.limits_dialog import LimitsDialog
from pumpwatch_gui.gui.settings.what_if_panel import words_of
from pumpwatch_gui.judge.sources.limit_replay import PastEpisode
from tests.gui.conftest import OpenWindow
from tests.gui.fake_station import FakeStation

TAG, HOURS = "bearing_temperature_c", 3


def station_with_a_past(hot: tuple[int, int] = (4000, 4400)) -> FakeStation:
    """Three hours of one pump, a value every two seconds, 74 °C for some of them."""
    station = FakeStation(3, scenes={}, history_s=60)
    profile, now = station.profile, station.latest()
    middle = np.array([sum(s.normal or s.span) / 2 for s in profile.sensors])
    count = HOURS * 1800
    for i in range(count):
        values = middle.copy()
        values[profile.index(TAG)] = 74.0 if hot[0] <= i < hot[1] else 60.0 + np.sin(i / 100)
        at_ns = now.time_ns - (count - i) * 2 * 10**9
        zero = np.zeros(values.size, dtype=np.uint8)
        station.history.put_frame(Frame("P-102", i, at_ns, at_ns, values, zero, zero), profile.tags)
    return station


@pytest.fixture(name="dialog")
def _dialog(open_window: OpenWindow, qtbot: QtBot) -> LimitsDialog:
    window = open_window(source=station_with_a_past(), size=(1280, 900))
    window.context.open_dialog("limits", "P-102")
    dialog = window.findChild(LimitsDialog)
    assert isinstance(dialog, LimitsDialog)
    row = next(i for i, sensor in enumerate(dialog.table.sensors) if sensor.tag == TAG)
    dialog.table.setCurrentCell(row, dialog.table.first)
    qtbot.waitUntil(lambda: dialog.past.plot._series is not None)
    return dialog


def cell(dialog: LimitsDialog, name: str) -> str:
    row = dialog.table.currentRow()
    return dialog.table.texts()[row][("low_low", "low", "high", "high_high").index(name)]


def test_dragging_a_line_types_the_limit_and_can_be_undone(dialog: LimitsDialog) -> None:
    plot, before = dialog.past.plot, cell(dialog, "high")
    y = round(plot._y(float(before)))
    assert plot.line_at(QPoint(200, y).toPointF()) == "high"
    QTest.mousePress(plot, Qt.MouseButton.LeftButton, pos=QPoint(200, y))
    QTest.mouseMove(plot, QPoint(200, y + 30))
    QTest.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=QPoint(200, y + 30))
    assert float(cell(dialog, "high")) < float(before)
    assert dialog.is_edited()
    dialog.undo.click()
    while dialog.undo.isEnabled():
        dialog.undo.click()
    assert cell(dialog, "high") == before
    assert plot._limits["high"] == float(before)


def test_a_press_beside_the_lines_drags_nothing(dialog: LimitsDialog) -> None:
    before = dialog.table.texts()
    plot = dialog.past.plot
    middle = round((plot._y(plot._limits["high"]) + plot._y(plot._limits["high_high"])) / 2)
    QTest.mousePress(plot, Qt.MouseButton.LeftButton, pos=QPoint(200, middle))
    QTest.mouseMove(plot, QPoint(200, middle + 20))
    QTest.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=QPoint(200, middle + 20))
    assert dialog.table.texts() == before


def test_what_if_says_what_is_gained_and_marks_it(dialog: LimitsDialog, qtbot: QtBot) -> None:
    dialog.table.set_limit(dialog.table.currentRow(), "high", 70.0)
    dialog.past.start.click()
    qtbot.waitUntil(lambda: "Gained" in dialog.past.outcome.text())
    text = dialog.past.outcome.text()
    assert "Present limits: no alarm" in text
    assert "These: 1 alarm" in text
    assert [mark.is_gained for mark in dialog.past.plot._marks] == [True]
    dialog.table.set_limit(dialog.table.currentRow(), "high", 77.0)
    assert dialog.past.outcome.text() == ""
    assert dialog.past.plot._marks == ()


def test_a_pump_without_a_past_says_so(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(source=station_with_a_past(), size=(1280, 900))
    window.context.open_dialog("limits", "P-101")
    dialog = window.findChild(LimitsDialog)
    assert isinstance(dialog, LimitsDialog)
    QApplication.processEvents()
    dialog.past.start.click()
    qtbot.waitUntil(lambda: "no readings" in dialog.past.outcome.text())
    assert dialog.past.start.isVisible()


def test_the_words_of_an_outcome() -> None:
    hour = 3600 * 10**9
    one = PastEpisode("high_high", 0, hour // 60)
    found = WhatIf(0, 48 * hour, 48.0, JudgedPast((), 0.0), JudgedPast((one, one), 60.0), (one, one), ())
    text = words_of(found)
    assert text.startswith("48 h with values. Present limits: no alarm. These: 2 alarms, 7.0 a week, 1:00 in alarm.")
    assert "Gained: 2 (1970-01-01" in text
    calm = WhatIf(0, hour, 1.0, JudgedPast((), 0.0), JudgedPast((), 0.0), (), ())
    assert words_of(calm).endswith("No alarm is gained or lost.")


@given(st.lists(st.floats(0, 200), max_size=4), st.floats(1, 30))
def test_names_of_limits_that_are_near_are_moved_apart_in_their_order(heights: list[float], least: float) -> None:
    moved = apart(heights, least)
    pairs = sorted(zip(heights, moved, strict=True))
    assert all(b[1] - a[1] >= least - 1e-9 for a, b in pairwise(pairs))
    if all(b - a >= least for a, b in pairwise(sorted(heights))):
        assert moved == pytest.approx(heights)
