"""The recent past of a pump: what is added, what is kept, and what the system clock does to it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.trace import Trace, TraceRing, frames_kept


def test_frames_of_a_trace_are_added_behind_those_that_are_there() -> None:
    def trace(*times: float) -> Trace:
        t = np.array(times)
        return Trace(t, t[:, None].astype(np.float32), np.zeros((t.size, 1), np.uint8), t.astype(np.float32))

    ring = TraceRing(1, capacity=5)
    for times in ((1, 2), (), (3, 4, 5, 6), (7,), tuple(range(10, 30))):
        ring.extend(trace(*times)) if times else None
        newest = ring.copy().time_s
        assert newest[-1] == (times[-1] if times else newest[-1])
    assert ring.copy().time_s.tolist() == [25, 26, 27, 28, 29]
    assert ring.copy().values[:, 0].tolist() == [25, 26, 27, 28, 29]
    ring.extend(trace(30))
    assert ring.copy().time_s.tolist() == [26, 27, 28, 29, 30]


@given(st.lists(st.sampled_from([0, 0, 0, -3600, 3600, 1, -1]), min_size=2, max_size=40))
def test_a_trace_rises_and_keeps_its_distances_whatever_the_system_clock_does(steps: list[int]) -> None:
    ring, wall_s = TraceRing(1, capacity=16), 1e9
    for i, step in enumerate(steps):
        wall_s += step + 0.5
        one = np.zeros(1, np.uint8)
        ring.append(Frame("P", i, round(wall_s * 1e9), round((i + 1) * 0.5e9), np.array([float(i)]), one, one), 0.0)
    got = ring.copy()
    np.testing.assert_allclose(np.diff(got.time_s), 0.5, atol=1e-5)
    assert got.time_s[-1] == pytest.approx(wall_s)
    assert got.values[:, 0].tolist() == list(range(len(steps)))[-16:]


def test_of_many_pumps_fewer_frames_are_kept_so_that_memory_does_not_grow() -> None:
    assert [frames_kept(pumps) for pumps in (0, 1, 25, 30, 100, 5_000)] == [3600, 3600, 1200, 1000, 600, 600]
