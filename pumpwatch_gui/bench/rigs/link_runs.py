"""The runs behind the figures of the links: a scanner on a thread, and what its frames show."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pumpwatch_gui.acquire.links.scanner import Binding, Scanner
from pumpwatch_gui.acquire.modbus.channel import strict_link
from pumpwatch_gui.acquire.modbus.learnt.plan import any_block
from pumpwatch_gui.acquire.modbus.wire.owed import NEW_RESPONSES
from pumpwatch_gui.bench.rigs.link_peers import Peers, Sickness, cpu_clock, paced_unit
from pumpwatch_gui.domain.links.config import DriverConfig, ModbusRtuConfig, ModbusTcpConfig
from pumpwatch_gui.domain.links.line_budget import block_s
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality

REGISTERS = 10
LINE_REGISTERS = 40
PERIOD_S = 0.1
SETTLE_S = 2.0
AWAY_S = 3.0
PROFILE = PumpProfile("bench", tuple(Sensor(f"r{i}", f"r{i}", "", (0, 65535)) for i in range(REGISTERS)))


@dataclass
class Run:
    """The frames of each pump after the start-up, and the CPU of the links thread (cores)."""

    frames: list[list[Frame]]
    seconds: float
    cpu_cores: float

    def late_ms(self, percent: float) -> float:
        """How long after its scheduled time a response was there, over all good frames.

        The schedule is the grid of one period on which a pump's frames lie, anchored at its earliest frame.
        """
        late: list[float] = []
        for frames in self.frames:
            times = np.array([f.mono_ns for f in frames if f.worst is Quality.GOOD]) / 1e9
            if times.size:
                phases = (times - times[0] + PERIOD_S / 2) % PERIOD_S - PERIOD_S / 2
                late.extend(1e3 * (phases - phases.min()))
        return float(np.percentile(late, percent))

    def missed_percent(self, rate_hz: float) -> float:
        """Scans without a good frame, in percent of those that were due."""
        due = len(self.frames) * self.seconds * rate_hz
        good = sum(f.worst is Quality.GOOD for frames in self.frames for f in frames)
        return float(max(0.0, 100 * (due - good) / due))

    def lost(self) -> float:
        """Frames that are not good, and scans between good ones that made none."""
        lost = 0
        for frames in self.frames:
            times = np.array([f.mono_ns for f in frames if f.worst is Quality.GOOD]) / 1e9
            gaps = np.rint(np.diff(times) / PERIOD_S) - 1
            lost += int(gaps[gaps > 0].sum()) + sum(f.worst is not Quality.GOOD for f in frames)
        return float(lost)


class Watched:
    """A running scanner. `frames` by pump; `stop` ends it and gives the seconds that took."""

    def __init__(self, configs: list[DriverConfig]) -> None:
        self.frames: dict[str, list[Frame]] = {f"P{i}": [] for i in range(len(configs))}
        bindings = [Binding(f"P{i}", PROFILE, (c,)) for i, c in enumerate(configs)]
        self.scanner = Scanner(bindings, on_frame=self._take, on_event=lambda _: None)
        self._stop = threading.Event()
        self.thread = threading.Thread(target=self.scanner.run, args=(self._stop,))
        self.thread.start()

    def _take(self, frame: Frame) -> None:
        self.frames[frame.pump_id].append(frame)

    def stop(self) -> float:
        """End it; seconds until it had ended."""
        started = time.monotonic()
        self._stop.set()
        self.thread.join()
        return time.monotonic() - started

    def until(self, quality: Quality, since_s: float, within_s: float = 20.0) -> float:
        """Seconds from a monotonic instant to the first frame of that quality after it; NaN when none came."""
        while time.monotonic() < since_s + within_s:
            for frame in tuple(self.frames["P0"]):
                if frame.mono_ns / 1e9 > since_s and frame.worst is quality:
                    return frame.mono_ns / 1e9 - since_s
            time.sleep(0.002)
        return float("nan")


@contextmanager
def watching(*configs: DriverConfig) -> Iterator[Watched]:
    """A scanner that runs until the context ends."""
    watched = Watched(list(configs))
    try:
        yield watched
    finally:
        watched.stop()


def tcp(port: int, folder: Path, period_s: float = PERIOD_S, timeout_s: float = 0.5) -> ModbusTcpConfig:
    """A link to one of the peers."""
    return ModbusTcpConfig("127.0.0.1", port, period_s=period_s, timeout_s=timeout_s, registers=_map(folder))


def _map(folder: Path) -> str:
    path = folder / "bench.toml"
    if not path.exists():
        rows = "".join(f'[[point]]\ntag = "r{i}"\naddress = {i}\ntype = "uint16"\n' for i in range(REGISTERS))
        path.write_text(f'name = "bench"\n{rows}', "utf-8")
    return str(path)


def station_run(ports: list[int], folder: Path, *, seconds: float) -> Run:
    """All devices at 10 Hz for so long, after a start-up that does not count."""
    with watching(*(tcp(port, folder) for port in ports)) as watched:
        time.sleep(SETTLE_S)
        cpu, from_ns = cpu_clock(watched.thread.native_id or 0), time.monotonic_ns()
        time.sleep(seconds)
        until_ns = time.monotonic_ns()
        used = cpu_clock(watched.thread.native_id or 0) - cpu
    frames = [[f for f in tuple(fs) if from_ns <= f.mono_ns < until_ns] for fs in watched.frames.values()]
    return Run(frames, seconds, used / seconds)


def noticed_ms(once: Callable[[], float], times: int = 5) -> float:
    """The longest of some times (ms) from a fault to the first BAD frame."""
    return max(once() for _ in range(times))


def dropped_ms(peers: Peers, folder: Path, how: Sickness) -> float:
    """Milliseconds from a RESET or a FINISH of a device that goes away, or from a STALL, to the first BAD frame."""
    is_stall = how is Sickness.STALL
    # A long time-out: what is noticed sooner was not noticed by it. A hang-up between two requests is no fault.
    config = tcp(peers.ports[0], folder) if is_stall else tcp(peers.ports[0], folder, timeout_s=5.0)
    with watching(config) as watched:
        watched.until(Quality.GOOD, time.monotonic())
        at_s = time.monotonic()
        peers.set_sickness(0, Sickness.STALL)
        if not is_stall:
            time.sleep(2 * PERIOD_S)  # a request is on its way then
            at_s = time.monotonic()
            peers.drop(0, how)
            peers.set_sickness(0, Sickness.REFUSE)
        found = watched.until(Quality.BAD, at_s) * 1e3
    peers.set_sickness(0, Sickness.NONE)
    return found


def unplugged_ms(folder: Path) -> float:
    """Milliseconds from an unplug to the first BAD frame."""
    with paced_unit(115200) as device:
        config = ModbusRtuConfig(device, 115200, period_s=2.0, registers=_map(folder))
        watched = Watched([config])
        watched.until(Quality.GOOD, time.monotonic())
    # The context has just closed the far end; the unit's thread may have taken 50 ms to end before that.
    at_s = time.monotonic()
    noticed = next((f.mono_ns / 1e9 for f in watched.frames["P0"] if f.worst is Quality.BAD), None)
    found = watched.until(Quality.BAD, at_s - 0.005) if noticed is None else max(0.0, noticed - at_s)
    watched.stop()
    return found * 1e3


def tcp_recovered_s(peers: Peers, folder: Path) -> float:
    """Seconds from the return of a TCP device, after 3 s away, to the first GOOD frame."""
    return _away(
        tcp(peers.ports[0], folder),
        lambda is_away: peers.set_sickness(0, Sickness.REFUSE if is_away else Sickness.NONE),
    )


def line_recovered_s(folder: Path) -> float:
    """Seconds from the return of a unit on a serial line, after 3 s away, to the first GOOD frame."""
    responds = threading.Event()
    responds.set()

    def switch(is_away: bool) -> None:
        (responds.clear if is_away else responds.set)()

    with paced_unit(115200, responds.is_set) as device:
        return _away(ModbusRtuConfig(device, 115200, period_s=PERIOD_S, registers=_map(folder)), switch)


def _away(config: DriverConfig, switch: Callable[[bool], None]) -> float:
    with watching(config) as watched:
        watched.until(Quality.GOOD, time.monotonic())
        switch(True)
        time.sleep(AWAY_S)
        switch(False)
        return watched.until(Quality.GOOD, time.monotonic())


def stopped_s(ports: list[int], folder: Path) -> float:
    """Seconds to end a scanner whose every device keeps it waiting."""
    watched = Watched([tcp(port, folder, timeout_s=30.0) for port in ports])
    time.sleep(SETTLE_S)
    return watched.stop()


def line_run(device: str, baud: int, *, seconds: float) -> tuple[float, float]:
    """Reads a second of 40 registers on a paced line, one after the other, and what the line can carry."""
    config = ModbusRtuConfig(device, baud, timeout_s=1.0)
    reads, took_s = asyncio.run(_read_on(config, seconds))
    return reads / took_s, 1 / block_s(3, LINE_REGISTERS, config.speed, turnaround_s=0.0)


async def _read_on(config: ModbusRtuConfig, seconds: float) -> tuple[int, float]:
    link, block = strict_link(config, None), any_block("holding", 0, LINE_REGISTERS)
    await link.connect()
    try:
        for _ in range(NEW_RESPONSES):  # after each of these a new line is listened to
            await link.read(config.unit, block, timeout_s=config.timeout_s)
        reads, started = 0, time.monotonic()
        while time.monotonic() < started + seconds:
            await link.read(config.unit, block, timeout_s=config.timeout_s)
            reads += 1
        return reads, time.monotonic() - started
    finally:
        await link.close()
