"""The one latency meter."""

import threading
from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.values.latency import Latency


@given(durations_s=st.lists(st.floats(0, 100), min_size=1, max_size=60), capacity=st.integers(1, 20))
def test_the_percentiles_are_those_of_the_last_durations(durations_s: list[float], capacity: int) -> None:
    latency = Latency(capacity)
    for duration_s in durations_s:
        latency.add(duration_s)
    found = latency.percentiles()
    wanted = np.percentile(np.array(durations_s[-capacity:]) * 1e3, (50, 95, 99))
    assert (found.p50, found.p95, found.p99) == pytest.approx(tuple(wanted))


def test_before_the_first_call_there_is_no_number() -> None:
    found = Latency().percentiles()
    assert all(isnan(ms) for ms in (found.p50, found.p95, found.p99))


def test_who_asks_while_another_thread_adds_gets_numbers_that_were_added() -> None:
    latency, done = Latency(100), threading.Event()

    def add() -> None:
        while not done.is_set():
            latency.add(0.002)

    thread = threading.Thread(target=add)
    thread.start()
    try:
        found = [latency.percentiles() for _ in range(300)]
    finally:
        done.set()
        thread.join()
    assert {ms for f in found for ms in (f.p50, f.p95, f.p99) if not isnan(ms)} <= {2.0}
