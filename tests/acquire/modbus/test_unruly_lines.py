"""Without transaction ids no repeated, late or foreign response may become a wrong value that is GOOD."""

import asyncio
import contextlib
import os
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pumpwatch_gui.acquire.driver import LinkSpec, Readings
from pumpwatch_gui.acquire.links.fault import LinkFault
from pumpwatch_gui.acquire.links.scanner import Binding
from pumpwatch_gui.acquire.modbus.channel import ModbusChannel
from pumpwatch_gui.acquire.modbus.wire.strict_link import StrictLink
from pumpwatch_gui.domain.links.config import ModbusRtuTcpConfig
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from tests.acquire.modbus import virtual_time
from tests.acquire.modbus.unruly_line import Habits, UnrulyGateway, UnrulyLine, UnrulyWire, value
from tests.acquire.scanning import Scanning, register_map, registers_profile
from tests.conftest import wait_until

SCATTERED = tuple(range(100, 130, 3))
STRETCH = tuple(range(10))
EACH_TWICE, AFTER_8_MS = Habits(twice=1.0), Habits(twice=0.1, twice_s=0.008)
LATE = Habits(late=0.04)
FOREIGN = Habits(response_s=0.015, foreign_every_s=0.2)
TWICE_AND_LATE = Habits(twice=0.2, late=0.04)
PERIOD_S = 0.1
MAPS, FIRST = int(os.environ.get("PUMPWATCH_MAPS", "20")), int(os.environ.get("PUMPWATCH_FIRST", "0"))
"""Random lines on a clock of their own, from number `PUMPWATCH_FIRST` on: some dozens a second."""
SOCKET_MAPS = int(os.environ.get("PUMPWATCH_SOCKET_MAPS", "6"))
"""Random maps over sockets and in real time: 1,000 take some hours."""


class Judge:
    """Counts what the frames of one pump bring, against the requests since the frame before."""

    def __init__(self, line: UnrulyLine, addresses: tuple[int, ...]) -> None:
        self.frames = self.good = 0
        self.wrong: list[str] = []
        self.reasons: set[Reason] = set()
        self._line, self._addresses = line, addresses
        self._seen = 0

    def take(self, frame: Frame) -> None:
        served = self._line.served[self._seen :]
        self._seen += len(served)
        self.frames += 1
        for i, address in enumerate(self._addresses):
            if frame.quality[i] != Quality.GOOD:
                self.reasons.add(Reason(int(frame.reason[i])))
            elif any(a <= address < a + n and value(address, tick) == frame.values[i] for tick, a, n in served):
                self.good += 1
            else:
                self.wrong.append(f"{address}: {frame.values[i]} after {served}")


def watch(
    folder: Path, habits: Habits, addresses: tuple[int, ...], held: frozenset[int], frames: int, seed: int = 0
) -> Judge:
    registers = register_map(folder / f"map{seed}.toml", *addresses)
    with UnrulyLine(habits, held, seed=seed) as line:
        judge = Judge(line, addresses)
        config = ModbusRtuTcpConfig("127.0.0.1", line.port, period_s=0.1, timeout_s=0.5, registers=registers)
        with Scanning([Binding("P", registers_profile(*addresses), (config,))]) as s:
            s.on_frame = judge.take
            wait_until(lambda: judge.frames >= frames, within_s=60)
    return judge


@pytest.mark.parametrize(
    ("habits", "addresses", "others"),
    [
        pytest.param(EACH_TWICE, SCATTERED, (), id="each twice, lone registers"),
        pytest.param(EACH_TWICE, SCATTERED, range(90, 140), id="each twice, all readable"),
        pytest.param(AFTER_8_MS, SCATTERED, (), id="some twice after 8 ms, lone registers"),
        pytest.param(AFTER_8_MS, STRETCH, (), id="some twice after 8 ms, one block"),
        pytest.param(FOREIGN, STRETCH, (), id="another master's responses of the very same form"),
    ],
)
def test_repeated_and_foreign_responses_make_values_doubtful_and_never_wrong(
    tmp_path: Path, habits: Habits, addresses: tuple[int, ...], others: range
) -> None:
    judge = watch(tmp_path, habits, addresses, frozenset((*addresses, *others)), 30)
    assert not judge.wrong
    assert Reason.NOT_REQUESTED in judge.reasons


@pytest.mark.parametrize("habits", [LATE, TWICE_AND_LATE])
@pytest.mark.parametrize("addresses", [SCATTERED, STRETCH])
def test_responses_after_their_time_out_are_never_taken_for_others(
    tmp_path: Path, addresses: tuple[int, ...], habits: Habits
) -> None:
    judge = watch(tmp_path, habits, addresses, frozenset(addresses), 15)
    assert not judge.wrong
    assert judge.good > 0 or habits.twice


def test_a_line_of_our_own_is_never_in_doubt(tmp_path: Path) -> None:
    judge = watch(tmp_path, Habits(response_s=0.004), SCATTERED, frozenset(SCATTERED), 20)
    assert judge.good == judge.frames * len(SCATTERED)


