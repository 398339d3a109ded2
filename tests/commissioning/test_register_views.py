"""The register browser shows every meaning of a block, and the right one among the likely."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.commissioning.devices.register_views import VIEWED, View, bits, suggest, views
from pumpwatch_gui.domain.links.codings import TYPES
from pumpwatch_gui.domain.links.decode import arrange
from pumpwatch_gui.domain.links.register_map import ORDERS
from pumpwatch_gui.domain.pump.profile import Sensor

SPEED = Sensor("motor_rpm", "Speed", "rpm", (0, 3600), 1.0, (1470, 1490))
FLOW = Sensor("flow_rate_l_min", "Flow", "L/min", (0, 3000), 1.0, (1300, 1600))


def words(data: bytes) -> list[int]:
    return [int.from_bytes(data[i : i + 2]) for i in range(0, len(data), 2)]


def seen(registers: list[int], kind: str, order: str, index: int = 0) -> float | int | None:
    return next(v.value for v in views(registers, index) if (v.type, v.order) == (kind, order))


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=6), st.data())
def test_there_is_a_cell_for_every_type_and_order_and_a_dash_where_registers_lack(
    registers: list[int], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(registers) - 1))
    found = views(registers, index)
    assert [(v.type, v.order) for v in found] == [(k, o) for k in VIEWED for o in ORDERS]
    for v in found:
        assert (v.value is None) == (index + TYPES[v.type] > len(registers))
        assert v.text
        assert (v.text == "–") == (v.value is None or v.value != v.value)


@given(st.floats(width=32, allow_nan=False), st.sampled_from(ORDERS))
def test_a_float_is_seen_under_the_order_in_which_it_was_sent(value: float, order: str) -> None:
    sent = words(arrange(struct.pack(">f", value), order))
    assert seen([7, *sent], "float32", order, index=1) == value


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from(ORDERS))
def test_a_long_whole_number_is_seen_exactly(value: int, order: str) -> None:
    assert seen(words(arrange(struct.pack(">q", value), order)), "int64", order) == value


@given(st.sampled_from(ORDERS), st.floats(1300, 1600, width=32))
def test_the_order_of_a_measured_float_is_the_first_suggestion(order: str, value: float) -> None:
    first = suggest(views(words(arrange(struct.pack(">f", value), order)), 0), FLOW)[0]
    if first.value != value or first.view.order != order:  # rarely a swapped one is as usual a value
        assert 1300 <= first.value <= 1600
    else:
        assert (first.view.type, first.scale) == ("float32", 1.0)


def test_a_swapped_float_is_suggested_with_its_order() -> None:
    sent = words(arrange(struct.pack(">f", 1450.5), "CDAB"))
    first = suggest(views(sent, 0), FLOW)[0]
    assert (first.view.type, first.view.order, first.value) == ("float32", "CDAB", 1450.5)


def test_a_scaled_whole_number_is_suggested_with_its_scale() -> None:
    first = suggest(views([14805], 0), SPEED)[0]
    assert (first.view.type, first.view.order, first.scale) == ("uint16", "ABCD", 0.1)
    assert first.value == pytest.approx(1480.5)


def test_what_a_person_reads_on_the_device_decides() -> None:
    registers = [710, 65]
    by_shown = suggest(views(registers, 0), Sensor("t", "T", "degC", (-20, 150), 0.1, (55, 76)), shown=7.1)
    assert (by_shown[0].view.type, by_shown[0].scale) == ("uint16", 0.01)
    assert suggest(views(registers, 0), SPEED, shown=3000.0) == ()


def test_all_suggestions_lie_within_the_span() -> None:
    for s in suggest(views([3, 8021, 65535, 17], 0), SPEED):
        assert 0 <= s.value <= 3600


def test_dust_is_no_float() -> None:
    assert not any(s.view.type == "float32" for s in suggest(views([0, 1480], 0), SPEED))


def test_an_index_outside_the_block_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(IndexError):
        views([1, 2], 2)


def test_bits_are_shown_the_least_first() -> None:
    assert bits(0x8001) == (True, *(False,) * 14, True)
    assert View("uint16", "ABCD", 5).text == "5"
