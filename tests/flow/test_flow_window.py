"""The desktop program as a user starts it: a real window on a real screen of its own (Xvfb)."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

Wait = Callable[..., None]
pytestmark = pytest.mark.skipif(shutil.which("Xvfb") is None, reason="Xvfb is not installed")


def started(screen: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if k != "QT_QPA_PLATFORM"}
    return subprocess.Popen(
        [sys.executable, "-m", "pumpwatch_gui", *arguments], env={**environment, "DISPLAY": screen},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def log_of(home: Path) -> str:
    path = home / "logs" / "pumpwatch.log"
    return path.read_text("utf-8") if path.exists() else ""


def test_the_demo_opens_a_window_that_shows_live_values_and_closes_cleanly(screen: str, tmp_path: Path) -> None:
    summary = tmp_path / "summary.json"
    program = started(screen, "demo", "--home", str(tmp_path), "--for", "4", "--summary", str(summary))
    _, errors = program.communicate(timeout=60)
    assert program.returncode == 0, errors
    outcome = json.loads(summary.read_text())
    assert all(p["good"] >= 2 and p["bad"] == 0 for p in outcome["pumps"].values())
    assert outcome["readings_lost"] == 0
    assert "first live values" in log_of(tmp_path)


def test_a_second_start_in_the_same_home_raises_the_first_window_and_ends(
    screen: str, tmp_path: Path, wait_until: Wait
) -> None:
    first = started(screen, "demo", "--home", str(tmp_path))
    try:
        wait_until(lambda: "first page painted" in log_of(tmp_path), within_s=30)
        second = started(screen, "--home", str(tmp_path))
        said, _ = second.communicate(timeout=30)
        assert second.returncode == 0
        assert "already running" in said
    finally:
        before = time.monotonic()
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=30)
    assert first.returncode == 0
    assert time.monotonic() - before < 10


def test_an_unclean_end_is_reported_by_the_next_start(screen: str, tmp_path: Path, wait_until: Wait) -> None:
    first = started(screen, "demo", "--home", str(tmp_path))
    wait_until(lambda: "first live values" in log_of(tmp_path), within_s=30)
    first.kill()
    first.communicate()
    program = started(screen, "demo", "--home", str(tmp_path), "--for", "2")
    program.communicate(timeout=60)
    assert program.returncode == 0
    assert "ended without a clean stop" in log_of(tmp_path)


def test_a_database_of_a_newer_version_keeps_its_bytes_while_the_program_runs_and_says_so(
    screen: str, tmp_path: Path, wait_until: Wait
) -> None:
    database = tmp_path / "pumpwatch.db"
    from pumpwatch_gui.store.schema import APPLICATION_ID

    with apsw.Connection(str(database)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 999; CREATE TABLE t(x)")
    connection.close()
    before = database.read_bytes()
    program = started(screen, "demo", "--home", str(tmp_path))
    try:
        wait_until(lambda: "newer" in log_of(tmp_path), within_s=40)
        wait_until(lambda: "first live values" in log_of(tmp_path), within_s=40)
        program.send_signal(signal.SIGINT)
        program.communicate(timeout=40)
    finally:
        program.kill()
        program.communicate()
    assert program.returncode == 0
    assert database.read_bytes() == before
