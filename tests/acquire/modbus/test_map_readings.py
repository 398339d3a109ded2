"""What a map says beside the plain types, over the wire: scales in other registers, four bytes a register."""

import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typing_extensions import override

from pumpwatch_gui.acquire.discovery import trial
from pumpwatch_gui.acquire.discovery.trial import read_once
from pumpwatch_gui.acquire.links.fault import LinkFault
from pumpwatch_gui.acquire.links.scanner import Binding
from pumpwatch_gui.acquire.modbus.learnt.plan import any_block, plan_blocks, poll_blocks
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.domain.links.register_map import Point, ScaleRegister, with_scales
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Reason
from tests.acquire.scanning import Scanning


class Device(socketserver.ThreadingTCPServer):
    """Holds registers of `width` bytes; exception 2 for a block that it has not whole. `asked`: (address, count)."""

    daemon_threads = allow_reuse_address = True

    def __init__(self, held: dict[int, int], width: int) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.held, self.width = held, width
        self.asked: list[tuple[int, int]] = []


class _Answers(socketserver.StreamRequestHandler):
    @override
    def handle(self) -> None:
        device = self.server
        assert isinstance(device, Device)
        while len(head := self.rfile.read(12)) == 12:
            transaction, _, _, unit, function, address, count = struct.unpack(">HHHBBHH", head)
            device.asked.append((address, count))
            try:
                content = b"".join(device.held[a].to_bytes(device.width) for a in range(address, address + count))
                pdu = bytes((function, len(content))) + content
            except KeyError:
                pdu = bytes((function | 0x80, 2))
            self.wfile.write(struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu)


