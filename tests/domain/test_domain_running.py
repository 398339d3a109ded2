"""Whether a pump runs: of one frame, and of many rows at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pumpwatch_gui.domain.pump.running import RunRule, state_of, states_of
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason

TAGS = ("motor_rpm", "motor_current_a")
VALUE = st.one_of(st.just(np.nan), st.floats(-10, 3000))


@pytest.mark.parametrize("rule", [None, RunRule("motor_rpm", 300.0), RunRule("motor_current_a", 5.0)])
@given(rows=st.lists(st.tuples(VALUE, VALUE), min_size=1, max_size=20))
def test_many_rows_run_as_each_of_their_frames_does(rule: RunRule | None, rows: list[tuple[float, float]]) -> None:
    values = np.array(rows)
    assert states_of(values, TAGS, rule) == [state_of(frame_of(row), TAGS, rule) for row in values]


def frame_of(row: NDArray[np.float64]) -> Frame:
    is_bad = np.isnan(row)
    quality = np.where(is_bad, Quality.BAD, Quality.GOOD).astype(np.uint8)
    reason = np.where(is_bad, Reason.NOT_A_NUMBER, Reason.NONE).astype(np.uint8)
    return Frame("P", 0, 0, 0, row.copy(), quality, reason)
