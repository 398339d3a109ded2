"""SQL over the whole history: the original's tables by their names, whatever is archived."""

from pathlib import Path
from typing import Any

import pytest

from pumpwatch_gui.cli import main
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.store.query.sql import query
from tests.store.conftest import START_NS
from tests.store.rigs.archiving import archive_all
from tests.store.test_archive_history import Model, write

ROWS = 6_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with 33 hours of a reading each 20 s, archived, and one of another pump."""
    home = tmp_path_factory.mktemp("home")
    rows = [("P-101", 200 * i, (float(i), None if i % 2 else 2.5), False, i / 100) for i in range(ROWS)]
    write(home / "pumpwatch.db", [*rows, ("P-102", 30, (-1.0, 1.0), True, None)], Model())
    archive_all(home / "pumpwatch.db")
    return home


def answer(home: Path, sql: str) -> list[Any]:
    return [tuple(row) for row in query(home / "pumpwatch.db", sql)][1:]


def test_every_reading_is_a_row_with_the_columns_of_the_original(home: Path) -> None:
    names, *rows = query(home / "pumpwatch.db", "SELECT * FROM sensor_readings WHERE pump_id = 'P-101' ORDER BY id")
    assert list(names)[:3] == ["id", "timestamp", "motor_rpm"]
    assert {"ambient_temperature_c", "machine_status", "speed", "heat", "anomaly_score"} <= set(names)
    own = [dict(zip(names, row, strict=True)) for row in rows]
    assert [row["speed"] for row in own] == list(range(ROWS))
    assert [(row["heat"], row["bad_mask"]) for row in own[:2]] == [(2.5, 0), (None, 2)]
    assert own[5]["anomaly_score"] == 0.05
    assert own[0]["timestamp"] == "2023-11-14T22:13:20.000+00:00"
    assert {row["machine_status"] for row in own} == {"NORMAL"}


def test_times_ids_and_pumps_find_their_rows(home: Path) -> None:
    assert answer(home, "SELECT count(*), sum(speed) FROM sensor_readings") == [(ROWS + 1, ROWS * (ROWS - 1) / 2 - 1)]
    sql = "SELECT count(*) FROM sensor_readings WHERE timestamp >= '2023-11-15' AND timestamp < '2023-11-16'"
    assert answer(home, sql) == [(4_320,)]
    assert answer(home, "SELECT count(*) FROM sensor_readings WHERE timestamp >= '2023-11'") == [(ROWS + 1,)]
    ((key,),) = answer(home, "SELECT id FROM sensor_readings WHERE pump_id = 'P-102' AND uncertain_mask = 2")
    assert answer(home, f"SELECT speed, pump_id FROM sensor_readings WHERE id = {key}") == [(-1.0, "P-102")]
    assert answer(home, f"SELECT count(*) FROM sensor_readings WHERE id > {key}") == [(ROWS - 1,)]
    joined = "SELECT d.score, r.speed FROM anomaly_detections AS d JOIN sensor_readings AS r ON r.id = d.reading_id"
    assert all(score == pytest.approx(speed / 100) for score, speed in answer(home, joined))


def test_the_command_prints_csv_and_writes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sql = f"SELECT count(*) AS n, min(time_ns) < {START_NS} AS early FROM journal"
    assert main(["--home", str(home), "query", sql]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "n,early"
    for sql in (
        "DELETE FROM history.journal",
        "SELECT nothing FROM sensor_readings",
        "SELECT",
        "DROP TABLE history.pumps",
    ):
        with pytest.raises(InputError):
            list(query(home / "pumpwatch.db", sql))
    assert main(["--home", str(home / "none"), "query", "SELECT 1"]) == 2
