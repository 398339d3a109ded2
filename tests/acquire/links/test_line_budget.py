"""The baud budget says what a line can carry, to the figure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.links.line_budget import MAX_LOAD, LineSpeed, PollPlan, block_s, line_budget, overload

speeds = st.builds(
    LineSpeed, st.sampled_from((1200, 9600, 19200, 115200)), st.sampled_from("NEO"), st.sampled_from((1, 2))
)
blocks = st.lists(st.tuples(st.sampled_from((3, 4)), st.integers(1, 125)), min_size=1, max_size=5).map(tuple)
plans = st.lists(st.builds(PollPlan, blocks, st.floats(0.05, 60), st.floats(0, 0.1)), min_size=1, max_size=10)


def test_ten_registers_at_9600_baud_take_the_time_of_their_bits() -> None:
    # 8 + 5 + 20 characters and twice 3.5 characters of silence, of 10 bits each, at 9,600 bit/s
    assert block_s(3, 10, LineSpeed(9600), turnaround_s=0.0) == pytest.approx(40 * 10 / 9600)
    assert block_s(3, 10, LineSpeed(9600, "E"), turnaround_s=0.02) == pytest.approx(40 * 11 / 9600 + 0.02)
    assert block_s(1, 9, LineSpeed(9600), turnaround_s=0.0) == pytest.approx(22 * 10 / 9600)


def test_above_19200_baud_the_silence_is_fixed() -> None:
    assert LineSpeed(19200).quiet_s == pytest.approx(35 / 19200)
    assert LineSpeed(115200).quiet_s == 0.00175


def test_an_overloaded_line_is_refused_with_the_figure_and_what_would_do() -> None:
    heavy = [PollPlan(((3, 125), (3, 120)), 1.0, path=f"pump[{i}].link[0]") for i in range(3)]
    problem = overload(heavy, LineSpeed(9600), line="/dev/ttyUSB0")
    assert problem is not None
    assert str(problem) == (
        "pump[0].link[0]: /dev/ttyUSB0 with 3 links needs 1.70 s of every 1 s at 9600 baud "
        "(19200 baud would do, or period 2 s)"
    )
    assert overload(heavy, LineSpeed(19200), line="x") is None


def test_where_no_speed_would_do_only_the_period_is_advised() -> None:
    problem = overload([PollPlan(((3, 125),) * 40, 0.5, 0.1, "p")], LineSpeed(9600), line="COM3")
    assert problem is not None
    assert problem.advice == "period 20 s would do"


@given(plans, speeds)
def test_what_is_advised_would_really_do(found: list[PollPlan], speed: LineSpeed) -> None:
    budget = line_budget(found, speed)
    if budget.fits:
        assert overload(found, speed, line="x") is None
        return
    slower = [PollPlan(p.blocks, p.period_s * budget.enough_factor, p.turnaround_s) for p in found]
    assert line_budget(slower, speed).load <= MAX_LOAD * (1 + 1e-9)
    if budget.enough_baud:
        assert line_budget(found, LineSpeed(budget.enough_baud, speed.parity, speed.stop_bits)).fits


@given(plans, speeds)
def test_a_line_carries_the_sum_of_its_links(found: list[PollPlan], speed: LineSpeed) -> None:
    assert line_budget(found, speed).load == pytest.approx(sum(line_budget([p], speed).load for p in found))


def test_no_links_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="at least one plan"):
        line_budget([], LineSpeed(9600))