@contextmanager
def serving(held: dict[int, int], width: int = 2) -> Iterator[Device]:
    with Device(held, width) as device:
        thread = threading.Thread(target=device.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield device
        device.shutdown()
        thread.join()


def config(device: Device, path: Path, text: str) -> ModbusTcpConfig:
    path.write_text(f'name = "m"\n{text}')
    return ModbusTcpConfig("127.0.0.1", device.server_address[1], registers=str(path))


def one_scan(device: Device, path: Path, text: str, *tags: str) -> Frame:
    profile = PumpProfile("p", tuple(Sensor(tag, "", "", (-1e12, 1e12)) for tag in tags))
    frame = trial.test_link(config(device, path, text), profile).frame
    assert frame is not None
    return frame


SCALED = """
[[point]]
tag = "flow"
address = 10
type = "int16"
exponent_register = 500
[[point]]
tag = "level"
address = 11
type = "int16"
decimals_register = 500
[[point]]
tag = "plain"
address = 12
type = "uint16"
"""


def test_a_scale_in_another_block_is_read_in_the_same_scan(tmp_path: Path) -> None:
    with serving({10: 1480, 11: 65_536 - 55, 12: 7, 500: 2}) as device:
        frame = one_scan(device, tmp_path / "m.toml", SCALED, "flow", "level", "plain")
        assert list(frame.values) == [148_000, -0.55, 7]
        assert frame.worst == 0
        # The link finds out first whether responses fit their requests; the scan itself is two blocks.
        assert set(device.asked) >= {(10, 3), (500, 1)}
        assert not any(10 < a < 500 and a != 10 for a, _ in device.asked)


@pytest.mark.parametrize(
    ("exponent", "reason"), [(0x8000, Reason.CONFIGURATION_ERROR), (11, Reason.CONFIGURATION_ERROR)]
)
def test_a_register_without_a_scale_costs_its_tags_alone(tmp_path: Path, exponent: int, reason: Reason) -> None:
    with serving({10: 1480, 11: 5, 12: 7, 500: exponent}) as device:
        frame = one_scan(device, tmp_path / "m.toml", SCALED, "flow", "level", "plain")
        assert [Reason(int(r)) for r in frame.reason] == [reason, reason, Reason.NONE]


def test_a_scale_register_that_the_device_lacks_costs_its_tags_alone(tmp_path: Path) -> None:
    with serving({10: 1480, 11: 5, 12: 7}) as device:
        frame = one_scan(device, tmp_path / "m.toml", SCALED, "flow", "level", "plain")
        assert [Reason(int(r)) for r in frame.reason] == [Reason.DEVICE_FAILURE, Reason.DEVICE_FAILURE, Reason.NONE]


ONE_WORD = """
[[point]]
tag = "status"
address = 50
type = "uint16"
[[point]]
tag = "running"
address = 50
type = "bit"
bit = 11
[[point]]
tag = "months"
address = 50
type = "uint8"
byte = "high"
"""


def test_readings_of_one_register_cost_one_request(tmp_path: Path) -> None:
    with serving({50: 0x0C07}) as device:
        frame = one_scan(device, tmp_path / "m.toml", ONE_WORD, "status", "running", "months")
        assert list(frame.values) == [0x0C07, 1, 12]
        assert {address for address, _ in device.asked} == {50}


WIDE = """
register_bytes = 4
[[point]]
tag = "speed"
address = 0
type = "uint16"
[[point]]
tag = "power"
address = 1
type = "float32"
[[point]]
tag = "energy"
address = 2
type = "uint64"
"""


def test_registers_of_four_bytes_are_read_where_the_map_says_so(tmp_path: Path) -> None:
    held = {0: 1480, 1: int.from_bytes(struct.pack(">f", 4.5)), 2: 1, 3: 2}
    with serving(held, width=4) as device:
        frame = one_scan(device, tmp_path / "m.toml", WIDE, "speed", "power", "energy")
        assert list(frame.values) == [1480, 4.5, 2**32 + 2]
        assert list(read_once(config(device, tmp_path / "m.toml", WIDE), "holding", 0, 4, register_bytes=4)) == [
            1480, held[1], 1, 2,
        ]  # fmt: skip


def test_a_unit_with_registers_of_four_bytes_is_read_over_a_running_line_of_two(
    tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    profile = PumpProfile("p", (Sensor("energy", "", "", (-1e12, 1e12)),))
    mapped = tmp_path / "m.toml", '[[point]]\ntag = "energy"\naddress = 0\ntype = "uint32"\n'
    with serving({0: 0x12345678, 1: 7}, width=4) as device:
        running = config(device, *mapped)
        with Scanning([Binding("P", profile, (running,))]) as s:
            wait_until(lambda: s.of("P"))
            line = s.scanner.borrow(running)
            assert read_once(running, "holding", 0, 2, register_bytes=4, line=line) == (0x12345678, 7)
            with pytest.raises(LinkFault, match="byte count 8 instead of 4"):
                read_once(running, "holding", 0, 2, line=line)


def test_a_device_that_answers_four_bytes_unasked_is_refused_with_the_word_that_helps(tmp_path: Path) -> None:
    profile = PumpProfile("p", (Sensor("speed", "", "", (-1e12, 1e12)),))
    with serving({0: 1480, 1: 0, 2: 0, 3: 0}, width=4) as device:
        text = '[[point]]\ntag = "speed"\naddress = 0\ntype = "uint16"\n'
        outcome = trial.test_link(config(device, tmp_path / "m.toml", text), profile)
        assert not outcome.ok
        assert "register_bytes = 4" in outcome.text


def test_blocks_of_wide_registers_fit_a_response() -> None:
    points = [Point(f"t{a}", "holding", a, "uint32", register_bytes=4) for a in range(200)]
    blocks = plan_blocks(points)
    assert max(b.count for b in blocks) <= 62
    assert {b.register_bytes for b in blocks} == {4}
    with pytest.raises(ValueError, match="1 to 62"):
        any_block("holding", 0, 63, 4)


def test_a_poll_reads_the_scales_of_its_points_and_the_heartbeat() -> None:
    by = ScaleRegister("exponent_register", 900, "int16")
    points = (Point("a", "input", 1, "int16", scaled_by=by), Point("b", "input", 2, "int16", scaled_by=by))
    blocks = poll_blocks(ModbusTcpConfig("h", heartbeat=5), points)
    assert {(b.function, p.address) for b in blocks for p in b.points} == {(4, 1), (4, 2), (4, 900), (3, 5)}
    assert len(with_scales(points)) == 3
