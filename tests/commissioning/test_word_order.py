"""Swapped words are found by the registers themselves, and only when they are swapped."""

import struct
from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.commissioning.devices.word_order import engineering, swapped
from pumpwatch_gui.domain.links.decode import arrange
from pumpwatch_gui.domain.links.register_map import ORDERS, Point
from pumpwatch_gui.domain.pump.profile import Sensor

FLOW = Sensor("flow_rate_l_min", "Flow", "L/min", (0, 3000), 1.0, (1300, 1600))


def sent(value: float, order: str, form: str = ">f") -> list[int]:
    data = arrange(struct.pack(form, value), order)
    return [int.from_bytes(data[i : i + 2]) for i in range(0, len(data), 2)]


@pytest.mark.parametrize("own", ORDERS)
@pytest.mark.parametrize("real", ORDERS)
def test_the_order_of_the_device_is_found_whatever_the_map_says(own: str, real: str) -> None:
    series = [sent(v, real) for v in (1449.73, 1450.31, 1451.77)]
    finding = swapped(Point(FLOW.tag, "holding", 100, "float32", own), FLOW, series)
    if own == real:
        assert finding is None
        return
    assert finding is not None
    assert f'set order = "{real}" at 40101' in finding.advice
    assert "1452" in finding.what
    assert finding.is_certain


@given(st.lists(st.floats(1250, 1650, width=32), min_size=1, max_size=5), st.sampled_from(ORDERS))
def test_a_map_that_is_right_is_left_alone(values: list[float], order: str) -> None:
    assert swapped(Point(FLOW.tag, "holding", 0, "float32", order), FLOW, [sent(v, order) for v in values]) is None


def test_a_register_of_one_word_can_have_its_bytes_swapped() -> None:
    finding = swapped(Point(FLOW.tag, "holding", 0, "uint16"), FLOW, [[0xAA05]])  # 0x05AA = 1450
    assert finding is not None
    assert "low byte" in finding.cause


def test_registers_that_make_no_sense_in_any_order_are_no_matter_of_order() -> None:
    assert swapped(Point(FLOW.tag, "holding", 0, "float32"), FLOW, [[0xFFFF, 0xFFFF]]) is None
    assert swapped(Point(FLOW.tag, "holding", 0, "float32"), FLOW, []) is None
    assert swapped(Point(FLOW.tag, "coil", 0, "bool"), FLOW, [[1]]) is None


@given(st.lists(st.integers(0, 65535), min_size=2, max_size=2), st.sampled_from(("float32", "int32", "bcd32")))
def test_no_registers_make_it_fail(registers: list[int], kind: str) -> None:
    point = Point(FLOW.tag, "holding", 0, kind)
    finding = swapped(point, FLOW, [registers])
    assert finding is None or finding.is_certain
    value = engineering(point, registers)
    assert isnan(value) or abs(value) < 1e39


def test_the_value_that_the_doctor_is_given_is_not_cut_to_the_span() -> None:
    assert engineering(Point(FLOW.tag, "holding", 0, "uint16", scale=10.0), [60000]) == 600_000.0
    assert isnan(engineering(Point(FLOW.tag, "holding", 0, "uint16", not_available=(65535,)), [65535]))
    assert engineering(Point(FLOW.tag, "coil", 0, "bool"), [1]) == 1.0
