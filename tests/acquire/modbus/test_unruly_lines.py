"""Without transaction ids no repeated, late or foreign response may become a wrong value that is GOOD."""

import os
import random
import threading
from pathlib import Path

import pytest

from pumpwatch_gui.acquire.links.scanner import Binding
from pumpwatch_gui.domain.links.config import ModbusRtuTcpConfig
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from tests.acquire.modbus.unruly_line import Habits, UnrulyLine, value
from tests.acquire.scanning import Scanning, register_map, registers_profile
from tests.conftest import wait_until

SCATTERED = tuple(range(100, 130, 3))
STRETCH = tuple(range(10))
EACH_TWICE, AFTER_8_MS = Habits(twice=1.0), Habits(twice=0.1, twice_s=0.008)
LATE = Habits(late=0.04)
FOREIGN = Habits(response_s=0.015, foreign_every_s=0.2)
MAPS = int(os.environ.get("PUMPWATCH_MAPS", "6"))
"""Random maps; `PUMPWATCH_MAPS=1000` takes some hours of one core."""


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


@pytest.mark.parametrize("addresses", [SCATTERED, STRETCH])
def test_responses_after_their_time_out_are_never_taken_for_others(tmp_path: Path, addresses: tuple[int, ...]) -> None:
    judge = watch(tmp_path, LATE, addresses, frozenset(addresses), 15)
    assert not judge.wrong
    assert judge.good > 0


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


def test_any_map_on_an_unruly_line_gives_no_wrong_value(tmp_path: Path) -> None:
    """Several at once: they wait most of the time."""
    wrong: list[str] = []

    def play(seed: int) -> None:
        chance = random.Random(seed)
        addresses = tuple(sorted(chance.sample(range(60), chance.randint(1, 12))))
        held = frozenset(a for a in range(60) if a in addresses or chance.random() < chance.choice((0.0, 0.5, 1.0)))
        habits = chance.choice((EACH_TWICE, AFTER_8_MS, LATE, FOREIGN, Habits(twice=0.2)))
        found = watch(tmp_path, habits, addresses, held, 12, seed)
        wrong.extend(f"map {seed}: {text}" for text in found.wrong)

    for first in range(0, MAPS, 6):
        threads = [threading.Thread(target=play, args=(seed,)) for seed in range(first, min(first + 6, MAPS))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong
