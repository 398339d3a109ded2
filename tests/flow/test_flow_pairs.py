"""Any two programs on one home, in any order and at any distance: one writes, the other joins it or is refused."""

import os
import random
import re
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.owner import read_owner
from tests.conftest import wait_until
from tests.flow.counting_device import CountingDevice
from tests.flow.programs import has_joined, program
from tests.flow.running import home_at, site_text

PAIRS = int(os.environ.get("PUMPWATCH_PAIRS", "100"))
REFUSED = re.compile(r"in use by the ([\w ]+) with process id (\d+), started 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d")
PROGRAMS = {
    "window": (),
    "collector": ("run", "--headless", "--site", "{site}"),
    "demo": ("demo", "--headless"),
    "pictures": ("screenshots", "--out", "{home}/pictures", "--after", "60", "--site", "{site}"),
}


class Program:
    """One program on the home."""

    def __init__(self, kind: str, home: Home, number: int) -> None:
        self.kind = kind
        self._said = home.path.parent / f"said-{number}"
        words = [word.format(site=home.site_file, home=home.path) for word in PROGRAMS[kind]]
        with self._said.open("wb") as said:
            self.process = program(*words, home=home, output=said)

    @property
    def said(self) -> str:
        return self._said.read_text("utf-8")

    @property
    def runs(self) -> bool:
        return self.process.poll() is None

    def end(self) -> int:
        """Ask it to end; its exit code, 0 also for a tool that SIGTERM ends as it ends any."""
        if self.runs:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        return 0 if (self.kind, code) == ("pictures", -signal.SIGTERM) else code


def outcome(one: Program, other: Program, home: Home) -> str:
    """What came of a program that does not have the home; "" while it is still open."""
    if one.runs:
        return "joined" if has_joined(one.process.pid, home) else ""
    if one.process.returncode == 0 and "already running in this home; its window comes to the front" in one.said:
        return "brought to the front"
    found = REFUSED.search(one.said)
    assert one.process.returncode == 2, one.said
    assert "Traceback" not in one.said, one.said
    assert found is not None, one.said
    assert int(found[2]) == other.process.pid, one.said
    return "refused"


def one_trial(home: Home, first: str, second: str, gap_s: float) -> str:
    """Start two programs; what came of the one that does not have the home."""
    (home.logs / "pumpwatch.log").unlink(missing_ok=True)
    programs = [Program(first, home, 1)]
    time.sleep(gap_s)
    programs.append(Program(second, home, 2))

    def settled() -> str:
        owner = read_owner(home.path)
        owners = [p for p in programs if owner is not None and p.process.pid == owner.pid and p.runs]
        if len(owners) != 1:
            return ""
        (other,) = (p for p in programs if p is not owners[0])
        return outcome(other, owners[0], home)

    try:
        wait_until(settled, within_s=60, what=f"one owner of {first} then {second} after {gap_s:.2f} s")
        found = settled()
        time.sleep(0.5)  # two that poll at once are seen within some scans
        running = [p for p in programs if p.runs]
        assert len(running) == 1 + (found == "joined")
    finally:
        codes = [(p.kind, p.end(), p.said) for p in reversed(programs)]
    assert all(code in (0, 2) and "Traceback" not in said for _, code, said in codes), codes
    assert sum(code == 2 for _, code, _ in codes) == (found == "refused"), codes
    return found


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_of_any_two_programs_one_writes_and_each_device_is_polled_once(tmp_path: Path) -> None:
    home = home_at(tmp_path / "home")
    draw = random.Random(int(os.environ.get("PUMPWATCH_SEED", "1")))
    table: Counter[tuple[str, str, str]] = Counter()
    with CountingDevice() as device:
        home.site_file.write_text(site_text(device.port, pumps=1, period_s=0.2), "utf-8")
        site = home.site_file.read_bytes()
        for _ in range(PAIRS):
            first, second = draw.choice(list(PROGRAMS)), draw.choice(list(PROGRAMS))
            gap_s = draw.choice([0.0, 0.0, draw.random() * 0.3, draw.random() * 3.0])
            table[first, second, one_trial(home, first, second, gap_s)] += 1
        polls, double = sum(p.count for p in device.pollings), device.double()
    print(f"\n{PAIRS} pairs, {polls} polls, {double} of connections polled at once")
    for (first, second, found), count in sorted(table.items()):
        print(f"{first:10} then {second:10} {found:22} {count}")
    assert polls > PAIRS
    assert double == 0
    assert home.site_file.read_bytes() == site
