"""What is concluded from what a device does, and what is not; and that it outlives the connection and the program."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from pumpwatch_gui.acquire.links.fault import LinkFault
from pumpwatch_gui.acquire.modbus.learnt.facts import Facts, read_facts
from pumpwatch_gui.acquire.modbus.learnt.learning import Learning
from pumpwatch_gui.acquire.modbus.learnt.memory import MAX_UNITS, DeviceMemory
from pumpwatch_gui.acquire.modbus.learnt.plan import Block, atoms, joined
from pumpwatch_gui.acquire.modbus.learnt.proof import Proof, ProofState
from pumpwatch_gui.domain.links.config import ModbusConfig, ModbusTcpConfig
from pumpwatch_gui.domain.links.register_map import Point
from tests.acquire.modbus.device_model import Device, Outcome, play


def points(*addresses: int) -> list[Point]:
    return [Point(f"t{a}", "holding", a, "uint16") for a in addresses]


def everything(*addresses: int) -> dict[int, frozenset[int]]:
    return {3: frozenset(addresses)}


def run(device: Device, wanted: list[Point], folder: Path, *, scans: int = 12) -> Outcome:
    outcome = asyncio.run(play(device, wanted, folder, scans=scans))
    assert not outcome.wrong
    return outcome


def asked_last(device: Device, n: int) -> list[tuple[int, int]]:
    return [(b.address, b.count) for _, b in device.log[-n:]]


@pytest.mark.parametrize("how", ["silent", "exception", "hang-up", "short"])
def test_ten_registers_of_a_device_that_gives_eight_take_two_requests(how: str, tmp_path: Path) -> None:
    device = Device(everything(*range(10)), largest=8, too_many=how)
    assert not run(device, points(*range(10)), tmp_path).missing
    assert asked_last(device, 2) == [(0, 5), (5, 5)]


@pytest.mark.parametrize("how", ["silent", "exception", "hang-up"])
def test_the_largest_block_is_found_out_where_it_saves_requests(how: str, tmp_path: Path) -> None:
    device = Device(everything(*range(60)), largest=21, too_many=how)
    run(device, points(*range(60)), tmp_path, scans=120)
    assert max(b.count for _, b in device.log[-3:]) <= 21
    assert sum(b.count for _, b in device.log[-3:]) == 60


@pytest.mark.parametrize("how", ["silent", "exception", "hang-up"])
def test_a_value_that_the_device_lacks_costs_only_itself_and_is_requested_now_and_then(
    how: str, tmp_path: Path
) -> None:
    device = Device(everything(*range(5), *range(6, 10)), hole=how)
    assert not run(device, points(*range(10)), tmp_path, scans=60).missing
    late = [b for at_s, b in device.log if at_s > 1030]
    assert sum((b.address, b.count) == (5, 1) for b in late) <= 3
    assert {(b.address, b.count) for b in late} <= {(0, 5), (6, 4), (5, 1)}


def test_a_border_that_no_block_may_cross_is_not_taken_for_a_largest_block(tmp_path: Path) -> None:
    class Bordered(Device):
        @override
        def respond(self, block: Block) -> Sequence[int] | str:
            found = super().respond(block)
            crosses = block.address < 30 < block.end
            return "exception" if crosses else found

    device = Bordered(everything(*range(60), *range(100, 140)))
    assert not run(device, points(*range(20, 40), *range(100, 140)), tmp_path).missing
    assert sorted(asked_last(device, 3)) == [(20, 10), (30, 10), (100, 40)]


@pytest.mark.parametrize("pause_s", [0.015, 0.09, 0.24])
def test_a_device_that_ignores_hasty_requests_gets_its_pause(pause_s: float, tmp_path: Path) -> None:
    device = Device(everything(0, 50, 90), pause_s=pause_s)
    assert not run(device, points(0, 50, 90), tmp_path, scans=20).missing
    waits = [b[0] - a[0] for a, b in zip(device.log[-6:], device.log[-5:], strict=False)]
    assert min(waits) >= pause_s


def test_a_time_out_now_and_then_teaches_nothing(tmp_path: Path) -> None:
    class Lossy(Device):
        @override
        def respond(self, block: Block) -> Sequence[int] | str:
            found = super().respond(block)
            return "silent" if len(self.log) % 23 == 0 else found

    device = Lossy(everything(*range(20), 50), every_s=0.02)
    run(device, points(*range(20), 50), tmp_path, scans=60)
    assert sorted({(b.address, b.count) for _, b in device.log[-2:]}) == [(0, 20), (50, 1)]


def test_a_device_that_comes_back_after_silence_is_read_as_before(tmp_path: Path) -> None:
    class Resting(Device):
        @override
        def respond(self, block: Block) -> Sequence[int] | str:
            found = super().respond(block)
            return "silent" if 1005 < self.now_s < 1015 else found

    device = Resting(everything(*range(20), 50))
    run(device, points(*range(20), 50), tmp_path, scans=30)
    assert sorted(asked_last(device, 2)) == [(0, 20), (50, 1)]


# ---------------------------------------------------------------- proof


def compared(values: list[tuple[list[int], list[int]]], wide: list[list[int]], gap: int) -> ProofState:
    """ProofState after comparing parts (left, right) with wide responses, one after the other."""
    left = atoms(points(*range(len(values[0][0]))))
    start = len(values[0][0]) + gap
    right = atoms(points(*range(start, start + len(values[0][1]))))
    narrow = (joined(left), joined(right))
    proof = Proof(joined(narrow), narrow[1])
    state = ProofState.OPEN
    for parts, response in zip(values, wide, strict=True):
        state = proof.take(narrow, parts, response, parts)
    return state


def test_equal_registers_at_rest_prove_nothing() -> None:
    parts = ([0, 0], [0, 0, 0])
    assert compared([parts] * 5, [[0] * 6] * 5, 1) is ProofState.OPEN


def test_different_registers_after_a_gap_that_is_narrower_than_they_are_many_prove_it() -> None:
    parts = ([7, 8], [100, 200, 300])
    assert compared([parts] * 2, [[7, 8, 0, 0, 100, 200, 300]] * 2, 2) is ProofState.PROVEN
    assert compared([parts], [[7, 8, 0, 0, 100, 200, 300]], 2) is ProofState.OPEN  # once is not enough


def test_one_register_after_a_gap_proves_it_by_moving_along() -> None:
    still = ([7], [100])
    assert compared([still] * 5, [[7, 0, 100]] * 5, 1) is ProofState.OPEN
    assert compared([still, ([7], [130])], [[7, 0, 100], [7, 0, 130]], 1) is ProofState.PROVEN
    # A switch that moves may be the neighbour's.
    assert compared([([7], [0]), ([7], [1])], [[7, 9, 0], [7, 9, 1]], 1) is ProofState.OPEN
    # A value that is there twice may be the other one.
    assert compared([([100], [100]), ([130], [130])], [[100, 0, 100], [130, 0, 130]], 1) is ProofState.OPEN


@given(st.lists(st.integers(1, 65535), min_size=2, max_size=8, unique=True), st.integers(1, 8))
def test_registers_that_came_early_refute_it(values: list[int], gap: int) -> None:
    left, right = values[:1], values[1:]
    shifted = [*left, *right, *[0] * gap]
    assert compared([(left, right)], [shifted], gap) is ProofState.REFUTED


def test_a_register_that_changes_meanwhile_is_no_contradiction() -> None:
    narrow = (joined(atoms(points(0))), joined(atoms(points(2))))
    proof = Proof(joined(narrow), narrow[1])
    assert proof.take(narrow, ([7], [100]), [7, 0, 101], ([7], [102])) is ProofState.OPEN


@pytest.mark.parametrize("hole", ["shifted", "first-only", "silent", "exception", "hang-up"])
def test_a_device_that_does_not_bear_a_gap_is_tried_once_and_never_believed(hole: str, tmp_path: Path) -> None:
    device = Device(everything(0, 1, 2, 6, 7, 8, 9, 20, 21), hole=hole, every_s=3.0)
    assert not run(device, points(0, 1, 2, 6, 7, 8, 9), tmp_path, scans=60).missing
    assert sum((b.address, b.count) == (0, 10) for _, b in device.log) == 1
    assert sorted(asked_last(device, 2)) == [(0, 3), (6, 4)]


def test_a_device_that_bears_a_gap_is_read_over_it_in_one_request(tmp_path: Path) -> None:
    device = Device(everything(*range(10)), every_s=3.0)
    assert not run(device, points(0, 1, 2, 6, 7, 8, 9), tmp_path, scans=12).missing
    assert asked_last(device, 3) == [(0, 10)] * 3


# ---------------------------------------------------------------- memory


def facts_of(memory: DeviceMemory, config: ModbusConfig, *addresses: int) -> Facts:
    return memory.learning("P/1", config, points(*addresses)).facts


keys = st.tuples(st.integers(1, 4), st.integers(0, 65535), st.integers(1, 125))
places = st.tuples(st.integers(1, 4), st.integers(0, 65535))
counts = st.dictionaries(st.integers(1, 4), st.integers(1, 125))
any_facts = st.builds(
    Facts,
    counts,
    counts,
    st.sets(places),
    st.dictionaries(keys, st.booleans()),
    st.sets(keys),
    st.sets(places),
    st.sampled_from((0.0, 0.02, 0.1)),
)


@given(any_facts)
def test_facts_come_back_as_they_were_written(facts: Facts) -> None:
    assert read_facts(json.loads(json.dumps(facts.document()))) == facts


def test_what_was_learnt_outlives_the_program_and_belongs_to_one_unit_and_map(tmp_path: Path) -> None:
    path, config = tmp_path / "learnt.json", ModbusTcpConfig("a", unit=3)
    memory = DeviceMemory(path)
    facts_of(memory, config, 1, 2).bad[3] = 9
    memory.note_change()
    states = [memory.is_changed]
    memory.save()
    assert [*states, memory.is_changed] == [True, False]
    again = DeviceMemory(path)
    assert facts_of(again, config, 1, 2).bad == {3: 9}
    assert facts_of(again, config, 1, 3).bad == {}
    assert facts_of(again, ModbusTcpConfig("a", unit=4), 1, 2).bad == {}


def test_what_is_forgotten_is_gone_from_the_file_too_and_from_that_unit_alone(tmp_path: Path) -> None:
    path, other = tmp_path / "learnt.json", ModbusTcpConfig("b")
    memory = DeviceMemory(path)
    for config in (ModbusTcpConfig("a"), other):
        memory.learning(config.host, config, points(1)).facts.pause_s = 0.1
    edition = memory.edition
    memory.forget(ModbusTcpConfig("a").endpoint)
    assert memory.edition != edition
    memory.save()
    again = DeviceMemory(path)
    assert facts_of(again, ModbusTcpConfig("a"), 1).pause_s == 0.0
    assert facts_of(again, other, 1).pause_s == 0.1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"version": 2, "units": {}}',
        b'{"version": 1, "units": {"x": {}}}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_broken_file_is_told_and_ignored(content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "learnt.json"
    path.write_bytes(content)
    memory = DeviceMemory(path)
    assert "is ignored" in caplog.text
    caplog.clear()
    memory.save()
    assert DeviceMemory(path).learning("P/1", ModbusTcpConfig("a"), points(1)).facts == Facts()


def test_a_disk_that_refuses_is_told_and_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    memory = DeviceMemory(tmp_path / "nowhere" / "learnt.json")
    memory.note_change()
    memory.save()
    assert "is not kept" in caplog.text
    caplog.clear()


def test_the_memory_is_bounded() -> None:
    memory = DeviceMemory()
    for unit in range(MAX_UNITS + 5):
        memory.learning(f"P{unit}/1", ModbusTcpConfig(f"h{unit}"), points(1)).facts.pause_s = 0.1
    assert memory.learning("P0/1", ModbusTcpConfig("h0"), points(1)).facts.pause_s == 0.0
    assert memory.learning("P9/1", ModbusTcpConfig("h9"), points(1)).facts.pause_s == 0.1


def test_a_link_goes_on_with_the_same_suspicions_after_a_reconnection() -> None:
    memory, config = DeviceMemory(), ModbusTcpConfig("a")
    first: Learning = memory.learning("P/1", config, points(1, 2))
    assert memory.learning("P/1", config, points(1, 2)) is first
    assert memory.learning("P/1", config, points(1, 3)) is not first
    assert memory.learning("P/1", ModbusTcpConfig("a", max_block=9), points(1, 2)) is not first


def test_the_message_of_a_value_that_is_absent_names_its_place(tmp_path: Path) -> None:
    learning = Learning(ModbusTcpConfig("a"), points(60), Facts(absent={(3, 60, 1): True}))
    ((atom, fault),) = learning.absent
    assert atom.address == 60
    assert isinstance(fault, LinkFault)
    assert "40061 (wire address 60, 1 long)" in fault.message
