"""Block planning: every point once, within the protocol's limits, and neighbours that cannot be confused."""

from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.acquire.modbus.plan import MAX_BITS, MAX_REGISTERS, Block, plan_blocks, split_block, sync_block
from pumpwatch_gui.domain.links.register_map import TABLES, TYPES, Point


@st.composite
def points(draw: st.DrawFn) -> list[Point]:
    """Points that do not overlap, in all tables, near and far."""
    found: list[Point] = []
    for table in TABLES:
        address = draw(st.integers(0, 200))
        for _ in range(draw(st.integers(0, 12))):
            is_bits = table in ("coil", "discrete")
            kind = "bool" if is_bits else draw(st.sampled_from([t for t in TYPES if t not in ("bool", "bit")]))
            if address + TYPES[kind] > 65536:
                break
            found.append(Point(f"{table}_{len(found)}", table, address, kind))
            address += TYPES[kind] + draw(st.sampled_from((0, 0, 1, 8, 9, 30, 125, 3000)))
    return draw(st.permutations(found)) if found else [Point("only", "holding", 0, "uint16")]


def check(blocks: tuple[Block, ...], wanted: list[Point]) -> None:
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
        for point in sorted(block.points, key=lambda p: p.address):
            assert point.address <= end + max(gap, 2)  # widened by up to two registers at an end
            end = point.address + point.size


@given(points())
def test_neighbours_in_the_cycle_differ_in_function_or_count(wanted: list[Point]) -> None:
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


@given(points())
def test_the_question_that_finds_the_step_again_differs_from_every_block_it_stands_for(wanted: list[Point]) -> None:
    for block in plan_blocks(wanted):
        sync = sync_block(block)
        assert sync.shape != block.shape
        assert 0 <= sync.address <= 65536 - sync.count
