"""Growth is measured while the station runs, and outlives a restart."""

import os
from math import inf, isnan
from pathlib import Path

import apsw
import pytest

from pumpwatch_gui.bench.rigs.plant_rows import PlantRows
from pumpwatch_gui.store.hot.growth import Growth, GrowthMeter, Sample, measured
from pumpwatch_gui.store.hot.opening import open_database
from pumpwatch_gui.store.hot.writer import Store
from pumpwatch_gui.store.query.outlook import outlook
from tests.store.conftest import START_NS
from tests.store.rigs.plant import run_once


def test_a_stop_of_the_program_is_no_time_in_which_nothing_grew() -> None:
    samples = [Sample(0, 0, 0), Sample(600, 6_000, 60), Sample(90_000, 6_000, 60), Sample(90_600, 12_000, 120)]
    found = measured(samples)
    assert found.per_reading == pytest.approx(100)
    assert found.per_day == pytest.approx(10 * 86_400)
    assert found.days_left(864_000 * 5) == pytest.approx(5)


def test_too_little_is_not_known_and_no_growth_lasts_for_ever() -> None:
    assert isnan(measured([]).per_day)
    assert isnan(measured([Sample(0, 0, 0), Sample(59, 10, 1)]).days_left(10**9))
    assert Growth(0.0, 0.0).days_left(1) == inf
    still = measured([Sample(0, 5, 7), Sample(600, 5, 7)])
    assert (still.per_day, isnan(still.per_reading)) == (0, True)


def test_a_reading_in_order_takes_fifty_bytes_and_this_is_measured_across_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pumpwatch_gui.store.hot.upkeep.GROWTH_EVERY_S", inf)
    path = tmp_path / "pumpwatch.db"
    plant = PlantRows()
    for run in range(2):
        store = Store(path, station=1, pumps=plant.pumps)
        for second in range(100):
            for frame, _ in plant.at(second, START_NS + (run * 100 + second) * 10**9):
                store.offer_frame(frame, "NORMAL")
        run_once(store)
        connection = open_database(path).connection
        meter = GrowthMeter()
        meter.take_up(connection, 0)
        meter.look(connection, 2e9 + 700 * run, 5_000 * run)
        connection.close()
    found = outlook(path)
    assert 40 < found.growth.per_reading <= 50
    assert found.days_left == pytest.approx(found.free_bytes / found.growth.per_day)


def test_samples_that_cannot_be_read_are_begun_afresh(tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    connection = open_database(path).connection
    connection.execute("INSERT INTO meta VALUES ('growth', 'no JSON')").fetchall()
    meter = GrowthMeter()
    meter.take_up(connection, 0)
    meter.look(connection, 1e9, 1)
    meter.look(connection, 0.5e9, 2)  # the clock was set back
    meter.look(connection, 0.5e9 + 120, 3)
    assert meter.growth.per_day == 0
    connection.close()
    assert not isnan(outlook(path).free_bytes)


def test_a_history_on_the_disk_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    before = os.umask(0o022)
    try:
        store = Store(path, station=1, pumps=[])
        run_once(store)
        connection = apsw.Connection(os.fspath(path))
        connection.execute("INSERT INTO meta VALUES ('x', 'y')").fetchall()
        modes = {p.name: p.stat().st_mode & 0o777 for p in tmp_path.iterdir() if p.is_file()}
        connection.close()
    finally:
        os.umask(before)
    assert set(modes) >= {"pumpwatch.db", "pumpwatch.db-wal", "pumpwatch.db.reserve"}
    assert set(modes.values()) == {0o600}
