"""Rows of the last hours: whole steps where a value is that many, itself where it is not, the same to all readers."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.store.reading_rows import (
    cell_of_score,
    cells_of_values,
    shown_column,
    stored_column,
    value_of_cell,
)
from pumpwatch_gui.store.schema import quoted
from tests.store.conftest import counted_steps, frame_of, rows_of
from tests.store.rigs.archiving import archive_all
from tests.store.rigs.plant import PUMPS, ROWS, TAGS, copy, detection, fill, run_once, start_on, values_at

OLD = Path(__file__).parent.parent / "data" / "pumpwatch-v9.db"
READ = f"SELECT id, {', '.join(TAGS)}, machine_status, uncertain_mask, bad_mask FROM sensor_readings ORDER BY id"
SCORES = "SELECT id, score FROM anomaly_scores ORDER BY id"


def back(values: Sequence[float | None], steps: int) -> list[float | None]:
    """What SQLite gives of values that were stored in a column of so many steps."""
    connection = apsw.Connection(":memory:")
    stored = quoted(f"x*{steps}")
    connection.execute(f"CREATE TABLE t ({stored} ANY) STRICT").fetchall()
    column = np.array([np.nan if v is None else v for v in values])[:, np.newaxis]
    connection.executemany("INSERT INTO t VALUES (?)", cells_of_values(column, np.array([float(steps)])))
    found: Any = connection.execute(f"SELECT {value_of_cell(stored, steps)} FROM t").fetchall()
    connection.close()
    return [value for (value,) in found]


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False)), min_size=1), st.sampled_from([1, 10, 1000, 10**6]))
def test_any_value_comes_back_as_it_was(values: list[float | None], steps: int) -> None:
    assert back(values, steps) == values


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1), st.sampled_from([1, 10, 1000, 10**6]))
def test_multiples_are_whole_numbers_and_come_back_however_they_were_computed(numbers: list[int], steps: int) -> None:
    exact = [n / steps for n in numbers]
    assert cells_of_values(np.array(exact), np.full(len(exact), float(steps))) == numbers
    assert back(exact, steps) == exact
    near = [n * (1 / steps) for n in numbers]
    assert back(near, steps) == near


def test_numbers_of_32_bits_that_are_no_multiples_come_back_bit_by_bit() -> None:
    values = np.random.default_rng(1).normal(50, 9, 1_000).astype(np.float32).astype(np.float64).tolist()
    assert back(values, 100) == values


@pytest.mark.parametrize(
    ("resolution", "column"),
    [(1.0, "x*10"), (0.1, "x*100"), (0.25, "x*100"), (5.0, "x*10"), (0.001, "x*10000"), (1e-9, "x*1000000"),
     (None, "x*1000")],
)  # fmt: skip
def test_a_column_has_one_decimal_more_than_the_resolution(resolution: float | None, column: str) -> None:
    assert stored_column("x", resolution) == column
    assert shown_column(f"a*{column}") == (f"a*{column}".rpartition("*")[0], int(column[2:]))


@pytest.mark.parametrize("column", ["x", "x*", "x*20", "x*0", "x*-10", "x*10 "])
def test_a_column_without_steps_is_refused(column: str) -> None:
    with pytest.raises(ValueError, match="no steps"):
        shown_column(column)


@given(st.floats(0, 1e6))
def test_a_score_is_kept_to_a_hundredth(score: float) -> None:
    cell = cell_of_score(score)
    assert isinstance(cell, int)
    assert cell / 100 == pytest.approx(score, abs=0.0051)


def test_a_reading_of_ten_sensors_with_its_score_takes_less_than_50_bytes(tmp_path: Path) -> None:
    path, count = tmp_path / "pumpwatch.db", 20_000
    parts = np.array([1, 10, 100, 100, 1, 100, 100, 10, 10, 10])
    sensors = tuple(Sensor(t, t, "", (-1e6, 1e6), resolution=1 / n) for t, n in zip(TAGS, parts.tolist(), strict=False))
    store = Store(path, station=1, pumps=[PumpRow("P-101", "", PumpProfile("test", sensors))], capacity=count)
    random = np.random.default_rng(1)
    middle = np.array([1480.0, 69.0, 4.25, 2.58, 1440.0, 1.77, 6.46, 27.1, 58.1, 23.8])
    for second in range(count):
        values = np.round(middle * random.normal(1, 0.01, 10) * parts) / parts
        store.offer_frame(frame_of(values.tolist(), at_s=second), "NORMAL")
    run_once(store)
    ((size,),) = rows_of(path, "SELECT sum(pgsize) FROM dbstat WHERE name = 'reading_rows'")
    assert size / count < 50
    assert rows_of(path, "SELECT count(*) FROM sensor_readings") == [(count,)]


def test_a_score_is_in_the_row_of_its_reading_whichever_commit_it_comes_with(tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    store = Store(path, station=1, pumps=ROWS)
    for second in (1, 2):
        store.offer_frame(frame_of(values_at(second), at_s=second, pump_id=PUMPS[0]), "NORMAL")
    store.offer_detection(detection(PUMPS[0], 1, 0.42, 1))
    run_once(store)
    store = Store(path, station=1, pumps=ROWS)
    store.offer_detection(detection(PUMPS[0], 2, 2.5, 1))
    store.offer_detection(detection(PUMPS[0], 3, 0.125, 1))  # its reading was lost
    run_once(store)
    assert rows_of(path, "SELECT score FROM reading_rows ORDER BY id") == [(42,), (250,)]
    assert rows_of(path, "SELECT score FROM scores_apart") == [(0.125,)]
    assert [score for _, score in rows_of(path, SCORES)] == [0.42, 2.5, 0.125]
    assert rows_of(path, "SELECT score FROM anomaly_detections ORDER BY id") == [(0.42,), (2.5,), (0.125,)]


def test_a_database_of_version_9_reads_as_before_goes_on_and_leaves_its_tables(tmp_path: Path) -> None:
    path = copy(OLD, tmp_path / "home" / "pumpwatch.db")
    before, scores = rows_of(path, READ), rows_of(path, SCORES)
    detections = rows_of(path, "SELECT * FROM anomaly_detections ORDER BY id")
    assert len(before) == 220
    store = Store(path, station=1, pumps=ROWS)
    store.offer_frame(frame_of(values_at(1), at_s=500, pump_id=PUMPS[0]), "NORMAL")
    store.offer_detection(detection(PUMPS[0], 500, 0.5, 1))
    run_once(store)
    after = rows_of(path, READ)
    assert after[:-1] == before
    assert list(after[-1][1 : 1 + len(TAGS)]) == values_at(1)
    assert rows_of(path, SCORES) == [*scores, (after[-1][0], 0.5)]
    assert rows_of(path, "SELECT * FROM anomaly_detections ORDER BY id")[: len(detections)] == detections
    assert rows_of(path, "PRAGMA integrity_check") == [("ok",)]
    history = Store(path, station=1, pumps=ROWS)
    history.offer_frame(frame_of(values_at(2), at_s=40_000, pump_id=PUMPS[0]), "NORMAL")
    run_once(history)
    archive_all(path, kept_ms=0)
    assert rows_of(path, "SELECT count(*) FROM sensor_readings_v9") == [(0,)]
    assert rows_of(path, "SELECT count(*) FROM scores_apart") == [(0,)]
    assert rows_of(path, "SELECT count(*) FROM reading_rows") == [(1,)]


def test_a_damaged_database_of_version_9_is_salvaged_into_one_of_today(tmp_path: Path) -> None:
    before, scores = rows_of(OLD, READ), rows_of(OLD, SCORES)
    path = copy(OLD, tmp_path / "home" / "pumpwatch.db")
    with path.open("r+b") as file:
        file.write(b"X")
    assert start_on(path).is_quarantined
    assert rows_of(path, READ)[: len(before)] == before
    assert rows_of(path, SCORES) == scores


def test_readings_are_salvaged_into_a_column_of_other_steps(tmp_path: Path) -> None:
    path = tmp_path / "home" / "pumpwatch.db"
    path.parent.mkdir()
    fill(path, 500)
    before = rows_of(path, READ)
    with path.open("r+b") as file:
        file.write(b"X")
    fresh = path.with_name("other.db")
    coarse = tuple(Sensor(t, t, "", (-1e6, 1e6), resolution=1.0) for t in TAGS)
    run_once(Store(fresh, station=1, pumps=[PumpRow(p, p, PumpProfile("test", coarse)) for p in PUMPS]))
    damaged = path.rename(path.with_name("pumpwatch.damaged-20260101T000000000000Z.db"))
    damaged.with_name(damaged.name + ".salvage").touch()
    fresh.rename(path)
    start_on(path)
    assert {name for (name,) in rows_of(path, "SELECT name FROM pragma_table_info('reading_rows')")} >= {
        "seal_pressure_bar*10"
    }
    assert rows_of(path, READ)[: len(before)] == before


def test_all_rows_are_found_by_id_without_a_look_at_others(tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    fill(path, 3_000)
    connection = apsw.Connection(os.fspath(path))
    ids: Any = connection.execute("SELECT id FROM sensor_readings ORDER BY id").fetchall()
    for sql in (
        "SELECT * FROM sensor_readings WHERE id = ?",
        "SELECT * FROM sensor_readings WHERE id >= ? ORDER BY id LIMIT 1",
        "SELECT * FROM sensor_readings WHERE id <= ? ORDER BY id DESC LIMIT 1",
        "SELECT * FROM anomaly_scores WHERE id <= ? ORDER BY id DESC LIMIT 1",
    ):
        with counted_steps(connection) as steps:
            assert len(connection.execute(sql, ids[1_500]).fetchall()) == 1
        assert len(steps) <= 3, sql
    connection.close()
