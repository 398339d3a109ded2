"""NORMAL takes no byte in a row; whoever reads the status finds the words of before, also in a database of before."""

import os
import shutil
from pathlib import Path
from typing import Any

import apsw

from pumpwatch_gui.store.hot.opening import open_database
from pumpwatch_gui.store.hot.writer import Store
from pumpwatch_gui.store.salvage.due import side_of
from pumpwatch_gui.store.salvage.extract import extract
from pumpwatch_gui.store.schema import connect, upgrades
from pumpwatch_gui.store.upgrading import upgrade
from tests.store.conftest import counted_steps, frame_of, rows_of
from tests.store.rigs.plant import PUMPS, ROWS, copy, run_once, start_on, values_at

OLD = Path(__file__).parent.parent / "data" / "pumpwatch-v3.db"
READ = "SELECT * FROM sensor_readings_original ORDER BY id"
STATUS = "SELECT id, machine_status, uncertain_mask, bad_mask, seal_pressure_bar FROM sensor_readings ORDER BY id"


def test_a_database_of_version_3_reads_as_before_and_goes_on(tmp_path: Path) -> None:
    path = copy(OLD, tmp_path / "home" / "pumpwatch.db")
    before, before_status = rows_of(path, READ), rows_of(path, STATUS)
    assert {row[1] for row in before_status} == {"NORMAL", "ANOMALY"}
    store = Store(path, station=1, pumps=ROWS)
    for status, at_s in (("NORMAL", 500), ("ANOMALY", 501)):
        store.offer_frame(frame_of(values_at(1), at_s=at_s, pump_id=PUMPS[0]), status)
    run_once(store)
    after = rows_of(path, READ)
    assert after[:-2] == before
    assert [row[-1] for row in after[-2:]] == ["NORMAL", "ANOMALY"]
    assert rows_of(path, STATUS)[:-2] == before_status
    assert rows_of(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_reader_that_has_the_old_database_open_reads_on(tmp_path: Path) -> None:
    path = copy(OLD, tmp_path / "home" / "pumpwatch.db")
    reader = apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READONLY)
    before = reader.execute(STATUS).fetchall()
    open_database(path).connection.close()
    assert reader.execute(STATUS).fetchall() == before
    reader.close()


def test_a_view_that_the_owner_made_reads_on(tmp_path: Path) -> None:
    path = copy(OLD, tmp_path / "home" / "pumpwatch.db")
    connection = apsw.Connection(os.fspath(path))
    connection.execute("CREATE VIEW own AS SELECT machine_status, count(*) FROM sensor_readings GROUP BY 1").fetchall()
    connection.close()
    store = Store(path, station=1, pumps=ROWS)
    store.offer_frame(frame_of(values_at(1), at_s=500, pump_id=PUMPS[0]), "NORMAL")
    run_once(store)
    assert rows_of(path, "SELECT * FROM own") == [("ANOMALY", 20), ("NORMAL", 201)]


def steps_of_upgrade(path: Path) -> int:
    """Hundreds of instructions of SQLite that the newest upgrade takes."""
    connection = connect(path)
    with counted_steps(connection) as steps:
        upgrade(connection, path, upgrades())
    connection.close()
    return len(steps)


def test_the_upgrade_of_a_long_history_takes_no_more_than_that_of_a_short_one(tmp_path: Path) -> None:
    short, long = (copy(OLD, tmp_path / name / "pumpwatch.db") for name in ("short", "long"))
    connection = apsw.Connection(os.fspath(long))
    connection.execute(
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 20000) "
        "INSERT INTO sensor_readings (id, machine_status) SELECT i, 'NORMAL' FROM n"
    ).fetchall()
    connection.close()
    assert abs(steps_of_upgrade(long) - steps_of_upgrade(short)) <= 2


def test_a_damaged_database_of_version_3_is_salvaged_into_one_of_today(tmp_path: Path) -> None:
    before = rows_of(OLD, READ)
    path = copy(OLD, tmp_path / "home" / "pumpwatch.db")
    with path.open("r+b") as file:
        file.write(b"X")
    assert start_on(path).is_quarantined
    assert rows_of(path, READ)[: len(before)] == before
    lengths: Any = rows_of(path, "SELECT DISTINCT length(status_unless_normal) FROM sensor_readings ORDER BY 1")
    assert lengths == [(0,), (7,)]


def test_a_status_that_is_no_text_costs_only_its_row(tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.damaged-1.db"
    shutil.copy(OLD, path)
    with path.open("r+b") as file:
        file.seek(path.read_bytes().rindex(b"ANOMALY"))
        file.write(b"\xff")  # a byte that is in no UTF-8 text
    extract(path, side_of(path))
    assert rows_of(side_of(path), "SELECT count(*) FROM sensor_readings_v9") == [(len(rows_of(OLD, READ)) - 1,)]
