"""Lines on the screen: gaps stay gaps, peaks stay peaks, time windows keep their bounds."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PySide6.QtCore import QRectF

from pumpwatch_gui.gui.look.curves import off_scale, path, thinned
from pumpwatch_gui.gui.pump.lanes import TimeWindow, apart, lane_rects, score_lane, sensor_lane, value_at
from tests.gui.fake_station import FakeStation

Floats = NDArray[np.float64]
values = arrays(np.float64, st.integers(2, 600), elements=st.one_of(st.just(np.nan), st.floats(-1e3, 1e3)))


@given(values, st.integers(5, 80))
def test_thinning_keeps_the_highest_and_the_lowest_of_whole_lines(y: Floats, width: int) -> None:
    x = np.linspace(0, width, y.size)
    thin_x, thin_y = thinned(x, y, width)
    assert thin_x.size <= max(2 * width + 2, y.size if y.size <= 2 * width else 0)
    assert (np.diff(thin_x) >= 0).all()
    if not np.isnan(y).any():
        assert np.nanmax(thin_y) == y.max()
        assert np.nanmin(thin_y) == y.min()


@given(values)
def test_a_line_never_bridges_a_gap(y: Floats) -> None:
    x = np.arange(y.size, dtype=float)
    drawn = path(x, y, longest_step=1.5)
    good = np.isfinite(y)
    joined = int((good[1:] & good[:-1]).sum())
    lines = sum(drawn.elementAt(i).isLineTo() for i in range(drawn.elementCount()))
    assert lines == (joined if good.sum() >= 2 else 0)


def test_a_line_breaks_where_samples_are_missing() -> None:
    x = np.array([0.0, 1, 2, 30, 31])
    drawn = path(x, np.ones(5), longest_step=3)
    assert [drawn.elementAt(i).isMoveTo() for i in range(5)] == [True, False, False, True, False]
    assert (drawn.elementAt(3).x, drawn.elementAt(3).y) == (30.0, 1.0)


@given(st.lists(st.floats(0.1, 10), max_size=20), st.floats(10, 3600))
def test_zooming_stays_between_ten_seconds_and_an_hour(factors: list[float], length: float) -> None:
    window = TimeWindow(length, 1e9)
    for factor in factors:
        window = window.zoomed(factor)
        assert 10 <= window.length_s <= 3600
        assert window.end_s == 1e9


def test_a_paused_window_stays_and_zooms_around_the_cursor() -> None:
    window = TimeWindow(600, 1000, paused=True)
    assert window.at(2000) == window
    zoomed = window.zoomed(0.5, 700)
    assert (zoomed.start_s, zoomed.end_s) == (550, 850)
    assert TimeWindow(600, 1000).at(2000).end_s == 2000


@given(st.floats(10, 3600), st.integers(1, 12))
def test_ticks_are_round_and_few(length: float, most: int) -> None:
    ticks = TimeWindow(length, 1_700_000_123.4).ticks(most)
    assert len(ticks) <= most + 1
    assert all(1_700_000_123.4 - length < t <= 1_700_000_123.4 for t in ticks)


@given(st.lists(st.floats(0, 100), max_size=5))
def test_labels_never_touch(heights: list[float]) -> None:
    placed = sorted(apart(heights, 12, 0, 200))
    assert all(b - a >= 12 - 1e-9 for a, b in pairwise(placed))


def test_lanes_lie_apart_and_a_large_one_is_largest() -> None:
    rects = lane_rects(11, QRectF(0, 20, 600, 700), large=3, head=17)
    assert all(a.bottom() <= b.top() - 17 for a, b in pairwise(rects))
    assert max(rects, key=lambda r: r.height()) is rects[3]


def test_the_cursor_reads_the_nearest_sample_and_nothing_in_a_gap() -> None:
    station = FakeStation(1, scenes={}, history_s=20)
    trace = station.trace("P-101")
    lane = sensor_lane(3, station.profile.sensors[3])
    assert value_at(trace, lane, trace.time_s[5] + 0.3, within_s=1) == np.float32(trace.values[5, 3])
    assert np.isnan(value_at(trace, lane, trace.time_s[-1] + 60, within_s=3))
    assert value_at(trace, score_lane(), trace.time_s[2], within_s=1) == trace.score[2]


@given(values, st.floats(-500, 500), st.floats(1, 400))
def test_every_value_off_the_scale_is_under_a_rail_of_its_side_and_no_other(
    y: Floats, low: float, width: float
) -> None:
    x, scale = np.arange(y.size, dtype=float) * 7, (low, low + width)
    stretches = off_scale(x, y, scale, longest_step=10, near=4)
    for i in range(y.size):
        over = [s for s in stretches if s.left <= x[i] <= s.right]
        is_out = y[i] > scale[1] + width / 100 or y[i] < scale[0] - width / 100
        assert bool(over) == is_out
        for stretch in over:
            assert stretch.is_above == (y[i] > scale[1])
            assert stretch.farthest >= y[i] if stretch.is_above else stretch.farthest <= y[i]


def test_a_rail_ends_where_samples_are_missing() -> None:
    x = np.array([0.0, 1, 2, 30, 31])
    rails = off_scale(x, np.array([9.0, 8, 9, 7, 7]), (0, 5), longest_step=3)
    assert [(r.left, r.right, r.farthest) for r in rails] == [(0, 2, 9), (30, 31, 7)]
