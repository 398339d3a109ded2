"""Counters are kept over restarts, whatever the clock does; what is derived is computed as it is read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import pytest

from pumpwatch_gui.domain.pump.counters import CounterRow, CounterTotals
from pumpwatch_gui.domain.pump.derived import DerivedQuantities
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS
from pumpwatch_gui.settings.profile_file import load_profile
from pumpwatch_gui.store.hot.opening import open_database
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.store.query import derived as reading
from pumpwatch_gui.store.query.history import History
from pumpwatch_gui.store.salvage.merge import adopt
from tests.store.conftest import START_NS, Running, frame_of, rows_of
from tests.store.rigs.plant import PUMPS, ROWS, copy, run_once

SECOND, HOUR = 10**9, 3600 * 10**9
OLD = Path(__file__).parent.parent / "data" / "pumpwatch-v4.db"
PROFILE = load_profile("centrifugal")
SOUND = [1480.0, 64.8, 4.2, 2.3, 1453.0, 1.8, 6.5, 28.4, 58.0, 24.6]
TAGS = ("head_m", "flow_rate_l_min", "efficiency_percent", "flow_ratio_percent", "vibration_zone")


def row_of(at_s: float, run_s: float, starts: int, *, pump_id: str = "P-101", is_set: bool = False) -> CounterRow:
    return CounterRow(pump_id, START_NS + round(at_s * 1e9), CounterTotals(run_s, starts, 2.0, 1.5), is_set)


def newest(path: Path, pump_id: str = "P-101", *, since_ns: int = 0) -> reading.Kept:
    return History(path).counters(pump_id, since_ns=since_ns)


def test_the_last_row_of_each_pump_is_what_it_stands_at(open_store: Callable[..., Running]) -> None:
    running = open_store(pumps=("P-101", "P-102"))
    for at_s, pump_id in ((0, "P-101"), (0, "P-102"), (60, "P-101")):
        running.store.offer_counters(row_of(at_s, 100.0 + at_s, 3, pump_id=pump_id))
    running.end()
    found = newest(running.path).newest
    assert found is not None
    assert (found.time_ns, found.totals) == (START_NS + 60 * SECOND, CounterTotals(160.0, 3, 2.0, 1.5))
    other = newest(running.path, "P-102").newest
    assert other is not None
    assert other.totals.run_s == 100.0
    assert newest(running.path, "P-103").newest is None


def test_a_clock_that_was_set_back_does_not_bring_back_what_a_counter_stood_at(
    open_store: Callable[..., Running], tmp_path: Path
) -> None:
    for at_s, run_s in ((86_400, 500.0), (0, 560.0), (60, 620.0)):  # a day back after the first; a restart each
        running = open_store()
        running.store.offer_counters(row_of(at_s, run_s, 3))
        running.end()
    found = newest(tmp_path / "pumpwatch.db").newest
    assert found is not None
    assert found.totals.run_s == 620.0


def test_a_renamed_pump_keeps_its_counters(open_store: Callable[..., Running]) -> None:
    running = open_store()
    running.store.offer_counters(row_of(0, 100.0, 3))
    running.store.set_pumps([PumpRow("P-201", "new", PROFILE)], {"P-101": "P-201"})
    running.store.offer_counters(row_of(60, 160.0, 3, pump_id="P-201"))
    running.end()
    found = newest(running.path, "P-201").newest
    assert found is not None
    assert found.totals.run_s == 160.0
    assert running.rows("SELECT count(DISTINCT id & 4095) FROM counters") == [(1,)]


def test_starts_of_late_are_those_that_were_counted_and_not_those_that_were_set(
    open_store: Callable[..., Running],
) -> None:
    running = open_store()
    for at_s, starts, is_set in ((0, 3, False), (10, 4, False), (20, 90, True), (30, 91, False), (40, 93, False)):
        running.store.offer_counters(row_of(at_s, 100.0, starts, is_set=is_set))
    running.end()
    at = [(at_ns - START_NS) // SECOND for at_ns in newest(running.path, since_ns=START_NS + 5 * SECOND).starts_ns]
    assert at == [10, 30, 40, 40]
    assert newest(running.path, since_ns=START_NS + 35 * SECOND).starts_ns == (START_NS + 40 * SECOND,) * 2


def test_a_database_of_version_4_takes_counters_and_keeps_its_readings(tmp_path: Path) -> None:
    path = copy(OLD, tmp_path / "home" / "pumpwatch.db")
    before = rows_of(path, "SELECT * FROM sensor_readings ORDER BY id")
    store = Store(path, station=1, pumps=ROWS)
    store.offer_counters(row_of(500, 7.0, 1, pump_id=PUMPS[1]))
    run_once(store)
    assert [
        row[:-1] for row in rows_of(path, "SELECT * FROM sensor_readings ORDER BY id")
    ] == before  # without the score
    found = newest(path, PUMPS[1]).newest
    assert found is not None
    assert found.totals.run_s == 7.0
    assert rows_of(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_new_database_beside_a_damaged_one_takes_up_its_counters(
    open_store: Callable[..., Running], tmp_path: Path
) -> None:
    running = open_store()
    running.store.offer_counters(row_of(0, 100.0, 3))
    running.end()
    target = open_database(tmp_path / "new.db").connection
    adopt(running.path, target)
    target.close()
    found = newest(tmp_path / "new.db").newest
    assert found is not None
    assert found.totals.run_s == 100.0


# ---------------------------------------------------------------- derived quantities of the past


def filled(running: Running, seconds: int) -> np.ndarray[Any, Any]:
    """Readings a second apart around the usual, some of them BAD or of a standing pump; what they are, NaN for BAD."""
    rng = np.random.default_rng(3)
    values = np.array(SOUND) * rng.uniform(0.9, 1.1, (seconds, 10))
    values[40:60, 5] = np.nan
    values[80:100, 0] = 0.0
    for second, row in enumerate(values):
        cells = [None if np.isnan(x) else float(x) for x in row]
        running.store.offer_frame(frame_of(cells, at_s=second), "NORMAL")
    return values


def test_few_readings_of_a_derived_tag_come_each_as_it_was(open_store: Callable[..., Running]) -> None:
    running = open_store()
    values = filled(running, 200)
    running.end()
    read = running.history.read("P-101", TAGS, start_ns=START_NS, end_ns=START_NS + HOUR, profile=PROFILE)
    derived = DerivedQuantities(PROFILE)
    expected = derived.evaluate(values)
    for column, tag in enumerate(TAGS):
        if tag in derived.instant_tags:
            np.testing.assert_allclose(read.mean[:, column], expected[:, derived.instant_tags.index(tag)])
    np.testing.assert_allclose(read.mean[:, 1], values[:, 4])
    assert np.isnan(read.mean[40:60, 0]).all()
    assert np.isnan(read.mean[80:100, 2]).all()
    assert np.isfinite(read.mean[:40]).all()


@pytest.mark.parametrize("exact", [100_000, 900])
def test_many_readings_come_in_the_buckets_of_the_sensors(
    open_store: Callable[..., Running], monkeypatch: pytest.MonkeyPatch, exact: int
) -> None:
    monkeypatch.setattr(reading, "EXACT_ROWS", exact)
    running = open_store()
    values = filled(running, 1_000)
    running.end()
    start_ns, end_ns, history = START_NS, START_NS + HOUR, running.history
    read = history.read("P-101", TAGS, start_ns=start_ns, end_ns=end_ns, points=50, profile=PROFILE)
    alone = history.read("P-101", ["flow_rate_l_min"], start_ns=start_ns, end_ns=end_ns, points=50)
    np.testing.assert_array_equal(read.time_s, alone.time_s)
    np.testing.assert_array_equal(read.high[:, 1], alone.high[:, 0])
    head = DerivedQuantities(PROFILE).evaluate(values)[:, 1].reshape(50, 20)
    good = np.isfinite(head).all(axis=1)
    np.testing.assert_allclose(read.mean[good, 0], head[good].mean(axis=1), rtol=1e-6 if exact > 1_000 else 0.02)
    if exact > 1_000:
        np.testing.assert_allclose(read.low[good, 0], head[good].min(axis=1))
        np.testing.assert_allclose(read.high[good, 0], head[good].max(axis=1))
    assert np.isnan(read.mean[2, 0])  # 40 to 59 s: no suction pressure


def test_a_counter_is_read_as_it_stood_to_the_minute(open_store: Callable[..., Running]) -> None:
    running = open_store()
    filled(running, 200)
    for at_s, run_s, starts, is_set in ((60, 3600.0, 3, False), (120, 3660.0, 4, False), (180, 0.0, 0, True)):
        running.store.offer_counters(row_of(at_s, run_s, starts, is_set=is_set))
    running.end()
    tags = ("run_hours", "starts", "starts_per_hour", "head_m")
    read = running.history.read("P-101", tags, start_ns=START_NS, end_ns=START_NS + HOUR, profile=PROFILE).mean
    assert np.isnan(read[:60, :3]).all()
    assert read[60].tolist()[:3] == [1.0, 3.0, 0.0]
    assert read[130].tolist()[:3] == [3660 / 3600, 4.0, 1.0]
    assert read[190].tolist()[:3] == [0.0, 0.0, 1.0]


def test_derived_tags_make_no_column_and_the_profile_that_is_kept_is_that_of_the_sensors(
    open_store: Callable[..., Running], tmp_path: Path
) -> None:
    store = Store(tmp_path / "own.db", station=1, pumps=[PumpRow("P-101", "one", PROFILE)])
    run_once(store)
    connection = apsw.Connection(str(tmp_path / "own.db"))
    names = {str(row[1]) for row in connection.execute("PRAGMA table_info(sensor_readings)")}
    text = str(connection.execute("SELECT profile FROM pumps").get)
    connection.close()
    assert not names & {sensor.tag for sensor in PROFILE.derived}
    assert names >= set(STANDARD_TAGS)
    assert json.loads(text)["tags"] == list(PROFILE.tags)
