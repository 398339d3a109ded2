"""Committed means: in the file that bears the name. A file that is deleted, moved or replaced is noticed at once."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pumpwatch_gui.domain.events import Note
from pumpwatch_gui.store.ids import time_ns
from tests.store.conftest import START_NS, Running

Lose = Callable[[Path], None]


def delete(path: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        Path(f"{path}{ending}").unlink()


def rename_home(path: Path) -> None:
    path.parent.rename(path.parent.with_name("renamed"))


def replace(path: Path) -> None:
    twin = path.with_name("twin")
    shutil.copy(path, twin)
    os.replace(twin, path)  # noqa: PTH105


def running(open_store: Any, frame_of: Any, wait_until: Callable[..., None], folder: Path) -> Running:
    folder.mkdir()
    store: Running = open_store("motor_rpm", path=folder / "pumpwatch.db")
    store.start()
    store.store.offer_frame(frame_of([1.0]), "NORMAL")
    wait_until(lambda: store.store.view().committed == 1)
    return store


@pytest.mark.parametrize("lose", [delete, rename_home, lambda path: path.unlink(), replace])
def test_a_lost_file_is_reported_and_what_was_not_sure_goes_into_a_new_one(
    open_store: Any, frame_of: Any, wait_until: Callable[..., None], tmp_path: Path, lose: Lose
) -> None:
    store = running(open_store, frame_of, wait_until, tmp_path / "home")
    lose(store.path)
    wait_until(lambda: store.troubles, within_s=2.0, what="the loss reported")
    assert store.troubles[0].started
    assert "deleted or moved away" in store.troubles[0].text or "replaced" in store.troubles[0].text
    assert "(the readings that this run had stored, 1, are only in the old one)" in store.troubles[0].text
    for second in range(1, 50):
        store.store.offer_frame(frame_of([float(second)], at_s=second), "NORMAL")
    wait_until(lambda: store.store.view().committed == 50)
    store.end()
    written = store.rows("SELECT motor_rpm FROM sensor_readings WHERE motor_rpm > 1")
    assert [value for (value,) in written] == [float(second) for second in range(2, 50)]
    assert store.store.view().lost == 0
    assert not store.troubles[-1].started
    assert store.rows("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("lose", [delete, rename_home])
def test_a_commit_into_a_file_that_is_gone_is_made_again(
    open_store: Any, frame_of: Any, wait_until: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    lose: Lose,
) -> None:  # fmt: skip
    store = running(open_store, frame_of, wait_until, tmp_path / "home")
    database = store.store._database
    check, is_lost = database.check_name, False

    def lose_before_the_check() -> None:
        nonlocal is_lost
        if not is_lost and store.store._items:  # a commit has just been made
            is_lost = True
            lose(store.path)
        check()

    monkeypatch.setattr(database, "check_name", lose_before_the_check)
    store.store.offer_frame(frame_of([2.0], at_s=2), "NORMAL")
    store.store.offer_event(Note(START_NS, "with it"))
    wait_until(lambda: store.store.view().committed == 2)
    store.end()
    assert is_lost
    assert store.rows("SELECT motor_rpm FROM sensor_readings") == [(2.0,)]
    assert ("with it",) in store.rows("SELECT text FROM journal")


def test_a_log_that_is_deleted_under_the_program_costs_nothing(
    open_store: Any, frame_of: Any, wait_until: Callable[..., None], tmp_path: Path
) -> None:
    store = running(open_store, frame_of, wait_until, tmp_path / "home")
    Path(f"{store.path}-wal").unlink()
    wait_until(lambda: store.troubles, within_s=2.0, what="the loss reported")
    assert "the log pumpwatch.db-wal" in store.troubles[0].text.lower()
    store.store.offer_frame(frame_of([2.0], at_s=2), "NORMAL")
    wait_until(lambda: store.store.view().committed == 2)
    store.end()
    keys = store.rows("SELECT id, motor_rpm FROM sensor_readings")
    assert [((time_ns(key) - START_NS) // 10**9, value) for key, value in keys] == [(0, 1.0), (2, 2.0)]
