"""SIGTERM and Ctrl-C end a run cleanly at whatever moment they come, with a window and without."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flow.running import simulated, site_text

ENDS_WITHIN_S = 60
"""Far more than an end takes: what never ends is what this looks for."""
EARLIEST_S = 0.25
"""Before that Python itself starts: its own handlers end it, and nothing has been opened yet."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with simulated(3) as port:
        path = tmp_path_factory.mktemp("signals") / "site.toml"
        path.write_text(site_text(port, pumps=3, model="centrifugal"), "utf-8")
        yield path


def ended_cleanly(site: Path, home: Path, display: str, number: signal.Signals, after_s: float) -> str:
    """Start, signal after so long, and wait: "" for a clean end, else what was wrong."""
    environment = {k: v for k, v in os.environ.items() if k != "QT_QPA_PLATFORM"} | {"DISPLAY": display}
    arguments = ["run", "--site", str(site), "--home", str(home), *([] if display else ["--headless"])]
    process = subprocess.Popen(
        [sys.executable, "-m", "pumpwatch_gui", *arguments],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(after_s)
    process.send_signal(number)
    try:
        _, errors = process.communicate(timeout=ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return f"{number.name} after {after_s:.3f} s: it went on for ever"
    if process.returncode != 0:
        return f"{number.name} after {after_s:.3f} s: exit code {process.returncode}: {errors[-300:]}"
    if (home / "running").exists():
        return f"{number.name} after {after_s:.3f} s: it left the mark of an unclean end"
    return ""


def random_ends(site: Path, folder: Path, display: str, count: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    found = []
    for i in range(count):
        number = chance.choice((signal.SIGTERM, signal.SIGTERM, signal.SIGINT))
        after_s = chance.uniform(EARLIEST_S, 10.0) if count > 5 else chance.uniform(EARLIEST_S, 2.0)
        found.append(ended_cleanly(site, folder / str(i), display, number, after_s))
    return [text for text in found if text]


def test_a_signal_at_a_random_moment_ends_the_collector_cleanly(site: Path, tmp_path: Path) -> None:
    assert random_ends(site, tmp_path, "", 4, seed=1) == []


def test_a_signal_at_a_random_moment_ends_the_window_cleanly(site: Path, tmp_path: Path, screen: str) -> None:
    assert random_ends(site, tmp_path, screen, 4, seed=2) == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_150_signals_within_the_first_ten_seconds_end_the_window_cleanly(
    site: Path, tmp_path: Path, screen: str
) -> None:
    assert random_ends(site, tmp_path, screen, 150, seed=3) == []
