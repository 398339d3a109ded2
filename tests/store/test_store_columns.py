"""A sensor that comes later gets its column whatever its name, at once however long the history is."""

import os
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpwatch_gui.store.hot.opening import open_database
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.store.query.history import History
from pumpwatch_gui.store.reading_rows import add_sensors
from pumpwatch_gui.store.schema import add_columns, columns, quoted, transaction
from tests.store.conftest import START_NS, counted_steps, frame_of, profile_of, rows_of
from tests.store.rigs.archiving import archive_all
from tests.store.rigs.plant import run_once

READINGS = "sensor_readings"


def store_once(path: Path, tags: tuple[str, ...], at_s: float) -> None:
    store = Store(path, station=1, pumps=[PumpRow("P-101", "", profile_of(*tags))])
    store.offer_frame(frame_of([at_s] * len(tags), at_s=at_s), "NORMAL")
    run_once(store)
    assert store.view().committed == 1


def steps_of_a_column(path: Path, rows: int) -> int:
    """Hundreds of instructions of SQLite that a further column takes when there are so many readings."""
    connection = open_database(path).connection
    connection.execute(
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT ?) "
        "INSERT INTO reading_rows (id) SELECT i FROM n",
        (rows,),
    ).fetchall()
    with counted_steps(connection) as steps, transaction(connection):
        add_sensors(connection, ["later"], {})
    connection.close()
    return len(steps)


def test_a_column_takes_no_more_on_a_long_history_than_on_a_short_one(tmp_path: Path) -> None:
    assert abs(steps_of_a_column(tmp_path / "long.db", 20_000) - steps_of_a_column(tmp_path / "short.db", 10)) <= 2


def test_readings_of_before_have_no_value_in_a_later_column_and_all_readers_see_it(tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    store_once(path, ("motor_rpm",), 1.0)
    reader = apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READONLY)
    assert len(reader.execute("SELECT * FROM sensor_readings").fetchall()) == 1
    store_once(path, ("motor_rpm", "seal_bar", "größe"), 2.0)
    sql = "SELECT motor_rpm, seal_bar, größe, machine_status FROM sensor_readings ORDER BY id"
    expected = [(1.0, None, None, "NORMAL"), (2.0, 2.0, 2.0, "NORMAL")]
    assert reader.execute(sql).fetchall() == expected == rows_of(path, sql)
    reader.close()
    assert rows_of(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_tag_with_a_capital_beyond_a_to_z_is_read_from_rows_and_archive(tmp_path: Path) -> None:
    path, tags = tmp_path / "pumpwatch.db", ("Motor_RPM", "Öldruck")
    store_once(path, tags, 3.0)

    def read() -> list[list[float]]:
        profile = profile_of(*tags)
        end_ns = START_NS + 10 * 10**9
        (part,) = History(path).readings_of("P-101", tags, start_ns=START_NS, end_ns=end_ns, profile=profile)
        values: list[list[float]] = part.values.tolist()
        return values

    assert read() == [[3.0, 3.0]]
    store_once(path, tags, 3000.0)
    archive_all(path, piece_ms=1_000, kept_ms=0)
    assert len(rows_of(path, "SELECT id FROM sensor_readings")) == 1
    assert read() == [[3.0, 3.0]]


@pytest.mark.parametrize("names", [["motor_RPM"], ["a", "A"], [f"t{i}" for i in range(2_000)], ["x\0y"]])
def test_a_column_that_sqlite_would_not_take_leaves_the_table_as_it_was(tmp_path: Path, names: list[str]) -> None:
    connection = open_database(tmp_path / "pumpwatch.db").connection
    before = columns(connection, READINGS)
    with pytest.raises(apsw.SQLError), transaction(connection):
        add_sensors(connection, names, {})
    assert columns(connection, READINGS) == before
    connection.execute("INSERT INTO reading_rows (id) VALUES (1)").fetchall()
    connection.close()


def add_and_use(connection: apsw.Connection) -> None:
    add_sensors(connection, ["later"], {})
    connection.execute('INSERT INTO reading_rows (id, "later*1000") VALUES (1, 2000)').fetchall()


def test_a_column_that_is_rolled_back_is_gone_and_can_come_again(tmp_path: Path) -> None:
    connection = open_database(tmp_path / "pumpwatch.db").connection
    before = columns(connection, READINGS)
    for begin, rollback in (("BEGIN", "ROLLBACK"), ("BEGIN; SAVEPOINT pump", "ROLLBACK TO pump; RELEASE pump; COMMIT")):
        connection.execute(begin).fetchall()
        add_and_use(connection)
        connection.execute(rollback).fetchall()
        assert columns(connection, READINGS) == before
        with pytest.raises(apsw.SQLError):
            connection.execute("SELECT later FROM sensor_readings").fetchall()
    with transaction(connection):
        add_and_use(connection)
    assert connection.execute("SELECT later, machine_status FROM sensor_readings").fetchall() == [(2.0, "NORMAL")]
    connection.close()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1), min_size=1, max_size=4,
                unique_by=lambda name: name.encode().lower()))  # fmt: skip
def test_a_column_of_any_name_can_be_written_and_read(names: list[str]) -> None:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE readings (first INTEGER PRIMARY KEY, [a)b] REAL) STRICT").fetchall()
    names = [f"{name}." for name in names]
    with transaction(connection):
        add_columns(connection, "readings", names)
    assert columns(connection, "readings") == ["first", "a)b", *names]
    listed = ", ".join(map(quoted, names))
    sql = f"INSERT INTO readings ({listed}) VALUES ({', '.join('?' * len(names))})"
    connection.execute(sql, [1.5] * len(names)).fetchall()
    assert connection.execute(f"SELECT {listed} FROM readings").fetchall() == [(1.5,) * len(names)]
    connection.close()
