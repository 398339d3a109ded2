"""Programs of their own on one home, without a screen."""

import os
import subprocess
import sys
from typing import IO

from pumpwatch_gui.files.home import Home


def program(*words: str, home: Home, output: int | IO[bytes] = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
    """Start `pumpwatch` with these words; both its streams go to `output`."""
    return subprocess.Popen(
        [sys.executable, "-m", "pumpwatch_gui", *words, "--home", str(home.path)], stdout=output, stderr=output,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip


def log_of(home: Home) -> str:
    """What the log says since the program that has the home was started last; "" before it has come up."""
    log = home.logs / "pumpwatch.log"
    _, mark, since = log.read_text("utf-8").rpartition("started with") if log.exists() else ("", "", "")
    return since if mark else ""


def has_joined(pid: int, home: Home) -> bool:
    """Whether the collector of the home has let in the window with this process id."""
    return f"window with process id {pid} has joined" in log_of(home)
