"""The ring buffer: bounded, counted, in order, from any thread."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.values.frame import Frame, bad_frame
from pumpwatch_gui.domain.values.quality import Reason
from pumpwatch_gui.infer.live.ring import RingBuffer


def numbered(seq: int, pump_id: str = "P-1") -> Frame:
    return bad_frame(pump_id, seq=seq, time_ns=seq, mono_ns=seq, size=1, reason=Reason.TIMEOUT)


@given(capacity=st.integers(1, 8), puts=st.lists(st.one_of(st.just(-1), st.integers(1, 12)), max_size=30))
def test_never_above_capacity_order_kept_and_every_loss_counted(capacity: int, puts: list[int]) -> None:
    ring, lost, seq, high = RingBuffer(capacity), 0, 0, 0
    model, taken = list[int](), list[int]()
    for step in puts:
        if step < 0:
            assert [f.seq for f in ring.drain()] == model
            taken, model = taken + model, []
        for _ in range(step):
            ring.put(numbered(seq))
            model.append(seq)
            seq += 1
            if len(model) > capacity:
                model.pop(0)
                lost += 1
            high = max(high, len(model))
        assert ring.depth == len(model) <= capacity
    assert (ring.dropped, ring.high_water) == (lost, high)
    assert taken == sorted(taken)


def test_several_threads_lose_nothing_uncounted() -> None:
    ring, seen = RingBuffer(64), list[Frame]()

    def put(pump_id: str) -> None:
        for i in range(500):
            ring.put(numbered(i, pump_id))

    threads = [threading.Thread(target=put, args=(f"P-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen += ring.drain()
    seen += ring.drain()
    for thread in threads:
        thread.join()
    assert len(seen) + ring.dropped == 2000
    for n in range(4):
        own = [f.seq for f in seen if f.pump_id == f"P-{n}"]
        assert own == sorted(set(own))


def test_wait_ends_when_a_frame_comes_and_at_the_timeout() -> None:
    ring = RingBuffer()
    assert not ring.wait(0.001)
    thread = threading.Thread(target=ring.put, args=(numbered(1),))
    thread.start()
    assert ring.wait(5)
    thread.join()


def test_a_ring_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="capacity"):
        RingBuffer(0)
    assert np.isnan(numbered(0).values).all()
