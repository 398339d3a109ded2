"""Planning: every point covered once by what the map alone justifies, every limit kept, no value split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.acquire.modbus.learnt.plan import (
    HEARTBEAT,
    MAX_BITS,
    MAX_REGISTERS,
    Block,
    any_block,
    atoms,
    empty_block,
    filled,
    halves,
    joined,
    ordered,
    plan_blocks,
    poll_blocks,
    step_block,
)
from pumpwatch_gui.domain.links.codings import TYPES
from pumpwatch_gui.domain.links.config import ModbusRtuConfig, ModbusTcpConfig
from pumpwatch_gui.domain.links.register_map import TABLES, Point


@st.composite
def points(draw: st.DrawFn) -> list[Point]:
    """1 to 64 points that do not overlap, in some tables, near and far."""
    found: list[Point] = []
    for table in draw(st.lists(st.sampled_from(sorted(TABLES)), min_size=1, max_size=4, unique=True)):
        address = draw(st.integers(0, 200))
        for _ in range(draw(st.integers(1, 16))):
            kind = "bool" if table in ("coil", "discrete") else draw(st.sampled_from(sorted(TYPES)))
            if address + TYPES[kind] > 65536:
                break
            found.append(Point(f"{table}_{len(found)}", table, address, kind))
            address += TYPES[kind] + draw(st.sampled_from((0, 0, 0, 1, 7, 8, 9, 30, 40, 125, 300, 3000)))
    return draw(st.permutations(found))


def point(address: int, kind: str = "uint16", table: str = "holding") -> Point:
    return Point(f"{table}{address}", table, address, kind)


def check(blocks: tuple[Block, ...], wanted: list[Point]) -> None:
    """Every point whole and once, within the limits of the protocol and of the address space."""
    covered = [p for b in blocks for p in b.points]
    assert sorted(p.tag for p in covered) == sorted(p.tag for p in wanted)
    for block in blocks:
        assert 1 <= block.count <= (MAX_BITS if block.is_bits else MAX_REGISTERS)
        assert 0 <= block.address < block.end <= 65536
        for p in block.points:
            assert p.function == block.function
            assert block.address <= p.address
            assert p.address + p.size <= block.end


@given(points())
def test_every_point_is_covered_exactly_once_by_a_block_that_holds_it(wanted: list[Point]) -> None:
    check(plan_blocks(wanted), wanted)


@given(points())
def test_no_register_is_requested_that_no_point_names(wanted: list[Point]) -> None:
    for block in plan_blocks(wanted):
        named = {a for p in block.points for a in range(p.address, p.address + p.size)}
        assert named == set(range(block.address, block.end))


@given(points(), st.integers(4, 125))
def test_a_device_that_refuses_large_blocks_gets_small_ones(wanted: list[Point], largest: int) -> None:
    blocks = plan_blocks(wanted, largest=largest)
    check(blocks, wanted)
    assert all(b.count <= largest for b in blocks if not b.is_bits)


@given(points())
def test_a_block_that_fails_is_halved_down_to_its_values_and_no_further(wanted: list[Point]) -> None:
    blocks = list(plan_blocks(wanted))
    for _ in range(12):  # 2,000 bits, halved
        blocks = [piece for b in blocks for piece in halves(b) or (b,)]
        check(tuple(blocks), wanted)
    assert blocks == [atom for b in blocks for atom in b.atoms]
    assert all(not halves(b) for b in blocks)


@given(points())
def test_a_step_check_has_another_shape_and_touches_only_what_is_read_anyway(wanted: list[Point]) -> None:
    blocks = plan_blocks(wanted)
    named = {(b.function, a) for b in blocks for a in range(b.address, b.end)}
    for block in blocks:
        step = step_block(block, blocks)
        if step is None:
            assert {b.shape for b in blocks} == {block.shape}
            assert all(len(b.atoms) == 1 for b in blocks)
            continue
        assert step.shape != block.shape
        assert {(step.function, a) for a in range(step.address, step.end)} <= named


def test_a_step_check_is_another_block_or_a_part_of_the_same_or_there_is_none() -> None:
    pair, far = plan_blocks([point(0), point(1), point(9)])
    assert step_block(pair, [pair, far]) == far
    step = step_block(pair, [])
    assert step is not None
    assert (step.address, step.count) == (0, 1)
    assert step_block(far, [far]) is None
    (empty,) = [empty_block(far)]
    assert (empty.function, empty.address, empty.count) == (3, 9, 0)


def test_ten_values_in_a_row_take_one_request() -> None:
    (block,) = plan_blocks([point(i) for i in range(10)])
    assert (block.function, block.address, block.count) == (3, 0, 10)


def test_one_register_between_two_values_is_left_out() -> None:
    assert [(b.address, b.count) for b in plan_blocks([point(0), point(2)])] == [(0, 1), (2, 1)]


def test_a_double_at_the_limit_starts_a_block_of_its_own() -> None:
    blocks = plan_blocks([*(point(i) for i in range(123)), point(123, "float64")])
    assert [b.count for b in blocks] == [123, 4]


def test_tables_are_never_read_together() -> None:
    assert len(plan_blocks([point(0), point(1, table="input")])) == 2


def test_the_heartbeat_is_polled_along_and_the_largest_block_is_the_settings() -> None:
    (block,) = poll_blocks(ModbusTcpConfig("h", heartbeat=1), [point(0)])
    assert (block.count, [p.tag for p in block.points]) == (2, ["holding0", HEARTBEAT])
    assert poll_blocks(ModbusTcpConfig("h"), [point(0)]) == plan_blocks([point(0)])
    wanted = [point(i) for i in range(10)]
    assert [b.count for b in poll_blocks(ModbusRtuConfig("/dev/x", max_block=4), wanted)] == [4, 4, 2]


@pytest.mark.parametrize(("table", "most"), [("holding", 125), ("input", 125), ("coil", 2000), ("discrete", 2000)])
def test_a_request_takes_125_registers_or_2000_bits_and_no_more(table: str, most: int) -> None:
    kind = "bool" if most == 2000 else "uint16"
    assert [b.count for b in plan_blocks([point(i, kind, table) for i in range(most)])] == [most]
    assert len(plan_blocks([point(i, kind, table) for i in range(most + 1)])) == 2
    assert any_block(table, 65536 - most, most).count == most
    assert any_block(table, 65535, 1).address == 65535
    for address, count in ((0, 0), (0, most + 1), (-1, 1), (65536, 1), (65535, 2)):
        with pytest.raises(ValueError, match="must be"):
            any_block(table, address, count)


def test_a_table_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="table: must be one of coil, discrete, input, holding, not 'register'"):
        any_block("register", 0, 1)


def test_a_block_names_its_place_as_manuals_do() -> None:
    assert [any_block(t, 7, 1).documented for t in ("coil", "discrete", "input", "holding")] == [
        "00008", "10008", "30008", "40008",
    ]  # fmt: skip
    assert any_block("holding", 60, 1).place == "40061 (wire address 60, 1 long)"


def test_what_overlaps_comes_together() -> None:
    bits = [Point(f"bit{bit}", "holding", 3, "bit", bit=bit) for bit in (0, 1)]
    found = atoms([*bits, point(4), point(8), point(8, "float64"), point(10)])
    assert [(a.address, a.count, len(a.points)) for a in found] == [(3, 1, 2), (4, 1, 1), (8, 4, 3)]
    assert [(b.address, b.count) for b in halves(joined(found[:2]))] == [(3, 1), (4, 1)]


def test_a_block_with_a_gap_falls_into_its_runs() -> None:
    block = joined(atoms([point(0), point(1), point(5, "float32")]))
    assert (block.address, block.count) == (0, 7)
    assert [(b.address, b.count) for b in halves(block)] == [(0, 2), (5, 2)]


def test_halves_are_as_equal_as_the_values_allow() -> None:
    (block,) = plan_blocks([point(i) for i in range(11)])
    assert [b.count for b in halves(block)] == [6, 5]
    (block,) = plan_blocks([point(0), point(1, "float64")])
    assert [b.count for b in halves(block)] == [1, 4]


def test_blocks_are_filled_up_to_the_limit() -> None:
    found = filled(atoms([point(i) for i in range(7)]), 3)
    assert [(b.address, b.count) for b in found] == [(0, 3), (3, 3), (6, 1)]


def test_the_most_frequent_shape_is_put_between_the_others() -> None:
    one, two = any_block("holding", 0, 1), any_block("holding", 9, 2)
    assert [b.count for b in ordered([two, one, one])] == [1, 2, 1]
    assert [b.count for b in ordered([two, one, one, one])] == [1, 2, 1, 1]
    assert [b.count for b in ordered([one, one, one, two, two])] == [1, 2, 1, 2, 1]


def test_blocks_that_are_all_of_one_shape_keep_their_order() -> None:
    blocks = [any_block("holding", address, 1) for address in (0, 5, 9)]
    assert ordered(blocks) == blocks


def test_coils_and_discrete_inputs_are_bits_and_registers_are_not() -> None:
    assert [any_block(t, 0, 1).is_bits for t in ("coil", "discrete", "input", "holding")] == [True, True, False, False]
