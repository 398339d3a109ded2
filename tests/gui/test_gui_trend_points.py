"""The points of a pen: nothing is hidden, bridged or invented on the way to the screen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PySide6.QtCore import QRectF

from pumpwatch_gui.domain.ports import Series
from pumpwatch_gui.domain.values.quality import Quality
from pumpwatch_gui.domain.values.trace import Trace
from pumpwatch_gui.gui.look.time_view import TimeView
from pumpwatch_gui.gui.trends.curve import PenCurve, in_columns, uncovered
from pumpwatch_gui.gui.trends.points import (
    Floats,
    Points,
    between_cursors,
    joined,
    of_series,
    of_trace,
    statistics,
)
from pumpwatch_gui.gui.trends.scatter import correlation, paired

RECT = QRectF(50, 20, 400, 100)
SCALE = (0.0, 10.0)


def points(time_s: Floats, mean: Floats, low: Floats | None = None, high: Floats | None = None) -> Points:
    low, high = (mean if one is None else one for one in (low, high))
    return Points(time_s, low, mean, high, np.zeros(time_s.size, bool), 3.0)


def seconds(count: int) -> Floats:
    return np.arange(count, dtype=float)


@given(st.integers(2000, 20_000), st.data())
def test_every_spike_is_in_the_band_however_many_readings_share_a_pixel(count: int, data: st.DataObject) -> None:
    values = np.full(count, 5.0)
    at = data.draw(st.integers(1, count - 2))
    values[at], values[at - 1] = 9.5, 0.5
    columns = in_columns(points(seconds(count), values), TimeView(0, count), RECT)
    assert np.nanmax(columns.high) == 9.5
    assert np.nanmin(columns.low) == 0.5
    assert columns.x.size <= RECT.width() + 2


@given(arrays(float, st.integers(1000, 3000), elements=st.one_of(st.just(np.nan), st.floats(0, 10))))
def test_columns_of_pixels_have_the_extremes_of_what_they_hold(values: Floats) -> None:
    columns = in_columns(points(seconds(values.size), values), TimeView(-0.5, values.size), RECT)
    if np.isfinite(values).any():
        assert np.nanmax(columns.high) == np.nanmax(values)
        assert np.nanmin(columns.low) == np.nanmin(values)
    there = np.isfinite(columns.mean)
    assert (columns.low[there] <= columns.mean[there] + 1e-9).all()
    assert (columns.mean[there] <= columns.high[there] + 1e-9).all()


def test_a_value_off_the_scale_is_said_and_not_drawn_at_the_edge() -> None:
    values = np.full(100, 5.0)
    values[40:60] = 25.0
    curve = PenCurve.of(points(seconds(100), values), TimeView(0, 99), RECT, SCALE)
    (out,) = curve.out
    assert (out.is_above, out.farthest) == (True, 25.0)
    assert curve.line.boundingRect().top() < RECT.top() - 100


def test_a_spike_of_a_thinned_pen_that_leaves_the_scale_is_said() -> None:
    mean, high = np.full(50, 5.0), np.full(50, 6.0)
    high[20] = 40.0
    curve = PenCurve.of(points(seconds(50), mean, mean - 1, high), TimeView(0, 49), RECT, SCALE)
    assert [out.farthest for out in curve.out] == [40.0]
    assert curve.band.boundingRect().top() >= RECT.top()


def test_a_thinned_pen_that_stands_below_its_scale_is_said_once() -> None:
    low, high = np.full(50, 5.0), np.full(50, 6.0)
    low[9:31], high[10:30] = -4.0, -3.0
    (out,) = PenCurve.of(points(seconds(50), (low + high) / 2, low, high), TimeView(0, 49), RECT, SCALE).out
    assert (out.is_above, out.farthest) == (False, -4.0)
    assert out.right - out.left == pytest.approx(21 / 49 * RECT.width())


def test_what_is_bad_and_what_was_never_read_are_told_apart() -> None:
    time_s = np.concatenate([seconds(50), 100 + seconds(50)])
    first, second = np.full(100, 5.0), np.full(100, 7.0)
    first[10:20] = np.nan
    values = np.column_stack([first, second])
    with_gap = np.insert(values, 50, np.nan, axis=0)
    series = Series(np.insert(time_s, 50, 75.0), with_gap, with_gap, with_gap, np.full(101, np.nan))
    found = of_series(series, 0, 0.0)
    assert np.flatnonzero(found.is_bad).tolist() == list(range(10, 20))
    curve = PenCurve.of(found, TimeView(0, 150), RECT, SCALE)
    assert len(curve.bad) == 1
    empty = uncovered([curve, PenCurve.of(of_series(series, 1, 0.0), TimeView(0, 150), RECT, SCALE)], RECT)
    assert [(round(left), round(right)) for left, right in empty] == [
        (round(RECT.left() + 49 / 150 * 400), round(RECT.left() + 100 / 150 * 400))
    ]


def test_live_values_that_are_bad_are_no_values() -> None:
    values = np.array([[1.0], [2.0], [3.0]], np.float32)
    quality = np.array([[Quality.GOOD], [Quality.BAD], [Quality.UNCERTAIN]], np.uint8)
    found = of_trace(Trace(seconds(3), values, quality, np.full(3, np.nan, np.float32)), 0)
    assert found.is_bad.tolist() == [False, True, False]
    assert np.isnan(found.mean).tolist() == [False, True, False]


@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 60))
def test_history_and_live_values_are_one_curve_without_a_seam(older: int, newer: int, start: int) -> None:
    late = points(start + seconds(newer), np.full(newer, 2.0))
    both = joined(points(seconds(older), np.full(older, 1.0)), late)
    assert (np.diff(both.time_s) > 0).all()
    assert (both.mean[both.time_s >= start] == 2.0).all()
    assert both.time_s[0] == min(0, start)
    assert both.time_s.size == newer + min(older, start)


def test_statistics_weigh_by_time_and_say_how_much_of_it_has_values() -> None:
    values = np.where(np.arange(100) < 50, 2.0, 4.0)
    values[80:] = np.nan
    found = statistics(points(seconds(100), values), 0, 99)
    assert (found.low, found.high) == (2.0, 4.0)
    assert found.mean == pytest.approx((50 * 2 + 30 * 4) / 80)
    assert found.std == pytest.approx(np.nanstd(values))
    assert found.good == pytest.approx(0.8, abs=0.02)
    assert statistics(points(seconds(0), np.empty(0)), 0, 99).good == 0.0


def test_two_cursors_give_difference_and_slope() -> None:
    line = points(seconds(3601), np.linspace(10, 20, 3601))
    found = between_cursors(line, 600, 3000, 1.0)
    assert [found.at_a, found.at_b] == pytest.approx([10 + 10 / 6, 10 + 50 / 6])
    assert found.per_hour == pytest.approx(10)
    backwards = between_cursors(line, 3000, 600, 1.0)
    assert backwards.difference == pytest.approx(-found.difference)
    assert backwards.per_hour == pytest.approx(10)
    assert np.isnan(between_cursors(line, 600, None, 1.0).difference)
    assert np.isnan(between_cursors(line, 600, 9000, 1.0).at_b)


def test_pairs_of_an_x_y_plot_are_of_one_time() -> None:
    x = points(seconds(100), np.arange(100.0))
    y = points(seconds(50) * 2 + 0.2, np.arange(50.0) * 4)
    times, xs, ys = paired(x, y, TimeView(0, 99))
    assert times.size == 50
    assert np.array_equal(ys, 2 * xs)
    assert correlation(xs, ys) == pytest.approx(1.0)
    far = points(1000 + seconds(50), np.zeros(50))
    assert paired(x, far, TimeView(0, 2000))[0].size == 0
    assert np.isnan(correlation(xs, np.zeros(50)))
