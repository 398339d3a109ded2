"""A case, and how it is played: by the program as a user starts it, or by the tests that show it."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TAGS = ("motor_rpm", "bearing_temperature_c", "oil_pressure_bar", "vibration_mm_s", "flow_rate_l_min")
ALL = (*TAGS, "suction_pressure_bar", "discharge_pressure_bar", "motor_current_a", "casing_temperature_c",
       "ambient_temperature_c")  # fmt: skip


@dataclass(frozen=True)
class Case:
    """`play` gets a folder of its own and gives what comes of it, and whether that is right."""

    number: str
    was: str
    play: Callable[[Path], tuple[str, bool]]


def pumpwatch(folder: Path, *arguments: str, within_s: float = 240.0) -> "subprocess.CompletedProcess[str]":
    """The program, with a home in the folder."""
    command = (sys.executable, "-m", "pumpwatch_gui", "--home", str(folder / "home"), *arguments)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=within_s, check=False)


def wide_profile(folder: Path) -> str:
    """The ten tags with spans wide enough for any register."""
    path = folder / "wide.toml"
    rows = "".join(
        f'[[sensor]]\ntag = "{t}"\nlabel = "{t}"\nunit = ""\nspan = [0.0, 70000.0]\nresolution = 1.0\n' for t in ALL
    )
    path.write_text(f'name = "wide"\n{rows}', "utf-8")
    return path.name


def shown_by(*tests: str) -> Callable[[Path], tuple[str, bool]]:
    """A case that tests show: they are run."""

    def play(_: Path) -> tuple[str, bool]:
        command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", *tests)
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"}
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, check=False)
        return f"{len(tests)} test(s): {tests[0].partition('::')[2]}", found.returncode == 0

    return play
