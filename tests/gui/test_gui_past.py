"""Trends reach back into the history on the disk, never into the future, and label every time once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pumpwatch_gui.domain.values.trace import TraceRing
from pumpwatch_gui.domain.wording import local_time
from pumpwatch_gui.gui.pump.lanes import TimeWindow
from pumpwatch_gui.gui.pump.page import PumpPage
from pumpwatch_gui.gui.shell.past import PastTraces
from tests.gui.conftest import OpenWindow
from tests.gui.fake_station import FakeStation
from tests.gui.parts import page_of


def restarted(history_s: int, in_memory: int) -> FakeStation:
    """A station whose history is on the disk, but only the newest frames in memory, as after a start."""
    station = FakeStation(2, scenes={}, history_s=0)
    size = len(station.profile.quantities)
    rings = {pump.pump_id: TraceRing(size, capacity=in_memory) for pump in station.site().pumps}
    station._rings = rings
    for second in range(-history_s, 1):
        station.step(float(second))
        for pump in station.latest().pumps:
            assert pump.frame is not None
            station.history.put_frame(pump.frame, station.profile.tags)
    return station


def test_the_first_picture_after_a_start_is_filled_from_the_history(open_window: OpenWindow) -> None:
    station = restarted(900, in_memory=20)
    window = open_window(source=station)
    window.open_page("pump", "P-101")
    trends = page_of(window, PumpPage).trends
    trace = trends._trace
    assert trace is not None
    assert trace.time_s[0] <= trends.window_now.start_s
    assert np.diff(trace.time_s).max() < 3
    assert (np.diff(trace.time_s) >= 0).all()
    assert station.trace("P-101").time_s.size == 20


def test_back_in_time_the_history_is_read_further(open_window: OpenWindow) -> None:
    station = restarted(3000, in_memory=20)
    window = open_window(source=station)
    window.open_page("pump", "P-101")
    trends = page_of(window, PumpPage).trends
    for _ in range(10):
        QTest.keyClick(trends, Qt.Key.Key_BracketLeft)
    assert trends._trace is not None
    start_s, end_s = trends.window_now.start_s, trends.window_now.end_s
    inside = (trends._trace.time_s >= start_s) & (trends._trace.time_s <= end_s)
    assert inside.sum() >= 590
    assert end_s < station.latest().time_ns / 1e9 - 1000


def test_the_history_joins_the_frames_in_memory_without_a_step_back(open_window: OpenWindow) -> None:
    station = restarted(600, in_memory=20)
    traces = PastTraces(open_window(source=station).context)
    now_s = station.latest().time_ns / 1e9
    for end_s in (now_s, now_s - 5, now_s - 200):
        traces.trace("P-102", now_s - 500, end_s)
        trace = traces.trace("P-102", now_s - 500, end_s)
        assert (np.diff(trace.time_s) >= 0).all()
    with pytest.raises(KeyError):
        traces.trace("P-999", now_s - 500, now_s)


def test_what_was_read_is_given_up_once_memory_reaches_back_as_far(open_window: OpenWindow) -> None:
    station = restarted(600, in_memory=200)
    traces = PastTraces(open_window(source=station).context)
    now_s = station.latest().time_ns / 1e9
    traces.trace("P-102", now_s - 300, now_s)
    assert traces.trace("P-102", now_s - 300, now_s).time_s.size > 250
    assert traces._past
    traces.trace("P-102", now_s - 100, now_s)
    assert not traces._past
    assert traces.trace("P-102", now_s - 100, now_s).time_s.size == 101


def test_no_more_points_are_read_than_are_wanted(open_window: OpenWindow) -> None:
    station = restarted(600, in_memory=20)
    traces = PastTraces(open_window(source=station).context, 50)
    now_s = station.latest().time_ns / 1e9
    traces.trace("P-102", now_s - 500, now_s)
    assert traces.trace("P-102", now_s - 500, now_s).time_s.size <= 2 * 50 + 20


def test_no_window_ends_in_the_future(open_window: OpenWindow) -> None:
    window = open_window(source=FakeStation(1, scenes={}, history_s=100))
    window.open_page("pump")
    trends = page_of(window, PumpPage).trends
    for key in (Qt.Key.Key_BracketRight, Qt.Key.Key_Minus, Qt.Key.Key_BracketRight):
        QTest.keyClick(trends, key)
        assert trends.window_now.end_s <= window.context.station.latest().time_ns / 1e9
    assert trends.window_now.paused


@given(st.floats(10, 3600), st.integers(1, 40), st.integers(0, 86_400))
def test_no_two_ticks_of_an_axis_read_the_same(length_s: float, most: int, end_s: int) -> None:
    window = TimeWindow(length_s, 1_768_000_000.0 + end_s)
    form = "%H:%M:%S" if window.step_s(most) < 60 else "%H:%M"
    labels = [local_time(round(tick * 1e9), form) for tick in window.ticks(most)]
    assert len(labels) == len(set(labels))


def test_values_under_the_cursor_are_not_in_the_live_colour(open_window: OpenWindow) -> None:
    window = open_window(source=FakeStation(1, scenes={}, history_s=100))
    window.open_page("pump")
    trends = page_of(window, PumpPage).trends

    def live_pixels() -> int:
        image = trends.grab().toImage()
        head = image.copy(0, 20, 300, 30)
        live = window.appearance.theme.live.lower()
        return sum(head.pixelColor(x, y).name() == live for x in range(head.width()) for y in range(head.height()))

    assert live_pixels() > 5
    QTest.keyClick(trends, Qt.Key.Key_Left)
    assert trends.cursor_s is not None
    assert live_pixels() == 0
