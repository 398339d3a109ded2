"""Windows and gaps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.values.pace import Pace
from pumpwatch_gui.infer.live.window import Window

S = 10**9


@given(rows=st.lists(st.integers(0, 99), max_size=40), length=st.integers(1, 7))
def test_a_window_holds_the_newest_rows_in_order(rows: list[int], length: int) -> None:
    window = Window(length, 2)
    for i, value in enumerate(rows):
        window.add([value, -value])
        assert window.filled == min(i + 1, length)
        if window.is_full:
            assert window.view()[:, 0].tolist() == rows[i + 1 - length : i + 1]


def test_a_window_that_is_not_full_cannot_be_looked_at() -> None:
    window = Window(3, 1)
    window.add([1.0])
    with pytest.raises(ValueError, match="1 of 3"):
        window.view()
    for _ in range(3):
        window.add([2.0])
    window.restart()
    assert not window.is_full


def paced(seconds: list[float]) -> list[bool]:
    pace = Pace()
    return [bool(np.isinf(pace.step(round(s * S)))) for s in seconds]


def test_an_interval_above_three_periods_is_a_gap_and_three_is_none() -> None:
    assert paced([0, 1, 2, 3, 6, 7, 10.5]) == [True, False, False, False, False, False, True]


def test_the_period_is_learnt_from_the_stamps() -> None:
    assert not any(paced([i * 20.0 for i in range(9)] + [220.0])[1:])
    assert paced([i * 0.1 for i in range(9)] + [1.9])[-1]
    assert not paced([i * 0.1 for i in range(9)] + [1.75])[-1]  # below a second nothing is a gap


def test_a_clock_that_stands_or_falls_is_a_gap() -> None:
    assert paced([5, 5, 4, 5]) == [True, True, True, False]
