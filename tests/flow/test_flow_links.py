"""Ten values at 10 Hz from a server of another library in another process, every frame compared with its truth."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pumpwatch_gui.acquire.links.scanner import Binding, Scanner
from pumpwatch_gui.bench.rigs.posting import free_port
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality
from tests.flow.truth_server import REGISTERS, register

FRAMES = 100
TICK_S = 0.05
Wait = Callable[..., None]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """Port and log of a pyModbusTCP server whose registers move all at once every 50 ms."""
    port = free_port()
    log = tmp_path / "truth.log"
    script = str(Path(__file__).parent / "truth_server.py")
    with subprocess.Popen([sys.executable, script, str(port), str(log)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        yield port, log
        process.terminate()


def test_every_frame_of_ten_seconds_is_what_the_server_held(
    server: tuple[int, Path], tmp_path: Path, wait_until: Wait
) -> None:
    port, log = server
    rows = [f'[[point]]\ntag = "r{i}"\naddress = {i}\ntype = "uint16"\n' for i in range(REGISTERS)]
    (tmp_path / "ten.toml").write_text('name = "ten"\n' + "".join(rows))
    profile = PumpProfile("ten", tuple(Sensor(f"r{i}", "", "", (0, 65535)) for i in range(REGISTERS)))
    config = ModbusTcpConfig("127.0.0.1", port, 1, 0.1, 0.5, str(tmp_path / "ten.toml"))
    frames, stop = list[Frame](), threading.Event()
    scanner = Scanner([Binding("P", profile, (config,))], on_frame=frames.append, on_event=lambda e: None)
    thread = threading.Thread(target=scanner.run, args=(stop,), name="pumpwatch-links-flow")
    thread.start()
    try:
        wait_until(lambda: len(frames) >= FRAMES, within_s=30)
    finally:
        stop.set()
        thread.join(5)
    ticks = [(float(wall), int(k)) for wall, k in (line.split() for line in log.read_text().splitlines())]
    good = [f for f in frames if f.worst is Quality.GOOD]
    assert len(good) >= FRAMES - 2
    wrong = [f for f in good if not held(f, ticks)]
    assert not wrong


def held(frame: Frame, ticks: list[tuple[float, int]]) -> bool:
    """Whether the whole frame is one tick of the server, and that of its own moment."""
    near = [k for wall, k in ticks if abs(wall - frame.time_s) <= 0.3 + TICK_S]
    return any(all(frame.values[i] == register(i, k) for i in range(REGISTERS)) for k in near)
