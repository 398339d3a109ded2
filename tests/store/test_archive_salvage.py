"""What is archived outlives a damaged file as the rows do, and a database of before is archived as it is."""

import shutil
from pathlib import Path

import apsw
import numpy as np
import pytest

from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.store.query.history import History
from pumpwatch_gui.store.salvage.due import side_of
from pumpwatch_gui.store.salvage.extract import extract
from tests.store.conftest import START_NS, frame_of, profile_of, rows_of
from tests.store.rigs.archiving import archive_all
from tests.store.rigs.plant import run_once
from tests.store.test_store_salvage import merged

OLD = Path(__file__).parent.parent / "data" / "pumpwatch-v6.db"
PROFILE = profile_of("speed", "heat")
ROWS_A_DAY = 4320
ROWS = 3 * ROWS_A_DAY
SIGNS = {"P-1": 1.0, "P-2": -1.0}
SPAN = {"start_ns": START_NS, "end_ns": START_NS + 4 * 86_400 * 10**9}


def rows(*pump_ids: str) -> list[PumpRow]:
    return [PumpRow(pump_id, pump_id, PROFILE) for pump_id in pump_ids]


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days of two pumps, archived."""
    path = tmp_path_factory.mktemp("archived") / "pumpwatch.db"
    store = Store(path, station=1, pumps=rows("P-1", "P-2"), capacity=10**6)
    noise = np.round(np.random.default_rng(1).normal(0, 1e4, ROWS), 1).tolist()
    for row in range(ROWS):
        for pump_id, sign in SIGNS.items():
            values: list[float | None] = [float(row), sign * noise[row]]
            store.offer_frame(frame_of(values, at_s=20 * row, pump_id=pump_id), "NORMAL")
    run_once(store)
    archive_all(path)
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()
    return path


def test_chunks_and_rollups_are_salvaged_and_stay_with_their_pump(archived: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "pumpwatch.damaged-1.db"
    shutil.copy(archived, damaged)
    with damaged.open("r+b") as file:
        file.write(b"X" * 4096)
    path = tmp_path / "pumpwatch.db"
    Store(path, station=1, pumps=rows("P-2", "P-1")).close()  # with the numbers exchanged
    extract(damaged, side_of(damaged))
    target = apsw.Connection(str(path))
    merged(damaged, target)
    target.close()
    found = {pump_id: History(path).recording(pump_id, PROFILE, **SPAN).values for pump_id in SIGNS}
    assert found["P-1"][:, 0].tolist() == found["P-2"][:, 0].tolist() == list(range(ROWS))
    assert found["P-1"][:, 1].tolist() == (-found["P-2"][:, 1]).tolist()
    sql = "SELECT count(*) FROM archive_rollups"
    assert rows_of(path, sql) == rows_of(archived, sql)
    archive_all(path)
    assert History(path).recording("P-1", PROFILE, **SPAN).values[:, 0].tolist() == list(range(ROWS))


def test_a_page_of_the_archive_that_is_broken_costs_its_chunk(archived: Path, tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    shutil.copy(archived, path)
    sql = "SELECT pageno FROM dbstat WHERE name = 'archive_chunks' AND pagetype = 'overflow' LIMIT 1"
    ((page,),) = rows_of(path, sql)
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096 + 2_000)
        file.write(b"\xff" * 100)
    start_ns, end_ns, tags = SPAN["start_ns"], SPAN["end_ns"], ("speed", "heat")
    whole = [History(path).read(p, tags, points=100_000, start_ns=start_ns, end_ns=end_ns) for p in SIGNS]
    lost = sum(int(np.isnan(series.mean).sum()) for series in whole)
    gone = 2 * 2 * ROWS - sum(series.mean.size for series in whole)
    assert 0 < lost + gone <= 2 * ROWS_A_DAY, "one column of a day, or all of it without its times"


def test_a_database_of_before_is_archived_without_a_loss(tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    shutil.copy(OLD, path)
    before = rows_of(path, "SELECT * FROM anomaly_detections ORDER BY id")
    ((first, last),) = rows_of(path, "SELECT min(id >> 12), max(id >> 12) FROM sensor_readings")
    pumps = [pump_id for (pump_id,) in rows_of(path, "SELECT pump_id FROM pumps ORDER BY pump_number")]
    profile = profile_of("bearing_temperature_c", "seal_pressure_bar")
    span = {"start_ns": (first + 1_577_836_800_000) * 10**6, "end_ns": (last + 1 + 1_577_836_800_000) * 10**6}
    assert not rows_of(path, "SELECT 1 FROM sqlite_schema WHERE name = 'archive_chunks'")
    was = rows_of(path, "SELECT id, bearing_temperature_c FROM sensor_readings ORDER BY id")
    Store(path, station=1, pumps=[]).close()
    archive_all(path, piece_ms=10_000, kept_ms=0)
    assert rows_of(path, "SELECT count(*) FROM sensor_readings")[0][0] < len(was) - 100
    assert rows_of(path, "SELECT * FROM anomaly_detections ORDER BY id") == before
    found = []
    for number, pump_id in enumerate(pumps, 1):
        read = History(path).recording(pump_id, profile, **span)
        ms = np.rint(read.time_s * 1e3).astype(int) - 1_577_836_800_000
        found += list(zip((ms << 12 | number).tolist(), read.values[:, 0].tolist(), strict=True))
    expected = [(key, np.nan if value is None else value) for key, value in was]
    np.testing.assert_allclose(sorted(found), expected, atol=0.05, rtol=0)