def test_a_response_that_nobody_requested_is_told_with_what_to_look_for(tmp_path: Path) -> None:
    registers = register_map(tmp_path / "map.toml", *STRETCH)
    with UnrulyLine(FOREIGN, frozenset(STRETCH)) as line:
        config = ModbusRtuTcpConfig("127.0.0.1", line.port, period_s=0.1, timeout_s=0.5, registers=registers)
        with Scanning([Binding("P", registers_profile(*STRETCH), (config,))]) as s:
            wait_until(lambda: s.frames and "another master or a repeating device" in s.view("P/1").last_error)
            assert "one master only" in s.view("P/1").last_advice


@dataclass
class Outcome:
    """What became of the scans: values GOOD and true, and values GOOD that nothing served."""

    good: int = 0
    wrong: list[str] = field(default_factory=list)


async def scan_often(gateway: UnrulyGateway, addresses: tuple[int, ...], registers: str, scans: int) -> Outcome:
    """Scan a map as a line does, over the gateway in process."""
    config = ModbusRtuTcpConfig("gateway", period_s=PERIOD_S, timeout_s=0.5, registers=registers)
    spec = LinkSpec("P/1", "P", registers_profile(*addresses), config, None)
    wire, found, due_s = UnrulyWire(gateway), Outcome(), time.monotonic()
    channel: ModbusChannel | None = None
    for n in range(scans):
        if channel is None or channel.is_lost:
            if channel is not None:
                await channel.close()
                await asyncio.sleep(0.25)
            link = StrictLink(wire, is_rtu=True, owed=spec.memory.owed(config.connection))
            channel = ModbusChannel([spec], link=link)
            await channel.connect()
        begun = len(gateway.served)
        readings: Readings = {}
        with contextlib.suppress(LinkFault):
            readings = await channel.scan(spec)
        served = gateway.served[begun:]
        for address in addresses:
            reading = readings.get(f"r{address}")
            if reading is not None and reading.quality is Quality.GOOD:
                is_true = any(a <= address < a + k and value(address, tick) == reading.value for tick, a, k in served)
                found.good += is_true
                if not is_true:
                    found.wrong.append(f"scan {n}: r{address} = {reading.value:g} after {served}")
        due_s = max(due_s + PERIOD_S, time.monotonic())
        await asyncio.sleep(due_s - time.monotonic())
    return found


def random_line(seed: int) -> tuple[UnrulyGateway, tuple[int, ...]]:
    """A gateway with any mix of habits, and the registers to read from it."""
    chance = random.Random(seed)
    addresses = tuple(sorted(chance.sample(range(60), chance.randint(1, 12))))
    if chance.random() < 0.3:
        addresses = tuple(range(chance.randint(1, 12)))
    share = chance.choice((0.0, 0.5, 1.0))
    held = frozenset(a for a in range(60) if a in addresses or chance.random() < share)
    habits = Habits(
        response_s=chance.choice((0.0, 0.004, 0.015, 0.04)),
        jitter_s=chance.choice((0.0, 0.002, 0.02)),
        twice=chance.choice((0.0, 0.1, 0.2, 1.0)),
        twice_s=chance.choice((0.003, 0.008, 0.03)),
        late=chance.choice((0.0, 0.02, 0.04, 0.1, 0.3)),
        late_s=chance.choice((0.7, 1.5)),
    )
    return UnrulyGateway(habits, held, seed), addresses


@pytest.mark.timeout(120 + 2 * MAPS)
def test_any_map_on_a_line_with_any_mix_of_habits_gives_no_wrong_value(tmp_path: Path) -> None:
    wrong: list[str] = []
    good = 0
    for seed in range(FIRST, FIRST + MAPS):
        gateway, addresses = random_line(seed)
        registers = register_map(tmp_path / "map.toml", *addresses)
        found = virtual_time.run(scan_often(gateway, addresses, registers, 60))
        good += found.good
        wrong += [f"map {seed}, {gateway.habits}: {text}" for text in found.wrong[:1]]
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong)
    assert good > 0


def test_any_map_behind_a_real_socket_gives_no_wrong_value(tmp_path: Path) -> None:
    """Several at once: they wait most of the time."""
    wrong: list[str] = []

    def play(seed: int) -> None:
        chance = random.Random(seed)
        addresses = tuple(sorted(chance.sample(range(60), chance.randint(1, 12))))
        held = frozenset(a for a in range(60) if a in addresses or chance.random() < chance.choice((0.0, 0.5, 1.0)))
        habits = chance.choice((EACH_TWICE, AFTER_8_MS, LATE, FOREIGN, TWICE_AND_LATE))
        found = watch(tmp_path, habits, addresses, held, 12, seed)
        wrong.extend(f"map {seed}: {text}" for text in found.wrong)

    for first in range(0, SOCKET_MAPS, 6):
        threads = [threading.Thread(target=play, args=(seed,)) for seed in range(first, min(first + 6, SOCKET_MAPS))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong
