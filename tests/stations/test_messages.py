"""What may pass the door of a collector, and what may not."""

import os
import pickle
import subprocess
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from pumpwatch_gui.domain.commands import Acknowledge, Order
from pumpwatch_gui.domain.errors import LinkError
from pumpwatch_gui.domain.values.trace import TraceRing
from pumpwatch_gui.stations.messages import Ask, Hello, Reader, Reply, Submit, Welcome, Writer
from tests.gui.fake_station import FakeStation


def test_a_whole_station_comes_out_as_it_went_in() -> None:
    station = FakeStation(3, history_s=30)
    view, site = station.latest(), station.site()
    traces = {p.pump_id: station.trace(p.pump_id) for p in view.pumps}
    sent = Welcome(site, view, traces, station.capabilities)
    got = Reader().decode(Writer().encode(sent))
    assert got.site == site
    assert got.capabilities == station.capabilities
    assert (got.view.alarms, got.view.name) == (view.alarms, view.name)
    for pump, other in zip(view.pumps, got.view.pumps, strict=True):
        assert (pump.pump_id, pump.profile, pump.links, pump.alarms) == (
            other.pump_id, other.profile, other.links, other.alarms)  # fmt: skip
        assert pump.frame is not None
        np.testing.assert_array_equal(pump.frame.values, other.frame.values)
        np.testing.assert_array_equal(traces[pump.pump_id].values, got.traces[pump.pump_id].values)


def test_a_profile_travels_once_and_is_one_object_again() -> None:
    station = FakeStation(2, history_s=1)
    writer, reader = Writer(), Reader()
    pump = station.latest().pumps[0]
    first, second = writer.encode(Reply(1, pump)), writer.encode(Reply(2, replace(pump, name="another")))
    assert len(second) < len(first) / 2
    one, two = reader.decode(first), reader.decode(second)
    assert one.result.profile is two.result.profile
    assert two.result.name == "another"


def test_orders_answers_and_errors_arrive() -> None:
    writer, reader = Writer(), Reader()
    order = Order(Acknowledge("P-101/flow"), "asha")
    assert reader.decode(writer.encode(Submit(order))) == Submit(order)
    error = reader.decode(writer.encode(Reply(7, error=LinkError("no response", "look at the cable")))).error
    assert (type(error), error.message, error.advice) == (LinkError, "no response", "look at the cable")
    assert reader.decode(writer.encode(Ask(1, "identify", ("P-101/1",)))) == Ask(1, "identify", ("P-101/1",))
    exceptions = reader.decode(writer.encode(Reply(8, MappingProxyType({2: 5})))).result
    assert exceptions == {2: 5}
    assert isinstance(exceptions, MappingProxyType)


class Evil:
    @override
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("true",)


@pytest.mark.parametrize("what", [Evil(), subprocess.Popen, os.system, eval, pickle.loads, TraceRing, np.load])
def test_nothing_but_a_message_is_made_of_what_comes_through_the_door(what: object) -> None:
    for content in (pickle.dumps(what), Writer().encode(Reply(1, what))):
        with pytest.raises(pickle.UnpicklingError):
            Reader().decode(content)


@given(st.binary(max_size=200), st.integers(0, 10**6), st.integers(1, 255))
def test_a_damaged_message_is_refused_and_never_anything_else(noise: bytes, at: int, flip: int) -> None:
    good = bytearray(Writer().encode(Hello(1, "window")))
    good[at % len(good)] ^= flip
    for content in (noise, bytes(good)):
        try:
            Reader().decode(content)
        except pickle.UnpicklingError:
            continue
