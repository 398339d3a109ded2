"""Planning: every point covered, every limit kept, no value split, and no two neighbours alike."""

from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.acquire.modbus.plan import MAX_BITS, MAX_REGISTERS, Block, plan_blocks, split_block, sync_block
from pumpwatch_gui.domain.links.register_map import TYPES, Point


@st.composite
def maps(draw: st.DrawFn) -> list[Point]:
    """1 to 64 points that do not overlap."""
    points: list[Point] = []
    for table in draw(st.lists(st.sampled_from(["holding", "input", "coil"]), min_size=1, max_size=3, unique=True)):
        address = draw(st.integers(0, 200))
        for _ in range(draw(st.integers(1, 21))):
            kind = "bool" if table == "coil" else draw(st.sampled_from(sorted(TYPES)))
            points.append(Point(f"t{len(points)}", table, address, kind))
            address += points[-1].size + draw(st.sampled_from([0, 0, 0, 1, 7, 8, 9, 40, 300]))
    return draw(st.permutations(points))


def point(address: int, kind: str = "uint16", table: str = "holding") -> Point:
    return Point(f"{table}{address}", table, address, kind)


@given(maps())
def test_every_point_is_read_whole_and_once(points: list[Point]) -> None:
    blocks = plan_blocks(points)
    for p in points:
        (block,) = [b for b in blocks if p in b.points]
        assert block.function == p.function
        assert block.address <= p.address
        assert p.address + p.size <= block.address + block.count


@given(maps())
def test_no_block_is_larger_than_the_protocol_allows(points: list[Point]) -> None:
    for block in plan_blocks(points):
        assert 1 <= block.count <= (MAX_BITS if block.is_bits else MAX_REGISTERS)
        assert block.address >= 0
        assert block.address + block.count <= 65536


@given(maps())
def test_neighbours_in_the_cycle_differ_so_that_a_slip_shows(points: list[Point]) -> None:
    blocks = plan_blocks(points)
    if len(blocks) > 1:
        shapes = [b.shape for b in blocks]
        assert all(a != b for a, b in zip(shapes, shapes[1:] + shapes[:1], strict=True))


@given(maps())
def test_a_refused_block_falls_apart_without_losing_a_point_and_comes_to_an_end(points: list[Point]) -> None:
    waiting, whole = list(plan_blocks(points)), list[Block]()
    while waiting:
        block = waiting.pop()
        pieces = split_block(block)
        assert sorted(p.tag for piece in pieces for p in piece.points) == sorted(p.tag for p in block.points)
        if pieces == (block,):
            whole.append(block)
        else:
            waiting += pieces
    assert sum(len(b.points) for b in whole) == len(points)
    assert all(b.count == b.points[0].size for b in whole)


@given(maps())
def test_getting_in_step_asks_for_a_count_that_the_block_has_not(points: list[Point]) -> None:
    for block in plan_blocks(points):
        sync = sync_block(block)
        assert sync.shape != block.shape
        assert 1 <= sync.count <= (MAX_BITS if block.is_bits else MAX_REGISTERS)
        assert sync.address + sync.count <= 65536


def test_gaps_of_up_to_eight_registers_are_read_over() -> None:
    assert len(plan_blocks([point(0), point(9)])) == 1
    assert len(plan_blocks([point(0), point(10)])) == 2


def test_ten_values_in_a_row_take_one_request() -> None:
    (block,) = plan_blocks([point(i) for i in range(10)])
    assert (block.function, block.address, block.count) == (3, 0, 10)


def test_a_double_at_the_limit_starts_a_block_of_its_own() -> None:
    blocks = plan_blocks([*(point(i) for i in range(123)), point(123, "float64")])
    assert sorted(b.count for b in blocks) == [4, 123]


def test_the_last_register_can_be_read_and_told_apart() -> None:
    blocks = plan_blocks([point(0), point(65535)])
    assert blocks[0].shape != blocks[1].shape
    assert all(b.address + b.count <= 65536 for b in blocks)
