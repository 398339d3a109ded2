"""A database that cannot be opened at the start: the store is built, says why, and begins by itself when it can."""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import apsw
import pytest

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.events import AlarmChanged
from pumpwatch_gui.store.hot import writer
from pumpwatch_gui.store.schema import connect
from tests.store.conftest import START_NS, Running, frame_of

Open = Callable[..., Running]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pumpwatch_gui.store.schema.BUSY_MS", 50)
    monkeypatch.setattr(writer, "RETRY_S", (0.05,))


def begun_late(store: Running, wait_until: Callable[..., None], *, expected: str, end: Callable[[], object]) -> None:
    """A store that cannot open at first: it says why, keeps what comes, and writes it all when the trouble ends."""
    store.start()
    for second in range(20):
        store.store.offer_frame(frame_of([float(second)], at_s=second), "NORMAL")
    wait_until(lambda: store.troubles, what="the trouble")
    assert expected in store.troubles[0].text
    assert expected in store.store.view().error
    assert store.store.view().depth == 20
    end()
    wait_until(lambda: store.store.view().committed == 20, what="the rows stored")
    wait_until(lambda: len(store.troubles) == 2)
    assert not store.troubles[1].started
    store.end()
    assert store.rows("SELECT count(*) FROM sensor_readings") == [(20,)]
    assert store.store.view().error == ""


def test_a_database_locked_by_another_program(open_store: Open, wait_until: Any) -> None:
    before = open_store("motor_rpm")
    before.end()
    other = apsw.Connection(str(before.path))
    other.execute("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").fetchall()
    store = open_store("motor_rpm")
    begun_late(store, wait_until, expected="held by another program", end=other.close)


def test_a_newer_database_until_it_is_moved_away(open_store: Open, wait_until: Any) -> None:
    before = open_store("motor_rpm")
    before.end()
    path = before.path
    newer = apsw.Connection(str(path))
    newer.execute("PRAGMA user_version = 99").fetchall()
    newer.close()
    content = path.read_bytes()
    aside = path.with_name("newer.db")
    begun_late(open_store("motor_rpm"), wait_until, expected="newer PumpWatch", end=lambda: path.rename(aside))
    assert aside.read_bytes() == content


def test_a_foreign_database_until_it_is_moved_away(open_store: Open, wait_until: Any, tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    theirs = apsw.Connection(str(path))
    theirs.execute("CREATE TABLE theirs (x)").fetchall()
    theirs.close()
    store = open_store("motor_rpm")
    begun_late(store, wait_until, expected="another program", end=lambda: path.rename(tmp_path / "theirs.db"))


def test_a_folder_in_its_place(open_store: Open, wait_until: Any, tmp_path: Path) -> None:
    (tmp_path / "pumpwatch.db").mkdir()
    begun_late(open_store("motor_rpm"), wait_until, expected="is not a file", end=(tmp_path / "pumpwatch.db").rmdir)


def test_a_disk_that_is_full_at_the_start(open_store: Open, wait_until: Any) -> None:
    is_full = True

    def full(path: Path) -> apsw.Connection:
        connection = connect(path)
        if is_full:
            connection.execute("PRAGMA max_page_count = 1").fetchall()
        return connection

    def freed() -> None:
        nonlocal is_full
        is_full = False

    begun_late(open_store("motor_rpm", connect=full), wait_until, expected="is full", end=freed)


@pytest.mark.skipif(not hasattr(os, "seteuid") or os.geteuid() != 0, reason="needs root to give rights up")
def test_a_file_without_permission(open_store: Open, wait_until: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    is_denied = True

    def denied(path: Path) -> apsw.Connection:
        if is_denied:
            raise apsw.CantOpenError("unable to open database file")
        return connect(path)

    def granted() -> None:
        nonlocal is_denied
        is_denied = False

    begun_late(open_store("motor_rpm", connect=denied), wait_until, expected="not permitted", end=granted)


def alarm(name: str, state: AlarmState) -> AlarmChanged:
    one = Alarm(f"P-101/{name}", "P-101", "t", Priority.HIGH, "t high", state, 1.0, 2.0, "", START_NS, START_NS)
    return AlarmChanged(START_NS, one)


def test_the_open_alarms_of_the_run_before_are_handed_on_when_they_can_be_read(
    open_store: Open, wait_until: Callable[..., None]
) -> None:
    before = open_store("motor_rpm")
    before.store.offer_event(alarm("t.high", AlarmState.UNACKNOWLEDGED))
    before.end()
    other = apsw.Connection(str(before.path))
    other.execute("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").fetchall()
    late: list[Sequence[Alarm]] = []
    store = open_store("motor_rpm", on_open_alarms=late.append)
    assert store.store.open_alarms == ()
    store.start()
    wait_until(lambda: store.troubles)
    assert late == []
    other.close()
    wait_until(lambda: late)
    store.end()
    assert [[a.alarm_id for a in alarms] for alarms in late] == [["P-101/t.high"]]


@pytest.mark.parametrize("offset", [0, 15, 16, 18, 19, 20, 21, 22, 23, 59, 60, 61, 62, 63, 68, 69, 70, 71])
def test_a_broken_byte_of_the_header_is_put_aside_and_all_comes_back(
    open_store: Open, wait_until: Callable[..., None], offset: int
) -> None:
    before = open_store("motor_rpm")
    for second in range(100):
        before.store.offer_frame(frame_of([float(second)], at_s=second), "NORMAL")
    before.end()
    with before.path.open("r+b") as file:
        file.seek(offset)
        (byte,) = file.read(1)
        file.seek(offset)
        file.write(bytes([byte ^ 0xFF]))
    store = open_store("motor_rpm")
    store.start()
    wait_until(lambda: not list(before.path.parent.glob("*.salvage")), what="the salvage")
    store.end()
    assert len(list(before.path.parent.glob("*.damaged-*.db"))) == 1
    assert store.rows("SELECT count(*), sum(motor_rpm) FROM sensor_readings") == [(100, 4950.0)]


def test_a_file_shorter_than_its_header_says_is_checked_though_it_ended_cleanly(
    open_store: Open, wait_until: Callable[..., None]
) -> None:
    before = open_store("motor_rpm")
    for second in range(5_000):
        before.store.offer_frame(frame_of([float(second)], at_s=second), "NORMAL")
    before.end()
    os.truncate(before.path, before.path.stat().st_size - 777)
    shutil.copy(before.path, before.path.with_name("cut"))
    store = open_store("motor_rpm")
    store.start()
    wait_until(lambda: list(before.path.parent.glob("*.damaged-*.db")), what="the damage found")
    wait_until(lambda: not list(before.path.parent.glob("*.salvage")), what="the salvage")
    store.end()
    ((count,),) = store.rows("SELECT count(*) FROM sensor_readings")
    assert count >= 4_800
