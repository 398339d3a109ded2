"""Whatever lies at the path of the database, the store opens it, refuses it or puts it aside, and says so."""

import os
import shutil
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest

from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.domain.events import Note, OrderDone, StoreTrouble
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.store.hot.opening import open_database
from pumpwatch_gui.store.hot.writer import Store
from pumpwatch_gui.store.query.audit_check import verify_audit
from pumpwatch_gui.store.query.history import History
from pumpwatch_gui.store.schema import APPLICATION_ID, connect, upgrades

START_NS = 1_700_000_000_000_000_000


def filled(open_store: Any, frame_of: Any, *, rows: int) -> Path:
    """A database of two pumps that came to a clean end."""
    store = open_store(pumps=("P-101", "P-102"))
    for i in range(rows):
        store.store.offer_frame(frame_of([i + 0.5] * 10, at_s=i // 2, pump_id=f"P-{101 + i % 2}"), "NORMAL")
    store.store.offer_event(OrderDone(START_NS, "", "record", True, "first note", "asha"))
    store.end()
    return store.path  # type: ignore[no-any-return]


def asides(path: Path) -> list[Path]:
    return sorted(path.parent.glob("pumpwatch.damaged-*.db"))


def test_a_fresh_database_names_its_owner_and_version(open_store: Any) -> None:
    store = open_store()
    head = store.path.read_bytes()[:100]
    assert struct.unpack(">i", head[68:72]) == (APPLICATION_ID,)
    assert struct.unpack(">i", head[60:64]) == (max(upgrades()),)
    store.end()
    assert store.rows("PRAGMA journal_mode") == [("wal",)]
    assert store.troubles == []


def test_every_commit_is_asked_to_reach_the_disk(tmp_path: Path) -> None:
    connection = connect(tmp_path / "x.db")
    assert connection.execute("PRAGMA synchronous").get == 2
    connection.close()


def test_the_upgrades_are_numbered_without_a_hole() -> None:
    assert list(upgrades()) == list(range(1, len(upgrades()) + 1))


def test_an_upgrade_that_fails_leaves_the_old_version_whole(tmp_path: Path) -> None:
    from pumpwatch_gui.store.upgrading import upgrade

    path = tmp_path / "x.db"
    connection = connect(path)
    steps = {1: "CREATE TABLE a (x); INSERT INTO a VALUES (1)"}
    upgrade(connection, path, steps)
    with pytest.raises(apsw.SQLError):
        upgrade(connection, path, steps | {2: "ALTER TABLE a ADD COLUMN y; DROP TABLE nowhere"})
    assert connection.execute("PRAGMA user_version").get == 1
    assert connection.execute("SELECT * FROM a").fetchall() == [(1,)]
    upgrade(connection, path, steps | {2: "ALTER TABLE a ADD COLUMN y"})
    assert connection.execute("PRAGMA user_version").get == 2
    assert connection.execute("SELECT * FROM a").fetchall() == [(1, None)]
    connection.close()


def refused(path: Path) -> StoreTrouble:
    """What a store says of a file that it must not touch, started on it and ended; the file is as it was."""
    before = path.read_bytes() if path.is_file() else b""
    troubles: list[StoreTrouble] = []
    store = Store(path, station=1, pumps=[], on_trouble=troubles.append)
    store.offer_event(Note(START_NS, "waits in memory"))
    stop = threading.Event()
    stop.set()
    store.run(stop)
    assert (path.read_bytes() if path.is_file() else b"") == before
    assert not list(path.parent.glob("*-wal"))
    assert not asides(path)
    assert store.view().lost_events == 1
    (trouble,) = troubles
    assert trouble.started
    assert "Nothing can be stored" in trouble.text
    return trouble


def test_a_newer_database_is_refused_and_left_untouched(open_store: Any, frame_of: Any) -> None:
    path = filled(open_store, frame_of, rows=10)
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA user_version = 9999").fetchall()
    connection.close()
    assert "newer PumpWatch (database version 9999" in refused(path).text


def test_a_newer_version_that_stands_only_in_the_log_is_refused_too(open_store: Any, tmp_path: Path) -> None:
    store = open_store()
    store.end()
    connection = apsw.Connection(str(store.path))
    connection.execute("PRAGMA user_version = 9999").fetchall()
    twin = tmp_path / "twin" / "pumpwatch.db"  # as a crash would leave it: nothing checkpointed
    twin.parent.mkdir()
    for ending in ("", "-wal"):
        shutil.copy(f"{store.path}{ending}", f"{twin}{ending}")
    connection.close()
    with pytest.raises(StoreError, match="newer PumpWatch"):
        open_database(twin)


def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE theirs (x)").fetchall()
    connection.close()
    assert "another program" in refused(path).text


def test_a_database_marked_by_another_program_is_not_even_opened(tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA application_id = 1234; CREATE TABLE theirs (x)").fetchall()
    connection.close()
    assert "another program" in refused(path).text


def test_a_folder_in_the_place_of_the_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pumpwatch.db").mkdir()
    assert "is not a file" in refused(tmp_path / "pumpwatch.db").text


def test_an_empty_file_becomes_a_new_history_and_this_is_told(open_store: Any, frame_of: Any, tmp_path: Path) -> None:
    (tmp_path / "pumpwatch.db").touch()
    store = open_store("motor_rpm")
    store.store.offer_frame(frame_of([1.0]), "NORMAL")
    store.end()
    assert store.store.view().committed == 1
    assert [t.started for t in store.troubles] == [True, False]
    assert "empty (0 bytes)" in store.troubles[0].text


def test_a_start_broken_off_before_the_first_table_is_taken_up(tmp_path: Path, open_store: Any) -> None:
    connect(tmp_path / "pumpwatch.db").close()  # WAL is set, nothing else is there yet
    store = open_store()
    store.end()
    assert store.troubles == []
    assert store.rows("SELECT count(*) FROM pumps") == [(1,)]


@pytest.mark.parametrize("content", [b"not a database at all\n" * 50, bytes(8192), b"SQLite format 3\0"])
def test_a_file_of_rubbish_is_put_aside_byte_for_byte(open_store: Any, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pumpwatch.db"
    path.write_bytes(content)
    store = open_store()
    store.end()
    assert [p.read_bytes() for p in asides(path)] == [content]
    assert [t.started for t in store.troubles] == [True, False]
    assert asides(path)[0].name in store.troubles[0].text
    assert store.rows("SELECT pump_id FROM pumps") == [("P-101",)]


def test_a_truncated_database_is_put_aside_and_what_can_be_read_is_saved(
    open_store: Any, frame_of: Any, wait_until: Callable[..., None]
) -> None:
    path = filled(open_store, frame_of, rows=4_000)
    size = path.stat().st_size
    os.truncate(path, size * 7 // 10)
    store = open_store(pumps=("P-102", "P-103"))
    store.start()
    store.store.offer_frame(frame_of([9.0] * 10, at_s=10**6, pump_id="P-103"), "NORMAL")
    wait_until(lambda: any("were saved" in r.text for r in store.history.journal(JournalQuery())), what="the salvage")
    store.end()
    assert len(asides(path)) == 1
    assert store.store.view().committed == 1
    # Pump numbers live in the ids: they must have been saved before the new pump got one.
    assert store.rows("SELECT * FROM (SELECT pump_number, pump_id FROM pumps)") == [
        (1, "P-101"),
        (2, "P-102"),
        (3, "P-103"),
    ]
    assert store.rows("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("table", ["pumps", "layouts", "open_alarms"])
def test_a_small_table_that_cannot_be_read_does_not_end_every_start(
    open_store: Any, frame_of: Any, wait_until: Callable[..., None], table: str
) -> None:
    path = filled(open_store, frame_of, rows=200)
    connection = apsw.Connection(str(path))
    root = int(connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).get)
    connection.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)
    store = open_store(pumps=("P-102",))
    store.start()
    store.store.offer_frame(frame_of([9.0] * 10, at_s=10**6, pump_id="P-102"), "NORMAL")
    wait_until(lambda: store.store.view().committed == 1)
    store.end()
    assert len(asides(path)) == 1
    assert "was damaged" in store.troubles[0].text


def test_an_open_alarm_that_cannot_be_read_costs_only_itself(open_store: Any) -> None:
    store = open_store()
    store.end()
    store.rows("INSERT INTO open_alarms VALUES ('P-101/a', 'no JSON'), ('P-101/b', '{}'), ('P-101/c', '[]')")
    again = open_store()
    again.end()
    assert again.history.open_alarms() == []
    assert again.troubles == []


def test_a_broken_page_is_found_after_an_unclean_end_and_costs_only_its_own_rows(
    open_store: Any, frame_of: Any, wait_until: Callable[..., None]
) -> None:
    path = filled(open_store, frame_of, rows=6_000)
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE meta SET value = '1' WHERE key = 'writing'").fetchall()  # as a power cut leaves it
    connection.close()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 4096 // 2 * 4096)
        file.write(b"\xff" * 4096)
    store = open_store(pumps=("P-101",))
    store.start()
    store.store.offer_frame(frame_of([9.0] * 10, at_s=7_000), "NORMAL")
    wait_until(lambda: len(store.troubles) == 2, what="the damage")
    store.store.offer_frame(frame_of([9.0] * 10, at_s=7_001), "NORMAL")
    wait_until(lambda: any("were saved" in r.text for r in store.history.journal(JournalQuery())), what="the salvage")
    store.end()
    assert len(asides(path)) == 1
    assert "was damaged" in store.troubles[0].text
    assert (store.store.view().committed, store.store.view().lost) == (2, 0)
    ((saved, new),) = store.rows("SELECT sum(motor_rpm <> 9.0), sum(motor_rpm = 9.0) FROM sensor_readings")
    assert 6_000 - 3 * 60 < saved < 6_000
    assert new == 2
    assert store.rows("SELECT text FROM audit_log") == [("first note",)]
    assert verify_audit(store.path).broken_id is None
    assert store.rows("PRAGMA integrity_check") == [("ok",)]


def test_a_clean_end_is_marked_and_needs_no_check(open_store: Any) -> None:
    store = open_store()
    assert open_flag(store) == "1"
    store.end()
    assert open_flag(store) == "0"


def open_flag(store: Any) -> str:
    return str(store.rows("SELECT value FROM meta WHERE key = 'writing'")[0][0])


@contextmanager
def nobody() -> Iterator[None]:
    """Give up root's rights for a while: no permission would bind it."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="POSIX permissions")
def test_a_read_only_folder_is_told_with_advice() -> None:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    try:
        with nobody():
            text = refused(folder / "pumpwatch.db").text
        assert "missing, read-only or not permitted" in text
        assert "permissions" in text
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_database_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        History(tmp_path / "none.db").open_alarms()
    assert not (tmp_path / "none.db").exists()


def test_a_store_that_is_never_run_can_be_closed(tmp_path: Path) -> None:
    store = Store(tmp_path / "pumpwatch.db", station=1, pumps=[])
    store.offer_event(Note(START_NS, "unheard"))
    store.close()
    stop = threading.Event()
    stop.set()
    store.run(stop)
    assert store.view().lost_others == 0
    assert [r.text for r in History(store.path).journal(JournalQuery())] == ["unheard"]


def steps_to_open(path: Path) -> int:
    """How many instructions SQLite takes for a start and an end."""
    steps = 0

    def counting(at: Path) -> apsw.Connection:
        connection = connect(at)

        def count() -> bool:
            nonlocal steps
            steps += 1
            return False

        connection.set_progress_handler(count, 1)
        return connection

    Store(path, station=1, pumps=[], connect=counting).close()
    return steps


def test_a_start_takes_as_many_steps_with_many_rows_as_with_few(open_store: Any, frame_of: Any) -> None:
    path = filled(open_store, frame_of, rows=100)
    few = steps_to_open(path)
    store = open_store(pumps=("P-101", "P-102"))
    for i in range(20_000):
        store.store.offer_frame(frame_of([i + 0.5] * 10, at_s=1000 + i), "NORMAL")
        if i % 10 == 0:
            store.store.offer_event(OrderDone(START_NS, "", "record", True, f"note {i}", "asha"))
    store.end()
    assert steps_to_open(path) <= few * 1.1
