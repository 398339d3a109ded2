"""Planning: every point covered once, every limit kept, no value split, and no two neighbours alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.acquire.modbus.plan import (
    HEARTBEAT,
    MAX_BITS,
    MAX_REGISTERS,
    Block,
    any_block,
    ordered,
    plan_blocks,
    poll_blocks,
    split_block,
    sync_block,
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
        assert block.address >= 0
        assert block.address + block.count <= 65536
        for p in block.points:
            assert p.function == block.function
            assert block.address <= p.address
            assert p.address + p.size <= block.address + block.count


@given(points())
def test_every_point_is_covered_exactly_once_by_a_block_that_holds_it(wanted: list[Point]) -> None:
    check(plan_blocks(wanted), wanted)


@given(points(), st.integers(0, 20))
def test_no_block_bridges_a_gap_wider_than_allowed(wanted: list[Point], gap: int) -> None:
    for block in plan_blocks(wanted, max_gap=gap):
        end = block.address
        for p in sorted(block.points, key=lambda p: p.address):
            assert p.address <= end + max(gap, 2)  # widened by up to two registers at an end
            end = p.address + p.size


@given(points())
def test_neighbours_in_the_cycle_differ_so_that_a_slip_shows(wanted: list[Point]) -> None:
    blocks = plan_blocks(wanted)
    if len(blocks) > 1:
        for i, block in enumerate(blocks):
            assert block.shape != blocks[i - 1].shape, blocks


@given(points(), st.integers(4, 125))
def test_a_device_that_refuses_large_blocks_gets_small_ones(wanted: list[Point], largest: int) -> None:
    blocks = plan_blocks(wanted, largest=largest)
    check(blocks, wanted)
    assert all(b.count <= largest for b in blocks if not b.is_bits)


@given(points())
def test_a_refused_block_splits_down_to_its_points_and_no_further(wanted: list[Point]) -> None:
    blocks = list(plan_blocks(wanted))
    for _ in range(40):
        pieces = [piece for b in blocks for piece in split_block(b)]
        check(tuple(pieces), wanted)
        if pieces == blocks:
            break
        blocks = pieces
    assert all(len({p.address for p in b.points}) == 1 for b in blocks)
    assert all(b.count == b.points[0].size for b in blocks)


@given(points())
def test_the_request_that_synchronises_differs_from_the_block_and_can_be_sent(wanted: list[Point]) -> None:
    for block in plan_blocks(wanted):
        sync = sync_block(block)
        assert sync.shape != block.shape
        assert 1 <= sync.count <= (MAX_BITS if block.is_bits else MAX_REGISTERS)
        assert 0 <= sync.address <= 65536 - sync.count


def test_gaps_of_up_to_eight_registers_are_read_over() -> None:
    assert len(plan_blocks([point(0), point(9)])) == 1
    assert len(plan_blocks([point(0), point(10)])) == 2


def test_ten_values_in_a_row_take_one_request() -> None:
    (block,) = plan_blocks([point(i) for i in range(10)])
    assert (block.function, block.address, block.count) == (3, 0, 10)


def test_a_double_at_the_limit_starts_a_block_of_its_own() -> None:
    blocks = plan_blocks([*(point(i) for i in range(123)), point(123, "float64")])
    assert sorted(b.count for b in blocks) == [4, 123]


def test_the_last_register_can_be_read_and_distinguished() -> None:
    blocks = plan_blocks([point(0), point(65535)])
    assert blocks[0].shape != blocks[1].shape
    assert all(b.address + b.count <= 65536 for b in blocks)


def test_a_block_that_is_widened_at_the_end_of_the_table_begins_earlier_instead() -> None:
    last = plan_blocks([point(0), point(100), point(65535)])[-1]
    assert (last.address, last.count) == (65533, 3)


def test_the_heartbeat_is_polled_along_and_gaps_on_a_line_are_half_as_wide() -> None:
    (block,) = poll_blocks(ModbusTcpConfig("h", heartbeat=9), [point(0)])
    assert (block.count, [p.tag for p in block.points]) == (10, ["holding0", HEARTBEAT])
    assert len(poll_blocks(ModbusRtuConfig("/dev/x", heartbeat=9), [point(0)])) == 2
    assert poll_blocks(ModbusTcpConfig("h"), [point(0)]) == plan_blocks([point(0)])


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


def test_a_block_names_its_first_address_as_manuals_do() -> None:
    assert [any_block(t, 7, 1).documented for t in ("coil", "discrete", "input", "holding")] == [
        "00008", "10008", "30008", "40008",
    ]  # fmt: skip


def test_a_double_is_read_with_its_neighbour_at_the_same_address() -> None:
    """Overlapping points: the widest first, and the block ends with the widest."""
    (block,) = plan_blocks([point(0), point(0, "float64"), point(2)])
    assert (block.count, [p.size for p in block.points]) == (4, [4, 1, 1])


def test_blocks_of_equal_shape_are_widened_by_one_or_two_registers_within_the_limit() -> None:
    assert [b.count for b in plan_blocks([point(0), point(100), point(200)])] == [2, 1, 3]
    full = [point(start + i) for start in (0, 1000) for i in range(125)]
    assert [b.count for b in plan_blocks(full)] == [124, 1, 125]


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


def test_a_refused_block_splits_at_its_gaps_first_and_bits_of_a_register_stay_together() -> None:
    (block,) = plan_blocks([point(0), point(1), point(5, "float32")])
    assert [(b.address, b.count) for b in split_block(block)] == [(0, 2), (5, 2)]
    bits = [Point(f"bit{bit}", "holding", 3, "bit", bit=bit) for bit in (0, 1)]
    (run,) = plan_blocks([*bits, point(4)])
    pieces = split_block(run)
    assert [[p.tag for p in b.points] for b in pieces] == [["bit0", "bit1"], ["holding4"]]
    assert split_block(pieces[0]) == (pieces[0],)


def test_the_request_that_synchronises_is_the_first_point_or_one_register_less_or_more() -> None:
    (block,) = plan_blocks([point(3, "float32"), point(5)])
    assert (sync_block(block).address, sync_block(block).count) == (3, 2)
    assert sync_block(block).points == block.points[:1]
    (double,) = plan_blocks([point(3, "float32")])
    assert (sync_block(double).address, sync_block(double).count) == (3, 1)
    for address, first in ((3, 3), (65534, 65534), (65535, 65534)):
        (single,) = plan_blocks([point(address)])
        assert (sync_block(single).address, sync_block(single).count) == (first, 2)
