"""The owner of a home: only one at a time, known by name, also while it starts."""

import json
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

from pumpwatch_gui.files.owner import LOCK_FILE, HomeLock, Owner, _locked, is_held, read_owner, with_door
from tests.conftest import wait_until


def ended_process() -> int:
    """The id of a process that is no more."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def write_owner(home: Path, owner: Owner) -> None:
    (home / LOCK_FILE).write_text(json.dumps(asdict(owner)), "utf-8")


def test_a_look_at_a_home_keeps_nobody_out_and_leaves_no_trace(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    assert read_owner(tmp_path) is None
    looking = _locked(tmp_path / LOCK_FILE)
    assert looking is not None
    write_owner(tmp_path, Owner(ended_process(), "collector", 1.0))  # killed: what it wrote is still there
    threading.Timer(0.2, looking.close).start()
    lock = HomeLock(tmp_path, "window")
    assert lock.holder is None
    assert is_held(tmp_path)
    assert read_owner(tmp_path) == lock.owner
    lock.release()
    assert read_owner(tmp_path) is None


def test_one_that_has_just_started_is_named_and_not_the_one_that_was_killed_before(tmp_path: Path) -> None:
    write_owner(tmp_path, Owner(ended_process(), "collector", 1.0))
    starting = _locked(tmp_path / LOCK_FILE)
    assert starting is not None
    other = Owner(1, "window", time.time())
    threading.Timer(0.2, write_owner, (tmp_path, other)).start()
    assert HomeLock(tmp_path, "collector").holder == other
    starting.close()


def test_a_collector_is_awaited_until_its_door_is_open(tmp_path: Path) -> None:
    lock = HomeLock(tmp_path, "collector")
    threading.Timer(0.2, lock.open_door, ("there", "key")).start()
    assert with_door(tmp_path, lock.owner, 10.0).door == "there"
    wait_until(lambda: lock.owner.door)
    lock.release()
    assert with_door(tmp_path, Owner(1, "window", 1.0), 10.0).door == ""
